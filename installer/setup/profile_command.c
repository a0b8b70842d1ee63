/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_command.h"

#include "buf.h"
#include "json.h"
#include "medium.h"
#include "os.h"
#include "os_shared.h"
#include "profile.h"
#include "profile_install.h"
#include "profile_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FROM_MAX 65536 /* bytes of a profile */

enum act {
	ACT_PRINT,
	ACT_INSTALL,
	ACT_UNDO,
	ACT_WITHDRAW
};

struct wish {
	enum act act;
	struct profile_place place;
	char name[PROFILE_NAME_MAX + 1];
	const char *from;      /* NULL: begins with nothing */
	const char *ca;	       /* NULL without one */
	const char *out;       /* NULL: stdout */
	char own[OS_PATH_MAX]; /* what from points to with again */
	bool undoable;
	bool again;
};

#define DEFAULT_NAME "mokhoa"

static enum err
refuse(char *where, enum err e, const char *subject, const char *cause)
{
	snprintf(where, PROFILE_WHERE_MAX, "%.200s%s%.200s", subject, cause[0] != '\0' ? ": " : "", cause);
	return e;
}

static enum err
set_name(struct wish *w, const char *text, size_t len, char *where)
{
	if (!profile_name_ok(text, len))
		return refuse(where, ERR_PROFILE_INVALID, text, "a profile's name is [a-z0-9-]{1,32}");
	memcpy(w->name, text, len);
	w->name[len] = '\0';
	return ERR_OK;
}

/* Where no name is said: that of the file, which is spelled as this or the other system does. */
static enum err
name_from_file(struct wish *w, char *where)
{
	const char *base = w->from;
	size_t len;

	for (const char *at = w->from; *at != '\0'; at++)
		if (*at == '/' || *at == '\\')
			base = at + 1;
	len = strlen(base);
	if (len > 5 && strcmp(base + len - 5, ".json") == 0)
		len -= 5;
	return set_name(w, base, len, where);
}

/* The profile that was installed before, where there is one; else a new one, whose name nobody has to think of. */
static enum err
begin_with_own(struct wish *w, char *where)
{
	struct buf b = buf_new(FROM_MAX);
	enum err e = w->name[0] == '\0' ? profile_find_installed(w->place.root, w->name, where) : ERR_OK;

	if (e == ERR_OK && w->name[0] == '\0')
		memcpy(w->name, DEFAULT_NAME, sizeof(DEFAULT_NAME));
	if (e == ERR_OK && snprintf(w->own, sizeof(w->own), "%s%s/%s.json", w->place.root, profile_folder(), w->name) < (int)sizeof(w->own) &&
	    os_shared_read(w->own, &b) != ERR_FILE_MISSING)
		w->from = w->own;
	buf_free(&b);
	return e;
}

/* ---- arguments ---- */

static bool
take_switch(struct wish *w, const char *argument)
{
	static const struct {
		const char *name;
		enum act act;
	} acts[] = { { "--install", ACT_INSTALL }, { "--undo", ACT_UNDO }, { "--withdraw", ACT_WITHDRAW } };

	if (strcmp(argument, "--undoable") == 0)
		return w->undoable = true;
	if (strcmp(argument, "--again") == 0)
		return w->again = true;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (strcmp(argument, acts[i].name) != 0)
			continue;
		w->act = acts[i].act;
		return true;
	}
	return false;
}

/* What profile_make_option() does not know; false where this does not, either. */
static bool
take_value(struct wish *w, const char *argument, const char *value, enum err *ret_error, char *where)
{
	*ret_error = ERR_OK;
	if (strcmp(argument, "--root") == 0)
		*ret_error = value[0] == '\0' || medium_takes_root(value) ? ERR_OK : ERR_USAGE, w->place.root = value;
	else if (strcmp(argument, "--name") == 0)
		*ret_error = value[0] != '\0' ? set_name(w, value, strlen(value), where) : ERR_OK;
	else if (strcmp(argument, "--from") == 0)
		w->from = value[0] != '\0' ? value : NULL;
	else if (strcmp(argument, "--out") == 0)
		w->out = value[0] != '\0' ? value : NULL;
	else
		return false;
	return true;
}

