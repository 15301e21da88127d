/* SPDX-License-Identifier: ISC */

/*
 * The real actuator, driven over its channels in a network namespace of its
 * own: what is asserted on are addresses in the kernel and frames on the far
 * end of a veth.  Needs root and the users of the package.
 */

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "ipc.h"
#include "mono.h"
#include "room.h"
#include "sealed.h"

#define VIP		"192.168.70.222"
#define WAIT_MS		5000	/* tells a hang from work */

static const char *actuator_path;
static char empty[] = "/tmp/actuator-test-XXXXXX";
static struct channel sup, el;
static pid_t pid;
static int wire;		/* packet socket at the far end */

static struct {
	struct conf	c;
	struct conf_pair p;
	struct conf_addr a;
	struct conf_node n;
	char		strings[16];
} blob = {
	.c = { .magic = CONF_MAGIC, .version = CONF_VERSION,
	    .size = sizeof(blob), .serial = 1, .npairs = 1, .naddrs = 1,
	    .nnodes = 1, .strings_len = sizeof(blob.strings) },
	.p = { .name = 1, .naddrs = 1, .nnodes = 1, .interval_ms = 1000,
	    .claim_spacing_ms = 20, .protocol = PROTOCOL_CARP, .vhid = 94,
	    .flap_window_ms = 600000, .flap_limit = 3, .partner_ssh_port = 22 },
	.a = { 4, { 0 }, { 192, 168, 70, 222 } },
	.n = { .name = 5, .address = { 4, { 0 }, { 192, 168, 70, 1 } },
	    .priority = 254 },
	.strings = "\0vpn\0alpha",
};

static void
sh(const char *command)
{
	ck_assert_msg(system(command) == 0, "%s", command);
}

static int
moved(int fd, int to)
{
	/* No ck_ call here: its own pipe may be what is replaced. */
	if (dup2(fd, to) == -1)
		_exit(96);
	return to;
}

/* In the child: the descriptor table of room.h. */
static void
exec_actuator(int log_fd, int sup_fd, int el_fd, int conf_fd)
{
	const struct passwd *pw = getpwnam(USER_ACTUATOR);
	char name[] = "actuator", uid[16], gid[16];
	char *argv[] = { name, uid, gid, NULL }, *envp[] = { NULL };
	int base = 40;

	if (pw == NULL)
		_exit(99);
	(void)snprintf(uid, sizeof(uid), "%u", pw->pw_uid);
	(void)snprintf(gid, sizeof(gid), "%u", pw->pw_gid);
	log_fd = moved(log_fd, base++);
	sup_fd = moved(sup_fd, base++);
	el_fd = moved(el_fd, base++);
	conf_fd = moved(conf_fd, base++);
	(void)moved(log_fd, ROOM_FD_LOG);
	(void)moved(sup_fd, ROOM_FD_SUPERVISOR);
	(void)moved(el_fd, ROOM_FD_PEER);
	(void)moved(conf_fd, ROOM_FD_CONF);
	(void)close(6);
	(void)close(7);
	(void)close_range(9, ~0U, 0);
	if (chdir(empty) == -1)
		_exit(98);
	execve(actuator_path, argv, envp);
	_exit(97);
}

static void
start_actuator(void)
{
	int s[2], e[2], log[2], conf = sealed_make("conf", &blob,
	    sizeof(blob));

	ck_assert_int_ne(conf, -1);
	ck_assert_int_eq(ipc_pair(s), 0);
	ck_assert_int_eq(ipc_pair(e), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, log), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		exec_actuator(2, s[1], e[1], conf);
	(void)close(s[1]);
	(void)close(e[1]);
	(void)close(conf);
	sup = (struct channel){ s[0], ROOM_SUPERVISOR, ROOM_ACTUATOR };
	el = (struct channel){ e[0], ROOM_ELECTOR, ROOM_ACTUATOR };
}

/* Waits for a message of that type on a channel; others are passed over. */
static union msg
await(struct channel *ch, unsigned type)
{
	mono_t until = mono_after(mono_now(), WAIT_MS * NS_PER_MS);
	union msg m;
	int fd;

	while (mono_now().ns < until.ns) {
		struct pollfd p = { ch->fd, POLLIN, 0 };
		enum ipc_status st;

		(void)poll(&p, 1, 100);
		st = ipc_recv(ch, &m, &fd);
		ck_assert_int_ge(st, IPC_AGAIN);
		if (st == IPC_OK && m.head.type == type)
			return m;
	}
	ck_abort_msg("no %s within %d ms", ipc_name(type), WAIT_MS);
	return m;
}

