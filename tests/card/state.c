/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LINE_MAX_LENGTH = 2 * BUFFER_MAX + 64,
	PATH_LENGTH = 4096
};

static const char magic[] = "mokhoa-card 1\n";

bool
state_serial_ok(const char *serial)
{
	static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const size_t length = strlen(serial);

	return length >= SERIAL_MIN && length <= SERIAL_MAX && strspn(serial, letters) == length;
}

/* Printable and with nothing that JSON would have to escape. */
bool
state_label_ok(const char *label)
{
	const size_t length = strlen(label);

	if (length == 0 || length > LABEL_MAX)
		return false;
	for (const unsigned char *c = (const unsigned char *)label; *c != '\0'; c++)
		if (*c < 0x20 || *c == 0x7f || *c == '"' || *c == '\\')
			return false;
	return true;
}

static bool
take_pin(struct pin *pin, const char *value, size_t shortest, size_t longest)
{
	struct buffer bytes = { 0 };

	if (!buffer_append_hex(&bytes, value) || bytes.length < shortest || bytes.length > longest)
		return false;
	memcpy(pin->value, bytes.bytes, bytes.length);
	pin->length = bytes.length;
	return true;
}

static bool
take_tries(struct pin *pin, const char *value)
{
	char *end = NULL;
	const unsigned long tries = strtoul(value, &end, 10);

	if (end == value || *end != '\0' || tries > pin->limit)
		return false;
	pin->tries = (unsigned)tries;
	return true;
}

static bool
take_text(char *text, size_t size, const char *value)
{
	snprintf(text, size, "%s", value);
	return strlen(value) < size;
}

/* Comes before the tries, whose limit depends on it. */
static bool
take_profile(struct state *state, const char *value)
{
	if (strcmp(value, "piv") == 0) {
		state->profile = STATE_PIV;
		state->so.limit = PUK_TRIES;
	}
	return state->profile == STATE_PIV || strcmp(value, "schsm") == 0;
}

static bool
take_field(struct state *state, const char *name, const char *value)
{
	if (strcmp(name, "profile") == 0)
		return take_profile(state, value);
	if (strcmp(name, "serial") == 0)
		return state_serial_ok(value) && take_text(state->serial, sizeof(state->serial), value);
	if (strcmp(name, "label") == 0)
		return state_label_ok(value) && take_text(state->label, sizeof(state->label), value);
	if (strcmp(name, "user-pin") == 0)
		return take_pin(&state->user, value, PIN_MIN, PIN_MAX);
	if (strcmp(name, "user-tries") == 0)
		return take_tries(&state->user, value);
	if (strcmp(name, "so-pin") == 0)
		return take_pin(&state->so, value, SO_PIN_LENGTH, SO_PIN_LENGTH);
	if (strcmp(name, "so-tries") == 0)
		return take_tries(&state->so, value);
	if (strcmp(name, "key") == 0)
		return buffer_append_hex(&state->key, value);
	if (strcmp(name, "certificate") == 0)
		return buffer_append_hex(&state->certificate, value);
	return false;
}

static bool
take_line(struct state *state, char *line)
{
	char *value = strchr(line, ' ');
	char *end = strchr(line, '\n');

	if (value == NULL || end == NULL)
		return false;
	*end = '\0';
	*value++ = '\0';
	return take_field(state, line, value);
}

static bool
read_fields(FILE *file, struct state *state)
{
	char line[LINE_MAX_LENGTH];

	if (fgets(line, sizeof(line), file) == NULL || strcmp(line, magic) != 0)
		return false;
	while (fgets(line, sizeof(line), file) != NULL)
		if (!take_line(state, line))
			return false;
	return !ferror(file) && state->serial[0] != '\0' && state->label[0] != '\0' && state->user.length > 0 &&
	       state->so.length > 0 && state->key.length > 0 && state->certificate.length > 0;
}

bool
state_load(const char *path, struct state *ret_state)
{
	struct state state = { .user.limit = PIN_TRIES, .so.limit = SO_PIN_TRIES };
	FILE *file = fopen(path, "r");
	bool ok;

	if (file == NULL) {
		perror(path);
		return false;
	}
	ok = read_fields(file, &state);
	fclose(file);
	if (ok)
		*ret_state = state;
	else
		fprintf(stderr, "%s: not the state of a card\n", path);
	return ok;
}

static void
write_hex(FILE *file, const char *name, const uint8_t *bytes, size_t length)
{
	fprintf(file, "%s ", name);
	hex_print(file, bytes, length);
	fputc('\n', file);
}

static bool
write_fields(FILE *file, const struct state *state)
{
	fprintf(file, "%sprofile %s\nserial %s\nlabel %s\n", magic, state->profile == STATE_PIV ? "piv" : "schsm", state->serial, state->label);
	write_hex(file, "user-pin", state->user.value, state->user.length);
	fprintf(file, "user-tries %u\n", state->user.tries);
	write_hex(file, "so-pin", state->so.value, state->so.length);
	fprintf(file, "so-tries %u\n", state->so.tries);
	write_hex(file, "key", state->key.bytes, state->key.length);
	write_hex(file, "certificate", state->certificate.bytes, state->certificate.length);
	return fflush(file) == 0 && !ferror(file) && fsync(fileno(file)) == 0;
}

/* The new name survives a power cut only when the directory was synced too. */
static bool
sync_directory(const char *path)
{
	char directory[PATH_LENGTH];
	char *slash;
	bool ok;
	int fd;

	snprintf(directory, sizeof(directory), "%s", path);
	slash = strrchr(directory, '/');
	if (slash == NULL)
		snprintf(directory, sizeof(directory), ".");
	else
		slash[slash == directory ? 1 : 0] = '\0';
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = fsync(fd) == 0;
	close(fd);
	return ok;
}

static FILE *
open_private(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (file == NULL && fd >= 0)
		close(fd);
	return file;
}

bool
state_save(const char *path, const struct state *state)
{
	char temporary[PATH_LENGTH];
	const int length = snprintf(temporary, sizeof(temporary), "%s.new", path);
	FILE *file = NULL;
	bool ok = false;

	if (length > 0 && (size_t)length < sizeof(temporary))
		file = open_private(temporary);
	if (file != NULL) {
		ok = write_fields(file, state);
		ok = fclose(file) == 0 && ok;
	}
	ok = ok && rename(temporary, path) == 0 && sync_directory(path);
	if (!ok)
		perror(path);
	return ok;
}
