/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caller: who may call: the page's origin picks the profile, and the extension that brought the message must be that profile's.
 */
#ifndef MOKHOA_CALLER_H
#define MOKHOA_CALLER_H

#include "err.h"
#include "profile.h"

/*
 * extension is what the browser gave the host in its arguments, NULL where it gave nothing, which only a profile with portal_launch takes.
 * ERR_EXTENSION_REFUSED or ERR_ORIGIN_REFUSED; comparisons are of whole strings, byte for byte.
 */
enum err caller_profile(const struct profile_set *profiles, const char *extension, const char *origin, const struct profile **ret_profile);

/* The same of a page that came without an extension, its origin proven by the transport: ERR_ORIGIN_REFUSED. */
enum err caller_page_profile(const struct profile_set *profiles, const char *origin, const struct profile **ret_profile);

#endif
