/* SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include "address.h"
#include "call.h"
#include "json.h"
#include "op.h"
#include "text.h"
#include "token_policy.h"

#include <stdio.h>
#include <string.h>

static bool
is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

#define IS_ONE_OF(word, ...) is_one_of((word), (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

enum err
decode_create(json_t *body, struct decode_create *ret)
{
	struct transcript_create *c = &ret->create;
	json_t *token, *certificate, *kem, *sig, *key, *signature;

	if (json_unpack(body, "{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o !}",
		"token", &token,
		"certificate", &certificate,
		"reason", &c->reason,
		"language", &c->language,
		"host_kem_pk", &kem,
		"host_sig_pk", &sig,
		"idempotency_key", &key,
		"signature", &signature) != 0)
		return ERR_INVALID_PARAMS;
	c->certificate = ret->certificate;
	if (!token_name_from_json(token, &c->token) ||
	    !json_b64_upto(certificate, ret->certificate, sizeof(ret->certificate), &c->certificate_len) ||
	    !IS_ONE_OF(c->reason, "locked", "forgotten") ||
	    !IS_ONE_OF(c->language, "vi", "en") ||
	    !json_b64_exact(kem, c->host_kem_pk, sizeof(c->host_kem_pk)) ||
	    !json_b64_exact(sig, c->host_sig_pk, sizeof(c->host_sig_pk)) ||
	    !json_b64_exact(key, c->idempotency_key, sizeof(c->idempotency_key)) ||
	    !json_b64_exact(signature, ret->signature, sizeof(ret->signature)))
		return ERR_INVALID_PARAMS;
	return key_kem_public_ok(c->host_kem_pk) ? ERR_OK : ERR_INVALID_PARAMS;
}

enum err
decode_counted(json_t *body, struct decode_counted *ret)
{
	json_int_t counter;
	json_t *signature;

	if (json_unpack(body, "{s:I, s:o !}",
		"counter", &counter,
		"signature", &signature) != 0)
		return ERR_INVALID_PARAMS;
	if (counter < 1 || !json_b64_exact(signature, ret->signature, sizeof(ret->signature)))
		return ERR_INVALID_PARAMS;
	ret->counter = (uint64_t)counter;
	return ERR_OK;
}

enum err
decode_release(json_t *body, struct decode_release *ret)
{
	json_t *approval, *signature, *proof;

	if (json_unpack(body, "{s:o, s:o, s:o !}",
		"approval", &approval,
		"signature", &signature,
		"proof", &proof) != 0)
		return ERR_INVALID_PARAMS;
	if (!json_b64_exact(approval, ret->approval, sizeof(ret->approval)) ||
	    !json_b64_exact(signature, ret->signature, sizeof(ret->signature)) ||
	    !json_b64_exact(proof, ret->proof, sizeof(ret->proof)))
		return ERR_INVALID_PARAMS;
	return ERR_OK;
}

enum err
decode_grant(json_t *body, struct decode_grant *ret)
{
	json_int_t active;
	json_t *signature;

	if (json_unpack(body, "{s:I, s:o !}",
		"active", &active,
		"signature", &signature) != 0)
		return ERR_INVALID_PARAMS;
	if ((active != 0 && active != 1) || !json_b64_exact(signature, ret->signature, sizeof(ret->signature)))
		return ERR_INVALID_PARAMS;
	ret->active = (unsigned)active;
	return ERR_OK;
}

/* "ok", a wire name of err.def, or what may be one in the list of a newer machine: what it says of the token beside that is not lost for one word. */
static bool
error_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len < sizeof(((struct store_done *)0)->error) && name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
}

