/* SPDX-License-Identifier: Apache-2.0 */
/* Here every place is a file, and what is in it is its form. */
#include "medium.h"

#include "os_shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE "/var/lib/mokhoa"

enum err
medium_ledger_folder(const char *root, char ret[OS_PATH_MAX])
{
	return (size_t)snprintf(ret, OS_PATH_MAX, "%s" STATE, root) < OS_PATH_MAX ? ERR_OK : ERR_FILE_MISSING;
}

bool
medium_takes_root(const char *root)
{
	return os_path_is_plain(root);
}

enum err
medium_read(const char *place, struct buf *ret)
{
	return os_shared_read(place, ret);
}

enum err
medium_write(const char *place, const char *was, const char *will)
{
	(void)was;
	return will != NULL ? os_shared_write(place, will, strlen(will)) : os_shared_remove(place);
}

void
medium_remove_leftover(const char *place)
{
	os_shared_remove_leftover(place);
}

char *
medium_text(const char *place, const char *form)
{
	(void)place;
	return strdup(form);
}

char *
medium_form(const char *place, const char *was, const char *text)
{
	(void)place;
	(void)was;
	return strdup(text);
}

size_t
medium_folder(const char *place, size_t from)
{
	const char *slash = strchr(place + from + 1, '/');

	return slash != NULL ? (size_t)(slash - place) : 0;
}

bool
medium_has_folder(const char *folder)
{
	return os_shared_has_folder(folder);
}

enum err
medium_make_folder(const char *folder)
{
	return os_shared_make_folder(folder);
}

bool
medium_remove_folder(const char *folder)
{
	return os_shared_remove_folder(folder);
}
