/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include "buffer.h"
#include "control.h"
#include "link.h"
#include "piv.h"
#include "schsm.h"
#include "state.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	CONNECT_MILLISECONDS = 5000
};

struct profile;

struct runner {
	const struct run_options *options;
	struct state state;
	const struct profile *profile;
	struct schsm schsm;
	struct piv piv;
	FILE *log;
	int link;     /* -1 while the card is out */
	int listener; /* -1 without a control socket */
	bool powered;
	bool quit;
	unsigned long remove_after;
	unsigned long lose_after;
};

/* ---- profiles ---- */

struct profile {
	const uint8_t *atr;
	size_t atr_length;
	void (*reset)(struct runner *runner);
	void (*run)(struct runner *runner, const uint8_t *request, size_t length, struct buffer *ret_answer);
};

static void
reset_schsm(struct runner *runner)
{
	schsm_reset(&runner->schsm);
}

static void
run_schsm(struct runner *runner, const uint8_t *request, size_t length, struct buffer *ret_answer)
{
	schsm_run(&runner->schsm, request, length, ret_answer);
}

static void
reset_piv(struct runner *runner)
{
	piv_reset(&runner->piv);
}

static void
run_piv(struct runner *runner, const uint8_t *request, size_t length, struct buffer *ret_answer)
{
	piv_run(&runner->piv, request, length, ret_answer);
}

static const struct profile profiles[] = {
	[STATE_SCHSM] = { schsm_atr, sizeof(schsm_atr), reset_schsm, run_schsm },
	[STATE_PIV] = { piv_atr, sizeof(piv_atr), reset_piv, run_piv },
};

/* ---- log ---- */

static void
log_time(FILE *log)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	fprintf(log, "%lld.%06ld ", (long long)now.tv_sec, now.tv_nsec / 1000);
}

static void
log_event(const struct runner *runner, const char *what)
{
	if (runner->log == NULL)
		return;
	log_time(runner->log);
	fprintf(runner->log, "# %s\n", what);
	fflush(runner->log);
}

static void
log_apdu(const struct runner *runner, const uint8_t *request, size_t length, const struct buffer *answer)
{
	if (runner->log == NULL)
		return;
	log_time(runner->log);
	hex_print(runner->log, request, length);
	fputs(" -> ", runner->log);
	hex_print(runner->log, answer->bytes, answer->length);
	fputc('\n', runner->log);
	fflush(runner->log);
}

/* ---- in and out ---- */

static void
take_out(struct runner *runner, const char *why)
{
	if (runner->link >= 0) {
		close(runner->link);
		log_event(runner, why);
	}
	runner->link = -1;
	runner->powered = false;
	runner->remove_after = 0;
	runner->lose_after = 0;
	runner->profile->reset(runner);
}

static bool
put_in(struct runner *runner)
{
	if (runner->link >= 0)
		return true;
	runner->link = link_connect(runner->options->host, runner->options->port, CONNECT_MILLISECONDS);
	if (runner->link >= 0)
		log_event(runner, "inserted");
	return runner->link >= 0;
}

/* ---- what the reader sends ---- */

static void
take_order(struct runner *runner, uint8_t order)
{
	switch (order) {
	case LINK_POWER_OFF:
		log_event(runner, "power off");
		runner->profile->reset(runner);
		break;
	case LINK_POWER_ON:
	case LINK_RESET:
		log_event(runner, order == LINK_RESET ? "reset" : "power on");
		runner->profile->reset(runner);
		runner->powered = true;
		break;
	case LINK_ATR:
		if (!link_send(runner->link, runner->profile->atr, runner->profile->atr_length))
			take_out(runner, "the reader is gone");
		break;
	default:
		log_event(runner, "unknown order");
		break;
	}
}

/* True when this APDU was the last of the count; zero counts nothing. */
static bool
count_down(unsigned long *count)
{
	if (*count == 0)
		return false;
	(*count)--;
	return *count == 0;
}

