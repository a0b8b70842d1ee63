/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk: the operator's commands of mokhoa-tms. Each takes main's argc and argv behind the command's name, prints what was asked for on
 * stdout and every complaint on stderr, and returns the exit status: 0, 1 where something failed, 2 for a wrong use.
 */
#ifndef MOKHOA_DESK_H
#define MOKHOA_DESK_H

int desk_seal(int argc, char **argv);	    /* seal --vault-key FILE < CSV > CSV */
int desk_import(int argc, char **argv);	    /* import --config FILE [--dry-run] [--report FILE] < CSV */
int desk_export(int argc, char **argv);	    /* export --config FILE --to CERTIFICATE --output FILE [--private-key FILE] */
int desk_keys(int argc, char **argv);	    /* keys list|new|reseal|retire|recall --config FILE, keys backup|check|restore FILE --config FILE ... */
int desk_init(int argc, char **argv);	    /* init --dir DIR ... */
int desk_person(int argc, char **argv);	    /* person add|remove|list */
int desk_type(int argc, char **argv);	    /* type add --config FILE < CSV, type list --config FILE */
int desk_vendor(int argc, char **argv);	    /* vendor add --config FILE < CSV, vendor list --config FILE, vendor modules --config FILE --system SYSTEM */
int desk_agency(int argc, char **argv);	    /* agency add ID --config FILE --name NAME --origin ORIGIN ..., agency remove ID --config FILE, agency list --config FILE */
int desk_token(int argc, char **argv);	    /* token list --config FILE ..., token show|lost|retire|agency SERIAL --config FILE ... */
int desk_notice(int argc, char **argv);	    /* notice add --config FILE --title-vi TEXT ..., notice list --config FILE, notice remove ID --config FILE */
int desk_backup(int argc, char **argv);	    /* backup FILE --config FILE */
int desk_restore(int argc, char **argv);    /* restore FILE|--replay-only --config FILE [--skip-damaged-lines] [--any-log] */
int desk_audit(int argc, char **argv);	    /* audit verify|export|erase --config FILE ... */
int desk_escrow_log(int argc, char **argv); /* escrow-log check|adopt --config FILE */
int desk_bounce(int argc, char **argv);	    /* bounce --config FILE --recipient ADDRESS < MESSAGE */
int desk_templates(int argc, char **argv);  /* templates FOLDER */

#endif
