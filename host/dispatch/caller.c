/* SPDX-License-Identifier: Apache-2.0 */
#include "caller.h"

#include <stddef.h>

static bool
is_known(const struct profile_set *profiles, const char *extension)
{
	for (size_t i = 0; i < profile_count(profiles); i++)
		if (profile_has_extension(profile_at(profiles, i), extension))
			return true;
	return false;
}

enum err
caller_profile(const struct profile_set *profiles, const char *extension, const char *origin, const struct profile **ret_profile)
{
	const struct profile *profile;

	if (extension != NULL && !is_known(profiles, extension))
		return ERR_EXTENSION_REFUSED;
	profile = profile_by_origin(profiles, origin);
	if (profile == NULL)
		return ERR_ORIGIN_REFUSED;
	if (extension == NULL ? !profile->portal_launch : !profile_has_extension(profile, extension))
		return ERR_EXTENSION_REFUSED;
	*ret_profile = profile;
	return ERR_OK;
}

enum err
caller_page_profile(const struct profile_set *profiles, const char *origin, const struct profile **ret_profile)
{
	const struct profile *profile = profile_by_origin(profiles, origin);

	if (profile == NULL)
		return ERR_ORIGIN_REFUSED;
	*ret_profile = profile;
	return ERR_OK;
}
