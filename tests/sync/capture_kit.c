/* SPDX-License-Identifier: ISC */

/* The capture room's tests: starts it, speaks for its neighbours. */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture_kit.h"
#include "config.h"
#include "log.h"
#include "room.h"
#include "sealed.h"

#define ANY_UID		65533
#define FIRST_SPARE	40
#define STEP_MS		10


const char	*room_path;
char		 top[64];
struct channel	 sup, mir;
pid_t		 pid;
struct msg_captured captured[2];
static char	 sync_words[1024];
static int	 log_fd = -1, conf_fd = -1;
static bool	 said[2];		/* captured[] is of this room */

static uid_t
room_uid(void)
{
	const struct passwd *pw = getpwnam("_syncd");

	return pw != NULL ? pw->pw_uid : ANY_UID;
}

const char *
at(const char *fmt, ...)
{
	static char path[8][512];
	static unsigned int i;
	va_list ap;
	int n;

	i = (i + 1) % 8;
	n = snprintf(path[i], sizeof(path[i]), "%s/", top);
	va_start(ap, fmt);
	(void)vsnprintf(path[i] + n, sizeof(path[i]) - (size_t)n, fmt, ap);
	va_end(ap);
	return path[i];
}

void
put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
	(void)fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

static void
make_dir(const char *path, mode_t mode, bool ours)
{
	ck_assert_int_eq(mkdir(path, mode), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
	if (ours)
		ck_assert_int_eq(chown(path, room_uid(), ANY_UID), 0);
}

void
kit_sync(const char *words)
{
	(void)snprintf(sync_words, sizeof(sync_words), "%s", words);
}

void
kit_conf(void)
{
	struct config *c;
	FILE *f = fopen(at("conf"), "w");
	int i;

	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "run directory \"%s/run\"\n"
	    "state directory \"%s/state\"\n", top, top);
	for (i = 0; i < 2; i++)
		(void)fprintf(f, "pair \"%s\" {\nvhid %d\n"
		    "virtual address 10.0.0.%d\n"
		    "node \"a\" address 10.0.0.1\n"
		    "node \"b\" address 10.0.0.2\n"
		    "sync on change and every 60s {\nbase \"%s/base%d\"\n"
		    "%s\n}\n}\n", i == 0 ? "vpn" : "web", i + 1, 9 + i, top,
		    i, i == 0 ? sync_words : "tree \"data\"");
	(void)fclose(f);
	c = config_load(at("conf"), CONFIG_NO_SECRETS, 1);
	ck_assert_msg(c->conf != NULL, "%s", c->problem[0].text);
	conf_fd = sealed_make("conf", c->conf, c->conf_len);
	ck_assert_int_ne(conf_fd, -1);
	config_free(c);
}

