/* SPDX-License-Identifier: ISC */

/*
 * Logging without stdio.  A room formats one bounded line on its stack and
 * writes it to its log descriptor without blocking; what cannot go is
 * dropped and counted, so that logging never delays an advert.  The
 * supervisor reads those lines, adds time and room name, and writes them to
 * stderr or syslog.
 *
 * One datagram: a byte '0' + level, then the text without newline.
 *
 * The formatter knows %s %d %u %x %c %% %lld %llu %zu, width and zero
 * padding ("%02x"), and %.*s; nothing else (compilers check the arguments).
 */
#ifndef VIPAIR_LOG_H
#define VIPAIR_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX	480

enum log_level {
	LOG_LEVEL_ERROR = 0,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* fd is set non-blocking by its maker; level: the most that is written. */
void	log_init(int fd, enum log_level level);
void	log_set_level(enum log_level level);

/*
 * Instead of the descriptor: the supervisor, which writes the log itself,
 * and vipctl get each line in a function of theirs.  NULL: back to the fd.
 */
typedef void	(*log_sink)(enum log_level level, const char *line,
		    size_t len);
void	log_to(log_sink sink);

/* With errno / without; fatal ones end the process with status 1. */
void	log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void	log_warnx(const char *fmt, ...) PRINTF_LIKE(1, 2);
void	log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void	log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);
_Noreturn void	fatal(const char *fmt, ...) PRINTF_LIKE(1, 2);
_Noreturn void	fatalx(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Lines that could not be written since start. */
uint32_t	log_dropped(void);

/*
 * Bounded formatting as above, for anybody under a filter.  Always ends the
 * buffer with NUL; returns the length written without it.
 */
size_t	fmt_into(char *buf, size_t size, const char *fmt, ...)
	    PRINTF_LIKE(3, 4);
size_t	fmt_vinto(char *buf, size_t size, const char *fmt, va_list ap)
	    PRINTF_LIKE(3, 0);

/*
 * Rate limit for lines a stranger can cause: true when the line may go.
 * At most `burst` a minute; the suppressed ones are counted in `skipped`.
 */
struct log_limit {
	int64_t		window_ns;	/* start of the minute */
	uint32_t	count;
	uint32_t	skipped;
};
bool	log_allowed(struct log_limit *l, int64_t now_ns, uint32_t burst);

#endif
