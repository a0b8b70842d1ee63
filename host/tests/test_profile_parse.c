/* SPDX-License-Identifier: Apache-2.0 */
/* One profile that is right, and every way in which one can be wrong: what it says of it names the key. */
#include "profile_parse.h"

#include "check.h"
#include "json.h"

#include <stdlib.h>

static const char good[] =
    "{\"tms\": \"https://tms.example\", \"tls_ca\": \"/etc/mokhoa/ca.pem\","
    " \"tms_keys\": [\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\", \"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\"],"
    " \"tls_pins\": [\"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"],"
    " \"origins\": [\"https://portal.example\", \"https://portal.example:8443\", \"http://localhost:3000\"],"
    " \"extensions\": [\"chrome-extension://abcdefghijklmnopabcdefghijklmnop/\", \"mokhoa@example.vn\", \"{01234567-89ab-cdef-0123-456789ABCDEF}\"],"
    " \"modules\": [{\"name\": \"OpenSC\", \"path\": \"/usr/lib/opensc-pkcs11.so\","
    " \"environment\": {\"OPENSC_CONF\": \"/etc/mokhoa/opensc.conf\", \"A_1\": \"\"}}, {\"name\": \"Khác\", \"path\": \"/opt/x.so\"}],"
    " \"prompt\": \"/usr/bin/pinentry\", \"hotline\": \"1900 1234\", \"languages\": [\"vi\", \"en\"]}";

static enum err
parse(const char *text, struct profile *p, char where[PROFILE_WHERE_MAX])
{
	json_t *texts = NULL;
	enum err e = profile_parse(text, strlen(text), p, &texts, where);

	json_decref(texts);
	return e;
}

static void
test_good(void)
{
	struct profile p;
	json_t *texts;
	char where[PROFILE_WHERE_MAX];

	if (!CHECK(profile_parse(good, strlen(good), &p, &texts, where) == ERR_OK)) {
		printf("%s\n", where);
		return;
	}
	CHECK_TEXT(p.tms, "https://tms.example");
	CHECK(!p.tls_system && !p.portal_launch);
	CHECK_TEXT(p.tls_ca, "/etc/mokhoa/ca.pem");
	CHECK(p.tls_pin_count == 1 && p.tms_key_count == 2 && p.tms_keys[0][0] == 0 && p.tms_keys[1][31] == 1);
	CHECK(p.origin_count == 3 && p.extension_count == 3 && p.module_count == 2);
	CHECK_TEXT(p.origins[2], "http://localhost:3000");
	CHECK(profile_has_extension(&p, "mokhoa@example.vn"));
	CHECK(!profile_has_extension(&p, "mokhoa@example.v") && !profile_has_extension(&p, "mokhoa@example.vnn") && !profile_has_extension(&p, ""));
	CHECK(p.modules[0].environment_count == 2 && p.modules[1].environment_count == 0);
	CHECK_TEXT(p.modules[0].environment[0].name, "OPENSC_CONF");
	CHECK_TEXT(p.modules[0].environment[1].value, "");
	CHECK_TEXT(p.proxy, "system");
	CHECK_TEXT(p.language, "vi");
	json_decref(texts);
}

/* Parses the good profile with one key set to another value, or taken away (NULL). */
static enum err
parse_with(const char *key, const char *value, char where[PROFILE_WHERE_MAX])
{
	json_t *object = json_loads(good, 0, NULL);
	struct buf b = buf_new(65536);
	struct profile p;
	enum err e;

	if (value != NULL)
		json_object_set_new(object, key, json_loads(value, JSON_DECODE_ANY, NULL));
	else
		json_object_del(object, key);
	json_dump(object, &b);
	e = parse(buf_text(&b), &p, where);
	buf_free(&b);
	json_decref(object);
	return e;
}

