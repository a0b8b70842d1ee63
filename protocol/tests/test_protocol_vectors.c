/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C against vectors/transcripts.json, which was made from README.md without it: every hash, transcript, signature, sealed plaintext,
 * code and phrase. A kind that is not known here is a failure, so that a new vector cannot pass unseen. The file is the only argument.
 */
#include "check.h"
#include "code.h"
#include "hpke.h"
#include "json.h"
#include "text.h"
#include "transcript.h"

#define BYTES_MAX 16384

struct bytes {
	unsigned char at[BYTES_MAX];
	size_t len;
};

/* ---- reading the rows ---- */

static const char *
text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	if (!CHECK(text != NULL))
		printf("no text \"%s\"\n", key);
	return text != NULL ? text : "";
}

static uint64_t
number_of(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	CHECK(json_is_integer(value));
	return (uint64_t)json_integer_value(value);
}

static struct bytes
bytes_of_text(const char *text)
{
	struct bytes b = { .len = 0 };

	CHECK(text_unhex(text, strlen(text), b.at, sizeof(b.at), &b.len));
	return b;
}

static struct bytes
bytes_of(const json_t *row, const char *key)
{
	return bytes_of_text(text_of(row, key));
}

static void
exactly(const json_t *row, const char *key, unsigned char *ret, size_t len)
{
	struct bytes b = bytes_of(row, key);

	if (CHECK(b.len == len))
		memcpy(ret, b.at, len);
}

static struct token_name
token_of(const json_t *row)
{
	struct token_name t = { "", "", "" };

	CHECK(token_name_from_json(json_object_get(row, "token"), &t));
	return t;
}

static bool
is_refused(const json_t *row)
{
	return json_is_true(json_object_get(row, "refused"));
}

/* Says which row a failure above it belongs to. */
static void
name_failures(const json_t *row, unsigned failed_before)
{
	if (check_failed != failed_before)
		printf("in \"%s\"\n", json_string_value(json_object_get(row, "name")));
}

static void
each_row(const json_t *rows, const json_t *all, void (*run)(const json_t *row, const json_t *all))
{
	size_t i;
	json_t *row;

	CHECK(json_array_size(rows) != 0);
	json_array_foreach(rows, i, row)
	{
		unsigned before = check_failed;
		run(row, all);
		name_failures(row, before);
	}
}

/* ---- hashes ---- */

static enum err
create_hash(const json_t *in, unsigned char ret[KEY_HASH_LEN])
{
	struct bytes certificate = bytes_of(in, "certificate");
	struct transcript_create c = {
		.token = token_of(in),
		.certificate = certificate.at,
		.certificate_len = certificate.len,
		.reason = text_of(in, "reason"),
		.language = text_of(in, "language"),
	};

	exactly(in, "host_kem_pk", c.host_kem_pk, KEY_KEM_PK_LEN);
	exactly(in, "host_sig_pk", c.host_sig_pk, KEY_SIG_PK_LEN);
	exactly(in, "idempotency_key", c.idempotency_key, TRANSCRIPT_ID_LEN);
	return transcript_create_hash(&c, ret);
}

static enum err
release_hash(const json_t *in, unsigned char ret[KEY_HASH_LEN])
{
	struct bytes serial = bytes_of(in, "certificate_serial");
	struct transcript_release r = {
		.token = token_of(in),
		.certificate_serial = serial.at,
		.certificate_serial_len = serial.len,
	};

	exactly(in, "request_id", r.id, TRANSCRIPT_ID_LEN);
	exactly(in, "approval", r.approval, TRANSCRIPT_ID_LEN);
	exactly(in, "host_kem_pk", r.host_kem_pk, KEY_KEM_PK_LEN);
	exactly(in, "host_sig_pk", r.host_sig_pk, KEY_SIG_PK_LEN);
	return transcript_release_hash(&r, ret);
}

