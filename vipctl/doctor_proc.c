/* SPDX-License-Identifier: ISC */

/*
 * vipctl doctor: what the kernel says of the daemon's rooms and of the
 * service's listening sockets.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "text.h"

#define LISTENS		"0A"	/* /proc/net/tcp's word for it */
#define PLACES_MAX	4	/* named, of sockets elsewhere */

/* The supervisor made the socket, so it is who listens there. */
static pid_t
supervisor_pid(struct doctor *d)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct ucred cred = { .pid = 0 };
	socklen_t len = sizeof(cred);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s", d->v->run_dir,
	    CTL_STATUS);
	if (fd == -1)
		return 0;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		cred.pid = 0;
	close(fd);
	return cred.pid;
}

struct room_state {
	char	name[32];
	long	parent;
	long	seccomp;	/* 2: a filter is on */
	long	no_new;		/* privileges */
	long	uid;
};

/* What /proc/PID/status says; false when the process is gone. */
static bool
read_room(const char *pid, struct room_state *r)
{
	char path[300], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	*r = (struct room_state){ .seccomp = -1, .no_new = -1 };
	while (fgets(line, sizeof(line), f) != NULL) {
		(void)sscanf(line, "Name: %31s", r->name);
		(void)sscanf(line, "PPid: %ld", &r->parent);
		(void)sscanf(line, "Seccomp: %ld", &r->seccomp);
		(void)sscanf(line, "NoNewPrivs: %ld", &r->no_new);
		(void)sscanf(line, "Uid: %ld", &r->uid);
	}
	fclose(f);
	return true;
}

static bool
is_room(const char *name)
{
	static const char *const rooms[] = {
		"elector", "actuator", "keeper", "mirror", "capture",
	};
	size_t i;

	for (i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++)
		if (strcmp(rooms[i], name) == 0)
			return true;
	return false;
}

static void
weak_room(struct doctor *d, const struct room_state *r)
{
	struct finding *f;

	if (r->seccomp == 2 && r->no_new == 1 && r->uid != 0)
		return;
	f = doctor_found(d, NULL, PROBLEM_SANDBOX_WEAK);
	if (f == NULL)
		f = doctor_find(d, &d->patient[0], PROBLEM_SANDBOX_WEAK);
	doctor_word(f->detail, "the room %s %s", r->name, r->seccomp != 2 ?
	    "has no system call filter" : r->uid == 0 ? "runs as root" :
	    "may gain privileges");
}

void
doctor_rooms(struct doctor *d)
{
	struct room_state r;
	struct dirent *e;
	pid_t parent;
	DIR *proc;

	if (!d->answers || d->npatients == 0)
		return;
	parent = supervisor_pid(d);
	proc = parent > 0 ? opendir("/proc") : NULL;
	if (proc == NULL) {
		doctor_skip(d, "sandbox", "the daemon's processes are not "
		    "to be seen from here");
		return;
	}
	d->nchecks++;
	while ((e = readdir(proc)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]) &&
		    read_room(e->d_name, &r) && r.parent == parent &&
		    is_room(r.name))
			weak_room(d, &r);
	closedir(proc);
}

/* Where somebody listens on the port. */
struct places {
	bool	any, right;	/* at all; on the virtual address too */
	char	text[200];
	uint32_t n;
};

static void
add_place(struct places *pl, const struct conf_addr *a, unsigned port)
{
	char address[64];
	size_t len = strlen(pl->text);

	pl->any = true;
	if (pl->n++ >= PLACES_MAX)
		return;
	address_text(a, address, sizeof(address));
	snprintf(pl->text + len, sizeof(pl->text) - len, "%s%s port %u",
	    len > 0 ? ", " : "", address, port);
}

/* "0100007F": as the kernel keeps it, in words of the host's order. */
static bool
hex_address(const char *hex, struct conf_addr *a)
{
	const size_t words = strlen(hex) / 8;
	unsigned word;
	uint32_t raw;
	size_t i;

	*a = (struct conf_addr){ .family = words == 1 ? 4 : 6 };
	if (words != 1 && words != 4)
		return false;
	for (i = 0; i < words; i++) {
		if (sscanf(hex + 8 * i, "%8x", &word) != 1)
			return false;
		raw = word;
		memcpy(a->byte + 4 * i, &raw, sizeof(raw));
	}
	return true;
}

static bool
is_wildcard(const struct conf_addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->byte, zero, a->family == 4 ? 4 : 16) == 0;
}

static void
read_sockets(const char *path, unsigned port, const struct conf_addr *vip,
    struct places *pl)
{
	char line[512], local[64], state[8];
	struct conf_addr a;
	FILE *f = fopen(path, "re");
	unsigned at;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, " %*u: %63[0-9A-F]:%x %*s %7s", local, &at,
		    state) != 3 || strcmp(state, LISTENS) != 0 ||
		    at != port || !hex_address(local, &a))
			continue;
		add_place(pl, &a, port);
		if (is_wildcard(&a) || conf_addr_equal(&a, vip))
			pl->right = true;
	}
	if (f != NULL)
		fclose(f);
}

static void
check_port(struct doctor *d, const struct patient *p, unsigned port)
{
	struct places pl = { .n = 0 };
	char vip[64];
	struct finding *f;

	d->nchecks++;
	address_text(&p->vp->addr[0].address, vip, sizeof(vip));
	read_sockets("/proc/net/tcp", port, &p->vp->addr[0].address, &pl);
	read_sockets("/proc/net/tcp6", port, &p->vp->addr[0].address, &pl);
	if (pl.right)
		return;
	f = doctor_find(d, p, PROBLEM_SERVICE_ELSEWHERE);
	if (pl.any)
		doctor_word(f->detail, "it listens on %s", pl.text);
	else
		doctor_word(f->detail, "nobody listens on port %u", port);
	doctor_word(f->advice, "let the service listen on %s or on all "
	    "addresses, port %u", vip, port);
}

void
doctor_service(struct doctor *d, const struct patient *p)
{
	const struct conf_service *s;
	uint32_t i;

	if (p->conf == NULL || p->vp->p.role != ROLE_ACTIVE ||
	    p->vp->naddrs == 0 ||
	    (p->vp->p.service_state != SERVICE_RUNNING &&
	    p->vp->p.service_state != SERVICE_UNHEALTHY))
		return;
	s = &p->conf->service;
	for (i = 0; i < s->nhealth; i++)
		if (s->health[i].kind == HEALTH_TCP)
			check_port(d, p, s->health[i].port);
}
