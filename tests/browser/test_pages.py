#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Console and portal in a real Chromium, served by the real servers, with an administrator's certificate that the browser shows to whoever asks for it.

stored    300 texts that want to be run, in every field that is shown, put past the API into the store or said by a played host: none is run, none makes an
          element, asks another server or breaks the policy; each stands as text in its place, in a list, a detail, a filter and the customer's page
foreign   another site, the same site on another port, and a sandboxed frame call every route in every way that a page has: nothing is read, no row changes
desk      the console as people use it: keys alone, approve, withdraw over a restart of the server, back to where one was, a list that brings itself up to date and leaves a
          still mouse and what is typed alone, a colleague who is faster, and a token that one person reports lost and two put in use again
tools     notices, types, vendors, agencies, test mail and backup by keys alone, and that who may only look finds no button

Usage: test_pages.py [-v] [TEST...]      MOKHOA_BIN is the folder of the programs. Enters a stage by itself.
"""
import collections
import hashlib
import http.server
import json
import os
import re
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "stage"), os.path.join(HERE, "..", "hostile")]

import browser
import machine
import payloads
from machine import Machine, Stage, until

MODULES = os.environ.get("MOKHOA_NODE_MODULES", os.path.join(browser.ROOT, "build", "browser"))
PEOPLE = ("an", "binh", "auditor")
SIZES = {"manufacturer": 32, "model": 16, "serial": 16, "certificate_serial": 128, "customer": 256, "email": 254, "reason": 15, "language": 2, "note": 512}


class Nothing(http.server.BaseHTTPRequestHandler):
    """A page of somebody else, empty."""

    def do_GET(self):  # noqa: N802 (the library's name)
        body = b"<!doctype html><meta charset=utf-8><title>x</title><body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Pages(unittest.TestCase):
    def setUp(self):
        os.environ["TMS_EXTENSIONS"] = "abcdefghijklmnopabcdefghijklmnop"  # any: what plays it answers to every id
        self.stage = Stage()
        self.addCleanup(self.stage.close)
        self.asked = {}

    # ---- the driver ----

    def drive(self, mode, **order):
        path = f"{self.stage.dir}/order.json"
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"mode": mode, "modules": MODULES, "chromium": browser.PROGRAMS["chromium"], "pki": f"{self.stage.dir}/pki", "desk": f"https://localhost:{self.stage.admin}",
                       "portal": f"https://localhost:{self.stage.public}", **order}, f)
        os.makedirs(f"{self.stage.dir}/home", exist_ok=True)
        env = dict(os.environ, HOME=f"{self.stage.dir}/home")
        faults, done = [], None
        with subprocess.Popen([browser.node(MODULES), os.path.join(HERE, "pages.mjs"), path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=env) as p:
            for line in p.stdout:
                said = json.loads(line)
                if "ask" in said:
                    p.stdin.write(json.dumps(self.answer(said["ask"])) + "\n")
                    p.stdin.flush()
                elif "fault" in said:
                    faults.append(f"{said['where']}: {said['fault']}")
                else:
                    done = said["done"]
        self.assertEqual(faults, [], "\n".join([f"{len(faults)} faults", *faults[:40]]))
        self.assertIsNotNone(done)
        return done

    def answer(self, asked):
        (key, value), *_ = asked.items()
        self.asked[key](asked)
        return {}

    def fingerprint(self, who):
        with open(f"{self.stage.dir}/pki/{who}.pem", encoding="ascii") as f:
            return hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).digest()

    # ---- stored texts ----

    def store_text(self, db, number, text, waits):
        """A request with the text in each of its fields; what of it must be read in list and detail."""
        c = {field: payloads.cut(text, size) for field, size in SIZES.items()}
        now = int(time.time())
        decider = db.execute("INSERT INTO person (fingerprint, name, role, created) VALUES (?, ?, 'approver', 1)", (os.urandom(32), payloads.cut(text, 128))).lastrowid
        db.execute("INSERT INTO request (number, id, create_hash, manufacturer, model, serial, certificate, certificate_serial, customer, email, reason, language, host_kem_pk,"
                   " host_sig_pk, address, state, identified, created, changed, decided, decider, expires, note) VALUES (?, ?, ?, ?, ?, ?, x'', ?, ?, ?, ?, ?, zeroblob(65),"
                   " zeroblob(32), '', ?, 1, ?, ?, ?, ?, ?, ?)",
                   (number, os.urandom(16), os.urandom(32), c["manufacturer"], c["model"], c["serial"], c["certificate_serial"], c["customer"], c["email"], c["reason"], c["language"],
                    "pending" if waits else "approved", now, now, 0 if waits else now, None if waits else decider, now + 9999, "" if waits else c["note"]))
        db.execute("INSERT INTO approval (number, id, how, reference, email, email_reason, first, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                   (number, os.urandom(16), payloads.cut(text, 15), payloads.cut(text, 128), c["email"], c["note"], decider, now))
        for who, what, detail in ((text, text, text), ("", "create", text)):
            self.store_audit(db, now, who, what, number, 0, detail)
        notice = [payloads.cut(text, 128), payloads.cut(text, 1024)]
        # not due: shown when the browser's side asks for it
        db.execute("INSERT INTO notice (id, severity, title_vi, text_vi, title_en, text_en, starts, ends, created) VALUES (?, 'info', ?, ?, ?, ?, 0, 1, 1)", (number, *notice, *notice))
        token, inventory = self.store_token(db, number, text, decider, now)
        row = [c["customer"], c["email"], c["serial"], c["certificate_serial"].removeprefix("00")]
        more = [c["manufacturer"], c["model"], payloads.cut(text, 31), payloads.cut(text, 128), payloads.cut(text, 1024)]
        return {"number": number, "payload": text, "name": payloads.cut(text, 128), "view": "waiting" if waits else "decided", "list": row, "detail": row + more, "notice": notice,
                "token": token, "mark": f"{number:04d}", "inventory": inventory, "kinds": self.kinds_of(number, text)}

    def store_audit(self, db, now, who, what, number, token, detail):
        """A row of the history that is no link of a chain, at the next place; who did it and what was typed stand beside it."""
        [seq] = db.execute("UPDATE audit_head SET seq = seq + 1 RETURNING seq").fetchone()
        db.execute("INSERT INTO audit (id, created, who, person, what, number, token, detail, note, prev, hash) VALUES (?, ?, 'host', 0, ?, ?, ?, '', zeroblob(32), zeroblob(32), zeroblob(32))",
                   (seq, now, payloads.cut(what, 31), number, token))
        db.execute("INSERT INTO audit_note (id, created, salt, actor, text) VALUES (?, ?, zeroblob(16), ?, ?)", (seq, now, payloads.cut(who, 128), payloads.cut(detail, 1024)))

    def store_token(self, db, number, text, person, now):
        """A token with the text in each of its fields, one proposal that waits and one that was rejected: its number, and what of it must be read."""
        c = {field: payloads.cut(text, size) for field, size in {**SIZES, "serial": 12}.items()}
        token = db.execute("INSERT INTO token (manufacturer, model, serial, customer, email, certificate_serial, state, created) VALUES (?, ?, ?, ?, ?, ?, 'suspect', 1)",
                           (c["manufacturer"], c["model"], c["serial"] + f"{number:04d}", c["customer"], c["email"], c["certificate_serial"])).lastrowid
        row = db.execute("INSERT INTO escrow (token, version, sealed, created) VALUES (?, 1, zeroblob(145), 1)", (token,)).lastrowid
        db.execute("UPDATE token SET active = ? WHERE id = ?", (row, token))
        for state, decider, decided, note in (("rejected", person, now, c["note"]), ("open", None, 0, "")):
            db.execute("INSERT INTO proposal (token, kind, version, sealed, compared, active, next, life, reason, proposer, created, expires, state, decider, decided, note)"
                       " VALUES (?, 'cure', 0, x'', '', ?, 0, 'active', ?, ?, ?, ?, ?, ?, ?, ?)", (token, row, c["note"], person, now, now + 9999, state, decider, decided, note))
        self.store_audit(db, now, text, text, 0, token, text)
        return token, [c["manufacturer"], c["model"], c["serial"], c["customer"], c["email"], c["note"], payloads.cut(text, 128), payloads.cut(text, 31), payloads.cut(text, 1024)]

    def store_kinds(self, texts):
        """A vendor with its module, and a type, for each text; later than the tokens, whose list has a choice of all types."""
        with sqlite3.connect(f"{self.stage.dir}/tms/data/tms.sqlite", timeout=10) as db:
            for text in texts:
                vendor = db.execute("INSERT INTO vendor (name, created) VALUES (?, 1)", (text["kinds"]["vendors"][0],)).lastrowid
                name, path, parameters = text["kinds"]["vendors"][1:]
                db.execute("INSERT INTO module (vendor, system, name, path, parameters) VALUES (?, 'linux', ?, ?, ?)", (vendor, name, path, parameters))
                db.execute("INSERT INTO type (name, vendor, manufacturer, model, family, rotation, flags_reliable, pin_min, pin_max, pin_characters, key_length, key_characters, created)"
                           " VALUES (?, ?, ?, ?, 'so_pin', 1, 1, 4, 8, 'any', 0, 'any', 1)", (text["kinds"]["types"][0], vendor, *text["kinds"]["types"][1:3]))

    def kinds_of(self, number, text):
        """What stands in the lists of types, modules and notices: each known by something of its own."""
        def own(size):
            return payloads.cut(text, size - 5) + f"{number:05d}"
        vendor = own(64)
        return {"vendors": [vendor, payloads.cut(text, 64), "/" + payloads.cut(text, 200), payloads.cut(text, 200)], "types": [payloads.cut(text, 64), own(32), own(16), vendor],
                "notices": [payloads.cut(text, 128)]}

    def show_notices(self, asked):
        """Those are due, and no other."""
        self.stage.sql("UPDATE notice SET ends = 1")
        for number in asked["notices"]:
            self.stage.sql("UPDATE notice SET ends = 0 WHERE id = ?", number)

    def test_stored(self):
        # no person looks at a thousand requests a minute
        self.stage.configure(limits={"person_per_minute": 1000000, "address_per_minute": 1000000})
        texts = [("plain", "Nguyễn Văn A"), ("plain", "Trần Thị B")] + payloads.payloads()
        self.assertGreaterEqual(len(texts) - 2, 300)
        self.stage.sql("UPDATE person SET role = 'approver'")
        with sqlite3.connect(f"{self.stage.dir}/tms/data/tms.sqlite", timeout=10) as db:
            stored = [self.store_text(db, n + 1, text, bool(n % 2)) for n, (_, text) in enumerate(texts)]
        self.asked["who"] = lambda a: self.stage.sql("UPDATE person SET name = ? WHERE fingerprint = ?", a["name"], self.fingerprint(a["who"]))
        self.asked["notices"] = self.show_notices
        self.asked["kinds"] = lambda _: self.store_kinds(stored)
        began = time.monotonic()
        done = self.drive("stored", texts=stored)
        print(f"stored: {done['payloads']} texts in every field, views {', '.join(done['views'])}, list: 0 run, {time.monotonic() - began:.0f} s")

    # ---- another site ----

    def serve(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{self.stage.dir}/pki/tls.pem", f"{self.stage.dir}/pki/tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def dump(self):
        return machine.dump(self.stage.dir)

    def said(self, path, pattern, skip=0):
        """What the lines of a log behind those have of this pattern."""
        with open(f"{self.stage.dir}/{path}", encoding="utf-8") as f:
            return [found.groups() for line in list(f)[skip:] if (found := re.search(pattern, line))]

    def test_foreign(self):
        port = self.serve()
        sites = [{"name": "another site", "url": f"https://127.0.0.1:{port}/"}, {"name": "another port", "url": f"https://localhost:{port}/"},
                 {"name": "a sandboxed frame", "url": f"https://localhost:{port}/", "sandboxed": True}]
        asked, refused = Machine(self.stage).create(), Machine(self.stage).create()
        approved = Machine(self.stage).create().approve()
        approved.code()
        until("the outbox to rest", lambda: self.stage.sql("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')")[0][0] == 0)
        for table in ("code", "outbox"):
            self.stage.sql(f"UPDATE {table} SET created = created - 3600 WHERE number = ?", approved.number)
        path = "/v1/admin/requests"
        calls = [{"target": f"{path}/{asked.number}/approve", "body": {"how": "call_back", "reference": "", "phrase": asked.phrase}},
                 {"target": f"{path}/{refused.number}/refuse", "body": {"reason": "x"}}, {"target": f"{path}/{approved.number}/resend", "body": {}},
                 {"target": "/v1/admin/me", "body": {}}, {"target": "/v1/admin/waiting", "body": {}}, {"target": "/v1/admin/report", "body": {}}, {"target": path, "body": {}}]
        token = self.stage.sql("SELECT id FROM token WHERE serial = ?", asked.token["serial"])[0][0]
        notice = {"severity": "info", "title": {"vi": "x", "en": ""}, "text": {"vi": "x", "en": ""}, "starts": 0, "ends": 0}
        # the rest of an operator's routes are judged by the same lines (tms/http/tests/test_http.py asks each)
        tools = [{"target": "/v1/admin/notices", "body": notice}, {"target": "/v1/admin/backups", "body": {}}, {"target": "/v1/admin/mail/test", "body": {}}, {"target": "/v1/admin/audit", "body": {}},
                 {"target": "/v1/admin/mails/1/retry", "body": {}}, {"target": "/v1/admin/import", "body": {"table": "a", "dry_run": False}}, {"target": "/v1/admin/people/1/retire", "body": {"fingerprint": "0" * 64, "reason": "x"}},
                 {"target": "/v1/admin/enrolments/1/confirm", "body": {}}]
        calls += [{"target": f"/v1/admin/tokens/{token}/{verb}", "body": {"reason": "x"}} for verb in ("lost", "retire")]
        self.stage.sql("UPDATE person SET role = 'approver' WHERE fingerprint = ?", self.fingerprint("an"))
        before, lines = self.dump(), len(self.said("serve.log", "()"))
        done = self.drive("foreign", sites=sites, calls=calls)
        self.assertTrue(self.dump() == before, "a row has changed")
        # and of an operator's routes with an operator's certificate
        self.stage.sql("UPDATE person SET role = 'operator' WHERE fingerprint = ?", self.fingerprint("an"))
        before = self.dump()
        done["calls"] += self.drive("foreign", sites=sites, calls=tools)["calls"]
        self.assertTrue(self.dump() == before, "a row has changed")
        judged = collections.Counter(self.said("serve.log", r" door=admin route=(\S+) .*?result=(\w+) ", lines))
        # the server's own word: who comes without a certificate gets as far as nginx, and has no line here
        wrong = {what: count for what, count in judged.items() if what[1] != "origin_refused" and what != ("none", "method_not_found")}
        self.assertEqual(wrong, {})
        self.assertEqual(os.listdir(f"{self.stage.dir}/tms/backups"), [])
        for route in ("approve", "refuse", "resend", "me", "list", "waiting", "report", "notice.add", "backup", "mail.test", "audit.verify", "mail.retry", "import", "certificate.retire", "enrolment.confirm"):
            self.assertGreaterEqual(judged["admin." + route, "origin_refused"], 10, route)
        refused = sum(count for (_, result), count in judged.items() if result == "origin_refused")
        statuses = collections.Counter(status for status, in self.said("nginx/access.log", r'"[A-Z]+ /v1/admin/\S* \S+" (\d+) .*Mozilla'))
        # each 403 was the server's and none nginx's for want of a certificate; of a call that its page took back (499) the server may have a line, too
        self.assertEqual(set(statuses) - {"403", "404", "499"}, set())
        self.assertLessEqual(statuses["403"], refused)
        self.assertLessEqual(refused, statuses["403"] + statuses["499"])
        print(f"foreign: {done['calls']} calls from {len(sites)} places, {sum(statuses.values())} reached the server with the certificate, {refused} of them a route: all refused for their origin; 0 answers read,"
              " 0 rows changed")

    # ---- the console as it is used ----

    def test_desk(self):
        first = Machine(self.stage).create()
        still = Machine(self.stage).create()
        self.asked["restart"] = lambda _: self.stage.sh("serve_down $DIR; serve_up $DIR")

        def arrive(_):
            Machine(self.stage).create()
            if still.state() == "pending":
                self.assertEqual(self.stage.desk(still.number, "refuse", {"reason": "Không gọi được"})[0], 200)

        raced = Machine(self.stage).create()
        raced.again().create()
        watched = Machine(self.stage).create()

        def decide(_):
            self.assertEqual(self.stage.post(f"v1/admin/requests/{raced.number}/refuse", {"reason": "Khách báo nhầm"}, self.stage.admin, "binh")[0], 200)

        self.asked["decide"] = decide
        self.asked["withdraw"] = lambda _: self.assertEqual(watched.ask("cancel")[0], 200)

        self.asked["arrive"] = arrive
        lost = Machine(self.stage).create()
        token = self.stage.sql("SELECT id FROM token WHERE serial = ?", lost.token["serial"])[0][0]
        done = self.drive("desk", lost={"serial": lost.token["serial"], "token": token, "request": lost.number}, approve={"number": first.number, "phrase": first.phrase}, raced={"number": raced.number, "phrase": raced.phrase},
                          watched={"number": watched.number}, move={"number": still.number})
        self.assertEqual((first.state(), still.state()), ("refused", "refused"))
        self.assertEqual([row[0] for row in self.stage.sql("SELECT what FROM audit WHERE token = ? AND what <> 'view' ORDER BY id", token)], ["import", "lost", "propose", "confirm"])
        events = [what for what, in self.stage.sql("SELECT what FROM audit WHERE number = ? AND what <> 'view' ORDER BY id", first.number)]
        self.assertEqual([e for e in events if e != "mail"], ["create", "approve", "refuse"])
        print(f"desk: {len(done)} things as they should be")

    def test_tools(self):
        self.asked["read"] = lambda a: self.assertEqual([n["title"]["vi"] for n in json.loads(self.stage.curl(self.stage.public, "v1/notices")[1])["notices"]], [a["read"]])
        self.stage.configure(operator_email="van-hanh@khach.example")
        self.asked["promote"] = lambda a: self.stage.sql("UPDATE person SET role = 'operator' WHERE fingerprint = ?", self.fingerprint(a["promote"]))
        m = Machine(self.stage).create()
        self.stage.sql("INSERT INTO outbox (number, kind, recipient, state, due, created, error) VALUES (?, 'expired', 'nguoi-nhan@khach.example', 'failed', 1, 1, 'mail_refused')", m.number)
        table = "manufacturer,model,serial,so_pin,customer,email\nHãng,K,NHAP1,12345678,Khách Một,mot@khach.example\nHãng,K,NHAP2,87654321,Khách Hai,hai@khach.example\n"
        sealed = subprocess.run([f"{os.environ['MOKHOA_BIN']}/mokhoa-tms", "seal", "--vault-key", f"{self.stage.dir}/tms/vault.pub"], input=table, capture_output=True, text=True, check=True).stdout
        self.asked["imported"] = lambda a: self.assertEqual(self.stage.sql("SELECT count(*) FROM token WHERE serial LIKE 'NHAP%'")[0][0], a["imported"])
        done = self.drive("tools", table=sealed + "Hãng,K,NHAP3,AAAA,Khách Ba,ba@khach.example,,,\r\n")
        events = [what for what, in self.stage.sql("SELECT what FROM audit a JOIN person p ON p.id = a.person WHERE p.name = 'Phạm Văn Dũng' AND what <> 'view' ORDER BY a.id")]
        self.assertEqual(events, ["notice", "notice", "notice", "vendor", "type", "type", "type", "agency", "agency", "import_table", "import", "import", "import_table", "mail_test", "audit_verify", "backup", "mail", "person",
                                  "certificate", "person"])
        until("the mail that was sent again", lambda: self.stage.mails("nguoi-nhan@khach.example"))
        until("the test mail", lambda: self.stage.mails("van-hanh@khach.example"))
        (made,) = os.listdir(f"{self.stage.dir}/tms/backups")
        with sqlite3.connect(f"file:{self.stage.dir}/tms/backups/{made}?mode=ro", uri=True) as db:
            self.assertEqual(db.execute("SELECT name FROM vendor").fetchall(), [("Hãng ví dụ",)])
        print(f"tools: {len(done)} things as they should be")


if __name__ == "__main__":
    missing = browser.install(MODULES) or (None if browser.node(MODULES) else "node is missing: npm brought none for this machine")
    if missing or not os.path.exists(browser.PROGRAMS["chromium"]):
        print(missing or "chromium is missing: apt-get install chromium")
        sys.exit(77)
    machine.enter_stage()
    unittest.main()
