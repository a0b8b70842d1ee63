/* SPDX-License-Identifier: Apache-2.0 */
#include "look.h"

void
look_at_autostart(struct look *l)
{
	if (look_autostart(l) != NULL && look_trusted(l, PLACE_AUTOSTART_FILE) != ERR_OK)
		look_find(l, FOUND_AUTOSTART_MISSING, PLACE_AUTOSTART_FILE);
}
