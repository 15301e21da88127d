/* SPDX-License-Identifier: ISC */

/*
 * vipctl doctor: what the configuration of this host says: a manager of the
 * interface that removes addresses it did not configure, the virtual address
 * written down somewhere, the service started at boot.  Reads files only, and
 * takes nothing in them for more than text.
 */
#include <sys/stat.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "text.h"

#define LINE_MAX_	1024
#define FILES_MAX	500	/* read, of one kind */
#define NETWORKD	"/run/systemd/netif/links/%u"
#define NM		"/run/NetworkManager/devices/%u"

static char *
trim(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	n = strlen(s);
	while (n > 0 && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s;
}

/* "KEY=value" of a file, the last one of it; false: none, or no file. */
static bool
file_key(const char *path, const char *key, char *value, size_t size)
{
	FILE *f = fopen(path, "re");
	char line[LINE_MAX_], *s;
	size_t n = strlen(key);
	bool found = false;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		s = trim(line);
		if (strncmp(s, key, n) != 0)
			continue;
		s = trim(s + n);
		if (*s != '=')
			continue;
		snprintf(value, size, "%s", trim(s + 1));
		found = true;
	}
	if (f != NULL)
		fclose(f);
	return found;
}

/* The drop-ins of a .network file, in the order of their directories. */
static void
keep_of_dropins(const char *name, char *keep, size_t size)
{
	static const char *const dir[] = {
		"/usr/lib/systemd/network", "/run/systemd/network",
		"/etc/systemd/network",
	};
	char pattern[400];
	glob_t g;
	size_t i, k;

	for (i = 0; i < sizeof(dir) / sizeof(dir[0]); i++) {
		snprintf(pattern, sizeof(pattern), "%s/%s.d/*.conf", dir[i],
		    name);
		if (glob(pattern, 0, NULL, &g) != 0)
			continue;
		for (k = 0; k < g.gl_pathc; k++)
			(void)file_key(g.gl_pathv[k], "KeepConfiguration",
			    keep, size);
		globfree(&g);
	}
}

static bool
networkd(struct doctor *d, const struct patient *p)
{
	char path[64], file[256] = "", state[32] = "", keep[32] = "";
	const char *name;
	struct finding *f;

	snprintf(path, sizeof(path), NETWORKD, p->link.ifindex);
	if (!file_key(path, "NETWORK_FILE", file, sizeof(file)) ||
	    file[0] != '/' || (file_key(path, "ADMIN_STATE", state,
	    sizeof(state)) && strcmp(state, "unmanaged") == 0))
		return false;
	name = strrchr(file, '/') + 1;
	(void)file_key(file, "KeepConfiguration", keep, sizeof(keep));
	keep_of_dropins(name, keep, sizeof(keep));
	if (strcmp(keep, "yes") == 0 || strchr(name, '%') != NULL)
		return true;
	f = doctor_find(d, p, PROBLEM_ADDRESS_MANAGER);
	doctor_word(f->detail, "systemd-networkd manages %s by %.160s and "
	    "removes what it did not configure when it is restarted or "
	    "reconfigured", p->interface, file);
	doctor_word(f->arg, "/etc/systemd/network/%s.d/vipair.conf", name);
	doctor_word(f->advice, "put the two lines '[Network]' and "
	    "'KeepConfiguration=yes' into %.200s, then 'networkctl reload'",
	    f->arg);
	f->repair = REPAIR_NETWORKD;
	return true;
}

/* NetworkManager lists what it manages. */
static void
network_manager(struct doctor *d, const struct patient *p)
{
	char path[64], managed[16] = "";
	struct finding *f;

	snprintf(path, sizeof(path), NM, p->link.ifindex);
	if (!file_key(path, "managed", managed, sizeof(managed)) ||
	    strcmp(managed, "true") != 0)
		return;
	f = doctor_find(d, p, PROBLEM_ADDRESS_MANAGER);
	doctor_word(f->detail, "NetworkManager manages %s and removes what "
	    "it did not configure when the connection is activated or "
	    "reapplied", p->interface);
	doctor_word(f->advice, "'nmcli device set %s managed no', and "
	    "configure %s with its own address by systemd-networkd or "
	    "ifupdown", p->interface, p->interface);
}

void
doctor_manager(struct doctor *d, const struct patient *p)
{
	if (p->link.ifindex == 0)
		return;
	d->nchecks++;
	if (!networkd(d, p))
		network_manager(d, p);
}

/* The address as a word of the line, not as a part of a longer one. */
static bool
line_names(const char *line, const char *address)
{
	const size_t n = strlen(address);
	const char *at = line;

	while ((at = strstr(at, address)) != NULL) {
		if ((at == line || (!isxdigit((unsigned char)at[-1]) &&
		    at[-1] != '.' && at[-1] != ':')) &&
		    !isxdigit((unsigned char)at[n]) && at[n] != '.' &&
		    at[n] != ':')
			return true;
		at += n;
	}
	return false;
}

/* Number of the first line that names it and is no comment; 0: none. */
static unsigned
file_names(const char *path, const char *address)
{
	FILE *f = fopen(path, "re");
	char line[LINE_MAX_];
	unsigned n = 0, found = 0;
	const char *s;

	while (f != NULL && found == 0 &&
	    fgets(line, sizeof(line), f) != NULL) {
		n++;
		s = trim(line);
		if (*s != '#' && *s != ';' && line_names(s, address))
			found = n;
	}
	if (f != NULL)
		fclose(f);
	return found;
}

