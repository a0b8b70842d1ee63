/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tms_probe: one call of the client, told by a JSON object on stdin, its outcome as one on stdout. The keys of the request are fixed: they
 * are the test's. test_tms_client.py says what is asked.
 */
#include "code.h"
#include "json.h"
#include "os.h"
#include "tms_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char kem_private[KEY_KEM_SK_LEN] = { [KEY_KEM_SK_LEN - 1] = 2 };
static const unsigned char sig_seed[KEY_SIG_SEED_LEN] = { [KEY_SIG_SEED_LEN - 1] = 1 };

struct probe {
	json_t *order;
	struct profile profile;
	struct tms tms;
	struct key_kem *kem;
	struct key_sig *sig;
	unsigned char id[TRANSCRIPT_ID_LEN];
	json_t *out;
};

static const char *
text(const struct probe *p, const char *key)
{
	return json_string_value(json_object_get(p->order, key));
}

static void
read_profile(struct probe *p)
{
	json_t *list, *value;
	size_t i;

	p->profile.tms = text(p, "tms");
	p->profile.tls_ca = text(p, "tls_ca");
	p->profile.tls_system = p->profile.tls_ca == NULL;
	p->profile.proxy = text(p, "proxy");
	list = json_object_get(p->order, "pins");
	json_array_foreach(list, i, value)
	    p->profile.tls_pins[p->profile.tls_pin_count++] = json_string_value(value);
	list = json_object_get(p->order, "keys");
	json_array_foreach(list, i, value)
	    json_b64_exact(value, p->profile.tms_keys[p->profile.tms_key_count++], PROFILE_KEY_LEN);
	json_b64_exact(json_object_get(p->order, "id"), p->id, sizeof(p->id));
}

static uint64_t
counter(const struct probe *p)
{
	return (uint64_t)json_integer_value(json_object_get(p->order, "counter"));
}

static void
add_status(struct probe *p, const struct tms_status *s)
{
	json_object_update_new(p->out,
	    json_pack("{s:s, s:I, s:I, s:I, s:s, s:o, s:s}",
		"state", state_name(s->state),
		"expires", (json_int_t)s->expires,
		"code_expires", (json_int_t)s->code_expires,
		"retry_after", (json_int_t)s->retry_after,
		"email", s->email,
		"approval", json_b64(s->approval, s->approved ? sizeof(s->approval) : 0),
		"note", s->note));
}

static enum err
create(struct probe *p)
{
	static const unsigned char certificate[] = { 0x30, 0x00 };
	struct transcript_create c = {
		.certificate = certificate,
		.certificate_len = sizeof(certificate),
		.reason = "locked",
		.language = "vi",
	};
	struct tms_created created;
	enum err e;

	token_name_from_json(json_object_get(p->order, "token"), &c.token);
	key_kem_public(p->kem, c.host_kem_pk);
	key_sig_public(p->sig, c.host_sig_pk);
	memset(c.idempotency_key, 7, sizeof(c.idempotency_key));
	e = tms_create(&p->tms, &c, &created);
	if (e == ERR_OK)
		json_object_update_new(p->out,
		    json_pack("{s:o, s:I, s:s}",
			"id", json_b64(created.id, sizeof(created.id)),
			"expires", (json_int_t)created.expires,
			"hotline", created.hotline));
	return e;
}

static enum err
verb(struct probe *p)
{
	struct tms_status status;
	enum err e = tms_verb(&p->tms, text(p, "call"), p->id, counter(p), &status);

	if (e == ERR_OK)
		add_status(p, &status);
	return e;
}

static enum err
done(struct probe *p)
{
	struct transcript_done d = {
		.counter = counter(p),
		.result = "completed",
		.stage = "reporting",
		.error = "ok",
		.rotated = true,
		.proof_mechanism = "ecdsa-sha256",
		.proof = (const unsigned char *)"proof",
		.proof_len = 5,
	};
	struct tms_status status;
	enum err e = tms_done(&p->tms, p->id, &d, &status);

	if (e == ERR_OK)
		add_status(p, &status);
	return e;
}

