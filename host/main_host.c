/* SPDX-License-Identifier: Apache-2.0 */
/* mokhoa-host: what browsers start (native.h), and the same on the command line (command.h). */
#include "command.h"
#include "json.h"
#include "log.h"
#include "native.h"
#include "os.h"

int
main(int argc, char *argv[])
{
	const char *extension;

	os_harden();
	json_open();
	log_open("mokhoa-host");
	if (native_extension(argc, argv, &extension))
		return native_run(extension);
	return command_run(argc, argv);
}
