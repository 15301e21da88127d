/* SPDX-License-Identifier: ISC */

/*
 * vipctl restore: a generation into an empty directory, by the loader; or in
 * place of the live data, by the daemon, when somebody typed RESTORE.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "dataview.h"
#include "json.h"
#include "loader/loader.h"
#include "room.h"
#include "sealed.h"
#include "storeview.h"
#include "text.h"

/* The loader refuses links on the way: all but the last name is resolved. */
static bool
real_directory(const char *dir, char *buf, size_t size)
{
	char copy[PATH_MAX], whole[PATH_MAX], *slash;
	const char *leaf, *parent = ".";
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (n == 0 || n >= sizeof(copy))
		return false;
	memcpy(copy, dir, n);
	copy[n] = '\0';
	slash = strrchr(copy, '/');
	leaf = slash != NULL ? slash + 1 : copy;
	if (slash == copy)
		parent = "/";
	else if (slash != NULL) {
		*slash = '\0';
		parent = copy;
	}
	if (*leaf == '\0' || strcmp(leaf, ".") == 0 ||
	    strcmp(leaf, "..") == 0 || realpath(parent, whole) == NULL)
		return false;
	return (size_t)snprintf(buf, size, "%s/%s", strcmp(whole, "/") == 0 ?
	    "" : whole, leaf) < size;
}

/* Nothing of anybody is mixed with what comes back. */
static bool
is_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	bool empty = true;

	if (dir == NULL)
		return errno == ENOENT;
	while ((e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			empty = false;
	closedir(dir);
	return empty;
}

static void
become_loader(int conf, const char *index, const char *generation,
    const char *dir, bool quiet)
{
	char *const argv[] = {
		(char[]){ "loader" }, (char[]){ "restore" },
		strdup(index), strdup(generation), (char[]){ "--to" },
		strdup(dir), NULL,
	};
	char *const environment[] = { (char[]){ "LC_ALL=C" }, NULL };
	int null = open("/dev/null", O_RDWR);

	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(null, STDOUT_FILENO) == -1 ||
	    (quiet && dup2(null, STDERR_FILENO) == -1) ||
	    dup2(conf, ROOM_FD_CONF) == -1 ||
	    close_range(3, ROOM_FD_CONF - 1, 0) == -1 ||
	    close_range(ROOM_FD_CONF + 1, ~0u, 0) == -1)
		_exit(LOADER_FAILED);
	execve(VIPAIR_LIBEXEC "/loader", argv, environment);
	_exit(errno == ENOENT ? 127 : LOADER_FAILED);
}

static int
loader_code(struct vipctl *v, int status, const char *generation,
    const char *dir)
{
	if (!WIFEXITED(status)) {
		complain(v, "the loader was killed; what is in %s is not "
		    "complete", dir);
		return EXIT_REFUSED;
	}
	switch (WEXITSTATUS(status)) {
	case LOADER_DONE:
		return EXIT_DONE;
	case LOADER_NOTHING:
		complain(v, "generation %s is not there, or its data were "
		    "thinned out; 'vipctl generations' lists what is left",
		    generation);
		return EXIT_REFUSED;
	case LOADER_BUSY:
		complain(v, "another loader works; try again");
		return EXIT_TRY_AGAIN;
	case 127:
		complain(v, "%s is not installed", VIPAIR_LIBEXEC "/loader");
		return EXIT_REFUSED;
	}
	complain(v, "the loader failed; what is in %s is not complete; its "
	    "own line says why, an empty or new directory is expected", dir);
	return EXIT_REFUSED;
}

static int
restore_to(struct vipctl *v, const char *generation, const char *to,
    const char *pair)
{
	char dir[PATH_MAX], index[16];
	struct data_store d;
	int code, status = 0, conf;
	pid_t pid;

	if (geteuid() != 0) {
		complain(v, "restore gives files back to their owners and "
		    "needs root: try it with sudo");
		return EXIT_NOT_PERMITTED;
	}
	if (!real_directory(to, dir, sizeof(dir)) || !is_empty(dir)) {
		complain(v, "%s is not an empty or a new directory; name "
		    "another one", to);
		return EXIT_REFUSED;
	}
	code = data_conf(v, pair, &d);
	if (code != EXIT_DONE)
		return code;
	snprintf(index, sizeof(index), "%u", d.index);
	conf = sealed_make("conf", d.conf, d.config->conf_len);
	fflush(NULL);
	pid = conf == -1 ? -1 : fork();
	if (pid == 0)
		become_loader(conf, index, generation, dir, v->quiet);
	if (pid == -1 || waitpid(pid, &status, 0) != pid) {
		complain(v, "the loader cannot be started: %s",
		    strerror(errno));
		code = EXIT_REFUSED;
	} else
		code = loader_code(v, status, generation, dir);
	if (conf != -1)
		close(conf);
	if (code == EXIT_DONE && !v->json)
		fprintf(v->out, "generation %s of pair %s is in %s\n",
		    generation, d.name, dir);
	data_close(&d);
	return code;
}

