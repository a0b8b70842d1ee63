/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake: rows of a table of sealed tokens into the store, for the command and for the desk. Each row stands alone: a bad one is named, the others are taken. Many are written at once, because each
 * commit waits for the disk, and after the vault was asked about each, because nobody else writes in a transaction; a store that fails ends the whole, and what was committed stays: the same table is
 * taken again.
 *
 * What is on record is never changed. Whether the table says the same of it only the vault can tell (vault_compare()), and only so often an hour. Where a vault answers, a new row is looked at by it,
 * too: it must open, and is kept under the vault's newest key.
 */
#ifndef MOKHOA_INTAKE_H
#define MOKHOA_INTAKE_H

#include "config.h"
#include "sheet.h"
#include "store.h"
#include "vault_client.h"

#define INTAKE_BATCH	  64 /* rows a transaction */
#define INTAKE_PENDING	  256
#define INTAKE_CAUSE_SIZE 160

enum intake_result {
	INTAKE_IMPORTED,
	INTAKE_IMPORTED_SHARED, /* its value is that of other tokens, too */
	INTAKE_SAME,		/* on record with this value */
	INTAKE_NEWER,		/* on record with a value that an unlock or two people have put there since */
	INTAKE_DIFFERS,		/* on record with another value */
	INTAKE_NOT_COMPARED,	/* on record; nobody could look */
	INTAKE_UNOPENED,	/* the vault cannot open it */
	INTAKE_INVALID,		/* no row of a token */
	INTAKE_NOT_WRITTEN,	/* taken back: the store or the escrow log has failed */
	INTAKE_RESULT_COUNT
};

/* The words are what scripts compare: none is ever renamed, and a new one is added at the end. */
const char *intake_result_name(enum intake_result result);

/* What became of a row. */
struct intake_line {
	unsigned line;
	struct token_name token; /* empty where the row has none */
	enum intake_result result;
	enum err e;
	char cause[INTAKE_CAUSE_SIZE]; /* or empty */
};

/* A new row, as it is to be written. */
struct intake_row {
	struct store_token token;
	struct vault_row sealed;
	bool shared;
	size_t pending; /* its line */
};

/* The caller fills in the first part. */
struct intake {
	const struct config *config;
	struct store *store;
	int64_t now;
	int64_t person; /* at the desk; 0 for the command */
	bool dry_run;
	void (*each)(const struct intake_line *l, void *context); /* once what became of it is certain */
	void *context;

	enum err broken; /* store or escrow log have failed */
	enum err vault;	 /* why it is asked no more */
	struct intake_row waiting[INTAKE_BATCH];
	size_t waiting_count;
	struct intake_line pending[INTAKE_PENDING];
	size_t pending_count;
};

/* Whether the escrow log can be written, and whether there is a vault to be asked: ERR_CONFIG_INVALID, logged. */
enum err intake_begin(struct intake *i);

/* A good row of a sheet; its error refuses that row alone, for a cause that is a literal. */
enum err intake_take(struct intake *i, const struct sheet_row *row, const char **ret_cause);

/* One that is none. */
void intake_bad(struct intake *i, const struct sheet_row *row, enum err e, const char *cause);

/* Writes what waits. ERR_STORE_FAILED, ERR_ESCROW_LOG_FAILED, ERR_ESCROW_LOG_OTHER, ERR_NO_MEMORY: rows behind the last commit are not written. */
enum err intake_end(struct intake *i);

#endif
