/* SPDX-License-Identifier: MIT
 * A scenario: lines of several identities, checked as a whole and then run. run.c is the command,
 * run_parse.c and run_check.c make steps of lines, run_vars.c expands words, run_step.c and
 * run_expect.c do steps, run_crew.c lets identities run beside each other, run_report.c and
 * run_xml.c tell. */
#ifndef SIGCTL_RUN_H
#define SIGCTL_RUN_H

#include "cli/sigctl/show.h"

#include <pthread.h>
#include <regex.h>

#define RUN_FILE_MOST  (1024u * 1024)
#define RUN_LINE_MOST  (64u * 1024)
#define RUN_NAME_MAX   32
#define RUN_IDENTS     65 /* the first has no name: lines without an identity */
#define RUN_DEPTH      8
#define RUN_ROUNDS     1000000 /* of all repeats around a line together */
#define RUN_VARS       256
#define RUN_SEEN       8
#define RUN_LITERAL    '\x01' /* a dollar that begins no variable */
#define RUN_ANY_STATUS (-1)

enum run_kind {
    RUN_COMMAND,
    RUN_AS,
    RUN_EXPECT,
    RUN_DROP,
    RUN_LEAVE,
    RUN_ASSERT,
    RUN_SET,
    RUN_ECHO,
    RUN_PAUSE,
    RUN_TIMEOUT,
    RUN_PARALLEL,
    RUN_REPEAT,
    RUN_END,
    RUN_TEST,
    RUN_FAILS /* a prefix; no step has this kind */
};

/* step is one line. v are its words without identity and prefixes, unexpanded. */
struct step {
    enum run_kind kind;
    unsigned line;
    char *text;          /* as written, without the blanks around it */
    char *words, **argv; /* what v points into */
    char **v;
    int n;
    unsigned who;    /* whose line it is; 0: nobody's */
    unsigned branch; /* of a parallel block: with whose lines it runs */
    unsigned end;    /* of a block: the index of its end */
    bool fails;      /* it must fail: with this status, or this code */
    int want_status;
    const char *want_code;
};

/* fault is what is wrong with words: at points into them where that is known. */
struct fault {
    int status;
    const char *at;
    char code[SP_WORD_MAX + 1];
    char text[1024];
};

struct scene;

struct ident {
    char name[RUN_NAME_MAX + 1];
    struct ctl c;
    char **kept; /* words that c.base borrows */
    struct scene *scene;
    struct fault fault; /* of the command that runs */
};

struct var {
    char name[RUN_NAME_MAX + 1];
    char *value; /* NULL: not set yet */
};

/* wrong is what a step failed with. */
struct wrong {
    struct fault f;
    const struct step *step; /* NULL: nothing failed */
    const char *who;
    struct {
        char what[SP_WORD_MAX + SP_ID_MAX + 16];
        int64_t age_us;
    } seen[RUN_SEEN];
    unsigned nseen, more; /* more: seen, and not listed */
};

enum case_state { CASE_SKIPPED, CASE_PASSED, CASE_FAILED };

/* test is one test case: the steps [from, to). */
struct test {
    const char *name;
    unsigned from, to;
    enum case_state state;
    int64_t took_us;
    struct wrong *wrong;
};

/* flow is one thread of steps: the scenario, or a branch of a parallel block. */
struct flow {
    struct scene *s;
    unsigned branch, from, to; /* of a branch */
    bool is_branch;
    struct ctl_kept msg; /* the message that was expected last, and where */
    unsigned msg_line;
    int64_t round; /* $i; 0: in no repeat */
    int status;
    enum { FLOW_READY, FLOW_WAITING, FLOW_ENDED } state;
    int64_t deadline;
    pthread_t thread;
    pthread_cond_t turn;
};

/* crew are the branches of a block: one at a time runs, and waits hand over. */
struct crew {
    pthread_mutex_t lock;
    pthread_cond_t done;
    struct flow *flows;
    unsigned n, current, left;
    int stop; /* not 0: a branch failed, or a signal came; all are to end */
};

struct run_opts {
    struct opt_list vars;
    const char *junit;
    bool tap, keep_going;
};

struct scene {
    struct ctl *c; /* of the command */
    const struct run_opts *o;
    const char *file;
    struct step *steps;
    unsigned n;
    struct ident *idents[RUN_IDENTS];
    unsigned nidents;
    struct var vars[RUN_VARS];
    unsigned nvars;
    int64_t timeout_us;
    struct test *tests; /* the first is what stands before them, where there are any */
    unsigned ntests;
    bool has_setup;
    struct crew *crew; /* while branches run */
    struct wrong wrong;
    const char *test; /* that runs */
    int64_t start_us;
    int real_out, no_out; /* stdout, and where the output of commands goes */
    FILE *junit;
};

/* run_fault_set fills f and gives status. */
int run_fault_set(struct fault *f, int status, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* run_parse makes the steps of a text, which it changes; prints what is wrong with it. */
int run_parse(struct scene *s, char *text, size_t n);
void run_free(struct scene *s);
/* run_check_step looks at the words of a step as far as they are known before it runs. */
int run_check_step(struct scene *s, struct step *st, struct fault *f);
int run_find_ident(const struct scene *s, const char *name); /* -1: none */
struct ident *run_add_ident(struct scene *s, const char *name);
/* run_leave_stage ends the connection of an identity and forgets its options. */
void run_leave_stage(struct ident *who);

/* run_has_var tells whether a word has variables in it. */
bool run_has_var(const char *word);
/* run_check_vars looks for variables that nothing can have set; run_expand gives a word with the
 * values in, which the caller frees, or NULL with f filled. */
int run_check_vars(const struct scene *s, const char *word, struct fault *f);
char *run_expand(struct flow *w, const char *word, struct fault *f);
/* run_set gives a variable a value (NULL: it will have one); false when there are too many. */
bool run_set(struct scene *s, const char *name, const char *value);
bool run_is_name(const char *name, size_t n);

/* run_duration reads a duration; run_rounds a number of repeats. */
int run_duration(const char *word, int64_t *us, struct fault *f);
int run_rounds(const char *word, int64_t *n, struct fault *f);

/* run_expect does "TYPE [from G] [where E] [within D]"; dry only looks at the words that are known.
 */
int run_check_expect(struct scene *s, char **v, int n, struct fault *f);
int run_expect(struct flow *w, struct ident *who, char **v, int n, struct fault *f);
int run_check_assert(char **v, struct fault *f);
int run_assert(char **v, struct fault *f);

/* run_range runs the steps [from, to) of a flow until the first that fails. */
int run_range(struct flow *w, unsigned from, unsigned to);
/* run_parallel runs the branches of the block that begins with st. */
int run_parallel(struct flow *w, const struct step *st, unsigned from);
/* run_wait is the link_wait_fn of all links of a scenario; ctx is the scene. */
int run_wait(void *ctx, struct link *l, int64_t deadline);

int run_report_open(struct scene *s);
void run_report_step(struct scene *s, const struct step *st, bool ok, int64_t took_us);
void run_report_begin(struct scene *s);
void run_report_test(struct scene *s, const struct test *t, unsigned number);
void run_report_echo(struct scene *s, const char *text);
int run_report_end(struct scene *s, int status);
/* run_report_xml writes the JUnit report. */
int run_report_xml(struct scene *s);
const char *run_who(const struct scene *s, const struct step *st);
void run_age(char out[32], int64_t us);

#endif
