/* SPDX-License-Identifier: MIT
 * What stands around the transport: port file, service manager, audit log, reload. */
#include "daemon/serve.h"

#include "daemon/audit.h"
#include "daemon/log.h"
#include "daemon/sdnotify.h"
#include "libtoken/token.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define AUDIT_CLOSE_US    3000000u
#define AUDIT_RECENT_S    60u /* as long ago a dropped record still counts as degraded */
#define TURN_SECRET_LEAST 20u /* of its hash: RFC 2104 3 */
#define FIXED_TEXT        512u

/* One daemon is one process; the hooks need no other context. */
static struct {
    struct conf *conf;
    struct plan *plan;
    struct net *net;
    struct audit *audit; /* NULL: none */
} s;

static uint64_t mono_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* ---------------------------------------------------------------- audit */

/* With audit-required nothing happens that cannot be written down: refused while a quarter of the
 * queue is left for what is under way. Its thread is woken at half, so that a burst alone is no
 * reason. */
static void withhold_if_needed(void)
{
    struct audit_state a;
    audit_state(s.audit, &a);
    if (a.failing || a.room < a.queued / 3) {
        net_withhold(s.net, true);
    }
}

static void on_event(const struct sp_event *ev)
{
    log_event(ev);
    if (!s.audit) {
        return;
    }
    audit_event(s.audit, ev);
    if (s.conf->audit_required && s.net) {
        withhold_if_needed();
    }
}

static void on_audit(struct net_audit *out)
{
    struct audit_state a;
    if (!s.audit) {
        return;
    }
    audit_state(s.audit, &a);
    bool dropped = a.last_drop_us && mono_us() - a.last_drop_us < AUDIT_RECENT_S * 1000000;
    *out = (struct net_audit){.on = true,
                              .failing = a.failing,
                              .degraded = a.failing || dropped,
                              .written = a.written,
                              .dropped = a.dropped,
                              .queued = a.queued};
}

static void on_rotate(void)
{
    if (s.audit) {
        LOG(LOG_INFO, "audit log reopened", LOG_STR("path", sp_str(s.conf->audit)));
        audit_reopen(s.audit);
    }
}

static void look_at_audit(void)
{
    static bool failing;
    static uint64_t dropped;
    struct audit_state a;
    audit_state(s.audit, &a);
    if (a.failing != failing) {
        LOG(a.failing ? LOG_ERROR : LOG_WARN,
            a.failing ? "audit log cannot be written" : "audit log is written again",
            LOG_STR("path", sp_str(s.conf->audit)),
            LOG_STR("error", sp_str(a.error ? strerror(a.error) : "none")));
    }
    if (a.dropped != dropped) {
        LOG(LOG_ERROR, "audit records dropped", LOG_NUM("count", a.dropped - dropped));
    }
    failing = a.failing;
    dropped = a.dropped;
    if (s.conf->audit_required) {
        withhold_if_needed();
        if (!a.failing && a.queued < a.room / 4) {
            net_withhold(s.net, false);
        }
    }
}

/* ---------------------------------------------------------------- reload */

static void log_fixed(const struct conf_list *fixed)
{
    for (unsigned i = 0; i < fixed->n; i++) {
        LOG(LOG_WARN, "option needs a restart", LOG_STR("name", sp_str(fixed->v[i])));
    }
}

static enum log_level level_of(const char *word)
{
    return word[0] == 'e'   ? LOG_ERROR
           : word[0] == 'w' ? LOG_WARN
           : word[0] == 'd' ? LOG_DEBUG
                            : LOG_INFO;
}

static void say_weak(const struct conf *c)
{
    if (c->jwt_secret && token_secret_is_weak(strlen(c->jwt_secret))) {
        LOG(LOG_WARN, "the JWT secret has less than 32 bytes and can be guessed from a token",
            LOG_NUM("bytes", strlen(c->jwt_secret)));
    }
    if (c->turn_secret && strlen(c->turn_secret) < TURN_SECRET_LEAST) {
        LOG(LOG_WARN, "the TURN secret has less than 20 bytes and can be guessed from a credential",
            LOG_NUM("bytes", strlen(c->turn_secret)));
    }
    if (conf_exposed()) {
        LOG(LOG_WARN, "a secret stands in a file that others can read",
            LOG_STR("where", sp_str(conf_exposed())));
    }
}

