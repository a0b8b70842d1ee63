/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/me: who this certificate is, and the token that its calls must carry. */
#include "answer.h"
#include "call.h"
#include "csrf.h"

enum err
op_admin_me(struct call *c, json_t **ret_answer)
{
	char csrf[CSRF_LEN + 1];
	enum err e = csrf_make(c->service, c->person, c->now, csrf);

	if (e != ERR_OK)
		return e;
	return answer_packed(json_pack("{s:s, s:s, s:s, s:s}",
				 "name", c->person->name,
				 "role", store_role_name(c->person->role),
				 "agency", c->person->agency,
				 "csrf", csrf),
	    ret_answer);
}
