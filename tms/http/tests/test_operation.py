# SPDX-License-Identifier: Apache-2.0
"""What an operator sees of a running server and does to it: health, metrics, limits, another configuration, a start and an end that the service manager is told of.

    test_operation.py MOKHOA-TMS
"""
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / "protocol"), str(ROOT / "tests" / "check")]

import test_tms_wire as wire  # ends with 77 where a package is missing
from seen import seen

PROGRAM = ""
PATIENCE_S = 60


def until(what, found):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError(f"in vain: {what}")


class Server(wire.Server):
    """With more in its configuration; the service manager's socket is ours."""

    def __init__(self, program, folder, more):
        self.more = more
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(f"{folder}/notify.sock")
        self.manager.settimeout(PATIENCE_S)
        os.environ["NOTIFY_SOCKET"] = f"{folder}/notify.sock"
        try:
            super().__init__(program, folder)
        finally:
            del os.environ["NOTIFY_SOCKET"]

    def write_files(self):
        super().write_files()
        self.change(**self.more)

    def change(self, **more):
        """Keys of the file, "section.key" with a double underscore between."""
        config = json.loads(self.config.read_text())
        for name, value in more.items():
            *section, key = name.split("__")
            (config.setdefault(section[0], {}) if section else config)[key] = value
        self.config.write_text(json.dumps(config, indent=1))

    def told(self, word):
        """What the manager is told next that holds that word."""
        while word not in (text := self.manager.recv(4096).decode()):
            pass
        return text

    def get(self, path, method="GET"):
        connection = http.client.HTTPConnection("localhost", timeout=PATIENCE_S)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(PATIENCE_S)
        connection.sock.connect(f"{self.folder}/metrics.sock")
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def hang_up(self):
        """What came of having the file read again, as the manager is told."""
        self.process.send_signal(signal.SIGHUP)
        self.told("RELOADING=1")
        return self.told("READY=1")


def samples_of(text):
    """{name{labels}: value}"""
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if not line.startswith("#")}


class Operation(unittest.TestCase):
    more = {}

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.server = Server(PROGRAM, self.folder.name, {"listen__metrics": f"{self.folder.name}/metrics.sock", **self.more})
        self.addCleanup(self.server.manager.close)
        self.addCleanup(self.end)

    def end(self):
        if self.server.process.poll() is None:
            status, log = self.server.stop()
            self.assertEqual(status, 0, log[-4000:])
            self.assertNotIn("Sanitizer", log)
            self.assertNotIn("runtime error", log)
        elif not self.server.log.closed:
            self.server.log.close()