static void
check_hash(const json_t *row, const json_t *all)
{
	const json_t *in = json_object_get(row, "inputs");
	unsigned char got[KEY_HASH_LEN], want[KEY_HASH_LEN];
	bool creates = strcmp(text_of(row, "kind"), "create_hash") == 0;

	(void)all;
	CHECK(creates || strcmp(text_of(row, "kind"), "release_hash") == 0);
	exactly(row, "hash", want, sizeof(want));
	CHECK((creates ? create_hash(in, got) : release_hash(in, got)) == ERR_OK && memcmp(got, want, sizeof(want)) == 0);
}

/* ---- transcripts ---- */

struct ids {
	unsigned char id[TRANSCRIPT_ID_LEN];
	unsigned char hash[KEY_HASH_LEN]; /* r or h */
};

/* What most transcripts begin with; left out where the row has none. */
static struct ids
ids_of(const json_t *in)
{
	struct ids ids = { { 0 }, { 0 } };
	const char *hash = json_object_get(in, "r") != NULL ? "r" : "h";

	if (json_object_get(in, "request_id") != NULL)
		exactly(in, "request_id", ids.id, sizeof(ids.id));
	if (json_object_get(in, hash) != NULL)
		exactly(in, hash, ids.hash, sizeof(ids.hash));
	return ids;
}

static void
build_create_request(struct buf *b, const json_t *in)
{
	transcript_create_request(b, ids_of(in).hash);
}

static void
build_create_answer(struct buf *b, const json_t *in)
{
	struct ids ids = ids_of(in);

	transcript_create_answer(b, ids.id, ids.hash, number_of(in, "expires"), text_of(in, "hotline"));
}

static void
build_verb_request(struct buf *b, const json_t *in)
{
	transcript_verb_request(b, text_of(in, "verb"), ids_of(in).id, number_of(in, "counter"));
}

static void
build_status_answer(struct buf *b, const json_t *in)
{
	struct bytes approval = bytes_of(in, "approval");
	struct transcript_status s = {
		.state = text_of(in, "state"),
		.expires = number_of(in, "expires"),
		.code_expires = number_of(in, "code_expires"),
		.retry_after = number_of(in, "retry_after"),
		.email = text_of(in, "email"),
		.approval = approval.len != 0 ? approval.at : NULL,
		.note = text_of(in, "note"),
	};

	CHECK(approval.len == 0 || approval.len == TRANSCRIPT_ID_LEN);
	transcript_status_answer(b, ids_of(in).id, number_of(in, "counter"), &s);
}

static void
build_done_request(struct buf *b, const json_t *in)
{
	struct bytes proof = bytes_of(in, "proof");
	struct transcript_done d = {
		.counter = number_of(in, "counter"),
		.result = text_of(in, "result"),
		.stage = text_of(in, "stage"),
		.cryptoki = number_of(in, "cryptoki"),
		.error = text_of(in, "error"),
		.rotated = json_is_true(json_object_get(in, "rotated")),
		.proof_mechanism = text_of(in, "proof_mechanism"),
		.proof = proof.at,
		.proof_len = proof.len,
	};

	transcript_done_request(b, ids_of(in).id, &d);
}

static void
build_release_request(struct buf *b, const json_t *in)
{
	transcript_release_request(b, ids_of(in).hash);
}

static void
build_code_proof(struct buf *b, const json_t *in)
{
	transcript_code_proof(b, ids_of(in).hash);
}

static void
build_release_answer(struct buf *b, const json_t *in)
{
	struct bytes enc = bytes_of(in, "enc"), ct = bytes_of(in, "ciphertext");

	transcript_release_answer(b, ids_of(in).hash, enc.at, enc.len, ct.at, ct.len);
}

static void
build_grant_request(struct buf *b, const json_t *in)
{
	transcript_grant_request(b, ids_of(in).hash, number_of(in, "active"));
}

static void
build_grant_answer(struct buf *b, const json_t *in)
{
	struct bytes enc = bytes_of(in, "enc"), ct = bytes_of(in, "ciphertext");

	transcript_grant_answer(b, ids_of(in).hash, number_of(in, "active"), enc.at, enc.len, ct.at, ct.len);
}

static void
build_grant_info(struct buf *b, const json_t *in)
{
	transcript_grant_info(b, ids_of(in).hash);
}

