/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: what the operator has said: one JSON file, read at the start by the server and by the vault alike, and by the server anew at each reload, as another
 * config. No secret is in it, only the names of the files that hold one.
 *
 * Strict: an unknown, missing or ill-formed key is an error that names file, line, column, key, what is expected, and for an unknown one the nearest that is known. Values are borrowed from the config until
 * config_free(); after config_load() nothing changes them, so any thread may read.
 */
#ifndef MOKHOA_CONFIG_H
#define MOKHOA_CONFIG_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_MAX	  65536 /* bytes of the file */
#define CONFIG_WHERE_SIZE 512

struct config_listen {
	const char *public_socket; /* "public" */
	const char *admin_socket;  /* "admin" */
	const char *group;	   /* that nginx runs in; NULL: the program's own */
	unsigned threads;	   /* of the public socket; 1..64, default 4 */
	const char *metrics;	   /* where health and metrics are read: a Unix socket or 127.0.0.1:PORT; NULL: nowhere */
};

/* An HSM that holds private keys of the vault. */
struct config_hsm {
	const char *module;	    /* PKCS#11, absolute, root's; NULL: there is no HSM */
	const char *token;	    /* label */
	const char *serial;	    /* serial number */
	const char *key;	    /* label of the keys that are made there; default "mokhoa-vault" */
	const char *pin_file;	    /* that only the vault's user can read; NULL where there is a credential */
	const char *pin_credential; /* its name among those that the service manager gives the vault; NULL where there is a file */
};

struct config_vault {
	const char *socket;
	const char *public_key;	    /* file (keyfile.h), KEY_KEM_PK_LEN bytes */
	const char *private_key;    /* file (keyring.h); only the vault's user can read it */
	const char *client;	    /* user that may call it; NULL: the vault's own */
	unsigned rows_per_hour;	    /* an unlock takes two or three; default 200 */
	unsigned compares_per_hour; /* of imported rows with those on record; default 1000 */
	struct config_hsm hsm;
};

enum config_tls {
	CONFIG_TLS_NONE,     /* "none": a relay on this machine */
	CONFIG_TLS_STARTTLS, /* "starttls": required, never skipped */
	CONFIG_TLS_SMTPS     /* "smtps" */
};

struct config_smtp {
	const char *url;	 /* smtp://host:port or smtps://host:port */
	const char *from;	 /* address of the authority */
	const char *credentials; /* file of two lines, user and password; NULL: none */
	const char *ca;		 /* PEM; NULL: the system's */
	enum config_tls tls;
};

/* What becomes of an administrator of whom nobody can tell whether his certificate was revoked. */
enum config_unknown {
	CONFIG_UNKNOWN_REFUSE, /* "refuse" */
	CONFIG_UNKNOWN_WARN    /* "warn": let in, and said in the log */
};

/* Neither a list nor a responder: what nginx has verified is enough. */
struct config_revocation {
	const char *crl; /* PEM, the lists of all admin_ca; read again when it was replaced */
	enum config_unknown unknown;
	bool ocsp;
	const char *ocsp_url;	   /* http://...; NULL: what the certificate names */
	unsigned ocsp_deadline_ms; /* 100..10000, default 3000 */
};

/* When a second approver is needed, whatever types and agencies ask for besides. */
enum config_second {
	CONFIG_SECOND_ADDRESS, /* "changed_address" */
	CONFIG_SECOND_ALWAYS,  /* "always" */
	CONFIG_SECOND_NEVER    /* "never" */
};

/* What goes out, and what comes back. */
struct config_mail {
	const char *templates;	   /* folder of what mails say (mail/letter.h); NULL: what is built in */
	const char *bounce_domain; /* of the envelope senders that mails which come back are found by (mail/bounce.h); NULL: the sender is smtp.from */
	const char *bounce_key;	   /* file (keyfile.h), 32 bytes; with bounce_domain */
};

enum config_log_format {
	CONFIG_LOG_TEXT, /* "text": TIME PROGRAM LEVEL area key=value ... */
	CONFIG_LOG_JSON	 /* "json": an object a line */
};

enum config_log_level {
	CONFIG_LOG_ERROR,
	CONFIG_LOG_INFO,
	CONFIG_LOG_DEBUG
};

struct config_log {
	enum config_log_format format;
	enum config_log_level level;
};

/* Calls a minute, as many at once; more are answered "busy". */
struct config_limits {
	unsigned address_per_minute; /* of an IPv4 address or an IPv6 network of 64 bits; default 1200 */
	unsigned person_per_minute;  /* at the desk; default 1200 */
};

struct config {
	const char *data;	/* folder, absolute */
	const char *postgresql; /* "database": URL; NULL: SQLite */
	char *database;		/* that URL, or data/tms.sqlite */
	struct config_listen listen;
	const char *signing_key; /* file (keyfile.h), KEY_SIG_SEED_LEN bytes */
	struct config_vault vault;
	const char *issuers;	    /* PEM: the authority's own CAs, which sign customers' certificates */
	const char *admin_ca;	    /* PEM: the CAs of administrators' certificates */
	const char *console_origin; /* https://host[:port] of the administrator's pages */
	const char *authority;	    /* its name in mails */
	const char *portal;	    /* https://..., where a mail sends the customer back to; NULL: none */
	const char *hotline;
	const char *language; /* first of "languages" */
	struct config_smtp smtp;
	struct config_mail mail;
	struct config_log log;
	struct config_limits limits;
	const char *tls_certificate; /* PEM that nginx shows, so that its end is seen coming; NULL: nobody has said */
	struct config_revocation revocation;
	int64_t request_valid_s;	    /* an unapproved request; default 7 days */
	int64_t approval_valid_s;	    /* default 7 days */
	int64_t code_valid_s;		    /* 900..259200, default 86400 */
	int64_t unknown_after_s;	    /* a release without a report becomes "unknown"; default 3600 */
	int64_t failed_after_s;		    /* one that stayed unknown has failed; default 30 days */
	const char *escrow_log;		    /* file, on another device than data */
	bool escrow_log_same_device;	    /* the operator knows that it is not */
	enum config_second second_approver; /* default: for a changed address */
	const char *audit_anchor;	    /* file; default: audit-anchor.log beside the escrow log */
	unsigned anchor_minutes;	    /* how often the audit is anchored besides at every release; default 5 */
	unsigned erase_after_months;	    /* personal data of what has ended; 0, the default: never */
	const char *operator_email;	    /* who is told of an alarm; NULL: the log alone */
	const char *approvers_email;	    /* who is told of requests that wait; NULL: nobody */
	int64_t announce_every_s;	    /* at most one such mail in that time; 900.., default 900 */
	const char *backups;		    /* folder for backups that are begun at the desk; NULL: none are */
	unsigned alarm_releases;	    /* more SO PINs released or exported in an hour are an alarm; default 20 */
	unsigned unidentified_max;	    /* open in all; default 1000 */
	unsigned unidentified_by_address;   /* open; default 5 */
};

/* ERR_CONFIG_INVALID; where (CONFIG_WHERE_SIZE characters) says file, line, column, key and what is expected. */
enum err config_load(const char *path, struct config **ret_config, char *where);

/* The same from text; name stands for the file in where. */
enum err config_parse(const void *text, size_t len, const char *name, struct config **ret_config, char *where);
void config_free(struct config *c);

/* Calls each() for every key in which the two differ and that a running server cannot change; whether there is one. */
bool config_names_fixed(const struct config *a, const struct config *b, void (*each)(const char *section, const char *key, void *context), void *context);

#endif
