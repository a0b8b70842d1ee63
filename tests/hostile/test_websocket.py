#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whoever wants in at mokhoa-websocket: heads that are wrong in one thing or in many, frames that are none, other users of the machine.

Usage: test_websocket.py [-v] [--full] [TEST...]      MOKHOA_BIN is the folder of the programs. Enters a stage and a network of its own by itself.

What is counted is what the program itself has counted at the place where libwebsockets is given its first bytes: for a refused head it must be none.
"""
import collections
import itertools
import json
import os
import random
import select
import shutil
import socket
import subprocess
import sys
import time
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "stage"), os.path.join(TESTS, "e2e")]

import native  # noqa: E402
import websocket  # noqa: E402
import world  # noqa: E402
from websocket import frame  # noqa: E402

FULL = "--full" in sys.argv
FOREIGN = 10_000
AT_A_TIME = 24
PROFILES = "/etc/mokhoa/profiles.d"
ORIGIN = native.ORIGIN
KEY = "dGhlIHNhbXBsZSBub25jZQ=="

# What a head is made of, the right word first. The product has 10,368 cells, of which one is right.
METHODS = ["GET", "POST", "get"]
PATHS = ["/mokhoa", "/", "/mokhoa?x=1"]
HOSTS = ["127.0.0.1:{port}", "evil.example:{port}", "127.0.0.1", "127.0.0.1.evil.example:{port}"]
ORIGINS = [ORIGIN, "null", None, "https://evil.example", ORIGIN + ".evil.example", ORIGIN.upper()]
PROTOCOLS = ["mokhoa.1", None, "mokhoa.1, chat"]
UPGRADES = [("websocket", "Upgrade"), ("h2c", "Upgrade"), ("websocket", "keep-alive"), (None, None)]
MORE = ["", "Host: 127.0.0.1:{port}\r\n", "Content-Length: 4\r\n", " folded\r\n"]


def cells():
    return itertools.product(METHODS, PATHS, HOSTS, ORIGINS, PROTOCOLS, UPGRADES, MORE)


def head_of(cell, port):
    method, path, host, origin, protocol, (upgrade, connection), more = cell
    rows = [("Host", host.format(port=port)), ("Origin", origin), ("Upgrade", upgrade), ("Connection", connection), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", KEY), ("Sec-WebSocket-Protocol", protocol)]
    text = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in rows if value is not None)
    return (text + more.format(port=port) + "\r\n").encode()


def answers_to(port, heads, then=b""):
    """Many connections at a time; what each got before it was closed."""
    got, waiting, heads = [], {}, iter(heads)
    more = True
    while more or waiting:
        while more and len(waiting) < AT_A_TIME:
            head = next(heads, None)
            if head is None:
                more = False
                break
            s = socket.create_connection(("127.0.0.1", port), 20)
            waiting[s] = b""
            try:
                s.sendall(head + then)
            except ConnectionError:
                pass
        for s in select.select(list(waiting), [], [], 20)[0]:
            try:
                some = s.recv(4096)
            except ConnectionError:
                some = b""
            if some:
                waiting[s] += some
                if b"\r\n\r\n" not in waiting[s]:
                    continue
            got.append(waiting.pop(s))
            s.close()
    return got


class Door(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(PROFILES, ignore_errors=True)
        os.makedirs(PROFILES)
        with open(f"{PROFILES}/test.json", "w", encoding="utf-8") as f:
            json.dump({"tms": "https://tms.mokhoa.test", "tls_ca": "/etc/mokhoa/ca.pem", "tms_keys": ["A" * 43], "origins": [ORIGIN], "extensions": [],
                       "modules": [{"name": "none", "path": "/none.so"}], "prompt": "/usr/bin/pinentry", "hotline": "1900", "languages": ["vi", "en"]}, f)
        os.chmod(f"{PROFILES}/test.json", 0o644)
        self.server = websocket.Server(f"{world.BIN}/mokhoa-websocket", {"MOKHOA_LOG": "info"})
        self.addCleanup(self.server.close)

    def lives(self):
        page = self.server.page()
        self.assertEqual(page.call("hello")["name"], "mokhoa")
        page.close()

    def test_handshakes(self):
        """10,368 heads, one of them right; first the wrong ones, after which libwebsockets must not have been given one byte."""
        everything = list(cells())
        self.assertEqual(len(everything), 10_368)
        wrong = everything[1:]
        got = answers_to(self.server.port, (head_of(cell, self.server.port) for cell in wrong))
        self.assertEqual([g for g in got if g], [])
        tally = self.server.tally()
        print(f"\n{len(wrong)} wrong heads: {tally['passed']} passed, libwebsockets was given {tally['handed']} bytes", file=sys.stderr)
        self.assertEqual((tally["connections"], tally["refused"], tally["passed"], tally["handed"], tally["foreign"]), (len(wrong), len(wrong), 0, 0, 0))

    def test_the_right_head_is_right(self):
        self.assertIn(b"101", answers_to(self.server.port, [head_of(next(cells()), self.server.port)])[0])
        self.assertEqual(self.server.tally()["passed"], 1)

    def test_torn_and_mutated_heads(self):
        """The right head with a few bytes changed, cut, doubled: whatever passes says the right origin and host still."""
        chance = random.Random(8)
        right = head_of(next(cells()), self.server.port)
        heads = []
        for _ in range(20_000 if FULL else 1_500):
            head = bytearray(right)
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(head))
                if chance.random() < 0.6:
                    head[at] = chance.choice(b"\0\r\n \t:,aZ\x7f\x80\xff")
                elif chance.random() < 0.5:
                    del head[at:at + chance.randint(1, 8)]
                else:
                    head[at:at] = head[at:at + chance.randint(1, 16)]
            heads.append(bytes(head).rstrip(b"\r\n") + b"\r\n\r\n")
        passed = 0
        for begin in range(0, len(heads), 500):
            for answer in answers_to(self.server.port, heads[begin:begin + 500]):
                passed += answer != b""
                self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 101 "), answer)
        self.lives()
        tally = self.server.tally()
        self.assertEqual(tally["passed"], passed + 1)
        self.assertEqual(tally["refused"], len(heads) - passed)
        print(f"\n{len(heads)} mutated heads: {passed} still right", file=sys.stderr)

    def test_frames(self):
        """1,728 frames, no two alike: each ends the connection with its code, or is one that a browser sends and that a goodbye may follow."""
        lengths = [(7, 0), (7, 1), (7, 125), (16, 125), (16, 126), (16, 8192), (16, 8193), (64, 8193), (64, 1 << 40)]
        every = list(itertools.product(range(16), (True, False), (True, False), (0, 4, 1), lengths))
        self.assertEqual(len(set(every)), 1_728)
        seen = collections.Counter()
        for opcode, masked, fin, reserved, (form, size) in every:
            want = self.code_of(opcode, masked, fin, reserved, form, size)
            connection = self.server.connect().open()
            body = b"x" * (size if size <= 8192 else 16)
            mask = b"\x11\x22\x33\x44" if masked else None
            try:
                connection.send(frame(body, opcode, fin, reserved, mask=mask, form=form, length=size))
                if want != 1011:  # which is for the server to say, because it has lost its host
                    connection.send(frame(b"\x03\xe8", websocket.CLOSE))
            except ConnectionError:
                pass
            got = connection.closed_with()
            connection.close()
            seen[got] += 1
            with self.subTest(opcode=opcode, masked=masked, fin=fin, reserved=reserved, form=form, size=size):
                self.assertEqual(got, want)
        self.lives()
        print(f"\n{len(every)} frames, closed with {dict(seen)}", file=sys.stderr)

    @staticmethod
    def code_of(opcode, masked, fin, reserved, form, size):
        """By RFC 6455 and the contract."""
        if not masked or reserved:
            return 1002
        if opcode == websocket.BINARY:
            return 1003
        if opcode not in (websocket.TEXT, websocket.CLOSE, websocket.PING, websocket.PONG):
            return 1002
        if opcode != websocket.TEXT:
            if not fin or form != 7:
                return 1002
            if opcode == websocket.CLOSE and size:
                return 1002  # a goodbye of one byte, or with a code that is none
            return None if opcode == websocket.CLOSE else 1000
        if (form == 16 and size < 126) or (form == 64 and size < 65536):
            return 1002
        if size > 8192:
            return 1009
        return 1011 if fin and size < 2 else 1000

    def test_other_users(self):
        """Connections of another user, half of them held until they are closed, half sent and closed at once."""
        script = """
