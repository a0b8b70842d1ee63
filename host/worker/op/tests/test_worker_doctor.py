#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks modules, readers, the way to the server and the ports of a real machine, one way at a time, and asks the doctor: the worker as a page and as the command line ask it, and
mokhoa-host doctor, which asks the worker.

usage: test_worker_doctor.py [-v] [TEST...]      MOKHOA_BIN is the folder with the programs and mock_p11.so. Enters a stage by itself.
"""

import email.utils
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest

import worker_stage
import fake_tms
from fake_tms import hangs_up, refuses, replies
from seen import seen
from worker_stage import BIN, ORIGIN, SERIAL

FINE = ["module.ok", "token.ok", "clock.ok", "tms.ok"]
PORTS = (21703, 24691, 28517)
INSPECTOR = "Kiem soat TLS Cty Vi Du"


def patched(source, target, *changes):
    """A copy of a library with bytes replaced: an index or the bytes themselves."""
    with open(source, "rb") as f:
        data = bytearray(f.read())
    for where, new in changes:
        if isinstance(where, bytes):
            assert where in data and len(where) == len(new)
            data = data.replace(where, new)
        else:
            data[where:where + len(new)] = new
    with open(target, "wb") as f:
        f.write(data)
    os.chmod(target, 0o755)


class Listener:
    """Takes connections and does with each what it is told, until closed."""

    def __init__(self, serve, port=0):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        self.socket.listen(8)
        self.port = self.socket.getsockname()[1]
        self.serve, self.taken = serve, []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            self.taken.append(connection)
            self.serve(connection)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)  # whoever waits for a connection waits no more
        self.socket.close()
        for connection in self.taken:
            connection.close()


def silent(connection):
    pass


def says(text):
    def serve(connection):
        connection.recv(4096)
        connection.sendall(text)
        connection.close()
    return serve


class DoctorTest(unittest.TestCase):
    def setUp(self):
        self.stage = worker_stage.Stage()
        self.addCleanup(self.stage.close)
        # whoever looks for a proxy in the environment finds none but the test's
        for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
            self.stage.environment.pop(name, None)

    def tearDown(self):
        log = self.stage.get("card/log")
        for call in ("C_Login", "C_InitPIN", "C_SetPIN", "C_InitToken", "C_OpenSession", "C_GetTokenInfo"):
            self.assertNotIn(call, log)
        self.assertNotIn("Sanitizer", self.stage.get("worker.log"))
        self.assertEqual([call for call, _, _ in self.stage.tms.seen if call != "status"], [])

    def told(self, origin=""):
        worker = self.stage.start("doctor", origin=origin)
        if origin == "":
            worker.op = "as the command line gets it"
            worker_stage.check = lambda name, value: None
        try:
            frame = worker.answer()
        finally:
            worker_stage.check = CHECK
        self.assertIn("result", frame, frame)
        return frame["result"]

    def finds(self, *wanted, state="broken", seen_in=None, detail=None):
        """What is found first is the one, and what is fine besides is the rest."""
        report = self.told()
        self.assertEqual([f["id"] for f in report["findings"]], list(wanted), report)
        self.assertEqual((report["state"], report["findings"][0]["state"]), (state, state))
        if seen_in is not None:
            self.assertIn(seen_in, report["findings"][0]["seen"])
        self.assertEqual(report["findings"][0].get("detail"), detail)

    # ---- modules ----

    def test_a_whole_machine(self):
        report = self.told()
        self.assertEqual((report["state"], [f["id"] for f in report["findings"]]), ("ok", FINE))

    def test_modules_that_do_not_start(self):
        rest = ["clock.ok", "tms.ok"]
        module = self.stage.path("mock_p11.so")
        self.stage.script("rv C_Initialize 30")
        self.finds("module.failed", "reader.service", *rest, seen_in=module, detail="CKR 0x30")
        self.stage.script("rv C_GetSlotList 5")
        self.finds("module.failed", "reader.service", *rest, detail="CKR 0x5")
        for what in ("crash", "exit"):
            self.stage.script(f"do C_Initialize {what}")
            self.finds("module.crashed", "reader.service", *rest)
        self.stage.script("do C_GetSlotInfo crash")
        self.finds("module.crashed", "reader.service", *rest)
        self.stage.script("hole")
        self.finds("module.failed", "reader.service", *rest)

    def test_a_module_that_hangs(self):
        self.stage.script("do C_Initialize hang")
        began = time.monotonic()
        self.finds("module.hangs", "reader.service", "clock.ok", "tms.ok")
        self.assertLess(time.monotonic() - began, 20)

    def test_modules_that_are_no_good_files(self):
        rest = ["reader.service", "clock.ok", "tms.ok"]
        module = self.stage.path("mock_p11.so")
        whole = os.path.join(BIN, "mock_p11.so")
        patched(whole, module, (b"libcrypto.so.", b"libkripto.so."))
        self.finds("module.library", *rest, seen_in=module, detail="libkripto.so.3")
        patched(whole, module, (4, b"\x01"))  # ELFCLASS32
        self.finds("module.architecture", *rest)
        patched(whole, module, (18, b"\xf3\x00"))  # EM_RISCV
        self.finds("module.architecture", *rest)
        self.stage.put("mock_p11.so", "no library")
        self.finds("module.failed", *rest)
        shutil.copy("/usr/bin/true", module)
        self.finds("module.failed", *rest)
        os.chmod(module, 0o777)
        self.finds("module.unsafe", *rest)
        os.remove(module)
        self.finds("module.missing", *rest)

    def test_one_of_two(self):
        self.stage.profile(modules=[self.stage.module("gone", "gone.so"), self.stage.module()])
        self.finds("module.missing", *FINE)

    def test_readers(self):
        fine = ["module.ok", "clock.ok", "tms.ok"]
        self.stage.script("empty 0")
        self.finds("token.none", *fine, state="warning")
        self.stage.script("readers", "empty 0")
        self.finds("reader.service", *fine)
        self.stage.pcsc("pcsc_up", "none")
        try:
            self.finds("reader.none", *fine, state="warning")
            os.remove(self.stage.path("mock_p11.so"))
            self.finds("module.missing", "reader.none", "clock.ok", "tms.ok")
        finally:
            self.stage.pcsc("pcsc_down")

    # ---- the server ----

    def serve(self, certificate, **options):
        server = fake_tms.Server(self.stage.tms, certificate, **options)
        self.addCleanup(server.close)
        return server.url

    def server_finds(self, wanted, url=None, **more):
        changes = {key: more.pop(key) for key in ("tls_ca", "tls_pins", "proxy", "tls") if key in more}
        self.stage.profile(tms=url or self.stage.server.url, **changes)
        clock = [] if more.pop("silent", True) else ["clock.ok"]
        self.finds(wanted, "module.ok", "token.ok", *clock, **more)

    def test_no_way_to_the_server(self):
        closed = socket.socket()
        closed.bind(("127.0.0.1", 0))
        free = closed.getsockname()[1]
        closed.close()
        self.server_finds("tms.name", "https://tms.mokhoa.invalid", seen_in="https://tms.mokhoa.invalid")
        self.server_finds("tms.refused", f"https://127.0.0.1:{free}")
        self.server_finds("tms.proxy", proxy=f"http://127.0.0.1:{free}")
        self.server_finds("tms.proxy", proxy="http://proxy.mokhoa.invalid:3128")
        self.stage.environment["https_proxy"] = f"http://127.0.0.1:{free}"
        self.server_finds("tms.proxy", proxy="system")
        del self.stage.environment["https_proxy"]
        for status, wanted in ((b"407 Proxy Authentication Required", "tms.proxy_login"), (b"403 Forbidden", "tms.proxy_denied")):
            proxy = Listener(says(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n"))
            self.server_finds(wanted, proxy=f"http://127.0.0.1:{proxy.port}", detail="HTTP " + status[:3].decode())
            proxy.close()

    def test_a_server_that_does_not_speak(self):
        for serve, wanted in ((silent, "tms.timeout"), (lambda c: c.close(), "tms.cut"), (says(b"HTTP/1.1 200 OK\r\n\r\n"), "tms.cut")):
            listener = Listener(serve)
            self.server_finds(wanted, f"https://localhost:{listener.port}")
            listener.close()

    def test_certificates(self):
        right, stranger = self.stage.authority, fake_tms.Authority(self.stage.folder, INSPECTOR)
        url = self.serve(stranger.leaf("inspected")[0])
        self.server_finds("tms.inspected", url, seen_in="CN = " + INSPECTOR)
        url = self.serve(stranger.leaf("portal", host="login.wifi.test")[0])
        self.server_finds("tms.untrusted", url, seen_in=INSPECTOR)
        url = self.serve(right.leaf("other", host="other.mokhoa.test")[0])
        self.server_finds("tms.mismatch", url, seen_in=url)
        url = self.serve(right.leaf("old", from_day=-30, to_day=-2)[0])
        self.server_finds("tms.expired", url)
        url = self.serve(right.leaf("new", from_day=2, to_day=30)[0])
        self.server_finds("tms.not_yet", url)
        # a key that the profile does not know, of an authority that it does
        pin = right.leaf("unused")[1]
        self.server_finds("tms.inspected", tls_pins=[pin])
        # the system's authorities do not know the test's
        self.stage.profile(tls="system")
        with open("/etc/mokhoa/profiles.d/demo.json", encoding="utf-8") as f:
            profile = json.load(f)
        del profile["tls_ca"]
        with open("/etc/mokhoa/profiles.d/demo.json", "w", encoding="utf-8") as f:
            json.dump(profile, f)
        self.finds("tms.inspected", "module.ok", "token.ok", seen_in="CN = authority")
        self.stage.put("empty.pem", "")
        self.server_finds("tls_ca.missing", tls_ca=self.stage.path("empty.pem"))

    def test_the_clock(self):
        def at(offset, status=404, body=None):
            text = json.dumps(fake_tms.Refusal(404, "request_unknown").body).encode() if body is None else body

            def fault(handler, right):
                handler.send_response_only(status)
                handler.send_header("Date", email.utils.formatdate(time.time() + offset, usegmt=True))
                handler.send_header("Content-Type", "application/json")
                handler.send_header("Content-Length", str(len(text)))
                handler.end_headers()
                handler.wfile.write(text)
            return fault

        def found(*offsets):
            self.stage.tms.faults["status"] = [at(o) for o in offsets]
            report = self.told()
            return [(f["id"], f["state"]) for f in report["findings"] if f["id"].split(".")[0] in ("clock", "tms")], report["findings"][0].get("detail", "")

        fine = [("clock.ok", "ok"), ("tms.ok", "ok")]
        self.assertEqual(found(290)[0], fine)
        self.assertEqual(found(-290)[0], fine)
        off, detail = found(3600)
        self.assertEqual(off, [("clock.off", "warning"), ("tms.ok", "ok")])
        self.assertRegex(detail, r"^-3(599|600|601) s$")
        self.assertEqual(found(-310)[0], [("clock.off", "warning"), ("tms.ok", "ok")])
        # a certificate that seems to be over, and a server that says what time it is
        for from_day, to_day, day in ((-30, -2, -3), (2, 30, 3)):
            self.stage.profile(tms=self.serve(self.stage.authority.leaf("time", from_day=from_day, to_day=to_day)[0]))
            self.assertEqual(found(day * 86400)[0], [("clock.off", "broken")])
        # a stranger sets nobody's clock
        stranger = fake_tms.Authority(self.stage.folder, "stranger")
        self.stage.profile(tms=self.serve(stranger.leaf("stranger", from_day=-30, to_day=-2)[0]))
        self.assertEqual(found(-3 * 86400)[0], [("tms.inspected", "broken")])

    def test_answers(self):
        for fault, wanted in ((replies(200, b"<html>Log in</html>", "text/html"), "tms.foreign"), (replies(200, b"{}"), "tms.foreign"),
                              (replies(302, b"", "text/html", [("Location", "https://login.wifi.test/")]), "tms.foreign"),
                              (replies(404, b'{"error": {"data": {"name": "no_such_name"}}}'), "tms.foreign"), (replies(404, b"{"), "tms.foreign"),
                              (refuses(404, "method_not_found"), "tms.protocol"), (refuses(400, "invalid_params"), "tms.protocol"),
                              (refuses(503, "vault_unreachable"), "tms.failed"), (refuses(429, "busy", retry_after=9), "tms.failed"),
                              (replies(502, b"<html>", "text/html"), "tms.failed")):
            self.stage.tms.faults["status"] = [fault]
            self.server_finds(wanted, silent=False)
        self.stage.tms.faults["status"] = [hangs_up]
        self.server_finds("tms.cut")

    # ---- pages ----

    def test_what_a_page_is_told(self):
        self.stage.profile(tms=self.serve(fake_tms.Authority(self.stage.folder, INSPECTOR).leaf("inspected")[0]),
                           modules=[self.stage.module(f"m{i}", f"gone{i}.so") for i in range(3)] + [self.stage.module()])
        text = json.dumps(self.told(ORIGIN), ensure_ascii=False)
        report = json.loads(text)
        self.assertEqual([f["id"] for f in report["findings"]], ["module.missing", "tms.inspected", "module.ok", "token.ok"])
        for word in (self.stage.folder, SERIAL, INSPECTOR, "localhost", "gone", os.uname().nodename, '"seen"', '"detail"'):
            self.assertNotIn(word, text)
        self.assertEqual([("remedy" in f) for f in report["findings"]], [True, True, False, False])

    def test_pages_wait(self):
        self.assertEqual(self.told(ORIGIN)["state"], "ok")
        frame = self.stage.call("doctor")
        self.assertEqual(frame["error"]["data"]["name"], "busy")
        self.assertTrue(1 <= frame["error"]["data"]["retry_after"] <= 10)
        seen("busy", "test_worker_doctor.py test_pages_wait")
        # the command line does not wait, and is not waited for
        self.assertEqual(self.told()["state"], "ok")
        # a time that has not come yet holds nobody up
        self.stage.put("state/mokhoa/doctor", str(int(time.time()) + 86400))
        self.assertEqual(self.told(ORIGIN)["state"], "ok")

    def test_pages_wait_for_each_other(self):
        self.stage.script("do C_Initialize hold")
        first = self.stage.start("doctor")
        self.stage.logged("C_Initialize hold")
        self.assertEqual(self.stage.call("doctor")["error"]["data"]["name"], "busy")
        self.stage.put("card/go", "")
        self.assertEqual(first.answer()["result"]["state"], "ok")

    def test_params(self):
        self.assertEqual(self.stage.call("doctor", {"all": True})["error"]["data"]["name"], "invalid_params")

    # ---- the command line ----

    def host(self, *arguments):
        done = subprocess.run([os.path.join(BIN, "mokhoa-host"), "doctor", *arguments], env=self.stage.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        self.assertNotIn(b"Sanitizer", done.stderr)
        return done.returncode, done.stdout.decode()

    def test_the_command_line_asks_the_worker(self):
        self.stage.profile(extensions=["mokhoa@example.vn"])
        report = json.loads(self.host("--json")[1])
        self.assertLessEqual({*FINE, "profile.ok", "worker.ok"}, {f["id"] for f in report["findings"]})
        self.stage.profile(extensions=["mokhoa@example.vn"], modules=[self.stage.module("gone", "gone.so"), self.stage.module()])
        status, text = self.host("--json")
        self.assertEqual(status, 1)
        # the host has looked for the file, too: what both find is said once
        self.assertEqual([f["id"] for f in json.loads(text)["findings"]].count("module.missing"), 1)
        self.assertEqual(json.loads(text)["findings"][0]["id"], "module.missing")

    def test_a_bundle_names_nobody(self):
        self.stage.profile(tms=self.serve(fake_tms.Authority(self.stage.folder, INSPECTOR).leaf("inspected")[0]), hotline="Nguyen Van An an@example.vn 0901234567")
        patched(os.path.join(BIN, "mock_p11.so"), self.stage.path("mock_p11.so"), (b"libcrypto.so.", b"libkripto.so."))
        text = self.host("--json")[1]
        for word in (INSPECTOR, self.stage.folder, "localhost"):
            self.assertIn(word, text)
        status, text = self.host("--bundle")
        self.assertEqual(status, 1)
        for word in (INSPECTOR, self.stage.folder, "localhost", "An an@", "0901234567", SERIAL, os.uname().nodename, "/run", "/home", "/usr"):
            self.assertNotIn(word, text)
        for word in ("libkripto.so.3", "tms.inspected", "module.library"):
            self.assertIn(word, text)

    def test_a_worker_that_says_nothing(self):
        folder = self.stage.path("programs")
        os.mkdir(folder, 0o755)
        shutil.copy(os.path.join(BIN, "mokhoa-host"), folder)
        shutil.copy("/bin/false", folder + "/mokhoa-worker")
        done = subprocess.run([folder + "/mokhoa-host", "doctor", "--json"], env=self.stage.environment, stdout=subprocess.PIPE, timeout=120)
        self.assertIn("worker.failed", [f["id"] for f in json.loads(done.stdout)["findings"]])

    # ---- mokhoa-websocket ----

    def ports(self):
        """(id, state) of what is said of the ports."""
        found = json.loads(self.host("--json")[1])["findings"]
        return [(f["id"], f["state"]) for f in found if f["id"].split(".")[0] in ("websocket", "loopback")]

    def test_ports(self):
        self.stage.profile(extensions=["mokhoa@example.vn"])
        self.assertEqual(self.ports(), [])
        self.stage.profile(extensions=["mokhoa@example.vn"], install={"loopback": True})
        self.assertEqual(self.ports(), [("websocket.down", "warning")])
        self.stage.profile()  # without an extension there is no other way
        self.assertEqual(self.ports(), [("websocket.down", "broken")])
        listeners = [Listener(says(b"HTTP/1.1 404 Not Found\r\n\r\n"), PORTS[0]), Listener(lambda c: c.close(), PORTS[1])]
        self.assertEqual(self.ports(), [("websocket.down", "broken")])
        if os.path.exists(os.path.join(BIN, "mokhoa-websocket")):
            server = subprocess.Popen([os.path.join(BIN, "mokhoa-websocket")], env=self.stage.environment, stderr=subprocess.DEVNULL)
            end = time.monotonic() + 20
            while self.ports() != [("websocket.ok", "ok")]:
                self.assertLess(time.monotonic(), end)
            server.terminate()
            server.wait(timeout=20)
        third = Listener(silent, PORTS[2])
        self.assertEqual(self.ports(), [("websocket.taken", "broken")])
        third.close()
        code = f"import socket; s = socket.socket(); s.bind(('127.0.0.1', {PORTS[2]})); s.listen(); print('on', flush=True); input()"
        stranger = subprocess.Popen([sys.executable, "-c", code], user=65534, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stranger.stdout.readline()
        self.assertEqual(self.ports(), [("websocket.other_user", "broken")])
        stranger.communicate(b"\n")
        for listener in listeners:
            listener.close()

    def test_loopback_is_blocked(self):
        self.stage.profile(extensions=["mokhoa@example.vn"], install={"autostart": True})
        subprocess.run(["ip", "link", "set", "lo", "down"], check=True)
        try:
            self.assertEqual(self.ports(), [("loopback.blocked", "warning")])
        finally:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


CHECK = worker_stage.check

if __name__ == "__main__":
    if not os.access(os.path.join(BIN, "mokhoa-worker"), os.X_OK):
        print("MOKHOA_BIN names no folder with mokhoa-worker", file=sys.stderr)
        sys.exit(77)
    worker_stage.enter_stage()
    unittest.main()