enum err
decode_done(json_t *body, struct decode_done *ret)
{
	struct transcript_done *d = &ret->done;
	json_int_t counter, cryptoki;
	json_t *proof, *signature;
	int rotated;

	if (json_unpack(body, "{s:I, s:s, s:s, s:I, s:s, s:b, s:s, s:o, s:o !}",
		"counter", &counter,
		"result", &d->result,
		"stage", &d->stage,
		"cryptoki", &cryptoki,
		"error", &d->error,
		"rotated", &rotated,
		"proof_mechanism", &d->proof_mechanism,
		"proof", &proof,
		"signature", &signature) != 0)
		return ERR_INVALID_PARAMS;
	d->counter = (uint64_t)counter;
	d->cryptoki = (uint64_t)cryptoki;
	d->rotated = rotated != 0;
	d->proof = ret->proof;
	if (counter < 1 || cryptoki < 0 ||
	    !IS_ONE_OF(d->result, "completed", "failed") ||
	    stage_from_name(d->stage) == STAGE_COUNT ||
	    !error_name_ok(d->error) ||
	    !IS_ONE_OF(d->proof_mechanism, "", "ecdsa-sha256", "rsa-pkcs1-sha256") ||
	    !json_b64_upto(proof, ret->proof, sizeof(ret->proof), &d->proof_len) ||
	    !json_b64_exact(signature, ret->signature, sizeof(ret->signature)))
		return ERR_INVALID_PARAMS;
	/* what failed before the new PIN was proved cannot have come to the rotation */
	if (d->rotated && strcmp(d->result, "completed") != 0)
		return ERR_INVALID_PARAMS;
	return (d->proof_len == 0) == (d->proof_mechanism[0] == '\0') ? ERR_OK : ERR_INVALID_PARAMS;
}

/* A text of min..max bytes that can be shown; borrowed from the value. */
static bool
text_of(const json_t *value, size_t min, size_t max, const char **ret_text)
{
	size_t len = json_string_length(value);

	if (!json_is_string(value) || len < min || len > max || !text_is_showable(json_string_value(value), len))
		return false;
	*ret_text = json_string_value(value);
	return true;
}

enum err
decode_approve(json_t *body, struct decode_approve *ret)
{
	json_t *reference, *phrase, *email = NULL, *reason = NULL;

	ret->email = NULL;
	ret->reason = NULL;
	if (json_unpack(body, "{s:s, s:o, s:o, s?o, s?o !}",
		"how", &ret->how,
		"reference", &reference,
		"phrase", &phrase,
		"email", &email,
		"reason", &reason) != 0)
		return ERR_INVALID_PARAMS;
	if (!IS_ONE_OF(ret->how, "call_back", "form", "in_person", "agency") ||
	    !text_of(reference, 0, DECODE_REFERENCE_MAX, &ret->reference) ||
	    !text_of(phrase, 1, DECODE_PHRASE_MAX, &ret->phrase) ||
	    (reason != NULL && !text_of(reason, 1, DECODE_REASON_MAX, &ret->reason)) ||
	    (email != NULL && (reason == NULL || !json_is_string(email))))
		return ERR_INVALID_PARAMS;
	if (email == NULL)
		return ERR_OK;
	ret->email = json_string_value(email);
	return address_ok(ret->email, json_string_length(email)) ? ERR_OK : ERR_MAIL_ADDRESS;
}

enum err
decode_reason(json_t *body, struct decode_reason *ret)
{
	json_t *reason;

	if (json_unpack(body, "{s:o !}",
		"reason", &reason) != 0)
		return ERR_INVALID_PARAMS;
	return text_of(reason, 1, DECODE_REASON_MAX, &ret->reason) ? ERR_OK : ERR_INVALID_PARAMS;
}

/* Of an agency only those who have nothing to do with the rest. */
static bool
place_ok(enum store_role role, const char *agency)
{
	return role < STORE_NONE && (agency[0] == '\0' || (store_agency_id_ok(agency) && store_role_of_agency(role)));
}

