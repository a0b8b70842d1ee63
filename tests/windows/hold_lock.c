/* SPDX-License-Identifier: Apache-2.0 */
/* hold_lock NAME: holds that lock of the machine, as a worker holds its token, says "held" and its process, and goes when its input ends. */
#include "os.h"

#include <windows.h>

#include <stdio.h>

int
main(int argc, char *argv[])
{
	intptr_t lock;

	if (argc != 2 || os_lock(argv[1], &lock) != ERR_OK)
		return 1;
	printf("held %lu\n", (unsigned long)GetCurrentProcessId());
	fflush(stdout);
	while (getchar() != EOF)
		;
	os_unlock(lock);
	return 0;
}
