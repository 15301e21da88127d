/* SPDX-License-Identifier: ISC */

/*
 * vipctl support-bundle: an archive of plain files, POSIX ustar.
 */
#include <assert.h>
#include <string.h>
#include <time.h>

#include "bundle.h"

#define BLOCK	512

struct tar_head {
	char	name[100], mode[8], uid[8], gid[8], size[12], mtime[12];
	char	sum[8], type, link[100], magic[6], version[2];
	char	user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};

static_assert(sizeof(struct tar_head) == BLOCK, "a header is one block");

static bool
pad(FILE *f, size_t len)
{
	static const char zero[BLOCK];
	size_t rest = (BLOCK - len % BLOCK) % BLOCK;

	return fwrite(zero, 1, rest, f) == rest;
}

bool
tar_add(FILE *f, const char *name, const char *text, size_t len)
{
	const unsigned char *b;
	struct tar_head h;
	unsigned sum = 0;
	size_t i;

	assert(strlen(name) < sizeof(h.name));
	memset(&h, 0, sizeof(h));
	memcpy(h.name, name, strlen(name));
	memcpy(h.mode, "0000600", 8);
	memcpy(h.uid, "0000000", 8);
	memcpy(h.gid, "0000000", 8);
	snprintf(h.size, sizeof(h.size), "%011zo", len & 077777777777u);
	snprintf(h.mtime, sizeof(h.mtime), "%011llo",
	    (unsigned long long)time(NULL) & 077777777777u);
	memset(h.sum, ' ', sizeof(h.sum));
	h.type = '0';
	memcpy(h.magic, "ustar", 6);
	memcpy(h.version, "00", 2);
	for (i = 0, b = (const unsigned char *)&h; i < sizeof(h); i++)
		sum += b[i];
	snprintf(h.sum, sizeof(h.sum), "%06o", sum & 0777777u);
	h.sum[7] = ' ';
	return fwrite(&h, 1, sizeof(h), f) == sizeof(h) &&
	    fwrite(text, 1, len, f) == len && pad(f, len);
}

bool
tar_end(FILE *f)
{
	static const char zero[2 * BLOCK];

	return fwrite(zero, 1, sizeof(zero), f) == sizeof(zero) &&
	    fflush(f) == 0;
}
