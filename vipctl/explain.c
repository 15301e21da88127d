/* SPDX-License-Identifier: ISC */

/*
 * vipctl explain: what a problem's id means, without a daemon.
 */
#include <ctype.h>
#include <string.h>

#include "json.h"
#include "problems.h"
#include "text.h"
#include "vipctl.h"

/* A template for reading: words in angle brackets, no optional marks. */
static void
readable(const char *t, char *buf, size_t size)
{
	size_t n = 0;

	for (; *t != '\0' && n + 1 < size; t++) {
		if (*t == '[' || *t == ']')
			continue;
		buf[n++] = *t == '{' ? '<' : *t == '}' ? '>' : *t;
	}
	buf[n] = '\0';
}

static void
explain_json(struct json *j, const struct problem_text *t)
{
	char id[PROBLEM_ID_SIZE], text[PROBLEM_TEXT_MAX];

	problem_id(t->number, id);
	json_open(j, NULL);
	json_string(j, "id", id);
	json_string(j, "severity", problem_severity(t->number));
	json_string(j, "title", t->title);
	readable(t->fix, text, sizeof(text));
	json_string(j, "fix", text);
	json_string(j, "explanation", t->explain);
	json_close(j);
}

static void
explain_text(struct vipctl *v, const struct problem_text *t)
{
	char id[PROBLEM_ID_SIZE], text[PROBLEM_TEXT_MAX];

	problem_id(t->number, id);
	fprintf(v->out, "%s (%s): ", id, problem_severity(t->number));
	text_wrap(v->out, t->title, v->columns, 0);
	fputc('\n', v->out);
	text_wrap(v->out, t->explain, v->columns, 0);
	fputs("\nto do: ", v->out);
	readable(t->fix, text, sizeof(text));
	text_wrap(v->out, text, v->columns, 7);
	if (t->standing)
		text_wrap(v->out, "This follows from the configuration; "
		    "neither the verdict nor the exit code of status falls "
		    "because of it.", v->columns, 0);
}

int
cmd_explain(struct vipctl *v, int argc, char **argv)
{
	const struct problem_text *t = NULL;
	char id[PROBLEM_ID_SIZE];
	struct json j;
	int n, code;
	size_t i;

	n = args_parse(v, argc, argv, NULL, &code);
	if (n < 0)
		return code;
	if (n > 1)
		return usage_error(v, argv[0], "one id at a time");
	json_init(&j, v->out);
	if (n == 1) {
		t = problem_find_id(argv[1]);
		if (t == NULL) {
			complain(v, "no problem has the id '%s'; 'vipctl "
			    "explain' lists them", argv[1]);
			return EXIT_REFUSED;
		}
		if (v->json) {
			explain_json(&j, t);
			json_end_line(&j);
		} else
			explain_text(v, t);
		return EXIT_DONE;
	}
	if (v->json)
		json_open_array(&j, NULL);
	for (i = 0; i < problem_texts_count; i++) {
		if (v->json) {
			explain_json(&j, &problem_texts[i]);
			continue;
		}
		problem_id(problem_texts[i].number, id);
		fprintf(v->out, "%s  %s\n", id, problem_texts[i].title);
	}
	if (v->json) {
		json_close_array(&j);
		json_end_line(&j);
	}
	return EXIT_DONE;
}
