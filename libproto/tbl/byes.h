/* SPDX-License-Identifier: MIT
 * One row per reason of a bye: SP_BYE(ID, wire word). */
SP_BYE(HANGUP, "hangup")
SP_BYE(REJECTED, "rejected")
SP_BYE(PEER_LEFT, "peer-left")
SP_BYE(REPLACED, "replaced")
SP_BYE(TIMEOUT, "timeout")
SP_BYE(KICKED, "kicked")
SP_BYE(SHUTDOWN, "shutdown")
