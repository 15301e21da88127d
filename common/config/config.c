/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor (as root) and in vipctl: reads one configuration
 * file and takes it through all steps.  Nothing is kept of a file with an
 * error but the errors, the run directory and the names.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ast.h"

static void *
must(void *p)
{
	static const char text[] = "vipair: out of memory\n";

	if (p == NULL) {
		(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
		_exit(1);
	}
	return p;
}

/* NULL, or why it is not read. */
static const char *
unfit(const struct config_file *f, const struct stat *st, const char **hint)
{
	*hint = NULL;
	if (!S_ISREG(st->st_mode))
		return "expected a regular file";
	if (st->st_size > (off_t)CONFIG_FILE_MAX)
		return "expected at most 1 MB";
	if (f->mode == CONFIG_FULL && (st->st_mode & S_IWOTH) != 0) {
		*hint = "chmod o-w it: it names programs that root runs";
		return "anybody may write it: expected only root to";
	}
	return NULL;
}

/* True when the whole file, of so many bytes, is in f->text. */
static bool
read_all(struct config_file *f, int fd, size_t size)
{
	ssize_t n;

	f->text = must(calloc(1, size + 2));
	/* One byte more than there should be tells that it grew. */
	while (f->len <= size) {
		n = read(fd, f->text + f->len, size + 1 - f->len);
		if (n == 0)
			return true;
		if (n == -1) {
			config_error(f, PLACE_FILE, NULL, "%s",
			    strerror(errno));
			f->len = 0;
			return false;
		}
		f->len += (size_t)n;
	}
	f->len = 0;
	config_error(f, PLACE_FILE, "try again", "somebody is writing it");
	return false;
}

static bool
read_file(struct config_file *f)
{
	const char *why, *hint = NULL;
	struct stat st;
	bool ok = false;
	int fd;

	fd = open(f->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		if (errno == ENOENT)
			hint = "vipair.conf(5) has an example";
		config_error(f, PLACE_FILE, hint, "%s", strerror(errno));
	} else if ((why = unfit(f, &st, &hint)) != NULL) {
		config_error(f, PLACE_FILE, hint, "%s", why);
	} else {
		ok = read_all(f, fd, (size_t)st.st_size);
	}
	if (fd != -1)
		close(fd);
	return ok;
}

static void
keep_names(struct config_file *f)
{
	struct config *c = f->c;
	const struct ast_pair *p;

	c->run_dir = f->run_dir.s;
	if (f->npairs == 0)
		return;
	c->pair_name = arena_alloc(f, f->npairs * sizeof(*c->pair_name));
	for (p = f->pair; p != NULL; p = p->next)
		if (!p->name.bad)
			c->pair_name[c->npair_names++] = p->name.s;
}

struct config *
config_load(const char *path, enum config_mode mode, uint32_t serial)
{
	struct config *c = must(calloc(1, sizeof(*c)));
	struct config_file *f = must(calloc(1, sizeof(*f)));

	c->problem = must(calloc(CONFIG_PROBLEMS_MAX, sizeof(*c->problem)));
	c->file = f;
	f->c = c;
	f->mode = mode;
	f->serial = serial;
	f->pair_end = &f->pair;
	f->path = must(strdup(path));
	if (read_file(f))
		parse(f);
	else
		f->broken = true;
	check_file(f);
	keep_names(f);
	if (c->nerrors == 0)
		build(f);
	problems_sort(c);
	return c;
}

void
config_free(struct config *c)
{
	struct config_file *f;
	struct ast_pair *p;

	if (c == NULL)
		return;
	f = c->file;
	for (p = f->pair; p != NULL; p = p->next) {
		if (p->secret != NULL)
			explicit_bzero(p->secret, sizeof(*p->secret));
		free(p->secret);
	}
	if (c->secrets != NULL)
		explicit_bzero(c->secrets, c->secrets_len);
	free(c->secrets);
	free(c->conf);
	free(c->problem);
	free(f->text);
	free(f->path);
	arena_free(f);
	free(f);
	free(c);
}