class Watched(Operation):
    def test_the_manager_is_told(self):
        self.assertEqual(self.server.told("READY=1"), "READY=1\nSTATUS=serving")
        self.server.told("WATCHDOG=1")
        self.server.process.send_signal(signal.SIGTERM)
        self.assertIn("STATUS=", self.server.told("STOPPING=1"))
        self.assertEqual(self.server.process.wait(PATIENCE_S), 0)
        self.assertFalse(os.path.exists(f"{self.folder.name}/metrics.sock"))

    def test_health(self):
        self.assertEqual(self.server.get("/healthz"), (200, "live\n"))
        self.assertEqual(self.server.get("/readyz"), (503, "not ready: vault\n"))  # there is none here
        for path, method in (("/", "GET"), ("/metrics/", "GET"), ("/metrics", "POST"), ("/v1/admin/me", "GET")):
            self.assertEqual(self.server.get(path, method)[0], 404)

    def test_metrics(self):
        life = wire.Life(self.server, "canary-serial")
        self.assertEqual(life.ask("status")[0], 200)
        self.server.call("/v1/requests", body=b"{}", headers={"X-Real-IP": "203.0.113.77"})
        self.server.call("/v1/admin/me", "GET", person="approver")
        self.server.call("/v1/nothing", "GET")
        status, text = self.server.get("/metrics")
        self.assertEqual(status, 200)
        found = samples_of(text)
        for name, value in (('mokhoa_requests_total{route="create",result="ok"}', 1), ('mokhoa_requests_total{route="create",result="invalid_params"}', 1),
                            ('mokhoa_requests_total{route="status",result="ok"}', 1), ('mokhoa_requests_total{route="admin.me",result="ok"}', 1),
                            ('mokhoa_requests_total{route="none",result="method_not_found"}', 1),
                            ('mokhoa_request_duration_seconds_count{route="create"}', 2), ('mokhoa_request_duration_seconds_bucket{route="create",le="+Inf"}', 2),
                            ("mokhoa_vault_up", 0), ("mokhoa_store_up", 1), ("mokhoa_outbox_depth", 0), ("mokhoa_outbox_oldest_seconds", 0),
                            ('mokhoa_requests_open{state="unidentified"}', 1), ('mokhoa_requests_open{state="pending"}', 0), ("mokhoa_releases_last_hour", 0),
                            ("mokhoa_store_failures_total", 0), ('mokhoa_mails_total{result="failed"}', 0), ('mokhoa_build_info{version="0.1.0"}', 1)):
            self.assertEqual(found.get(name), value, name)
        # each name is described once, before its samples, and nothing is of anybody
        for name in {re.match(r"\w+", key).group() for key in found}:
            base = re.sub(r"_(bucket|sum|count)$", "", name) if "duration" in name else name
            self.assertEqual(len(re.findall(rf"^# TYPE {base} (?:counter|gauge|histogram)$", text, re.M)), 1, name)
        self.assertGreater(found["mokhoa_store_memory_bytes"], 100_000)
        buckets = [value for key, value in found.items() if key.startswith('mokhoa_request_duration_seconds_bucket{route="create"')]
        self.assertEqual(buckets, sorted(buckets))
        for canary in ("canary", "203.0.113", "approver", life.answer["id"]):
            self.assertNotIn(canary, text)


class Limited(Operation):
    more = {"limits__address_per_minute": 20, "limits__person_per_minute": 10}

    def test_by_address(self):
        def calls(address, count):
            return [self.server.call("/v1/requests", body=b"{}", headers={"X-Real-IP": address})[0] for _ in range(count)]
        # a bucket of 20 gets another call every 3 seconds, which the machine may take
        begun = time.monotonic()
        statuses = calls("192.0.2.1", 60)
        more = (time.monotonic() - begun) / 3 + 1
        self.assertEqual(statuses[:20], [400] * 20)
        self.assertLessEqual(statuses.count(400), 20 + more)
        self.assertIn(429, statuses)
        # others do not pay for it, and a network of 64 bits is one
        self.assertEqual(calls("192.0.2.2", 5), [400] * 5)
        self.assertEqual(calls("2001:db8::1", 20), [400] * 20)
        self.assertIn(429, calls("2001:db8::ffff", 10))
        self.assertEqual(calls("2001:db8:0:1::1", 5), [400] * 5)
        seen("busy", "test_operation.py: test_by_address")

    def test_retry_after(self):
        for _ in range(30):
            connection = http.client.HTTPConnection("localhost", timeout=PATIENCE_S)
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(self.server.public)
            connection.request("POST", "/v1/requests", body=b"{}", headers={"X-Real-IP": "192.0.2.9"})
            answer = connection.getresponse()
            body = json.loads(answer.read())
            connection.close()
        self.assertEqual((answer.status, body["error"]["data"]["name"]), (429, "busy"))
        self.assertEqual(answer.getheader("Retry-After"), str(body["error"]["data"]["retry_after"]))
        self.assertTrue(1 <= body["error"]["data"]["retry_after"] <= 3)

    def test_by_person(self):
        statuses = [self.server.call("/v1/admin/me", "GET", person="approver")[0] for _ in range(30)]
        self.assertEqual(statuses[:10], [200] * 10)
        self.assertIn(429, statuses)
        self.assertEqual(self.server.call("/v1/admin/me", "GET", person="auditor")[0], 200)
        self.server.change(limits__person_per_minute=1000000)
        self.server.hang_up()
        self.assertEqual(self.server.call("/v1/admin/me", "GET", person="approver")[0], 200)


