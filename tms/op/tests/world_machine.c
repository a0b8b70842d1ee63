/* SPDX-License-Identifier: Apache-2.0 */
/* A customer's machine: it builds and signs every call, and believes no answer that the server's key has not signed. */
#include "world.h"

#include "check.h"
#include "code.h"
#include "hpke.h"
#include "json.h"
#include "os.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

struct machine *
machine_new(struct world *w, unsigned token, enum machine_certificate certificate)
{
	struct machine *m = calloc(1, sizeof(*m));
	bool named = certificate == MACHINE_OWN || certificate == MACHINE_FOREIGN;
	bool ours = certificate != MACHINE_FOREIGN && certificate != MACHINE_FORGED;
	const char *email = certificate == MACHINE_RENEWED || certificate == MACHINE_FORGED ? WORLD_EMAIL : NULL;
	long serial = 0x1000 + (long)token + (named ? 0 : 7);
	X509 *x509;

	if (m == NULL)
		exit(1);
	m->world = w;
	m->sig = key_sig_new();
	m->kem = key_kem_new();
	m->token = scratch_token(token).name;
	os_random(m->idempotency_key, sizeof(m->idempotency_key));
	if (certificate == MACHINE_NONE)
		return m;
	/* run out long ago: a token is unlocked all the same */
	x509 = world_issue_to(ours ? &w->ca : &w->foreign, w->token_key, "Công ty A", email, serial, -7200, -3600);
	m->der_len = world_der(x509, m->der);
	X509_free(x509);
	return m;
}

void
machine_free(struct machine *m)
{
	key_sig_free(m->sig);
	key_kem_free(m->kem);
	key_sig_free(m->code);
	free(m);
}

/* The signature over the transcript as JSON; frees the transcript. */
static json_t *
signature(const struct key_sig *key, struct buf *transcript)
{
	unsigned char bytes[KEY_SIG_LEN];

	CHECK(buf_error(transcript) == ERR_OK && key_sig_sign(key, transcript->data, transcript->len, bytes) == ERR_OK);
	buf_free(transcript);
	return json_b64(bytes, sizeof(bytes));
}

/* The answer's signature is the server's; frees the transcript. */
static void
check_answer(const struct machine *m, const json_t *answer, struct buf *transcript)
{
	unsigned char bytes[KEY_SIG_LEN];

	CHECK(json_b64_exact(json_object_get(answer, "signature"), bytes, sizeof(bytes)));
	CHECK(key_sig_verify(m->world->tms_pk, transcript->data, transcript->len, bytes));
	CHECK(json_string_length(json_object_get(answer, "kid")) == SERVICE_KID_LEN);
	buf_free(transcript);
}

/* ---- create ---- */

static struct transcript_create
create_of(const struct machine *m)
{
	struct transcript_create c = { .token = m->token, .certificate = m->der, .certificate_len = m->der_len, .reason = "locked", .language = "vi" };

	key_kem_public(m->kem, c.host_kem_pk);
	key_sig_public(m->sig, c.host_sig_pk);
	memcpy(c.idempotency_key, m->idempotency_key, sizeof(c.idempotency_key));
	return c;
}

json_t *
machine_create_body(struct machine *m)
{
	struct transcript_create c = create_of(m);
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	unsigned char r[KEY_HASH_LEN];

	CHECK(transcript_create_hash(&c, r) == ERR_OK);
	transcript_create_request(&transcript, r);
	return json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o}",
	    "token", token_name_json(&c.token),
	    "certificate", json_b64(m->der, m->der_len),
	    "reason", c.reason,
	    "language", c.language,
	    "host_kem_pk", json_b64(c.host_kem_pk, sizeof(c.host_kem_pk)),
	    "host_sig_pk", json_b64(c.host_sig_pk, sizeof(c.host_sig_pk)),
	    "idempotency_key", json_b64(c.idempotency_key, sizeof(c.idempotency_key)),
	    "signature", signature(m->sig, &transcript));
}

enum err
machine_create(struct machine *m)
{
	struct transcript_create c = create_of(m);
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	struct store_request row;
	unsigned char r[KEY_HASH_LEN];
	json_t *answer;
	enum err e = world_call(m->world, op_create, NULL, machine_create_body(m), &answer);

	if (e != ERR_OK)
		return e;
	CHECK(json_b64_exact(json_object_get(answer, "id"), m->id, sizeof(m->id)));
	text_b64_encode(m->id, sizeof(m->id), m->id_text);
	CHECK(transcript_create_hash(&c, r) == ERR_OK);
	transcript_create_answer(&transcript, m->id, r, (uint64_t)json_integer_value(json_object_get(answer, "expires")), json_string_value(json_object_get(answer, "hotline")));
	check_answer(m, answer, &transcript);
	CHECK(json_object_size(answer) == 5);
	json_decref(answer);
	CHECK(store_request_by_id(m->world->scratch.store, m->id, &row) == ERR_OK);
	m->number = row.number;
	return ERR_OK;
}

/* ---- status, resend, cancel ---- */

