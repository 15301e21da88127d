/* SPDX-License-Identifier: ISC */

/*
 * A tree or a delta as text.  Pure.  Must write a tree in one way only: the
 * head is a hash of this text.
 */

#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "log.h"

static bool
room(struct manifest_text *m, size_t more)
{
	size_t size = m->size == 0 ? 4096 : m->size;
	char *text;

	if (more <= m->size - m->len)
		return true;
	while (size - m->len < more)
		size *= 2;
	text = realloc(m->text, size);
	if (text == NULL)
		return false;
	m->text = text;
	m->size = size;
	return true;
}

void
manifest_text_free(struct manifest_text *m)
{
	free(m->text);
	*m = (struct manifest_text){ .text = NULL };
}

/* The callers below have made room. */
static void
add(struct manifest_text *m, const char *s, size_t len)
{
	memcpy(m->text + m->len, s, len);
	m->len += len;
}

static void
add_char(struct manifest_text *m, char c)
{
	m->text[m->len++] = c;
}

static void
add_number(struct manifest_text *m, uint64_t v)
{
	char digit[20];
	size_t n = sizeof(digit);

	do
		digit[--n] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	add(m, digit + n, sizeof(digit) - n);
}

static void
add_signed(struct manifest_text *m, int64_t v)
{
	if (v < 0)
		add_char(m, '-');
	add_number(m, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static void
add_hash(struct manifest_text *m, const struct hash *h)
{
	char hex[HASH_HEX + 1];

	add(m, hash_hex(h, hex), HASH_HEX);
}

static bool
plain(unsigned char c)
{
	return c > ' ' && c <= '~' && c != '%' && c != ',' && c != '=';
}

static void
add_escaped(struct manifest_text *m, const void *bytes, size_t len)
{
	static const char digit[] = "0123456789ABCDEF";
	const unsigned char *p = bytes;
	size_t i;

	/* A lone "-" would read as "nothing". */
	for (i = 0; i < len; i++) {
		if (plain(p[i]) && !(len == 1 && p[i] == '-')) {
			add_char(m, (char)p[i]);
			continue;
		}
		add_char(m, '%');
		add_char(m, digit[p[i] >> 4]);
		add_char(m, digit[p[i] & 15]);
	}
}

static void
add_name(struct manifest_text *m, const char *name)
{
	if (name[0] == '\0')
		add_char(m, '-');
	else
		add_escaped(m, name, strlen(name));
	add_char(m, ' ');
}

static void
add_mode(struct manifest_text *m, uint16_t mode)
{
	int shift;

	for (shift = 9; shift >= 0; shift -= 3)
		add_char(m, (char)('0' + (mode >> shift & 7)));
	add_char(m, ' ');
}

static void
add_content(struct manifest_text *m, const struct entry *e)
{
	if (e->type == ENTRY_DIR)
		add_char(m, '-');
	else if (e->type == ENTRY_LINK) {
		add_char(m, '>');
		add_escaped(m, e->target, strlen(e->target));
	} else
		add_hash(m, &e->object);
	add_char(m, ' ');
}

static void
add_xattrs(struct manifest_text *m, const struct entry *e)
{
	size_t i;

	if (e->nxattrs == 0)
		add_char(m, '-');
	for (i = 0; i < e->nxattrs; i++) {
		if (i > 0)
			add_char(m, ',');
		add_escaped(m, e->xattrs[i].name, strlen(e->xattrs[i].name));
		add_char(m, '=');
		add_escaped(m, e->xattrs[i].value, e->xattrs[i].len);
	}
	add_char(m, ' ');
}

static size_t
line_size(const struct entry *e)
{
	size_t i, n = 200;

	n += 3 * (strlen(e->path) + strlen(e->user) + strlen(e->group) +
	    strlen(e->target));
	for (i = 0; i < e->nxattrs; i++)
		n += 3 * (strlen(e->xattrs[i].name) + e->xattrs[i].len) + 2;
	return n;
}

static bool
write_entry(struct manifest_text *m, const struct entry *e, bool plus)
{
	if (!room(m, line_size(e)))
		return false;
	if (plus)
		add_char(m, '+');
	add_char(m, (char)e->type);
	add_char(m, ' ');
	add_mode(m, e->mode);
	add_number(m, e->uid);
	add_char(m, ' ');
	add_number(m, e->gid);
	add_char(m, ' ');
	add_name(m, e->user);
	add_name(m, e->group);
	add_number(m, e->size);
	add_char(m, ' ');
	add_signed(m, e->mtime_ns);
	add_char(m, ' ');
	add_content(m, e);
	add_number(m, e->link);
	add_char(m, ' ');
	add_xattrs(m, e);
	add_escaped(m, e->path, strlen(e->path));
	add_char(m, '\n');
	return true;
}

static bool
write_drop(struct manifest_text *m, const char *path)
{
	if (!room(m, 3 * strlen(path) + 2))
		return false;
	add_char(m, '-');
	add_escaped(m, path, strlen(path));
	add_char(m, '\n');
	return true;
}

static bool
write_header(struct manifest_text *m, const struct manifest_header *h,
    const struct tree *t, bool full, uint64_t lines)
{
	char hex[HASH_HEX + 1];

	m->len = 0;
	if (!room(m, 1024))
		return false;
	m->len = fmt_into(m->text, m->size, "vipair manifest 1\n"
	    "pair %s\nterm %u\nnode %u\ngeneration %llu\nprevious %s\n"
	    "time ", h->pair, h->epoch.term, h->epoch.node,
	    (unsigned long long)h->generation, hash_hex(&h->previous, hex));
	add_signed(m, h->time_ns);
	m->len += fmt_into(m->text + m->len, m->size - m->len,
	    "\nkind %s\nentries %llu\nbytes %llu\nlines %llu\n",
	    full ? "full" : "delta", (unsigned long long)tree_count(t),
	    (unsigned long long)tree_bytes(t), (unsigned long long)lines);
	return true;
}

bool
manifest_write_full(struct manifest_text *m, const struct manifest_header *h,
    const struct tree *t)
{
	size_t i;

	if (!write_header(m, h, t, true, tree_count(t)))
		return false;
	for (i = 0; i < tree_count(t); i++)
		if (!write_entry(m, tree_at(t, i), false))
			return false;
	return true;
}

bool
manifest_write_delta(struct manifest_text *m, const struct manifest_header *h,
    const struct tree *t, const struct delta *d)
{
	struct change c;
	size_t i;

	if (!write_header(m, h, t, false, delta_count(d)))
		return false;
	for (i = 0; i < delta_count(d); i++) {
		c = delta_at(d, i);
		if (!(c.drop ? write_drop(m, c.entry->path) :
		    write_entry(m, c.entry, true)))
			return false;
	}
	return true;
}
