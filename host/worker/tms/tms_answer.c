/* SPDX-License-Identifier: Apache-2.0 */
#include "tms_answer.h"

#include "json.h"
#include "log.h"
#include "text.h"

#include <string.h>

#define KID_LEN	     8 /* bytes of the hash of a public key */
#define KID_TEXT_LEN (2 * KID_LEN)
#define SECONDS_MAX  9007199254740991 /* 2^53 - 1, the schema's bound */
#define TRIES_MAX    255

/* ---- who signed ---- */

static const unsigned char *
pinned_key(const struct profile *profile, const char *kid)
{
	for (size_t i = 0; i < profile->tms_key_count; i++) {
		unsigned char hash[KEY_HASH_LEN];
		char text[KID_TEXT_LEN + 1];
		if (key_hash(profile->tms_keys[i], PROFILE_KEY_LEN, hash) != ERR_OK)
			return NULL;
		text_hex(hash, KID_LEN, text);
		if (strcmp(text, kid) == 0)
			return profile->tms_keys[i];
	}
	return NULL;
}

/* The last two keys of every answer, over the transcript of the rest. */
static enum err
verify(const struct profile *profile, const char *kid, const json_t *signature_text, const struct buf *transcript)
{
	const unsigned char *key = pinned_key(profile, kid);
	unsigned char signature[KEY_SIG_LEN];

	if (buf_error(transcript) != ERR_OK)
		return buf_error(transcript);
	if (key == NULL) {
		log_debug("tms", "answer kid=%s is not pinned", kid);
		return ERR_TMS_ANSWER;
	}
	if (!json_b64_exact(signature_text, signature, sizeof(signature)) || !key_sig_verify(key, transcript->data, transcript->len, signature)) {
		log_debug("tms", "answer kid=%s signature is wrong", kid);
		return ERR_TMS_ANSWER;
	}
	return ERR_OK;
}

static enum err
load(const void *body, size_t len, json_t **ret)
{
	char where[160];

	if (json_load(body, len, ret, where) == ERR_OK)
		return ERR_OK;
	log_debug("tms", "answer %s", where);
	return ERR_TMS_ANSWER;
}

static bool
seconds_ok(json_int_t n)
{
	return n >= 0 && n <= SECONDS_MAX;
}

/* ---- the answers ---- */

enum err
tms_read_created(const struct profile *profile, const void *body, size_t len, const unsigned char r[KEY_HASH_LEN], struct tms_created *ret)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	struct tms_created created = { 0 };
	json_t *answer = NULL, *id, *hotline, *signature;
	const char *kid;
	json_int_t expires;
	enum err e = load(body, len, &answer);

	if (e != ERR_OK)
		return e;
	e = ERR_TMS_ANSWER;
	if (json_unpack(answer, "{s:o, s:I, s:o, s:s, s:o!}",
		"id", &id,
		"expires", &expires,
		"hotline", &hotline,
		"kid", &kid,
		"signature", &signature) != 0 ||
	    !json_b64_exact(id, created.id, sizeof(created.id)) || !seconds_ok(expires) || !json_text(hotline, created.hotline, 0, TMS_HOTLINE_MAX))
		goto out;
	created.expires = (uint64_t)expires;
	transcript_create_answer(&transcript, created.id, r, created.expires, created.hotline);
	e = verify(profile, kid, signature, &transcript);
	if (e == ERR_OK)
		*ret = created;
out:
	buf_free(&transcript);
	json_decref(answer);
	return e;
}

/* The kind of token: all of it once approved, nothing before. */
static bool
policy_ok(const char *family, json_int_t pin_min, json_int_t pin_max, const char *characters, bool flags_reliable, bool approved,
    struct token_policy *ret)
{
	*ret = (struct token_policy){
		.family = family_from_name(family),
		.pin_characters = characters_from_name(characters),
		.flags_reliable = flags_reliable,
	};
	if (pin_min < 0 || pin_min > TOKEN_POLICY_PIN_MAX || pin_max < 0 || pin_max > TOKEN_POLICY_PIN_MAX)
		return false;
	ret->pin_min = (unsigned)pin_min;
	ret->pin_max = (unsigned)pin_max;
	if (approved)
		return ret->family != FAMILY_COUNT && ret->pin_characters != CHARACTERS_COUNT;
	return family[0] == '\0' && characters[0] == '\0' && pin_min == 0 && pin_max == 0 && !flags_reliable;
}

