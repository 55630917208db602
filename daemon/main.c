/* SPDX-License-Identifier: MIT
 * sigd: reads its configuration, listens, serves until it is told to stop. */
#include "daemon/conf.h"
#include "daemon/log.h"
#include "daemon/net/net.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The exit codes that sigd uses, of the table that all four programs share. */
enum { EX_OK = 0, EX_USAGE = 2, EX_BIND = 3, EX_CONFIG = 9 };

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

static enum log_level level_of(const char *word)
{
    return word[0] == 'e'   ? LOG_ERROR
           : word[0] == 'w' ? LOG_WARN
           : word[0] == 'd' ? LOG_DEBUG
                            : LOG_INFO;
}

static struct hub_conf hub_conf_of(const struct conf *c)
{
    return (struct hub_conf){
        .max_message = (uint32_t)c->max_message,
        .queue_bytes = (uint32_t)c->send_queue,
        .queue_msgs = (uint32_t)c->send_queue_messages,
        .max_sessions = (uint32_t)c->max_sessions,
        .max_errors = (uint32_t)c->max_errors,
        .event_ring = (uint32_t)c->event_ring,
        .heartbeat_us = (uint64_t)c->heartbeat_interval,
        .register_us = (uint64_t)c->register_timeout,
        .offer_us = (uint64_t)c->offer_timeout,
        .session_us = (uint64_t)c->session_timeout,
        .slow_us = (uint64_t)c->send_timeout,
        .policy = c->duplicate_policy[2] == 'p' ? HUB_REPLACE : HUB_REJECT,
        .scan = {(uint32_t)c->max_depth, SP_TOP_MAX, (uint32_t)c->max_members},
        .server = "sigd/" SIGKIT_VERSION,
    };
}

static enum net_client_cert client_cert_of(const char *word)
{
    return word[0] == 'n' ? NET_CERT_NONE : word[0] == 'o' ? NET_CERT_OPTIONAL : NET_CERT_REQUIRED;
}

static struct net_conf net_conf_of(const struct conf *c, char *standard, size_t cap)
{
    struct net_conf n = {.max_clients = (uint32_t)c->max_clients,
                         .stop_us = (uint64_t)c->drain_timeout,
                         .allow_anonymous = c->allow_anonymous,
                         .tls = {.cert = c->tls_cert,
                                 .key = c->tls_key,
                                 .client_ca = c->client_ca,
                                 .crl = c->crl,
                                 .client_cert = client_cert_of(c->client_cert)},
                         .node = c->node,
                         .on_event = log_event};
    for (unsigned i = 0; i < c->listen.n; i++) {
        n.listen[n.nlisten++] =
            (struct net_listener){.address = c->listen.v[i], .where = conf_where_nth("listen", i)};
    }
    if (n.nlisten == 0) {
        snprintf(standard, cap, "127.0.0.1:%lld", (long long)c->port);
        n.listen[n.nlisten++] =
            (struct net_listener){.address = standard, .where = conf_where("port")};
    }
    if (strcmp(c->health, "none") != 0) {
        n.listen[n.nlisten++] = (struct net_listener){
            .address = c->health, .where = conf_where("health"), .health = true};
    }
    return n;
}

/* Written beside and renamed, so that who waits for the file finds it whole. */
static bool write_port_file(const char *path, const struct net *n, unsigned count)
{
    char tmp[4096];
    if (snprintf(tmp, sizeof(tmp), "%s.tmp.%ld", path, (long)getpid()) >= (int)sizeof(tmp)) {
        errno = ENAMETOOLONG;
        return false;
    }
    FILE *f = fopen(tmp, "we");
    if (!f) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (net_is_unix(n, i)) {
            fprintf(f, "%s\n", net_address(n, i));
        } else {
            fprintf(f, "%u\n", net_port(n, i));
        }
    }
    return fclose(f) == 0 && rename(tmp, path) == 0;
}

static void announce(const struct net *n, const struct net_conf *nc)
{
    for (unsigned i = 0; i < nc->nlisten; i++) {
        const char *s = net_is_tls(n, i) ? "s" : "";
        if (nc->listen[i].health) {
            printf("sigd: health on http%s://%s/health\n", s, net_address(n, i));
        } else if (net_is_unix(n, i)) {
            printf("sigd: listening on ws%s+unix:%s\n", s, net_address(n, i));
        } else {
            printf("sigd: listening on ws%s://%s\n", s, net_address(n, i));
        }
    }
    fflush(stdout);
}

static int tell_ready(const struct conf *c, const struct net *n, const struct net_conf *nc)
{
    char why[512];
    if (c->port_file && !write_port_file(c->port_file, n, nc->nlisten)) {
        snprintf(why, sizeof(why), "cannot write %s: %s", c->port_file, strerror(errno));
        return complain(EX_CONFIG, why);
    }
    announce(n, nc);
    if (c->ready_fd >= 0 && write((int)c->ready_fd, "ready\n", 6) != 6) {
        snprintf(why, sizeof(why), "cannot write to --ready-fd %lld: %s", (long long)c->ready_fd,
                 strerror(errno));
        return complain(EX_USAGE, why);
    }
    return EX_OK;
}

static int serve(const struct conf *c, const struct net_conf *nc)
{
    char why[512] = "out of memory";
    bool bind_failed;
    struct hub_conf hc = hub_conf_of(c);
    struct net *n = net_new(nc, &hc, why, sizeof(why), &bind_failed);
    if (!n) {
        return complain(bind_failed ? EX_BIND : EX_CONFIG, why);
    }
    int status = tell_ready(c, n, nc);
    if (status == EX_OK) {
        net_run(n);
        LOG(LOG_INFO, "stopped", LOG_NUM("pid", getpid()));
    }
    net_free(n);
    if (c->port_file) {
        unlink(c->port_file);
    }
    return status;
}

static int run(const struct conf *c, const struct conf_args *a)
{
    char why[512], standard[32];
    if (c->jwt_secret) {
        snprintf(why, sizeof(why),
                 "%s: a JWT secret is set, but this version cannot check tokens yet: it will not "
                 "serve everybody instead",
                 conf_where("jwt-secret"));
        return complain(EX_CONFIG, why);
    }
    struct net_conf nc = net_conf_of(c, standard, sizeof(standard));
    if (!net_check(&nc, why, sizeof(why))) {
        return complain(EX_CONFIG, why);
    }
    if (a->check) {
        return EX_OK;
    }
    log_init(level_of(c->log_level), c->log_format[0] == 'j');
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    return serve(c, &nc);
}

int main(int argc, char **argv)
{
    struct conf c;
    struct conf_args a;
    char why[512];
    bool usage;
    int status = EX_OK;
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
