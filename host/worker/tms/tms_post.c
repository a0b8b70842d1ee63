/* SPDX-License-Identifier: Apache-2.0 */
#include "tms_post.h"

#include "log.h"
#include "text.h"

#include <curl/curl.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_SECONDS 5L
#define TOTAL_SECONDS	20L
#define HEAD_MAX	16384u /* bytes of an answer's header lines, all together */
#define URL_MAX		512
#define PINS_MAX	512
struct transfer {
	CURL *curl;
	struct curl_slist *headers;
	struct tms_reply *reply;
	char url[URL_MAX];
	size_t head_len;
	struct tms_sight *sight;
	bool refused; /* a certificate that the server showed */
	int why;      /* X509_V_ERR_*: the first thing that was wrong with it */
	char error[CURL_ERROR_SIZE];
};

struct tms_reply
tms_reply_new(void)
{
	return (struct tms_reply){ .body = buf_new(TMS_ANSWER_MAX) };
}

void
tms_reply_free(struct tms_reply *reply)
{
	buf_free(&reply->body);
}

/* ---- what curl hands us ---- */

static size_t
take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct tms_reply *reply = context;

	buf_add(&reply->body, bytes, size * count);
	return buf_error(&reply->body) == ERR_OK ? size * count : 0;
}

static size_t
take_head(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *t = context;

	(void)bytes;
	t->head_len += size * count;
	return t->head_len <= HEAD_MAX ? size * count : 0;
}

static void
note_issuer(struct transfer *t, X509 *certificate)
{
	BIO *out = BIO_new(BIO_s_mem());
	int len;

	if (out == NULL)
		return;
	X509_NAME_print_ex(out, X509_get_issuer_name(certificate), 0, XN_FLAG_ONELINE);
	len = BIO_read(out, t->sight->issuer, TMS_ISSUER_MAX - 1);
	t->sight->issuer[len > 0 ? len : 0] = '\0';
	BIO_free(out);
}

/* Whether it is for the name that was called. */
static void
note_name(struct transfer *t, X509 *certificate)
{
	CURLU *url = curl_url();
	char *host = NULL;

	if (url != NULL && curl_url_set(url, CURLUPART_URL, t->url, 0) == CURLUE_OK && curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		t->sight->named = X509_check_host(certificate, host, 0, 0, NULL) == 1 || X509_check_ip_asc(certificate, host, 0) == 1;
	curl_free(host);
	curl_url_cleanup(url);
}

static bool
is_of_time(int why)
{
	return why == X509_V_ERR_CERT_HAS_EXPIRED || why == X509_V_ERR_CERT_NOT_YET_VALID;
}

/*
 * Changes no verdict but that of the time, where the caller wants it: it only remembers it, and who issued what the server showed, because that names an inspecting proxy.
 */
static int
look_at_certificate(int verdict, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct transfer *t = ssl != NULL ? SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)) : NULL;
	X509 *shown = X509_STORE_CTX_get0_cert(store);

	if (t != NULL && shown != NULL && t->sight->issuer[0] == '\0') {
		note_issuer(t, shown);
		note_name(t, shown);
	}
	if (t == NULL || verdict)
		return verdict;
	if (t->sight->any_time && is_of_time(X509_STORE_CTX_get_error(store))) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (!t->refused)
		t->why = X509_STORE_CTX_get_error(store);
	t->refused = true;
	return verdict;
}

static CURLcode
watch_certificates(CURL *curl, void *ssl_ctx, void *context)
{
	(void)curl;
	SSL_CTX_set_app_data((SSL_CTX *)ssl_ctx, context);
	SSL_CTX_set_verify((SSL_CTX *)ssl_ctx, SSL_VERIFY_PEER, look_at_certificate);
	return CURLE_OK;
}

/* ---- what we tell curl ---- */

static bool
set_address(struct transfer *t, const struct profile *profile, const char *path)
{
	int len = snprintf(t->url, sizeof(t->url), "%s%s", profile->tms, path);

	return len > 0 && (size_t)len < sizeof(t->url) &&
	       curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_URL, t->url) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK;
}

