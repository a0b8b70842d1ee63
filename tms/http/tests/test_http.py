# SPDX-License-Identifier: Apache-2.0
"""The running server over its two Unix sockets, beyond what the vectors of the contract ask: doors, certificates, bodies, headers, start and end.

    test_http.py MOKHOA-TMS
"""
import concurrent.futures
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / "protocol"), str(ROOT / "tests" / "check")]

import test_tms_wire as wire  # ends with 77 where a package is missing
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from seen import seen

PROGRAM = ""


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(30)
    s.connect(path)
    return s


def talk(path, raw):
    """Sends the bytes and reads until the server closes or falls silent."""
    got = b""
    with connect(path) as s, contextlib.suppress(OSError):
        s.sendall(raw)
        s.settimeout(2)
        while chunk := s.recv(65536):
            got += chunk
    return got


def name_of(answer):
    return answer[1].get("error", {}).get("data", {}).get("name")


class World(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.server = wire.Server(PROGRAM, cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        status, log = cls.server.stop()
        cls.folder.cleanup()
        assert status == 0 and "Sanitizer" not in log and "runtime error" not in log, log[-4000:]

    def refused(self, answer, status, name):
        self.assertEqual((answer[0], name_of(answer)), (status, name))
        seen(name, "test_http.py: " + self._testMethodName)


class Doors(World):
    def test_each_door_has_its_own_routes(self):
        self.refused(self.server.call("/v1/admin/me", "GET"), 404, "method_not_found")
        self.refused(self.server.call("/v1/requests", person="approver", body=b"{}"), 404, "method_not_found")
        forged = {"X-Client-Certificate": urllib.parse.quote(self.server.certificates["approver"], safe="")}
        self.refused(self.server.call("/v1/admin/me", "GET", headers=forged), 404, "method_not_found")

    def test_only_the_group_may_knock(self):
        for path in (self.server.public, self.server.admin):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o660)

    def test_other_methods(self):
        for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"):
            got = talk(self.server.public, f"{method} /v1/requests HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())
            self.assertRegex(got, rb"^HTTP/1.1 40[0-9] ", method)

    def test_answers_are_not_kept_by_anybody(self):
        got = talk(self.server.public, b"POST /v1/requests HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}").decode()
        for line in ("Content-Type: application/json", "Cache-Control: no-store", "X-Content-Type-Options: nosniff"):
            self.assertIn("\r\n" + line + "\r\n", got)

    def test_garbage_is_answered_or_dropped(self):
        for raw in (b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"POST /v1/requests HTTP/1.1\r\n" + b"A: b\r\n" * 20000 + b"\r\n", b"GET / HTTP/9.9\r\n\r\n"):
            self.assertNotIn(b" 200 ", talk(self.server.public, raw)[:20])
        self.assertEqual(self.server.call("/v1/admin/me", "GET", person="approver")[0], 200)


class People(World):
    def certificate(self, issuer_key, issuer, days=(-1, 30)):
        now = datetime.datetime.utcnow()
        key = ec.generate_private_key(ec.SECP256R1())
        made = (x509.CertificateBuilder().subject_name(wire.name_of("Ai đó")).issuer_name(wire.name_of(issuer)).public_key(key.public_key())
                .serial_number(7).not_valid_before(now + datetime.timedelta(days=days[0])).not_valid_after(now + datetime.timedelta(days=days[1])))
        return made.sign(issuer_key or key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def test_who_is_nobody(self):
        right = self.server.certificates["approver"]
        body = right.split("-----")[2].replace("\n", "")
        cases = {
            "none": None,
            "empty": "",
            "garbage": "x",
            "half an escape": "%4",
            "bad escape": "%zz",
            "no certificate": urllib.parse.quote("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "self-signed": urllib.parse.quote(self.certificate(None, "CA")),
            "in the authority's name": urllib.parse.quote(self.certificate(ec.generate_private_key(ec.SECP256R1()), "CA")),
            "not enrolled": urllib.parse.quote(self.server.certificates["stranger"]),
            "two": urllib.parse.quote(right + self.server.certificates["stranger"]),
            "one letter changed": urllib.parse.quote(right.replace(body[100], "A" if body[100] != "A" else "B", 1)),
            "too long": "A" * 20000,
        }
        for what, value in cases.items():
            with self.subTest(what):
                headers = {"X-Client-Certificate": value} if value is not None else {}
                self.refused(self.server.call("/v1/admin/me", "GET", person="nobody", headers=headers), 403, "admin_unknown")
        me = self.server.call("/v1/admin/me", "GET", person="approver")[1]
        self.assertRegex(me.pop("csrf"), r"\A[A-Za-z0-9_-]{54}\Z")
        self.assertEqual(me, {"name": "approver", "role": "approver", "agency": ""})

    def test_a_certificate_that_ran_out(self):
        """Enrolled by its fingerprint, and still refused."""
        authority = ec.generate_private_key(ec.SECP256R1())
        pem = wire.make_certificate("CA2", authority, "CA2", authority, True)
        with tempfile.TemporaryDirectory() as folder:
            other = FreshAndOld(PROGRAM, folder, authority, pem)
            try:
                self.assertEqual(other.call("/v1/admin/me", "GET", person="fresh")[1].get("name"), "fresh")
                self.refused(other.call("/v1/admin/me", "GET", person="old"), 403, "admin_expired")
            finally:
                other.stop()

    def test_somebody_who_left(self):
        """His certificate is as good as before, his row is still there, and he sees nothing any more from the next call on."""
        def role(name):
            with sqlite3.connect(self.server.folder / "data" / "tms.sqlite") as db:
                db.execute("UPDATE person SET role = ? WHERE name = 'auditor'", (name,))
            db.close()

        self.assertEqual(self.server.call("/v1/admin/me", "GET", person="auditor")[0], 200)
        role("none")
        try:
            for path in ("/v1/admin/me", "/v1/admin/requests", "/v1/admin/requests/1"):
                self.refused(self.server.call(path, "GET", person="auditor"), 403, "admin_unknown")
        finally:
            role("auditor")
        self.assertEqual(self.server.call("/v1/admin/me", "GET", person="auditor")[0], 200)

    def test_an_auditor_looks_and_decides_nothing(self):
        self.assertEqual(self.server.call("/v1/admin/requests", "GET", person="auditor")[0], 200)
        for verb in ("approve", "refuse"):
            self.refused(self.server.call(f"/v1/admin/requests/1/{verb}", person="auditor", body=b"{}"), 403, "role_refused")

    def test_another_page_cannot_press_the_button(self):
        path = "/v1/admin/requests/1/refuse"
        for origin in ("https://evil.example", "null", "", "https://console.example.evil.example", "HTTPS://CONSOLE.EXAMPLE"):
            self.refused(self.server.call(path, person="approver", body=b'{"reason":"x"}', headers={"Origin": origin}), 403, "origin_refused")
        self.refused(self.server.call(path, person="approver", body=b'{"reason":"x"}', headers={"Origin": wire.CONSOLE}), 404, "request_unknown")
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonx"):
            self.refused(self.server.call(path, person="approver", body=b'{"reason":"x"}', headers={"Content-Type": kind}), 400, "invalid_request")
        self.refused(self.server.call(path, person="approver", body=b'{"reason":"x"}', headers={"Content-Type": "Application/JSON; charset=utf-8"}), 404,
                     "request_unknown")


    def test_another_page_cannot_run_a_tool(self):
        for path in ("types", "vendors", "notices", "notices/1", "notices/1/remove", "backups", "mail/test", "mails/1/retry", "audit", "people/1/retire", "import"):
            for headers, name in (({"Origin": "https://evil.example"}, "origin_refused"), ({"Origin": None}, "origin_refused"), ({"Sec-Fetch-Site": "cross-site"}, "origin_refused"),
                                  ({"X-Mokhoa-CSRF": None}, "csrf_refused"), ({"X-Mokhoa-CSRF": "A" * 54}, "csrf_refused")):
                self.refused(self.server.call("/v1/admin/" + path, person="operator", body=b"{}", headers=headers), 403, name)
        for path in ("waiting", "notices", "backups", "keys", "report", "mails", "audit"):
            self.refused(self.server.call("/v1/admin/" + path, "GET", person="operator", headers={"Origin": "https://evil.example"}), 403, "origin_refused")


class Frame(World):
    """The document that an agency's page shows in a frame; what browsers make of it is in portal/embed/tests."""

    def agency(self, *words):
        subprocess.run([PROGRAM, "agency", *words, "--config", str(self.server.config)], check=True, stdout=subprocess.DEVNULL, timeout=60)

    def get(self, path, method="GET", desk=False):
        connection = http.client.HTTPConnection("localhost", timeout=60)
        connection.sock = connect(self.server.admin if desk else self.server.public)
        with contextlib.closing(connection):
            connection.request(method, path)
            answer = connection.getresponse()
            return answer, answer.read().decode()

    def ancestors(self, answer):
        """Who may frame it. The policy is one header, and frame-ancestors stands in it once, last."""
        policies = answer.headers.get_all("Content-Security-Policy")
        self.assertEqual(len(policies), 1)
        self.assertEqual(policies[0].count("frame-ancestors"), 1)
        head, _, ancestors = policies[0].partition("frame-ancestors ")
        for word in ("default-src 'none'; script-src 'self';", "require-trusted-types-for 'script'"):
            self.assertIn(word, head)
        return ancestors

    def nobody(self, path, status=404, name="agency_unknown"):
        answer, body = self.get(path)
        self.assertEqual((answer.status, self.ancestors(answer)), (status, "'none'"), path)
        self.assertIn(f'data-error="{name}"', body)
        self.assertNotIn("<script", body)
        seen(name, "test_http.py: " + self._testMethodName)

    def test_frame(self):
        self.nobody("/embed/an")
        self.agency("add", "an", "--name", "An <b>", "--origin", "https://an.example", "--origin", "https://b.example:8443")
        answer, body = self.get("/embed/an")
        self.assertEqual((answer.status, answer.headers["Content-Type"], answer.headers["Cache-Control"]), (200, "text/html; charset=utf-8", "no-store"))
        self.assertEqual(self.ancestors(answer), "https://an.example https://b.example:8443")
        self.assertIn('data-agency="an" data-origins="https://an.example https://b.example:8443"', body)
        self.assertNotIn("An <b>", body)
        self.agency("add", "an", "--name", "An", "--origin", "https://c.example", "--replace")
        self.assertEqual(self.ancestors(self.get("/embed/an")[0]), "https://c.example")
        self.agency("remove", "an")
        self.nobody("/embed/an")

    def test_nobodys_frame(self):
        for path in ("/embed/", "/embed/x/y", "/embed/..", "/embed/A", "/embed/%61", "/embed/" + "x" * 300, "/embed/x%22"):
            self.nobody(path)
        self.nobody("/embed/x?y=1", 400, "invalid_params")
        for path, method, desk in (("/embed", "GET", False), ("/embed/x", "POST", False), ("/embedx/x", "GET", False), ("/embed/x", "GET", True)):
            answer, body = self.get(path, method, desk)
            self.assertIn(json.loads(body)["error"]["data"]["name"], ("method_not_found", "admin_unknown"))

    def test_a_row_that_we_would_not_have_written(self):
        for origins in ("*", "", "https://a.example/", "https://a.example;script-src *", "https://a.example\r\nX-Evil: 1", "https://a.example  https://b.example", " https://a.example"):
            with sqlite3.connect(self.server.folder / "data" / "tms.sqlite") as db:
                db.execute("INSERT INTO agency (id, name, origins, created) VALUES ('bent', 'x', ?, 1) ON CONFLICT DO UPDATE SET origins = excluded.origins", (origins,))
            self.nobody("/embed/bent")


class Notices(World):
    def setUp(self):
        self.sql("DELETE FROM notice")

    def sql(self, command, *values):
        with sqlite3.connect(self.server.folder / "data" / "tms.sqlite", timeout=10) as db:
            db.execute(command, values)
        db.close()

    def put(self, title, severity="info", starts=0, ends=0):
        self.sql("INSERT INTO notice (severity, title_vi, text_vi, title_en, text_en, starts, ends, created) VALUES (?, ?, 'Chữ', '', '', ?, ?, 1)", severity, title, starts, ends)

    def titles(self):
        status, answer = self.server.call("/v1/notices", "GET")
        self.assertEqual(status, 200)
        return [n["title"]["vi"] for n in answer["notices"]]

    def test_only_those_that_are_due(self):
        self.assertEqual(self.titles(), [])
        now = int(time.time())
        for title, starts, ends in (("always", 0, 0), ("since", now - 9, 0), ("until", 0, now + 999), ("not yet", now + 999, 0), ("no more", now - 9, now - 1)):
            self.put(title, starts=starts, ends=ends)
        self.put("warned", "warning")
        self.assertEqual(self.titles(), ["warned", "until", "since", "always"])
        for n in range(8):
            self.put(f"more {n}")
        self.assertEqual(self.titles(), ["warned"] + [f"more {n}" for n in range(7, 0, -1)])

    def test_what_a_notice_says(self):
        made = subprocess.run([PROGRAM, "notice", "add", "--config", self.server.config, "--title-vi", "<b>Bảo trì</b>", "--text-vi", "Đêm nay.", "--title-en", "Maintenance",
                               "--text-en", "Tonight.", "--severity", "warning"], capture_output=True, text=True, check=True, timeout=60)
        self.assertEqual(self.server.call("/v1/notices", "GET")[1],
                         {"notices": [{"id": int(re.match(r"notice=(\d+) ", made.stdout).group(1)), "severity": "warning", "title": {"vi": "<b>Bảo trì</b>", "en": "Maintenance"},
                                       "text": {"vi": "Đêm nay.", "en": "Tonight."}}]})

    def test_a_good_answer_may_be_kept_a_minute_and_no_other(self):
        for more, status, cache in (("", 200, "max-age=60"), ("Sec-Fetch-Site: same-origin\r\n", 200, "max-age=60"), ("Sec-Fetch-Site: cross-site\r\n", 403, "no-store"),
                                    ("Origin: https://localhost\r\n", 403, "no-store")):
            got = talk(self.server.public, f"GET /v1/notices HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n".encode()).decode()
            self.assertTrue(got.startswith(f"HTTP/1.1 {status} "), got)
            self.assertIn(f"\r\nCache-Control: {cache}\r\n", got)
            self.assertNotIn("Access-Control", got)
        self.refused(self.server.call("/v1/notices?a=1", "GET"), 400, "invalid_params")
        self.refused(self.server.call("/v1/notices", "GET", person="approver"), 404, "method_not_found")


class FreshAndOld(wire.Server):
    """A server whose two administrators have a certificate that is valid and one that has run out, both enrolled by hand."""

    def __init__(self, program, folder, authority, pem):
        self.authority, self.pem = authority, pem
        super().__init__(program, folder)

    def write_files(self):
        super().write_files()
        (self.folder / "admin.pem").write_text(self.pem)
        now = datetime.datetime.utcnow()
        for name, last in (("fresh", 1), ("old", -1)):
            key = ec.generate_private_key(ec.SECP256R1())
            made = (x509.CertificateBuilder().subject_name(wire.name_of(name)).issuer_name(wire.name_of("CA2")).public_key(key.public_key()).serial_number(9)
                    .not_valid_before(now - datetime.timedelta(days=2)).not_valid_after(now + datetime.timedelta(days=last)))
            self.certificates[name] = made.sign(self.authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def enrol(self, role):
        """By hand, because `person add` takes no certificate that has run out."""
        with sqlite3.connect(self.folder / "data" / "tms.sqlite") as db:
            for name in ("fresh", "old"):
                der = x509.load_pem_x509_certificate(self.certificates[name].encode()).fingerprint(hashes.SHA256())
                db.execute("INSERT INTO person (fingerprint, name, role, created) VALUES (?, ?, 'approver', 1) ON CONFLICT DO NOTHING", (der, name))
                db.execute("INSERT INTO person_certificate (fingerprint, person, not_after, created) SELECT fingerprint, id, 0, 1 FROM person WHERE name = ? ON CONFLICT DO NOTHING", (name,))


class Bodies(World):
    def test_too_long(self):
        for length in (16385, 100000, 1 << 20):
            self.refused(self.server.call("/v1/requests", body=b" " * length), 413, "frame_too_large")
        try:
            status = self.server.call("/v1/requests", body=b" " * (3 << 20))[0]
        except (OSError, http.client.HTTPException):
            status = None  # not read to its end
        self.assertIn(status, (None, 413))
        self.assertEqual(self.server.call("/v1/requests", body=b"{}")[0], 400)

    def test_in_pieces(self):
        life = wire.Life(self.server, "pieces")
        text = json.dumps(life.body).encode()
        head = b"POST /v1/requests HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(text[i:i + 100]), text[i:i + 100]) for i in range(0, len(text), 100)) + b"0\r\n\r\n"
        got = talk(self.server.public, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        self.assertIn(life.answer["id"].encode(), got)
        with connect(self.server.public) as s:
            s.sendall(head + b"Content-Length: %d\r\n\r\n" % len(text))
            for i in range(0, len(text), 400):
                s.sendall(text[i:i + 400])
                time.sleep(0.01)
            self.assertIn(life.answer["id"].encode(), s.recv(65536))

    def test_two_on_one_connection(self):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = connect(self.server.admin)
        headers = {"X-Client-Certificate": urllib.parse.quote(self.server.certificates["auditor"], safe="")}
        for _ in range(3):
            connection.request("GET", "/v1/admin/me", headers=headers)
            self.assertEqual(json.loads(connection.getresponse().read())["role"], "auditor")
        connection.close()

    def test_many_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            lives = list(pool.map(lambda n: wire.Life(self.server, f"many{n}"), range(100)))
        self.assertEqual({life.status for life in lives}, {200})
        self.assertEqual(len({life.id for life in lives}), 100)

    def test_the_answer_to_create_is_alike_for_every_token(self):
        self.assertEqual(len({len(json.dumps(wire.Life(self.server, serial).answer)) for serial in ("a", "b" * 16, "known")}), 1)


class Life(unittest.TestCase):
    """Starts and ends."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.server = wire.Server(PROGRAM, self.folder.name)
        self.addCleanup(lambda: self.server.process.kill() if self.server.process.poll() is None else None)

    def run_tms(self, *arguments):
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=30, check=False)

    def takes_calls(self):
        try:
            connect(self.server.public).close()
            return True
        except OSError:
            return False

    def test_a_call_under_way_is_answered(self):
        text = json.dumps(wire.Life(self.server, "x").body).encode()
        with connect(self.server.public) as s:
            s.sendall(b"POST /v1/requests HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text) + text[:50])
            time.sleep(0.2)
            self.server.process.send_signal(signal.SIGTERM)
            end = time.monotonic() + 20
            while self.takes_calls():
                self.assertLess(time.monotonic(), end)
                time.sleep(0.02)
            s.sendall(text[50:])
            self.assertIn(b"HTTP/1.1 200 ", s.recv(65536))
        self.assertEqual(self.server.process.wait(20), 0)
        self.assertFalse(os.path.exists(self.server.public) or os.path.exists(self.server.admin))
        self.server.log.close()

    def test_killed_and_started_again(self):
        life = wire.Life(self.server, "survivor")
        self.assertEqual(life.ask("status")[0], 200)
        self.server.process.kill()
        self.server.process.wait(20)
        self.server.process = subprocess.Popen([PROGRAM, "serve", "--config", str(self.server.config)], stdin=subprocess.DEVNULL, stdout=self.server.log,
                                               stderr=self.server.log)
        self.server.wait()  # the sockets that were left behind are replaced
        time.sleep(0.2)
        self.assertEqual(life.ask("status")[0], 200)
        self.assertEqual(name_of(life.ask("status", 1)), "signature_refused")
        self.assertEqual(self.server.stop()[0], 0)

    def test_no_second_server_on_the_same_socket(self):
        second = self.run_tms("serve", "--config", str(self.server.config))
        self.assertEqual(second.returncode, 1)
        self.assertIn("another server listens on it", second.stderr)
        self.assertEqual(self.server.call("/v1/requests", body=b"{}")[0], 400)
        self.assertEqual(self.server.stop()[0], 0)

    def test_check(self):
        good = self.run_tms("check", "--config", str(self.server.config))
        self.assertEqual(good.returncode, 0)
        self.assertRegex(good.stdout, r"\nok kid=[0-9a-f]{16} tokens=0 shared=0 must_rotate=0 warnings=\d+\n\Z")
        config = json.loads(self.server.config.read_text())
        config["escrow_log_same_device"] = False
        wrong = self.server.folder / "wrong.json"
        wrong.write_text(json.dumps(config))
        bad = self.run_tms("check", "--config", str(wrong))
        self.assertEqual(bad.returncode, 1)
        self.assertIn("same device", bad.stdout)
        config["hotlin"] = config.pop("hotline")
        wrong.write_text(json.dumps(config, indent=1))
        bad = self.run_tms("check", "--config", str(wrong))
        self.assertEqual(bad.returncode, 1)
        self.assertRegex(bad.stderr, r'wrong\.json: line \d+, column \d+: key "hotlin": is not known; did you mean "hotline"\?')
        seen("config_invalid", "test_http.py: test_check")
        self.assertEqual(self.server.stop()[0], 0)

    def test_usage(self):
        for arguments in ((), ("dance",), ("serve",), ("serve", "--conf", "x"), ("check", "--config", "x", "y"), ("--help", "x")):
            self.assertEqual(self.run_tms(*arguments).returncode, 2, arguments)
        seen("usage", "test_http.py: test_usage")
        self.assertIn("mokhoa-tms", self.run_tms("--version").stdout)
        self.assertIn("serve --config FILE", self.run_tms("--help").stdout)
        self.assertEqual(self.server.stop()[0], 0)

    def test_one_line_a_request_and_no_body_in_it(self):
        life = wire.Life(self.server, "canary-serial")
        self.server.call("/v1/nothing?x=1", body=b'{"canary-body": 1}', headers={"X-Real-IP": "203.0.113.9"})
        self.server.call("/v1/requests", body=b"{}", headers={"X-Real-IP": "not\tan address"})
        status, log = self.server.stop()
        self.assertEqual(status, 0)
        lines = [line for line in log.splitlines() if " http door=" in line]
        self.assertEqual(len([line for line in lines if "door=public" in line]), 3, log)
        self.assertRegex(lines[-3], r"route=create id= result=ok ms=\d+ address=$")
        self.assertRegex(lines[-2], r"route=none id= result=method_not_found ms=\d+ address=203\.0\.113\.9$")
        self.assertRegex(lines[-1], r"result=invalid_params ms=\d+ address=$")
        for canary in ("canary", life.body["signature"], life.body["host_kem_pk"]):
            self.assertNotIn(canary, log)


class Stub:
    """The mail server of ../../mail/tests; the recipient's local part says how it behaves."""

    def __init__(self, folder, *words):
        self.folder = folder
        self.process = subprocess.Popen([sys.executable, str(ROOT / "tms" / "mail" / "tests" / "smtp_stub.py"), str(folder), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


class Tools(unittest.TestCase):
    """Each starts a server of its own, with what its configuration says beside the usual."""

    def start(self, **more):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)

        class Told(wire.Server):
            def write_files(self):
                super().write_files()
                self.config.write_text(json.dumps({**json.loads(self.config.read_text()), **more}))

        server = Told(PROGRAM, folder.name)
        self.addCleanup(lambda: self.assertEqual(server.stop()[0], 0))
        return server

    def say(self, result, to, *words, port=None):
        """A test mail to that address comes to that result."""
        with tempfile.TemporaryDirectory() as folder:
            stub = Stub(folder, *words)
            try:
                server = self.start(operator_email=to, smtp={"url": f"smtp://127.0.0.1:{port or stub.port}", "from": "mokhoa@example.vn", "tls": "none", **self.login(server_words=words)})
                status, answer = server.call("/v1/admin/mail/test", body=b"{}", person="operator")
                self.assertEqual((status, answer.get("result"), answer.get("to")), (200, result, to), answer)
                self.assertEqual(answer["cause"] == "", result == "sent")
                taken = [name for name in os.listdir(folder) if name.isdigit()]
                with contextlib.closing(sqlite3.connect(server.folder / "data" / "tms.sqlite")) as db:
                    self.assertEqual(db.execute("SELECT p.name, a.detail, n.text FROM audit a JOIN person p ON p.id = a.person JOIN audit_note n ON n.id = a.id WHERE what = 'mail_test'").fetchall(),
                                     [("operator", f"result={result} status={answer['status']}", f"to={to}")])
                    self.assertEqual(db.execute("SELECT count(*) FROM outbox").fetchone(), (0,))
                return answer["status"], [pathlib.Path(folder, name).read_bytes() for name in taken]
            finally:
                stub.stop()

    def login(self, server_words):
        if "auth" not in server_words:
            return {}
        credentials = tempfile.NamedTemporaryFile("w")
        self.addCleanup(credentials.close)
        credentials.write("mokhoa\nwrong\n")
        credentials.flush()
        return {"credentials": credentials.name}

    def test_mail(self):
        status, (mail,) = self.say("sent", "van-hanh@example.vn")
        self.assertEqual(status, 250)
        self.assertIn(b"van-hanh@example.vn", mail.splitlines()[0])
        for to, result, status in (("refused@example.vn", "refused", 550), ("later@example.vn", "later", 450), ("spam@example.vn", "refused", 554), ("full@example.vn", "later", 452)):
            self.assertEqual(self.say(result, to)[0], status)
        self.assertEqual(self.say("settings", "a@example.vn", "auth")[0], 535)
        self.assertEqual(self.say("absent", "a@example.vn", port=9)[0], 0)

    def test_mail_to_the_address_of_the_certificate(self):
        class Addressed(wire.Server):
            def write_files(self):
                super().write_files()
                authority = ec.generate_private_key(ec.SECP256R1())
                pem = wire.make_certificate("CA", authority, "CA", authority, True)
                (self.folder / "admin.pem").write_text(pem)
                for role in ("approver", "auditor", "operator"):
                    now = datetime.datetime.utcnow()
                    made = (x509.CertificateBuilder().subject_name(wire.name_of(role)).issuer_name(wire.name_of("CA")).public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
                            .serial_number(9).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
                            .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(role + "@ca.example")]), False))
                    self.certificates[role] = made.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
                    (self.folder / (role + ".pem")).write_text(self.certificates[role])

        with tempfile.TemporaryDirectory() as folder:
            server = Addressed(PROGRAM, folder)
            try:
                self.assertEqual(server.call("/v1/admin/mail/test", body=b"{}", person="operator")[1]["to"], "operator@ca.example")
            finally:
                server.stop()

    def test_nobody_to_write_to(self):
        server = self.start(operator_email="a@example.vn")
        config = json.loads(server.config.read_text())
        del config["operator_email"]
        server.config.write_text(json.dumps(config))
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
        server.process = subprocess.Popen([PROGRAM, "serve", "--config", str(server.config)], stdin=subprocess.DEVNULL, stdout=server.log, stderr=server.log)
        server.wait()
        self.assertEqual(name_of(server.call("/v1/admin/mail/test", body=b"{}", person="operator")), "mail_address")

    def list(self, server, condition):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            status, answer = server.call("/v1/admin/backups", "GET", person="auditor")
            self.assertEqual(status, 200, answer)
            if condition(answer):
                return answer
            time.sleep(0.05)
        raise AssertionError(answer)

    def test_backup(self):
        with tempfile.TemporaryDirectory() as folder:
            server = self.start(backups=folder)
            wire.Life(server, "kept")
            pathlib.Path(folder, "something else").write_text("x")
            pathlib.Path(folder, "link.sqlite").symlink_to("/etc/passwd")
            self.assertEqual(self.list(server, lambda a: True), {"backups": [], "running": False})
            status, answer = server.call("/v1/admin/backups", body=b"{}", person="operator")
            self.assertEqual(status, 200, answer)
            answer = self.list(server, lambda a: not a["running"])
            (one,) = answer["backups"]
            self.assertRegex(one["file"], r"\Amokhoa-\d{8}T\d{6}Z\.sqlite\Z")
            path = pathlib.Path(folder, one["file"])
            self.assertEqual((one["whole"], one["size"], stat.S_IMODE(path.stat().st_mode)), (True, path.stat().st_size, 0o600))
            with contextlib.closing(sqlite3.connect(path)) as db:
                self.assertEqual(db.execute("SELECT serial FROM request").fetchall(), [("kept",)])
            with contextlib.closing(sqlite3.connect(server.folder / "data" / "tms.sqlite")) as db:
                self.assertEqual(db.execute("SELECT p.name, a.detail FROM audit a JOIN person p ON p.id = a.person WHERE what = 'backup'").fetchall(), [("operator", f"file={one['file']} result=ok")])
            # what a killed one left is seen as what it is, and no answer has what is in a file
            pathlib.Path(folder, "mokhoa-20200101T000000Z.sqlite.part").write_text("cut")
            self.assertEqual([(b["file"], b["whole"]) for b in self.list(server, lambda a: True)["backups"] if b["size"] == 3], [("mokhoa-20200101T000000Z.sqlite.part", False)])
            for path in ("/v1/admin/backups/" + one["file"], "/v1/admin/backups/..", "/backups/" + one["file"]):
                self.assertEqual(server.call(path, "GET", person="operator")[0], 404)

    def test_a_folder_that_is_not_there(self):
        server = self.start(backups="/nonexistent/backups")
        for method, person in (("GET", "auditor"), ("POST", "operator")):
            answer = server.call("/v1/admin/backups", method, body=b"{}", person=person)
            self.assertEqual((answer[0], name_of(answer)), (503, "file_failed"))


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
