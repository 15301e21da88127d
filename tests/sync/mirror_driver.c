/* SPDX-License-Identifier: ISC */

/*
 * mirror-driver: supervisor, elector and capture for one real mirror, played
 * by the tests.  Never installed.  Root, in a machine of the laboratory.
 *
 *	mirror-driver MIRROR NODE	(0 alpha, 1 beta)
 *
 * Commands on stdin, one a line; what the mirror says on stdout, one a line:
 *
 *	start, kill, leave, ping	the mirror
 *	elector, capture, gone		a new one comes; the capture dies
 *	word ROLE TERM NODE HEALTHY READY PRESENT	an advert left just now
 *	job begin|write|end TERM
 *	auto 0|1	the capture does what it is told (1 at first), or not
 *	captured TERM SETTLED
 *	ask KIND
 *	epoch TERM NODE		our store has seen it
 *	file PATH SEED SIZE, many N SIZE, publish
 *	quit
 */

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "confblob.h"
#include "generation.h"
#include "log.h"
#include "mono.h"
#include "room.h"
#include "sealed.h"

#define LINE_LEN	1024
#define FIRST_SPARE	40
#define PLACE		"/var/lib/vipair"

static struct driver {
	const char	*program;
	uint8_t		self;
	uid_t		uid;
	gid_t		gid;
	pid_t		pid;
	struct blob	blob;
	struct channel	sup, el, cap;
	int		log;
	bool		automatic, over;
	struct epoch	epoch;		/* of the last BEGIN */
	struct msg_captured captured;
	struct generation made;
	char		line[LINE_LEN];
	size_t		line_len;
} d = {
	.sup.fd = -1, .el.fd = -1, .cap.fd = -1, .log = -1,
	.automatic = true,
};

static void say(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void
say(const char *fmt, ...)
{
	char buf[LINE_LEN];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf) - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(buf) - 2)
		n = (int)sizeof(buf) - 2;
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

/* What the capture writes belongs to it. */
static void
as_capture(bool yes)
{
	assert(yes ? setegid(d.gid) == 0 && seteuid(d.uid) == 0 :
	    seteuid(0) == 0 && setegid(0) == 0);
}

static void
make_blob(void)
{
	static const char *const names[] = { "vpn", "mail", "web" };
	struct conf_pair *p = &d.blob.p[0];

	blob_make(&d.blob, 7, names);
	(void)strcpy(d.blob.strings + 130, "/run/vipair");
	(void)strcpy(d.blob.strings + 150, PLACE);
	(void)strcpy(d.blob.strings + 180, "/srv");
	(void)strcpy(d.blob.strings + 190, ".");
	d.blob.c.run_dir = 130;
	d.blob.c.state_dir = 150;
	d.blob.c.config_path = 180;
	d.blob.s[0] = d.blob.s[1] = (struct conf_sync_entry){
		.kind = CONF_SYNC_TREE, .pattern = 190,
	};
	p->has_sync = true;
	p->sync = (struct conf_sync){
		.base = 180, .nentries = 1, .every_ms = 60000,
		.keep_generations = 24, .store_max_bytes = 1u << 30,
		.on_change = true,
	};
}

/* ---- the mirror --------------------------------------------------------- */

static _Noreturn void
exec_mirror(const int fds[4])
{
	static const int target[] = {
		ROOM_FD_LOG, ROOM_FD_SUPERVISOR, ROOM_FD_PEER, ROOM_FD_CONF,
	};
	char name[] = "mirror", verbose[] = "-v", uid[16], gid[16];
	char *argv[] = { name, uid, gid, verbose, NULL }, *envp[] = { NULL };
	size_t i;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)snprintf(uid, sizeof(uid), "%u", d.uid);
	(void)snprintf(gid, sizeof(gid), "%u", d.gid);
	for (i = 0; i < 4; i++)
		if (dup2(fds[i], FIRST_SPARE + (int)i) == -1)
			_exit(96);
	for (i = 0; i < 4; i++)
		if (dup2(FIRST_SPARE + (int)i, target[i]) == -1)
			_exit(96);
	(void)close(ROOM_FD_KEEPER);
	(void)close(ROOM_FD_STATE);
	(void)close_range(ROOM_FD_SECRETS, ~0U, 0);
	(void)execve(d.program, argv, envp);
	_exit(97);
}

