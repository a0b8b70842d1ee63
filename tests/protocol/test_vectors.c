/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds the C to protocol/vectors/transcripts.json, which an independent implementation wrote (protocol/reference): every signed and hashed
 * byte string, every sealed message, the code and the phrase. The file's path is the argument.
 */
#include "code.h"
#include "hpke.h"
#include "key.h"
#include "text.h"
#include "token_name.h"
#include "transcript.h"

#include "check.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BYTES_MAX 8192

static const char *vector_name; /* of the vector at hand, for what a failure prints */

#define HOLDS(condition) \
	do { \
		if (!CHECK(condition)) \
			printf("    in %s\n", vector_name); \
	} while (0)

/* ---- reading the file ---- */

struct bytes {
	unsigned char at[BYTES_MAX];
	size_t len;
};

static bool
read_hex(const json_t *text, struct bytes *ret)
{
	ret->len = 0;
	return json_is_string(text) && text_unhex(json_string_value(text), json_string_length(text), ret->at, BYTES_MAX, &ret->len);
}

static struct bytes
get(const json_t *object, const char *key)
{
	struct bytes b;

	HOLDS(read_hex(json_object_get(object, key), &b));
	return b;
}

static void
get_exact(const json_t *object, const char *key, void *ret, size_t len)
{
	struct bytes b = get(object, key);

	HOLDS(b.len == len);
	memcpy(ret, b.at, len);
}

static const char *
get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	HOLDS(text != NULL);
	return text != NULL ? text : "";
}

static uint64_t
get_number(const json_t *object, const char *key)
{
	const json_t *number = json_object_get(object, key);

	HOLDS(json_is_integer(number));
	return (uint64_t)json_integer_value(number);
}

static struct token_name
get_token(const json_t *object)
{
	struct token_name t = { 0 };

	HOLDS(token_name_from_json(json_object_get(object, "token"), &t));
	return t;
}

static struct secret
get_secret(const json_t *text)
{
	struct bytes b;
	struct secret s = { 0 };

	HOLDS(read_hex(text, &b) && secret_set(&s, b.at, b.len));
	return s;
}

static bool
is_hex(const void *bytes, size_t len, const json_t *text)
{
	struct bytes want;

	return read_hex(text, &want) && want.len == len && memcmp(bytes, want.at, len) == 0;
}

/* Calls each() with every vector of a list, which must have some. */
static void
each_vector(const json_t *list, const json_t *file, void (*each)(const json_t *vector, const json_t *file))
{
	CHECK(json_array_size(list) != 0);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_object_get(json_array_get(list, i), "name"));
		vector_name = name != NULL ? name : "a vector without a name";
		each(json_array_get(list, i), file);
	}
}

/* ---- the functions of transcript.h by the names of the vectors ---- */

struct kind {
	const char *name;
	void (*make)(const json_t *inputs, struct buf *b);
};

static void
create_request(const json_t *in, struct buf *b)
{
	transcript_create_request(b, get(in, "r").at);
}

static void
create_answer(const json_t *in, struct buf *b)
{
	transcript_create_answer(b, get(in, "request_id").at, get(in, "r").at, get_number(in, "expires"), get_text(in, "hotline"));
}

static void
verb_request(const json_t *in, struct buf *b)
{
	transcript_verb_request(b, get_text(in, "verb"), get(in, "request_id").at, get_number(in, "counter"));
}

static void
status_answer(const json_t *in, struct buf *b)
{
	struct bytes approval = get(in, "approval");
	struct transcript_status s = {
		.state = get_text(in, "state"),
		.expires = get_number(in, "expires"),
		.code_expires = get_number(in, "code_expires"),
		.retry_after = get_number(in, "retry_after"),
		.email = get_text(in, "email"),
		.approval = approval.len != 0 ? approval.at : NULL,
		.note = get_text(in, "note"),
	};
	struct token_policy policy = {
		.family = family_from_name(get_text(in, "family")),
		.pin_min = (unsigned)get_number(in, "pin_min"),
		.pin_max = (unsigned)get_number(in, "pin_max"),
		.pin_characters = characters_from_name(get_text(in, "pin_characters")),
		.flags_reliable = json_is_true(json_object_get(in, "flags_reliable")),
	};

	if (get_text(in, "family")[0] != '\0')
		s.policy = &policy;
	transcript_status_answer(b, get(in, "request_id").at, get_number(in, "counter"), &s);
}

