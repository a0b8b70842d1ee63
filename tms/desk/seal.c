/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal: SO PINs are sealed to the vault where they are, before they travel to the server. Here alone is it seen that tokens have one value: each of
 * their rows is marked, and of a value nothing is kept meanwhile but its HMAC under a key that is thrown away.
 */
#include "desk.h"

#include "columns.h"
#include "keyfile.h"
#include "options.h"
#include "os.h"
#include "secret.h"
#include "table.h"
#include "text.h"
#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of each row the HMAC of its value, and where its mark stands in the output. */
struct seen_value {
	unsigned char mac[KEY_HASH_LEN];
	size_t mark;
};

struct seal {
	unsigned char vault_pk[KEY_KEM_PK_LEN];
	unsigned char mac_key[KEY_HASH_LEN];
	struct buf out;
	struct seen_value *values;
	size_t count;
	size_t room;
};

/* What the vault could not follow with a next one is not taken in the first place. */
static bool
read_so_pin(const char *text, struct secret *ret)
{
	for (const char *at = text; *at != '\0'; at++)
		if (*at < 0x21 || *at > 0x7e)
			return false;
	return strlen(text) >= 1 && strlen(text) <= TRANSCRIPT_SO_PIN_MAX && secret_set(ret, text, strlen(text));
}

static void
write_row(struct buf *out, const struct sheet_row *row, const unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN])
{
	char text[TEXT_B64_LEN(TRANSCRIPT_ESCROW_ROW_LEN) + 1];
	const char *const fields[SHEET_COLUMN_COUNT] = {
		[SHEET_MANUFACTURER] = row->token.manufacturer,
		[SHEET_MODEL] = row->token.model,
		[SHEET_SERIAL] = row->token.serial,
		[SHEET_KEY] = text,
		[SHEET_CUSTOMER] = row->customer,
		[SHEET_EMAIL] = row->email,
		[SHEET_CERTIFICATE_SERIAL] = row->certificate_serial,
		[SHEET_AGENCY] = row->agency,
		[SHEET_SHARED] = "0",
	};

	text_b64_encode(sealed, TRANSCRIPT_ESCROW_ROW_LEN, text);
	columns_write(out, fields, SHEET_COLUMN_COUNT);
}

static enum err
remember(struct seal *seal, const struct secret *so_pin)
{
	struct seen_value *values = seal->values;
	enum err e;

	if (seal->count == seal->room) {
		seal->room = seal->room != 0 ? 2 * seal->room : 1024;
		values = realloc(seal->values, seal->room * sizeof(*values));
		if (values == NULL)
			return ERR_NO_MEMORY;
		seal->values = values;
	}
	/* the mark is the last thing of the row that was just written, before CR LF */
	values[seal->count].mark = seal->out.len - 3;
	e = key_mac(seal->mac_key, so_pin->bytes, so_pin->len, values[seal->count].mac);
	seal->count += e == ERR_OK;
	return e;
}

static int
by_mac(const void *a, const void *b)
{
	return memcmp(((const struct seen_value *)a)->mac, ((const struct seen_value *)b)->mac, KEY_HASH_LEN);
}

/* Marks the rows whose value another row has, too. */
static unsigned
mark_shared(struct seal *seal)
{
	unsigned shared = 0;

	if (seal->count != 0)
		qsort(seal->values, seal->count, sizeof(*seal->values), by_mac);
	for (size_t i = 0; i < seal->count; i++) {
		const struct seen_value *v = &seal->values[i];
		if ((i == 0 || by_mac(v, v - 1) != 0) && (i + 1 == seal->count || by_mac(v, v + 1) != 0))
			continue;
		seal->out.data[v->mark] = '1';
		shared++;
	}
	return shared;
}

static enum err
seal_row(const struct sheet_row *row, void *context, const char **ret_cause)
{
	struct seal *seal = context;
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN];
	struct secret so_pin = { 0 };
	enum err e;

	if (!read_so_pin(row->key, &so_pin)) {
		*ret_cause = "an SO PIN that is empty, longer than 62 characters, or not of printable ASCII without blanks";
		return ERR_CSV_INVALID;
	}
	e = transcript_seal_escrow(seal->vault_pk, &row->token, TRANSCRIPT_ESCROW_FIRST, &so_pin, sealed);
	if (e == ERR_OK) {
		write_row(&seal->out, row, sealed);
		e = buf_error(&seal->out);
	}
	if (e == ERR_OK)
		e = remember(seal, &so_pin);
	secret_wipe(&so_pin);
	return e;
}

static enum err
read_vault_key(const char *path, unsigned char ret_pk[KEY_KEM_PK_LEN])
{
	enum err e = keyfile_read(path, ret_pk, KEY_KEM_PK_LEN);

	if (e == ERR_OK && !key_kem_public_ok(ret_pk))
		e = ERR_CONFIG_INVALID;
	if (e != ERR_OK)
		options_complain(e, path);
	return e;
}

int
desk_seal(int argc, char **argv)
{
	const char *key_file = NULL;
	const struct option_row options[] = { { .name = "--vault-key", .value = &key_file, .required = true } };
	struct seal seal = { .out = buf_new(2 * TABLE_MAX) };
	const struct table_reader reader = { .key_name = "so_pin", .each = seal_row, .context = &seal };
	struct table_count count;
	unsigned shared;
	enum err e;

	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	if (read_vault_key(key_file, seal.vault_pk) != ERR_OK)
		return 1;
	buf_add_text(&seal.out, "manufacturer,model,serial,sealed,customer,email,certificate_serial,agency,shared\r\n");
	os_random(seal.mac_key, sizeof(seal.mac_key));
	e = table_run(&reader, &count);
	shared = mark_shared(&seal);
	if (e == ERR_OK && shared != 0)
		fprintf(stderr, "mokhoa-tms: shared=%u: Những token này có chung giá trị với token khác; mỗi token sẽ được đổi khóa ở lần mở khóa tới."
				" These tokens share their value with others; each of them is rotated when it is unlocked next.\n",
		    shared);
	/* all or nothing, so that nobody imports a part of a table by mistake */
	if (e == ERR_OK && !os_write_all(STDOUT_FILENO, seal.out.data, seal.out.len)) {
		e = ERR_INTERNAL;
		options_complain(e, "stdout");
	}
	wipe(seal.mac_key, sizeof(seal.mac_key));
	free(seal.values);
	buf_free(&seal.out);
	return e == ERR_OK ? 0 : 1;
}
