/* SPDX-License-Identifier: ISC */

/*
 * Checker: connects and asks.  Blocking calls, because the checker has an
 * alarm; what a server answers is only looked at for its first 12 bytes.
 */

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"
#include "log.h"

static const char *
parse_port(const char *from, size_t len, struct http_url *u)
{
	unsigned long v;

	if (len == 0 || len >= sizeof(u->port) ||
	    strspn(from, "0123456789") < len)
		return "port is not a number";
	memcpy(u->port, from, len);
	u->port[len] = '\0';
	v = strtoul(u->port, NULL, 10);
	return v >= 1 && v <= 65535 ? NULL : "port is not 1-65535";
}

const char *
http_parse_url(const char *url, struct http_url *u)
{
	const char *host, *end, *path;
	size_t len;

	if (strncmp(url, "http://", 7) != 0)
		return "only http:// is checked";
	host = url + 7;
	path = host + strcspn(host, "/");
	if (*host == '[') {			/* an IPv6 address */
		host++;
		end = host + strcspn(host, "]/");
		if (*end != ']')
			return "[ without ]";
		len = (size_t)(end++ - host);
	} else {
		end = host + strcspn(host, ":/");
		len = (size_t)(end - host);
	}
	if (len == 0 || len >= sizeof(u->host))
		return "host is empty or too long";
	memcpy(u->host, host, len);
	u->host[len] = '\0';
	strcpy(u->port, "80");
	if (end != path && *end != ':')
		return "host is followed by neither port nor path";
	if (strlen(path) >= sizeof(u->path) || strpbrk(path, " \t\r\n"))
		return "path is too long or has blanks";
	strcpy(u->path, *path != '\0' ? path : "/");
	return end == path ? NULL :
	    parse_port(end + 1, (size_t)(path - end - 1), u);
}

unsigned
http_status(const char *answer, size_t len)
{
	const char *digit;
	size_t i;

	/* "HTTP/1.1 200" */
	if (len < 12 || memcmp(answer, "HTTP/1.", 7) != 0 ||
	    answer[8] != ' ')
		return 0;
	digit = answer + 9;
	for (i = 0; i < 3; i++)
		if (digit[i] < '0' || digit[i] > '9')
			return 0;
	return (unsigned)((digit[0] - '0') * 100 + (digit[1] - '0') * 10 +
	    (digit[2] - '0'));
}

int
http_connect(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *a;
	int error, fd;

	error = getaddrinfo(host, port, &hints, &list);
	if (error != 0) {
		log_warnx("%s: %s", host, gai_strerror(error));
		return -1;
	}
	fd = -1;
	for (a = list; a != NULL && fd == -1; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1 ||
		    connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			continue;
		(void)close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	return fd;
}

unsigned
http_get(const struct http_url *u)
{
	char request[HTTP_PATH_MAX + HTTP_HOST_MAX + 128], answer[64];
	size_t len, got;
	ssize_t n;
	int fd;

	fd = http_connect(u->host, u->port);
	if (fd == -1)
		return 0;
	len = fmt_into(request, sizeof(request), "GET %s HTTP/1.0\r\n"
	    "Host: %s\r\nUser-Agent: vipair\r\nConnection: close\r\n\r\n",
	    u->path, u->host);
	got = 0;
	if (send(fd, request, len, MSG_NOSIGNAL) == (ssize_t)len) {
		while (got < 12 && (n = recv(fd, answer + got,
		    sizeof(answer) - got, 0)) > 0)
			got += (size_t)n;
	}
	(void)close(fd);
	return http_status(answer, got);
}