/* What is seen of a reload. */
struct reload {
	mono_t		begun;
	uint64_t	before;		/* last head with the wish standing */
	bool		wished;		/* the wish still stands */
	bool		moved;		/* the service left its running */
	bool		kept;		/* and runs as before */
	const char	*why;		/* it cannot succeed any more */
};

/* True when the service runs with the other data, or never will. */
static bool
reload_look(struct vipctl *v, const char *pair, struct data_store *d,
    struct reload *r, int *code)
{
	const struct view_pair *vp;
	struct store_branch wish;
	struct view w;
	char why[256];
	bool done = false;

	if (store_refresh(d->store) == STORE_OK) {
		r->wished = store_adopting(d->store, &wish) == STORE_OK;
		if (r->wished)
			r->before = store_head(d->store)->position.generation;
	}
	*code = view_load(&w, v, why, sizeof(why));
	if (*code != EXIT_DONE) {
		complain(v, "%s", why);
		return true;
	}
	vp = view_pick(&w, v, pair);
	if (vp == NULL || vp->p.role != ROLE_ACTIVE)
		r->why = "this node is not active any more";
	else if (vp->p.service_state == SERVICE_FAILED)
		r->why = "the service failed";
	else
		done = vp->data.step == 0 &&
		    (vp->p.service_kind == SERVICE_NONE ||
		    vp->p.service_state == SERVICE_RUNNING);
	view_free(&w);
	r->moved |= !done;
	r->kept = done && r->moved && r->wished;
	if (r->kept)
		r->why = "what is live now could not be captured, so nothing "
		    "was put in its place";
	done = done && !r->wished;
	return done || r->why != NULL;
}

static void
reload_report(struct vipctl *v, const char *pair, const char *what,
    const struct reload *r)
{
	char took[24];
	struct json j;

	if (v->json) {
		json_init(&j, v->out);
		json_open(&j, NULL);
		json_string(&j, "pair", pair);
		json_string(&j, "loaded", what);
		json_uint(&j, "before", r->before);
		json_seconds(&j, "took_s", mono_span_ns(r->begun,
		    mono_now()));
		json_close(&j);
		json_end_line(&j);
		return;
	}
	seconds_text(mono_span_ns(r->begun, mono_now()), took, sizeof(took));
	fprintf(v->out, "pair %s runs with %s, %s s after it was asked for\n"
	    "the data before that are generation %" PRIu64 ": 'vipctl restore "
	    "%" PRIu64 " --live' goes back\n", pair, what, took, r->before,
	    r->before);
}

/* Else the next takeover would grant it, when nobody thinks of it. */
static void
withdraw(struct vipctl *v, const char *pair)
{
	const struct view_pair *vp;
	struct sync_view sv;
	struct view w;

	if (view_get(&w, v) == EXIT_DONE &&
	    (vp = view_pick_data(&w, v, pair)) != NULL &&
	    ask_capture(v, &w, vp, ASK_ADOPT, 0, 0,
	    mono_after(mono_now(), ASK_TIMEOUT_NS), &sv) == EXIT_DONE)
		complain(v, "the wish is withdrawn; 'vipctl sync status' "
		    "names what holds the capture back");
	view_free(&w);
}

int
reload_data(struct vipctl *v, const char *pair, const char *what)
{
	struct ctl_request rq = {
		.magic = CTL_MAGIC,
		.version = CTL_VERSION,
		.command = CTL_RELOAD_DATA,
	};
	struct reload r = { .begun = mono_now(), .wished = true };
	mono_t deadline = mono_after(r.begun, ASK_TIMEOUT_NS);
	const struct view_pair *vp;
	struct data_store d;
	struct view w;
	int code;

	code = data_open(v, pair, DATA_ACT, &d);
	if (code != EXIT_DONE)
		return code;
	r.before = store_head(d.store)->position.generation;
	code = view_get(&w, v);
	vp = code == EXIT_DONE ? view_pick_data(&w, v, pair) : NULL;
	if (vp != NULL) {
		rq.pair = view_index(&w, vp);
		code = ask_change(v, vp, &rq);
	} else if (code == EXIT_DONE)
		code = EXIT_REFUSED;
	view_free(&w);
	while (code == EXIT_DONE && !reload_look(v, pair, &d, &r, &code)) {
		if (mono_reached(mono_now(), deadline))
			r.why = "it did not end in time";
		if (r.why != NULL)
			break;
		ask_nap();
	}
	data_close(&d);
	if (code == EXIT_DONE && r.why == NULL)
		reload_report(v, pair, what, &r);
	else if (code == EXIT_DONE) {
		complain(v, "%s; the data %s: 'vipctl why' and vrrpd's log "
		    "tell what happened", r.why, r.wished ? "are as before" :
		    "were put in place");
		if (r.kept)
			withdraw(v, pair);
		code = EXIT_REFUSED;
	}
	return code;
}

