/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escrow_log: every sealed SO PIN that was ever granted, one line of JSON each, on another device than the database: after a restore
 * from an old backup it still says what a token's SO PIN may be. Only ever appended to; a line that is no JSON was cut short by a crash,
 * and was never granted.
 */
#ifndef MOKHOA_ESCROW_LOG_H
#define MOKHOA_ESCROW_LOG_H

#include "config.h"
#include "store.h"

/* The line is on the disk when this returns ERR_OK. Any thread; ERR_STORE_FAILED. */
enum err escrow_log_append(const struct config *config, const struct token_name *token, int64_t number, const struct store_escrow *row);

/* The file can be written, and lies on another device than the data unless the operator said otherwise: else ERR_CONFIG_INVALID. */
enum err escrow_log_check(const struct config *config);

#endif
