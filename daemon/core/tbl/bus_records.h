/* SPDX-License-Identifier: MIT
 * One row per record of the bus: BUS_RECORD(ID, its fields, what it says). */
BUS_RECORD(HELLO, F(flags), "I am here, and have monitors or not; to all, once a second")
BUS_RECORD(SYNC, 0, "tell me whom you have")
BUS_RECORD(BEGIN, 0, "those that follow, up to END, are all that I have")
BUS_RECORD(END, 0, "that is all")
BUS_RECORD(JOIN, F(id) | F(epoch) | F(since) | F(flags) | F(role) | F(grant) | F(meta),
           "a client is with me, or is now other than before")
BUS_RECORD(LEAVE, F(id) | F(epoch) | F(code), "it has gone")
BUS_RECORD(CARRY, F(seq) | F(kind) | F(id) | F(epoch) | F(to) | F(to_epoch) | F(session) | F(text),
           "for a client of yours")
BUS_RECORD(DONE, F(seq) | F(code), "what became of it: SP_OK or an error")
BUS_RECORD(KICK, F(id) | F(epoch), "close it")
BUS_RECORD(EVENT, F(text), "for your monitors")
