/* SPDX-License-Identifier: Apache-2.0 */
/* Every mail says whom, which token, which request, in both languages, and holds no link. */
#include "check.h"

#include "letter.h"
#include "text.h"

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

	CHECK(letter_write(&f, subject, &b) == ERR_OK);
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
	CHECK(letter_write(&f, subject, &b) == ERR_OK);
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
	CHECK(letter_write(&f, subject, &b) == ERR_OK && strstr(subject, "Cảnh báo") != NULL);
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
	CHECK(letter_write(&f, subject, &b) == ERR_OK && strstr(subject, "chờ duyệt") != NULL);
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

int
main(void)
{
	struct secret code = { 0 };

	secret_set(&code, "KA1J-9CPV-2CVX-G", 16);
	check_letter(STORE_MAIL_CODE, &code);
	for (enum store_mail kind = STORE_MAIL_CODE + 1; kind < STORE_MAIL_ALARM; kind++)
		check_letter(kind, NULL);
	test_without_name();
	test_alarm();
	test_waiting();
	return CHECK_DONE();
}
