/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole HTTP request as the server's own code sees it, from the path to the operation on an empty store: the first byte chooses the door,
 * then method, path, query, content type, origin, address, certificate, Sec-Fetch-Site and CSRF token, one line each, then the body.
 */
#include "exchange.h"
#include "json.h"
#include "log.h"
#include "scratch.h"
#include "world.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES	     9
#define LINE_MAX_LEN 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config config = { .console_origin = "https://console.example", .hotline = "1900", .language = "vi", .request_valid_s = 60, .unidentified_max = 1, .unidentified_by_address = 1 };
static struct service service = { .config = &config };
static struct scratch scratch;

static void
end(void)
{
	scratch_free(&scratch);
	key_sig_free(service.signing_key);
	authorities_free(service.issuers);
	authorities_free(service.admin_ca);
}

static void
begin(void)
{
	char path[] = "/tmp/mokhoa-fuzz-XXXXXX";
	int fd = mkstemp(path);
	struct world_ca ca = world_ca_new("CA");

	setenv("MOKHOA_LOG", "error", 1);
	log_open("fuzz");
	json_open();
	scratch = scratch_new();
	world_ca_write(&ca, path);
	world_ca_free(&ca);
	service.signing_key = key_sig_new();
	if (authorities_load(path, AUTHORITIES_ANY_TIME, &service.issuers) != ERR_OK || authorities_load(path, AUTHORITIES_CLIENT_NOW, &service.admin_ca) != ERR_OK)
		abort();
	unlink(path);
	close(fd);
	atexit(end);
}

/* The next line as text; what is behind it begins at *at. */
static char *
next_line(const uint8_t *data, size_t size, size_t *at, char text[LINE_MAX_LEN])
{
	size_t len = 0;

	while (*at < size && data[*at] != '\n') {
		if (len < LINE_MAX_LEN - 1)
			text[len++] = (char)data[*at];
		*at += 1;
	}
	*at += *at < size;
	text[len] = '\0';
	return text;
}

/* As the HTTP library would take a query apart. */
static void
split_query(char *text, struct exchange_request *request)
{
	while (*text != '\0') {
		char *next = text + strcspn(text, "&");
		char *value = text + strcspn(text, "=&");
		char ended = *next;
		bool has_value = *value == '=';
		*next = '\0';
		*value = '\0';
		if (request->query_count < EXCHANGE_QUERY_MAX) {
			request->query[request->query_count].key = text;
			request->query[request->query_count].value = has_value ? value + 1 : NULL;
		}
		request->query_count++;
		text = ended != '\0' ? next + 1 : next;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char lines[LINES][LINE_MAX_LEN];
	static bool begun;
	struct exchange_request request = { .desk = false };
	struct exchange_answer answer;
	size_t at = 1;

	if (!begun)
		begin();
	begun = true;
	if (size == 0)
		return 0;
	for (int i = 0; i < LINES; i++)
		next_line(data, size, &at, lines[i]);
	request.desk = (data[0] & 1) != 0;
	request.method = lines[0];
	request.path = lines[1];
	split_query(lines[2], &request);
	request.content_type = lines[3][0] != '\0' ? lines[3] : NULL;
	request.origin = lines[4][0] != '\0' ? lines[4] : NULL;
	request.real_ip = lines[5][0] != '\0' ? lines[5] : NULL;
	request.certificate = lines[6][0] != '\0' ? lines[6] : NULL;
	request.fetch_site = lines[7][0] != '\0' ? lines[7] : NULL;
	request.csrf = lines[8][0] != '\0' ? lines[8] : NULL;
	request.body = data + at;
	request.body_len = size - at;
	exchange_run(&service, scratch.store, &request, &answer);
	if (answer.status < 200 || answer.body.len == 0)
		abort();
	buf_free(&answer.body);
	return 0;
}
