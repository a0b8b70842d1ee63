/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include "address.h"
#include "mime.h"
#include "text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define HTML_HEAD "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head>\n<body style=\"font-family:sans-serif;font-size:16px;max-width:40em\">\n"
#define HTML_TAIL "</body></html>\n"
#define LARGE	  "<p style=\"font-family:monospace;font-size:28px;letter-spacing:2px\">\n"

/* ---- the text as HTML: no link, no picture, nothing that is fetched ---- */

static void
add_escaped(struct buf *b, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (text[i]) {
		case '<':
			buf_add_text(b, "&lt;");
			break;
		case '>':
			buf_add_text(b, "&gt;");
			break;
		case '&':
			buf_add_text(b, "&amp;");
			break;
		case '"':
			buf_add_text(b, "&quot;");
			break;
		default:
			buf_add(b, text + i, 1);
		}
	}
}

/* The paragraph stays open from line to line; *open says whether there is one. */
static void
add_html_line(struct buf *b, const char *line, size_t len, bool *open)
{
	bool large = len > 4 && strncmp(line, "    ", 4) == 0;
	bool rule = len > 4 && strncmp(line, "-----", 5) == 0;

	if (*open && (len == 0 || large || rule)) {
		buf_add_text(b, "</p>\n");
		*open = false;
	}
	if (len == 0)
		return;
	if (rule) {
		buf_add_text(b, "<hr>\n");
	} else if (large) {
		buf_add_text(b, LARGE);
		add_escaped(b, line + 4, len - 4);
		buf_add_text(b, "</p>\n");
	} else {
		buf_add_text(b, *open ? "<br>\n" : "<p>");
		add_escaped(b, line, len);
		*open = true;
	}
}

static void
write_html(struct buf *b, const char *text, size_t len)
{
	bool open = false;

	buf_add_text(b, HTML_HEAD);
	for (size_t at = 0; at <= len;) {
		const char *end = at < len ? memchr(text + at, '\n', len - at) : NULL;
		size_t line = end != NULL ? (size_t)(end - (text + at)) : len - at;
		add_html_line(b, text + at, line, &open);
		at += line + 1;
	}
	add_html_line(b, "", 0, &open);
	buf_add_text(b, HTML_TAIL);
}

/* ---- the whole ---- */

/* RFC 5322, 3.3; strftime would ask the locale. */
static void
add_date(struct buf *b, int64_t date)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char line[64];
	time_t t = (time_t)date;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL) {
		buf_fail(b, ERR_INTERNAL);
		return;
	}
	snprintf(line, sizeof(line), "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d +0000\r\n", days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	buf_add_text(b, line);
}

static void
add_headers(struct buf *b, const struct message *m)
{
	char line[512];

	snprintf(line, sizeof(line), "<%s>", m->from);
	mime_header(b, "From", m->from_name, line);
	snprintf(line, sizeof(line), "To: <%s>\r\n", m->to);
	buf_add_text(b, line);
	mime_header(b, "Subject", m->subject, NULL);
	add_date(b, m->date);
	snprintf(line, sizeof(line), "Message-ID: <mokhoa.%lld.%lld@%s>\r\n", (long long)m->id, (long long)m->created, address_domain(m->from));
	buf_add_text(b, line);
	buf_add_text(b, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
}

static void
add_part(struct buf *b, const char *boundary, const char *type, const char *text, size_t len)
{
	buf_add_text(b, "--");
	buf_add_text(b, boundary);
	buf_add_text(b, "\r\nContent-Type: ");
	buf_add_text(b, type);
	buf_add_text(b, "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
	mime_quoted(b, text, len);
}

enum err
message_build(const struct message *m, struct buf *b)
{
	struct buf html = buf_new(MESSAGE_MAX);
	char boundary[64];
	char line[128];

	if (!address_ok(m->to, strlen(m->to)) || !address_ok(m->from, strlen(m->from)))
		return ERR_MAIL_ADDRESS;
	/* no quoted line begins with hyphens, so no part can hold the boundary */
	snprintf(boundary, sizeof(boundary), "mokhoa-%lld-%lld", (long long)m->id, (long long)m->created);
	write_html(&html, m->text, m->text_len);
	add_headers(b, m);
	snprintf(line, sizeof(line), "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n", boundary);
	buf_add_text(b, line);
	add_part(b, boundary, "text/plain", m->text, m->text_len);
	add_part(b, boundary, "text/html", (const char *)html.data, html.len);
	snprintf(line, sizeof(line), "--%s--\r\n", boundary);
	buf_add_text(b, line);
	if (buf_error(&html) != ERR_OK)
		buf_fail(b, buf_error(&html));
	buf_free(&html);
	return buf_error(b);
}
