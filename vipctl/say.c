/* SPDX-License-Identifier: ISC */

/*
 * vipctl: what goes to stderr, and what -q keeps silent.
 */
#include <stdarg.h>

#include "vipctl.h"

void
complain(struct vipctl *v, const char *fmt, ...)
{
	va_list ap;

	if (v->quiet)
		return;
	fflush(v->out);
	fputs("vipctl: ", v->err);
	va_start(ap, fmt);
	vfprintf(v->err, fmt, ap);
	va_end(ap);
	fputc('\n', v->err);
}

int
usage_error(struct vipctl *v, const char *command, const char *fmt, ...)
{
	const struct command *cmd;
	va_list ap;

	fflush(v->out);
	fprintf(v->err, "vipctl%s%s: ", command != NULL ? " " : "",
	    command != NULL ? command : "");
	va_start(ap, fmt);
	vfprintf(v->err, fmt, ap);
	va_end(ap);
	fputc('\n', v->err);
	if (command != NULL && command_find(command, &cmd) == LOOKUP_FOUND)
		command_usage(v->err, cmd);
	else
		fputs("usage: vipctl [-f file] [-jq] command ...\n"
		    "'vipctl help' lists the commands\n", v->err);
	return EXIT_USAGE;
}

/* -q: results and reasons are dropped; usage errors are still told. */
void
vipctl_settle(struct vipctl *v)
{
	FILE *null;

	if (!v->quiet || v->out != stdout)
		return;
	null = fopen("/dev/null", "w");
	if (null != NULL)
		v->out = null;
}
