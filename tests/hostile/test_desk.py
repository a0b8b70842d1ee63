#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The desk under attack: who is nobody there decides nothing, and of two decisions at once exactly one counts. The doors under load: slow, broken and
too many callers, and garbage on the vault's socket.

Usage: test_desk.py [-v] [--full] [TEST...]      MOKHOA_BIN is the folder of the programs. Enters a stage by itself.
"""
import json
import os
import socket
import ssl
import subprocess
import sys
import unittest
import urllib.parse

import machine
from machine import FULL, Machine, Stage, ask, at_once, name_of, until

JSON = ("-H", "Content-Type: application/json")
RACES = 200 if FULL else 12


class Desk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()
        cls.people, cls.tokens = {}, {}
        for who in ("an", "binh", "auditor", "stranger"):
            with open(f"{cls.stage.dir}/pki/{who}.pem", encoding="ascii") as f:
                cls.people[who] = urllib.parse.quote(f.read(), safe="")

    @classmethod
    def tearDownClass(cls):
        cls.stage.close()

    def decide(self, m, verb, body, who="an", **headers):
        """As nginx would pass it on, without nginx: so that races are races."""
        return ask(f"{self.stage.dir}/tms/run/admin.sock", "POST", f"/v1/admin/requests/{m.number}/{verb}", body,
                   {"X-Client-Certificate": self.people[who], "Origin": f"https://localhost:{self.stage.admin}", "X-Mokhoa-CSRF": self.csrf(who), **headers})

    def csrf(self, who):
        if who not in self.tokens:
            self.tokens[who] = ask(f"{self.stage.dir}/tms/run/admin.sock", "GET", "/v1/admin/me", None, {"X-Client-Certificate": self.people[who]})[1].get("csrf", "")
        return self.tokens[who]

    def yes(self, m, **more):
        return {"how": "call_back", "reference": "", "phrase": m.phrase, **more}

    def codes(self, m):
        return self.stage.sql("SELECT count(*) FROM outbox WHERE number = ? AND kind = 'code'", m.number)[0][0]

    # ---- who is nobody ----

    def test_nobody_approves(self):
        m = Machine(self.stage).create()
        path = f"v1/admin/requests/{m.number}/approve"
        body = json.dumps(self.yes(m))
        header = f"X-Client-Certificate: {self.people['an']}"
        public, admin = self.stage.public, self.stage.admin
        page = ("-H", f"Origin: https://localhost:{admin}", "-H", f"X-Mokhoa-CSRF: {self.csrf('an')}")
        tries = [
            (public, path, (*JSON, "-d", body), None), (public, path, (*JSON, "-H", header, "-d", body), None),
            (admin, path, (*JSON, "-d", body), None), (admin, path, (*JSON, "-H", header, "-d", body), None),
            (admin, path, (*JSON, "-d", body), "stranger"), (admin, path, (*JSON, *page, "-H", header, "-d", body), "stranger"),
            (admin, path, (*JSON, "-H", header.replace(":", " :", 1), "-d", body), "stranger"),
            (admin, path, (*JSON, "-H", header.replace("-", "_"), "-d", body), "stranger"),
            (admin, path, (*JSON, "-H", header.lower(), "-H", header.upper(), "-d", body), "stranger"),
            (admin, path, (*JSON, "-H", "Connection: X-Client-Certificate", "-H", header, "-d", body), "stranger"),
            (admin, path, (*JSON, "-H", "Transfer-Encoding: chunked", "-H", header, "-d", body), "stranger"),
            (admin, path, (*JSON, "-d", body), "auditor"), (admin, path, (*JSON, "-H", header, "-d", body), "auditor"),
            (admin, path, (*JSON, "-H", "Origin: https://evil.example", "-d", body), "an"), (admin, path, (*JSON, "-H", "Origin: null", "-d", body), "an"),
            (admin, path, (*JSON, "-H", f"Origin: https://localhost:{admin}.evil.example", "-d", body), "an"),
            (admin, path, (*page, "-d", body), "an"), (admin, path, (*page, "-H", "Content-Type: text/plain", "-d", body), "an"),
            (admin, path, (*page, "-H", "Content-Type: text/plain; application/json", "-d", body), "an"),
            (admin, path, (*page, "-H", "Content-Type: multipart/form-data; boundary=x", "-d", body), "an"), (admin, path, (*page, "-H", "Content-Type;", "-d", body), "an"),
            (admin, path + "?x=1", (*page, *JSON, "-d", body), "an"), (admin, path, ("-X", "GET", *page), "an"),
            (admin, path, ("-X", "PUT", *page, *JSON, "-d", body), "an"), (admin, path, ("-X", "PATCH", *page, *JSON, "-d", body), "an"),
            (admin, path, ("-H", "X-HTTP-Method-Override: POST"), "an"),
        ]
        tries += [(public, p, ("--path-as-is", *JSON, "-H", header, "-d", body), None) for p in (
            f"v1/requests/../admin/requests/{m.number}/approve", f"v1/requests/%2e%2e/admin/requests/{m.number}/approve",
            f"v1/requests/..%2fadmin/requests/{m.number}/approve", f"v1/requests/..;/admin/requests/{m.number}/approve",
            f"v1/requests//../../v1/admin/requests/{m.number}/approve", f"V1/ADMIN/requests/{m.number}/approve",
            f"v1/requests\\..\\admin\\requests\\{m.number}\\approve", f"/v1/admin/requests/{m.number}/approve", f"v1/requests/%00/../../admin/requests/{m.number}/approve")]
        tries.append((public, "v1/requests", ("--request-target", f"https://localhost:{admin}/{path}", *JSON, "-H", header, "-d", body), None))
        tries.append((public, "v1/requests", ("--request-target", f"/{path}", *JSON, "-H", header, "-d", body), None))
        for port, target, options, who in tries:
            with self.subTest(port="public" if port == public else "admin", target=target, options=options, who=who):
                status, _ = self.stage.curl(port, target, *options, person=who)
                self.assertGreaterEqual(status, 400)
        self.assertEqual((m.state(), self.codes(m)), ("pending", 0))

    def raw(self, port, data, who=None):
        """Bytes as they are, over TLS; all that comes back."""
        context = ssl.create_default_context(cafile=f"{self.stage.dir}/pki/tls-ca.pem")
        if who:
            context.load_cert_chain(f"{self.stage.dir}/pki/{who}.pem", f"{self.stage.dir}/pki/{who}.key")
        got = b""
        with socket.create_connection(("127.0.0.1", port), 10) as plain, context.wrap_socket(plain, server_hostname="localhost") as s:
            s.sendall(data)
            try:
                while some := s.recv(65536):
                    got += some
            except OSError:
                pass
        return got

    def test_smuggled_requests(self):
        """A second request hidden in the body of the first one, by every disagreement about where a body ends."""
        m = Machine(self.stage).create()
        body = json.dumps(self.yes(m)).encode()
        hidden = (f"POST /v1/admin/requests/{m.number}/approve HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  f"X-Client-Certificate: {self.people['an']}\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body
        heads = ("Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5", "Transfer-Encoding: xchunked",
                 "Transfer-Encoding : chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "Content-Length: 5\r\nContent-Length: 0",
                 "Content-Length: 5, 5", "Content-Length: +5", "Content-Length: 0", "X: y\r\n\tContent-Length: 5", "Content-Length: 0\nX-Client-Certificate: x")
        for port, path, who in ((self.stage.public, "/v1/requests", None), (self.stage.admin, f"/v1/admin/requests/{m.number}/refuse", "stranger")):
            for head in heads:
                first = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{head}\r\n\r\n".encode()
                for end in (b"0\r\n\r\n", b"", b"5;x=\r\nGPOST\r\n0\r\n\r\n"):
                    got = self.raw(port, first + end + hidden + b"GET /v1/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", who)
                    self.assertNotIn(b"HTTP/1.1 200", got, (head, end))
        self.assertEqual((m.state(), self.codes(m)), ("pending", 0))
        self.assertEqual(self.stage.post("v1/requests", {})[0], 400)

    def test_certificate_headers(self):
        """What the server itself makes of the header, were nginx to pass on anything."""
        m = Machine(self.stage).create()
        an, stranger = self.people["an"], self.people["stranger"]
        with open(f"{self.stage.dir}/pki/admin-ca.pem", encoding="ascii") as f:
            ca = urllib.parse.quote(f.read(), safe="")
        for header in ("", "x", "%", "%4", "%zz", "%00" + an, stranger, stranger + an, ca, an[:-200], an.replace("A", "B", 1), "%0A" * 9000, "A" * 40000,
                       urllib.parse.quote("-----BEGIN CERTIFICATE-----\n", safe="") * 400):
            try:
                answer = self.decide(m, "refuse", {"reason": "x"}, "an", **{"X-Client-Certificate": header})
            except (OSError, machine.http.client.HTTPException):
                continue
            except json.JSONDecodeError:  # a header too large is answered by the HTTP library
                continue
            self.assertNotEqual(answer[0], 200, header[:60])
        self.assertEqual(m.state(), "pending")

    # ---- two at once ----

    def test_approve_against_refuse(self):
        first = Machine(self.stage)
        for _ in range(RACES):
            m = first.again().create()
            answers = at_once([lambda: self.decide(m, "approve", self.yes(m)), lambda: self.decide(m, "refuse", {"reason": "không"}, "binh"),
                               lambda: self.decide(m, "approve", self.yes(m), "binh")])
            approved = [a[0] for a in answers[::2]].count(200)
            self.assertLessEqual(approved, 1)
            # an approval may be taken back as long as nothing was released
            self.assertEqual(m.state(), "refused" if answers[1][0] == 200 else "approved", answers)
            self.assertEqual(self.codes(m), approved)
            events = [e for e, in self.stage.sql("SELECT what FROM audit WHERE number = ? ORDER BY id", m.number)]
            self.assertEqual((events.count("approve"), events.count("refuse")), (approved, int(answers[1][0] == 200)))

    def test_refusals_at_once_are_one(self):
        first = Machine(self.stage)
        for _ in range(RACES // 4):
            m = first.again().create()
            answers = at_once([lambda w=w: self.decide(m, "refuse", {"reason": w}, w) for w in ("an", "binh") * 3])
            self.assertEqual([a[0] for a in answers].count(200), 1)
            winner = ("an", "binh")[[a[0] for a in answers].index(200) % 2]
            self.assertEqual(self.stage.sql("SELECT note FROM request WHERE number = ?", m.number)[0][0], winner)

    def test_requests_of_one_token_approved_at_once(self):
        first = Machine(self.stage)
        for _ in range(RACES // 4):
            m = first.again().create()
            others = [m, m.again().create(), m.again().create()]
            at_once([lambda o=o: self.decide(o, "approve", self.yes(o)) for o in others])
            self.assertEqual(sorted(o.state() for o in others), ["approved", "cancelled", "cancelled"])
            for o in others:
                o.ask("cancel")

    def test_the_same_person_is_no_second_approver(self):
        first = Machine(self.stage)
        for _ in range(RACES // 4):
            m = first.again().create()
            body = self.yes(m, email="ke-gian@khach.example", reason="x")
            answers = at_once([lambda: self.decide(m, "approve", body)] * 6)
            self.assertEqual({name_of(a) for a in answers}, {"ok", "second_approver"})
            self.assertEqual((m.state(), self.codes(m)), ("pending", 0))
            # nor with another address, or the first one written differently
            for email in ("KE-GIAN@khach.example", "khac@khach.example", "ke-gian@khach.example"):
                self.decide(m, "approve", self.yes(m, email=email, reason="x"))
            self.assertEqual((m.state(), self.codes(m)), ("pending", 0))
            self.assertEqual(self.decide(m, "approve", self.yes(m, email="khac-nua@khach.example", reason="x"), "binh")[0], 200)
            self.assertEqual(m.state(), "pending")
            m.ask("cancel")

    def test_same_person_with_another_certificate(self):
        """The same name twice at the desk is two people to the server only where the desk says so."""
        m = Machine(self.stage).create()
        body = self.yes(m, email="moi@khach.example", reason="x")
        self.assertEqual(self.decide(m, "approve", body)[0], 200)
        self.assertEqual(name_of(self.decide(m, "approve", body, "auditor")), "role_refused")
        self.assertEqual(name_of(self.decide(m, "approve", body, "stranger")), "admin_unknown")
        self.assertEqual(m.state(), "pending")

    # ---- what the desk writes into mails ----

    def test_addresses_that_are_more_than_one(self):
        m = Machine(self.stage).create()
        for email in ("a@b.example\r\nBcc: c@d.example", "a@b.example,c@d.example", "a@b.example c@d.example", "a@b.example\n", "<a@b.example>", "a@b.example>",
                      "\"a\\\r\n b\"@b.example", "a@b.example\u2028x", "a@[127.0.0.1]\r\n", "RCPT TO:<x@y.example>", "a b@c.example", "@b.example", "a@", "-oQ/tmp@x y"):
            for who in ("an", "binh"):
                self.assertEqual(self.decide(m, "approve", self.yes(m, email=email, reason="x"), who)[0], 400, email)
        self.assertEqual((m.state(), self.codes(m)), ("pending", 0))

    def test_imported_names_and_addresses(self):
        """A customer's name and address in the import sheet end in no header and no recipient of their own."""
        head = "manufacturer,model,serial,so_pin,customer,email\n"
        rows = {"BAD1": '"A\r\nBcc: thief@evil.example",bad1@khach.example', "BAD2": 'A,"bad2@khach.example\r\nBcc: thief@evil.example"',
                "BAD3": 'A,"bad3@khach.example,thief@evil.example"', "BAD4": '"A\u2028Bcc: thief@evil.example",bad4@khach.example',
                "BAD5": '"A\rX: y",bad5@khach.example', "BAD6": 'A,"<bad6@khach.example> NOTIFY=NEVER"'}
        for serial, row in rows.items():
            self.stage.sh("tms_import $DIR", f"{head}m,m,{serial},12345678,{row}\n", check=False)
            self.assertEqual(self.stage.sql("SELECT count(*) FROM token WHERE serial = ?", serial)[0][0], 0, row)
        names = ("=?utf-8?B?VGhpZWY=?= <thief@evil.example>", "A\" <thief@evil.example>, \"B", "<script>alert(1)</script>&amp;", "." * 200, "%s%n%s",
                 "Dòng 1 \\r\\nBcc: thief@evil.example")
        for n, name in enumerate(names):
            m = Machine(self.stage)
            self.stage.sql("UPDATE token SET customer = ? WHERE serial = ?", name, m.token["serial"])
            m.create().approve().code()
            mail = self.stage.mails(m.address)[0]
            self.assertEqual([a.addr_spec for a in mail["To"].addresses], [m.address], n)
            self.assertIsNone(mail["Bcc"])
            html = mail.get_body(("html",)).get_content()
            self.assertNotIn("<script", html)
            self.assertNotIn("<thief", html)
        self.assertFalse(os.path.exists(f"{self.stage.dir}/mail/thief@evil.example"))


