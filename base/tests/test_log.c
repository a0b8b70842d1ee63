/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "log.h"
#include "check.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int stderr_before;
static int ends[2];

/* From here on stderr is a socket that keeps writes apart: one read gives one write. */
static void
catch_stderr(void)
{
	stderr_before = dup(STDERR_FILENO);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
		perror("socketpair");
}

/* The one line that was written in one write, without its time; empty where nothing was. */
static const char *
caught(void)
{
	static char line[8192];
	char end;
	ssize_t len = recv(ends[0], line, sizeof(line) - 1, MSG_DONTWAIT);

	line[len > 0 ? len : 0] = '\0';
	CHECK(recv(ends[0], &end, 1, MSG_DONTWAIT) < 0);
	if (line[0] == '\0')
		return line;
	if (strncmp(line, "{\"time\":\"", 9) == 0) {
		CHECK(strlen(line) > 31 && line[19] == 'T' && line[28] == 'Z' && line[29] == '"');
		return line + 30;
	}
	CHECK(strlen(line) > 21 && line[10] == 'T' && line[19] == 'Z' && line[20] == ' ');
	return line + 21;
}

static void
a_line_has_time_program_level_and_area(void)
{
	log_info("dispatch", "op=%s ms=%d", "hello", 3);
	CHECK_TEXT(caught(), "test-log info dispatch op=hello ms=3\n");
	log_error("link", "error=%s", "timeout");
	CHECK_TEXT(caught(), "test-log error link error=timeout\n");
}

static void
foreign_text_forges_no_line(void)
{
	log_info("a", "serial=%s", "x\n2025-01-01T00:00:00Z mokhoa-host error forged\r\t\x1b[0m\x7f");
	CHECK_TEXT(caught(), "test-log info a serial=x\\x0a2025-01-01T00:00:00Z mokhoa-host error forged\\x0d\\x09\\x1b[0m\\x7f\n");
	log_info("a", "%s", "\xe2\x80\xae ngược \xff\xc3 \\x41");
	CHECK_TEXT(caught(), "test-log info a \\xe2\\x80\\xae ngược \\xff\\xc3 \\x5cx41\n");
}

static void
a_long_line_is_cut(void)
{
	char text[5000];
	const char *line;

	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info("a", "%s", text);
	line = caught();
	CHECK(strlen(line) > 4000 && strlen(line) < 4300 && strchr(line, '\n') == line + strlen(line) - 1);
}

static void
levels_are_chosen_by_the_environment(void)
{
	log_debug("a", "x=%d", 1);
	CHECK_TEXT(caught(), "");
	setenv("MOKHOA_LOG", "debug", 1);
	log_open("test-log");
	CHECK(log_shows(LOG_DEBUG));
	log_debug("a", "x=%d", 1);
	CHECK_TEXT(caught(), "test-log debug a x=1\n");
	setenv("MOKHOA_LOG", "error", 1);
	log_open("a-program-with-a-name-that-is-longer-than-any");
	log_info("a", "x=%d", 1);
	CHECK_TEXT(caught(), "");
	log_error("a", "x=%d", 1);
	CHECK_TEXT(caught(), "a-program-with-a-name-that-is-l error a x=1\n");
	setenv("MOKHOA_LOG", "everything", 1);
	log_open("test-log");
	CHECK(log_shows(LOG_INFO) && !log_shows(LOG_DEBUG));
}

static void
a_configuration_chooses_the_form(void)
{
	char text[5000];
	const char *line;

	log_configure(LOG_JSON, LOG_ERROR);
	log_info("http", "route=%s", "create");
	CHECK_TEXT(caught(), "");
	log_configure(LOG_JSON, LOG_INFO);
	log_info("http", "route=%s ms=%d", "create", 3);
	CHECK_TEXT(caught(), ",\"program\":\"test-log\",\"level\":\"info\",\"area\":\"http\",\"route\":\"create\",\"ms\":\"3\"}\n");
	log_error("mail", "alarm smtp=%d cause=%s", 535, "no \"user\" here\n");
	CHECK_TEXT(caught(), ",\"program\":\"test-log\",\"level\":\"error\",\"area\":\"mail\",\"message\":\"alarm\",\"smtp\":\"535\",\"cause\":\"no \\\"user\\\" here\\\\x0a\"}\n");
	/* who writes a key into a value gets no key */
	log_info("a", "result=%s cause=%s", "busy", "x result=ok level=error time=0 b=1");
	CHECK_TEXT(caught(), ",\"program\":\"test-log\",\"level\":\"info\",\"area\":\"a\",\"result\":\"busy\",\"cause\":\"x result=ok level=error time=0\",\"b\":\"1\"}\n");
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_info("a", "x=%s", text);
	line = caught();
	CHECK(strlen(line) > 5000 && strcmp(line + strlen(line) - 3, "\"}\n") == 0);
	log_configure(LOG_TEXT, LOG_INFO);
}

static void
the_environment_outweighs_a_configuration(void)
{
	setenv("MOKHOA_LOG", "error", 1);
	log_open("test-log");
	log_configure(LOG_TEXT, LOG_DEBUG);
	CHECK(!log_shows(LOG_INFO));
	unsetenv("MOKHOA_LOG");
	log_open("test-log");
}

int
main(void)
{
	unsetenv("MOKHOA_LOG");
	log_open("test-log");
	catch_stderr();
	a_line_has_time_program_level_and_area();
	foreign_text_forges_no_line();
	a_long_line_is_cut();
	levels_are_chosen_by_the_environment();
	unsetenv("MOKHOA_LOG");
	log_open("test-log");
	a_configuration_chooses_the_form();
	the_environment_outweighs_a_configuration();
	(void)dup2(stderr_before, STDERR_FILENO);
	return CHECK_DONE();
}
