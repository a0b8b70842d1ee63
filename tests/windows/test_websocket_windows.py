#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mokhoa-websocket under wine: pages that pass, heads that do not, and connections of which nobody says whose they are.

wine finds the process of a connection by the descriptors that its programs have open. So a socket of ours that a program under wine holds, too, is the owner's there; any other
is a stranger's, because this script is no program of wine's.
"""
import contextlib
import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import time
import unittest

import wine

import native
import websocket
from websocket import BINARY, Closed, frame

sys.path.insert(0, os.path.join(wine.TESTS, "hostile"))
import test_websocket as hostile  # noqa: E402 (its generators: what a wrong head is, is the same everywhere)

OTHER = "https://other.mokhoa.test:8443"
SERIAL = "W0DECAF00"
HEADS, MUTATED = 240, 60
AT_ONCE = 40 # sockets that a program holds; wine looks at all of them for each question
STRANGERS = 60


class Holder:
    """A program under wine that has these sockets open, for as long as it is held."""

    def __init__(self, count):
        self.sockets = [socket.socket() for _ in range(count)]
        self.process = subprocess.Popen(wine.command("echo_frames"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
                                        pass_fds=[s.fileno() for s in self.sockets])
        self.process.stdin.write(struct.pack("<I", 2) + b"{}")
        assert self.process.stdout.read(6) == struct.pack("<I", 2) + b"{}"

    def connect(self, port):
        s = self.sockets.pop()
        s.settimeout(60)
        s.connect(("127.0.0.1", port))
        return s

    def end(self):
        while self.sockets:
            self.sockets.pop().close()
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Connection(websocket.Connection):
    """Held by a program of its own, with which it ends: as long as anybody has a socket open its connection does not end."""

    def __init__(self, port, timeout=60):
        self.holder = Holder(1)
        self.socket, self.port, self.timeout, self.read = self.holder.connect(port), port, timeout, b""

    def close(self):
        self.holder.end()
        self.socket.close()


class Page(websocket.Page):
    def __init__(self, port, origin=native.ORIGIN):
        self.origin, self.notifications, self.next_id, self.answers = origin, [], 1, {}
        self.connection = Connection(port)
        try:
            self.connection.open(origin)
        except Closed:
            self.connection.close()
            raise


class Server(websocket.Server):
    def tally(self):
        """Ends the process that starts hosts; the one in front sees it and says what it has counted."""
        self.process.kill()
        self.process.wait()
        end = time.monotonic() + 60
        while (found := re.search(r"door ended (.*)", self.text())) is None:
            if time.monotonic() > end:
                raise TimeoutError(self.text()[-4000:])
            time.sleep(0.05)
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", found.group(1))}


def knock(port, heads):
    """Each head over a connection of the owner's: what came back before its end or an empty line."""
    answers, heads = [], list(heads)
    for i, head in enumerate(heads):
        if i % AT_ONCE == 0:
            holder = Holder(min(AT_ONCE, len(heads) - i))
        with holder.connect(port) as s:
            answer = b""
            try:
                s.sendall(head)
                while b"\r\n\r\n" not in answer and (some := s.recv(4096)):
                    answer += some
            except ConnectionError:
                pass
            answers.append(answer)
        if not holder.sockets:
            holder.end()
    return answers


