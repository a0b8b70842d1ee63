/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os_windows: what the files of the os layer on Windows share. Nobody else includes it.
 *
 * Paths are UTF-8 outside and UTF-16 inside. A security identifier is a void * here, so that this header needs none of the system's.
 */
#ifndef MOKHOA_OS_WINDOWS_H
#define MOKHOA_OS_WINDOWS_H

#include "os.h"

#include <wchar.h>

#define OS_WINDOWS_PATH_MAX (OS_PATH_MAX + 8) /* characters: never more than bytes of UTF-8, and the prefix */

/* What the names of os_lock() begin with, in the folder of names of all sessions. */
#define OS_WINDOWS_LOCK_HEAD L"mokhoa-lock-"

/* For the file system: an absolute path gets the prefix that turns every reading of "." and "..", trailing dots and old device names off. */
bool os_windows_path(const char *path, wchar_t ret[OS_WINDOWS_PATH_MAX]);

/* Without the prefix, for what does not take one (the loader, CreateProcess). */
bool os_windows_plain_path(const char *path, wchar_t ret[OS_WINDOWS_PATH_MAX]);

/* Fresh UTF-16 of a UTF-8 text; NULL where it is none or memory is short. free() takes it. */
wchar_t *os_windows_wide(const char *text);

/* UTF-8 of a UTF-16 text; false where it does not fit. */
bool os_windows_narrow(const wchar_t *text, char *ret, size_t max);

/* Puts a file in the place of another, on the disk when it returns. Waits where a virus scanner or an indexer that has just opened either holds it for a moment. */
bool os_windows_move_over(const wchar_t *from, const wchar_t *to);

/*
 * A security descriptor from SDDL in which %s stands for the user of this process (as text, once); NULL where there is none. LocalFree() takes it.
 */
void *os_windows_descriptor(const wchar_t *sddl);

/* os_wait(), and besides for an event of the system's (a HANDLE; NULL is none), which does not count as something found. */
bool os_windows_wait(const intptr_t *handles, size_t count, void *event, int timeout_ms, bool *ret_ready);

/* The child's process (a HANDLE), the child's still; NULL where it was not started or has been collected. */
void *os_windows_process(const struct os_child *child);

/* Whether the identifier is that of the user of this process. */
bool os_windows_is_user(const void *sid);

/* Whether only who administers the machine acts under that identifier: SYSTEM, Administrators, TrustedInstaller. */
bool os_windows_is_admin(const void *sid);

/*
 * Whether to believe a connection of which the system does not say when it was made. It always says on Windows, so no; the tests under wine, which says it of none, link another
 * answer.
 */
bool os_windows_believes_undated(void);

/* Who listens at a port of 127.0.0.1, as the system's table has it; OS_PORT_OURS also where it does not say whose. */
enum os_port os_windows_listener(uint16_t port);

/* What a handle belongs to and who may write it, for os_windows_trusted.c and its test: security descriptor in, verdict out. */
enum os_windows_place {
	OS_WINDOWS_FILE,   /* the file itself */
	OS_WINDOWS_FOLDER, /* the folder that it lies in: where others may add files they could add a library that the file loads */
	OS_WINDOWS_ABOVE,  /* a folder above: what counts is that nobody can put another entry in the place of the one we walked through */
	OS_WINDOWS_KEY	   /* a key of the registry */
};
bool os_windows_only_admins_write(const void *descriptor, enum os_windows_place place);
enum err os_windows_judge(void *handle, enum os_windows_place place); /* ERR_PROFILE_UNSAFE; the handle may READ_CONTROL */

#endif
