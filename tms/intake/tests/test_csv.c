/* SPDX-License-Identifier: Apache-2.0 */
/* What is a row and what is not, and what a table of tokens must hold. */
#include "check.h"

#include "csv.h"
#include "json.h"
#include "sheet.h"

#include <stdlib.h>

static struct csv csv;

/* All rows of a text as "a|b|c" lines; a bad one as "!LINE cause". */
static void
check_rows(const char *text, const char *want)
{
	struct buf got = buf_new(100000);
	struct csv_row row;
	const char *cause;
	char line[32];

	csv_open(&csv, text, strlen(text));
	while (csv_more(&csv)) {
		if (csv_next(&csv, &row, &cause) == ERR_OK) {
			for (size_t i = 0; i < row.count; i++) {
				buf_add_text(&got, i != 0 ? "|" : "");
				buf_add_text(&got, row.fields[i]);
			}
		} else {
			snprintf(line, sizeof(line), "!%u ", row.line);
			buf_add_text(&got, line);
			buf_add_text(&got, cause);
		}
		buf_add_text(&got, "\n");
	}
	csv_close(&csv);
	CHECK_TEXT(buf_text(&got), want);
	buf_free(&got);
}

static void
test_rows(void)
{
	check_rows("", "");
	check_rows("a,b\r\nc,d\r\n", "a|b\nc|d\n");
	check_rows("a,b\nc,d", "a|b\nc|d\n");
	check_rows("\xef\xbb\xbfmã,\"b, c\"\n", "mã|b, c\n");
	check_rows("\"a \"\"b\"\"\",,\n,\n", "a \"b\"||\n|\n");
	check_rows("\"\"\n", "\n");
	check_rows("a,\"\"\"\"\r\n", "a|\"\n");
}

static void
test_bad_rows(void)
{
	check_rows("a\n\nb\n", "a\n!2 an empty line\nb\n");
	check_rows("a\"b\nc\n", "!1 a quote inside a field that does not begin with one\nc\n");
	check_rows("\"a\"b\nc\n", "!1 something behind a closing quote\nc\n");
	/* a quote that is never closed costs its own line only */
	check_rows("\"a\nb\nc\n", "!1 a quote that is never closed\nb\nc\n");
	check_rows("\"a\nb\"\nc\n", "!1 a field with a character that cannot be shown\n!2 a quote inside a field that does not begin with one\nc\n");
	check_rows("a\rb\n", "!1 a field with a character that cannot be shown\n");
	check_rows("a\tb\n", "!1 a field with a character that cannot be shown\n");
	check_rows("a\xc3\n", "!1 a field that is not UTF-8\n");
	check_rows("a\xe2\x80\xae"
		   "b\n",
	    "!1 a field with a character that cannot be shown\n");
	check_rows("a , b\nc, b\nd\n", "!1 a field with a blank at its begin or end\n!2 a field with a blank at its begin or end\nd\n");
	check_rows("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16\n", "1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16\n");
	check_rows("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,\n", "!1 too many fields\n");
}

static void
test_long_rows(void)
{
	static char text[2 * CSV_ROW_MAX];
	struct csv_row row;
	const char *cause;

	for (size_t len = CSV_ROW_MAX - 3; len < CSV_ROW_MAX + 3; len++) {
		memset(text, 'x', len);
		text[len] = '\n';
		csv_open(&csv, text, len + 1);
		/* the NUL behind it takes a byte, and one is kept for the field that might follow */
		CHECK((csv_next(&csv, &row, &cause) == ERR_OK) == (len < CSV_ROW_MAX - 1));
		memset(text, ',', len);
		text[0] = '"';
		text[len - 1] = '"';
		csv_open(&csv, text, len + 1);
		CHECK((csv_next(&csv, &row, &cause) == ERR_OK) == (len - 2 < CSV_ROW_MAX - 1));
	}
	csv_close(&csv);
}

static void
check_written(const char *field, const char *want)
{
	struct buf b = buf_new(1000);

	csv_write(&b, field);
	CHECK_TEXT(buf_text(&b), want);
	buf_free(&b);
}

