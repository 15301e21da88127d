/* SPDX-License-Identifier: ISC */

/*
 * Supervisor: makes the programs by which the kernel sorts packets before
 * the elector wakes.  The supervisor itself never sees a packet.
 */

#include <assert.h>
#include <netinet/ip.h>

#include "advert.h"
#include "advert_filter.h"

/* Targets that are filled in when the length is known; both < 256. */
#define TO_YES		0xfe
#define TO_NO		0xff

struct maker {
	struct sock_filter	*prog;
	size_t			n;
};

static void
emit(struct maker *m, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	assert(m->n < ADVERT_FILTER_MAX);
	m->prog[m->n++] = (struct sock_filter){
		.code = code, .jt = jt, .jf = jf, .k = k,
	};
}

/* X = length of the IP header; refuses what has no room for an advert. */
static void
emit_shape(struct maker *m)
{
	emit(m, BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0);
	/* 2.9: by the packet first, or the loads below end the program. */
	emit(m, BPF_LD | BPF_W | BPF_LEN, 0, 0, 0);
	emit(m, BPF_ALU | BPF_SUB | BPF_X, 0, 0, 0);
	emit(m, BPF_JMP | BPF_JGE | BPF_K, 0, TO_NO, ADVERT_PAYLOAD_MIN);
	emit(m, BPF_JMP | BPF_JGT | BPF_K, TO_NO, 0, 0x7fffffff);
	/* 2.9: and by the IP length. */
	emit(m, BPF_LD | BPF_H | BPF_ABS, 0, 0, 2);
	emit(m, BPF_ALU | BPF_SUB | BPF_X, 0, 0, 0);
	emit(m, BPF_JMP | BPF_JGE | BPF_K, 0, TO_NO, ADVERT_PAYLOAD_MIN);
	emit(m, BPF_JMP | BPF_JGT | BPF_K, TO_NO, 0, ADVERT_PAYLOAD_MAX);
	emit(m, BPF_LD | BPF_B | BPF_ABS, 0, 0, 8);	/* 2.2 */
	emit(m, BPF_JMP | BPF_JEQ | BPF_K, 0, TO_NO, ADVERT_TTL);
	emit(m, BPF_LD | BPF_H | BPF_ABS, 0, 0, 6);
	emit(m, BPF_JMP | BPF_JSET | BPF_K, TO_NO, 0, IP_MF | IP_OFFMASK);
}

/* 2.11: the id at payload byte 1 is one of the set. */
static void
emit_vhids(struct maker *m, const struct vhid_set *set)
{
	uint32_t w;

	emit(m, BPF_LD | BPF_B | BPF_IND, 0, 0, 1);
	emit(m, BPF_ST, 0, 0, 0);
	emit(m, BPF_ALU | BPF_AND | BPF_K, 0, 0, 31);
	emit(m, BPF_MISC | BPF_TAX, 0, 0, 0);
	emit(m, BPF_LD | BPF_MEM, 0, 0, 0);
	emit(m, BPF_ALU | BPF_RSH | BPF_K, 0, 0, 5);
	for (w = 0; w < 8; w++) {
		if (set->word[w] == 0)
			continue;
		emit(m, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, w);
		emit(m, BPF_LD | BPF_IMM, 0, 0, set->word[w]);
		emit(m, BPF_ALU | BPF_RSH | BPF_X, 0, 0, 0);
		emit(m, BPF_JMP | BPF_JSET | BPF_K, TO_YES, TO_NO, 1);
	}
	emit(m, BPF_JMP | BPF_JA, 0, 0, TO_NO);
}

static uint8_t
resolve(uint8_t jump, size_t at, size_t yes, size_t no)
{
	size_t to;

	if (jump != TO_YES && jump != TO_NO)
		return jump;
	to = jump == TO_YES ? yes : no;
	assert(to > at);
	return (uint8_t)(to - at - 1);
}

size_t
advert_filter(struct sock_filter prog[ADVERT_FILTER_MAX],
    const struct vhid_set *set, enum socket_kind kind)
{
	struct maker m = { .prog = prog };
	size_t i, yes, no;

	emit_shape(&m);
	emit_vhids(&m, set);
	yes = m.n;
	emit(&m, BPF_RET | BPF_K, 0, 0,
	    kind == SOCKET_ADVERT ? UINT32_MAX : 0);
	no = m.n;
	emit(&m, BPF_RET | BPF_K, 0, 0,
	    kind == SOCKET_ADVERT ? 0 : UINT32_MAX);
	for (i = 0; i < yes; i++) {
		if (BPF_CLASS(prog[i].code) != BPF_JMP)
			continue;
		if (BPF_OP(prog[i].code) == BPF_JA) {
			prog[i].k = resolve(TO_NO, i, yes, no);
			continue;
		}
		prog[i].jt = resolve(prog[i].jt, i, yes, no);
		prog[i].jf = resolve(prog[i].jf, i, yes, no);
	}
	return m.n;
}