static void
read_status(struct machine *m, const json_t *answer)
{
	struct transcript_status s = {
		.state = json_string_value(json_object_get(answer, "state")),
		.expires = (uint64_t)json_integer_value(json_object_get(answer, "expires")),
		.code_expires = (uint64_t)json_integer_value(json_object_get(answer, "code_expires")),
		.retry_after = (uint64_t)json_integer_value(json_object_get(answer, "retry_after")),
		.email = json_string_value(json_object_get(answer, "email")),
		.note = json_string_value(json_object_get(answer, "note")),
	};
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	size_t len = 0;

	m->policy = (struct token_policy){
		.family = family_from_name(json_string_value(json_object_get(answer, "family"))),
		.pin_min = (unsigned)json_integer_value(json_object_get(answer, "pin_min")),
		.pin_max = (unsigned)json_integer_value(json_object_get(answer, "pin_max")),
		.pin_characters = characters_from_name(json_string_value(json_object_get(answer, "pin_characters"))),
		.flags_reliable = json_is_true(json_object_get(answer, "flags_reliable")),
	};
	CHECK(json_object_size(answer) == 14);
	CHECK(json_b64_upto(json_object_get(answer, "approval"), m->approval, sizeof(m->approval), &len) && (len == 0 || len == TRANSCRIPT_ID_LEN));
	s.approval = len != 0 ? m->approval : NULL;
	s.policy = m->policy.family != FAMILY_COUNT ? &m->policy : NULL;
	CHECK((s.policy != NULL) == (s.approval != NULL));
	transcript_status_answer(&transcript, m->id, m->counter, &s);
	check_answer(m, answer, &transcript);
	snprintf(m->state, sizeof(m->state), "%s", s.state);
	snprintf(m->email, sizeof(m->email), "%s", s.email);
	snprintf(m->note, sizeof(m->note), "%s", s.note);
	m->code_expires = (int64_t)s.code_expires;
}

enum err
machine_verb(struct machine *m, const char *verb)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	json_t *answer;
	enum err e;

	transcript_verb_request(&transcript, verb, m->id, ++m->counter);
	e = world_call(m->world, strcmp(verb, "status") == 0 ? op_status : strcmp(verb, "resend") == 0 ? op_resend
												       : op_cancel,
	    m->id_text,
	    json_pack("{s:I, s:o}", "counter", (json_int_t)m->counter, "signature", signature(m->sig, &transcript)), &answer);
	if (e == ERR_OK)
		read_status(m, answer);
	json_decref(answer);
	return e;
}

/* ---- what people and the mail worker do ---- */

void
machine_phrase(const struct machine *m, char ret[16])
{
	unsigned char kem[KEY_KEM_PK_LEN];
	unsigned char sig[KEY_SIG_PK_LEN];

	key_kem_public(m->kem, kem);
	key_sig_public(m->sig, sig);
	CHECK(code_phrase(m->id, kem, sig, ret) == ERR_OK);
}

enum err
machine_approve(struct machine *m)
{
	char phrase[16];
	json_t *answer;
	enum err e;

	machine_phrase(m, phrase);
	e = world_desk(m->world, 0, op_admin_approve, m->number, json_pack("{s:s, s:s, s:s}", "how", "call_back", "reference", "BM-01", "phrase", phrase), &answer);
	json_decref(answer);
	return e;
}

void
machine_mail(struct machine *m, int64_t valid_s)
{
	struct store_code code = { .number = m->number, .created = m->world->now, .expires = m->world->now + valid_s };
	int64_t id;

	key_sig_free(m->code);
	m->code = key_sig_new();
	key_sig_public(m->code, code.public_key);
	CHECK(store_code_insert(m->world->scratch.store, &code, &id) == ERR_OK);
}

/* ---- release and grant ---- */

static void
compute_h(struct machine *m)
{
	struct transcript_release t = { .token = m->token };
	struct issued *certificate = issued_from_der(m->der, m->der_len);
	char hex[2 * STORE_SERIAL_MAX + 1];
	unsigned char serial[STORE_SERIAL_MAX];

	memcpy(t.id, m->id, sizeof(t.id));
	memcpy(t.approval, m->approval, sizeof(t.approval));
	key_kem_public(m->kem, t.host_kem_pk);
	key_sig_public(m->sig, t.host_sig_pk);
	if (certificate != NULL) {
		issued_serial(certificate, hex);
		CHECK(issued_serial_bytes(hex, serial, &t.certificate_serial_len));
		t.certificate_serial = serial;
	}
	issued_free(certificate);
	CHECK(transcript_release_hash(&t, m->h) == ERR_OK);
}

