/* SPDX-License-Identifier: ISC */

/*
 * mirror-ship: the sending side as a program for the tests, without the
 * mirror's capture.  Never installed.
 *
 *	mirror-ship PAIR STORE_DIR RUN_DIR SSH_CONFIG CARRIER [BANDWIDTH]
 *
 * Commands on stdin, one a line; what happens on stdout, one a line:
 *
 *	active TERM NODE	take this epoch durably, ship from now on
 *	standby			words only
 *	word ROLE HEALTHY READY	what this node says of itself
 *	file PATH SEED SIZE	into the next generation
 *	drop PATH
 *	publish			published GENERATION HEAD
 *	many N SIZE		N files into the next generation
 *	steps N SIZE		N generations, each acknowledged; prints them
 *	bench N SIZE		the same, prints microseconds of each
 *	progress, refresh, reconnect, handover, quit
 *
 *	state N ID TEXT | acked GENERATION HEAD | word ... | fenced REASON T N |
 *	asked REQUEST
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "generation.h"
#include "log.h"
#include "ship.h"

#define LINE_LEN	1024
#define SIZE_MAX_ONE	(1u << 30)

static struct program {
	struct loop	loop;
	struct store	*store;
	struct ship	*ship;
	struct generation made;
	struct epoch	epoch;
	struct frame_word word;
	char		line[LINE_LEN];
	size_t		line_len;
	uint32_t	left, size, seed;	/* steps, bench */
	bool		bench, over;
	uint64_t	waiting;	/* for this generation's ACK */
	struct timespec	began;
} prog;

static void
say(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void
say(const char *fmt, ...)
{
	char buf[LINE_LEN];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf) - 1, fmt, ap);
	va_end(ap);
	buf[n] = '\n';
	if (write(STDOUT_FILENO, buf, (size_t)n + 1) != n + 1)
		exit(1);
}

static void
failed(const char *what, enum store_result rc, const char *why)
{
	say("failed %s: %s: %s", what, store_word(rc), why);
	exit(1);
}

static void
need(enum store_result rc, const char *what)
{
	if (rc != STORE_OK)
		failed(what, rc, store_why(prog.store));
}

/* ---- making generations ------------------------------------------------- */

static uint64_t
publish(void)
{
	char hex[HASH_HEX + 1];
	struct position p = generation_publish(&prog.made, &prog.epoch);

	if (!prog.bench)
		say("published %llu %s", (unsigned long long)p.generation,
		    hash_hex(&p.head, hex));
	ship_kick(prog.ship);
	return p.generation;
}

static void
next_step(void)
{
	char path[64];

	if (prog.left == 0)
		return;
	prog.left--;
	(void)snprintf(path, sizeof(path), "step/%u", ++prog.seed % 64);
	(void)clock_gettime(CLOCK_MONOTONIC, &prog.began);
	generation_file(&prog.made, path, prog.seed + UINT64_C(1) * (uint64_t)getpid() * 65536,
	    prog.size, PUT_DURABLE);
	prog.waiting = publish();
}

/* ---- what ship says ----------------------------------------------------- */

static void
on_acked(void *arg, const struct position *p)
{
	char hex[HASH_HEX + 1];
	struct timespec now;

	(void)arg;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (prog.waiting != 0 && p->generation >= prog.waiting) {
		prog.waiting = 0;
		if (prog.bench)
			say("us %lld",
			    (long long)((now.tv_sec - prog.began.tv_sec) *
			    1000000 + (now.tv_nsec - prog.began.tv_nsec) /
			    1000));
		if (!prog.bench)
			say("acked %llu %s",
			    (unsigned long long)p->generation,
			    hash_hex(&p->head, hex));
		if (prog.left == 0)
			say("steps done");
		next_step();
		return;
	}
	say("acked %llu %s", (unsigned long long)p->generation,
	    hash_hex(&p->head, hex));
}

static void
on_word(void *arg, const struct frame_word *w)
{
	(void)arg;
	say("word role %u healthy %d ready %d epoch %u.%u age %lld "
	    "generation %llu", w->role, w->healthy, w->data_ready,
	    w->epoch.term, w->epoch.node,
	    w->advert_age_ms == FRAME_AGE_UNKNOWN ? -1LL :
	    (long long)w->advert_age_ms,
	    (unsigned long long)w->position.generation);
}

static void
on_state(void *arg, enum ship_state st, const char *id, const char *text)
{
	static const char *const word[] = {
		[SHIP_DOWN] = "down", [SHIP_CONNECTING] = "connecting",
		[SHIP_WATCHING] = "watching", [SHIP_COPYING] = "copying",
		[SHIP_LEVEL] = "level", [SHIP_HELD] = "held",
	};

	(void)arg;
	if (!prog.bench)
		say("state %s %s %s", word[st], id[0] == '\0' ? "-" : id,
		    text);
}

static void
on_fenced(void *arg, enum nak_reason r, const struct epoch *seen)
{
	(void)arg;
	say("fenced %s %u.%u", nak_word(r), seen->term, seen->node);
}

static void
on_asked(void *arg, enum frame_request request)
{
	(void)arg;
	say("asked %u", request);
}

/* ---- commands ----------------------------------------------------------- */

static void
become_active(uint32_t term, uint32_t node)
{
	prog.epoch = (struct epoch){ .term = term, .node = node };
	need(store_epoch_raise(prog.store, &prog.epoch), "epoch");
	ship_role(prog.ship, true, &prog.epoch);
}

