/* SPDX-License-Identifier: ISC */

/*
 * The smallest HTTP/1.0 client that can tell a status.
 */
#ifndef VIPAIR_HTTP_H
#define VIPAIR_HTTP_H

#include <stddef.h>
#include <stdint.h>

#define HTTP_HOST_MAX	256
#define HTTP_PATH_MAX	1024

struct http_url {
	char	host[HTTP_HOST_MAX];
	char	port[6];
	char	path[HTTP_PATH_MAX];	/* from the / on */
};

/* NULL, or what is wrong with the URL.  Pure. */
const char	*http_parse_url(const char *url, struct http_url *u);

/* The status of an answer's first line, or 0.  Pure. */
unsigned	 http_status(const char *answer, size_t len);

/* Connects by name or number; a descriptor or -1.  Blocks. */
int		 http_connect(const char *host, const char *port);

/* The status the server answers with, or 0.  Blocks. */
unsigned	 http_get(const struct http_url *u);

#endif