static void
release_request(const json_t *in, struct buf *b)
{
	transcript_release_request(b, get(in, "h").at);
}

static void
code_proof(const json_t *in, struct buf *b)
{
	transcript_code_proof(b, get(in, "h").at);
}

static void
release_answer(const json_t *in, struct buf *b)
{
	struct bytes enc = get(in, "enc"), ct = get(in, "ciphertext");

	transcript_release_answer(b, get(in, "h").at, enc.at, enc.len, ct.at, ct.len, family_from_name(get_text(in, "family")),
	    json_is_true(json_object_get(in, "rotation")));
}

static void
grant_request(const json_t *in, struct buf *b)
{
	transcript_grant_request(b, get(in, "h").at, get_number(in, "active"));
}

static void
grant_answer(const json_t *in, struct buf *b)
{
	struct bytes enc = get(in, "enc"), ct = get(in, "ciphertext");

	transcript_grant_answer(b, get(in, "h").at, get_number(in, "active"), enc.at, enc.len, ct.at, ct.len);
}

static void
grant_info(const json_t *in, struct buf *b)
{
	transcript_grant_info(b, get(in, "h").at);
}

static void
done_request(const json_t *in, struct buf *b)
{
	struct bytes proof = get(in, "proof");
	struct transcript_done d = {
		.counter = get_number(in, "counter"),
		.result = get_text(in, "result"),
		.stage = get_text(in, "stage"),
		.cryptoki = get_number(in, "cryptoki"),
		.error = get_text(in, "error"),
		.rotated = json_is_true(json_object_get(in, "rotated")),
		.proof_mechanism = get_text(in, "proof_mechanism"),
		.proof = proof.at,
		.proof_len = proof.len,
	};

	transcript_done_request(b, get(in, "request_id").at, &d);
}

static void
unlocked(const json_t *in, struct buf *b)
{
	transcript_unlocked(b, get(in, "h").at, get(in, "nonce").at);
}

static void
escrow_aad(const json_t *in, struct buf *b)
{
	struct token_name t = get_token(in);

	transcript_escrow_aad(b, &t, get_number(in, "version"));
}

