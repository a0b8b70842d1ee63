/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault: the only process that can open a sealed SO PIN. It runs under a user of its own, answers one frame a connection on a Unix
 * socket (protocol/README.md, "The vault"), and never gives an SO PIN away but sealed to a customer's machine.
 */
#ifndef MOKHOA_VAULT_H
#define MOKHOA_VAULT_H

struct config;

/*
 * Serves until the process is ended; the exit status where it cannot begin (the reason is logged). Refuses to begin when anybody but the
 * process's own user can read the private key. json_open() and os_harden() come first.
 */
int vault_main(const struct config *config);

#endif