static void
test_writing(void)
{
	check_written("", "");
	check_written("An", "An");
	check_written("Công ty A, B", "\"Công ty A, B\"");
	check_written("\"A\"", "\"\"\"A\"\"\"");
}

/* ---- sheets ---- */

#define NAMES "manufacturer,model,serial,so_pin,customer,email,certificate_serial\n"

static struct sheet sheet;

/* What the sheet says of the first row behind the names. */
static enum err
first_row(const char *text, struct sheet_row *ret)
{
	const char *cause = "";
	enum err e = sheet_open(&sheet, "so_pin", text, strlen(text), &cause);

	CHECK(e == ERR_OK);
	CHECK(sheet_next(&sheet, ret, &e, &cause));
	sheet_close(&sheet);
	return e;
}

static void
test_names(void)
{
	static const char *const bad[] = { "", "manufacturer\n", "manufacturer,model,serial,sealed,customer,email\n", "manufacturer,model,serial,so_pin,customer\n",
		"manufacturer,model,serial,so_pin,customer,email,email\n", "manufacturer,model,serial,so_pin,customer,email,pin\n",
		"Manufacturer,model,serial,so_pin,customer,email\n", "\"manufacturer\n" };
	const char *cause;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(sheet_open(&sheet, "so_pin", bad[i], strlen(bad[i]), &cause) == ERR_CSV_INVALID);
		CHECK(cause != NULL && cause[0] != '\0');
		sheet_close(&sheet);
	}
}

static void
test_sheet_rows(void)
{
	struct sheet_row row;

	CHECK(first_row(NAMES "CardContact,SmartCard-HSM,DENK01,1234,An,an@ca.vn,5:6:0a\n", &row) == ERR_OK);
	CHECK_TEXT(row.certificate_serial, "560A");
	CHECK(first_row("email,customer,so_pin,serial,model,manufacturer\n,,1234,DENK01,,\n", &row) == ERR_OK);
	CHECK_TEXT(row.token.serial, "DENK01");
	CHECK_TEXT(row.certificate_serial, "");
	CHECK(row.line == 2);
	CHECK(first_row(NAMES "a,b,,1234,,,\n", &row) == ERR_CSV_INVALID); /* no serial */
	CHECK(first_row(NAMES "a,b,12345678901234567,1234,,,\n", &row) == ERR_CSV_INVALID);
	CHECK(first_row(NAMES "a,12345678901234567,1,1234,,,\n", &row) == ERR_CSV_INVALID);
	CHECK(first_row(NAMES "123456789012345678901234567890123,b,1,1234,,,\n", &row) == ERR_CSV_INVALID);
	CHECK(first_row(NAMES "a,b,1,1234,,\n", &row) == ERR_CSV_INVALID);
	CHECK(first_row(NAMES "a,b,1,1234,,,,\n", &row) == ERR_CSV_INVALID);
	CHECK(first_row(NAMES "a,b,1,1234,,,xyz\n", &row) == ERR_CSV_INVALID);
	CHECK(first_row(NAMES "a,b,1,1234,,an@,\n", &row) == ERR_MAIL_ADDRESS);
}

static void
test_same_token_twice(void)
{
	const char *text = NAMES "a,b,1,1234,,,\na,c,1,1234,,,\nab,,1,1234,,,\na,b,1,9999,,,\n";
	struct sheet_row row;
	const char *cause = "";
	enum err e = sheet_open(&sheet, "so_pin", text, strlen(text), &cause);

	for (unsigned line = 2; line <= 5; line++) {
		CHECK(sheet_next(&sheet, &row, &e, &cause));
		CHECK(row.line == line && e == (line < 5 ? ERR_OK : ERR_CSV_INVALID));
	}
	CHECK(!sheet_next(&sheet, &row, &e, &cause));
	sheet_close(&sheet);
}

int
main(void)
{
	json_open();
	test_rows();
	test_bad_rows();
	test_long_rows();
	test_writing();
	test_names();
	test_sheet_rows();
	test_same_token_twice();
	return CHECK_DONE();
}
