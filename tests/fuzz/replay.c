/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files of its corpus, so that what was once found stays found in builds without libFuzzer. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>

static int
replay(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *f = fopen(path, "rb");
	size_t size;

	if (f == NULL)
		return 0;
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	/* an exact copy on the heap, so that the address sanitizer sees a read one past its end */
	uint8_t *exact = malloc(size != 0 ? size : 1);
	if (exact == NULL)
		return 0;
	for (size_t i = 0; i < size; i++)
		exact[i] = data[i];
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 1;
}

int
main(int argc, char **argv)
{
	char path[4096];
	int replayed = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		if (dir == NULL)
			continue;
		for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
			if (e->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], e->d_name);
			replayed += replay(path);
		}
		closedir(dir);
	}
	printf("%d inputs replayed\n", replayed);
	return replayed == 0;
}
