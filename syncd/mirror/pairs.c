/* SPDX-License-Identifier: ISC */

/*
 * The mirror: what there is for each pair with a sync block, from start to
 * end, and the order of a turn: words first, disks last.
 */

#include <sys/inotify.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "mirror.h"
#include "version.h"

#define SSH	"/usr/bin/ssh"
#define RSYNC	"/usr/bin/rsync"

void
sooner(mono_t *t, mono_t other)
{
	*t = mono_first(*t, other);
}

mono_t
not_before(mono_t t, mono_t last, int64_t gap_ns)
{
	const mono_t least = mono_after(last, gap_ns);

	return mono_is_set(last) && t.ns < least.ns ? least : t;
}

struct pair *
pair_find(struct mirror *m, const struct msg_head *h)
{
	uint32_t i;

	if (h->serial != m->conf->serial)
		return NULL;	/* late */
	for (i = 0; i < m->npairs; i++)
		if (m->pair[i].index == h->pair)
			return &m->pair[i];
	return NULL;
}

/* ---- start -------------------------------------------------------------- */

static void
make_path(char path[MIRROR_PATH_MAX], const char *dir, const char *below,
    const char *name, const char *suffix)
{
	if (fmt_into(path, MIRROR_PATH_MAX, "%s%s%s%s", dir, below, name,
	    suffix) >= MIRROR_PATH_MAX - 1)
		fatalx("%s: path is too long", dir);
}

static void
open_store(struct pair *p)
{
	const struct conf *c = p->mirror->conf;
	char path[MIRROR_PATH_MAX];
	enum store_result rc;
	int dir;

	make_path(path, conf_string(c, c->state_dir), "/store/", p->name,
	    "");
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		fatal("%s: store %s", p->name, path);
	rc = store_open(&p->store, dir, p->name, true);
	(void)close(dir);
	if (p->store == NULL)
		fatalx("%s: store %s: %s", p->name, path, store_word(rc));
	if (rc != STORE_OK && rc != STORE_DAMAGED)
		fatalx("%s: store %s: %s", p->name, path,
		    store_why(p->store));
	p->damaged = rc == STORE_DAMAGED;
	if (p->damaged) {
		log_warnx("%s: store: %s", p->name, store_why(p->store));
		p->failing = mono_now();
	}
	p->watch = p->mirror->notices == -1 ? -1 :
	    inotify_add_watch(p->mirror->notices, path,
	    IN_MOVED_TO | IN_ONLYDIR);
	if (p->watch == -1)
		log_warn("%s: the store is not watched, but looked at each "
		    "second", p->name);
}

static void
open_ship(struct pair *p)
{
	struct mirror *m = p->mirror;
	struct ship_conf c = {
		.pair = p->name,
		.place = {
			.ssh = SSH, .rsync = RSYNC,
			.carrier = VIPAIR_LIBEXEC "/bulkssh",
			.config = p->config, .control = p->control,
			.objects = p->objects,
			.bandwidth = p->conf->sync.bandwidth,
		},
		.run_dir = m->run_dir, .run_path = m->run_path,
		.loop = &m->loop, .store = p->store,
		.wait = true, .events = partner_events,
	};

	c.events.arg = p;
	p->ship = ship_new(&c);
	if (p->ship == NULL)
		fatal("%s: %s", p->name, m->run_path);
}

static void
open_pair(struct mirror *m, uint16_t index)
{
	struct pair *p = &m->pair[m->npairs];
	const mono_t now = mono_now();

	if (m->npairs == SYNC_PAIRS_MAX)
		fatalx("mirror: more than %d pairs with sync",
		    SYNC_PAIRS_MAX);
	m->npairs++;
	p->mirror = m;
	p->index = index;
	p->conf = conf_pair(m->conf, index);
	p->name = conf_string(m->conf, p->conf->name);
	p->partner = LINK_SELF_NONE;
	p->word.self = LINK_SELF_NONE;
	make_path(p->config, m->run_path, "/", p->name, ".ssh");
	make_path(p->control, m->run_path, "/", p->name, ".ctl");
	make_path(p->objects, conf_string(m->conf, m->conf->state_dir),
	    "/store/", p->name, "/objects");
	open_store(p);
	open_ship(p);
	/* Whatever a former one left there: nobody may write yet. */
	ownword_put(p);
	p->heard = p->look_at = now;
	p->state.state_since_ns = now.ns;
}

