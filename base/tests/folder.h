/* SPDX-License-Identifier: Apache-2.0 */
/* folder: a test's own folder, removed with all that is in it. Needs _GNU_SOURCE before the first include. */
#ifndef MOKHOA_FOLDER_H
#define MOKHOA_FOLDER_H

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

static inline int
folder_remove_one(const char *path, const struct stat *s, int kind, struct FTW *ftw)
{
	(void)s;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static inline bool
folder_remove(const char *path)
{
	return nftw(path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0;
}

#endif
