/* SPDX-License-Identifier: MIT
 * One row per kind of a candidate, as events sum it up: KIND(ID, word). Each may have "/tcp" behind
 * it. */
KIND(HOST, "host")
KIND(SRFLX, "srflx")
KIND(PRFLX, "prflx")
KIND(RELAY, "relay")
KIND(MDNS, "mdns")
KIND(UNKNOWN, "unknown")
