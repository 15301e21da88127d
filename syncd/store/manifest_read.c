/* SPDX-License-Identifier: ISC */

/*
 * Reads manifests.  The text may come from a partner that lies: a limit on
 * everything, one spelling for everything, and the line number of what was
 * refused.  Pure.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "log.h"

#define HEADER_LINES	11
#define FIELDS		12

struct manifest_reader {
	struct manifest_events	ev;
	struct manifest_limits	limits;
	struct manifest_header	header;
	struct lineage		lineage;
	uint64_t		text;		/* bytes so far */
	uint64_t		line;		/* number of the current one */
	uint64_t		lines, bytes;	/* of entries so far */
	char			*buf;		/* a line, ends with NUL */
	size_t			len, size;
	char			error[MANIFEST_ERROR_MAX];
};

static uint64_t
limit(uint64_t asked, uint64_t most)
{
	return asked == 0 || asked > most ? most : asked;
}

struct manifest_reader *
manifest_reader_new(const struct manifest_events *ev,
    const struct manifest_limits *limits)
{
	static const struct manifest_limits none;
	struct manifest_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	if (limits == NULL)
		limits = &none;
	r->ev = *ev;
	r->limits = (struct manifest_limits){
	    .text = limit(limits->text, MANIFEST_TEXT_MAX),
	    .entries = limit(limits->entries, MANIFEST_ENTRIES_MAX),
	    .bytes = limit(limits->bytes, ENTRY_BYTES_MAX) };
	r->line = 1;
	return r;
}

void
manifest_reader_free(struct manifest_reader *r)
{
	if (r == NULL)
		return;
	free(r->buf);
	free(r);
}

const char *
manifest_reader_error(const struct manifest_reader *r)
{
	return r->error;
}

static bool
refuse(struct manifest_reader *r, const char *why)
{
	(void)fmt_into(r->error, sizeof(r->error), "manifest line %llu: %s",
	    (unsigned long long)r->line, why);
	return false;
}

/* ---- words ------------------------------------------------------------- */

/* Decimal, no sign, no leading zero. */
static bool
read_number(const char *s, uint64_t max, uint64_t *v)
{
	uint64_t d;

	if (*s == '\0' || (*s == '0' && s[1] != '\0'))
		return false;
	for (*v = 0; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		d = (uint64_t)(*s - '0');
		if (d > max || *v > (max - d) / 10)
			return false;
		*v = *v * 10 + d;
	}
	return true;
}

static bool
read_signed(const char *s, int64_t *v)
{
	uint64_t u;
	bool minus = *s == '-';

	if (!read_number(s + minus, INT64_MAX, &u) || (minus && u == 0))
		return false;
	*v = minus ? -(int64_t)u : (int64_t)u;
	return true;
}

