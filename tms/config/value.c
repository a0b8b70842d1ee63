/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include "address.h"
#include "os.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

static bool
read_text(const json_t *value, size_t min, size_t max, const char **ret_text)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (text == NULL || len < min || len > max || !text_is_showable(text, len))
		return false;
	*ret_text = text;
	return true;
}

/* A text that is_right() takes. */
static bool
read_checked(const json_t *value, size_t min, size_t max, bool (*is_right)(const char *text), const char **ret_text)
{
	const char *text;

	if (!read_text(value, min, max, &text) || !is_right(text))
		return false;
	*ret_text = text;
	return true;
}

static bool
is_path(const char *text)
{
	return text[0] == '/';
}

static bool
is_origin(const char *text)
{
	return text_is_origin(text, strlen(text));
}

static bool
is_address(const char *text)
{
	return address_ok(text, strlen(text));
}

static bool
is_domain(const char *text)
{
	char whole[ADDRESS_MAX + 1];

	snprintf(whole, sizeof(whole), "x@%s", text);
	return address_ok(whole, strlen(whole));
}

static bool
is_smtp_url(const char *text)
{
	return (strncmp(text, "smtp://", 7) == 0 || strncmp(text, "smtps://", 8) == 0) && strpbrk(text, " @?#") == NULL;
}

/* ---- this machine ---- */

/* A socket, or loopback. */
static bool
is_here(const char *host, size_t len)
{
	static const char *const names[] = { "localhost", "::1", "[::1]" };

	if (len == 0 || host[0] == '/' || host[0] == '@')
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && strncmp(host, names[i], len) == 0)
			return true;
	return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len;
}

bool
value_is_smtp_here(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");

	return is_here(host, len);
}

/* ---- a database of PostgreSQL ---- */

#define DATABASE_MAX 512 /* bytes of a URL */

/* All of a list with commas between, in the authority each perhaps with its port. */
static bool
are_here(const char *escaped, size_t len, bool ports)
{
	char part[DATABASE_MAX + 1];
	char hosts[DATABASE_MAX + 1];

	snprintf(part, sizeof(part), "%.*s", (int)len, escaped);
	if (!text_unescape(part, '+', hosts, sizeof(hosts)))
		return false;
	for (const char *host = hosts;; host++) {
		size_t all = strcspn(host, ",");
		size_t bracket = host[0] == '[' ? strcspn(host, "]") : 0;
		size_t name = ports ? bracket + strcspn(host + bracket, ":,") : all;
		if (!is_here(host, name))
			return false;
		host += all;
		if (*host == '\0')
			return true;
	}
}

static bool
is_named(const char *parameter, const char *name, size_t len)
{
	return strlen(name) == len && strncmp(parameter, name, len) == 0;
}

/*
 * Of what libpq reads behind the "?" (https://www.postgresql.org/docs/15/libpq-connect.html, 34.1.1.2) only the hosts and sslmode are looked at here. A name that is
 * escaped, or a service, whose file may name any host, is for nobody's eyes to miss.
 */
static bool
read_parameters(const char *at, bool *ret_here, bool *ret_verified)
{
	bool weak = false;

	for (; *at != '\0'; at += *at == '&') {
		size_t name = strcspn(at, "=&");
		const char *value = at + name + (at[name] == '=');
		size_t len = strcspn(value, "&");
		if (memchr(at, '%', name) != NULL)
			return false;
		if (is_named(at, "sslmode", name)) {
			*ret_verified = is_named(value, "verify-full", len);
			weak = weak || !*ret_verified;
		} else if (is_named(at, "host", name) || is_named(at, "hostaddr", name)) {
			*ret_here = *ret_here && are_here(value, len, false);
		} else if (is_named(at, "service", name)) {
			*ret_here = false;
		}
		at = value + len;
	}
	*ret_verified = *ret_verified && !weak;
	return true;
}

/*
 * A password would stand before the @ or be a parameter; libpq takes it from a file of its own (passfile). What passes a network is encrypted, and its other end has
 * proved its name.
 */
static bool
is_database(const char *text)
{
	static const char scheme[] = "postgresql://";
	const char *host = text + strlen(scheme);
	const char *query;
	size_t user;
	bool here;
	bool verified = false;

	if (strncmp(text, scheme, strlen(scheme)) != 0 || strchr(text, ' ') != NULL || strstr(text, "password=") != NULL)
		return false;
	user = strcspn(host, "@/"); /* as libpq looks for it, past a "?" */
	if (host[user] == '@') {
		if (memchr(host, ':', user) != NULL)
			return false;
		host += user + 1;
	}
	here = are_here(host, strcspn(host, "/?"), true);
	query = strchr(host, '?');
	return read_parameters(query != NULL ? query + 1 : "", &here, &verified) && (here || verified);
}

static bool
is_http_url(const char *text)
{
	return strncmp(text, "http://", 7) == 0 && strpbrk(text, " @#") == NULL;
}

static bool
is_door(const char *text)
{
	int64_t port = 0;

	if (text[0] == '/')
		return true;
	return strncmp(text, "127.0.0.1:", 10) == 0 && text[10] != '0' && text_number(text + 10, strlen(text + 10), &port) && port > 0 && port <= 65535;
}

static bool
read_word(const json_t *value, const char *const *words, unsigned *ret_index)
{
	const char *word = json_string_value(value);

	for (unsigned i = 0; word != NULL && words[i] != NULL; i++)
		if (strcmp(words[i], word) == 0) {
			*ret_index = i;
			return true;
		}
	return false;
}

