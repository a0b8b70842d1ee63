/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile: what this machine's administrator has said about one certificate authority: a JSON file in profiles.d that only the
 * administrator can have written (os_read_trusted). A page can name no module, no server and no file: the origin picks the profile.
 *
 * profile_load_all() reads every file; an origin in two profiles is an error. Values are borrowed from the set until profile_set_free().
 */
#ifndef MOKHOA_PROFILE_H
#define MOKHOA_PROFILE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

#define PROFILE_MAX	     16 /* profiles on a machine */
#define PROFILE_LIST_MAX     16 /* origins, extensions, modules, variables of a module */
#define PROFILE_KEYS_MAX     2	/* signing keys of the TMS: the current and the next */
#define PROFILE_PINS_MAX     4
#define PROFILE_KEY_LEN	     32	 /* Ed25519 */
#define PROFILE_NAME_MAX     32	 /* characters of a profile's name */
#define PROFILE_BROWSERS_MAX 8	 /* browsers that one extension is for */
#define PROFILE_HOST_MAX     256 /* bytes of a host's name, the NUL counted; an origin has no more (text.h) */
#define PROFILE_WHERE_MAX    512 /* characters that say what is wrong with a profile, the NUL counted */

struct profile_variable {
	const char *name;
	const char *value;
};

struct profile_module {
	const char *name;				       /* for people and for token.info */
	const char *path;				       /* absolute */
	struct profile_variable environment[PROFILE_LIST_MAX]; /* what the module finds in its environment, OPENSC_CONF and the like */
	size_t environment_count;
	const char *parameters; /* of C_Initialize, which few modules take (NSS); NULL without any */
	bool flags_reliable;	/* a token that the module does not call locked is not */
};

/* An extension that mokhoa-setup has the browsers install without a question. */
struct profile_forced {
	const char *id;				    /* as in extensions */
	const char *update_url;			    /* https:// or file:///; for Firefox of the xpi */
	const char *browsers[PROFILE_BROWSERS_MAX]; /* names of the table of browsers; none: all of its kind */
	size_t browser_count;
};

struct profile {
	const char *name;			/* of the file without .json: [a-z0-9-], at most 32 */
	const char *tms;			/* https://host[:port] */
	bool tls_system;			/* the system's certificate store in place of tls_ca, for sites that inspect TLS */
	const char *tls_ca;			/* absolute path of a PEM file; NULL with tls_system */
	const char *tls_pins[PROFILE_PINS_MAX]; /* sha256//BASE64 of a public key; none is allowed, two are wise */
	size_t tls_pin_count;
	unsigned char tms_keys[PROFILE_KEYS_MAX][PROFILE_KEY_LEN];
	size_t tms_key_count;
	const char *origins[PROFILE_LIST_MAX];
	size_t origin_count;
	const char *extensions[PROFILE_LIST_MAX]; /* chrome-extension://ID/ or a Firefox add-on id */
	size_t extension_count;
	bool portal_launch; /* the host may be started without the caller's identity in its arguments */
	struct profile_module modules[PROFILE_LIST_MAX];
	size_t module_count;
	struct profile_forced forced[PROFILE_LIST_MAX];
	size_t forced_count;
	bool loopback;	    /* the browsers let the origins reach mokhoa-websocket without a question */
	bool autostart;	    /* mokhoa-websocket starts with a user's session */
	const char *prompt; /* absolute path of a pinentry */
	const char *proxy;  /* "system", "none" or a URL */
	const char *hotline;
	const char *language; /* the first of "languages": "vi" or "en" */
};

struct place; /* places.h */
struct profile_set;

/* Whether len characters are a profile's name: [a-z0-9-], 1 to 32. */
bool profile_name_ok(const char *text, size_t len);

/* Where this build looks: profiles.d in os_config_dir(); "", which has no profile, where the system names no such folder. One thread. */
const char *profile_folder(void);

/*
 * Reads folder/NAME.json, all of them; other endings are not profiles. ERR_PROFILE_MISSING where there is none, ERR_PROFILE_INVALID or ERR_PROFILE_UNSAFE for the first bad
 * one; where (may be NULL, PROFILE_WHERE_MAX characters) says file, line or key, and cause.
 */
enum err profile_load_all(const char *folder, struct profile_set **ret_set, char *where);
void profile_set_free(struct profile_set *set);

size_t profile_count(const struct profile_set *set);
const struct profile *profile_at(const struct profile_set *set, size_t index);
const struct profile *profile_by_origin(const struct profile_set *set, const char *origin); /* exact; NULL where no profile has it */
const struct profile *profile_by_name(const struct profile_set *set, const char *name);
bool profile_has_extension(const struct profile *profile, const char *extension); /* exact */

/* Whether that browser is to install the extension. */
bool profile_forces_in(const struct profile_forced *forced, const struct place *place);

/* The name of an origin's host, without the port. */
void profile_origin_host(const char *origin, char ret[PROFILE_HOST_MAX]);

#endif