enum err
decode_person(json_t *body, struct decode_person *ret)
{
	json_t *name, *certificate, *reason;
	const char *role;

	if (json_unpack(body, "{s:o, s:s, s:s, s:o, s:o !}",
		"name", &name,
		"role", &role,
		"agency", &ret->agency,
		"certificate", &certificate,
		"reason", &reason) != 0)
		return ERR_INVALID_PARAMS;
	ret->role = store_role_from_name(role);
	ret->certificate = json_string_value(certificate);
	if (!text_of(name, 1, STORE_PERSON_SIZE - 1, &ret->name) ||
	    !place_ok(ret->role, ret->agency) ||
	    ret->certificate == NULL || json_string_length(certificate) < 1 || json_string_length(certificate) > DECODE_PEM_MAX ||
	    !text_of(reason, 1, DECODE_REASON_MAX, &ret->reason))
		return ERR_INVALID_PARAMS;
	return ERR_OK;
}

enum err
decode_certificate(json_t *body, struct decode_certificate *ret)
{
	json_t *reason;
	const char *fingerprint;
	size_t len = 0;

	if (json_unpack(body, "{s:s, s:o !}",
		"fingerprint", &fingerprint,
		"reason", &reason) != 0)
		return ERR_INVALID_PARAMS;
	if (fingerprint[strspn(fingerprint, "0123456789abcdef")] != '\0' || !text_unhex(fingerprint, strlen(fingerprint), ret->fingerprint, sizeof(ret->fingerprint), &len) ||
	    len != sizeof(ret->fingerprint) || !text_of(reason, 1, DECODE_REASON_MAX, &ret->reason))
		return ERR_INVALID_PARAMS;
	return ERR_OK;
}

enum err
decode_import(json_t *body, struct decode_import *ret)
{
	json_t *table;
	int dry_run;

	if (json_unpack(body, "{s:o, s:b !}",
		"table", &table,
		"dry_run", &dry_run) != 0)
		return ERR_INVALID_PARAMS;
	ret->table = json_string_value(table);
	ret->len = json_string_length(table);
	ret->dry_run = dry_run != 0;
	return ret->table != NULL && ret->len != 0 && ret->len <= DECODE_TABLE_MAX ? ERR_OK : ERR_INVALID_PARAMS;
}

enum err
decode_replace(json_t *body, struct decode_replace *ret)
{
	json_t *sealed, *reason;

	if (json_unpack(body, "{s:o, s:o !}",
		"sealed", &sealed,
		"reason", &reason) != 0)
		return ERR_INVALID_PARAMS;
	if (!json_b64_exact(sealed, ret->sealed, sizeof(ret->sealed)) || !text_of(reason, 1, DECODE_REASON_MAX, &ret->reason))
		return ERR_INVALID_PARAMS;
	return key_kem_public_ok(ret->sealed) ? ERR_OK : ERR_INVALID_PARAMS;
}

static bool
pair_of(json_t *value, size_t min, size_t max, const char **ret_vi, const char **ret_en)
{
	json_t *vi, *en;

	return json_unpack(value, "{s:o, s:o !}", "vi", &vi, "en", &en) == 0 && text_of(vi, min, max, ret_vi) && text_of(en, 0, max, ret_en);
}

static bool
is_time(json_int_t seconds)
{
	return seconds >= 0 && seconds <= DECODE_TIME_MAX;
}

enum err
decode_notice(json_t *body, struct decode_notice *ret)
{
	const char *severity;
	json_t *title, *text;
	json_int_t starts, ends;

	if (json_unpack(body, "{s:s, s:o, s:o, s:I, s:I !}",
		"severity", &severity,
		"title", &title,
		"text", &text,
		"starts", &starts,
		"ends", &ends) != 0)
		return ERR_INVALID_PARAMS;
	ret->severity = store_severity_from_name(severity);
	if (ret->severity == STORE_SEVERITY_COUNT ||
	    !pair_of(title, 1, STORE_NOTICE_TITLE_SIZE - 1, &ret->title_vi, &ret->title_en) ||
	    !pair_of(text, 1, STORE_NOTICE_TEXT_SIZE - 1, &ret->text_vi, &ret->text_en) ||
	    (ret->title_en[0] == '\0') != (ret->text_en[0] == '\0') ||
	    !is_time(starts) || !is_time(ends) || (ends != 0 && ends <= starts))
		return ERR_INVALID_PARAMS;
	ret->starts = starts;
	ret->ends = ends;
	return ERR_OK;
}

