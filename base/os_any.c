/* SPDX-License-Identifier: Apache-2.0 */
#include "os_any.h"

#include "os.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_STEP 4096

enum err
os_read_to_end(intptr_t handle, struct buf *ret)
{
	for (;;) {
		size_t left = ret->max - ret->len;
		char beyond;
		size_t step = left < READ_STEP ? left : READ_STEP;
		unsigned char *room = buf_room(ret, step);
		long got;

		if (room == NULL)
			return buf_error(ret);
		got = os_read(handle, step != 0 ? (void *)room : &beyond, step != 0 ? step : 1);
		if (got < 0)
			return ERR_FILE_FAILED;
		if (got == 0)
			return ERR_OK;
		if (step == 0)
			return ERR_FRAME_TOO_LARGE;
		buf_grew(ret, (size_t)got);
	}
}

enum err
os_read_up_to(intptr_t handle, void *ret, size_t max, size_t *ret_len)
{
	size_t len = 0;
	long got = 1;

	while (len < max && got > 0) {
		got = os_read(handle, (char *)ret + len, max - len);
		if (got < 0)
			return ERR_FILE_FAILED;
		len += (size_t)got;
	}
	*ret_len = len;
	return ERR_OK;
}

enum err
os_program_path(const char *folder, const char *name, char ret[OS_PATH_MAX])
{
	char ours[OS_PATH_MAX];

	if (folder == NULL && os_program_dir(ours) != ERR_OK)
		return ERR_INTERNAL;
	return (size_t)snprintf(ret, OS_PATH_MAX, "%s/%s%s", folder != NULL ? folder : ours, name, os_program_ending) < OS_PATH_MAX ? ERR_OK : ERR_INTERNAL;
}

bool
os_names_add(struct os_names *names, const char *name)
{
	char *copy;

	if (names->count == names->cap) {
		size_t cap = names->cap != 0 ? names->cap * 2 : 16;
		char **at = realloc(names->at, cap * sizeof(*at));
		if (at == NULL)
			return false;
		names->at = at;
		names->cap = cap;
	}
	copy = malloc(strlen(name) + 1);
	if (copy == NULL)
		return false;
	memcpy(copy, name, strlen(name) + 1);
	names->at[names->count++] = copy;
	return true;
}

static int
in_byte_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
os_names_end(struct os_names *names, void (*each)(const char *name, void *context), void *context)
{
	if (names->count != 0)
		qsort(names->at, names->count, sizeof(*names->at), in_byte_order);
	for (size_t i = 0; i < names->count; i++) {
		if (each != NULL)
			each(names->at[i], context);
		free(names->at[i]);
	}
	free(names->at);
	*names = (struct os_names){ 0 };
}

bool
os_fresh_name(const char *name, char *ret, size_t max)
{
	unsigned char chance[8];
	char hex[2 * sizeof(chance) + 1];
	int len;

	os_random(chance, sizeof(chance));
	text_hex(chance, sizeof(chance), hex);
	len = snprintf(ret, max, ".%s.%s", name, hex);
	return len > 0 && (size_t)len < max;
}

bool
os_is_fresh_name(const char *found, const char *name)
{
	size_t len = strlen(name);

	return found[0] == '.' && strncmp(found + 1, name, len) == 0 && found[1 + len] == '.';
}
