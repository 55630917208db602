/* SPDX-License-Identifier: MIT
 * wsconn against a scripted server on a unix socket: what a server sends, in pieces of any size,
 * and how a connection ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/common/wsconn.h"
#include "cli/common/wsio.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#define ACCEPT_HEAD                                                                                \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"                                   \
    "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: "

/* What a test saw of the client, and the server's end of it. */
struct seen {
    struct wsconn *c;
    int listener, peer;
    char dir[64], path[96];
    unsigned opened, messages, closed;
    char text[70000];
    size_t text_len;
    struct wsconn_closed why;
    bool abort_on_message, free_on_message;
};

static void on_open(void *ctx, struct wsconn *c)
{
    (void)c;
    ((struct seen *)ctx)->opened++;
}

static void on_message(void *ctx, struct wsconn *c, char *p, size_t n)
{
    struct seen *s = ctx;

    s->messages++;
    assert_true(n <= sizeof(s->text));
    memcpy(s->text, p, n);
    s->text_len = n;
    if (s->abort_on_message) {
        wsconn_abort(c);
    }
    if (s->free_on_message) {
        wsconn_free(c);
        s->c = NULL;
    }
}

static void on_closed(void *ctx, struct wsconn *c, const struct wsconn_closed *why)
{
    struct seen *s = ctx;

    (void)c;
    s->closed++;
    s->why = *why;
}

static const struct wsconn_ops ops = {on_open, on_message, on_closed, NULL};

static int setup(void **state)
{
    struct seen *s = calloc(1, sizeof(*s));
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    assert_non_null(s);
    snprintf(s->dir, sizeof(s->dir), "/tmp/wsconn-test.XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    snprintf(s->path, sizeof(s->path), "%s/s", s->dir);
    memcpy(un.sun_path, s->path, strlen(s->path) + 1);
    s->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(s->listener, 4), 0);
    s->peer = -1;
    s->c = wsconn_new(&ops, s);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct seen *s = *state;

    wsconn_free(s->c);
    close(s->listener);
    if (s->peer >= 0) {
        close(s->peer);
    }
    unlink(s->path);
    rmdir(s->dir);
    free(s);
    return 0;
}

/* Serves the client until it has nothing to do any more. */
static void pump(struct seen *s)
{
    struct pollfd p = {.fd = s->c ? wsconn_fd(s->c) : -1};

    while (s->c && wsconn_fd(s->c) >= 0) {
        p = (struct pollfd){wsconn_fd(s->c), wsconn_events(s->c), 0};
        if (poll(&p, 1, 0) <= 0) {
            return;
        }
        wsconn_io(s->c, p.revents);
    }
}

static void serve(struct seen *s, const char *p, size_t n)
{
    assert_int_equal(write(s->peer, p, n), (ssize_t)n);
    pump(s);
}

#define SERVE(s, literal) serve((s), (literal), sizeof(literal) - 1)

/* Connects and reads the request; gives the accept value that belongs to its key. */
static void meet(struct seen *s, char accept[29])
{
    struct wsurl u;
    char url[128], why[128], request[4096];
    bool usage;

    snprintf(url, sizeof(url), "ws+unix:%s:/x?token=1", s->path);
    assert_true(wsurl_parse(&u, url, &usage, why, sizeof(why)));
    assert_true(wsconn_start(s->c, &u, SP_STR("X-Test: 1\r\n"), NULL, 0));
    pump(s);
    s->peer = accept4(s->listener, NULL, NULL, 0);
    ssize_t n = read(s->peer, request, sizeof(request) - 1);
    assert_true(n > 0);
    request[n] = '\0';
    assert_memory_equal(request, "GET /x?token=1 HTTP/1.1\r\n", 25);
    assert_non_null(strstr(request, "\r\nX-Test: 1\r\n\r\n"));
    const char *key = strstr(request, "Sec-WebSocket-Key: ");
    assert_non_null(key);
    wsio_accept_of(accept, key + 19);
    accept[28] = '\0';
}

static void upgrade(struct seen *s)
{
    char accept[29], answer[512];

    meet(s, accept);
    int n = snprintf(answer, sizeof(answer), ACCEPT_HEAD "%s\r\n\r\n", accept);
    serve(s, answer, (size_t)n);
    assert_int_equal(s->opened, 1);
    assert_int_equal(wsconn_state(s->c), WSCONN_OPEN);
}