/* A text of at least min bytes that fits, copied. */
static bool
copy_text(const json_t *value, size_t min, char *ret, size_t size)
{
	const char *text;

	return text_of(value, min, size - 1, &text) && text_copy(ret, size, text);
}

enum err
decode_type(json_t *body, struct store_type *ret)
{
	const char *family, *pin_characters, *key_characters;
	json_int_t pin_min, pin_max, key_length, so_tries;
	json_t *name, *vendor, *manufacturer, *model;
	int rotation, flags_reliable, second_approver;

	if (json_unpack(body, "{s:o, s:o, s:o, s:o, s:s, s:b, s:b, s:I, s:I, s:s, s:I, s:s, s:b, s:I !}",
		"name", &name,
		"vendor", &vendor,
		"manufacturer", &manufacturer,
		"model", &model,
		"family", &family,
		"rotation", &rotation,
		"flags_reliable", &flags_reliable,
		"pin_min", &pin_min,
		"pin_max", &pin_max,
		"pin_characters", &pin_characters,
		"key_length", &key_length,
		"key_characters", &key_characters,
		"second_approver", &second_approver,
		"so_tries", &so_tries) != 0)
		return ERR_INVALID_PARAMS;
	ret->policy.family = family_from_name(family);
	ret->policy.flags_reliable = flags_reliable != 0;
	ret->policy.pin_min = (unsigned)pin_min;
	ret->policy.pin_max = (unsigned)pin_max;
	ret->policy.pin_characters = characters_from_name(pin_characters);
	ret->rotation = rotation != 0;
	ret->key_length = (unsigned)key_length;
	ret->key_characters = characters_from_name(key_characters);
	ret->second_approver = second_approver != 0;
	ret->so_tries = (unsigned)so_tries;
	if (!copy_text(name, 1, ret->name, sizeof(ret->name)) ||
	    !copy_text(vendor, 0, ret->vendor, sizeof(ret->vendor)) ||
	    !copy_text(manufacturer, 0, ret->manufacturer, sizeof(ret->manufacturer)) ||
	    !copy_text(model, 0, ret->model, sizeof(ret->model)) ||
	    (ret->manufacturer[0] == '\0' && ret->model[0] == '\0') ||
	    ret->policy.family == FAMILY_COUNT || ret->policy.pin_characters == CHARACTERS_COUNT || ret->key_characters == CHARACTERS_COUNT ||
	    pin_min < 0 || pin_min > TOKEN_POLICY_PIN_MAX || pin_max < 0 || pin_max > TOKEN_POLICY_PIN_MAX || !store_key_length_ok(key_length) ||
	    !store_so_tries_ok(so_tries))
		return ERR_INVALID_PARAMS;
	/* no PIN keeps both; and PKCS#11 replaces no other key than an SO PIN */
	return (pin_max != 0 && pin_min > pin_max) || (rotation && ret->policy.family != FAMILY_SO_PIN) ? ERR_INVALID_PARAMS : ERR_OK;
}

