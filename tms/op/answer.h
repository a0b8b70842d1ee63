/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer: what the operations answer, signed where the contract says so. Each gives a new reference.
 */
#ifndef MOKHOA_ANSWER_H
#define MOKHOA_ANSWER_H

#include "call.h"
#include "inventory.h"

/* { "id", "expires", "hotline", "kid", "signature" } */
enum err answer_create(const struct call *c, const struct store_request *r, json_t **ret_answer);

/* A status, for that counter. */
enum err answer_status(struct call *c, const struct store_request *r, uint64_t counter, json_t **ret_answer);

/* { "enc", "ciphertext", "kid", "signature" }; a release says besides what the candidates are: "family", "rotation". */
enum err answer_release(const struct call *c, const struct store_release *r, json_t **ret_answer);
enum err answer_grant(const struct call *c, const unsigned char h[KEY_HASH_LEN], unsigned active, const struct store_answer *a, json_t **ret_answer);

/* A row of the desk's list, and one with its history. */
enum err answer_row(struct call *c, const struct store_request *r, json_t **ret_row);
enum err answer_one(struct call *c, const struct store_request *r, json_t **ret_answer);

/* A row of the inventory, and one token with its requests, proposals and history. */
enum err answer_token_row(struct call *c, const struct store_token *t, json_t **ret_row);
enum err answer_token(struct call *c, const struct store_token *t, json_t **ret_answer);

/* A proposal with the token that it is about. */
enum err answer_proposal(struct call *c, const struct store_proposal *p, json_t **ret_answer);

/* An entry of a history. */
json_t *answer_entry(const struct store_audit *row);

/* What json_pack made, or its failure, which is a lack of memory: every text was checked before. */
enum err answer_packed(json_t *value, json_t **ret_value);

/* The first character, three stars, and the domain: enough for the owner to know where to look. Never longer than the address. */
void answer_mask(const char *email, char ret[STORE_EMAIL_SIZE]);

#endif
