/* SPDX-License-Identifier: Apache-2.0 */
/* What was decided and given for a request: its approval, its release, its grant, its report. */
#include "query.h"

enum err
store_approval_put(struct store *s, const struct store_approval *a)
{
	struct query q = query_new(s,
	    "INSERT INTO approval (number, id, how, reference, email, email_reason, first, second, created)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?)"
	    " ON CONFLICT (number) DO UPDATE SET id = excluded.id, how = excluded.how, reference = excluded.reference, email = excluded.email,"
	    " email_reason = excluded.email_reason, first = excluded.first, second = excluded.second, created = excluded.created");

	query_int(&q, a->number);
	query_bytes(&q, a->id, sizeof(a->id));
	query_text(&q, a->how);
	query_text(&q, a->reference);
	query_text(&q, a->email);
	query_text(&q, a->email_reason);
	query_int(&q, a->first);
	query_int(&q, a->second);
	query_int(&q, a->created);
	return query_run(&q, NULL);
}

enum err
store_approval_of(struct store *s, int64_t number, struct store_approval *ret)
{
	struct query q = query_new(s, "SELECT id, how, reference, email, email_reason, first, second, created FROM approval WHERE number = ?");
	bool found;

	query_int(&q, number);
	found = query_row(&q);
	if (found) {
		ret->number = number;
		query_get_bytes(&q, ret->id, sizeof(ret->id));
		query_get_text(&q, ret->how, sizeof(ret->how));
		query_get_text(&q, ret->reference, sizeof(ret->reference));
		query_get_text(&q, ret->email, sizeof(ret->email));
		query_get_text(&q, ret->email_reason, sizeof(ret->email_reason));
		ret->first = query_get_int(&q);
		ret->second = query_get_int(&q);
		ret->created = query_get_int(&q);
	}
	return query_found(&q, found, ERR_REQUEST_NOT_APPROVED);
}

static void
bind_answer(struct query *q, const struct store_answer *a)
{
	query_bytes(q, a->enc, sizeof(a->enc));
	query_bytes(q, a->ciphertext, a->ciphertext_len);
}

static void
read_answer(struct query *q, struct store_answer *a)
{
	query_get_bytes(q, a->enc, sizeof(a->enc));
	a->ciphertext_len = query_get_upto(q, a->ciphertext, sizeof(a->ciphertext));
}

enum err
store_release_insert(struct store *s, const struct store_release *r)
{
	struct query q = query_new(s,
	    "INSERT INTO release (number, h, nonce, first, second, family, rotation, enc, ciphertext, created)"
	    " VALUES (?, ?, ?, ?, nullif(?, 0), ?, ?, ?, ?, ?)");

	query_int(&q, r->number);
	query_bytes(&q, r->h, sizeof(r->h));
	query_bytes(&q, r->nonce, sizeof(r->nonce));
	query_int(&q, r->candidates[0]);
	query_int(&q, r->candidates[1]);
	query_text(&q, family_name(r->family));
	query_int(&q, r->rotation);
	bind_answer(&q, &r->answer);
	query_int(&q, r->created);
	return query_run(&q, NULL);
}

enum err
store_release_of(struct store *s, int64_t number, struct store_release *ret)
{
	struct query q = query_new(s, "SELECT h, nonce, first, second, family, rotation, enc, ciphertext, created FROM release WHERE number = ?");
	char family[16];
	bool found;

	query_int(&q, number);
	found = query_row(&q);
	if (found) {
		ret->number = number;
		query_get_bytes(&q, ret->h, sizeof(ret->h));
		query_get_bytes(&q, ret->nonce, sizeof(ret->nonce));
		ret->candidates[0] = query_get_int(&q);
		ret->candidates[1] = query_get_int(&q);
		query_get_text(&q, family, sizeof(family));
		ret->family = family_from_name(family);
		ret->rotation = query_get_int(&q) != 0;
		read_answer(&q, &ret->answer);
		ret->created = query_get_int(&q);
	}
	return query_found(&q, found, ERR_STATE_WRONG);
}

enum err
store_grant_insert(struct store *s, const struct store_grant *g)
{
	struct query q = query_new(s, "INSERT INTO granted (number, active, next, enc, ciphertext, created) VALUES (?, ?, ?, ?, ?, ?)");

	query_int(&q, g->number);
	query_int(&q, g->active);
	query_int(&q, g->next);
	bind_answer(&q, &g->answer);
	query_int(&q, g->created);
	return query_run(&q, NULL);
}

enum err
store_grant_of(struct store *s, int64_t number, struct store_grant *ret)
{
	struct query q = query_new(s, "SELECT active, next, enc, ciphertext, created FROM granted WHERE number = ?");
	bool found;

	query_int(&q, number);
	found = query_row(&q);
	if (found) {
		ret->number = number;
		ret->active = (unsigned)query_get_int(&q);
		ret->next = query_get_int(&q);
		read_answer(&q, &ret->answer);
		ret->created = query_get_int(&q);
	}
	return query_found(&q, found, ERR_STATE_WRONG);
}

enum err
store_done_insert(struct store *s, const struct store_done *d)
{
	struct query q = query_new(s, "INSERT INTO done (number, result, stage, cryptoki, error, rotated, proof, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

	query_int(&q, d->number);
	query_text(&q, d->result);
	query_text(&q, d->stage);
	query_int(&q, (int64_t)d->cryptoki);
	query_text(&q, d->error);
	query_int(&q, d->rotated);
	query_text(&q, d->proof);
	query_int(&q, d->created);
	return query_run(&q, NULL);
}

static enum err
one_done(struct query *q, struct store_done *ret)
{
	bool found = query_row(q);

	if (found) {
		ret->number = query_get_int(q);
		query_get_text(q, ret->result, sizeof(ret->result));
		query_get_text(q, ret->stage, sizeof(ret->stage));
		ret->cryptoki = (uint64_t)query_get_int(q);
		query_get_text(q, ret->error, sizeof(ret->error));
		ret->rotated = query_get_int(q) != 0;
		query_get_text(q, ret->proof, sizeof(ret->proof));
		ret->created = query_get_int(q);
	}
	return query_found(q, found, ERR_STATE_WRONG);
}

enum err
store_done_of(struct store *s, int64_t number, struct store_done *ret)
{
	struct query q = query_new(s, "SELECT number, result, stage, cryptoki, error, rotated, proof, created FROM done WHERE number = ?");

	query_int(&q, number);
	return one_done(&q, ret);
}

/* By the token's requests, of which there are few, because those have an index. */
enum err
store_done_of_next(struct store *s, const struct token_name *token, int64_t next, struct store_done *ret)
{
	struct query q = query_new(s,
	    "SELECT number, result, stage, cryptoki, error, rotated, proof, created FROM done WHERE number = ("
	    "SELECT g.number FROM granted g JOIN request r ON r.number = g.number"
	    " WHERE r.serial = ? AND r.manufacturer = ? AND r.model = ? AND g.next = ? ORDER BY g.created DESC, g.number DESC LIMIT 1)");

	query_text(&q, token->serial);
	query_text(&q, token->manufacturer);
	query_text(&q, token->model);
	query_int(&q, next);
	return one_done(&q, ret);
}
