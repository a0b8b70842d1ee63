/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os: all that Mokhoa asks of an operating system. os_posix.c and os_windows.c keep these promises; CMake chooses, and no other file
 * may name a platform.
 *
 * A handle is a file descriptor or a Windows HANDLE in an intptr_t; -1 is none. Times are milliseconds of a clock that never goes
 * back, except os_time(), which is what the wall says. Paths are UTF-8. Unless a line says otherwise any thread may call.
 */
#ifndef MOKHOA_OS_H
#define MOKHOA_OS_H

#include "buf.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OS_PATH_MAX 4096 /* bytes of a path, its NUL counted */

/* ---- the process ---- */

/* No core file, no debugger, no inherited umask; writing to a closed pipe is an error and not a signal. Called first in main. */
void os_harden(void);

/*
 * Takes stdin and stdout for the wire and points descriptor 0 at nothing and descriptor 1 at stderr, so that no library can write into
 * a frame. Binary mode. Called once, before any PKCS#11 module is loaded.
 */
void os_take_stdio(intptr_t *ret_in, intptr_t *ret_out);

/* The folder of the running program, without a trailing slash. */
enum err os_program_dir(char ret[OS_PATH_MAX]);

/* The file of a program of ours in that folder (NULL: the running program's), with the ending that programs have here; nobody has looked whether it is there. ERR_INTERNAL. */
enum err os_program_path(const char *folder, const char *name, char ret[OS_PATH_MAX]);

/*
 * From now on this process has so long to live, whatever code it runs: the system ends it then, no handler is asked and nothing that it loads
 * can put it off (POSIX: a timer that sends SIGKILL; Windows: a thread that ends the process). Called once; a program that it starts is
 * not concerned. False where there is no timer to be had.
 */
bool os_end_after(unsigned ms);

/* Writes a line of the log to stderr in one write; what cannot be written there is lost. */
void os_log(const char *line, size_t len);

/*
 * Tells the service manager how this process stands ("READY=1\nSTATUS=..."), in the protocol of sd_notify(3); nothing where no manager has asked for it
 * (NOTIFY_SOCKET). Windows has no such manager.
 */
void os_notify(const char *state);

/* ---- clocks and chance ---- */

uint64_t os_now_ms(void);
int64_t os_time(void); /* seconds since 1970, UTC */
void os_sleep_ms(unsigned ms);

/* From the system's generator; ends the process where there is none: nothing we do is safe without it. */
void os_random(void *ret, size_t len);

/* ---- handles ---- */

/* Bytes read (at least 1), 0 at the end of file, -1 on an error. Interruptions are retried. */
long os_read(intptr_t handle, void *ret, size_t max);
bool os_write_all(intptr_t handle, const void *bytes, size_t len);
void os_close(intptr_t handle);

#define OS_WAIT_MAX 16 /* handles in one os_wait() */

/*
 * Waits until a handle can be read or has ended; -1 waits for ever. ret_ready[i] says which; a handle of -1 is never ready. False when the
 * time has passed.
 */
bool os_wait(const intptr_t *handles, size_t count, int timeout_ms, bool *ret_ready);

/* In one write that does not wait: false where not all of it fits now, and then some may have been written. For a pipe that nobody else writes. */
bool os_write_now(intptr_t handle, const void *bytes, size_t len);

/* ---- sockets of files ---- */

/*
 * A connection to whoever listens on the socket at that path, which waits and is not handed on to a program that is started: the caller's, for os_close(). Neither connecting,
 * which waits where many wait already, nor a later write takes longer than timeout_ms at a time (0: as long as it takes). -1 where nobody listens there, where it takes longer or where the
 * path is longer than a socket's may be; errno says which. Windows has no such sockets.
 */
intptr_t os_unix_connect(const char *path, unsigned timeout_ms);

/* ---- sockets on 127.0.0.1 ---- */

