# SPDX-License-Identifier: Apache-2.0
"""Every route of the desk x every role of an agency x a row of its own, of another agency, of nobody and one that is not there, at the real mokhoa-tms.

    test_scope_matrix.py PROGRAM

The routes and who may are read from tms.openapi.json. A row that is not the agency's is answered with the same status and the same bytes as one that is not there, and is not changed; no list, count or
history has anything of it. A route that is added is in the table by itself; one whose body is not known here is a fault.
"""
import contextlib
import http.client
import itertools
import json
import pathlib
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[3] / folder) for folder in ("tests/protocol", "tests/check")]

import test_tms_wire as wire
from cryptography.hazmat.primitives.asymmetric import ec
from seen import seen

ROLES = {"agency_viewer": "viewer", "agency_approver": "approver"}
UNKNOWN = 2**53 - 2
OWNERS = {"own": "ours", "foreign": "theirs", "nobody": ""}
MARKS = {"own": "Khaichung", "foreign": "Bimatrieng", "nobody": "Vochunhan"}  # in every text of their rows
KINDS = {"requests": "request_unknown", "tokens": "token_unknown", "proposals": "proposal_unknown", "mails": "mail_unknown"}

# Bodies that the schemas take, by the name of the schema; what one leads to with a row of one's own is the operation's business.
BODIES = {
    "approve_request": {"how": "form", "reference": "BM-02", "phrase": "0000-0000"},
    "refuse_request": {"reason": "thử"},
    "nothing_request": {},
}
# What is looked for in lists that take a query: {mark}, {number} stand for the row's.
QUERIES = {
    "admin.list": ("customer={mark}", "email={mark}", "token_serial={mark}", "certificate_serial={hex}", "state=pending&customer={mark}", "before={next}&limit=1&token_serial={mark}", "agency={agency}"),
    "admin.tokens": ("customer={mark}", "email={mark}", "token_serial={mark}", "order=serial&after={number}", "life=active&customer={mark}", "state=unverified&email={mark}", "agency={agency}"),
    "admin.report": ("from=1&to=86400&agency={agency}",),
}


