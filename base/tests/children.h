/* SPDX-License-Identifier: Apache-2.0 */
/* What tests share that start themselves as their own children: main() with an argument is the child of that name. */
#ifndef MOKHOA_CHILDREN_H
#define MOKHOA_CHILDREN_H

#include "check.h"
#include "os.h"

#include <stdio.h>

static char self[OS_PATH_MAX + 32];
static const char *self_name;

/* Called first: how the running test is called. */
static inline void
children_of(const char *name)
{
	char where[OS_PATH_MAX];

	self_name = name;
	CHECK(os_program_dir(where) == ERR_OK);
	snprintf(self, sizeof(self), "%s/%s", where, name);
}

/* more may be NULL: another argument. */
static inline struct os_child
started(const char *name, const char *more, const char *const env[], unsigned flags)
{
	const char *const argv[] = { self_name, name, more, NULL };
	struct os_child child = { 0 };

	CHECK(os_spawn(self, argv, env, flags, &child) == ERR_OK);
	return child;
}

/* What it says until its end. */
static inline const char *
all_output(struct os_child *child)
{
	static char text[1024];
	size_t used = 0;

	for (long n = 1; n > 0 && used < sizeof(text) - 1;) {
		n = os_read(child->out, text + used, sizeof(text) - 1 - used);
		used += n > 0 ? (size_t)n : 0;
	}
	text[used] = '\0';
	return text;
}

static inline void
close_handle(intptr_t *handle)
{
	os_close(*handle);
	*handle = -1;
}

#endif
