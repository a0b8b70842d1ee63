#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Drives the real mokhoa-websocket through its sockets, as pages and strangers do. Run on a stage (tests/stage/enter.sh), where /etc/mokhoa is ours.

    test_websocket.py FOLDER_OF_PROGRAMS FAKE_WORKER

Three ports are all there are, so it enters a network of its own by itself.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests")
sys.path[:0] = [os.path.join(TESTS, "check"), os.path.join(TESTS, "stage")]

import native  # noqa: E402
import websocket  # noqa: E402
from seen import seen  # noqa: E402
from websocket import BINARY, CLOSE, PING, PONG, Closed, frame  # noqa: E402

PROFILES = "/etc/mokhoa/profiles.d"
ORIGIN, OTHER = native.ORIGIN, "https://other.mokhoa.test:8443"
PROFILE = {"tms": "https://tms.mokhoa.test", "tls_ca": "/etc/mokhoa/ca.pem", "tms_keys": ["A" * 43], "origins": [ORIGIN], "extensions": [],
           "modules": [{"name": "OpenSC", "path": "/usr/lib/opensc-pkcs11.so"}], "prompt": "/usr/bin/pinentry", "hotline": "1900 1234",
           "languages": ["vi", "en"]}
REQUEST = "AAAAAAAAAAAAAAAAAAAAAA"


def write_profile(name, **change):
    os.makedirs(PROFILES, exist_ok=True)
    os.chmod(PROFILES, 0o755)
    path = f"{PROFILES}/{name}.json"
    with open(path, "w", encoding="utf-8") as f:
        json.dump({**PROFILE, **change}, f)
    os.chmod(path, 0o644)


def listen(port, host="127.0.0.1"):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, port))
    s.listen()
    return s


class Case(unittest.TestCase):
    server = None

    def setUp(self):
        shutil.rmtree(PROFILES, ignore_errors=True)
        write_profile("test")
        write_profile("other", origins=[OTHER])
        self.opened = []

    def tearDown(self):
        for each in self.opened:
            each.close()

    def start(self, play="", **options):
        server = websocket.Server(f"{BIN}/mokhoa-websocket", {"FAKE_WORKER": play}, **options)
        self.opened.append(server)
        return server

    def page(self, server, **options):
        page = server.page(**options)
        self.opened.insert(0, page)
        return page

    def connect(self, server):
        connection = server.connect()
        self.opened.insert(0, connection)
        return connection

    def refused(self, name, call, *args):
        with self.assertRaises(native.Refused) as caught:
            call(*args)
        self.assertEqual(caught.exception.name, name)
        seen(name, f"websocket: {self.id().split('.', 1)[1]}")

    def ends(self, *args, env=None):
        """A program that ends by itself: its status and its log."""
        done = subprocess.run([f"{BIN}/mokhoa-websocket", *args], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, **(env or {})})
        return done.returncode, done.stderr


