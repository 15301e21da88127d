/* SPDX-License-Identifier: ISC */

/*
 * vipctl support-bundle: collects what this host and its daemon say into one
 * archive.  Runs as root; reads neither secret files nor keys nor the data.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bundle.h"
#include "client.h"
#include "doctor.h"

#define OUTPUT_MAX	(4u << 20)	/* of one program or file */
#define PROGRAM_MS	10000

struct bundle {
	struct vipctl	*v;
	FILE		*f;
	struct redact	 secrets;
	char		*buf;		/* OUTPUT_MAX */
	bool		 good;
};

/* Every entry comes this way. */
static void
put(struct bundle *b, const char *name, const char *text, size_t len)
{
	char *clean;
	size_t n;

	if (!b->good)
		return;
	clean = redact_text(&b->secrets, text, len, &n);
	b->good = clean != NULL && tar_add(b->f, name, clean, n);
	free(clean);
}

/* What one of our own commands prints, reasons included. */
static void
put_command(struct bundle *b, const char *name, const char *command,
    const char *arg, bool json)
{
	char *argv[] = { strdup(command), arg != NULL ? strdup(arg) : NULL,
	    NULL };
	struct vipctl v = *b->v;
	const struct command *cmd;
	char *text = NULL;
	size_t len;

	v.out = v.err = open_memstream(&text, &len);
	v.json = json;
	v.quiet = v.tty = v.colour = false;
	v.columns = 0;
	if (v.out != NULL && argv[0] != NULL &&
	    command_find(command, &cmd) == LOOKUP_FOUND)
		(void)cmd->run(&v, arg != NULL ? 2 : 1, argv);
	if (v.out != NULL && fclose(v.out) == 0)
		put(b, name, text, len);
	free(text);
	free(argv[0]);
	free(argv[1]);
}

static void
put_program(struct bundle *b, const char *name, const char *const *argv)
{
	int status;

	b->buf[0] = '\0';
	status = doctor_run(argv, NULL, b->buf, OUTPUT_MAX, PROGRAM_MS);
	if (status != 0 && b->buf[0] == '\0')
		snprintf(b->buf, OUTPUT_MAX, "%s: %s\n", argv[0],
		    status == -1 ? "not there, or no answer in time" :
		    "failed");
	put(b, name, b->buf, strlen(b->buf));
}

/* The end of a file. */
static void
put_file(struct bundle *b, const char *name, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t n = 0;

	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		snprintf(b->buf, OUTPUT_MAX, "%s: %s\n", path, fd == -1 ?
		    strerror(errno) : "no plain file");
		put(b, name, b->buf, strlen(b->buf));
	} else {
		if (st.st_size > OUTPUT_MAX)
			(void)lseek(fd, -(off_t)OUTPUT_MAX, SEEK_END);
		n = read(fd, b->buf, OUTPUT_MAX);
		put(b, name, b->buf, n > 0 ? (size_t)n : 0);
	}
	if (fd != -1)
		close(fd);
}

/* Our lines of a log that is everybody's. */
static void
put_syslog(struct bundle *b, const char *name, const char *path)
{
	static const char *const ours[] = { "vrrpd", "vipair" };
	FILE *in = fopen(path, "re"), *out;
	char line[2048], *text = NULL;
	size_t len;

	out = in != NULL ? open_memstream(&text, &len) : NULL;
	while (out != NULL && fgets(line, sizeof(line), in) != NULL &&
	    ftell(out) < (long)OUTPUT_MAX)
		if (strstr(line, ours[0]) != NULL ||
		    strstr(line, ours[1]) != NULL)
			fputs(line, out);
	if (out != NULL && fclose(out) == 0 && len > 0)
		put(b, name, text, len);
	free(text);
	if (in != NULL)
		fclose(in);
}

/* Names, modes and sizes below a directory; no content. */
static void
list(FILE *f, const char *dir, int depth)
{
	char path[512];
	struct dirent *e;
	struct stat st;
	DIR *d = opendir(dir);
	int n = 0;

	while (d != NULL && (e = readdir(d)) != NULL && n++ < 1000) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 ||
		    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >=
		    (int)sizeof(path) || lstat(path, &st) == -1)
			continue;
		fprintf(f, "%06o %5u %5u %12lld %s\n", st.st_mode,
		    st.st_uid, st.st_gid, (long long)st.st_size, path);
		if (S_ISDIR(st.st_mode) && depth > 0)
			list(f, path, depth - 1);
	}
	if (d != NULL)
		closedir(d);
}

static void
put_places(struct bundle *b, const struct config *c)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		return;
	if (c->conf != NULL)
		list(f, conf_string(c->conf, c->conf->state_dir), 2);
	list(f, b->v->run_dir, 1);
	if (fclose(f) == 0)
		put(b, "places.txt", text, len);
	free(text);
}

static void
put_conf(struct bundle *b, const struct config *c)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	put_file(b, "vipair.conf", b->v->conf_path);
	if (f == NULL)
		return;
	if (c->conf != NULL)
		config_print(c->conf, f);
	else
		config_print_problems(c, f);
	if (fclose(f) == 0)
		put(b, "effective.conf", text, len);
	free(text);
}

