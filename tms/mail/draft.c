/* SPDX-License-Identifier: Apache-2.0 */
#include "draft.h"

#include "address.h"
#include "code.h"
#include "config.h"
#include "letter.h"
#include "message.h"
#include "text.h"

#include <string.h>

#define HOUR_S 3600
#define NEWS_S (3 * (int64_t)86400) /* a mail that tells what has happened is no news after that */

/* What the customer types, the public half of the key it opens, and nothing in between. */
static enum err
make_code(const unsigned char id[TRANSCRIPT_ID_LEN], struct secret *ret_code, unsigned char ret_pk[KEY_SIG_PK_LEN])
{
	struct secret shown = { 0 };
	struct secret counts = { 0 };
	struct key_sig *key = NULL;

	code_new(&shown);
	if (code_read(&shown, &counts))
		key = code_key(&counts, id);
	if (key != NULL) {
		key_sig_public(key, ret_pk);
		*ret_code = shown;
	}
	secret_wipe(&shown);
	secret_wipe(&counts);
	if (key == NULL)
		return ERR_NO_MEMORY;
	key_sig_free(key);
	return ERR_OK;
}

/*
 * The request may have been cancelled or used while scrypt ran, so it is looked at again where nobody else writes. An address that was approved, and is not
 * any more (a restored backup has its mail still), gets no code: whoever approves now says where it goes.
 */
static enum err
commit_code(struct store *s, struct store_code *code, const char *to, int64_t *ret_id)
{
	struct store_request r;
	enum err e = store_begin(s);

	if (e == ERR_OK)
		e = store_request_by_number(s, code->number, &r);
	if (e == ERR_OK && (r.state != STATE_APPROVED || strcmp(r.email, to) != 0))
		e = ERR_STATE_WRONG;
	if (e == ERR_OK)
		e = store_code_insert(s, code, ret_id);
	return store_end(s, e);
}

/* Makes a code and commits what the server keeps of it. */
static enum err
issue_code(struct store *s, const struct config *config, const struct store_request *r, const char *to, int64_t now, struct letter_facts *f,
    struct secret *ret_code, int64_t *ret_id)
{
	struct store_code code = { .number = r->number, .created = now, .expires = now + config->code_valid_s };
	enum err e;

	if (r->state != STATE_APPROVED || r->expires <= now)
		return ERR_STATE_WRONG;
	if (code.expires > r->expires)
		code.expires = r->expires;
	e = make_code(r->id, ret_code, code.public_key);
	if (e == ERR_OK)
		e = commit_code(s, &code, to, ret_id);
	f->code = ret_code;
	f->code_expires = code.expires;
	return e;
}

static enum err
write_message(const struct config *config, const struct letters *letters, const struct store_outbox *row, const struct letter_facts *f, int64_t now, struct buf *ret)
{
	struct buf text = buf_new(MESSAGE_MAX);
	char subject[LETTER_SUBJECT_SIZE];
	enum err e = letter_write(letters, f, subject, &text);
	struct message m = {
		.from_name = config->authority,
		.from = config->smtp.from,
		.to = row->to,
		.subject = subject,
		.text = (const char *)text.data,
		.text_len = text.len,
		.id = row->id,
		.created = row->created,
		.date = now,
	};

	if (e == ERR_OK)
		e = message_build(&m, ret);
	buf_free(&text);
	return e;
}

/* An address of this mail alone, where the configuration says where such mails come back. */
static enum err
name_sender(const struct draft_means *means, const struct store_outbox *row, char ret[ADDRESS_MAX + 1])
{
	const struct config *config = means->config;

	if (config->mail.bounce_domain != NULL)
		return bounce_address(means->bounce_key, config->mail.bounce_domain, row->id, ret);
	(void)text_copy(ret, ADDRESS_MAX + 1, config->smtp.from);
	return ERR_OK;
}

enum err
draft_make(struct store *s, const struct draft_means *means, const struct store_outbox *row, int64_t now, struct draft *d)
{
	const struct config *config = means->config;
	char phrase[CODE_PHRASE_LEN + 1];
	struct secret code = { 0 };
	struct store_request r;
	struct letter_facts f = { .kind = row->kind, .authority = config->authority, .hotline = config->hotline, .portal = config->portal, .console = config->console_origin, .number = row->number };
	enum err e = store_request_by_number(s, row->number, &r);

	*d = (struct draft){ .message = buf_new(MESSAGE_MAX) };
	if (e == ERR_OK && !address_ok(row->to, strlen(row->to)))
		e = ERR_MAIL_ADDRESS;
	if (e == ERR_OK)
		e = name_sender(means, row, d->sender);
	if (e == ERR_OK)
		e = code_phrase(r.id, r.host_kem_pk, r.host_sig_pk, phrase);
	if (e != ERR_OK)
		return e;
	d->give_up = row->kind == STORE_MAIL_CODE ? r.expires : row->created + NEWS_S;
	f.customer = r.customer;
	f.token = &r.token;
	f.phrase = phrase;
	f.note = r.note;
	f.when = r.changed;
	if (row->kind == STORE_MAIL_ALARM) {
		int64_t newest;
		f.when = row->created;
		f.bound = config->alarm_releases;
		e = store_audit_opened(s, row->created - HOUR_S, row->created, &f.opened, &newest);
	}
	if (e == ERR_OK && row->kind == STORE_MAIL_WAITING) {
		struct store_waiting waiting = { .pending = 0 };
		e = store_request_waiting(s, &waiting);
		f.waiting = waiting.pending;
		f.when = waiting.oldest;
		/* somebody has decided them all in the meantime */
		if (e == ERR_OK && waiting.pending == 0)
			e = ERR_STATE_WRONG;
	}
	if (row->kind == STORE_MAIL_CODE)
		e = issue_code(s, config, &r, row->to, now, &f, &code, &d->code);
	if (e == ERR_OK)
		e = write_message(config, means->letters, row, &f, now, &d->message);
	secret_wipe(&code);
	return e;
}

void
draft_free(struct draft *d)
{
	buf_free(&d->message);
}
