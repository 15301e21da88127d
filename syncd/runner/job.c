/* SPDX-License-Identifier: ISC */

/*
 * Runner and checker: what both do.  They are started for one job, by the
 * supervisor alone; numbers come in by argv, everything else from the sealed
 * configuration.
 */

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "election.h"
#include "job.h"
#include "job_limits.h"
#include "log.h"
#include "room.h"
#include "run.h"
#include "trust.h"

#define ARGC		10
#define LIMIT_MS_MAX	86400000

static uint32_t
number(const char *text, uint32_t max)
{
	unsigned long v;
	char *end;

	v = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || v > max)
		fatalx("bad number in the arguments: started by hand?");
	return (uint32_t)v;
}

static const struct conf *
read_conf(void)
{
	static union {
		struct conf	conf;
		uint8_t		byte[CONF_BLOB_MAX];
	} blob;
	const char *error;
	size_t len;

	error = room_read_blob(ROOM_FD_CONF, &blob, sizeof(blob), &len);
	if (error != NULL)
		fatalx("configuration: %s", error);
	(void)close(ROOM_FD_CONF);
	return &blob.conf;
}

/* NAME=value, in memory that stays. */
static char *
variable(const char *name, const char *value)
{
	const size_t size = strlen(name) + strlen(value) + 2;
	char *v;

	v = malloc(size);
	if (v == NULL)
		fatal("environment");
	(void)fmt_into(v, size, "%s=%s", name, value);
	return v;
}

static void
make_environment(struct job_args *j)
{
	const struct conf_addr *a = conf_pair_addr(j->conf, j->pair, 0);
	char address[INET6_ADDRSTRLEN], term[12];
	int n = 0;

	if (inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->byte, address,
	    sizeof(address)) == NULL)
		fatal("virtual address");
	(void)fmt_into(term, sizeof(term), "%u", j->term);
	j->env[n++] = variable("PATH", "/usr/local/sbin:/usr/local/bin:"
	    "/usr/sbin:/usr/bin:/sbin:/bin");
	j->env[n++] = variable("VIPAIR_PAIR",
	    conf_string(j->conf, j->pair->name));
	j->env[n++] = variable("VIPAIR_ROLE", j->role);
	j->env[n++] = variable("VIPAIR_OLD_ROLE", j->old_role);
	j->env[n++] = variable("VIPAIR_TERM", term);
	j->env[n++] = variable("VIPAIR_ADDRESS", address);
	j->env[n] = NULL;
}

void
job_read(struct job_args *j, int argc, char **argv)
{
	uint32_t pair;

	if (argc != ARGC)
		fatalx("started by hand? vrrpd starts it");
	j->conf = read_conf();
	j->verb = argv[4];
	pair = number(argv[5], UINT32_MAX - 1);
	if (pair >= j->conf->npairs)
		fatalx("pair %u of %u", pair, j->conf->npairs);
	j->pair = conf_pair(j->conf, pair);
	j->deadline = mono_after(mono_now(),
	    number(argv[6], LIMIT_MS_MAX) * NS_PER_MS);
	j->role = role_name((enum role)number(argv[7], ROLE_COUNT - 1));
	j->old_role = role_name((enum role)number(argv[8], ROLE_COUNT - 1));
	j->term = number(argv[9], UINT32_MAX);
	make_environment(j);
}

int
job_command(const struct job_args *j, const char *command,
    char *const *extra)
{
	struct run r = { .env = j->env, .deadline = j->deadline };
	char where[PATH_MAX];
	struct words w;
	const char *error;

	error = words_split(&w, command);
	if (error != NULL) {
		log_warnx("\"%s\": %s", command, error);
		return JOB_EXIT_REFUSED;
	}
	error = trust_path(w.argv[0], S_IFREG, where);
	if (error != NULL) {
		log_warnx("%s: not run: %s %s", w.argv[0], where, error);
		return JOB_EXIT_REFUSED;
	}
	for (; extra != NULL && *extra != NULL && w.n < WORDS_MAX; extra++)
		w.argv[w.n++] = *extra;
	w.argv[w.n] = NULL;
	r.argv = w.argv;
	return run_program(&r);
}

int
job_systemctl(const struct job_args *j, const char *verb)
{
	static char path[] = "/usr/bin/systemctl", quiet[] = "--quiet",
	    end[] = "--";
	char *argv[] = { path, quiet, strdup(verb), end,
	    strdup(conf_string(j->conf, j->pair->service.unit)), NULL };
	const struct run r = { .argv = argv, .env = j->env,
	    .deadline = j->deadline };

	if (access(path, X_OK) == -1) {
		log_warnx("%s is not there: use service exec", path);
		return JOB_EXIT_REFUSED;
	}
	return run_program(&r);
}
