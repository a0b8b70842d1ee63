/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of the virtual card. Secrets are arguments here because every one of them is a test's own invention. */
#include "control.h"
#include "key.h"
#include "run.h"
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "mokhoa-card init --state FILE --serial S --so-pin HEX16 --pin PIN [--label L] [--key ec|rsa|rsa2048] --cert FILE.der\n"
    "                 --private-key FILE.pem [--profile schsm|piv]\n"
    "mokhoa-card run --state FILE --host ADDRESS --port PORT [--log FILE] [--control SOCKET] [--out yes]\n"
    "                [--remove-after N] [--lose-after N]\n"
    "mokhoa-card show --state FILE\n"
    "mokhoa-card check --state FILE [--pin PIN] [--so-pin HEX16]\n"
    "mokhoa-card tell --control SOCKET --order remove|insert|status|quit|\"remove-after N\"|\"lose-after N\"\n";

enum {
	EXIT_USAGE = 2
};

struct arguments {
	const char *state;
	const char *serial;
	const char *label;
	const char *so_pin;
	const char *pin;
	const char *key;
	const char *cert;
	const char *private_key;
	const char *host;
	const char *port;
	const char *log;
	const char *control;
	const char *order;
	const char *out;
	const char *remove_after;
	const char *lose_after;
	const char *profile;
};

static const char **
find_option(struct arguments *arguments, const char *name)
{
	const struct {
		const char *name;
		const char **value;
	} options[] = {
		{ "--state", &arguments->state },
		{ "--serial", &arguments->serial },
		{ "--label", &arguments->label },
		{ "--so-pin", &arguments->so_pin },
		{ "--pin", &arguments->pin },
		{ "--key", &arguments->key },
		{ "--cert", &arguments->cert },
		{ "--private-key", &arguments->private_key },
		{ "--host", &arguments->host },
		{ "--port", &arguments->port },
		{ "--log", &arguments->log },
		{ "--control", &arguments->control },
		{ "--order", &arguments->order },
		{ "--out", &arguments->out },
		{ "--remove-after", &arguments->remove_after },
		{ "--lose-after", &arguments->lose_after },
		{ "--profile", &arguments->profile },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(options[i].name, name) == 0)
			return options[i].value;
	return NULL;
}

static bool
take_arguments(struct arguments *arguments, int count, char **words)
{
	for (int i = 0; i < count; i += 2) {
		const char **value = find_option(arguments, words[i]);

		if (value == NULL || i + 1 == count)
			return false;
		*value = words[i + 1];
	}
	return true;
}

static int
say_usage(void)
{
	fputs(usage, stderr);
	return EXIT_USAGE;
}

static int
refuse(const char *what)
{
	fprintf(stderr, "mokhoa-card: %s\n", what);
	return EXIT_USAGE;
}

static bool
parse_so_pin(const char *text, struct buffer *ret_bytes)
{
	buffer_clear(ret_bytes);
	return buffer_append_hex(ret_bytes, text) && ret_bytes->length == SO_PIN_LENGTH;
}

static bool
key_as_asked(const struct buffer *key, const char *asked)
{
	unsigned bits = 0;
	const enum key_type type = key_type(key, &bits);

	if (asked == NULL)
		return true;
	if (strcmp(asked, "ec") == 0)
		return type == KEY_EC;
	if (strcmp(asked, "rsa") == 0)
		return type == KEY_RSA;
	return strcmp(asked, "rsa2048") == 0 && type == KEY_RSA && bits == 2048;
}

