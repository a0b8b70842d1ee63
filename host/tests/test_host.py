#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Drives the real mokhoa-host through its pipes, as browsers and people do. Run on a stage (tests/stage/enter.sh), where /etc/mokhoa is ours.

    test_host.py HOST FAKE_WORKER SCHEMA

The seam is the program beside the host: HOST and FAKE_WORKER are copied into one folder.
"""
import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "tests", "check"))
from seen import seen

PROFILES = "/etc/mokhoa/profiles.d"
ORIGIN = "https://portal.mokhoa.test"
EXTENSION = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"
FIREFOX = "mokhoa@example.vn"
REQUEST = "AAAAAAAAAAAAAAAAAAAAAA"
TOKEN = {"manufacturer": "M", "model": "", "serial": "1"}

PROFILE = {
    "tms": "https://tms.mokhoa.test", "tls_ca": "/etc/mokhoa/ca.pem", "tms_keys": ["A" * 43], "origins": [ORIGIN],
    "extensions": [EXTENSION, FIREFOX], "modules": [{"name": "OpenSC", "path": "/usr/lib/opensc-pkcs11.so"}],
    "prompt": "/usr/bin/pinentry", "hotline": "1900 1234", "languages": ["vi", "en"],
}


def frame(data):
    return struct.pack("=I", len(data)) + data


def envelope(method="hello", params=None, number=1, origin=ORIGIN, **more):
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": {} if params is None else params}
    return json.dumps({"origin": origin, "message": message, **more}, ensure_ascii=False).encode()


def write_profile(name="test", **change):
    profile = {k: v for k, v in {**PROFILE, **change}.items() if v is not None}
    path = f"{PROFILES}/{name}.json"
    with open(path, "w") as f:
        json.dump(profile, f)
    os.chmod(path, 0o644)
    return path


class Host:
    """One process, and what came out of it."""

    def __init__(self, *args, program=None, env=None, close_stdout=False):
        # a file and no pipe: a worker that survives the host would hold the pipe open
        self.log = tempfile.TemporaryFile(dir=BIN)
        self.process = subprocess.Popen([program or HOST, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log, bufsize=0, env={**os.environ, **(env or {})}, start_new_session=True)
        self.stderr = b""
        if close_stdout:
            self.process.stdout.close()

    def write(self, data):
        try:
            self.process.stdin.write(data)
        except BrokenPipeError:
            pass

    def exactly(self, count, timeout):
        got = b""
        end = time.monotonic() + timeout
        while len(got) < count:
            if not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError("the host does not answer")
            some = self.process.stdout.read(count - len(got))
            if not some:
                return got
            got += some
        return got

    def answer(self, timeout=20):
        """The next envelope, or None at the end of file."""
        head = self.exactly(4, timeout)
        if not head:
            return None
        return json.loads(self.exactly(struct.unpack("=I", head)[0], timeout))

    def ask(self, *args, **kw):
        self.write(frame(envelope(*args, **kw)))
        return self.answer()

    def end(self, timeout=20):
        """Closes stdin; the rest of stdout, and the exit status."""
        self.process.stdin.close()
        self.process.stdin = None
        if self.process.stdout.closed:
            self.process.stdout = None
        rest, _ = self.process.communicate(timeout=timeout)
        self.log.seek(0)
        self.stderr = self.log.read()
        self.log.close()
        return rest, self.process.returncode


def name_of(answer):
    """The wire name of an answer's error, "ok" for a result."""
    message = answer["message"]
    return message["error"]["data"]["name"] if "error" in message else "ok"


