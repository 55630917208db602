/* SPDX-License-Identifier: MIT
 * The configuration over its life: reloads are all or nothing, and secrets leave no copies. Where
 * memory is searched the program runs itself again: TEST_CONF_CHILD says that it is the child. */
#include "daemon/confsrc.h"
#include "tests/lib/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANARY_LEN 24u
#define PAD_LEN    40u /* what free() and its like may overwrite */

static char why[512];
static struct conf conf, next;
static struct conf_list fixed;

/* ---------------------------------------------------------------- helpers */

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "we");
    assert_non_null(f);
    assert_int_equal(chmod(name, 0600), 0);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

#define load(...) load_args((char *[]){"sigd", "-c", "sigd.conf", __VA_ARGS__, NULL})

static bool load_args(char **args)
{
    static char copies[16][64]; /* they must stay, and may be written */
    static char *argv[16];
    struct conf_args a;
    bool usage;
    int argc = 0;
    for (; args[argc]; argc++) {
        snprintf(copies[argc], sizeof(copies[argc]), "%s", args[argc]);
        argv[argc] = copies[argc];
    }
    argv[argc] = NULL;
    return conf_load(&conf, &a, argc, argv, why, sizeof(why), &usage);
}

static bool reload(void)
{
    return conf_reload(&next, &fixed, why, sizeof(why));
}

static int in_new_directory(void **state)
{
    char *dir = *state = strdup("/tmp/test_conf.XXXXXX");
    return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
    static const char *const files[] = {"sigd.conf", ".env", "secret", "later"};
    conf_free();
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        unlink(files[i]);
    }
    int failed = chdir("/") + rmdir(*state);
    free(*state);
    return failed;
}

/* ---------------------------------------------------------------- reload */

static void lists_have_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONF_ROWS; i++) {
        if (conf_rows[i].type == CONF_LIST) {
            assert_in_range(conf_rows[i].high, 1, CONF_LIST_MAX);
        }
    }
}

static void places_of_a_list(void **state)
{
    (void)state;
    write_file("sigd.conf", "rights = a send\n\n# more\nrights = b list\nnode = n\n");
    assert_true(load("--health-host", "h"));
    assert_int_equal(conf.rights.n, 2);
    assert_string_equal(conf.rights.v[1], "b list");
    assert_string_equal(conf_where_nth("rights", 0), "sigd.conf:1");
    assert_string_equal(conf_where_nth("rights", 1), "sigd.conf:4");
    assert_string_equal(conf_where("health-host"), "--health-host");
    assert_string_equal(conf_where("audit"), "audit");
}

static void reload_changes_what_it_may(void **state)
{
    (void)state;
    write_file("sigd.conf",
               "max-errors = 5\nrights = a send\nnode = first\nlisten = 127.0.0.1:1\n");
    assert_true(load(NULL));
    write_file("sigd.conf", "max-errors = 6\nnode = second\nmax-clients = 7\n\nrights = b list\n");
    assert_true(reload());
    assert_int_equal(next.max_errors, 6);
    assert_string_equal(next.rights.v[0], "b list");
    assert_string_equal(conf_where("rights"), "sigd.conf:5");
    assert_string_equal(next.node, "first");
    assert_int_equal(next.max_clients, 1000);
    assert_int_equal(next.listen.n, 1);
    assert_string_equal(next.listen.v[0], "127.0.0.1:1");
    assert_int_equal(fixed.n, 3);
    assert_string_equal(fixed.v[0], "listen");
    assert_string_equal(fixed.v[1], "node");
    assert_string_equal(fixed.v[2], "max-clients");
    /* both readings live until one of them is chosen */
    assert_string_equal(conf.rights.v[0], "a send");
    conf_commit();
    assert_string_equal(next.rights.v[0], "b list");
    assert_string_equal(next.node, "first");
    assert_true(reload());
    assert_int_equal(fixed.n, 3);
}

