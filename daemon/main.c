/* SPDX-License-Identifier: MIT
 * sigd: reads its configuration, listens, serves until it is told to stop. */
#include "daemon/sdnotify.h"
#include "daemon/serve.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int complain(int status, const char *why)
{
    fprintf(stderr, "sigd: %s\n", why);
    return status;
}

static void print_help(void)
{
    printf("Usage: sigd [OPTIONS]\n"
           "WebRTC signaling over WebSocket.\n\n"
           "  sigd                                   on 127.0.0.1:8081, health on :8082\n"
           "  sigd -l 127.0.0.1:0 --port-file P      any free port, told in file P\n"
           "  sigd -l unix:/run/sigd/sigd.sock -l 0.0.0.0:8081 --allow-anonymous\n"
           "  sigd -l tls:0.0.0.0:8443 --tls-cert C --tls-key K --jwt-key main=P\n"
           "  sigd -c /etc/sigd.conf --check-config\n\n"
           "Options (each also SIGD_NAME in the environment and in .env, and name = value in the\n"
           "configuration file; PORT, JWT_SECRET, LOG_LEVEL, MAX_CLIENTS and HEARTBEAT_INTERVAL\n"
           "are understood as well):\n");
    conf_help(stdout);
    printf("  -c, --config FILE                          read this sigd.conf\n"
           "      --env-file FILE                        read this instead of .env\n"
           "      --no-env-file                          read no .env\n"
           "      --check-config                         check and exit: 0 or 9\n"
           "      --print-config                         print each value and its source\n"
           "      --print-rights                         print what each role may do\n"
           "  -h, --help                                 this text\n"
           "  -V, --version                              the version\n\n"
           "See sigd(8), sigd.conf(5), sig-protocol(7).\n");
}

static int print_rights(const struct rights *r)
{
    for (unsigned i = 1; i < r->nroles; i++) {
        char line[4096];
        struct sp_buf b;
        sp_buf_init(&b, line, sizeof(line));
        rights_put(&b, r, i);
        printf("rights = %.*s\n", (int)b.n, b.p);
    }
    return EX_OK;
}

/* A core would hold every secret. The sanitizers' leak check needs to trace the process. */
static void leave_no_core(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

static int run(struct conf *c, const struct conf_args *a)
{
    static struct plan p;
    char why[512];
    if (!plan_make(&p, c, why, sizeof(why))) {
        return complain(EX_CONFIG, why);
    }
    if (a->print_rights) {
        return print_rights(&p.rights);
    }
    if (!plan_check(&p, why, sizeof(why))) {
        return complain(EX_CONFIG, why);
    }
    if (a->check) {
        return EX_OK;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    umask(077);
    leave_no_core();
    int status = serve(c, &p, why, sizeof(why));
    return status == EX_OK ? EX_OK : complain(status, why);
}

int main(int argc, char **argv)
{
    struct conf c;
    struct conf_args a;
    char why[512];
    bool usage;
    int status = EX_OK;
    if (!sd_init(why, sizeof(why))) {
        return complain(EX_CONFIG, why);
    }
    if (!conf_load(&c, &a, argc, argv, why, sizeof(why), &usage)) {
        status = complain(usage ? EX_USAGE : EX_CONFIG, why);
        if (usage) {
            fprintf(stderr, "Try 'sigd --help'.\n");
        }
    } else if (a.help) {
        print_help();
    } else if (a.version) {
        printf("sigd %s\n", SIGKIT_VERSION);
    } else if (a.print) {
        conf_print(stdout);
    } else {
        status = run(&c, &a);
    }
    conf_free();
    if (fflush(stdout) != 0 && status == EX_OK) {
        status = complain(EX_CONFIG, "cannot write to standard output");
    }
    return status;
}
