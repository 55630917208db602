/* SPDX-License-Identifier: MIT
 * Words, numbers and addresses of session descriptions (RFC 8866 9). */
#include "cli/sigctl/sdp_in.h"

struct sp_str sdp_cut(struct sp_str *rest, char at)
{
    const char *p = rest->n > 0 ? memchr(rest->p, at, rest->n) : NULL;
    struct sp_str head = {rest->p, p ? (size_t)(p - rest->p) : rest->n};
    size_t skip = head.n + (p != NULL);
    *rest = (struct sp_str){skip > 0 ? rest->p + skip : rest->p, rest->n - skip};
    return head;
}

unsigned sdp_split(struct sp_str s, struct sp_str *v, unsigned cap, bool *more)
{
    unsigned n = 0;
    bool open = true;
    while (open && n < cap) {
        size_t before = s.n;
        v[n] = sdp_cut(&s, ' ');
        open = v[n++].n < before;
    }
    if (more) {
        *more = open;
    }
    return n;
}

bool sdp_number(struct sp_str s, uint64_t most, uint64_t *v)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint64_t digit = (uint64_t)(unsigned char)s.p[i] - '0';
        if (digit > 9 || sum > (most - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *v = sum;
    return s.n > 0;
}

bool sdp_is(struct sp_str s, const char *word)
{
    return sp_str_eq(s, sp_str(word));
}

bool sdp_is_one_of(struct sp_str s, const char *const *words)
{
    while (*words && !sdp_is(s, *words)) {
        words++;
    }
    return *words != NULL;
}

bool sdp_all_of(struct sp_str s, bool (*is)(char c))
{
    size_t i = 0;
    while (i < s.n && is(s.p[i])) {
        i++;
    }
    return s.n > 0 && i == s.n;
}

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool sdp_is_token_char(char c)
{
    return is_letter_or_digit(c) || (c != '\0' && strchr("!#$%&'*+-.^_`{|}~", c) != NULL);
}

bool sdp_is_ice_char(char c)
{
    return is_letter_or_digit(c) || c == '+' || c == '/';
}

static bool is_host_char(char c)
{
    return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_';
}

bool sdp_is_ip4(struct sp_str s)
{
    uint64_t byte;
    unsigned n = 0;
    while (n < 4) {
        struct sp_str part = sdp_cut(&s, '.');
        if (part.n > 3 || !sdp_number(part, 255, &byte)) {
            return false;
        }
        n++;
        if (s.n == 0) {
            break;
        }
    }
    return n == 4 && s.n == 0;
}

static bool is_group(struct sp_str s)
{
    size_t i = 0;
    while (i < s.n && i < 5 &&
           ((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f') ||
            (s.p[i] >= 'A' && s.p[i] <= 'F'))) {
        i++;
    }
    return i == s.n && i > 0 && i < 5;
}

/* Counts the groups of one side of "::"; an IPv4 address may be the last two. -1: wrong. */
static int count_groups(struct sp_str s)
{
    int n = 0;
    if (s.n > 0 && s.p[s.n - 1] == ':') {
        return -1;
    }
    while (s.n > 0 && n <= 8) {
        struct sp_str part = sdp_cut(&s, ':');
        bool ip4 = s.n == 0 && sdp_is_ip4(part);
        if (!ip4 && !is_group(part)) {
            return -1;
        }
        n += ip4 ? 2 : 1;
    }
    return n <= 8 ? n : -1;
}

bool sdp_is_ip6(struct sp_str s)
{
    for (size_t i = 0; i + 1 < s.n; i++) {
        if (s.p[i] == ':' && s.p[i + 1] == ':') {
            int head = count_groups((struct sp_str){s.p, i});
            int tail = count_groups((struct sp_str){s.p + i + 2, s.n - i - 2});
            return head >= 0 && tail >= 0 && head + tail < 8;
        }
    }
    return count_groups(s) == 8;
}

bool sdp_is_host(struct sp_str s)
{
    return s.n <= 255 && sdp_all_of(s, is_host_char) && s.p[0] != '.' && s.p[0] != '-';
}
