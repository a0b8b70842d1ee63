/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window: a Win32 window in which a person types a secret, once or twice. Nothing that is typed is shown; what is no ASCII is not taken, because a keyboard
 * for Vietnamese mangles PINs; Caps Lock is told. It stands above other windows and asks for the foreground.
 *
 * One thread, one window at a time. The texts are the caller's while it is open.
 */
#ifndef MOKHOA_WINDOW_H
#define MOKHOA_WINDOW_H

#include "secret.h"

#include <stdbool.h>
#include <stdint.h>

enum window_end {
	WINDOW_TAKEN,
	WINDOW_CANCELLED,
	WINDOW_FAILED /* no window can be shown: a session without a desktop */
};

/* UTF-8; "" where there is nothing to say. */
struct window_texts {
	const char *title;
	const char *description;
	const char *label;
	const char *fault;	  /* why it is asked again */
	const char *repeat;	  /* label of the second field; "" for one field only */
	const char *repeat_fault; /* both fields are not the same */
	const char *ok;
	const char *cancel;
};

/* The control numbers by which a test, or a screen reader's script, finds the fields. */
enum window_control {
	WINDOW_ENTRY = 101,
	WINDOW_REPEAT = 102,
	WINDOW_DESCRIPTION = 103,
	WINDOW_HINT = 104
};

#define WINDOW_CLASS "MokhoaPrompt"

/* Blocks until the person is done, or something comes from (or ends) the handle of the one who asked. */
enum window_end window_ask(const struct window_texts *texts, intptr_t asker, struct secret *ret);

#endif