static enum err
release_hash(struct probe *p, struct transcript_release *r, unsigned char h[KEY_HASH_LEN])
{
	memcpy(r->id, p->id, sizeof(r->id));
	memset(r->approval, 9, sizeof(r->approval));
	token_name_from_json(json_object_get(p->order, "token"), &r->token);
	key_kem_public(p->kem, r->host_kem_pk);
	key_sig_public(p->sig, r->host_sig_pk);
	return transcript_release_hash(r, h);
}

static json_t *
plain_text(const struct secret *s)
{
	return json_stringn((const char *)s->bytes, s->len);
}

static enum err
release(struct probe *p)
{
	struct transcript_release r = { .certificate_serial_len = 0 };
	unsigned char h[KEY_HASH_LEN];
	struct tms_release_call call = { .release = &r, .h = h, .host_kem = p->kem };
	struct tms_released released = { .count = 0 };
	struct secret typed = { 0 }, code = { 0 };
	struct key_sig *proof = NULL;
	enum err e = release_hash(p, &r, h);

	if (e == ERR_OK && secret_set(&typed, text(p, "code"), strlen(text(p, "code"))) && code_read(&typed, &code))
		proof = code_key(&code, p->id);
	call.code_key = proof;
	e = proof != NULL ? tms_release(&p->tms, &call, &released) : ERR_INTERNAL;
	if (e == ERR_OK) {
		json_t *candidates = json_array();
		for (size_t i = 0; i < released.count; i++)
			json_array_append_new(candidates, plain_text(&released.candidates[i]));
		json_object_update_new(p->out, json_pack("{s:o, s:o}", "nonce", json_b64(released.nonce, sizeof(released.nonce)), "candidates", candidates));
	}
	key_sig_free(proof);
	return e;
}

static enum err
grant(struct probe *p)
{
	struct transcript_release r = { .certificate_serial_len = 0 };
	unsigned char h[KEY_HASH_LEN];
	struct secret next = { 0 };
	enum err e = release_hash(p, &r, h);

	if (e == ERR_OK)
		e = tms_grant(&p->tms, p->id, h, (unsigned)json_integer_value(json_object_get(p->order, "active")), p->kem, &next);
	if (e == ERR_OK)
		json_object_set_new(p->out, "next", plain_text(&next));
	return e;
}

static enum err
call(struct probe *p)
{
	const char *name = text(p, "call");

	if (strcmp(name, "create") == 0)
		return create(p);
	if (strcmp(name, "release") == 0)
		return release(p);
	if (strcmp(name, "grant") == 0)
		return grant(p);
	if (strcmp(name, "done") == 0)
		return done(p);
	return verb(p);
}

int
main(void)
{
	struct probe p = { .out = NULL };
	json_error_t error;
	enum err e;

	os_harden();
	json_open();
	p.out = json_object();
	p.order = json_loadf(stdin, 0, &error);
	if (p.order == NULL)
		return EXIT_FAILURE;
	read_profile(&p);
	p.kem = key_kem_from_private(kem_private);
	p.sig = key_sig_from_seed(sig_seed);
	p.tms = (struct tms){ .profile = &p.profile, .host_sig = p.sig };
	e = call(&p);
	json_object_update_new(p.out,
	    json_pack("{s:s, s:I, s:I}",
		"error", err_name(e),
		"tries_left", (json_int_t)p.tms.refusal.tries_left,
		"wait", (json_int_t)p.tms.refusal.retry_after));
	json_dumpf(p.out, stdout, JSON_COMPACT);
	key_kem_free(p.kem);
	key_sig_free(p.sig);
	json_decref(p.out);
	json_decref(p.order);
	return EXIT_SUCCESS;
}
