/* SPDX-License-Identifier: ISC */

/*
 * Deaths at every named step of the store, in three kinds: a killed process;
 * a power cut that loses every name, and the bytes of every file, that was
 * not synced; one that loses some of them.  The linker puts the functions
 * below between the store and libc (--wrap), so the store itself knows
 * nothing of this.  After each death a new process must find the old state or
 * the new one, whole, and everything that was acknowledged.
 */

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store_kit.h"

#define STEPS_MAX	4000
#define NAMES_MAX	64
#define OPS_MAX		8192

enum loss { LOSE_NOTHING, LOSE_ALL, LOSE_SOME, LOSSES };

/* Told by the child that dies, in shared memory. */
static struct told {
	int		state;		/* acknowledged by a commit */
	bool		parked;
	uint32_t	term;		/* acknowledged by the epoch */
	uint32_t	live;		/* by the mark of live data */
	unsigned int	names;
	char		name[NAMES_MAX][40];
	char		last[40];
} *told;

static unsigned int	die_at, steps, kills;
static enum loss	loss;
static char		side[80];	/* old files, for undoing */

/* ---- the file system that forgets ---------------------------------------- */

enum op_kind { OP_NAME, OP_UNLINK };

static struct op {
	enum op_kind	kind;
	bool		durable;
	ino_t		parent;
	ino_t		file;
	char		path[200];	/* of the name that came or went */
	char		from[200];	/* a rename's old name, or "" */
	char		saved[96];	/* what was there before, or "" */
} *ops;
static unsigned int	nops;
static bool		watching;
static ino_t		synced[OPS_MAX];
static unsigned int	nsynced;
static off_t		chain_size = -1;

int	__real_renameat(int, const char *, int, const char *);
int	__real_linkat(int, const char *, int, const char *, int);
int	__real_unlinkat(int, const char *, int);
int	__real_fsync(int);
int	__real_fdatasync(int);
int	__real_syncfs(int);
int	__wrap_renameat(int, const char *, int, const char *);
int	__wrap_linkat(int, const char *, int, const char *, int);
int	__wrap_unlinkat(int, const char *, int);
int	__wrap_fsync(int);
int	__wrap_fdatasync(int);
int	__wrap_syncfs(int);

static void
path_of(int dir, const char *name, char path[200])
{
	char proc[32], base[100];
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", dir);
	n = readlink(proc, base, sizeof(base) - 1);
	if (n < 0)
		n = 0;
	base[n] = '\0';
	snprintf(path, 200, "%s/%s", base, name);
}

static ino_t
inode(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_ino : 0;
}

static ino_t
parent_inode(const char *path)
{
	char dir[200];

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	return inode(dir);
}

static struct op *
note(enum op_kind kind, int dir, const char *name)
{
	struct op *o;

	if (nops == OPS_MAX)
		abort();
	o = &ops[nops++];
	*o = (struct op){ .kind = kind };
	path_of(dir, name, o->path);
	o->parent = parent_inode(o->path);
	snprintf(o->saved, sizeof(o->saved), "%s/%u", side, nops);
	if (__real_linkat(AT_FDCWD, o->path, AT_FDCWD, o->saved, 0) == -1)
		o->saved[0] = '\0';
	return o;
}

int
__wrap_renameat(int from, const char *old, int to, const char *new)
{
	struct op *o;
	int rc;

	if (!watching)
		return __real_renameat(from, old, to, new);
	o = note(OP_NAME, to, new);
	path_of(from, old, o->from);
	rc = __real_renameat(from, old, to, new);
	if (rc == -1)
		nops--;
	else
		o->file = inode(o->path);
	return rc;
}

int
__wrap_linkat(int from, const char *old, int to, const char *new, int flags)
{
	struct op *o;
	int error, rc;

	rc = __real_linkat(from, old, to, new, flags);
	error = errno;
	if (watching && rc == 0) {
		o = note(OP_NAME, to, new);
		(void)__real_unlinkat(AT_FDCWD, o->saved, 0);
		o->saved[0] = '\0';
		o->file = inode(o->path);
	}
	errno = error;
	return rc;
}

int
__wrap_unlinkat(int dir, const char *name, int flags)
{
	int error, rc;

	if (watching && flags == 0)
		(void)note(OP_UNLINK, dir, name);
	rc = __real_unlinkat(dir, name, flags);
	error = errno;
	if (watching && flags == 0 && rc == -1)
		nops--;
	errno = error;
	return rc;
}

