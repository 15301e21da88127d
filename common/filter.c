/* SPDX-License-Identifier: ISC */

/*
 * Every room: loads its list of system calls, last thing before its loop.
 * Whatever is not in the list kills the process; a room that starts programs
 * of others has a list of what is forbidden instead.  The list is data (one
 * array per room in a file of its own); this makes the instructions.
 */

#include <sys/prctl.h>
#include <sys/syscall.h>

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <unistd.h>

#include "log.h"
#include "room.h"
#include "version.h"

#if defined(__x86_64__)
#define ARCH_HERE	AUDIT_ARCH_X86_64
#define X32_BIT		0x40000000u
#elif defined(__aarch64__)
#define ARCH_HERE	AUDIT_ARCH_AARCH64
#else
#error "the system call filter knows x86_64 and aarch64 only"
#endif

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "the low word of an argument comes first");

#define CODE_MAX	512

struct code {
	struct sock_filter	at[CODE_MAX];
	unsigned short		n;
};

static void
put(struct code *c, uint16_t op, uint32_t k, uint8_t jt, uint8_t jf)
{
	assert(c->n < CODE_MAX);
	c->at[c->n++] = (struct sock_filter){
		.code = op, .jt = jt, .jf = jf, .k = k,
	};
}

static void
put_load(struct code *c, size_t offset)
{
	put(c, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void
put_return(struct code *c, uint32_t action)
{
	put(c, BPF_RET | BPF_K, action, 0, 0);
}

/* Another architecture's numbers mean other calls: none of them may pass. */
static void
put_arch(struct code *c)
{
	put_load(c, offsetof(struct seccomp_data, arch));
	put(c, BPF_JMP | BPF_JEQ | BPF_K, ARCH_HERE, 1, 0);
	put_return(c, SECCOMP_RET_KILL_PROCESS);
	put_load(c, offsetof(struct seccomp_data, nr));
#ifdef X32_BIT
	put(c, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	put_return(c, SECCOMP_RET_KILL_PROCESS);
#endif
}

/* Enters with the call's number loaded, and leaves so if it does not match. */
static void
put_rule(struct code *c, const struct filter_rule *r, uint32_t action)
{
	const uint32_t mask = (uint32_t)r->mask;

	assert(r->nr >= 0);
	assert(r->arg >= -1);
	assert(r->arg <= 5);
	if (r->arg == -1) {
		put(c, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->nr, 0, 1);
		put_return(c, action);
		return;
	}
	put(c, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->nr, 0,
	    mask != 0 ? 5 : 4);
	put_load(c, offsetof(struct seccomp_data, args) +
	    (size_t)r->arg * sizeof(uint64_t));
	if (mask != 0)
		put(c, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	put(c, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->value, 0, 1);
	put_return(c, action);
	put_load(c, offsetof(struct seccomp_data, nr));
}

static void
load(struct code *c)
{
	struct sock_fprog prog = { .len = c->n, .filter = c->at };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("filter: no_new_privs");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == -1)
		fatal("filter: the kernel refuses the list of system calls");
}

void
room_filter(const struct filter_rule *rule, size_t n)
{
	struct code c = { .n = 0 };
	size_t i;

	if (VIPAIR_SANITIZED) {
		log_info("filter: none, built with a sanitizer");
		return;
	}
	put_arch(&c);
	for (i = 0; i < n; i++)
		put_rule(&c, &rule[i], SECCOMP_RET_ALLOW);
	put_return(&c, SECCOMP_RET_KILL_PROCESS);
	load(&c);
}

void
room_filter_deny(const struct filter_deny *deny, size_t n)
{
	static const uint32_t action[] = {
		[FILTER_PASS] = SECCOMP_RET_ALLOW,
		[FILTER_REFUSE] = SECCOMP_RET_ERRNO | EPERM,
		[FILTER_ABSENT] = SECCOMP_RET_ERRNO | ENOSYS,
		[FILTER_KILL] = SECCOMP_RET_KILL_PROCESS,
	};
	struct code c = { .n = 0 };
	size_t i;

	if (VIPAIR_SANITIZED) {
		log_info("filter: none, built with a sanitizer");
		return;
	}
	put_arch(&c);
	for (i = 0; i < n; i++)
		put_rule(&c, &deny[i].rule, action[deny[i].fate]);
	put_return(&c, SECCOMP_RET_ALLOW);
	load(&c);
}
