/* SPDX-License-Identifier: ISC */

/*
 * vipctl watch on a terminal: draws whole frames with plain codes (cursor,
 * erase, alternate screen), at whatever size the terminal has, and leaves it
 * as it was, also on signals.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "mono.h"
#include "text.h"
#include "watch.h"

#define FRAME_NS	(500 * NS_PER_MS)
#define ROWS_MAX	500

static volatile sig_atomic_t ended, stopped;

static struct {
	struct termios	saved;
	bool		raw;
	int		columns, rows;
} screen;

static void
on_signal(int sig)
{
	if (sig == SIGTSTP)
		stopped = 1;
	else if (sig != SIGWINCH && sig != SIGCONT)
		ended = sig;
}

static void
codes(const char *s)
{
	size_t len = strlen(s);
	ssize_t n;

	while (len > 0) {
		n = write(STDOUT_FILENO, s, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		s += n;
		len -= (size_t)n;
	}
}

/* Alternate screen, no cursor, no wrapping; keys without Enter or echo. */
static void
enter(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &screen.saved) == 0) {
		raw = screen.saved;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		screen.raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
	}
	codes("\033[?1049h\033[?25l\033[?7l\033[2J");
}

static void
leave(void)
{
	codes("\033[0m\033[?7h\033[?25h\033[?1049l");
	if (screen.raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &screen.saved);
	screen.raw = false;
}

static void
measure(void)
{
	struct winsize ws;

	screen.columns = 80;
	screen.rows = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == -1)
		return;
	if (ws.ws_col > 0)
		screen.columns = ws.ws_col;
	if (ws.ws_row > 0)
		screen.rows = ws.ws_row < ROWS_MAX ? ws.ws_row : ROWS_MAX;
}

static int
lines_of(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* The status as it fits: full, else brief; NULL when memory is out. */
static char *
body(const struct watch *w, int columns, int rows)
{
	struct look look = {
		.columns = columns,
		.colour = w->v->colour,
		.utf8 = w->v->utf8,
	};
	char *text = NULL;
	size_t size, i;
	FILE *f;

	for (;;) {
		f = open_memstream(&text, &size);
		if (f == NULL)
			return NULL;
		for (i = 0; i < w->view.npairs; i++) {
			if (w->name != NULL &&
			    strcmp(w->name, w->view.pair[i].p.name) != 0)
				continue;
			text_pair(f, &w->view.pair[i], &look);
			if (!look.brief)
				fputc('\n', f);
		}
		fclose(f);
		if (look.brief || lines_of(text) <= rows)
			return text;
		free(text);
		look.brief = true;
	}
}

static void
write_rows(FILE *f, const char *text, int rows)
{
	size_t len;

	for (; *text != '\0' && rows > 0; rows--) {
		len = strcspn(text, "\n");
		fprintf(f, "%.*s\n", (int)len, text);
		text += len;
		text += *text == '\n';
	}
}

void
watch_frame(FILE *f, const struct watch *w, const char *clock, int columns,
    int rows)
{
	char *text;
	int used;
	size_t i, from, left;

	fprintf(f, "%.*s\n", columns, clock);
	rows--;
	if (w->code != EXIT_DONE) {
		fputc('\n', f);
		text_wrap(f, w->why, columns, 0);
		text_wrap(f, "What this node does is not known; asking again "
		    "each half second.", columns, 0);
		return;
	}
	text = body(w, columns, rows);
	if (text == NULL)
		return;
	used = lines_of(text);
	write_rows(f, text, rows);
	free(text);
	if (rows - used < 2 || w->ntail == 0)
		return;
	left = (size_t)(rows - used - 1);
	from = w->ntail > left ? w->ntail - left : 0;
	fputs("Lately:\n", f);
	for (i = from; i < w->ntail; i++)
		fprintf(f, "%.*s\n", columns, w->tail[i]);
}

/* Puts a frame on the screen in one write, each line erased to its end. */
static void
draw(const struct watch *w)
{
	char *text = NULL, *out = NULL, clock[128], now[48];
	struct timespec ts;
	size_t size, len;
	const char *s;
	int row;
	FILE *f;

	measure();
	clock_gettime(CLOCK_REALTIME, &ts);
	clock_text(ts.tv_sec * NS_PER_S, false, now, sizeof(now));
	now[strcspn(now, ".")] = '\0';
	snprintf(clock, sizeof(clock), "vipair  %s  q leaves", now);
	f = open_memstream(&text, &size);
	if (f == NULL)
		return;
	watch_frame(f, w, clock, screen.columns, screen.rows - 1);
	fclose(f);
	f = open_memstream(&out, &size);
	if (f == NULL) {
		free(text);
		return;
	}
	fputs("\033[H", f);
	s = text;
	for (row = 1; *s != '\0' && row < screen.rows; row++) {
		len = strcspn(s, "\n");
		fprintf(f, "%.*s\033[K\r\n", (int)len, s);
		s += len;
		s += *s == '\n';
	}
	fputs("\033[J", f);
	fclose(f);
	codes(out);
	free(out);
	free(text);
}

static void
remember(struct watch *w, const struct ctl_event *e)
{
	const struct view_pair *vp = watch_pair(w, e->head.pair);
	char when[48], text[EVENT_TEXT_MAX];
	char *line;

	if (w->ntail == WATCH_TAIL) {
		memmove(w->tail[0], w->tail[1],
		    (WATCH_TAIL - 1) * sizeof(w->tail[0]));
		w->ntail--;
	}
	clock_text(e->wall_ns, false, when, sizeof(when));
	event_text(vp, e, text, sizeof(text));
	line = w->tail[w->ntail++];
	if (w->view.npairs > 1 && vp != NULL)
		snprintf(line, sizeof(w->tail[0]), "%.12s %.31s: %.200s",
		    when, vp->p.name, text);
	else
		snprintf(line, sizeof(w->tail[0]), "%.12s %.250s", when,
		    text);
}

/* Waits for a key, an event, a signal or the next frame. */
static void
pause_frame(struct watch *w, const sigset_t *during)
{
	const struct timespec frame = { .tv_nsec = FRAME_NS };
	struct pollfd p[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = w->sub.fd, .events = POLLIN },
	};
	struct ctl_event e;
	char key;

	if (ppoll(p, 2, &frame, during) <= 0)
		return;
	if (p[0].revents != 0 && (read(STDIN_FILENO, &key, 1) <= 0 ||
	    key == 'q' || key == 'Q' || key == 4))
		ended = SIGINT;
	while (p[1].revents != 0 && watch_event(w, &e, 0))
		remember(w, &e);
}

static void
suspend(void)
{
	stopped = 0;
	leave();
	raise(SIGSTOP);
	enter();
}

/* Signals come only while we wait, so that no frame is cut. */
static void
catch_signals(sigset_t *during)
{
	static const int caught[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH, SIGCONT,
	};
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t block;
	size_t i;

	sigemptyset(&block);
	for (i = 0; i < sizeof(caught) / sizeof(caught[0]); i++) {
		sigaction(caught[i], &sa, NULL);
		sigaddset(&block, caught[i]);
	}
	sigprocmask(SIG_BLOCK, &block, during);
}

int
watch_screen(struct watch *w)
{
	sigset_t during;

	catch_signals(&during);
	enter();
	while (ended == 0) {
		watch_subscribe(w);
		watch_look(w);
		draw(w);
		pause_frame(w, &during);
		if (stopped)
			suspend();
	}
	leave();
	return ended == SIGINT ? EXIT_DONE : 128 + (int)ended;
}