class Case(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(PROFILES, ignore_errors=True)
        os.makedirs(PROFILES)
        os.chmod(PROFILES, 0o755)
        write_profile()
        self.log = tempfile.mktemp(dir=BIN)
        os.environ["FAKE_LOG"] = self.log
        os.environ["FAKE_WORKER"] = ""

    def runs(self):
        """The orders that reached a worker."""
        if not os.path.exists(self.log):
            return []
        with open(self.log) as f:
            return [line.split()[0] for line in f]

    def wait_for_runs(self, count):
        end = time.monotonic() + 20
        while len(self.runs()) < count and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(len(self.runs()), count)

    def expect(self, answer, name, number=1):
        self.assertIsNotNone(answer)
        VALIDATE(answer)
        self.assertEqual(name_of(answer), name)
        self.assertEqual(answer["message"]["id"], number)
        if name != "ok":
            seen(name, f"host: {self.id().split('.', 1)[1]}")

    def one(self, data, *args, **kw):
        """Sends bytes to a fresh host and closes: its answers and exit status."""
        host = Host(*(args or [EXTENSION]), **kw)
        host.write(data)
        rest, status = host.end()
        answers = []
        while rest:
            (length,) = struct.unpack("=I", rest[:4])
            answers.append(json.loads(rest[4:4 + length]))
            rest = rest[4 + length:]
        self.assertNotIn(b"Sanitizer", host.stderr)
        self.stderr = host.stderr
        return answers, status


class Frames(Case):
    def test_every_prefix(self):
        whole = frame(envelope("token.info"))
        for length in range(len(whole)):
            answers, status = self.one(whole[:length])
            if length == 0:
                self.assertEqual((answers, status), ([], 0))
            else:
                self.assertEqual(status, 1)
                self.assertEqual(len(answers), 1)
                self.expect(answers[0], "frame_truncated", None)
        self.assertEqual(self.runs(), [])

    def test_whole(self):
        host = Host(EXTENSION)
        self.expect(host.ask("token.info"), "ok")
        self.assertEqual(host.end(), (b"", 0))
        self.assertEqual(self.runs(), ["token.info"])

    def test_lengths(self):
        hello = envelope()
        for length in (0, 1, 8193, 64 << 20, 1 << 31, (1 << 32) - 1):
            answers, status = self.one(struct.pack("=I", length) + hello + b" " * 9000)
            self.assertEqual((len(answers), status), (1, 1), length)
            self.expect(answers[0], "frame_too_large", None)
        answers, status = self.one(frame(b"{}"))
        self.assertEqual((len(answers), status), (1, 0))
        self.expect(answers[0], "invalid_request", None)
        answers, status = self.one(frame(hello + b" " * (8192 - len(hello))))
        self.assertEqual((len(answers), status), (1, 0))
        self.expect(answers[0], "ok")

    def test_behind_a_bad_frame_nothing_runs(self):
        answers, status = self.one(struct.pack("=I", 1) + frame(envelope("token.info")))
        self.assertEqual((len(answers), status), (1, 1))
        self.assertEqual(self.runs(), [])

    def test_two_in_one_write(self):
        answers, status = self.one(frame(envelope(number=1)) + frame(envelope(number=2)))
        self.assertEqual(([a["message"]["id"] for a in answers], status), ([1, 2], 0))

    def test_many_in_one_write(self):
        answers, status = self.one(b"".join(frame(envelope(number=n)) for n in range(500)))
        self.assertEqual(([a["message"]["id"] for a in answers], status), (list(range(500)), 0))

    def test_single_bytes(self):
        host = Host(EXTENSION)
        for byte in frame(envelope()):
            host.write(bytes([byte]))
            time.sleep(0.001)
        self.expect(host.answer(), "ok")
        self.assertEqual(host.end(), (b"", 0))

    def test_stdout_closed(self):
        host = Host(EXTENSION, close_stdout=True)
        host.write(frame(envelope()) + frame(envelope("token.info")))
        self.assertEqual(host.process.wait(20), 1)
        host.end()
        self.assertEqual(self.runs(), [])


class Callers(Case):
    # 50 forms that no browser of ours says
    BAD = [
        [], [""], [" "], ["a"], ["call"], ["hello"], ["--"], ["--origin=" + ORIGIN], [ORIGIN], [ORIGIN + "/"], ["*"], ["null"], ["file:///"],
        ["chrome-extension://"], ["chrome-extension:///"], ["chrome-extension://*/"], [EXTENSION[:-1]], [EXTENSION + "/"], [EXTENSION + "x"],
        [EXTENSION + "?"], [EXTENSION + "#"], [EXTENSION + "index.html"], [" " + EXTENSION], [EXTENSION + " "], [EXTENSION + "\n"],
        [EXTENSION.upper()], [EXTENSION.replace("chrome", "Chrome")], [EXTENSION.replace("chrome", "moz")], [EXTENSION.replace("//a", "//b")],
        [EXTENSION.replace("op/", "oo/")], [EXTENSION.replace("op/", "o/")], [EXTENSION.replace("op/", "opa/")], [EXTENSION, "x"],
        [EXTENSION, EXTENSION], [EXTENSION, "--parent-window="], [EXTENSION, "--parent-window=x"], [EXTENSION, "--parent-window=1", "x"],
        [EXTENSION, "--parent-window"], ["--parent-window=1", EXTENSION], ["x", EXTENSION], ["/x", EXTENSION], ["/x.json"], [FIREFOX],
        ["/x.json", ""], ["/x.json", FIREFOX + " "], ["/x.json", FIREFOX.upper()], ["/x.json", "evil@example.vn"], ["x.json", FIREFOX],
        ["/x.json", FIREFOX, "x"], [FIREFOX, "/x.json"],
    ]

    def test_arguments_refused(self):
        self.assertGreaterEqual(len(self.BAD), 50)
        for args in self.BAD:
            host = Host(*args)
            host.write(frame(envelope("token.info")))
            rest, status = host.end()
            if status == 2:
                self.assertEqual(rest, b"", args)
            else:
                self.assertIn(b'"extension_refused"', rest, args)
        self.assertEqual(self.runs(), [])
        seen("extension_refused", "host: Callers.test_arguments_refused")

    def test_arguments_taken(self):
        for args in ([EXTENSION], [EXTENSION, "--parent-window=0"], [EXTENSION, "--parent-window=123456"], ["/usr/lib/mozilla/x.json", FIREFOX]):
            answers, status = self.one(frame(envelope()), *args)
            self.assertEqual(status, 0, args)
            self.expect(answers[0], "ok")

    def test_portal_launch(self):
        write_profile(portal_launch=True)
        host = Host()
        self.expect(host.ask(), "ok")
        host.end()
        answers, _ = self.one(frame(envelope()), EXTENSION.replace("//a", "//b"))
        self.expect(answers[0], "extension_refused")

    def test_extension_of_another_profile(self):
        other = EXTENSION.replace("//a", "//b")
        write_profile("other", origins=["https://other.mokhoa.test"], extensions=[other])
        host = Host(other)
        self.expect(host.ask(), "extension_refused")
        self.expect(host.ask(origin="https://other.mokhoa.test"), "ok")
        host.end()

    def test_origins(self):
        host = Host(EXTENSION)
        bad = ["", "null", "*", "cli", ORIGIN + "/", ORIGIN + ":443", ORIGIN + ":8443", ORIGIN.upper(), "HTTPS" + ORIGIN[5:], "http" + ORIGIN[5:],
            "ws" + ORIGIN[5:], "wss" + ORIGIN[5:], ORIGIN[8:], "//" + ORIGIN[8:], ORIGIN + ".", ORIGIN + ".evil.test", "https://evil" + ORIGIN[8:],
            "https://x." + ORIGIN[8:], "https://mokhoa.test", "https://evil.test#" + ORIGIN, "https://x@" + ORIGIN[8:], ORIGIN + "@evil.test",
            ORIGIN + "/path", ORIGIN + "?", ORIGIN + "#", ORIGIN + " ", " " + ORIGIN, ORIGIN + "\t", ORIGIN + "\n", ORIGIN + "\r\n", ORIGIN + "," + ORIGIN,
            ORIGIN.replace("o", "о"), "https://xn--prtal-vua.mokhoa.test", "https://127.0.0.1", "https://[::1]", "http://localhost", "file://",
            "data:text/html,x", EXTENSION, EXTENSION[:-1], "moz-extension://x", ORIGIN * 20, "https://" + "a" * 3000, ORIGIN[:-1], ORIGIN.replace("p", "%70")]
        for number, origin in enumerate(bad):
            self.expect(host.ask("token.info", origin=origin, number=number), "origin_refused", number)
        self.expect(host.ask("hello"), "ok")
        host.end()
        self.assertEqual(self.runs(), [])
        for line in host.stderr.decode().splitlines():
            self.assertRegex(line, r"^\S+ mokhoa-host info request origin=\S+ op=\S+ id=\d+ result=\w+ ms=\d+$")


class Messages(Case):
    def test_wrong(self):
        host = Host(EXTENSION)
        table = [
            (b"not JSON", "parse_error", None),
            (b'{"origin": "' + ORIGIN.encode() + b'", "message": {"jsonrpc": "2.0", "id": 1, "id": 1, "method": "hello"}}', "parse_error", None),
            (envelope(extra=1), "invalid_request", 1),
            (envelope(channel="ä"), "invalid_request", 1),
            (envelope(number=1.5), "invalid_request", None),
            (envelope(method=["hello"]), "invalid_request", 1),
            (envelope("token.erase"), "method_not_found", 1),
            (envelope("C_InitToken"), "method_not_found", 1),
            (envelope("rpc.discover"), "method_not_found", 1),
            (envelope("token.info", {"path": "/tmp/x.so"}), "invalid_params", 1),
            (envelope("unlock", {"request": REQUEST, "code": "KA1J-9CPV-2CVX-G"}), "invalid_params", 1),
            (envelope("unlock", {"request": 1}), "invalid_params", 1),
            (envelope("unlock.request", {"token": TOKEN, "reason": "locked", "language": "VI"}), "invalid_params", 1),
            (envelope("unlock.request", {"token": {**TOKEN, "serial": "1" * 17}, "reason": "locked", "language": "vi"}), "invalid_params", 1),
        ]
        for data, name, number in table:
            host.write(frame(data))
            self.expect(host.answer(), name, number)
        self.expect(host.ask("hello"), "ok")
        self.assertEqual(host.end(), (b"", 0))
        self.assertEqual(self.runs(), [])

    def test_no_body_in_the_log(self):
        canary = "CANARY31415926"
        host = Host(EXTENSION, env={"MOKHOA_LOG": "debug"})
        for data in (envelope("unlock", {"request": REQUEST, "pin": canary}), envelope(canary), envelope("hello", {canary: 1}),
            envelope(**{canary: 1}), canary.encode(), envelope(origin=canary), envelope("unlock.request",
            {"token": {**TOKEN, "serial": canary}, "reason": "locked", "language": "vi"})):
            host.write(frame(data))
            self.assertIsNotNone(host.answer())
        host.end()
        self.assertNotIn(canary.encode(), host.stderr)
        self.assertEqual(host.stderr.count(b" request origin="), 7)

    def test_forged_log_line(self):
        host = Host(EXTENSION)
        self.expect(host.ask("hello", {"a": 1}, number='1 result=ok ms=1"'), "invalid_params", '1 result=ok ms=1"')
        host.end()
        self.assertRegex(host.stderr.decode(), r' id="1 result=ok ms=1\\x5c"" result=invalid_params ms=\d+\n$')

    def test_hello(self):
        host = Host(EXTENSION)
        answer = host.ask(channel="t-1_A")
        self.expect(answer, "ok")
        self.assertEqual(answer["channel"], "t-1_A")
        self.assertEqual(answer["message"]["result"]["capabilities"],
            ["hello", "token.info", "token.watch", "token.unwatch", "unlock.request", "unlock.status", "unlock.resend", "unlock.cancel", "unlock", "doctor"])
        host.end()


class Workers(Case):
    def play(self, plays, *orders):
        os.environ["FAKE_WORKER"] = plays
        host = Host(EXTENSION)
        for number, (method, params) in enumerate(orders, 1):
            host.write(frame(envelope(method, params, number=number)))
        return host

    def fails(self, plays, name, program=None):
        os.environ["FAKE_WORKER"] = plays
        host = Host(EXTENSION, program=program)
        self.expect(host.ask("token.info"), name)
        self.expect(host.ask(number=2), "ok", 2)  # the host lives
        self.assertEqual(host.end(), (b"", 0))

    def test_order(self):
        host = Host(EXTENSION)
        answer = host.ask("unlock.request", {"token": TOKEN, "reason": "locked", "language": "vi"}, channel="c")
        self.assertEqual(answer["message"]["result"]["order"], {"op": "unlock.request", "profile": "test", "origin": ORIGIN,
            "params": {"token": TOKEN, "reason": "locked", "language": "vi"}})
        self.assertEqual(answer["channel"], "c")
        host.end()

    def test_missing(self):
        folder = tempfile.mkdtemp(dir=BIN)
        shutil.copy(HOST, folder)
        self.fails("", "worker_failed", folder + "/mokhoa-host")

    def test_not_a_program(self):
        folder = tempfile.mkdtemp(dir=BIN)
        shutil.copy(HOST, folder)
        with open(folder + "/mokhoa-worker", "w") as f:
            f.write("not a program\n")
        self.fails("", "worker_failed", folder + "/mokhoa-host")
        os.chmod(folder + "/mokhoa-worker", 0o755)
        self.fails("", "worker_failed", folder + "/mokhoa-host")

    def test_broken(self):
        for play in ("crash", "silent", "half", "endless", "garbage", "extra"):
            self.fails("token.info=" + play, "worker_failed")
        self.fails("token.info=huge", "frame_too_large")

    def test_busy(self):
        host = self.play("token.info=hang unlock=hang", ("unlock", {"request": REQUEST}), ("unlock", {"request": REQUEST}))
        self.expect(host.answer(), "token_busy", 2)
        for number in range(3, 7):
            host.write(frame(envelope("token.info", number=number)))
        self.expect(host.answer(), "busy", 6)
        self.wait_for_runs(4)
        self.assertEqual(host.end(), (b"", 0))
        self.assertEqual(sorted(self.runs()), ["token.info"] * 3 + ["unlock"])
        self.end_survivors()

    def end_survivors(self):
        with open(self.log) as f:
            for line in f:
                try:
                    os.kill(int(line.split()[1]), signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def test_many_at_once(self):
        host = self.play("", *[("token.info", {})] * 4)
        self.assertEqual(sorted(host.answer()["message"]["id"] for _ in range(4)), [1, 2, 3, 4])
        self.assertEqual(host.end(), (b"", 0))

    def test_notifications(self):
        host = self.play("unlock=progress", ("unlock", {"request": REQUEST}))
        got = [host.answer()["message"] for _ in range(3)]
        self.assertEqual([m.get("method") for m in got], ["unlock.progress", "unlock.changed", None])
        self.assertEqual(got[2]["id"], 1)
        host.end()

    def test_what_survives_the_browser(self):
        mark = self.log + ".mark"
        os.environ["FAKE_MARK"] = mark
        for method, params, survives in (("unlock", {"request": REQUEST}, True), ("token.info", {}, False)):
            host = self.play(method + "=mark", (method, params))
            self.until(lambda: os.path.exists(mark + ".there"))
            self.assertEqual(host.end(), (b"", 0))  # at once: the fake has not been told to go on
            self.assertEqual(self.is_done(mark, survives), survives, method)

    def test_what_survives_a_killed_process_group(self):
        mark = self.log + ".mark"
        os.environ["FAKE_MARK"] = mark
        host = self.play("unlock=mark", ("unlock", {"request": REQUEST}))
        self.until(lambda: os.path.exists(mark + ".there"))
        os.killpg(host.process.pid, signal.SIGKILL)
        host.end()
        self.assertTrue(self.is_done(mark, True))

    @staticmethod
    def until(true):
        end = time.monotonic() + 30
        while not true() and time.monotonic() < end:
            time.sleep(0.01)

    def is_done(self, mark, wanted):
        """Tells the fake to go on; whether it did."""
        os.unlink(mark + ".there")
        with open(mark + ".go", "w", encoding="ascii"):
            pass
        if wanted:
            self.until(lambda: os.path.exists(mark))
        else:
            time.sleep(1)
        done = os.path.exists(mark)
        for name in (mark, mark + ".go"):
            if os.path.exists(name):
                os.unlink(name)
        return done

    def test_nothing_of_the_host_is_inherited(self):
        folder = tempfile.mkdtemp(dir=BIN)
        shutil.copy(HOST, folder)
        with open(folder + "/mokhoa-worker", "w") as f:
            f.write('#!/bin/sh\nls -l /proc/self/fd >"$FAKE_MARK"\n')
        os.chmod(folder + "/mokhoa-worker", 0o755)
        os.environ["FAKE_MARK"] = self.log + ".fd"
        host = Host(EXTENSION, program=folder + "/mokhoa-host")
        self.expect(host.ask("token.info"), "worker_failed")
        host.end()
        with open(self.log + ".fd") as f:
            # 0 and 2, the file itself at 1, and ls's own folder at 3; nothing else
            self.assertEqual(re.findall(r" (\d+) -> ", f.read()), ["0", "1", "2", "3"])


class Profiles(Case):
    def refused(self, name, *words):
        answers, status = self.one(frame(envelope()))
        self.assertEqual(status, 0)
        self.expect(answers[0], name)
        for word in words:
            self.assertIn(word, self.stderr.decode())

    def test_missing(self):
        os.unlink(PROFILES + "/test.json")
        self.refused("profile_missing", PROFILES)
        os.rmdir(PROFILES)
        self.refused("profile_missing", PROFILES)

    def test_invalid(self):
        write_profile(tms="http://tms.mokhoa.test")
        self.refused("profile_invalid", "test.json", "tms")
        write_profile()
        write_profile("second")
        self.refused("profile_invalid", "test.json", "origins[0]", "second")

    def test_unsafe(self):
        os.chmod(PROFILES + "/test.json", 0o666)
        self.refused("profile_unsafe", "test.json")
        os.chmod(PROFILES + "/test.json", 0o644)
        os.chmod(PROFILES, 0o777)
        self.refused("profile_unsafe", "test.json")


class Command(Case):
    def call(self, *args, status=0):
        run = subprocess.run([HOST, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, status, run.stderr)
        self.stderr = run.stderr
        return run.stdout

    def test_call(self):
        self.assertEqual(json.loads(self.call("call", "hello"))["name"], "mokhoa")
        order = json.loads(self.call("call", "unlock.status", json.dumps({"request": REQUEST})))["order"]
        self.assertEqual(order, {"op": "unlock.status", "profile": "test", "origin": "", "params": {"request": REQUEST}})
        self.assertRegex(self.stderr, r"origin=cli op=unlock.status id=null result=ok ms=\d+\n$")

    def test_notifications(self):
        os.environ["FAKE_WORKER"] = "unlock=progress"
        self.assertEqual(json.loads(self.call("call", "unlock", json.dumps({"request": REQUEST}))), {"done": True})
        self.assertIn('"method":"unlock.progress"', self.stderr)

    def test_errors(self):
        def error(name, *args):
            self.assertEqual(json.loads(self.call("call", *args, status=1))["data"]["name"], name)
            seen(name, "host: Command.test_errors")

        error("method_not_found", "token.erase")
        error("invalid_params", "unlock")
        error("parse_error", "token.info", "{")
        error("invalid_request", "token.info", "[]")
        error("profile_missing", "hello", "--profile", "other")
        os.environ["FAKE_WORKER"] = "token.info=crash"
        error("worker_failed", "token.info")
        os.environ["FAKE_WORKER"] = "token.info=busy"
        error("token_busy", "token.info")
        os.unlink(PROFILES + "/test.json")
        error("profile_missing", "hello")

    def test_several_profiles(self):
        write_profile("other", origins=["https://other.mokhoa.test"])
        self.assertEqual(self.call("call", "hello", status=2), "")
        order = json.loads(self.call("call", "token.info", "--profile", "other"))["order"]
        self.assertEqual(order["profile"], "other")

    def test_usage(self):
        for args in (["call"], ["call", "--profile"], ["call", "--profile", "test"], ["call", "hello", "{}", "x"], ["call", "hello", "--json", "{}"],
            ["--help", "x"], ["heal"], ["doctor", "x"], ["doctor", "--json", "--bundle"], ["call", "hello", "--profile", "a", "--profile", "b"]):
            self.assertEqual(self.call(*args, status=2), "", args)
            self.assertIn("--help", self.stderr)
            self.assertIn("Lệnh không đúng cách dùng.", self.stderr)
        seen("usage", "host: Command.test_usage")
        self.assertRegex(self.call("--version"), r"^mokhoa-host \d+\.\d+\.\d+\n$")
        self.assertIn("mokhoa-host call METHOD", self.call("--help"))


class Program(Case):
    def test_libraries(self):
        out = subprocess.run(["readelf", "-d", HOST], capture_output=True, text=True, check=True).stdout
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", out)
        sanitizers = [n for n in needed if re.match(r"lib(asan|ubsan)\.", n)]
        symbols = subprocess.run(["readelf", "--dyn-syms", "-W", HOST], capture_output=True, text=True, check=True).stdout
        if sanitizers or "__asan" in symbols:
            needed = [n for n in needed if n not in sanitizers and not re.match(r"lib(m|rt|pthread|resolv|dl|gcc_s|stdc\+\+)\.", n)]
        self.assertEqual(sorted(needed), ["libc.so.6", "libjansson.so.4"])


class Timeout(unittest.TestCase):
    """A worker that hangs is ended at its deadline, 30 seconds for unlock.cancel. Started first, so that the other tests run in the meantime."""

    def test_zz_hang(self):
        answer = HANGING.answer(60)
        waited = time.monotonic() - HANGING_SINCE
        VALIDATE(answer)
        self.assertEqual(name_of(answer), "timeout")
        self.assertGreater(waited, 29)
        seen("timeout", "host: Timeout.test_zz_hang")
        with open(HANGING_LOG) as f:
            worker = int(f.read().split()[1])
        end = time.monotonic() + 5
        while os.path.exists(f"/proc/{worker}") and time.monotonic() < end:
            time.sleep(0.01)  # the answer goes out before the worker is ended
        self.assertRaises(ProcessLookupError, os.kill, worker, 0)
        self.assertEqual(name_of(HANGING.ask()), "ok")
        self.assertEqual(HANGING.end(), (b"", 0))


def validator(path):
    try:
        import jsonschema
    except ImportError:
        print("python3-jsonschema is missing: answers are not held against the schema", file=sys.stderr)
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    with open(path) as f:
        schema = json.load(f)
    answers = jsonschema.Draft202012Validator({**schema, "oneOf": [{"$ref": "#/$defs/to_page"}]})

    def validate(answer):
        # a result of the fake worker is none of the schema's
        if "result" not in answer["message"] or "capabilities" in answer["message"]["result"]:
            answers.validate(answer)
    return validate


if __name__ == "__main__":
    if os.environ.get("MOKHOA_STAGE") is None:
        print("run me by tests/stage/enter.sh: I write to /etc/mokhoa", file=sys.stderr)
        sys.exit(77)
    if os.stat("/").st_uid != 0:
        print("run me as root: on the stage of another user no file is root's", file=sys.stderr)
        sys.exit(77)
    VALIDATE = validator(sys.argv[3])
    BIN = tempfile.mkdtemp(dir="/run")
    HOST = shutil.copy(sys.argv[1], BIN)
    shutil.copy(sys.argv[2], BIN)

    os.makedirs(PROFILES, exist_ok=True)
    os.chmod(PROFILES, 0o755)
    write_profile()
    HANGING_LOG = BIN + "/hanging"
    HANGING_SINCE = time.monotonic()
    HANGING = Host(EXTENSION, env={"FAKE_WORKER": "unlock.cancel=hang", "FAKE_LOG": HANGING_LOG})
    HANGING.write(frame(envelope("unlock.cancel", {"request": REQUEST})))
    while not os.path.exists(HANGING_LOG) or not open(HANGING_LOG).read():
        time.sleep(0.01)
    order = [Frames, Callers, Messages, Workers, Profiles, Command, Program, Timeout]
    tests = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(c) for c in order)
    done = unittest.TextTestRunner(verbosity=2).run(tests)
    sys.exit(0 if done.wasSuccessful() and done.testsRun > 20 else 1)