static bool
vip_is_there(void)
{
	struct ifaddrs *all;
	bool found = false;

	ck_assert_int_eq(getifaddrs(&all), 0);
	for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET &&
		    ((const struct sockaddr_in *)(const void *)i->ifa_addr)
		    ->sin_addr.s_addr == inet_addr(VIP))
			found = true;
	freeifaddrs(all);
	return found;
}

/* Until the kernel says so, or a hang. */
static void
await_vip(bool there)
{
	mono_t until = mono_after(mono_now(), WAIT_MS * NS_PER_MS);

	while (vip_is_there() != there) {
		ck_assert_msg(mono_now().ns < until.ns, "address %s",
		    there ? "did not come" : "did not go");
		(void)poll(NULL, 0, 2);
	}
}

static void
make_farewell(struct msg_renew *r)
{
	static const uint8_t ip[20] = { 0x45, 0, 0, 56, 0, 0, 0x40, 0, 255,
	    112, 0, 0, 192, 168, 70, 1, 224, 0, 0, 18 };

	memcpy(r->farewell, ip, sizeof(ip));
	r->farewell[20] = 0x21;
	r->farewell_len = 56;
}

static void
order(unsigned type, mono_t advert)
{
	union msg m = { .renew = { .head = { (uint16_t)type, 0, 1 },
	    .advert_ns = advert.ns, .lease_s = 2 } };

	make_farewell(&m.renew);
	ck_assert_int_eq(ipc_send(&el, &m, -1), IPC_OK);
}

static void
simple(unsigned type)
{
	union msg m = { .head = { (uint16_t)type, 0, 1 } };

	ck_assert_int_eq(ipc_send(&el, &m, -1), IPC_OK);
}

/* Counts frames of a kind on the wire within a time; -1 waits for one. */
static int
frames_seen(uint16_t ethertype, int ms)
{
	mono_t until = mono_after(mono_now(), ms * NS_PER_MS);
	int n = 0;

	while (mono_now().ns < until.ns) {
		struct pollfd p = { wire, POLLIN, 0 };
		uint8_t f[256];
		ssize_t len;

		if (poll(&p, 1, 10) != 1)
			continue;
		len = recv(wire, f, sizeof(f), MSG_DONTWAIT);
		if (len < 34 || (f[12] << 8 | f[13]) != ethertype)
			continue;
		if (ethertype == ETH_P_ARP && memcmp(f + 28, blob.a.byte, 4))
			continue;
		if (ethertype == ETH_P_IP && f[23] != 112)
			continue;
		n++;
	}
	return n;
}

static void
hold(void)
{
	union msg m;

	order(MSG_HOLD, mono_now());
	m = await(&el, MSG_HELD);
	ck_assert_uint_eq(m.held.ok, 1);
	ck_assert(vip_is_there());
}

static void
setup(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	sh("ip link set lo up; ip link add v0 type veth peer name v1; "
	    "ip addr add 192.168.70.1/24 dev v0; ip link set v0 up; "
	    "ip link set v1 up");
	wire = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	ck_assert_int_ne(wire, -1);
	ck_assert_int_eq(bind(wire, (const void *)&(struct sockaddr_ll){
	    .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
	    .sll_ifindex = (int)if_nametoindex("v1") },
	    sizeof(struct sockaddr_ll)), 0);
	start_actuator();
	(void)await(&el, MSG_LINK);
}

static void
teardown(void)
{
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	pid = 0;
}

START_TEST(link_says_who_we_are)
{
	union msg m;

	sh("ip addr del 192.168.70.1/24 dev v0");
	do
		m = await(&el, MSG_LINK);
	while (m.link.self != LINK_SELF_NONE);
	sh("ip addr add 192.168.70.1/24 dev v0");
	do
		m = await(&el, MSG_LINK);
	while (m.link.self != 0);
	ck_assert_uint_eq(m.link.ifindex, if_nametoindex("v0"));
	ck_assert_uint_eq(m.link.prefix_ok, 1);
	sh("ip link set v1 down");
	do
		m = await(&el, MSG_LINK);
	while (m.link.carrier);
}
END_TEST

/* Until the elector is told so: 0, or 1 + its index. */
static void
await_unmarked(unsigned want)
{
	union msg m;

	do
		m = await(&el, MSG_LINK);
	while (m.link.unmarked != want);
}

START_TEST(address_of_somebody_else_is_named)
{
	const mono_t began = mono_now();

	sh("ip addr add " VIP "/24 dev v0");
	await_unmarked(1);
	ck_assert_int_lt(mono_span_ns(began, mono_now()), NS_PER_S);
	/* Ours beside it comes and goes without touching it. */
	hold();
	sh("ip addr del " VIP "/32 dev v0");
	(void)await(&el, MSG_ADDR_LOST);
	hold();
	simple(MSG_RELEASE);
	(void)await(&el, MSG_RELEASED);
	ck_assert(vip_is_there());
	/* There before us, and on another interface as well. */
	teardown();
	start_actuator();
	await_unmarked(1);
	sh("ip addr del " VIP "/24 dev v0; ip addr add " VIP "/32 dev lo");
	await_unmarked(0);
	await_unmarked(1);
	sh("ip addr del " VIP "/32 dev lo");
	await_unmarked(0);
}
END_TEST

