/* SPDX-License-Identifier: MIT
 * The options of TURN: which go together, and whose secret it is. */
#include "daemon/conf.h"
#include "tests/lib/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char why[512];
static struct conf conf;

static void write_secret(const char *text, mode_t mode)
{
    FILE *f = fopen("secret", "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod("secret", mode), 0);
}

/* Options separated by blanks. */
static bool load(const char *options)
{
    static char text[512];
    char *argv[16] = {"sigd", "--no-env-file"}, *rest = text;
    struct conf_args a;
    bool usage;
    int argc = 2;
    snprintf(text, sizeof(text), "%s", options);
    for (char *word; (word = strsep(&rest, " "));) {
        argv[argc++] = word;
    }
    return conf_load(&conf, &a, argc, argv, why, sizeof(why), &usage);
}

static int in_new_directory(void **state)
{
    char *dir = *state = strdup("/tmp/test_conf_turn.XXXXXX");
    return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
    conf_free();
    unlink("secret");
    int failed = chdir("/") + rmdir(*state);
    free(*state);
    return failed;
}

static void options_that_do_not_go_together(void **state)
{
    static const char *const bad[][2] = {
        {"--turn-user u", "turn-user needs turn-password-file"},
        {"--turn-password-file secret", "turn-password-file needs turn-user"},
        {"--turn-user u --turn-password-file secret --turn-secret-file secret",
         "--turn-secret-file: turn-secret-file: there is a turn-user too, from --turn-user"},
        {"--turn-secret-file missing", "missing: No such file"},
        {"--turn-ttl 999ms", "out of range"},
        {"--turn-ttl 25h", "out of range"},
        {"--ice-servr x", "did you mean 'ice-server'?"},
    };
    (void)state;
    write_secret("s\n", 0600);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(load(bad[i][0]));
        if (!strstr(why, bad[i][1])) {
            fail_msg("%s: %s", bad[i][0], why);
        }
    }
}

static void a_secret_is_nobody_elses(void **state)
{
    static const char *const options[] = {"--turn-secret-file=secret",
                                          "--turn-user=u --turn-password-file=secret"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        write_secret("s\n", 0600);
        assert_true(load(options[i]));
        assert_string_equal(i ? conf.turn_password : conf.turn_secret, "s");
        assert_int_equal(conf.turn_ttl, 3600000000);
        write_secret("s\n", 0644);
        assert_false(load(options[i]));
        assert_non_null(strstr(why, "others may read or write it (mode 0644)"));
        write_secret("\n", 0600);
        assert_false(load(options[i]));
        assert_non_null(strstr(why, "is empty"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(options_that_do_not_go_together, in_new_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(a_secret_is_nobody_elses, in_new_directory,
                                        remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
