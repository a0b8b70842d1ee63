/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"
#include "check.h"

#include <stdio.h>
#include <time.h>

struct pair {
	const char *plain;
	const char *text;
};

static void
base64url_is_rfc_4648(void)
{
	static const struct pair pairs[] = { { "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg" },
		{ "fooba", "Zm9vYmE" }, { "foobar", "Zm9vYmFy" }, { "\xfb\xff\xbf", "-_-_" } };
	static const char *const refused[] = { "Z", "Zg==", "Zg=", "Zh", "Zm9", "Zm9v\n", "Zm 9v", "+/+/", "Zm9vY", "\xc3\xa9zz" };
	char text[32];
	unsigned char bytes[32];
	size_t len;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		size_t plain_len = strlen(pairs[i].plain);
		text_b64_encode(pairs[i].plain, plain_len, text);
		CHECK_TEXT(text, pairs[i].text);
		CHECK(strlen(text) == TEXT_B64_LEN(plain_len));
		CHECK(text_b64_decode(text, strlen(text), bytes, plain_len, &len) && len == plain_len && memcmp(bytes, pairs[i].plain, len) == 0);
		CHECK(plain_len == 0 || !text_b64_decode(text, strlen(text), bytes, plain_len - 1, &len));
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CHECK(!text_b64_decode(refused[i], strlen(refused[i]), bytes, sizeof(bytes), &len));
	CHECK(!text_b64_decode("Zm\0v", 4, bytes, sizeof(bytes), &len));
}

static void
base64url_has_one_spelling(void)
{
	char text[] = "AAA";
	unsigned spelled = 0;

	for (int a = 0; a < 256; a++)
		for (int b = 0; b < 256; b++) {
			unsigned char bytes[2];
			size_t len;
			text[1] = (char)a;
			text[2] = (char)b;
			spelled += text_b64_decode(text, 3, bytes, 2, &len) ? 1 : 0;
		}
	CHECK(spelled == 64 * 16);
}

static void
hexadecimal_is_lower_case(void)
{
	unsigned char bytes[4];
	char text[9];
	size_t len;

	text_hex("\x00\x9f\xa0\xff", 4, text);
	CHECK_TEXT(text, "009fa0ff");
	CHECK(text_unhex(text, 8, bytes, 4, &len) && len == 4 && memcmp(bytes, "\x00\x9f\xa0\xff", 4) == 0);
	CHECK(text_unhex("", 0, bytes, 0, &len) && len == 0);
	CHECK(!text_unhex(text, 8, bytes, 3, &len));
	CHECK(!text_unhex("0", 1, bytes, 4, &len) && !text_unhex("0A", 2, bytes, 4, &len) && !text_unhex("0g", 2, bytes, 4, &len));
}

static int
utf8(const char *text)
{
	return text_is_utf8(text, strlen(text));
}

static void
utf8_is_rfc_3629(void)
{
	static const char *const bad[] = { "\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff", "a\xe1\xba", "\xe1\xbaz",
		"\xf0\x9f\x98" };
	uint32_t point;

	CHECK(utf8("") && utf8("Mở khóa") && utf8("\xf0\x9f\x98\x80") && utf8("\xf4\x8f\xbf\xbf") && utf8("\xed\x9f\xbf\xee\x80\x80"));
	CHECK(text_is_utf8("a\0b", 3));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!utf8(bad[i]));
	CHECK(text_char("\xe1\xbb\x9f", 3, &point) == 3 && point == 0x1edf);
	CHECK(text_char("\xe1\xbb\x9f", 2, &point) == 0 && text_char("", 0, &point) == 0);
}

static void
showable_text_is_one_harmless_line(void)
{
	static const char *const bad[] = { "a\nb", "\r", "\t", "\x1b[2J", "\x7f", "\xc2\x80", "\xc2\x9f", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa",
		"\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9", "\xff" };
	static const char *const good[] = { "", "Nguyễn Văn Đức", "a b~", "\xc2\xa0", "\xe2\x80\xa7", "\xe2\x80\xaf", "\xe2\x81\xa5", "\xe2\x81\xaa" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!text_is_showable(bad[i], strlen(bad[i])));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(text_is_showable(good[i], strlen(good[i])));
	CHECK(!text_is_showable("a\0b", 3));
}

