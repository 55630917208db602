/* SPDX-License-Identifier: MIT
 * A client's connection: what arrives, waiting with deadlines, its end. */
#include "cli/common/link.h"

#include "cli/common/link_in.h"
#include "cli/common/mask.h"
#include "cli/common/out.h"
#include "libproto/msg.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define GOODBYE_US     200000
#define GOAWAY_MOST_MS 3600000

int64_t link_mono_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t link_wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t link_deadline(int64_t us)
{
    int64_t now = link_mono_us();
    return us > OPT_NEVER - now ? OPT_NEVER : now + us;
}

int link_set_why(struct link *l, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(l->why.text, sizeof(l->why.text), fmt, ap);
    va_end(ap);
    l->why.status = status;
    l->why.err = SP_OK;
    l->why.code[0] = l->why.details[0] = '\0';
    l->why.retry_us = -1;
    return status;
}

const struct link_fail *link_why(const struct link *l)
{
    return &l->why;
}

struct sp_str link_text(const struct link_msg *m, const char *key, char *scratch, size_t cap)
{
    struct sp_str s = {NULL, 0};
    if (sp_doc_str(&m->doc, sp_str(key), scratch, cap, &s) != SP_OK) {
        return (struct sp_str){NULL, 0};
    }
    return s;
}

bool link_scan(struct link_msg *m, struct sp_str raw)
{
    static const struct sp_scan_limits roomy = {SP_DEPTH_MAX, SP_TOP_MAX, 1u << 20};
    char scratch[SP_WORD_MAX];
    m->raw = raw;
    m->type = SP_T_NONE;
    m->wall_us = link_wall_us();
    m->mono_us = link_mono_us();
    if (sp_scan(&m->doc, raw.p, raw.n, &roomy, NULL) != SP_OK) {
        return false;
    }
    m->type = sp_type_find(link_text(m, "type", scratch, sizeof(scratch)));
    return true;
}

static void on_open(void *ctx, struct wsconn *c)
{
    (void)ctx;
    (void)c;
}

static void note_goaway(struct link *l, const struct link_msg *m)
{
    int64_t ms;
    if (sp_doc_int(&m->doc, SP_STR("reconnectAfter"), &ms) == SP_OK && ms >= 0 &&
        ms < GOAWAY_MOST_MS) {
        l->goaway_us = link_deadline(ms * 1000);
    }
}

static void on_message(void *ctx, struct wsconn *c, char *p, size_t n)
{
    struct link *l = ctx;
    struct link_msg m;
    (void)c;
    if (!link_scan(&m, (struct sp_str){p, n})) {
        out_note("the server sent a message that is not JSON");
        return;
    }
    if (link_take_answer(l, &m) || link_take_renewal(l, &m)) {
        return;
    }
    if (m.type == SP_T_GOAWAY) {
        note_goaway(l, &m);
    } else if (l->on_message) {
        l->on_message(l->message_ctx, &m);
    }
}

static void on_closed(void *ctx, struct wsconn *c, const struct wsconn_closed *why)
{
    struct link *l = ctx;
    (void)c;
    l->closed = *why;
    l->registered = false;
}

static void on_trace(void *ctx, bool sent, unsigned op, struct sp_str payload)
{
    (void)ctx;
    fprintf(stderr, "%s %s", sent ? ">" : "<",
            op == 8    ? "close "
            : op == 9  ? "ping "
            : op == 10 ? "pong "
                       : "");
    mask_frame(stderr, payload);
    fputc('\n', stderr);
}

static const struct wsconn_ops plain_ops = {on_open, on_message, on_closed, NULL};
static const struct wsconn_ops trace_ops = {on_open, on_message, on_closed, on_trace};

