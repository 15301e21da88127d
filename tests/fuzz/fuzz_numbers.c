/* SPDX-License-Identifier: ISC */

/*
 * The keeper's file of numbers, damaged in any way: what is read has good
 * sums, and a number that is stored on top of it is there the next time.
 *
 * FUZZ: vrrpd/keeper/numbers.c vrrpd/keeper/disk.c common/conf.c common/conf_find.c common/log.c common/mono.c -Ivrrpd/keeper
 */
#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"
#include "log.h"
#include "numbers.h"

static struct numbers s;
static int dir = -1;

/* Bytes of the input over the file that is there: offset, length, content. */
static void
damage(const uint8_t *data, size_t len)
{
	int fd = openat(dir, NUMBERS_FILE, O_WRONLY | O_CREAT, 0600);
	size_t n;

	if (fd == -1)
		abort();
	while (len > 3) {
		n = data[2];
		if (n > len - 3)
			n = len - 3;
		if (pwrite(fd, data + 3, n, (data[0] << 8 | data[1]) %
		    (3 * NUMBERS_SLOT)) == -1)
			abort();
		data += 3 + n;
		len -= 3 + n;
	}
	(void)close(fd);
}

static void
begin(void)
{
	if (s.fd > 0)
		(void)close(s.fd);
	memset(&s, 0, sizeof(s));
	numbers_init(&s, dir);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct conf_addr node = { 4, { 0 }, { 192, 168, 70, 1 } };
	uint32_t place, term;

	if (dir == -1) {
		const char *name = getenv("FUZZ_STATE");

		dir = open(name != NULL ? name : ".",
		    O_RDONLY | O_DIRECTORY);
		if (dir == -1)
			abort();
		log_init(open("/dev/null", O_WRONLY), LOG_LEVEL_ERROR);
	}
	damage(data, len);
	begin();
	if (numbers_open(&s) != 0)
		return 0;
	place = numbers_place(&s, "vpn");
	term = s.record[place].term;
	if (term < INT32_MAX)
		term++;
	numbers_term(&s, place, term, &node);
	FUZZ_MUST(numbers_flush(&s) == 0);
	begin();
	FUZZ_MUST(numbers_open(&s) == 0);
	place = numbers_place(&s, "vpn");
	FUZZ_MUST(s.record[place].term == term);
	return 0;
}
