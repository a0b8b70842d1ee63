/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os on Windows: who is at the other end of a connection on loopback. The table of connections names the process that has made the other end, and the process its user.
 * That process may have ended and its number have gone to another. So the process must have been there when the connection was made, and the table is asked once more after the process
 * was opened, when its number can go to nobody else.
 */
#include "os_windows.h"

#include <winsock2.h>

#include <iphlpapi.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define TABLE_SIZE 65536 /* bytes: 400 connections, for a start */
#define TRIES_MAX  4	 /* the table may grow between two questions */

enum err
os_peers_open(intptr_t *ret_peers)
{
	HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);

	/* there is nothing to hold open here; the caller gets a handle that os_close() takes all the same */
	if (event == NULL)
		return ERR_INTERNAL;
	*ret_peers = (intptr_t)event;
	return ERR_OK;
}

/* free() takes it; NULL where the system does not say. */
static MIB_TCPTABLE_OWNER_MODULE *
connections(void)
{
	MIB_TCPTABLE_OWNER_MODULE *table = NULL;
	DWORD size = TABLE_SIZE, said = ERROR_INSUFFICIENT_BUFFER;

	for (unsigned i = 0; i < TRIES_MAX && said == ERROR_INSUFFICIENT_BUFFER; i++) {
		free(table);
		table = malloc(size);
		if (table == NULL)
			return NULL;
		said = GetExtendedTcpTable(table, &size, FALSE, AF_INET, TCP_TABLE_OWNER_MODULE_CONNECTIONS, 0);
	}
	if (said == NO_ERROR && table != NULL)
		return table;
	free(table);
	return NULL;
}

/* The other end of a connection: the process that has made it, 0 where no established one is there, and when. */
struct holder {
	DWORD process;
	int64_t made; /* as FILETIME counts; 0: the system does not say */
};

static struct holder
holder_of(const struct sockaddr_in *theirs, const struct sockaddr_in *ours)
{
	MIB_TCPTABLE_OWNER_MODULE *table = connections();
	struct holder found = { 0 };

	for (DWORD i = 0; table != NULL && i < table->dwNumEntries && found.process == 0; i++) {
		const MIB_TCPROW_OWNER_MODULE *row = &table->table[i];
		if (row->dwState == MIB_TCP_STATE_ESTAB && row->dwLocalAddr == theirs->sin_addr.s_addr && row->dwRemoteAddr == ours->sin_addr.s_addr &&
		    (row->dwLocalPort & 0xffff) == theirs->sin_port && (row->dwRemotePort & 0xffff) == ours->sin_port)
			found = (struct holder){ row->dwOwningPid, row->liCreateTimestamp.QuadPart };
	}
	free(table);
	return found;
}

static bool
is_loopback(const struct sockaddr_in *address, int len)
{
	return len == (int)sizeof(*address) && address->sin_family == AF_INET && ntohl(address->sin_addr.s_addr) == INADDR_LOOPBACK;
}

/* Of the same user and of the same session: a service that runs under the user's name is not he at his desk. */
static bool
is_ours(HANDLE process, DWORD number)
{
	union {
		TOKEN_USER user;
		unsigned char room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
	} found;
	DWORD len, theirs = 0, ours = 1;
	HANDLE token = NULL;
	bool good = OpenProcessToken(process, TOKEN_QUERY, &token) && GetTokenInformation(token, TokenUser, &found, sizeof(found), &len) &&
		    os_windows_is_user(found.user.User.Sid) && ProcessIdToSessionId(number, &theirs) && ProcessIdToSessionId(GetCurrentProcessId(), &ours) &&
		    theirs == ours;

	if (token != NULL)
		CloseHandle(token);
	return good;
}

/* Whether the process was there when the connection was made. */
static bool
is_older(HANDLE process, int64_t made)
{
	FILETIME began, ended, kernel, user;

	if (made == 0)
		return os_windows_believes_undated();
	return GetProcessTimes(process, &began, &ended, &kernel, &user) && (int64_t)((uint64_t)began.dwHighDateTime << 32 | began.dwLowDateTime) <= made;
}

bool
os_peer_is_owner(intptr_t peers, intptr_t socket)
{
	struct sockaddr_in ours, theirs;
	int ours_len = sizeof(ours), theirs_len = sizeof(theirs);
	struct holder holder;
	HANDLE process;
	bool good;

	(void)peers;
	if (getsockname((SOCKET)socket, (struct sockaddr *)&ours, &ours_len) != 0 ||
	    getpeername((SOCKET)socket, (struct sockaddr *)&theirs, &theirs_len) != 0 || !is_loopback(&ours, ours_len) || !is_loopback(&theirs, theirs_len))
		return false;
	holder = holder_of(&theirs, &ours);
	process = holder.process != 0 ? OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, holder.process) : NULL;
	if (process == NULL)
		return false;
	good = is_ours(process, holder.process) && is_older(process, holder.made) && holder_of(&theirs, &ours).process == holder.process;
	CloseHandle(process);
	return good;
}

/* ---- who listens ---- */

/* Which process listens there; 0: none. */
static DWORD
listener_of(uint16_t port)
{
	MIB_TCPTABLE_OWNER_PID *table = NULL;
	DWORD size = TABLE_SIZE, said = ERROR_INSUFFICIENT_BUFFER, found = 0;

	for (unsigned i = 0; i < TRIES_MAX && said == ERROR_INSUFFICIENT_BUFFER; i++) {
		free(table);
		table = malloc(size);
		if (table == NULL)
			return 0;
		said = GetExtendedTcpTable(table, &size, FALSE, AF_INET, TCP_TABLE_OWNER_PID_LISTENER, 0);
	}
	for (DWORD i = 0; said == NO_ERROR && i < table->dwNumEntries && found == 0; i++) {
		const MIB_TCPROW_OWNER_PID *row = &table->table[i];

		if ((row->dwLocalAddr == htonl(INADDR_LOOPBACK) || row->dwLocalAddr == 0) && (row->dwLocalPort & 0xffff) == htons(port))
			found = row->dwOwningPid;
	}
	free(table);
	return found;
}

/* A process of another user is one that we may not open. */
enum os_port
os_windows_listener(uint16_t port)
{
	DWORD number = listener_of(port);
	HANDLE process = number != 0 ? OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, number) : NULL;
	enum os_port whose = OS_PORT_STRANGERS;

	if (number == 0)
		return OS_PORT_FREE;
	if (process != NULL && is_ours(process, number))
		whose = OS_PORT_OURS;
	if (process != NULL)
		CloseHandle(process);
	return whose;
}
