/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os_registry: the registry of Windows below HKEY_LOCAL_MACHINE, in the view of 64 bits; that of 32 bits is SOFTWARE\WOW6432Node in it. What reads also takes a key with its hive in
 * front, HKLM\ or HKCU\ (HKEY_CURRENT_USER, which has one view for both). For Windows alone.
 *
 * A key is a path in UTF-8 without a separator at either end, a name is that of a value, "" of the default one. Bytes are a value's as they are stored. Whatever
 * was changed is on the disk when the call returns. Any thread may call.
 */
#ifndef MOKHOA_OS_REGISTRY_H
#define MOKHOA_OS_REGISTRY_H

#include "buf.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Types of a value that are text, in UTF-16 (winnt.h: REG_SZ, REG_EXPAND_SZ, REG_MULTI_SZ). */
#define OS_REGISTRY_TEXT   1u
#define OS_REGISTRY_EXPAND 2u
#define OS_REGISTRY_LINES  7u

/* ERR_FILE_MISSING where key or value is not there; ERR_FILE_FAILED where it cannot be read or is longer than ret may become. */
enum err os_registry_read(const char *key, const char *name, uint32_t *ret_type, struct buf *ret);

/* Appends the UTF-8 of a value's text (below), in one of OS_REGISTRY_EXPAND with what its variables stand for. Errors as above; ERR_FILE_FAILED where it is no text. */
enum err os_registry_read_text(const char *key, const char *name, struct buf *ret);

/* ERR_FILE_FAILED. The key must be there. */
enum err os_registry_write(const char *key, const char *name, uint32_t type, const void *bytes, size_t len);

/* ERR_OK also where there was none; ERR_FILE_FAILED. */
enum err os_registry_remove(const char *key, const char *name);

/* Calls each() with the name of every value, or of every key below, in byte order. ERR_FILE_MISSING where the key is not there, ERR_FILE_FAILED, ERR_NO_MEMORY. */
enum err os_registry_values(const char *key, void (*each)(const char *name, void *context), void *context);
enum err os_registry_keys(const char *key, void (*each)(const char *name, void *context), void *context);

/* Whether only the administrator can change a key: its values, what is below it, or the key itself. ERR_FILE_MISSING, ERR_FILE_FAILED, ERR_PROFILE_UNSAFE. */
enum err os_registry_check_trusted(const char *key);

bool os_registry_has_key(const char *key);
enum err os_registry_make_key(const char *key); /* one and what is missing above it; ERR_FILE_FAILED */
bool os_registry_remove_key(const char *key);	/* false where it is there afterwards: something is in it */

/* Appends the UTF-8 of a value's text, the lines of OS_REGISTRY_LINES with \n between them. False where bytes are no text. */
bool os_registry_to_text(uint32_t type, const void *bytes, size_t len, struct buf *ret);

/* Appends the bytes of that text, of one line. False where it is no UTF-8. */
bool os_registry_from_text(uint32_t type, const char *text, struct buf *ret);

#endif
