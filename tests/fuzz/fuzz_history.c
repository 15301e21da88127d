/* SPDX-License-Identifier: ISC */

/*
 * Two histories of a pair's data: what nodes make that write, ship and part
 * from each other as the input says.  Where they part is known here, and
 * position_kin has to find it; what a hostile one says never breaks it.
 *
 * FUZZ: syncd/store/position.c syncd/store/hash.c syncd/store/hashtext.c -Isyncd/store -lcrypto
 */
#include "fuzz.h"
#include "position.h"

#define CHAIN_MAX	200

struct copy {
	uint32_t	n;		/* generations */
	uint16_t	id[CHAIN_MAX];	/* what each holds */
	struct epoch	epoch[CHAIN_MAX];
};

static struct copy copy[2];
static struct history_list list[2];

static void
describe(const struct copy *c, struct position *p, struct history_list *h)
{
	struct hash head = hash_zero;

	*p = (struct position){ .generation = 0 };
	h->n = 0;
	for (uint32_t i = 0; i < c->n; i++) {
		const struct history_item item = { c->epoch[i], i + 1, head };

		if (i == 0 || epoch_cmp(&c->epoch[i], &c->epoch[i - 1]) != 0)
			FUZZ_MUST(history_add(h, &item));
		hash_chain(&head, &c->id[i], sizeof(c->id[i]), &head);
		*p = (struct position){ c->epoch[i], i + 1, head };
	}
	FUZZ_MUST(history_check(h) == NULL);
}

static uint32_t
common(void)
{
	uint32_t i = 0;

	while (i < copy[0].n && i < copy[1].n &&
	    copy[0].id[i] == copy[1].id[i] &&
	    epoch_cmp(&copy[0].epoch[i], &copy[1].epoch[i]) == 0)
		i++;
	return i;
}

/* Each node writes in terms of its own, as an election gives them. */
static void
play(const uint8_t *data, size_t len)
{
	struct epoch now[2] = { { 1, 0 }, { 1, 1 } };
	uint32_t term = 1;

	for (size_t i = 0; i < len && i < 2 * CHAIN_MAX; i++) {
		const uint32_t who = data[i] & 1;
		struct copy *c = &copy[who];

		if (data[i] % 7 == 0) {
			now[who].term = ++term;
		} else if (data[i] % 11 == 0) {
			/* It takes all from the other, and goes on anew. */
			*c = copy[1 - who];
			now[who].term = ++term;
		} else if (c->n < CHAIN_MAX && (c->n == 0 ||
		    epoch_cmp(&now[who], &c->epoch[c->n - 1]) >= 0)) {
			c->epoch[c->n] = now[who];
			c->id[c->n++] = (uint16_t)i;
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct position p[2], alien;
	uint64_t fork;
	enum kinship k;
	uint32_t same;

	memset(copy, 0, sizeof(copy));
	play(data, len);
	describe(&copy[0], &p[0], &list[0]);
	describe(&copy[1], &p[1], &list[1]);
	same = common();
	k = position_kin(&p[0], &list[0], &p[1], &list[1], &fork);
	if (copy[0].n == same && copy[1].n == same)
		FUZZ_MUST(k == KIN_SAME);
	else if (copy[0].n == same)
		FUZZ_MUST(k == KIN_BEHIND);
	else if (copy[1].n == same)
		FUZZ_MUST(k == KIN_AHEAD);
	else
		FUZZ_MUST(k == (same == 0 ? KIN_STRANGERS : KIN_FORKED));
	if (k == KIN_FORKED)
		FUZZ_MUST(fork == same);
	/* Whatever somebody says: no crash, and never one branch of two. */
	if (len < sizeof(alien) + 2)
		return 0;
	memcpy(&alien, data, sizeof(alien));
	list[1].n = data[len - 1] % 4;
	memcpy(list[1].item, data, list[1].n * sizeof(list[1].item[0]) < len ?
	    list[1].n * sizeof(list[1].item[0]) : 0);
	if (history_check(&list[1]) != NULL)
		return 0;
	if (position_kin(&p[0], &list[0], &alien, &list[1], &fork) == KIN_SAME)
		FUZZ_MUST(hash_equal(&p[0].head, &alien.head));
	FUZZ_MUST(fork <= p[0].generation);
	return 0;
}
