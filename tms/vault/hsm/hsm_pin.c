/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm_pin.h"

#include "buf.h"
#include "log.h"
#include "os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A credential is in a folder that the service manager has made for this user alone; what its file's mode says is the manager's matter (it may stand for an access list). */
static bool
find(const struct config_hsm *config, char ret_path[OS_PATH_MAX], mode_t *ret_refused)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	*ret_refused = S_IRWXG | S_IRWXO;
	if (config->pin_file != NULL) {
		snprintf(ret_path, OS_PATH_MAX, "%s", config->pin_file);
		return true;
	}
	*ret_refused = S_IRWXO;
	snprintf(ret_path, OS_PATH_MAX, "%s/%s", folder != NULL ? folder : "", config->pin_credential);
	return folder != NULL && folder[0] == '/';
}

static bool
is_private(const char *path, mode_t refused, bool own)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & refused) == 0 && (!own || st.st_uid == geteuid());
}

/* One line, with or without its end. */
static bool
take(const struct buf *b, struct secret *ret)
{
	size_t len = b->len;

	while (len != 0 && (b->data[len - 1] == '\n' || b->data[len - 1] == '\r'))
		len--;
	return len != 0 && memchr(b->data, '\n', len) == NULL && memchr(b->data, '\0', len) == NULL && secret_set(ret, b->data, len);
}

enum err
hsm_pin_read(const struct config_hsm *config, struct secret *ret)
{
	struct buf b = buf_new(SECRET_MAX + 2);
	char path[OS_PATH_MAX];
	mode_t refused;
	const char *wrong = NULL;

	if (!find(config, path, &refused))
		wrong = "the service manager has given no credentials (CREDENTIALS_DIRECTORY)";
	else if (!is_private(path, refused, config->pin_file != NULL))
		wrong = "it is missing, or not the vault user's own, or others can read it";
	else if (os_read_file(path, &b) != ERR_OK || !take(&b, ret))
		wrong = "it cannot be read, or is not one line of a PIN";
	buf_free(&b);
	if (wrong == NULL)
		return ERR_OK;
	log_error("hsm", "pin=%s cause=%s", path, wrong);
	return ERR_HSM_PIN_FILE;
}