static int open_signals(void)
{
    static const int wanted[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGWINCH};
    struct sigaction old;
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        /* a shell's background job and nohup ignore some: leave it so */
        if (sigaction(wanted[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
            sigaddset(&set, wanted[i]);
        }
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

struct link *link_new(const struct link_opts *o)
{
    struct link *l = calloc(1, sizeof(*l));
    if (!l) {
        return NULL;
    }
    l->o = o;
    l->next = l;
    l->input = -1;
    l->goaway_us = -1;
    l->renew_us = OPT_NEVER;
    mask_url(l->shown, sizeof(l->shown), o->url);
    l->signals = open_signals();
    l->ws = wsconn_new(o->trace ? &trace_ops : &plain_ops, l);
    if (!l->ws || l->signals < 0 || !bearer_load(&l->bearer, o->token_file, o->token) ||
        !link_load_tls(l)) {
        link_free(l);
        return NULL;
    }
    link_plan_renewal(l);
    return l;
}

void link_on_message(struct link *l, link_message_fn fn, void *ctx)
{
    l->on_message = fn;
    l->message_ctx = ctx;
}

void link_on_input(struct link *l, int fd, link_input_fn fn, void *ctx)
{
    l->input = fd;
    l->on_input = fn;
    l->input_ctx = ctx;
}

void link_on_wait(struct link *l, link_wait_fn fn, void *ctx)
{
    l->on_wait = fn;
    l->wait_ctx = ctx;
}

void link_on_signal(struct link *l, link_signal_fn fn, void *ctx)
{
    l->on_signal = fn;
    l->signal_ctx = ctx;
}

void link_on_remark(struct link *l, link_remark_fn fn, void *ctx)
{
    l->on_remark = fn;
    l->remark_ctx = ctx;
}

void link_remark(struct link *l, const char *text)
{
    if (l->on_remark) {
        l->on_remark(l->remark_ctx, text);
    } else {
        out_note("%s", text);
    }
}

void link_comes_back(struct link *l, bool on)
{
    l->comes_back = on;
}

void link_needs_reader(struct link *l, bool on)
{
    l->needs_reader = on;
}

bool link_is_open(const struct link *l)
{
    return wsconn_state(l->ws) == WSCONN_OPEN;
}

bool link_is_sent_away(const struct link *l)
{
    return !link_is_open(l) && l->goaway_us >= 0;
}

bool link_is_registered(const struct link *l)
{
    return l->registered;
}

const char *link_url(const struct link *l)
{
    return l->shown;
}

bool link_is_answered(const struct link *l)
{
    return l->answered;
}

const struct link_msg *link_reply(const struct link *l)
{
    return &l->reply;
}

/* A signal that is pending is read from one link of the ring; the taker may be another. */
static bool is_taken(struct link *l, int signo)
{
    struct link *one = l;
    bool taken = false;
    do {
        taken = (one->on_signal && one->on_signal(one->signal_ctx, signo)) || taken;
        one = one->next;
    } while (one != l);
    return taken;
}

static int take_signals(struct link *l)
{
    struct signalfd_siginfo info;
    while (read(l->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        int signo = (int)info.ssi_signo;
        if (!is_taken(l, signo) && signo != SIGCHLD && signo != SIGWINCH) {
            return link_set_why(l, 128 + signo, "interrupted");
        }
    }
    return 0;
}

static bool is_idle(const struct link *l)
{
    enum wsconn_state state = wsconn_state(l->ws);
    return state == WSCONN_IDLE || state == WSCONN_CLOSED;
}

enum { CONNECTION, INPUT, PER_LINK };

/* Fills p with what the links of the ring wait for, l's first, and brings until forward to the
 * first renewal. Gives how many it is. */
static unsigned poll_ring(struct link *l, struct pollfd *p, int64_t *until)
{
    struct link *one = l;
    unsigned n = 0;
    do {
        p[n + CONNECTION] = (struct pollfd){.fd = is_idle(one) ? -1 : wsconn_fd(one->ws),
                                            .events = is_idle(one) ? 0 : wsconn_events(one->ws)};
        p[n + INPUT] = (struct pollfd){.fd = one->input, .events = POLLIN};
        n += PER_LINK;
        *until = one->renew_us < *until ? one->renew_us : *until;
        one = one->next;
    } while (one != l);
    return n;
}

static void serve_ring(struct link *l, const struct pollfd *p)
{
    struct link *one = l;
    do {
        if (p[CONNECTION].revents) {
            wsconn_io(one->ws, p[CONNECTION].revents);
        }
        if (link_mono_us() >= one->renew_us) {
            link_renew(one);
        }
        if (p[INPUT].revents && one->on_input) {
            one->on_input(one->input_ctx);
        }
        p += PER_LINK;
        one = one->next;
    } while (one != l);
}

static bool is_reader_needed(const struct link *l)
{
    const struct link *one = l;
    while (!one->needs_reader && one->next != l) {
        one = one->next;
    }
    return one->needs_reader;
}

int link_serve(struct link *l, int64_t deadline)
{
    enum { SIGNALS, STDOUT, RING };
    struct pollfd p[RING + PER_LINK * LINK_BESIDE_MAX] = {
        [SIGNALS] = {.fd = l->signals, .events = POLLIN},
        [STDOUT] = {.fd = is_reader_needed(l) ? STDOUT_FILENO : -1}};
    int64_t until = deadline;
    unsigned n = RING + poll_ring(l, p + RING, &until);
    int64_t left = until - link_mono_us();
    struct timespec t = {left > 0 ? left / 1000000 : 0, left > 0 ? left % 1000000 * 1000 : 0};
    if (ppoll(p, n, until == OPT_NEVER ? NULL : &t, NULL) < 0) {
        return errno == EINTR ? 0 : link_set_why(l, EXIT_DATA, "poll: %s", strerror(errno));
    }
    serve_ring(l, p + RING);
    if (p[STDOUT].revents & POLLERR) {
        return link_set_why(l, LINK_NO_READER, "nobody reads the output");
    }
    return p[SIGNALS].revents ? take_signals(l) : 0;
}

int link_step(struct link *l, int64_t deadline)
{
    return l->on_wait ? l->on_wait(l->wait_ctx, l, deadline) : link_serve(l, deadline);
}

int link_rest(struct link *l, int64_t until, link_done_fn done, void *ctx)
{
    int status = 0;
    while (!status && link_mono_us() < until && !(done && done(ctx))) {
        status = link_step(l, until);
    }
    return status;
}

int link_until(struct link *l, link_done_fn done, void *ctx, int64_t deadline)
{
    for (;;) {
        if (done(ctx)) {
            return 0;
        }
        if (!link_is_open(l)) {
            return link_explain_closed(l);
        }
        if (link_mono_us() >= deadline) {
            return link_set_why(l, EXIT_TIMEOUT, "timed out");
        }
        int status = link_step(l, deadline);
        if (status) {
            return status;
        }
    }
}

static bool is_closed(void *ctx)
{
    enum wsconn_state s = wsconn_state(((struct link *)ctx)->ws);
    return s == WSCONN_CLOSED || s == WSCONN_IDLE;
}

void link_close(struct link *l)
{
    if (link_is_open(l)) {
        link_message_fn fn = l->on_message;
        int input = l->input;
        l->on_message = NULL;
        l->input = -1;
        wsconn_close(l->ws, SP_CLOSE_NORMAL, "bye");
        link_rest(l, link_deadline(GOODBYE_US), is_closed, l);
        l->on_message = fn;
        l->input = input;
    }
    link_drop(l);
}

void link_drop(struct link *l)
{
    wsconn_abort(l->ws);
    l->closed = (struct wsconn_closed){.end = WSCONN_END_LOST, .reason = "left by ourselves"};
    l->who = (struct link_who){0};
    l->registered = false;
}

static struct link *before(struct link *l)
{
    struct link *one = l;
    while (one->next != l) {
        one = one->next;
    }
    return one;
}

bool link_beside(struct link *l, struct link *other)
{
    unsigned n = 1;
    for (const struct link *one = other->next; one != other; one = one->next) {
        n++;
    }
    if (l->next != l || n >= LINK_BESIDE_MAX) {
        return false;
    }
    l->next = other->next;
    other->next = l;
    return true;
}

void link_free(struct link *l)
{
    if (!l) {
        return;
    }
    if (l->ws) {
        link_close(l);
    }
    before(l)->next = l->next;
    wsconn_free(l->ws);
    wsconn_tls_free(l->tls);
    if (l->signals >= 0) {
        close(l->signals);
    }
    free(l->reply_copy);
    explicit_bzero(&l->bearer, sizeof(l->bearer));
    free(l);
}

bool link_token_id(const struct link *l, char out[SP_ID_MAX + 1])
{
    return bearer_id(&l->bearer, out);
}

const char *link_token(const struct link *l)
{
    return l->bearer.text[0] ? l->bearer.text : NULL;
}
