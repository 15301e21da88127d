/* SPDX-License-Identifier: ISC */

/*
 * vipctl generations: what the store of this node can still give back.
 */
#include <inttypes.h>
#include <string.h>

#include "json.h"
#include "mono.h"
#include "storeview.h"
#include "syncview.h"
#include "text.h"

static void
line(struct vipctl *v, const struct data_store *d,
    const struct store_generation *g, bool newest)
{
	char when[48], size[24];

	clock_text(g->time_ns, true, when, sizeof(when));
	when[strcspn(when, ".")] = '\0';
	bytes_text(g->bytes, size, sizeof(size));
	fprintf(v->out, "%10" PRIu64 "  %-19s  %-12s %6u %9" PRIu64
	    "  %-9s%s\n", g->generation, when,
	    data_node(d, g->epoch.node), g->epoch.term, g->entries, size,
	    newest ? "  newest" : "");
}

static void
object(struct json *j, const struct data_store *d,
    const struct store_generation *g)
{
	char head[HASH_HEX + 1];

	json_open(j, NULL);
	json_uint(j, "generation", g->generation);
	json_time(j, "time", g->time_ns);
	json_string(j, "node", data_node(d, g->epoch.node));
	json_uint(j, "term", g->epoch.term);
	json_uint(j, "entries", g->entries);
	json_uint(j, "bytes", g->bytes);
	json_string(j, "head", hash_hex(&g->head, head));
	json_close(j);
}

static void
list_text(struct vipctl *v, struct data_store *d, uint64_t count)
{
	struct store_generation g;
	uint64_t cursor = 0, shown = 0, thinned = 0;

	fprintf(v->out, "%10s  %-19s  %-12s %6s %9s  %s\n", "GENERATION",
	    "MADE", "BY", "TERM", "ENTRIES", "SIZE");
	while (shown < count && store_list(d->store, &cursor, &g))
		if (g.complete) {
			line(v, d, &g, shown == 0);
			shown++;
		} else
			thinned++;
	if (shown == 0)
		fputs("there is none yet: the first is made when this pair "
		    "becomes active\n", v->out);
	if (thinned > 0)
		fprintf(v->out, "%" PRIu64 " more between them were thinned "
		    "out by age\n", thinned);
	if (shown > 0)
		fputs("next: 'vipctl diff A B', or 'vipctl restore G --to "
		    "DIR'\n", v->out);
}

static void
list_json(struct vipctl *v, struct data_store *d, uint64_t count)
{
	struct store_generation g;
	uint64_t cursor = 0, shown = 0;
	struct json j;

	json_init(&j, v->out);
	json_open(&j, NULL);
	json_int(&j, "schema", 1);
	json_string(&j, "pair", d->name);
	json_open_array(&j, "generations");
	while (shown < count && store_list(d->store, &cursor, &g))
		if (g.complete) {
			object(&j, d, &g);
			shown++;
		}
	json_close_array(&j);
	json_close(&j);
	json_end_line(&j);
}

int
cmd_generations(struct vipctl *v, int argc, char **argv)
{
	uint64_t count = UINT64_MAX;
	const struct option_word words[] = {
		{ "--count", OPTION_NUMBER, &count },
		{ NULL, 0, NULL },
	};
	struct data_store d;
	int n, code;

	n = args_parse(v, argc, argv, words, &code);
	if (n < 0)
		return code;
	if (n > 1)
		return usage_error(v, argv[0], "one pair at a time");
	code = data_open(v, n == 1 ? argv[1] : NULL, DATA_LOOK, &d);
	if (code != EXIT_DONE)
		return code;
	if (v->json)
		list_json(v, &d, count);
	else
		list_text(v, &d, count);
	data_close(&d);
	return EXIT_DONE;
}
