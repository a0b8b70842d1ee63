/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/keys: where a roll of the vault's key stands. Only the vault can tell its keys; nothing is changed from here. */
#include "answer.h"
#include "call.h"
#include "vault_client.h"

enum err
op_admin_keys(struct call *c, json_t **ret_answer)
{
	struct vault_keys keys;
	json_t *rows;
	enum err e = vault_keys(c->service->config->vault.socket, &keys);

	if (e != ERR_OK)
		return e;
	rows = json_array();
	for (size_t i = 0; e == ERR_OK && i < keys.count; i++) {
		int64_t others = 0;
		e = store_escrow_count_other(c->store, keys.ids[i], &others);
		if (e == ERR_OK && json_array_append_new(rows, json_pack("{s:s, s:b, s:I}", "key", keys.ids[i], "seals", (int)(i == 0), "others", (json_int_t)others)) != 0)
			e = ERR_NO_MEMORY;
	}
	if (e == ERR_OK)
		return answer_packed(json_pack("{s:o}", "keys", rows), ret_answer);
	json_decref(rows);
	return e;
}
