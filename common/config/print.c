/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl: the blob as text in the grammar of
 * the file, every default spelled out.  The fingerprint is over this text,
 * so what is printed here is what "the same configuration" means.
 */
#include <stdlib.h>

#include "ast.h"

/* " in front of it, and " and \ inside, so that it reads back the same. */
static void
put_string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

static void
line_string(const struct conf *c, FILE *out, const char *words, conf_str s)
{
	if (s == 0)
		return;
	fprintf(out, "%s ", words);
	put_string(out, conf_string(c, s));
	fputc('\n', out);
}

static void
print_node(const struct conf *c, const struct conf_pair *p,
    const struct conf_node *n, FILE *out)
{
	char text[ADDR_TEXT_MAX];

	fputs("\tnode ", out);
	put_string(out, conf_string(c, n->name));
	fprintf(out, " address %s", addr_text(&n->address, text));
	if (p->protocol == PROTOCOL_CARP)
		fprintf(out, " skew %u", n->skew);
	else
		fprintf(out, " priority %u", n->priority);
	if (n->interface != 0) {
		fputs(" interface ", out);
		put_string(out, conf_string(c, n->interface));
	}
	fprintf(out, "%s%s\n", n->prefer ? " prefer" : "",
	    n->foreign ? " foreign" : "");
}

static void
print_health(const struct conf *c, const struct conf_health *h, FILE *out)
{
	fputs("\t\thealthy when ", out);
	switch ((enum conf_health_kind)h->kind) {
	case HEALTH_TCP:
		fprintf(out, "tcp port %u\n", h->port);
		break;
	case HEALTH_HTTP:
		fputs("http ", out);
		put_string(out, conf_string(c, h->command));
		fprintf(out, " status %u\n", h->status);
		break;
	case HEALTH_EXEC:
		line_string(c, out, "exec", h->command);
		break;
	case HEALTH_UNIT_ACTIVE:
		fputs("unit active\n", out);
		break;
	}
}

static void
print_service(const struct conf *c, const struct conf_service *s, FILE *out)
{
	char text[DURATION_TEXT_MAX];
	uint8_t i;

	if (s->kind == SERVICE_NONE)
		return;
	fputs("\tservice ", out);
	if (s->kind == SERVICE_EXEC)
		fputs("exec", out);
	else
		put_string(out, conf_string(c, s->unit));
	fputs(" {\n", out);
	line_string(c, out, "\t\tstart", s->start);
	line_string(c, out, "\t\tstop", s->stop);
	line_string(c, out, "\t\tcheck", s->check);
	fprintf(out, "\t\tstart timeout %s\n",
	    duration_text(s->start_timeout_ms, text));
	fprintf(out, "\t\tstop timeout %s\n",
	    duration_text(s->stop_timeout_ms, text));
	for (i = 0; i < s->nhealth; i++)
		print_health(c, &s->health[i], out);
	fprintf(out, "\t\tcheck every %s, give up after %u\n\t}\n",
	    duration_text(s->check_every_ms, text), s->give_up_after);
}

static const char *
sync_word(uint8_t kind)
{
	switch ((enum conf_sync_kind)kind) {
	case CONF_SYNC_SQLITE:
		return "sqlite";
	case CONF_SYNC_TREE:
		return "tree";
	case CONF_SYNC_FILE:
		return "file";
	case CONF_SYNC_NEVER:
		return "never";
	}
	return "";
}

