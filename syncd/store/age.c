/* SPDX-License-Identifier: ISC */

/*
 * AGE: the store's own count of time, by which it thins and drops.  It goes
 * on with the time since boot, a day at most from one writing to the next;
 * a wall clock that jumps, either way, makes nothing older.  Whoever has the
 * lock writes it.
 */

#include <assert.h>
#include <stdlib.h>

#include "inside.h"
#include "mono.h"

#define AGE_MAGIC	"vipair age 1"
#define AGE_START	(INT64_C(1000) * 86400 * NS_PER_S)
#define STEP_MAX	(INT64_C(86400) * NS_PER_S)
#define WRITE_EVERY	(INT64_C(600) * NS_PER_S)
#define APART_MAX	(INT64_C(3600) * NS_PER_S)

int64_t (*store_mono_hook)(void);

int64_t
age_after(const struct age *a, int64_t mono_ns)
{
	/* Started again since: that long at least. */
	int64_t passed = mono_ns < a->mono_ns ? mono_ns :
	    mono_ns - a->mono_ns;

	return a->ns + (passed > STEP_MAX ? STEP_MAX : passed);
}

/*
 * Of a record that was lost, from the one after it: as far apart as their
 * writer's clock says, but that may have jumped.
 */
int64_t
age_before(int64_t kept_ns, int64_t time_ns, int64_t next_time_ns)
{
	int64_t apart = time_ns >= next_time_ns ? 0 : APART_MAX;

	if (apart != 0 && time_ns > next_time_ns - APART_MAX)
		apart = next_time_ns - time_ns;
	return kept_ns - apart;
}

static bool
age_read(struct store *s, struct age *a)
{
	uint64_t mono, ns;
	char *body, *text;
	bool good;

	text = record_read(s->dir[DIR_ROOT], "AGE", AGE_MAGIC, &body);
	good = text != NULL && record_u64(&body, "age", &ns) &&
	    record_u64(&body, "boot", &mono) && *body == '\0' &&
	    ns <= INT64_MAX / 2 && mono <= INT64_MAX / 2;
	free(text);
	if (good)
		*a = (struct age){ (int64_t)ns, (int64_t)mono };
	return good;
}

/* Where the newest record was, so that nothing is older than it was. */
static int64_t
age_start(struct store *s)
{
	int64_t start = AGE_START;
	struct chain c;
	struct link l;

	if (chain_open(&c, s->dir[DIR_ROOT], "chain", false) == 0 &&
	    c.n > 0 && chain_read(&c, c.n - 1, &l) && l.kept_ns > start &&
	    l.kept_ns <= INT64_MAX / 2)
		start = l.kept_ns;
	chain_close(&c);
	return start;
}

/* A full disk must not end it: then the next one counts from the old. */
static void
age_write(struct store *s, const struct age *a)
{
	char body[64];

	(void)fmt_into(body, sizeof(body), "age %llu\nboot %llu\n",
	    (unsigned long long)a->ns, (unsigned long long)a->mono_ns);
	(void)record_write(s->dir[DIR_ROOT], "AGE", AGE_MAGIC, body, "age");
}

int64_t
age_now(struct store *s)
{
	int64_t mono_ns = store_mono_hook != NULL ? store_mono_hook() :
	    mono_now().ns;
	struct age now = { .mono_ns = mono_ns }, was;
	bool known;

	assert(s->locked);
	known = age_read(s, &was);
	now.ns = known ? age_after(&was, mono_ns) : age_start(s);
	if (!known || mono_ns < was.mono_ns || now.ns - was.ns >= WRITE_EVERY)
		age_write(s, &now);
	return now.ns;
}
