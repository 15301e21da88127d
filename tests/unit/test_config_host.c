/* SPDX-License-Identifier: ISC */

/*
 * A configuration on hosts that do and do not fit it.  The interfaces are
 * made up here, so that nothing depends on the machine of the test.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ast.h"

static char	path[] = "/tmp/vipair-host-XXXXXX";

static const char text[] =
    "pair \"vpn\" {\n"
    "	virtual address 10.0.0.9\n"
    "	node \"a\" address 10.0.0.1\n"
    "	node \"b\" address 10.0.0.2\n"
    "	secret file \"/s\"\n"
    "	track interface \"eth1\"\n";

static struct host_iface
iface(const char *name, const char *addr, uint8_t prefix)
{
	struct word w = { .s = addr };
	struct host_iface i = { .up = true, .prefix = prefix };

	snprintf(i.name, sizeof(i.name), "%s", name);
	if (addr != NULL)
		ck_assert(value_addr(&w, &i.addr));
	return i;
}

static struct config *
load(const char *more)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	fprintf(out, "%s%s}\n", text, more);
	fclose(out);
	return config_load(path, CONFIG_NO_SECRETS, 1);
}

/*
 * The first interface carries the node's address; eth1 is there as well.
 * says: the one problem expected, NULL for none.
 */
static void
check_on(struct host_iface own, struct host_iface other, const char *more,
    enum config_severity severity, uint32_t line, const char *says)
{
	const struct host_iface list[] = { own, other };
	struct config *c = load(more);
	uint32_t errors = host_check(c->file, list, 2);

	ck_assert_uint_eq(errors, c->nerrors);
	ck_assert_ptr_nonnull(c->conf);
	if (says == NULL) {
		ck_assert_msg(c->nproblems == 0, "%s", c->problem[0].text);
	} else {
		ck_assert_uint_eq(c->nproblems, 1);
		ck_assert_msg(strstr(c->problem[0].text, says) != NULL, "%s",
		    c->problem[0].text);
		ck_assert_uint_eq(c->problem[0].severity, severity);
		ck_assert_uint_eq(c->problem[0].line, line);
	}
	config_free(c);
}

START_TEST(test_fits)
{
	struct host_iface eth1 = iface("eth1", NULL, 0);

	check_on(iface("eth0", "10.0.0.1", 24), eth1, "", 0, 0, NULL);
	check_on(iface("eth0", "10.0.0.2", 28), eth1, "", 0, 0, NULL);
	check_on(iface("eth0", "10.0.0.1", 24), eth1, " interface eth0\n", 0,
	    0, NULL);
	/* A leased address of ours is no fault. */
	check_on(iface("eth1", "10.0.0.1", 24), iface("eth1", "10.0.0.9", 32),
	    "", 0, 0, NULL);
	/* A second network on the interface, and a host route. */
	check_on(iface("eth1", "10.0.0.1", 30), iface("eth1", "10.0.0.3", 24),
	    "", 0, 0, NULL);
	check_on(iface("eth1", "10.0.0.1", 32), eth1, "", 0, 0, NULL);
}
END_TEST

START_TEST(test_outside)
{
	struct host_iface eth1 = iface("eth1", NULL, 0);

	check_on(iface("eth0", "10.0.0.1", 29), eth1, "", CONFIG_ERROR, 2,
	    "10.0.0.9 is outside the network of eth0: expected one like "
	    "10.0.0.1/29");
	check_on(iface("eth0", "10.0.0.1", 24), eth1,
	    " virtual address 10.0.1.9\n", CONFIG_ERROR, 7, "10.0.1.9 is");
	check_on(iface("eth0", "10.0.0.1", 24), eth1,
	    " virtual address 10.0.0.255\n", CONFIG_ERROR, 7, "broadcast");
	check_on(iface("eth0", "10.0.0.1", 24), eth1,
	    " virtual address 10.0.0.0\n", CONFIG_ERROR, 7, "first, unusable");
	/* That it is leased there at the moment makes it no network. */
	check_on(iface("eth1", "10.0.0.1", 29), iface("eth1", "10.0.0.9", 32),
	    "", CONFIG_ERROR, 2, "10.0.0.9 is outside the network of eth1");
}
END_TEST

START_TEST(test_elsewhere)
{
	struct host_iface eth1 = iface("eth1", NULL, 0);

	check_on(iface("eth0", "10.0.0.7", 24), eth1, "", CONFIG_WARNING, 1,
	    "no node of this pair is this host");
	check_on(iface("eth0", "10.0.0.1", 24), iface("eth2", NULL, 0), "",
	    CONFIG_WARNING, 6, "\"eth1\" does not exist");
	check_on(iface("eth0", "10.0.0.1", 24), eth1, " interface eth7\n",
	    CONFIG_WARNING, 7, "\"eth7\" does not exist");
	check_on(iface("eth0", "10.0.0.1", 24), eth1, " interface eth1\n",
	    CONFIG_WARNING, 7, "is on eth0, not on");
	check_on(iface("eth0", "10.0.0.1", 24), iface("eth1", "10.0.0.9", 24),
	    "", CONFIG_WARNING, 2, "configured on eth1");
	check_on(iface("eth0", "10.0.0.1", 24), iface("eth1", "10.0.0.2", 24),
	    "", CONFIG_ERROR, 4, "is this host, and so is the node of line 3");
}
END_TEST

/* The live one: whatever it finds, it adds up. */
START_TEST(test_live)
{
	struct config *c = load("");
	uint32_t before = c->nerrors;

	ck_assert_uint_eq(config_check_host(c), c->nerrors - before);
	ck_assert_ptr_nonnull(c->conf);
	config_free(c);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("config_host");
	TCase *t = tcase_create("host");
	SRunner *r;
	int failed, fd;

	if ((fd = mkstemp(path)) == -1)
		return 1;
	close(fd);
	tcase_add_test(t, test_fits);
	tcase_add_test(t, test_outside);
	tcase_add_test(t, test_elsewhere);
	tcase_add_test(t, test_live);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	unlink(path);
	return failed != 0;
}
