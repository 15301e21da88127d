/* SPDX-License-Identifier: ISC */

/*
 * vipctl doctor: the partner by the other path.  Its receiver tells, over
 * ssh and with the key of the pair, what its vrrpd says of itself; ssh runs
 * as _syncd, and what comes is a few lines of numbers.
 *
 * Whether protocol 112 arrives there is tried with packets that are too short
 * for an advert: they are counted there and change nothing, whoever sends
 * them, so they need no signature.
 */
#include <sys/socket.h>

#include <net/if.h>
#include <netinet/in.h>

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"
#include "mono.h"
#include "text.h"

#define SSH_MS		4000
#define CLOCK_MS	5000
#define PROBES		3
#define ARRIVE_MS	350	/* strays are read each 100 ms */
#define FACTS_MAX	2048

struct facts {
	char		version[24];
	uint64_t	fingerprint, probes, role, self, daemon;
	int64_t		wall_ms, heard_ms, sent_ms;
	int64_t		asked_ms, told_ms;	/* our clock around it */
	bool		pair;			/* its daemon knows it */
};

static int64_t
wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / NS_PER_MS;
}

/* Anything may stand there: the first line of it, and no other byte. */
static void
printable(char *s)
{
	s[strcspn(s, "\r\n")] = '\0';
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

static bool
read_facts(char *text, struct facts *f)
{
	char *line, *rest = text;
	bool end = false;

	if (strncmp(text, "vipair-facts 1\n", 15) != 0)
		return false;
	while ((line = strsep(&rest, "\n")) != NULL) {
		(void)sscanf(line, "version %23s", f->version);
		(void)sscanf(line, "fingerprint %" SCNx64, &f->fingerprint);
		(void)sscanf(line, "wall_ms %" SCNd64, &f->wall_ms);
		(void)sscanf(line, "heard_ms %" SCNd64, &f->heard_ms);
		(void)sscanf(line, "sent_ms %" SCNd64, &f->sent_ms);
		(void)sscanf(line, "role %" SCNu64, &f->role);
		(void)sscanf(line, "self %" SCNu64, &f->self);
		(void)sscanf(line, "daemon %" SCNu64, &f->daemon);
		if (sscanf(line, "probes %" SCNu64, &f->probes) == 1)
			f->pair = true;
		end = end || strcmp(line, "end") == 0;
	}
	printable(f->version);
	return end;
}

/* The facts of the partner; false with why. */
static bool
ask(const struct doctor *d, const struct patient *p,
    const struct ctl_peer *peer, struct facts *f, char *why, size_t size)
{
	const char *dir = conf_string(d->conf, d->conf->state_dir);
	const struct passwd *pw = getpwnam("_syncd");
	char key[384], hosts[384], alias[64], port[8], target[80];
	char address[64], out[FACTS_MAX];
	const char *const argv[] = { "/usr/bin/ssh", "-F", "none", "-i", key,
	    "-o", hosts, "-o", "GlobalKnownHostsFile=/dev/null", "-o", alias,
	    "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o",
	    "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o",
	    "ConnectTimeout=3", "-o", "LogLevel=ERROR", "-T", "-p", port,
	    "--", target, "facts", NULL };
	int status;

	snprintf(key, sizeof(key), "%s/ssh/%s/id_ed25519", dir,
	    p->vp->p.name);
	snprintf(hosts, sizeof(hosts), "UserKnownHostsFile=%s/ssh/%s/"
	    "known_hosts", dir, p->vp->p.name);
	snprintf(alias, sizeof(alias), "HostKeyAlias=%s", peer->name);
	snprintf(port, sizeof(port), "%u", p->conf->partner_ssh_port);
	address_text(&peer->address, address, sizeof(address));
	snprintf(target, sizeof(target), "_syncr@%s", address);
	*f = (struct facts){ .heard_ms = -1, .sent_ms = -1,
	    .asked_ms = wall_ms() };
	status = pw == NULL ? -1 : doctor_run(argv, pw, out, sizeof(out),
	    SSH_MS);
	f->told_ms = wall_ms();
	if (status == 0 && read_facts(out, f))
		return true;
	printable(out);
	snprintf(why, size, "%s does not tell: %.80s", peer->name,
	    out[0] != '\0' ? out : "no answer in time");
	return false;
}

/* Too short for an advert of any protocol; counted by who hears it. */
static void
send_probes(const struct patient *p)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(0xe0000012) };
	const struct ip_mreqn via = { .imr_ifindex = (int)p->link.ifindex };
	const uint8_t probe[4] = { 0x21, p->vp->p.vhid, 0, 0 };
	const int ttl = 255, loop = 0;
	struct timespec step = { .tv_nsec = 20 * NS_PER_MS };
	int fd, i;

	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, ADVERT_IPPROTO);
	if (fd == -1)
		return;
	(void)setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &via, sizeof(via));
	(void)setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl,
	    sizeof(ttl));
	(void)setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &loop,
	    sizeof(loop));
	for (i = 0; i < PROBES; i++) {
		(void)sendto(fd, probe, sizeof(probe), 0,
		    (const struct sockaddr *)&to, sizeof(to));
		(void)nanosleep(&step, NULL);
	}
	close(fd);
	step.tv_nsec = ARRIVE_MS * NS_PER_MS;
	(void)nanosleep(&step, NULL);
}