/*
 * No socket here waits or is handed on to a program that is started; one thread has them all. On Windows a socket is no handle: only os_socket_close() and
 * os_socket_reset() end it.
 */

#define OS_LATER (-2) /* nothing to be had, or no room, now */

/* Listens on a port of 127.0.0.1 that is nobody else's, and on which nobody else can listen besides; -1 where it is taken. */
intptr_t os_listen(uint16_t port);

/*
 * Sockets that the service manager has opened for this process (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS): how many, 0 where it has opened none, -1 where they
 * are more than max or one does not listen on 127.0.0.1 and nowhere else. Windows has no such manager.
 */
int os_given_sockets(intptr_t *ret_sockets, uint16_t *ret_ports, int max);

/* The next connection, small messages sent at once; -1 where none waits. */
intptr_t os_accept(intptr_t listener);

enum os_port {
	OS_PORT_FREE,	   /* nobody listens */
	OS_PORT_OURS,	   /* this user does, or nobody knows who */
	OS_PORT_STRANGERS, /* another user does */
	OS_PORT_BLOCKED	   /* what is sent there goes nowhere: a firewall */
};

/* Who listens at a port of 127.0.0.1. *ret_socket: a connection to him, the caller's; -1 where there is none. */
enum os_port os_port_look(uint16_t port, int timeout_ms, intptr_t *ret_socket);

/* Two connected ends within this process, -1 where there are none to be had. No one else can be at either. */
bool os_socket_pair(intptr_t ret_ends[2]);

/* Bytes, at least 1; 0 at the end of the stream, OS_LATER, or -1 where the connection is no more. */
long os_receive(intptr_t socket, void *ret, size_t max);

/* Bytes that were taken, at least 1; OS_LATER, or -1 where the connection is no more. */
long os_send(intptr_t socket, const void *bytes, size_t len);

void os_socket_close(intptr_t socket);
void os_socket_reset(intptr_t socket); /* at once: the other side sees a reset, and what was on its way to it is lost */

struct os_poll {
	intptr_t at;	/* a socket, or with is_handle what os_wait() takes; -1 is never ready */
	bool is_handle; /* at most OS_WAIT_MAX of these */
	bool to_write;	/* a socket: wait for room, too */
	bool ready;	/* set by os_poll(): there is something to read, or it is over */
	bool room;	/* set by os_poll() where to_write is: it takes bytes */
};

#define OS_POLL_MAX 64

/* Waits until one of them is ready or has room, or the time has passed, or a signal came. */
void os_poll(struct os_poll *polls, size_t count, int timeout_ms);

/* ---- programs ---- */

struct os_child {
	intptr_t process;
	intptr_t in;  /* we write, it reads as stdin */
	intptr_t out; /* it writes as stdout, we read */
};

enum os_spawn_flag {
	OS_SPAWN_DETACH = 1 /* out of the caller's process group, session and (on Windows) job: it outlives us */
};

/*
 * Starts a program by its absolute path; argv ends with NULL and begins with the program's name; env is the whole environment, NULL
 * for the caller's. Nothing but 0, 1 and 2 is inherited, no signal is ignored or blocked. ERR_WORKER_FAILED where it cannot be started.
 */
enum err os_spawn(const char *path, const char *const argv[], const char *const env[], unsigned flags, struct os_child *ret_child);

/* Waits at most timeout_ms (-1: for ever): true when it has ended, with its exit status (0..255) or -1 for a signal. */
bool os_child_wait(struct os_child *child, int timeout_ms, int *ret_status);

/*
 * Ends it at once, and where it is detached with it all that it has started; collects it and closes what is still open of it. Safe to
 * call twice, on { 0 }, and after os_spawn() failed.
 */
void os_child_end(struct os_child *child);

/* ---- handles from one process of ours to another ---- */

/*
 * What two processes of ours are joined by: on POSIX a pair of sockets that keep messages apart (SOCK_SEQPACKET), on Windows the two pipes of a child that
 * os_spawn() has started, or what os_take_stdio() gives in that child.
 */
