/* SPDX-License-Identifier: Apache-2.0 */
/* mokhoa-websocket: pages reach mokhoa-host through ws://127.0.0.1 where there is no extension (websocket.h). */
#include "json.h"
#include "log.h"
#include "os.h"
#include "websocket.h"

int
main(int argc, char *argv[])
{
	os_harden();
	json_open();
	log_open("mokhoa-websocket");
	return websocket_run(argc, argv);
}
