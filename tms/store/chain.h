/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain: the audit rows as links of a chain (../../protocol/README.md, "The audit chain"). Each row is hashed together with the hash of the row before it, so that none
 * can be changed, left out, moved or put in between without all behind it being written anew; what holds the end is an anchor outside of the database
 * (../op/anchor.h).
 *
 * In the chain are ids and words of ours alone. What people have typed, names and addresses lie beside it as a note, of which the chain holds the salted hash: it can be
 * erased, and every other row still proves what it did.
 */
#ifndef MOKHOA_CHAIN_H
#define MOKHOA_CHAIN_H

#include "store.h"

#define CHAIN_SALT_LEN 16

/* What stands beside a row. */
struct chain_note {
	unsigned char salt[CHAIN_SALT_LEN];
	char actor[STORE_PERSON_SIZE]; /* of a row from before the chain: a name that is no person's any more; else empty */
	char text[STORE_DETAIL_SIZE];
};

/* A row as it is stored, and not as it is shown: who is "person" where there is one. */
struct chain_row {
	struct store_audit row; /* its note is not set */
	unsigned char prev[KEY_HASH_LEN];
	unsigned char hash[KEY_HASH_LEN];
	unsigned char note_hash[KEY_HASH_LEN];
	bool has_note;	 /* one was written with it */
	bool note_there; /* and has not been erased */
	struct chain_note note;
};

struct chain_head {
	int64_t seq; /* of the last row; 0 without one */
	unsigned char hash[KEY_HASH_LEN];
};

/* The hash that a row would have at that place behind that one. ERR_NO_MEMORY. */
enum err chain_hash(const struct chain_row *row, int64_t seq, const unsigned char prev[KEY_HASH_LEN], unsigned char ret[KEY_HASH_LEN]);
enum err chain_note_hash(const struct chain_note *note, unsigned char ret[KEY_HASH_LEN]);

enum err chain_head_of(struct store *s, struct chain_head *ret);

/* Calls each() for the rows from that place on, in their order, until it says false. What no row of ours could hold is an error of the store. */
enum err chain_walk(struct store *s, int64_t from, bool (*each)(const struct chain_row *row, void *context), void *context);
enum err chain_at(struct store *s, int64_t seq, struct chain_row *ret, bool *ret_found);

/* What schema.c has put aside when the chain began: the rows from before it become its first links. Inside the transaction of the migration. */
enum err chain_seal_old(struct store *s);

#endif