/* It is refused, and where names what. */
static void
bad(const char *key, const char *value, const char *names)
{
	char where[PROFILE_WHERE_MAX];

	if (!CHECK(parse_with(key, value, where) == ERR_PROFILE_INVALID) || !CHECK(strstr(where, names) != NULL))
		printf("  %s: %s -> %s\n", key, value != NULL ? value : "(none)", where);
}

static void
ok(const char *key, const char *value)
{
	char where[PROFILE_WHERE_MAX];

	if (!CHECK(parse_with(key, value, where) == ERR_OK))
		printf("  %s: %s -> %s\n", key, value != NULL ? value : "(none)", where);
}

static void
test_keys(void)
{
	static const char *const needed[] = { "tms", "tls_ca", "tms_keys", "origins", "extensions", "modules", "prompt", "hotline", "languages" };
	static const char *const keys[] = { "tms", "tls", "tls_ca", "tls_pins", "tms_keys", "origins", "extensions", "portal_launch", "modules",
		"prompt", "proxy", "hotline", "languages" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		bad(needed[i], NULL, needed[i]);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		bad(keys[i], "null", keys[i]);
		bad(keys[i], "1", keys[i]);
		bad(keys[i], "{\"a\": 1}", keys[i]);
		bad(keys[i], "[1]", keys[i]);
		bad(keys[i], "\"\"", keys[i]);
		bad(keys[i], "\"a\\u202eb\"", keys[i]);
	}
	bad("tsm", "\"https://tms.example\"", "tsm");
	bad("TMS", "\"https://tms.example\"", "TMS");
}

static void
test_server(void)
{
	bad("tms", "\"http://tms.example\"", "tms");
	bad("tms", "\"http://localhost\"", "tms");
	bad("tms", "\"https://tms.example/\"", "tms");
	bad("tms", "\"https://TMS.example\"", "tms");
	bad("tms", "\"https://tms.example:443\"", "tms");
	bad("tms", "\"https://u@tms.example\"", "tms");
	bad("tms", "\"tms.example\"", "tms");
	ok("tms", "\"https://10.0.0.1:8443\"");

	bad("tls", "\"none\"", "tls");
	bad("tls", "\"system\"", "tls_ca");
	ok("tls", "\"pinned\"");
	bad("tls_ca", "\"ca.pem\"", "tls_ca");
	bad("tls_pins", "[]", "tls_pins");
	bad("tls_pins", "[\"sha256//AAAA\"]", "tls_pins[0]");
	bad("tls_pins", "[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]", "tls_pins[0]");
	bad("tls_pins", "[\"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]", "tls_pins[0]");
	bad("tls_pins", "[\"a\", \"b\", \"c\", \"d\", \"e\"]", "tls_pins");
	ok("tls_pins", NULL);

	bad("tms_keys", "[]", "tms_keys");
	bad("tms_keys", "[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]", "tms_keys");
	bad("tms_keys", "[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]", "tms_keys");
	bad("tms_keys", "[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]", "tms_keys");
	bad("tms_keys", "[\"a\", \"b\", \"c\"]", "tms_keys");

	ok("proxy", "\"none\"");
	ok("proxy", "\"http://proxy.example:3128\"");
	bad("proxy", "\"http://u:p@proxy.example:3128\"", "proxy");
	bad("proxy", "\"http://\"", "proxy");
	bad("proxy", "\"http:/proxy\"", "proxy");
	bad("proxy", "\"socks5://proxy\"", "proxy");
}