struct os_link {
	intptr_t in;		/* what we read */
	intptr_t out;		/* what we write; on POSIX the same */
	struct os_child *child; /* Windows: who is given handles; NULL on the side that gives none */
};

#define OS_LINK_MAX	400 /* bytes of a message */
#define OS_LINK_HANDLES 2   /* or none */

/* A message, and with it OS_LINK_HANDLES handles where handles is not NULL; the other side gets its own of them. */
bool os_link_send(const struct os_link *link, const void *bytes, size_t len, const intptr_t *handles);

/*
 * The next message: its bytes, 0 where the other side has gone, -1 where none came in time (-1 waits for ever) or it is none. ret_handles may be NULL; where no
 * handles came they are -1. They are the caller's.
 */
long os_link_receive(const struct os_link *link, int timeout_ms, void *ret, size_t max, intptr_t ret_handles[OS_LINK_HANDLES]);

/* ---- who is at the other end ---- */

/*
 * What os_peer_is_owner() asks; opened before a sandbox closes the way to it, and closed by os_close(). ERR_INTERNAL where the system has no
 * answer: then nobody may be let in.
 */
enum err os_peers_open(intptr_t *ret_peers);

/*
 * Whether the other end of this connected TCP socket on 127.0.0.1 is an established connection of the very user who runs this process. False for
 * everybody else, root included, for an end that was closed meanwhile (the system has forgotten whose it was), and for whatever cannot be told.
 * One thread.
 */
bool os_peer_is_owner(intptr_t peers, intptr_t socket);

/* ---- files ---- */

/*
 * An absolute path in one spelling, so that what was checked is what is opened: no empty component, no "." and no ".."; on Windows with a drive's
 * letter, no stream, and no name that some calls would cut.
 */
bool os_path_is_plain(const char *path);

/*
 * The folder of the administrator's files: MOKHOA_SYSCONFDIR as it was built, or Mokhoa below Program Files. No environment variable and no argument
 * moves it. ERR_FILE_MISSING where the system does not say.
 */
enum err os_config_dir(char ret[OS_PATH_MAX]);

/*
 * Reads a file that only the machine's administrator can have written: the file and every folder above it belong to root (SYSTEM,
 * Administrators, TrustedInstaller) and nobody else may write them. Links are followed where they belong to root and lead to such a place.
 * ERR_FILE_MISSING, ERR_PROFILE_UNSAFE, ERR_PROFILE_INVALID (longer than ret may become, or not
 * readable by us). The path is absolute.
 */
enum err os_read_trusted(const char *path, struct buf *ret);

/* The same check alone, for modules and the prompt program, which must exist and be a regular file. */
enum err os_check_trusted(const char *path);

/*
 * Reads a file of the caller's own, also one of os_write_private(); ERR_FILE_MISSING where there is none, ERR_FRAME_TOO_LARGE where it is longer than ret may become,
 * ERR_FILE_FAILED where it cannot be read or is no regular file.
 */
enum err os_read_file(const char *path, struct buf *ret);

/* Fills ret with the first bytes of a file, as many as there are, up to max; the errors of os_read_file() but for ERR_FRAME_TOO_LARGE. */
enum err os_read_head(const char *path, void *ret, size_t max, size_t *ret_len);

/* Appends what a handle gives until its end. ERR_FRAME_TOO_LARGE, ERR_NO_MEMORY, ERR_FILE_FAILED. */
enum err os_read_to_end(intptr_t handle, struct buf *ret);

/*
 * Replaces a file as a whole, readable by its owner alone (on Windows encrypted for him besides: DPAPI), and returns when it is on the disk. Whoever reads sees the old bytes or the new
 * ones. ERR_FILE_FAILED, and then the old ones are there, or (only the last step failed) the new ones.
 */
enum err os_write_private(const char *path, const void *bytes, size_t len);

