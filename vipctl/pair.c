/* SPDX-License-Identifier: ISC */

/*
 * vipctl pair, unpair: from two machines that know nothing of each other to
 * two that copy data both ways.
 *
 *	pair ADDRESS		by an administrator's login there, used once
 *	pair --print, --accept	by hand, where there is no login
 *	pair --prove		does it work, from here?
 */
#include <arpa/inet.h>

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "config.h"
#include "netview.h"
#include "pair.h"
#include "text.h"

#define SECRET_DEFAULT	VIPAIR_SYSCONF "/%s.secret"

static bool
find_user(struct pairing *p)
{
	const struct passwd *pw = getpwnam("_syncd");

	if (pw != NULL) {
		p->uid = pw->pw_uid;
		p->gid = pw->pw_gid;
		pw = getpwnam("_syncr");
	}
	if (pw == NULL || strcmp(pw->pw_dir, "/") == 0 ||
	    strcmp(pw->pw_dir, "/nonexistent") == 0) {
		complain(p->v, "user %s: vipair(7), USERS, has the "
		    "commands", p->uid == 0 ? "_syncd is missing" :
		    pw == NULL ? "_syncr is missing" :
		    "_syncr has no home directory of its own");
		return false;
	}
	snprintf(p->home, sizeof(p->home), "%s", pw->pw_dir);
	return true;
}

/* Which node we are, and the one other that is ours. */
static bool
find_nodes(struct pairing *p, uint32_t index)
{
	static struct netview view;
	const struct conf_node *n;
	struct msg_link link;
	uint32_t i;

	if (netview_read(&view, p->conf) == -1) {
		complain(p->v, "interfaces: %s", strerror(errno));
		return false;
	}
	netview_judge(&view, p->conf, index, &link);
	for (i = 0; i < p->pair->nnodes; i++) {
		n = conf_pair_node(p->conf, p->pair, i);
		if (i == link.self)
			p->self = n;
		else if (!n->foreign)
			p->partner = n;
	}
	if (p->self == NULL || p->partner == NULL) {
		complain(p->v, p->self == NULL ? "pair %s: this machine has "
		    "none of the nodes' addresses" : "pair %s: no partner "
		    "that is vipair", p->name);
		return false;
	}
	address_text(&p->self->address, p->address, sizeof(p->address));
	address_text(&p->partner->address, p->partner_address,
	    sizeof(p->partner_address));
	return true;
}

static bool
find_pair(struct pairing *p, const char *name, uint32_t *index)
{
	uint32_t i;

	for (i = 0; i < p->conf->npairs; i++) {
		p->pair = conf_pair(p->conf, i);
		p->name = conf_string(p->conf, p->pair->name);
		if (name == NULL ? p->conf->npairs == 1 :
		    strcmp(name, p->name) == 0) {
			*index = i;
			return true;
		}
	}
	if (name == NULL)
		complain(p->v, "several pairs are configured: name one");
	else
		complain(p->v, "no pair '%s' in %s", name, p->v->conf_path);
	return false;
}

static int
pairing_open(struct pairing *p, struct vipctl *v, const char *name)
{
	const char *file;
	uint32_t index;

	*p = (struct pairing){ .v = v };
	if (geteuid() != 0) {
		complain(v, "not permitted, needs root: use sudo");
		return EXIT_NOT_PERMITTED;
	}
	/* The secret may be what is to be made. */
	p->config = config_load(v->conf_path, CONFIG_NO_SECRETS, 0);
	p->conf = p->config->conf;
	if (p->conf == NULL) {
		complain(v, "%s is not usable: 'vrrpd -n' names what is "
		    "wrong", v->conf_path);
		return EXIT_REFUSED;
	}
	if (!find_pair(p, name, &index) || !find_nodes(p, index) ||
	    !find_user(p))
		return EXIT_REFUSED;
	file = conf_string(p->conf, p->pair->secret_file);
	p->secret_named = *file != '\0';
	if (p->secret_named)
		snprintf(p->secret_path, sizeof(p->secret_path), "%s", file);
	else
		snprintf(p->secret_path, sizeof(p->secret_path),
		    SECRET_DEFAULT, p->name);
	snprintf(p->dir, sizeof(p->dir), "%s/ssh/%s",
	    conf_string(p->conf, p->conf->state_dir), p->name);
	return EXIT_DONE;
}

