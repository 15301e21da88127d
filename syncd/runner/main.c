/* SPDX-License-Identifier: ISC */

/*
 * Runner: root, one job, then gone.  Starts and stops the service of a pair,
 * runs its notify hooks and what fills its data, on the supervisor's word,
 * which is an index and numbers; what is run stands in the configuration.
 *
 * Never a shell, never a path that anybody but root could write to, never
 * longer than its time limit, never a socket: it has none and opens none.
 * It keeps root's rights, because a service needs them.
 */

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "job.h"
#include "job_limits.h"
#include "log.h"
#include "room.h"
#include "trust.h"

#define STATE_POLL_NS	(200 * NS_PER_MS)

/*
 * systemctl returns when the job of the unit is done, which for some types
 * is before the service runs: is-active says 3 while it is activating.
 */
static int
await_active(const struct job_args *j)
{
	const struct timespec pause = { .tv_nsec = STATE_POLL_NS };
	int status;

	for (;;) {
		status = job_systemctl(j, "is-active");
		if (status == 0 || status == JOB_EXIT_TIMEOUT)
			return status;
		if (job_systemctl(j, "is-failed") == 0)
			return status;
		if (mono_reached(mono_now(), j->deadline))
			return JOB_EXIT_TIMEOUT;
		(void)nanosleep(&pause, NULL);
	}
}

static int
start(const struct job_args *j)
{
	const struct conf_service *sv = &j->pair->service;
	int status;

	if (sv->kind == SERVICE_EXEC)
		return job_command(j, conf_string(j->conf, sv->start), NULL);
	status = job_systemctl(j, "start");
	return status == 0 ? await_active(j) : status;
}

static int
stop(const struct job_args *j)
{
	const struct conf_service *sv = &j->pair->service;
	int status;

	if (sv->kind == SERVICE_EXEC)
		return job_command(j, conf_string(j->conf, sv->stop), NULL);
	status = job_systemctl(j, "stop");
	if (status != 0)
		return status;
	return job_systemctl(j, "is-active") == 0 ? 1 : 0;
}

static int
query(const struct job_args *j)
{
	if (j->pair->service.kind != SERVICE_UNIT)
		return JOB_EXIT_REFUSED;
	return job_systemctl(j, "is-active");
}

/* Before capture exec: puts beside the data what cannot be copied as it is. */
static int
fill(const struct job_args *j)
{
	const char *command =
	    conf_string(j->conf, j->pair->sync.before_capture);

	if (!j->pair->has_sync || command[0] == '\0')
		return JOB_EXIT_REFUSED;
	return job_command(j, command, NULL);
}

/* One hook: its arguments are pair, old role, new role, term. */
static int
hook(const struct job_args *j, const char *path)
{
	char term[12];
	char *extra[] = { strdup(conf_string(j->conf, j->pair->name)),
	    strdup(j->old_role), strdup(j->role), term, NULL };

	(void)fmt_into(term, sizeof(term), "%u", j->term);
	return job_command(j, path, extra);
}

/* As run-parts(8) does: no dot files, no backups; a quoted path is safe. */
static int
is_hook(const struct dirent *d)
{
	const size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && d->d_name[n - 1] != '~' &&
	    strchr(d->d_name, '\'') == NULL;
}

static int
hooks(const struct job_args *j, const char *dir)
{
	struct dirent **entry;
	char path[PATH_MAX], quoted[PATH_MAX + 2];
	struct stat st;
	int i, n, status, worst;

	n = scandir(dir, &entry, is_hook, alphasort);
	if (n == -1) {
		log_warn("%s", dir);
		return JOB_EXIT_REFUSED;
	}
	worst = 0;
	for (i = 0; i < n; i++) {
		(void)fmt_into(path, sizeof(path), "%s/%s", dir,
		    entry[i]->d_name);
		if (stat(path, &st) == -1 || !S_ISREG(st.st_mode) ||
		    (st.st_mode & S_IXUSR) == 0)
			continue;
		(void)fmt_into(quoted, sizeof(quoted), "'%s'", path);
		status = hook(j, quoted);
		if (status == JOB_EXIT_TIMEOUT)
			return status;
		/* One that fails does not keep the others from running. */
		if (status != 0)
			log_warnx("%s: status %d", path, status);
		if (worst == 0)
			worst = status;
	}
	return worst;
}

static int
notify(const struct job_args *j)
{
	const char *path = conf_string(j->conf, j->pair->notify);
	char where[PATH_MAX];
	const char *error;
	struct stat st;

	if (stat(path, &st) == -1 || !S_ISDIR(st.st_mode))
		return hook(j, path);
	error = trust_path(path, S_IFDIR, where);
	if (error == NULL)
		return hooks(j, path);
	log_warnx("%s: not run: %s %s", path, where, error);
	return JOB_EXIT_REFUSED;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char	*verb;
		int		(*run)(const struct job_args *);
	} table[] = {
		{ "start", start },
		{ "stop", stop },
		{ "notify", notify },
		{ "query", query },
		{ "fill", fill },
	};
	struct job_args job;
	size_t i;

	room_enter(ROOM_RUNNER, argc, argv);
	job_read(&job, argc, argv);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(job.verb, table[i].verb) == 0)
			return table[i].run(&job);
	fatalx("%s: unknown verb", job.verb);
}
