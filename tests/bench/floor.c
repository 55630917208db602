/* SPDX-License-Identifier: MIT
 * The floor: what a relay costs that checks nothing. One thread, epoll, one recv and one send per
 * message, the sender's bytes sent on in place. It is a yardstick for sigbench, never a server. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUCKETS  65536u
#define IN_SIZE  (256u * 1024u)
#define ID_SIZE  64u
#define HEAD_MAX 10u

enum { OP_TEXT = 1, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct conn {
    int fd;
    bool open, dead;
    struct conn *next; /* in its bucket */
    char id[ID_SIZE];
    size_t id_len;
    char *in; /* an unfinished request or frame */
    size_t in_len;
    char *out; /* what the socket did not take */
    size_t out_len;
};

static struct conn *buckets[BUCKETS];
static char in_buf[HEAD_MAX + IN_SIZE];
static int ep;
static int64_t spin_ns; /* what each message is made to cost beside */

static struct conn **bucket_of(const char *id, size_t n)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < n; i++) {
        h = (h ^ (uint8_t)id[i]) * 16777619u;
    }
    return &buckets[h % BUCKETS];
}

static struct conn *find(const char *id, size_t n)
{
    struct conn *c = *bucket_of(id, n);

    while (c && (c->id_len != n || memcmp(c->id, id, n) != 0)) {
        c = c->next;
    }
    return c;
}

static void forget(struct conn *c)
{
    struct conn **at = bucket_of(c->id, c->id_len);

    while (*at && *at != c) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = c->next;
    }
}

static void watch(struct conn *c, int op, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = c};

    epoll_ctl(ep, op, c->fd, &ev);
}

static void drop(struct conn *c)
{
    if (c->dead) {
        return;
    }
    c->dead = true;
    if (c->id_len) {
        forget(c);
    }
    close(c->fd);
}

static void push(struct conn *c, const char *p, size_t n)
{
    ssize_t put = c->out_len ? 0 : send(c->fd, p, n, MSG_NOSIGNAL);

    if (put == (ssize_t)n) {
        return;
    }
    if (put < 0 && errno != EAGAIN) {
        return;
    }
    size_t done = put > 0 ? (size_t)put : 0;
    char *grown = realloc(c->out, c->out_len + n - done);
    if (!grown) {
        return;
    }
    memcpy(grown + c->out_len, p + done, n - done);
    c->out = grown;
    c->out_len += n - done;
    watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void drain(struct conn *c)
{
    ssize_t put = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);

    if (put <= 0) {
        return;
    }
    c->out_len -= (size_t)put;
    memmove(c->out, c->out + put, c->out_len);
    if (c->out_len == 0) {
        free(c->out);
        c->out = NULL;
        watch(c, EPOLL_CTL_MOD, EPOLLIN);
    }
}

/* Puts a server's frame header before the payload, where the client's longer one was. */
static void push_frame(struct conn *c, unsigned op, char *payload, size_t n)
{
    size_t hn = n < 126 ? 2 : n < 65536 ? 4 : 10;
    uint8_t *h = (uint8_t *)payload - hn;

    h[0] = (uint8_t)(0x80u | op);
    if (hn == 2) {
        h[1] = (uint8_t)n;
    } else {
        unsigned width = hn == 4 ? 2 : 8;
        h[1] = hn == 4 ? 126 : 127;
        for (unsigned i = 0; i < width; i++) {
            h[2 + i] = (uint8_t)((uint64_t)n >> (8 * (width - 1 - i)));
        }
    }
    push(c, (const char *)h, hn + n);
}

static void push_text(struct conn *c, const char *text, size_t n)
{
    char buf[HEAD_MAX + 256];

    memcpy(buf + HEAD_MAX, text, n);
    push_frame(c, OP_TEXT, buf + HEAD_MAX, n);
}

