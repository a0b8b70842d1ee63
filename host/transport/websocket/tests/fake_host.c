/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in the place of mokhoa-host beside the test: says which page it was started for. */
#include <stdio.h>

int
main(int argc, char **argv)
{
	return argc == 3 && puts(argv[2]) >= 0 ? 0 : 1;
}
