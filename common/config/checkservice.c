/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl: the service block of a pair.
 * Commands are only looked at here; whether a program is there and
 * who may write it, runner and checker ask when they start it.
 */
#include <string.h>

#include "ast.h"

#define UNIT_NAME "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
	"0123456789_.-:@\\"
#define HOUR_MS	3600000u

void
check_command(struct config_file *f, struct word *w, const char *what)
{
	const char *wrong;

	if (!is_set(w) || w->bad || (wrong = value_command_wrong(w)) == NULL)
		return;
	w->bad = true;
	config_error(f, w->at, NULL, "%s: %s", what, wrong);
}

static void
check_unit(struct config_file *f, struct word *w)
{
	char text[SHOWN_MAX];

	if (w->bad || (w->len > 0 && w->len <= CONFIG_PATH_MAX &&
	    w->s[0] != '-' && strspn(w->s, UNIT_NAME) == w->len))
		return;
	w->bad = true;
	config_error(f, w->at, "without systemd: service exec { ... }",
	    "service \"%s\": expected the name of a systemd unit such as "
	    "\"nginx.service\"", shown(w, text));
}

static void
refuse_word(struct config_file *f, const struct word *w, const char *what)
{
	if (is_set(w))
		config_error(f, w->at, "systemd starts and stops a unit",
		    "\"%s\" with a command belongs to \"service exec\"",
		    what);
}

static void
check_commands(struct config_file *f, struct ast_pair *p)
{
	struct ast_service *s = &p->service;

	if (s->kind == SERVICE_UNIT) {
		check_unit(f, &s->unit);
		refuse_word(f, &s->start, "start");
		refuse_word(f, &s->stop, "stop");
		refuse_word(f, &s->check, "check");
		return;
	}
	check_command(f, &s->start, "start");
	check_command(f, &s->stop, "stop");
	check_command(f, &s->check, "check");
	if (p->broken)
		return;
	if (!is_set(&s->start))
		config_error(f, s->at, "add: start \"/path args\"",
		    "service exec without start");
	if (!is_set(&s->stop))
		config_error(f, s->at, "add: stop \"/path args\"",
		    "service exec without stop");
}

/* "http://host[:port][/path]": the checker speaks no TLS. */
static void
check_url(struct config_file *f, struct word *w)
{
	static const char scheme[] = "http://";
	char text[SHOWN_MAX];
	const char *host = w->s + sizeof(scheme) - 1;

	if (w->bad)
		return;
	if (strncmp(w->s, scheme, sizeof(scheme) - 1) == 0 &&
	    strcspn(host, "/:?#@") > 0 && strcspn(w->s, " @") == w->len &&
	    w->len <= CONFIG_PATH_MAX)
		return;
	w->bad = true;
	config_error(f, w->at, strncmp(w->s, "https:", 6) == 0 ?
	    "for TLS write a program: healthy when exec \"/path\"" : NULL,
	    "healthy when http %s: expected a URL such as "
	    "\"http://127.0.0.1:80/\"", shown(w, text));
}

static void
check_health(struct config_file *f, const struct ast_service *s,
    struct ast_health *h)
{
	switch (h->kind) {
	case HEALTH_TCP:
		check_number(f, &h->arg, DEFAULT_COUNT,
		    "healthy when tcp port", 1, 65535, &h->port_value);
		break;
	case HEALTH_HTTP:
		check_url(f, &h->arg);
		check_number(f, &h->status, DEFAULT_HTTP_STATUS, "status",
		    100, 599, &h->status_value);
		break;
	case HEALTH_EXEC:
		check_command(f, &h->arg, "healthy when exec");
		break;
	case HEALTH_UNIT_ACTIVE:
		if (s->kind == SERVICE_EXEC)
			config_error(f, h->at, "use: check \"/path args\"",
			    "\"healthy when unit active\" wants a service "
			    "that is a systemd unit");
		break;
	}
}

void
check_service(struct config_file *f, struct ast_pair *p)
{
	struct ast_service *s = &p->service;
	struct ast_health *h;

	check_duration(f, &s->start_timeout, DEFAULT_START_TIMEOUT,
	    "start timeout", 100, HOUR_MS, &s->start_timeout_ms);
	check_duration(f, &s->stop_timeout, DEFAULT_STOP_TIMEOUT,
	    "stop timeout", 100, HOUR_MS, &s->stop_timeout_ms);
	check_duration(f, &s->check_every, DEFAULT_CHECK_EVERY,
	    "check every", 100, HOUR_MS, &s->check_every_ms);
	check_number(f, &s->give_up, DEFAULT_GIVE_UP, "give up after", 1,
	    100, &s->give_up_value);
	if (s->kind == SERVICE_NONE)
		return;
	check_commands(f, p);
	for (h = s->health; h != NULL; h = h->next)
		check_health(f, s, h);
}
