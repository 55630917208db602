/* SPDX-License-Identifier: MIT
 * What nodes of a cluster say to each other: records one behind the other in a message of the bus.
 * Pure bytes; who may say them is the bus's affair. */
#ifndef CORE_BUSMSG_H
#define CORE_BUSMSG_H

#include "libproto/buf.h"

enum bus_field {
#define BUS_NUM(member) BUS_F_##member,
#define BUS_STR(member) BUS_F_##member,
#include "daemon/core/tbl/bus_fields.h"
#undef BUS_NUM
#undef BUS_STR
    BUS_FIELDS
};

enum bus_type {
    BUS_NONE = 0,
#define BUS_RECORD(id, fields, text) BUS_##id,
#include "daemon/core/tbl/bus_records.h"
#undef BUS_RECORD
    BUS_TYPES
};

/* bus_rec borrows its strings. */
struct bus_rec {
    enum bus_type type;
    uint64_t num[BUS_FIELDS];
    struct sp_str str[BUS_FIELDS];
};

/* bus_put appends a record: of its type the fields that the table names. */
void bus_put(struct sp_buf *b, const struct bus_rec *r);
/* bus_len gives how many bytes bus_put needs. */
size_t bus_len(const struct bus_rec *r);
/* bus_get reads one record off the front of *in. False when there is none, or none that is whole.
 */
bool bus_get(struct sp_str *in, struct bus_rec *r);

#endif