/* All or nothing: what cannot work is found before anything is changed. */
static bool take_over(struct conf *next, struct plan *plan, char *why, size_t cap)
{
    struct net_bad bad = {NULL, 0};
    char sentence[256];
    if (!plan_make(plan, next, why, cap) || !plan_check(plan, why, cap)) {
        return false;
    }
    plan->net.hooks = s.plan->net.hooks;
    if (!net_reconf(s.net, &plan->net, &plan->hub, &bad, sentence, sizeof(sentence))) {
        plan_place(&bad, sentence, why, cap);
        return false;
    }
    return true;
}

static bool reload(char *why, size_t cap)
{
    static struct plan plan;
    struct conf next;
    struct conf_list fixed;
    if (!conf_reload(&next, &fixed, why, cap)) {
        return false;
    }
    if (!take_over(&next, &plan, why, cap)) {
        conf_abort();
        return false;
    }
    log_fixed(&fixed);
    conf_commit();
    *s.conf = next;
    log_init(level_of(next.log_level), next.log_format[0] == 'j');
    say_weak(s.conf);
    return true;
}

static bool on_reload(char *why, size_t cap)
{
    sd_reloading();
    bool ok = reload(why, cap);
    if (!ok) {
        LOG(LOG_ERROR, "configuration not reloaded, the old one stays in force",
            LOG_STR("reason", sp_str(why)));
    }
    net_note_reload(s.net, ok ? NULL : why);
    sd_ready();
    return ok;
}

/* ---------------------------------------------------------------- the other hooks */

static void on_second(void)
{
    sd_watchdog();
    if (s.audit) {
        look_at_audit();
    }
}

static void on_draining(void)
{
    sd_stopping();
}

static const struct net_hooks hooks = {.event = on_event,
                                       .reload = on_reload,
                                       .rotate = on_rotate,
                                       .second = on_second,
                                       .draining = on_draining,
                                       .audit = on_audit};

/* ---------------------------------------------------------------- ready */

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
        const char *tls = net_is_tls(n, i) ? "s" : "";
        if (nc->listen[i].health) {
            printf("sigd: health on http%s://%s/health\n", tls, net_address(n, i));
        } else if (net_is_unix(n, i)) {
            printf("sigd: listening on ws%s+unix:%s\n", tls, net_address(n, i));
        } else {
            printf("sigd: listening on ws%s://%s\n", tls, net_address(n, i));
        }
    }
    fflush(stdout);
}

static int tell_ready(char *why, size_t cap)
{
    const struct conf *c = s.conf;
    if (c->port_file && !write_port_file(c->port_file, s.net, s.plan->net.nlisten)) {
        snprintf(why, cap, "cannot write %s: %s", c->port_file, strerror(errno));
        return EX_CONFIG;
    }
    announce(s.net, &s.plan->net);
    if (c->ready_fd >= 0 && write((int)c->ready_fd, "ready\n", 6) != 6) {
        snprintf(why, cap, "cannot write to --ready-fd %lld: %s", (long long)c->ready_fd,
                 strerror(errno));
        return EX_USAGE;
    }
    sd_ready();
    return EX_OK;
}

static int open_all(char *why, size_t cap)
{
    bool bind_failed;
    if (s.conf->audit) {
        s.audit = audit_open(s.conf->audit, (uint32_t)s.conf->audit_queue, why, cap);
        if (!s.audit) {
            return EX_CONFIG;
        }
    }
    s.net = net_new(&s.plan->net, &s.plan->hub, why, cap, &bind_failed);
    if (!s.net) {
        return bind_failed ? EX_BIND : EX_CONFIG;
    }
    return tell_ready(why, cap);
}

static void close_audit(void)
{
    struct audit_state last;
    audit_close(s.audit, AUDIT_CLOSE_US, &last);
    s.audit = NULL;
    if (last.dropped) {
        LOG(LOG_ERROR, "audit log is not complete", LOG_NUM("dropped", last.dropped));
    }
}

int serve(struct conf *c, struct plan *p, char *why, size_t cap)
{
    s.conf = c;
    s.plan = p;
    p->net.hooks = hooks;
    log_init(level_of(c->log_level), c->log_format[0] == 'j');
    say_weak(c);
    int status = open_all(why, cap);
    if (status == EX_OK) {
        net_run(s.net);
        LOG(LOG_INFO, "stopped", LOG_NUM("pid", getpid()));
    }
    if (s.net) {
        net_free(s.net);
        s.net = NULL;
        if (s.conf->port_file) {
            unlink(s.conf->port_file);
        }
    }
    if (s.audit) {
        close_audit();
    }
    return status;
}