/* Finds "name":"value". */
static const char *member(const char *p, size_t n, const char *name, size_t name_len, size_t *len)
{
    const char *at = memmem(p, n, name, name_len);
    if (!at) {
        return NULL;
    }
    at += name_len;
    const char *end = memchr(at, '"', n - (size_t)(at - p));
    if (!end) {
        return NULL;
    }
    *len = (size_t)(end - at);
    return at;
}

static void enroll(struct conn *c, const char *p, size_t n)
{
    static const char key[] = "\"id\":\"";
    size_t len = 0;
    const char *id = member(p, n, key, sizeof(key) - 1, &len);
    char reply[256];

    if (!id || len == 0 || len > ID_SIZE || c->id_len) {
        return;
    }
    memcpy(c->id, id, len);
    c->id_len = len;
    struct conn **b = bucket_of(id, len);
    c->next = *b;
    *b = c;
    int k = snprintf(reply, sizeof(reply),
                     "{\"type\":\"registered\",\"id\":\"%.*s\","
                     "\"timestamp\":\"2025-11-27T12:00:00.000Z\"}",
                     (int)len, id);
    push_text(c, reply, (size_t)k);
}

static int64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void spin(void)
{
    int64_t end = clock_ns() + spin_ns;

    while (clock_ns() < end) {
    }
}

static void route(struct conn *c, char *p, size_t n)
{
    static const char key[] = "\"target\":\"";
    static const char unknown[] =
        "{\"type\":\"error\",\"message\":\"Target client not found\",\"details\":\"\"}";
    size_t len = 0;
    const char *id = member(p, n, key, sizeof(key) - 1, &len);

    if (!id) {
        enroll(c, p, n);
        return;
    }
    if (spin_ns > 0) {
        spin();
    }
    struct conn *to = find(id, len);
    if (to) {
        push_frame(to, OP_TEXT, p, n);
    } else {
        push_text(c, unknown, sizeof(unknown) - 1);
    }
}

static void unmask(char *p, size_t n, const char *key)
{
    uint32_t k;
    uint64_t wide;
    size_t i = 0;

    memcpy(&k, key, sizeof(k));
    wide = (uint64_t)k << 32 | k;
    for (; n - i >= 8; i += 8) {
        uint64_t v;
        memcpy(&v, p + i, 8);
        v ^= wide;
        memcpy(p + i, &v, 8);
    }
    for (; i < n; i++) {
        p[i] = (char)(p[i] ^ key[i & 3]);
    }
}

/* Returns the length of the frame at p once it is whole and dealt with, else 0. */
static size_t frame(struct conn *c, char *p, size_t n)
{
    const uint8_t *b = (const uint8_t *)p;
    char key[4];
    size_t hn = 6;

    if (n < 2) {
        return 0;
    }
    size_t len = b[1] & 0x7fu;
    if (len == 126) {
        hn = 8;
        len = n < 4 ? IN_SIZE : (size_t)b[2] << 8 | b[3];
    } else if (len == 127) {
        drop(c);
        return 0;
    }
    if (n < hn + len) {
        return 0;
    }
    unsigned op = b[0] & 0x0fu;
    memcpy(key, p + hn - 4, 4);
    unmask(p + hn, len, key);
    if (op == OP_TEXT) {
        route(c, p + hn, len);
    } else if (op == OP_PING) {
        push_frame(c, OP_PONG, p + hn, len);
    } else if (op == OP_CLOSE) {
        push_frame(c, OP_CLOSE, p + hn, len);
        drop(c);
    }
    return hn + len;
}