static union msg
head(enum msg_type type)
{
	return (union msg){
		.head = { .type = type, .serial = d.blob.c.serial },
	};
}

static void
to(const struct channel *ch, const union msg *m, int fd)
{
	if (ch->fd == -1 || ipc_send(ch, m, fd) != IPC_OK)
		say("lost %s", ipc_name(m->head.type));
}

static void
drop(struct channel *ch)
{
	if (ch->fd != -1)
		(void)close(ch->fd);
	ch->fd = -1;
}

/* A new neighbour: its end here, the mirror's by the supervisor. */
static void
neighbour(enum room room, struct channel *ch)
{
	union msg m = head(MSG_NEIGHBOUR);
	int s[2];

	drop(ch);
	assert(ipc_pair(s) == 0);
	*ch = (struct channel){ s[0], room, ROOM_MIRROR };
	m.neighbour.room = room;
	to(&d.sup, &m, s[1]);
	(void)close(s[1]);
}

static void
tell_captured(bool published)
{
	union msg m = head(MSG_CAPTURED);

	d.captured.head = m.head;
	d.captured.published = published;
	m.captured = d.captured;
	to(&d.cap, &m, -1);
}

static void
new_capture(void)
{
	neighbour(ROOM_CAPTURE, &d.cap);
	tell_captured(false);
}

static void
start(void)
{
	int s[2], e[2], l[2], fds[4];
	size_t i;

	assert(ipc_pair(s) == 0);
	assert(ipc_pair(e) == 0);
	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, l) == 0);
	fds[0] = l[1];
	fds[1] = s[1];
	fds[2] = e[1];
	fds[3] = sealed_make("conf", &d.blob, sizeof(d.blob));
	d.pid = fork();
	assert(d.pid != -1);
	if (d.pid == 0)
		exec_mirror(fds);
	for (i = 0; i < 4; i++)
		(void)close(fds[i]);
	d.log = l[0];
	d.sup = (struct channel){ s[0], ROOM_SUPERVISOR, ROOM_MIRROR };
	d.el = (struct channel){ e[0], ROOM_ELECTOR, ROOM_MIRROR };
	new_capture();
	say("started %d", (int)d.pid);
}

static void
ended(void)
{
	int status = 0;

	drop(&d.sup);
	drop(&d.el);
	drop(&d.cap);
	if (d.log != -1)
		(void)close(d.log);
	d.log = -1;
	if (d.pid == 0)
		return;
	(void)waitpid(d.pid, &status, 0);
	d.pid = 0;
	say("ended %d", status);
}

/* ---- what it says ------------------------------------------------------- */

static void
elector_hears(const union msg *m)
{
	static const char *const state[] = {
		"none", "ready", "filling", "damaged", "allowed",
	};

	switch (m->head.type) {
	case MSG_PARTNER:
		say("partner node %u role %u healthy %u ready %u present %u "
		    "epoch %u.%u age %lld generation %llu", m->partner.node,
		    m->partner.role, m->partner.healthy, m->partner.ready,
		    m->partner.present, m->partner.term,
		    m->partner.term_node, m->partner.advert_age_ns == -1 ?
		    -1LL : (long long)(m->partner.advert_age_ns / NS_PER_MS),
		    (unsigned long long)m->partner.generation);
		break;
	case MSG_DATA:
		say("data %s ready %u generation %llu partner %llu term "
		    "%u.%u", state[m->data.state], m->data.ready,
		    (unsigned long long)m->data.generation,
		    (unsigned long long)m->data.partner_generation,
		    m->data.term, m->data.term_node);
		break;
	case MSG_JOB_DONE:
		say("done %u result %u check %u term %u status %u",
		    m->job_done.kind, m->job_done.result, m->job_done.check,
		    m->job_done.term, m->job_done.exit_status);
		break;
	case MSG_ASK:
		say("asked %u", m->ask.kind);
		break;
	default:
		say("failed: %s to the elector", ipc_name(m->head.type));
	}
}

static uint64_t
publish(void)
{
	char hex[HASH_HEX + 1];
	struct position p;

	as_capture(true);
	p = generation_publish(&d.made, &d.epoch);
	as_capture(false);
	d.captured.generation = p.generation;
	say("published %llu %s", (unsigned long long)p.generation,
	    hash_hex(&p.head, hex));
	return p.generation;
}

