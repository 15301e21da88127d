/* SPDX-License-Identifier: ISC */

/*
 * vipctl: options before the command, the terminal, and on to the command.
 */
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vipctl.h"

static void
terminal(struct vipctl *v)
{
	const char *term = getenv("TERM"), *none = getenv("NO_COLOR");
	struct winsize ws;

	setlocale(LC_CTYPE, "");
	v->tty = isatty(STDOUT_FILENO) == 1;
	v->utf8 = v->tty && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	v->colour = v->tty && (none == NULL || *none == '\0') &&
	    term != NULL && strcmp(term, "dumb") != 0;
	if (!v->tty)
		return;
	v->columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
		v->columns = ws.ws_col;
}

/* Options before the command; -1 to go on, else the exit code. */
static int
global_options(struct vipctl *v, int argc, char **argv)
{
	static const struct option words[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:f:jqhV", words, NULL)) != -1) {
		switch (c) {
		case 'f':
			v->conf_path = optarg;
			v->conf_given = true;
			break;
		case 'j':
			v->json = true;
			break;
		case 'q':
			v->quiet = true;
			break;
		case 'h':
			command_usage(stdout, NULL);
			return EXIT_DONE;
		case 'V':
			return cmd_version(v, 1,
			    (char *[]){ argv[0], NULL });
		case ':':
			return usage_error(v, NULL, "-f needs a file");
		default:
			return usage_error(v, NULL, "option '%s' is unknown",
			    argv[optind - 1]);
		}
	}
	return -1;
}

int
main(int argc, char **argv)
{
	struct vipctl v = {
		.out = stdout,
		.err = stderr,
		.conf_path = VIPCTL_CONF,
	};
	const struct command *cmd;
	enum lookup l;
	int code;

	/* A daemon that went away is an error of write(), not our end. */
	signal(SIGPIPE, SIG_IGN);
	terminal(&v);
	code = global_options(&v, argc, argv);
	if (code >= 0)
		return code;
	if (optind == argc)
		return usage_error(&v, NULL, "which command?");
	vipctl_settle(&v);
	l = command_find(argv[optind], &cmd);
	if (l != LOOKUP_FOUND)
		return command_missing(&v, l, argv[optind]);
	code = cmd->run(&v, argc - optind, argv + optind);
	if (fflush(v.out) != 0 && code == EXIT_DONE)
		code = EXIT_REFUSED;
	return code;
}
