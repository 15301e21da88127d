/* SPDX-License-Identifier: ISC */

/*
 * hmac.c: known answers, pieces, and that it lives under the strictest
 * filter there is, which allows a process nothing but to read, write and end.
 */
#include <sys/wait.h>

#include <check.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hmac.h"
#include "kit.h"

/* RFC 2202 and RFC 4231: cases 1, 2, 6 (a key longer than a block). */
static const struct answer {
	enum hmac_hash	 hash;
	uint8_t		 key_byte;
	size_t		 key_len;
	const char	*data, *hex;
} answers[] = {
	{ HMAC_SHA1, 0x0b, 20, "Hi There",
	    "b617318655057264e28bc0b6fb378c8ef146be00" },
	{ HMAC_SHA1, 0xaa, 80, "Test Using Larger Than Block-Size Key - Hash "
	    "Key First", "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
	{ HMAC_SHA256, 0x0b, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b"
	    "881dc200c9833da726e9376c2e32cff7" },
	{ HMAC_SHA256, 0xaa, 131, "Test Using Larger Than Block-Size Key - "
	    "Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54" },
};

START_TEST(test_answer)
{
	const struct answer *t = &answers[_i];
	uint8_t key[160], want[32], got[32];
	size_t len = strlen(t->data);

	memset(key, t->key_byte, t->key_len);
	kit_hex(t->hex, want, sizeof(want) + 1);
	/* Cut in three everywhere. */
	for (size_t i = 0; i <= len; i++) {
		const struct piece piece[3] = {
			{ t->data, i / 2 }, { t->data + i / 2, i - i / 2 },
			{ t->data + i, len - i },
		};

		hmac_of(t->hash, key, t->key_len, piece, 3, got);
		ck_assert_mem_eq(got, want, t->hash);
	}
}
END_TEST

/* Strict mode: read, write, exit and sigreturn; all else is death. */
START_TEST(test_under_strict_filter)
{
	uint8_t out[HMAC_SHA256];
	pid_t pid;
	int status;

	hmac_start();
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == -1)
			_exit(2);
		for (size_t i = 0; i < 4; i++)
			hmac_of(answers[i].hash, out, 20, &(struct piece){
			    answers[i].data, 8 }, 1, out);
		/* exit_group, which _exit() calls, is not on the list. */
		syscall(SYS_exit, 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hmac");
	TCase *tc = tcase_create("hmac");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, test_answer, 0,
	    (int)(sizeof(answers) / sizeof(answers[0])));
	tcase_add_test(tc, test_under_strict_filter);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
