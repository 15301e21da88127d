/* SPDX-License-Identifier: ISC */

/*
 * Manifests: what is read is written again as the same bytes, in whatever
 * pieces it came; what is refused is named with its line; and a delta that
 * applies leaves a tree that is one.
 *
 * FUZZ: syncd/store/entry.c syncd/store/tree.c syncd/store/delta.c syncd/store/manifest_read.c syncd/store/manifest_whole.c syncd/store/manifest_write.c syncd/store/hashtext.c common/log.c
 */
#include "../../syncd/store/manifest.h"
#include "fuzz.h"

#define HEAD	"vipair manifest 1\npair p\nterm 1\nnode 0\ngeneration "
#define Z16	"0000000000000000"
#define ZERO	Z16 Z16 Z16 Z16
#define O16	"1111111111111111"
#define ONE	O16 O16 O16 O16

/* The bytes must be the only way to write it. */
static void
canonical(const uint8_t *data, size_t len, const struct manifest_header *h,
    const struct tree *t, const struct delta *d)
{
	struct manifest_text m = { .text = NULL };
	struct tree *none = tree_new();
	const uint8_t *tail;

	if (t != NULL) {
		FUZZ_MUST(tree_check(t) == NULL);
		FUZZ_MUST(manifest_write_full(&m, h, t));
		FUZZ_MUST(m.len == len && memcmp(m.text, data, len) == 0);
	} else {
		/* Its sums are of a tree that is not here: the lines only. */
		FUZZ_MUST(manifest_write_delta(&m, h, none, d));
		tail = (const uint8_t *)memmem(data, len, "\nlines ", 7);
		FUZZ_MUST(tail != NULL);
		len -= (size_t)(tail - data);
		FUZZ_MUST(m.len >= len);
		FUZZ_MUST(memcmp(m.text + m.len - len, tail, len) == 0);
	}
	tree_free(none);
	manifest_text_free(&m);
}

/* In pieces as the first byte says: the same verdict. */
static bool
in_pieces(const uint8_t *data, size_t len, size_t piece)
{
	struct manifest_events none = { .arg = NULL };
	struct manifest_reader *r = manifest_reader_new(&none, NULL);
	bool good = true;
	size_t at, n;

	for (at = 0; good && at < len; at += n) {
		n = len - at < piece ? len - at : piece;
		good = manifest_feed(r, data + at, n);
	}
	good = good && manifest_end(r);
	FUZZ_MUST(good == (manifest_reader_error(r)[0] == '\0'));
	manifest_reader_free(r);
	return good;
}

static void
apply(struct delta *d)
{
	static const char *const path[] = { "a", "a/b", "a/b/c", "d", "e" };
	struct tree *t = tree_new();
	size_t i, n;

	for (i = 0; i < 5; i++)
		(void)tree_put(t, &(struct entry){ .path = path[i],
		    .type = ENTRY_DIR, .user = "", .group = "",
		    .target = "" });
	n = tree_count(t);
	if (tree_apply(t, d) != NULL)
		FUZZ_MUST(tree_count(t) == n);
	FUZZ_MUST(tree_check(t) == NULL);
	tree_free(t);
}

static void
one(const uint8_t *data, size_t len, size_t piece)
{
	char error[MANIFEST_ERROR_MAX];
	struct manifest_header h;
	struct delta *d;
	struct tree *t;
	bool good;

	good = manifest_read(data, len, &h, &t, &d, NULL, error);
	FUZZ_MUST(good == in_pieces(data, len, piece));
	if (!good) {
		FUZZ_MUST(strncmp(error, "manifest line ", 14) == 0);
		return;
	}
	canonical(data, len, &h, t, d);
	if (d != NULL)
		apply(d);
	tree_free(t);
	delta_free(d);
}

/* Bytes behind a good header, so that entries are reached. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const heads[] = {
		HEAD "2\nprevious " ONE "\ntime 1\nkind delta\n"
		    "entries 9\nbytes 9\nlines ",
		HEAD "1\nprevious " ZERO "\ntime 1\nkind full\nentries ",
	};
	size_t lines = 0, i, n, which;
	char *text;

	if (len < 2)
		return 0;
	one(data + 1, len - 1, 1 + data[0] % 64u);
	which = data[0] / 64u % 2;
	for (i = 1; i < len; i++)
		lines += data[i] == '\n';
	text = malloc(512 + len);
	if (text == NULL)
		abort();
	n = which == 0 ?
	    (size_t)snprintf(text, 512, "%s%zu\n", heads[0], lines) :
	    (size_t)snprintf(text, 512, "%s%zu\nbytes 0\nlines %zu\n",
	    heads[1], lines, lines);
	memcpy(text + n, data + 1, len - 1);
	one((const uint8_t *)text, n + len - 1, 1 + data[0] % 64u);
	free(text);
	return 0;
}
