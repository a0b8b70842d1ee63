/* SPDX-License-Identifier: Apache-2.0 */
#include "user.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>

bool
user_find(const char *name, uid_t *ret_uid)
{
	const struct passwd *entry = getpwnam(name);
	unsigned long number;
	char *end = NULL;

	if (entry != NULL) {
		*ret_uid = entry->pw_uid;
		return true;
	}
	errno = 0;
	number = strtoul(name, &end, 10);
	/* the last number means "no change" to chown and its like */
	if (name[0] < '0' || name[0] > '9' || *end != '\0' || errno != 0 || number >= (uid_t)-1)
		return false;
	*ret_uid = (uid_t)number;
	return true;
}