/* Reads one client frame of less than 126 bytes and unmasks it; gives its first byte. */
static unsigned client_frame(struct seen *s, char *out, size_t *n)
{
    unsigned char f[160];
    ssize_t got = recv(s->peer, f, sizeof(f), MSG_DONTWAIT);

    assert_true(got >= 6);
    assert_true(f[1] & 0x80);
    *n = f[1] & 0x7fu;
    assert_int_equal(got, (ssize_t)*n + 6);
    for (size_t i = 0; i < *n; i++) {
        out[i] = (char)(f[6 + i] ^ f[2 + i % 4]);
    }
    return f[0];
}

static void accept_value_is_rfc_6455(void **state)
{
    char accept[28];

    (void)state;
    wsio_accept_of(accept, "dGhlIHNhbXBsZSBub25jZQ==");
    assert_memory_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 28);
}

static void message_goes_both_ways(void **state)
{
    struct seen *s = *state;
    char out[160];
    size_t n;

    upgrade(s);
    SERVE(s, "\x81\x05hello");
    assert_int_equal(s->messages, 1);
    assert_memory_equal(s->text, "hello", 5);
    assert_true(wsconn_send(s->c, SP_STR("{\"a\":1}")));
    assert_int_equal(client_frame(s, out, &n), 0x81);
    assert_int_equal(n, 7);
    assert_memory_equal(out, "{\"a\":1}", 7);
}

static void bytes_come_one_by_one(void **state)
{
    struct seen *s = *state;
    char accept[29], stream[512];

    meet(s, accept);
    int n = snprintf(stream, sizeof(stream), ACCEPT_HEAD "%s\r\n\r\n", accept);
    memcpy(stream + n, "\x81\x03one\x01\x02tw\x89\x01p\x80\x01o\x81\x02ok", 19);
    for (int i = 0; i < n + 19; i++) {
        serve(s, stream + i, 1);
    }
    assert_int_equal(s->opened, 1);
    assert_int_equal(s->messages, 3);
    assert_memory_equal(s->text, "ok", 2);
    assert_int_equal(s->closed, 0);
}

static void handshake_and_messages_in_one_read(void **state)
{
    struct seen *s = *state;
    char accept[29], stream[512];

    meet(s, accept);
    int n = snprintf(stream, sizeof(stream), ACCEPT_HEAD "%s\r\n\r\n", accept);
    memcpy(stream + n,
           "\x81\x01"
           "a\x81\x01"
           "b\x81\x02"
           "c",
           9);
    serve(s, stream, (size_t)n + 9);
    assert_int_equal(s->messages, 2);
    SERVE(s, "d");
    assert_int_equal(s->messages, 3);
    assert_memory_equal(s->text, "cd", 2);
}

static void large_message_in_pieces(void **state)
{
    struct seen *s = *state;
    static char big[65536];

    upgrade(s);
    memset(big, 'x', sizeof(big));
    SERVE(s, "\x81\x7f\0\0\0\0\0\x01\0\0");
    for (size_t i = 0; i < sizeof(big); i += 4096) {
        serve(s, big + i, 4096);
    }
    assert_int_equal(s->messages, 1);
    assert_int_equal(s->text_len, sizeof(big));
}

static void ping_is_answered(void **state)
{
    struct seen *s = *state;
    char out[160];
    size_t n;

    upgrade(s);
    SERVE(s, "\x89\x04"
             "beat");
    assert_int_equal(client_frame(s, out, &n), 0x8a);
    assert_int_equal(n, 4);
    assert_memory_equal(out, "beat", 4);
}

static void close_frame_is_echoed_and_told(void **state)
{
    struct seen *s = *state;
    char out[160];
    size_t n;

    upgrade(s);
    SERVE(s, "\x88\x0a\x11\x95"
             "replaced");
    assert_int_equal(s->closed, 1);
    assert_int_equal(s->why.end, WSCONN_END_CLOSE);
    assert_int_equal(s->why.code, 4501);
    assert_string_equal(s->why.reason, "replaced");
    assert_int_equal(client_frame(s, out, &n), 0x88);
    assert_memory_equal(out, "\x11\x95", 2);
}

