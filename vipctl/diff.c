/* SPDX-License-Identifier: ISC */

/*
 * vipctl diff: what two generations, or a generation and a branch, differ
 * in.  Databases are compared by tables and rows (dbcount.c).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "storeview.h"
#include "syncview.h"
#include "text.h"

/* One change, with what was there before. */
struct row {
	const char	*path;
	const struct entry *old, *new_;	/* NULL: not there */
};

static struct row
row_at(struct data_diff *x, const struct delta *delta, size_t i)
{
	struct change c = delta_at(delta, i);
	struct row r = { .path = c.entry->path };

	r.old = tree_find(x->old, r.path);
	r.new_ = c.drop ? NULL : tree_find(x->new_, r.path);
	if (r.old == NULL)
		x->added++;
	else if (r.new_ == NULL)
		x->removed++;
	else
		x->changed++;
	return r;
}

static bool
same_content(const struct row *r)
{
	return r->old != NULL && r->new_ != NULL &&
	    r->old->type == r->new_->type &&
	    (entry_has_object(r->old) ?
	    hash_equal(&r->old->object, &r->new_->object) :
	    strcmp(r->old->target, r->new_->target) == 0);
}

static const char *
type_word(const struct entry *e)
{
	switch (e->type) {
	case ENTRY_FILE:
		return "file";
	case ENTRY_SQLITE:
		return "sqlite";
	case ENTRY_DIR:
		return "directory";
	case ENTRY_LINK:
		return "link";
	}
	return "?";
}

static bool
tables_of(struct data_diff *x, const struct entry *e, struct db_tables *t)
{
	uint64_t size;
	bool good;
	int fd;

	t->n = 0;
	if (e == NULL || e->type != ENTRY_SQLITE)
		return e == NULL;
	fd = store_object(x->d->store, &e->object, &size);
	if (fd == -1)
		return false;
	good = db_count(fd, size, t);
	close(fd);
	return good;
}

static int64_t
rows_of(const struct db_tables *t, const char *name)
{
	uint32_t i;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->table[i].name, name) == 0)
			return t->table[i].rows;
	return -1;
}

/* Tables of both, one after the other; each name once. */
static void
each_table(const struct db_tables *old, const struct db_tables *new_,
    void (*say)(void *arg, const char *name, int64_t before, int64_t after),
    void *arg)
{
	uint32_t i;

	for (i = 0; i < new_->n; i++)
		say(arg, new_->table[i].name, rows_of(old,
		    new_->table[i].name), new_->table[i].rows);
	for (i = 0; i < old->n; i++)
		if (rows_of(new_, old->table[i].name) == -1)
			say(arg, old->table[i].name, old->table[i].rows, -1);
}

static void
table_text(void *arg, const char *name, int64_t before, int64_t after)
{
	FILE *f = arg;

	if (before == after)
		return;
	if (before == -1)
		fprintf(f, "      table %s: new, %" PRId64 " rows\n", name,
		    after);
	else if (after == -1)
		fprintf(f, "      table %s: gone, had %" PRId64 " rows\n",
		    name, before);
	else
		fprintf(f, "      table %s: %" PRId64 " -> %" PRId64
		    " rows\n", name, before, after);
}

static void
database_text(FILE *f, struct data_diff *x, const struct row *r)
{
	static struct db_tables old, new_;

	if (same_content(r) || r->new_ == NULL ||
	    r->new_->type != ENTRY_SQLITE)
		return;
	if (tables_of(x, r->old, &old) && tables_of(x, r->new_, &new_))
		each_table(&old, &new_, table_text, f);
	else
		fputs("      tables cannot be counted\n", f);
}

/* "mode 0644 -> 0600, owner root -> openvpn" */
static void
attributes_text(const struct row *r, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	if (r->old->mode != r->new_->mode)
		len = (size_t)snprintf(buf, size, "mode %04o -> %04o",
		    r->old->mode, r->new_->mode);
	if (len < size && (r->old->uid != r->new_->uid ||
	    r->old->gid != r->new_->gid))
		len += (size_t)snprintf(buf + len, size - len,
		    "%sowner %u:%u -> %u:%u", len > 0 ? ", " : "",
		    r->old->uid, r->old->gid, r->new_->uid, r->new_->gid);
	if (len == 0)
		snprintf(buf, size, "%s", r->old->mtime_ns !=
		    r->new_->mtime_ns ? "time" : "attributes");
}

static void
row_text(FILE *f, struct data_diff *x, const struct row *r)
{
	char path[MANIFEST_PATH_MAX + 1], before[24] = "", after[24] = "";
	char what[128];

	snprintf(path, sizeof(path), "%s", r->path);
	text_clean(path);
	if (r->old != NULL && entry_has_object(r->old))
		bytes_text(r->old->size, before, sizeof(before));
	if (r->new_ != NULL && entry_has_object(r->new_))
		bytes_text(r->new_->size, after, sizeof(after));
	if (r->old == NULL)
		fprintf(f, "  + %s  %s\n", path, *after != '\0' ? after :
		    type_word(r->new_));
	else if (r->new_ == NULL)
		fprintf(f, "  - %s  %s\n", path, *before != '\0' ? before :
		    type_word(r->old));
	else if (same_content(r)) {
		attributes_text(r, what, sizeof(what));
		fprintf(f, "  ~ %s  %s\n", path, what);
	} else
		fprintf(f, "  ~ %s  %s -> %s\n", path, *before != '\0' ?
		    before : type_word(r->old), *after != '\0' ? after :
		    type_word(r->new_));
	database_text(f, x, r);
}

