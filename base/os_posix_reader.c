/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os on POSIX systems: the readers that pcscd knows. Its library is loaded and not linked: whoever has no smart cards has none of it, and
 * nobody waits for it at his start. The types and numbers are those of pcsclite's winscard.h on Linux.
 */
#include "os.h"
#include "log.h"

#include <dlfcn.h>
#include <stdint.h>

#define LIBRARY "libpcsclite.so.1"

enum {
	SCOPE_SYSTEM = 2
};

#define SUCCESS	   0L
#define NO_READERS 0x8010002EL
#define NAMES_MAX  16384 /* bytes; pcscd has 16 readers of at most 128 bytes */

typedef long (*establish_context)(unsigned long scope, const void *, const void *, long *ret_context);
typedef long (*list_readers)(long context, const char *groups, char *names, unsigned long *len);
typedef long (*release_context)(long context);

/* A list of names, each ended by a NUL, the last one by another. */
static size_t
count_names(const char *names, size_t len)
{
	size_t count = 0;

	for (size_t at = 1; at < len; at++)
		if (names[at] == '\0' && names[at - 1] != '\0')
			count++;
	return count;
}

static enum err
list(void *library, long context, size_t *ret_count)
{
	list_readers ask = (list_readers)os_library_symbol(library, "SCardListReaders");
	char names[NAMES_MAX];
	unsigned long len = sizeof(names);
	long said = ask != NULL ? ask(context, NULL, names, &len) : -1;

	if (said == NO_READERS)
		len = 0;
	else if (said != SUCCESS)
		return ERR_READER_SERVICE;
	*ret_count = count_names(names, len);
	return ERR_OK;
}

enum err
os_count_readers(size_t *ret_count)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	establish_context establish = library != NULL ? (establish_context)os_library_symbol(library, "SCardEstablishContext") : NULL;
	release_context release = library != NULL ? (release_context)os_library_symbol(library, "SCardReleaseContext") : NULL;
	enum err e = ERR_MODULE_MISSING;
	long context = 0;
	long said;

	if (establish == NULL || release == NULL)
		goto out;
	said = establish(SCOPE_SYSTEM, NULL, NULL, &context);
	log_debug("os", "call=SCardEstablishContext said=0x%lx", (unsigned long)said);
	e = said == SUCCESS ? list(library, context, ret_count) : ERR_READER_SERVICE;
	if (said == SUCCESS)
		(void)release(context);
out:
	if (library != NULL)
		(void)dlclose(library);
	return e;
}
