/* SPDX-License-Identifier: Apache-2.0 */
/* mokhoa-host: what browsers and mokhoa-websocket start (native.h), and the same on the command line (command.h). */
#include "command.h"
#include "json.h"
#include "log.h"
#include "native.h"
#include "os.h"

int
main(int argc, char *argv[])
{
	const char *extension, *origin;

	os_harden();
	json_open();
	log_open("mokhoa-host");
	if (native_extension(argc, argv, &extension))
		return native_run(extension, NULL);
	if (native_page(argc, argv, &origin))
		return native_run(NULL, origin);
	return command_run(argc, argv);
}
