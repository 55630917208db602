/* SPDX-License-Identifier: MIT
 * One row per field of the records of the bus, in their order there. */
BUS_NUM(seq)      /* of a carried message, for its outcome */
BUS_NUM(epoch)    /* of the client that id names */
BUS_NUM(to_epoch) /* of the one that to names */
BUS_NUM(since)    /* ms of the wall clock */
BUS_NUM(kind)     /* enum sp_type, by number: nodes run one version */
BUS_NUM(code)     /* enum sp_err or enum sp_bye */
BUS_NUM(flags)
BUS_STR(id)
BUS_STR(to)
BUS_STR(role)  /* that it says */
BUS_STR(grant) /* that its token or certificate gives it */
BUS_STR(meta)
BUS_STR(session)
BUS_STR(text) /* the message as the receiver gets it */
