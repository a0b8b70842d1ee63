/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os on Windows: handles that can be waited for.
 *
 * A pipe on Windows is nothing that one can wait for, and the browser's are not made for overlapped reading. So the first os_wait() on a pipe
 * gives it a reader: a thread that reads one piece ahead and says so by an event; os_read() then takes from that piece. The thread reads again only
 * when its piece was taken, so that a pipe still holds its writer back.
 */
#include "os_windows.h"
#include "secret.h"

#include <windows.h>

#include <stdlib.h>
#include <string.h>

#define PIECE	    16384 /* bytes read ahead */
#define READERS_MAX 64	  /* in a process; a host has five pipes */
#define CANCEL_MS   10
#define CANCELS_MAX 20

struct reader {
	HANDLE pipe;
	HANDLE thread;
	HANDLE filled; /* set while there is something to take: bytes, or the end */
	HANDLE wanted; /* set once the piece is empty: the thread reads on */
	SRWLOCK lock;
	unsigned char bytes[PIECE];
	DWORD at;
	DWORD len;
	bool ended;
	bool failed; /* ended, and not because the other side closed */
	bool owned;  /* os_close() has not come yet; the last of owner and thread frees */
	bool running;
};

static SRWLOCK table_lock = SRWLOCK_INIT;
static struct reader *table[READERS_MAX];

static HANDLE
to_handle(intptr_t handle)
{
	return (HANDLE)handle;
}

/* A read of nothing from a pipe is a write of nothing at its other side, unless the pipe has ended: under wine a pipe of Unix ends so. */
static bool
has_more(HANDLE handle)
{
	return GetFileType(handle) == FILE_TYPE_PIPE && PeekNamedPipe(handle, NULL, 0, NULL, NULL, NULL);
}

/* ---- the reader's thread ---- */

/* Whether a read that gave nothing is the end: closed pipes say so by an error. */
static bool
is_end(DWORD error)
{
	return error == ERROR_BROKEN_PIPE || error == ERROR_HANDLE_EOF || error == ERROR_PIPE_NOT_CONNECTED || error == ERROR_NO_DATA;
}

static void
reader_free(struct reader *r)
{
	CloseHandle(r->pipe);
	CloseHandle(r->thread);
	CloseHandle(r->filled);
	CloseHandle(r->wanted);
	wipe(r, sizeof(*r));
	free(r);
}

/* One piece; false where it was the last. */
static bool
read_piece(struct reader *r)
{
	DWORD got = 0;
	BOOL good = ReadFile(r->pipe, r->bytes, PIECE, &got, NULL);
	bool go_on = good && (got != 0 || has_more(r->pipe));
	DWORD error = good ? ERROR_HANDLE_EOF : GetLastError();

	AcquireSRWLockExclusive(&r->lock);
	r->at = 0;
	r->len = good ? got : 0;
	r->ended = !go_on;
	r->failed = !go_on && !is_end(error);
	if (r->ended || r->len != 0)
		SetEvent(r->filled);
	else
		SetEvent(r->wanted);
	go_on = go_on && r->owned;
	ReleaseSRWLockExclusive(&r->lock);
	return go_on;
}

/* Waits until the piece was taken; false where nobody will come any more. */
static bool
is_wanted(struct reader *r)
{
	bool owned;

	WaitForSingleObject(r->wanted, INFINITE);
	AcquireSRWLockExclusive(&r->lock);
	owned = r->owned;
	ReleaseSRWLockExclusive(&r->lock);
	return owned;
}

static DWORD WINAPI
reader_run(void *context)
{
	struct reader *r = context;
	bool last;

	while (read_piece(r) && is_wanted(r))
		;
	AcquireSRWLockExclusive(&r->lock);
	r->running = false;
	last = !r->owned;
	ReleaseSRWLockExclusive(&r->lock);
	if (last)
		reader_free(r);
	return 0;
}

/* ---- the table ---- */

/* Called under table_lock. */
static struct reader **
place_of(HANDLE pipe)
{
	for (size_t i = 0; i < READERS_MAX; i++)
		if (table[i] != NULL && table[i]->pipe == pipe)
			return &table[i];
	return NULL;
}

static struct reader *
find_reader(HANDLE pipe)
{
	struct reader **place, *r;

	AcquireSRWLockExclusive(&table_lock);
	place = place_of(pipe);
	r = place != NULL ? *place : NULL;
	ReleaseSRWLockExclusive(&table_lock);
	return r;
}

static struct reader *
reader_new(HANDLE pipe)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	InitializeSRWLock(&r->lock);
	r->pipe = pipe;
	r->owned = r->running = true;
	r->filled = CreateEventW(NULL, TRUE, FALSE, NULL);
	r->wanted = CreateEventW(NULL, FALSE, FALSE, NULL);
	r->thread = CreateThread(NULL, 0, reader_run, r, CREATE_SUSPENDED, NULL);
	if (r->filled != NULL && r->wanted != NULL && r->thread != NULL) {
		ResumeThread(r->thread);
		return r;
	}
	/* a thread that was never resumed has touched nothing */
	if (r->thread != NULL) {
		TerminateThread(r->thread, 0);
		CloseHandle(r->thread);
	}
	if (r->filled != NULL)
		CloseHandle(r->filled);
	if (r->wanted != NULL)
		CloseHandle(r->wanted);
	free(r);
	return NULL;
}

