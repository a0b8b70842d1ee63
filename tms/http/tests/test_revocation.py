# SPDX-License-Identifier: Apache-2.0
"""Whether an administrator's certificate was revoked, as the real mokhoa-tms is told by lists (openssl ca) and by a responder (openssl ocsp).

    test_revocation.py PROGRAM

A responder is an HTTP server on loopback that has `openssl ocsp` make each answer; it counts them, and can be silent or somebody else.
"""
import contextlib
import datetime
import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[3] / folder) for folder in ("tests/protocol", "tests/check")]

import test_tms_wire as wire
from cryptography import x509
from cryptography.x509 import ocsp
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from seen import seen

DAY = datetime.timedelta(days=1)
PEOPLE = {"good": 0x101, "gone": 0x102, "stranger": 0x103}  # serial numbers: as the authority has it good, revoked, and not known


class Authority:
    """A certificate authority of a name, its people, and what it says of them."""

    def __init__(self, folder, name="CA of administrators"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.name = wire.name_of(name)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.pem = wire.make_certificate(name, self.key, name, self.key, True)
        (self.folder / "ca.pem").write_text(self.pem)
        (self.folder / "ca.key").write_bytes(self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        until = (datetime.datetime.utcnow() + 30 * DAY).strftime("%y%m%d%H%M%SZ")
        gone = (datetime.datetime.utcnow() - DAY).strftime("%y%m%d%H%M%SZ")
        (self.folder / "index.txt").write_text("V\t%s\t\t%04X\tunknown\t/CN=good\nR\t%s\t%s\t%04X\tunknown\t/CN=gone\n" % (until, PEOPLE["good"], until, gone, PEOPLE["gone"]))

    def issue(self, person, url=None):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(wire.name_of(person)).issuer_name(self.name).public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
                   .serial_number(PEOPLE[person]).not_valid_before(now - DAY).not_valid_after(now + 20 * DAY))
        if url:
            builder = builder.add_extension(x509.AuthorityInformationAccess([x509.AccessDescription(x509.oid.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url))]), False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def crl(self, revoked=("gone",), since=-DAY, until=DAY):
        now = datetime.datetime.utcnow()
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(now + since).next_update(now + until)
        for person in revoked:
            builder = builder.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(PEOPLE[person]).revocation_date(now - 2 * DAY).build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def answer(self, request):
        """What `openssl ocsp` says to a request."""
        with tempfile.TemporaryDirectory() as folder:
            asked, said = os.path.join(folder, "asked"), os.path.join(folder, "said")
            pathlib.Path(asked).write_bytes(request)
            subprocess.run(["openssl", "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey", "ca.key", "-reqin", asked, "-respout", said, "-nmin", "10"], check=True,
                           cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
            return pathlib.Path(said).read_bytes()


    def good_since(self, age, until=None):
        """From now on whoever asks is told that the certificate is good, as it was that long ago."""
        now = datetime.datetime.utcnow()
        certificate, issuer = (x509.load_pem_x509_certificate(pem.encode()) for pem in (self.issue("good"), self.pem))
        builder = ocsp.OCSPResponseBuilder().add_response(certificate, issuer, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, now - age, now + until if until else None, None, None)
        said = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer).sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        self.answer = lambda request: said


class Responder:
    """Says what an authority says; counts; silent: takes the question and never answers."""

    def __init__(self, authority):
        outer = self
        self.authority, self.asked, self.silent = authority, 0, threading.Event()
        self.end = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked += 1
                if outer.silent.is_set():
                    outer.end.wait(60)
                    return
                answer = outer.authority.answer(body)
                self.send_response(200)
                self.send_header("Content-Type", "application/ocsp-response")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://%s:%d/" % self.server.server_address
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.end.set()
        self.server.shutdown()
        self.server.server_close()


class Desk(wire.Server):
    """A server with `revocation` in its configuration; url is what the certificates name as their responder."""

    def __init__(self, folder, authority, revocation, url=None):
        self.authority, self.revocation, self.url = authority, revocation, url
        super().__init__(wire.PROGRAM, folder)

    def write_files(self):
        super().write_files()
        (self.folder / "admin.pem").write_text(self.authority.pem)
        for person in PEOPLE:
            self.certificates[person] = self.authority.issue(person, self.url)
            (self.folder / (person + ".pem")).write_text(self.certificates[person])
        config = json.loads(self.config.read_text())
        self.config.write_text(json.dumps({**config, "revocation": self.revocation}))

    def enrol(self, role):
        if role != "approver":
            return
        for person in PEOPLE:
            subprocess.run([self.program, "person", "add", "--config", str(self.config), "--certificate", str(self.folder / (person + ".pem")), "--name", person, "--role", "approver"],
                           check=True, stdout=subprocess.DEVNULL, timeout=60)


class Revocation(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.authority = Authority(os.path.join(self.folder.name, "ca"))
        self.crl = os.path.join(self.folder.name, "crl.pem")

    def write_crl(self, *texts):
        """In one piece, as a job that fetches it does."""
        pathlib.Path(self.crl + ".new").write_text("".join(texts))
        os.replace(self.crl + ".new", self.crl)

    @contextlib.contextmanager
    def desk(self, url=None, **revocation):
        with tempfile.TemporaryDirectory(dir=self.folder.name) as folder:
            desk = Desk(folder, self.authority, revocation, url)
            try:
                yield desk
            finally:
                status, log = desk.stop()
                self.assertEqual((status, "Sanitizer" in log), (0, False), log[-3000:])

    def said(self, desk, person):
        """None for who is let in, else the error's name."""
        status, answer = desk.call("/v1/admin/me", "GET", person=person)
        name = answer.get("error", {}).get("data", {}).get("name")
        self.assertEqual(status, {None: 200, "revocation_unknown": 503}.get(name, 403), answer)
        if name:
            seen(name, "test_revocation: " + self._testMethodName)
        return name

    def check(self, desk, good, gone):
        self.assertEqual((self.said(desk, "good"), self.said(desk, "gone")), (good, gone))

    @contextlib.contextmanager
    def responder(self, authority=None):
        responder = Responder(authority or self.authority)
        try:
            yield responder
        finally:
            responder.stop()

    # ---- lists ----

    def test_nothing_is_asked_for(self):
        with self.desk() as desk:
            self.check(desk, None, None)

    def test_a_list(self):
        self.write_crl(self.authority.crl())
        with self.desk(crl=self.crl) as desk:
            self.check(desk, None, "admin_revoked")
            # replaced while the server runs: the next call knows
            self.write_crl(self.authority.crl(revoked=("good",)))
            self.check(desk, "admin_revoked", None)
            # what is no list changes nothing
            self.write_crl("half a fi")
            self.check(desk, "admin_revoked", None)

    def test_a_list_that_has_run_out(self):
        old = self.authority.crl(since=-3 * DAY, until=-DAY)
        self.write_crl(old)
        with self.desk(crl=self.crl) as desk:
            self.check(desk, "revocation_unknown", "admin_revoked")  # it still names whom it names
        with self.desk(crl=self.crl, unknown="warn") as desk:
            self.check(desk, None, "admin_revoked")
            self.assertIn("cannot be told", desk.text())
            self.write_crl(self.authority.crl())
            self.check(desk, None, "admin_revoked")

    def test_a_list_of_somebody_else(self):
        other = Authority(os.path.join(self.folder.name, "other"))  # of the same name
        self.write_crl(other.crl(revoked=("good",)), self.authority.crl())
        with self.desk(crl=self.crl) as desk:
            self.check(desk, None, "admin_revoked")
            self.write_crl(other.crl(revoked=("good",)))
            self.check(desk, None, "admin_revoked")
        with tempfile.TemporaryDirectory(dir=self.folder.name) as folder, self.assertRaisesRegex(RuntimeError, "no revocation list"):
            Desk(folder, self.authority, {"crl": self.crl})

    def test_without_its_list_the_server_does_not_start(self):
        with tempfile.TemporaryDirectory(dir=self.folder.name) as folder, self.assertRaisesRegex(RuntimeError, "no revocation list"):
            Desk(folder, self.authority, {"crl": self.crl})

    # ---- a responder ----

    def test_a_responder(self):
        with self.responder() as responder, self.desk(ocsp=True, ocsp_url=responder.url) as desk:
            self.check(desk, None, "admin_revoked")
            self.assertEqual(self.said(desk, "stranger"), "revocation_unknown")  # the authority does not know it
            asked = responder.asked
            for _ in range(5):
                self.check(desk, None, "admin_revoked")
            self.assertEqual(responder.asked, asked, "what it said is kept")

    def test_the_responder_that_the_certificate_names(self):
        with self.responder() as responder, self.desk(url=responder.url, ocsp=True) as desk:
            self.check(desk, None, "admin_revoked")
        with self.desk(ocsp=True) as desk:  # and none
            self.check(desk, "revocation_unknown", "revocation_unknown")

    def test_a_responder_of_somebody_else(self):
        other = Authority(os.path.join(self.folder.name, "other"))
        with self.responder(other) as responder, self.desk(ocsp=True, ocsp_url=responder.url) as desk:
            self.check(desk, "revocation_unknown", "revocation_unknown")
            self.assertGreaterEqual(responder.asked, 2)

    def test_an_old_answer(self):
        """Whoever is between may keep one and play it again: it is believed for as long as it says itself, and for an hour where it says nothing."""
        hour = datetime.timedelta(hours=1)
        for age, until, error in ((hour / 2, None, None), (2 * hour, None, "revocation_unknown"), (2 * hour, hour, None), (3 * hour, -2 * hour, "revocation_unknown")):
            self.authority.good_since(age, until)
            with self.subTest(age=age, until=until), self.responder() as responder, self.desk(ocsp=True, ocsp_url=responder.url) as desk:
                self.assertEqual((self.said(desk, "good"), responder.asked), (error, 1))

    def test_a_responder_that_is_not_there(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and nobody listens
            url = "http://127.0.0.1:%d/" % taken.getsockname()[1]
            with self.desk(ocsp=True, ocsp_url=url) as desk:
                self.check(desk, "revocation_unknown", "revocation_unknown")
            with self.desk(ocsp=True, ocsp_url=url, unknown="warn") as desk:
                self.check(desk, None, None)
            # where a list knows, the other need not
            self.write_crl(self.authority.crl())
            with self.desk(ocsp=True, ocsp_url=url, crl=self.crl) as desk:
                self.check(desk, None, "admin_revoked")

    def test_a_responder_that_is_silent(self):
        with self.responder() as responder, self.desk(ocsp=True, ocsp_url=responder.url, ocsp_deadline_ms=500) as desk:
            responder.silent.set()
            begun = time.monotonic()
            self.assertEqual(self.said(desk, "good"), "revocation_unknown")
            self.assertGreaterEqual(time.monotonic() - begun, 0.5)
            self.assertEqual(self.said(desk, "good"), "revocation_unknown")
            self.assertEqual(responder.asked, 1, "not asked again at once")

    def test_a_renewed_list_does_not_undo_the_responder(self):
        self.write_crl(self.authority.crl(revoked=()))
        with self.responder() as responder, self.desk(ocsp=True, ocsp_url=responder.url, crl=self.crl) as desk:
            self.check(desk, None, "admin_revoked")


if __name__ == "__main__":
    wire.run_with_program(Revocation, __doc__)
