/* SPDX-License-Identifier: Apache-2.0 */
#include "sheet.h"

#include "address.h"
#include "columns.h"
#include "text.h"

#include <string.h>

static const char *const names[SHEET_COLUMN_COUNT] = {
	[SHEET_MANUFACTURER] = "manufacturer",
	[SHEET_MODEL] = "model",
	[SHEET_SERIAL] = "serial",
	[SHEET_KEY] = "", /* of two names */
	[SHEET_CUSTOMER] = "customer",
	[SHEET_EMAIL] = "email",
	[SHEET_CERTIFICATE_SERIAL] = "certificate_serial",
	[SHEET_AGENCY] = "agency",
	[SHEET_SHARED] = "shared",
};

static const char *
read_names(struct sheet *s, const struct csv_row *row)
{
	const char *wanted[SHEET_COLUMN_COUNT];
	const struct columns columns = {
		.names = wanted,
		/* whether a value is shared is seen when it is sealed, and nobody else's word counts */
		.count = strcmp(s->key_name, "sealed") == 0 ? SHEET_COLUMN_COUNT : SHEET_SHARED,
		.needed = SHEET_CERTIFICATE_SERIAL,
		.missing = "a column is missing: manufacturer, model, serial, so_pin (sealed: to import), customer and email are needed",
	};

	s->at[SHEET_SHARED] = CSV_FIELDS_MAX;
	memcpy(wanted, names, sizeof(wanted));
	wanted[SHEET_KEY] = s->key_name;
	s->columns = row->count;
	return columns_place(&columns, row, s->at);
}

enum err
sheet_open(struct sheet *s, const char *key_name, const void *text, size_t len, const char **ret_cause)
{
	struct csv_row row;
	enum err e;

	csv_open(&s->csv, text, len);
	s->key_name = key_name;
	s->tokens = json_object();
	if (s->tokens == NULL)
		return ERR_NO_MEMORY;
	e = csv_next(&s->csv, &row, ret_cause);
	if (e == ERR_OK)
		*ret_cause = read_names(s, &row);
	return *ret_cause == NULL ? ERR_OK : ERR_CSV_INVALID;
}

void
sheet_close(struct sheet *s)
{
	csv_close(&s->csv);
	json_decref(s->tokens);
	s->tokens = NULL;
}

/* Hexadecimal as people and programs write it (56:0a, 560A, 5 60A) as the store keeps it. */
static bool
read_certificate_serial(const char *text, char ret[2 * STORE_SERIAL_MAX + 1])
{
	size_t digits = 0;
	size_t len = 0;

	for (const char *at = text; *at != '\0'; at++)
		digits += *at != ':' && *at != ' ';
	if (digits > 2 * STORE_SERIAL_MAX)
		return false;
	if (digits % 2 != 0)
		ret[len++] = '0';
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == ':' || *at == ' ')
			continue;
		if (strchr("0123456789ABCDEFabcdef", *at) == NULL)
			return false;
		ret[len++] = *at >= 'a' ? (char)(*at - 'a' + 'A') : *at;
	}
	ret[len] = '\0';
	return true;
}

static bool
read_token(const struct sheet *s, const struct csv_row *row, struct token_name *ret)
{
	return text_copy(ret->manufacturer, sizeof(ret->manufacturer), row->fields[s->at[SHEET_MANUFACTURER]]) &&
	       text_copy(ret->model, sizeof(ret->model), row->fields[s->at[SHEET_MODEL]]) &&
	       text_copy(ret->serial, sizeof(ret->serial), row->fields[s->at[SHEET_SERIAL]]) && ret->serial[0] != '\0';
}

/* The fields of a field separator that no showable text has make the token's name one text. */
static bool
is_first(struct sheet *s, const struct token_name *t, unsigned line)
{
	char key[sizeof(*t) + 3];
	size_t len = 0;
	const char *const parts[] = { t->manufacturer, t->model, t->serial };

	for (size_t i = 0; i < 3; i++) {
		memcpy(key + len, parts[i], strlen(parts[i]));
		len += strlen(parts[i]);
		key[len++] = i < 2 ? '\x1f' : '\0';
	}
	if (json_object_get(s->tokens, key) != NULL)
		return false;
	return json_object_set_new_nocheck(s->tokens, key, json_integer((json_int_t)line)) == 0;
}

static bool
read_shared(const struct sheet *s, const struct csv_row *row, bool *ret)
{
	const char *text = s->at[SHEET_SHARED] != CSV_FIELDS_MAX ? row->fields[s->at[SHEET_SHARED]] : "";

	*ret = strcmp(text, "1") == 0;
	return *ret || text[0] == '\0' || strcmp(text, "0") == 0;
}

static const char *
read_row(struct sheet *s, const struct csv_row *row, struct sheet_row *ret)
{
	if (row->count != s->columns)
		return "not as many fields as columns";
	if (!read_token(s, row, &ret->token))
		return "no serial, or manufacturer, model or serial longer than 32, 16 and 16 bytes";
	ret->key = row->fields[s->at[SHEET_KEY]];
	ret->customer = row->fields[s->at[SHEET_CUSTOMER]];
	ret->email = row->fields[s->at[SHEET_EMAIL]];
	if (strlen(ret->customer) >= STORE_NAME_SIZE)
		return "a customer's name longer than 256 bytes";
	if (s->at[SHEET_CERTIFICATE_SERIAL] != CSV_FIELDS_MAX &&
	    !read_certificate_serial(row->fields[s->at[SHEET_CERTIFICATE_SERIAL]], ret->certificate_serial))
		return "a certificate's serial that is not hexadecimal or longer than 32 bytes";
	if (s->at[SHEET_AGENCY] != CSV_FIELDS_MAX)
		ret->agency = row->fields[s->at[SHEET_AGENCY]];
	if (ret->agency[0] != '\0' && !store_agency_id_ok(ret->agency))
		return "an agency's id that is none";
	if (!read_shared(s, row, &ret->shared))
		return "\"shared\" is neither 0 nor 1";
	if (!is_first(s, &ret->token, ret->line))
		return "a token that stands in a line above";
	return NULL;
}

bool
sheet_next(struct sheet *s, struct sheet_row *ret_row, enum err *ret_error, const char **ret_cause)
{
	struct sheet_row r = { .key = "", .customer = "", .email = "", .agency = "" };
	struct csv_row row;
	enum err e;

	if (!csv_more(&s->csv))
		return false;
	e = csv_next(&s->csv, &row, ret_cause);
	r.line = row.line;
	if (e == ERR_OK)
		*ret_cause = read_row(s, &row, &r);
	if (*ret_cause != NULL) {
		e = ERR_CSV_INVALID;
	} else if (r.email[0] != '\0' && !address_ok(r.email, strlen(r.email))) {
		*ret_cause = "a mail address that is none";
		e = ERR_MAIL_ADDRESS;
	}
	*ret_row = r;
	*ret_error = e;
	return true;
}
