#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls that somebody else makes a browser send: every route of both sockets, read from the server's own table, with a body that would do its work, from a
wrong place, in a wrong form or without the right token. The whole database is the same after each; the last call of every route is the right one, and
changes it. And what every answer of nginx says to a browser, path by path.

Usage: test_csrf.py [-v] [TEST...]      MOKHOA_BIN is the folder of the programs. Enters a stage by itself.
"""
import glob
import json
import os
import re
import subprocess
import unittest
import urllib.parse

import machine
from machine import Machine, Stage, ask, ref, until

ROUTES = re.findall(r'\{ "([a-z._]+)", "([A-Z]+)", "(/[^"]*)", (\w+(?:\([01, ]+\))?)', open(os.path.join(machine.TESTS, "..", "tms", "http", "route.c"), encoding="utf-8").read())
FORMS = ("application/x-www-form-urlencoded", "text/plain", "text/plain; application/json", "multipart/form-data; boundary=x", "application/json-patch+json", "",
         "application/jsonx", "text/json")


def door(roles):
    """Who calls a route: "machine", "page" (both on public.sock) or "desk"."""
    return {"ROUTE_MACHINE": "machine", "ROUTE_PAGE": "page"}.get(roles, "desk")


def caller(roles):
    """Somebody who may, and not more than he must: the approver, where he may not the operator."""
    return "an" if roles.startswith("MAY") and re.findall("[01]", roles)[1] == "1" else "dung"


def asked(path):
    """With what a call cannot do without."""
    return path + "?from=1790000000&to=1790600000" if path.endswith("/report") else path


def routes(who):
    return [(name, method, path) for name, method, path, roles in ROUTES if door(roles) == who]


class Csrf(unittest.TestCase):
    refused = changed = 0

    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()
        cls.admin_socket, cls.public_socket = (f"{cls.stage.dir}/tms/run/{door}.sock" for door in ("admin", "public"))
        cls.people = {}
        for who in ("an", "binh", "dung", "auditor"):
            with open(f"{cls.stage.dir}/pki/{who}.pem", encoding="ascii") as f:
                cls.people[who] = urllib.parse.quote(f.read(), safe="")
        cls.console = f"https://localhost:{cls.stage.admin}"
        cls.portal = f"https://localhost:{cls.stage.public}"
        cls.old = cls.token("an")
        cls.stage.configure(operator_email="van-hanh@khach.example")  # where a test mail goes of somebody whose certificate has no address

    @classmethod
    def tearDownClass(cls):
        cls.stage.close()
        print(f"csrf: {len(ROUTES)} routes, {cls.refused} calls refused, {cls.changed} changed a row")

    @classmethod
    def token(cls, who):
        return ask(cls.admin_socket, "GET", "/v1/admin/me", None, {"X-Client-Certificate": cls.people[who]})[1]["csrf"]

    def dump(self):
        """Everything that the server remembers."""
        return machine.dump(self.stage.dir)

    def remembered(self):
        """Without what says who has looked."""
        return [row for row in self.dump() if not row[0].startswith("audit")]

    def quiet(self):
        """No mail and no backup under way that would change a row by itself."""
        until("the backup to end", lambda: not glob.glob(f"{self.stage.dir}/tms/backups/*.part"))
        until("the outbox to rest", lambda: self.stage.sql("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')")[0][0] == 0)

    def send(self, socket, method, path, body, headers):
        """(status, headers, name of the error); a header of None is left out."""
        connection = machine.Connection(socket)
        try:
            connection.request(method, path, body, {k: v for k, v in headers.items() if v is not None})
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, answer.getheaders(), json.loads(data).get("error", {}).get("data", {}).get("name") if data else None
        finally:
            connection.close()

    def sweep(self, name, socket, cells, right):
        """right: what makes the right call; cells: {what: what of it is another}. Another method may be another route's, which is asked by itself."""
        self.quiet()
        before = self.dump()
        [path] = [path for route, _, path, _ in ROUTES if route == name]
        others = {method for _, method, at, _ in ROUTES if at == path} - {right["method"]}
        for what, (names, other) in cells.items():
            if other.get("method") in others:
                continue
            with self.subTest(route=name, cell=what):
                call = {**right, **other, "headers": {**right["headers"], **other.get("headers", {})}}
                status, headers, error = self.send(socket, call["method"], call["path"], call["body"], call["headers"])
                after = self.dump()
                Csrf.changed += after != before
                self.assertIn((status // 100, error), [(4, n) for n in names], (status, error))
                Csrf.refused += 1
                self.assertEqual([k for k, _ in headers if k.lower().startswith("access-control")], [])
                self.assertTrue(after == before, "a row has changed")
        return before

    def right_changes(self, name, socket, right, before):
        status, _, error = self.send(socket, right["method"], right["path"], right["body"], right["headers"])
        self.assertEqual((status, error), (200, None), name)
        # else nothing above is proven; a backup is only begun by its call
        until(f"a row to change by the right call of {name}", lambda: self.dump() != before)

    # ---- what is wrong ----

    def methods(self):
        none = ("method_not_found", None)  # HEAD has no body
        return {f"{method} in place of POST": (none, {"method": method}) for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "post", "OPTIONS")} | {
            "a preflight": (none, {"method": "OPTIONS", "body": None, "headers": {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST",
                                                                                   "Access-Control-Request-Headers": "content-type,x-mokhoa-csrf"}}),
            "GET with an override": (none, {"method": "GET", "headers": {"X-HTTP-Method-Override": "POST", "X-Method-Override": "POST", "X-HTTP-Method": "POST"}})}

    def forms(self):
        return {f"form {form!r}": (("invalid_request",), {"headers": {"Content-Type": form}}) for form in FORMS} | {
            "no form": (("invalid_request",), {"headers": {"Content-Type": None}})}

    def desk_cells(self, right):
        origin, token = ("origin_refused",), ("csrf_refused",)
        other = lambda names, **headers: (names, {"headers": {k.replace("_", "-"): v for k, v in headers.items()}})  # noqa: E731
        mine = right["headers"]["X-Mokhoa-CSRF"]
        raw = ref.unb64(mine)
        ends = int.from_bytes(raw[:8], "big")
        cells = {f"Origin {o!r}": other(origin, Origin=o) for o in (
            "https://evil.example", "null", "", self.portal, "http" + self.console[5:], self.console + "/", self.console + ".evil.example", self.console.upper(),
            "https://localhost", f"https://127.0.0.1:{self.stage.admin}", f"https://evil.localhost:{self.stage.admin}", self.console + " https://evil.example",
            f"https://x@localhost:{self.stage.admin}", " ", "file://", "chrome-extension://" + "a" * 32)}
        cells["no Origin"] = other(origin, Origin=None)
        cells.update({f"Sec-Fetch-Site {s!r}": other(origin, Sec_Fetch_Site=s) for s in ("cross-site", "same-site", "none", "", "Same-Origin", "same-origin, none")})
        cells.update({f"token {what}": other(token, X_Mokhoa_CSRF=t) for what, t in {
            "missing": None, "empty": "", "of before a restart": self.old, "of another person": self.token("binh"), "of the auditor": self.token("auditor"), "cut": mine[:-1],
            "longer": mine + "A", "twice": mine + "," + mine, "of nothing": "A" * 54, "of an hour ago": ref.b64((ends - 3601).to_bytes(8, "big") + raw[8:]),
            "for ever": ref.b64(b"\x7f" + b"\xff" * 7 + raw[8:]), "with another HMAC": ref.b64(raw[:-1] + bytes([raw[-1] ^ 1])), "with a query": "?" + mine}.items()})
        cells["token in the query"] = (token, {"path": right["path"] + "?X-Mokhoa-CSRF=" + mine, "headers": {"X-Mokhoa-CSRF": None}})
        cells["token in a cookie"] = other(token, X_Mokhoa_CSRF=None, Cookie="X-Mokhoa-CSRF=" + mine)
        cells["nothing but the certificate"] = other(origin, X_Mokhoa_CSRF=None, Origin=None)
        cells["a form of another site"] = other(origin, X_Mokhoa_CSRF=None, Origin="https://evil.example", Content_Type=FORMS[0], Sec_Fetch_Site="cross-site")
        return cells | self.forms() | self.methods()

    def machine_cells(self):
        origin = ("origin_refused",)
        pages = {f"Origin {o!r}": (origin, {"headers": {"Origin": o}}) for o in ("https://evil.example", "null", "", self.portal, self.console, "https://tms.ca.example")}
        sites = {f"Sec-Fetch-Site {s!r}": (origin, {"headers": {"Sec-Fetch-Site": s}}) for s in ("cross-site", "same-site", "same-origin", "none", "")}
        return pages | sites | self.forms() | self.methods()

    # ---- every route ----

    def test_every_route_of_the_desk_that_changes_something(self):
        """A route that is new needs a line in bodies: what a right call of it is."""
        asked = Machine(self.stage).create()
        approved = Machine(self.stage).create().approve()
        approved.code()
        refused = Machine(self.stage).create()
        self.quiet()
        # a code may be sent again ten minutes later
        self.stage.sql("UPDATE code SET created = created - 3600 WHERE number = ?", approved.number)
        self.stage.sql("UPDATE outbox SET created = created - 3600, due = due - 3600 WHERE number = ?", approved.number)
        # number of the path, body, and whose call it is
        bodies = {"admin.approve": (asked.number, {"how": "call_back", "reference": "", "phrase": asked.phrase}, "an"), "admin.refuse": (refused.number, {"reason": "x"}, "an"),
                  "admin.resend": (approved.number, {}, "an")} | self.inventory_bodies() | self.tool_bodies() | self.people_bodies()
        posts = [row for row in routes("desk") if row[1] != "GET"]
        self.assertEqual(sorted(name for name, _, _ in posts), sorted(bodies), "a route of the desk has no right call here")
        for name, method, path in posts:
            number, body, who = bodies[name]
            right = {"method": method, "path": path.replace("{number}", str(number)), "body": json.dumps(body),
                     "headers": {"X-Client-Certificate": self.people[who], "Content-Type": "application/json", "Origin": self.console, "Sec-Fetch-Site": "same-origin",
                                 "X-Mokhoa-CSRF": self.token(who)}}
            before = self.sweep(name, self.admin_socket, self.desk_cells(right), right)
            self.right_changes(name, self.admin_socket, right, before)

    def on_record(self, **columns):
        """The number of a token in the inventory that is so."""
        number = self.stage.sql("SELECT id FROM token WHERE serial = ?", Machine(self.stage).token["serial"])[0][0]
        for column, value in columns.items():
            self.stage.sql(f"UPDATE token SET {column} = ? WHERE id = ?", value, number)
        return number

    def inventory_bodies(self):
        why = {"reason": "x"}
        sealed = self.on_record()
        row = self.stage.sql("SELECT sealed FROM escrow WHERE token = ?", sealed)[0][0]

        def proposal():
            """Made by another person than who decides on it."""
            number = self.on_record(life="lost")
            token = {"X-Client-Certificate": self.people["dung"], "X-Mokhoa-CSRF": self.token("dung"), "Origin": self.console}
            return ask(self.admin_socket, "POST", f"/v1/admin/tokens/{number}/restore", why, token)[1]["proposals"][0]["number"]

        kept = self.on_record()
        self.stage.sql("INSERT INTO escrow (token, version, sealed, created, retired) SELECT token, version, sealed, created, created FROM escrow WHERE token = ?", kept)
        return {"admin.token.lost": (self.on_record(), why, "an"), "admin.token.retire": (self.on_record(), why, "dung"),
                "admin.token.restore": (self.on_record(life="retired"), why, "an"), "admin.token.cure": (self.on_record(state="suspect"), why, "dung"),
                "admin.token.reinstate": (kept, why, "dung"),
                "admin.token.replace": (sealed, {"sealed": ref.b64(row), **why}, "dung"), "admin.proposal.confirm": (proposal(), {}, "an"),
                "admin.proposal.reject": (proposal(), why, "an"), "admin.token.agency": (self.on_record(), {"agency": "", **why}, "dung")}

    def by(self, who, path, body):
        """Done with all that it takes."""
        status, answer = ask(self.admin_socket, "POST", path, body, {"X-Client-Certificate": self.people[who], "X-Mokhoa-CSRF": self.token(who), "Origin": self.console})
        self.assertEqual(status, 200, answer)

    def newest(self, table):
        return self.stage.sql(f"SELECT max(id) FROM {table}")[0][0]

    def tool_bodies(self):
        notice = {"severity": "info", "title": {"vi": "x", "en": ""}, "text": {"vi": "x", "en": ""}, "starts": 0, "ends": 0}
        kind = {"name": "x", "vendor": "", "manufacturer": "x", "model": "", "family": "so_pin", "rotation": True, "flags_reliable": False, "pin_min": 0, "pin_max": 0,
                "pin_characters": "any", "key_length": 0, "key_characters": "any", "second_approver": False, "so_tries": 0}
        module = {"vendor": "x", "system": "linux", "name": "x", "path": "/usr/lib/x.so", "parameters": ""}
        agency = {"id": "x", "name": "x", "origins": ["https://x.example"], "domains": [], "replace": False}
        numbers = []
        for _ in range(2):
            self.by("dung", "/v1/admin/notices", notice)
            numbers.append(self.newest("notice"))
        return {"admin.type.put": (0, kind, "dung"), "admin.vendor.put": (0, module, "dung"), "admin.agency.put": (0, agency, "dung"), "admin.notice.add": (0, notice, "dung"),
                "admin.notice.change": (numbers[0], {**notice, "severity": "warning"}, "dung"), "admin.notice.remove": (numbers[1], {}, "dung"),
                "admin.backup": (0, {}, "dung"), "admin.mail.test": (0, {}, "dung"), "admin.audit.verify": (0, {}, "dung"), "admin.mail.retry": (self.given_up(), {}, "dung"),
                "admin.import": (0, {"table": "manufacturer,model,serial,sealed,customer,email\n", "dry_run": True}, "dung")}

    def given_up(self):
        """A mail that nobody got."""
        m = Machine(self.stage).create()
        self.stage.sql("INSERT INTO outbox (number, kind, recipient, state, due, created, error) VALUES (?, 'expired', 'khach@khach.example', 'failed', 1, 1, 'mail_refused')", m.number)
        return self.newest("outbox")

    def people_bodies(self):
        """Binh is the second operator, who has proposed what the first one decides about."""
        self.stage.sh("tms_person $DIR binh 'Trần Thị Bình' operator; for one in one two three four five; do pki_person $DIR new-$one \"Người Mới $one\"; done; "
                      "tms_person $DIR new-four 'Người Mới four' viewer; tms_person $DIR new-five 'Người Mới five' viewer")

        def proposal(name):
            with open(f"{self.stage.dir}/pki/new-{name}.pem", encoding="ascii") as f:
                return {"name": f"Người Mới {name}", "role": "viewer", "agency": "", "certificate": f.read(), "reason": "x"}

        def proposed(name):
            self.by("binh", "/v1/admin/people", proposal(name))
            return self.newest("enrolment")

        leaves, loses = (self.stage.sql("SELECT id FROM person WHERE name = ?", f"Người Mới {name}")[0][0] for name in ("four", "five"))
        print_of = self.stage.sql("SELECT fingerprint FROM person WHERE id = ?", loses)[0][0].hex()
        return {"admin.person.propose": (0, proposal("one"), "dung"), "admin.person.remove": (leaves, {"reason": "x"}, "dung"),
                "admin.certificate.retire": (loses, {"fingerprint": print_of, "reason": "x"}, "dung"),
                "admin.enrolment.confirm": (proposed("two"), {}, "dung"), "admin.enrolment.reject": (proposed("three"), {"reason": "x"}, "dung")}

    def test_every_route_of_the_desk_that_looks(self):
        m = Machine(self.stage).create()
        on_record = self.on_record()
        gets = [row for row in routes("desk") if row[1] == "GET"]
        self.assertIn("admin.me", [name for name, _, _ in gets])
        for name, method, path in gets:
            number = on_record if name == "admin.token" else m.number
            who = caller(next(roles for route, _, _, roles in ROUTES if route == name))
            right = {"method": method, "path": asked(path.replace("{number}", str(number))), "body": None, "headers": {"X-Client-Certificate": self.people[who]}}
            cells = {f"Origin {o!r}": (("origin_refused",), {"headers": {"Origin": o}}) for o in ("https://evil.example", "null", "", self.portal)}
            cells.update({f"Sec-Fetch-Site {s!r}": (("origin_refused",), {"headers": {"Sec-Fetch-Site": s}}) for s in ("cross-site", "same-site", "")})
            cells.update({f"{verb} in place of GET": (("method_not_found", None), {"method": verb}) for verb in ("HEAD", "OPTIONS", "PUT", "DELETE", "POST")})
            self.sweep(name, self.admin_socket, cells, right)
            before = self.remembered()
            for headers in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": self.console}):
                self.assertEqual(self.send(self.admin_socket, method, right["path"], None, {**right["headers"], **headers})[0], 200, name)
            self.assertTrue(self.remembered() == before)

    def test_every_route_of_a_page(self):
        """They only look, say the same to everybody, and read for no page of another site."""
        rows = routes("page")
        self.assertEqual([name for name, _, _ in rows], ["notices"])
        for name, method, path in rows:
            right = {"method": method, "path": path, "body": None, "headers": {}}
            cells = {f"Origin {o!r}": (("origin_refused",), {"headers": {"Origin": o}}) for o in ("https://evil.example", "null", "", self.portal, self.console)}
            cells.update({f"Sec-Fetch-Site {s!r}": (("origin_refused",), {"headers": {"Sec-Fetch-Site": s}}) for s in ("cross-site", "same-site", "", "Same-Origin", "same-origin, none")})
            cells.update({f"{verb} in place of GET": (("method_not_found", None), {"method": verb}) for verb in ("HEAD", "OPTIONS", "PUT", "DELETE", "POST")})
            before = self.sweep(name, self.public_socket, cells, right)
            for headers in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
                self.assertEqual(self.send(self.public_socket, method, path, None, headers)[0], 200)
            self.assertTrue(self.dump() == before)

    def test_every_route_of_a_machine(self):
        """A route that is new needs a step here, in the order of a request's life."""
        m = Machine(self.stage)
        gone = Machine(self.stage).create()

        def signed(which, verb):
            which.counter += 1
            return {"counter": which.counter, "signature": ref.b64(which.sig.sign(ref.verb_request(verb, which.id, which.counter)))}

        def create():
            kem, sig, key = ref.kem_public(m.kem), ref.sig_public(m.sig), os.urandom(16)
            r = ref.create_hash(m.token, m.certificate, "locked", "vi", kem, sig, key)
            return {"token": m.token, "certificate": ref.b64(m.certificate), "reason": "locked", "language": "vi", "host_kem_pk": ref.b64(kem),
                    "host_sig_pk": ref.b64(sig), "idempotency_key": ref.b64(key), "signature": ref.b64(m.sig.sign(ref.create_request(r)))}

        def adopt():
            """The request that the right call has made, approved."""
            m.number = self.stage.sql("SELECT max(number) FROM request WHERE serial = ?", m.token["serial"])[0][0]
            m.id = self.stage.sql("SELECT id FROM request WHERE number = ?", m.number)[0][0]
            m.phrase = ref.phrase(m.id, ref.kem_public(m.kem), ref.sig_public(m.sig))
            m.approve()
            m.code()
            self.quiet()
            self.stage.sql("UPDATE outbox SET created = created - 3600, due = due - 3600 WHERE number = ?", m.number)
            self.stage.sql("UPDATE code SET created = created - 3600 WHERE number = ?", m.number)

        def release():
            return m.release_body(m.key_of(m.code()))

        def done():
            m.counter += 1
            fields = {"result": "completed", "stage": "reporting", "cryptoki": 0, "error": "ok", "rotated": 1, "proof_mechanism": "", "proof": b""}
            return {**fields, "rotated": True, "proof": "", "counter": m.counter, "signature": ref.b64(m.sig.sign(ref.done_request(m.id, m.counter, **fields)))}

        steps = {"create": (m, create), "status": (m, lambda: signed(m, "status")), "resend": (m, lambda: signed(m, "resend")), "cancel": (gone, lambda: signed(gone, "cancel")),
                 "release": (m, release), "grant": (m, lambda: {"active": 0, "signature": ref.b64(m.sig.sign(ref.grant_request(m.h, 0)))}), "done": (m, done)}
        rows = {name: (method, path) for name, method, path in routes("machine")}
        self.assertEqual(sorted(rows), sorted(steps), "a route of a machine has no right call here")
        for name, (which, body) in steps.items():
            method, path = rows[name]
            self.quiet()
            right = {"method": method, "path": path.replace("{id}", ref.b64(which.id) if name != "create" else ""), "body": json.dumps(body()),
                     "headers": {"Content-Type": "application/json"}}
            before = self.sweep(name, self.public_socket, self.machine_cells(), right)
            self.right_changes(name, self.public_socket, right, before)
            if name == "create":
                adopt()


HSTS = ("strict-transport-security", "max-age=31536000")
ALWAYS = dict((HSTS, ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"), ("cross-origin-opener-policy", "same-origin"),
               ("cross-origin-resource-policy", "same-origin")))

TAG = "/sdk/embed.js"  # what an agency's page loads


class Headers(unittest.TestCase):
    """What an answer says, whoever made it: the server, a file, or nginx itself."""

    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()

    @classmethod
    def tearDownClass(cls):
        cls.stage.close()

    def head(self, port, path, *options, person=None):
        command = ["curl", "-sS", "--path-as-is", "-D", "-", "-o", "/dev/null", "--max-time", "20", "--cacert", f"{self.stage.dir}/pki/tls-ca.pem", *options,
                   f"https://localhost:{port}{path}"]
        if person:
            command += ["--cert", f"{self.stage.dir}/pki/{person}.pem", "--key", f"{self.stage.dir}/pki/{person}.key"]
        lines = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.strip().splitlines()
        rows = [tuple(part.strip() for part in line.split(":", 1)) for line in lines if ":" in line]
        return int(lines[0].split()[1]), [(k.lower(), v) for k, v in rows]

    def files(self, site):
        """What the folder of a site has that is served."""
        root = f"{self.stage.dir}/portal"
        found = ["/", "/config.json"]
        for folder, at in ((site, "/"), (f"{site}/texts", "/texts/"), ("sdk", "/sdk/"), ("style", "/style/")):
            for name in sorted(os.listdir(f"{root}/{folder}")):
                if re.fullmatch(r"[a-z_-]+\.(html|js|json|svg|css)", name) and not (at in ("/sdk/", "/style/") and name.endswith(".json")):
                    found.append(at + name)
        return found

    def held(self, port, path, want, *options, person=None, page=False, cache="no-store"):
        status, rows = self.head(port, path, *options, person=person)
        said = dict(rows)
        with self.subTest(port="desk" if port == self.stage.admin else "public", path=path, options=options):
            self.assertEqual(status, want)
            for name, value in ALWAYS.items():
                self.assertEqual([v for k, v in rows if k == name], [value], name)
            self.assertEqual([v for k, v in rows if k == "cache-control"], ["no-cache" if page else cache])
            policies = [v for k, v in rows if k == "content-security-policy"]
            self.assertEqual(len(policies), 1)
            self.assertRegex(policies[0], r"\Adefault-src 'none';.*frame-ancestors 'none'")
            self.assertNotIn("unsafe", policies[0])
            self.assertEqual("script-src 'self'" in policies[0], page)
            self.assertNotIn("*", policies[0])
            self.assertFalse([k for k in said if k.startswith("access-control") or k in ("set-cookie", "x-powered-by")])
            self.assertEqual(said.get("server"), "nginx")
        return 1

    def test_every_path(self):
        count = 0
        for port, site, person in ((self.stage.public, "customer", None), (self.stage.admin, "console", "an")):
            files = self.files(site)
            self.assertGreater(len(files), 10)
            for path in files:
                if not (site == "customer" and path == TAG):
                    count += self.held(port, path, 200, person=person, page=True)
            for path in ("/nothing", "/v1/", "/sdk/", "/sdk/tests/fake.js", "/texts/", "/.git/config"):
                count += self.held(port, path, 404, person=person)
            for path in ("/a.js", "/texts/xx.json"):  # a name that could be a page
                count += self.held(port, path, 404, person=person, page=True)
        for name, method, path, roles in ROUTES:
            who = door(roles)
            desk = who == "desk"
            path = asked(path.replace("{number}", "999999").replace("{id}", "A" * 22))
            port, person = (self.stage.admin, caller(roles)) if desk else (self.stage.public, None)
            looks, one = method == "GET", "999999" in path
            want = (404 if one else 200) if looks else 403 if desk else 400
            count += self.held(port, path, want, "-X", method, *(("-H", "Content-Type: application/json", "-d", "{}") if method == "POST" else ()), person=person,
                               cache="max-age=60" if who == "page" else "no-store")
            count += self.held(port, path, 413, "-X", method, "-d", "x" * 40000, person=person)
            count += self.held(port, path, 404, "-X", "OPTIONS", "-H", "Origin: https://evil.example", "-H", "Access-Control-Request-Method: POST", person=person)
        for path in ("/", "/v1/admin/me", "/console.js", "/nothing"):
            count += self.held(self.stage.admin, path, 403, page=not path.startswith("/v1/"))  # without a certificate
        count += self.held(self.stage.admin, "/v1/admin/me", 403, person="stranger")
        for header in ("Origin: https://evil.example", "Sec-Fetch-Site: cross-site"):
            count += self.held(self.stage.public, "/v1/notices", 403, "-H", header)
        count += self.held(self.stage.public, "/v1/requests", 400, "-H", "Content-Length: x", "-X", "POST")
        self.stage.sh("serve_down $DIR")
        try:
            count += self.held(self.stage.public, "/v1/requests", 502, "-X", "POST", "-d", "{}")
            count += self.held(self.stage.admin, "/v1/admin/me", 502, person="an")
            count += self.held(self.stage.public, "/v1/notices", 502)
        finally:
            self.stage.sh("serve_up $DIR")
        print(f"headers: {count} answers")

    def test_what_an_agency_loads(self):
        """The tag is for any page to fetch and run, and says nothing of anybody; the frame is for the agency's pages alone."""
        status, rows = self.head(self.stage.public, TAG, "-H", "Origin: https://agency.example")
        said = dict(rows)
        self.assertEqual(status, 200)
        self.assertEqual(said["access-control-allow-origin"], "*")
        self.assertEqual(said["cross-origin-resource-policy"], "cross-origin")
        self.assertEqual(said["x-content-type-options"], "nosniff")
        self.assertNotIn("access-control-allow-credentials", said)
        status, rows = self.head(self.stage.public, "/embed/nobody", "-H", "Origin: https://agency.example")
        said = dict(rows)
        self.assertEqual(status, 404)
        policies = [v for k, v in rows if k == "content-security-policy"]
        self.assertEqual(len(policies), 1)
        self.assertRegex(policies[0], r"frame-ancestors 'none'")
        self.assertEqual(said["cache-control"], "no-store")
        self.assertFalse([k for k in said if k.startswith("access-control") or k == "set-cookie"])


if __name__ == "__main__":
    machine.enter_stage()
    unittest.main()
