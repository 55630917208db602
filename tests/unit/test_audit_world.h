/* SPDX-License-Identifier: MIT
 * A directory for each test of the audit log, events to feed it, and a walk along its chain. */
#ifndef TESTS_AUDIT_WORLD_H
#define TESTS_AUDIT_WORLD_H

#include "tests/lib/unit.h"

#include "cli/sigmon/chain.h"
#include "daemon/audit.h"

#define MS       1764244800000
#define SECOND   UINT64_C(1000000)
#define PATIENCE (20 * SECOND)

/* The test's directory, its audit log, and the last sentence of an error. */
extern char dir[64], path[128], why[256];

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
int make_dir(void **state);
int remove_dir(void **state);

#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        uint64_t end_ = now_us() + PATIENCE;                                                       \
        while (!(condition)) {                                                                     \
            assert_true(now_us() < end_);                                                          \
            pace(1000);                                                                            \
        }                                                                                          \
    } while (0)

uint64_t now_us(void);
/* pace is the time between two events of a load. */
void pace(long us);

struct audit *open_log(const char *file, uint32_t queue);
struct audit_state state_of(struct audit *a);
/* offer hands over event number i, which is its conn. */
bool offer(struct audit *a, int64_t i);
/* offer_many tells how many were taken. */
uint64_t offer_many(struct audit *a, int64_t from, int64_t to);
void wait_written(struct audit *a, uint64_t n);
struct audit_state close_log(struct audit *a);

/* seen is what a walk along the chain saw. */
struct seen {
    struct chain chain;
    struct chain_count sum;
    uint64_t events, own;
    int64_t next; /* the number that the next event has unless some were dropped */
};

void begin_seen(struct seen *s);
/* walk gives false when the chain says no, see fails then. */
bool walk(struct seen *s, const char *p, size_t n);
void see(struct seen *s, const char *file);
void end_seen(struct seen *s);
/* see_one sees a file that is a chain of its own. */
struct seen see_one(const char *file);

/* read_all gives what the caller frees. */
char *read_all(const char *file, size_t *n);
void write_all(const char *file, const char *p, size_t n);
bool exists(const char *file);
/* keep renames the log as logrotate does; numbered gives a name for that, good until the next. */
void keep(const char *file);
const char *numbered(unsigned i);

#endif
