/* SPDX-License-Identifier: ISC */

/*
 * vipctl: words and lines for people.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "text.h"

void
age_text(int64_t ns, char *buf, size_t size)
{
	int64_t s = ns / NS_PER_S;

	if (ns < 0)
		snprintf(buf, size, "?");
	else if (s < 10)
		snprintf(buf, size, "%d.%ds", (int)s,
		    (int)(ns % NS_PER_S / (100 * NS_PER_MS)));
	else if (s < 60)
		snprintf(buf, size, "%ds", (int)s);
	else if (s < 3600)
		snprintf(buf, size, "%dm %ds", (int)(s / 60), (int)(s % 60));
	else if (s < 86400)
		snprintf(buf, size, "%dh %dm", (int)(s / 3600),
		    (int)(s / 60 % 60));
	else
		snprintf(buf, size, "%" PRId64 "d %dh", s / 86400,
		    (int)(s / 3600 % 24));
}

void
seconds_text(int64_t ns, char *buf, size_t size)
{
	int64_t ms = ns / NS_PER_MS;
	size_t n;

	snprintf(buf, size, "%" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));
	n = strlen(buf);
	while (n > 2 && buf[n - 1] == '0' && buf[n - 2] != '.')
		buf[--n] = '\0';
}

void
span_text(int64_t least_ns, int64_t most_ns, char *buf, size_t size)
{
	int64_t unit = most_ns < NS_PER_S ? NS_PER_MS : 100 * NS_PER_MS;
	char least[24], most[24];

	seconds_text(least_ns / unit * unit, least, sizeof(least));
	seconds_text((most_ns + unit - 1) / unit * unit, most, sizeof(most));
	if (strcmp(least, most) == 0)
		snprintf(buf, size, "%s", least);
	else
		snprintf(buf, size, "%s-%s", least, most);
}

void
address_text(const struct conf_addr *a, char *buf, size_t size)
{
	if (size < INET6_ADDRSTRLEN || inet_ntop(a->family == 4 ? AF_INET :
	    AF_INET6, a->byte, buf, (socklen_t)size) == NULL)
		snprintf(buf, size, "?");
}

void
clock_text(int64_t wall_ns, bool day, char *buf, size_t size)
{
	time_t t = (time_t)(wall_ns / NS_PER_S);
	struct tm tm;
	char text[32];

	if (wall_ns <= 0 || localtime_r(&t, &tm) == NULL) {
		snprintf(buf, size, "?");
		return;
	}
	strftime(text, sizeof(text), day ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S",
	    &tm);
	snprintf(buf, size, "%s.%03d", text,
	    (int)(wall_ns % NS_PER_S / NS_PER_MS));
}

void
text_clean(char *s)
{
	unsigned char *p, last = 0;

	for (p = (unsigned char *)s; *p != '\0'; p++) {
		/* C0, DEL, and C1 as UTF-8 spells it. */
		if (*p < 0x20 || *p == 0x7f ||
		    (last == 0xc2 && *p >= 0x80 && *p <= 0x9f))
			*p = '?';
		last = *p;
	}
}

size_t
text_width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		if (((unsigned char)*s & 0xc0) != 0x80)
			n++;
	return n;
}

void
text_wrap(FILE *f, const char *s, int columns, int at)
{
	int width = columns - at, used = 0, len;

	while (*s != '\0') {
		len = (int)strcspn(s, " ");
		if (used > 0 && columns > 0 && used + 1 + len > width) {
			fprintf(f, "\n%*s", at, "");
			used = 0;
		} else if (used > 0) {
			fputc(' ', f);
			used++;
		}
		fwrite(s, 1, (size_t)len, f);
		used += len;
		s += len;
		s += strspn(s, " ");
	}
	fputc('\n', f);
}
