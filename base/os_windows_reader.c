/* SPDX-License-Identifier: Apache-2.0 */
/* os on Windows: the readers that the smart card service knows. */
#include "os.h"
#include "log.h"

#include <windows.h>

#include <winscard.h>

#define NAMES_MAX 8192 /* characters; a reader's name is a line */

/* A list of names, each ended by a NUL, the last one by another. */
static size_t
count_names(const wchar_t *names, size_t len)
{
	size_t count = 0;

	for (size_t at = 1; at < len; at++)
		if (names[at] == L'\0' && names[at - 1] != L'\0')
			count++;
	return count;
}

enum err
os_count_readers(size_t *ret_count)
{
	wchar_t names[NAMES_MAX];
	DWORD len = NAMES_MAX;
	SCARDCONTEXT context;
	LONG said = SCardEstablishContext(SCARD_SCOPE_USER, NULL, NULL, &context);

	log_debug("os", "call=SCardEstablishContext said=0x%lx", (unsigned long)said);
	if (said != SCARD_S_SUCCESS)
		return ERR_READER_SERVICE;
	said = SCardListReadersW(context, NULL, names, &len);
	SCardReleaseContext(context);
	if (said == SCARD_E_NO_READERS_AVAILABLE)
		len = 0;
	else if (said != SCARD_S_SUCCESS)
		return ERR_READER_SERVICE;
	*ret_count = count_names(names, len);
	return ERR_OK;
}
