/* SPDX-License-Identifier: Apache-2.0 */
/* Every mail says whom, which token, which request, in both languages, and holds no link. */
#include "check.h"

#include "letter.h"
#include "seen.h"
#include "text.h"

#include <stdlib.h>
#include <unistd.h>

static struct letters *letters;
static const struct token_name token = { "CardContact", "SmartCard-HSM", "DENK0100001" };

static struct letter_facts
some_facts(enum store_mail kind, const struct secret *code)
{
	return (struct letter_facts){
		.kind = kind,
		.authority = "Tổ chức chứng thực An",
		.hotline = "1900 0000",
		.portal = "https://mokhoa.example:8443",
		.number = 12345,
		.customer = "Đặng Thị Ước",
		.token = &token,
		.phrase = "ABCD-EFGH",
		.code = code,
		.code_expires = 1700000000,
		.note = "Không liên lạc được",
		.when = 1700000000,
	};
}

static void
check_says(const char *text, const char *what)
{
	if (!CHECK(strstr(text, what) != NULL))
		printf("missing: %s\nin: %s\n", what, text);
}

static void
check_letter(enum store_mail kind, const struct secret *code)
{
	struct letter_facts f = some_facts(kind, code);
	char subject[LETTER_SUBJECT_SIZE];
	struct buf b = buf_new(65536);
	const char *text, *english;

	CHECK(letter_write(letters, &f, subject, &b) == ERR_OK);
	text = buf_text(&b);
	CHECK(text_is_showable(subject, strlen(subject)) && strstr(subject, "(12345)") != NULL && strstr(subject, " / ") != NULL);
	CHECK(text_is_utf8(text, b.len));
	english = strstr(text, "\n-----");
	CHECK(english != NULL && strncmp(text, "Kính gửi Đặng Thị Ước,\n", strlen("Kính gửi Đặng Thị Ước,\n")) == 0);
	check_says(english, "\nDear Đặng Thị Ước,\n");
	for (const char *part = text; part != NULL; part = part == text ? english : NULL) {
		check_says(part, "DENK0100001");
		check_says(part, "12345");
		check_says(part, "ABCD-EFGH");
		check_says(part, "1900 0000");
		check_says(part, "Tổ chức chứng thực An");
	}
	CHECK(strstr(text, "http") == NULL && strstr(text, "www") == NULL);
	if (kind == STORE_MAIL_UNKNOWN) {
		check_says(text, "\n    mokhoa.example:8443\n");
		check_says(english, "\n    mokhoa.example:8443\n");
	}
	if (code != NULL) {
		check_says(text, "\n    KA1J-9CPV-2CVX-G\n");
		check_says(english, "\n    KA1J-9CPV-2CVX-G\n");
		check_says(text, "05:13, 15/11/2023");
	} else if (kind != STORE_MAIL_UNKNOWN) {
		CHECK(strstr(text, "\n    ") == NULL);
	}
	if (kind == STORE_MAIL_REFUSED || kind == STORE_MAIL_REVOKED)
		check_says(english, "Không liên lạc được");
	buf_free(&b);
}

static void
test_without_name(void)
{
	struct letter_facts f = some_facts(STORE_MAIL_REFUSED, NULL);
	char subject[LETTER_SUBJECT_SIZE];
	struct buf b = buf_new(65536);

	f.customer = "";
	f.note = "";
	CHECK(letter_write(letters, &f, subject, &b) == ERR_OK);
	check_says(buf_text(&b), "Kính gửi quý khách,\n");
	check_says(buf_text(&b), "Dear customer,\n");
	CHECK(strstr(buf_text(&b), "Reason") == NULL);
	buf_free(&b);
}

/* The operator's, who has no name and no token. */
static void
test_alarm(void)
{
	struct letter_facts f = some_facts(STORE_MAIL_ALARM, NULL);
	char subject[LETTER_SUBJECT_SIZE];
	struct buf b = buf_new(65536);

	f.opened = 1234;
	f.bound = 56;
	CHECK(letter_write(letters, &f, subject, &b) == ERR_OK && strstr(subject, "Cảnh báo") != NULL);
	check_says(buf_text(&b), "Kính gửi người vận hành,\n");
	check_says(buf_text(&b), "Dear operator,\n");
	check_says(buf_text(&b), "1234 lần, nhiều hơn mức cảnh báo 56");
	check_says(buf_text(&b), "exported 1234 times, more than the 56");
	CHECK(strstr(buf_text(&b), "Đặng Thị Ước") == NULL && strstr(buf_text(&b), "DENK0100001") == NULL);
	buf_free(&b);
}

