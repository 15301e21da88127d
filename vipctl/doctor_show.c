/* SPDX-License-Identifier: ISC */

/*
 * vipctl doctor: its findings as text and as JSON.
 */
#include "doctor_show.h"
#include "json.h"
#include "mono.h"
#include "text.h"

/* A standing one is listed, but nothing is worse for it. */
static int
severity(const struct finding *f)
{
	const struct problem_text *t = problem_find(f->number);

	if (f->repaired || (t != NULL && t->standing))
		return EXIT_DONE;
	return t != NULL && t->letter == 'C' ? EXIT_CRITICAL : EXIT_WARNING;
}

int
doctor_exit(const struct doctor *d)
{
	int worst = EXIT_DONE;
	uint32_t i;

	for (i = 0; i < d->nfindings; i++)
		if (severity(&d->finding[i]) > worst)
			worst = severity(&d->finding[i]);
	if (worst == EXIT_DONE && (d->npatients == 0 || d->nskipped > 0))
		return EXIT_UNKNOWN;
	return worst;
}

static void
words(const struct finding *f, char *text, char *fix)
{
	const struct problem_words more = { f->detail, f->advice, f->free };

	problem_write_text_more(f->vp, &f->problem, &more, text,
	    PROBLEM_TEXT_MAX);
	problem_write_fix_more(f->vp, &f->problem, &more, fix,
	    PROBLEM_TEXT_MAX);
}

static void
show_finding(FILE *out, const struct vipctl *v, const struct finding *f)
{
	static const char *const colour[] = {
		[EXIT_DONE] = "\033[2m", [EXIT_WARNING] = "\033[33m",
		[EXIT_CRITICAL] = "\033[31m",
	};
	char id[PROBLEM_ID_SIZE], text[PROBLEM_TEXT_MAX];
	char fix[PROBLEM_TEXT_MAX];

	problem_id(f->number, id);
	words(f, text, fix);
	fprintf(out, "%s%s%s  ", v->colour ? colour[severity(f)] : "", id,
	    v->colour ? "\033[0m" : "");
	text_wrap(out, text, v->columns, 5);
	if (f->repaired) {
		fputs("     repaired: ", out);
		text_wrap(out, fix, v->columns, 15);
		return;
	}
	fputs("     to do: ", out);
	text_wrap(out, fix, v->columns, 12);
	if (f->failed[0] != '\0') {
		fputs("     not repaired: ", out);
		text_wrap(out, f->failed, v->columns, 19);
	}
}

static void
show_end(FILE *out, const struct doctor *d, int64_t took_ns)
{
	uint32_t i, repairs = 0;
	char took[24];

	for (i = 0; i < d->nskipped; i++) {
		fprintf(out, "not looked at: %s: ", d->skipped[i].check);
		text_wrap(out, d->skipped[i].why, d->v->columns, 15);
	}
	for (i = 0; i < d->nfindings; i++)
		repairs += d->finding[i].repair != REPAIR_NONE &&
		    !d->finding[i].repaired;
	seconds_text(took_ns / NS_PER_MS * NS_PER_MS, took, sizeof(took));
	fprintf(out, "%u checks of %u pair%s in %s s: ", d->nchecks,
	    d->npatients, d->npatients == 1 ? "" : "s", took);
	if (d->nfindings == 0)
		fputs("nothing is wrong that can be seen from here\n", out);
	else
		fprintf(out, "%u finding%s\n", d->nfindings,
		    d->nfindings == 1 ? "" : "s");
	if (repairs > 0)
		fprintf(out, "next: 'vipctl doctor --fix' does %u of it\n",
		    repairs);
	else if (d->nfindings > 0)
		fputs("next: 'vipctl explain ID' tells more of each\n", out);
}

static void
show_text(const struct doctor *d, int64_t took_ns)
{
	const struct view_pair *vp = NULL;
	FILE *out = d->v->out;
	uint32_t i;

	for (i = 0; i < d->nfindings; i++) {
		if (d->finding[i].vp != vp && d->npatients > 1)
			fprintf(out, "%s\n", d->finding[i].vp->p.name);
		vp = d->finding[i].vp;
		show_finding(out, d->v, &d->finding[i]);
	}
	if (d->nfindings > 0)
		fputc('\n', out);
	show_end(out, d, took_ns);
}

static void
json_finding(struct json *j, const struct finding *f)
{
	char id[PROBLEM_ID_SIZE], text[PROBLEM_TEXT_MAX];
	char fix[PROBLEM_TEXT_MAX];

	problem_id(f->number, id);
	words(f, text, fix);
	json_open(j, NULL);
	json_string(j, "id", id);
	json_string(j, "severity", problem_severity(f->number));
	json_string(j, "pair", f->vp->p.name[0] != '\0' ? f->vp->p.name :
	    NULL);
	json_string(j, "text", text);
	json_string(j, "fix", fix);
	json_seconds(j, "age_s", f->problem.age_ns);
	json_bool(j, "fixable", f->repair != REPAIR_NONE);
	json_bool(j, "fixed", f->repaired);
	json_string(j, "failed", f->failed[0] != '\0' ? f->failed : NULL);
	json_close(j);
}

static void
show_json(const struct doctor *d, int64_t took_ns)
{
	static const char *const verdict[] = {
		[EXIT_DONE] = "good", [EXIT_WARNING] = "warning",
		[EXIT_CRITICAL] = "critical", [EXIT_UNKNOWN] = "unknown",
	};
	const struct ctl_peer *self = d->npatients > 0 ?
	    pair_self(d->patient[0].vp) : NULL;
	struct json j;
	uint32_t i;

	json_init(&j, d->v->out);
	json_open(&j, NULL);
	json_int(&j, "schema", 1);
	json_string(&j, "node", self != NULL ? self->name : NULL);
	json_string(&j, "version", VIPAIR_VERSION);
	json_string(&j, "verdict", verdict[doctor_exit(d)]);
	json_bool(&j, "daemon", d->answers);
	json_seconds(&j, "took_s", took_ns);
	json_uint(&j, "checks", d->nchecks);
	json_open_array(&j, "problems");
	for (i = 0; i < d->nfindings; i++)
		json_finding(&j, &d->finding[i]);
	json_close_array(&j);
	json_open_array(&j, "skipped");
	for (i = 0; i < d->nskipped; i++) {
		json_open(&j, NULL);
		json_string(&j, "check", d->skipped[i].check);
		json_string(&j, "why", d->skipped[i].why);
		json_close(&j);
	}
	json_close_array(&j);
	json_close(&j);
	json_end_line(&j);
}

void
doctor_show(const struct doctor *d, int64_t took_ns)
{
	if (d->v->json)
		show_json(d, took_ns);
	else
		show_text(d, took_ns);
}
