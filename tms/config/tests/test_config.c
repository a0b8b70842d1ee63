/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's file: what is taken, what stands in its place, and what an error says. */
#include "check.h"
#include "config.h"
#include "json.h"
#include "keyfile.h"
#include "near.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TOP \
	"{\n\"data\": \"/var/lib/mokhoa-tms\",\n\"signing_key\": \"/etc/mokhoa/signing.key\",\n\"issuers\": \"/etc/mokhoa/issuers.pem\",\n" \
	"\"admin_ca\": \"/etc/mokhoa/admin.pem\",\n\"console_origin\": \"https://console.example\",\n\"authority\": \"Thử nghiệm CA\",\n" \
	"\"hotline\": \"1900 1234\",\n\"languages\": [\"vi\", \"en\"],\n\"escrow_log\": \"/srv/escrow.log\",\n"
#define LISTEN	 "\"listen\": { \"public\": \"/run/mokhoa/public.sock\", \"admin\": \"/run/mokhoa/admin.sock\" },\n"
#define VAULT	 "\"vault\": { \"socket\": \"/run/mokhoa/vault.sock\", \"public_key\": \"/etc/mokhoa/vault.pub\", \"private_key\": \"/etc/mokhoa/vault.key\" },\n"
#define HSM(hsm) TOP LISTEN "\"vault\": { \"socket\": \"/v.sock\", \"public_key\": \"/v.pub\", \"private_key\": \"/v.key\",\n\"hsm\": " hsm " },\n" SMTP
#define SMTP	 "\"smtp\": { \"url\": \"smtp://127.0.0.1:25\", \"from\": \"mokhoa@example.vn\", \"tls\": \"none\" }\n}"

struct wrong {
	const char *text;
	const char *says; /* a part of where */
};

