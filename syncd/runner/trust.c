/* SPDX-License-Identifier: ISC */

/*
 * Runner and checker: judges a path before it is run.  As every part must be
 * root's and writable by nobody else, what was judged stays as it was.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "trust.h"

/*
 * A directory with the sticky bit lets nobody exchange what is root's in it;
 * but nobody would put a program right there.
 */
static const char *
judge(const char *path, bool parent, mode_t *type)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return "does not exist or cannot be reached";
	*type = st.st_mode & S_IFMT;
	if (st.st_uid != 0)
		return "does not belong to root";
	if (S_ISLNK(st.st_mode))
		return NULL;
	if (S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX) != 0 && !parent)
		return NULL;
	if ((st.st_mode & S_IWOTH) != 0)
		return "can be written by others";
	if ((st.st_mode & S_IWGRP) != 0 && st.st_gid != 0)
		return "can be written by a group that is not root's";
	return NULL;
}

/* Every prefix of the path; the type of the last part in *type. */
static const char *
judge_all(const char *path, mode_t *type, char where[PATH_MAX])
{
	const char *end, *error;
	const char *last = strrchr(path, '/');

	strcpy(where, "/");
	error = judge(where, last == path, type);
	for (end = path; error == NULL && *end != '\0'; ) {
		end += strspn(end, "/");
		end += strcspn(end, "/");
		memcpy(where, path, (size_t)(end - path));
		where[end - path] = '\0';
		/* The last part itself must not be writable either. */
		error = judge(where, end >= last, type);
	}
	return error;
}

const char *
trust_path(const char *path, mode_t type, char where[PATH_MAX])
{
	char real[PATH_MAX];
	const char *error;
	mode_t found;

	where[0] = '\0';
	if (strlen(path) >= PATH_MAX)
		return "is too long";
	strcpy(where, path);
	if (path[0] != '/')
		return "is not absolute: give the whole path";
	error = judge_all(path, &found, where);
	if (error != NULL)
		return error;
	/* Where links lead must be as safe as where they stand. */
	if (realpath(path, real) == NULL)
		return "cannot be resolved";
	error = judge_all(real, &found, where);
	if (error != NULL)
		return error;
	if (found != type)
		return type == S_IFDIR ? "is not a directory" :
		    "is not a plain file";
	return NULL;
}
