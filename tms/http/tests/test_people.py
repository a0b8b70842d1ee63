# SPDX-License-Identifier: Apache-2.0
"""People at the desk, at the real mokhoa-tms: what takes two operators, what takes one, and that a second certificate makes no second person.

    test_people.py PROGRAM
"""
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[3] / folder) for folder in ("tests/protocol", "tests/check")]

import test_tms_wire as wire
from cryptography.hazmat.primitives.asymmetric import ec
from seen import seen

PEOPLE = {"first": "operator", "second": "operator", "looks": "viewer"}  # enrolled by the command line
MORE = ("first-renewed", "newcomer", "nobody")


class Server(wire.Server):
    def write_files(self):
        super().write_files()
        key = ec.generate_private_key(ec.SECP256R1())
        pem = wire.make_certificate("CA4", key, "CA4", key, True)
        (self.folder / "admin.pem").write_text(pem)
        for name in (*PEOPLE, *MORE):
            self.certificates[name] = wire.make_certificate(name, ec.generate_private_key(ec.SECP256R1()), "CA4", key, False)
            (self.folder / (name + ".pem")).write_text(self.certificates[name])

    def enrol(self, role):
        if role == "approver":
            for name, of in PEOPLE.items():
                self.person(name, "--name", name, "--role", of)

    def person(self, certificate, *words):
        subprocess.run([self.program, "person", "add", "--config", str(self.config), "--certificate", str(self.folder / (certificate + ".pem")), *words], check=True, stdout=subprocess.DEVNULL,
                       timeout=60)


