/* SPDX-License-Identifier: ISC */

/*
 * Every room: lines for the supervisor, and the bounded formatter that makes
 * them.  Called with the system call filter on: no stdio, no allocation, no
 * locale.  Must never block and never fail: a line that cannot go is counted.
 */

#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mono.h"

#define LOG_WINDOW_NS	(60 * NS_PER_S)
#define FMT_PAD_MAX	64

static struct log_state {
	int		fd;
	enum log_level	level;
	uint32_t	dropped;
	log_sink	sink;
} state = { .fd = -1, .level = LOG_LEVEL_INFO };

/* What is being written: always room for the NUL. */
struct out {
	char	*buf;
	size_t	 size, len;
};

/* One conversion as it was read from the format. */
struct spec {
	int	width;
	int	precision;	/* -1: none */
	int	longs;		/* 0 int, 1 long, 2 long long, 3 size_t */
	bool	zero;
	char	conv;
};

static void
put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len++] = c;
}

static void
put_padding(struct out *o, int n, char c)
{
	if (n > FMT_PAD_MAX)
		n = FMT_PAD_MAX;
	for (; n > 0; n--)
		put(o, c);
}

static void
put_string(struct out *o, const struct spec *s, const char *text)
{
	size_t i, n;

	if (text == NULL)
		text = "(null)";
	n = s->precision >= 0 ? strnlen(text, (size_t)s->precision) :
	    strlen(text);
	if (n < (size_t)s->width)
		put_padding(o, s->width - (int)n, ' ');
	for (i = 0; i < n; i++)
		put(o, text[i]);
}

static void
put_number(struct out *o, const struct spec *s, unsigned long long v,
    bool negative)
{
	char digit[24];
	unsigned int base = s->conv == 'x' ? 16 : 10;
	int n = 0, pad;

	do {
		digit[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v != 0);
	pad = s->width - n - (negative ? 1 : 0);
	if (!s->zero)
		put_padding(o, pad, ' ');
	if (negative)
		put(o, '-');
	if (s->zero)
		put_padding(o, pad, '0');
	while (n > 0)
		put(o, digit[--n]);
}

/*
 * One number of the width the format names.  A va_list that is an array
 * type decays when it is handed on, hence the pointer.
 */
static void
put_integer(struct out *o, const struct spec *s, va_list *ap)
{
	unsigned long long u;
	long long d;

	if (s->conv == 'd') {
		if (s->longs == 0)
			d = va_arg(*ap, int);
		else if (s->longs == 2)
			d = va_arg(*ap, long long);
		else
			d = va_arg(*ap, long);
		u = d < 0 ? -(unsigned long long)d : (unsigned long long)d;
		put_number(o, s, u, d < 0);
		return;
	}
	if (s->longs == 0)
		u = va_arg(*ap, unsigned int);
	else if (s->longs == 2)
		u = va_arg(*ap, unsigned long long);
	else
		u = va_arg(*ap, unsigned long);
	put_number(o, s, u, false);
}

static const char *
parse_spec(struct spec *s, const char *p, va_list *ap)
{
	*s = (struct spec){ .precision = -1 };
	if (*p == '0') {
		s->zero = true;
		p++;
	}
	for (; *p >= '0' && *p <= '9'; p++)
		if (s->width < FMT_PAD_MAX)
			s->width = s->width * 10 + (*p - '0');
	if (p[0] == '.' && p[1] == '*') {
		s->precision = va_arg(*ap, int);
		p += 2;
	}
	if (*p == 'z') {
		s->longs = 3;
		p++;
	}
	for (; *p == 'l' && s->longs < 2; p++)
		s->longs++;
	s->conv = *p;
	return p;
}

/* False for a conversion that is not ours: its argument cannot be skipped. */
static bool
put_spec(struct out *o, const struct spec *s, va_list *ap)
{
	switch (s->conv) {
	case '%':
		put(o, '%');
		return true;
	case 'c':
		put(o, (char)va_arg(*ap, int));
		return true;
	case 's':
		put_string(o, s, va_arg(*ap, const char *));
		return true;
	case 'd':
	case 'u':
	case 'x':
		put_integer(o, s, ap);
		return true;
	default:
		return false;
	}
}

size_t
fmt_vinto(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .size = size };
	struct spec s;
	va_list args;
	const char *p;

	assert(size > 0);
	va_copy(args, ap);
	for (p = fmt; *p != '\0'; p++) {
		if (*p != '%') {
			put(&o, *p);
			continue;
		}
		p = parse_spec(&s, p + 1, &args);
		if (!put_spec(&o, &s, &args)) {
			put(&o, '%');
			put(&o, '?');
			break;
		}
	}
	va_end(args);
	buf[o.len] = '\0';
	return o.len;
}

size_t
fmt_into(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = fmt_vinto(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

void
log_init(int fd, enum log_level level)
{
	state.fd = fd;
	state.level = level;
	state.dropped = 0;
}

void
log_set_level(enum log_level level)
{
	state.level = level;
}

void
log_to(log_sink sink)
{
	state.sink = sink;
}

uint32_t
log_dropped(void)
{
	return state.dropped;
}

/* One line must stay one line, whatever a string in it holds. */
static void
make_printable(char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
}

static void
append_error(char *buf, size_t size, size_t *len, int error)
{
	const char *text = strerrordesc_np(error);

	if (text != NULL)
		*len += fmt_into(buf + *len, size - *len, ": %s", text);
	else
		*len += fmt_into(buf + *len, size - *len, ": error %d", error);
}

/* error -1: none to append. */
static void PRINTF_LIKE(3, 0)
emit(enum log_level level, int error, const char *fmt, va_list ap)
{
	char line[LOG_LINE_MAX];
	int saved = errno;
	size_t len;

	if (level > state.level)
		return;
	line[0] = (char)('0' + level);
	len = 1 + fmt_vinto(line + 1, sizeof(line) - 1, fmt, ap);
	if (error != -1)
		append_error(line, sizeof(line), &len, error);
	make_printable(line + 1, len - 1);
	if (state.sink != NULL)
		state.sink(level, line + 1, len - 1);
	else if (send(state.fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
		state.dropped++;
	errno = saved;
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_LEVEL_WARN, errno, fmt, ap);
	va_end(ap);
}

void
log_warnx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_LEVEL_WARN, -1, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_LEVEL_INFO, -1, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_LEVEL_DEBUG, -1, fmt, ap);
	va_end(ap);
}

/* _exit: handlers of libc's would run into the filter. */
void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_LEVEL_ERROR, errno, fmt, ap);
	va_end(ap);
	_exit(1);
}

void
fatalx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(LOG_LEVEL_ERROR, -1, fmt, ap);
	va_end(ap);
	_exit(1);
}

bool
log_allowed(struct log_limit *l, int64_t now_ns, uint32_t burst)
{
	if (l->window_ns == 0 || now_ns - l->window_ns >= LOG_WINDOW_NS) {
		l->window_ns = now_ns;
		l->count = 0;
	}
	if (l->count >= burst) {
		l->skipped++;
		return false;
	}
	l->count++;
	return true;
}
