/* SPDX-License-Identifier: ISC */

/*
 * vipctl: the table of commands.  Usage, completion and the manual are made
 * from it or checked against it; the order is the manual's.
 */
#include <string.h>

#include "config.h"
#include "vipctl.h"

const struct command commands[] = {
	{ "status", "[-b, --brief] [pair]",
	    "show roles, address, service and problems",
	    cmd_status, NEED_STATUS },
	{ "is-active", "[pair]",
	    "exit 0 when this node is active, 1 when not, 3 unknown",
	    cmd_is_active, NEED_STATUS },
	{ "role", "[pair]",
	    "print the role of this node",
	    cmd_role, NEED_STATUS },
	{ "wait", "--for role [--timeout time] [pair]",
	    "return when this node has the role",
	    cmd_wait, NEED_STATUS },
	{ "watch", "[pair]",
	    "show the status as it changes",
	    cmd_watch, NEED_STATUS },
	{ "why", "[pair]",
	    "tell what led to the present role",
	    cmd_why, NEED_STATUS },
	{ "monitor", "[--count n] [--read file]",
	    "show adverts, decoded and judged",
	    cmd_monitor, NEED_STATUS },
	{ "history", "[pair]",
	    "list the takeovers",
	    cmd_history, NEED_STATUS },
	{ "handover", "[--timeout time] [pair]",
	    "give the active role to the partner",
	    cmd_handover, NEED_STATUS | NEED_CONTROL },
	{ "failback", "[--timeout time] [pair]",
	    "give the active role to the preferred node",
	    cmd_failback, NEED_STATUS | NEED_CONTROL },
	{ "maintenance",
	    "on [--for time] [--reason text] [pair] | off [pair]",
	    "keep this node from taking over",
	    cmd_maintenance, NEED_STATUS | NEED_CONTROL },
	{ "pair", "[--login user] [--port n] address [pair] | --print "
	    "[--no-secret] [pair] | --accept file [pair] | --prove [pair]",
	    "let two nodes copy data to each other",
	    cmd_pair, 0 },
	{ "unpair", "[pair]",
	    "take that back on this node",
	    cmd_unpair, 0 },
	{ "sync", "status | now [--timeout time] | allow [--yes] [pair]",
	    "show how the data travel, or copy all now",
	    cmd_sync, NEED_STATUS | NEED_CONTROL },
	{ "generations", "[--count n] [pair]",
	    "list the generations of the data",
	    cmd_generations, 0 },
	{ "diff", "a b [pair]",
	    "show what two generations differ in",
	    cmd_diff, 0 },
	{ "restore", "--to dir generation [pair] | --live generation [pair]",
	    "get a generation back",
	    cmd_restore, NEED_STATUS | NEED_CONTROL },
	{ "diverged", "show name | adopt name [--yes] | dismiss name [--yes] "
	    "[pair]",
	    "show and settle branches of the data",
	    cmd_diverged, NEED_STATUS | NEED_CONTROL },
	{ "validate", "--offline file",
	    "check a configuration file",
	    cmd_validate, 0 },
	{ "doctor", "[--fix] [id]",
	    "look for what is wrong, here and on the network",
	    cmd_doctor, 0 },
	{ "check", "[--sync-warn time] [--sync-crit time]",
	    "print one line for a monitoring system",
	    cmd_check, NEED_STATUS },
	{ "metrics", "",
	    "print metrics for Prometheus",
	    cmd_metrics, NEED_STATUS },
	{ "report", "[--output file] [pair]",
	    "write a page about the past and the present",
	    cmd_report, NEED_STATUS },
	{ "support-bundle", "[--output file]",
	    "collect what somebody who helps needs, without secrets",
	    cmd_support_bundle, 0 },
	{ "explain", "[id]",
	    "explain a problem by its id",
	    cmd_explain, 0 },
	{ "demo", "[--scenario name] [--shell]",
	    "play a failover on this machine",
	    cmd_demo, 0 },
	{ "completion", "bash | zsh",
	    "print completions for a shell",
	    cmd_completion, 0 },
	{ "version", "",
	    "print the version",
	    cmd_version, 0 },
	{ "help", "[command]",
	    "show the commands or one of them",
	    cmd_help, 0 },
	{ .name = NULL },
};

const char *const commands_absent[] = {
	"apply", "drill", "init", "undo-wipe",
	NULL,
};

enum lookup
command_find(const char *word, const struct command **cmd)
{
	const struct command *c, *found = NULL;
	size_t len = strlen(word), near = 0, i;

	*cmd = NULL;
	for (c = commands; c->name != NULL; c++) {
		if (strncmp(c->name, word, len) != 0)
			continue;
		if (c->name[len] == '\0') {
			*cmd = c;
			return LOOKUP_FOUND;
		}
		found = c;
		near++;
	}
	for (i = 0; commands_absent[i] != NULL; i++) {
		if (strcmp(commands_absent[i], word) == 0)
			return LOOKUP_ABSENT;
		if (strncmp(commands_absent[i], word, len) == 0)
			near++;
	}
	if (len == 0 || near == 0)
		return LOOKUP_UNKNOWN;
	if (near > 1)
		return LOOKUP_AMBIGUOUS;
	*cmd = found;
	return found != NULL ? LOOKUP_FOUND : LOOKUP_ABSENT;
}

const char *
command_nearest(const char *word)
{
	const char *all[64];
	size_t n = 0, i;

	for (i = 0; commands[i].name != NULL; i++)
		all[n++] = commands[i].name;
	for (i = 0; commands_absent[i] != NULL; i++)
		all[n++] = commands_absent[i];
	return config_suggest(word, all, n);
}

void
command_usage(FILE *f, const struct command *cmd)
{
	const struct command *c;

	if (cmd != NULL) {
		fprintf(f, "usage: vipctl [-f file] [-jq] %s%s%s\n\t%s\n",
		    cmd->name, *cmd->args != '\0' ? " " : "", cmd->args,
		    cmd->summary);
		return;
	}
	fputs("usage: vipctl [-f file] [-jq] command ...\n", f);
	for (c = commands; c->name != NULL; c++)
		fprintf(f, "    %-15s %s\n", c->name, c->summary);
	fputs("vipctl help command shows its options, man vipctl the rest.\n",
	    f);
}
