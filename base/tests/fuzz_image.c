/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a library that a vendor has made. */
#include "fuzz.h"
#include "image.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* exactly as long as it is said to be, so that a byte beyond is seen */
	unsigned char *head = malloc(size != 0 ? size : 1);
	char text[IMAGE_TEXT_MAX];
	struct image whole, cut;

	must(head != NULL);
	if (size != 0)
		memcpy(head, data, size);
	whole = image_of(head, size);
	must(image_same(&whole, &whole) == (whole.format != IMAGE_NONE));
	must(whole.format != IMAGE_PE || memcmp(head, "MZ", 2) == 0);
	must(whole.format != IMAGE_ELF || memcmp(head, "\177ELF", 4) == 0);
	image_text(&whole, text);
	must(strlen(text) < sizeof(text));
	/* what is known of a part is known of the whole */
	cut = image_of(head, size / 2);
	must(cut.format == IMAGE_NONE || image_same(&cut, &whole));
	free(head);
	return 0;
}