int
__wrap_fsync(int fd)
{
	unsigned int i;
	struct stat st;

	if (watching && fstat(fd, &st) == 0) {
		for (i = 0; i < nops && S_ISDIR(st.st_mode); i++)
			if (ops[i].parent == st.st_ino)
				ops[i].durable = true;
		if (!S_ISDIR(st.st_mode) && nsynced < OPS_MAX)
			synced[nsynced++] = st.st_ino;
	}
	return __real_fsync(fd);
}

int
__wrap_fdatasync(int fd)
{
	struct stat st;

	if (watching && fstat(fd, &st) == 0)
		chain_size = st.st_size;
	return __real_fdatasync(fd);
}

static bool
was_synced(ino_t file)
{
	unsigned int i;

	for (i = 0; i < nsynced; i++)
		if (synced[i] == file)
			return true;
	return false;
}

/* Files of branches are made by no call that is watched: all are looked at. */
static int
note_synced(const char *path, const struct stat *st, int kind,
    struct FTW *at)
{
	(void)path;
	(void)at;
	if (kind == FTW_F && nsynced < OPS_MAX)
		synced[nsynced++] = st->st_ino;
	return 0;
}

static int
empty_unsynced(const char *path, const struct stat *st, int kind,
    struct FTW *at)
{
	(void)at;
	return kind == FTW_F && !was_synced(st->st_ino) &&
	    truncate(path, 0) == -1;
}

static void
each_branch_file(int (*fn)(const char *, const struct stat *, int,
    struct FTW *))
{
	char path[100];

	snprintf(path, sizeof(path), "%s/diverged", kit_path);
	(void)nftw(path, fn, 8, FTW_PHYS);
	snprintf(path, sizeof(path), "%s/tmp", kit_path);
	(void)nftw(path, fn, 8, FTW_PHYS);
}

int
__wrap_syncfs(int fd)
{
	unsigned int i;

	if (watching)
		each_branch_file(note_synced);

	for (i = 0; watching && i < nops; i++) {
		ops[i].durable = true;
		if (nsynced < OPS_MAX)
			synced[nsynced++] = ops[i].file;
	}
	(void)fd;	/* not the machine's, 3 000 times */
	return 0;
}

static void
undo(const struct op *o)
{
	if (o->kind == OP_NAME && o->from[0] != '\0')
		(void)rename(o->path, o->from);
	else if (o->kind == OP_NAME)
		(void)unlink(o->path);
	if (o->saved[0] != '\0')
		(void)rename(o->saved, o->path);
}

static void
lose(void)
{
	char chain[100];
	unsigned int i;
	struct stat st;

	snprintf(chain, sizeof(chain), "%s/chain", kit_path);
	if (stat(chain, &st) == 0 && st.st_size > chain_size &&
	    (loss == LOSE_ALL || rand() % 2 == 0))
		(void)!truncate(chain, chain_size);
	for (i = 0; i < nops; i++)
		if (ops[i].kind == OP_NAME && !was_synced(ops[i].file) &&
		    lstat(ops[i].path, &st) == 0 && S_ISREG(st.st_mode) &&
		    st.st_ino == ops[i].file)
			(void)!truncate(ops[i].path, 0);
	each_branch_file(empty_unsynced);
	for (i = nops; i-- > 0;)
		if (!ops[i].durable && (loss == LOSE_ALL || rand() % 2 == 0))
			undo(&ops[i]);
}

static void
hook(const char *name)
{
	unsigned int i;

	for (i = 0; i < told->names; i++)
		if (strcmp(told->name[i], name) == 0)
			break;
	if (i == told->names && i < NAMES_MAX)
		snprintf(told->name[told->names++], 40, "%s", name);
	if (++steps < die_at)
		return;
	watching = false;
	snprintf(told->last, sizeof(told->last), "%s", name);
	if (loss != LOSE_NOTHING)
		lose();
	_exit(9);
}

/* ---- scenes ------------------------------------------------------------ */

static const struct epoch later = { .term = 2, .node = 1 };

static void
base(void)
{
	struct store *s = kit_open();
	unsigned int i;

	ok(s, store_epoch_raise(s, &kit_epoch));
	for (i = 1; i <= 3; i++)
		kit_publish(s, i);
	store_close(s);
}