enum err
decode_module(json_t *body, struct store_module *ret)
{
	json_t *vendor, *system, *name, *path, *parameters;

	if (json_unpack(body, "{s:o, s:o, s:o, s:o, s:o !}",
		"vendor", &vendor,
		"system", &system,
		"name", &name,
		"path", &path,
		"parameters", &parameters) != 0)
		return ERR_INVALID_PARAMS;
	if (!copy_text(vendor, 1, ret->vendor, sizeof(ret->vendor)) ||
	    !copy_text(system, 1, ret->system, sizeof(ret->system)) ||
	    !copy_text(name, 1, ret->name, sizeof(ret->name)) ||
	    !copy_text(path, 1, ret->path, sizeof(ret->path)) ||
	    !copy_text(parameters, 0, ret->parameters, sizeof(ret->parameters)))
		return ERR_INVALID_PARAMS;
	return store_module_path_ok(ret->system, ret->path) ? ERR_OK : ERR_INVALID_PARAMS;
}

/* At least min and at most max texts, all different, one blank between two. */
static bool
join_texts(json_t *array, size_t min, size_t max, bool (*ok)(const char *text), char *ret, size_t size)
{
	size_t len = 0;

	if (!json_is_array(array) || json_array_size(array) < min || json_array_size(array) > max)
		return false;
	ret[0] = '\0';
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *value = json_array_get(array, i);
		const char *text = json_string_value(value);
		if (text == NULL || strlen(text) != json_string_length(value) || !ok(text))
			return false;
		for (size_t before = 0; before < i; before++)
			if (json_equal(json_array_get(array, before), value))
				return false;
		len += (size_t)snprintf(ret + len, size - len, "%s%s", i != 0 ? " " : "", text);
		if (len >= size)
			return false;
	}
	return true;
}

/* An http origin, of this very machine, is for tests alone, which have the command line. */
static bool
is_origin(const char *text)
{
	return strncmp(text, "https://", strlen("https://")) == 0 && text_is_origin(text, strlen(text));
}

enum err
decode_agency(json_t *body, struct store_agency *ret, bool *ret_replace)
{
	json_t *name, *origins, *domains;
	const char *id;
	int replace;

	if (json_unpack(body, "{s:s, s:o, s:o, s:o, s:b !}",
		"id", &id,
		"name", &name,
		"origins", &origins,
		"domains", &domains,
		"replace", &replace) != 0)
		return ERR_INVALID_PARAMS;
	*ret_replace = replace != 0;
	if (!store_agency_id_ok(id) || !text_copy(ret->id, sizeof(ret->id), id) ||
	    !copy_text(name, 1, ret->name, sizeof(ret->name)) ||
	    !join_texts(origins, 1, DECODE_ORIGINS_MAX, is_origin, ret->origins, sizeof(ret->origins)) ||
	    !join_texts(domains, 0, DECODE_DOMAINS_MAX, store_domain_ok, ret->domains, sizeof(ret->domains)))
		return ERR_INVALID_PARAMS;
	return ERR_OK;
}

enum err
decode_token_agency(json_t *body, struct decode_token_agency *ret)
{
	json_t *reason;

	if (json_unpack(body, "{s:s, s:o !}",
		"agency", &ret->agency,
		"reason", &reason) != 0)
		return ERR_INVALID_PARAMS;
	if (ret->agency[0] != '\0' && !store_agency_id_ok(ret->agency))
		return ERR_INVALID_PARAMS;
	return text_of(reason, 1, DECODE_REASON_MAX, &ret->reason) ? ERR_OK : ERR_INVALID_PARAMS;
}

bool
decode_query_text(const char *text, size_t max)
{
	size_t len = text != NULL ? strlen(text) : 0;

	return text == NULL || (len >= 1 && len <= max && text_is_showable(text, len));
}

bool
decode_query_ok(const struct call_query *query)
{
	return decode_query_text(query->customer, DECODE_CUSTOMER_MAX) &&
	       decode_query_text(query->email, DECODE_EMAIL_MAX) &&
	       decode_query_text(query->token_serial, DECODE_TOKEN_SERIAL_MAX) &&
	       query->limit >= 0 && query->limit <= DECODE_LIMIT_MAX;
}

enum err
decode_nothing(json_t *body)
{
	return json_is_object(body) && json_object_size(body) == 0 ? ERR_OK : ERR_INVALID_PARAMS;
}