START_TEST(hold_announces_and_release_removes)
{
	hold();
	/* Request and reply form, and both again a second later. */
	ck_assert_int_eq(frames_seen(ETH_P_ARP, 500), 2);
	ck_assert_int_eq(frames_seen(ETH_P_ARP, 1000), 2);
	simple(MSG_RELEASE);
	ck_assert_uint_eq(await(&el, MSG_RELEASED).released.cause,
	    RELEASE_ORDERED);
	ck_assert(!vip_is_there());
}
END_TEST

START_TEST(announcements_are_limited)
{
	hold();
	for (int i = 0; i < 50; i++)
		simple(MSG_ANNOUNCE);
	/* One burst of two frames now; the next not before 100 ms. */
	ck_assert_int_eq(frames_seen(ETH_P_ARP, 90), 2);
}
END_TEST

START_TEST(late_order_is_refused)
{
	union msg m;

	order(MSG_HOLD, mono_after(mono_now(), -25 * NS_PER_MS));
	m = await(&el, MSG_HELD);
	ck_assert_uint_eq(m.held.refused_late, 1);
	ck_assert(!vip_is_there());
	order(MSG_HOLD, mono_after(mono_now(), NS_PER_S));
	ck_assert_uint_eq(await(&el, MSG_HELD).held.refused_late, 1);
}
END_TEST

START_TEST(renewal_never_adds)
{
	union msg m;

	order(MSG_RENEW, mono_now());
	ck_assert_uint_eq(await(&el, MSG_HELD).held.ok, 0);
	ck_assert(!vip_is_there());
	hold();
	sh("ip addr del " VIP "/32 dev v0");
	(void)await(&el, MSG_ADDR_LOST);
	order(MSG_RENEW, mono_now());
	m = await(&el, MSG_HELD);
	ck_assert_uint_eq(m.held.ok, 0);
	ck_assert_uint_eq(m.held.missing, 1);
	ck_assert(!vip_is_there());
	hold();
}
END_TEST

START_TEST(kernel_drops_it_when_all_is_frozen)
{
	hold();
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	await_vip(false);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	/* Late by then: nothing is put back, and no words are said. */
	(void)frames_seen(ETH_P_ARP, 1);
	(void)await(&el, MSG_RELEASED);
	ck_assert_int_eq(frames_seen(ETH_P_IP, 200), 0);
}
END_TEST

START_TEST(silent_elector_ends_the_hold)
{
	hold();
	ck_assert_uint_eq(await(&el, MSG_RELEASED).released.cause,
	    RELEASE_LEASE);
	ck_assert(!vip_is_there());
	ck_assert_int_eq(frames_seen(ETH_P_IP, 300), 1);
	(void)await(&sup, MSG_STALLED);
	/* What it said last was said for it: nothing it orders now is done. */
	order(MSG_HOLD, mono_now());
	ck_assert_int_eq(frames_seen(ETH_P_ARP, 200), 0);
	ck_assert(!vip_is_there());
}
END_TEST

/* Fresh last words keep no address: only a renewal does. */
START_TEST(words_are_no_renewal)
{
	union msg m = { .renew = { .head = { MSG_WORDS, 0, 1 },
	    .lease_s = 2 } };

	hold();
	(void)usleep(500000);
	m.renew.advert_ns = mono_now().ns;
	make_farewell(&m.renew);
	ck_assert_int_eq(ipc_send(&el, &m, -1), IPC_OK);
	ck_assert_uint_eq(await(&el, MSG_RELEASED).released.cause,
	    RELEASE_LEASE);
	ck_assert(mono_span_ns((mono_t){ m.renew.advert_ns }, mono_now()) <
	    1900 * NS_PER_MS);
	ck_assert_int_eq(frames_seen(ETH_P_IP, 300), 1);
}
END_TEST

START_TEST(dead_elector_ends_the_hold_with_last_words)
{
	hold();
	(void)close(el.fd);
	await_vip(false);
	ck_assert_int_eq(frames_seen(ETH_P_IP, 300), 1);
}
END_TEST