static void
build_unlocked(struct buf *b, const json_t *in)
{
	unsigned char nonce[TRANSCRIPT_ID_LEN];

	exactly(in, "nonce", nonce, sizeof(nonce));
	transcript_unlocked(b, ids_of(in).hash, nonce);
}

static void
build_escrow_aad(struct buf *b, const json_t *in)
{
	struct token_name t = token_of(in);

	transcript_escrow_aad(b, &t, number_of(in, "version"));
}

static const struct {
	const char *kind;
	void (*build)(struct buf *b, const json_t *in);
} builders[] = {
	{ "create_request", build_create_request },
	{ "create_answer", build_create_answer },
	{ "verb_request", build_verb_request },
	{ "status_answer", build_status_answer },
	{ "done_request", build_done_request },
	{ "release_request", build_release_request },
	{ "code_proof", build_code_proof },
	{ "release_answer", build_release_answer },
	{ "grant_request", build_grant_request },
	{ "grant_answer", build_grant_answer },
	{ "grant_info", build_grant_info },
	{ "unlocked", build_unlocked },
	{ "escrow_aad", build_escrow_aad },
};

static void
build(struct buf *b, const json_t *row)
{
	for (size_t i = 0; i < sizeof(builders) / sizeof(builders[0]); i++)
		if (strcmp(builders[i].kind, text_of(row, "kind")) == 0) {
			builders[i].build(b, json_object_get(row, "inputs"));
			return;
		}
	CHECK_TEXT(text_of(row, "kind"), "a kind that is known here");
}

/* The key pair that signs a row: one of the file's, or the one that a code opens. */
static struct key_sig *
signer_of(const json_t *row, const json_t *all)
{
	const json_t *rows = json_object_get(all, "keys");
	const char *who = text_of(row, "signer");
	const json_t *key = json_object_get(rows, who);
	unsigned char seed[KEY_SIG_SEED_LEN] = { 0 };

	if (strcmp(who, "code") == 0)
		key = json_array_get(json_object_get(json_object_get(all, "codes"), "keys"), 0);
	exactly(key, "seed", seed, sizeof(seed));
	return key_sig_from_seed(seed);
}

static void
check_transcript(const json_t *row, const json_t *all)
{
	struct buf b = buf_new(TRANSCRIPT_MAX);
	struct bytes want = bytes_of(row, "bytes");

	(void)all;
	build(&b, row);
	CHECK(buf_error(&b) == ERR_OK && b.len == want.len && memcmp(b.data, want.at, b.len) == 0);
	buf_free(&b);
}

static void
check_signed(const json_t *row, const json_t *all)
{
	struct key_sig *key = signer_of(row, all);
	struct bytes message = bytes_of(row, "bytes");
	unsigned char want[KEY_SIG_LEN] = { 0 }, got[KEY_SIG_LEN], pk[KEY_SIG_PK_LEN];

	check_transcript(row, all);
	exactly(row, "signature", want, sizeof(want));
	key_sig_public(key, pk);
	CHECK(key_sig_sign(key, message.at, message.len, got) == ERR_OK && memcmp(got, want, sizeof(want)) == 0);
	CHECK(key_sig_verify(pk, message.at, message.len, want));
	key_sig_free(key);
}

/* ---- sealed plaintexts ---- */

static struct secret
secret_of(const char *hex)
{
	struct bytes b = bytes_of_text(hex);
	struct secret s = { 0 };

	CHECK(secret_set(&s, b.at, b.len));
	return s;
}

static void
check_release_plain(const json_t *row, const unsigned char *plain)
{
	const json_t *in = json_object_get(row, "inputs"), *list = json_object_get(in, "candidates");
	struct secret got[2] = { 0 }, want[2] = { 0 };
	unsigned char nonce[TRANSCRIPT_ID_LEN], want_nonce[TRANSCRIPT_ID_LEN] = { 0 }, again[TRANSCRIPT_SEALED_LEN];
	size_t count = 0;
	enum err e = transcript_unpack_release(plain, nonce, got, &count);

	CHECK(e == (is_refused(row) ? ERR_SEALED_INVALID : ERR_OK));
	if (is_refused(row))
		return;
	exactly(in, "nonce", want_nonce, sizeof(want_nonce));
	CHECK(count == json_array_size(list) && memcmp(nonce, want_nonce, sizeof(nonce)) == 0);
	for (size_t i = 0; i < count; i++) {
		want[i] = secret_of(json_string_value(json_array_get(list, i)));
		CHECK(secret_equal(&got[i], &want[i]));
	}
	CHECK(transcript_pack_release(want_nonce, want, count, again) == ERR_OK && memcmp(again, plain, sizeof(again)) == 0);
}

