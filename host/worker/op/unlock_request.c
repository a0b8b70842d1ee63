/* SPDX-License-Identifier: Apache-2.0 */
/* unlock.request: asks the server to unlock one token, with fresh keys that are in the journal before the server hears of them. */
#include "operation.h"

#include "code.h"
#include "find_token.h"
#include "json.h"
#include "open_request.h"
#include "os.h"
#include "text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(JOURNAL_CERTIFICATE_MAX == STEP_CERTIFICATE_MAX, "the journal has room for what a step gives");

/* What the page asked. */
static enum err
read_params(struct op_call *call, struct journal_entry *entry)
{
	json_t *token;
	const char *reason, *language;

	if (json_unpack(call->params, "{s:o, s:s, s:s!}",
		"token", &token,
		"reason", &reason,
		"language", &language) != 0 ||
	    !token_name_from_json(token, &entry->token))
		return ERR_INVALID_PARAMS;
	if ((strcmp(reason, "locked") != 0 && strcmp(reason, "forgotten") != 0) || (strcmp(language, "vi") != 0 && strcmp(language, "en") != 0))
		return ERR_INVALID_PARAMS;
	(void)text_copy(entry->reason, sizeof(entry->reason), reason);
	(void)text_copy(entry->language, sizeof(entry->language), language);
	return ERR_OK;
}

static enum err
read_token(struct op_call *call, struct journal_entry *entry)
{
	struct found_token found = { .module = NULL };
	const struct step_certificate *certificate;
	enum err e = token_find(call->profile, &entry->token, &found);

	if (e != ERR_OK)
		return e;
	/*
	 * Where an unlock could not help this token at all nobody is asked. What the server will say of its flags is not known yet: they are held against
	 * its owner only where the profile says that the module's can be relied on.
	 */
	e = token_so_pin_fits(found.token, entry->reason, found.module->flags_reliable);
	certificate = token_certificate_of(found.token);
	if (certificate != NULL) {
		memcpy(entry->certificate, certificate->der, certificate->der_len);
		entry->certificate_len = certificate->der_len;
	}
	found_token_free(&found);
	return e;
}

static enum err
make_keys(struct journal_entry *entry)
{
	struct key_kem *kem = key_kem_new();
	struct key_sig *sig = key_sig_new();
	bool made = kem != NULL && sig != NULL;

	if (made) {
		key_kem_private(kem, entry->host_kem);
		key_sig_private(sig, entry->host_sig);
		entry->has_keys = true;
	}
	key_kem_free(kem);
	key_sig_free(sig);
	os_random(entry->idempotency_key, sizeof(entry->idempotency_key));
	return made ? ERR_OK : ERR_NO_MEMORY;
}

static struct transcript_create
create_of(const struct open_request *r)
{
	const struct journal_entry *entry = request_entry(r);
	struct transcript_create c = {
		.token = entry->token,
		.certificate = entry->certificate,
		.certificate_len = entry->certificate_len,
		.reason = entry->reason,
		.language = entry->language,
	};

	key_kem_public(r->host_kem, c.host_kem_pk);
	key_sig_public(r->host_sig, c.host_sig_pk);
	memcpy(c.idempotency_key, entry->idempotency_key, sizeof(c.idempotency_key));
	return c;
}

/* The answer is verified; its id gives the request its name and the phrase that people compare. */
static enum err
take_answer(struct open_request *r, const struct transcript_create *create, const struct tms_created *created)
{
	struct journal_entry *entry = request_entry(r);
	char phrase[CODE_PHRASE_LEN + 1];
	enum err e = code_phrase(created->id, create->host_kem_pk, create->host_sig_pk, phrase);

	if (e != ERR_OK)
		return e;
	entry->expires = created->expires;
	(void)text_copy(entry->phrase, sizeof(entry->phrase), phrase);
	(void)text_copy(entry->hotline, sizeof(entry->hotline), created->hotline[0] != '\0' ? created->hotline : r->tms.profile->hotline);
	return journal_name(r->journal, created->id);
}

static enum err
create(struct op_call *call, struct open_request *r)
{
	struct transcript_create question = create_of(r);
	struct tms_created created;
	enum err e = tms_create(&r->tms, &question, &created);

	if (e == ERR_OK)
		e = take_answer(r, &question, &created);
	if (e != ERR_OK) {
		op_detail_refusal(call, &r->tms.refusal);
		return e;
	}
	call->result = request_json(request_entry(r));
	return call->result != NULL ? ERR_OK : ERR_NO_MEMORY;
}

static enum err
ask(struct op_call *call, struct journal_entry *entry)
{
	struct open_request request;
	struct journal *journal = NULL;
	enum err e = read_params(call, entry);

	if (e == ERR_OK)
		e = read_token(call, entry);
	if (e == ERR_OK)
		e = make_keys(entry);
	if (e == ERR_OK)
		e = journal_begin(entry, &journal);
	if (e == ERR_OK)
		e = request_take(call->profile, journal, &request);
	if (e != ERR_OK)
		return e;
	e = create(call, &request);
	request_close(&request);
	return e;
}

static enum err
run(struct op_call *call)
{
	struct journal_entry *entry = calloc(1, sizeof(*entry));
	enum err e;

	if (entry == NULL)
		return ERR_NO_MEMORY;
	entry->created = os_time();
	entry->state = STATE_PENDING;
	entry->stage = STAGE_COUNT;
	(void)text_copy(entry->profile, sizeof(entry->profile), call->profile->name);
	e = ask(call, entry);
	wipe(entry, sizeof(*entry));
	free(entry);
	return e;
}

const struct op op_unlock_request = { .name = "unlock.request", .run = run };