/* The approvers': how many wait and since when, and nothing of anybody. */
static void
test_waiting(void)
{
	struct letter_facts f = some_facts(STORE_MAIL_WAITING, NULL);
	char subject[LETTER_SUBJECT_SIZE];
	struct buf b = buf_new(65536);

	f.waiting = 17;
	f.console = "https://tms.example:8443";
	CHECK(letter_write(letters, &f, subject, &b) == ERR_OK && strstr(subject, "chờ duyệt") != NULL);
	check_says(buf_text(&b), "Kính gửi người duyệt,\n");
	check_says(buf_text(&b), "Dear approver,\n");
	check_says(buf_text(&b), "Có 17 yêu cầu");
	check_says(buf_text(&b), "05:13, 15/11/2023");
	check_says(buf_text(&b), "17 requests to unlock a token wait");
	check_says(buf_text(&b), "\n    tms.example:8443\n");
	CHECK(strstr(buf_text(&b), "http") == NULL);
	CHECK(strstr(buf_text(&b), "Đặng Thị Ước") == NULL && strstr(buf_text(&b), "DENK0100001") == NULL);
	buf_free(&b);
}

/* ---- what an authority writes ---- */

#define MAY  (FACT_BIT(FACT_CODE) | FACT_BIT(FACT_PHRASE) | FACT_BIT(FACT_NOTE) | FACT_BIT(FACT_CUSTOMER))
#define MUST FACT_BIT(FACT_CODE)

static const struct {
	const char *text;
	const char *says; /* a part of where */
} wrong[] = {
	{ "", "f: line 1, column 1: must begin with a line \"Subject: ...\" and an empty one behind it" },
	{ "Mã\n\n{code}\n", "must begin with a line \"Subject:" },
	{ "Subject: Mã\n{code}\n", "must begin with a line \"Subject:" },
	{ "Subject: Mã\nBcc: b@evil.vn\n\n{code}\n", "must begin with a line \"Subject:" },
	{ "Subject: \n\n{code}\n", "line 1, column 1: the subject is empty" },
	{ "Subject: Mã\x1b\n\n{code}\n", "line 1, column 1: must be UTF-8 without control characters" },
	{ "Subject: Mã\rBcc: b@evil.vn\n\n{code}\n", "line 1, column 1: must be UTF-8 without control characters" },
	{ "Subject: Mã {code}\n\n{code}\n", "{code} may not stand in a subject" },
	{ "Subject: Mã\n\nXin chào\n{code}\t\n", "line 4, column 1: must be UTF-8" },
	{ "Subject: Mã\n\n\xff{code}\n", "line 3, column 1: must be UTF-8" },
	{ "Subject: Mã\n\nXin chào {custome}\n{code}\n", "line 3, column 10: {custome} is no fact of this mail; did you mean {customer}?" },
	{ "Subject: Mã\n\nĐặng {portal} {code}\n", "line 3, column 6: {portal} is no fact of this mail" },
	{ "Subject: Mã\n\n{cheese} {code}\n", "{cheese} is no fact of this mail" },
	{ "Subject: Mã\n\n{code}\n{note\n}", "line 4, column 1: \"{\" begins a fact that does not end on this line" },
	{ "Subject: Mã\n\n{{code}}\n", "line 4, column 1: the text ends without {code}" },
	{ "Subject: Mã {phrase}\n\nKhông có mã\n", "the text ends without {code}" },
	{ "Subject: Mã\n\n{code}\nXem https://evil.vn\n", "line 4, column 10: a mail of ours holds no link" },
	{ "Subject: Mã\n\n{code} www.evil.vn", "line 3, column 8: a mail of ours holds no link" },
};

static void
test_wrong_templates(void)
{
	char where[TEMPLATE_WHERE_SIZE];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct template *t = NULL;
		CHECK(template_parse("f", wrong[i].text, strlen(wrong[i].text), MAY, MUST, &t, where) == ERR_TEMPLATE_INVALID && t == NULL);
		check_says(where, wrong[i].says);
	}
	{
		struct template *t = NULL;
		CHECK(template_parse("f", "Subject: a\n\n{code}\0x", 20, MAY, MUST, &t, where) == ERR_TEMPLATE_INVALID && t == NULL);
	}
	template_free(NULL);
}

