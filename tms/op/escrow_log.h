/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escrow_log: what each token's SO PIN may be, written down on another device than the database before anybody can make it so. After a restore
 * from an old backup the last line of a token says what the backup cannot know (../README.md, "The escrow log").
 *
 * Whatever changes the candidates of a token (a grant, an import, a value that people entered, a report that makes an older one a candidate again, another key of the vault) adds a line and writes it
 * before it commits, inside the transaction of the store that makes the change: the right to write there is also the right to append here, so
 * that the lines of a token stand in the order of its commits. Only ever appended to. A line that a crash or a full device cut short was never
 * committed.
 */
#ifndef MOKHOA_ESCROW_LOG_H
#define MOKHOA_ESCROW_LOG_H

#include "buf.h"
#include "config.h"
#include "key.h"
#include "store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ESCROW_LOG_LINE_MAX 4096 /* bytes of a line; about 1,000 are usual */

/* A token as a line has it. */
struct escrow_log_line {
	int64_t time;
	int64_t request; /* that was granted, or 0 */
	struct store_candidates candidates;
	bool is_signed; /* it says that a server has signed it: escrow_log_proved() */
	unsigned char signature[KEY_SIG_LEN];
};

/* Lines that wait to be written, each signed with the server's key, so that a restore knows them for a server's. */
struct escrow_log_batch {
	struct buf lines;
	struct key_sig *key;
};

/* An empty batch for so many lines; escrow_log_batch_free() also where it fails. ERR_CONFIG_INVALID where the server's key cannot be read (logged). */
enum err escrow_log_batch_new(const struct config *config, size_t lines, struct escrow_log_batch *ret);
void escrow_log_batch_free(struct escrow_log_batch *batch);

/*
 * Appends to the batch the line of a token as the open transaction has it: its record and its one or two candidates. Many tokens may share
 * a batch, which is written and synced once. ERR_ESCROW_MISSING for a token without candidates.
 */
enum err escrow_log_add(struct store *s, const struct token_name *token, int64_t number, int64_t now, struct escrow_log_batch *batch);

/*
 * The batch is on the disk when this returns ERR_OK; an empty one is. ERR_ESCROW_LOG_FAILED, logged with what the operator has to look at. Inside the transaction. The servers of a
 * database write to one log, which is known by its first line: ERR_ESCROW_LOG_OTHER where this is another one, or begins anew, because a restore would miss the lines before.
 */
enum err escrow_log_write(const struct config *config, struct store *s, const struct escrow_log_batch *batch);

/* That for one line that the caller has made. */
enum err escrow_log_write_line(const struct config *config, struct store *s, const struct escrow_log_line *line);

/* Add and write for one token. */
enum err escrow_log_append(const struct config *config, struct store *s, const struct token_name *token, int64_t number, int64_t now);

/*
 * The file can be written, and lies on another device than the data unless the operator said otherwise: else ERR_CONFIG_INVALID. ERR_STORE_FAILED where it has lines and
 * the database's file is not there. Before the store is opened, which makes one.
 */
enum err escrow_log_check(const struct config *config);

/* It is the log that this store's lines were written to, or none was written yet: else ERR_ESCROW_LOG_OTHER, logged. */
enum err escrow_log_check_known(const struct config *config, struct store *s);

/* ---- reading it ---- */

enum escrow_log_kind {
	ESCROW_LOG_WHOLE,
	ESCROW_LOG_CUT,	    /* ended in the middle: never committed */
	ESCROW_LOG_DAMAGED, /* was changed after it was written, or says what this program does not know */
	ESCROW_LOG_KIND_COUNT
};

struct escrow_log_reader;

/* ERR_OK and a reader without lines where there is no file. ERR_ESCROW_LOG_FAILED, logged. */
enum err escrow_log_open(const char *path, struct escrow_log_reader **ret_reader);
void escrow_log_close(struct escrow_log_reader *r);

/* False at the end or where the file cannot be read: escrow_log_failed() tells. ret_line is set for a whole line alone; ret_at is where it begins. */
bool escrow_log_next(struct escrow_log_reader *r, enum escrow_log_kind *ret_kind, struct escrow_log_line *ret_line, int64_t *ret_at);
bool escrow_log_failed(const struct escrow_log_reader *r);

/* The server with that public key has signed the line as it is. One from before lines were signed is not. */
bool escrow_log_proved(const struct escrow_log_line *line, const unsigned char pk[KEY_SIG_PK_LEN]);

/* The whole line that begins there. ERR_ESCROW_LOG_FAILED. */
enum err escrow_log_at(struct escrow_log_reader *r, int64_t at, struct escrow_log_line *ret_line);

#endif
