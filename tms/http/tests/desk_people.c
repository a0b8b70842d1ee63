/* SPDX-License-Identifier: Apache-2.0 */
#include "desk_people.h"

#include "check.h"
#include "csrf.h"
#include "json.h"
#include "os.h"
#include "text.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct desk_person desk_people[DESK_PEOPLE] = {
	{ .letter = 'V', .role = STORE_VIEWER, .agency = "", .name = "viewer" },
	{ .letter = 'A', .role = STORE_APPROVER, .agency = "", .name = "approver" },
	{ .letter = 'O', .role = STORE_OPERATOR, .agency = "", .name = "operator" },
	{ .letter = 'U', .role = STORE_AUDITOR, .agency = "", .name = "auditor" },
	{ .letter = 'v', .role = STORE_VIEWER, .agency = DESK_AGENCY, .name = "viewer of an agency" },
	{ .letter = 'a', .role = STORE_APPROVER, .agency = DESK_AGENCY, .name = "approver of an agency" },
	{ .letter = '-', .role = STORE_NONE, .agency = "", .name = "somebody who may not come in any more" },
	{ .letter = '?', .role = STORE_NONE, .agency = "", .name = "somebody whom nobody has enrolled" },
};

static char *
escaped(X509 *certificate)
{
	BIO *pem = BIO_new(BIO_s_mem());
	char *text = NULL;
	char *ret = NULL;
	long len;

	CHECK(PEM_write_bio_X509(pem, certificate) == 1);
	len = BIO_get_mem_data(pem, &text);
	ret = calloc((size_t)len * 3 + 1, 1);
	for (long i = 0; i < len; i++)
		snprintf(ret + 3 * i, 4, "%%%02X", (unsigned char)text[i]);
	BIO_free(pem);
	return ret;
}

void
desk_let_in(struct world *w, struct desk_person *who)
{
	static long serial = 100;
	EVP_PKEY *key = world_key_new(WORLD_EC);
	X509 *certificate = world_issue(&w->ca, key, who->name, serial++, -3600, 86400);
	unsigned char der[STORE_CERTIFICATE_MAX];
	size_t len = world_der(certificate, der);

	who->person = (struct store_person){ .role = who->role, .created = w->now };
	text_copy(who->person.name, sizeof(who->person.name), who->name);
	text_copy(who->person.agency, sizeof(who->person.agency), who->agency);
	CHECK(key_hash(der, len, who->person.fingerprint) == ERR_OK);
	if (who->letter != '?') {
		CHECK(store_begin(w->scratch.store) == ERR_OK);
		CHECK(store_end(w->scratch.store, store_person_put(w->scratch.store, &who->person, &who->person.id)) == ERR_OK);
	}
	who->header = escaped(certificate);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

void
desk_people_new(struct world *w)
{
	struct store_agency agency = { .id = DESK_AGENCY, .name = "Đại lý", .origins = "https://an.example", .created = w->now };
	struct store_token token = scratch_token(1);
	const unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN] = { 4 };
	int64_t id;

	CHECK(store_begin(w->scratch.store) == ERR_OK);
	CHECK(store_end(w->scratch.store, store_agency_put(w->scratch.store, &agency, false)) == ERR_OK);
	text_copy(token.agency, sizeof(token.agency), DESK_AGENCY);
	CHECK(store_token_import(w->scratch.store, &token, 1, sealed, &id) == ERR_OK);
	for (size_t i = 0; i < DESK_PEOPLE; i++)
		desk_let_in(w, &desk_people[i]);
}

void
desk_people_free(void)
{
	for (size_t i = 0; i < DESK_PEOPLE; i++)
		free(desk_people[i].header);
}

/* Its pairs, in text, which is cut into them. */
static void
read_query(char *text, struct exchange_request *q)
{
	for (char *pair = strtok(text, "&"); pair != NULL && q->query_count < EXCHANGE_QUERY_MAX; pair = strtok(NULL, "&")) {
		char *value = strchr(pair, '=');

		if (value != NULL)
			*value++ = '\0';
		q->query[q->query_count++] = (struct exchange_pair){ pair, value };
	}
}

void
desk_ask(struct world *w, const struct desk_person *who, const char *path, const char *query, const char *body, struct exchange_answer *ret)
{
	struct exchange_request q = { .desk = true, .method = body != NULL ? "POST" : "GET", .path = path, .origin = w->config.console_origin, .certificate = who->header };
	char csrf[CSRF_LEN + 1];
	char pairs[200];

	CHECK(csrf_make(w->service, &who->person, os_time(), csrf) == ERR_OK);
	text_copy(pairs, sizeof(pairs), query != NULL ? query : "");
	read_query(pairs, &q);
	if (body != NULL) {
		q.content_type = "application/json";
		q.csrf = csrf;
		q.body = body;
		q.body_len = strlen(body);
	}
	exchange_run(w->service, w->scratch.store, &q, ret);
}

const char *
desk_outcome(const struct exchange_answer *a, char ret[64])
{
	json_t *json = NULL;
	const char *name = "ok";

	CHECK(json_load(a->body.data, a->body.len, &json, NULL) == ERR_OK);
	if (a->status != 200)
		name = json_string_value(json_object_get(json_object_get(json_object_get(json, "error"), "data"), "name"));
	snprintf(ret, 64, "%s", name != NULL ? name : "");
	json_decref(json);
	return ret;
}
