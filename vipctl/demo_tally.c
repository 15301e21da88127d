/* SPDX-License-Identifier: ISC */

/*
 * vipctl demo: what was promised against what is there.  A visit is lost
 * when its client was answered and the database in use does not have it with
 * that number from that node.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "demo.h"

void
demo_tally_answer(struct demo_tally *t, int node, uint64_t visit, mono_t now)
{
	t->answers++;
	if (visit >= DEMO_VISITS_MAX)
		return;		/* counted as lost: nothing is hidden */
	t->times[node][visit]++;
	t->last_ns[node][visit] = now.ns;
}

static void
read_row(const struct demo *d, const char *line, struct demo_rows *rows)
{
	unsigned long long visit;
	char name[64];

	if (sscanf(line, "%llu %63s", &visit, name) != 2 ||
	    visit >= DEMO_VISITS_MAX)
		return;
	for (int i = 0; i < DEMO_NODES; i++)
		if (strcmp(name, d->node[i].name) == 0) {
			rows->node[visit] = (uint8_t)(i + 1);
			rows->count++;
		}
}

int
demo_rows_read(struct demo *d, int node, const char *database,
    struct demo_rows *rows)
{
	const char *const argv[] = { "list", database, NULL };
	char line[128];
	int fds[2];
	pid_t pid;
	FILE *in;

	memset(rows, 0, sizeof(*rows));
	if (pipe2(fds, O_CLOEXEC) == -1)
		return demo_failed("pipe");
	pid = demo_start(d, node, -1, fds[1], "libexec/vipair/demo-visits",
	    argv);
	(void)close(fds[1]);
	in = fdopen(fds[0], "r");
	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		read_row(d, line, rows);
	if (in != NULL)
		(void)fclose(in);
	return pid == -1 ? -1 : demo_wait(pid);
}

uint64_t
demo_tally_lost(const struct demo_tally *t, const struct demo_rows *rows,
    mono_t after, mono_t *since)
{
	uint64_t kept = 0;

	*since = MONO_NEVER;
	for (uint32_t v = 0; v < DEMO_VISITS_MAX; v++) {
		for (int i = 0; i < DEMO_NODES; i++) {
			const int64_t at = t->last_ns[i][v];

			if (t->times[i][v] == 0)
				continue;
			/* Answered twice, there once: one is lost. */
			if (rows->node[v] == i + 1)
				kept++;
			else if (at >= after.ns && (!mono_is_set(*since) ||
			    at < since->ns))
				since->ns = at;
		}
	}
	return t->answers - kept;
}

uint32_t
demo_rows_missing(const struct demo_rows *copy, const struct demo_rows *rows)
{
	uint32_t n = 0;

	for (uint32_t v = 0; v < DEMO_VISITS_MAX; v++)
		if (copy->node[v] != 0 && copy->node[v] != rows->node[v])
			n++;
	return n;
}
