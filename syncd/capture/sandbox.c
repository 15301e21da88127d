/* SPDX-License-Identifier: ISC */

/*
 * The capture room: Landlock.  A rule holds for what its path means now;
 * when that is another file or directory later, only a new process can have
 * a rule for it.
 */

#include <errno.h>
#include <fcntl.h>

#include "landlock.h"
#include "pairs.h"
#include "payload.h"

#define LOOK_EVERY_NS	(1 * NS_PER_S)
#define PATH_SIZE	(CONF_PATTERN_MAX + CONF_NAME_MAX + 64)

static const char *const name_file[2] = { "/etc/passwd", "/etc/group" };

/* False: there is nothing of that name. */
static bool
identify(const char *path, struct identity *id)
{
	struct statx st;

	*id = (struct identity){ .dev = 0 };
	if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &st) == -1)
		return false;
	payload_identity(&st, id);
	return true;
}

static void
allow(int rules, const char *path, unsigned int may)
{
	if (landlock_allow(rules, path, may) == -1 && errno != ENOENT)
		fatal("capture: landlock: %s", path);
}

/* What one pair lacks is that pair's trouble, and told when it is opened. */
static void
allow_of_pair(const struct pair *p, int rules, const char *path,
    unsigned int may)
{
	if (rules != -1 && landlock_allow(rules, path, may) == -1)
		log_warn("%s: landlock: %s", p->name, path);
}

static bool
find_store(const struct capture_room *r, const struct pair *p,
    char path[PATH_SIZE], struct identity *id)
{
	(void)fmt_into(path, PATH_SIZE, "%s/store/%s",
	    conf_string(&r->conf, r->conf.state_dir), p->name);
	return identify(path, id);
}

static void
allow_pair(struct capture_room *r, struct pair *p, int rules)
{
	const struct payload all = { .cap = true };
	char path[PATH_SIZE];

	if (find_store(r, p, path, &p->place))
		allow_of_pair(p, rules, path, MAY_STORE);
	/* The way to it may be barred to all but root. */
	payload_begin(&all);
	p->base_there = identify(p->want.base, &p->base);
	if (p->base_there)
		allow_of_pair(p, rules, p->want.base, MAY_READ);
	payload_end(&all);
}

void
sandbox_enter(struct capture_room *r)
{
	char path[PATH_SIZE];
	uint32_t i;
	int rules;

	for (i = 0; i < 2; i++)
		(void)identify(name_file[i], &r->names[i]);
	rules = landlock_begin();
	if (rules == -1) {
		log_warnx("capture: no landlock in this kernel: kept in by "
		    "its user and its filter only");
		for (i = 0; i < r->npairs; i++) {
			allow_pair(r, &r->pair[i], -1);
			r->pair[i].base_there = true;
		}
		return;
	}
	for (i = 0; i < 2; i++)
		allow(rules, name_file[i], MAY_READ);
	(void)fmt_into(path, sizeof(path), "%s/" SYNCSTATE_DIR,
	    conf_string(&r->conf, r->conf.run_dir));
	allow(rules, path, MAY_STORE);
	for (i = 0; i < r->npairs; i++)
		allow_pair(r, &r->pair[i], rules);
	if (landlock_end(rules) == -1)
		fatal("capture: landlock");
}

static bool
same(const struct identity *a, const struct identity *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

static bool
pair_is_old(const struct capture_room *r, const struct pair *p)
{
	const struct payload all = { .cap = true };
	char path[PATH_SIZE];
	struct identity id;
	bool there;

	if (find_store(r, p, path, &id) && !same(&id, &p->place))
		return true;
	payload_begin(&all);
	there = identify(p->want.base, &id);
	payload_end(&all);
	if (there && p->base.ino != 0 && !same(&id, &p->base))
		return true;
	return there && !p->base_there;
}

bool
sandbox_is_old(struct capture_room *r, mono_t now)
{
	struct identity id;
	uint32_t i;

	if (mono_is_set(r->looked) &&
	    mono_span_ns(r->looked, now) < LOOK_EVERY_NS)
		return false;
	r->looked = now;
	for (i = 0; i < 2; i++)
		if (r->names[i].ino != 0 && identify(name_file[i], &id) &&
		    !same(&id, &r->names[i]))
			return true;
	for (i = 0; i < r->npairs; i++)
		if (pair_is_old(r, &r->pair[i]))
			return true;
	return false;
}
