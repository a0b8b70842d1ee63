/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_wire: the frames between the server and its vault as JSON (protocol/README.md, "The vault"): what the client writes the vault
 * reads, so both halves stand together. Pure functions; any thread may call.
 */
#ifndef MOKHOA_VAULT_WIRE_H
#define MOKHOA_VAULT_WIRE_H

#include "buf.h"
#include "err.h"
#include "vault_client.h"

#include <stddef.h>

#define VAULT_FRAME_MAX 8192u /* bytes of either frame; the longest has about 1 KiB */
#define VAULT_ROWS_MAX	2

enum vault_verb {
	VAULT_RESEAL,
	VAULT_RENEW,
	VAULT_REGRANT,
	VAULT_COMPARE,
	VAULT_REWRAP,
	VAULT_KEYS,
	VAULT_MAKE,
	VAULT_ADOPT,
	VAULT_CHECK,
	VAULT_VERB_COUNT
};

struct vault_request {
	enum vault_verb verb;
	struct token_name token;
	struct vault_row rows[VAULT_ROWS_MAX];
	size_t count; /* of rows; 2 for compare, 1 for renew, regrant and rewrap, 0 for the rest */
	unsigned char to[KEY_KEM_PK_LEN];
	unsigned char h[KEY_HASH_LEN];
	unsigned char nonce[TRANSCRIPT_ID_LEN]; /* of reseal */
	struct vault_format format;		/* of renew */
	char name[VAULT_NAME_SIZE];		/* of adopt */
};

struct vault_reply {
	struct vault_answer answer;
	struct vault_row next;	    /* of renew and rewrap, but for its version */
	bool equal;		    /* of compare */
	struct vault_keys keys;	    /* of keys and check */
	char line[VAULT_LINE_SIZE]; /* of make and adopt */
};

const char *vault_verb_name(enum vault_verb verb);

enum err vault_request_write(const struct vault_request *request, struct buf *b);

/* ERR_PARSE, ERR_INVALID_REQUEST, ERR_METHOD_NOT_FOUND for an unknown verb, ERR_INVALID_PARAMS. */
enum err vault_request_read(const void *bytes, size_t len, struct vault_request *ret);

/* An error in place of a reply where e is not ERR_OK. */
enum err vault_reply_write(enum vault_verb verb, enum err e, const struct vault_reply *reply, struct buf *b);

/* For the operator's commands alone, which run as root or as the vault's user: what the HSM says of itself is theirs to know, and a fresh key theirs to ask for. */
bool vault_verb_is_desk(enum vault_verb verb);

/* What is the matter with the vault's HSM. */
bool vault_is_hsm_error(enum err e);

/* The errors that vault_client.h names; a reply to another verb, or none at all, is ERR_VAULT_UNREACHABLE. */
enum err vault_reply_read(enum vault_verb verb, const void *bytes, size_t len, struct vault_reply *ret);

#endif