static bool
read_languages(const json_t *value, const char **ret_first)
{
	size_t count = json_array_size(value);

	if (count < 1 || count > 2)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *word = json_string_value(json_array_get(value, i));
		if (word == NULL || (strcmp(word, "vi") != 0 && strcmp(word, "en") != 0))
			return false;
	}
	*ret_first = json_string_value(json_array_get(value, 0));
	return true;
}

static bool
read_number(const json_t *value, const struct value_row *row, int64_t *ret_number)
{
	int64_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < row->min || number > row->max)
		return false;
	*ret_number = number;
	return true;
}

static bool
read_count(const json_t *value, const struct value_row *row, unsigned *ret_count)
{
	int64_t number;

	if (!read_number(value, row, &number))
		return false;
	*ret_count = (unsigned)number;
	return true;
}

static bool
read_switch(const json_t *value, bool *ret)
{
	if (!json_is_boolean(value))
		return false;
	*ret = json_is_true(value);
	return true;
}

bool
value_read(const struct value_row *row, const json_t *value, void *ret)
{
	switch (row->kind) {
	case VALUE_TEXT:
		return read_text(value, (size_t)row->min, (size_t)row->max, ret);
	case VALUE_PATH:
		return read_checked(value, 2, OS_PATH_MAX - 64, is_path, ret);
	case VALUE_ORIGIN:
		return read_checked(value, 1, 255, is_origin, ret);
	case VALUE_ADDRESS:
		return read_checked(value, 1, ADDRESS_MAX, is_address, ret);
	case VALUE_DOMAIN:
		return read_checked(value, 1, 180, is_domain, ret);
	case VALUE_SMTP_URL:
		return read_checked(value, 8, 255, is_smtp_url, ret);
	case VALUE_HTTP_URL:
		return read_checked(value, 8, 255, is_http_url, ret);
	case VALUE_DATABASE:
		return read_checked(value, 14, DATABASE_MAX, is_database, ret);
	case VALUE_DOOR:
		return read_checked(value, 2, 107, is_door, ret);
	case VALUE_WORD:
		return read_word(value, row->words, ret);
	case VALUE_LANGUAGES:
		return read_languages(value, ret);
	case VALUE_SECONDS:
		return read_number(value, row, ret);
	case VALUE_COUNT:
		return read_count(value, row, ret);
	case VALUE_SWITCH:
		return read_switch(value, ret);
	}
	return false;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
value_equal(const struct value_row *row, const void *a, const void *b)
{
	switch (row->kind) {
	case VALUE_SECONDS:
		return *(const int64_t *)a == *(const int64_t *)b;
	case VALUE_COUNT:
	case VALUE_WORD:
		return *(const unsigned *)a == *(const unsigned *)b;
	case VALUE_SWITCH:
		return *(const bool *)a == *(const bool *)b;
	default:
		return same_text(*(const char *const *)a, *(const char *const *)b);
	}
}

void
value_set_fallback(const struct value_row *row, void *ret)
{
	if (row->kind == VALUE_SECONDS)
		*(int64_t *)ret = row->fallback;
	if (row->kind == VALUE_COUNT || row->kind == VALUE_WORD)
		*(unsigned *)ret = (unsigned)row->fallback;
}

static void
expect_word(const struct value_row *row, char ret[VALUE_EXPECTED_SIZE])
{
	size_t used = 0;

	for (size_t i = 0; row->words[i] != NULL; i++)
		used += (size_t)snprintf(ret + used, VALUE_EXPECTED_SIZE - used, "%s\"%s\"", i == 0 ? "" : row->words[i + 1] == NULL ? " or "
																     : ", ",
		    row->words[i]);
}

void
value_expected(const struct value_row *row, char ret[VALUE_EXPECTED_SIZE])
{
	static const char *const fixed[] = {
		[VALUE_PATH] = "an absolute path",
		[VALUE_ORIGIN] = "https://host[:port] in lower case, without a path",
		[VALUE_ADDRESS] = "a mail address",
		[VALUE_DOMAIN] = "the domain of a mail address",
		[VALUE_SMTP_URL] = "smtp://host[:port] or smtps://host[:port]; user and password stand in \"credentials\"",
		[VALUE_HTTP_URL] = "http://host[:port][/path]: what a responder says is signed",
		[VALUE_DATABASE] = "postgresql://[user@][host]/name[?parameters]; a password stands in the file that \"passfile\" names, and over a network sslmode is verify-full",
		[VALUE_DOOR] = "the absolute path of a Unix socket, or 127.0.0.1:PORT",
		[VALUE_LANGUAGES] = "a list of \"vi\" and \"en\", the first language first",
		[VALUE_SWITCH] = "true or false",
	};

	switch (row->kind) {
	case VALUE_TEXT:
		snprintf(ret, VALUE_EXPECTED_SIZE, "a text of %lld to %lld bytes without control characters", (long long)row->min, (long long)row->max);
		break;
	case VALUE_SECONDS:
		snprintf(ret, VALUE_EXPECTED_SIZE, "a whole number of seconds from %lld to %lld", (long long)row->min, (long long)row->max);
		break;
	case VALUE_COUNT:
		snprintf(ret, VALUE_EXPECTED_SIZE, "a whole number from %lld to %lld", (long long)row->min, (long long)row->max);
		break;
	case VALUE_WORD:
		expect_word(row, ret);
		break;
	default:
		snprintf(ret, VALUE_EXPECTED_SIZE, "%s", fixed[row->kind]);
	}
}
