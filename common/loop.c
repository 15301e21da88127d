/* SPDX-License-Identifier: ISC */

/*
 * The long-lived rooms' event loop.  One system call, ppoll; must never
 * allocate, and never serve a descriptor that was taken out in this turn.
 */

#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "log.h"
#include "loop.h"

/* A muted descriptor is kept as its complement: ppoll() skips below zero. */
#define MUTED(fd)	(-(fd) - 2)
#define FREE		(-1)

static struct pollfd *
find(struct loop *l, int fd)
{
	uint32_t i;

	assert(fd >= 0);
	for (i = 0; i < l->n; i++)
		if (l->fd[i].fd == fd || l->fd[i].fd == MUTED(fd))
			return &l->fd[i];
	return NULL;
}

bool
loop_add(struct loop *l, int fd, short events, loop_fn fn, void *arg)
{
	assert(find(l, fd) == NULL);
	if (l->n == LOOP_FDS_MAX)
		return false;
	l->fd[l->n] = (struct pollfd){ .fd = fd, .events = events };
	l->entry[l->n] = (struct loop_entry){ .fn = fn, .arg = arg };
	l->n++;
	return true;
}

void
loop_events(struct loop *l, int fd, short events)
{
	struct pollfd *p = find(l, fd);

	assert(p != NULL);
	p->events = events;
}

void
loop_mute(struct loop *l, int fd, bool mute)
{
	struct pollfd *p = find(l, fd);

	assert(p != NULL);
	p->fd = mute ? MUTED(fd) : fd;
	p->revents = 0;
}

void
loop_del(struct loop *l, int fd)
{
	struct pollfd *p = find(l, fd);

	assert(p != NULL);
	*p = (struct pollfd){ .fd = FREE };
}

/* Only between turns: within one, places must not move. */
static void
close_gaps(struct loop *l)
{
	uint32_t i, n = 0;

	for (i = 0; i < l->n; i++) {
		if (l->fd[i].fd == FREE)
			continue;
		l->fd[n] = l->fd[i];
		l->entry[n] = l->entry[i];
		n++;
	}
	l->n = n;
}

static struct timespec
span_until(mono_t deadline)
{
	int64_t ns = mono_span_ns(mono_now(), deadline);

	if (ns < 0)
		ns = 0;
	return (struct timespec){
		.tv_sec = ns / NS_PER_S,
		.tv_nsec = ns % NS_PER_S,
	};
}

void
loop_turn(struct loop *l, mono_t deadline)
{
	struct timespec ts;
	uint32_t i, n;
	int ready;

	close_gaps(l);
	n = l->n;
	if (mono_is_set(deadline))
		ts = span_until(deadline);
	ready = ppoll(l->fd, n, mono_is_set(deadline) ? &ts : NULL, NULL);
	if (ready == -1 && errno != EINTR && errno != ENOMEM)
		fatal("loop: ppoll");
	for (i = 0; ready > 0 && i < n; i++) {
		if (l->fd[i].fd < 0 || l->fd[i].revents == 0)
			continue;
		l->entry[i].fn(l->fd[i].fd, l->fd[i].revents,
		    l->entry[i].arg);
	}
}
