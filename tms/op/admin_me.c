/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/me: who this certificate is, and the token that its calls must carry. */
#include "call.h"
#include "csrf.h"

enum err
op_admin_me(struct call *c, json_t **ret_answer)
{
	char csrf[CSRF_LEN + 1];
	json_t *answer;
	enum err e = csrf_make(c->service, c->person, c->now, csrf);

	if (e != ERR_OK)
		return e;
	answer = json_pack("{s:s, s:s, s:s, s:s}",
	    "name", c->person->name,
	    "role", store_role_name(c->person->role),
	    "agency", c->person->agency,
	    "csrf", csrf);
	if (answer == NULL)
		return ERR_NO_MEMORY;
	*ret_answer = answer;
	return ERR_OK;
}