static void
pairing_close(struct pairing *p)
{
	if (p->config != NULL)
		config_free(p->config);
}

static int
print_card(const struct pairing *p, bool make_secret)
{
	struct card c;
	bool ok;

	ok = pair_prepare(p, make_secret) && pair_own_card(p, &c);
	if (ok)
		card_write(p->v->out, &c);
	if (ok && isatty(STDOUT_FILENO))
		fprintf(p->v->err, "\nThe card holds the secret of the "
		    "adverts: carry it as you would a password.\nnext: on %s, "
		    "'vipctl pair --accept file', then the same the other "
		    "way round\n", conf_string(p->conf, p->partner->name));
	explicit_bzero(&c, sizeof(c));
	return ok ? EXIT_DONE : EXIT_REFUSED;
}

static void
say_next(const struct pairing *p, bool secret_new)
{
	FILE *f = p->v->out;

	if (!p->secret_named)
		fprintf(f, "next: add the line 'secret file \"%s\"' to pair "
		    "\"%s\" on both nodes\n", p->secret_path, p->name);
	fprintf(f, "next: %s'systemctl reload vipair' on both nodes%s\n",
	    p->secret_named ? "" : "then ", secret_new ?
	    ", so that adverts are signed" : "");
}

static int
accept_card(const struct pairing *p, const char *path)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	bool ok, secret_new = false;
	char why[160];
	struct card c;

	if (in == NULL) {
		complain(p->v, "%s: %s", path, strerror(errno));
		return EXIT_REFUSED;
	}
	ok = card_read(in, &c, why, sizeof(why));
	if (!ok)
		complain(p->v, "%s: %s", path, why);
	ok = ok && pair_prepare(p, false) && pair_install(p, &c, &secret_new);
	if (ok)
		fprintf(p->v->out, "%s may copy to this node now%s\n", c.node,
		    secret_new ? ", and its secret is ours" : "");
	explicit_bzero(&c, sizeof(c));
	if (in != stdin)
		(void)fclose(in);
	return ok ? EXIT_DONE : EXIT_REFUSED;
}

static int
prove(const struct pairing *p)
{
	char why[240];

	if (pair_proves(p, why, sizeof(why))) {
		fprintf(p->v->out, "%s reaches %s\n",
		    conf_string(p->conf, p->self->name),
		    conf_string(p->conf, p->partner->name));
		return EXIT_DONE;
	}
	text_clean(why);
	complain(p->v, "%s does not reach the receiver of %s: %s",
	    conf_string(p->conf, p->self->name),
	    conf_string(p->conf, p->partner->name), why);
	return EXIT_REFUSED;
}

/* Options for the vipctl at the other end, which has the same file. */
static const char *
there(const struct pairing *p, const char *what, char *buf, size_t size)
{
	if (p->v->conf_given)
		snprintf(buf, size, "-f '%s' pair %s '%s'", p->v->conf_path,
		    what, p->name);
	else
		snprintf(buf, size, "pair %s '%s'", what, p->name);
	return buf;
}

/* The other's card comes first: it may have the secret that counts. */
static bool
exchange(const struct pairing *p, struct login *l)
{
	static char text[2 * PAIR_SECRET_MAX + 4 * PAIR_KEY_MAX];
	char words[PAIR_PATH_MAX + 80], why[160];
	struct card theirs, own;
	bool ok, secret_new;
	FILE *f;

	if (login_vipctl(p, l, there(p, "--print --no-secret", words, sizeof(words)),
	    NULL, text, sizeof(text)) != 0) {
		complain(p->v, "%s gave no card: is vipair installed and "
		    "configured there?", p->partner_address);
		return false;
	}
	f = fmemopen(text, strlen(text) + 1, "r");
	ok = f != NULL && card_read(f, &theirs, why, sizeof(why));
	if (f != NULL)
		(void)fclose(f);
	if (!ok) {
		complain(p->v, "%s: %s", p->partner_address, why);
		return false;
	}
	if (!pair_install(p, &theirs, &secret_new) || !pair_prepare(p, true) ||
	    !pair_own_card(p, &own))
		return false;
	f = fmemopen(text, sizeof(text), "w");
	if (f == NULL)
		return false;
	card_write(f, &own);
	(void)fclose(f);
	ok = login_vipctl(p, l, there(p, "--accept -", words, sizeof(words)),
	    text, NULL, 0) == 0;
	explicit_bzero(text, sizeof(text));
	explicit_bzero(&own, sizeof(own));
	explicit_bzero(&theirs, sizeof(theirs));
	return ok;
}

