/* SPDX-License-Identifier: Apache-2.0 */
/*
 * places: where each browser of this system looks for the host, for policies and for extensions: the rows of browsers.json, compiled in. README.md says
 * what the columns mean. All is static. Any thread may call.
 */
#ifndef MOKHOA_PLACES_H
#define MOKHOA_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#define PLACE_ID_LEN	32		      /* letters of an extension of Chromium's family */
#define PLACE_HOST_NAME "mokhoa.host"	      /* what extensions call, and NAME.json is the manifest */
#define PLACE_CHROMIUM	"chrome-extension://" /* before the id of an extension of Chromium's family, "/" behind it; an add-on of Firefox has neither */

/* What starts mokhoa-websocket with a user's session: a file on Linux, a value of a key on Windows. */
#define PLACE_AUTOSTART	     "mokhoa-websocket"
#define PLACE_AUTOSTART_FILE "/etc/xdg/autostart/" PLACE_AUTOSTART ".desktop"
#define PLACE_AUTOSTART_KEY  "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run"

struct place {
	const char *browser;	  /* its name in the table: "chrome" */
	const char *name;	  /* for people: "Google Chrome" */
	bool firefox;		  /* its manifest has allowed_extensions, not allowed_origins */
	const char *profile_host; /* NULL where it does not look below its own data */
	const char *host;	  /* a folder, or a registry key */
	const char *user_host;	  /* the same for one account, "~" or HKCU in front */
	const char *policies;	  /* NULL where none is known */
	const char *extensions;	  /* NULL where there is none */
	const char *known;	  /* "measured", "documented" or "unverified" */
};

/* The rows of this system, by the name of the browser; several may have the same folder. */
size_t place_count(void);
const struct place *place_at(size_t index); /* NULL past the end */

/* Of the rows with one host the one by which it is looked at: the first that is not "unverified", else the first. */
bool place_is_main(size_t index);

/* Whether an extension, as profiles name it, is one for this browser. */
bool place_takes(const struct place *place, const char *extension);

/* The id of an extension of Chromium's family, as policies name it; false where it is none. */
bool place_chromium_id(const char *extension, char ret_id[PLACE_ID_LEN + 1]);

/* Whether the table has a browser of that name, on whatever system. */
bool place_is_browser(const char *browser);

#endif
