/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: tells the service manager what goes on.  Must never wait.
 */

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify.h"

static struct notifier {
	struct sockaddr_un	to;
	socklen_t		len;	/* 0: nobody wants to know */
	int64_t			every_ns;	/* watchdog; 0: none */
	mono_t			due;
	int			fd;
} nt = { .fd = -1 };

/* The interval asked for, when it is asked of us. */
static int64_t
watchdog_interval_ns(void)
{
	const char *usec, *pid;
	char *end;
	long long v;

	pid = getenv("WATCHDOG_PID");
	if (pid != NULL && strtoll(pid, NULL, 10) != getpid())
		return 0;
	usec = getenv("WATCHDOG_USEC");
	if (usec == NULL)
		return 0;
	errno = 0;
	v = strtoll(usec, &end, 10);
	if (errno != 0 || *end != '\0' || v <= 0 ||
	    v > INT64_MAX / NS_PER_US)
		return 0;
	return v * NS_PER_US / 3;
}

void
notify_open(void)
{
	const char *path;
	size_t len;

	path = getenv("NOTIFY_SOCKET");
	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	len = strlen(path);
	if (len >= sizeof(nt.to.sun_path))
		return;
	nt.to.sun_family = AF_UNIX;
	memcpy(nt.to.sun_path, path, len + 1);
	nt.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (path[0] == '@')
		nt.to.sun_path[0] = '\0';
	else
		nt.len++;
	nt.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	nt.every_ns = watchdog_interval_ns();
}

bool
notify_wanted(void)
{
	return nt.len != 0;
}

void
notify(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	size_t n;

	if (nt.fd == -1)
		return;
	va_start(ap, fmt);
	n = fmt_vinto(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)sendto(nt.fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&nt.to, nt.len);
}

mono_t
notify_watchdog(mono_t now)
{
	if (nt.every_ns == 0)
		return MONO_NEVER;
	if (!mono_is_set(nt.due) || mono_reached(now, nt.due)) {
		notify("WATCHDOG=1");
		nt.due = mono_after(now, nt.every_ns);
	}
	return nt.due;
}