static int
origin(const char *text)
{
	return text_is_origin(text, strlen(text));
}

static void
an_origin_has_one_spelling(void)
{
	static const char *const good[] = { "https://portal.example", "https://portal.example:8443", "https://a", "https://xn--mkha-0qa.vn", "https://1a.example",
		"https://10.0.0.1", "https://255.255.255.255:1", "http://localhost", "http://localhost:8080", "https://localhost", "http://localhost:443",
		"https://a-b.c3", "https://portal.example:65535", "https://portal.example:80" };
	static const char *const bad[] = { "", "https://", "http://", "null", "https:/a", "https://portal.example/", "https://portal.example:443",
		"http://localhost:80", "http://portal.example", "http://127.0.0.1", "http://localhost.", "http://localhosts", "HTTPS://portal.example",
		"https://Portal.example", "https://portal.example.", "https://.portal.example", "https://a..b", "https://portal.example:", "https://portal.example:0",
		"https://portal.example:08443", "https://portal.example:65536", "https://portal.example:99999", "https://portal.example:8443 ", "https://portal.example:+1",
		" https://portal.example", "https://portal.example ", "https://user@portal.example", "https://portal.example?x", "https://portal.example#x",
		"https://portal.example:1:2", "https://-a.example", "https://a-.example", "https://a_b.example", "https://c\xe1\xbb\x95ng.vn", "https://%41.example",
		"https://1.2.3", "https://1.2.3.4.5", "https://256.1.1.1", "https://01.1.1.1", "https://0x7f.0.0.1", "https://a.1", "https://a.0x1", "https://123",
		"https://[::1]", "https://*.example", "https://a\tb", "wss://portal.example", "file://", "https://a,https://b", "https://a\\b" };
	char long_one[300];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!origin(good[i]))
			CHECK_TEXT(good[i], "an origin");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK(!origin(bad[i])))
			printf("taken: %s\n", bad[i]);
	CHECK(!text_is_origin("https://a\0b", 11) && text_is_origin("https://ab", 9));

	memset(long_one, 'a', sizeof(long_one));
	memcpy(long_one, "https://", 8);
	CHECK(text_is_origin(long_one, 8 + 63) && !text_is_origin(long_one, 8 + 64));
	for (size_t at = 8 + 63; at < sizeof(long_one); at += 64)
		long_one[at] = '.';
	CHECK(text_is_origin(long_one, 8 + 253) && !text_is_origin(long_one, 8 + 254));
}

static void
small_helpers(void)
{
	char copy[6];

	CHECK(text_unpadded((const unsigned char *)"SmartCard-HSM   ", 16) == 13);
	CHECK(text_unpadded((const unsigned char *)"    ", 4) == 0 && text_unpadded((const unsigned char *)"a\0 \0", 4) == 1);
	CHECK(text_unpadded((const unsigned char *)" a b", 4) == 4);

	CHECK(text_copy(copy, sizeof(copy), "12345"));
	CHECK_TEXT(copy, "12345");
	CHECK(!text_copy(copy, sizeof(copy), "123456"));
	CHECK_TEXT(copy, "12345");
	CHECK(!text_copy(copy, sizeof(copy), "123\xe1\xbb\x9f"));
	CHECK_TEXT(copy, "123");
	CHECK(text_copy(copy, sizeof(copy), "12\xe1\xbb\x9f"));
	CHECK(!text_copy(copy, 1, "a"));
	CHECK_TEXT(copy, "");

	CHECK(text_equal_nocase("Content-Type", "content-TYPE") && text_equal_nocase("", ""));
	CHECK(!text_equal_nocase("a", "ab") && !text_equal_nocase("ab", "a") && !text_equal_nocase("[", "{") && !text_equal_nocase("@", "`"));
}

static void
a_moment_is_written_as_rfc_3339(void)
{
	char text[TEXT_TIME_LEN + 1], want[80];

	text_time(0, text);
	CHECK_TEXT(text, "1970-01-01T00:00:00Z");
	text_time(-5, text);
	CHECK_TEXT(text, "1970-01-01T00:00:00Z");
	text_time(INT64_MAX, text);
	CHECK_TEXT(text, "9999-12-31T23:59:59Z");
	/* every 5 days and a bit over 400 years against the C library */
	for (int64_t t = 0; t < INT64_C(400) * 366 * 86400; t += 5 * 86400 + 4241) {
		time_t moment = (time_t)t;
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", gmtime(&moment));
		text_time(t, text);
		if (strcmp(text, want) != 0)
			CHECK_TEXT(text, want);
	}
}

