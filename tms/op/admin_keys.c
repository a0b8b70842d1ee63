/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/keys: where a roll of the vault's key stands. Only the vault can tell its keys; nothing is changed from here. */
#include "answer_rows.h"
#include "call.h"
#include "vault_client.h"

enum err
op_admin_keys(struct call *c, json_t **ret_answer)
{
	struct vault_keys keys;
	struct answer_rows rows;
	enum err e = vault_keys(c->service->config->vault.socket, &keys);

	if (e != ERR_OK)
		return e;
	rows = answer_rows_new(c);
	for (size_t i = 0; i < keys.count; i++) {
		int64_t others = 0;
		e = store_escrow_count_other(c->store, keys.ids[i], &others);
		answer_rows_add(&rows, e, json_pack("{s:s, s:b, s:I}", "key", keys.ids[i], "seals", (int)(i == 0), "others", (json_int_t)others));
	}
	return answer_rows_pack(&rows, ERR_OK, "keys", ret_answer);
}
