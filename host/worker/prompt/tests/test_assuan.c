/* SPDX-License-Identifier: Apache-2.0 */
#include "assuan.h"
#include "check.h"

static struct assuan_line
parse(const char *line)
{
	return assuan_parse(line, strlen(line));
}

static void
lines_are_told_apart(void)
{
	CHECK(parse("OK").kind == ASSUAN_OK);
	CHECK(parse("OK Pleased to meet you").kind == ASSUAN_OK);
	CHECK(parse("OKAY").kind == ASSUAN_STRANGE);
	CHECK(parse("").kind == ASSUAN_COMMENT);
	CHECK(parse("# anything").kind == ASSUAN_COMMENT);
	CHECK(parse("S PIN_REPEATED").kind == ASSUAN_STATUS);
	CHECK(parse("INQUIRE QUALITY 1").kind == ASSUAN_STRANGE);
	CHECK(parse("D").kind == ASSUAN_DATA);
	CHECK(parse("D").rest_len == 0);
	CHECK(parse("D 12").rest_len == 2);
	CHECK(parse("D  12").rest_len == 3);
	CHECK(parse("DATA").kind == ASSUAN_STRANGE);
	CHECK(parse("ok").kind == ASSUAN_STRANGE);
}

static void
errors_keep_their_code_alone(void)
{
	CHECK(parse("ERR 83886179 Operation cancelled <Pinentry>").code == ASSUAN_CANCELED);
	CHECK(parse("ERR 99").code == ASSUAN_CANCELED);
	CHECK(parse("ERR 83886142 Timeout").code == ASSUAN_TIMEOUT);
	/* an ERR is never a success, whatever its number */
	CHECK(parse("ERR").code != 0);
	CHECK(parse("ERR 0").code != 0);
	CHECK(parse("ERR 65536").code != 0);
	CHECK(parse("ERR none").code != 0);
	CHECK(parse("ERR 99999999999999999999999999").code != 0);
}

static bool
unescapes_to(const char *text, const char *want)
{
	struct secret s = { 0 };

	return assuan_unescape(text, strlen(text), &s) && s.len == strlen(want) && memcmp(s.bytes, want, s.len) == 0;
}

static bool
is_refused(const char *text)
{
	struct secret s = { 0 };

	return !assuan_unescape(text, strlen(text), &s) && s.len == 0;
}

static void
data_is_unescaped(void)
{
	char full[SECRET_MAX + 2];
	struct secret s = { 0 };

	CHECK(unescapes_to("", ""));
	CHECK(unescapes_to("KA1J-9CPV", "KA1J-9CPV"));
	CHECK(unescapes_to("100%25", "100%"));
	CHECK(unescapes_to("%0a%0D%c3%A9", "\n\r\xc3\xa9"));
	CHECK(is_refused("%"));
	CHECK(is_refused("%2"));
	CHECK(is_refused("12%"));
	CHECK(is_refused("12%4"));
	CHECK(is_refused("%2g"));
	CHECK(is_refused("%g2"));
	CHECK(is_refused("%-1"));
	memset(full, 'x', sizeof(full));
	CHECK(assuan_unescape(full, SECRET_MAX, &s) && s.len == SECRET_MAX);
	CHECK(!assuan_unescape(full, 1, &s) && s.len == 0);
	CHECK(!assuan_unescape(full, SECRET_MAX + 1, &s) && s.len == 0);
	CHECK(assuan_unescape("ab", 2, &s) && assuan_unescape("cd", 2, &s) && s.len == 4);
}

static void
text_stays_on_its_line(void)
{
	struct buf b = buf_new(ASSUAN_LINE_MAX);

	assuan_escape(&b, "100% sure\nMở khóa\x7f\r");
	CHECK_TEXT(buf_text(&b), "100%25 sure%0AMở khóa%7F%0D");
	buf_free(&b);
}

int
main(void)
{
	lines_are_told_apart();
	errors_keep_their_code_alone();
	data_is_unescaped();
	text_stays_on_its_line();
	return CHECK_DONE();
}