static void
store_moved(int fd, short revents, void *arg)
{
	union {
		struct inotify_event event;
		char	byte[4096];
	} buf;
	struct mirror *m = arg;
	const struct inotify_event *e;
	ssize_t at, n;
	uint32_t i;

	(void)revents;
	while ((n = read(fd, buf.byte, sizeof(buf.byte))) > 0)
		for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const void *)(buf.byte + at);
			for (i = 0; i < m->npairs; i++)
				if (e->wd == m->pair[i].watch && e->len > 0 &&
				    (strcmp(e->name, "HEAD") == 0 ||
				    strcmp(e->name, "EPOCH") == 0))
					m->pair[i].look_at = mono_now();
		}
}

void
pairs_open(struct mirror *m)
{
	uint32_t i;

	make_path(m->run_path, conf_string(m->conf, m->conf->run_dir),
	    "/" SYNCSTATE_DIR, "", "");
	m->run_dir = open(m->run_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->run_dir == -1)
		fatal("mirror: %s", m->run_path);
	m->notices = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (m->notices == -1)
		log_warn("mirror: inotify");
	else
		(void)loop_add(&m->loop, m->notices, POLLIN, store_moved, m);
	for (i = 0; i < m->conf->npairs; i++)
		if (conf_pair(m->conf, i)->has_sync)
			open_pair(m, (uint16_t)i);
}

void
pairs_close(struct mirror *m)
{
	char name[CONF_NAME_MAX + 8];
	uint32_t i;

	for (i = 0; i < m->npairs; i++) {
		ship_free(m->pair[i].ship);
		store_close(m->pair[i].store);
		/* Without a word nobody writes, and nobody is active. */
		(void)fmt_into(name, sizeof(name), "%s.word",
		    m->pair[i].name);
		(void)unlinkat(m->run_dir, name, 0);
	}
}

/* ---- a turn ------------------------------------------------------------- */

void
pairs_turn(struct mirror *m)
{
	const mono_t now = mono_now();
	const bool tick = !mono_is_set(m->tick_at) ||
	    mono_reached(now, m->tick_at);
	uint32_t i;

	if (tick)
		m->tick_at = mono_after(now, MIRROR_TICK_NS);
	for (i = 0; i < m->npairs; i++)
		ownword_turn(&m->pair[i], now);
	for (i = 0; i < m->npairs; i++) {
		struct pair *p = &m->pair[i];

		if (tick) {
			data_gone(p);
			sooner(&p->look_at, now);
			sooner(&p->data_at, now);
			sooner(&p->state_at, now);
		}
		partner_turn(p, now);
		data_turn(p, now);
		ship_turn(p->ship);
		jobs_turn(p, now);
		state_turn(p, now);
	}
}

mono_t
pairs_deadline(const struct mirror *m)
{
	mono_t t = m->tick_at;
	uint32_t i;

	for (i = 0; i < m->npairs; i++) {
		const struct pair *p = &m->pair[i];

		sooner(&t, p->file_at);
		sooner(&t, p->look_at);
		sooner(&t, p->data_at);
		sooner(&t, p->state_at);
		sooner(&t, ship_deadline(p->ship));
		if (p->job.step != JOB_STEP_NONE)
			sooner(&t, p->job.by);
		if (p->capture_due && m->capture.fd != -1)
			sooner(&t, mono_after(mono_now(), MIRROR_RETRY_NS));
	}
	return t;
}
