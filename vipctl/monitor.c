/* SPDX-License-Identifier: ISC */

/*
 * vipctl monitor: every advert heard, from the daemon as they come or from a
 * capture file.  A file needs no daemon and no right but to read it.
 */
#include <errno.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "config.h"
#include "monitor.h"
#include "capture.h"

struct monitor {
	struct vipctl		*v;
	uint64_t		 left;	/* adverts to print; 0: no limit */
	int			 error;	/* errno: printing failed */
	struct monitor_judge	 judge;
};

/* False when that was enough: the count is reached, or nobody reads. */
static bool
show(struct monitor *m, const struct heard *h)
{
	struct vipctl *v = m->v;

	(v->json ? heard_json : heard_text)(v->out, h);
	/* One line at a time, for whoever reads along. */
	if (fflush(v->out) != 0) {
		m->error = errno;
		return false;
	}
	return m->left == 0 || --m->left > 0;
}

/* A reader who has seen enough is no error; a full disk is. */
static int
show_failed(struct monitor *m)
{
	__fpurge(m->v->out);
	if (m->error == EPIPE)
		return EXIT_DONE;
	complain(m->v, "cannot write: %s", strerror(m->error));
	return EXIT_REFUSED;
}

static bool
show_captured(const struct capture_packet *p, void *arg)
{
	struct monitor *m = arg;
	struct heard h = { .wall_ns = p->wall_ns };

	if (!heard_parse(&h, p->ip, p->len, p->whole))
		return true;
	heard_judge(&h, &m->judge);
	return show(m, &h);
}

/* Has any pair a secret that this user may not read? */
static bool
secrets_missed(const struct config *c)
{
	if (c->conf == NULL || c->secrets != NULL)
		return false;
	for (uint32_t i = 0; i < c->conf->npairs; i++)
		if (conf_pair(c->conf, i)->secret_file != 0)
			return true;
	return false;
}

/*
 * The configuration with secrets where they can be read, else without: a
 * capture is worth reading all the same, and stderr says what is missing.
 * NULL: it was asked for with -f and cannot be used.
 */
static struct config *
load(struct vipctl *v)
{
	struct config *c = config_load(v->conf_path, CONFIG_FULL, 0);

	if (c->conf == NULL) {
		config_free(c);
		c = config_load(v->conf_path, CONFIG_NO_SECRETS, 0);
	}
	if (c->conf == NULL && v->conf_given) {
		if (!v->quiet)
			config_print_problems(c, v->err);
		config_free(c);
		return NULL;
	}
	if (c->conf == NULL && access(v->conf_path, F_OK) == 0)
		complain(v, "%s cannot be used: no verdicts; see 'vipctl "
		    "validate'", v->conf_path);
	if (secrets_missed(c))
		complain(v, "the secrets of %s cannot be read: adverts are "
		    "not authenticated", v->conf_path);
	return c;
}

static int
monitor_file(struct monitor *m, const char *path)
{
	struct config *c = load(m->v);
	char why[CAPTURE_WHY_MAX];
	bool good;

	if (c == NULL)
		return EXIT_REFUSED;
	m->judge.conf = c->conf;
	m->judge.secrets = c->secrets;
	good = capture_read(path, show_captured, m, why);
	config_free(c);
	if (m->error != 0)
		return show_failed(m);
	if (good)
		return EXIT_DONE;
	complain(m->v, "%s", why);
	return EXIT_REFUSED;
}

/* The daemon judged it already, with the secrets; this only reads. */
static bool
show_live(struct monitor *m, const struct ctl_advert *r)
{
	struct heard h = { .wall_ns = r->wall_ns };

	if (r->len > sizeof(r->ip))
		return true;
	heard_parse(&h, r->ip, r->len, r->len);
	if (r->verdict < ADVERT_VERDICTS)
		h.verdict = (enum verdict)r->verdict;
	if (r->auth <= AUTH_UNKNOWN_KEY)
		h.advert.auth = (enum auth_state)r->auth;
	return show(m, &h);
}

static int
monitor_live(struct monitor *m)
{
	union ctl_any *r = malloc(sizeof(*r));
	struct client *c = malloc(sizeof(*c));
	enum client_result res;
	int code = EXIT_REFUSED;

	if (r == NULL || c == NULL) {
		complain(m->v, "out of memory");
		goto out;
	}
	code = client_begin(c, m->v, CTL_STATUS, CTL_MONITOR, CTL_PAIR_ALL);
	if (code != EXIT_DONE)
		goto out;
	while ((res = client_next(c, r, -1)) == CLIENT_RECORD) {
		if (r->head.type == CTL_RESULT && r->result.code != CTL_OK)
			break;
		if (r->head.type == CTL_ADVERT && !show_live(m, &r->advert))
			break;
	}
	if (m->error != 0)
		code = show_failed(m);
	else if (res != CLIENT_RECORD)
		code = client_failed(c, m->v, res);
	else if (r->head.type == CTL_RESULT)
		code = client_refused(m->v, &r->result);
	client_close(c);
out:
	free(c);
	free(r);
	return code;
}

int
cmd_monitor(struct vipctl *v, int argc, char **argv)
{
	const char *file = NULL;
	uint64_t count = UINT64_MAX;
	const struct option_word words[] = {
		{ "--count", OPTION_NUMBER, &count },
		{ "--read", OPTION_STRING, &file },
		{ .word = NULL },
	};
	struct monitor *m;
	int code, n;

	n = args_parse(v, argc, argv, words, &code);
	if (n < 0)
		return code;
	if (n > 0)
		return usage_error(v, argv[0], "takes no operand; a capture "
		    "file is given with --read");
	if (count == 0)
		return usage_error(v, argv[0], "--count needs 1 or more");
	m = calloc(1, sizeof(*m));
	if (m == NULL) {
		complain(v, "out of memory");
		return EXIT_REFUSED;
	}
	m->v = v;
	m->left = count == UINT64_MAX ? 0 : count;
	code = file != NULL ? monitor_file(m, file) : monitor_live(m);
	free(m);
	return code;
}
