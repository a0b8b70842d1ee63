/* SPDX-License-Identifier: Apache-2.0 */
/* A Unix socket that takes one line, gives one line and hangs up: how a test pulls the card out and puts it back. */
#ifndef MOKHOA_CARD_CONTROL_H
#define MOKHOA_CARD_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CONTROL_LINE_MAX = 128
};

/* Gives a listening socket, or -1 and says why. A socket file left over by a card that was killed is replaced. */
int control_listen(const char *path);
/* Takes one caller and his line, without the newline; gives the socket to answer on, or -1. */
int control_accept(int listener, char line[CONTROL_LINE_MAX]);
/* Answers and hangs up. */
void control_answer(int fd, const char *line);
/* The other side: sends the line, takes the answer; false when nobody answers. */
bool control_ask(const char *path, const char *line, char answer[CONTROL_LINE_MAX]);

#endif
