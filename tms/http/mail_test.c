/* SPDX-License-Identifier: Apache-2.0 */
#include "mail_test.h"

#include "answer.h"
#include "decode.h"
#include "message.h"
#include "person.h"
#include "smtp.h"
#include "text.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static const char *const words[] = {
	[SMTP_SENT] = "sent",
	[SMTP_UNKNOWN] = "unknown",
	[SMTP_LATER] = "later",
	[SMTP_ABSENT] = "absent",
	[SMTP_REFUSED] = "refused",
	[SMTP_ALARM] = "settings",
};

static atomic_flag under_way = ATOMIC_FLAG_INIT;

/* Nobody else's: a test is no way to write to strangers in the authority's name. */
static enum err
find_address(const struct call *c, char ret[STORE_EMAIL_SIZE])
{
	person_email(c->certificate, ret);
	if (ret[0] == '\0' && c->service->config->operator_email != NULL)
		text_copy(ret, STORE_EMAIL_SIZE, c->service->config->operator_email);
	return ret[0] != '\0' ? ERR_OK : ERR_MAIL_ADDRESS;
}

static enum err
write_message(const struct call *c, const char *to, struct buf *ret)
{
	const struct config *config = c->service->config;
	char text[1024];
	int len = snprintf(text, sizeof(text),
	    "Kính gửi %s,\n\nĐây là thư thử từ máy chủ quản lý token của %s. Nhận được thư này nghĩa là thư của máy chủ đi được.\n\n----------------------------------------\n\n"
	    "Dear %s,\n\nThis is a test mail of the token management server of %s. That you read it says that the server's mails go out.\n",
	    c->person->name, config->authority, c->person->name, config->authority);
	const struct message m = {
		.from_name = config->authority,
		.from = config->smtp.from,
		.to = to,
		.subject = "Thư thử / test mail",
		.text = text,
		.text_len = (size_t)len,
		.id = 0,
		.created = c->now,
		.date = c->now,
	};

	return len < 0 || (size_t)len >= sizeof(text) ? ERR_INTERNAL : message_build(&m, ret);
}

static enum err
send_it(struct call *c, const char *to, const struct buf *message, json_t **ret_answer)
{
	struct smtp *smtp = NULL;
	struct smtp_said said;
	enum smtp_result result;
	char note[STORE_EMAIL_SIZE + 4];
	enum err e = smtp_new(&c->service->config->smtp, &smtp);

	if (e != ERR_OK)
		return e;
	result = smtp_send(smtp, c->service->config->smtp.from, to, message);
	said = smtp_said(smtp);
	smtp_free(smtp);
	snprintf(note, sizeof(note), "to=%s", to);
	e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, call_audit_said(c, 0, 0, "mail_test", note, "result=%s status=%ld", words[result], said.status));
	if (e != ERR_OK)
		return e;
	return answer_packed(json_pack("{s:s, s:s, s:s, s:I, s:s}",
				 "to", to,
				 "server", c->service->config->smtp.url,
				 "result", words[result],
				 "status", (json_int_t)(said.status >= 100 && said.status <= 599 ? said.status : 0),
				 "cause", result == SMTP_SENT ? "" : said.cause),
	    ret_answer);
}

enum err
op_admin_mail_test(struct call *c, json_t **ret_answer)
{
	char to[STORE_EMAIL_SIZE];
	struct buf message = buf_new(MESSAGE_MAX);
	enum err e = decode_nothing(c->body);

	if (e == ERR_OK)
		e = find_address(c, to);
	if (e == ERR_OK)
		e = write_message(c, to, &message);
	if (e == ERR_OK && atomic_flag_test_and_set(&under_way)) {
		e = ERR_BUSY;
	} else if (e == ERR_OK) {
		e = send_it(c, to, &message, ret_answer);
		atomic_flag_clear(&under_way);
	}
	buf_free(&message);
	return e;
}