/*
 * POSIX alone: the same for a file of another mode and owner, which it has before it has its name: of whoever owns the file or folder `like`, and of the caller where there
 * is none. Only root gives files away; ERR_FILE_FAILED too where the owner cannot be set.
 */
enum err os_write_as(const char *path, const void *bytes, size_t len, unsigned mode, const char *like);

/* ERR_OK where the file is gone, also when it was never there; takes what a killed os_write_private() left of it along. */
enum err os_remove(const char *path);

/* That alone: what killed writers of that file left beside it, which has what they would have written. Only for who keeps other writers out. */
void os_remove_leftovers(const char *path);

/*
 * Seconds since a file was last written, by the wall's clock; 0 where it was in the future. ERR_FILE_MISSING where there is none,
 * ERR_FILE_FAILED where it cannot be looked at or is no regular file.
 */
enum err os_file_age(const char *path, int64_t *ret);

/* A folder for the caller's user alone, and what is missing above it. ERR_FILE_FAILED where it cannot be made or is somebody else's. */
enum err os_make_private(const char *folder);

/* The user's private folder for state that must survive (XDG_STATE_HOME/mokhoa, LOCALAPPDATA\Mokhoa), made 0700 where missing. */
enum err os_state_dir(char ret[OS_PATH_MAX]);

/*
 * Calls each() with the name of every regular file of the folder in byte order, hidden ones (".name") left out; a missing folder has none.
 * ERR_NO_MEMORY, ERR_FILE_FAILED where it cannot be read.
 */
enum err os_list(const char *folder, void (*each)(const char *name, void *context), void *context);

/* ---- one at a time ---- */

/*
 * A lock over all processes of the caller's user: a file in a folder of his own (os_make_private()), where nobody else sees it or can hold it,
 * freed by the system when its holder dies, whatever way. os_unlock_file() takes the file along; one that a killed holder left behind does no harm. ERR_BUSY
 * where another holds it, ERR_FILE_FAILED where the file cannot be made.
 */
enum err os_lock_file(const char *path, intptr_t *ret_lock);
void os_unlock_file(intptr_t lock, const char *path);

#define OS_LOCK_NAME_MAX 64 /* characters of [a-z0-9-] */
#define OS_DESK_NAME_MAX 60

/* Who we are and at which desk, in characters of a lock's name: the user, on Windows in his session. Empty where the system does not say. */
void os_desk_name(char ret[OS_DESK_NAME_MAX + 1]);

/*
 * A lock by name over all processes and users of the machine, freed by the system when its holder dies, whatever way. ERR_BUSY where
 * somebody else holds it: that may be a hostile local user, who can keep others out but never in with him.
 */
enum err os_lock(const char *name, intptr_t *ret_lock);
void os_unlock(intptr_t lock);

/* ---- smart card readers ---- */

/*
 * How many readers the system's own smart card service knows (PC/SC: SCardListReaders). ERR_READER_SERVICE where that service is not running or
 * does not let this user in, ERR_MODULE_MISSING where the system has none. May block for as long as the service does.
 */
enum err os_count_readers(size_t *ret_count);

/* ---- libraries ---- */

/* Loads a shared library by its absolute path with its own symbols only; ERR_MODULE_MISSING or ERR_MODULE_FAILED. */
enum err os_library_open(const char *path, void **ret_library);

enum os_library_fault {
	OS_LIBRARY_FINE,  /* it was loaded */
	OS_LIBRARY_NEEDS, /* another library that is not there */
	OS_LIBRARY_KIND,  /* it is for another processor */
	OS_LIBRARY_OTHER
};

#define OS_LIBRARY_NAME_MAX 64

/*
 * Why the last os_library_open() of a file that is there did not load it; ret_name: which library it needs, where the system says so (Windows does not), of [A-Za-z0-9._+-], else empty.
 * One thread.
 */
enum os_library_fault os_library_fault(char ret_name[OS_LIBRARY_NAME_MAX]);
void (*os_library_symbol(void *library, const char *name))(void);

#endif
