/* SPDX-License-Identifier: ISC */

/*
 * The service manager: sd_notify(3) without libsystemd.
 */
#ifndef VIPAIR_NOTIFY_H
#define VIPAIR_NOTIFY_H

#include <stdbool.h>

#include "log.h"
#include "mono.h"

/* Reads NOTIFY_SOCKET and WATCHDOG_USEC. */
void	notify_open(void);
/* True when a service manager waits for us. */
bool	notify_wanted(void);
/* "READY=1", "STATUS=...": one datagram, never waited for. */
void	notify(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Feeds the watchdog when it is time; returns when it is due next. */
mono_t	notify_watchdog(mono_t now);

#endif
