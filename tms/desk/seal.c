/* SPDX-License-Identifier: Apache-2.0 */
/* seal: SO PINs are sealed to the vault where they are, before they travel to the server. */
#include "desk.h"

#include "columns.h"
#include "keyfile.h"
#include "options.h"
#include "os.h"
#include "secret.h"
#include "table.h"
#include "text.h"
#include "transcript.h"

#include <string.h>
#include <unistd.h>

struct seal {
	unsigned char vault_pk[KEY_KEM_PK_LEN];
	struct buf out;
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
	};

	text_b64_encode(sealed, TRANSCRIPT_ESCROW_ROW_LEN, text);
	columns_write(out, fields, SHEET_COLUMN_COUNT);
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
	e = transcript_seal_escrow(seal->vault_pk, &row->token, SHEET_VERSION, &so_pin, sealed);
	secret_wipe(&so_pin);
	if (e != ERR_OK)
		return e;
	write_row(&seal->out, row, sealed);
	return buf_error(&seal->out);
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
	struct table_count count;
	enum err e;

	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	if (read_vault_key(key_file, seal.vault_pk) != ERR_OK)
		return 1;
	buf_add_text(&seal.out, "manufacturer,model,serial,sealed,customer,email,certificate_serial\r\n");
	e = table_run("so_pin", seal_row, &seal, &count);
	/* all or nothing, so that nobody imports a part of a table by mistake */
	if (e == ERR_OK && !os_write_all(STDOUT_FILENO, seal.out.data, seal.out.len)) {
		e = ERR_INTERNAL;
		options_complain(e, "stdout");
	}
	buf_free(&seal.out);
	return e == ERR_OK ? 0 : 1;
}