static void abort_keeps_the_old(void **state)
{
    (void)state;
    write_file("sigd.conf", "jwt-issuer = old\n");
    assert_true(load(NULL));
    write_file("sigd.conf", "\njwt-issuer = new\n");
    assert_true(reload());
    assert_string_equal(conf_where("jwt-issuer"), "sigd.conf:2");
    conf_abort();
    assert_string_equal(conf.jwt_issuer, "old");
    assert_string_equal(conf_where("jwt-issuer"), "sigd.conf:1");
}

static void reload_is_all_or_nothing(void **state)
{
    static const char *const bad[][2] = {
        {"max-errors = 9\nmax-error = 9\n", "unknown option"},
        {"max-errors = 9\nmax-depth = 61\n", "out of range"},
        {"max-errors = 9\nmax-clients = 0\n", "out of range"}, /* even where a restart is needed */
        {"max-errors = 9\ncrl = c\n", "crl needs client-ca"},
        {"max-errors = 9\njwt-secret = s\njwt-secret-file = secret\n", "jwt-secret too"},
        {"max-errors = 9\njwt-secret-file = missing\n", "No such file"},
        {"max-errors = 9\nbyte-burst = 2K\n", "less than max-message"},
    };
    (void)state;
    write_file("sigd.conf", "max-errors = 5\njwt-issuer = old\n");
    assert_true(load(NULL));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(&next, 0, sizeof(next));
        next.max_errors = -1;
        fixed.n = 77;
        write_file("sigd.conf", bad[i][0]);
        assert_false(reload());
        assert_non_null(strstr(why, bad[i][1]));
        assert_int_equal(next.max_errors, -1);
        assert_int_equal(fixed.n, 77);
        assert_string_equal(conf.jwt_issuer, "old");
        assert_string_equal(conf_where("jwt-issuer"), "sigd.conf:2");
    }
    unlink("sigd.conf");
    assert_false(reload());
    assert_string_equal(why, "sigd.conf: No such file or directory");
}

static void flags_and_environment_still_win(void **state)
{
    (void)state;
    write_file("sigd.conf", "max-errors = 5\nmax-depth = 6\nmax-members = 7\n");
    setenv("SIGD_MAX_DEPTH", "16", 1);
    setenv("JWT_SECRET", "from-the-environment", 1);
    bool ok = load("--max-errors", "15", "--jwt-issuer=me");
    setenv("SIGD_MAX_DEPTH", "26", 1);
    setenv("SIGD_MAX_MEMBERS", "27", 1);
    write_file("sigd.conf", "max-errors = 8\nmax-depth = 8\nmax-members = 8\njwt-secret = x\n");
    ok = ok && reload();
    unsetenv("SIGD_MAX_DEPTH");
    unsetenv("SIGD_MAX_MEMBERS");
    assert_true(ok);
    conf_commit();
    assert_int_equal(next.max_errors, 15);
    assert_int_equal(next.max_depth, 16);
    assert_int_equal(next.max_members, 8);
    assert_string_equal(next.jwt_issuer, "me");
    assert_string_equal(next.jwt_secret, "from-the-environment");
}

static void a_dotenv_that_has_gone_is_an_error(void **state)
{
    (void)state;
    write_file("sigd.conf", "");
    write_file(".env", "JWT_SECRET=door\n");
    assert_true(load(NULL));
    unlink(".env");
    assert_false(reload());
    assert_string_equal(why, ".env: No such file or directory");
    write_file(".env", "JWT_SECRET=other\n");
    assert_true(reload());
    assert_string_equal(next.jwt_secret, "other");
}

static void a_pipe_is_read_once(void **state)
{
    (void)state;
    write_file("sigd.conf", "");
    write_file("secret", "s\n");
    assert_true(load("--jwt-secret-file", "secret"));
    assert_string_equal(conf.jwt_secret, "s");
    unlink("secret");
    assert_int_equal(mkfifo("secret", 0600), 0);
    assert_false(reload()); /* nobody writes: it would wait for ever */
    assert_non_null(strstr(why, "not a regular file"));
}

