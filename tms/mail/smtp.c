/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp.h"

#include "config.h"
#include "log.h"
#include "os.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_S	10L
#define WHOLE_S		60L
#define REUSE_S		5L   /* idle; a server ends a connection when it likes, and the next mail would wait for another try */
#define CREDENTIALS_MAX 1024 /* bytes of the file */
#define ENVELOPE_SIZE	320  /* an address in angle brackets */

struct smtp {
	CURL *curl;
	struct smtp_said said;
};

/* ---- the settings, once ---- */

/* "USER\nPASSWORD\n" */
static enum err
set_credentials(CURL *curl, const char *path)
{
	struct buf b = buf_new(CREDENTIALS_MAX);
	enum err e = os_read_file(path, &b);
	char *text = e == ERR_OK && buf_text(&b) != NULL ? (char *)b.data : NULL;
	char *end_of_user = text != NULL && strlen(text) == b.len ? strchr(text, '\n') : NULL;

	e = ERR_CONFIG_INVALID;
	if (end_of_user != NULL) {
		char *password = end_of_user + 1;
		*end_of_user = '\0';
		password[strcspn(password, "\r\n")] = '\0';
		if (curl_easy_setopt(curl, CURLOPT_USERNAME, text) == CURLE_OK && curl_easy_setopt(curl, CURLOPT_PASSWORD, password) == CURLE_OK)
			e = ERR_OK;
	}
	if (e != ERR_OK)
		log_error("mail", "file=%s cause=it must hold two lines, user and password", path);
	buf_free(&b);
	return e;
}

static size_t read_message(char *ret, size_t size, size_t count, void *context);

static bool
set_all(CURL *curl, const struct config_smtp *c)
{
	CURLcode bad = 0;

	bad |= curl_easy_setopt(curl, CURLOPT_URL, c->url);
	bad |= curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	bad |= curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
	bad |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	bad |= curl_easy_setopt(curl, CURLOPT_TIMEOUT, WHOLE_S);
	bad |= curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, REUSE_S);
	bad |= curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)(c->tls == CONFIG_TLS_NONE ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	bad |= curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (c->ca != NULL)
		bad |= curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca);
	bad |= curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	bad |= curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_message);
	return bad == CURLE_OK;
}

enum err
smtp_new(const struct config_smtp *config, struct smtp **ret_smtp)
{
	struct smtp *s = calloc(1, sizeof(*s));
	enum err e = ERR_NO_MEMORY;

	if (s == NULL)
		return ERR_NO_MEMORY;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		s->curl = curl_easy_init();
	if (s->curl != NULL)
		e = set_all(s->curl, config) ? ERR_OK : ERR_INTERNAL;
	if (e == ERR_OK && config->credentials != NULL)
		e = set_credentials(s->curl, config->credentials);
	if (e != ERR_OK) {
		smtp_free(s);
		return e;
	}
	*ret_smtp = s;
	return ERR_OK;
}

void
smtp_free(struct smtp *s)
{
	if (s == NULL)
		return;
	curl_easy_cleanup(s->curl);
	free(s);
}

/* ---- one mail ---- */

struct upload {
	const struct buf *message;
	size_t at;
	bool begun; /* curl asks for bytes only once the server has said 354 */
};

static size_t
read_message(char *ret, size_t size, size_t count, void *context)
{
	struct upload *u = context;
	size_t len = u->message->len - u->at;

	u->begun = true;
	if (len > size * count)
		len = size * count;
	memcpy(ret, u->message->data + u->at, len);
	u->at += len;
	return len;
}

static bool
is_tls_fault(CURLcode code)
{
	switch (code) {
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_USE_SSL_FAILED:
		return true;
	default:
		return false;
	}
}

/*
 * curl gives one code for 4yz and 5yz to MAIL, RCPT and DATA (55), one for a login (67), and one for whatever else it did not expect (8):
 * the greeting, or the verdict on the whole mail.
 */
static enum smtp_result
judge(CURLcode code, long status, bool begun)
{
	if (code == CURLE_OK)
		return SMTP_SENT;
	if (code == CURLE_LOGIN_DENIED || is_tls_fault(code))
		return SMTP_ALARM;
	if (status >= 500 && status <= 599 && (begun || code == CURLE_SEND_ERROR))
		return SMTP_REFUSED;
	if (status >= 500 && status <= 599)
		return SMTP_ALARM;
	/* 421: the server is closing, whatever it was asked (RFC 5321, 4.2.3) */
	if (status >= 400 && status <= 499 && status != 421)
		return SMTP_LATER;
	return begun && status != 421 ? SMTP_UNKNOWN : SMTP_ABSENT;
}

static CURLcode
perform(struct smtp *s, const char *sender, const char *to, struct upload *u, long *ret_status)
{
	char from[ENVELOPE_SIZE];
	char recipient[ENVELOPE_SIZE];
	struct curl_slist *recipients;
	CURLcode code;

	snprintf(from, sizeof(from), "<%s>", sender);
	snprintf(recipient, sizeof(recipient), "<%s>", to);
	recipients = curl_slist_append(NULL, recipient);
	if (recipients == NULL)
		return CURLE_OUT_OF_MEMORY;
	code = curl_easy_setopt(s->curl, CURLOPT_MAIL_FROM, from);
	if (code == CURLE_OK)
		code = curl_easy_setopt(s->curl, CURLOPT_MAIL_RCPT, recipients);
	if (code == CURLE_OK)
		code = curl_easy_setopt(s->curl, CURLOPT_READDATA, u);
	if (code == CURLE_OK)
		code = curl_easy_perform(s->curl);
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, ret_status);
	curl_easy_setopt(s->curl, CURLOPT_MAIL_RCPT, NULL);
	curl_slist_free_all(recipients);
	return code;
}

struct smtp_said
smtp_said(const struct smtp *s)
{
	return s->said;
}

enum smtp_result
smtp_send(struct smtp *s, const char *from, const char *to, const struct buf *message)
{
	struct upload u = { .message = message };
	uint64_t began = os_now_ms();
	long status = 0;
	CURLcode code = perform(s, from, to, &u, &status);
	enum smtp_result result = judge(code, status, u.begun);

	s->said = (struct smtp_said){ .status = status, .cause = curl_easy_strerror(code) };

	if (result == SMTP_SENT)
		log_debug("mail", "smtp=%ld ms=%u", status, (unsigned)(os_now_ms() - began));
	else
		log_error("mail", "smtp=%ld%s cause=%s", status, result == SMTP_ALARM ? " alarm=settings" : "", curl_easy_strerror(code));
	return result;
}

enum smtp_result
smtp_probe(struct smtp *s)
{
	long status = 0;
	CURLcode code = curl_easy_setopt(s->curl, CURLOPT_NOBODY, 1L);

	if (code == CURLE_OK)
		code = curl_easy_setopt(s->curl, CURLOPT_CUSTOMREQUEST, "NOOP");
	if (code == CURLE_OK)
		code = curl_easy_perform(s->curl);
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_setopt(s->curl, CURLOPT_CUSTOMREQUEST, NULL);
	curl_easy_setopt(s->curl, CURLOPT_NOBODY, 0L);
	curl_easy_setopt(s->curl, CURLOPT_UPLOAD, 1L);
	if (code != CURLE_OK)
		log_error("mail", "smtp=%ld cause=%s", status, curl_easy_strerror(code));
	return judge(code, status, false);
}
