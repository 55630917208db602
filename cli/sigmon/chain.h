/* SPDX-License-Identifier: MIT
 * The chain of an audit log, checked line by line. */
#ifndef SIGMON_CHAIN_H
#define SIGMON_CHAIN_H

#include "libproto/limits.h"
#include "libproto/types.h"

#include <openssl/evp.h>

#define CHAIN_HEX 64u /* a SHA-256 in hexadecimal digits */

/* chain_count is what was found in one file. */
struct chain_count {
    uint64_t lines, records;
    uint64_t first, last; /* numbers of its records */
    uint64_t drops;       /* events that the daemon had no room for */
    uint64_t recovered;   /* lines that a crash or a full disk tore */
};

/* chain_place is a line of a file; files count from 0, lines from 1. */
struct chain_place {
    unsigned file;
    uint64_t line;
};

struct chain {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
    uint64_t seq; /* of the last record, 0: none yet */
    char head[CHAIN_HEX];
    bool torn; /* the last line is no record: a recovered one has to follow */
    char torn_why[160];
    struct chain_place at, torn_at;
    struct chain_place bad; /* where it is wrong, once something is */
    struct chain_count count;
};

/* chain_init gives false when out of memory. */
bool chain_init(struct chain *c);
void chain_fini(struct chain *c);

/* chain_next_file begins the next file, and its count. */
void chain_next_file(struct chain *c);

/* chain_line checks the next line, given without its newline; ended tells that it had one. False
 * with a sentence in why and the place in bad. */
bool chain_line(struct chain *c, struct sp_str line, bool ended, char *why, size_t cap);

/* chain_end checks that the last line was a record. */
bool chain_end(struct chain *c, char *why, size_t cap);

/* chain_is_log tells whether a file that begins like this may be an audit log. */
bool chain_is_log(struct sp_str start);

#endif