static bool
read_mode(const char *s, uint16_t *mode)
{
	int i;

	*mode = 0;
	for (i = 0; i < 4; i++) {
		if (s[i] < '0' || s[i] > '7')
			return false;
		*mode = (uint16_t)(*mode << 3 | (s[i] - '0'));
	}
	return s[4] == '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
plain(int c)
{
	return c > ' ' && c <= '~' && c != '%' && c != ',' && c != '=';
}

/*
 * Undoes the escape of s up to end, in place, and puts a NUL behind it.
 * False: a byte that must be escaped is not, or the reverse.
 */
static bool
unescape(char *s, char *end, size_t *len)
{
	char *to = s, *from = s;
	int byte, high, low;

	if (end - s == 1 && *s == '-')
		return false;		/* that is "nothing" */
	while (from < end) {
		if (*from != '%') {
			if (!plain((unsigned char)*from))
				return false;
			*to++ = *from++;
			continue;
		}
		if (end - from < 3)
			return false;
		high = hex_value(from[1]);
		low = hex_value(from[2]);
		if (high == -1 || low == -1)
			return false;
		byte = high << 4 | low;
		if (plain(byte) && !(byte == '-' && from == s &&
		    end - from == 3))
			return false;
		*to++ = (char)byte;
		from += 3;
	}
	*len = (size_t)(to - s);
	*to = '\0';
	return true;
}

/* A text without NUL; "-" is the empty one. */
static bool
read_text(char *s, const char **out)
{
	char *end = s + strlen(s);
	size_t len;

	if (strcmp(s, "-") == 0) {
		*out = "";
		return true;
	}
	if (s == end || !unescape(s, end, &len) || strlen(s) != len)
		return false;
	*out = s;
	return true;
}

/* ---- header ------------------------------------------------------------ */

static const char *
read_pair(struct manifest_header *h, const char *v)
{
	size_t i, len = strlen(v);

	if (len == 0 || len > MANIFEST_PAIR_MAX)
		return "pair must be 1 to 31 bytes";
	for (i = 0; i < len; i++)
		if (v[i] <= ' ' || v[i] > '~')
			return "pair has a byte it cannot have";
	memcpy(h->pair, v, len + 1);
	return NULL;
}

static const char *
read_kind(struct manifest_header *h, const char *v)
{
	h->full = strcmp(v, "full") == 0;
	return h->full || strcmp(v, "delta") == 0 ? NULL :
	    "kind must be full or delta";
}

static const char *
read_counts(struct manifest_reader *r, int which, const char *v)
{
	struct manifest_header *h = &r->header;

	switch (which) {
	case 8:
		return read_number(v, r->limits.entries, &h->entries) ? NULL :
		    "entries is no number or above the limit";
	case 9:
		return read_number(v, r->limits.bytes, &h->bytes) ? NULL :
		    "bytes is no number or above the limit";
	}
	/* A delta can drop and add: both trees bound it. */
	if (!read_number(v, 2 * r->limits.entries, &h->lines))
		return "lines is no number or above the limit";
	if (h->full && h->lines != h->entries)
		return "lines must be the number of entries of a full one";
	return NULL;
}

static const char *
read_value(struct manifest_reader *r, int which, const char *v)
{
	struct manifest_header *h = &r->header;
	uint64_t n;

	switch (which) {
	case 1:
		return read_pair(h, v);
	case 2:
		if (!read_number(v, INT32_MAX, &n) || n == 0)
			return "term must be 1 to 2147483647";
		h->epoch.term = (uint32_t)n;
		return NULL;
	case 3:
		if (!read_number(v, EPOCH_NODE_MAX, &n))
			return "node is out of range";
		h->epoch.node = (uint32_t)n;
		return NULL;
	case 4:
		return read_number(v, INT64_MAX, &h->generation) &&
		    h->generation > 0 ? NULL :
		    "generation must be 1 to 9223372036854775807";
	case 5:
		return hash_parse(v, strlen(v), &h->previous) &&
		    hash_is_zero(&h->previous) == (h->generation == 1) ? NULL :
		    "previous must be 64 hex digits, zero for generation 1";
	case 6:
		return read_signed(v, &h->time_ns) ? NULL :
		    "time must be nanoseconds since 1970";
	case 7:
		return read_kind(h, v);
	}
	return read_counts(r, which, v);
}

static bool
header_line(struct manifest_reader *r)
{
	static const char *const word[HEADER_LINES] = {
		"vipair manifest 1", "pair ", "term ", "node ", "generation ",
		"previous ", "time ", "kind ", "entries ", "bytes ", "lines ",
	};
	int which = (int)r->line - 1;
	size_t len = strlen(word[which]);
	const char *wrong;

	if (strncmp(r->buf, word[which], len) != 0 ||
	    (which == 0 && r->len != len))
		return refuse(r, which == 0 ?
		    "must be \"vipair manifest 1\"" :
		    "is not the header line that belongs here");
	if (which == 0)
		return true;
	wrong = read_value(r, which, r->buf + len);
	if (wrong == NULL && which == HEADER_LINES - 1 &&
	    r->ev.header != NULL)
		wrong = r->ev.header(r->ev.arg, &r->header);
	return wrong == NULL ? true : refuse(r, wrong);
}

/* ---- entries ----------------------------------------------------------- */

/* Cuts the line at its spaces; false unless there are exactly FIELDS. */
static bool
split(char *s, char *field[FIELDS])
{
	size_t i;

	for (i = 0; i < FIELDS; i++) {
		field[i] = s;
		s = strchr(s, ' ');
		if (s == NULL)
			return i == FIELDS - 1;
		*s++ = '\0';
	}
	return false;
}

static const char *
read_content(struct entry *e, char *v)
{
	switch (e->type) {
	case ENTRY_FILE:
	case ENTRY_SQLITE:
		return hash_parse(v, strlen(v), &e->object) ? NULL :
		    "object must be 64 hex digits";
	case ENTRY_DIR:
		return strcmp(v, "-") == 0 ? NULL :
		    "directory must have \"-\" as content";
	case ENTRY_LINK:
		break;
	}
	if (v[0] != '>' || v[1] == '\0' || strcmp(v + 1, "-") == 0 ||
	    !read_text(v + 1, &e->target))
		return "target is not written as it must be";
	return NULL;
}

static const char *
read_xattrs(struct entry *e, char *v, struct entry_xattr *x)
{
	char *equal, *end;
	size_t len;

	e->xattrs = x;
	if (strcmp(v, "-") == 0)
		return NULL;
	for (;;) {
		if (e->nxattrs == MANIFEST_XATTRS_MAX)
			return "entry has more than 64 extended attributes";
		end = strchrnul(v, ',');
		equal = memchr(v, '=', (size_t)(end - v));
		if (equal == NULL)
			return "extended attribute has no \"=\"";
		x[e->nxattrs].name = v;
		x[e->nxattrs].value = equal + 1;
		v = *end == ',' ? end + 1 : NULL;
		if (!unescape(equal + 1, end, &len) || len > UINT32_MAX)
			return "extended attribute is not written as it must "
			    "be";
		x[e->nxattrs].len = (uint32_t)len;
		*equal = '\0';
		if (!read_text((char *)(uintptr_t)x[e->nxattrs].name,
		    &x[e->nxattrs].name))
			return "extended attribute has a bad name";
		e->nxattrs++;
		if (v == NULL)
			return NULL;
	}
}

static const char *
read_owner(struct entry *e, char *field[FIELDS])
{
	uint64_t uid, gid;

	if (!read_mode(field[1], &e->mode))
		return "mode must be four octal digits";
	if (!read_number(field[2], UINT32_MAX, &uid) ||
	    !read_number(field[3], UINT32_MAX, &gid))
		return "owner must be two numbers";
	e->uid = (uint32_t)uid;
	e->gid = (uint32_t)gid;
	if (!read_text(field[4], &e->user) || !read_text(field[5], &e->group))
		return "owner's name is not written as it must be";
	return NULL;
}

static const char *
read_entry(struct entry *e, char *line, struct entry_xattr *x)
{
	char *field[FIELDS];
	const char *wrong;
	uint64_t link;

	if (!split(line, field))
		return "entry must have twelve fields, one space between";
	if (field[0][0] == '\0' || field[0][1] != '\0' ||
	    strchr("fqdl", field[0][0]) == NULL)
		return "type must be one of f q d l";
	*e = (struct entry){ .type = (enum entry_type)field[0][0],
	    .target = "" };
	wrong = read_owner(e, field);
	if (wrong != NULL)
		return wrong;
	if (!read_number(field[6], INT64_MAX, &e->size))
		return "size is no number";
	if (!read_signed(field[7], &e->mtime_ns))
		return "time is no number";
	wrong = read_content(e, field[8]);
	if (wrong != NULL)
		return wrong;
	if (!read_number(field[9], UINT32_MAX, &link))
		return "link group is no number";
	e->link = (uint32_t)link;
	wrong = read_xattrs(e, field[10], x);
	if (wrong != NULL)
		return wrong;
	if (!read_text(field[11], &e->path))
		return "path is not written as it must be";
	return entry_check(e);
}

static const char *
put_line(struct manifest_reader *r, char *line)
{
	struct entry_xattr x[MANIFEST_XATTRS_MAX];
	struct entry e;
	const char *wrong = read_entry(&e, line, x);

	if (wrong != NULL)
		return wrong;
	r->bytes += entry_bytes(&e);
	if (r->bytes > r->limits.bytes)
		return "bytes are above the limit";
	wrong = r->header.full ? lineage_next(&r->lineage, &e) :
	    lineage_order(&r->lineage, e.path);
	if (wrong == NULL && r->ev.put != NULL)
		wrong = r->ev.put(r->ev.arg, &e);
	return wrong;
}

static const char *
drop_line(struct manifest_reader *r, char *text)
{
	const char *path, *wrong;

	if (!read_text(text, &path))
		return "path is not written as it must be";
	wrong = path_check(path, strlen(path));
	if (wrong == NULL)
		wrong = lineage_order(&r->lineage, path);
	if (wrong == NULL && r->ev.drop != NULL)
		wrong = r->ev.drop(r->ev.arg, path);
	return wrong;
}

static bool
entry_line(struct manifest_reader *r)
{
	const char *wrong;

	if (++r->lines > r->header.lines)
		return refuse(r, "is one more than the header says");
	if (r->header.full)
		wrong = put_line(r, r->buf);
	else if (r->buf[0] == '+')
		wrong = put_line(r, r->buf + 1);
	else if (r->buf[0] == '-')
		wrong = drop_line(r, r->buf + 1);
	else
		wrong = "line of a delta must begin with + or -";
	return wrong == NULL ? true : refuse(r, wrong);
}

/* ---- lines ------------------------------------------------------------- */

static bool
keep(struct manifest_reader *r, const char *from, size_t len)
{
	size_t size = r->size == 0 ? 1024 : r->size;
	char *buf;

	if (len > MANIFEST_LINE_MAX - r->len)
		return refuse(r, "is longer than 256 kB");
	while (size < r->len + len + 1)
		size *= 2;
	if (size > r->size) {
		buf = realloc(r->buf, size);
		if (buf == NULL)
			return refuse(r, "no memory for it");
		r->buf = buf;
		r->size = size;
	}
	memcpy(r->buf + r->len, from, len);
	r->len += len;
	r->buf[r->len] = '\0';
	return true;
}

static bool
take_line(struct manifest_reader *r)
{
	bool good;

	if (memchr(r->buf, '\0', r->len) != NULL)
		return refuse(r, "has a NUL");
	good = r->line <= HEADER_LINES ? header_line(r) : entry_line(r);
	if (!good)
		return false;
	r->len = 0;
	r->line++;
	return true;
}

bool
manifest_feed(struct manifest_reader *r, const void *buf, size_t len)
{
	const char *p = buf, *end;

	if (r->error[0] != '\0')
		return false;
	if (len > r->limits.text - r->text)
		return refuse(r, "manifest is longer than the limit");
	r->text += len;
	while (len > 0) {
		end = memchr(p, '\n', len);
		if (!keep(r, p, end == NULL ? len : (size_t)(end - p)))
			return false;
		if (end == NULL)
			return true;
		if (!take_line(r))
			return false;
		len -= (size_t)(end + 1 - p);
		p = end + 1;
	}
	return true;
}

bool
manifest_end(struct manifest_reader *r)
{
	if (r->error[0] != '\0')
		return false;
	if (r->len > 0)
		return refuse(r, "does not end");
	if (r->line <= HEADER_LINES)
		return refuse(r, "header is not complete");
	if (r->lines != r->header.lines)
		return refuse(r, "fewer lines than the header says");
	if (r->header.full && r->bytes != r->header.bytes)
		return refuse(r, "bytes are not what the header says");
	return true;
}