class Doors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()

    @classmethod
    def tearDownClass(cls):
        cls.stage.close()

    def pid(self, name):
        with open(f"{self.stage.dir}/{name}.pid", encoding="ascii") as f:
            return int(f.read())

    def descriptors(self, name):
        return len(os.listdir(f"/proc/{self.pid(name)}/fd"))

    def alive(self):
        """A whole request: both doors, the vault and the mail answer."""
        m = Machine(self.stage).create().approve()
        m.take()
        return m.granted()

    def test_slow_and_half_callers(self):
        self.alive()
        files = self.descriptors("serve")
        path = f"{self.stage.dir}/tms/run/public.sock"
        held = []
        for n in range(500):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(1)
            try:
                s.connect(path)
                s.send((b"", b"P", b"POST /v1/requests HTTP/1.1\r\n", b"POST /v1/requests HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{",
                        b"\0" * 100, b"GET " + b"a" * 9000)[n % 6])
                held.append(s)
            except OSError:  # more than the server takes
                s.close()
                break
        for s in held[::3]:
            s.close()
        public = []
        for _ in range(100):  # and through nginx, without TLS and with half of it
            s = socket.create_connection(("127.0.0.1", self.stage.public), 5)
            s.send(b"\x16\x03\x01\x02\x00\x01")
            public.append(s)
        for s in held + public:
            s.close()
        until("the server to let go", lambda: self.descriptors("serve") <= files + 8, 30)
        self.alive()

    def test_huge_bodies(self):
        path = f"{self.stage.dir}/tms/run/public.sock"
        for size in (16384, 16385, 1 << 19, 1 << 21, 1 << 23):
            try:
                answer = ask(path, "POST", "/v1/requests", "x" * size)
                self.assertIn(name_of(answer), ("frame_too_large", "invalid_request"))
            except (OSError, machine.http.client.HTTPException):
                self.assertGreater(size, 1 << 20)
        for body in ("[" * 8000, '{"a":' * 3000, "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "1e999999", "9" * 8000):
            s = socket.socket(socket.AF_UNIX)
            s.connect(path)
            data = body.encode("latin-1")
            s.sendall(b"POST /v1/requests HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
            self.assertIn(b"HTTP/1.1 400", s.recv(99))
            s.close()
        self.alive()

    VAULT = """
import os, random, socket, struct, sys, time
path, seed = sys.argv[1], int(sys.argv[2])
random.seed(seed)
held = []
def knock(data):
    try:
        s = socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect(path); s.send(data); return s
    except OSError:
        return None
for n in range(int(sys.argv[3])):
    body = random.choice([b'{}', b'[]', b'{"verb":"reseal"}', b'{"verb":"renew","token":{},"row":{},"to":"","h":""}', os.urandom(200), b'[' * 5000, b''])
    head = random.choice([struct.pack('=I', len(body)), b'', struct.pack('=I', 0), struct.pack('=I', 0xffffffff), struct.pack('=I', len(body) + 10)])
    s = knock(head + body)
    if s:
        if random.randrange(3): s.close()
        else: held.append(s)
for n in range(300):
    s = knock(b'\\x05')
    if s: held.append(s)
print(len(held))
"""

    def test_garbage_on_the_vaults_socket(self):
        path = f"{self.stage.dir}/tms/vault/vault.sock"
        files = self.descriptors("vault")
        for uid in (machine.servers.TMS_UID, 65534):
            knocking = [subprocess.Popen(["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", sys.executable, "-c", self.VAULT, path, str(n),
                                          "3000" if FULL else "300"], stdout=subprocess.PIPE, text=True) for n in range(2)]
            if uid == 65534:
                self.alive()  # a stranger who knocks all the time shuts nobody out
            for p in knocking:
                held, _ = p.communicate(timeout=240)
                self.assertEqual(p.returncode, 0)
                if uid == machine.servers.TMS_UID:
                    self.assertGreater(int(held), 0)  # whose knock is heard
            until("the vault to let go", lambda: self.descriptors("vault") <= files, 30)
            self.alive()


if __name__ == "__main__":
    machine.enter_stage()
    unittest.main()
