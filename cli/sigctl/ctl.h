/* SPDX-License-Identifier: MIT
 * sigctl's frame: one connection and identity, commands from arguments, a pipe or a terminal. */
#ifndef SIGCTL_CTL_H
#define SIGCTL_CTL_H

#include "cli/common/exits.h"
#include "cli/common/link.h"
#include "cli/common/print.h"

enum ctl_mode { CTL_ONE, CTL_PIPE, CTL_REPL };

#define CTL_VALUES_MAX 2048 /* the largest struct of a command's options */
#define CTL_INBOX      256  /* messages a script may leave unread; older ones go */
#define CTL_ONE_US     5000000

/* ctl_own are the values of the options of a run without a command. */
struct ctl_own {
    const char *init; /* file of commands for the start of the prompt */
    bool coproc;
};

/* ctl_rows describes struct ctl_own. */
extern const struct opt ctl_rows[];

/* ctl_kept owns a copy of a received message; zero is none. */
struct ctl_kept {
    char *raw;
    struct link_msg m;
};

/* ctl_take_fn sees each message that arrives while a command runs; true: taken. */
typedef bool (*ctl_take_fn)(void *ctx, const struct link_msg *m);

struct ctl {
    enum ctl_mode mode;
    struct link *link;
    struct link_opts base; /* of the whole run; the link borrows it */
    struct link_opts opts; /* of the command that runs */
    struct ctl_own own;
    const char *file; /* which lines run now: failures name it; NULL: no file */
    unsigned line;    /* of a script, from 1 */
    char id[SP_ID_MAX + 1];
    char meta[SP_META_MAX + 1], role[SP_ROLE_MAX + 1];
    bool named;                     /* id is set */
    bool was_here;                  /* registered once: a loss is a loss of identity */
    char offer_from[SP_ID_MAX + 1]; /* who sent the newest offer and its media words */
    char offer_media[32];
    ctl_take_fn take;
    void *take_ctx;
    void (*show)(struct ctl *c, const struct link_msg *m); /* of the REPL */
    void *repl;
    /* of a scenario: failures go there instead of being printed, and names of identities are ids */
    void (*on_fail)(void *scene, int status, const char *code, const char *text);
    const char *(*id_of)(void *scene, const char *name);
    void *scene;
    struct ctl_kept inbox[CTL_INBOX];
    unsigned first, unread;
};

/* ctl_args is a parsed command line. */
struct ctl_args {
    char **v; /* positional, without the command's name */
    int n;
    void *values; /* the command's struct of options */
    char **exec;  /* what follows --exec, NULL-terminated; NULL: not given */
};

enum {
    CMD_LOCAL = 1, /* talks to no server */
    CMD_LATE = 2   /* connects when it wants to */
};

/* Neighbours with the same text in together share a line of the help, which fits a screen. */
struct command {
    const char *name, *args, *help, *example, *together;
    const struct opt *rows;
    int least, most; /* positional arguments; most -1: any number */
    unsigned flags;
    int (*run)(struct ctl *c, const struct ctl_args *a);
};

extern const struct command commands[];
const struct command *command_find(const char *name);
/* command_nearest gives the name that was probably meant, or NULL. */
const char *command_nearest(const char *name);
/* command_index gives the place of the command's word in argv[1..argc), argc when there is none. */
int command_index(int argc, char **argv);
void help_all(FILE *f);
void help_one(FILE *f, const struct command *cmd);

/* ctl_run runs one command line (argv[0] is the program); prints what fails and gives the status.
 */
int ctl_run(struct ctl *c, int argc, char **argv);
void ctl_message(void *ctl, const struct link_msg *m);
void ctl_fini(struct ctl *c);

/* ctl_fail prints, with the line in a script. */
int ctl_fail(const struct ctl *c, int status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* ctl_fail_link prints why the link failed. */
int ctl_fail_link(const struct ctl *c);
/* ctl_fail_to is ctl_fail_link for a message to a peer: an unknown one is told with a way out. */
int ctl_fail_to(struct ctl *c, const char *target);

/* ctl_connect opens the connection, or comes back after a loss where that is wanted; prints what
 * fails. */
int ctl_connect(struct ctl *c);
/* ctl_query sends a request without a target (body is raw members) and waits for its reply; where
 * the server wants it, registers first. The caller prints what fails. */
int ctl_query(struct ctl *c, enum sp_type type, struct sp_str body, enum sp_type want,
              int64_t deadline);

int64_t ctl_deadline(const struct ctl *c, int64_t unless_given_us);
/* ctl_identity registers with the id of -i, of the token or one made up, unless registered. */
int ctl_identity(struct ctl *c);

void ctl_set_take(struct ctl *c, ctl_take_fn fn, void *ctx);
bool kept_set(struct ctl_kept *k, const struct link_msg *m);
void kept_clear(struct ctl_kept *k);
/* ctl_unread gives the message at a place in the inbox, or NULL; ctl_drop takes it out. */
const struct link_msg *ctl_unread(const struct ctl *c, unsigned at);
void ctl_drop(struct ctl *c, unsigned at);

/* modes; each gives the exit status */
int pipe_run(struct ctl *c);
int repl_run(struct ctl *c);
int coproc_run(struct ctl *c);

#define COMMAND(name)                                                                              \
    extern const struct opt name##_rows[];                                                         \
    int cmd_##name(struct ctl *c, const struct ctl_args *a)

COMMAND(register);
COMMAND(offer);
COMMAND(answer);
COMMAND(ice);
COMMAND(bye);
COMMAND(send);
COMMAND(call);
COMMAND(listen);
COMMAND(wait);
COMMAND(list);
COMMAND(ping);
COMMAND(ice_servers);
COMMAND(sessions);
COMMAND(stats);
COMMAND(kick);
COMMAND(drain);
COMMAND(reload);
COMMAND(agent);
COMMAND(run);
COMMAND(token);
COMMAND(check);
COMMAND(sdp);
COMMAND(completion);
COMMAND(save);
COMMAND(help);

#endif
