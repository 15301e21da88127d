/* SPDX-License-Identifier: ISC */

/*
 * Elector: the sockets of each interface, opened by the supervisor, shared
 * by the pairs on it.  An interface that was made anew has another index
 * and gets sockets of its own.
 */

#include <string.h>
#include <unistd.h>

#include "elector.h"

struct port *
port_of(struct elector *el, uint32_t ifindex)
{
	uint32_t i;

	if (ifindex == 0)
		return NULL;
	for (i = 0; i < el->ports_top; i++)
		if (el->port[i].ifindex == ifindex)
			return &el->port[i];
	return NULL;
}

static void
shut(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

void
port_close(struct port *port)
{
	shut(&port->advert);
	shut(&port->stray);
	port->ifindex = 0;
}

static struct port *
port_make(struct elector *el, uint32_t ifindex, uint8_t family)
{
	struct port *port = NULL;
	uint32_t i;

	for (i = 0; i < PORTS_MAX && port == NULL; i++)
		if (el->port[i].ifindex == 0)
			port = &el->port[i];
	if (port == NULL)
		return NULL;
	if (port >= el->port + el->ports_top)
		el->ports_top = (uint32_t)(port - el->port) + 1;
	memset(port, 0, sizeof(*port));
	port->ifindex = ifindex;
	port->family = family;
	port->advert = port->stray = -1;
	port->emptied = el->now;
	return port;
}

/* Which pair an id belongs to, on each interface; unused ones are closed. */
void
ports_index(struct elector *el)
{
	struct port *port;
	uint32_t i;

	for (i = 0; i < PORTS_MAX; i++) {
		memset(el->port[i].by_vhid, 0, sizeof(el->port[i].by_vhid));
		el->port[i].used = false;
	}
	for (i = 0; i < el->conf->npairs; i++) {
		port = port_of(el, pair_at(el, i)->link.ifindex);
		if (port == NULL)
			continue;
		port->used = true;
		port->by_vhid[conf_pair(el->conf, i)->vhid] =
		    (uint16_t)(i + 1);
	}
	for (i = 0; i < PORTS_MAX; i++)
		if (el->port[i].ifindex != 0 && !el->port[i].used)
			port_close(&el->port[i]);
}

/* Asks for sockets when the pair's interface has none yet. */
void
port_want(struct elector *el, struct pair *p)
{
	const struct port *port = port_of(el, p->link.ifindex);
	union msg m = { .head = head_for(el, MSG_SOCKET_WANT, p) };

	p->want_socket = MONO_NEVER;
	if (p->link.ifindex == 0 || p->link.self == LINK_SELF_NONE)
		return;
	if (port != NULL && port->advert != -1)
		return;
	(void)tell(el, &el->supervisor, &m);
	/* Asked for again until it is there. */
	p->want_socket = mono_after(el->now, SOCKET_RETRY_NS);
	pair_due(el, p);
}

/* The ids may have changed, and the old filters are locked: new sockets. */
void
ports_renew(struct elector *el)
{
	uint32_t i, k;

	for (i = 0; i < PORTS_MAX; i++) {
		if (el->port[i].ifindex == 0)
			continue;
		for (k = 0; k < el->conf->npairs; k++) {
			struct pair *p = pair_at(el, k);
			union msg m = {
				.head = head_for(el, MSG_SOCKET_WANT, p),
			};

			if (p->link.ifindex != el->port[i].ifindex)
				continue;
			(void)tell(el, &el->supervisor, &m);
			break;
		}
	}
}

static bool
is_wanted(struct elector *el, uint32_t ifindex)
{
	uint32_t i;

	for (i = 0; i < el->conf->npairs; i++)
		if (pair_at(el, i)->link.ifindex == ifindex)
			return true;
	return false;
}

bool
port_take(struct elector *el, const struct msg_socket *m, int fd)
{
	struct port *port = port_of(el, m->ifindex);
	uint32_t i;
	int *place;

	if (!is_wanted(el, m->ifindex))
		return false;
	if (port == NULL)
		port = port_make(el, m->ifindex, m->family);
	if (port == NULL)
		return false;
	place = m->kind == SOCKET_ADVERT ? &port->advert : &port->stray;
	shut(place);
	*place = fd;
	port->used = true;
	if (m->kind != SOCKET_ADVERT)
		return true;
	ports_index(el);
	for (i = 0; i < el->conf->npairs; i++) {
		struct pair *p = pair_at(el, i);

		if (p->link.ifindex != m->ifindex)
			continue;
		p->socket_error = 0;
		p->want_socket = MONO_NEVER;
		pair_begin(el, p);
	}
	return true;
}
