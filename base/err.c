/* SPDX-License-Identifier: Apache-2.0 */
#include "err.h"

#include <string.h>

struct row {
	int number;
	int http;
	const char *name;
	const char *vi;
	const char *en;
	const char *hint_vi;
	const char *hint_en;
};

static const struct row rows[ERR_COUNT] = {
	[ERR_OK] = { 0, 200, "ok", "Xong.", "Done.", "", "" },
#define ERR(symbol, number, http, name, vi, en, hint_vi, hint_en) [ERR_##symbol] = { number, http, name, vi, en, hint_vi, hint_en },
#include "err.def"
#undef ERR
};

static const struct row *
row_of(enum err e)
{
	return e >= ERR_OK && e < ERR_COUNT ? &rows[e] : &rows[ERR_INTERNAL];
}

int
err_number(enum err e)
{
	return row_of(e)->number;
}

int
err_http(enum err e)
{
	int http = row_of(e)->http;

	return http != 0 ? http : 500;
}

const char *
err_name(enum err e)
{
	return row_of(e)->name;
}

static int
is_english(const char *lang)
{
	return lang != NULL && strcmp(lang, "en") == 0;
}

const char *
err_sentence(enum err e, const char *lang)
{
	return is_english(lang) ? row_of(e)->en : row_of(e)->vi;
}

const char *
err_hint(enum err e, const char *lang)
{
	return is_english(lang) ? row_of(e)->hint_en : row_of(e)->hint_vi;
}

enum err
err_from_name(const char *name)
{
	for (int e = ERR_OK; e < ERR_COUNT; e++)
		if (strcmp(rows[e].name, name) == 0)
			return (enum err)e;
	return ERR_INTERNAL;
}
