/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx.h"

#include "json.h"
#include "policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE      4096
#define POLICY_NOTHING "default-src 'none'; frame-ancestors 'none'" /* of what is no page */

/* seconds that nginx waits for our answer */
#define CUSTOMER_S 30
#define DESK_S	   90 /* one of the desk's calls tries the mail server, which has a minute (mail/smtp.c) */

/* One line of the file, without and with values. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
line(struct buf *b, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text)) {
		buf_fail(b, ERR_INTERNAL);
		return;
	}
	buf_add(b, text, (size_t)len);
	buf_add_text(b, "\n");
}

bool
nginx_word_ok(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._:@+-[]")] == '\0';
}

/* nginx answers some things before we see them: with the same body as ours, so that a client reads one kind of error. */
static void
error_body(struct buf *b, const char *name, const char *status, enum err e)
{
	struct buf body = buf_new(LINE_SIZE / 2);
	json_t *json = json_pack("{s:o}", "error", json_error(e, NULL));
	const char *text = json != NULL && json_dump(json, &body) == ERR_OK ? buf_text(&body) : NULL;

	if (text == NULL || strpbrk(text, "\\$") != NULL)
		buf_fail(b, ERR_INTERNAL);
	buf_add_text(b, "    location @");
	buf_add_text(b, name);
	buf_add_text(b, " { internal; default_type application/json; return ");
	buf_add(b, status, 3);
	buf_add_text(b, " '");
	for (; text != NULL && *text != '\0'; text++)
		buf_add_text(b, *text == '\'' ? "\\'" : (const char[]){ *text, '\0' });
	line(b, "'; }");
	json_decref(json);
	buf_free(&body);
}

static void
listen_lines(struct buf *b, const struct nginx *n, const char *port)
{
	if (n->listen != NULL) {
		line(b, "    listen %s:%s ssl;", n->listen, port);
		return;
	}
	line(b, "    listen %s ssl;", port);
	line(b, "    listen [::]:%s ssl;", port);
}

/* What every answer says, whatever its policy. */
static void
common_lines(struct buf *b, const char *cache)
{
	line(b, "    add_header Strict-Transport-Security \"max-age=31536000\" always;");
	line(b, "    add_header X-Content-Type-Options nosniff always;");
	line(b, "    add_header Referrer-Policy no-referrer always;");
	line(b, "    add_header Permissions-Policy \"camera=(), microphone=(), geolocation=(), payment=(), usb=()\" always;");
	line(b, "    add_header Cache-Control %s always;", cache);
	line(b, "    add_header Retry-After $mokhoa_retry always;");
}

/*
 * What answers say beside that, those that nginx makes itself too. nginx takes add_header from one level only, so that what has another policy than the
 * server says all of them again.
 */
static void
header_lines(struct buf *b, const char *policy, const char *cache)
{
	line(b, "    add_header Content-Security-Policy \"%s\" always;", policy);
	line(b, "    add_header Cross-Origin-Opener-Policy same-origin always;");
	line(b, "    add_header Cross-Origin-Resource-Policy same-origin always;");
	common_lines(b, cache);
}

/* What both doors have: TLS, and patience that has an end. */
static void
server_head(struct buf *b, const struct nginx *n, const char *port)
{
	line(b, "\nserver {");
	listen_lines(b, n, port);
	line(b, "    server_name %s;", n->host);
	line(b, "    ssl_certificate %s;", n->certificate);
	line(b, "    ssl_certificate_key %s;", n->key);
	line(b, "    ssl_protocols TLSv1.2 TLSv1.3;");
	line(b, "    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
		"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;");
	line(b, "    ssl_session_tickets off;");
	line(b, "    server_tokens off;");
	line(b, "    client_max_body_size 32k;");
	line(b, "    client_header_timeout 10s;");
	line(b, "    client_body_timeout 10s;");
	line(b, "    send_timeout 10s;");
	line(b, "    large_client_header_buffers 4 8k;");
	line(b, "    limit_conn mokhoa_connections 32;");
	line(b, "    limit_conn_status 429;");
	header_lines(b, POLICY_NOTHING, "no-store");
	line(b, "    error_page 413 @too_large;");
	line(b, "    error_page 429 @busy;");
	error_body(b, "too_large", "413", ERR_FRAME_TOO_LARGE);
	error_body(b, "busy", "429", ERR_BUSY);
}

