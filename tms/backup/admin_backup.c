/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_backup.h"

#include "answer.h"
#include "backup.h"
#include "decode.h"
#include "job.h"
#include "log.h"
#include "os.h"
#include "text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define NAME_SIZE 64
#define LIST_MAX  100 /* files that are shown, the newest */
#define PREFIX	  "mokhoa-"
#define SUFFIX	  ".sqlite"
#define UNDER_WAY ".sqlite.part"

/* The one that is being made, or the last one. */
static struct {
	struct job job;
	char database[OS_PATH_MAX];
	char file[OS_PATH_MAX];
	char name[NAME_SIZE];
	int64_t person; /* who asked for it */
} work = { .job = JOB_NEW };

/* ---- making one ---- */

static enum err
write_down(struct store *s, enum err result)
{
	struct store_audit a = { .created = os_time(), .person = work.person, .what = "backup" };
	enum err e = store_begin(s);

	snprintf(a.detail, sizeof(a.detail), "file=%s result=%s", work.name, err_name(result));
	if (e == ERR_OK)
		e = store_audit_add(s, &a);
	return store_end(s, e);
}

static void *
run(void *context)
{
	struct store *s = NULL;
	enum err e = store_open(work.database, &s);

	(void)context;
	if (e == ERR_OK) {
		e = backup_make(s, work.file, &work.job.stopping);
		if (write_down(s, e) != ERR_OK)
			log_error("backup", "file=%s cause=its audit row could not be written", work.name);
	}
	store_close(s);
	log_info("backup", "file=%s result=%s", work.name, err_name(e));
	job_done(&work.job);
	return NULL;
}

/* mokhoa-20261130T013000Z.sqlite: sorts as it was made. */
static void
name_file(int64_t now, char ret[NAME_SIZE])
{
	char time[TEXT_TIME_LEN + 1];
	size_t len = strlen(PREFIX);

	text_time(now, time);
	memcpy(ret, PREFIX, len);
	for (const char *at = time; *at != '\0'; at++)
		if (*at != '-' && *at != ':')
			ret[len++] = *at;
	memcpy(ret + len, SUFFIX, sizeof(SUFFIX));
}

/* Room for it, and for the database to grow by as much: one that fills the device would stop all who write there. */
static enum err
check_room(const struct config *config)
{
	struct statvfs device;
	struct stat st;

	if (stat(config->database, &st) != 0 || statvfs(config->backups, &device) != 0)
		return ERR_FILE_FAILED;
	if ((uint64_t)device.f_bavail * device.f_frsize >= 2 * (uint64_t)st.st_size)
		return ERR_OK;
	log_error("backup", "folder=%s cause=less than twice the database's %lld bytes are free", config->backups, (long long)st.st_size);
	return ERR_FILE_FAILED;
}

static enum err
begin(struct call *c)
{
	const struct config *config = c->service->config;
	enum err e = check_room(config);

	if (e == ERR_OK)
		e = job_claim(&work.job);
	if (e != ERR_OK)
		return e;
	name_file(c->now, work.name);
	work.person = c->person->id;
	if (text_copy(work.database, sizeof(work.database), config->database) &&
	    snprintf(work.file, sizeof(work.file), "%s/%s", config->backups, work.name) < (int)sizeof(work.file))
		return job_start(&work.job, run, NULL);
	job_drop(&work.job);
	return ERR_FILE_FAILED;
}

void
admin_backup_wait(void)
{
	job_end(&work.job);
}

/* ---- the list ---- */

struct file {
	char name[NAME_SIZE];
	int64_t size;
	int64_t changed;
	bool whole;
};

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);

	return len > strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

/* A backup, or what is to become one; whoever put something else into the folder is not told on. */
static bool
read_file(const char *folder, const char *name, struct file *ret)
{
	char path[OS_PATH_MAX];
	struct stat st;

	if (!(ends_with(name, SUFFIX) || ends_with(name, UNDER_WAY)) || !text_is_showable(name, strlen(name)) || !text_copy(ret->name, sizeof(ret->name), name) ||
	    snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path) || lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	ret->size = (int64_t)st.st_size;
	ret->changed = (int64_t)st.st_mtime;
	ret->whole = ends_with(name, SUFFIX);
	return true;
}

static int
newest_first(const void *a, const void *b)
{
	const struct file *x = a;
	const struct file *y = b;

	if (x->changed != y->changed)
		return x->changed < y->changed ? 1 : -1;
	return strcmp(y->name, x->name);
}

/* Keeps the newest LIST_MAX of however many there are. */
static void
keep(struct file *files, size_t *count, const struct file *f)
{
	if (*count == LIST_MAX) {
		qsort(files, *count, sizeof(*files), newest_first);
		if (newest_first(f, &files[LIST_MAX - 1]) > 0)
			return;
		(*count)--;
	}
	files[(*count)++] = *f;
}

static enum err
read_folder(const char *folder, struct file *files, size_t *ret_count)
{
	DIR *dir = opendir(folder);
	struct file f;

	*ret_count = 0;
	if (dir == NULL) {
		log_error("backup", "folder=%s cause=it cannot be read", folder);
		return ERR_FILE_FAILED;
	}
	for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		if (read_file(folder, entry->d_name, &f))
			keep(files, ret_count, &f);
	closedir(dir);
	qsort(files, *ret_count, sizeof(*files), newest_first);
	return ERR_OK;
}

/* Whether this server makes backups: of PostgreSQL none of its own, and it would be known only in the thread, which nobody hears. */
static enum err
check_on(const struct config *config)
{
	if (config->postgresql != NULL)
		return ERR_DATABASE_SERVER;
	return config->backups != NULL ? ERR_OK : ERR_BACKUPS_OFF;
}

enum err
op_admin_backups(struct call *c, json_t **ret_answer)
{
	struct file files[LIST_MAX];
	size_t count = 0;
	bool running;
	json_t *rows;
	enum err e = check_on(c->service->config);

	if (e == ERR_OK)
		e = read_folder(c->service->config->backups, files, &count);
	if (e != ERR_OK)
		return e;
	running = job_running(&work.job);
	rows = json_array();
	for (size_t i = 0; e == ERR_OK && i < count; i++)
		if (json_array_append_new(rows, json_pack("{s:s, s:I, s:I, s:b}", "file", files[i].name, "size", (json_int_t)files[i].size, "changed",
						    (json_int_t)files[i].changed, "whole", (int)files[i].whole)) != 0)
			e = ERR_NO_MEMORY;
	if (e == ERR_OK)
		return answer_packed(json_pack("{s:o, s:b}", "backups", rows, "running", (int)running), ret_answer);
	json_decref(rows);
	return e;
}

enum err
op_admin_backup(struct call *c, json_t **ret_answer)
{
	enum err e = decode_nothing(c->body);

	if (e == ERR_OK)
		e = check_on(c->service->config);
	if (e == ERR_OK)
		e = begin(c);
	return e == ERR_OK ? op_admin_backups(c, ret_answer) : e;
}
