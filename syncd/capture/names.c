/* SPDX-License-Identifier: ISC */

/*
 * Capture: who owns what, by name.  Reads two files, nothing else.
 */

#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "names.h"

#define TEXT_MAX	(8 << 20)
#define NAME_LEN_MAX	255

struct item {
	uint32_t	id;
	uint32_t	at;		/* of the name in text */
};

struct list {
	const char	*path;
	char		*text;
	struct item	*item;
	size_t		 n;
	struct stat	 st;
};

struct names {
	struct list	user, group;
};

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static char *
read_text(int fd, const struct stat *st)
{
	const size_t size = (size_t)st->st_size;
	size_t got = 0;
	ssize_t n = 1;
	char *text;

	if (st->st_size < 0 || st->st_size > TEXT_MAX)
		return NULL;
	text = malloc(size + 1);
	if (text == NULL)
		return NULL;
	while (got < size && n > 0) {
		n = read(fd, text + got, size - got);
		got += n > 0 ? (size_t)n : 0;
	}
	text[got] = '\0';
	return text;
}

static int
by_id(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* "name:password:number:..."; the first line with a number names it. */
static bool
parse_line(char *line, uint32_t *id)
{
	unsigned long long v;
	char *colon, *number, *end;

	colon = strchr(line, ':');
	if (colon == NULL || colon == line || colon - line > NAME_LEN_MAX)
		return false;
	number = strchr(colon + 1, ':');
	if (number == NULL || number[1] < '0' || number[1] > '9')
		return false;
	v = strtoull(number + 1, &end, 10);
	if ((*end != ':' && *end != '\0') || v >= UINT32_MAX)
		return false;
	*colon = '\0';
	*id = (uint32_t)v;
	return true;
}

static void
parse(struct list *l)
{
	size_t lines = 1;
	char *p, *next;

	for (p = l->text; *p != '\0'; p++)
		lines += *p == '\n';
	free(l->item);
	l->n = 0;
	l->item = calloc(lines, sizeof(*l->item));
	if (l->item == NULL)
		return;
	for (p = l->text; p != NULL && *p != '\0'; p = next) {
		next = strchr(p, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (!parse_line(p, &l->item[l->n].id))
			continue;
		l->item[l->n++].at = (uint32_t)(p - l->text);
	}
	qsort(l->item, l->n, sizeof(*l->item), by_id);
}

static bool
refresh(struct list *l)
{
	struct stat st;
	char *text;
	int fd;

	fd = open(l->path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	if (fstat(fd, &st) == -1 || (l->text != NULL &&
	    same_file(&st, &l->st)) || (text = read_text(fd, &st)) == NULL) {
		(void)close(fd);
		return false;
	}
	(void)close(fd);
	free(l->text);
	l->text = text;
	l->st = st;
	parse(l);
	return true;
}

static const char *
find(const struct list *l, uint32_t id)
{
	size_t low = 0, high = l->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (l->item[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < l->n && l->item[low].id == id ?
	    l->text + l->item[low].at : "";
}

struct names *
names_open(const char *passwd, const char *group)
{
	struct names *n;

	n = calloc(1, sizeof(*n));
	if (n == NULL)
		return NULL;
	n->user.path = passwd;
	n->group.path = group;
	(void)names_refresh(n);
	return n;
}

void
names_close(struct names *n)
{
	if (n == NULL)
		return;
	free(n->user.text);
	free(n->user.item);
	free(n->group.text);
	free(n->group.item);
	free(n);
}

bool
names_refresh(struct names *n)
{
	const bool users = refresh(&n->user);

	return refresh(&n->group) || users;
}

const char *
names_user(const struct names *n, uint32_t uid)
{
	return find(&n->user, uid);
}

const char *
names_group(const struct names *n, uint32_t gid)
{
	return find(&n->group, gid);
}