class Door(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        wine.install()
        mock = os.path.join(wine.DRIVE, "mock")
        shutil.rmtree(mock, ignore_errors=True)
        os.makedirs(mock)
        for name, text in (("script", f"serial 0 {SERIAL}\n"), ("state", "so_pin 8765432187654321\nuser_pin 000000\nso_tries 3\nuser_tries 0\n")):
            with open(os.path.join(mock, name), "w", encoding="utf-8") as f:
                f.write(text)
        open(os.path.join(wine.INSTALLED, "ca.pem"), "w", encoding="utf-8").close()
        for name, origin in (("test", native.ORIGIN), ("other", OTHER)):
            with open(os.path.join(wine.INSTALLED, "profiles.d", name + ".json"), "w", encoding="utf-8") as f:
                json.dump({"tms": "https://127.0.0.1:9", "tls_ca": wine.FOLDER + "ca.pem", "tms_keys": ["A" * 43], "origins": [origin], "extensions": [],
                           "prompt": wine.FOLDER + "mokhoa-prompt.exe", "hotline": "1800 1000", "languages": ["vi", "en"],
                           "modules": [{"name": "mock", "path": wine.FOLDER + "mock_p11.dll", "environment": {"MOCK_P11": "C:\\mock"}}]}, f)

    def setUp(self):
        self.server = Server(wine.script("mokhoa-websocket"))
        self.addCleanup(self.server.close)

    def page(self, **options):
        page = Page(self.server.port, **options)
        self.addCleanup(page.close)
        return page

    def closes(self, sent):
        page = self.page()
        page.connection.send(sent)
        return page.connection.closed_with()

    def test_a_page_asks_and_is_answered(self):
        page, other = self.page(), self.page(origin=OTHER)
        self.assertEqual(page.call("hello")["transports"], ["websocket"])
        for one in (page, other):
            tokens = one.call("token.info")["tokens"]
            self.assertEqual([(t["serial"], t["pin"]) for t in tokens], [(SERIAL, "locked")])
        with self.assertRaises(native.Refused) as caught:
            page.call("unlock.status", {"request": "no such"})
        self.assertEqual(caught.exception.name, "invalid_params")
        page.close()
        self.assertEqual(other.call("hello")["name"], "mokhoa")
        log = self.server.text()
        for origin in (native.ORIGIN, OTHER):
            self.assertIn(f"origin={origin} passed", log)
            self.assertRegex(log, f"request origin={re.escape(origin)} op=token.info id=\\S+ result=ok")
        tally = self.server.tally()
        self.assertEqual((tally["passed"], tally["refused"], tally["foreign"]), (2, 0, 0))

    def test_eight_pages_and_the_longest_message(self):
        pages = [self.page() for _ in range(8)]
        hello = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "hello"}).encode()
        for page in pages:
            page.connection.send(frame(hello.ljust(8192)))
        for page in pages:
            self.assertIn("result", page.receive()["message"])
        with self.assertRaises(Closed):
            self.page()
        pages[0].connection.send(frame(hello.ljust(8193)))
        self.assertEqual(pages[0].connection.closed_with(), 1009)

    def test_frames_are_judged(self):
        for what, sent, code in (("no mask", frame(b"{}", mask=None), 1002), ("binary", frame(b"{}", BINARY), 1003), ("no UTF-8", frame(b"\xc3"), 1007),
                                 ("goodbye", frame(b"\x03\xe8", websocket.CLOSE), 1000), ("empty", frame(b""), 1011)):
            with self.subTest(what):
                self.assertEqual(self.closes(sent), code)

    def test_wrong_heads(self):
        """A sample of those that tests/hostile sends; nothing of them may get to libwebsockets."""
        chance = random.Random(4)
        wrong = chance.sample(list(hostile.cells())[1:], HEADS)
        got = knock(self.server.port, [hostile.head_of(cell, self.server.port) for cell in wrong])
        self.assertEqual([g for g in got if g], [])
        tally = self.server.tally()
        print(f"{HEADS} wrong heads: {tally['passed']} passed, libwebsockets was given {tally['handed']} bytes")
        self.assertEqual((tally["connections"], tally["refused"], tally["passed"], tally["handed"], tally["foreign"]), (HEADS, HEADS, 0, 0, 0))

    def test_torn_heads_and_the_right_one(self):
        chance = random.Random(9)
        right = hostile.head_of(next(hostile.cells()), self.server.port)
        torn = [right[:at] + bytes([chance.choice(b"\0\r\n \t:,aZ\x7f\x80\xff")]) + right[at + 1:] for at in chance.sample(range(len(right) - 4), MUTATED)]
        got = knock(self.server.port, torn + [right])
        self.assertTrue(got[-1].startswith(b"HTTP/1.1 101 "), got[-1])
        self.assertEqual([g for g in got if g and not g.startswith(b"HTTP/1.1 101 ")], [])
        tally = self.server.tally()
        passed = sum(1 for g in got if g)
        print(f"{MUTATED} heads with one byte changed: {passed - 1} still right")
        self.assertEqual((tally["passed"], tally["refused"], tally["foreign"]), (passed, MUTATED + 1 - passed, 0))

    def test_strangers(self):
        """Of who is no program under wine, wine says nothing: refused before a byte is read, whether he stays or has gone."""
        head = websocket.head(self.server.port, native.ORIGIN)
        heard = 0
        for i in range(STRANGERS):
            with socket.create_connection(("127.0.0.1", self.server.port), 30) as s, contextlib.suppress(ConnectionError):
                s.sendall(head)
                heard += i % 2 == 0 and s.recv(4096) != b""
        self.assertEqual(heard, 0)
        self.assertEqual(self.page().call("hello")["name"], "mokhoa")
        tally = self.server.tally()
        self.assertEqual((tally["foreign"], tally["passed"], tally["refused"]), (STRANGERS, 1, 0))


class Starts(unittest.TestCase):
    def setUp(self):
        Door.setUpClass()

    def run_once(self, *args, name="mokhoa-websocket"):
        done = subprocess.run(wine.command(name, *args), stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
        return done.returncode, done.stderr.decode()

    def held(self, port):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.addCleanup(s.close)
        end = time.monotonic() + 60
        while True:  # who had it before may be on his way out still
            try:
                s.bind(("127.0.0.1", port))
                break
            except OSError:
                self.assertLess(time.monotonic(), end)
                time.sleep(0.05)
        s.listen()

    def test_the_next_free_port_then_none(self):
        self.held(websocket.PORTS[0])
        server = Server(wine.script("mokhoa-websocket"))
        self.addCleanup(server.close)
        self.assertEqual(server.port, websocket.PORTS[1])
        server.tally()
        self.held(websocket.PORTS[1])
        self.held(websocket.PORTS[2])
        status, said = self.run_once()
        self.assertEqual(status, 1, said)
        self.assertIn("error=ports_taken", said)

    def test_one_a_desk_and_wrong_use(self):
        server = Server(wine.script("mokhoa-websocket"))
        self.addCleanup(server.close)
        status, said = self.run_once()
        self.assertEqual(status, 0, said)
        self.assertIn("has one already", said)
        self.assertEqual(self.run_once("--port", "80")[0], 2)

    def test_the_front_without_its_starter_ends(self):
        status, said = self.run_once("--front")
        self.assertIn("door ended connections=0", said)
        self.assertEqual(status, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
