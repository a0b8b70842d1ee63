/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/me: who this certificate is. */
#include "call.h"

enum err
op_admin_me(struct call *c, json_t **ret_answer)
{
	json_t *answer = json_pack("{s:s, s:s}",
	    "name", c->person->name,
	    "role", store_role_name(c->person->role));

	if (answer == NULL)
		return ERR_NO_MEMORY;
	*ret_answer = answer;
	return ERR_OK;
}