static const struct kind kinds[] = {
	{ "create_request", create_request },
	{ "create_answer", create_answer },
	{ "verb_request", verb_request },
	{ "status_answer", status_answer },
	{ "release_request", release_request },
	{ "code_proof", code_proof },
	{ "release_answer", release_answer },
	{ "grant_request", grant_request },
	{ "grant_answer", grant_answer },
	{ "grant_info", grant_info },
	{ "done_request", done_request },
	{ "unlocked", unlocked },
	{ "escrow_aad", escrow_aad },
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static bool kinds_seen[KIND_COUNT];

static void
make_bytes(const json_t *vector, struct buf *b)
{
	const char *name = get_text(vector, "kind");
	size_t i = 0;

	while (i < KIND_COUNT && strcmp(kinds[i].name, name) != 0)
		i++;
	HOLDS(i < KIND_COUNT);
	if (i == KIND_COUNT)
		return;
	kinds[i].make(json_object_get(vector, "inputs"), b);
	kinds_seen[i] = true;
}

/* ---- keys ---- */

static struct key_kem *
kem_key(const json_t *file, const char *name)
{
	const json_t *pair = json_object_get(json_object_get(file, "keys"), name);
	struct key_kem *key = key_kem_from_private(get(pair, "private").at);
	unsigned char pk[KEY_KEM_PK_LEN];

	key_kem_public(key, pk);
	HOLDS(is_hex(pk, sizeof(pk), json_object_get(pair, "public")));
	return key;
}

static struct key_sig *
sig_key(const json_t *file, const char *name)
{
	if (strcmp(name, "code") == 0) {
		const json_t *row = json_array_get(json_object_get(json_object_get(file, "codes"), "keys"), 0);
		return key_sig_from_seed(get(row, "seed").at);
	}
	return key_sig_from_seed(get(json_object_get(json_object_get(file, "keys"), name), "seed").at);
}

/* ---- what is hashed and signed ---- */

static void
check_hash(const json_t *vector, const json_t *file)
{
	const json_t *in = json_object_get(vector, "inputs");
	unsigned char hash[KEY_HASH_LEN];
	enum err e;

	(void)file;
	if (strcmp(get_text(vector, "kind"), "create_hash") == 0) {
		struct bytes certificate = get(in, "certificate");
		struct transcript_create c = { .token = get_token(in), .certificate = certificate.at, .certificate_len = certificate.len, .reason = get_text(in, "reason"), .language = get_text(in, "language") };
		get_exact(in, "host_kem_pk", c.host_kem_pk, sizeof(c.host_kem_pk));
		get_exact(in, "host_sig_pk", c.host_sig_pk, sizeof(c.host_sig_pk));
		get_exact(in, "idempotency_key", c.idempotency_key, sizeof(c.idempotency_key));
		e = transcript_create_hash(&c, hash);
	} else {
		struct bytes serial = get(in, "certificate_serial");
		struct transcript_release r = { .token = get_token(in), .certificate_serial = serial.at, .certificate_serial_len = serial.len };
		get_exact(in, "request_id", r.id, sizeof(r.id));
		get_exact(in, "approval", r.approval, sizeof(r.approval));
		get_exact(in, "host_kem_pk", r.host_kem_pk, sizeof(r.host_kem_pk));
		get_exact(in, "host_sig_pk", r.host_sig_pk, sizeof(r.host_sig_pk));
		e = transcript_release_hash(&r, hash);
	}
	HOLDS(e == ERR_OK && is_hex(hash, sizeof(hash), json_object_get(vector, "hash")));
}

static void
check_bytes(const json_t *vector, const json_t *file)
{
	struct buf b = buf_new(TRANSCRIPT_MAX);

	(void)file;
	make_bytes(vector, &b);
	HOLDS(buf_error(&b) == ERR_OK && is_hex(b.data, b.len, json_object_get(vector, "bytes")));
	buf_free(&b);
}

/* Ed25519 signs without chance (RFC 8032), so that a signature has one right value. */
static void
check_signed(const json_t *vector, const json_t *file)
{
	struct key_sig *key = sig_key(file, get_text(vector, "signer"));
	struct bytes message = get(vector, "bytes"), signature = get(vector, "signature");
	unsigned char made[KEY_SIG_LEN], pk[KEY_SIG_PK_LEN];

	check_bytes(vector, file);
	HOLDS(key_sig_sign(key, message.at, message.len, made) == ERR_OK && is_hex(made, sizeof(made), json_object_get(vector, "signature")));
	key_sig_public(key, pk);
	HOLDS(key_sig_verify(pk, message.at, message.len, signature.at));
	message.at[message.len - 1] ^= 1;
	HOLDS(!key_sig_verify(pk, message.at, message.len, signature.at));
	key_sig_free(key);
}

/* ---- what is sealed ---- */

static bool
is_refused(const json_t *vector)
{
	return json_is_true(json_object_get(vector, "refused"));
}

static void
check_release_plain(const json_t *vector, const unsigned char *plain)
{
	const json_t *in = json_object_get(vector, "inputs"), *list = json_object_get(in, "candidates");
	struct secret found[2], wanted[2] = { 0 };
	unsigned char nonce[TRANSCRIPT_ID_LEN], made[TRANSCRIPT_SEALED_LEN];
	size_t count = 0;
	enum err e = transcript_unpack_release(plain, nonce, found, &count);

	HOLDS(e == (is_refused(vector) ? ERR_SEALED_INVALID : ERR_OK));
	if (e != ERR_OK || in == NULL)
		return;
	HOLDS(count == json_array_size(list) && is_hex(nonce, sizeof(nonce), json_object_get(in, "nonce")));
	for (size_t i = 0; i < count; i++) {
		wanted[i] = get_secret(json_array_get(list, i));
		HOLDS(secret_equal(&found[i], &wanted[i]));
	}
	HOLDS(transcript_pack_release(nonce, wanted, count, made) == ERR_OK && memcmp(made, plain, sizeof(made)) == 0);
}

static void
check_grant_plain(const json_t *vector, const unsigned char *plain)
{
	const json_t *in = json_object_get(vector, "inputs");
	struct secret found, wanted;
	unsigned char made[TRANSCRIPT_SEALED_LEN];
	enum err e = transcript_unpack_grant(plain, &found);

	HOLDS(e == (is_refused(vector) ? ERR_SEALED_INVALID : ERR_OK));
	if (e != ERR_OK || in == NULL)
		return;
	wanted = get_secret(json_object_get(in, "next"));
	HOLDS(secret_equal(&found, &wanted));
	HOLDS(transcript_pack_grant(&wanted, made) == ERR_OK && memcmp(made, plain, sizeof(made)) == 0);
}

static void
check_plaintext(const json_t *vector, const json_t *file)
{
	struct bytes plain = get(vector, "bytes");

	(void)file;
	HOLDS(plain.len == TRANSCRIPT_SEALED_LEN);
	if (strcmp(get_text(vector, "kind"), "release") == 0)
		check_release_plain(vector, plain.at);
	else
		check_grant_plain(vector, plain.at);
}

static void
check_escrow(const json_t *vector, const struct key_kem *vault, const struct bytes *enc, const struct bytes *ct)
{
	struct token_name token = get_token(vector);
	uint64_t version = get_number(vector, "version");
	unsigned char row[TRANSCRIPT_ESCROW_ROW_LEN], pk[KEY_KEM_PK_LEN];
	struct secret so_pin = { 0 }, wanted;
	enum err e;

	HOLDS(enc->len + ct->len == sizeof(row));
	memcpy(row, enc->at, enc->len);
	memcpy(row + enc->len, ct->at, ct->len);
	e = transcript_open_escrow(vault, &token, version, row, &so_pin);
	HOLDS(e == (is_refused(vector) ? ERR_SEALED_INVALID : ERR_OK));
	if (e != ERR_OK)
		return;
	wanted = get_secret(json_object_get(vector, "so_pin"));
	HOLDS(secret_equal(&so_pin, &wanted));
	key_kem_public(vault, pk);
	HOLDS(transcript_seal_escrow(pk, &token, version, &wanted, row) == ERR_OK && transcript_open_escrow(vault, &token, version, row, &so_pin) == ERR_OK);
	HOLDS(secret_equal(&so_pin, &wanted));
}

/* What the reference sealed opens here; what is refused does not, or opens to what no row may hold. */
static void
check_sealed(const json_t *vector, const json_t *file)
{
	struct key_kem *key = kem_key(file, get_text(vector, "to"));
	struct bytes enc = get(vector, "enc"), ct = get(vector, "ciphertext"), info = get(vector, "info"), aad = get(vector, "aad");
	unsigned char plain[BYTES_MAX], pk[KEY_KEM_PK_LEN], again[HPKE_ENC_LEN], sealed[BYTES_MAX];
	size_t len = ct.len - HPKE_TAG_LEN;

	if (strcmp(get_text(vector, "kind"), "escrow") == 0) {
		check_escrow(vector, key, &enc, &ct);
	} else if (is_refused(vector)) {
		HOLDS(hpke_open(key, enc.at, info.at, info.len, aad.at, aad.len, ct.at, ct.len, plain) == ERR_SEALED_INVALID);
	} else {
		HOLDS(hpke_open(key, enc.at, info.at, info.len, aad.at, aad.len, ct.at, ct.len, plain) == ERR_OK);
		HOLDS(is_hex(plain, len, json_object_get(vector, "plain")));
		key_kem_public(key, pk);
		HOLDS(hpke_seal(pk, info.at, info.len, aad.at, aad.len, plain, len, again, sealed) == ERR_OK);
		HOLDS(hpke_open(key, again, info.at, info.len, aad.at, aad.len, sealed, ct.len, plain) == ERR_OK);
		HOLDS(is_hex(plain, len, json_object_get(vector, "plain")));
	}
	key_kem_free(key);
}

static void
check_rfc9180(const json_t *vector, const json_t *file)
{
	struct key_kem *key = key_kem_from_private(get(vector, "private").at);
	struct bytes enc = get(vector, "enc"), ct = get(vector, "ciphertext"), info = get(vector, "info"), aad = get(vector, "aad");
	unsigned char plain[BYTES_MAX];

	(void)file;
	HOLDS(hpke_open(key, enc.at, info.at, info.len, aad.at, aad.len, ct.at, ct.len, plain) == ERR_OK);
	HOLDS(is_hex(plain, ct.len - HPKE_TAG_LEN, json_object_get(vector, "plain")));
	key_kem_free(key);
}

/* ---- code and phrase ---- */

static void
check_typed(const json_t *vector, const json_t *file)
{
	const json_t *text = json_object_get(vector, "typed"), *code = json_object_get(vector, "code");
	struct secret typed = { 0 }, found = { 0 }, wanted = { 0 };

	(void)file;
	vector_name = json_string_value(text);
	HOLDS(secret_set(&typed, json_string_value(text), json_string_length(text)));
	HOLDS(code_read(&typed, &found) == json_is_string(code));
	if (json_is_string(code)) {
		HOLDS(secret_set(&wanted, json_string_value(code), json_string_length(code)));
		HOLDS(secret_equal(&found, &wanted));
	}
}

static void
check_shown(const json_t *vector, const json_t *file)
{
	const char *shown = get_text(vector, "shown");
	struct secret typed = { 0 }, code = { 0 };

	(void)file;
	HOLDS(strlen(shown) == CODE_SHOWN_LEN && secret_set(&typed, shown, strlen(shown)) && code_read(&typed, &code) && code.len == 12);
}

static void
check_code_key(const json_t *vector, const json_t *file)
{
	const char *text = get_text(vector, "code");
	struct secret code = { 0 };
	struct key_sig *key;
	unsigned char seed[KEY_SIG_SEED_LEN], pk[KEY_SIG_PK_LEN];

	(void)file;
	HOLDS(secret_set(&code, text, strlen(text)));
	key = code_key(&code, get(vector, "request_id").at);
	key_sig_private(key, seed);
	key_sig_public(key, pk);
	HOLDS(is_hex(seed, sizeof(seed), json_object_get(vector, "seed")) && is_hex(pk, sizeof(pk), json_object_get(vector, "public")));
	key_sig_free(key);
}

static void
check_phrase(const json_t *vector, const json_t *file)
{
	const json_t *in = json_object_get(vector, "inputs");
	char phrase[CODE_PHRASE_LEN + 1] = "";

	(void)file;
	HOLDS(code_phrase(get(in, "request_id").at, get(in, "host_kem_pk").at, get(in, "host_sig_pk").at, phrase) == ERR_OK);
	CHECK_TEXT(phrase, get_text(vector, "phrase"));
}

static void
check_heard(const json_t *vector, const json_t *file)
{
	(void)file;
	vector_name = get_text(vector, "heard");
	HOLDS(code_phrase_equal(vector_name, get_text(vector, "phrase")) == json_is_true(json_object_get(vector, "same")));
}

/* code_new() has its chance from the system; what it makes must read back. */
static void
check_new_codes(void)
{
	vector_name = "a new code";
	for (int i = 0; i < 1000; i++) {
		struct secret shown = { 0 }, code = { 0 };
		code_new(&shown);
		HOLDS(shown.len == CODE_SHOWN_LEN && code_read(&shown, &code));
	}
}

int
main(int argc, char **argv)
{
	json_error_t error;
	json_t *file = json_load_file(argc == 2 ? argv[1] : "", JSON_REJECT_DUPLICATES, &error);
	const json_t *codes = json_object_get(file, "codes"), *phrases = json_object_get(file, "phrases");

	if (file == NULL) {
		printf("%s:%d: %s\n", error.source, error.line, error.text);
		return 1;
	}
	each_vector(json_object_get(file, "hashes"), file, check_hash);
	each_vector(json_object_get(file, "signed"), file, check_signed);
	each_vector(json_object_get(file, "unsigned"), file, check_bytes);
	each_vector(json_object_get(file, "plaintexts"), file, check_plaintext);
	each_vector(json_object_get(file, "sealed"), file, check_sealed);
	each_vector(json_object_get(file, "rfc9180"), file, check_rfc9180);
	each_vector(json_object_get(codes, "read"), file, check_typed);
	each_vector(json_object_get(codes, "shown"), file, check_shown);
	each_vector(json_object_get(codes, "keys"), file, check_code_key);
	each_vector(json_object_get(phrases, "made"), file, check_phrase);
	each_vector(json_object_get(phrases, "heard"), file, check_heard);
	check_new_codes();
	for (size_t i = 0; i < KIND_COUNT; i++) {
		vector_name = kinds[i].name;
		HOLDS(kinds_seen[i]);
	}
	json_decref(file);
	return CHECK_DONE();
}
