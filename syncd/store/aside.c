/* SPDX-License-Identifier: ISC */

/*
 * bad/: what did not verify, set aside for a month of the store's age, which
 * is in front of its name.  Under the lock.
 */

#include <stdio.h>		/* renameat */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inside.h"
#include "mono.h"

#define KEEP_S	(INT64_C(30) * 86400)

int
aside_put(struct store *s, int dir, const char *name)
{
	char to[20 + 1 + NAME_SIZE];

	if (strlen(name) >= NAME_SIZE)
		return unlinkat(dir, name, 0);
	(void)fmt_into(to, sizeof(to), "%llu.%s",
	    (unsigned long long)(age_now(s) / NS_PER_S), name);
	return renameat(dir, name, s->dir[DIR_BAD], to);
}

static bool
is_stamped(const char *name, int64_t *age_s)
{
	size_t n = strspn(name, "0123456789");

	if (n == 0 || n > 18 || name[n] != '.')
		return false;
	*age_s = strtoll(name, NULL, 10);
	return true;
}

void
aside_sweep(struct store *s)
{
	int64_t age_s, now_s = age_now(s) / NS_PER_S;
	char **list;
	size_t i, n;

	list = file_list(s->dir[DIR_BAD], &n);
	for (i = 0; list != NULL && i < n; i++) {
		if (!is_stamped(list[i], &age_s))
			(void)aside_put(s, s->dir[DIR_BAD], list[i]);
		else if (now_s - age_s >= KEEP_S)
			(void)unlinkat(s->dir[DIR_BAD], list[i], 0);
	}
	free(list);
}
