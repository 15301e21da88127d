/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: reads the configuration file and the secrets, at start and at
 * reload.  The secrets go straight into their memfd; no copy stays here.
 */

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conffile.h"
#include "config/config.h"
#include "sealed.h"
#include "supervisor.h"

/* A missing file is the most likely error of all: say what to do. */
static bool
missing(const char *path)
{
	if (access(path, F_OK) == 0 || errno != ENOENT)
		return false;
	log_warnx("%s: there is no such file: vipair.conf(5) has an "
	    "example; or name another with -f", path);
	return true;
}

static void
report(const struct config *c, bool to_stderr)
{
	char line[LOG_LINE_MAX];
	uint32_t i;

	if (to_stderr) {
		config_print_problems(c, stderr);
		return;
	}
	for (i = 0; i < c->nproblems; i++) {
		config_problem_line(&c->problem[i], line, sizeof(line));
		log_warnx("%s", line);
	}
}

int
conffile_check(const struct options *opt)
{
	struct config *c;
	int status;

	if (missing(opt->path))
		return 1;
	/* An ordinary user cannot read secrets, but can check the rest. */
	c = config_load(opt->path,
	    geteuid() == 0 ? CONFIG_FULL : CONFIG_NO_SECRETS, 1);
	if (c->conf != NULL)
		(void)config_check_host(c);
	report(c, true);
	status = c->nerrors == 0 && c->conf != NULL ? 0 : 1;
	if (status == 0 && opt->verbose)
		config_print(c->conf, stdout);
	config_free(c);
	return status;
}

const struct conf *
conffile_map(int fd, size_t *len)
{
	struct stat st;
	void *at;

	if (fstat(fd, &st) == -1 || st.st_size < (off_t)sizeof(struct conf) ||
	    st.st_size > CONF_BLOB_MAX)
		return NULL;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return NULL;
	if (conf_verify(at, (size_t)st.st_size) != NULL) {
		(void)munmap(at, (size_t)st.st_size);
		return NULL;
	}
	*len = (size_t)st.st_size;
	return at;
}

static bool
seal(const struct config *c, struct conf_handle *h)
{
	*h = (struct conf_handle){ .fd = -1, .secrets_fd = -1 };
	h->fd = sealed_make("conf", c->conf, c->conf_len);
	h->secrets_fd = sealed_make("secrets", c->secrets, c->secrets_len);
	if (h->fd != -1 && h->secrets_fd != -1)
		h->conf = conffile_map(h->fd, &h->len);
	h->secrets_len = c->secrets_len;
	if (h->conf != NULL)
		return true;
	log_warn("configuration: cannot be sealed in memory");
	conffile_drop(h);
	return false;
}

bool
conffile_load(const char *path, uint32_t serial, bool to_stderr,
    struct conf_handle *h)
{
	struct config *c;
	bool ok;

	if (missing(path))
		return false;
	c = config_load(path, CONFIG_FULL, serial);
	if (c->conf != NULL)
		(void)config_check_host(c);
	report(c, to_stderr);
	ok = c->nerrors == 0 && c->conf != NULL && seal(c, h);
	config_free(c);
	return ok;
}

void
conffile_drop(struct conf_handle *h)
{
	if (h->conf != NULL)
		(void)munmap((void *)(uintptr_t)h->conf, h->len);
	if (h->fd != -1)
		(void)close(h->fd);
	if (h->secrets_fd != -1)
		(void)close(h->secrets_fd);
	*h = (struct conf_handle){ .fd = -1, .secrets_fd = -1 };
}
