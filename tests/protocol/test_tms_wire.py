# SPDX-License-Identifier: Apache-2.0
"""Sends every vector of vectors/tms.json through a real mokhoa-tms over its two Unix sockets, then a request's life as the reference signs it.

    test_tms_wire.py BIN

BIN holds mokhoa-tms, which is started in a temporary folder without nginx, vault or mail server. Each answer must be the vector's
status and error, and one that tms.openapi.json takes. A vector of the desk that would change request 1 gets an open request of its own, one of the operator a token
or a proposal.
"""
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
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

from contract import Contract, Schemas, read_texts, sent_bytes

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "check"))

import reference as ref
import samples
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from seen import seen

CONSOLE = "https://console.example"
START_S = 20
PROGRAM = ""  # of run_with_program()


# ---- certificates ----

def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make_certificate(subject, key, issuer, issuer_key, authority):
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(name_of(subject)).issuer_name(name_of(issuer)).public_key(key.public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
               .not_valid_after(now + datetime.timedelta(days=30))
               .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True))
    if authority:
        usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
                               "decipher_only"), False)
        builder = builder.add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
    else:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


# ---- the server ----

class Server:
    def __init__(self, program, folder):
        self.program = program
        self.folder = pathlib.Path(folder)
        self.config = self.folder / "tms.json"
        self.public = str(self.folder / "public.sock")
        self.admin = str(self.folder / "admin.sock")
        self.certificates = {}
        self.write_files()
        self.log = open(self.folder / "log", "w+b")
        self.process = subprocess.Popen([program, "serve", "--config", str(self.config)], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.wait()
        for role in ("approver", "auditor", "operator"):
            self.enrol(role)

    def write_files(self):
        keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "approver", "auditor", "operator", "stranger")}
        authority = make_certificate("CA", keys["ca"], "CA", keys["ca"], True)
        for name in ("approver", "auditor", "operator", "stranger"):
            self.certificates[name] = make_certificate(name, keys[name], "CA", keys["ca"], False)
        for name, text in (("admin.pem", authority), ("issuers.pem", authority), ("signing.key", ref.b64(samples.fixed("tms sig")) + "\n"),
                           ("vault.pub", ref.b64(ref.kem_public(samples.VAULT)) + "\n"), *((n + ".pem", p) for n, p in self.certificates.items())):
            path = self.folder / name
            path.write_text(text)
            path.chmod(0o600)
        os.makedirs(self.folder / "data", 0o700)
        self.config.write_text(json.dumps({
            "data": str(self.folder / "data"), "signing_key": str(self.folder / "signing.key"), "issuers": str(self.folder / "issuers.pem"),
            "admin_ca": str(self.folder / "admin.pem"), "console_origin": CONSOLE, "authority": "Mokhoa", "hotline": "1800 1000",
            "languages": ["vi", "en"],
            "operator_email": "van-hanh@example.vn",
            "escrow_log": str(self.folder / "escrow.log"), "escrow_log_same_device": True, "unidentified_max": 1000000,
            "unidentified_by_address": 1000000,
            "limits": {"address_per_minute": 1000000, "person_per_minute": 1000000},  # a test asks more in a minute than people do
            "listen": {"public": self.public, "admin": self.admin},
            "vault": {"socket": str(self.folder / "vault.sock"), "public_key": str(self.folder / "vault.pub"),
                      "private_key": str(self.folder / "vault.key")},
            "smtp": {"url": "smtp://127.0.0.1:9", "from": "mokhoa@example.vn", "tls": "none"}}))

    def wait(self):
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as s:
                s.connect(self.admin)
                return
            time.sleep(0.05)
        raise RuntimeError("mokhoa-tms does not start: " + self.text())

    def enrol(self, role):
        command = [self.program, "person", "add", "--config", str(self.config), "--certificate", str(self.folder / (role + ".pem")), "--name", role,
                   "--role", role]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)

    def text(self):
        self.log.flush()
        return (self.folder / "log").read_text(errors="replace")

    def call(self, path, method="POST", body=b"", person=None, headers=None):
        """(status, answer) through the public socket, or with a person through the other one."""
        mine = {} if method == "GET" else {"Content-Type": "application/json"}
        if person in self.certificates:
            mine["X-Client-Certificate"] = urllib.parse.quote(self.certificates[person], safe="")
            if method != "GET":
                mine.update({"Origin": CONSOLE, "X-Mokhoa-CSRF": self.csrf(person)})
        headers = {name: value for name, value in {**mine, **(headers or {})}.items() if value is not None}
        connection = http.client.HTTPConnection("localhost", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(60)
        connection.sock.connect(self.admin if person else self.public)
        try:
            connection.request(method, path, body=body if method != "GET" else None, headers=headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def csrf(self, person):
        return self.call("/v1/admin/me", "GET", person=person)[1].get("csrf", "")

    def post(self, path, body):
        return self.call(path, body=json.dumps(body).encode())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        text = self.text()
        self.log.close()
        return status, text


class Life:
    """One request, and the customer's keys."""

    def __init__(self, server, serial):
        self.server = server
        self.kem = ec.generate_private_key(ec.SECP256R1())
        self.sig = ref.sig_from_seed(os.urandom(32))
        self.counter = 0
        self.body = {"token": {"manufacturer": "M", "model": "", "serial": serial}, "certificate": "", "reason": "locked", "language": "vi",
                     "host_kem_pk": ref.b64(ref.kem_public(self.kem)), "host_sig_pk": ref.b64(ref.sig_public(self.sig)),
                     "idempotency_key": ref.b64(os.urandom(16))}
        self.r = ref.create_hash(self.body["token"], b"", "locked", "vi", ref.kem_public(self.kem), ref.sig_public(self.sig),
                                 ref.unb64(self.body["idempotency_key"]))
        self.body["signature"] = self.sign(ref.create_request(self.r))
        self.status, self.answer = server.post("/v1/requests", self.body)
        self.id = ref.unb64(self.answer["id"]) if self.status == 200 else b""

    def sign(self, transcript):
        return ref.b64(self.sig.sign(transcript))

    def path(self, verb):
        return "/v1/requests/%s/%s" % (ref.b64(self.id), verb)

    def ask(self, verb, counter=None, transcript=None):
        """status, resend or cancel; transcript is what is signed in place of the right one."""
        if counter is None:
            self.counter += 1
            counter = self.counter
        return self.server.post(self.path(verb), {"counter": counter, "signature": self.sign(transcript or ref.verb_request(verb, self.id, counter))})


def tms_public():
    return ref.sig_public(samples.TMS_SIG)


class Wire(unittest.TestCase):
    """Needs server, contract and schemas, which main() sets."""

    server = contract = schemas = None

    def error_of(self, found, status, name):
        self.assertEqual((found[0], found[1].get("error", {}).get("data", {}).get("name")), (status, name))
        self.assertEqual(self.schemas.tms("error_%d" % status, found[1]), [])
        seen(name, "protocol-tms-wire: " + self._testMethodName)

    def test_vectors(self):
        worlds = set()
        for vector in self.contract.vectors["tms"]["vectors"]:
            worlds.add(vector["given"])
            with self.subTest(vector["name"]):
                self.send(vector)
        self.assertEqual(worlds, set(self.contract.vectors["tms"]["worlds"]))

    def send(self, vector):
        person = {"desk": "approver"}.get(vector["given"], vector["given"] if vector["given"] != "bare" else None)
        path = vector["path"]
        if person == "operator" and re.search(r"/(tokens|proposals)/1(/|$)", path):
            token, proposal = self.inventory("lost" if "/restore" in path or "/proposals/" in path else "active")
            path = path.replace("/tokens/1", "/tokens/%d" % token).replace("/proposals/1", "/proposals/%d" % proposal)
        if person == "operator" and re.search(r"/notices/1(/|$)", path):
            path = path.replace("/notices/1", "/notices/%d" % self.notice())
        if person == "operator" and path == "/v1/admin/agencies":
            self.no_agencies()
        if person == "operator" and re.search(r"/(people|enrolments)/1/", path):
            newcomer, enrolment = self.newcomer()
            path = path.replace("/people/1/", "/people/%d/" % newcomer).replace("/enrolments/1/", "/enrolments/%d/" % enrolment)
        if person == "approver" and re.search(r"/requests/1(/|$)", path):
            Life(self.server, "desk")
            path = path.replace("/requests/1", "/requests/%d" % self.newest(), 1)
        status, answer = self.server.call(path, vector["method"], sent_bytes(vector, "body"), person, vector.get("headers"))
        reply = vector["reply"]
        name = answer.get("error", {}).get("data", {}).get("name")
        self.assertEqual((status, name), (reply["status"], reply.get("error")))
        schema = reply["valid"] if "valid" in reply else "error_%d" % status
        self.assertEqual([e.message for e in self.schemas.tms(schema, answer)], [])
        if name:
            seen(name, "protocol-tms-wire: " + vector["name"])

    def inventory(self, life):
        """A suspect token, and for another one that is lost the approver's proposal that it is not: (token, proposal)."""
        with contextlib.closing(sqlite3.connect(self.server.folder / "data" / "tms.sqlite", timeout=20)) as db, db:
            def token(life):
                number = db.execute("INSERT INTO token (manufacturer, model, serial, customer, email, certificate_serial, state, life, created)"
                                    " VALUES ('M', '', ?, 'Khách', 'k@example.vn', '', 'suspect', ?, 1)", (os.urandom(8).hex(), life)).lastrowid
                row = db.execute("INSERT INTO escrow (token, version, sealed, created) VALUES (?, 1, zeroblob(145), 1)", (number,)).lastrowid
                db.execute("UPDATE token SET active = ? WHERE id = ?", (row, number))
                return number, row
            number, row = token("lost")
            proposal = db.execute("INSERT INTO proposal (token, kind, version, sealed, compared, active, next, life, reason, proposer, created, expires) SELECT ?, 'restore', 0, x'', '', ?,"
                                  " 0, 'lost', 'x', id, 1, ? FROM person WHERE role = 'approver'", (number, row, int(time.time()) + 3600)).lastrowid
            return token(life)[0], proposal

    def newcomer(self):
        """Somebody at the desk, and what another operator has proposed of somebody else: (person, enrolment)."""
        with contextlib.closing(sqlite3.connect(self.server.folder / "data" / "tms.sqlite", timeout=20)) as db, db:
            def person(role):
                return db.execute("INSERT INTO person (fingerprint, name, role, created) VALUES (?, ?, ?, 1)", (os.urandom(32), os.urandom(8).hex(), role)).lastrowid
            enrolment = db.execute("INSERT INTO enrolment (name, role, agency, fingerprint, not_after, reason, proposer, created, expires) VALUES (?, 'viewer', '', ?, 4000000000, 'x', ?, 1, 4000000000)",
                                   (os.urandom(8).hex(), os.urandom(32), person("operator"))).lastrowid
            return person("viewer"), enrolment

    def notice(self):
        with contextlib.closing(sqlite3.connect(self.server.folder / "data" / "tms.sqlite", timeout=20)) as db, db:
            return db.execute("INSERT INTO notice (severity, title_vi, text_vi, title_en, text_en, starts, ends, created) VALUES ('info', 'x', 'x', '', '', 0, 1, 1)").lastrowid

    def no_agencies(self):
        with contextlib.closing(sqlite3.connect(self.server.folder / "data" / "tms.sqlite", timeout=20)) as db, db:
            db.execute("DELETE FROM agency_domain")
            db.execute("DELETE FROM agency")

    def newest(self):
        return self.server.call("/v1/admin/requests?state=unidentified&limit=1", "GET", person="approver")[1]["requests"][0]["number"]

    def status_of(self, life, found):
        """A status that the schema takes and the TMS has signed."""
        status, answer = found
        self.assertEqual(status, 200, answer)
        self.assertEqual(self.schemas.tms("status_answer", answer), [])
        fields = {key: answer[key] for key in ("state", "expires", "code_expires", "retry_after", "email", "note", "family", "pin_min", "pin_max",
                                           "pin_characters", "flags_reliable")}
        transcript = ref.status_answer(life.id, life.counter, approval=ref.unb64(answer["approval"]), **fields)
        ref.sig_verify(tms_public(), transcript, ref.unb64(answer["signature"]))
        return answer

    def test_create_is_signed(self):
        life = Life(self.server, "create")
        self.assertEqual(life.status, 200, life.answer)
        self.assertEqual(life.answer["kid"], ref.kid(tms_public()))
        ref.sig_verify(tms_public(), ref.create_answer(life.id, life.r, life.answer["expires"], life.answer["hotline"]),
                       ref.unb64(life.answer["signature"]))
        self.assertEqual(self.server.post("/v1/requests", life.body)[1]["id"], life.answer["id"], "the same call has the same request")

    def test_counter_must_grow(self):
        life = Life(self.server, "counter")
        self.assertEqual(self.status_of(life, life.ask("status"))["state"], "pending")
        self.error_of(life.ask("status", life.counter), 401, "signature_refused")
        life.counter = 100
        self.status_of(life, life.ask("status"))
        self.error_of(life.ask("status", 100), 401, "signature_refused")
        self.status_of(life, life.ask("status"))

    def test_signature_of_something_else(self):
        life, other = Life(self.server, "mine"), Life(self.server, "another's")
        for transcript in (ref.verb_request("cancel", life.id, 1), ref.verb_request("status", life.id, 2), ref.verb_request("status", other.id, 1)):
            self.error_of(life.ask("status", 1, transcript), 401, "signature_refused")
        mine, life.sig = life.sig, other.sig
        self.error_of(life.ask("status", 1), 401, "signature_refused")
        life.sig = mine
        self.status_of(life, life.ask("status"))

    def test_nothing_is_released_before_approval(self):
        life = Life(self.server, "early")
        h = ref.release_hash(life.id, samples.APPROVAL, ref.kem_public(life.kem), ref.sig_public(life.sig), life.body["token"], b"")
        code = ref.code_key("0" * 12, life.id)
        release = {"approval": ref.b64(samples.APPROVAL), "signature": life.sign(ref.release_request(h)),
                   "proof": ref.b64(code.sign(ref.code_proof(h)))}
        self.error_of(self.server.post(life.path("release"), release), 409, "request_not_approved")
        self.error_of(life.ask("resend"), 409, "request_not_approved")

    def test_cancelled_stays_cancelled(self):
        life = Life(self.server, "cancel")
        self.assertEqual(self.status_of(life, life.ask("cancel"))["state"], "cancelled")
        self.assertEqual(self.status_of(life, life.ask("status"))["state"], "cancelled")
        self.error_of(life.ask("resend"), 409, "request_cancelled")


def run_with_program(case, usage):
    """What a test of the server that stands elsewhere does when it is run as `TEST PROGRAM`: PROGRAM is that mokhoa-tms from then on. Does not return."""
    global PROGRAM
    if len(sys.argv) != 2:
        sys.exit(usage)
    PROGRAM = sys.argv[1]
    result = unittest.TextTestRunner(verbosity=1).run(unittest.defaultTestLoader.loadTestsFromTestCase(case))
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


def main(arguments):
    if len(arguments) != 1:
        print(__doc__)
        return 2
    Wire.contract = Contract(read_texts())
    Wire.schemas = Schemas(Wire.contract)
    with tempfile.TemporaryDirectory() as folder:
        Wire.server = Server(os.path.join(arguments[0], "mokhoa-tms"), folder)
        try:
            result = unittest.TextTestRunner(verbosity=1).run(unittest.defaultTestLoader.loadTestsFromTestCase(Wire))
        finally:
            status, log = Wire.server.stop()
        sound = status == 0 and "Sanitizer" not in log and "runtime error" not in log
        if not sound:
            print("mokhoa-tms ended with %d:\n%s" % (status, log[-4000:]))
    print("%d vectors" % len(Wire.contract.vectors["tms"]["vectors"]))
    return 0 if result.wasSuccessful() and result.testsRun and sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
