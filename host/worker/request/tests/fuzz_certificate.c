/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate as some token shows it: whatever can be read can be shown. */
#include "certificate_view.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *text, size_t max)
{
	if (strlen(text) > max || !text_is_showable(text, strlen(text)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct certificate_serial serial;
	struct certificate_view v;
	char number[CERTIFICATE_SERIAL_TEXT_MAX + 1];

	if (!certificate_view(data, size, &v))
		return 0;
	check_text(v.subject, CERTIFICATE_NAME_MAX);
	check_text(v.issuer, CERTIFICATE_NAME_MAX);
	check_text(v.email, CERTIFICATE_EMAIL_MAX);
	certificate_serial_text(&v.serial, number);
	if (number[0] == '\0' || strlen(number) % 2 != 0)
		abort();
	if (!certificate_serial(data, size, &serial) || serial.len != v.serial.len)
		abort();
	return 0;
}