static const struct wrong wrong[] = {
	{ "", "line 1" },
	{ " \n []", "line 2, column 2: must be an object" },
	{ "{ \"data\": 1,\n \"data\": 2 }", "line 2, column 7: duplicate" },
	{ "\n{ \"data\": [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]] }", "line 2: nested deeper" },
	{ "\n {}", "line 2, column 2: key \"data\": is missing; it must be an absolute path" },
	{ TOP LISTEN VAULT " \"smpt\": {},\n" SMTP, "line 13, column 2: key \"smpt\": is not known; did you mean \"smtp\"?" },
	{ TOP LISTEN VAULT "\"hot line\": {},\n" SMTP, "line 13, column 1: key \"hot line\": is not known; did you mean \"hotline\"?" },
	{ TOP LISTEN VAULT "\"cheese\": {},\n" SMTP, "line 13, column 1: key \"cheese\": is not known" },
	{ TOP LISTEN VAULT "\"thread\": 1,\n" SMTP, "key \"thread\": is not known" },
	{ TOP LISTEN VAULT "\"threads\": 1,\n" SMTP, "key \"threads\": is not known here; it belongs into \"listen\"" },
	{ TOP "\"listen\": { \"public\": \"/a.sock\", \"admin\": \"/b.sock\",\n \"hotline\": \"1\" },\n" VAULT SMTP, "line 12, column 2: key \"listen.hotline\": is not known here; it belongs to the top" },
	{ TOP "\"listen\": { \"public\": \"/a.sock\", \"admin\": \"/b.sock\",\n \"thread\": 2 },\n" VAULT SMTP,
	    "line 12, column 2: key \"listen.thread\": is not known; did you mean \"threads\"?" },
	/* the value of another key that reads like this one does not mislead, nor do escapes */
	{ "{ \"authority\": \"data\",\n\"d\\u0061ta\": 1 }", "line 2, column 14: key \"data\": must be an absolute path" },
	{ "{ \"authority\": \"Đặng \\\" {\", \"languages\": [\"}\", {\"data\": \"]\"}], \"data\": 1 }", "line 1, column 72: key \"data\": must be an absolute path" },
	{ TOP "\"listen\": { \"public\": \"/a.sock\" },\n" VAULT SMTP, "line 11, column 11: key \"listen.admin\": is missing; it must be an absolute path" },
	{ TOP "\"listen\": [],\n" VAULT SMTP, "line 11, column 11: key \"listen\": must be an object" },
	{ TOP LISTEN SMTP, "key \"vault\": is missing; it must be an object" },
	{ TOP "\"listen\": { \"public\": \"a.sock\", \"admin\": \"/b.sock\" },\n" VAULT SMTP, "line 11, column 23: key \"listen.public\": must be an absolute path" },
	{ TOP "\"listen\": { \"public\": \"/a\\u0007\", \"admin\": \"/b.sock\" },\n" VAULT SMTP, "must be an absolute path" },
	{ TOP "\"listen\": { \"public\": 7, \"admin\": \"/b.sock\" },\n" VAULT SMTP, "must be an absolute path" },
	{ TOP "\"listen\": { \"public\": \"/a.sock\", \"admin\": \"/b.sock\", \"threads\": 65 },\n" VAULT SMTP, "must be a whole number from 1 to 64" },
	{ TOP "\"listen\": { \"public\": \"/a.sock\", \"admin\": \"/b.sock\", \"threads\": 0 },\n" VAULT SMTP, "must be a whole number from 1 to 64" },
	{ TOP "\"listen\": { \"public\": \"/a.sock\", \"admin\": \"/b.sock\", \"metrics\": \"0.0.0.0:9100\" },\n" VAULT SMTP, "Unix socket, or 127.0.0.1:PORT" },
	{ TOP "\"listen\": { \"public\": \"/a.sock\", \"admin\": \"/b.sock\", \"metrics\": \"127.0.0.1:65536\" },\n" VAULT SMTP, "Unix socket, or 127.0.0.1:PORT" },
	{ TOP "\"alarm_releases\": 0,\n" LISTEN VAULT SMTP, "line 11, column 19: key \"alarm_releases\": must be a whole number from 1 to 1000000" },
	{ TOP "\"operator_email\": \"nobody\",\n" LISTEN VAULT SMTP, "must be a mail address" },
	{ TOP "\"code_valid_s\": 899,\n" LISTEN VAULT SMTP, "key \"code_valid_s\": must be a whole number of seconds from 900 to 259200" },
	{ TOP "\"code_valid_s\": 259201,\n" LISTEN VAULT SMTP, "key \"code_valid_s\": must be a whole number of seconds" },
	{ TOP "\"code_valid_s\": 900.5,\n" LISTEN VAULT SMTP, "must be a whole number" },
	{ TOP "\"escrow_log_same_device\": 1,\n" LISTEN VAULT SMTP, "must be true or false" },
	{ TOP "\"portal\": \"https://PORTAL.example/\",\n" LISTEN VAULT SMTP, "must be https://host" },
	{ TOP "\"portal\": 1,\n" LISTEN VAULT SMTP, "must be https://host" },
	{ TOP "\"log\": { \"format\": \"xml\" },\n" LISTEN VAULT SMTP, "key \"log.format\": must be \"text\" or \"json\"" },
	{ TOP "\"log\": { \"level\": \"warn\" },\n" LISTEN VAULT SMTP, "key \"log.level\": must be \"error\", \"info\" or \"debug\"" },
	{ TOP "\"log\": 1,\n" LISTEN VAULT SMTP, "key \"log\": must be an object" },
	{ TOP "\"mail\": { \"bounce_domain\": \"bounce.example\" },\n" LISTEN VAULT SMTP, "key \"mail.bounce_domain\": \"bounce_domain\" and \"bounce_key\" are given together" },
	{ TOP "\"mail\": { \"bounce_domain\": \"a@b\" },\n" LISTEN VAULT SMTP, "must be the domain of a mail address" },
	{ TOP "\"limits\": { \"address_per_minute\": 0 },\n" LISTEN VAULT SMTP, "key \"limits.address_per_minute\": must be a whole number from 1" },
	{ TOP "\"second_approver\": \"sometimes\",\n" LISTEN VAULT SMTP, "key \"second_approver\": must be \"changed_address\", \"always\" or \"never\"" },
	{ TOP "\"revocation\": { \"unknown\": \"hope\" },\n" LISTEN VAULT SMTP, "key \"revocation.unknown\": must be \"refuse\" or \"warn\"" },
	{ TOP "\"revocation\": { \"ocsp_url\": \"https://ocsp.example\" },\n" LISTEN VAULT SMTP, "key \"revocation.ocsp_url\": must be http://host" },
	{ TOP "\"revocation\": { \"ocsp_deadline_ms\": 99 },\n" LISTEN VAULT SMTP, "from 100 to 10000" },
	{ TOP "\"revocation\": { \"crl\": \"crl.pem\" },\n" LISTEN VAULT SMTP, "key \"revocation.crl\": must be an absolute path" },
	{ TOP LISTEN VAULT "\"smtp\": { \"url\": \"smtp://mail\", \"from\": \"a b@example.vn\", \"tls\": \"none\" }}", "must be a mail address" },
	{ TOP LISTEN VAULT "\"smtp\": { \"url\": \"smtp://mail\", \"from\": \"example.vn\", \"tls\": \"none\" }}", "must be a mail address" },
	{ TOP LISTEN VAULT "\"smtp\": { \"url\": \"smtp://mail\", \"from\": \"ca@mail_host.vn\", \"tls\": \"none\" }}", "must be a mail address" },
	{ TOP LISTEN VAULT "\"smtp\": { \"url\": \"smtp://mail\", \"from\": \"ca@example..vn\", \"tls\": \"none\" }}", "must be a mail address" },
	{ TOP LISTEN VAULT "\"smtp\": { \"url\": \"smtp://mail\", \"from\": 3, \"tls\": \"none\" }}", "must be a mail address" },
	{ TOP LISTEN VAULT "\"smtp\": { \"url\": \"smtp://mail\", \"from\": \"a@example.vn\", \"tls\": \"maybe\" }}", "\"smtp.tls\": must be \"none\", \"starttls\" or \"smtps\"" },
	{ TOP LISTEN VAULT "\"smtp\": { \"url\": \"smtp://mail\", \"from\": \"a@example.vn\", \"tls\": 0 }}", "\"smtp.tls\": must be" },
	{ TOP LISTEN VAULT "\"smtp\": { \"url\": \"smtps://mail\", \"from\": \"a@example.vn\", \"tls\": \"starttls\" }}", "does not fit" },
	{ TOP LISTEN VAULT "\"smtp\": { \"url\": \"smtp://mail.example\", \"from\": \"a@example.vn\", \"tls\": \"none\" }}", "on this machine alone" },
	{ TOP LISTEN VAULT "\"smtp\": { \"url\": \"smtp://127.0.0.1.example:25\", \"from\": \"a@example.vn\", \"tls\": \"none\" }}", "on this machine alone" },
	{ TOP LISTEN VAULT "\"smtp\": { \"url\": \"smtp://[2001:db8::1]:25\", \"from\": \"a@example.vn\", \"tls\": \"none\" }}", "on this machine alone" },
	{ TOP LISTEN VAULT "\"smtp\": { \"url\": \"http://mail/index\", \"from\": \"a@example.vn\", \"tls\": \"none\" }}", "must be smtp://" },
	{ TOP LISTEN VAULT "\"smtp\": { \"url\": \"smtp://user:pass@mail\", \"from\": \"a@example.vn\", \"tls\": \"none\" }}", "\"credentials\"" },
	{ HSM("1"), "line 13, column 8: key \"vault.hsm\": must be an object" },
	{ HSM("{\n\"token\": \"a\", \"serial\": \"1\", \"pin_file\": \"/p\" }"), "line 13, column 8: key \"vault.hsm.module\": is missing" },
	{ HSM("{ \"module\": \"m.so\", \"token\": \"a\", \"serial\": \"1\", \"pin_file\": \"/p\" }"), "must be an absolute path" },
	{ HSM("{ \"module\": \"/m.so\", \"serial\": \"1\", \"pin_file\": \"/p\" }"), "key \"vault.hsm.token\": is missing" },
	{ HSM("{ \"module\": \"/m.so\", \"token\": \"a\", \"pin_file\": \"/p\" }"), "key \"vault.hsm.serial\": is missing" },
	{ HSM("{ \"module\": \"/m.so\", \"token\": \"a\", \"serial\": \"12345678901234567\", \"pin_file\": \"/p\" }"), "key \"vault.hsm.serial\": must be" },
	{ HSM("{ \"module\": \"/m.so\", \"token\": \"a\",\n \"serial\": \"1\",\n \"pin\": \"1234\" }"), "line 15, column 2: key \"vault.hsm.pin\": is not known" },
	{ HSM("{ \"module\": \"/m.so\", \"token\": \"a\", \"serial\": \"1\" }"), "one of \"pin_file\" and \"pin_credential\"" },
	{ HSM("{ \"module\": \"/m.so\", \"token\": \"a\", \"serial\": \"1\", \"pin_file\": \"/p\", \"pin_credential\": \"p\" }"), "one of \"pin_file\" and \"pin_credential\"" },
	{ HSM("{ \"module\": \"/m.so\", \"token\": \"a\", \"serial\": \"1\", \"pin_credential\": \"../p\" }"), "must be a name" },
	{ HSM("{ \"module\": \"/m.so\", \"token\": \"a\", \"serial\": \"1\", \"pin_credential\": \"a/p\" }"), "must be a name" },
	{ TOP "\"hsm\": {},\n" LISTEN VAULT SMTP, "key \"hsm\": is not known" },
	{ TOP "\"vault.hsm\": {},\n" LISTEN VAULT SMTP, "key \"vault.hsm\": is not known" },
	{ TOP LISTEN VAULT "\"smtp\": { \"url\": 25, \"from\": \"a@example.vn\", \"tls\": \"none\" }}", "must be smtp://" },
};