/* Checks the signature that build() makes the transcript of, and opens the ciphertext. */
static void
open_sealed(struct machine *m, const json_t *answer, bool granted, unsigned active, unsigned char ret_plain[TRANSCRIPT_SEALED_LEN])
{
	unsigned char enc[HPKE_ENC_LEN];
	unsigned char ct[TRANSCRIPT_SEALED_LEN + HPKE_TAG_LEN];
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	struct buf info = buf_new(TRANSCRIPT_MAX);

	CHECK(json_b64_exact(json_object_get(answer, "enc"), enc, sizeof(enc)));
	CHECK(json_b64_exact(json_object_get(answer, "ciphertext"), ct, sizeof(ct)));
	CHECK(json_object_size(answer) == (granted ? 4 : 6));
	if (granted) {
		transcript_grant_answer(&transcript, m->h, active, enc, sizeof(enc), ct, sizeof(ct));
		transcript_grant_info(&info, m->h);
	} else {
		m->family = family_from_name(json_string_value(json_object_get(answer, "family")));
		m->rotation = json_is_true(json_object_get(answer, "rotation"));
		transcript_release_answer(&transcript, m->h, enc, sizeof(enc), ct, sizeof(ct), m->family, m->rotation);
		buf_add(&info, m->h, sizeof(m->h));
	}
	check_answer(m, answer, &transcript);
	CHECK(hpke_open(m->kem, enc, info.data, info.len, NULL, 0, ct, sizeof(ct), ret_plain) == ERR_OK);
	buf_free(&info);
}

json_t *
machine_release_body(struct machine *m)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	struct buf proof = buf_new(TRANSCRIPT_MAX);

	compute_h(m);
	transcript_release_request(&transcript, m->h);
	transcript_code_proof(&proof, m->h);
	return json_pack("{s:o, s:o, s:o}",
	    "approval", json_b64(m->approval, sizeof(m->approval)),
	    "signature", signature(m->sig, &transcript),
	    "proof", signature(m->code, &proof));
}

enum err
machine_release(struct machine *m)
{
	unsigned char plain[TRANSCRIPT_SEALED_LEN];
	json_t *answer;
	enum err e = world_call(m->world, op_release, m->id_text, machine_release_body(m), &answer);

	if (e == ERR_OK) {
		open_sealed(m, answer, false, 0, plain);
		CHECK(transcript_unpack_release(plain, m->nonce, m->candidates, &m->candidate_count) == ERR_OK);
	}
	json_decref(answer);
	return e;
}

enum err
machine_grant(struct machine *m, unsigned active)
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	unsigned char plain[TRANSCRIPT_SEALED_LEN];
	json_t *answer;
	enum err e;

	transcript_grant_request(&transcript, m->h, active);
	e = world_call(m->world, op_grant, m->id_text, json_pack("{s:i, s:o}", "active", (int)active, "signature", signature(m->sig, &transcript)), &answer);
	if (e == ERR_OK) {
		open_sealed(m, answer, true, active, plain);
		CHECK(transcript_unpack_grant(plain, &m->next) == ERR_OK);
	}
	json_decref(answer);
	return e;
}

enum err
machine_to_release(struct machine *m)
{
	CHECK(machine_create(m) == ERR_OK);
	CHECK(machine_approve(m) == ERR_OK);
	machine_mail(m, 900);
	CHECK(machine_verb(m, "status") == ERR_OK);
	return machine_release(m);
}

/* ---- done ---- */

size_t
machine_prove(const struct machine *m, EVP_PKEY *key, unsigned char ret[1024])
{
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t len = 1024;

	transcript_unlocked(&transcript, m->h, m->nonce);
	CHECK(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1);
	CHECK(EVP_DigestSign(context, ret, &len, transcript.data, transcript.len) == 1);
	EVP_MD_CTX_free(context);
	buf_free(&transcript);
	return len;
}

enum err
machine_done(struct machine *m, const struct machine_report *report)
{
	struct transcript_done d = {
		.counter = ++m->counter,
		.result = report->result,
		.stage = report->stage != NULL ? report->stage : "reporting",
		.cryptoki = report->cryptoki != 0 || report->silent ? report->cryptoki : 0xa0,
		.error = report->error != NULL ? report->error : "ok",
		.rotated = report->rotated,
		.proof_mechanism = report->proof_mechanism,
		.proof = report->proof,
		.proof_len = report->proof_len,
	};
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	json_t *answer;
	enum err e;

	transcript_done_request(&transcript, m->id, &d);
	e = world_call(m->world, op_done, m->id_text,
	    json_pack("{s:I, s:s, s:s, s:I, s:s, s:b, s:s, s:o, s:o}",
		"counter", (json_int_t)d.counter,
		"result", d.result,
		"stage", d.stage,
		"cryptoki", (json_int_t)d.cryptoki,
		"error", d.error,
		"rotated", d.rotated,
		"proof_mechanism", d.proof_mechanism,
		"proof", json_b64(d.proof != NULL ? d.proof : (const unsigned char *)"", d.proof_len),
		"signature", signature(m->sig, &transcript)),
	    &answer);
	if (e == ERR_OK)
		read_status(m, answer);
	json_decref(answer);
	return e;
}

struct machine *
machine_approved(struct world *w, unsigned token)
{
	struct machine *m = machine_new(w, token, MACHINE_OWN);

	CHECK(machine_create(m) == ERR_OK && machine_approve(m) == ERR_OK);
	machine_mail(m, 900);
	CHECK(machine_verb(m, "status") == ERR_OK);
	return m;
}

struct machine *
machine_granted(struct world *w, unsigned token)
{
	struct machine *m = machine_new(w, token, MACHINE_OWN);

	CHECK(machine_to_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK);
	return m;
}