static void a_thousand_reloads(void **state)
{
    static const char *const texts[] = {
        "jwt-secret = one\nrights = a b\nrights = c d\nnode = x\n",
        "jwt-secret-file = secret\nrights = e\nlisten = 127.0.0.1:1\n",
        "max-depth = 61\njwt-secret = three\n",
    };
    unsigned committed = 0;
    (void)state;
    write_file("secret", "two");
    write_file("sigd.conf", texts[0]);
    assert_true(load("--jwt-audience", "all"));
    for (unsigned i = 0; i < 1000; i++) {
        write_file("sigd.conf", texts[i % 3]);
        assert_int_equal(reload(), i % 3 != 2);
        if (i % 3 == 2) {
            continue;
        }
        assert_string_equal(next.jwt_secret, i % 3 ? "two" : "one");
        assert_int_equal(next.rights.n, i % 3 ? 1 : 2);
        if (i % 5 == 0) {
            conf_abort();
            continue;
        }
        conf_commit();
        committed++;
        assert_string_equal(next.jwt_audience, "all");
        assert_string_equal(next.node, "x");
        assert_int_equal(next.listen.n, 0);
    }
    assert_in_range(committed, 500, 600);
}

/* ---------------------------------------------------------------- secrets */

static void secrets_in_open_files_have_their_place(void **state)
{
    static const struct {
        mode_t conf, env;
        const char *conf_text, *env_text, *flag, *where;
    } row[] = {
        {0600, 0600, "jwt-secret = s\n", "", "-p1", NULL},
        {0400, 0600, "jwt-secret = s\n", "", "-p1", NULL},
        {0644, 0644, "node = n\n", "PORT=1\n", "-p1", NULL},
        {0604, 0600, "\njwt-secret = s\n", "", "-p1", "sigd.conf:2"},
        {0602, 0600, "jwt-secret = s\n", "", "-p1", "sigd.conf:1"},
        {0620, 0600, "jwt-secret = s\n", "", "-p1", "sigd.conf:1"},
        {0666, 0600, "jwt-secret = s\n", "", "--jwt-secret=t", NULL},
        {0600, 0644, "jwt-secret = s\n", "PORT=1\nJWT_SECRET=t\n", "-p1", ".env:2"},
        {0644, 0600, "jwt-secret = s\n", "JWT_SECRET=t\n", "-p1", NULL},
        {0644, 0644, "jwt-secret = s\n", "SIGD_JWT_SECRET=t\n", "-p1", ".env:1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char flag[32];
        snprintf(flag, sizeof(flag), "%s", row[i].flag);
        unlink("sigd.conf"); /* one that only root could write again */
        unlink(".env");
        write_file("sigd.conf", row[i].conf_text);
        write_file(".env", row[i].env_text);
        chmod("sigd.conf", row[i].conf);
        chmod(".env", row[i].env);
        assert_true(load(flag));
        for (int again = 0; again < 2; again++) {
            const char *got = conf_exposed();
            if ((got || row[i].where) && (!got || !row[i].where || strcmp(got, row[i].where))) {
                fail_msg("row %zu: %s, not %s", i, got, row[i].where);
            }
            assert_true(reload());
        }
    }
    unlink(".env");
}

static void a_reload_looks_at_modes_again(void **state)
{
    (void)state;
    write_file("sigd.conf", "jwt-secret = s\n");
    assert_true(load(NULL));
    assert_null(conf_exposed());
    chmod("sigd.conf", 0644);
    assert_true(reload());
    assert_string_equal(conf_exposed(), "sigd.conf:1");
    conf_abort();
    assert_null(conf_exposed());
    assert_true(reload());
    conf_commit();
    assert_string_equal(conf_exposed(), "sigd.conf:1");
    write_file("sigd.conf", "jwt-secret = s\n");
    assert_true(reload());
    conf_commit();
    assert_null(conf_exposed());
}

/* A secret is made of its number only where it is needed: the program holds no copy of its own. */
static char canary_at(unsigned which, size_t i)
{
    return (char)('a' + (which * 7 + i * i * 5 + i * 3) % 26);
}

static const char *canary(unsigned which)
{
    static char text[PAD_LEN + CANARY_LEN + 1];
    memset(text, '-', PAD_LEN);
    for (size_t i = 0; i < CANARY_LEN; i++) {
        text[PAD_LEN + i] = canary_at(which, i);
    }
    return text;
}

static bool is_canary(unsigned which, const char *p)
{
    for (size_t i = 0; i < CANARY_LEN; i++) {
        if (p[i] != canary_at(which, i)) {
            return false;
        }
    }
    return true;
}

static unsigned count_in(unsigned which, const char *p, size_t n)
{
    unsigned found = 0;
    for (size_t i = 0; i + CANARY_LEN <= n; i++) {
        found += p[i] == canary_at(which, 0) && is_canary(which, p + i);
    }
    return found;
}

static char window[1u << 20];

static unsigned count_in_file(unsigned which, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, window, sizeof(window));
    close(fd);
    unsigned found = n > 0 ? count_in(which, window, (size_t)n) : 99;
    explicit_bzero(window, sizeof(window));
    return found;
}