static void
take_apdu(struct runner *runner, const uint8_t *request, size_t length)
{
	const bool lost = count_down(&runner->lose_after);
	const bool last = count_down(&runner->remove_after);
	struct buffer answer = { 0 };

	runner->profile->run(runner, request, length, &answer);
	log_apdu(runner, request, length, &answer);
	if (lost)
		take_out(runner, "removed, the answer is lost");
	else if (!link_send(runner->link, answer.bytes, answer.length))
		take_out(runner, "the reader is gone");
	else if (last)
		take_out(runner, "removed");
}

static void
take_frame(struct runner *runner)
{
	uint8_t frame[LINK_FRAME_MAX];
	size_t length = 0;

	if (!link_receive(runner->link, frame, &length))
		take_out(runner, "the reader is gone");
	else if (length == 1)
		take_order(runner, frame[0]);
	else
		take_apdu(runner, frame, length);
}

/* ---- what a test orders ---- */

static const char *
status_word(const struct runner *runner)
{
	if (runner->link < 0)
		return "out";
	return runner->powered ? "ready" : "in";
}

/* "NAME N", N at least 1. */
static bool
take_count(const char *line, const char *name, unsigned long *count)
{
	const size_t length = strlen(name);
	char *end = NULL;
	unsigned long value;

	if (strncmp(line, name, length) != 0 || line[length] != ' ')
		return false;
	value = strtoul(line + length + 1, &end, 10);
	if (value == 0 || *end != '\0')
		return false;
	*count = value;
	return true;
}

static const char *
obey(struct runner *runner, const char *line)
{
	if (strcmp(line, "status") == 0)
		return status_word(runner);
	if (strcmp(line, "insert") == 0)
		return put_in(runner) ? "ok" : "error: no reader there";
	if (take_count(line, "remove-after", &runner->remove_after) || take_count(line, "lose-after", &runner->lose_after))
		return "ok";
	if (strcmp(line, "quit") == 0)
		runner->quit = true;
	else if (strcmp(line, "remove") != 0)
		return "error: no such order";
	take_out(runner, "removed");
	return "ok";
}

static void
take_caller(struct runner *runner)
{
	char line[CONTROL_LINE_MAX];
	const int fd = control_accept(runner->listener, line);

	if (fd >= 0)
		control_answer(fd, obey(runner, line));
}

/* ---- the loop ---- */

/* poll skips a negative descriptor, so a card that is out and a control socket that is not there need no other case. */
static int
loop(struct runner *runner)
{
	while (!runner->quit && (runner->link >= 0 || runner->listener >= 0)) {
		struct pollfd fds[] = {
			{ .fd = runner->link, .events = POLLIN },
			{ .fd = runner->listener, .events = POLLIN },
		};

		if (poll(fds, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			perror("poll");
			return EXIT_FAILURE;
		}
		if (fds[1].revents != 0)
			take_caller(runner);
		else if (fds[0].revents != 0)
			take_frame(runner);
	}
	return EXIT_SUCCESS;
}

static bool
open_runner(struct runner *runner)
{
	const struct run_options *options = runner->options;

	if (!state_load(options->state, &runner->state))
		return false;
	runner->profile = &profiles[runner->state.profile];
	if (options->log != NULL && (runner->log = fopen(options->log, "a")) == NULL) {
		perror(options->log);
		return false;
	}
	if (options->control != NULL && (runner->listener = control_listen(options->control)) < 0)
		return false;
	return options->out || put_in(runner);
}

static void
close_runner(struct runner *runner)
{
	take_out(runner, "removed");
	if (runner->listener >= 0) {
		close(runner->listener);
		unlink(runner->options->control);
	}
	if (runner->log != NULL)
		fclose(runner->log);
}

int
run(const struct run_options *options)
{
	struct runner runner = {
		.options = options,
		.link = -1,
		.listener = -1,
		.remove_after = options->remove_after,
		.lose_after = options->lose_after,
	};
	int status = EXIT_FAILURE;

	runner.profile = &profiles[STATE_SCHSM];
	runner.schsm = (struct schsm){ .state = &runner.state, .state_path = options->state };
	runner.piv = (struct piv){ .state = &runner.state, .state_path = options->state };
	if (open_runner(&runner))
		status = loop(&runner);
	close_runner(&runner);
	return status;
}
