/* SPDX-License-Identifier: ISC */

/*
 * Capture: reads one file of the live data into the store.  Must never let a
 * mixture of two states into an object: what stat says before and after the
 * reading is the same, and the name still means the same file, or the object
 * is thrown away.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "take.h"

#define PAUSE_NS	(2 * NS_PER_MS)
#define SQLITE_MAGIC	"SQLite format 3"	/* and its NUL */

enum copied {
	COPIED,
	COPY_CHANGED,		/* again */
	COPY_GONE,
	COPY_FAILED,		/* a problem tells why */
};

static const char zeros[65536];

static enum copied
store_failed(struct capture *c, enum store_result r)
{
	problem_here(c, FAULT_STORE, (int)r, RULE_NONE);
	return COPY_FAILED;
}

static enum store_result
put_zeros(struct put *p, uint64_t len)
{
	enum store_result r = STORE_OK;
	size_t n;

	for (; len > 0 && r == STORE_OK; len -= n) {
		n = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);
		r = put_write(p, zeros, n);
	}
	return r;
}

/* Data as it is, holes as the zeros that they read as, up to size. */
static enum store_result
put_all(struct put *p, int fd, uint64_t size, bool sparse)
{
	enum store_result r = STORE_OK;
	uint64_t at = 0, got;
	off_t data, hole;

	if (!sparse)
		return put_from_fd(p, fd, size, &got);
	while (at < size && r == STORE_OK) {
		data = lseek(fd, (off_t)at, SEEK_DATA);
		if (data == -1 || (uint64_t)data > size)
			return put_zeros(p, size - at);
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole == -1 || (uint64_t)hole > size)
			hole = (off_t)size;
		r = put_zeros(p, (uint64_t)data - at);
		if (r == STORE_OK && lseek(fd, data, SEEK_SET) == -1)
			return STORE_ERROR;
		if (r == STORE_OK)
			r = put_from_fd(p, fd, (uint64_t)(hole - data), &got);
		if (r == STORE_OK && got < (uint64_t)(hole - data))
			return STORE_OK;	/* shorter now: stat tells */
		at = (uint64_t)hole;
	}
	return r;
}

static enum copied
put_object(struct capture *c, int fd, const struct identity *id, bool sparse,
    struct hash *h)
{
	enum store_result r;
	const mono_t start = mono_now();
	struct put *p;
	uint64_t size;

	r = put_open(&p, c->store, c->bulk ? PUT_BULK : PUT_DURABLE, NULL,
	    id->size);
	if (r != STORE_OK)
		return store_failed(c, r);
	r = put_all(p, fd, id->size, sparse);
	if (r != STORE_OK) {
		put_abort(p);
		return store_failed(c, r);
	}
	c->spent_ns = mono_span_ns(start, mono_now());
	r = put_commit(p, h, &size);
	if (r != STORE_OK)
		return store_failed(c, r);
	c->stats.read_files++;
	c->stats.read_bytes += size;
	return size == id->size ? COPIED : COPY_CHANGED;
}

/*
 * After a restart nothing is known, but most files are what the last
 * generation has: then reading is enough.  1: the same, 0: not, -1: errno.
 */
static int
is_published(struct capture *c, int fd, const struct found *f,
    struct hash *h)
{
	const struct entry *e = tree_find(c->tree, c->path);
	uint64_t len;

	if (e == NULL || e->type != ENTRY_FILE || e->size != f->id.size ||
	    e->mtime_ns != f->id.mtime_ns)
		return 0;
	if (hash_fd(fd, h, &len) == -1)
		return -1;
	c->stats.read_files++;
	c->stats.read_bytes += len;
	if (hash_equal(h, &e->object) && store_has(c->store, h))
		return 1;
	return lseek(fd, 0, SEEK_SET) == 0 ? 0 : -1;
}

/*
 * The loader has read and checked what it made; who wrote to the file since
 * has changed its time.
 */
static bool
is_loaded(struct capture *c, const struct found *f, struct hash *h)
{
	const struct entry *e = c->trust ? tree_find(c->tree, c->path) : NULL;

	if (e == NULL || e->type != ENTRY_FILE || e->size != f->id.size ||
	    e->mtime_ns != f->id.mtime_ns || e->uid != f->st.stx_uid ||
	    e->gid != f->st.stx_gid ||
	    e->mode != (f->st.stx_mode & 07777) ||
	    !store_has(c->store, &e->object))
		return false;
	*h = e->object;
	c->stats.trusted++;
	return true;
}

static enum copied
read_content(struct capture *c, int fd, const struct found *f, bool fresh,
    struct hash *h)
{
	const struct node *twin = group_twin(c, f);
	int same = 0;

	if (twin != NULL && !twin->suspect) {
		*h = twin->object;
		return COPIED;
	}
	if (fresh && is_loaded(c, f, h))
		return COPIED;
	if (fresh)
		same = is_published(c, fd, f, h);
	if (same == 1)
		return COPIED;
	if (same == -1) {
		problem_here(c, FAULT_UNREADABLE, errno, f->rule);
		return COPY_FAILED;
	}
	return put_object(c, fd, &f->id, c->xattrs.sparse, h);
}

static void
look_for_magic(struct capture *c, int fd)
{
	char magic[sizeof(SQLITE_MAGIC)];

	if (pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	    memcmp(magic, SQLITE_MAGIC, sizeof(magic)) == 0)
		problem_here(c, FAULT_UNDECLARED, 0, RULE_NONE);
}

