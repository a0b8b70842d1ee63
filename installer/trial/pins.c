/* SPDX-License-Identifier: Apache-2.0 */
#include "pins.h"

#include "buf.h"
#include "json.h"
#include "os.h"

#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define DIGITS	    "0123456789"
#define HEXADECIMAL DIGITS "ABCDEF"
#define LETTERS	    DIGITS "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

/* ---- the operator's ---- */

/* Up to the end of the line or of the input; what is too long is read and refused. */
static enum err
read_line(int fd, struct secret *ret)
{
	unsigned char byte = 0;
	bool good = true;
	long n;

	*ret = (struct secret){ .len = 0 };
	while ((n = os_read(fd, &byte, 1)) == 1 && byte != '\n') {
		if (byte < ' ' || byte > '~' || ret->len == SECRET_MAX)
			good = false;
		else
			ret->bytes[ret->len++] = byte;
	}
	wipe(&byte, sizeof(byte));
	if (n == 1 || n == 0)
		n = good && ret->len > 0 ? 1 : 0;
	if (n == 1)
		return ERR_OK;
	secret_wipe(ret);
	return n == 0 ? ERR_PIN_REFUSED : ERR_FILE_FAILED;
}

enum err
pins_ask(const char *question, struct secret *ret)
{
	struct termios as_it_was, quiet;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	enum err e = ERR_USAGE;

	if (fd == -1)
		return ERR_USAGE;
	if (tcgetattr(fd, &as_it_was) == 0) {
		quiet = as_it_was;
		/* without signals, so that no ^C leaves a terminal that shows nothing: it makes the line one that is refused */
		quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
		if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0) {
			(void)os_write_all(fd, question, strlen(question));
			e = read_line(fd, ret);
			(void)os_write_all(fd, "\n", 1);
			(void)tcsetattr(fd, TCSAFLUSH, &as_it_was);
		}
	}
	os_close(fd);
	return e;
}

enum err
pins_from(int fd, struct secret *ret)
{
	enum err e = read_line(fd, ret);

	os_close(fd);
	return e;
}

/* ---- the trial's own ---- */

static unsigned char
one_of(const char *alphabet)
{
	size_t count = strlen(alphabet);
	unsigned char byte;

	do
		os_random(&byte, 1);
	while (byte >= 256 - 256 % count);
	return (unsigned char)alphabet[byte % count];
}

static void
make(size_t len, const char *alphabet, const struct secret *other, struct secret *ret)
{
	ret->len = len < SECRET_MAX ? len : SECRET_MAX;
	for (size_t i = 0; i < ret->len; i++)
		do
			ret->bytes[i] = one_of(alphabet);
		while (other != NULL && i < other->len && other->bytes[i] == ret->bytes[i]);
}

void
pins_make(size_t len, bool letters, const struct secret *other, struct secret *ret)
{
	make(len, letters ? LETTERS : DIGITS, other, ret);
	/* one that is said to have letters has one */
	if (letters && ret->len > 0)
		do
			ret->bytes[0] = one_of("ABCDEFGHJKLMNPQRSTUVWXYZ");
		while (other != NULL && other->len > 0 && other->bytes[0] == ret->bytes[0]);
}

static bool
is_of(const struct secret *s, const char *alphabet)
{
	for (size_t i = 0; i < s->len; i++)
		if (s->bytes[i] == '\0' || strchr(alphabet, s->bytes[i]) == NULL)
			return false;
	return true;
}

void
pins_make_like(const struct secret *model, struct secret *ret)
{
	const char *alphabet = LETTERS;

	if (is_of(model, DIGITS))
		alphabet = DIGITS;
	else if (is_of(model, HEXADECIMAL))
		alphabet = HEXADECIMAL;
	else if (is_of(model, DIGITS "abcdef"))
		alphabet = DIGITS "abcdef";
	make(model->len, alphabet, model, ret);
}

enum err
pins_record(const char *path, const struct token_name *token, const struct secret *so_pin)
{
	struct buf b = buf_new(1024);
	int64_t age;
	json_t *record;
	enum err e = os_file_age(path, &age);

	if (e == ERR_OK)
		return ERR_FILE_EXISTS;
	if (e != ERR_FILE_MISSING)
		return ERR_FILE_FAILED;
	record = json_pack("{s:o, s:s#}", "token", token_name_json(token), "so_pin", (const char *)so_pin->bytes, (int)so_pin->len);
	e = record != NULL ? json_dump(record, &b) : ERR_NO_MEMORY;
	buf_add(&b, "\n", 1);
	if (e == ERR_OK)
		e = buf_error(&b);
	if (e == ERR_OK && os_write_private(path, b.data, b.len) != ERR_OK)
		e = ERR_FILE_FAILED;
	json_decref(record);
	buf_free(&b);
	return e;
}