static void
set_word(unsigned int role, unsigned int healthy, unsigned int ready)
{
	struct wordfile w;

	prog.word = (struct frame_word){
		.role = (uint8_t)role, .healthy = healthy != 0,
		.data_ready = ready != 0, .epoch = prog.epoch,
	};
	w = (struct wordfile){
		.word = prog.word, .advert = mono_now(), .open = role != 2,
	};
	if (ship_word(prog.ship, &w) == -1)
		say("failed word: %s", strerror(errno));
}

static void
show_progress(void)
{
	struct ship_progress p;

	ship_progress(prog.ship, &p);
	say("progress total %llu done %llu rate %llu acked %llu rtt_us %lld",
	    (unsigned long long)p.total, (unsigned long long)p.done,
	    (unsigned long long)p.rate,
	    (unsigned long long)p.acked.generation,
	    (long long)(p.round_trip_ns / 1000));
}

static void
command(const char *line)
{
	unsigned int a, b, c;
	char path[LINE_LEN];

	if (sscanf(line, "active %u %u", &a, &b) == 2)
		become_active(a, b);
	else if (strcmp(line, "standby") == 0)
		ship_role(prog.ship, false, &prog.epoch);
	else if (sscanf(line, "word %u %u %u", &a, &b, &c) == 3)
		set_word(a, b, c);
	else if (sscanf(line, "file %1000s %u %u", path, &a, &b) == 3 &&
	    b <= SIZE_MAX_ONE)
		generation_file(&prog.made, path, a, b, PUT_BULK);
	else if (sscanf(line, "drop %1000s", path) == 1)
		(void)delta_drop(prog.made.delta, path);
	else if (strcmp(line, "publish") == 0)
		(void)publish();
	else if (sscanf(line, "many %u %u", &a, &b) == 2)
		generation_many(&prog.made, a, b);
	else if (sscanf(line, "steps %u %u", &prog.left, &prog.size) == 2) {
		prog.bench = false;
		next_step();
	} else if (sscanf(line, "bench %u %u", &prog.left, &prog.size) == 2) {
		prog.bench = true;
		next_step();
	} else if (strcmp(line, "progress") == 0)
		show_progress();
	else if (strcmp(line, "refresh") == 0)
		need(store_refresh(prog.store), "refresh");
	else if (strcmp(line, "handover") == 0)
		say("handover %d", ship_ask(prog.ship, REQUEST_HANDOVER));
	else if (strcmp(line, "reconnect") == 0)
		ship_reconnect(prog.ship);
	else if (strcmp(line, "quit") == 0)
		prog.over = true;
	else
		say("failed command: %s", line);
}

static void
on_stdin(int fd, short revents, void *arg)
{
	char buf[512];
	ssize_t i, n;

	(void)revents;
	(void)arg;
	n = read(fd, buf, sizeof(buf));
	if (n <= 0) {
		prog.over = true;
		return;
	}
	for (i = 0; i < n; i++) {
		if (buf[i] != '\n') {
			if (prog.line_len < LINE_LEN - 1)
				prog.line[prog.line_len++] = buf[i];
			continue;
		}
		prog.line[prog.line_len] = '\0';
		prog.line_len = 0;
		command(prog.line);
	}
}

static void
log_line(enum log_level level, const char *line, size_t len)
{
	say("log %d %.*s", (int)level, (int)len, line);
}

int
main(int argc, char **argv)
{
	char control[SSH_PATH_MAX], objects[SSH_PATH_MAX];
	struct ship_conf conf = { .run_dir = -1 };
	int dir;

	if (argc < 6)
		return 64;
	log_to(log_line);
	(void)signal(SIGPIPE, SIG_IGN);
	dir = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
	need(store_open(&prog.store, dir, argv[1], true), "open");
	prog.made = (struct generation){
		.store = prog.store, .delta = delta_new(), .fail = failed,
	};
	(void)snprintf(control, sizeof(control), "%s/%s.ssh", argv[3],
	    argv[1]);
	(void)snprintf(objects, sizeof(objects), "%s/objects", argv[2]);
	conf.pair = argv[1];
	conf.run_path = argv[3];
	conf.run_dir = open(argv[3], O_PATH | O_DIRECTORY | O_CLOEXEC);
	conf.place = (struct ssh_place){
		.ssh = "/usr/bin/ssh", .rsync = "/usr/bin/rsync",
		.carrier = argv[5], .config = argv[4], .control = control,
		.objects = objects,
		.bandwidth = argc > 6 ? strtoull(argv[6], NULL, 10) : 0,
	};
	conf.loop = &prog.loop;
	conf.store = prog.store;
	conf.events = (struct ship_events){
		.acked = on_acked, .word = on_word, .state = on_state,
		.fenced = on_fenced, .asked = on_asked,
	};
	prog.ship = ship_new(&conf);
	if (prog.ship == NULL || !loop_add(&prog.loop, STDIN_FILENO, POLLIN,
	    on_stdin, NULL))
		return 1;
	ship_turn(prog.ship);
	while (!prog.over) {
		loop_turn(&prog.loop, ship_deadline(prog.ship));
		ship_turn(prog.ship);
	}
	ship_free(prog.ship);
	store_close(prog.store);
	return 0;
}