static void
test_wrong(void)
{
	char where[CONFIG_WHERE_SIZE];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct config *c = NULL;
		CHECK(config_parse(wrong[i].text, strlen(wrong[i].text), "tms.json", &c, where) == ERR_CONFIG_INVALID && c == NULL);
		if (!CHECK(strncmp(where, "tms.json: ", 10) == 0 && strstr(where, wrong[i].says) != NULL))
			printf("  %zu: %s\n", i, where);
	}
}

/* What passes a network is for verified ends only; a password has no place. */
static void
test_database(void)
{
	static const struct {
		const char *url;
		bool right;
	} rows[] = {
		{ "postgresql:///mokhoa", true },
		{ "postgresql:///mokhoa?host=/run/postgresql&user=tms", true },
		{ "postgresql:///mokhoa?host=%2Frun%2Fpostgresql", true },
		{ "postgresql://tms@%2Frun%2Fpostgresql/mokhoa", true },
		{ "postgresql://tms@localhost:5432/mokhoa", true },
		{ "postgresql://127.0.0.1,[::1]:5433/mokhoa?sslmode=disable", true },
		{ "postgresql:///mokhoa?hostaddr=127.0.0.2&host=localhost", true },
		{ "postgresql://tms@db.example/mokhoa?sslmode=verify-full", true },
		{ "postgresql://a.example:1,b.example/mokhoa?sslrootcert=/ca.pem&sslmode=verify-full&passfile=/p", true },
		{ "postgresql:///mokhoa?service=main&sslmode=verify-full", true },
		{ "postgresql://tms@db.example/mokhoa", false },
		{ "postgresql://db.example", false },
		{ "postgresql://192.0.2.1/mokhoa?sslmode=require", false },
		{ "postgresql://192.0.2.1/mokhoa?sslmode=verify-ca", false },
		{ "postgresql://db.example/mokhoa?sslmode=verify-fulle", false },
		{ "postgresql://db.example/mokhoa?sslmode=verify-full&sslmode=prefer", false },
		{ "postgresql://db.example/mokhoa?sslmode=prefer&sslmode=verify-full", false },
		{ "postgresql://db.example/mokhoa?ssl%6dode=disable&sslmode=verify-full", false },
		{ "postgresql://localhost,db.example/mokhoa", false },
		{ "postgresql://127.example/mokhoa", false },
		{ "postgresql://localhost.example/mokhoa", false },
		{ "postgresql://[2001:db8::1]/mokhoa", false },
		{ "postgresql:///mokhoa?host=db.example", false },
		{ "postgresql://localhost/mokhoa?hostaddr=192.0.2.1", false },
		{ "postgresql://%64b.example/mokhoa", false },
		{ "postgresql://localhost?a@db.example/mokhoa", false },
		{ "postgresql:///mokhoa?service=main", false },
		{ "postgresql://tms:geheim@localhost/mokhoa", false },
		{ "postgresql://localhost/mokhoa?password=x", false },
		{ "postgres://localhost/mokhoa", false },
	};
	char text[4096];
	char where[CONFIG_WHERE_SIZE];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *c = NULL;
		int len = snprintf(text, sizeof(text), TOP "\"database\": \"%s\",\n" LISTEN VAULT SMTP, rows[i].url);
		enum err e = config_parse(text, (size_t)len, "tms.json", &c, where);
		if (!CHECK(e == (rows[i].right ? ERR_OK : ERR_CONFIG_INVALID)))
			printf("  %s\n", rows[i].url);
		CHECK(rows[i].right || strstr(where, "over a network sslmode is verify-full") != NULL);
		config_free(c);
	}
}

