/* SPDX-License-Identifier: ISC */

/*
 * Frames of the held channel: raw, and as the body of a frame with a good
 * head, so that every decoder is reached.  What is taken has one spelling.
 *
 * FUZZ: syncd/wire/frame.c syncd/wire/encode.c -Isyncd/wire -Isyncd/store
 */

#include "fuzz.h"
#include "frame.h"

static void
check(const uint8_t *buf, size_t len)
{
	static uint8_t again[FRAME_MAX];
	static struct frame f;
	enum frame_verdict v, head;
	enum frame_type type;
	struct hash h;
	size_t whole;
	uint32_t i;

	head = frame_head(buf, len, &type, &whole);
	v = frame_decode(buf, len, &f);
	FUZZ_MUST(frame_verdict_word(v) != NULL);
	if (head != FRAME_OK)
		FUZZ_MUST(v == head);
	if (v != FRAME_OK)
		return;
	FUZZ_MUST(whole == len);
	FUZZ_MUST(f.type == type);
	FUZZ_MUST(frame_encode(&f, again, sizeof(again)) == len);
	FUZZ_MUST(memcmp(buf, again, len) == 0);
	FUZZ_MUST(frame_encode(&f, again, len - 1) == 0);
	if (f.type == FRAME_WANT)
		for (i = 0; i < f.want.n; i++)
			frame_want_at(&f.want, i, &h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *frame = malloc(len + FRAME_HEAD_LEN);

	if (frame == NULL)
		abort();
	memcpy(frame, data, len);
	check(frame, len);
	if (len > 0) {
		memcpy(frame, "vS", 2);
		frame[2] = (uint8_t)(data[0] % (FRAME_TYPES + 1));
		frame[3] = 0;
		frame[4] = frame[5] = 0;
		frame[6] = (uint8_t)((len - 1) >> 8);
		frame[7] = (uint8_t)(len - 1);
		memcpy(frame + FRAME_HEAD_LEN, data + 1, len - 1);
		check(frame, len - 1 + FRAME_HEAD_LEN);
	}
	free(frame);
	return 0;
}
