/* SPDX-License-Identifier: Apache-2.0 */
#include "module_program.h"

#include "image.h"
#include "log.h"

#include <string.h>

static const char *const programs[] = { "mokhoa-worker", "mokhoa-worker-x86" };

enum err
module_program(const char *folder, const char *module, char ret[OS_PATH_MAX])
{
	struct image wanted = { .format = IMAGE_NONE };
	char text[IMAGE_TEXT_MAX];

	(void)image_of_file(module, &wanted);
	if (wanted.format == IMAGE_NONE)
		return os_program_path(folder, programs[0], ret);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct image program = { .format = IMAGE_NONE };
		char path[OS_PATH_MAX];
		enum err e = os_program_path(folder, programs[i], path);

		if (e != ERR_OK)
			return e;
		/* a program that is no image (a script in its place) is taken at its word: its loader says the rest */
		if (image_of_file(path, &program) == ERR_OK && (program.format == IMAGE_NONE || image_same(&program, &wanted))) {
			memcpy(ret, path, sizeof(path));
			return ERR_OK;
		}
	}
	image_text(&wanted, text);
	log_info("module", "module=%s image=\"%s\" error=%s", module, text, err_name(ERR_MODULE_ARCHITECTURE));
	return ERR_MODULE_ARCHITECTURE;
}
