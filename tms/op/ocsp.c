/* SPDX-License-Identifier: Apache-2.0 */
#include "ocsp.h"

#include "buf.h"
#include "issued_inner.h"
#include "log.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <string.h>

#define ANSWER_MAX   65536
#define CLOCKS_S     300  /* that two machines' clocks may differ */
#define KEPT_S	     3600 /* at most, whatever the answer says */
#define KEPT_SHORT_S 300  /* of an answer that does not say when the next one is there */

/* ---- on the wire ---- */

static size_t
take(char *bytes, size_t size, size_t count, void *context)
{
	struct buf *answer = context;

	buf_add(answer, bytes, size * count);
	return buf_error(answer) == ERR_OK ? size * count : 0;
}

/* Plain HTTP, as responders speak it: the answer is signed. No proxy, no redirect, one deadline for the whole. */
static bool
set_all(CURL *curl, const struct ocsp_asked *asked, const char *url, const unsigned char *request, long len, struct buf *answer)
{
	CURLcode bad = CURLE_OK;

	bad |= curl_easy_setopt(curl, CURLOPT_URL, url);
	bad |= curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	bad |= curl_easy_setopt(curl, CURLOPT_PROXY, "");
	bad |= curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, asked->deadline_ms);
	bad |= curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	bad |= curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, len);
	bad |= curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request);
	bad |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	bad |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	return bad == CURLE_OK;
}

static bool
post(const struct ocsp_asked *asked, const char *url, const unsigned char *request, long len, struct buf *answer)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/ocsp-request");
	CURL *curl = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;

	if (curl != NULL && headers != NULL && set_all(curl, asked, url, request, len, answer))
		code = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (code == CURLE_OK)
		code = curl_easy_perform(curl);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	if (code != CURLE_OK)
		log_error("revocation", "ocsp=%s cause=%s", url, curl_easy_strerror(code));
	return code == CURLE_OK;
}

/* ---- what is asked ---- */

/* The certificate's own responder, the first that speaks plain HTTP; freed by the caller. */
static char *
responder_of(X509 *x509)
{
	STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(x509);
	char *found = NULL;

	for (int i = 0; found == NULL && i < sk_OPENSSL_STRING_num(urls); i++)
		if (strncmp(sk_OPENSSL_STRING_value(urls, i), "http://", strlen("http://")) == 0)
			found = OPENSSL_strdup(sk_OPENSSL_STRING_value(urls, i));
	X509_email_free(urls);
	return found;
}

/* Which of the authorities has issued it. */
static X509 *
issuer_of(const struct authorities *authorities, X509 *x509)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509 *issuer = NULL;

	if (context != NULL && X509_STORE_CTX_init(context, authorities->store, x509, NULL) == 1 && X509_STORE_CTX_get1_issuer(&issuer, context, x509) != 1)
		issuer = NULL;
	X509_STORE_CTX_free(context);
	return issuer;
}

/* One exchange: what was asked, and what came back. */
struct exchange {
	X509 *issuer;
	OCSP_CERTID *id;
	OCSP_REQUEST *request;
	OCSP_RESPONSE *response;
	OCSP_BASICRESP *basic;
};

static bool
make_request(struct exchange *x, X509 *x509)
{
	x->id = OCSP_cert_to_id(NULL, x509, x->issuer);
	x->request = OCSP_REQUEST_new();
	if (x->id == NULL || x->request == NULL)
		return false;
	return OCSP_request_add0_id(x->request, OCSP_CERTID_dup(x->id)) != NULL && OCSP_request_add1_nonce(x->request, NULL, -1) == 1;
}

static bool
send_request(struct exchange *x, const struct ocsp_asked *asked, const char *url)
{
	struct buf answer = buf_new(ANSWER_MAX);
	unsigned char *der = NULL;
	int len = i2d_OCSP_REQUEST(x->request, &der);
	const unsigned char *at;

	if (len > 0 && post(asked, url, der, len, &answer)) {
		at = answer.data;
		x->response = d2i_OCSP_RESPONSE(NULL, &at, (long)answer.len);
	}
	OPENSSL_free(der);
	buf_free(&answer);
	return x->response != NULL;
}

/* Signed by the issuer or by whom it has named for that, and an answer to this very question where the responder says to which. */
static bool
is_authentic(struct exchange *x, const struct ocsp_asked *asked)
{
	STACK_OF(X509) *certificates = sk_X509_new_null();
	bool ok;

	if (OCSP_response_status(x->response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		x->basic = OCSP_response_get1_basic(x->response);
	ok = x->basic != NULL && certificates != NULL && sk_X509_push(certificates, x->issuer) > 0 &&
	     OCSP_basic_verify(x->basic, certificates, asked->signers->store, 0) == 1 && OCSP_check_nonce(x->request, x->basic) != 0;
	sk_X509_free(certificates);
	return ok;
}

/*
 * One that says when the next one is there is good until then. One that does not was made when it was asked for (RFC 6960, 4.2.2.1): an old one is somebody's who keeps
 * what the responder said before the certificate was revoked.
 */
static bool
is_of_now(ASN1_GENERALIZEDTIME *this_update, ASN1_GENERALIZEDTIME *next_update)
{
	return OCSP_check_validity(this_update, next_update, CLOCKS_S, next_update != NULL ? -1 : KEPT_S) == 1;
}

static enum revocation_state
read_answer(const struct exchange *x, int64_t now, int64_t *ret_until)
{
	ASN1_GENERALIZEDTIME *revoked = NULL;
	ASN1_GENERALIZEDTIME *this_update = NULL;
	ASN1_GENERALIZEDTIME *next_update = NULL;
	int64_t next;
	int status = V_OCSP_CERTSTATUS_UNKNOWN;
	int reason;

	if (OCSP_resp_find_status(x->basic, x->id, &status, &reason, &revoked, &this_update, &next_update) != 1 || !is_of_now(this_update, next_update))
		return REVOCATION_UNKNOWN;
	next = next_update != NULL ? issued_seconds(next_update) : now + KEPT_SHORT_S;
	*ret_until = next < now + KEPT_S ? next : now + KEPT_S;
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return REVOCATION_REVOKED;
	return status == V_OCSP_CERTSTATUS_GOOD ? REVOCATION_GOOD : REVOCATION_UNKNOWN;
}

enum revocation_state
ocsp_ask(const struct ocsp_asked *asked, const struct authorities *authorities, const struct issued *c, int64_t now, int64_t *ret_until)
{
	struct exchange x = { .issuer = issuer_of(authorities, c->x509) };
	char *own = asked->url == NULL ? responder_of(c->x509) : NULL;
	const char *url = asked->url != NULL ? asked->url : own;
	enum revocation_state state = REVOCATION_UNKNOWN;
	const char *cause = NULL;

	*ret_until = 0;
	if (x.issuer == NULL || url == NULL)
		cause = "no responder is known for this certificate";
	else if (!make_request(&x, c->x509))
		cause = "the question cannot be made";
	else if (!send_request(&x, asked, url))
		cause = "no answer";
	else if (!is_authentic(&x, asked))
		cause = "an answer that the authority has not signed, or not to this question";
	else
		state = read_answer(&x, now, ret_until);
	if (cause != NULL)
		log_error("revocation", "ocsp=%s cause=%s", url != NULL ? url : "", cause);
	OCSP_BASICRESP_free(x.basic);
	OCSP_RESPONSE_free(x.response);
	OCSP_REQUEST_free(x.request);
	OCSP_CERTID_free(x.id);
	X509_free(x.issuer);
	OPENSSL_free(own);
	ERR_clear_error();
	return state;
}