static int
command_init(const struct arguments *arguments)
{
	const char *label = arguments->label == NULL ? "Mokhoa" : arguments->label;
	struct state state = { .user.limit = PIN_TRIES, .so.limit = SO_PIN_TRIES };
	struct buffer so_pin = { 0 };

	if (arguments->state == NULL || arguments->serial == NULL || arguments->so_pin == NULL || arguments->pin == NULL ||
	    arguments->cert == NULL || arguments->private_key == NULL)
		return say_usage();
	if (arguments->profile != NULL && strcmp(arguments->profile, "piv") == 0) {
		state.profile = STATE_PIV;
		state.so.limit = PUK_TRIES;
	} else if (arguments->profile != NULL && strcmp(arguments->profile, "schsm") != 0) {
		return refuse("a profile is schsm or piv");
	}
	if (!state_serial_ok(arguments->serial) || !state_label_ok(label))
		return refuse("a serial has 3 to 11 letters and digits, a label 1 to 32 printable bytes");
	if (!parse_so_pin(arguments->so_pin, &so_pin))
		return refuse("an SO PIN has 16 hexadecimal digits");
	if (strlen(arguments->pin) < PIN_MIN || strlen(arguments->pin) > PIN_MAX)
		return refuse("a PIN has 6 to 15 bytes");
	if (!key_import(arguments->private_key, arguments->cert, &state.key, &state.certificate))
		return EXIT_FAILURE;
	if (state.profile == STATE_PIV && !key_as_asked(&state.key, "ec"))
		return refuse("the PIV profile has an EC key");
	if (!key_as_asked(&state.key, arguments->key))
		return refuse("the private key is not of the type that --key asks for");
	snprintf(state.serial, sizeof(state.serial), "%s", arguments->serial);
	snprintf(state.label, sizeof(state.label), "%s", label);
	pin_set(&state.so, so_pin.bytes, so_pin.length);
	pin_set(&state.user, (const uint8_t *)arguments->pin, strlen(arguments->pin));
	return state_save(arguments->state, &state) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool
parse_count(const char *text, unsigned long *ret_count)
{
	char *end = NULL;

	if (text == NULL)
		return true;
	*ret_count = strtoul(text, &end, 10);
	return end != text && *end == '\0' && *ret_count > 0;
}

static int
command_run(const struct arguments *arguments)
{
	struct run_options options = {
		.state = arguments->state,
		.host = arguments->host,
		.port = arguments->port,
		.log = arguments->log,
		.control = arguments->control,
		.out = arguments->out != NULL,
	};

	if (options.state == NULL || options.host == NULL || options.port == NULL)
		return say_usage();
	if (!parse_count(arguments->remove_after, &options.remove_after) ||
	    !parse_count(arguments->lose_after, &options.lose_after))
		return refuse("a count of APDUs is a number from 1");
	return run(&options);
}

static int
command_show(const struct arguments *arguments)
{
	struct state state;
	unsigned bits = 0;

	if (arguments->state == NULL)
		return say_usage();
	if (!state_load(arguments->state, &state))
		return EXIT_FAILURE;
	printf("{\"serial\":\"%s\",\"label\":\"%s\",\"key\":\"%s\",\"user_tries\":%u,\"so_tries\":%u}\n", state.serial,
	    state.label, key_type(&state.key, &bits) == KEY_EC ? "ec" : "rsa", state.user.tries, state.so.tries);
	return EXIT_SUCCESS;
}

static int
command_check(const struct arguments *arguments)
{
	struct buffer so_pin = { 0 };
	struct state state;
	bool same = true;

	if (arguments->state == NULL || (arguments->pin == NULL && arguments->so_pin == NULL))
		return say_usage();
	if (arguments->so_pin != NULL && !parse_so_pin(arguments->so_pin, &so_pin))
		return refuse("an SO PIN has 16 hexadecimal digits");
	if (!state_load(arguments->state, &state))
		return EXIT_USAGE;
	if (arguments->so_pin != NULL)
		same = pin_equals(&state.so, so_pin.bytes, so_pin.length);
	if (arguments->pin != NULL)
		same = same && pin_equals(&state.user, (const uint8_t *)arguments->pin, strlen(arguments->pin));
	return same ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
command_tell(const struct arguments *arguments)
{
	char answer[CONTROL_LINE_MAX];

	if (arguments->control == NULL || arguments->order == NULL)
		return say_usage();
	if (!control_ask(arguments->control, arguments->order, answer)) {
		fprintf(stderr, "%s: no answer\n", arguments->control);
		return EXIT_FAILURE;
	}
	puts(answer);
	return strncmp(answer, "error", 5) == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct arguments *arguments);
	} commands[] = {
		{ "init", command_init },
		{ "run", command_run },
		{ "show", command_show },
		{ "check", command_check },
		{ "tell", command_tell },
	};
	struct arguments arguments = { 0 };

	if (argc < 2 || !take_arguments(&arguments, argc - 2, argv + 2))
		return say_usage();
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(&arguments);
	return say_usage();
}