static void our_close_waits_for_theirs(void **state)
{
    struct seen *s = *state;
    char out[160];
    size_t n;

    upgrade(s);
    wsconn_close(s->c, 1000, "bye");
    assert_int_equal(wsconn_state(s->c), WSCONN_CLOSING);
    assert_false(wsconn_send(s->c, SP_STR("late")));
    assert_int_equal(client_frame(s, out, &n), 0x88);
    assert_memory_equal(out,
                        "\x03\xe8"
                        "bye",
                        5);
    SERVE(s, "\x81\x01x\x88\x02\x03\xe8");
    assert_int_equal(s->messages, 0);
    assert_int_equal(s->why.end, WSCONN_END_CLOSE);
    assert_int_equal(s->why.code, 1000);
}

static void status_of_a_refusal_is_told(void **state)
{
    struct seen *s = *state;
    char accept[29];

    meet(s, accept);
    SERVE(s, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(s->why.end, WSCONN_END_HTTP);
    assert_int_equal(s->why.code, 401);
    assert_string_equal(s->why.reason, "401 Unauthorized");
}

static void advice_of_a_refusal_is_told(void **state)
{
    static const char *const lines[] = {"Retry-After: 86401", "Retry-After: 4294967301",
                                        "Retry-After: 5s",    "Retry-After: Fri, 31 Dec 1999",
                                        "Retry-After:",       "X-Retry-After: 5"};
    struct seen *s = *state;
    char accept[29], text[128];

    meet(s, accept);
    SERVE(s, "HTTP/1.1 503 X\r\nA: b\r\nretry-after:86400\r\nC: d\r\n\r\n");
    assert_int_equal(s->why.retry_after_s, 86400);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        close(s->peer);
        meet(s, accept);
        int n = snprintf(text, sizeof(text), "HTTP/1.1 503 X\r\n%s\r\n\r\n", lines[i]);
        serve(s, text, (size_t)n);
        assert_int_equal(s->why.retry_after_s, 0);
    }
}

static void wrong_accept_value_is_refused(void **state)
{
    struct seen *s = *state;
    char accept[29];

    meet(s, accept);
    SERVE(s, ACCEPT_HEAD "AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n");
    assert_int_equal(s->opened, 0);
    assert_int_equal(s->why.end, WSCONN_END_PROTOCOL);
}

static void end_without_close_frame_is_a_loss(void **state)
{
    struct seen *s = *state;

    upgrade(s);
    close(s->peer);
    s->peer = -1;
    pump(s);
    assert_int_equal(s->closed, 1);
    assert_int_equal(s->why.end, WSCONN_END_LOST);
}

static void missing_server_is_told(void **state)
{
    struct seen *s = *state;
    struct wsurl u;
    char why[128];
    bool usage;

    assert_true(wsurl_parse(&u, "ws+unix:/nonexistent/s", &usage, why, sizeof(why)));
    assert_true(wsconn_start(s->c, &u, SP_STR(""), NULL, 0));
    pump(s);
    assert_int_equal(s->why.end, WSCONN_END_CONNECT);
}

static void broken_servers_are_refused(void **state)
{
    static const struct {
        const char *p;
        size_t n;
        unsigned code;
    } cases[] = {
        {"\x82\x01x", 3, 1003}, /* binary */
        {"\x81\x81mask"
         "x",
         7, 1002},                              /* masked */
        {"\xc1\x01x", 3, 1002},                 /* reserved bit */
        {"\x83\x01x", 3, 1002},                 /* unknown opcode */
        {"\x80\x01x", 3, 1002},                 /* continuation of nothing */
        {"\x01\x01x\x81\x01y", 6, 1002},        /* message inside a message */
        {"\x09\x01x", 3, 1002},                 /* fragmented ping */
        {"\x89\x7e\0\x7e", 4, 1002},            /* long ping */
        {"\x81\x7e\0\x05hello", 9, 1002},       /* length not minimal */
        {"\x81\x02\xc3\x28", 4, 1007},          /* not UTF-8 */
        {"\x81\x7f\0\0\0\1\0\0\0\0", 10, 1009}, /* 4 GiB */
        {"\x88\x01x", 3, 1002},                 /* half a close code */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        void *fresh = NULL;
        setup(&fresh);
        struct seen *s = fresh;
        upgrade(s);
        serve(s, cases[i].p, cases[i].n);
        assert_int_equal(s->messages, 0);
        assert_int_equal(s->closed, 1);
        assert_int_equal(s->why.end, WSCONN_END_PROTOCOL);
        assert_int_equal(s->why.code, cases[i].code);
        teardown(&fresh);
    }
}

