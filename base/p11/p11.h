/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p11: how a PKCS#11 module comes into a process, for whoever speaks Cryptoki: to a customer's token (host/worker/token), to the vault's HSM (tms/vault/hsm).
 *
 * A module is a vendor's code and may crash, hang or print: it belongs into a process that may die. One thread.
 */
#ifndef MOKHOA_P11_H
#define MOKHOA_P11_H

#include "cryptoki_numbers.h"
#include "err.h"

#include <stdbool.h>

/* Only an administrator can have put the file there: ERR_MODULE_MISSING, ERR_PROFILE_UNSAFE. To be asked before anything loads it. */
enum err p11_trusted(const char *path);

/*
 * Loads a module that p11_trusted() was asked about. is_whole says whether its list has every call that will be made: one that is left out would be a jump to
 * nowhere. ERR_MODULE_MISSING, ERR_MODULE_FAILED; *ret_rv, which is always written, is what C_GetFunctionList said. The library stays mapped for the life of the
 * process: modules crash when they are taken away.
 */
enum err p11_load(const char *path, bool (*is_whole)(const CK_FUNCTION_LIST *list), CK_FUNCTION_LIST **ret_list, CK_RV *ret_rv);

/*
 * C_Initialize. parameters: what NSS and its like take in the reserved field of CK_C_INITIALIZE_ARGS; NULL, as the standard wants it, for all others. A module
 * that knows no locks (CKR_CANT_LOCK) is asked for none, and one that is started already is started.
 */
CK_RV p11_initialize(const CK_FUNCTION_LIST *list, const char *parameters);

#endif