/* A value is no template: braces, facts and line ends in it stay what they are. */
static void
test_right_template(void)
{
	static const char text[] = "Subject: {{Mã}} của {customer}\r\n\r\nChào {customer}, {{x} {{code}\r\n\r\nLý do: {note}\r\nvẫn vậy\r\n\r\n    {code}\r\n";
	struct fact_value values[FACT_COUNT] = { [FACT_CUSTOMER] = { "{code} {{", 9 }, [FACT_CODE] = { "KA1J", 4 }, [FACT_NOTE] = { "", 0 } };
	char where[TEMPLATE_WHERE_SIZE];
	char subject[TEMPLATE_SUBJECT_SIZE];
	struct buf b = buf_new(1000);
	struct template *t = NULL;

	if (!CHECK(template_parse("f", text, sizeof(text) - 1, MAY, MUST, &t, where) == ERR_OK))
		return;
	template_render(t, values, subject, &b);
	CHECK_TEXT(subject, "{Mã}} của {code} {{");
	CHECK_TEXT(buf_text(&b), "Chào {code} {{, {x} {code}\n\n    KA1J\n");
	buf_reset(&b);
	values[FACT_NOTE] = (struct fact_value){ "không rõ", strlen("không rõ") };
	template_render(t, values, subject, &b);
	CHECK_TEXT(buf_text(&b), "Chào {code} {{, {x} {code}\n\nLý do: không rõ\nvẫn vậy\n\n    KA1J\n");
	buf_free(&b);
	template_free(t);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (CHECK(f != NULL)) {
		fputs(text, f);
		fclose(f);
	}
}

static void
test_folder(const struct secret *code)
{
	char folder[] = "/tmp/mokhoa-letter-XXXXXX";
	struct letter_facts f = some_facts(STORE_MAIL_CODE, code);
	char where[TEMPLATE_WHERE_SIZE];
	char subject[LETTER_SUBJECT_SIZE];
	struct letters *own = NULL;
	struct buf b = buf_new(65536);
	char path[128];

	if (!CHECK(mkdtemp(folder) != NULL))
		return;
	snprintf(path, sizeof(path), "%s/code.vi.txt", folder);
	write_file(path, "Subject: Mã của An Bình\n\nMã:\n\n    {code}\n\nCụm từ {phrase}\n");
	if (CHECK(letters_load(folder, &own, where) == ERR_OK)) {
		CHECK(letter_write(own, &f, subject, &b) == ERR_OK);
		CHECK_TEXT(subject, "Mã của An Bình / token unlock code");
		CHECK(strncmp(buf_text(&b), "Mã:\n\n    KA1J-9CPV-2CVX-G\n\nCụm từ ABCD-EFGH\n\n-----", 50) == 0);
		check_says(buf_text(&b), "\nDear Đặng Thị Ước,\n"); /* what is built in */
	}
	letters_free(own);
	own = NULL;
	write_file(path, "Subject: Mã của An Bình\n\nMã: ở đâu?\n\nCụm từ {phrase}\n");
	CHECK(letters_load(folder, &own, where) == ERR_TEMPLATE_INVALID && own == NULL);
	check_says(where, "/code.vi.txt: line 6, column 1: the text ends without {code}");
	unlink(path);
	snprintf(path, sizeof(path), "%s/codes.vi.txt", folder);
	write_file(path, "");
	CHECK(letters_load(folder, &own, where) == ERR_TEMPLATE_INVALID);
	check_says(where, "/codes.vi.txt: is the template of no mail");
	unlink(path);
	CHECK(rmdir(folder) == 0);
	seen(err_name(ERR_TEMPLATE_INVALID), "test_letter");
	buf_free(&b);
}

int
main(void)
{
	struct secret code = { 0 };
	char where[TEMPLATE_WHERE_SIZE];

	if (!CHECK(letters_load(NULL, &letters, where) == ERR_OK)) {
		printf("%s\n", where);
		return CHECK_DONE();
	}

	secret_set(&code, "KA1J-9CPV-2CVX-G", 16);
	check_letter(STORE_MAIL_CODE, &code);
	for (enum store_mail kind = STORE_MAIL_CODE + 1; kind < STORE_MAIL_ALARM; kind++)
		check_letter(kind, NULL);
	test_without_name();
	test_alarm();
	test_waiting();
	test_wrong_templates();
	test_right_template();
	test_folder(&code);
	letters_free(letters);
	return CHECK_DONE();
}
