/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup: the server's data into a file while it works, and back again, made good by the escrow log (../README.md, "Backup and restore"). One
 * thread; nothing is printed, what failed is logged.
 */
#ifndef MOKHOA_BACKUP_H
#define MOKHOA_BACKUP_H

#include "config.h"
#include "store.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The database as it is at one moment into a new file of mode 0600, which is there as a whole or not at all. ERR_FILE_EXISTS, ERR_DATA_IN_USE for another
 * backup into the same file, ERR_FILE_FAILED, also
 * where *stop (NULL: nobody will) has become true meanwhile.
 */
enum err backup_make(struct store *s, const char *file, const atomic_bool *stop);

/* What is known of the escrow log. */
struct backup_log {
	int64_t whole;
	int64_t cut;
	int64_t damaged;
	int64_t first_damaged; /* its line, from 1; 0 without one */
	int64_t tokens;	       /* that have a line */
	int64_t unknown;       /* of them not on record in the store */
	int64_t missing;       /* tokens of which a candidate is not in their last line: a restore would not make it one */
	int64_t highest;       /* number of a request, as far as it is believed */
};

/* Reads all of it; others go on reading and writing the store. ERR_ESCROW_LOG_FAILED. */
enum err backup_read_log(struct store *s, const char *path, struct backup_log *ret);

struct backup_replayed {
	struct backup_log log;
	int64_t tokens[STORE_RESTORED_COUNT];
	int64_t unproved; /* tokens that were made of a line that this server has not signed: without an address */
	struct store_restored_requests requests;
};

/* What a restore goes on with although something may be lost by it: bits. */
#define BACKUP_DAMAGED_LINES 1U /* they are passed over */
#define BACKUP_ANY_LOG	     2U /* the log is another one than the data speak of, begins later or is not there: it counts for what it says, and is the server's from then on */

/*
 * The escrow log into a store that was made from a backup. ERR_ESCROW_LOG_DAMAGED and ERR_ESCROW_LOG_OTHER unless that is allowed, ERR_ESCROW_LOG_FAILED; then nothing
 * was changed.
 */
enum err backup_replay(struct store *s, const struct config *config, unsigned allowed, int64_t now, struct backup_replayed *ret);

/*
 * The same for a database of PostgreSQL that its own tools have restored. ERR_DATA_IN_USE where a server, a vault or a command uses it, ERR_USAGE where the
 * database is a file, which backup_restore() puts back. ERR_AUDIT_ANCHOR_FAILED as there.
 */
enum err backup_replay_only(const struct config *config, unsigned allowed, int64_t now, struct backup_replayed *ret);

#define BACKUP_KEPT_SIZE 4096

/*
 * Puts a backup in the place of the data, which is kept under another name (ret_kept, empty where there was none). ERR_DATA_IN_USE where a server, a vault or a
 * command uses it, ERR_DATABASE_SERVER where it is no file, ERR_BACKUP_INVALID, ERR_BACKUP_NEWER, ERR_ESCROW_LOG_DAMAGED, ERR_ESCROW_LOG_OTHER, ERR_ESCROW_LOG_FAILED, ERR_FILE_FAILED; after each the data is as it was.
 * ERR_AUDIT_ANCHOR_FAILED: what was anchored could not be read, or, where ret_kept names the old data, not be taken back: then the restore is run again.
 */
enum err backup_restore(const struct config *config, const char *file, unsigned allowed, int64_t now, struct backup_replayed *ret,
    char ret_kept[BACKUP_KEPT_SIZE]);

#endif
