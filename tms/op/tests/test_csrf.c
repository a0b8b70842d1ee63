/* SPDX-License-Identifier: Apache-2.0 */
/* The CSRF token: of one certificate, of one hour, of one process. */
#include "check.h"
#include "csrf.h"

#include <string.h>

#define NOW INT64_C(1700000000)

int
main(void)
{
	struct service service = { .csrf_key = { 1 } };
	struct service restarted = { .csrf_key = { 2 } };
	struct store_person an = { .id = 1, .fingerprint = { 1 } };
	struct store_person binh = { .id = 1, .fingerprint = { 2 } };
	char token[CSRF_LEN + 1];
	char wrong[CSRF_LEN + 2];
	int taken = 0;

	if (!CHECK(csrf_make(&service, &an, NOW, token) == ERR_OK) || !CHECK(strlen(token) == CSRF_LEN))
		return CHECK_DONE();
	CHECK(csrf_ok(&service, &an, NOW, token));
	CHECK(csrf_ok(&service, &an, NOW + CSRF_VALID_S - 1, token));
	CHECK(!csrf_ok(&service, &an, NOW + CSRF_VALID_S, token));
	CHECK(!csrf_ok(&service, &binh, NOW, token));
	CHECK(!csrf_ok(&restarted, &an, NOW, token));
	CHECK(!csrf_ok(&service, &an, NOW, NULL));
	CHECK(!csrf_ok(&service, &an, NOW, ""));

	/* any character another one: another time or another HMAC */
	for (size_t i = 0; i < CSRF_LEN; i++) {
		memcpy(wrong, token, sizeof(token));
		wrong[i] = wrong[i] == 'A' ? 'Q' : 'A';
		if (csrf_ok(&service, &an, NOW, wrong))
			taken++;
	}
	CHECK(taken == 0);
	for (size_t len = 0; len < CSRF_LEN; len++) {
		memcpy(wrong, token, len);
		wrong[len] = '\0';
		if (csrf_ok(&service, &an, NOW, wrong))
			taken++;
	}
	memcpy(wrong, token, CSRF_LEN);
	memcpy(wrong + CSRF_LEN, "A", 2);
	CHECK(!csrf_ok(&service, &an, NOW, wrong) && taken == 0);
	return CHECK_DONE();
}