static void
test_near(void)
{
	CHECK(near_distance("", "") == 0 && near_distance("kitten", "sitting") == 3 && near_distance("hotlnie", "hotline") == 1 && near_distance("", "abc") == 3);
	CHECK(near_distance("a name of far more than thirty-two bytes", "a") == UINT_MAX);
	CHECK(near_may_mean("treads", "threads") && !near_may_mean("socket", "group") && near_may_mean("form", "from"));
}

static void
test_languages(void)
{
	static const char *const bad[] = { "[]", "\"vi\"", "[\"de\"]", "[1]", "[\"vi\", \"en\", \"vi\"]" };
	char text[4096];
	char where[CONFIG_WHERE_SIZE];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config *c = NULL;
		snprintf(text, sizeof(text), "%s", TOP LISTEN VAULT SMTP);
		memset(strstr(text, "[\"vi\", \"en\"]"), ' ', strlen("[\"vi\", \"en\"]"));
		memcpy(strstr(text, "\"languages\": ") + 13, bad[i], strlen(bad[i]) < 12 ? strlen(bad[i]) : 12);
		CHECK(config_parse(text, strlen(text), "tms.json", &c, where) == ERR_CONFIG_INVALID);
	}
}

static void
test_right(void)
{
	static const char least[] = TOP LISTEN VAULT SMTP;
	static const char most[] = TOP
	    "\"portal\": \"https://portal.example:8443\", \"request_valid_s\": 60, \"approval_valid_s\": 61, \"code_valid_s\": 900, \"unknown_after_s\": 62, \"failed_after_s\": 3600,"
	    "\"second_approver\": \"always\", \"revocation\": { \"crl\": \"/crl.pem\", \"unknown\": \"warn\", \"ocsp\": true, \"ocsp_url\": \"http://ocsp.example/a\", \"ocsp_deadline_ms\": 100 },"
	    "\"escrow_log_same_device\": true, \"operator_email\": \"van-hanh@example.vn\", \"alarm_releases\": 4, \"unidentified_max\": 3, \"unidentified_by_address\": 2,"
	    "\"listen\": { \"public\": \"/a.sock\", \"admin\": \"/b.sock\", \"group\": \"www-data\", \"threads\": 64, \"metrics\": \"127.0.0.1:9100\" },"
	    "\"mail\": { \"templates\": \"/t\", \"bounce_domain\": \"bounce.example\", \"bounce_key\": \"/b\" }, \"log\": { \"format\": \"json\", \"level\": \"debug\" },"
	    "\"limits\": { \"address_per_minute\": 30, \"person_per_minute\": 31 }, \"tls_certificate\": \"/tls.pem\","
	    "\"vault\": { \"socket\": \"/v.sock\", \"public_key\": \"/v.pub\", \"private_key\": \"/v.key\", \"client\": \"tms\", \"rows_per_hour\": 7, \"compares_per_hour\": 8 },"
	    "\"smtp\": { \"url\": \"smtps://mail:465\", \"from\": \"a@example.vn\", \"tls\": \"smtps\", \"credentials\": \"/c\", \"ca\": \"/ca.pem\" }}";
	char where[CONFIG_WHERE_SIZE];
	struct config *c = NULL;

	if (!CHECK(config_parse(least, sizeof(least) - 1, "tms.json", &c, where) == ERR_OK))
		return;
	CHECK_TEXT(c->database, "/var/lib/mokhoa-tms/tms.sqlite");
	CHECK_TEXT(c->authority, "Thử nghiệm CA");
	CHECK_TEXT(c->language, "vi");
	CHECK(c->portal == NULL && c->listen.group == NULL && c->smtp.credentials == NULL && c->vault.client == NULL && c->vault.hsm.module == NULL && !c->escrow_log_same_device);
	CHECK(c->request_valid_s == 604800 && c->approval_valid_s == 604800 && c->code_valid_s == 86400 && c->unknown_after_s == 3600 && c->failed_after_s == 2592000);
	CHECK(c->listen.threads == 4 && c->vault.rows_per_hour == 200 && c->vault.compares_per_hour == 1000 && c->unidentified_max == 1000 && c->unidentified_by_address == 5);
	CHECK(c->smtp.tls == CONFIG_TLS_NONE);
	CHECK(c->operator_email == NULL && c->alarm_releases == 20);
	CHECK(c->second_approver == CONFIG_SECOND_ADDRESS && c->revocation.crl == NULL && !c->revocation.ocsp && c->revocation.unknown == CONFIG_UNKNOWN_REFUSE);
	CHECK(c->log.format == CONFIG_LOG_TEXT && c->log.level == CONFIG_LOG_INFO && c->limits.address_per_minute == 1200 && c->limits.person_per_minute == 1200);
	CHECK(c->listen.metrics == NULL && c->mail.templates == NULL && c->tls_certificate == NULL);
	config_free(c);
	if (!CHECK(config_parse(most, sizeof(most) - 1, "tms.json", &c, where) == ERR_OK)) {
		printf("  %s\n", where);
		return;
	}
	CHECK_TEXT(c->listen.group, "www-data");
	CHECK_TEXT(c->vault.client, "tms");
	CHECK_TEXT(c->operator_email, "van-hanh@example.vn");
	CHECK(c->second_approver == CONFIG_SECOND_ALWAYS && c->revocation.ocsp && c->revocation.unknown == CONFIG_UNKNOWN_WARN && c->revocation.ocsp_deadline_ms == 100);
	CHECK_TEXT(c->revocation.crl, "/crl.pem");
	CHECK_TEXT(c->revocation.ocsp_url, "http://ocsp.example/a");
	CHECK(c->alarm_releases == 4);
	CHECK_TEXT(c->smtp.ca, "/ca.pem");
	CHECK(c->request_valid_s == 60 && c->approval_valid_s == 61 && c->code_valid_s == 900 && c->unknown_after_s == 62 && c->failed_after_s == 3600);
	CHECK(c->listen.threads == 64 && c->vault.rows_per_hour == 7 && c->vault.compares_per_hour == 8 && c->unidentified_max == 3 && c->unidentified_by_address == 2);
	CHECK(c->smtp.tls == CONFIG_TLS_SMTPS && c->escrow_log_same_device);
	CHECK_TEXT(c->listen.metrics, "127.0.0.1:9100");
	CHECK_TEXT(c->mail.templates, "/t");
	CHECK_TEXT(c->mail.bounce_domain, "bounce.example");
	CHECK_TEXT(c->mail.bounce_key, "/b");
	CHECK(c->log.format == CONFIG_LOG_JSON && c->log.level == CONFIG_LOG_DEBUG && c->limits.address_per_minute == 30 && c->limits.person_per_minute == 31);
	config_free(c);
	config_free(NULL);
}

