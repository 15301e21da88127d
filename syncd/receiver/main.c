/* SPDX-License-Identifier: ISC */

/*
 * The receiver: sshd's forced command for the partner's key.
 *
 *	receiver PAIR STORE_DIR RUN_DIR
 *
 * The arguments are fixed by the line in authorized_keys; the key holder
 * chooses between three words, `channel`, `rsync` and `facts`.  User _syncr.
 * Must never read or write outside the store, and tells a stranger nothing
 * but one line of refusal: what went wrong stands in this node's own log.
 */

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"
#include "receiver.h"
#include "word.h"

#define LINES_PER_MINUTE	60	/* the partner can cause each of them */

static struct receiver receiver = { .run_dir = -1, .notices = -1 };

/* One line to this node's system log; never to the partner. */
static void
to_syslog(enum log_level level, const char *line, size_t len)
{
	static const int priority[] = {
		[LOG_LEVEL_ERROR] = LOG_ERR,
		[LOG_LEVEL_WARN] = LOG_WARNING,
		[LOG_LEVEL_INFO] = LOG_INFO,
		[LOG_LEVEL_DEBUG] = LOG_DEBUG,
	};
	const struct sockaddr_un to = {
		.sun_family = AF_UNIX, .sun_path = "/dev/log",
	};
	static struct log_limit limit;
	char text[LOG_LINE_MAX + 64];
	size_t n;

	if (!log_allowed(&limit, mono_now().ns, LINES_PER_MINUTE))
		return;
	n = fmt_into(text, sizeof(text), "<%d>vipair-receiver[%d]: %.*s",
	    LOG_DAEMON | priority[level], (int)getpid(), (int)len, line);
	(void)sendto(receiver.out_sock, text, n, MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&to, sizeof(to));
}

static _Noreturn void
refuse(const char *line)
{
	(void)!write(STDERR_FILENO, line, strlen(line));
	_exit(1);
}

/* Nothing of what sshd or the key holder set is looked at again. */
static void
clean(void)
{
	static const int signals[] = { SIGPIPE, SIGHUP, SIGXFSZ };
	size_t i;
	int fd;

	(void)clearenv();
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i], SIG_IGN);
	if (close_range(3, ~0u, 0) == -1)
		_exit(1);
	/* A forced command has all three; one that lacks one gets null. */
	while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) <= 2)
		if (fd == -1)
			_exit(1);
	(void)close(fd);
	(void)umask(0007);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static void
open_store(struct receiver *r)
{
	enum store_result rc;
	struct stat st;
	int dir;

	if (chdir("/") == -1)
		fatal("receiver: /");
	dir = open(r->store_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1 || fstat(dir, &st) == -1)
		fatal("%s: store %s", r->pair, r->store_path);
	r->store_dev = st.st_dev;
	r->store_ino = st.st_ino;
	rc = store_open(&r->store, dir, r->pair, true);
	(void)close(dir);
	if (r->store == NULL)
		fatalx("%s: store %s: %s", r->pair, r->store_path,
		    store_word(rc));
	if (rc != STORE_OK)
		log_warnx("%s: store: %s", r->pair, store_why(r->store));
	r->run_dir = open(r->run_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->run_dir == -1)
		fatal("%s: run directory %s", r->pair, r->run_path);
}

int
main(int argc, char **argv)
{
	struct receiver *r = &receiver;
	enum receiver_word word;
	int status;

	if (argc != 4)
		refuse("receiver: started by sshd only, with the arguments "
		    "of authorized_keys\n");
	word = word_read(getenv("SSH_ORIGINAL_COMMAND"));
	if (word == WORD_REFUSED)
		refuse("receiver: this key is for vipair only\n");
	if (geteuid() == 0)
		refuse("receiver: refuses to run as root\n");
	clean();
	r->out_sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (r->out_sock == -1)
		refuse("receiver: not available\n");
	log_to(to_syslog);
	r->pair = argv[1];
	r->store_path = argv[2];
	r->run_path = argv[3];
	if (word == WORD_FACTS)
		return facts_run(r);
	open_store(r);
	status = word == WORD_CHANNEL ? channel_run(r) : rsync_run(r);
	store_close(r->store);
	return status;
}
