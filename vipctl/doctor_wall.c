/* SPDX-License-Identifier: ISC */

/*
 * vipctl doctor: which rule of nftables drops protocol 112.  That one does
 * was measured; this only looks for its name, to say what to do.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

#define RULES_MAX	(256 * 1024)
#define NFT_MS		2000

/* Where we are in the listing. */
struct rules {
	char	table[96];	/* "inet filter" */
	char	chain[64];
	enum { CHAIN_PLAIN, CHAIN_OURS, CHAIN_OTHER } kind;	/* its hook */
	char	table_found[96], chain_found[64];
	char	rule[160];
	int	rank;		/* how sure: 3 a rule of the hook, 2 of a
				   chain that may be called, 1 a policy */
};

static bool
is_word(const char *line, const char *word)
{
	const size_t n = strlen(word);
	const char *at = line;

	for (; (at = strstr(at, word)) != NULL; at += n)
		if ((at == line || !isalnum((unsigned char)at[-1])) &&
		    !isalnum((unsigned char)at[n]))
			return true;
	return false;
}

/* Drops what could be an advert: by its protocol or group, or everything. */
static bool
drops_advert(const char *line)
{
	if (!is_word(line, "drop") && !is_word(line, "reject"))
		return false;
	return is_word(line, "112") || is_word(line, "vrrp") ||
	    is_word(line, "carp") || strstr(line, "224.0.0.") != NULL ||
	    strcmp(line, "drop") == 0 || strcmp(line, "reject") == 0 ||
	    strncmp(line, "counter packets", 15) == 0;
}

static void
note(struct rules *r, const char *rule, int rank)
{
	if (rank <= r->rank)
		return;
	r->rank = rank;
	snprintf(r->table_found, sizeof(r->table_found), "%s", r->table);
	snprintf(r->chain_found, sizeof(r->chain_found), "%s", r->chain);
	snprintf(r->rule, sizeof(r->rule), "%.150s", rule);
}

static void
read_line(struct rules *r, char *line, const char *hook)
{
	char is[48];

	while (isspace((unsigned char)*line))
		line++;
	if (sscanf(line, "table %95[^{]", r->table) == 1) {
		r->table[strcspn(r->table, "{\n")] = '\0';
		if (r->table[0] != '\0' &&
		    r->table[strlen(r->table) - 1] == ' ')
			r->table[strlen(r->table) - 1] = '\0';
		return;
	}
	if (sscanf(line, "chain %63s", r->chain) == 1) {
		r->kind = CHAIN_PLAIN;
		return;
	}
	snprintf(is, sizeof(is), "hook %s ", hook);
	if (strncmp(line, "type ", 5) == 0) {
		r->kind = strstr(line, is) != NULL ? CHAIN_OURS : CHAIN_OTHER;
		if (r->kind == CHAIN_OURS &&
		    strstr(line, "policy drop") != NULL)
			note(r, "policy drop", 1);
		return;
	}
	if (r->kind != CHAIN_OTHER && drops_advert(line))
		note(r, line, r->kind == CHAIN_OURS ? 3 : 2);
}

void
doctor_firewall(struct finding *f, const char *hook, const char *interface)
{
	static const char *const argv[] = { "/usr/sbin/nft", "list",
	    "ruleset", NULL };
	char *text = malloc(RULES_MAX), *line, *next;
	struct rules r = { .rank = 0 };
	const bool in = strcmp(hook, "input") == 0;

	if (text != NULL && doctor_run(argv, NULL, text, RULES_MAX,
	    NFT_MS) == 0)
		for (line = text; line != NULL; line = next) {
			next = strchr(line, '\n');
			if (next != NULL)
				*next++ = '\0';
			read_line(&r, line, hook);
		}
	free(text);
	if (r.rank == 0) {
		doctor_word(f->detail, "%s %s, by a rule that was not found",
		    in ? "those that come in on" : "those that leave by",
		    interface);
		doctor_word(f->advice, "let protocol 112 %s on %s (nft, "
		    "iptables or what manages them)", in ? "come in" :
		    "leave", interface);
		return;
	}
	doctor_word(f->detail, "those that %s %s, by table %.80s, chain %.40s: "
	    "%.120s",
	    in ? "come in on" : "leave by", interface, r.table_found,
	    r.chain_found, r.rule);
	doctor_word(f->advice, "nft insert rule %s %s %s \"%s\" meta l4proto "
	    "112 accept", r.table_found, r.chain_found, in ? "iifname" :
	    "oifname", interface);
}