/* First what is no key of the profile, because --from comes before all that changes it, wherever it stands. */
static enum err
read_wish(char *argv[], struct wish *w, char *where)
{
	for (size_t i = 0; argv[i] != NULL; i++) {
		enum err e;
		if (take_switch(w, argv[i]))
			continue;
		if (argv[i + 1] == NULL)
			return refuse(where, ERR_USAGE, argv[i], "");
		if (take_value(w, argv[i], argv[i + 1], &e, where) && e != ERR_OK)
			return e;
		if (strcmp(argv[i], "--tls-ca") == 0 && argv[i + 1][0] != '\0')
			w->ca = argv[i + 1];
		if (strcmp(argv[i], "--tls") == 0 && argv[i + 1][0] != '\0')
			w->ca = NULL;
		i++;
	}
	if (w->act == ACT_UNDO || w->act == ACT_WITHDRAW)
		return ERR_OK;
	if (w->again && w->from == NULL)
		return begin_with_own(w, where);
	if (w->name[0] != '\0')
		return ERR_OK;
	if (w->from != NULL)
		return name_from_file(w, where);
	/* one that is only printed needs none */
	return w->act == ACT_PRINT ? ERR_OK : refuse(where, ERR_USAGE, "--name", "");
}

static enum err
read_options(char *argv[], struct profile_make *make, char *where)
{
	struct wish again = { 0 };
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && argv[i] != NULL; i++) {
		enum err unread;
		if (take_switch(&again, argv[i]))
			continue;
		if (!take_value(&again, argv[i], argv[i + 1], &unread, where))
			e = profile_make_option(make, argv[i], argv[i + 1]);
		if (e == ERR_USAGE)
			(void)refuse(where, e, argv[i], argv[i + 1]);
		i++;
	}
	return e;
}

/* ---- doing it ---- */

static enum err
read_from(const char *path, json_t **ret_document, char *where)
{
	struct buf b = buf_new(FROM_MAX);
	char cause[160] = "";
	enum err e = os_shared_read(path, &b);

	if (e != ERR_OK)
		(void)refuse(where, e, path, e == ERR_FILE_MISSING ? "" : "cannot be read, is a link, or is longer than 65536 bytes");
	if (e == ERR_OK && json_load(b.data, b.len, ret_document, cause) != ERR_OK)
		e = refuse(where, ERR_PROFILE_INVALID, path, cause);
	buf_free(&b);
	return e;
}

static enum err
print(const struct wish *w, const json_t *document, char *where)
{
	char *text = NULL;
	enum err e = profile_make_text(document, &text, where);

	if (e == ERR_OK && w->out == NULL)
		fputs(text, stdout);
	if (e == ERR_OK && w->out != NULL && os_shared_write(w->out, text, strlen(text)) != ERR_OK)
		e = refuse(where, ERR_FILE_FAILED, w->out, "");
	free(text);
	return e;
}

static enum err
make(char *argv[], const struct wish *w, char *where)
{
	struct profile_make m = { 0 };
	json_t *document;
	enum err e = ERR_OK;

	if (w->from != NULL)
		e = read_from(w->from, &m.document, where);
	else
		m.document = json_object();
	if (e != ERR_OK)
		return e;
	e = read_options(argv, &m, where);
	document = profile_make_end(&m);
	if (e == ERR_OK && w->act == ACT_PRINT)
		e = print(w, document, where);
	else if (e == ERR_OK)
		e = profile_install(&w->place, document, w->ca, where);
	if (e == ERR_OK && w->act == ACT_INSTALL && !w->undoable)
		e = profile_settle(w->place.root, where);
	json_decref(document);
	return e;
}

enum err
profile_command(char *argv[], char *where)
{
	struct wish w = { .place = { .root = "" } };
	enum err e = read_wish(argv, &w, where);

	if (e != ERR_OK)
		return e;
	w.place.name = w.name;
	switch (w.act) {
	case ACT_UNDO:
		return profile_undo(w.place.root, where);
	case ACT_WITHDRAW:
		e = profile_withdraw(&w.place, where);
		return e == ERR_OK && !w.undoable ? profile_settle(w.place.root, where) : e;
	default:
		return make(argv, &w, where);
	}
}