static int
pair_by_login(const struct pairing *p, const char *address,
    const char *user, uint64_t port)
{
	char words[PAIR_PATH_MAX + 80];
	struct login l;
	bool ok;

	if (strcmp(address, p->partner_address) != 0) {
		complain(p->v, "the configuration says that %s has address "
		    "%s, not %s", conf_string(p->conf, p->partner->name),
		    p->partner_address, address);
		return EXIT_REFUSED;
	}
	if (!pair_prepare(p, false) || !login_open(p, &l, user, port))
		return EXIT_REFUSED;
	ok = exchange(p, &l) && prove(p) == EXIT_DONE &&
	    login_vipctl(p, &l, there(p, "--prove", words, sizeof(words)),
	    "", NULL, 0) == 0;
	login_close(p, &l);
	if (!ok)
		return EXIT_REFUSED;
	say_next(p, true);
	return EXIT_DONE;
}

struct pair_options {
	bool		print, accept, prove, no_secret;
	const char	*login;
	uint64_t	port;	/* of sshd there, for the login; 0: as in conf */
};

static int
pair_do(struct pairing *p, const struct pair_options *o, const char *what)
{
	if (o->print)
		return print_card(p, !o->no_secret);
	if (o->accept)
		return accept_card(p, what);
	if (o->prove)
		return prove(p);
	return pair_by_login(p, what, o->login, o->port != 0 ? o->port :
	    p->pair->partner_ssh_port);
}

int
cmd_pair(struct vipctl *v, int argc, char **argv)
{
	struct pair_options o = { .login = "root" };
	const struct option_word words[] = {
		{ "--print", OPTION_FLAG, &o.print },
		{ "--accept", OPTION_FLAG, &o.accept },
		{ "--prove", OPTION_FLAG, &o.prove },
		{ "--no-secret", OPTION_FLAG, &o.no_secret },
		{ "--login", OPTION_STRING, &o.login },
		{ "--port", OPTION_NUMBER, &o.port },
		{ NULL, 0, NULL },
	};
	struct pairing p;
	int code, n, own;

	n = args_parse(v, argc, argv, words, &code);
	if (n < 0)
		return code;
	/* Words before the name of the pair. */
	own = o.print || o.prove ? 0 : 1;
	if (o.print + o.accept + o.prove > 1)
		return usage_error(v, argv[0], "expected one of --print, "
		    "--accept and --prove");
	if (n < own)
		return usage_error(v, argv[0], o.accept ? "expected a file, "
		    "or - for standard input" :
		    "expected the partner's address");
	if (n > own + 1)
		return usage_error(v, argv[0], "'%s' is one word too many",
		    argv[own + 2]);
	if (o.port > 65535)
		return usage_error(v, argv[0], "expected a port from 1 to "
		    "65535");
	code = pairing_open(&p, v, n > own ? argv[own + 1] : NULL);
	if (code == EXIT_DONE)
		code = pair_do(&p, &o, argv[1]);
	pairing_close(&p);
	return code;
}

int
cmd_unpair(struct vipctl *v, int argc, char **argv)
{
	struct pairing p;
	int code, n;

	n = args_parse(v, argc, argv, NULL, &code);
	if (n < 0)
		return code;
	if (n > 1)
		return usage_error(v, argv[0], "'%s' is one word too many",
		    argv[2]);
	code = pairing_open(&p, v, n == 1 ? argv[1] : NULL);
	if (code == EXIT_DONE && !pair_remove(&p))
		code = EXIT_REFUSED;
	if (code == EXIT_DONE)
		fprintf(v->out, "%s no longer copies to this node, nor this "
		    "node to it; the secret stays\nnext: the same on %s\n",
		    conf_string(p.conf, p.partner->name),
		    conf_string(p.conf, p.partner->name));
	pairing_close(&p);
	return code;
}