void
kit_setup(void)
{
	(void)strcpy(top, "/tmp/vipair-room-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(chmod(top, 0711), 0);
	make_dir(at("empty"), 0755, false);
	make_dir(at("run"), 0755, false);
	make_dir(at("run/sync"), 02771, true);
	make_dir(at("state"), 0711, false);
	make_dir(at("state/store"), 0755, false);
	make_dir(at("state/store/vpn"), 02770, true);
	make_dir(at("state/store/web"), 02770, true);
	make_dir(at("base0"), 0700, false);
	make_dir(at("base1"), 0700, false);
	make_dir(at("base0/data"), 0700, false);
	make_dir(at("base1/data"), 0700, false);
	kit_sync("tree \"data\"");
	pid = 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static void
close_ends(void)
{
	(void)close(sup.fd);
	(void)close(mir.fd);
	(void)close(log_fd);
	log_fd = -1;
}

static void
show_log(void)
{
	char line[LOG_LINE_MAX + 1];
	ssize_t n;

	while (log_fd != -1 && (n = recv(log_fd, line, sizeof(line) - 1,
	    MSG_DONTWAIT)) > 0)
		(void)fprintf(stderr, "capture: %.*s\n", (int)n, line);
}

void
kit_teardown(void)
{
	if (pid > 0)
		kill_room();
	if (conf_fd != -1)
		(void)close(conf_fd);
	conf_fd = -1;
	(void)nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static _Noreturn void
exec_room(const int *fds, int die_at)
{
	static const int target[] = {
		ROOM_FD_LOG, ROOM_FD_SUPERVISOR, ROOM_FD_PEER, ROOM_FD_CONF,
	};
	char name[] = "capture", verbose[] = "-v", uid[16], gid[16];
	char die[32], *argv[] = { name, uid, gid, verbose, NULL };
	char *envp[] = { NULL, NULL };
	size_t i;

	(void)snprintf(uid, sizeof(uid), "%u", room_uid());
	(void)snprintf(gid, sizeof(gid), "%u", ANY_UID);
	(void)snprintf(die, sizeof(die), "DIE_AT=%d", die_at);
	if (die_at > 0)
		envp[0] = die;
	for (i = 0; i < 4; i++)
		if (dup2(fds[i], FIRST_SPARE + (int)i) == -1)
			_exit(96);
	for (i = 0; i < 4; i++)
		if (dup2(FIRST_SPARE + (int)i, target[i]) == -1)
			_exit(96);
	(void)close(ROOM_FD_KEEPER);
	(void)close(ROOM_FD_STATE);
	(void)close_range(ROOM_FD_SECRETS, ~0U, 0);
	if (chdir(at("empty")) == -1)
		_exit(98);
	(void)execve(room_path, argv, envp);
	_exit(97);
}

void
start_room(int die_at)
{
	int s[2], e[2], l[2], fds[4];

	if (conf_fd == -1)
		kit_conf();
	ck_assert_int_eq(ipc_pair(s), 0);
	ck_assert_int_eq(ipc_pair(e), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, l), 0);
	fds[0] = l[1];
	fds[1] = s[1];
	fds[2] = e[1];
	fds[3] = conf_fd;
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		exec_room(fds, die_at);
	(void)close(l[1]);
	(void)close(s[1]);
	(void)close(e[1]);
	log_fd = l[0];
	sup = (struct channel){ s[0], ROOM_SUPERVISOR, ROOM_CAPTURE };
	mir = (struct channel){ e[0], ROOM_MIRROR, ROOM_CAPTURE };
	memset(captured, 0, sizeof(captured));
	memset(said, 0, sizeof(said));
}

void
kill_room(void)
{
	if (getenv("CAPTURE_SAYS") != NULL)
		show_log();
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	pid = 0;
	close_ends();
}

int
room_died(void)
{
	int status;

	if (waitpid(pid, &status, WNOHANG) != pid)
		return -1;
	if (getenv("CAPTURE_SAYS") != NULL)
		show_log();
	pid = 0;
	close_ends();
	return status;
}

int
room_ends(void)
{
	int i, status;

	for (i = 0; i < WAIT_MS / STEP_MS; i++) {
		status = room_died();
		if (status != -1)
			return status;
		(void)poll(NULL, 0, STEP_MS);
	}
	show_log();
	ck_abort_msg("the room does not end");
}

/* ---- the store ----------------------------------------------------------- */

struct store *
see_store(const char *pair)
{
	struct store *s;
	enum store_result r;
	int dir;

	dir = open(at("state/store/%s", pair), O_RDONLY | O_DIRECTORY);
	ck_assert_int_ne(dir, -1);
	r = store_open(&s, dir, pair, true);
	(void)close(dir);
	ck_assert_msg(r == STORE_OK, "%s", s != NULL ? store_why(s) : "");
	return s;
}

void
get_lock(struct store *s)
{
	int i;

	for (i = 0; i < WAIT_MS && store_lock(s) == STORE_BUSY; i++)
		(void)poll(NULL, 0, 1);
	ck_assert_msg(store_locked(s), "%s", store_why(s));
}

struct epoch
stored_epoch(void)
{
	struct store *s = see_store("vpn");
	struct epoch e;

	ck_assert_int_eq(store_epoch(s, &e), STORE_OK);
	store_close(s);
	return e;
}

struct epoch
stored_live(void)
{
	struct store *s = see_store("vpn");
	struct epoch e;

	ck_assert_int_eq(store_live_get(s, &e), STORE_OK);
	store_close(s);
	return e;
}

uint64_t
stored_generation(void)
{
	struct store *s = see_store("vpn");
	uint64_t g = store_head(s)->position.generation;

	store_close(s);
	return g;
}

const char *
stored_text(const char *path)
{
	static char text[256];
	struct store *s = see_store("vpn");
	const struct tree *t = store_tree(s);
	const struct entry *e;
	const char *found = NULL;
	ssize_t n;
	int fd;

	ck_assert_msg(t != NULL, "%s", store_why(s));
	e = tree_find(t, path);
	if (e != NULL) {
		ck_assert_int_eq(store_verify(s, &e->object), STORE_OK);
		fd = store_object(s, &e->object, NULL);
		n = read(fd, text, sizeof(text) - 1);
		ck_assert_int_ge(n, 0);
		(void)close(fd);
		text[n] = '\0';
		found = text;
	}
	store_close(s);
	return found;
}

static int
own_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return lchown(path, room_uid(), ANY_UID);
}

void
partner_writes(uint32_t term, const char *text)
{
	const struct epoch e = { .term = term, .node = THEM };
	struct entry dir = { .type = ENTRY_DIR, .mode = 0700, .path = "data",
	    .user = "root", .group = "root", .target = "" };
	struct entry file = { .type = ENTRY_FILE, .mode = 0600,
	    .path = "data/f", .user = "root", .group = "root",
	    .target = "", .size = strlen(text), .mtime_ns = 1000000000 };
	struct store *s = see_store("vpn");
	struct delta *d = delta_new();
	struct store_commit c;

	get_lock(s);
	ck_assert_int_eq(store_epoch_raise(s, &e), STORE_OK);
	ck_assert_int_eq(store_put(s, PUT_DURABLE, text, strlen(text),
	    &file.object), STORE_OK);
	ck_assert_ptr_null(delta_put(d, &dir));
	ck_assert_ptr_null(delta_put(d, &file));
	ck_assert_msg(store_publish(s, &e, 1, d, NULL, &c) == STORE_OK, "%s",
	    store_why(s));
	delta_free(d);
	store_close(s);
	(void)nftw(at("state/store/vpn"), own_one, 8, FTW_PHYS);
}

/* ---- channels ------------------------------------------------------------ */

static struct msg_head
head(enum msg_type type, uint16_t pair)
{
	return (struct msg_head){
		.type = (uint16_t)type, .pair = pair, .serial = 1,
	};
}

static void
say(const struct channel *ch, const union msg *m, int fd)
{
	ck_assert_int_eq(ipc_send(ch, m, fd), IPC_OK);
}

void
say_word(uint16_t pair, enum role role, uint32_t term)
{
	const union msg m = { .word = {
		.head = head(MSG_WORD, pair), .term = term,
		.term_node = US, .self = US, .self_id = US,
		.role = (uint8_t)role,
	} };

	say(&mir, &m, -1);
}

void
say_job(uint16_t pair, enum job_kind kind, uint32_t term)
{
	const union msg m = { .job = {
		.head = head(MSG_JOB, pair), .kind = kind, .term = term,
	} };

	say(&mir, &m, -1);
}

void
say_ask(uint16_t pair, enum ask_kind kind, uint64_t token, uint64_t value,
    uint64_t value2)
{
	const union msg m = { .ask = {
		.head = head(MSG_ASK, pair), .kind = kind, .token = token,
		.value = value, .value2 = value2,
	} };

	say(&mir, &m, -1);
}

union msg
hear(const struct channel *ch, int ms)
{
	struct pollfd p = { ch->fd, POLLIN, 0 };
	union msg m = { .head = { .type = MSG_NONE } };
	enum ipc_status st;
	int fd = -1;

	if (poll(&p, 1, ms) != 1)
		return m;
	st = ipc_recv(ch, &m, &fd);
	if (st == IPC_CLOSED || st == IPC_AGAIN)
		m.head.type = MSG_NONE;
	else
		ck_assert_int_eq(st, IPC_OK);
	if (m.head.type == MSG_CAPTURED) {
		captured[m.head.pair] = m.captured;
		said[m.head.pair] = true;
	}
	return m;
}

struct msg_job_done
job_done(uint16_t pair, enum job_kind kind)
{
	union msg m;

	do {
		m = hear(&mir, WAIT_MS);
		if (m.head.type == MSG_NONE)
			show_log();
		ck_assert_msg(m.head.type != MSG_NONE, "no answer to job %d",
		    (int)kind);
	} while (m.head.type != MSG_JOB_DONE || m.head.pair != pair);
	ck_assert_uint_eq(m.job_done.kind, kind);
	return m.job_done;
}

static void
hear_captured(const char *what)
{
	if (hear(&mir, WAIT_MS).head.type == MSG_NONE) {
		show_log();
		ck_abort_msg("waited for %s", what);
	}
}

void
until_settled(uint16_t pair)
{
	while (!said[pair] || captured[pair].settled == 0)
		hear_captured("settled");
}

void
until_generation(uint16_t pair, uint64_t generation)
{
	while (!said[pair] || captured[pair].generation < generation)
		hear_captured("a generation");
}

void
until_held(uint16_t pair, bool held)
{
	while (!said[pair] || captured[pair].held != held)
		hear_captured("held");
}

void
nothing_for(int ms)
{
	union msg m = hear(&mir, ms);

	ck_assert_msg(m.head.type == MSG_NONE, "%s came",
	    ipc_name(m.head.type));
}

void
ping_pong(void)
{
	const union msg m = { .head = head(MSG_PING, 0) };
	union msg a;

	say(&sup, &m, -1);
	do
		a = hear(&sup, WAIT_MS);
	while (a.head.type != MSG_PONG && a.head.type != MSG_NONE);
	ck_assert_uint_eq(a.head.type, MSG_PONG);
}

union msg
sup_hears(enum msg_type type)
{
	union msg m;

	do
		m = hear(&sup, WAIT_MS);
	while (m.head.type == MSG_PONG);
	if (m.head.type != type)
		show_log();
	ck_assert_uint_eq(m.head.type, type);
	return m;
}

void
say_filled(uint16_t pair, enum job_result result)
{
	const union msg m = { .job_done = {
		.head = head(MSG_JOB_DONE, pair), .kind = JOB_FILL,
		.result = result, .exit_status = result == JOB_OK ? 0 : 3,
	} };

	say(&sup, &m, -1);
}

void
say_snapped(const struct msg_snap *to, uint32_t status, int fd)
{
	const union msg m = { .snapped = {
		.head = head(fd == -1 ? MSG_SNAP_FAILED : MSG_SNAPPED,
		    to->head.pair),
		.number = to->number, .status = status,
	} };

	say(&sup, &m, fd);
}

struct sync_capture_state
state(void)
{
	struct sync_capture_state s;
	int dir, rc;

	dir = open(at("run/sync"), O_RDONLY | O_DIRECTORY);
	rc = syncstate_read(dir, "vpn", SYNCSTATE_CAPTURE, &s, sizeof(s));
	ck_assert_msg(rc == 0, "%s", strerror(errno));
	(void)close(dir);
	return s;
}

int
ask_result(uint64_t token)
{
	int i;

	for (i = 0; i < WAIT_MS / STEP_MS; i++) {
		if (state().token == token)
			return state().ask_result;
		(void)poll(NULL, 0, STEP_MS);
	}
	show_log();
	ck_abort_msg("question is not answered");
}
