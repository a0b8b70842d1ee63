/* SPDX-License-Identifier: Apache-2.0 */
#include "places.h"

#include <string.h>

#include "places_table.h"

size_t
place_count(void)
{
	return sizeof(rows) / sizeof(rows[0]);
}

const struct place *
place_at(size_t index)
{
	return index < place_count() ? &rows[index] : NULL;
}

static bool
is_verified(size_t index)
{
	return strcmp(rows[index].known, "unverified") != 0;
}

bool
place_is_main(size_t index)
{
	for (size_t i = 0; i < place_count(); i++) {
		bool outweighs = is_verified(i) != is_verified(index) ? is_verified(i) : i < index;

		if (outweighs && strcmp(rows[i].host, rows[index].host) == 0)
			return false;
	}
	return true;
}

bool
place_takes(const struct place *place, const char *extension)
{
	return (strncmp(extension, PLACE_CHROMIUM, strlen(PLACE_CHROMIUM)) != 0) == place->firefox;
}

bool
place_chromium_id(const char *extension, char ret_id[PLACE_ID_LEN + 1])
{
	const size_t before = strlen(PLACE_CHROMIUM);

	if (strncmp(extension, PLACE_CHROMIUM, before) != 0 || strlen(extension) != before + PLACE_ID_LEN + 1)
		return false;
	memcpy(ret_id, extension + before, PLACE_ID_LEN);
	ret_id[PLACE_ID_LEN] = '\0';
	return true;
}

bool
place_is_browser(const char *browser)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], browser) == 0)
			return true;
	return false;
}
