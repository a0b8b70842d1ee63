/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "address.h"
#include "message.h"
#include "mime.h"

#include <stdbool.h>

static void
test_addresses(void)
{
	static const char *const good[] = { "an@ca.vn", "nguyen.van.an@khach-hang.com.vn", "a+b_c-d@x1.example", "o'neil@mail.example", "x@localhost",
		"0123456789012345678901234567890123456789012345678901234567890123@ca.vn" };
	static const char *const bad[] = { "", "@", "an", "an@", "@ca.vn", "an@ca@vn", "an @ca.vn", "an@ca .vn", "<an@ca.vn>", "an@ca.vn,b@ca.vn", "an@ca.vn;",
		"an@ca.vn:", "\"an\"@ca.vn", "a\\n@ca.vn", "an@ca.vn\r\nRCPT TO:<b@ca.vn>", "an@ca.vn\n", "\tan@ca.vn", ".an@ca.vn", "an.@ca.vn", "a..n@ca.vn",
		"an@.ca.vn", "an@ca.vn.", "an@ca..vn", "an@-ca.vn", "an@ca-.vn", "an@ca.vn-", "an@[127.0.0.1]", "an@ca_b.vn", "đặng@ca.vn", "an@cà.vn", "an@ca.vn\x7f",
		"01234567890123456789012345678901234567890123456789012345678901234@ca.vn",
		"an@0123456789012345678901234567890123456789012345678901234567890123.vn" };
	char text[300];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(address_ok(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK(!address_ok(bad[i], strlen(bad[i]))))
			printf("taken: %s\n", bad[i]);
	CHECK(!address_ok("an@ca.vn\0x", 10));
	CHECK(!address_ok("an\0@ca.vn", 9));
	/* 254 characters and one more */
	memset(text, 'a', sizeof(text));
	for (size_t at = 13; at < sizeof(text); at += 50)
		text[at] = '.';
	text[2] = '@';
	CHECK(address_ok(text, 252) && address_ok(text, 254));
	CHECK(!address_ok(text, 255));
	CHECK_TEXT(address_domain("an@ca.vn"), "ca.vn");
}

static void
check_header(const char *value, const char *tail, const char *want)
{
	struct buf b = buf_new(1000);

	mime_header(&b, "Subject", value, tail);
	CHECK(buf_error(&b) == ERR_OK);
	CHECK_TEXT(buf_text(&b), want);
	buf_free(&b);
}

static void
test_header_lines(void)
{
	struct buf b = buf_new(1000);

	check_header("Unlock 12", NULL, "Subject: Unlock 12\r\n");
	check_header("VNPT-CA", "<no-reply@ca.vn>", "Subject: VNPT-CA\r\n <no-reply@ca.vn>\r\n");
	check_header("Mã", NULL, "Subject: =?UTF-8?Q?M=C3=A3?=\r\n");
	check_header("=?UTF-8?Q?x?=", NULL, "Subject: =?UTF-8?Q?=3D=3FUTF=2D8=3FQ=3Fx=3F=3D?=\r\n");
	check_header("a, b <c@d.vn>", NULL, "Subject: =?UTF-8?Q?a=2C_b_=3Cc=40d=2Evn=3E?=\r\n");
	check_header(" a  b ", NULL, "Subject: =?UTF-8?Q?_a__b_?=\r\n");
	check_header("Mã mở khóa token của quý khách", NULL,
	    "Subject: =?UTF-8?Q?M=C3=A3_m=E1=BB=9F_kh=C3=B3a_token_c=E1=BB=A7a_qu=C3=BD?=\r\n =?UTF-8?Q?_kh=C3=A1ch?=\r\n");
	mime_header(&b, "Subject", "a\r\nBcc: b@ca.vn", NULL);
	CHECK(buf_error(&b) == ERR_INVALID_PARAMS);
	buf_free(&b);
}

static void
check_quoted(const char *text, const char *want)
{
	struct buf b = buf_new(1000);

	mime_quoted(&b, text, strlen(text));
	CHECK_TEXT(buf_text(&b), want);
	buf_free(&b);
}

static void
test_bodies(void)
{
	check_quoted("An\nMã = 1\n", "An\r\nM=C3=A3 =3D 1\r\n");
	check_quoted("no end", "no end\r\n");
	check_quoted("blank \n\nnext ", "blank=20\r\n\r\nnext=20\r\n");
	check_quoted(".\n..\n-- \n--x", "=2E\r\n=2E.\r\n=2D-=20\r\n=2D-x\r\n");
	check_quoted("tab\there\r\n", "tab=09here=0D\r\n");
	/* 75 columns and the sign that the line goes on; never a blank at the end, never a character torn */
	check_quoted("123456789 123456789 123456789 123456789 123456789 123456789 123456789 12345678 0",
	    "123456789 123456789 123456789 123456789 123456789 123456789 123456789 12345=\r\n678 0\r\n");
	check_quoted("123456789 123456789 123456789 123456789 123456789 123456789 123456789 1234á.\n",
	    "123456789 123456789 123456789 123456789 123456789 123456789 123456789 1234=\r\n=C3=A1.\r\n");
	check_quoted("123456789 123456789 123456789 123456789 123456789 123456789 123456789 12345.x",
	    "123456789 123456789 123456789 123456789 123456789 123456789 123456789 12345=\r\n=2Ex\r\n");
}

static struct message
some_message(const char *text)
{
	return (struct message){
		.from_name = "Tổ chức chứng thực",
		.from = "no-reply@ca.vn",
		.to = "an@khach.vn",
		.subject = "Mã mở khóa token",
		.text = text,
		.text_len = strlen(text),
		.id = 42,
		.created = 1700000000,
		.date = 1700000001,
	};
}

static void
test_whole(void)
{
	struct message m = some_message("Kính gửi <An> & \"Bình\",\n\n    KA1J-9CPV-2CVX-G\n\nDòng một\ndòng hai\n\n----------\n\nDear An\n");
	struct buf b = buf_new(MESSAGE_MAX);
	const char *text;

	CHECK(message_build(&m, &b) == ERR_OK);
	text = buf_text(&b);
	CHECK(strstr(text, "\r\nTo: <an@khach.vn>\r\n") != NULL);
	CHECK(strstr(text, "\r\nDate: Tue, 14 Nov 2023 22:13:21 +0000\r\n") != NULL);
	CHECK(strstr(text, "\r\nMessage-ID: <mokhoa.42.1700000000@ca.vn>\r\n") != NULL);
	CHECK(strstr(text, "\r\nAuto-Submitted: auto-generated\r\n") != NULL);
	CHECK(strstr(text, "\r\n    KA1J-9CPV-2CVX-G\r\n") != NULL);
	CHECK(strstr(text, "KA1J-9CPV-2CVX-G</p>") != NULL);
	CHECK(strstr(text, "&lt;An&gt; &amp; &quot;") != NULL);
	CHECK(strstr(text, "<br>") != NULL && strstr(text, "<hr>") != NULL);
	buf_free(&b);
}

static void
test_refusals(void)
{
	struct message m = some_message("x");
	struct buf b = buf_new(MESSAGE_MAX);

	m.to = "an@khach.vn\r\nBcc: b@ca.vn";
	CHECK(message_build(&m, &b) == ERR_MAIL_ADDRESS);
	m.to = "";
	CHECK(message_build(&m, &b) == ERR_MAIL_ADDRESS);
	CHECK(b.len == 0);
	m = some_message("x");
	m.from = "nobody";
	CHECK(message_build(&m, &b) == ERR_MAIL_ADDRESS);
	m = some_message("x");
	m.subject = "x\ny";
	CHECK(message_build(&m, &b) == ERR_INVALID_PARAMS);
	buf_free(&b);
	b = buf_new(700);
	m = some_message("A text that is longer than what the caller's buffer may hold");
	CHECK(message_build(&m, &b) == ERR_FRAME_TOO_LARGE);
	buf_free(&b);
}

int
main(void)
{
	test_addresses();
	test_header_lines();
	test_bodies();
	test_whole();
	test_refusals();
	return CHECK_DONE();
}