static void
collect_host(struct bundle *b)
{
	static const char *const journal[] = { "/usr/bin/journalctl", "-q",
	    "--no-pager", "-o", "short-iso", "-n", "20000", "-u", "vipair",
	    NULL };
	static const char *const address[] = { "/sbin/ip", "-d", "address",
	    NULL };
	static const char *const route[] = { "/sbin/ip", "route", "show",
	    "table", "all", NULL };
	static const char *const rules[] = { "/usr/sbin/nft", "list",
	    "ruleset", NULL };
	static const char *const sockets[] = { "/usr/bin/ss", "-Hlntup",
	    NULL };
	static const char *const kernel[] = { "/bin/uname", "-a", NULL };

	put_program(b, "log/journal.txt", journal);
	put_syslog(b, "log/syslog.txt", "/var/log/syslog");
	put_syslog(b, "log/messages.txt", "/var/log/messages");
	put_syslog(b, "log/daemon.txt", "/var/log/daemon.log");
	put_program(b, "host/address.txt", address);
	put_program(b, "host/route.txt", route);
	put_program(b, "host/nft.txt", rules);
	put_program(b, "host/sockets.txt", sockets);
	put_program(b, "host/kernel.txt", kernel);
	put_file(b, "host/os-release.txt", "/etc/os-release");
}

static void
collect(struct bundle *b, const struct config *c)
{
	static const char about[] =
	    "What vipctl support-bundle found on one node.  Secrets are left "
	    "out, but\nnames, addresses and logs are here: look through it "
	    "before you give it\naway.\n";

	put(b, "README", about, strlen(about));
	put_command(b, "version.txt", "version", NULL, false);
	put_command(b, "status.txt", "status", NULL, false);
	put_command(b, "status.json", "status", NULL, true);
	put_command(b, "doctor.txt", "doctor", NULL, false);
	put_command(b, "metrics.txt", "metrics", NULL, false);
	for (uint32_t i = 0; i < c->npair_names; i++) {
		char name[CONF_NAME_MAX + 32];

		snprintf(name, sizeof(name), "pair%u/history.txt", i);
		put_command(b, name, "history", c->pair_name[i], false);
		snprintf(name, sizeof(name), "pair%u/why.txt", i);
		put_command(b, name, "why", c->pair_name[i], false);
	}
	put_conf(b, c);
	put_places(b, c);
	collect_host(b);
}

/* "vipair-support-HOST-20261124T030000.tar" */
static void
own_name(char *buf, size_t size)
{
	char host[64] = "host", when[32] = "";
	time_t now = time(NULL);
	struct tm tm;
	char *s;

	(void)gethostname(host, sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	for (s = host; *s != '\0'; s++)
		if (*s == '/' || *s < ' ')
			*s = '-';
	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%Y%m%dT%H%M%S", &tm);
	snprintf(buf, size, "vipair-support-%s-%s.tar", host, when);
}

static int
write_bundle(struct bundle *b, const char *path)
{
	struct config *c = config_load(b->v->conf_path, CONFIG_FULL, 0);
	struct config *broad = NULL;
	int fd, code = EXIT_DONE;

	/* A secret that cannot be read is none to leave out; the rest is. */
	redact_init(&b->secrets, c);
	if (c->conf == NULL)
		broad = config_load(b->v->conf_path, CONFIG_LENIENT, 0);
	client_run_dir(b->v);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	b->f = fd != -1 ? fdopen(fd, "w") : NULL;
	if (b->f == NULL) {
		complain(b->v, "%s: %s", path, strerror(errno));
		code = EXIT_REFUSED;
	} else {
		collect(b, broad != NULL ? broad : c);
		b->good = tar_end(b->f) && b->good;
		if (fclose(b->f) != 0 || !b->good) {
			complain(b->v, "%s: %s", path, strerror(errno));
			(void)unlink(path);
			code = EXIT_REFUSED;
		}
	}
	redact_free(&b->secrets);
	if (broad != NULL)
		config_free(broad);
	config_free(c);
	return code;
}

int
cmd_support_bundle(struct vipctl *v, int argc, char **argv)
{
	struct bundle b = { .v = v, .good = true };
	const char *path = NULL;
	const struct option_word words[] = {
		{ "--output", OPTION_STRING, &path },
		{ NULL, 0, NULL },
	};
	char name[160];
	int n, code;

	n = args_parse(v, argc, argv, words, &code);
	if (n < 0)
		return code;
	if (n > 0)
		return usage_error(v, argv[0], "takes no operand; a file is "
		    "given with --output");
	if (geteuid() != 0) {
		complain(v, "not permitted, needs root: use sudo");
		return EXIT_NOT_PERMITTED;
	}
	own_name(name, sizeof(name));
	if (path == NULL)
		path = name;
	b.buf = malloc(OUTPUT_MAX);
	if (b.buf == NULL) {
		complain(v, "out of memory");
		return EXIT_REFUSED;
	}
	code = write_bundle(&b, path);
	free(b.buf);
	if (code == EXIT_DONE)
		fprintf(v->out, "%s\nnext: look through it (tar tvf), then "
		    "give it to who helps; secrets are left out, names and "
		    "addresses are not\n", path);
	return code;
}