static void
check_grant_plain(const json_t *row, const unsigned char *plain)
{
	struct secret got = { 0 }, want;
	unsigned char again[TRANSCRIPT_SEALED_LEN];
	enum err e = transcript_unpack_grant(plain, &got);

	CHECK(e == (is_refused(row) ? ERR_SEALED_INVALID : ERR_OK));
	if (is_refused(row))
		return;
	want = secret_of(text_of(json_object_get(row, "inputs"), "next"));
	CHECK(secret_equal(&got, &want) && transcript_pack_grant(&want, again) == ERR_OK && memcmp(again, plain, sizeof(again)) == 0);
}

static void
check_plaintext(const json_t *row, const json_t *all)
{
	unsigned char plain[TRANSCRIPT_SEALED_LEN] = { 0 };

	(void)all;
	exactly(row, "bytes", plain, sizeof(plain));
	if (strcmp(text_of(row, "kind"), "release") == 0)
		check_release_plain(row, plain);
	else if (CHECK(strcmp(text_of(row, "kind"), "grant") == 0))
		check_grant_plain(row, plain);
}

static struct key_kem *
recipient_of(const json_t *row, const json_t *all)
{
	const json_t *key = json_object_get(json_object_get(all, "keys"), text_of(row, "to"));
	unsigned char sk[KEY_KEM_SK_LEN] = { 0 };

	exactly(key, "private", sk, sizeof(sk));
	return key_kem_from_private(sk);
}

static void
check_sealed(const json_t *row, const json_t *all)
{
	struct key_kem *key = recipient_of(row, all);
	struct bytes info = bytes_of(row, "info"), aad = bytes_of(row, "aad"), ct = bytes_of(row, "ciphertext");
	unsigned char enc[HPKE_ENC_LEN] = { 0 }, plain[TRANSCRIPT_SEALED_LEN], want[TRANSCRIPT_SEALED_LEN] = { 0 };
	/* a row may open well and hold a plaintext that is refused later */
	bool opens = json_object_get(row, "plain") != NULL;

	exactly(row, "enc", enc, sizeof(enc));
	CHECK(ct.len <= TRANSCRIPT_SEALED_LEN + HPKE_TAG_LEN);
	CHECK(hpke_open(key, enc, info.at, info.len, aad.at, aad.len, ct.at, ct.len, plain) == (opens ? ERR_OK : ERR_SEALED_INVALID));
	if (opens) {
		exactly(row, "plain", want, ct.len - HPKE_TAG_LEN);
		CHECK(memcmp(plain, want, ct.len - HPKE_TAG_LEN) == 0);
	}
	if (strcmp(text_of(row, "kind"), "escrow") == 0) {
		struct token_name t = token_of(row);
		unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN];
		struct secret got = { 0 };
		enum err e;

		memcpy(sealed, enc, sizeof(enc));
		exactly(row, "ciphertext", sealed + sizeof(enc), sizeof(sealed) - sizeof(enc));
		e = transcript_open_escrow(key, &t, number_of(row, "version"), sealed, &got);
		CHECK(e == (is_refused(row) ? ERR_SEALED_INVALID : ERR_OK));
		if (e == ERR_OK) {
			struct secret pin = secret_of(text_of(row, "so_pin"));
			CHECK(secret_equal(&got, &pin));
		}
	}
	key_kem_free(key);
}

/* ---- codes and phrases ---- */

static bool
reads_as(const char *typed, const char *want)
{
	struct secret s = { 0 }, code = { 0 };
	bool taken = secret_set(&s, typed, strlen(typed)) && code_read(&s, &code);

	return want == NULL ? !taken : taken && code.len == strlen(want) && memcmp(code.bytes, want, code.len) == 0;
}