static void
test_callers(void)
{
	static const char *const origins[] = { "http://portal.example", "https://portal.example/", "https://Portal.example", "https://portal.example:443",
		"http://localhost:80", "https://portal.example.", "https://*.example", "*", "null", "file://", "ws://portal.example", "https://portal.example/a",
		"https://portal.example?", "https://portal.example#", " https://portal.example", "https://cổng.example", "https://", "chrome-extension://a" };
	char value[512];

	for (size_t i = 0; i < sizeof(origins) / sizeof(*origins); i++) {
		snprintf(value, sizeof(value), "[\"https://ok.example\", \"%s\"]", origins[i]);
		bad("origins", value, "origins[1]");
	}
	bad("origins", "[]", "origins");
	bad("origins", "\"https://portal.example\"", "origins");
	bad("origins", "[\"https://a.example\", \"https://a.example\"]", "origins[1]");
	bad("origins", "[\"https://a.b\", \"https://b.b\", \"https://c.b\", \"https://d.b\", \"https://e.b\", \"https://f.b\", \"https://g.b\", \"https://h.b\","
		       "\"https://i.b\", \"https://j.b\", \"https://k.b\", \"https://l.b\", \"https://m.b\", \"https://n.b\", \"https://o.b\", \"https://p.b\", \"https://q.b\"]",
	    "origins");

	bad("extensions", "[\"chrome-extension://abcdefghijklmnopabcdefghijklmnop\"]", "extensions[0]");
	bad("extensions", "[\"chrome-extension://abcdefghijklmnopabcdefghijklmno/\"]", "extensions[0]");
	bad("extensions", "[\"chrome-extension://abcdefghijklmnopabcdefghijklmnoq/\"]", "extensions[0]");
	bad("extensions", "[\"chrome-extension://abcdefghijklmnopabcdefghijklmnop!\"]", "extensions[0]");
	bad("extensions", "[\"chrome-extension://*/\"]", "extensions[0]");
	bad("extensions", "[\"mokhoa\"]", "extensions[0]");
	bad("extensions", "[\"mokhoa@\"]", "extensions[0]");
	bad("extensions", "[\"a@b@c\"]", "extensions[0]");
	bad("extensions", "[\"a@b/c\"]", "extensions[0]");
	bad("extensions", "[\"{01234567-89ab-cdef-0123-456789ABCDEF\"]", "extensions[0]");
	ok("extensions", "[]");
	ok("portal_launch", "true");
	ok("portal_launch", "false");
	bad("portal_launch", "\"true\"", "portal_launch");
}

static void
module(const char *value, const char *names)
{
	char list[4096];

	snprintf(list, sizeof(list), "[{\"name\": \"a\", \"path\": \"/a.so\"}, %s]", value);
	bad("modules", list, names);
}

static void
test_modules(void)
{
	static const char *const paths[] = { "a.so", "./a.so", "../a.so", "/", "", "/a/", "//a", "/a//b", "/a/./b", "/a/../b", "/a/.", "/a/..", "/..", "/./a", "~/a.so", "pkcs11:x", "C:\\\\a.dll" };
	static const char *const names[] = { "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_", "PKCS11_PROVIDER", "OPENSC_DEBUG", "opensc_conf", "A-B", "A=B", "", "Ă",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLM" };
	char value[512];

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		snprintf(value, sizeof(value), "{\"name\": \"b\", \"path\": \"%s\"}", paths[i]);
		module(value, "modules[1].path");
		snprintf(value, sizeof(value), "\"%s\"", paths[i]);
		bad("prompt", value, "prompt");
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(value, sizeof(value), "{\"name\": \"b\", \"path\": \"/b\", \"environment\": {\"%s\": \"x\"}}", names[i]);
		module(value, "modules[1].environment");
	}
	module("{\"name\": \"b\", \"path\": \"/b\", \"environment\": {\"A\": 1}}", "modules[1].environment");
	module("{\"name\": \"b\", \"path\": \"/b\", \"environment\": {\"A\": \"a\\nb\"}}", "modules[1].environment");
	module("{\"name\": \"b\", \"path\": \"/b\", \"environment\": []}", "modules[1].environment");
	module("{\"name\": \"b\", \"path\": \"/b\", \"environment\": null}", "modules[1].environment");
	module("{\"name\": \"b\", \"path\": \"/b\", \"x\": 1}", "modules[1]");
	module("{\"name\": \"b\", \"path\": \"/b\", \"parameters\": \"\"}", "modules[1].parameters");
	module("{\"name\": \"b\", \"path\": \"/b\", \"parameters\": 1}", "modules[1].parameters");
	module("{\"name\": \"b\", \"path\": \"/b\", \"parameters\": \"a\\nb\"}", "modules[1].parameters");
	module("{\"name\": \"b\", \"path\": \"/b\", \"parameters\": \"ă\"}", "modules[1].parameters");
	module("{\"name\": \"b\", \"path\": \"/b\", \"flags\": \"\"}", "modules[1].flags");
	module("{\"name\": \"b\", \"path\": \"/b\", \"flags\": true}", "modules[1].flags");
	ok("modules", "[{\"name\": \"a\", \"path\": \"/a\", \"parameters\": \"configdir='sql:/a' flags=readOnly\", \"flags\": \"reliable\"}]");
	ok("modules", "[{\"name\": \"a\", \"path\": \"/a\", \"flags\": \"unknown\"}]");
	module("{\"name\": \"b\"}", "modules[1]");
	module("{\"path\": \"/b\"}", "modules[1]");
	module("{\"name\": \"\", \"path\": \"/b\"}", "modules[1].name");
	module("{\"name\": \"a\", \"path\": \"/b\"}", "modules[1]");
	module("\"/b.so\"", "modules[1]");
	bad("modules", "[]", "modules");
	bad("languages", "[]", "languages");
	bad("languages", "[\"fr\"]", "languages[0]");
	bad("languages", "[\"vi\", \"vi\"]", "languages[1]");
	bad("languages", "[\"VI\"]", "languages[0]");
	ok("languages", "[\"en\"]");
}

