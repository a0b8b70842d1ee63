/* SPDX-License-Identifier: Apache-2.0 */
/* A mail's way back: the address that names its row, which nobody else can make, and what reports say. */
#include "address.h"
#include "bounce.h"
#include "check.h"

#include <ctype.h>
#include <stdio.h>

static const unsigned char key[BOUNCE_KEY_LEN] = "a key of 31 bytes and their NUL.";

static void
test_address(void)
{
	static const int64_t ids[] = { 1, 58498, 9007199254740991 };
	char address[BOUNCE_ADDRESS_SIZE];
	int64_t id = 0;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		CHECK(bounce_address(key, "bounce.ca.example", ids[i], address) == ERR_OK);
		CHECK(address_ok(address, strlen(address)));
		CHECK(bounce_read(key, address, &id) && id == ids[i]);
		for (char *c = address; *c != '\0'; c++)
			*c = (char)toupper((unsigned char)*c);
		CHECK(bounce_read(key, address, &id) && id == ids[i]);
	}
}

/* Every other character at every place of the local part names no row. */
static void
test_forged(void)
{
	static const char others[] = "0123456789abcdefz.+@ \n";
	unsigned char other_key[BOUNCE_KEY_LEN] = { 1 };
	char address[BOUNCE_ADDRESS_SIZE];
	unsigned taken = 0;
	int64_t id = 0;

	CHECK(bounce_address(key, "ca.example", 123, address) == ERR_OK);
	CHECK(!bounce_read(other_key, address, &id));
	for (char *at = address; *at != '@'; at++)
		for (const char *other = others; *other != '\0'; other++) {
			char was = *at;
			if (*other != was) {
				*at = *other;
				taken += bounce_read(key, address, &id);
				*at = was;
			}
		}
	CHECK(taken == 0);
	CHECK(!bounce_read(key, "", &id) && !bounce_read(key, "bounce+", &id) && !bounce_read(key, "bounce+1.@x", &id) && !bounce_read(key, "no-reply@ca.example", &id));
	CHECK(!bounce_read(key, "bounce+0123.00000000000000000000@ca.example", &id));
}

static const struct {
	const char *text;
	const char *status; /* NULL: is no report */
	enum bounce_action action;
} reports[] = {
	{ "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"B\"\r\n\r\n--B\r\nContent-Type: text/plain\r\n\r\nStatus: 2.0.0\r\n--B\r\nContent-Type: message/delivery-status\r\n\r\n"
	  "Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; a@b.vn\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no\r\n\r\n--B--\r\n",
	    "5.1.1", BOUNCE_FAILED },
	{ "content-type:message/delivery-status\n\nACTION:  Failed\nstatus:5.7.26 (policy)\n", "5.7.26", BOUNCE_FAILED },
	{ "Content-Type: message/delivery-status\n\nAction: delayed\nStatus: 4.4.1\n--B\nAction: failed\nStatus: 5.0.0\n", "4.4.1", BOUNCE_OTHER },
	{ "Content-Type: message/delivery-status\n\nAction: delivered\nStatus: 2.0.0\n\nAction: failed\nStatus: 5.2.2\n", "5.2.2", BOUNCE_FAILED },
	{ "Content-Type: message/delivery-status\n\nAction: failed\nStatus: 5\n", NULL, BOUNCE_OTHER },
	{ "Content-Type: message/delivery-status\n\nAction: failed\nStatus: 9.1.1\n", NULL, BOUNCE_OTHER },
	{ "Content-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1.1.1.1.1.1.1.1\n", NULL, BOUNCE_OTHER },
	{ "Content-Type: message/delivery-status\n\nStatus: 5.1.1\n", NULL, BOUNCE_OTHER },
	{ "Content-Type: text/plain\n\nAction: failed\nStatus: 5.1.1\n", NULL, BOUNCE_OTHER },
	{ "", NULL, BOUNCE_OTHER },
	{ "\n", NULL, BOUNCE_OTHER },
};

static void
test_reports(void)
{
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
		enum bounce_action action = BOUNCE_OTHER;
		char status[BOUNCE_STATUS_SIZE] = "";
		enum err e = bounce_report(reports[i].text, strlen(reports[i].text), &action, status);
		if (!CHECK(e == (reports[i].status != NULL ? ERR_OK : ERR_BOUNCE_INVALID)))
			printf("  report %zu\n", i);
		if (reports[i].status != NULL) {
			CHECK_TEXT(status, reports[i].status);
			CHECK(action == reports[i].action);
		}
	}
}

/* No prefix of a report is more than it was. */
static void
test_cut(void)
{
	const char *text = reports[0].text;

	for (size_t len = 0; len < strlen(text); len++) {
		enum bounce_action action;
		char status[BOUNCE_STATUS_SIZE];
		if (bounce_report(text, len, &action, status) == ERR_OK)
			CHECK(action == BOUNCE_FAILED && strncmp(status, "5.1.", 4) == 0);
	}
}

int
main(void)
{
	test_address();
	test_forged();
	test_reports();
	test_cut();
	return CHECK_DONE();
}
