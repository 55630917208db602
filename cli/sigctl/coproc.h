/* SPDX-License-Identifier: MIT
 * sigctl --coproc, its parts: commands one after another, messages that are sent at once, and the
 * lines that tell of both. Requests and replies carry the same rid, events carry none. */
#ifndef SIGCTL_COPROC_H
#define SIGCTL_COPROC_H

#include "cli/common/out.h"
#include "cli/sigctl/lines.h"
#include "cli/sigctl/relay.h"

#define COPROC_JOBS    64         /* commands that may wait */
#define COPROC_POSTS   4096       /* messages without an answer */
#define COPROC_RESULTS (4u << 20) /* bytes of results of one command */

/* job is a command that waits or runs. Owns all of it; argv points into text. */
struct job {
    char *rid; /* raw JSON */
    char *text;
    char **argv;
    int argc;
};

/* post is a message without an answer; rid NULL: this place is free. */
struct post {
    char *rid;
    char to[SP_ID_MAX + 1];
    int64_t late_us;
};

struct coproc {
    struct ctl *c;
    struct lines in;
    struct job jobs[COPROC_JOBS]; /* the oldest first */
    unsigned njobs;
    struct post *posts;  /* COPROC_POSTS of them; message n is posts[n % COPROC_POSTS] */
    int64_t first, next; /* messages under way are among first..next-1 */
    int64_t timeout_us, end_us;
    bool end, up, gone; /* no more input; connected and told so; will not come back by itself */
    bool running;
    struct out_sink sink; /* of the command that runs */
    char *results;
    size_t nresults, cap;
    bool cut;
    struct refusal failed;
};

/* coproc_event tells of the connection. */
void coproc_event(const struct coproc *co, const char *state, const char *message);
/* coproc_message tells of a message that answers nothing. */
void coproc_message(const struct coproc *co, const struct link_msg *m);
/* coproc_fail is the reply to a request that failed; rid is raw JSON, NULL for null. */
void coproc_fail(const struct coproc *co, const char *rid, int status, const char *code,
                 const char *message);
/* coproc_refuse is the reply to a command that does not run. */
void coproc_refuse(const struct coproc *co, const char *rid, int status, const char *code,
                   const char *message);
/* coproc_result is the reply to a command. */
void coproc_result(const struct coproc *co, const char *rid, int status);
/* coproc_reply is the reply to a message: m with the rid as it was asked for. */
void coproc_reply(const struct coproc *co, const struct post *p, const struct link_msg *m);

/* coproc_post sends a message at once, or replies why not. rid is owned from here. */
void coproc_post(struct coproc *co, const struct sp_doc *doc, char *rid);
/* coproc_answered is true for a message that answers a post; it is replied to. */
bool coproc_answered(struct coproc *co, const struct link_msg *m);
/* coproc_lose fails all that is under way, coproc_expire what was not answered in time. */
void coproc_lose(struct coproc *co, const char *why);
void coproc_expire(struct coproc *co);
/* coproc_moment gives when the next post will be late. */
int64_t coproc_moment(const struct coproc *co);

/* coproc_queue puts a command behind the others, or replies why not. rid is owned from here. */
void coproc_queue(struct coproc *co, const struct sp_doc *doc, char *rid);
/* coproc_on_fail keeps the failure of a command. */
void coproc_on_fail(void *co, int status, const char *code, const char *text);
/* coproc_next runs the oldest command and replies; 0, 128 + N or LINK_NO_READER. */
int coproc_next(struct coproc *co);

#endif