/* State, times and texts of a status; *ret_state is the word as it was said. */
static bool
unpack_status(json_t *answer, struct tms_status *ret, const char **ret_state, const char **ret_kid, json_t **ret_signature)
{
	json_t *email, *approval, *note;
	json_int_t expires, code_expires, retry_after, pin_min, pin_max;
	const char *family, *characters;
	size_t approval_len;
	int flags_reliable;

	if (json_unpack(answer, "{s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:s, s:I, s:I, s:s, s:b, s:s, s:o!}",
		"state", ret_state,
		"expires", &expires,
		"code_expires", &code_expires,
		"retry_after", &retry_after,
		"email", &email,
		"approval", &approval,
		"note", &note,
		"family", &family,
		"pin_min", &pin_min,
		"pin_max", &pin_max,
		"pin_characters", &characters,
		"flags_reliable", &flags_reliable,
		"kid", ret_kid,
		"signature", ret_signature) != 0)
		return false;
	if (!seconds_ok(expires) || !seconds_ok(code_expires) || !seconds_ok(retry_after) || !json_text(email, ret->email, 0, TMS_EMAIL_MAX) ||
	    !json_text(note, ret->note, 0, TMS_NOTE_MAX) || !json_b64_upto(approval, ret->approval, TRANSCRIPT_ID_LEN, &approval_len) ||
	    (approval_len != 0 && approval_len != TRANSCRIPT_ID_LEN) ||
	    !policy_ok(family, pin_min, pin_max, characters, flags_reliable != 0, approval_len != 0, &ret->policy))
		return false;
	ret->expires = (uint64_t)expires;
	ret->code_expires = (uint64_t)code_expires;
	ret->retry_after = (uint64_t)retry_after;
	ret->approved = approval_len != 0;
	ret->state = state_from_name(*ret_state);
	return ret->state != STATE_COUNT && strcmp(state_for_customer(ret->state), *ret_state) == 0;
}

static void
status_transcript(struct buf *b, const unsigned char id[TRANSCRIPT_ID_LEN], uint64_t counter, const struct tms_status *status, const char *state)
{
	const struct transcript_status s = {
		.state = state,
		.expires = status->expires,
		.code_expires = status->code_expires,
		.retry_after = status->retry_after,
		.email = status->email,
		.approval = status->approved ? status->approval : NULL,
		.note = status->note,
		.policy = status->approved ? &status->policy : NULL,
	};

	transcript_status_answer(b, id, counter, &s);
}

enum err
tms_read_status(const struct profile *profile, const void *body, size_t len, const unsigned char id[TRANSCRIPT_ID_LEN], uint64_t counter,
    struct tms_status *ret)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	struct tms_status status = { 0 };
	json_t *answer = NULL, *signature;
	const char *state, *kid;
	enum err e = load(body, len, &answer);

	if (e != ERR_OK)
		return e;
	e = ERR_TMS_ANSWER;
	if (!unpack_status(answer, &status, &state, &kid, &signature))
		goto out;
	status_transcript(&transcript, id, counter, &status, state);
	e = verify(profile, kid, signature, &transcript);
	if (e == ERR_OK)
		*ret = status;
out:
	buf_free(&transcript);
	json_decref(answer);
	return e;
}

/* What a release and a grant have in common. */
static bool
sealed_ok(const json_t *enc, const json_t *ciphertext, struct tms_sealed *ret)
{
	return json_b64_exact(enc, ret->enc, sizeof(ret->enc)) && json_b64_exact(ciphertext, ret->ciphertext, sizeof(ret->ciphertext));
}

static enum err
read_release(const struct profile *profile, json_t *answer, const unsigned char h[KEY_HASH_LEN], struct buf *transcript, struct tms_sealed *ret)
{
	json_t *enc, *ciphertext, *signature;
	const char *kid, *family;
	int rotation;

	if (json_unpack(answer, "{s:o, s:o, s:s, s:b, s:s, s:o!}",
		"enc", &enc,
		"ciphertext", &ciphertext,
		"family", &family,
		"rotation", &rotation,
		"kid", &kid,
		"signature", &signature) != 0 ||
	    !sealed_ok(enc, ciphertext, ret))
		return ERR_TMS_ANSWER;
	ret->family = family_from_name(family);
	ret->rotation = rotation != 0;
	/* a PUK is never rotated: there is no call for it */
	if (ret->family != FAMILY_SO_PIN && (ret->family != FAMILY_PUK || ret->rotation))
		return ERR_TMS_ANSWER;
	transcript_release_answer(transcript, h, ret->enc, sizeof(ret->enc), ret->ciphertext, sizeof(ret->ciphertext), ret->family, ret->rotation);
	return verify(profile, kid, signature, transcript);
}

enum err
tms_read_released(const struct profile *profile, const void *body, size_t len, const unsigned char h[KEY_HASH_LEN], struct tms_sealed *ret)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	struct tms_sealed sealed = { .rotation = false };
	json_t *answer = NULL;
	enum err e = load(body, len, &answer);

	if (e == ERR_OK)
		e = read_release(profile, answer, h, &transcript, &sealed);
	if (e == ERR_OK)
		*ret = sealed;
	buf_free(&transcript);
	json_decref(answer);
	return e;
}