/* Counts in all memory that may be written, except the window it looks through and what is larger
 * than any heap of this program: the shadows of sanitizers. */
static unsigned count_in_memory(unsigned which)
{
    char line[512];
    unsigned found = 0;
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof(line), maps)) {
        char *end;
        uintptr_t from = strtoull(line, &end, 16), to = strtoull(end + 1, &end, 16);
        if (end[2] != 'w' || to - from > (64u << 20)) {
            continue;
        }
        while (from < to) {
            size_t n = to - from < sizeof(window) ? to - from : sizeof(window);
            uintptr_t mine = (uintptr_t)window, past = mine + sizeof(window);
            if (from < past && from >= mine) {
                from = past;
                continue;
            }
            if (from < mine && from + n > mine) {
                n = mine - from;
            }
            ssize_t got = pread(mem, window, n, (off_t)from);
            found += got > 0 ? count_in(which, window, (size_t)got) : 0;
            from += n;
        }
    }
    fclose(maps);
    close(mem);
    return found;
}

#define CHECK(n, x)                                                                                \
    if (!(x)) {                                                                                    \
        return n;                                                                                  \
    }

static int child(int argc, char **argv, const char *kind)
{
    struct conf_args a;
    bool usage, searched = kind[0] != 'p'; /* sanitizers keep copies of what the process is given */
    CHECK(10, conf_load(&conf, &a, argc, argv, why, sizeof(why), &usage))
    const char *given = conf.jwt_secret ? conf.jwt_secret : conf.turn_secret;
    CHECK(11, given && strlen(given) == PAD_LEN + CANARY_LEN)
    CHECK(12, is_canary(1, given + PAD_LEN))
    CHECK(13, count_in_file(1, "/proc/self/cmdline") == 0)
    CHECK(14, count_in_file(1, "/proc/self/environ") == 0)
    CHECK(15, !getenv("JWT_SECRET") && !getenv("SIGD_JWT_SECRET"))
    CHECK(16, !searched || count_in_memory(1) == 1)
    if (kind[0] == 'r') {
        CHECK(20, rename("later", "secret") == 0 && reload())
        CHECK(21, count_in_memory(1) == 1 && count_in_memory(2) == 1)
        conf_commit();
        CHECK(22, count_in_memory(1) == 0 && count_in_memory(2) == 1)
    }
    conf_free();
    CHECK(17, !searched || count_in_memory(1) + count_in_memory(2) == 0)
    return 0;
}