static void connection_may_go_in_a_callback(void **state)
{
    struct seen *s = *state;

    upgrade(s);
    s->abort_on_message = true;
    SERVE(s, "\x81\x01"
             "a\x81\x01"
             "b");
    assert_int_equal(s->messages, 1);
    assert_int_equal(s->closed, 0);
    close(s->peer);
    s->abort_on_message = false;
    s->free_on_message = true;
    s->opened = 0;
    upgrade(s);
    SERVE(s, "\x81\x02x");
    SERVE(s, "y\x81\x01z");
    assert_int_equal(s->messages, 2);
    assert_null(s->c);
}

static void full_socket_queues(void **state)
{
    struct seen *s = *state;
    static char chunk[60000], sink[65536];
    size_t sent = 0, got = 0;

    upgrade(s);
    memset(chunk, 'y', sizeof(chunk));
    while (wsconn_queued(s->c) < sizeof(chunk)) {
        assert_true(wsconn_send(s->c, (struct sp_str){chunk, sizeof(chunk)}));
        sent += sizeof(chunk) + 8;
    }
    assert_true(wsconn_events(s->c) & POLLOUT);
    while (got < sent) {
        ssize_t n = read(s->peer, sink, sizeof(sink));
        assert_true(n > 0);
        got += (size_t)n;
        pump(s);
    }
    assert_int_equal(got, sent);
    assert_int_equal(wsconn_queued(s->c), 0);
    assert_int_equal(wsconn_events(s->c), POLLIN);
}

static void urls(void **state)
{
    static const struct {
        const char *url, *hostport, *path;
    } good[] = {{"ws://127.0.0.1:8081", "127.0.0.1:8081", "/"},
                {"wss://127.0.0.1", "127.0.0.1", "/"},
                {"ws://[::1]:90/a?b=c", "[::1]:90", "/a?b=c"},
                {"ws://127.0.0.1:1?token=x", "127.0.0.1:1", "/?token=x"},
                {"ws+unix:/run/s:/p?q", "localhost", "/p?q"}};
    static const char *const bad[] = {"",
                                      "http://x",
                                      "ws://",
                                      "ws://:80",
                                      "ws://127.0.0.1:",
                                      "ws://127.0.0.1:0",
                                      "ws://127.0.0.1:65536",
                                      "ws://127.0.0.1:80x",
                                      "ws://u@127.0.0.1",
                                      "ws://127.0.0.1/#f",
                                      "ws://127.0.0.1/a b",
                                      "ws://[::1",
                                      "ws+unix:"};
    struct wsurl u;
    char why[128];
    bool usage;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(wsurl_parse(&u, good[i].url, &usage, why, sizeof(why)));
        assert_string_equal(u.hostport, good[i].hostport);
        assert_string_equal(u.path, good[i].path);
        assert_true(u.addrs > 0);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(wsurl_parse(&u, bad[i], &usage, why, sizeof(why)));
        assert_true(usage);
    }
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accept_value_is_rfc_6455),
        cmocka_unit_test(urls),
        TEST(message_goes_both_ways),
        TEST(bytes_come_one_by_one),
        TEST(handshake_and_messages_in_one_read),
        TEST(large_message_in_pieces),
        TEST(ping_is_answered),
        TEST(close_frame_is_echoed_and_told),
        TEST(our_close_waits_for_theirs),
        TEST(status_of_a_refusal_is_told),
        TEST(advice_of_a_refusal_is_told),
        TEST(wrong_accept_value_is_refused),
        TEST(end_without_close_frame_is_a_loss),
        TEST(missing_server_is_told),
        cmocka_unit_test(broken_servers_are_refused),
        TEST(connection_may_go_in_a_callback),
        TEST(full_socket_queues),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