static enum err
read_grant(const struct profile *profile, json_t *answer, const unsigned char h[KEY_HASH_LEN], unsigned active, struct buf *transcript,
    struct tms_sealed *ret)
{
	json_t *enc, *ciphertext, *signature;
	const char *kid;

	if (json_unpack(answer, "{s:o, s:o, s:s, s:o!}",
		"enc", &enc,
		"ciphertext", &ciphertext,
		"kid", &kid,
		"signature", &signature) != 0 ||
	    !sealed_ok(enc, ciphertext, ret))
		return ERR_TMS_ANSWER;
	transcript_grant_answer(transcript, h, active, ret->enc, sizeof(ret->enc), ret->ciphertext, sizeof(ret->ciphertext));
	return verify(profile, kid, signature, transcript);
}

enum err
tms_read_granted(const struct profile *profile, const void *body, size_t len, const unsigned char h[KEY_HASH_LEN], unsigned active,
    struct tms_sealed *ret)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	struct tms_sealed sealed = { .rotation = false };
	json_t *answer = NULL;
	enum err e = load(body, len, &answer);

	if (e == ERR_OK)
		e = read_grant(profile, answer, h, active, &transcript, &sealed);
	if (e == ERR_OK)
		*ret = sealed;
	buf_free(&transcript);
	json_decref(answer);
	return e;
}

/* ---- error answers ---- */

/* What the server may tell a customer. Its own troubles are ERR_TMS_FAILED, and what it says of our message's form is ERR_TMS_ANSWER. */
static bool
is_for_customers(enum err e)
{
	static const enum err list[] = {
		ERR_BUSY, ERR_REQUEST_UNKNOWN, ERR_REQUEST_NOT_APPROVED, ERR_REQUEST_REFUSED, ERR_REQUEST_EXPIRED, ERR_REQUEST_CANCELLED,
		ERR_REQUEST_LOCKED_OUT, ERR_CODE_WRONG, ERR_CODE_EXPIRED, ERR_RESEND_TOO_SOON, ERR_RESEND_LIMIT, ERR_REQUEST_LIMIT,
		ERR_SIGNATURE_REFUSED, ERR_ESCROW_MISSING, ERR_ESCROW_SUSPECT, ERR_STATE_WRONG, ERR_PROOF_REFUSED, ERR_TOKEN_UNSUPPORTED,
		ERR_TOKEN_LOST, ERR_TOKEN_RETIRED
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (list[i] == e)
			return true;
	return false;
}

/* Newer servers may say more in data: what we do not know is passed over here, unlike in signed answers. */
static enum err
unpack_refusal(json_t *answer, struct tms_refusal *ret)
{
	const char *name;
	json_int_t tries_left = -1, retry_after = 0;
	enum err e;

	if (json_unpack(answer, "{s:{s:{s:s, s?I, s?I}}}",
		"error",
		"data",
		"name", &name,
		"tries_left", &tries_left,
		"retry_after", &retry_after) != 0)
		return ERR_TMS_ANSWER;
	if (tries_left < -1 || tries_left > TRIES_MAX || !seconds_ok(retry_after))
		return ERR_TMS_ANSWER;
	e = err_from_name(name);
	if (e == ERR_VAULT_REFUSED)
		return ERR_TMS_FAILED;
	if (!is_for_customers(e))
		return ERR_TMS_ANSWER;
	*ret = (struct tms_refusal){ .tries_left = tries_left, .retry_after = retry_after, .passing = e == ERR_BUSY };
	return e;
}

/* The server's own trouble, or one before it has none to ask: whatever the body says, but when to come again. */
static enum err
unpack_trouble(long http, json_t *answer, struct tms_refusal *ret)
{
	json_int_t retry_after = 0;

	if (answer != NULL && json_unpack(answer, "{s:{s:{s:I}}}", "error", "data", "retry_after", &retry_after) == 0 && seconds_ok(retry_after))
		ret->retry_after = retry_after;
	ret->passing = http == 502 || http == 503 || http == 504;
	return ERR_TMS_FAILED;
}

enum err
tms_read_refusal(long http, const void *body, size_t len, struct tms_refusal *ret)
{
	json_t *answer = NULL;
	enum err e = ERR_TMS_ANSWER;

	*ret = (struct tms_refusal){ .tries_left = -1 };
	if (load(body, len, &answer) == ERR_OK && http < 500)
		e = unpack_refusal(answer, ret);
	if (http >= 500)
		e = unpack_trouble(http, answer, ret);
	json_decref(answer);
	return e;
}
