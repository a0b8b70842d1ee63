#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The prompt through the pinentry programs of this machine that need no display: a person types at a terminal.

usage: test_real_pinentry.py PROMPT_PROBE
"""

import os
import pty
import select
import subprocess
import sys
import time
import unittest

PROBE = sys.argv.pop(1)
# each name begins a line of a window, in Vietnamese, and is shown before anything can be typed there
CODE, PIN, AGAIN = "Mã xác nhận:", "Mã PIN mới:", "Nhập lại:"


class Person:
    """At a terminal of her own, in front of one prompt."""

    def __init__(self, program):
        self.master, self.terminal = pty.openpty()
        environment = dict(os.environ, GPG_TTY=os.ttyname(self.terminal), TERM="xterm", LANG="C.UTF-8")
        self.probe = subprocess.Popen([PROBE, program, "vi"], env=environment, stdout=subprocess.PIPE)
        self.seen = ""

    def wait_for(self, text):
        end = time.monotonic() + 20
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], end - time.monotonic())
            if not ready:
                raise AssertionError(f"{text!r} was not shown, but {self.seen!r}")
            self.seen += os.read(self.master, 4096).decode("utf-8", "replace")
        self.seen = self.seen.split(text, 1)[1]

    def type(self, window, text):
        self.wait_for(window)
        time.sleep(0.3)  # both programs throw away what was typed before they read
        os.write(self.master, text.encode() + b"\r")

    def result(self):
        # a terminal that nobody reads would hold the program up
        while self.probe.poll() is None:
            if select.select([self.master], [], [], 0.1)[0]:
                os.read(self.master, 4096)
        output, _ = self.probe.communicate()
        os.close(self.master)
        os.close(self.terminal)
        return output.decode().split()


def installed(name):
    path = "/usr/bin/" + name
    if not os.path.exists(path):
        raise unittest.SkipTest(f"{path} is not installed")
    return path


class RealPinentry(unittest.TestCase):
    def setUp(self):
        self.code = subprocess.run([PROBE, "--code"], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        self.right = ["ok", self.code.replace("-", "")[:12], "739152"]

    def test_tty_asks_for_both_and_repeats_by_itself(self):
        person = Person(installed("pinentry-tty"))
        person.type(CODE, self.code)
        person.type(PIN, "739152")
        person.type(AGAIN, "739153")
        person.wait_for("Hai lần nhập không giống nhau.")
        person.type(PIN, "739152")
        person.type(AGAIN, "739152")
        self.assertEqual(person.result(), self.right)

    def test_tty_shows_what_was_wrong(self):
        person = Person(installed("pinentry-tty"))
        person.type(CODE, "AAAA-AAAA-AAAA-B")
        person.wait_for("Mã chưa đúng")
        person.type(CODE, self.code.lower())
        person.type(PIN, "123456")
        person.type(AGAIN, "123456")
        person.wait_for("quá dễ đoán")
        person.type(PIN, "739152")
        person.type(AGAIN, "739152")
        self.assertEqual(person.result(), self.right)

    def test_curses_cannot_repeat_and_gets_a_second_window(self):
        person = Person(installed("pinentry-curses"))
        person.type(CODE, self.code)
        person.type(PIN, "739152")
        person.type(AGAIN, "739152")
        self.assertEqual(person.result(), self.right)


if __name__ == "__main__":
    outcome = unittest.main(exit=False, verbosity=2).result
    if not outcome.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if outcome.skipped else 0)
