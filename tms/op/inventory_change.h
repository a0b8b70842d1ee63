/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inventory_change: what may be done to a token of the inventory by two people, judged when it is proposed and again when it is confirmed. Used by the desk's
 * operations alone.
 */
#ifndef MOKHOA_INVENTORY_CHANGE_H
#define MOKHOA_INVENTORY_CHANGE_H

#include "call.h"
#include "inventory.h"

/*
 * Whether the token is one for that: suspect for a cure, lost or retired for a restoration (else ERR_TOKEN_LIFE_WRONG), and for another SO PIN, or the one before, not one
 * whose release is in a machine's hands this moment (ERR_TOKEN_UNDER_WAY). In a transaction.
 */
enum err change_allowed(struct call *c, const struct store_token *t, enum store_proposal_kind kind);

/*
 * Has the vault open the rows that are to be this token's only candidates, those that were proposed or those that are kept (ERR_TOKEN_LIFE_WRONG): ERR_VAULT_REFUSED where
 * one does not open. Nothing where no SO PIN is proposed. Outside of a transaction. p->compared says whether it is the value on record, and nothing where that one does not
 * open.
 */
enum err change_check_rows(struct call *c, const struct store_token *t, struct store_proposal *p);

/* Does what was proposed; in a transaction, whose last step but the commit it is, because the escrow log is written here. */
enum err change_apply(struct call *c, const struct store_token *t, const struct store_proposal *p);

/*
 * Once it is committed: the escrow log has a line without the value that was replaced. Outside of a transaction. Where it fails the log has a candidate too many until the token's next line, and
 * nothing else is amiss.
 */
enum err change_applied(struct call *c, const struct store_token *t, const struct store_proposal *p);

#endif
