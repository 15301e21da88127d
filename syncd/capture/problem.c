/* SPDX-License-Identifier: ISC */

/*
 * Capture: the list of what is wrong with the data set right now.  One line
 * for each path and fault, a limited number of them.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "take.h"

const char *
capture_fault_word(enum capture_fault f)
{
	static const char *const word[FAULT_COUNT] = {
		[FAULT_CHANGING] = "changing",
		[FAULT_UNREADABLE] = "unreadable",
		[FAULT_MISSING] = "missing",
		[FAULT_SNAPSHOT] = "snapshot",
		[FAULT_NAME] = "name",
		[FAULT_TREE_LINK] = "tree-link",
		[FAULT_STORE] = "store",
		[FAULT_MEMORY] = "memory",
		[FAULT_SPECIAL] = "special",
		[FAULT_MOUNT] = "mount",
		[FAULT_UNDECLARED] = "undeclared",
		[FAULT_ATTRIBUTES] = "attributes",
		[FAULT_WATCH] = "watch",
		[FAULT_FILL] = "fill",
	};

	assert(f < FAULT_COUNT);
	return word[f];
}

void
problem_add(struct capture *c, enum capture_fault f, int code, bool holds,
    const char *path)
{
	struct capture_problem *p;
	char *copy;
	uint32_t i;

	for (i = 0; i < c->nproblems; i++) {
		p = &c->problem[i];
		if (p->fault == f && strcmp(p->path, path) == 0) {
			p->code = code;
			p->holds = holds;
			return;
		}
	}
	copy = c->nproblems < CAPTURE_PROBLEMS_MAX ? strdup(path) : NULL;
	if (copy == NULL) {
		c->held_more |= holds;
		return;
	}
	c->problem[c->nproblems++] = (struct capture_problem){
		.fault = f, .holds = holds, .code = code, .path = copy,
	};
}

void
problem_here(struct capture *c, enum capture_fault f, int code, uint32_t rule)
{
	const bool optional = rule != RULE_NONE &&
	    c->conf.entry[rule].optional;

	problem_add(c, f, code, f < FAULT_SPECIAL && !optional, c->path);
}

static void
remove_at(struct capture *c, uint32_t i)
{
	free((void *)(uintptr_t)c->problem[i].path);
	c->problem[i] = c->problem[--c->nproblems];
}

void
problem_clear(struct capture *c, const char *path)
{
	uint32_t i = 0;

	while (i < c->nproblems)
		if (strcmp(c->problem[i].path, path) == 0 &&
		    c->problem[i].fault != FAULT_MISSING)
			remove_at(c, i);
		else
			i++;
}

void
problem_clear_fault(struct capture *c, enum capture_fault f)
{
	uint32_t i = 0;

	while (i < c->nproblems)
		if (c->problem[i].fault == f)
			remove_at(c, i);
		else
			i++;
}

void
problem_clear_all(struct capture *c)
{
	while (c->nproblems > 0)
		remove_at(c, c->nproblems - 1);
	c->held_more = false;
}

bool
problem_holds(const struct capture *c)
{
	uint32_t i;

	for (i = 0; i < c->nproblems; i++)
		if (c->problem[i].holds)
			return true;
	return c->held_more;
}

uint32_t
capture_problems(const struct capture *c)
{
	return c->nproblems;
}

const struct capture_problem *
capture_problem(const struct capture *c, uint32_t i)
{
	return i < c->nproblems ? &c->problem[i] : NULL;
}