static void
scene_publish(void)
{
	struct store *s = kit_open();
	struct delta *d;
	struct hash h;
	struct store_commit c;
	struct entry e;

	kit_publish(s, 4);
	told->state = 4;
	ok(s, store_put(s, PUT_BULK, "nobody wants this", 17, &h));
	d = kit_delta(s, 5);
	e = kit_dir_entry("z");
	ck_assert_ptr_null(delta_put(d, &e));
	ok(s, store_publish(s, &kit_epoch, kit_now, d, NULL, &c));
	told->state = 5;
	delta_free(d);
	store_close(s);
}

/* The same by bulk: objects in staged/, one syncfs. */
static void
scene_bulk(void)
{
	struct store *s = kit_open();
	char text[64];
	struct hash h;
	unsigned int i;

	for (i = 0; i < KIT_FILES; i++) {
		snprintf(text, sizeof(text), "state 4 of file %u", i);
		ok(s, store_put(s, PUT_BULK, text, strlen(text), &h));
	}
	kit_publish(s, 4);
	told->state = 4;
	store_close(s);
}

static void
scene_park(void)
{
	struct store *s = kit_open();
	struct store_branch b;
	struct store_commit c;

	ok(s, store_park(s, 2, "test", kit_now, &b));
	told->parked = true;
	ok(s, store_epoch_raise(s, &later));
	told->term = 2;
	ok(s, kit_publish_as(s, &later, 40, &c));
	told->state = 40;
	ok(s, store_adopt(s, b.name));
	store_close(s);
}

static void
scene_park_all(void)
{
	struct store *s = kit_open();
	struct store_branch b;

	ok(s, store_park(s, 0, "test", kit_now, &b));
	told->parked = true;
	store_close(s);
}

static void
scene_epoch(void)
{
	struct store *s = kit_open();
	struct epoch e = { .node = 0 };

	for (e.term = 2; e.term < 8; e.term++) {
		ok(s, store_epoch_raise(s, &e));
		told->term = e.term;
	}
	store_close(s);
}

static void
scene_live(void)
{
	struct store *s = kit_open();
	struct epoch e = { .node = 0 };

	for (e.term = 2; e.term < 6; e.term++) {
		ok(s, store_live_set(s, &e));
		told->live = e.term;
	}
	ok(s, store_adopt(s, "generation 2"));
	ok(s, store_adopt(s, NULL));
	store_close(s);
}

static int64_t
far_clock(void)
{
	return INT64_C(4000000000) * 1000000000;
}

static void
scene_upkeep(void)
{
	const struct store_retention keep = { .keep = 1 };
	struct store *s = kit_open();
	struct store_upkeep u = { .done = false };
	struct store_branch b;

	ok(s, store_park(s, 2, "test", far_clock(), &b));
	told->parked = true;
	while (!u.done)
		ok(s, store_upkeep(s, &keep, far_clock(), 1000, &u));
	store_close(s);
}

static void
scene_commit(void)
{
	/* What a partner wrote on top of generation 3: made by hand. */
	struct store *s = kit_open();
	struct manifest_header h = { .pair = "vpn", .epoch = later,
	    .generation = 4, .previous = store_head(s)->position.head,
	    .time_ns = 1 };
	struct manifest_text m = { .text = NULL };
	struct tree *t = tree_copy(store_tree(s));
	struct delta *d = kit_delta(s, 4);
	struct store_commit c;

	ok(s, store_epoch_raise(s, &later));
	told->term = 2;
	ck_assert_ptr_null(tree_apply(t, d));
	ck_assert(manifest_write_delta(&m, &h, t, d));
	ok(s, store_receive(s, m.text, m.len));
	ok(s, store_commit(s, &later, &c));
	told->state = 4;
	manifest_text_free(&m);
	tree_free(t);
	delta_free(d);
	store_close(s);
}

/* ---- after the death --------------------------------------------------- */

static void
check_generations(struct store *s)
{
	struct store_generation g;
	uint64_t cursor = 0;
	struct tree *t;

	while (store_list(s, &cursor, &g)) {
		if (!g.complete)
			continue;
		ok(s, store_load_tree(s, g.generation, &t));
		ck_assert_int_gt(kit_state(s, t), 0);
		tree_free(t);
	}
}