class Reloaded(Operation):
    def hotline(self):
        return self.server.call("/v1/requests", body=json.dumps(wire.Life(self.server, "H").body).encode())[1]["hotline"]

    def test_another_configuration(self):
        csrf = self.server.csrf("approver")
        self.assertEqual(self.hotline(), "1800 1000")
        self.server.change(hotline="1800 2000", log__format="json", log__level="debug")
        self.assertIn("was read again", self.server.hang_up())
        self.assertEqual(self.hotline(), "1800 2000")
        # a page that is open goes on
        answer = self.server.call("/v1/admin/requests/1/refuse", body=b'{"reason": "x"}', person="approver", headers={"X-Mokhoa-CSRF": csrf})
        self.assertEqual(answer[0], 200, answer)
        lines = [json.loads(line) for line in self.server.text().splitlines() if line.startswith("{")]
        self.assertTrue(any(line["area"] == "reload" and line["result"] == "ok" for line in lines))
        self.assertTrue(any(line.get("route") == "admin.refuse" and line["level"] == "info" for line in lines))

    def test_a_bad_one_changes_nothing(self):
        for change, says in (({"hotlin": "1"}, 'key "hotlin": is not known; did you mean "hotline"?'), ({"issuers": "/nowhere"}, "result=config_invalid"),
                             ({"smtp__credentials": "/nowhere"}, "result=config_invalid")):
            before = self.server.config.read_text()
            self.server.change(**change)
            self.assertIn("with the older configuration", self.server.hang_up())
            self.assertIn(says, self.server.text())
            self.assertEqual(self.hotline(), "1800 1000")
            self.server.config.write_text(before)
        self.server.config.write_text("{")
        self.assertIn("with the older configuration", self.server.hang_up())
        self.assertEqual(self.hotline(), "1800 1000")

    def test_what_cannot_change_is_named(self):
        (self.server.folder / "other").mkdir(0o700)
        self.server.change(hotline="1800 3000", data=str(self.server.folder / "other"), listen__threads=7, vault__rows_per_hour=3)
        self.assertIn("with the older configuration", self.server.hang_up())
        self.assertIn("keys=data,listen.threads,vault.rows_per_hour", self.server.text())
        self.assertEqual(self.hotline(), "1800 1000")

    def test_calls_go_on_while_it_is_read(self):
        over = threading.Event()

        def call():
            statuses = []
            while not over.is_set():
                statuses.append(self.server.call("/v1/requests", body=b"{}")[0])
            return statuses

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            callers = [pool.submit(call) for _ in range(2)]
            try:
                for turn in range(20):
                    self.server.change(hotline=f"1800 {turn}")
                    self.assertIn("was read again", self.server.hang_up())
            finally:
                over.set()
            for caller in callers:
                self.assertEqual(set(caller.result()), {400})
        self.assertEqual(self.hotline(), "1800 19")

    def test_the_command(self):
        run = lambda: subprocess.run([PROGRAM, "reload", "--config", str(self.server.config)], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        self.server.change(hotline="1800 4000")
        asked = run()
        self.assertEqual((asked.returncode, asked.stdout), (0, f"asked pid={self.server.process.pid}\n"), asked.stderr)
        until("the newer one", lambda: self.hotline() == "1800 4000")
        before = self.server.config.read_text()
        self.server.change(issuers="/nowhere")
        self.assertEqual(run().returncode, 1)
        self.server.config.write_text(before)
        self.assertEqual(self.server.stop()[0], 0)
        absent = run()
        self.assertEqual(absent.returncode, 1)
        self.assertIn("server_absent", absent.stderr)
        seen("server_absent", "test_operation.py: test_the_command")


class Checked(Operation):
    def check(self, *more):
        done = subprocess.run([PROGRAM, "check", "--config", str(self.server.config), *more], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        return done.returncode, {line.split()[1]: line for line in done.stdout.splitlines()}, done

    def fails(self, name, says):
        status, lines, done = self.check()
        self.assertEqual(status, 1, done.stdout)
        self.assertTrue(lines[name].startswith("FAIL "), lines[name])
        self.assertIn(says, lines[name])
        self.assertIn("check_failed", done.stderr)
        seen("check_failed", "test_operation.py: " + self._testMethodName)

    def test_good(self):
        status, lines, done = self.check()
        self.assertEqual(status, 0, done.stdout)
        self.assertRegex(done.stdout, r"\nok kid=[0-9a-f]{16} tokens=0 shared=0 must_rotate=0 warnings=\d+\n\Z")
        self.assertEqual([line for line in lines.values() if line.startswith("FAIL")], [])
        for name in ("data", "signing_key", "issuers", "admin_ca", "keys", "database", "escrow_log", "listen.public", "listen.admin", "listen.metrics", "clock"):
            self.assertIn(name, lines)
        for name in ("vault", "smtp"):  # neither is here
            self.assertTrue(lines[name].startswith("warn "), lines[name])
        self.assertIn("a server listens", lines["listen.public"])
        self.assertEqual(self.check("--strict")[0], 1)
        self.assertEqual(self.check("--what")[0], 2)

    def test_permissions(self):
        for name, key, mode in (("signing.key", "signing_key", 0o640), ("data", "data", 0o770), ("vault.pub", "vault.public_key", 0o666)):
            path = self.server.folder / name
            before = path.stat().st_mode
            path.chmod(mode)
            self.fails(key, "lets others in")
            path.chmod(before)

    def test_certificates(self):
        self.server.change(tls_certificate=str(self.server.folder / "admin.pem"))
        self.assertTrue(self.check()[1]["tls_certificate"].startswith("warn "))  # ends within a month
        self.server.change(tls_certificate="/nowhere")
        self.assertTrue(self.check()[1]["tls_certificate"].startswith("warn "))
        self.server.change(issuers=str(self.server.folder / "signing.key"))
        self.fails("issuers", "holds no certificate")

    def test_what_lies_in_the_way(self):
        path = self.server.folder / "in-the-way"
        path.write_text("")
        self.server.change(listen__metrics=str(path))
        self.fails("listen.metrics", "no socket lies there")
        self.server.change(listen__metrics="/nowhere/at/all.sock")
        self.fails("listen.metrics", "No such file")

    def test_the_escrow_logs_device(self):
        self.server.change(escrow_log_same_device=False)
        self.fails("escrow_log", "same device")

    def test_templates(self):
        folder = self.server.folder / "templates"
        run = lambda: subprocess.run([PROGRAM, "templates", str(folder)], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        written = run()
        self.assertEqual(written.returncode, 0, written.stderr)
        self.assertEqual(sorted(written.stdout.split()), sorted(str(path) for path in folder.iterdir()))
        self.assertIn("code.vi.txt", {path.name for path in folder.iterdir()})
        again = run()
        self.assertEqual(again.returncode, 1)
        self.assertIn("file_exists", again.stderr)
        self.server.change(mail__templates=str(folder))
        self.assertEqual(self.check()[0], 0)
        self.assertIn("was read again", self.server.hang_up())
        (folder / "code.en.txt").write_text("Subject: code\n\nDear {custmer},\n")
        self.fails("mail.templates", "code.en.txt: line 3, column 6: {custmer} is no fact of this mail; did you mean {customer}?")
        self.assertIn("with the older configuration", self.server.hang_up())
        self.assertIn("template_invalid", self.server.text())

    def test_the_clock(self):
        with contextlib.closing(sqlite3.connect(self.server.folder / "data" / "tms.sqlite")) as db:
            db.execute("INSERT INTO audit (id, created, who, person, what, number, token, detail, note, prev, hash)"
                       " VALUES (1000, ?, 'tms', 0, 'test', 0, 0, '', x'', zeroblob(32), zeroblob(32))", (int(time.time()) + 86400,))
            db.commit()
        self.fails("clock", "yet to come")

    def test_the_database(self):
        with contextlib.closing(sqlite3.connect(self.server.folder / "data" / "tms.sqlite")) as db:
            db.execute("PRAGMA user_version = 9999")
        self.fails("database", "a newer program")


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
