/* SPDX-License-Identifier: ISC */

/*
 * vipctl: version, help, and what is said about a word that is no command.
 */
#include "vipctl.h"

int
cmd_version(struct vipctl *v, int argc, char **argv)
{
	int code, n;

	n = args_parse(v, argc, argv, NULL, &code);
	if (n < 0)
		return code;
	if (n > 0)
		return usage_error(v, argv[0], "takes no operand");
	if (v->json)
		fprintf(v->out, "{\"version\":\"%s\"}\n", VIPAIR_VERSION);
	else
		fprintf(v->out, "vipctl %s\n", VIPAIR_VERSION);
	return EXIT_DONE;
}

int
command_missing(struct vipctl *v, enum lookup l, const char *word)
{
	const char *near;

	switch (l) {
	case LOOKUP_ABSENT:
		complain(v, "%s: not available in this version", word);
		return EXIT_REFUSED;
	case LOOKUP_AMBIGUOUS:
		return usage_error(v, NULL,
		    "'%s' is short for more than one command", word);
	case LOOKUP_UNKNOWN:
	case LOOKUP_FOUND:
		break;
	}
	near = command_nearest(word);
	if (near != NULL)
		return usage_error(v, NULL,
		    "'%s' is no command; did you mean '%s'?", word, near);
	return usage_error(v, NULL, "'%s' is no command", word);
}

int
cmd_help(struct vipctl *v, int argc, char **argv)
{
	const struct command *cmd = NULL;
	enum lookup l;
	int code, n;

	n = args_parse(v, argc, argv, NULL, &code);
	if (n < 0)
		return code;
	if (n > 1)
		return usage_error(v, argv[0], "one command at a time");
	if (n == 1) {
		l = command_find(argv[1], &cmd);
		if (l != LOOKUP_FOUND)
			return command_missing(v, l, argv[1]);
	}
	command_usage(v->out, cmd);
	return EXIT_DONE;
}