void
diff_sum(FILE *f, const struct data_diff *x)
{
	if (x->added + x->removed + x->changed == 0)
		fputs("  nothing differs\n", f);
	else
		fprintf(f, "  %" PRIu64 " added, %" PRIu64 " removed, %"
		    PRIu64 " changed\n", x->added, x->removed, x->changed);
}

bool
diff_text(FILE *f, struct data_diff *x)
{
	struct delta *delta = tree_diff(x->old, x->new_);
	struct row r;
	size_t i;

	if (delta == NULL)
		return false;
	for (i = 0; i < delta_count(delta); i++) {
		r = row_at(x, delta, i);
		row_text(f, x, &r);
	}
	delta_free(delta);
	return true;
}

static void
table_json(void *arg, const char *name, int64_t before, int64_t after)
{
	struct json *j = arg;

	json_open(j, NULL);
	json_string(j, "name", name);
	if (before < 0)
		json_null(j, "old_rows");
	else
		json_int(j, "old_rows", before);
	if (after < 0)
		json_null(j, "rows");
	else
		json_int(j, "rows", after);
	json_close(j);
}

static void
size_json(struct json *j, const char *key, const struct entry *e)
{
	if (e != NULL && entry_has_object(e))
		json_uint(j, key, e->size);
	else
		json_null(j, key);
}

static void
row_json(struct json *j, struct data_diff *x, const struct row *r)
{
	static struct db_tables old, new_;
	const struct entry *e = r->new_ != NULL ? r->new_ : r->old;

	json_open(j, NULL);
	json_string(j, "change", r->old == NULL ? "added" :
	    r->new_ == NULL ? "removed" : "changed");
	json_string(j, "path", r->path);
	json_string(j, "type", type_word(e));
	json_bool(j, "content", !same_content(r));
	size_json(j, "old_size", r->old);
	size_json(j, "size", r->new_);
	if (e->type == ENTRY_SQLITE && !same_content(r) &&
	    tables_of(x, r->old, &old) && tables_of(x, r->new_, &new_)) {
		json_open_array(j, "tables");
		each_table(&old, &new_, table_json, j);
		json_close_array(j);
	} else
		json_null(j, "tables");
	json_close(j);
}

bool
diff_json(struct json *j, struct data_diff *x)
{
	struct delta *delta = tree_diff(x->old, x->new_);
	struct row r;
	size_t i;

	if (delta == NULL)
		return false;
	json_open_array(j, "changes");
	for (i = 0; i < delta_count(delta); i++) {
		r = row_at(x, delta, i);
		row_json(j, x, &r);
	}
	json_close_array(j);
	delta_free(delta);
	return true;
}

/* A generation by its number, or a branch by the beginning of its name. */
static int
load(struct vipctl *v, struct data_store *d, const char *word,
    struct tree **t)
{
	struct store_generation g;
	struct store_branch b;
	enum store_result r;
	uint64_t number;
	int code;

	*t = NULL;
	if (args_number(word, &number)) {
		if (!store_find(d->store, number, &g)) {
			complain(v, "there is no generation %s; 'vipctl "
			    "generations' lists them", word);
			return EXIT_REFUSED;
		}
		r = store_load_tree(d->store, number, t);
	} else {
		code = data_branch(v, d, word, &b);
		if (code != EXIT_DONE)
			return code;
		r = store_branch_tree(d->store, b.name, t);
	}
	if (r == STORE_OK)
		return EXIT_DONE;
	complain(v, "%s: %s", word, r == STORE_NOTHING ?
	    "its list of files was thinned out" : store_why(d->store));
	return EXIT_REFUSED;
}

static void
write_diff(struct vipctl *v, struct data_diff *x, const char *a,
    const char *b)
{
	struct json j;

	if (!v->json) {
		fprintf(v->out, "from %s to %s:\n", a, b);
		if (!diff_text(v->out, x))
			complain(v, "out of memory");
		diff_sum(v->out, x);
		return;
	}
	json_init(&j, v->out);
	json_open(&j, NULL);
	json_int(&j, "schema", 1);
	json_string(&j, "pair", x->d->name);
	json_string(&j, "from", a);
	json_string(&j, "to", b);
	if (!diff_json(&j, x))
		complain(v, "out of memory");
	json_close(&j);
	json_end_line(&j);
}

int
cmd_diff(struct vipctl *v, int argc, char **argv)
{
	struct tree *a = NULL, *b = NULL;
	struct data_diff x = { .added = 0 };
	struct data_store d;
	int n, code;

	n = args_parse(v, argc, argv, NULL, &code);
	if (n < 0)
		return code;
	if (n < 2 || n > 3)
		return usage_error(v, argv[0], "which two generations?");
	code = data_open(v, n == 3 ? argv[3] : NULL, DATA_LOOK, &d);
	if (code != EXIT_DONE)
		return code;
	code = load(v, &d, argv[1], &a);
	if (code == EXIT_DONE)
		code = load(v, &d, argv[2], &b);
	if (code == EXIT_DONE) {
		x = (struct data_diff){ .d = &d, .old = a, .new_ = b };
		write_diff(v, &x, argv[1], argv[2]);
	}
	tree_free(a);
	tree_free(b);
	data_close(&d);
	return code;
}