class People(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.server = Server(wire.PROGRAM, self.folder.name)
        self.addCleanup(self.server.stop)

    def ask(self, who, path, body=None):
        """The error's name, or None and what stands in self.said."""
        status, self.said = self.server.call("/v1/admin/" + path, "GET" if body is None else "POST", json.dumps(body).encode(), who)
        name = self.said.get("error", {}).get("data", {}).get("name")
        self.assertEqual(status == 200, name is None)
        if name:
            seen(name, "test_people: " + self._testMethodName)
        return name

    def propose(self, who, name, role="approver", certificate=None, agency=""):
        return self.ask(who, "people", {"name": name, "role": role, "agency": agency, "certificate": self.server.certificates.get(certificate or name, certificate), "reason": "thử"})

    def waiting(self):
        self.assertIsNone(self.ask("second", "people"))
        return [row["number"] for row in self.said["enrolments"]]

    def confirm(self, who, number):
        return self.ask(who, "enrolments/%d/confirm" % number, {})

    def number_of(self, name):
        self.assertIsNone(self.ask("second", "people"))
        [number] = [p["number"] for p in self.said["people"] if p["name"] == name]
        return number

    def test_a_person_takes_two(self):
        self.assertEqual(self.ask("newcomer", "me"), "admin_unknown")
        self.assertIsNone(self.propose("first", "newcomer"))
        [number] = self.waiting()
        self.assertEqual(self.said["enrolments"][0]["proposed_by"], "first")
        self.assertEqual(self.ask("newcomer", "me"), "admin_unknown", "a proposal lets nobody in")
        self.assertEqual(self.confirm("first", number), "second_person")
        self.assertIsNone(self.confirm("second", number))
        self.assertIsNone(self.ask("newcomer", "me"))
        self.assertEqual(self.said["role"], "approver")
        self.assertEqual(self.confirm("second", number), "proposal_closed")
        # a higher role with the certificate that is there
        self.assertIsNone(self.propose("second", "newcomer", "operator"))
        [number] = self.waiting()
        self.assertIsNone(self.ask("newcomer", "me"))
        self.assertEqual(self.said["role"], "approver", "nor does one raise anybody")
        self.assertIsNone(self.confirm("first", number))
        self.assertIsNone(self.ask("newcomer", "me"))
        self.assertEqual(self.said["role"], "operator")

    def test_a_second_certificate_is_no_second_person(self):
        self.assertIsNone(self.propose("second", "first", "operator", "first-renewed"))
        [number] = self.waiting()
        self.assertIsNone(self.confirm("first", number))
        self.assertIsNone(self.ask("first-renewed", "me"))
        self.assertEqual((self.said["name"], self.ask("first", "me")), ("first", None), "both certificates are the same person's")
        self.assertIsNone(self.propose("first", "newcomer"))
        [number] = self.waiting()
        self.assertEqual(self.confirm("first-renewed", number), "second_person")
        self.assertIsNone(self.ask("first-renewed", "enrolments/%d/reject" % number, {"reason": "đổi ý"}), "it is withdrawn by who made it, with whichever")
        self.assertEqual(self.confirm("second", number), "proposal_closed")

    def test_what_is_refused(self):
        self.assertEqual(self.propose("first", "somebody", certificate="no certificate"), "certificate_refused")
        self.assertEqual(self.propose("first", "somebody", certificate=self.server.certificates["approver"]), "certificate_refused", "of another authority")
        self.assertEqual(self.propose("first", "somebody", certificate="second"), "certificate_refused", "somebody else's")
        self.assertEqual(self.propose("first", "newcomer", agency="nowhere"), "agency_unknown")
        self.assertEqual(self.propose("first", "newcomer", "operator", agency="nowhere"), "invalid_params")
        self.assertEqual(self.propose("looks", "newcomer"), "role_refused")
        self.assertEqual(self.ask("looks", "people"), "role_refused")
        self.assertEqual(self.waiting(), [])

    def test_one_certificate_for_two_names(self):
        """What was good when it was proposed is looked at again when it is confirmed: nobody becomes somebody else."""
        self.assertIsNone(self.propose("first", "newcomer", "viewer"))
        self.assertIsNone(self.propose("first", "Người Khác", "operator", "newcomer"))
        one, other = self.waiting()
        self.assertIsNone(self.confirm("second", one))
        self.assertEqual(self.confirm("second", other), "certificate_refused")
        self.assertIsNone(self.ask("newcomer", "me"))
        self.assertEqual((self.said["name"], self.said["role"]), ("newcomer", "viewer"))
        self.assertEqual(self.waiting(), [other], "and can be rejected")

    def test_who_proposed_and_has_left(self):
        self.assertIsNone(self.propose("first", "newcomer"))
        [number] = self.waiting()
        self.assertIsNone(self.ask("second", "people/%d/remove" % self.number_of("first"), {"reason": "nghỉ việc"}))
        self.assertEqual(self.ask("first", "me"), "admin_unknown")
        self.assertEqual(self.confirm("second", number), "proposal_closed")
        self.assertEqual(self.ask("newcomer", "me"), "admin_unknown")

    def test_shut_out_at_once_but_the_last(self):
        self.assertIsNone(self.ask("second", "people/%d/remove" % self.number_of("looks"), {"reason": "nghỉ việc"}))
        self.assertEqual(self.ask("looks", "me"), "admin_unknown")
        self.assertEqual(self.ask("second", "people/%d/remove" % self.number_of("looks"), {"reason": "x"}), "person_unknown")
        self.assertIsNone(self.ask("second", "people/%d/remove" % self.number_of("first"), {"reason": "nghỉ việc"}))
        self.assertEqual(self.ask("second", "people/%d/remove" % self.number_of("second"), {"reason": "x"}), "last_operator")
        # who comes back has the certificate that is named then, and no older one
        self.server.person("first-renewed", "--name", "first", "--role", "viewer")
        self.assertEqual((self.ask("first-renewed", "me"), self.ask("first", "me")), (None, "admin_unknown"))

    def test_whose_certificates_have_run_out_is_no_operator_that_is_left(self):
        with sqlite3.connect(self.server.folder / "data" / "tms.sqlite") as db:
            db.execute("UPDATE person_certificate SET not_after = 1 WHERE person = ?", (self.number_of("first"),))
        self.assertEqual(self.ask("second", "people/%d/remove" % self.number_of("second"), {"reason": "x"}), "last_operator")
        # he himself goes, though there is one operator besides him
        self.assertIsNone(self.ask("second", "people/%d/remove" % self.number_of("first"), {"reason": "nghỉ việc"}))

    def retire(self, who, person, fingerprint):
        return self.ask(who, "people/%d/retire" % self.number_of(person), {"fingerprint": fingerprint, "reason": "mất thẻ"})

    def prints_of(self, name):
        self.assertIsNone(self.ask("second", "people"))
        [person] = [p for p in self.said["people"] if p["name"] == name]
        return {c["fingerprint"]: c["retired"] for c in person["certificates"]}

    def test_one_certificate_and_not_the_person(self):
        [old] = self.prints_of("first")
        self.server.person("first-renewed", "--name", "first", "--role", "operator")
        [new] = set(self.prints_of("first")) - {old}
        self.assertEqual(self.retire("second", "looks", old), "certificate_unknown", "somebody else's")
        self.assertEqual(self.retire("second", "first", "0" * 64), "certificate_unknown")
        self.assertIsNone(self.retire("second", "first", old))
        self.assertEqual((self.ask("first", "me"), self.ask("first-renewed", "me")), ("admin_unknown", None))
        retired = self.prints_of("first")
        self.assertTrue(retired[old] and not retired[new], "and since when is shown")
        self.assertEqual(self.retire("second", "first", old), "certificate_unknown", "it opens nothing already")
        # who has none left is no operator who could let anybody in
        self.assertIsNone(self.retire("second", "first", new))
        self.assertEqual(self.ask("first-renewed", "me"), "admin_unknown")
        [last] = self.prints_of("second")
        self.assertEqual(self.retire("second", "second", last), "last_operator")
        self.assertIsNone(self.ask("second", "me"), "and nothing has changed")
        with sqlite3.connect(self.server.folder / "data" / "tms.sqlite") as db:
            rows = db.execute("SELECT detail, audit_note.text FROM audit LEFT JOIN audit_note ON audit_note.id = audit.id WHERE what = 'certificate' ORDER BY audit.id").fetchall()
        self.assertEqual([(detail.split("=")[-1], note) for detail, note in rows], [(old, "name=first reason=mất thẻ"), (new, "name=first reason=mất thẻ")])

    def test_everything_is_in_the_audit(self):
        self.assertIsNone(self.propose("first", "newcomer"))
        [number] = self.waiting()
        self.assertIsNone(self.ask("second", "enrolments/%d/reject" % number, {"reason": "không cần"}))
        self.assertIsNone(self.ask("second", "people/%d/remove" % self.number_of("looks"), {"reason": "nghỉ việc"}))
        with sqlite3.connect(self.server.folder / "data" / "tms.sqlite") as db:
            rows = db.execute("SELECT person.name, detail, audit_note.text FROM audit JOIN person ON person.id = audit.person LEFT JOIN audit_note ON audit_note.id = audit.id"
                              " WHERE what = 'person' ORDER BY audit.id").fetchall()
        self.assertEqual([(who, detail.split("=")[0]) for who, detail, _ in rows], [("first", "propose"), ("second", "reject"), ("second", "remove")])
        self.assertEqual(rows[1][2], "name=newcomer reason=không cần")


if __name__ == "__main__":
    wire.run_with_program(People, __doc__)