/* To us, saying who asks. A header of that name from outside never passes: it is set, or set to nothing. */
static void
proxy_lines(struct buf *b, const char *upstream, const char *certificate, int seconds)
{
	line(b, "        proxy_pass http://%s;", upstream);
	line(b, "        proxy_http_version 1.1;");
	line(b, "        proxy_set_header Connection \"\";");
	line(b, "        proxy_set_header Host $host;");
	line(b, "        proxy_set_header X-Real-IP $remote_addr;");
	line(b, "        proxy_set_header X-Client-Certificate %s;", certificate);
	line(b, "        proxy_hide_header X-Content-Type-Options;");
	line(b, "        proxy_hide_header Cache-Control;");
	line(b, "        proxy_connect_timeout 5s;");
	line(b, "        proxy_read_timeout %ds;", seconds);
}

/* Our pages stand in nobody's frame but the one that the server itself answers. */
static void
page_lines(struct buf *b, const char *policy)
{
	line(b, "        types { text/html html; text/css css; text/javascript js; application/json json; image/svg+xml svg; }");
	line(b, "        default_type application/octet-stream;");
	line(b, "        charset utf-8;");
	line(b, "        charset_types text/css text/javascript application/json image/svg+xml;");
	header_lines(b, policy, "no-cache");
	line(b, "    }");
}

/* The pages of one of the two sites, and what both have. Names without a slash: what lies deeper (tests) is not served. */
static void
site(struct buf *b, const struct nginx *n, const char *name, const char *policy)
{
	if (n->portal_files == NULL)
		return;
	line(b, "    location = / {");
	line(b, "        root %s/%s;", n->portal_files, name);
	line(b, "        try_files /index.html =404;");
	page_lines(b, policy);
	line(b, "    location ~ \"^/(?:texts/)?[a-z_-]+\\.(?:html|js|json|svg)$\" {");
	line(b, "        root %s/%s;", n->portal_files, name);
	page_lines(b, policy);
	line(b, "    location ~ \"^/(sdk|style)/([a-z_-]+\\.(?:js|css|svg))$\" {");
	line(b, "        alias %s/$1/$2;", n->portal_files);
	page_lines(b, policy);
	line(b, "    location = /config.json {");
	line(b, "        alias %s;", n->portal_json);
	page_lines(b, policy);
}

/*
 * What an agency's page loads: the tag, which any page may have (a module script is fetched with CORS), and the frame, whose policy the server
 * says itself, from the agency's row.
 */
static void
agencies(struct buf *b, const struct nginx *n)
{
	line(b, "    location = /sdk/embed.js {");
	line(b, "        alias %s/sdk/embed.js;", n->portal_files);
	line(b, "        types { text/javascript js; }");
	line(b, "        charset utf-8;");
	line(b, "        charset_types text/javascript;");
	line(b, "        add_header Access-Control-Allow-Origin * always;");
	line(b, "        add_header Cross-Origin-Resource-Policy cross-origin always;");
	common_lines(b, "no-cache");
	line(b, "    }");
	line(b, "    location /embed/ {");
	line(b, "        limit_req zone=mokhoa_customers burst=60 nodelay;");
	line(b, "        limit_req_status 429;");
	proxy_lines(b, "mokhoa_public", "\"\"", CUSTOMER_S);
	common_lines(b, "no-store");
	line(b, "    }");
}

/* What our own pages ask: as any call, but that a good answer may be a minute old. */
static void
notices(struct buf *b)
{
	line(b, "    location = /v1/notices {");
	line(b, "        limit_req zone=mokhoa_customers burst=60 nodelay;");
	line(b, "        limit_req_status 429;");
	proxy_lines(b, "mokhoa_public", "\"\"", CUSTOMER_S);
	header_lines(b, POLICY_NOTHING, "$mokhoa_minute");
	line(b, "    }");
}

static void
public_server(struct buf *b, const struct nginx *n)
{
	server_head(b, n, n->port);
	line(b, "    location /v1/requests {");
	line(b, "        limit_req zone=mokhoa_customers burst=60 nodelay;");
	line(b, "        limit_req_status 429;");
	proxy_lines(b, "mokhoa_public", "\"\"", CUSTOMER_S);
	line(b, "    }");
	notices(b);
	if (n->portal_files != NULL)
		agencies(b, n);
	site(b, n, "customer", POLICY_CUSTOMER "'none'");
	line(b, "    location / { return 404; }");
	line(b, "}");
}

