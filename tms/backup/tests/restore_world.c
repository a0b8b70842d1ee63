/* SPDX-License-Identifier: Apache-2.0 */
#include "restore_world.h"

#include "check.h"
#include "escrow_log.h"
#include "inventory.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

void
restore_world_import(struct world *w, unsigned n)
{
	struct token_name name = scratch_token(n).name;

	world_import(w, n, "khach@example.vn");
	CHECK(escrow_log_append(&w->config, w->scratch.store, &name, 0, w->now) == ERR_OK);
}

const char *
restore_world_backup(struct world *w)
{
	static char path[400];

	snprintf(path, sizeof(path), "%s/backup.sqlite", w->scratch.folder);
	CHECK(backup_make(w->scratch.store, path, NULL) == ERR_OK);
	return path;
}

struct backup_replayed
restore_world_restore(struct world *w, const char *backup)
{
	struct backup_replayed r = { .log = { 0 } };
	char kept[BACKUP_KEPT_SIZE];

	CHECK(backup_restore(&w->config, backup, 0, w->now, &r, kept) == ERR_DATA_IN_USE); /* the vault runs, and we have the store open */
	store_close(w->scratch.store);
	world_vault_stop(w);
	w->now += 60;
	CHECK(backup_restore(&w->config, backup, 0, w->now, &r, kept) == ERR_OK);
	CHECK(store_open(w->scratch.path, &w->scratch.store) == ERR_OK);
	world_vault_start(w);
	return r;
}

void
restore_world_by_two(struct world *w, unsigned n, enum err (*op)(struct call *c, json_t **ret_answer), json_t *body)
{
	struct store_token t = scratch_token(n);
	struct store_proposal p;
	json_t *answer = NULL;

	w->now += 60;
	t = world_token(w, &t.name);
	CHECK(world_desk(w, 0, op, t.id, body, &answer) == ERR_OK);
	json_decref(answer);
	CHECK(store_proposal_open_of(w->scratch.store, t.id, &p) == ERR_OK);
	CHECK(world_desk(w, 1, op_admin_proposal_confirm, p.id, json_object(), &answer) == ERR_OK);
	json_decref(answer);
}

void
restore_world_replace(struct world *w, unsigned n, const char *text)
{
	struct token_name name = scratch_token(n).name;
	unsigned char row[TRANSCRIPT_ESCROW_ROW_LEN];
	unsigned char pk[KEY_KEM_PK_LEN];
	struct secret so_pin = { 0 };

	key_kem_public(w->vault_key, pk);
	CHECK(secret_set(&so_pin, text, strlen(text)) && transcript_seal_escrow(pk, &name, 1, &so_pin, row) == ERR_OK);
	restore_world_by_two(w, n, op_admin_token_replace, json_pack("{s:o, s:s}", "sealed", json_b64(row, sizeof(row)), "reason", "x"));
	secret_wipe(&so_pin);
}