static void
print_sync(const struct conf *c, const struct conf_pair *p, FILE *out)
{
	const struct conf_sync *s = &p->sync;
	const struct conf_sync_entry *e;
	char time[DURATION_TEXT_MAX], size[SIZE_TEXT_MAX];
	uint32_t i;

	if (!p->has_sync)
		return;
	fprintf(out, "\tsync %severy %s {\n",
	    s->on_change ? "on change and " : "",
	    duration_text(s->every_ms, time));
	line_string(c, out, "\t\tbase", s->base);
	for (i = 0; i < s->nentries; i++) {
		e = conf_pair_sync(c, p, i);
		fprintf(out, "\t\t%s ", sync_word(e->kind));
		put_string(out, conf_string(c, e->pattern));
		fputs(e->optional ? " optional\n" : "\n", out);
	}
	line_string(c, out, "\t\tbefore capture exec", s->before_capture);
	fprintf(out, "\t\tkeep %u generations\n", s->keep_generations);
	fprintf(out, "\t\tstore at most %s\n",
	    size_text(s->store_max_bytes, size));
	if (s->bandwidth != 0)
		fprintf(out, "\t\tbandwidth %s\n",
		    size_text(s->bandwidth, size));
	fputs("\t}\n", out);
}

static const char *
protocol_words(uint8_t protocol)
{
	switch ((enum conf_protocol)protocol) {
	case PROTOCOL_CARP:
		return "carp";
	case PROTOCOL_VRRP2:
		return "vrrp 2";
	case PROTOCOL_VRRP3:
		return "vrrp 3";
	}
	return "";
}

static const char *
auth_word(uint8_t mode)
{
	switch ((enum conf_auth_mode)mode) {
	case AUTH_ENFORCE:
		return "enforce";
	case AUTH_PERMISSIVE:
		return "permissive";
	case AUTH_RECEIVE_ONLY:
		return "receive-only";
	}
	return "";
}

static void
print_election(const struct conf *c, const struct conf_pair *p, FILE *out)
{
	char text[DURATION_TEXT_MAX];
	uint8_t i;

	line_string(c, out, "\tinterface", p->interface);
	fprintf(out, "\tprotocol %s\n", protocol_words(p->protocol));
	fprintf(out, "\tvhid %u\n", p->vhid);
	fprintf(out, "\tadvertise every %s\n",
	    duration_text(p->interval_ms, text));
	fprintf(out, "\tclaim spacing %s\n",
	    duration_text(p->claim_spacing_ms, text));
	if (p->preempt)
		fputs("\tpreempt\n", out);
	if (p->secret_file != 0) {
		line_string(c, out, "\tsecret file", p->secret_file);
		fprintf(out, "\tauthentication %s\n", auth_word(p->auth_mode));
	}
	for (i = 0; i < p->ntracks; i++)
		line_string(c, out, "\ttrack interface", p->track[i]);
}

static void
print_pair(const struct conf *c, const struct conf_pair *p, FILE *out)
{
	char text[ADDR_TEXT_MAX], window[DURATION_TEXT_MAX];
	uint32_t i;

	fputs("\npair ", out);
	put_string(out, conf_string(c, p->name));
	fputs(" {\n", out);
	for (i = 0; i < p->naddrs; i++)
		fprintf(out, "\tvirtual address %s\n",
		    addr_text(conf_pair_addr(c, p, i), text));
	for (i = 0; i < p->nnodes; i++)
		print_node(c, p, conf_pair_node(c, p, i), out);
	print_election(c, p, out);
	print_service(c, &p->service, out);
	print_sync(c, p, out);
	fprintf(out, "\tpartner ssh port %u\n", p->partner_ssh_port);
	fprintf(out, "\tflap limit %u takeovers in %s\n", p->flap_limit,
	    duration_text(p->flap_window_ms, window));
	line_string(c, out, "\tnotify exec", p->notify);
	fputs("}\n", out);
}

void
config_print(const struct conf *c, FILE *out)
{
	uint32_t i;

	line_string(c, out, "run directory", c->run_dir);
	line_string(c, out, "state directory", c->state_dir);
	for (i = 0; i < c->npairs; i++)
		print_pair(c, conf_pair(c, i), out);
}

uint32_t
config_fingerprint(const struct conf *c)
{
	uint32_t hash = 2166136261u;
	char *text = NULL;
	size_t len = 0, i;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		abort();
	config_print(c, out);
	if (fclose(out) != 0)
		abort();
	for (i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)text[i]) * 16777619u;
	free(text);
	return hash;
}
