/* SPDX-License-Identifier: ISC */

/*
 * The configuration file, any bytes: either problems, each with a place, or a
 * blob that the rooms take and that is the same when it is printed and read
 * again.
 *
 * FUZZ: common/config/parse.y common/config/arena.c common/config/build.c common/config/check.c common/config/checkpair.c common/config/checkservice.c common/config/checksync.c common/config/config.c common/config/defaults.c common/config/host.c common/config/lexer.c common/config/print.c common/config/problem.c common/config/secretfile.c common/config/suggest.c common/config/tree.c common/config/value.c common/conf.c common/conf_find.c common/log.c common/netview.c common/netview_read.c common/sealed.c
 */
#include <sys/mman.h>

#include <unistd.h>

#include "config.h"
#include "fuzz.h"

static char path[64];
static int fd = -1;

static struct config *
load(const void *text, size_t len)
{
	if (fd == -1) {
		fd = memfd_create("vipair.conf", 0);
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, len, 0) != (ssize_t)len)
		abort();
	return config_load(path, CONFIG_NO_SECRETS, 7);
}

static void
print_and_read(const struct config *c)
{
	const uint32_t print = config_fingerprint(c->conf);
	struct config *again;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		abort();
	config_print(c->conf, out);
	fclose(out);
	again = load(text, len);
	FUZZ_MUST(again->nerrors == 0);
	FUZZ_MUST(again->conf != NULL);
	FUZZ_MUST(again->conf_len == c->conf_len);
	FUZZ_MUST(config_fingerprint(again->conf) == print);
	config_free(again);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config *c = load(data, len);
	char line[2 * CONFIG_TEXT_MAX + CONFIG_PATH_MAX + 64];

	FUZZ_MUST((c->conf == NULL) == (c->nerrors > 0));
	for (uint32_t i = 0; i < c->nproblems; i++)
		config_problem_line(&c->problem[i], line, sizeof(line));
	if (c->conf != NULL) {
		FUZZ_MUST(conf_verify(c->conf, c->conf_len) == NULL);
		print_and_read(c);
	}
	config_free(c);
	return 0;
}
