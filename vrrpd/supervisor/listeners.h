/* SPDX-License-Identifier: ISC */

/*
 * The control sockets.  They outlive the elector, so that a client waits for
 * the next one instead of being refused.
 */
#ifndef VIPAIR_LISTENERS_H
#define VIPAIR_LISTENERS_H

struct supervisor;

void	listeners_open(struct supervisor *s);
/* Sends both to the elector. */
void	listeners_offer(struct supervisor *s);
void	listeners_remove(struct supervisor *s);

#endif