static void
check_read(const json_t *row, const json_t *all)
{
	(void)all;
	if (!CHECK(reads_as(text_of(row, "typed"), json_string_value(json_object_get(row, "code")))))
		printf("typed \"%s\"\n", text_of(row, "typed"));
}

static void
check_shown(const json_t *row, const json_t *all)
{
	char want[13];
	const char *shown = text_of(row, "shown");

	(void)all;
	CHECK(strlen(shown) == CODE_SHOWN_LEN);
	snprintf(want, sizeof(want), "%.4s%.4s%.4s", shown, shown + 5, shown + 10);
	CHECK(reads_as(shown, want));
}

static void
check_code_key(const json_t *row, const json_t *all)
{
	struct secret code = { 0 };
	unsigned char id[TRANSCRIPT_ID_LEN] = { 0 }, want[KEY_SIG_PK_LEN] = { 0 }, pk[KEY_SIG_PK_LEN];
	unsigned char want_seed[KEY_SIG_SEED_LEN] = { 0 }, seed[KEY_SIG_SEED_LEN];
	struct key_sig *key;

	(void)all;
	CHECK(secret_set(&code, text_of(row, "code"), strlen(text_of(row, "code"))));
	exactly(row, "request_id", id, sizeof(id));
	exactly(row, "public", want, sizeof(want));
	exactly(row, "seed", want_seed, sizeof(want_seed));
	key = code_key(&code, id);
	if (!CHECK(key != NULL))
		return;
	key_sig_public(key, pk);
	key_sig_private(key, seed);
	CHECK(memcmp(pk, want, sizeof(pk)) == 0 && memcmp(seed, want_seed, sizeof(seed)) == 0);
	key_sig_free(key);
}

static void
check_phrase(const json_t *row, const json_t *all)
{
	const json_t *in = json_object_get(row, "inputs");
	unsigned char id[TRANSCRIPT_ID_LEN] = { 0 }, kem_pk[KEY_KEM_PK_LEN] = { 0 }, sig_pk[KEY_SIG_PK_LEN] = { 0 };
	char phrase[CODE_PHRASE_LEN + 1];

	(void)all;
	exactly(in, "request_id", id, sizeof(id));
	exactly(in, "host_kem_pk", kem_pk, sizeof(kem_pk));
	exactly(in, "host_sig_pk", sig_pk, sizeof(sig_pk));
	CHECK(code_phrase(id, kem_pk, sig_pk, phrase) == ERR_OK);
	CHECK_TEXT(phrase, text_of(row, "phrase"));
}

static void
check_heard(const json_t *row, const json_t *all)
{
	(void)all;
	if (!CHECK(code_phrase_equal(text_of(row, "heard"), text_of(row, "phrase")) == json_is_true(json_object_get(row, "same"))))
		printf("heard \"%s\"\n", text_of(row, "heard"));
}

int
main(int argc, char **argv)
{
	json_error_t error;
	json_t *all, *codes, *phrases;

	json_open();
	all = argc == 2 ? json_load_file(argv[1], JSON_REJECT_DUPLICATES, &error) : NULL;
	if (!CHECK(all != NULL))
		return CHECK_DONE();
	codes = json_object_get(all, "codes");
	phrases = json_object_get(all, "phrases");
	each_row(json_object_get(all, "hashes"), all, check_hash);
	each_row(json_object_get(all, "signed"), all, check_signed);
	each_row(json_object_get(all, "unsigned"), all, check_transcript);
	each_row(json_object_get(all, "plaintexts"), all, check_plaintext);
	each_row(json_object_get(all, "sealed"), all, check_sealed);
	each_row(json_object_get(codes, "shown"), all, check_shown);
	each_row(json_object_get(codes, "read"), all, check_read);
	each_row(json_object_get(codes, "keys"), all, check_code_key);
	each_row(json_object_get(phrases, "made"), all, check_phrase);
	each_row(json_object_get(phrases, "heard"), all, check_heard);
	json_decref(all);
	return CHECK_DONE();
}
