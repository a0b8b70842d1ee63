/* SPDX-License-Identifier: Apache-2.0 */
/*
 * action: what the MSI has done beside copying files: mokhoa-action.dll, which it carries inside and installs nowhere. The work is mokhoa-setup's; this gives it its arguments, and what it says
 * to the installer's log.
 *
 * Custom actions of Windows Installer, one after the other on one thread. Each gives ERROR_SUCCESS or ERROR_INSTALL_FAILURE, which ends the installation, and it is rolled back.
 */
#ifndef MOKHOA_ACTION_H
#define MOKHOA_ACTION_H

#include <windows.h>

#include <msi.h>
#include <msiquery.h>
#include <stdbool.h>

#define ACTION __declspec(dllexport) UINT __stdcall

/* Immediate: turns properties into the orders of the deferred ones, which can see none; the property Succeeded is set where a newer product takes this one away. */
ACTION MokhoaPrepare(MSIHANDLE session);

/* Immediate: waits until no token of this machine is worked on, for as many seconds as the property WAIT says. */
ACTION MokhoaIdle(MSIHANDLE session);

/* Immediate: before and after an older product goes, the sign by which it knows that a newer one takes its place. */
ACTION MokhoaSign(MSIHANDLE session);
ACTION MokhoaUnsign(MSIHANDLE session);

/* Deferred: its CustomActionData is a list of orders, one a line: '!' or, where the program may be missing, '?', and a command line. */
ACTION MokhoaRun(MSIHANDLE session);

/* Deferred, at removal: the log names the journals of users, which stay. */
ACTION MokhoaJournals(MSIHANDLE session);

/* At commit: what was kept for an undoing goes; with it, at removal, the folders that are empty then. CustomActionData: '!' or '-', and the folder of the programs. */
ACTION MokhoaForget(MSIHANDLE session);

/* ---- among themselves ---- */

/* A line in the installer's log; with INSTALLMESSAGE_ERROR also on the screen where somebody is there to see it. */
void action_say(MSIHANDLE session, INSTALLMESSAGE kind, const wchar_t *text);

/* A property's value, for free(); NULL for want of memory or where the installer gives none. */
wchar_t *action_property(MSIHANDLE session, const wchar_t *name);

/* Whether a newer product takes this one away, as Windows or that product's sign says. */
bool action_is_succeeded(MSIHANDLE session);

/* UTF-8 up to a NUL or len bytes, the others replaced; for free(). */
wchar_t *action_wide(const char *text, size_t len);

#endif