/* I4: state 3 was committed: it is the head's past or a branch. */
static bool
branch_has(struct store *s, int state)
{
	struct store_branch b;
	size_t cursor = 0;
	struct tree *t;
	bool has = false;

	while (store_branches(s, &cursor, &b)) {
		ok(s, store_branch_tree(s, b.name, &t));
		has = has || kit_state(s, t) == state;
		tree_free(t);
	}
	return has;
}

static void
check_after(const char *scene)
{
	struct store *s = kit_open();	/* locks: I1 */
	int state = kit_state(s, store_tree(s));
	struct store_commit c;
	struct epoch e;
	bool parks = strstr(scene, "park") != NULL ||
	    strcmp(scene, "upkeep") == 0;

	if (parks)
		ck_assert(state == 3 || (branch_has(s, 3) &&
		    (state == 2 || state == 40 || state == -1)));
	else
		ck_assert(state >= 3 && state <= 5);
	if (told->parked)
		ck_assert_int_ne(state, 3);
	/* I2 */
	if (told->state != 0 && parks)
		ck_assert_int_eq(state, told->state);
	else
		ck_assert_int_ge(parks ? 99 : state, told->state);
	ok(s, store_epoch(s, &e));
	ck_assert_uint_ge(e.term, told->term);
	ck_assert_uint_ge(e.term, store_head(s)->position.epoch.term);
	/* The last mark that was acknowledged, or the one after it. */
	ok(s, store_live_get(s, &e));
	ck_assert_uint_ge(e.term, told->live);
	ck_assert_uint_le(e.term, told->live == 0 ? 2 : told->live + 1);
	check_generations(s);
	/* Life goes on. */
	ok(s, store_epoch_take(s, 0, 0, &e));
	ok(s, kit_publish_as(s, &e, 90, &c));
	ck_assert_int_eq(kit_state(s, store_tree(s)), 90);
	store_close(s);
	s = kit_open();
	ck_assert_int_eq(kit_state(s, store_tree(s)), 90);
	store_close(s);
}

/* True when the child died at the step it was told to. */
static bool
die(void (*scene)(void), unsigned int step)
{
	struct stat st;
	char chain[100];
	int status;
	pid_t pid;

	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		snprintf(chain, sizeof(chain), "%s/chain", kit_path);
		chain_size = stat(chain, &st) == 0 ? st.st_size : 0;
		srand(step);
		die_at = step;
		watching = true;
		store_crash_hook = hook;
		scene();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9);
	return WEXITSTATUS(status) == 9;
}

static void
every_step(const char *name, void (*scene)(void))
{
	unsigned int step;
	bool died = true;

	for (step = 1; died && step < STEPS_MAX; step++) {
		told->state = 0;
		told->parked = false;
		told->term = 1;
		told->live = 0;
		kit_begin();
		snprintf(side, sizeof(side), "%s-side", kit_path);
		ck_assert_int_eq(mkdir(side, 0700), 0);
		base();
		died = die(scene, step);
		if (getenv("STORE_CRASH_SAYS") != NULL)
			fprintf(stderr, "%s loss %d step %u %s\n", name,
			    (int)loss, step, told->last);
		check_after(name);
		kit_end();
		kit_remove(side);
		kills += died;
	}
	ck_assert(!died);
}

static const struct scene {
	const char	*name;
	void		(*run)(void);
} scenes[] = {
	{ "publish", scene_publish }, { "bulk", scene_bulk },
	{ "commit", scene_commit }, { "park", scene_park },
	{ "park all", scene_park_all }, { "epoch", scene_epoch },
	{ "upkeep", scene_upkeep }, { "live", scene_live },
};
#define NSCENES	((int)(sizeof(scenes) / sizeof(scenes[0])))

START_TEST(test_deaths)
{
	const struct scene *c = &scenes[_i % NSCENES];
	unsigned int i;

	loss = (enum loss)(_i / NSCENES);
	ops = calloc(OPS_MAX, sizeof(*ops));
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(told, MAP_FAILED);
	kills = 0;
	every_step(c->name, c->run);
	printf("%s, loss %d: %u deaths at:", c->name, (int)loss, kills);
	for (i = 0; i < told->names; i++)
		printf(" %s", told->name[i]);
	printf("\n");
	ck_assert_uint_ge(kills, 8);
	free(ops);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store_crash");
	TCase *t = tcase_create("store_crash");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, test_deaths, 0, NSCENES * LOSSES);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
