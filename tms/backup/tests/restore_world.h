/* SPDX-License-Identifier: Apache-2.0 */
/* restore_world: a world whose data are lost and come back from a backup. All check what they do. */
#ifndef MOKHOA_RESTORE_WORLD_H
#define MOKHOA_RESTORE_WORLD_H

#include "backup.h"

#include "world.h"

/* Token n of the scratch store, with its line in the escrow log. */
void restore_world_import(struct world *w, unsigned n);

/* The backup's file, one a world; valid until the next call. */
const char *restore_world_backup(struct world *w);

/* A minute later, with the vault stopped meanwhile. */
struct backup_replayed restore_world_restore(struct world *w, const char *backup);

/* What the first administrator proposes for token n the second one confirms. Takes body. */
void restore_world_by_two(struct world *w, unsigned n, enum err (*op)(struct call *c, json_t **ret_answer), json_t *body);

/* Another value, by two people. */
void restore_world_replace(struct world *w, unsigned n, const char *text);

#endif