START_TEST(dead_supervisor_ends_it_all)
{
	int status;

	hold();
	(void)close(sup.fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	pid = 0;
	ck_assert(WIFEXITED(status));
	ck_assert(!vip_is_there());
	ck_assert_int_eq(frames_seen(ETH_P_IP, 300), 1);
}
END_TEST

START_TEST(planned_replacement_keeps_the_address)
{
	union msg m = { .neighbour = { .head = { MSG_NEIGHBOUR, 0, 1 },
	    .room = ROOM_ELECTOR, .planned = 1 } };
	int s[2];

	hold();
	ck_assert_int_eq(ipc_pair(s), 0);
	ck_assert_int_eq(ipc_send(&sup, &m, s[1]), IPC_OK);
	(void)close(s[1]);
	(void)close(el.fd);
	el.fd = s[0];
	(void)await(&el, MSG_LINK);
	ck_assert(vip_is_there());
	ck_assert_int_eq(frames_seen(ETH_P_IP, 100), 0);
	order(MSG_RENEW, mono_now());
	ck_assert_uint_eq(await(&el, MSG_HELD).held.ok, 1);
}
END_TEST

START_TEST(killed_one_is_adopted_or_removed)
{
	hold();
	teardown();
	ck_assert(vip_is_there());
	start_actuator();
	(void)await(&el, MSG_LINK);
	order(MSG_HOLD, mono_now());
	ck_assert_uint_eq(await(&el, MSG_HELD).held.ok, 1);
	ck_assert(vip_is_there());
	teardown();
	start_actuator();
	ck_assert_uint_eq(await(&el, MSG_RELEASED).released.cause,
	    RELEASE_START);
	ck_assert(!vip_is_there());
}
END_TEST

START_TEST(hostile_elector_is_fatal_and_loses_the_address)
{
	union msg m = { .head = { MSG_RELEASE, 7, 1 } };
	int status;

	hold();
	ck_assert_int_eq(ipc_send(&el, &m, -1), IPC_OK);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	pid = 0;
	ck_assert_int_ne(status, 0);
	await_vip(false);
}
END_TEST

START_TEST(farewell_goes_nowhere_else)
{
	union msg m = { .renew = { .head = { MSG_HOLD, 0, 1 },
	    .lease_s = 2 } };

	make_farewell(&m.renew);
	m.renew.farewell[16] = 8;	/* not the group */
	m.renew.advert_ns = mono_now().ns;
	ck_assert_int_eq(ipc_send(&el, &m, -1), IPC_OK);
	ck_assert_uint_eq(await(&el, MSG_HELD).held.ok, 1);
	(void)close(el.fd);
	await_vip(false);
	ck_assert_int_eq(frames_seen(ETH_P_IP, 300), 0);
}
END_TEST

START_TEST(stranger_is_reported)
{
	/* Asks for VIP with VIP as its own: a gratuitous request. */
	uint8_t f[42] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 9, 9, 9, 9,
	    9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 9, 9, 9, 9, 9, 192, 168, 70,
	    222, 0, 0, 0, 0, 0, 0, 192, 168, 70, 222 };
	union msg m;

	ck_assert_int_eq(send(wire, f, sizeof(f), 0), sizeof(f));
	m = await(&el, MSG_NEIGH_FRAME);
	ck_assert_uint_eq(m.frame.len, sizeof(f));
	ck_assert_mem_eq(m.frame.byte, f, sizeof(f));
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("actuator");
	TCase *t = tcase_create("room");
	SRunner *r = srunner_create(s);
	int failed;

	if (argc != 2 || geteuid() != 0) {
		(void)fprintf(stderr, "usage: (as root) %s ACTUATOR\n",
		    argv[0]);
		return 2;
	}
	actuator_path = realpath(argv[1], NULL);	/* cwd changes */
	if (mkdtemp(empty) == NULL || chmod(empty, 0555) == -1) {
		perror(empty);
		return 2;
	}
	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, link_says_who_we_are);
	tcase_add_test(t, address_of_somebody_else_is_named);
	tcase_add_test(t, hold_announces_and_release_removes);
	tcase_add_test(t, announcements_are_limited);
	tcase_add_test(t, late_order_is_refused);
	tcase_add_test(t, renewal_never_adds);
	tcase_add_test(t, kernel_drops_it_when_all_is_frozen);
	tcase_add_test(t, silent_elector_ends_the_hold);
	tcase_add_test(t, words_are_no_renewal);
	tcase_add_test(t, dead_elector_ends_the_hold_with_last_words);
	tcase_add_test(t, dead_supervisor_ends_it_all);
	tcase_add_test(t, planned_replacement_keeps_the_address);
	tcase_add_test(t, killed_one_is_adopted_or_removed);
	tcase_add_test(t, hostile_elector_is_fatal_and_loses_the_address);
	tcase_add_test(t, farewell_goes_nowhere_else);
	tcase_add_test(t, stranger_is_reported);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	(void)rmdir(empty);
	(void)fflush(stdout);
	return failed != 0;
}