static void
test_hsm(void)
{
	static const char file[] = HSM("{ \"module\": \"/m.so\", \"token\": \"Kho kh\u00f3a\", \"serial\": \"1234567890123456\", \"pin_file\": \"/p\" }");
	static const char credential[] = HSM("{ \"module\": \"/m.so\", \"token\": \"a\", \"serial\": \"1\", \"key\": \"k\", \"pin_credential\": \"hsm-pin\" }");
	char where[CONFIG_WHERE_SIZE];
	struct config *c = NULL;

	if (!CHECK(config_parse(file, sizeof(file) - 1, "tms.json", &c, where) == ERR_OK))
		return;
	CHECK_TEXT(c->vault.hsm.module, "/m.so");
	CHECK_TEXT(c->vault.hsm.serial, "1234567890123456");
	CHECK_TEXT(c->vault.hsm.key, "mokhoa-vault");
	CHECK_TEXT(c->vault.hsm.pin_file, "/p");
	CHECK(c->vault.hsm.pin_credential == NULL);
	config_free(c);
	if (!CHECK(config_parse(credential, sizeof(credential) - 1, "tms.json", &c, where) == ERR_OK))
		return;
	CHECK_TEXT(c->vault.hsm.key, "k");
	CHECK_TEXT(c->vault.hsm.pin_credential, "hsm-pin");
	CHECK(c->vault.hsm.pin_file == NULL);
	config_free(c);
}

