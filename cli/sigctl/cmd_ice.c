/* SPDX-License-Identifier: MIT
 * ice-servers: the STUN and TURN servers that clients are told of, with credentials. */
#include "cli/common/out.h"
#include "cli/sigctl/want.h"
#include "libproto/event.h"

#define TEXT_MAX 512 /* a URL has 300 bytes at most, a user name 508 */

const struct opt ice_servers_rows[] = {{0}};

static const struct sp_str none = {NULL, 0};

/* One URL of one server; empty where there is no such member. */
struct place {
    struct sp_str url, username, credential;
    int64_t ttl_us; /* -1: no end */
};

static struct sp_str array_of(const struct link_msg *m, const char *key)
{
    const struct sp_member *list = sp_doc_find(&m->doc, sp_str(key));
    return list && list->kind == SP_J_ARRAY ? sp_doc_raw(&m->doc, list) : none;
}

static void print_row(const struct ctl *c, const struct place *p, int64_t wall_us)
{
    struct print_line l;
    if (!print_begin(&l, p->url.n + p->username.n + p->credential.n)) {
        return;
    }
    sp_json_str(&l.j, "url", p->url);
    sp_json_str(&l.j, "username", p->username.n ? p->username : SP_STR("-"));
    sp_json_str(&l.j, "credential", p->credential.n ? p->credential : SP_STR("-"));
    if (p->ttl_us >= 0 && p->username.n) {
        sp_json_int(&l.j, "ttl_us", p->ttl_us);
    } else {
        sp_json_str(&l.j, "ttl_us", SP_STR("-"));
    }
    print_time(&l, wall_us);
    print_end(&c->opts, &l);
}

static void print_human(const struct place *p)
{
    out_safe(stdout, p->url);
    if (p->username.n) {
        printf("  ");
        out_safe(stdout, p->username);
        printf("  ");
        out_safe(stdout, p->credential);
    }
    if (p->username.n && p->ttl_us >= 0) {
        printf("  for %lld s", (long long)(p->ttl_us / 1000000));
    }
    putchar('\n');
}

static void print_server(const struct ctl *c, struct sp_str raw, int64_t ttl_us, int64_t wall_us)
{
    struct link_msg m;
    struct sp_str one;
    char user[TEXT_MAX], password[TEXT_MAX], url[TEXT_MAX];
    size_t at = 0;
    if (!link_scan(&m, raw)) {
        return;
    }
    struct place p = {.ttl_us = ttl_us,
                      .username = link_text(&m, "username", user, sizeof(user)),
                      .credential = link_text(&m, "credential", password, sizeof(password))};
    struct sp_str urls = array_of(&m, "urls");
    while (urls.n && sp_each_element(urls, &at, &one)) {
        size_t n = one.p[0] == '"' ? sp_unescape(url, sizeof(url), one) : SIZE_MAX;
        p.url = n == SIZE_MAX ? one : (struct sp_str){url, n};
        if (print_is_machine(&c->opts)) {
            print_row(c, &p, wall_us);
        } else {
            print_human(&p);
        }
    }
}

static void print_whole(const struct ctl *c, const struct link_msg *m, struct sp_str servers,
                        int64_t ttl_us)
{
    struct print_line l;
    if (!print_begin(&l, m->raw.n)) {
        return;
    }
    sp_json_bool(&l.j, "ok", true);
    sp_json_str(&l.j, "type", SP_STR("ice-servers"));
    sp_json_raw(&l.j, "ice_servers", servers);
    if (ttl_us >= 0) {
        sp_json_int(&l.j, "ttl_us", ttl_us);
    }
    print_time(&l, m->wall_us);
    print_end(&c->opts, &l);
}

int cmd_ice_servers(struct ctl *c, const struct ctl_args *a)
{
    int64_t ttl = -1;
    size_t at = 0, n = 0;
    struct sp_str one;
    (void)a;
    int status = ctl_connect(c);
    /* they are for registered clients alone */
    status = status ? status : ctl_identity(c);
    if (status) {
        return status;
    }
    if (ctl_query(c, SP_T_ICE_SERVERS, none, SP_T_ICE_SERVERS, ctl_deadline(c, CTL_ONE_US)) != 0) {
        return ctl_fail_link(c);
    }
    const struct link_msg *m = link_reply(c->link);
    struct sp_str servers = array_of(m, "iceServers");
    if (!servers.n) {
        return ctl_fail(c, EXIT_DATA, NULL, "the server's answer has no list of servers");
    }
    bool ends = sp_doc_int(&m->doc, SP_STR("ttl"), &ttl) == SP_OK && ttl >= 0 && ttl < INT32_MAX;
    int64_t ttl_us = ends ? ttl * 1000000 : -1;
    if (c->opts.json || c->opts.pretty) {
        print_whole(c, m, servers, ttl_us);
        return 0;
    }
    for (; sp_each_element(servers, &at, &one); n++) {
        print_server(c, one, ttl_us, m->wall_us);
    }
    if (n == 0) {
        out_note("the server names no STUN or TURN servers");
    }
    fflush(stdout);
    return 0;
}