/* The handle's reader, made where it has none yet; NULL for what is always ready (a file), or where none can be made. */
static struct reader *
want_reader(HANDLE pipe)
{
	struct reader *r = find_reader(pipe);

	if (r != NULL || GetFileType(pipe) == FILE_TYPE_DISK)
		return r;
	AcquireSRWLockExclusive(&table_lock);
	for (size_t i = 0; i < READERS_MAX && r == NULL; i++)
		if (table[i] == NULL)
			r = table[i] = reader_new(pipe);
	ReleaseSRWLockExclusive(&table_lock);
	return r;
}

/* ---- os.h ---- */

static long
take(struct reader *r, void *ret, size_t max)
{
	DWORD len;
	long got;

	WaitForSingleObject(r->filled, INFINITE);
	AcquireSRWLockExclusive(&r->lock);
	len = r->len - r->at < max ? r->len - r->at : (DWORD)max;
	memcpy(ret, r->bytes + r->at, len);
	wipe(r->bytes + r->at, len);
	r->at += len;
	got = len != 0 ? (long)len : r->failed ? -1
					       : 0;
	if (r->at == r->len && !r->ended) {
		ResetEvent(r->filled);
		SetEvent(r->wanted);
	}
	ReleaseSRWLockExclusive(&r->lock);
	return got;
}

long
os_read(intptr_t handle, void *ret, size_t max)
{
	struct reader *r = find_reader(to_handle(handle));
	DWORD got = 0;

	if (r != NULL)
		return take(r, ret, max);
	do {
		if (!ReadFile(to_handle(handle), ret, max < INT32_MAX ? (DWORD)max : INT32_MAX, &got, NULL))
			return is_end(GetLastError()) ? 0 : -1;
	} while (got == 0 && has_more(to_handle(handle)));
	return (long)got;
}

bool
os_write_all(intptr_t handle, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	while (len != 0) {
		DWORD done = 0;
		if (!WriteFile(to_handle(handle), at, len < PIECE ? (DWORD)len : PIECE, &done, NULL))
			return false;
		at += done;
		len -= done;
	}
	return true;
}

/* A thread that cannot be got out of its read, because it has not begun it yet, is asked again; one that never comes out frees itself when it does. */
static void
reader_leave(struct reader *r)
{
	HANDLE thread = r->thread;
	bool running;

	AcquireSRWLockExclusive(&r->lock);
	running = r->running;
	r->owned = false;
	if (running && !DuplicateHandle(GetCurrentProcess(), r->thread, GetCurrentProcess(), &thread, 0, FALSE, DUPLICATE_SAME_ACCESS))
		thread = NULL;
	SetEvent(r->wanted);
	ReleaseSRWLockExclusive(&r->lock);
	if (!running) {
		reader_free(r);
		return;
	}
	for (unsigned i = 0; thread != NULL && i < CANCELS_MAX; i++) {
		CancelSynchronousIo(thread);
		if (WaitForSingleObject(thread, CANCEL_MS) == WAIT_OBJECT_0)
			break;
	}
	if (thread != NULL)
		CloseHandle(thread);
}

void
os_close(intptr_t handle)
{
	struct reader **place, *r = NULL;

	if (handle == -1)
		return;
	AcquireSRWLockExclusive(&table_lock);
	place = place_of(to_handle(handle));
	if (place != NULL) {
		r = *place;
		*place = NULL;
	}
	ReleaseSRWLockExclusive(&table_lock);
	if (r != NULL)
		reader_leave(r);
	else
		CloseHandle(to_handle(handle));
}

/* Waits for one of the events; whoever is ready without one has made the wait one of no time. */
static void
wait_for(const HANDLE *events, DWORD count, int timeout_ms)
{
	DWORD ms = timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms;

	if (count != 0)
		(void)WaitForMultipleObjects(count, events, FALSE, ms);
	else
		Sleep(ms);
}

bool
os_windows_wait(const intptr_t *handles, size_t count, void *event, int timeout_ms, bool *ret_ready)
{
	HANDLE events[OS_WAIT_MAX + 1];
	struct reader *readers[OS_WAIT_MAX];
	DWORD waits = 0;
	bool found = false;

	if (count > OS_WAIT_MAX)
		count = OS_WAIT_MAX;
	for (size_t i = 0; i < count; i++) {
		readers[i] = handles[i] != -1 ? want_reader(to_handle(handles[i])) : NULL;
		if (readers[i] != NULL)
			events[waits++] = readers[i]->filled;
		else if (handles[i] != -1)
			timeout_ms = 0;
	}
	if (event != NULL)
		events[waits++] = event;
	wait_for(events, waits, timeout_ms);
	for (size_t i = 0; i < count; i++) {
		ret_ready[i] = handles[i] != -1 && (readers[i] == NULL || WaitForSingleObject(readers[i]->filled, 0) == WAIT_OBJECT_0);
		found = found || ret_ready[i];
	}
	return found;
}

bool
os_wait(const intptr_t *handles, size_t count, int timeout_ms, bool *ret_ready)
{
	return os_windows_wait(handles, count, NULL, timeout_ms, ret_ready);
}

/* The mode is the pipe's for whoever has this end of it; documented for all pipes, and kept. */
bool
os_write_now(intptr_t handle, const void *bytes, size_t len)
{
	DWORD mode = PIPE_READMODE_BYTE | PIPE_NOWAIT, done = 0;

	return SetNamedPipeHandleState(to_handle(handle), &mode, NULL, NULL) && WriteFile(to_handle(handle), bytes, (DWORD)len, &done, NULL) && done == len;
}
