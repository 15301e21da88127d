/* SPDX-License-Identifier: ISC */

/*
 * The demo's service: a program of its own, started and stopped by the
 * runner like any other.  It listens on the virtual address and answers
 * each datagram with the name of its node and the number of the visit.
 *
 *	demo-service start PIDFILE ADDRESS PORT
 *	demo-service stop PIDFILE
 */

#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STOP_WAIT_MS	5000

static int
listen_on(const char *address, const char *port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
	};
	int fd;

	if (inet_pton(AF_INET, address, &sin.sin_addr) != 1)
		errx(1, "not an address: %s", address);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || bind(fd, (const void *)&sin, sizeof(sin)) == -1)
		err(1, "%s port %s", address, port);
	return fd;
}

_Noreturn static void
serve(int fd)
{
	char name[64] = "", out[96];
	unsigned long visit = 0;

	(void)gethostname(name, sizeof(name) - 1);
	for (;;) {
		struct sockaddr_storage from;
		socklen_t fromlen = sizeof(from);
		char in[64];
		int n;

		if (recvfrom(fd, in, sizeof(in), 0, (void *)&from,
		    &fromlen) == -1)
			continue;
		n = snprintf(out, sizeof(out), "%s %lu", name, ++visit);
		(void)sendto(fd, out, (size_t)n, 0, (const void *)&from,
		    fromlen);
	}
}

/* The socket is bound before the parent leaves: started means serving. */
static int
start(const char *pidfile, const char *address, const char *port)
{
	int fd = listen_on(address, port), null;
	FILE *f;
	pid_t pid = fork();

	if (pid == -1)
		err(1, "fork");
	if (pid > 0) {
		f = fopen(pidfile, "we");
		if (f == NULL || fprintf(f, "%d\n", (int)pid) < 0 ||
		    fclose(f) != 0)
			err(1, "%s", pidfile);
		return 0;
	}
	(void)setsid();
	null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3 && null != -1; i++)
		(void)dup2(null, i);
	serve(fd);
}

static int
stop(const char *pidfile)
{
	FILE *f = fopen(pidfile, "re");
	int pid = 0;

	if (f == NULL && errno == ENOENT)
		return 0;	/* not started: stopped all the same */
	if (f == NULL || fscanf(f, "%d", &pid) != 1 || pid <= 1)
		errx(1, "%s: no process id in it", pidfile);
	(void)fclose(f);
	(void)kill(pid, SIGKILL);
	for (int ms = 0; ms < STOP_WAIT_MS && kill(pid, 0) == 0; ms++)
		(void)poll(NULL, 0, 1);
	(void)unlink(pidfile);
	return kill(pid, 0) == 0;
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "start") == 0)
		return start(argv[2], argv[3], argv[4]);
	if (argc == 3 && strcmp(argv[1], "stop") == 0)
		return stop(argv[2]);
	(void)fprintf(stderr, "usage: demo-service start PIDFILE ADDRESS "
	    "PORT | stop PIDFILE\n");
	return 64;
}
