/* SPDX-License-Identifier: ISC */

/*
 * vipctl completion: completions for shells, made from the table of
 * commands, so that they cannot name what is not there.
 */
#include <ctype.h>
#include <string.h>

#include "vipctl.h"

/*
 * The next word of an args text that is typed as it stands: an option, or
 * one of the words around a '|'.  Returns its length, 0 at the end.
 */
static size_t
literal(const char **at)
{
	const char *s = *at, *word;
	bool after_bar = false, option;
	size_t n;

	while (*s != '\0') {
		if (*s == '|')
			after_bar = true;
		if (*s != '-' && !isalpha((unsigned char)*s)) {
			s++;
			continue;
		}
		word = s;
		n = strspn(s, "abcdefghijklmnopqrstuvwxyz-");
		s += n;
		option = *word == '-';
		/* "on [...] | off": the first word, and one behind a bar. */
		if (option || after_bar ||
		    (word == *at && strchr(s, '|') != NULL)) {
			*at = s;
			return n;
		}
	}
	*at = s;
	return 0;
}

static void
literals(FILE *f, const struct command *c)
{
	const char *at = c->args, *end;
	size_t n;

	while ((n = literal(&at)) > 0) {
		end = at;
		fprintf(f, " %.*s", (int)n, end - n);
	}
}

static void
completion_bash(FILE *f)
{
	const struct command *c;

	fputs("# bash completion of vipctl; made by 'vipctl completion "
	    "bash'\n_vipctl()\n{\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} cmd= i words\n"
	    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	    "\t\tcase ${COMP_WORDS[i]} in\n"
	    "\t\t-f) ((i++)) ;;\n\t\t-*) ;;\n"
	    "\t\t*) cmd=${COMP_WORDS[i]}; break ;;\n\t\tesac\n\tdone\n"
	    "\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n"
	    "\t-f | --read | --offline)\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	    "\t\treturn ;;\n"
	    "\t--for)\n\t\t[[ $cmd == wait ]] &&\n"
	    "\t\t    mapfile -t COMPREPLY < <(compgen -W 'active standby "
	    "starting faulted maintenance' -- \"$cur\")\n"
	    "\t\treturn ;;\n"
	    "\tesac\n\tcase $cmd in\n\t'') words='-f -j -q -h", f);
	for (c = commands; c->name != NULL; c++)
		fprintf(f, " %s", c->name);
	fputs("' ;;\n\thelp) words='", f);
	for (c = commands; c->name != NULL; c++)
		fprintf(f, "%s%s", c == commands ? "" : " ", c->name);
	fputs("' ;;\n", f);
	for (c = commands; c->name != NULL; c++) {
		if (strcmp(c->name, "help") == 0)
			continue;
		fprintf(f, "\t%s) words='-j -q -h", c->name);
		literals(f, c);
		fputs("' ;;\n", f);
	}
	fputs("\t*) words= ;;\n\tesac\n"
	    "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	    "}\ncomplete -F _vipctl vipctl\n", f);
}

static void
completion_zsh(FILE *f)
{
	const struct command *c;

	fputs("#compdef vipctl\n# made by 'vipctl completion zsh'\n"
	    "_vipctl() {\n\tlocal -a cmds words\n\tcmds=(\n", f);
	for (c = commands; c->name != NULL; c++)
		fprintf(f, "\t\t'%s:%s'\n", c->name, c->summary);
	fputs("\t)\n\t_arguments -C '-f[configuration file]:file:_files' "
	    "'-j[JSON]' '-q[exit code only]' '-h[help]' "
	    "'1:command:->command' '*::argument:->argument'\n"
	    "\tcase $state in\n"
	    "\tcommand) _describe command cmds; return ;;\n\tesac\n"
	    "\tcase $words[CURRENT-1] in\n"
	    "\t--read|--offline) _files; return ;;\n\tesac\n"
	    "\tcase $words[1] in\n\thelp) _describe command cmds ;;\n", f);
	for (c = commands; c->name != NULL; c++) {
		if (strcmp(c->name, "help") == 0)
			continue;
		fprintf(f, "\t%s) compadd -- -j -q -h", c->name);
		literals(f, c);
		fputs(" ;;\n", f);
	}
	fputs("\tesac\n}\n_vipctl \"$@\"\n", f);
}

int
cmd_completion(struct vipctl *v, int argc, char **argv)
{
	int n, code;

	n = args_parse(v, argc, argv, NULL, &code);
	if (n < 0)
		return code;
	if (n == 1 && strcmp(argv[1], "bash") == 0)
		completion_bash(v->out);
	else if (n == 1 && strcmp(argv[1], "zsh") == 0)
		completion_zsh(v->out);
	else
		return usage_error(v, argv[0], "bash or zsh?");
	return EXIT_DONE;
}