/* "system" is what curl does by itself: the usual variables. An address in the profile is final: no variable makes an exception to it. */
static bool
set_proxy(struct transfer *t, const struct profile *profile)
{
	const char *proxy = strcmp(profile->proxy, "none") == 0 ? "" : profile->proxy;

	if (strcmp(profile->proxy, "system") == 0)
		return true;
	return curl_easy_setopt(t->curl, CURLOPT_PROXY, proxy) == CURLE_OK && curl_easy_setopt(t->curl, CURLOPT_NOPROXY, "") == CURLE_OK;
}

static bool
set_pins(struct transfer *t, const struct profile *profile)
{
	char pins[PINS_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < profile->tls_pin_count; i++) {
		int added = snprintf(pins + len, sizeof(pins) - len, "%s%s", i != 0 ? ";" : "", profile->tls_pins[i]);
		if (added < 0 || (size_t)added >= sizeof(pins) - len)
			return false;
		len += (size_t)added;
	}
	return len == 0 || curl_easy_setopt(t->curl, CURLOPT_PINNEDPUBLICKEY, pins) == CURLE_OK;
}

/* Debian's curl brings the system's certificates along unless both places are named or emptied. */
static bool
set_tls(struct transfer *t, const struct profile *profile)
{
	if (!profile->tls_system &&
	    (curl_easy_setopt(t->curl, CURLOPT_CAINFO, profile->tls_ca) != CURLE_OK ||
		curl_easy_setopt(t->curl, CURLOPT_CAPATH, NULL) != CURLE_OK))
		return false;
	/* a curl on another TLS library refuses this one; then the log names no issuer */
	if (curl_easy_setopt(t->curl, CURLOPT_SSL_CTX_FUNCTION, watch_certificates) == CURLE_OK)
		curl_easy_setopt(t->curl, CURLOPT_SSL_CTX_DATA, t);
	return curl_easy_setopt(t->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK && set_pins(t, profile);
}

static bool
add_header(struct transfer *t, const char *line)
{
	struct curl_slist *longer = curl_slist_append(t->headers, line);

	if (longer == NULL)
		return false;
	t->headers = longer;
	return true;
}

static bool
set_body(struct transfer *t, const struct buf *body)
{
	return add_header(t, "Content-Type: application/json") && add_header(t, "Accept: application/json") && add_header(t, "Expect:") &&
	       curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_USERAGENT, "mokhoa-worker") == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_POST, 1L) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_POSTFIELDSIZE, (long)body->len) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_POSTFIELDS, (const char *)body->data) == CURLE_OK;
}

static bool
set_bounds(struct transfer *t)
{
	return curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_TIMEOUT, TOTAL_SECONDS) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, t->error) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_HEADERFUNCTION, take_head) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_HEADERDATA, t) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
	       curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t->reply) == CURLE_OK;
}

/* ---- what came of it ---- */

/* libcurl's codes at our border. A handshake that ended where no certificate was refused is the network's doing: a reset at any byte, a captive portal. */
static enum err
from_curl(CURLcode code, bool certificate_refused)
{
	switch (code) {
	case CURLE_OK:
		return ERR_OK;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_PARTIAL_FILE:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PROXY:
		return ERR_TMS_UNREACHABLE;
	case CURLE_SSL_CONNECT_ERROR:
		return certificate_refused ? ERR_TMS_CERTIFICATE : ERR_TMS_UNREACHABLE;
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return ERR_TMS_CERTIFICATE;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_WRITE_ERROR:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_FILESIZE_EXCEEDED:
		return ERR_TMS_ANSWER;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_SSL_CACERT_BADFILE:
		return ERR_PROFILE_INVALID;
	case CURLE_OUT_OF_MEMORY:
		return ERR_NO_MEMORY;
	default:
		return ERR_INTERNAL;
	}
}

static bool
is_set(const char *const *variables, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *value = getenv(variables[i]); /* NOLINT(concurrency-mt-unsafe): the worker is one thread */

		if (value != NULL && value[0] != '\0')
			return true;
	}
	return false;
}

