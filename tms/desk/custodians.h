/* SPDX-License-Identifier: Apache-2.0 */
/*
 * custodians: the verbs of `mokhoa-tms keys` that keep the private keys of server and vault safe: each takes argc and argv behind the verb and
 * returns the exit status.
 */
#ifndef MOKHOA_CUSTODIANS_H
#define MOKHOA_CUSTODIANS_H

int custodians_backup(int argc, char **argv);  /* FILE --config FILE --to CERTIFICATE [--to CERTIFICATE] */
int custodians_check(int argc, char **argv);   /* FILE --config FILE --key PRIVATE-KEY */
int custodians_restore(int argc, char **argv); /* the same, and writes what is missing */

#endif