static void
admin_server(struct buf *b, const struct nginx *n)
{
	server_head(b, n, n->admin_port);
	line(b, "    ssl_client_certificate %s;", n->admin_ca);
	line(b, "    ssl_verify_client on;");
	line(b, "    ssl_verify_depth 3;");
	/* who brings no certificate, or one that is not good, is told how to get in: a browser by a page, a call as by us */
	line(b, "    error_page 495 496 =403 $mokhoa_without_certificate;");
	error_body(b, "without_certificate", "403", ERR_ADMIN_UNKNOWN);
	if (n->portal_files != NULL) {
		line(b, "    location @without_certificate_page {");
		line(b, "        root %s/console;", n->portal_files);
		line(b, "        try_files /without-certificate.html =404;");
		page_lines(b, POLICY_CONSOLE "'none'");
	}
	/* here and not in the location, which would then know none of the server's other pages */
	line(b, "    error_page 504 @too_slow;");
	error_body(b, "too_slow", "504", ERR_TIMEOUT);
	line(b, "    location /v1/admin/ {");
	proxy_lines(b, "mokhoa_admin", "$ssl_client_escaped_cert", DESK_S);
	line(b, "    }");
	site(b, n, "console", POLICY_CONSOLE "'none'");
	line(b, "    location / { return 404; }");
	line(b, "}");
}

#define CONNECTIONS_AN_ADDRESS 200 /* many customers stand behind one address of a telephone company; nginx of Debian has 768 places */

/*
 * What counts connections of an address, and what it cannot. nginx's http counts in the phase "preaccess", to which a request comes when its headers have been read; its stream counts as
 * soon as a connection is there, but is another block of nginx.conf with a module of its own, behind which each customer would take three places in place of one. The firewall counts at
 * the first packet and spends no place of nginx.
 */
static void
connection_lines(struct buf *b, const struct nginx *n)
{
	line(b, "# limit_conn counts a connection when the headers of its request have come: nothing in nginx's http counts before. Who opens connections and sends half of the headers holds");
	line(b, "# a place for client_header_timeout. What counts from the first packet on is the firewall; with nftables, a network of 64 bits being one address of IPv6:");
	line(b, "#   table inet mokhoa {");
	line(b, "#     set four { type ipv4_addr; flags dynamic; size 65535; }");
	line(b, "#     set six { type ipv6_addr; flags dynamic; size 65535; }");
	line(b, "#     chain input {");
	line(b, "#       type filter hook input priority 0;");
	line(b, "#       tcp dport { %s, %s } ct state new add @four { ip saddr ct count over %d } reject with tcp reset", n->port, n->admin_port, CONNECTIONS_AN_ADDRESS);
	line(b, "#       tcp dport { %s, %s } ct state new add @six { ip6 saddr & ffff:ffff:ffff:ffff:: ct count over %d } reject with tcp reset", n->port, n->admin_port, CONNECTIONS_AN_ADDRESS);
	line(b, "#     }");
	line(b, "#   }");
	line(b, "limit_conn_zone $mokhoa_network zone=mokhoa_connections:10m;");
}

enum err
nginx_write(const struct nginx *n, struct buf *b)
{
	line(b, "# Written by mokhoa-tms init: include this file in nginx's http block.");
	/* by the caller's network, as the server counts (network.h): the first 8 bytes of an IPv6 address, unless an IPv4 address is mapped to it */
	line(b, "map $binary_remote_addr $mokhoa_network { default $binary_remote_addr; \"~(?s)^(?!\\x00{10}\\xff\\xff)(?<mokhoa_half>.{8}).{8}\" $mokhoa_half; }");
	line(b, "limit_req_zone $mokhoa_network zone=mokhoa_customers:10m rate=20r/s;");
	connection_lines(b, n);
	line(b, "upstream mokhoa_public { server unix:%s; keepalive 32; }", n->public_socket);
	line(b, "upstream mokhoa_admin { server unix:%s; keepalive 4; }", n->admin_socket);
	line(b, "map $request_uri $mokhoa_without_certificate { default @without_certificate%s; ~^/v1/ @without_certificate; }",
	    n->portal_files != NULL ? "_page" : "");
	/* a refusal of nginx's own says when to come again; the server's says it itself */
	line(b, "map $status:$upstream_http_retry_after $mokhoa_retry { default \"\"; 429: 1; }");
	line(b, "map $status $mokhoa_minute { default no-store; 200 %s; }", POLICY_MINUTE);
	public_server(b, n);
	admin_server(b, n);
	return buf_error(b);
}