static enum store_result
begin(uint32_t term)
{
	const struct epoch e = { .term = term, .node = d.self };
	enum store_result rc;

	as_capture(true);
	rc = store_epoch_raise(d.made.store, &e);
	as_capture(false);
	if (rc == STORE_OK)
		d.epoch = e;
	return rc;
}

static void
do_job(const struct msg_job *job)
{
	union msg m = head(MSG_JOB_DONE);
	struct msg_job_done *done = &m.job_done;

	done->kind = job->kind;
	done->term = job->term;
	if (job->kind == JOB_BEGIN) {
		done->exit_status = begin(job->term);
		done->result = done->exit_status == STORE_OK ? JOB_OK :
		    JOB_FAILED;
		d.captured.settled = 0;
	} else if (job->kind == JOB_WRITE) {
		d.captured.term = job->term;
		d.captured.settled = 0;
	} else {
		d.captured.term = 0;
		d.captured.settled = 1;
	}
	tell_captured(false);
	to(&d.cap, &m, -1);
}

static void
capture_hears(const union msg *m)
{
	switch (m->head.type) {
	case MSG_WORD:
		say("capture word %u term %u.%u self %u", m->word.role,
		    m->word.term, m->word.term_node, m->word.self);
		break;
	case MSG_JOB:
		say("capture job %u term %u", m->job.kind, m->job.term);
		if (d.automatic)
			do_job(&m->job);
		break;
	case MSG_ASK:
		say("capture ask %u value %llu", m->ask.kind,
		    (unsigned long long)m->ask.value);
		break;
	default:
		say("failed: %s to the capture", ipc_name(m->head.type));
	}
}

static void
hear(struct channel *ch)
{
	const int was = ch->fd;
	union msg m;
	int fd;

	while (ch->fd == was) {
		switch (ipc_recv(ch, &m, &fd)) {
		case IPC_OK:
			if (ch == &d.el)
				elector_hears(&m);
			else if (ch == &d.cap)
				capture_hears(&m);
			else
				say("supervisor %s", ipc_name(m.head.type));
			break;
		case IPC_AGAIN:
			return;
		case IPC_CLOSED:
			drop(ch);
			if (ch == &d.sup)
				ended();
			return;
		case IPC_HOSTILE:
			say("failed: hostile");
			exit(1);
		}
	}
}

static void
hear_log(void)
{
	char line[LOG_LINE_MAX + 2];
	ssize_t n = recv(d.log, line, sizeof(line), MSG_DONTWAIT);

	if (n <= 0) {
		(void)close(d.log);
		d.log = -1;
		return;
	}
	say("log %c %.*s", line[0], (int)n - 1, line + 1);
}

/* ---- commands ----------------------------------------------------------- */

static void
send_word(const unsigned int v[6])
{
	union msg m = head(MSG_WORD);

	m.word.advert_ns = mono_now().ns;
	m.word.self = m.word.self_id = d.self;
	m.word.role = (uint8_t)v[0];
	m.word.term = v[1];
	m.word.term_node = (uint8_t)v[2];
	m.word.healthy = (uint8_t)v[3];
	m.word.ready = (uint8_t)v[4];
	m.word.present = (uint8_t)v[5];
	to(&d.el, &m, -1);
}

static void
send_job(const char *name, uint32_t term)
{
	union msg m = head(MSG_JOB);

	m.job.kind = strcmp(name, "begin") == 0 ? JOB_BEGIN :
	    strcmp(name, "write") == 0 ? JOB_WRITE : JOB_END;
	m.job.term = term;
	to(&d.el, &m, -1);
}

static void
put_in(const char *path, unsigned int a, unsigned int b)
{
	as_capture(true);
	if (path != NULL)
		generation_file(&d.made, path, a, b, PUT_BULK);
	else
		generation_many(&d.made, a, b);
	as_capture(false);
}

