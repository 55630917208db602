/* SPDX-License-Identifier: MIT
 * What the tests of the audit log share. The chain is checked by sigmon's code. */
#include "tests/unit/test_audit_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "libproto/scan.h"

char dir[64], path[128], why[256];

/* ---------------------------------------------------------------- feeding and waiting */

uint64_t now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec / 1000;
}

void pace(long us)
{
    const struct timespec ts = {.tv_nsec = us * 1000};
    nanosleep(&ts, NULL);
}

struct audit_state state_of(struct audit *a)
{
    struct audit_state s;
    audit_state(a, &s);
    return s;
}

struct audit *open_log(const char *file, uint32_t queue)
{
    struct audit *a = audit_open(file, queue, why, sizeof(why));
    if (!a) {
        fail_msg("%s", why);
    }
    return a;
}

/* Event number i: the number is in conn. */
bool offer(struct audit *a, int64_t i)
{
    struct sp_event ev;
    sp_event_init(&ev, SP_EV_RELAY, MS + i);
    ev.kind = SP_T_ICE;
    ev.n[SP_EN_seq] = 4711;
    ev.n[SP_EN_conn] = i;
    ev.n[SP_EN_size] = 180;
    ev.s[SP_ES_from] = SP_STR("drone-1");
    ev.s[SP_ES_to] = SP_STR("cam-2");
    ev.s[SP_ES_session] = SP_STR("session-9fKq27LkPzXw31vTbQmNcd");
    return audit_event(a, &ev);
}

uint64_t offer_many(struct audit *a, int64_t from, int64_t to)
{
    uint64_t taken = 0;
    for (int64_t i = from; i < to; i++) {
        taken += offer(a, i);
    }
    return taken;
}

void wait_written(struct audit *a, uint64_t n)
{
    WAIT_FOR(state_of(a).written == n);
}

struct audit_state close_log(struct audit *a)
{
    struct audit_state s;
    audit_close(a, PATIENCE, &s);
    assert_int_equal(s.queued, 0);
    return s;
}

/* ---------------------------------------------------------------- looking at files */

void begin_seen(struct seen *s)
{
    *s = (struct seen){.next = 0};
    assert_true(chain_init(&s->chain));
}

char *read_all(const char *file, size_t *n)
{
    FILE *f = fopen(file, "re");
    char *p = malloc(8u << 20);
    assert_non_null(f);
    assert_non_null(p);
    *n = fread(p, 1, 8u << 20, f);
    assert_true(*n < 8u << 20);
    fclose(f);
    return p;
}

void write_all(const char *file, const char *p, size_t n)
{
    FILE *f = fopen(file, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void look_at_record(struct seen *s, struct sp_str line)
{
    struct sp_event ev;
    struct sp_diag d;
    char scratch[1024];
    if (sp_event_parse(&ev, line, scratch, sizeof(scratch), &d) != SP_OK ||
        ev.event == SP_EV_NONE) {
        s->own++;
        return;
    }
    assert_int_equal(ev.event, SP_EV_RELAY);
    assert_text(ev.s[SP_ES_to], "cam-2");
    assert_true(ev.n[SP_EN_conn] >= s->next);
    s->next = ev.n[SP_EN_conn] + 1;
    s->events++;
}

/* Walks along lines; false when the chain says no. */
bool walk(struct seen *s, const char *p, size_t n)
{
    chain_next_file(&s->chain);
    while (n > 0) {
        const char *lf = memchr(p, '\n', n);
        size_t len = lf ? (size_t)(lf - p) : n;
        if (!chain_line(&s->chain, (struct sp_str){p, len}, lf != NULL, why, sizeof(why))) {
            return false;
        }
        look_at_record(s, (struct sp_str){p, len});
        len += lf != NULL;
        p += len;
        n -= len;
    }
    s->sum.records += s->chain.count.records;
    s->sum.drops += s->chain.count.drops;
    s->sum.recovered += s->chain.count.recovered;
    return true;
}

void see(struct seen *s, const char *file)
{
    size_t n;
    char *p = read_all(file, &n);
    if (!walk(s, p, n)) {
        fail_msg("%s:%" PRIu64 ": %s", file, s->chain.bad.line, why);
    }
    free(p);
}

void end_seen(struct seen *s)
{
    if (!chain_end(&s->chain, why, sizeof(why))) {
        fail_msg("line %" PRIu64 ": %s", s->chain.bad.line, why);
    }
    chain_fini(&s->chain);
}

/* One file is one intact chain; gives what is in it. */
struct seen see_one(const char *file)
{
    struct seen s;
    begin_seen(&s);
    see(&s, file);
    end_seen(&s);
    return s;
}

void keep(const char *file)
{
    assert_int_equal(rename(path, file), 0);
}

const char *numbered(unsigned i)
{
    static char name[160];
    snprintf(name, sizeof(name), "%s.%u", path, i);
    return name;
}

bool exists(const char *file)
{
    return access(file, F_OK) == 0;
}

/* ---------------------------------------------------------------- around each test */

int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/test_audit.XXXXXX");
    if (!mkdtemp(dir)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/audit.log", dir);
    return 0;
}

int remove_dir(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        unlink(numbered(i));
    }
    unlink(path);
    return rmdir(dir);
}