static void
test_text(void)
{
	static const char *const texts[] = { "", "{", "[]", "\"a\"", "null", "{} {}", "{\"tms\": \"https://a.b\", \"tms\": \"https://a.b\"}", "{\"tms\": \"\xff\"}",
		"{\"tms\": \"a\\u0000b\"}", "{\"tms\": 1e999}" };
	struct profile p;
	char where[PROFILE_WHERE_MAX];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		CHECK(parse(texts[i], &p, where) == ERR_PROFILE_INVALID && where[0] != '\0');
	CHECK(parse("{\n\"tms\":\n!}", &p, where) == ERR_PROFILE_INVALID && strstr(where, "line 3") != NULL);
}

static void
test_install(void)
{
	static const char all[] = "{\"extensions\": [{\"id\": \"chrome-extension://abcdefghijklmnopabcdefghijklmnop/\", \"update_url\": \"https://a.example/u.xml\","
				  " \"browsers\": [\"chrome\", \"coccoc\"]}], \"loopback\": true, \"autostart\": true}";
	char where[PROFILE_WHERE_MAX];

	CHECK(parse_with("install", "{}", where) == ERR_OK);
	CHECK(parse_with("install", all, where) == ERR_OK);
	bad("install", "[]", "install");
	bad("install", "{\"force\": true}", "install");
	bad("install", "{\"loopback\": 1}", "install");
	bad("install", "{\"extensions\": []}", "install.extensions");
	bad("install", "{\"extensions\": [{\"id\": \"mokhoa@example.vn\"}]}", "install.extensions[0]");
	bad("install", "{\"extensions\": [{\"id\": \"other@example.vn\", \"update_url\": \"https://a.example/u\"}]}", "install.extensions[0]");
	bad("install", "{\"extensions\": [{\"id\": \"mokhoa@example.vn\", \"update_url\": \"http://a.example/u\"}]}", "install.extensions[0]");
	bad("install", "{\"extensions\": [{\"id\": \"mokhoa@example.vn\", \"update_url\": \"https://a.example/u;x\"}]}", "install.extensions[0]");
	bad("install", "{\"extensions\": [{\"id\": \"mokhoa@example.vn\", \"update_url\": \"https://a.example/u\", \"browsers\": [\"lynx\"]}]}", "install.extensions[0]");
}

int
main(void)
{
	json_open();
	test_good();
	test_install();
	test_keys();
	test_server();
	test_callers();
	test_modules();
	test_text();
	return CHECK_DONE();
}
