/* SPDX-License-Identifier: Apache-2.0 */
#include "p11.h"

#include "log.h"
#include "os.h"

#include <stddef.h>

enum err
p11_trusted(const char *path)
{
	enum err e = os_check_trusted(path);

	if (e != ERR_OK)
		log_debug("cryptoki", "module=%s error=%s", path, err_name(e));
	return e == ERR_FILE_MISSING ? ERR_MODULE_MISSING : e;
}

enum err
p11_load(const char *path, bool (*is_whole)(const CK_FUNCTION_LIST *list), CK_FUNCTION_LIST **ret_list, CK_RV *ret_rv)
{
	CK_FUNCTION_LIST *list = NULL;
	CK_C_GetFunctionList get_list;
	void *library;
	enum err e = os_library_open(path, &library);

	*ret_rv = CKR_OK;
	if (e != ERR_OK)
		return e;
	get_list = (CK_C_GetFunctionList)os_library_symbol(library, "C_GetFunctionList");
	if (get_list == NULL) {
		log_debug("cryptoki", "module=%s error=\"no C_GetFunctionList: not a PKCS#11 module\"", path);
		return ERR_MODULE_FAILED;
	}
	*ret_rv = get_list(&list);
	if (*ret_rv != CKR_OK)
		return ERR_MODULE_FAILED;
	if (list == NULL || list->version.major < 2 || list->C_Initialize == NULL || !is_whole(list)) {
		log_debug("cryptoki", "module=%s error=\"its list of functions has holes\"", path);
		return ERR_MODULE_FAILED;
	}
	*ret_list = list;
	return ERR_OK;
}

CK_RV
p11_initialize(const CK_FUNCTION_LIST *list, const char *parameters)
{
	/* NSS reads its parameters where the standard has pReserved, and a NULL behind them */
	struct {
		CK_C_INITIALIZE_ARGS args;
		void *nothing;
	} whole = { .args = { .flags = CKF_OS_LOCKING_OK, .pReserved = (void *)parameters } };
	CK_RV rv = list->C_Initialize(&whole.args);

	if (rv == CKR_CANT_LOCK && parameters == NULL)
		rv = list->C_Initialize(NULL);
	return rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? CKR_OK : rv;
}