class Pages(Case):
    def test_calls(self):
        server = self.start("unlock=progress")
        page = self.page(server)
        self.assertEqual(page.call("hello")["transports"], ["websocket"])
        order = page.call("token.info")["order"]
        self.assertEqual((order["op"], order["origin"], order["profile"]), ("token.info", ORIGIN, "test"))
        other = self.page(server, origin=OTHER)
        self.assertEqual(other.call("token.info")["order"]["profile"], "other")
        self.refused("method_not_found", page.call, "format")
        self.refused("invalid_params", page.call, "token.info", {"module": "/tmp/evil.so"})
        self.assertEqual(page.call("unlock", {"request": REQUEST}), {"done": True})
        self.assertEqual([n["method"] for n in page.notifications], ["unlock.progress", "unlock.changed"])
        self.assertEqual(other.notifications, [])
        tally = server.tally()
        self.assertEqual((tally["passed"], tally["refused"], tally["foreign"]), (2, 0, 0))
        lines = [line for line in server.text().splitlines() if " info request " in line]
        self.assertEqual(len(lines), 6)

    def test_a_message_cannot_say_another_origin(self):
        page = self.page(self.start())
        page.connection.send(frame(json.dumps({"origin": OTHER, "message": {"jsonrpc": "2.0", "id": 1, "method": "hello"}}).encode()))
        self.assertEqual(page.receive()["message"]["error"]["data"]["name"], "invalid_request")

    def test_four_at_a_time(self):
        page = self.page(self.start("token.info=hang"))
        for _ in range(4):
            page.start("token.info")
        self.refused("busy", page.call, "token.info")
        self.assertEqual(page.call("hello")["name"], "mokhoa")
        other = self.page(self.opened[-1])  # its four are its own
        other.start("token.info")
        self.assertEqual(other.call("hello")["name"], "mokhoa")

    def test_largest_answer(self):
        page = self.page(self.start("token.info=large"))
        self.assertGreater(len(page.call("token.info")["padding"]), 65000)

    def test_largest_message(self):
        page = self.page(self.start())
        hello = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "hello"}).encode()
        page.connection.send(frame(hello.ljust(8192)))
        self.assertIn("result", page.receive()["message"])
        page.connection.send(frame(hello.ljust(8193)))
        self.assertEqual(page.connection.closed_with(), 1009)

    def test_message_in_pieces(self):
        page = self.page(self.start())
        hello = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "hello", "params": {}}).encode()
        pieces = [hello[i:i + 5] for i in range(0, len(hello), 5)]
        sent = b"".join(frame(piece, websocket.TEXT if i == 0 else 0, i == len(pieces) - 1) for i, piece in enumerate(pieces))
        for i in range(0, len(sent), 7):
            page.connection.send(sent[i:i + 7])
        self.assertIn("result", page.receive()["message"])

    def test_ping_and_goodbye(self):
        page = self.page(self.start())
        page.connection.send(frame(b"are you there", PING))
        self.assertEqual(page.connection.next_frame(), (PONG, b"are you there"))
        page.connection.send(frame(b"\x03\xe8bye", CLOSE))
        self.assertEqual(page.connection.closed_with(), 1000)

    def test_wrong_frames(self):
        server = self.start()
        for what, sent, code in (("no mask", frame(b"{}", mask=None), 1002), ("binary", frame(b"{}", BINARY), 1003),
                                 ("no UTF-8", frame(b"\xc3"), 1007), ("no UTF-8 at the end of pieces", frame(b"\xc3", fin=False) + frame(b"", 0), 1007),
                                 ("a code that is none", frame(b"\x03\xed", CLOSE), 1002)):
            with self.subTest(what):
                page = self.page(server)
                page.connection.send(sent)
                self.assertEqual(page.connection.closed_with(), code)

    def test_empty_message_ends_the_conversation(self):
        page = self.page(self.start())
        page.connection.send(frame(b""))
        self.assertEqual(page.receive()["message"]["error"]["data"]["name"], "frame_too_large")
        self.assertEqual(page.connection.closed_with(), 1011)

    def test_worker_survives_the_page(self):
        mark = os.path.join(BIN, "mark")
        server = websocket.Server(f"{BIN}/mokhoa-websocket", {"FAKE_WORKER": "unlock=mark", "FAKE_MARK": mark, "FAKE_LOG": mark + ".log"})
        self.opened.append(server)
        page = self.page(server)
        page.start("unlock", {"request": REQUEST})
        self.wait(lambda: os.path.exists(mark + ".there"))
        page.close()
        with open(mark + ".go", "w", encoding="ascii"):
            pass
        self.wait(lambda: os.path.exists(mark))

    def test_host_dies(self):
        server = self.start("token.info=hang")
        page = self.page(server)
        page.start("token.info")
        page.call("hello")
        found = subprocess.run(["pgrep", "-f", f"{BIN}/mokhoa-host"], capture_output=True, text=True, check=False).stdout.split() or \
            subprocess.run(["pgrep", "-P", str(server.process.pid), "-x", "mokhoa-host"], capture_output=True, text=True, check=True).stdout.split()
        os.kill(int(found[0]), 9)
        self.assertEqual(page.connection.closed_with(), 1011)
        self.assertEqual(self.page(server).call("hello")["name"], "mokhoa")

    def wait(self, ask):
        end = time.monotonic() + 30
        while not ask():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)