/* Only a generation whose data are here, and that is not live already. */
static int
live_check(struct vipctl *v, struct data_store *d, uint64_t number,
    struct store_generation *g)
{
	if (store_find(d->store, number, g) && g->complete)
		return EXIT_DONE;
	complain(v, "generation %" PRIu64 " is not there, or its data were "
	    "thinned out; 'vipctl generations' lists what is left", number);
	return EXIT_REFUSED;
}

static int
live_ask(struct vipctl *v, const struct view_pair *vp,
    const struct data_store *d, const struct store_generation *g)
{
	bool serves = vp->p.service_kind != SERVICE_NONE;
	char when[48], size[24], label[96];

	if (vp->p.role != ROLE_ACTIVE) {
		complain(v, "refused: this node is not the active one; ask "
		    "on %s", pair_other_active(vp) != NULL ?
		    pair_other_active(vp)->name : "the active node");
		return EXIT_REFUSED;
	}
	clock_text(g->time_ns, true, when, sizeof(when));
	when[strcspn(when, ".")] = '\0';
	bytes_text(g->bytes, size, sizeof(size));
	service_label(vp, label, sizeof(label));
	fprintf(v->json ? stderr : v->out, "Generation %" PRIu64 " of %s, "
	    "made by %s, %" PRIu64 " entries, %s, becomes the data of pair "
	    "%s:\n%s%sthe data of now are kept as a generation, the old ones "
	    "are put in their place%s%s%s.\nWhat was written since is gone "
	    "from the live data.\n", g->generation, when,
	    data_node(d, g->epoch.node), g->entries, size, vp->p.name,
	    serves ? label : "", serves ? " is stopped, " : "",
	    serves ? ",\n" : "", serves ? label : "",
	    serves ? " is started" : "");
	return ask_typed(v, "RESTORE") ? EXIT_DONE : EXIT_REFUSED;
}

static int
restore_live(struct vipctl *v, uint64_t number, const char *pair)
{
	const struct view_pair *vp;
	struct store_generation g;
	struct data_store d;
	struct sync_view sv;
	struct view w;
	char what[48], name[CONF_NAME_MAX + 1];
	int code;

	code = data_open(v, pair, DATA_ACT, &d);
	if (code != EXIT_DONE)
		return code;
	snprintf(name, sizeof(name), "%s", d.name);
	code = live_check(v, &d, number, &g);
	view_init(&w, 0);
	if (code == EXIT_DONE)
		code = view_get(&w, v);
	vp = code == EXIT_DONE ? view_pick_data(&w, v, name) : NULL;
	if (code == EXIT_DONE && vp == NULL)
		code = EXIT_REFUSED;
	if (code == EXIT_DONE)
		code = live_ask(v, vp, &d, &g);
	data_close(&d);
	if (code == EXIT_DONE)
		code = ask_capture(v, &w, vp, ASK_RESTORE, number, 0,
		    mono_after(mono_now(), ASK_TIMEOUT_NS), &sv);
	view_free(&w);
	snprintf(what, sizeof(what), "generation %" PRIu64, number);
	return code == EXIT_DONE ? reload_data(v, name, what) : code;
}

int
cmd_restore(struct vipctl *v, int argc, char **argv)
{
	const char *to = NULL, *pair;
	bool live = false;
	const struct option_word words[] = {
		{ "--to", OPTION_STRING, &to },
		{ "--live", OPTION_FLAG, &live },
		{ NULL, 0, NULL },
	};
	uint64_t number;
	int n, code;

	n = args_parse(v, argc, argv, words, &code);
	if (n < 0)
		return code;
	if (n < 1 || n > 2)
		return usage_error(v, argv[0], "which generation?");
	if (!args_number(argv[1], &number) || number == 0)
		return usage_error(v, argv[0], "'%s' is no generation; "
		    "'vipctl generations' lists them", argv[1]);
	if ((to == NULL) == !live)
		return usage_error(v, argv[0], "--to a directory, or --live?");
	pair = n == 2 ? argv[2] : NULL;
	return live ? restore_live(v, number, pair) :
	    restore_to(v, argv[1], to, pair);
}