/* Where addresses are written down, as far as distributions go. */
static const char *const address_files[] = {
	"/etc/network/interfaces", "/etc/network/interfaces.d/*",
	"/etc/systemd/network/*.network",
	"/etc/systemd/network/*.network.d/*.conf",
	"/run/systemd/network/*.network", "/etc/netplan/*.yaml",
	"/etc/NetworkManager/system-connections/*",
	"/etc/sysconfig/network-scripts/ifcfg-*", "/etc/conf.d/net",
	"/etc/rc.local", "/etc/keepalived/*.conf", "/etc/ucarp/*",
	"/etc/frr/*.conf",
};

static void
find_static(struct doctor *d, const struct patient *p, const char *address)
{
	const size_t n = sizeof(address_files) / sizeof(address_files[0]);
	struct finding *f;
	unsigned line;
	size_t i, k;
	glob_t g;

	for (i = 0; i < n; i++) {
		if (glob(address_files[i], 0, NULL, &g) != 0)
			continue;
		for (k = 0; k < g.gl_pathc && k < FILES_MAX; k++) {
			line = file_names(g.gl_pathv[k], address);
			if (line == 0)
				continue;
			f = doctor_find(d, p, PROBLEM_ADDRESS_STATIC);
			doctor_word(f->detail, "%s is configured in %s, "
			    "line %u", address, g.gl_pathv[k], line);
			doctor_word(f->advice, "take %s out of %s, line %u",
			    address, g.gl_pathv[k], line);
		}
		globfree(&g);
	}
}

void
doctor_static(struct doctor *d, const struct patient *p)
{
	char address[64];
	size_t i;

	d->nchecks++;
	for (i = 0; i < p->vp->naddrs && i < DOCTOR_PROBES_MAX; i++) {
		address_text(&p->vp->addr[i].address, address,
		    sizeof(address));
		find_static(d, p, address);
	}
}

/* Whose wish it may be to have the unit: not our own target's. */
static bool
wants_at_boot(const char *path)
{
	const char *dir = strstr(path, "/system/");

	return dir != NULL && strncmp(dir + strlen("/system/"), "vipair",
	    strlen("vipair")) != 0;
}

void
doctor_boot(struct doctor *d, const struct patient *p)
{
	static const char *const kind[] = { "wants", "requires" };
	const char *unit = p->vp->p.service_unit;
	char pattern[256];
	struct finding *f;
	size_t i, k;
	glob_t g;

	if (p->vp->p.service_kind != SERVICE_UNIT || *unit == '\0' ||
	    strpbrk(unit, "*?[/") != NULL)
		return;
	d->nchecks++;
	for (i = 0; i < 2; i++) {
		snprintf(pattern, sizeof(pattern),
		    "/etc/systemd/system/*.%s/%s", kind[i], unit);
		if (glob(pattern, 0, NULL, &g) != 0)
			continue;
		for (k = 0; k < g.gl_pathc; k++) {
			if (!wants_at_boot(g.gl_pathv[k]) ||
			    doctor_found(d, p, PROBLEM_SERVICE_AT_BOOT))
				continue;
			f = doctor_find(d, p, PROBLEM_SERVICE_AT_BOOT);
			doctor_word(f->detail, "%s", g.gl_pathv[k]);
			doctor_word(f->advice, "systemctl disable %s", unit);
			doctor_word(f->arg, "%s", unit);
			f->repair = REPAIR_DISABLE;
		}
		globfree(&g);
	}
}

/* Clouds whose networks do not carry protocol 112 or an address that moves. */
static const struct {
	const char	*file, *begins, *name;
} clouds[] = {
	{ "sys_vendor", "Amazon EC2", "Amazon EC2" },
	{ "bios_vendor", "Amazon EC2", "Amazon EC2" },
	{ "product_name", "Google Compute Engine", "Google Compute Engine" },
	{ "chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77",
	    "Microsoft Azure" },
	{ "sys_vendor", "DigitalOcean", "DigitalOcean" },
	{ "sys_vendor", "Hetzner", "Hetzner Cloud" },
	{ "product_name", "Alibaba Cloud", "Alibaba Cloud" },
	{ "sys_vendor", "Alibaba Cloud", "Alibaba Cloud" },
	{ "chassis_asset_tag", "OracleCloud.com", "Oracle Cloud" },
	{ "sys_vendor", "Vultr", "Vultr" },
	{ "sys_vendor", "Akamai", "Akamai Cloud" },
	{ "sys_vendor", "Linode", "Akamai Cloud" },
	{ "sys_vendor", "Scaleway", "Scaleway" },
	{ "product_name", "OpenStack", "an OpenStack cloud" },
};

static bool
dmi_begins(const char *name, const char *begins)
{
	char path[96], line[128] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/dmi/id/%s", name);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	return strncmp(trim(line), begins, strlen(begins)) == 0;
}

void
doctor_cloud(struct doctor *d)
{
	struct finding *f;
	size_t i;

	d->nchecks++;
	for (i = 0; i < sizeof(clouds) / sizeof(clouds[0]); i++) {
		if (!dmi_begins(clouds[i].file, clouds[i].begins))
			continue;
		if (d->npatients == 0)
			return;
		f = doctor_find(d, &d->patient[0], PROBLEM_CLOUD);
		doctor_word(f->detail, "%s", clouds[i].name);
		return;
	}
}
