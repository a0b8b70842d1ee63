/* SPDX-License-Identifier: Apache-2.0 */
/*
 * medium: where the pieces of a machine lie. A place is the absolute path of a file or, on Windows, also HKLM\KEY!NAME, a value of the registry (no NAME: the default one), or
 * HKLM\KEY!*, the texts among a key's values as a JSON object.
 *
 * What is in a place is read and written in its form, a text that has all of it: of a file what is in it, of a value also its type and its bytes. One process at a time.
 */
#ifndef MOKHOA_MEDIUM_H
#define MOKHOA_MEDIUM_H

#include "buf.h"
#include "err.h"
#include "os.h"

#include <stdbool.h>
#include <stddef.h>

/* The folder of the ledger, where only the administrator can write. ERR_FILE_MISSING where the system does not say, or for want of room. */
enum err medium_ledger_folder(const char *root, char ret[OS_PATH_MAX]);

/* Whether places can be taken to lie below that folder instead of the machine's root. */
bool medium_takes_root(const char *root);

/* Appends the form. ERR_FILE_MISSING; ERR_FILE_FAILED where it cannot be read, is too long, or is a link. */
enum err medium_read(const char *place, struct buf *ret);

/* Puts will where was is, as read before; NULL is nothing at all. On the disk when it returns; ERR_FILE_FAILED. */
enum err medium_write(const char *place, const char *was, const char *will);

/* What a killed medium_write() left beside the place. */
void medium_remove_leftover(const char *place);

/* The text or the JSON that a form has; NULL where it has none, or for want of memory. The caller's, for free(). */
char *medium_text(const char *place, const char *form);

/* The form of that text, in place of one that may be NULL and whose type it keeps. NULL for want of memory. The caller's, for free(). */
char *medium_form(const char *place, const char *was, const char *text);

/* Characters of the first folder (or key) of the place that is longer than from; 0 where there is none. */
size_t medium_folder(const char *place, size_t from);
bool medium_has_folder(const char *folder);
enum err medium_make_folder(const char *folder);
bool medium_remove_folder(const char *folder); /* false where it is there afterwards: something is in it */

#endif
