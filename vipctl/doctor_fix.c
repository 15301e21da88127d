/* SPDX-License-Identifier: ISC */

/*
 * vipctl doctor --fix: the few repairs that change nothing which runs: a
 * drop-in file for networkd, a unit that is no longer started at boot.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

#define SYSTEMCTL_MS	5000

static const char keep[] =
    "# vipair: its addresses are leased, not networkd's to remove\n"
    "[Network]\nKeepConfiguration=yes\n";

/* A new file only: one that is there was somebody else's idea. */
static bool
write_new(const char *path, const char *text)
{
	char dir[sizeof(((struct finding *)0)->arg)];
	size_t n = strlen(text);
	bool good;
	int fd;

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	if (mkdir(dir, 0755) == -1 && errno != EEXIST)
		return false;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0644);
	if (fd == -1)
		return false;
	good = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
	good = close(fd) == 0 && good;
	if (!good)
		(void)unlink(path);
	return good;
}

static void
disable(struct finding *f)
{
	const char *const argv[] = { "/usr/bin/systemctl", "disable",
	    "--quiet", "--", f->arg, NULL };
	char out[256];
	int status;

	status = doctor_run(argv, NULL, out, sizeof(out), SYSTEMCTL_MS);
	f->repaired = status == 0;
	if (status != 0)
		snprintf(f->failed, sizeof(f->failed), "systemctl disable "
		    "ended with %d", status);
}

void
doctor_repair(struct finding *f)
{
	switch (f->repair) {
	case REPAIR_NETWORKD:
		f->repaired = write_new(f->arg, keep);
		if (!f->repaired)
			snprintf(f->failed, sizeof(f->failed), "%s",
			    strerror(errno));
		else
			snprintf(f->advice, sizeof(f->advice), "%s was "
			    "written; 'networkctl reload' reads it", f->arg);
		break;
	case REPAIR_DISABLE:
		disable(f);
		break;
	default:
		break;
	}
}