/* The descriptor and the name still mean what they meant, unchanged. */
static enum copied
check_same(int fd, const struct found *f)
{
	struct identity id;
	struct statx st;
	bool mount;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) == -1)
		return COPY_CHANGED;
	payload_identity(&st, &id);
	if (!identity_equal(&id, &f->id))
		return COPY_CHANGED;
	if (payload_look(f->dir, f->name, &st, &mount) == -1)
		return errno == ENOENT ? COPY_GONE : COPY_CHANGED;
	payload_identity(&st, &id);
	return !mount && identity_equal(&id, &f->id) ? COPIED : COPY_CHANGED;
}

static enum copied
copy_open(struct capture *c, int fd, struct found *f, bool fresh,
    struct hash *h)
{
	enum copied r;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &f->st) == -1 ||
	    !S_ISREG(f->st.stx_mode))
		return COPY_CHANGED;
	payload_settle(&f->st);
	/* Again: it may have changed while time was waited for. */
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &f->st) == -1)
		return COPY_CHANGED;
	payload_identity(&f->st, &f->id);
	c->xattrs.sparse = f->st.stx_blocks * 512 < f->id.size;
	payload_xattrs(fd, &c->xattrs);
	r = read_content(c, fd, f, fresh, h);
	if (r != COPIED)
		return r;
	look_for_magic(c, fd);
	return check_same(fd, f);
}

static enum copied
copy_once(struct capture *c, struct found *f, bool fresh, struct hash *h)
{
	enum copied r;
	int fd;

	fd = payload_open(f->dir, f->name, 0);
	if (fd == -1 && errno == ENOENT)
		return COPY_GONE;
	if (fd == -1 && errno == ELOOP)
		return COPY_CHANGED;		/* a link now */
	if (fd == -1) {
		problem_here(c, errno == EXDEV ? FAULT_MOUNT :
		    FAULT_UNREADABLE, errno, f->rule);
		return COPY_FAILED;
	}
	r = copy_open(c, fd, f, fresh, h);
	(void)close(fd);
	return r;
}

static enum copied
copy(struct capture *c, struct found *f, bool fresh, struct hash *h)
{
	struct timespec pause = { .tv_nsec = PAUSE_NS };
	enum copied r;
	int i;

	for (i = 1;; i++) {
		r = copy_once(c, f, fresh, h);
		if (r != COPY_CHANGED || i == CAPTURE_TRIES)
			break;
		c->stats.retries++;
		(void)nanosleep(&pause, NULL);
		pause.tv_nsec *= 2;
	}
	if (r == COPY_CHANGED)
		problem_here(c, FAULT_CHANGING, 0, f->rule);
	return r;
}

static void
show_file(struct capture *c, struct node *n, const struct found *f)
{
	struct entry e;

	node_entry(c, &f->st, ENTRY_FILE, &e);
	e.size = f->id.size;
	e.object = n->object;
	e.link = n->group;
	node_show(c, n, &e);
}

static void
forget(struct capture *c, const struct found *f)
{
	struct node *n;

	n = known_child(&c->known, f->parent, f->name, strlen(f->name));
	if (n != NULL)
		node_forget(c, n);
}

/* Same content, other names of its owners: attributes only. */
static void
show_again(struct capture *c, struct node *n, struct found *f)
{
	int fd;

	fd = payload_open(f->dir, f->name, 0);
	if (fd == -1) {
		n->suspect = true;	/* gone or changed: next time */
		return;
	}
	c->xattrs.sparse = f->st.stx_blocks * 512 < f->id.size;
	payload_xattrs(fd, &c->xattrs);
	(void)close(fd);
	show_file(c, n, f);
}

void
take_file(struct capture *c, struct found *f)
{
	struct node *n;
	struct hash h;
	enum copied r;
	bool known;

	n = known_child(&c->known, f->parent, f->name, strlen(f->name));
	known = n != NULL && !n->gone && n->type == ENTRY_FILE;
	if (known && !n->suspect && identity_equal(&n->id, &f->id)) {
		n = node_for(c, f, ENTRY_FILE);
		if (n != NULL && c->renew)
			show_again(c, n, f);
		return;
	}
	if (known && rest_wanted(c, n)) {
		n->seen = c->pass;
		return;
	}
	c->spent_ns = 0;
	r = copy(c, f, !known, &h);
	if (r == COPY_GONE)
		forget(c, f);
	if (r != COPIED)
		return;
	n = node_for(c, f, ENTRY_FILE);
	if (n == NULL)
		return;
	group_leave(c, n);
	n->id = f->id;
	n->object = h;
	n->suspect = false;
	rest_after(c, n);
	group_join(c, n);
	show_file(c, n, f);
}

void
take_link(struct capture *c, struct found *f)
{
	char target[MANIFEST_PATH_MAX + 2];
	struct entry e;
	struct node *n;
	ssize_t len;

	n = known_child(&c->known, f->parent, f->name, strlen(f->name));
	if (n != NULL && !n->gone && n->type == ENTRY_LINK && !c->renew &&
	    identity_equal(&n->id, &f->id)) {
		(void)node_for(c, f, ENTRY_LINK);
		return;
	}
	len = readlinkat(f->dir, f->name, target, sizeof(target) - 1);
	if (len == -1) {
		/* EINVAL: no link any more, its event is on the way. */
		if (errno == ENOENT)
			forget(c, f);
		else if (errno == EINVAL)
			problem_here(c, FAULT_CHANGING, 0, f->rule);
		else
			problem_here(c, FAULT_UNREADABLE, errno, f->rule);
		return;
	}
	target[len] = '\0';
	n = node_for(c, f, ENTRY_LINK);
	if (n == NULL)
		return;
	n->id = f->id;
	c->xattrs.n = 0;
	c->xattrs.lost = false;
	node_entry(c, &f->st, ENTRY_LINK, &e);
	e.size = (uint64_t)len;
	e.target = target;
	node_show(c, n, &e);
}