class Server(wire.Server):
    """Two agencies, a person of each role of the first, and a customer with a token, a request and a proposal of each owner."""

    def write_files(self):
        super().write_files()
        key = ec.generate_private_key(ec.SECP256R1())
        pem = wire.make_certificate("CA3", key, "CA3", key, True)
        (self.folder / "admin.pem").write_text((self.folder / "admin.pem").read_text() + pem)
        for name in ROLES:
            self.certificates[name] = wire.make_certificate(name, ec.generate_private_key(ec.SECP256R1()), "CA3", key, False)
            (self.folder / (name + ".pem")).write_text(self.certificates[name])

    def fill(self):
        for agency in filter(None, OWNERS.values()):
            self.run("agency", "add", agency, "--name", agency, "--origin", "https://%s.example" % agency)
        for name, role in ROLES.items():
            self.run("person", "add", "--certificate", str(self.folder / (name + ".pem")), "--name", name, "--role", role, "--agency", "ours")
        self.numbers = {owner: self.add_customer(owner) for owner in OWNERS}

    def run(self, *words):
        subprocess.run([self.program, *words, "--config", str(self.config)], check=True, stdout=subprocess.DEVNULL, timeout=60)

    def sql(self, statement, *values):
        with contextlib.closing(sqlite3.connect(self.folder / "data" / "tms.sqlite", timeout=20)) as db, db:
            cursor = db.execute(statement, values)
            return cursor.fetchall() if cursor.description else cursor.lastrowid

    def add_customer(self, owner):
        mark = MARKS[owner]
        table = "manufacturer,model,serial,so_pin,customer,email,certificate_serial,agency\nM,,%s,1234,%s Co,%s@example.vn,%s,%s\n" % (mark, mark, mark, mark.encode().hex(), OWNERS[owner])
        sealed = subprocess.run([self.program, "seal", "--vault-key", str(self.folder / "vault.pub")], input=table, check=True, capture_output=True, text=True, timeout=60).stdout
        subprocess.run([self.program, "import", "--config", str(self.config)], input=sealed, check=True, capture_output=True, text=True, timeout=60)
        [(token, row)] = self.sql("SELECT id, active FROM token WHERE serial = ?", mark)
        wire.Life(self, mark)
        [(request,)] = self.sql("SELECT max(number) FROM request")
        self.sql("UPDATE request SET state = 'pending', customer = ?, email = ?, certificate_serial = ? WHERE number = ?", mark + " Co", mark + "@example.vn", mark.encode().hex().upper(), request)
        proposal = self.sql("INSERT INTO proposal (token, kind, version, sealed, compared, active, next, life, reason, proposer, created, expires) SELECT ?, 'cure', 0, x'', '', ?, 0, 'active', ?, id, 1,"
                            " 4000000000 FROM person WHERE name = 'operator'", token, row, mark)
        mail = self.sql("INSERT INTO outbox (number, kind, recipient, state, due, created, error) VALUES (?, 'expired', ?, 'failed', 1, 1, 'mail_refused')", request, mark + "@example.vn")
        return {"requests": request, "tokens": token, "proposals": proposal, "mails": mail}

    def raw(self, method, path, person, body=None):
        """(status, bytes)"""
        headers = {"X-Client-Certificate": urllib.parse.quote(self.certificates[person], safe="")}
        if method != "GET":
            headers.update({"Content-Type": "application/json", "Origin": wire.CONSOLE, "X-Mokhoa-CSRF": self.csrf(person)})
        connection = http.client.HTTPConnection("localhost", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(60)
        connection.sock.connect(self.admin)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def name_of(said):
    return json.loads(said[1]).get("error", {}).get("data", {}).get("name")


class Matrix(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.server = Server(wire.PROGRAM, self.folder.name)
        self.addCleanup(self.server.stop)
        self.server.fill()
        self.api = wire.Contract(wire.read_texts()).tms

    def routes(self):
        for path, item in self.api["paths"].items():
            for method, operation in item.items():
                if path.startswith("/v1/admin/"):
                    yield method.upper(), path, operation

    def body_of(self, operation):
        if "requestBody" not in operation:
            return None
        schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        return BODIES.get(schema)

    def rows(self, owner):
        """All that is known of a customer."""
        mark, ids = MARKS[owner], self.server.numbers[owner]
        return [self.server.sql("SELECT * FROM %s WHERE %s = ?" % (table, column), value) for table, column, value in
                (("token", "serial", mark), ("request", "serial", mark), ("proposal", "id", ids["proposals"]), ("audit", "number", ids["requests"]), ("audit", "token", ids["tokens"]),
                 ("approval", "number", ids["requests"]), ("outbox", "number", ids["requests"]))]

    def silent(self, said, where):
        """Nothing of anybody else's customer is in an answer."""
        for owner in ("foreign", "nobody"):
            self.assertNotIn(MARKS[owner].lower().encode(), said[1].lower(), where)
            self.assertNotIn(MARKS[owner].encode().hex().upper().encode(), said[1].upper(), where)

    def test_rows(self):
        """Every route with a number."""
        cells = 0
        before = {owner: self.rows(owner) for owner in ("foreign", "nobody")}
        for (method, path, operation), role in itertools.product(self.routes(), ROLES):
            if "{number}" not in path:
                continue
            kind = path.split("/")[3]
            may = role in operation["x-roles"]
            body = self.body_of(operation)
            self.assertFalse(may and method == "POST" and body is None, "%s: this test does not know what to send" % path)
            body = {} if body is None and method == "POST" else body
            unknown = self.server.raw(method, path.replace("{number}", str(UNKNOWN)), role, body)
            self.assertEqual(name_of(unknown), KINDS.get(kind, "role_refused") if may else "role_refused", path)
            for owner in OWNERS:
                number = self.server.numbers[owner].get(kind, 1)
                said = self.server.raw(method, path.replace("{number}", str(number)), role, body)
                where = "%s %s, %s, %s" % (method, path, role, owner)
                with self.subTest(where):
                    self.silent(said, where)
                    if owner != "own" or not may:
                        self.assertEqual(said, unknown)
                    else:
                        self.assertNotEqual(name_of(said), name_of(unknown), "its own row is there")
                    cells += 1
        self.assertEqual(before, {owner: self.rows(owner) for owner in ("foreign", "nobody")}, "nothing of them was changed")
        seen("role_refused", "test_scope_matrix")
        print("%d cells of routes with a number" % cells)

    def test_lists(self):
        """Every route without one: nothing of another's is in it, whatever is looked for, and what is looked for in vain is answered as what nobody has."""
        cells = 0
        for (method, path, operation), role in itertools.product(self.routes(), ROLES):
            if re.search(r"\{\w+\}", path):
                continue
            said = self.server.raw(method, path, role, {} if method == "POST" else None)
            with self.subTest("%s %s, %s" % (method, path, role)):
                self.silent(said, path)
                self.assertEqual(name_of(said) == "role_refused", role not in operation["x-roles"])
                cells += 1
            for query, owner in itertools.product(QUERIES.get(operation["operationId"], ()), ("foreign", "nobody")):
                kind = path.split("/")[3]
                there, absent = ({"mark": mark, "hex": mark.encode().hex(), "number": number, "next": number + 1, "agency": agency}
                                 for mark, number, agency in ((MARKS[owner], self.server.numbers[owner].get(kind, 1), OWNERS[owner]), ("Khongco", UNKNOWN, "khongco")))
                with self.subTest("%s?%s, %s, %s" % (path, query, role, owner)):
                    self.assertEqual(self.server.raw(method, "%s?%s" % (path, query.format(**there)), role), self.server.raw(method, "%s?%s" % (path, query.format(**absent)), role))
                    cells += 1
            for query in QUERIES.get(operation["operationId"], ()):
                if "{mark}" in query and "after" not in query:
                    own = {"mark": MARKS["own"], "hex": MARKS["own"].encode().hex(), "number": 0, "next": self.server.numbers["own"]["requests"] + 1}
                    self.assertIn(MARKS["own"].encode(), self.server.raw(method, "%s?%s" % (path, query.format(**own)), role)[1], query)
        print("%d cells of lists and what is looked for in them" % cells)

    def test_one_agency(self):
        """The authority's people see what one agency's see, and who is of an agency says his own at most."""
        day = 86400 * (int(time.time()) // 86400)
        for person, agency in (("auditor", "ours"), ("approver", "ours"), ("agency_viewer", "ours")):
            for path in ("/v1/admin/requests?", "/v1/admin/tokens?"):
                said = self.server.raw("GET", path + "agency=" + agency, person)
                self.silent(said, path)
                self.assertIn(MARKS["own"].encode(), said[1], path)
            said = json.loads(self.server.raw("GET", "/v1/admin/report?from=%d&to=%d&agency=%s" % (day - 86400, day + 2 * 86400, agency), person)[1])
            self.assertEqual((said["states"]["pending"], [row["agency"] for row in said["agencies"]]), (1, [agency]), person)
        for path in ("requests?", "tokens?", "report?from=1&to=2&"):
            self.assertEqual(name_of(self.server.raw("GET", "/v1/admin/%sagency=theirs" % path, "agency_viewer")), "invalid_params", path)
            self.assertEqual(name_of(self.server.raw("GET", "/v1/admin/%sagency=khongco" % path, "auditor")), None, path)
        # what comes after it is whole again
        self.assertIn(MARKS["foreign"].encode(), self.server.raw("GET", "/v1/admin/tokens", "auditor")[1])

    def test_counts(self):
        """What comes in for others moves nothing."""
        said = {role: json.loads(self.server.raw("GET", "/v1/admin/waiting", role)[1]) for role in ROLES}
        for role in ROLES:
            self.assertEqual((said[role]["pending"], said[role]["unidentified"], said[role]["proposals"]), (1, 0, 1))
        wire.Life(self.server, MARKS["foreign"])
        wire.Life(self.server, "stranger")
        for role in ROLES:
            now = json.loads(self.server.raw("GET", "/v1/admin/waiting", role)[1])
            self.assertEqual({**now, "mark": now["mark"].split(".")[:2]}, {**said[role], "mark": said[role]["mark"].split(".")[:2]})

    def test_a_customer_who_moves(self):
        """From one call to the next, with all requests; and back into sight."""
        path = "/v1/admin/requests/%d" % self.server.numbers["foreign"]["requests"]
        unknown = self.server.raw("GET", "/v1/admin/requests/%d" % UNKNOWN, "agency_viewer")
        self.assertEqual(self.server.raw("GET", path, "agency_viewer"), unknown)
        self.server.sql("UPDATE token SET agency = 'ours' WHERE serial = ?", MARKS["foreign"])
        self.server.sql("UPDATE request SET agency = 'ours' WHERE serial = ?", MARKS["foreign"])
        self.assertEqual(self.server.raw("GET", path, "agency_viewer")[0], 200)


if __name__ == "__main__":
    wire.run_with_program(Matrix, __doc__)
