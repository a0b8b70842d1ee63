/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_import: a part of a table of sealed tokens from the desk, at most as much as a call may hold: whoever has a long table sends one part after the other, each with the line of the columns' names.
 * What the command's `import` does, it does: nothing on record is changed, and no SO PIN comes here in clear.
 */
#ifndef MOKHOA_ADMIN_IMPORT_H
#define MOKHOA_ADMIN_IMPORT_H

#include "call.h"

#define ADMIN_IMPORT_ROWS 256 /* of a part */

/* POST /v1/admin/import. ERR_TABLE_UNSEALED for a table with SO PINs in clear, of which nothing is looked at. */
enum err op_admin_import(struct call *c, json_t **ret_answer);

#endif