import select, socket, sys
port, count, head = int(sys.argv[1]), int(sys.argv[2]), sys.stdin.buffer.read()
answered = 0
for i in range(count):
    s = socket.socket()
    s.settimeout(20)
    try:
        s.connect(("127.0.0.1", port))
        s.sendall(head)
        if i % 2 == 0:
            answered += s.recv(4096) != b""
    except ConnectionError:
        pass
    s.close()
print(answered)
"""
        head = head_of(next(cells()), self.server.port)
        began = time.monotonic()
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", script, str(self.server.port), str(FOREIGN)],
                              input=head, capture_output=True, timeout=250, check=False, cwd="/")
        self.assertEqual((done.returncode, done.stdout.strip()), (0, b"0"), done.stderr)
        took = time.monotonic() - began
        self.lives()  # and the owner himself is let in
        tally = self.server.tally()
        print(f"\n{FOREIGN} connections of another user in {took:.1f} s: {tally['passed'] - 1} passed, {tally['handed']} bytes handed for our own one", file=sys.stderr)
        self.assertEqual((tally["connections"], tally["foreign"], tally["passed"], tally["refused"]), (FOREIGN + 1, FOREIGN, 1, 0))

    def test_own_connections_are_never_refused(self):
        for _ in range(500 if FULL else 100):
            self.assertIn(b"101", answers_to(self.server.port, [head_of(next(cells()), self.server.port)])[0])
        tally = self.server.tally()
        self.assertEqual((tally["foreign"], tally["refused"]), (0, 0))

    def test_flood(self):
        """Idle connections and half heads by the thousand keep nobody out."""
        held = []
        for i in range(1_000 if FULL else 300):
            s = socket.create_connection(("127.0.0.1", self.server.port), 20)
            if i % 2:
                try:
                    s.send(b"GET /mokhoa HT")
                except ConnectionError:
                    pass
            held.append(s)
            if i % 100 == 99:
                began = time.monotonic()
                self.lives()
                self.assertLess(time.monotonic() - began, 10)
        for s in held:
            s.close()


if __name__ == "__main__":
    if not os.access(os.path.join(world.BIN, "mokhoa-websocket"), os.X_OK):
        world.skip("MOKHOA_BIN names no folder with mokhoa-websocket")
    world.enter_stage()
    websocket.own_network()
    unittest.main(argv=[sys.argv[0]] + [a for a in sys.argv[1:] if a != "--full"])
