/* SPDX-License-Identifier: ISC */

/*
 * vipctl report: the frame of the page, and the escaping.
 */
#include <string.h>

#include "report.h"

static const char style[] =
    ":root{--ink:#1d2330;--dim:#5c6577;--paper:#fff;--line:#d8dde6;"
    "--active:#1f7a4d;--standby:#8fa3bf;--starting:#d9a321;"
    "--faulted:#c0392b;--maintenance:#7d5ba6}\n"
    "@media (prefers-color-scheme:dark){:root{--ink:#e7eaf0;--dim:#9aa5b8;"
    "--paper:#14181f;--line:#333b49;--active:#3fb37a;--standby:#5c708f}}\n"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);"
    "background:var(--paper);max-width:60rem;margin:2rem auto;"
    "padding:0 1rem}\n"
    "h1{font-size:1.3rem}h2{font-size:1.5rem;margin:2.2rem 0 .2rem}"
    "h3{font-size:1.05rem;margin:1.8rem 0 .4rem}\n"
    "p.dim,caption{color:var(--dim);text-align:left}\n"
    ".verdict{display:inline-block;padding:.1rem .6rem;border-radius:.3rem;"
    "color:#fff;background:var(--faulted)}\n"
    ".verdict.healthy{background:var(--active)}"
    ".verdict.degraded{background:#a06a00}"
    ".verdict.maintenance{background:var(--maintenance)}\n"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.25rem .6rem;"
    "border-bottom:1px solid var(--line);vertical-align:top}"
    "th{color:var(--dim);font-weight:600}"
    "td.t{white-space:nowrap}td.n,th.n{text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}\n"
    ".scroll{overflow-x:auto}svg{max-width:100%;height:auto}"
    "svg text{font:12px system-ui,sans-serif;fill:var(--ink)}"
    "svg .dim{fill:var(--dim)}svg .axis{stroke:var(--line)}\n"
    ".active{fill:var(--active)}.standby{fill:var(--standby)}"
    ".starting{fill:var(--starting)}.faulted{fill:var(--faulted)}"
    ".maintenance{fill:var(--maintenance)}.gap{fill:var(--faulted)}"
    ".bar{fill:var(--standby)}\n"
    "code{font:13px ui-monospace,monospace}li{margin:.4rem 0}\n";

/*
 * Length of the character at s if it is one that may stand in a page, 0 if
 * not: cut, overlong, a surrogate, or no character at all.
 */
static size_t
character(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c;
	size_t n, i;

	if (s[0] < 0x80)
		return s[0] >= ' ' && s[0] != 0x7f ? 1 : 0;
	n = s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : s[0] >= 0xe0 && s[0] < 0xf0 ?
	    3 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : 0;
	if (n == 0)
		return 0;
	c = s[0] & (0xffu >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	if (c < least[n] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff ||
	    (c >= 0x80 && c < 0xa0) || (c & 0xfffe) == 0xfffe)
		return 0;
	return n;
}

void
html_text(FILE *f, const char *s)
{
	size_t n;

	for (; *s != '\0'; s += n) {
		n = character((const unsigned char *)s);
		if (n == 0) {
			fputs("\xef\xbf\xbd", f);
			n = 1;
		} else if (*s == '&')
			fputs("&amp;", f);
		else if (*s == '<')
			fputs("&lt;", f);
		else if (*s == '>')
			fputs("&gt;", f);
		else if (*s == '"')
			fputs("&quot;", f);
		else if (*s == '\'')
			fputs("&#39;", f);
		else
			fwrite(s, 1, n, f);
	}
}

void
html_element(FILE *f, const char *tag, const char *class, const char *text)
{
	fprintf(f, "<%s", tag);
	if (class != NULL) {
		fputs(" class=\"", f);
		html_text(f, class);
		fputc('"', f);
	}
	fputc('>', f);
	html_text(f, text);
	fprintf(f, "</%s>", tag);
}

void
html_begin(FILE *f, const char *title)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\"/>\n"
	    "<meta http-equiv=\"Content-Security-Policy\" "
	    "content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n",
	    f);
	html_element(f, "title", NULL, title);
	fprintf(f, "\n<style>%s</style>\n</head>\n<body>\n", style);
}

void
html_end(FILE *f)
{
	fputs("</body>\n</html>\n", f);
}