static void
test_files(void)
{
	char folder[] = "/tmp/mokhoa-config-XXXXXX";
	char path[64];
	char where[CONFIG_WHERE_SIZE];
	unsigned char key[32];
	unsigned char read[32];
	struct config *c = NULL;
	FILE *f;

	if (!CHECK(mkdtemp(folder) != NULL))
		return;
	snprintf(path, sizeof(path), "%s/key", folder);
	CHECK(config_load(path, &c, where) == ERR_CONFIG_INVALID && strstr(where, "cannot be read") != NULL);
	CHECK(keyfile_read(path, read, sizeof(read)) == ERR_CONFIG_INVALID);
	memset(key, 0x5a, sizeof(key));
	CHECK(keyfile_write(path, key, sizeof(key)) == ERR_OK);
	CHECK(keyfile_read(path, read, sizeof(read)) == ERR_OK && memcmp(read, key, sizeof(key)) == 0);
	CHECK(keyfile_read(path, read, sizeof(read) - 1) == ERR_CONFIG_INVALID);
	f = fopen(path, "a");
	if (CHECK(f != NULL)) {
		fputs("AA\n", f);
		fclose(f);
	}
	CHECK(keyfile_read(path, read, sizeof(read)) == ERR_CONFIG_INVALID);
	f = fopen(path, "w");
	if (CHECK(f != NULL)) {
		fputs(TOP LISTEN VAULT SMTP, f);
		fclose(f);
	}
	CHECK(config_load(path, &c, where) == ERR_OK);
	config_free(c);
	CHECK(unlink(path) == 0 && rmdir(folder) == 0);
}

int
main(void)
{
	json_open();
	test_wrong();
	test_database();
	test_near();
	test_languages();
	test_right();
	test_hsm();
	test_files();
	return CHECK_DONE();
}
