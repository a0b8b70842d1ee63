/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command: the host on the command line: one request of the local user himself, who needs no origin, or a look at what is broken.
 */
#ifndef MOKHOA_COMMAND_H
#define MOKHOA_COMMAND_H

/*
 * mokhoa-host call METHOD [JSON] [--profile NAME] prints the result or the error object, as one line of JSON, on stdout; notifications go to
 * stderr. Exit status 0, 1 for an error, 2 for a wrong use. Also --version and --help.
 *
 * mokhoa-host doctor [--json | --bundle] [--profile NAME] [--root FOLDER] prints what keeps this machine's browsers from the token (doctor.h): for people, whole as JSON, or
 * as JSON without anything of this machine or its user. Exit status 1 where something is broken.
 */
int command_run(int argc, char *const argv[]);

#endif
