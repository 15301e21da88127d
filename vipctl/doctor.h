/* SPDX-License-Identifier: ISC */

/*
 * vipctl doctor: what the daemon says of itself, and what this very host and
 * its network say when one looks for oneself.  Ids and texts are those of
 * problems.h, one table for status, explain and doctor.
 *
 * Each check adds findings, or says why it could not be made; none repairs
 * anything.  What may be repaired without asking is in doctor_fix.c.
 */
#ifndef VIPAIR_VIPCTL_DOCTOR_H
#define VIPAIR_VIPCTL_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture.h"
#include "config.h"
#include "netview.h"
#include "problems.h"
#include "view.h"
#include "vipctl.h"

#define FINDINGS_MAX		256
#define SKIPPED_MAX		64
#define DOCTOR_SENDERS_MAX	128	/* kept of one interface */
#define DOCTOR_MACS_MAX		32
#define DOCTOR_PROBES_MAX	16	/* addresses asked for by ARP */
#define DOCTOR_LISTEN_MAX_MS	4000
#define DOCTOR_LISTEN_MIN_MS	1200

enum doctor_repair {
	REPAIR_NONE = 0,
	REPAIR_NETWORKD,	/* arg: the drop-in to write */
	REPAIR_DISABLE,		/* arg: the unit to disable */
};

struct finding {
	uint32_t	number;		/* enum problem */
	const struct view_pair *vp;	/* of the patient */
	struct ctl_problem problem;
	char		detail[320];	/* words of problems.h */
	char		advice[320];
	char		free[8];
	uint32_t	repair;		/* enum doctor_repair */
	char		arg[256];
	bool		repaired;
	char		failed[128];	/* why it was not */
};

struct skipped {
	const char	*check;
	char		why[128];
};

/* One pair as configured and, if the daemon answers, as it runs. */
struct patient {
	const struct conf_pair *conf;	/* NULL: the daemon's only */
	uint32_t	index;
	struct view_pair *vp;		/* never NULL */
	struct msg_link	link;		/* which node, which interface */
	char		interface[NETVIEW_NAME_MAX];	/* "" unknown */
};

struct doctor {
	struct vipctl	*v;
	struct config	*config;
	const struct conf *conf;	/* NULL: none that can be used */
	struct netview	*host;
	struct view	 view;		/* empty without a daemon */
	struct view	 made;		/* pairs the daemon does not know */
	bool		 answers;	/* the daemon */
	bool		 root;
	const char	*only;		/* an id, or NULL */
	uint32_t	 npatients;
	struct patient	*patient;
	uint32_t	 nchecks;	/* made */
	uint32_t	 nfindings, nskipped;
	struct finding	 finding[FINDINGS_MAX];
	struct skipped	 skipped[SKIPPED_MAX];
};

/* doctor.c: a finding without words yet; what does not fit is dropped. */
struct finding	*doctor_find(struct doctor *d, const struct patient *p,
		    enum problem number);
/* The one there is for this pair already, of the daemon's, or NULL. */
struct finding	*doctor_found(struct doctor *d, const struct patient *p,
		    enum problem number);
void	doctor_skip(struct doctor *d, const char *check, const char *fmt, ...)
	    PRINTF_LIKE(3, 4);
/* Sets a word of a finding, cut to fit. */
#define doctor_word(word, ...) snprintf(word, sizeof(word), __VA_ARGS__)

/* doctor_files.c: what configuration of the host says.  Never root's need. */
void	doctor_manager(struct doctor *d, const struct patient *p);
void	doctor_static(struct doctor *d, const struct patient *p);
void	doctor_boot(struct doctor *d, const struct patient *p);
void	doctor_cloud(struct doctor *d);

/* doctor_proc.c: what the kernel says of processes and sockets. */
void	doctor_rooms(struct doctor *d);
void	doctor_service(struct doctor *d, const struct patient *p);

/* doctor_past.c: no drill and no takeover for long. */
void	doctor_drill(struct doctor *d, const struct patient *p);

/*
 * doctor_listen.c: some seconds on one interface.  What came is judged by
 * doctor_wire.c, for every pair on it.
 */
struct sender {
	struct conf_addr src;
	uint8_t		mac[6];
	uint8_t		protocol, vhid;
	bool		signed_;	/* and the signature is good */
	uint32_t	heard;		/* by everything on the wire */
	int64_t		ahead_ns;	/* of our clock; signed ones */
};

struct answer {				/* to an ARP request of ours */
	struct conf_addr address;
	uint8_t		mac[6];
};

enum wall {				/* this host's packet filter */
	WALL_UNKNOWN = 0,
	WALL_OPEN,
	WALL_SHUT,
};

struct listening {
	const char	*interface;
	uint32_t	ifindex;
	uint8_t		mac[6];
	uint32_t	nsenders, nanswers;
	struct sender	sender[DOCTOR_SENDERS_MAX];
	struct answer	answer[DOCTOR_MACS_MAX];
	enum wall	in, out;
};

void	doctor_network(struct doctor *d);
/* False with why: no such right, no such interface. */
bool	doctor_listen(struct doctor *d, struct listening *l, int ms,
	    char *why, size_t size);
void	doctor_wire(struct doctor *d, const struct patient *p,
	    const struct listening *l);
/* Sets the words of where a packet filter drops, as far as it is found. */
void	doctor_firewall(struct finding *f, const char *hook,
	    const char *interface);

/*
 * doctor_partner.c: asks the partner's receiver over ssh, with the key of
 * the pair, and tries whether protocol 112 arrives there.
 */
void	doctor_partner(struct doctor *d, const struct patient *p);

/*
 * doctor_run.c: a program, without a shell, as that user (NULL: as we are);
 * -1 or its exit status.
 */
struct passwd;
int	doctor_run(const char *const *argv, const struct passwd *as,
	    char *out, size_t size, int timeout_ms);
/* doctor_fix.c */
void	doctor_repair(struct finding *f);

#endif