class Limits(Case):
    def test_too_fast(self):
        page = self.page(self.start())
        hello = frame(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "hello"}).encode())
        try:
            for _ in range(30):
                page.connection.send(hello * 10)
        except OSError:
            pass  # it has closed meanwhile
        answers = 0
        with self.assertRaises(Closed) as caught:
            while True:
                page.connection.message()
                answers += 1
        self.assertIn(caught.exception.code, (1008, None))  # what was still on its way here can cost the goodbye
        self.assertLess(answers, 120)
        self.assertIn("close=1008", self.opened[-1].text())

    def test_eight_pages(self):
        server = self.start()
        pages = [self.page(server) for _ in range(8)]
        self.assertEqual({page.call("hello")["name"] for page in pages}, {"mokhoa"})
        with self.assertRaises(Closed):
            server.page()
        pages[0].close()
        end = time.monotonic() + 20
        while True:
            try:
                self.assertEqual(self.page(server).call("hello")["name"], "mokhoa")
                break
            except Closed:
                self.assertLess(time.monotonic(), end)

    def test_slow_heads(self):
        server = self.start()
        slow = []
        for _ in range(60):
            slow.append(self.connect(server))
            slow[-1].send(b"GET /mokhoa HTTP/1.1\r\nHost")
        began = time.monotonic()
        self.assertEqual(self.page(server).call("hello")["name"], "mokhoa")
        for connection in slow:
            with self.assertRaises((Closed, ConnectionError)):
                connection.some()
        self.assertLess(time.monotonic() - began, 60)
        tally = server.tally()
        self.assertEqual((tally["refused"], tally["passed"]), (60, 1))
        self.assertIn("head too slow", server.text())

    def test_page_that_does_not_read(self):
        server = self.start("token.info=large")
        deaf = self.page(server)
        for i in range(30):
            deaf.start("token.info")
        page = self.page(server)
        for _ in range(5):
            self.assertEqual(page.call("hello")["name"], "mokhoa")


class Starts(Case):
    def test_second_port_and_third(self):
        held = [listen(websocket.PORTS[0])]
        self.assertEqual(self.start().port, websocket.PORTS[1])
        self.opened.pop().close()
        held.append(listen(websocket.PORTS[1]))
        server = self.start()
        self.assertEqual(server.port, websocket.PORTS[2])
        self.assertEqual(self.page(server).call("hello")["name"], "mokhoa")
        for each in held:
            each.close()

    def test_no_port(self):
        held = [listen(port) for port in websocket.PORTS]
        status, said = self.ends()
        self.assertEqual(status, 1)
        self.assertIn("error=ports_taken", said)
        seen("ports_taken", "websocket: Starts.test_no_port")
        for each in held:
            each.close()

    def test_one_a_user(self):
        self.start()
        status, said = self.ends()
        self.assertEqual(status, 0)
        self.assertIn("has one already", said)

    def test_no_profile_and_wrong_use(self):
        self.assertEqual(self.ends("--port", "80")[0], 2)
        shutil.rmtree(PROFILES)
        status, said = self.ends()
        self.assertEqual(status, 1)
        self.assertIn("error=profile_missing", said)

    def test_killed_from_either_side(self):
        server = self.start()
        page = self.page(server)
        page.call("hello")
        server.process.kill()
        self.assertIn(page.connection.closed_with(), (None, 1001, 1011))
        server.process.wait()
        server = self.start()
        children = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=True).stdout.split()
        os.kill(int(children[0]), 9)
        self.assertEqual(server.process.wait(20), 1)

    def given(self, *sockets, count=None):
        """As the service manager starts it: sockets from descriptor 3 on, LISTEN_FDS, LISTEN_PID."""
        script = "import os, sys\nos.environ['LISTEN_PID'] = str(os.getpid())\nos.execv(sys.argv[1], sys.argv[1:2])"
        program = os.path.join(self.folder(), "given")
        with open(program, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n" + "".join(f"exec {3 + i}<&{s.fileno()}\n" for i, s in enumerate(sockets) if s.fileno() != 3 + i)
                    + f"export LISTEN_FDS={len(sockets) if count is None else count}\nexec {sys.executable} -c \"$SCRIPT\" {BIN}/mokhoa-websocket\n")
        os.chmod(program, 0o755)
        return program, {"env": {"SCRIPT": script}, "pass_fds": [s.fileno() for s in sockets]}

    def folder(self):
        folder = tempfile.mkdtemp(dir=BIN)
        self.addCleanup(shutil.rmtree, folder)
        return folder

    def test_sockets_of_the_service_manager(self):
        sockets = [listen(port) for port in websocket.PORTS[1:]]
        program, options = self.given(*sockets)
        server = websocket.Server(program, **options)
        self.opened.append(server)
        for s in sockets:
            port = s.getsockname()[1]
            self.assertEqual(websocket.Page(port).call("hello")["name"], "mokhoa")
            s.close()
        self.assertEqual(server.tally()["passed"], 2)

    def test_wrong_sockets_of_the_service_manager(self):
        elsewhere = socket.socket()
        elsewhere.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        elsewhere.bind(("127.0.0.1", websocket.PORTS[0]))
        for what, sockets, count in (("another port", [listen(0)], None), ("every address", [listen(websocket.PORTS[1], "0.0.0.0")], None),
                                     ("not listening", [elsewhere], None), ("none there", [], 2), ("four", [listen(websocket.PORTS[2])], 4)):
            with self.subTest(what):
                program, options = self.given(*sockets, count=count)
                done = subprocess.run([program], capture_output=True, text=True, timeout=60, check=False, pass_fds=options["pass_fds"],
                                      env={**os.environ, **options["env"]})
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("error=usage", done.stderr)
            for s in sockets:
                s.close()


