/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_install: puts a profile where the host looks for it, and takes it away again. What it puts there is marked (NAME.installed), so that
 * profile_withdraw() takes away no profile that somebody has laid there by hand. One process at a time, which is the administrator's.
 */
#ifndef MOKHOA_PROFILE_INSTALL_H
#define MOKHOA_PROFILE_INSTALL_H

#include "err.h"
#include "profile.h"

#include <jansson.h>

struct profile_place {
	const char *root; /* below which the machine's folders lie; "" */
	const char *name;
};

/*
 * Writes document as NAME.json, and the file ca, where it is not NULL, as NAME.pem, which then is the profile's tls_ca. All profiles of the machine are read
 * before this returns, as a host reads them; where they are refused all is as it was. What was there before stays beside as *.previous, for profile_undo(). ERR_PROFILE_*, ERR_FILE_MISSING (ca),
 * ERR_FILE_FAILED, ERR_NO_MEMORY; where (PROFILE_WHERE_MAX) says file and cause.
 */
enum err profile_install(const struct profile_place *at, json_t *document, const char *ca, char *where);

/* Puts back what was there before the last profile_install() or profile_withdraw(); nothing where no *.previous is there. ERR_FILE_FAILED. */
enum err profile_undo(const char *root, char *where);

/* There will be no profile_undo(). ERR_FILE_FAILED. */
enum err profile_settle(const char *root, char *where);

/* Takes away the profile of that name, or with "" all, that profile_install() has put there; profile_undo() puts them back. ERR_FILE_FAILED. */
enum err profile_withdraw(const struct profile_place *at, char *where);

/* Finds the one that profile_install() has put there; "" where there is none. ERR_USAGE where there are more. ERR_FILE_FAILED. */
enum err profile_find_installed(const char *root, char ret_name[PROFILE_NAME_MAX + 1], char *where);

#endif
