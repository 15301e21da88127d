/* SPDX-License-Identifier: ISC */

/*
 * vipctl validate --offline: a table of GOOD, WARN and BAD for one file,
 * with no daemon and no partner.  Secret files are not opened.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "json.h"
#include "text.h"
#include "validate_data.h"
#include "view.h"

/* "carp vhid 94, alpha and beta for 192.168.70.222, adverts every 1.0 s" */
static void
pair_text(const struct conf *c, const struct conf_pair *p, char *buf,
    size_t size)
{
	char addr[64], every[24], nodes[160] = "";
	size_t len = 0;
	uint32_t i;

	for (i = 0; i < p->nnodes && len < sizeof(nodes); i++)
		len += (size_t)snprintf(nodes + len, sizeof(nodes) - len,
		    "%s%s", i > 0 ? ", " : "",
		    conf_string(c, conf_pair_node(c, p, i)->name));
	address_text(conf_pair_addr(c, p, 0), addr, sizeof(addr));
	seconds_text(p->interval_ms * NS_PER_MS, every, sizeof(every));
	snprintf(buf, size, "%s vhid %u, nodes %s, %u address%s from %s on, "
	    "adverts every %s s", protocol_name(p->protocol), p->vhid, nodes,
	    p->naddrs, p->naddrs == 1 ? "" : "es", addr, every);
	text_clean(buf);
}

static void
place_text(const struct config_problem *p, char *buf, size_t size)
{
	if (p->line == 0)
		snprintf(buf, size, "file");
	else
		snprintf(buf, size, "%u:%u", p->line, p->column);
}

static void
table_row(struct vipctl *v, const char *result, const char *colour,
    const char *place, const char *text)
{
	fprintf(v->out, "%s%s%s  %-8s  ", v->colour ? colour : "", result,
	    v->colour ? "\033[0m" : "", place);
	text_wrap(v->out, text, v->columns, 16);
}

static void
table_problem(struct vipctl *v, const struct config_problem *p)
{
	char place[32], text[2 * CONFIG_TEXT_MAX + 4];
	bool bad = p->severity == CONFIG_ERROR;

	place_text(p, place, sizeof(place));
	snprintf(text, sizeof(text), "%s%s%s", p->text,
	    p->hint[0] != '\0' ? "; " : "", p->hint);
	text_clean(text);
	table_row(v, bad ? "BAD " : "WARN", bad ? "\033[31m" : "\033[33m",
	    place, text);
}

static void
table_data(struct vipctl *v, const struct data_findings *f)
{
	char text[sizeof(f->finding[0].text) + sizeof(f->finding[0].fix) + 2];
	uint32_t i;

	for (i = 0; i < f->n; i++) {
		snprintf(text, sizeof(text), "%s; %s", f->finding[i].text,
		    f->finding[i].fix);
		table_row(v, "WARN", "\033[33m", f->finding[i].pair, text);
	}
	if (f->more > 0)
		fprintf(v->out, "and %u more of the kind\n", f->more);
}

static void
table(struct vipctl *v, const char *path, const struct config *c,
    const struct data_findings *f)
{
	const struct conf_pair *p;
	char text[400];
	uint32_t i;

	if (c->nerrors == 0)
		table_row(v, "GOOD", "\033[32m", "file", path);
	for (i = 0; c->conf != NULL && i < c->conf->npairs; i++) {
		p = conf_pair(c->conf, i);
		pair_text(c->conf, p, text, sizeof(text));
		table_row(v, "GOOD", "\033[32m",
		    conf_string(c->conf, p->name), text);
	}
	for (i = 0; i < c->nproblems; i++)
		table_problem(v, &c->problem[i]);
	table_data(v, f);
	if (c->nproblems > 0) {
		fputc('\n', v->out);
		config_print_problems(c, v->out);
	}
	if (c->nerrors == 0)
		fputs("next: copy it to both nodes, then 'systemctl reload "
		    "vipair' on each\n", v->out);
	else
		fprintf(v->out, "next: correct it and ask again\n");
}

static void
data_json(struct json *j, const struct data_findings *f)
{
	uint32_t i;

	json_open_array(j, "data");
	for (i = 0; i < f->n; i++) {
		json_open(j, NULL);
		json_string(j, "result", "warn");
		json_string(j, "pair", f->finding[i].pair);
		json_string(j, "text", f->finding[i].text);
		json_string(j, "fix", f->finding[i].fix);
		json_close(j);
	}
	json_close_array(j);
}

static void
validate_json(struct vipctl *v, const char *path, const struct config *c,
    const struct data_findings *f)
{
	const struct config_problem *p;
	const struct conf_pair *cp;
	char text[400];
	struct json j;
	uint32_t i;

	json_init(&j, v->out);
	json_open(&j, NULL);
	json_int(&j, "schema", 1);
	json_string(&j, "file", path);
	json_string(&j, "verdict", c->nerrors > 0 ? "bad" :
	    c->nwarnings + f->n > 0 ? "warn" : "good");
	json_open_array(&j, "pairs");
	for (i = 0; c->conf != NULL && i < c->conf->npairs; i++) {
		cp = conf_pair(c->conf, i);
		pair_text(c->conf, cp, text, sizeof(text));
		json_open(&j, NULL);
		json_string(&j, "name", conf_string(c->conf, cp->name));
		json_string(&j, "text", text);
		json_close(&j);
	}
	json_close_array(&j);
	json_open_array(&j, "problems");
	for (i = 0; i < c->nproblems; i++) {
		p = &c->problem[i];
		json_open(&j, NULL);
		json_string(&j, "result", p->severity == CONFIG_ERROR ?
		    "bad" : "warn");
		json_string(&j, "file", p->file);
		json_uint(&j, "line", p->line);
		json_uint(&j, "column", p->column);
		json_string(&j, "text", p->text);
		json_string(&j, "fix", p->hint[0] != '\0' ? p->hint : NULL);
		json_close(&j);
	}
	json_close_array(&j);
	data_json(&j, f);
	json_close(&j);
	json_end_line(&j);
}

int
cmd_validate(struct vipctl *v, int argc, char **argv)
{
	const char *path = NULL;
	const struct option_word words[] = {
		{ "--offline", OPTION_STRING, &path },
		{ NULL, 0, NULL },
	};
	static struct data_findings data;
	struct config *c;
	int n, code;

	n = args_parse(v, argc, argv, words, &code);
	if (n < 0)
		return code;
	if (n > 0)
		return usage_error(v, argv[0], "'%s' is one word too many",
		    argv[1]);
	if (path == NULL) {
		complain(v, "validate of both nodes is not available in this "
		    "version; 'vipctl validate --offline file' checks a "
		    "file");
		return EXIT_REFUSED;
	}
	if (access(path, R_OK) == -1) {
		complain(v, "%s: %s", path, strerror(errno));
		return EXIT_UNKNOWN;
	}
	c = config_load(path, CONFIG_NO_SECRETS, 0);
	if (c->conf != NULL)
		validate_data(c->conf, &data);
	if (v->json)
		validate_json(v, path, c, &data);
	else
		table(v, path, c, &data);
	code = c->nerrors > 0 ? EXIT_CRITICAL : c->nwarnings + data.n > 0 ?
	    EXIT_WARNING : EXIT_DONE;
	config_free(c);
	return code;
}