class Strangers(Case):
    def test_another_user(self):
        """Held open, and sent and closed."""
        if os.geteuid() != 0:
            self.skipTest("not root: nobody else to connect as")
        server = self.start()
        # by itself, because another user need not be able to read where this tree lies
        script = """
import socket, sys
try:
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30) as c:
        c.sendall(sys.stdin.buffer.read())
        heard = c.recv(1) if sys.argv[2] == "hold" else b""
except (ConnectionResetError, BrokenPipeError):
    heard = b""
sys.exit(1 if heard else 0)
"""
        for how in ("hold", "close"):
            done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", script, str(server.port), how],
                                  input=websocket.head(server.port, ORIGIN), capture_output=True, timeout=60, check=False, cwd="/")
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.page(server).call("hello")["name"], "mokhoa")
        tally = server.tally()
        self.assertEqual((tally["foreign"], tally["passed"], tally["refused"]), (2, 1, 0))

    def test_refused_looks_the_same(self):
        server = self.start()
        seen_by_them = set()
        for change in ({"Origin": "https://evil.example"}, {"Origin": None}, {"Host": "evil.example"}, {"Sec-WebSocket-Protocol": None}, {"Content-Length": "5"}):
            connection = self.connect(server)
            connection.send(websocket.head(server.port, ORIGIN, **change))
            try:
                connection.some()
            except (Closed, ConnectionError) as error:
                seen_by_them.add(type(error).__name__)
        self.assertEqual(seen_by_them, {"ConnectionResetError"})
        tally = server.tally()
        self.assertEqual((tally["refused"], tally["passed"], tally["handed"]), (5, 0, 0))


if __name__ == "__main__":
    if os.environ.get("MOKHOA_STAGE") != "1":
        print("run me by tests/stage/enter.sh: I write to /etc/mokhoa", file=sys.stderr)
        sys.exit(77)
    websocket.own_network()
    BIN = tempfile.mkdtemp(prefix="mokhoa-websocket.")
    os.chmod(BIN, 0o755)
    for each in (os.path.join(sys.argv[1], "mokhoa-host"), os.path.join(sys.argv[1], "mokhoa-websocket"), sys.argv[2]):
        shutil.copy(each, BIN)
    tests = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(c) for c in (Pages, Limits, Starts, Strangers))
    done = unittest.TextTestRunner(verbosity=2).run(tests)
    shutil.rmtree(BIN, ignore_errors=True)
    sys.exit(0 if done.wasSuccessful() and done.testsRun > 15 else 1)
