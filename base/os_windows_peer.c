/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os on Windows: who is at the other end of a connection on loopback. The table of connections names the process of the other end, and the process its user.
 * A process may end and its number go to another between the two questions, so the table is asked once more: the same number with the connection still
 * established is the same process.
 */
#include "os_windows.h"

#include <winsock2.h>

#include <iphlpapi.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define TRIES_MAX 4 /* the table may grow between the question for its size and that for itself */

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
static MIB_TCPTABLE_OWNER_PID *
connections(void)
{
	MIB_TCPTABLE_OWNER_PID *table = NULL;
	DWORD size = 0, said = ERROR_INSUFFICIENT_BUFFER;

	for (unsigned i = 0; i < TRIES_MAX && said == ERROR_INSUFFICIENT_BUFFER; i++) {
		free(table);
		table = size != 0 ? malloc(size) : NULL;
		if (size != 0 && table == NULL)
			return NULL;
		said = GetExtendedTcpTable(table, &size, FALSE, AF_INET, TCP_TABLE_OWNER_PID_CONNECTIONS, 0);
	}
	if (said == NO_ERROR && table != NULL)
		return table;
	free(table);
	return NULL;
}

/* The process that holds the other end of the connection, 0 where no established one is there. */
static DWORD
holder_of(const struct sockaddr_in *theirs, const struct sockaddr_in *ours)
{
	MIB_TCPTABLE_OWNER_PID *table = connections();
	DWORD found = 0;

	for (DWORD i = 0; table != NULL && i < table->dwNumEntries && found == 0; i++) {
		const MIB_TCPROW_OWNER_PID *row = &table->table[i];
		if (row->dwState == MIB_TCP_STATE_ESTAB && row->dwLocalAddr == theirs->sin_addr.s_addr && row->dwRemoteAddr == ours->sin_addr.s_addr &&
		    (row->dwLocalPort & 0xffff) == theirs->sin_port && (row->dwRemotePort & 0xffff) == ours->sin_port)
			found = row->dwOwningPid;
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
is_ours(DWORD process_id)
{
	union {
		TOKEN_USER user;
		unsigned char room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
	} found;
	DWORD len, theirs = 0, ours = 1;
	HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, process_id);
	HANDLE token = NULL;
	bool good = process != NULL && OpenProcessToken(process, TOKEN_QUERY, &token) && GetTokenInformation(token, TokenUser, &found, sizeof(found), &len) &&
		    os_windows_is_user(found.user.User.Sid) && ProcessIdToSessionId(process_id, &theirs) &&
		    ProcessIdToSessionId(GetCurrentProcessId(), &ours) && theirs == ours;

	if (token != NULL)
		CloseHandle(token);
	if (process != NULL)
		CloseHandle(process);
	return good;
}

bool
os_peer_is_owner(intptr_t peers, intptr_t socket)
{
	struct sockaddr_in ours, theirs;
	int ours_len = sizeof(ours), theirs_len = sizeof(theirs);
	DWORD holder;

	(void)peers;
	if (getsockname((SOCKET)socket, (struct sockaddr *)&ours, &ours_len) != 0 ||
	    getpeername((SOCKET)socket, (struct sockaddr *)&theirs, &theirs_len) != 0 || !is_loopback(&ours, ours_len) || !is_loopback(&theirs, theirs_len))
		return false;
	holder = holder_of(&theirs, &ours);
	return holder != 0 && is_ours(holder) && holder_of(&theirs, &ours) == holder;
}
