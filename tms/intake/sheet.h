/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sheet: the table of tokens that goes from the authority's files into the store: as it comes (column so_pin) and sealed (column sealed).
 * Its first line names the columns, in any order: manufacturer, model, serial, so_pin or sealed, customer, email, and perhaps
 * certificate_serial and agency, and in a sealed table shared (0 or 1).
 *
 * The text is borrowed. sheet_close() wipes what was read.
 */
#ifndef MOKHOA_SHEET_H
#define MOKHOA_SHEET_H

#include "csv.h"
#include "err.h"
#include "store.h"

#include <jansson.h>

enum sheet_column {
	SHEET_MANUFACTURER,
	SHEET_MODEL,
	SHEET_SERIAL,
	SHEET_KEY, /* so_pin or sealed */
	SHEET_CUSTOMER,
	SHEET_EMAIL,
	SHEET_CERTIFICATE_SERIAL, /* from here on they may be missing */
	SHEET_AGENCY,
	SHEET_SHARED, /* of a sealed table alone */
	SHEET_COLUMN_COUNT
};

struct sheet {
	struct csv csv;
	const char *key_name;
	size_t columns;		       /* in the text */
	size_t at[SHEET_COLUMN_COUNT]; /* where each stands; CSV_FIELDS_MAX for a missing one */
	json_t *tokens;		       /* the line of each that was read */
};

struct sheet_row {
	unsigned line;
	struct token_name token;
	const char *key; /* the rest belongs to the sheet until the next row */
	const char *customer;
	const char *email;				   /* an address, or empty */
	char certificate_serial[2 * STORE_SERIAL_MAX + 1]; /* upper-case hexadecimal, or empty */
	const char *agency;				   /* an id, or empty */
	bool shared;					   /* the value stands in another line of the table that was sealed, too */
};

/* Reads the first line. ERR_CSV_INVALID with the cause. sheet_close() also after an error. */
enum err sheet_open(struct sheet *s, const char *key_name, const void *text, size_t len, const char **ret_cause);
void sheet_close(struct sheet *s);

/* False at the end. A bad row is ERR_CSV_INVALID with its line and cause, ERR_MAIL_ADDRESS for an address; the next call reads the next row. */
bool sheet_next(struct sheet *s, struct sheet_row *ret_row, enum err *ret_error, const char **ret_cause);

#endif