/* Whether a connection that failed was one to a proxy: curl says it nowhere but in words. Where there are exceptions it is taken for none. */
static bool
is_by_proxy(const struct profile *profile)
{
	static const char *const proxies[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" };
	static const char *const exceptions[] = { "no_proxy", "NO_PROXY" };

	if (strcmp(profile->proxy, "system") != 0)
		return strcmp(profile->proxy, "none") != 0;
	return is_set(proxies, sizeof(proxies) / sizeof(proxies[0])) && !is_set(exceptions, sizeof(exceptions) / sizeof(exceptions[0]));
}

static enum tms_fault
certificate_fault(const struct transfer *t, CURLcode code)
{
	if (t->why == X509_V_ERR_CERT_HAS_EXPIRED)
		return TMS_FAULT_EXPIRED;
	if (t->why == X509_V_ERR_CERT_NOT_YET_VALID)
		return TMS_FAULT_NOT_YET;
	/* a trusted one of another name is refused by curl itself */
	return !t->refused && code == CURLE_PEER_FAILED_VERIFICATION ? TMS_FAULT_MISMATCH : TMS_FAULT_CERTIFICATE;
}

static enum tms_fault
fault_of(const struct transfer *t, const struct profile *profile, CURLcode code, enum err e)
{
	if (e == ERR_TMS_CERTIFICATE)
		return certificate_fault(t, code);
	switch (code) {
	case CURLE_OK:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_WRITE_ERROR:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_FILESIZE_EXCEEDED:
		return TMS_FAULT_NONE;
	case CURLE_COULDNT_RESOLVE_HOST:
		return TMS_FAULT_NAME;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PROXY:
		return TMS_FAULT_PROXY;
	case CURLE_COULDNT_CONNECT:
		return is_by_proxy(profile) ? TMS_FAULT_PROXY : TMS_FAULT_REFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return TMS_FAULT_TIMEOUT;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_SSL_CONNECT_ERROR:
		return TMS_FAULT_CUT;
	case CURLE_SSL_CACERT_BADFILE:
		return TMS_FAULT_CA_FILE;
	default:
		return TMS_FAULT_OTHER;
	}
}

static void
look_back(struct transfer *t, const struct profile *profile, CURLcode code, enum err e)
{
	struct curl_header *date;

	t->sight->fault = fault_of(t, profile, code, e);
	curl_easy_getinfo(t->curl, CURLINFO_HTTP_CONNECTCODE, &t->sight->proxy_status);
	if (curl_easy_header(t->curl, "Date", 0, CURLH_HEADER, -1, &date) == CURLHE_OK)
		t->sight->date = (int64_t)curl_getdate(date->value, NULL);
	if (t->sight->date < 0)
		t->sight->date = 0;
}

static enum err
run(struct transfer *t, const struct profile *profile)
{
	CURLcode code = curl_easy_perform(t->curl);
	enum err e = from_curl(code, t->refused);
	const char *type = NULL;

	look_back(t, profile, code, e);
	if (code != CURLE_OK)
		log_debug("tms", "server=%s curl=%d cause=%s", profile->tms, (int)code, t->error);
	if (e == ERR_TMS_CERTIFICATE)
		log_info("tms", "server=%s result=%s issuer=%s", profile->tms, err_name(e), t->sight->issuer);
	if (e != ERR_OK)
		return e;
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->reply->status);
	curl_easy_getinfo(t->curl, CURLINFO_CONTENT_TYPE, &type);
	t->reply->json = type != NULL && strncmp(type, "application/json", strlen("application/json")) == 0;
	return ERR_OK;
}

enum err
tms_post(const struct profile *profile, const char *path, const struct buf *body, struct tms_reply *ret)
{
	struct tms_sight sight = { .any_time = false };

	return tms_post_seen(profile, path, body, ret, &sight);
}

enum err
tms_post_seen(const struct profile *profile, const char *path, const struct buf *body, struct tms_reply *ret, struct tms_sight *sight)
{
	struct transfer t = { .curl = curl_easy_init(), .reply = ret, .sight = sight };
	enum err e = ERR_NO_MEMORY;

	if (t.curl != NULL && set_address(&t, profile, path) && set_proxy(&t, profile) && set_tls(&t, profile) && set_body(&t, body) &&
	    set_bounds(&t))
		e = run(&t, profile);
	curl_slist_free_all(t.headers);
	curl_easy_cleanup(t.curl);
	return e;
}