static void run_child(const char *kind, const char *env, char *const args[])
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("TEST_CONF_CHILD", kind, 1);
        /* as releases are linked: binding on demand saves vector registers, with what memcpy left
         * in them, on the stack */
        setenv("LD_BIND_NOW", "1", 1);
        if (env) {
            setenv(env, canary(1), 1);
        }
        execv("/proc/self/exe", args);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void write_canary(const char *name, const char *before, const char *after, unsigned which)
{
    char text[256];
    snprintf(text, sizeof(text), "%s%s%s", before, canary(which), after);
    write_file(name, text);
}

static void secrets_leave_the_command_line(void **state)
{
    char joined[128];
    (void)state;
    snprintf(joined, sizeof(joined), "--jwt-secret=%s", canary(1));
    run_child("process", NULL, (char *[]){"sigd", joined, "--port", "1", NULL});
    run_child("process", NULL, (char *[]){"sigd", "--jwt-secret", joined + 13, "-p1", NULL});
    run_child("process", NULL, (char *[]){"sigd", joined, joined, NULL});
}

static void secrets_leave_the_environment(void **state)
{
    (void)state;
    run_child("process", "JWT_SECRET", (char *[]){"sigd", NULL});
    run_child("process", "SIGD_JWT_SECRET", (char *[]){"sigd", NULL});
    /* also where it is not used */
    char joined[128];
    snprintf(joined, sizeof(joined), "--jwt-secret=%s", canary(1));
    run_child("process", "JWT_SECRET", (char *[]){"sigd", joined, NULL});
}

static void secrets_of_files_have_one_copy(void **state)
{
    (void)state;
    write_canary("sigd.conf", "node = n\njwt-secret = ", "\nmax-errors = 5\n", 1);
    run_child("file", NULL, (char *[]){"sigd", "-c", "sigd.conf", NULL});
    write_canary("sigd.conf", "  jwt-secret = ", "", 1);
    run_child("file", NULL, (char *[]){"sigd", "-c", "sigd.conf", NULL});
    write_canary(".env", "PORT=1\nexport JWT_SECRET=\"", "\" \nLOG_LEVEL=debug\n", 1);
    run_child("file", NULL, (char *[]){"sigd", NULL});
    unlink(".env");
    write_canary("secret", "", "\n", 1);
    run_child("file", NULL, (char *[]){"sigd", "--jwt-secret-file=secret", NULL});
    run_child("file", NULL, (char *[]){"sigd", "--turn-secret-file=secret", NULL});
}

static void a_secret_goes_with_its_reading(void **state)
{
    (void)state;
    write_canary("secret", "", "\r\n", 1);
    write_canary("later", "", "\n", 2);
    run_child("reload", NULL, (char *[]){"sigd", "--jwt-secret-file=secret", NULL});
}

#define IN_DIRECTORY(f) cmocka_unit_test_setup_teardown(f, in_new_directory, remove_directory)

int main(int argc, char **argv)
{
    const char *kind = getenv("TEST_CONF_CHILD");
    if (kind) {
        return child(argc, argv, kind);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_have_room),
        IN_DIRECTORY(places_of_a_list),
        IN_DIRECTORY(reload_changes_what_it_may),
        IN_DIRECTORY(abort_keeps_the_old),
        IN_DIRECTORY(reload_is_all_or_nothing),
        IN_DIRECTORY(flags_and_environment_still_win),
        IN_DIRECTORY(a_dotenv_that_has_gone_is_an_error),
        IN_DIRECTORY(a_pipe_is_read_once),
        IN_DIRECTORY(a_thousand_reloads),
        IN_DIRECTORY(secrets_in_open_files_have_their_place),
        IN_DIRECTORY(a_reload_looks_at_modes_again),
        IN_DIRECTORY(secrets_leave_the_command_line),
        IN_DIRECTORY(secrets_leave_the_environment),
        IN_DIRECTORY(secrets_of_files_have_one_copy),
        IN_DIRECTORY(a_secret_goes_with_its_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
