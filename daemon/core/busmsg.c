/* SPDX-License-Identifier: MIT
 * A record is its type, then its fields: numbers as 8 bytes, strings as their length in 4 and their
 * bytes, little end first. */
#include "daemon/core/busmsg.h"

#define F(member) (1u << BUS_F_##member)

static const uint32_t fields[BUS_TYPES] = {
#define BUS_RECORD(id, members, text) [BUS_##id] = (members),
#include "daemon/core/tbl/bus_records.h"
#undef BUS_RECORD
};

static const uint32_t strings = 0
#define BUS_NUM(member)
#define BUS_STR(member) | F(member)
#include "daemon/core/tbl/bus_fields.h"
#undef BUS_NUM
#undef BUS_STR
    ;

static bool has(enum bus_type t, unsigned field)
{
    return fields[t] >> field & 1u;
}

static bool is_string(unsigned field)
{
    return strings >> field & 1u;
}

static void put_number(struct sp_buf *b, uint64_t v, unsigned bytes)
{
    char out[8];
    for (unsigned i = 0; i < bytes; i++) {
        out[i] = (char)(v >> (8 * i));
    }
    sp_buf_put(b, out, bytes);
}

static bool get_number(struct sp_str *in, uint64_t *v, unsigned bytes)
{
    if (in->n < bytes) {
        return false;
    }
    *v = 0;
    for (unsigned i = 0; i < bytes; i++) {
        *v |= (uint64_t)(unsigned char)in->p[i] << (8 * i);
    }
    in->p += bytes;
    in->n -= bytes;
    return true;
}

void bus_put(struct sp_buf *b, const struct bus_rec *r)
{
    put_number(b, r->type, 1);
    for (unsigned i = 0; i < BUS_FIELDS; i++) {
        if (has(r->type, i) && is_string(i)) {
            put_number(b, r->str[i].n, 4);
            sp_buf_str(b, r->str[i]);
        } else if (has(r->type, i)) {
            put_number(b, r->num[i], 8);
        }
    }
}

size_t bus_len(const struct bus_rec *r)
{
    size_t n = 1;
    for (unsigned i = 0; i < BUS_FIELDS; i++) {
        if (has(r->type, i)) {
            n += is_string(i) ? 4 + r->str[i].n : 8;
        }
    }
    return n;
}

bool bus_get(struct sp_str *in, struct bus_rec *r)
{
    uint64_t v;
    if (!get_number(in, &v, 1) || v == BUS_NONE || v >= BUS_TYPES) {
        return false;
    }
    *r = (struct bus_rec){.type = (enum bus_type)v};
    for (unsigned i = 0; i < BUS_FIELDS; i++) {
        if (!has(r->type, i)) {
            continue;
        }
        if (!get_number(in, &v, is_string(i) ? 4 : 8) || (is_string(i) && v > in->n)) {
            return false;
        }
        if (is_string(i)) {
            r->str[i] = (struct sp_str){in->p, (size_t)v};
            in->p += v;
            in->n -= (size_t)v;
        } else {
            r->num[i] = v;
        }
    }
    return true;
}
