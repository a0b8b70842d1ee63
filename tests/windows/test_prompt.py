#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The window of Windows for code and PIN, driven as a person does it (person.c) while this test is the worker: what it shows, what it takes, what it keeps."""
import os
import subprocess
import time
import unittest

import wine

DESCRIPTION = ("Trang web: https://portal.mokhoa.test\nCụm từ kiểm tra: 7Q4K-ZP2M\nToken: Chữ ký số, số sê-ri MOCK0001\n\n"
               "Chọn mã PIN mới, từ 6 đến 12 ký tự. Sau đó token ký một thông điệp ngắn để chứng minh đã mở khóa.")
REPEAT_FAULT = "Hai lần nhập không giống nhau."


class Prompt:
    def __init__(self):
        self.process = subprocess.Popen(wine.command("mokhoa-prompt"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert self.line().startswith("OK")

    def line(self):
        got = b""
        while not got.endswith(b"\n"):
            some = self.process.stdout.read(1)
            if not some:
                raise EOFError("the prompt has ended")
            got += some
        return got.decode("utf-8").rstrip("\r\n")

    def send(self, command, text=""):
        text = "".join(f"%{b:02X}" if b < 32 or b == 37 else chr(b) for b in text.encode()).encode("latin-1")
        self.process.stdin.write(command.encode() + (b" " + text if text else b"") + b"\n")

    def say(self, command, text=""):
        self.send(command, text)
        return self.line()

    def dress(self, repeat=False, fault=""):
        settings = {"SETTITLE": "Mở khóa token", "SETDESC": DESCRIPTION, "SETPROMPT": "Mã PIN mới:", "SETOK": "Xác nhận", "SETCANCEL": "Hủy"}
        if fault:
            settings["SETERROR"] = fault
        if repeat:
            settings.update(SETREPEAT="Nhập lại:", SETREPEATERROR=REPEAT_FAULT)
        for command, text in settings.items():
            assert self.say(command, text) == "OK", command

    def answer(self):
        lines = [self.line()]
        while not lines[-1].startswith(("OK", "ERR")):
            lines.append(self.line())
        return lines

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(30)


class Window(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        wine.install()

    def setUp(self):
        self.prompt = Prompt()

    def tearDown(self):
        self.assertEqual(self.prompt.close(), 0)

    def asked(self, *steps, **options):
        self.prompt.dress(**options)
        self.prompt.send("GETPIN")
        shown = wine.person(*steps)
        return shown, self.prompt.answer()

    def test_it_shows_who_asks_and_takes_a_pin_twice(self):
        shown, answer = self.asked("show", "type", "7391%02 84", "again", "7391%02 84", "ok", repeat=True)
        self.assertEqual(shown["title"], "Mở khóa token")
        self.assertEqual(shown["description"], DESCRIPTION.replace("\n", " "))
        self.assertEqual((shown["fields"], shown["topmost"], shown["password"]), ("2", "1", "1"))
        self.assertEqual(shown["foreground"], "1")
        self.assertEqual(answer, ["S PIN_REPEATED", "D 7391%2502 84", "OK"])
        # a second question in the same window program, without the second field
        self.prompt.send("GETPIN")
        shown = wine.person("show", "type", "ABCD", "ok")
        self.assertEqual(shown["fields"], "1")
        self.assertEqual(self.prompt.answer(), ["D ABCD", "OK"])

    def test_two_entries_that_differ_are_asked_again(self):
        shown, answer = self.asked("type", "111222", "again", "111223", "press", "show", "type", "7391", "again", "7391", "ok", repeat=True)
        self.assertEqual(shown["hint"], REPEAT_FAULT)
        self.assertEqual(answer[-2:], ["D 7391", "OK"])

    def test_what_a_vietnamese_keyboard_makes_is_not_taken(self):
        shown, answer = self.asked("type", "12ấ34", "show", "type", "56", "ok")
        self.assertEqual(shown["hint"], "Tắt bộ gõ tiếng Việt rồi nhập lại. Turn the Vietnamese keyboard (input method) off, then type it again.")
        self.assertEqual(answer, ["D 3456", "OK"])
        # pasted: nothing of it stays
        self.prompt.send("GETPIN")
        shown = wine.person("paste", "12đ34", "show", "paste", "WXYZ-0123", "ok")
        self.assertIn("Tắt bộ gõ tiếng Việt", shown["hint"])
        self.assertEqual(self.prompt.answer(), ["D WXYZ-0123", "OK"])

    def test_what_was_wrong_is_told_once(self):
        shown, _ = self.asked("show", "cancel", fault="Mã chưa đúng: có ký tự bị gõ nhầm.")
        self.assertEqual(shown["hint"], "Mã chưa đúng: có ký tự bị gõ nhầm.")
        self.prompt.send("GETPIN")
        self.assertEqual(wine.person("show", "cancel")["hint"], "")
        self.prompt.answer()

    def test_closing_and_cancelling_are_one(self):
        for step in ("cancel", "close"):
            _, answer = self.asked("type", "123456", step)
            self.assertEqual(len(answer), 1)
            self.assertTrue(answer[0].startswith("ERR 83886179 "), answer)

    def test_the_window_goes_when_nobody_waits_for_it(self):
        self.prompt.dress()
        self.prompt.send("GETPIN")
        wine.person("show")
        self.assertEqual(self.prompt.close(), 0)
        self.prompt = Prompt()

    def test_unknown_commands_and_long_texts(self):
        self.assertTrue(self.prompt.say("INQUIRE").startswith("ERR "))
        self.assertEqual(self.prompt.say("OPTION", "ttyname=/dev/tty"), "OK")
        self.assertTrue(self.prompt.say("SETDESC", "a\0b").startswith("ERR "))
        self.assertEqual(self.prompt.say("BYE"), "OK")

    def test_a_picture_for_people(self):
        kept = os.path.join(wine.DRIVE, "keep")
        with open(kept, "w", encoding="utf-8"):
            pass
        self.prompt.dress(repeat=True, fault=REPEAT_FAULT)
        self.prompt.send("GETPIN")
        looking = wine.person("type", "739102", "show", "keep", "C:\\keep", "cancel", wait=False)
        try:
            while not looking.stdout.readline().startswith(b"password="):
                self.assertIsNone(looking.poll())
            # it is drawn a moment after it is there
            end = time.monotonic() + 20
            path, colors = wine.screenshot("windows-prompt")
            while colors < 30 and time.monotonic() < end:
                time.sleep(0.2)
                path, colors = wine.screenshot("windows-prompt")
        finally:
            os.unlink(kept)
        self.assertEqual(looking.wait(60), 0)
        looking.stdout.close()
        self.prompt.answer()
        self.assertGreaterEqual(colors, 30, f"{path} shows no window")
        print(path)


if __name__ == "__main__":
    unittest.main()
