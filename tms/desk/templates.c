/* SPDX-License-Identifier: Apache-2.0 */
/* templates: writes what mails say into a folder, as files to begin with; nothing that is there is overwritten. */
#include "desk.h"

#include "letter.h"
#include "options.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USAGE "templates FOLDER"

static enum err
write_one(const char *folder, enum store_mail kind, enum letter_language language)
{
	const char *text = letter_builtin(kind, language);
	char file[LETTER_FILE_SIZE];
	char path[OS_PATH_MAX];
	enum err e = ERR_OK;
	int fd;

	letter_file(kind, language, file);
	snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		e = errno == EEXIST ? ERR_FILE_EXISTS : ERR_FILE_FAILED;
	else if (!os_write_all(fd, text, strlen(text)) || fchmod(fd, 0644) != 0)
		e = ERR_FILE_FAILED;
	if (fd >= 0)
		close(fd);
	if (e != ERR_OK)
		options_complain(e, path);
	else
		printf("%s\n", path);
	return e;
}

int
desk_templates(int argc, char **argv)
{
	enum err e = ERR_OK;

	if (argc != 1 || argv[0][0] == '-') {
		options_complain(ERR_USAGE, USAGE);
		return 2;
	}
	if (mkdir(argv[0], 0755) == 0)
		e = chmod(argv[0], 0755) == 0 ? ERR_OK : ERR_FILE_FAILED;
	else if (errno != EEXIST)
		e = ERR_FILE_FAILED;
	if (e != ERR_OK)
		options_complain(e, argv[0]);
	for (int kind = 0; e == ERR_OK && kind < STORE_MAIL_COUNT; kind++)
		for (int language = 0; e == ERR_OK && language < LETTER_LANGUAGES; language++)
			e = write_one(argv[0], (enum store_mail)kind, (enum letter_language)language);
	return e == ERR_OK ? 0 : 1;
}
