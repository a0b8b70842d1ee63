/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "scratch_database.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scratch
scratch_new(void)
{
	struct scratch s = { .store = NULL };
	const char *tmp = getenv("TMPDIR");

	snprintf(s.folder, sizeof(s.folder), "%s/mokhoa-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(s.folder) == NULL) {
		perror(s.folder);
		exit(1);
	}
	scratch_database_new(s.folder, s.path, sizeof(s.path));
	if (store_open(s.path, &s.store) != ERR_OK) {
		fprintf(stderr, "%s does not open\n", s.path);
		exit(1);
	}
	return s;
}

void
scratch_free(struct scratch *s)
{
	char path[600];
	DIR *dir;

	store_close(s->store);
	scratch_database_drop(s->path);
	dir = opendir(s->folder);
	for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
		snprintf(path, sizeof(path), "%s/%s", s->folder, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(s->folder);
}

static struct token_name
token_name_of(unsigned n)
{
	struct token_name name = { .manufacturer = "www.CardContact.de", .model = "PKCS#15 emulated" };

	snprintf(name.serial, sizeof(name.serial), "DENK%010u", n);
	return name;
}

struct store_request
scratch_request(unsigned n)
{
	struct store_request r = {
		.token = token_name_of(n),
		.certificate_serial = "5401C7ADA92A737CA6ECF19C1FB1525C",
		.customer = "CÔNG TY CỔ PHẦN THỬ NGHIỆM",
		.email = "khach@example.vn",
		.reason = "locked",
		.language = "vi",
		.address = "2001:db8::1",
		.state = STATE_PENDING,
		.identified = true,
		.created = SCRATCH_NOW,
		.changed = SCRATCH_NOW,
		.expires = SCRATCH_NOW + 3600,
	};

	memset(r.id, 0x10, sizeof(r.id));
	memset(r.create_hash, 0x20, sizeof(r.create_hash));
	memset(r.host_kem_pk, 0x30, sizeof(r.host_kem_pk));
	memset(r.host_sig_pk, 0x40, sizeof(r.host_sig_pk));
	memcpy(r.id, &n, sizeof(n));
	memcpy(r.create_hash, &n, sizeof(n));
	return r;
}

struct store_token
scratch_token(unsigned n)
{
	struct store_token t = {
		.name = token_name_of(n),
		.customer = "CÔNG TY CỔ PHẦN THỬ NGHIỆM",
		.email = "khach@example.vn",
		.certificate_serial = "5401C7ADA92A737CA6ECF19C1FB1525C",
		.state = STORE_UNVERIFIED,
		.created = SCRATCH_NOW,
	};

	return t;
}

struct store_person
scratch_person(unsigned n, enum store_role role)
{
	struct store_person p = { .role = role, .created = SCRATCH_NOW };

	memset(p.fingerprint, 0x50, sizeof(p.fingerprint));
	memcpy(p.fingerprint, &n, sizeof(n));
	snprintf(p.name, sizeof(p.name), "Nguyễn Văn %u", n);
	return p;
}
