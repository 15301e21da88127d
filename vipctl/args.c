/* SPDX-License-Identifier: ISC */

/*
 * vipctl: options of one command.  Long ones may be cut short as long as one
 * meaning is left; options and operands may be mixed; "--" ends the options.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mono.h"
#include "vipctl.h"

bool
args_number(const char *s, uint64_t *n)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	*n = strtoull(s, &end, 10);
	return *end == '\0' && errno == 0;
}

bool
args_duration(const char *s, int64_t *ns)
{
	static const struct {
		const char	*unit;
		int64_t		 ns;
	} units[] = {
		{ "", NS_PER_S }, { "s", NS_PER_S }, { "ms", NS_PER_MS },
		{ "m", 60 * NS_PER_S }, { "h", 3600 * NS_PER_S },
		{ "d", 86400 * NS_PER_S },
	};
	const int64_t longest = INT64_C(366) * 86400 * NS_PER_S;
	int64_t n;
	size_t i;
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	n = strtoll(s, &end, 10);
	if (errno != 0)
		return false;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		if (n > longest / units[i].ns)
			return false;
		*ns = n * units[i].ns;
		return true;
	}
	return false;
}

static const struct option_word *
word_find(const struct option_word *w, const char *arg, size_t len,
    bool *twice)
{
	const struct option_word *found = NULL;

	*twice = false;
	for (; w != NULL && w->word != NULL; w++) {
		if (strncmp(w->word, arg, len) != 0)
			continue;
		if (w->word[len] == '\0')
			return w;
		if (len < 3)		/* a short one has no prefix */
			continue;
		*twice = found != NULL;
		found = w;
	}
	return found;
}

static bool
word_set(const struct option_word *w, const char *value)
{
	switch (w->kind) {
	case OPTION_FLAG:
		*(bool *)w->value = true;
		return true;
	case OPTION_STRING:
		*(const char **)w->value = value;
		return true;
	case OPTION_NUMBER:
		return args_number(value, w->value);
	case OPTION_DURATION:
		return args_duration(value, w->value);
	}
	return false;
}

/* -j, -q, -h: 1 when it was one of them, 0 when not, -1 to end. */
static int
common_option(struct vipctl *v, const char *command, const char *arg,
    int *code)
{
	const struct command *cmd;

	if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0) {
		command_find(command, &cmd);
		command_usage(stdout, cmd);
		*code = EXIT_DONE;
		return -1;
	}
	if (strcmp(arg, "-j") == 0 || strcmp(arg, "--json") == 0) {
		v->json = true;
		return 1;
	}
	if (strcmp(arg, "-q") == 0 || strcmp(arg, "--quiet") == 0) {
		v->quiet = true;
		return 1;
	}
	return 0;
}

/*
 * One option at argv[i]; returns how many words it took, or -1 with *code.
 */
static int
option(struct vipctl *v, int argc, char **argv, int i,
    const struct option_word *words, int *code)
{
	const struct option_word *w;
	const char *arg = argv[i], *value = NULL;
	size_t len = strcspn(arg, "=");
	bool twice;
	int n;

	n = common_option(v, argv[0], arg, code);
	if (n != 0)
		return n;
	w = word_find(words, arg, len, &twice);
	*code = EXIT_USAGE;
	if (w == NULL || twice) {
		usage_error(v, argv[0], "option '%.*s' is %s", (int)len, arg,
		    twice ? "short for more than one" : "unknown");
		return -1;
	}
	n = 1;
	if (arg[len] == '=')
		value = arg + len + 1;
	else if (w->kind != OPTION_FLAG && i + 1 < argc) {
		value = argv[i + 1];
		n = 2;
	}
	if ((value != NULL) == (w->kind == OPTION_FLAG)) {
		usage_error(v, argv[0], "%s %s", w->word,
		    w->kind == OPTION_FLAG ? "takes no value" :
		    "needs a value");
		return -1;
	}
	if (!word_set(w, value)) {
		usage_error(v, argv[0], "%s: '%s' is no %s", w->word, value,
		    w->kind == OPTION_NUMBER ? "number" :
		    "length of time (as 90, 90s, 5m, 2h, 1d)");
		return -1;
	}
	return n;
}

int
args_parse(struct vipctl *v, int argc, char **argv,
    const struct option_word *words, int *code)
{
	int i, n, noperands = 0;
	bool options = true;

	for (i = 1; i < argc; i += n) {
		n = 1;
		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
			n = option(v, argc, argv, i, words, code);
			if (n < 0)
				return -1;
		} else
			argv[1 + noperands++] = argv[i];
	}
	vipctl_settle(v);
	return noperands;
}