static size_t upgrade(struct conn *c, char *p, size_t n)
{
    static const char name[] = "Sec-WebSocket-Key: ";
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[24 + sizeof(guid)];
    unsigned char digest[EVP_MAX_MD_SIZE], accept[64];
    char reply[256];

    const char *end = memmem(p, n, "\r\n\r\n", 4);
    if (!end) {
        return 0;
    }
    const char *key = memmem(p, n, name, sizeof(name) - 1);
    if (!key || end - key < (ptrdiff_t)(sizeof(name) + 23)) {
        drop(c);
        return 0;
    }
    snprintf(text, sizeof(text), "%.24s%s", key + sizeof(name) - 1, guid);
    EVP_Digest(text, strlen(text), digest, NULL, EVP_sha1(), NULL);
    EVP_EncodeBlock(accept, digest, 20);
    int k = snprintf(reply, sizeof(reply),
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                     (const char *)accept);
    push(c, reply, (size_t)k);
    c->open = true;
    return (size_t)(end + 4 - p);
}

static void keep(struct conn *c, const char *p, size_t n)
{
    free(c->in);
    c->in = n ? malloc(n) : NULL;
    c->in_len = c->in ? n : 0;
    if (c->in) {
        memcpy(c->in, p, n);
    }
}

static void receive(struct conn *c)
{
    char *p = in_buf + HEAD_MAX;
    size_t have = c->in_len;

    if (have) {
        memcpy(p, c->in, have);
    }
    ssize_t n = recv(c->fd, p + have, IN_SIZE - have, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) {
            drop(c);
        }
        return;
    }
    have += (size_t)n;
    while (have > 0 && !c->dead) {
        size_t used = c->open ? frame(c, p, have) : upgrade(c, p, have);
        if (used == 0) {
            break;
        }
        p += used;
        have -= used;
    }
    if (have || c->in) {
        keep(c, p, have);
    }
}

static void admit(int listener)
{
    int on = 1;
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct conn *c = calloc(1, sizeof(*c));
        if (!c) {
            close(fd);
            return;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        c->fd = fd;
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static void reap(struct conn *c)
{
    free(c->in);
    free(c->out);
    free(c);
}

static int listen_on_loopback(unsigned *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
        perror("floor: listen");
        exit(3);
    }
    *port = ntohs(a.sin_port);
    return fd;
}

static void announce(unsigned port, const char *file)
{
    char tmp[4096];

    if (file) {
        snprintf(tmp, sizeof(tmp), "%s.tmp", file);
        FILE *f = fopen(tmp, "w");
        if (!f || fprintf(f, "%u\n", port) < 0 || fclose(f) != 0 || rename(tmp, file) != 0) {
            perror("floor: port file");
            exit(3);
        }
    }
    printf("listening on 127.0.0.1:%u\n", port);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct epoll_event ev[512];
    struct rlimit nofile;
    const char *file = NULL;
    unsigned port;

    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && strcmp(argv[i], "--port-file") == 0) {
            file = argv[i + 1];
        } else if (i + 1 < argc && strcmp(argv[i], "--spin-us") == 0) {
            spin_ns = (int64_t)(atof(argv[i + 1]) * 1000);
        } else {
            fputs("usage: floor [--port-file FILE] [--spin-us N]\n", stderr);
            return 2;
        }
    }
    if (getrlimit(RLIMIT_NOFILE, &nofile) == 0) {
        nofile.rlim_cur = nofile.rlim_max;
        setrlimit(RLIMIT_NOFILE, &nofile);
    }
    ep = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on_loopback(&port);
    struct conn door = {.fd = listener};
    watch(&door, EPOLL_CTL_ADD, EPOLLIN);
    announce(port, file);
    for (;;) {
        int n = epoll_wait(ep, ev, 512, -1);
        for (int i = 0; i < n; i++) {
            struct conn *c = ev[i].data.ptr;
            if (c == &door) {
                admit(listener);
                continue;
            }
            if (!c->dead && (ev[i].events & EPOLLOUT)) {
                drain(c);
            }
            if (!c->dead) {
                receive(c);
            }
        }
        for (int i = 0; i < n; i++) {
            struct conn *c = ev[i].data.ptr;
            if (c->dead) {
                reap(c);
            }
        }
    }
}