static void
judge_same(struct doctor *d, const struct patient *p,
    const struct ctl_peer *peer, const struct facts *f)
{
	const int64_t now = (f->asked_ms + f->told_ms) / 2;
	const int64_t off = f->wall_ms - now;
	struct finding *found;
	char age[32];

	d->nchecks += 3;
	if (strcmp(f->version, VIPAIR_VERSION) != 0)
		doctor_word(doctor_find(d, p, PROBLEM_VERSION_DIFFERS)->detail,
		    "%s there, %s here", f->version, VIPAIR_VERSION);
	if (f->daemon != 0 && d->answers &&
	    f->fingerprint != d->view.node.conf_fingerprint)
		doctor_word(doctor_find(d, p, PROBLEM_CONF_DIFFERS)->detail,
		    "%08" PRIx64 " there, %08x here; 'vrrpd -nv' prints what "
		    "each reads", f->fingerprint & UINT32_MAX,
		    d->view.node.conf_fingerprint);
	if ((off < CLOCK_MS && off > -CLOCK_MS) || f->wall_ms == 0 ||
	    f->told_ms - f->asked_ms > CLOCK_MS ||
	    doctor_found(d, p, PROBLEM_CLOCK) != NULL)
		return;
	age_text((off < 0 ? -off : off) * NS_PER_MS, age, sizeof(age));
	found = doctor_find(d, p, PROBLEM_CLOCK);
	doctor_word(found->detail, "the clock of %s is %s %s this node's",
	    peer->name, age, off < 0 ? "behind" : "ahead of");
}

/* How long ago an advert of the active one was heard here, by now. */
static int64_t
heard_ms_now(const struct doctor *d, const struct patient *p)
{
	int64_t heard = -1;
	struct view w;
	char why[256];
	size_t i;

	if (view_load(&w, d->v, why, sizeof(why)) != EXIT_DONE)
		return 0;
	for (i = 0; i < w.npairs; i++)
		if (strcmp(w.pair[i].p.name, p->vp->p.name) == 0)
			heard = w.pair[i].p.heard_ns;
	view_free(&w);
	return heard < 0 ? -1 : heard / NS_PER_MS;
}

/* An active one that sends and was not heard for so long is not heard. */
static bool
deaf_here(const struct doctor *d, const struct patient *p,
    const struct facts *f)
{
	const int64_t late = 5 * (int64_t)p->vp->p.interval_ms / 2;
	int64_t heard;

	if (!d->answers || !f->pair || f->role != ROLE_ACTIVE ||
	    f->sent_ms < 0 || f->sent_ms > late)
		return false;
	heard = heard_ms_now(d, p);
	return heard < 0 || heard > late;
}

static void
judge_heartbeat(struct doctor *d, const struct patient *p,
    const struct ctl_peer *peer, const struct facts *before,
    const struct facts *after)
{
	const bool there = after->probes != before->probes;
	const bool here = !deaf_here(d, p, after);
	struct finding *f = doctor_found(d, p, PROBLEM_HEARTBEAT_BLOCKED);

	d->nchecks++;
	if (there && here)
		return;
	if (f == NULL)
		f = doctor_find(d, p, PROBLEM_HEARTBEAT_BLOCKED);
	doctor_word(f->detail, !there && !here ? "tried both ways, neither "
	    "what this node sends nor what %s sends arrives" : !there ?
	    "what this node sends does not arrive at %s" :
	    "what %s sends does not arrive here", peer->name);
}

void
doctor_partner(struct doctor *d, const struct patient *p)
{
	const struct ctl_peer *peer = pair_partner(p->vp);
	struct facts before, after;
	char path[384], why[160];

	if (!d->root || p->conf == NULL || peer == NULL ||
	    peer->foreign != 0 || p->link.ifindex == 0)
		return;
	snprintf(path, sizeof(path), "%s/ssh/%s/id_ed25519",
	    conf_string(d->conf, d->conf->state_dir), p->vp->p.name);
	if (access(path, F_OK) == -1)	/* not paired: nobody to ask */
		return;
	if (!ask(d, p, peer, &before, why, sizeof(why))) {
		doctor_skip(d, "partner", "%s", why);
		return;
	}
	judge_same(d, p, peer, &before);
	if (!before.pair || p->conf->unicast)
		return;
	send_probes(p);
	if (ask(d, p, peer, &after, why, sizeof(why)) && after.pair)
		judge_heartbeat(d, p, peer, &before, &after);
}
