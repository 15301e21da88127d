/* SPDX-License-Identifier: ISC */

/* The card of `vipctl pair`: what comes back, and what is never taken. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

#define KEY	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGw+/9="
#define HEAD	"vipair pair card 1\n"
#define BODY	"pair vpn\nnode alpha\naddress 192.168.70.1\nkey " KEY \
		"\nhost " KEY "\n"
#define END	"end of card\n"

static struct card card;
static char why[160];

static bool
reads(const char *text)
{
	char copy[4096];
	FILE *f;
	bool ok;

	(void)strcpy(copy, text);
	f = fmemopen(copy, strlen(copy), "r");
	ck_assert_ptr_nonnull(f);
	ok = card_read(f, &card, why, sizeof(why));
	(void)fclose(f);
	return ok;
}

START_TEST(there_and_back)
{
	char text[4096];
	FILE *f = fmemopen(text, sizeof(text), "w");
	const struct card c = {
		.pair = "vpn", .node = "alpha", .address = "192.168.70.1",
		.key = KEY, .host = KEY,
		.secret = "key 1 hex:00\nactive 1\n",
	};

	ck_assert_ptr_nonnull(f);
	card_write(f, &c);
	(void)fclose(f);
	ck_assert(reads(text));
	ck_assert_mem_eq(&card, &c, sizeof(c));
}
END_TEST

START_TEST(among_other_lines)
{
	ck_assert(reads("Welcome to alpha\r\n" HEAD BODY END "bye\n"));
	ck_assert_str_eq(card.node, "alpha");
	ck_assert_str_eq(card.secret, "");
	ck_assert(reads("vipair pair card 1\r\npair vpn\r\nnode alpha\r\n"
	    "address 192.168.70.1\r\nkey " KEY "\r\nhost " KEY "\r\n"
	    "end of card\r\n"));
	ck_assert_str_eq(card.host, KEY);
}
END_TEST

/* Each would say something to sshd or to a shell. */
static const char *const bad[] = {
	"",
	BODY END,
	HEAD BODY,
	HEAD "pair vpn\n" END,
	HEAD "pair ../etc\n" BODY END,
	HEAD "pair -f\n" BODY END,
	HEAD BODY "node a b\n" END,
	HEAD BODY "node a\"b\n" END,
	HEAD BODY "address $(id)\n" END,
	HEAD BODY "address fe80::1%eth0\n" END,
	HEAD BODY "key command=\"id\" " KEY "\n" END,
	HEAD BODY "key ssh-rsa AAAA\n" END,
	HEAD BODY "key ssh-ed25519 AAAA comment\n" END,
	HEAD BODY "host " KEY "\nother line\n" END,
	HEAD BODY "secret a\tb\n" END,
	HEAD BODY "secret\n" END,
	HEAD BODY "key ssh-ed25519 \n" END,
};

START_TEST(refused)
{
	ck_assert_msg(!reads(bad[_i]), "%s", bad[_i]);
	ck_assert_uint_gt(strlen(why), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("vipctl_pair");
	TCase *t = tcase_create("card");
	SRunner *r;
	int failed;

	tcase_add_test(t, there_and_back);
	tcase_add_test(t, among_other_lines);
	tcase_add_loop_test(t, refused, 0, sizeof(bad) / sizeof(bad[0]));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
