/* SPDX-License-Identifier: ISC */

#include <sys/mman.h>

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader_kit.h"

#define MTIME_NS	INT64_C(1700000000123456789)

static struct tree *
tree_of(void *arg, uint64_t generation, const struct hash *head)
{
	struct kit *k = arg;

	if (generation == 0 || generation > k->head ||
	    !hash_equal(&k->generation[generation].head, head))
		return NULL;
	return tree_copy(k->generation[generation].tree);
}

static int
memory(const void *bytes, size_t len)
{
	int fd = memfd_create("kit", MFD_CLOEXEC);

	assert(fd != -1);
	assert(write(fd, bytes, len) == (ssize_t)len);
	assert(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static int
manifest_of(void *arg, uint64_t generation, uint64_t *size)
{
	struct kit *k = arg;
	const struct manifest_text *m;

	if (generation == 0 || generation > k->head)
		return -1;
	m = &k->generation[generation].text;
	*size = m->len;
	return memory(m->text, m->len);
}

static int
object_of(void *arg, const struct hash *h, uint64_t *size)
{
	struct kit *k = arg;
	size_t i;

	k->objects_read++;
	for (i = 0; i < k->nobjects; i++)
		if (hash_equal(&k->object[i].h, h)) {
			*size = k->object[i].len;
			return memory(k->object[i].bytes, k->object[i].len);
		}
	return -1;
}

struct kit *
kit_new(void)
{
	struct kit *k = calloc(1, sizeof(*k));

	assert(k != NULL);
	(void)snprintf(k->dir, sizeof(k->dir), "%.30s/vipair-loader-XXXXXX",
	    getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	assert(mkdtemp(k->dir) != NULL);
	(void)snprintf(k->base, sizeof(k->base), "%s/base", k->dir);
	assert(mkdir(k->base, 0755) == 0);
	k->source = (struct source){
		.arg = k, .tree = tree_of, .manifest = manifest_of,
		.object = object_of,
	};
	return k;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

void
kit_free(struct kit *k)
{
	size_t i;

	(void)nftw(k->dir, remove_one, 64, FTW_DEPTH | FTW_PHYS);
	for (i = 0; i < k->nobjects; i++)
		free(k->object[i].bytes);
	for (i = 1; i <= k->head; i++) {
		tree_free(k->generation[i].tree);
		manifest_text_free(&k->generation[i].text);
	}
	free(k);
}

void
kit_want(struct kit *k, enum sync_kind kind, const char *glob)
{
	assert(k->l.want.n < 16);
	k->entry[k->l.want.n++] = (struct sync_entry){
		.kind = kind, .glob = glob,
	};
}

static void
put(struct tree *t, const struct entry *e)
{
	const char *wrong = tree_put(t, e);

	if (wrong != NULL) {
		fprintf(stderr, "%s: %s\n", e->path, wrong);
		abort();
	}
}

static struct entry
entry_of(enum entry_type type, const char *path)
{
	return (struct entry){
		.type = type, .mode = 0644, .mtime_ns = MTIME_NS,
		.path = path, .user = "", .group = "", .target = "",
	};
}

void
kit_dir(struct tree *t, const char *path, unsigned int mode)
{
	struct entry e = entry_of(ENTRY_DIR, path);

	e.mode = (uint16_t)mode;
	put(t, &e);
}

void
kit_object(struct kit *k, const void *bytes, size_t len, struct hash *h)
{
	size_t i;

	hash_of(bytes, len, h);
	for (i = 0; i < k->nobjects; i++)
		if (hash_equal(&k->object[i].h, h))
			return;
	assert(k->nobjects < KIT_OBJECTS_MAX);
	k->object[k->nobjects].h = *h;
	k->object[k->nobjects].bytes = malloc(len + 1);
	memcpy(k->object[k->nobjects].bytes, bytes, len);
	k->object[k->nobjects++].len = len;
}

void
kit_file(struct kit *k, struct tree *t, const char *path, const void *bytes,
    size_t len)
{
	struct entry e = entry_of(ENTRY_FILE, path);

	e.size = len;
	kit_object(k, bytes, len, &e.object);
	put(t, &e);
}

void
kit_text(struct kit *k, struct tree *t, const char *path, const char *text)
{
	kit_file(k, t, path, text, strlen(text));
}

void
kit_link(struct tree *t, const char *path, const char *target)
{
	struct entry e = entry_of(ENTRY_LINK, path);

	e.mode = 0777;
	e.target = target;
	e.size = strlen(target);
	put(t, &e);
}

void
kit_commit(struct kit *k, struct tree *t)
{
	struct manifest_header h = {
		.pair = "vpn", .epoch = { 1, 0 },
		.generation = k->head + 1,
		.previous = k->generation[k->head].head,
		.time_ns = MTIME_NS,
	};
	struct manifest_text *m = &k->generation[k->head + 1].text;
	struct delta *d = NULL;

	assert(k->head + 1 < KIT_GENERATIONS_MAX);
	if (k->head == 0) {
		assert(manifest_write_full(m, &h, t));
	} else {
		d = tree_diff(k->generation[k->head].tree, t);
		assert(d != NULL && manifest_write_delta(m, &h, t, d));
		delta_free(d);
	}
	k->generation[++k->head].tree = t;
	hash_chain(&h.previous, m->text, m->len,
	    &k->generation[k->head].head);
	k->source.position = (struct position){
		{ 1, 0 }, k->head, k->generation[k->head].head,
	};
}

enum loader_exit
kit_run(struct kit *k, int (*what)(struct loader *))
{
	struct loader *l = &k->l;
	size_t i;

	l->status = LOADER_DONE;
	l->why[0] = '\0';
	l->source = &k->source;
	l->want.entry = k->entry;
	l->own = l->lock = -1;
	l->base = open(k->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(l->base != -1);
	if (mounts_read(l) == 0 && loader_open(l) == 0)
		(void)what(l);
	loader_close(l);
	(void)close(l->base);
	for (i = 0; i < l->mounts.n; i++)
		free(l->mounts.path[i]);
	free(l->mounts.path);
	l->mounts = (struct mounts){ .n = 0 };
	return l->status;
}

static const char *
full(struct kit *k, const char *path)
{
	static char buf[8192];

	(void)snprintf(buf, sizeof(buf), "%s/%s", k->base, path);
	return buf;
}

void
kit_put(struct kit *k, const char *path, const char *text)
{
	char part[4096];
	const char *s;
	FILE *out;

	for (s = strchr(path, '/'); s != NULL; s = strchr(s + 1, '/')) {
		(void)snprintf(part, sizeof(part), "%.*s", (int)(s - path),
		    path);
		(void)mkdir(full(k, part), 0755);
	}
	out = fopen(full(k, path), "w");
	assert(out != NULL);
	(void)fputs(text, out);
	assert(fclose(out) == 0);
}

const char *
kit_get(struct kit *k, const char *path)
{
	static char text[4096];
	FILE *in = fopen(full(k, path), "r");
	size_t n;

	text[0] = '\0';
	if (in == NULL)
		return text;
	n = fread(text, 1, sizeof(text) - 1, in);
	text[n] = '\0';
	(void)fclose(in);
	return text;
}

bool
kit_exists(struct kit *k, const char *path)
{
	struct stat st;

	return lstat(full(k, path), &st) == 0;
}

static uint64_t	sum;
static size_t	sum_skip;	/* bytes of the path that do not count */
static const char *sum_leave;	/* a path that does not count, or NULL */

/* FNV-1a of one entry, added: order does not matter. */
static uint64_t
mix(uint64_t h, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (; len > 0; len--, p++)
		h = (h ^ *p) * UINT64_C(1099511628211);
	return h;
}

static uint64_t
mix_file(uint64_t h, const char *path)
{
	char buf[65536];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME);

	while (fd != -1 && (n = read(fd, buf, sizeof(buf))) > 0)
		h = mix(h, buf, (size_t)n);
	if (fd != -1)
		(void)close(fd);
	return h;
}

static int
sum_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	uint64_t h = UINT64_C(14695981039346656037);
	char target[4096];
	ssize_t n;

	(void)type;
	if (sum_leave == NULL ? f->level == 1 &&
	    strcmp(path + f->base, LOADER_DIR) == 0 :
	    strcmp(path, sum_leave) == 0 || strcmp(path, "/proc") == 0)
		return FTW_SKIP_SUBTREE;
	h = mix(h, path + sum_skip, strlen(path + sum_skip));
	h = mix(h, &st->st_mode, sizeof(st->st_mode));
	h = mix(h, &st->st_uid, sizeof(st->st_uid));
	h = mix(h, &st->st_gid, sizeof(st->st_gid));
	if (S_ISLNK(st->st_mode)) {
		n = readlink(path, target, sizeof(target));
		h = mix(h, target, n > 0 ? (size_t)n : 0);
	} else if (S_ISREG(st->st_mode)) {
		h = mix_file(h, path);
	}
	sum += h;
	return FTW_CONTINUE;
}

uint64_t
kit_sum(const struct kit *k, const char *path)
{
	char start[8192];

	(void)snprintf(start, sizeof(start), "%s/%s", k->dir, path);
	sum = 0;
	sum_skip = strlen(start);
	(void)nftw(start, sum_one, 64, FTW_PHYS | FTW_ACTIONRETVAL);
	return sum;
}

uint64_t
kit_sum_world(const struct kit *k)
{
	sum = 0;
	sum_skip = 0;
	sum_leave = k->base;
	(void)nftw("/", sum_one, 64, FTW_PHYS | FTW_ACTIONRETVAL);
	sum_leave = NULL;
	return sum;
}

const char *
kit_previous(struct kit *k)
{
	static char newest[4096];
	struct dirent *d;
	DIR *list = opendir(full(k, LOADER_DIR));

	newest[0] = '\0';
	while (list != NULL && (d = readdir(list)) != NULL)
		if (strncmp(d->d_name, "previous-", 9) == 0 &&
		    strcmp(d->d_name, newest) > 0)
			(void)strcpy(newest, d->d_name);
	if (list != NULL)
		(void)closedir(list);
	if (newest[0] == '\0')
		return NULL;
	(void)memmove(newest + sizeof(LOADER_DIR), newest,
	    strlen(newest) + 1);
	(void)memcpy(newest, LOADER_DIR "/", sizeof(LOADER_DIR));
	return newest;
}
