/* SPDX-License-Identifier: ISC */

/*
 * Runs in the supervisor and in vipctl: "did you mean".  Pure.
 */
#include <string.h>
#include <strings.h>

#include "config.h"

#define SUGGEST_LEN_MAX	32

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Damerau-Levenshtein distance in the form that lets no letter move twice:
 * letters added, dropped, changed, and neighbours swapped.  Case counts not.
 */
static size_t
distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t d[SUGGEST_LEN_MAX + 1][SUGGEST_LEN_MAX + 1];
	size_t i, j, cost;

	for (i = 0; i <= na; i++)
		d[i][0] = i;
	for (j = 0; j <= nb; j++)
		d[0][j] = j;
	for (i = 1; i <= na; i++) {
		for (j = 1; j <= nb; j++) {
			cost = (a[i - 1] | 0x20) != (b[j - 1] | 0x20);
			d[i][j] = least(d[i - 1][j - 1] + cost,
			    least(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[na][nb];
}

const char *
config_suggest(const char *wrong, const char *const *word, size_t n)
{
	const char *best = NULL;
	size_t i, len, d, most, best_d = SIZE_MAX;
	size_t nwrong = strlen(wrong);

	if (nwrong < 2 || nwrong > SUGGEST_LEN_MAX)
		return NULL;
	for (i = 0; i < n; i++) {
		len = strlen(word[i]);
		if (len < 2 || len > SUGGEST_LEN_MAX)
			continue;
		most = (len > nwrong ? len : nwrong) / 3;
		if (most == 0)
			most = 1;
		d = distance(wrong, nwrong, word[i], len);
		if (d <= most && d < best_d) {
			best = word[i];
			best_d = d;
		}
	}
	return best;
}