static void
a_moment_is_read_as_rfc_3339(void)
{
	static const char *const refused[] = { "", "2025-11-22", "2025-11-22T13:40:00", "2025-11-22T13:40Z", "2025-11-22 13:40:00Z", "2025-11-22t13:40:00Z", "2025-11-22T13:40:00z",
		"2025-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2025-00-10T00:00:00Z", "2025-13-10T00:00:00Z", "2025-04-31T00:00:00Z", "2025-04-00T00:00:00Z",
		"2025-04-30T24:00:00Z", "2025-04-30T23:60:00Z", "2025-04-30T23:59:60Z", "1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "2025-11-22T13:40:00.5Z", "2025-11-22T13:40:00Z ",
		"2025-11-22T13:40:00+0700", "2025-11-22T13:40:00+07", "2025-11-22T13:40:00+24:00", "2025-11-22T13:40:00+07:60", "2025-11-22T13:40:00*07:00", "1970-01-01T00:00:00+00:01",
		"+025-11-22T13:40:00Z", "2025-1a-22T13:40:00Z" };
	char text[TEXT_TIME_LEN + 1];
	int64_t read;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		read = 7;
		if (!CHECK(!text_time_read(refused[i], &read) && read == 7))
			printf("%s\n", refused[i]);
	}
	CHECK(text_time_read("2025-11-22T20:40:00+07:00", &read) && read == 1763818800);
	CHECK(text_time_read("2025-11-22T10:10:00-03:30", &read) && read == 1763818800);
	CHECK(text_time_read("9999-12-31T23:59:59Z", &read) && read == INT64_C(253402300799));
	/* what is written is read, over every kind of year */
	for (int64_t t = 0; t < INT64_C(400) * 366 * 86400; t += 5 * 86400 + 4241) {
		text_time(t, text);
		if (!CHECK(text_time_read(text, &read) && read == t))
			printf("%s\n", text);
	}
}

static void
unescaping(void)
{
	char ret[8];

	CHECK(text_unescape("a%2Bb%2f+", ' ', ret, sizeof(ret)));
	CHECK_TEXT(ret, "a+b/ ");
	CHECK(text_unescape("a+b", '+', ret, sizeof(ret)));
	CHECK_TEXT(ret, "a+b");
	CHECK(text_unescape("", '+', ret, sizeof(ret)) && ret[0] == '\0');
	CHECK(text_unescape("%E1%BB%9Fabcd", ' ', ret, sizeof(ret)) && strlen(ret) == 7);
	CHECK(!text_unescape("%E1%BB%9Fabcde", ' ', ret, sizeof(ret)));
	CHECK(!text_unescape("%", ' ', ret, sizeof(ret)) && !text_unescape("%4", ' ', ret, sizeof(ret)) && !text_unescape("%4g", ' ', ret, sizeof(ret)));
	CHECK(!text_unescape("a%00", ' ', ret, sizeof(ret)));
}

static void
numbers(void)
{
	int64_t n = -1;

	CHECK(text_number("0", 1, &n) && n == 0);
	CHECK(text_number("0012x", 4, &n) && n == 12);
	CHECK(text_number("9007199254740991", 16, &n) && n == INT64_C(9007199254740991));
	CHECK(!text_number("9007199254740992", 16, &n) && !text_number("00000000000000001", 17, &n) && n == INT64_C(9007199254740991));
	CHECK(!text_number("", 0, &n) && !text_number("-1", 2, &n) && !text_number("1 ", 2, &n) && !text_number("0x1", 3, &n));
}

int
main(void)
{
	base64url_is_rfc_4648();
	base64url_has_one_spelling();
	hexadecimal_is_lower_case();
	utf8_is_rfc_3629();
	showable_text_is_one_harmless_line();
	an_origin_has_one_spelling();
	small_helpers();
	a_moment_is_written_as_rfc_3339();
	a_moment_is_read_as_rfc_3339();
	unescaping();
	numbers();
	return CHECK_DONE();
}
