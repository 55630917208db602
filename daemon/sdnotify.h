/* SPDX-License-Identifier: MIT
 * What a service manager and sigd tell each other: sd_notify(3), sd_watchdog_enabled(3) and
 * sd_listen_fds(3), spoken natively. Not thread-safe: for the thread of the event loop. */
#ifndef DAEMON_SDNOTIFY_H
#define DAEMON_SDNOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SD_LISTEN_FIRST 3   /* SD_LISTEN_FDS_START of sd_listen_fds(3) */
#define SD_LISTEN_MAX   16  /* as many as listeners */
#define SD_NAME_MAX     255 /* FileDescriptorName= of systemd.socket(5) */

/* sd_init reads NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, LISTEN_PID, LISTEN_FDS and
 * LISTEN_FDNAMES, removes them from the environment, and sets FD_CLOEXEC on the descriptors passed.
 * Call it once at the start, while there is one thread. Watchdog and descriptors that are meant for
 * another process are ignored. False with a sentence in why when what is meant for us cannot be
 * understood; then nothing is in force. */
bool sd_init(char *why, size_t cap);

/* The states of sd_notify(3). Each does nothing without a service manager, and one that does not
 * read costs at most 100 ms, and no time at all for sd_status and sd_watchdog. sd_reloading sends
 * the time that Type=notify-reload wants; sd_ready ends it. sd_status takes ASCII and cuts it at
 * 255 bytes and at the end of its first line. */
void sd_ready(void);
void sd_reloading(void);
void sd_stopping(void);
void sd_status(const char *text);
void sd_watchdog(void);

/* sd_watchdog_us gives the time in microseconds within which sd_watchdog must come again, or 0 for
 * no watchdog. Call it at half of that. */
uint64_t sd_watchdog_us(void);

/* sd_listen_fds gives the number of descriptors passed, SD_LISTEN_FIRST and up; sd_listen_name the
 * name of the i-th, "unknown" when it has none, or NULL when there is no i-th. Borrowed. */
unsigned sd_listen_fds(void);
const char *sd_listen_name(unsigned i);

#endif
