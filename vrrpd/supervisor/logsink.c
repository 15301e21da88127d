/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: reads the lines of the rooms and of what the runners run, and
 * writes them to standard error or the system log.
 *
 * What comes in is text of processes that may have been taken over: control
 * characters are replaced, lines are cut, a room that shouts is read no
 * further until its ten seconds are over.  Must never wait for a reader.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "logsink.h"

#define SOURCE_LINES_MAX	300	/* in one window */
#define SOURCE_WINDOW_NS	(10 * NS_PER_S)
#define READ_BATCH		32	/* lines a wake-up: signals wait */
#define DATAGRAM_MAX		4096	/* one write of a program */
#define OUT_MAX			(LOG_LINE_MAX + 96)

static struct sink {
	enum logsink_kind kind;
	bool	journal;	/* stderr is the journal's: levels in front */
	bool	verbose;
	int	syslog_fd;
	uint32_t dropped;
} sink = { .syslog_fd = -1 };

static int
priority(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return LOG_ERR;
	case LOG_LEVEL_WARN:
		return LOG_WARNING;
	case LOG_LEVEL_DEBUG:
		return LOG_DEBUG;
	default:
		return LOG_INFO;
	}
}

static bool
syslog_connect(void)
{
	static const struct sockaddr_un sun = {
		.sun_family = AF_UNIX, .sun_path = "/dev/log",
	};

	if (sink.syslog_fd != -1)
		(void)close(sink.syslog_fd);
	sink.syslog_fd = socket(AF_UNIX,
	    SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return sink.syslog_fd != -1 && connect(sink.syslog_fd,
	    (const struct sockaddr *)&sun, sizeof(sun)) == 0;
}

static bool
syslog_write(enum log_level level, const char *room, const char *text)
{
	char line[OUT_MAX];
	size_t n;
	int try;

	n = fmt_into(line, sizeof(line), "<%d>vrrpd[%d]: %s: %s",
	    LOG_DAEMON | priority(level), (int)getpid(), room, text);
	for (try = 0; try < 2; try++) {
		if (sink.syslog_fd != -1 &&
		    send(sink.syslog_fd, line, n, MSG_NOSIGNAL) != -1)
			return true;
		if (sink.syslog_fd != -1 && errno == EAGAIN)
			return false;
		if (!syslog_connect())
			return false;
	}
	return false;
}

static size_t
timestamp(char *buf, size_t size)
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (localtime_r(&ts.tv_sec, &tm) == NULL)
		return 0;
	n = strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm);
	return n + fmt_into(buf + n, size - n, ".%03d ",
	    (int)(ts.tv_nsec / NS_PER_MS));
}

static void
stderr_write(enum log_level level, const char *room, const char *text)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
	char line[OUT_MAX];
	size_t n;

	n = 0;
	if (sink.journal)
		n = fmt_into(line, sizeof(line), "<%d>", priority(level));
	else if (sink.kind != LOGSINK_PLAIN)
		n = timestamp(line, sizeof(line));
	n += fmt_into(line + n, sizeof(line) - n, "%s: %s\n", room, text);
	/* Whoever reads our stderr may have stopped to do so. */
	if (poll(&pfd, 1, 0) != 1 || (pfd.revents & POLLOUT) == 0 ||
	    write(STDERR_FILENO, line, n) == -1)
		sink.dropped++;
}

static void
sink_write(enum log_level level, const char *room, const char *text)
{
	if (level == LOG_LEVEL_DEBUG && !sink.verbose)
		return;
	if (sink.kind == LOGSINK_SYSLOG && syslog_write(level, room, text))
		return;
	stderr_write(level, room, text);
}

/* The supervisor's own lines: log_to() leads here. */
static void
own_line(enum log_level level, const char *line, size_t len)
{
	char text[LOG_LINE_MAX + 1];

	if (len > LOG_LINE_MAX)
		len = LOG_LINE_MAX;
	memcpy(text, line, len);
	text[len] = '\0';
	sink_write(level, "vrrpd", text);
}

void
logsink_open(enum logsink_kind kind, bool verbose)
{
	sink.kind = kind;
	sink.journal = kind == LOGSINK_STDERR &&
	    getenv("JOURNAL_STREAM") != NULL;
	sink.verbose = verbose;
	if (kind == LOGSINK_SYSLOG)
		(void)syslog_connect();
	log_to(own_line);
	log_set_level(verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
}

/* Makes len bytes printable and ends them; UTF-8 passes as it is. */
static void
sanitise(char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == 0x7f)
			text[i] = c == '\t' ? ' ' : '?';
	}
	text[len] = '\0';
}

static bool
source_allows(struct logsource *src, const char *room, mono_t now)
{
	if (!mono_is_set(src->window) ||
	    mono_span_ns(src->window, now) >= SOURCE_WINDOW_NS) {
		if (src->skipped > 0)
			log_warnx("%s: %u log lines or more were not written",
			    room, src->skipped);
		*src = (struct logsource){ .window = now };
	}
	if (++src->count <= SOURCE_LINES_MAX)
		return true;
	src->skipped++;
	src->muted = true;
	return false;
}

/* What is common to all rooms names the room itself: once is enough. */
static const char *
without_name(const char *line, const char *room)
{
	const size_t n = strlen(room);

	if (strncmp(line, room, n) == 0 && strncmp(line + n, ": ", 2) == 0)
		return line + n + 2;
	return line;
}

/*
 * Rooms put '0' + level in front.  The output of a program that a runner
 * started comes as it is, perhaps several lines at once.
 */
static void
datagram(const char *room, char *buf, size_t len, struct logsource *src,
    mono_t now)
{
	enum log_level level;
	char *line, *end;
	size_t n;

	level = LOG_LEVEL_INFO;
	line = buf;
	end = buf + len;
	*end = '\0';
	if (len > 1 && *line >= '0' && *line <= '0' + LOG_LEVEL_DEBUG)
		level = (enum log_level)(*line++ - '0');
	for (; line < end; line += n + 1) {
		/* A NUL inside ends the line, too. */
		n = strcspn(line, "\n");
		if (n == 0)
			continue;
		if (!source_allows(src, room, now))
			return;
		sanitise(line, n);
		sink_write(level, room, without_name(line, room));
	}
}

void
logsink_read(int fd, const char *room, struct logsource *src, mono_t now)
{
	char buf[DATAGRAM_MAX + 1];
	ssize_t n;
	int i;

	for (i = 0; i < READ_BATCH && !src->muted; i++) {
		n = recv(fd, buf, DATAGRAM_MAX, MSG_DONTWAIT);
		if (n <= 0)
			return;
		datagram(room, buf, (size_t)n, src, now);
	}
}

bool
logsink_wants(struct logsource *src, mono_t now, mono_t *deadline)
{
	mono_t end;

	if (!src->muted)
		return true;
	end = mono_after(src->window, SOURCE_WINDOW_NS);
	if (mono_reached(now, end)) {
		src->muted = false;
		return true;
	}
	*deadline = mono_first(*deadline, end);
	return false;
}