static bool
simple(const char *line)
{
	union msg m = head(MSG_NONE);

	if (strcmp(line, "start") == 0)
		start();
	else if (strcmp(line, "kill") == 0) {
		(void)kill(d.pid, SIGKILL);
		ended();
	} else if (strcmp(line, "leave") == 0 ||
	    strcmp(line, "ping") == 0) {
		m.head.type = line[0] == 'l' ? MSG_LEAVE : MSG_PING;
		if (line[0] == 'l')
			drop(&d.el);
		to(&d.sup, &m, -1);
	} else if (strcmp(line, "elector") == 0)
		neighbour(ROOM_ELECTOR, &d.el);
	else if (strcmp(line, "capture") == 0)
		new_capture();
	else if (strcmp(line, "gone") == 0)
		drop(&d.cap);
	else if (strcmp(line, "publish") == 0) {
		(void)publish();
		tell_captured(true);
	} else if (strcmp(line, "silent") == 0)
		(void)publish();	/* and tells nobody */
	else if (strcmp(line, "quit") == 0)
		d.over = true;
	else
		return false;
	return true;
}

static void
command(const char *line)
{
	unsigned int v[6];
	char text[LINE_LEN];
	union msg m = head(MSG_ASK);

	if (simple(line))
		return;
	if (sscanf(line, "word %u %u %u %u %u %u", v, v + 1, v + 2, v + 3,
	    v + 4, v + 5) == 6)
		send_word(v);
	else if (sscanf(line, "job %1000s %u", text, v) == 2)
		send_job(text, v[0]);
	else if (sscanf(line, "auto %u", v) == 1)
		d.automatic = v[0] != 0;
	else if (sscanf(line, "captured %u %u", v, v + 1) == 2) {
		d.captured.term = v[0];
		d.captured.settled = (uint8_t)v[1];
		tell_captured(false);
	} else if (sscanf(line, "ask %u", v) == 1) {
		m.ask.kind = v[0];
		to(&d.el, &m, -1);
	} else if (sscanf(line, "epoch %u %u", v, v + 1) == 2) {
		as_capture(true);
		(void)store_epoch_raise(d.made.store,
		    &(struct epoch){ .term = v[0], .node = v[1] });
		as_capture(false);
	} else if (sscanf(line, "file %1000s %u %u", text, v, v + 1) == 3)
		put_in(text, v[0], v[1]);
	else if (sscanf(line, "many %u %u", v, v + 1) == 2)
		put_in(NULL, v[0], v[1]);
	else
		say("failed command: %s", line);
}

static void
hear_stdin(void)
{
	char buf[512];
	ssize_t i, n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n <= 0) {
		d.over = true;
		return;
	}
	for (i = 0; i < n; i++) {
		if (buf[i] != '\n') {
			if (d.line_len < LINE_LEN - 1)
				d.line[d.line_len++] = buf[i];
			continue;
		}
		d.line[d.line_len] = '\0';
		d.line_len = 0;
		command(d.line);
	}
}

static void
turn(void)
{
	struct channel *const ch[] = { &d.el, &d.cap, &d.sup };
	struct pollfd p[] = {
		{ .fd = d.el.fd, .events = POLLIN },
		{ .fd = d.cap.fd, .events = POLLIN },
		{ .fd = d.sup.fd, .events = POLLIN },
		{ .fd = d.log, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	int i;

	if (poll(p, 5, -1) == -1)
		return;
	for (i = 0; i < 3; i++)
		if (p[i].revents != 0)
			hear(ch[i]);
	if (p[3].revents != 0)
		hear_log();
	if (p[4].revents != 0)
		hear_stdin();
}

int
main(int argc, char **argv)
{
	const struct passwd *pw = getpwnam("_syncd");
	int dir;

	if (argc != 3 || pw == NULL)
		return 64;
	(void)signal(SIGPIPE, SIG_IGN);
	d.program = argv[1];
	d.self = argv[2][0] == '1';
	d.uid = pw->pw_uid;
	d.gid = pw->pw_gid;
	make_blob();
	as_capture(true);
	dir = open(PLACE "/store/vpn", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d.made.fail = failed;
	d.made.delta = delta_new();
	if (dir == -1 ||
	    store_open(&d.made.store, dir, "vpn", true) != STORE_OK)
		failed("open", STORE_ERROR, strerror(errno));
	as_capture(false);
	while (!d.over)
		turn();
	if (d.pid != 0)
		(void)kill(d.pid, SIGKILL);
	ended();
	return 0;
}
