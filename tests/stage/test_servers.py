#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The servers of a stage together: nginx, mokhoa-tms, its vault and Postfix, each as the user it has in real life, with the customer's machine played by
the reference implementation. What the real client does with them is in tests/e2e.

Usage: test_servers.py [-v] [TEST...]      MOKHOA_BIN is the folder of the programs. Enters a stage by itself.
"""
import concurrent.futures
import contextlib
import email
import email.policy
import glob
import json
import os
import shutil
import sqlite3
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TESTS, "check"), os.path.join(TESTS, "..", "protocol", "reference")]

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    import reference as ref
except ImportError as missing:
    print(f"{missing}: apt-get install python3-cryptography")
    sys.exit(77)
from seen import seen

SO_PIN = "3537363231383830"
TMS_UID, VAULT_UID = 64101, 64102


class Stage:
    """Everything that tms_up brings up, in a folder of its own."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="mokhoa-servers.")
        os.chmod(self.dir, 0o755)
        try:
            self.sh("tms_up $DIR")
        except BaseException:
            self.close()
            raise
        self.public, self.admin, _ = (int(p) for p in self.sh("tms_ports $DIR").split())

    def sh(self, script, text="", check=True):
        env = dict(os.environ, DIR=self.dir, STAGE_TESTS=TESTS)
        sources = "".join(f". $STAGE_TESTS/stage/{part}.sh; " for part in ("service", "pki", "nginx", "postfix", "tms"))
        done = subprocess.run(["sh", "-eu", "-c", sources + script], env=env, input=text, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode == 77:
            print(done.stderr.strip())
            sys.exit(77)
        if check and done.returncode != 0:
            raise RuntimeError(f"{script}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def close(self):
        self.sh("tms_down $DIR", check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def curl(self, port, path, *options, person=None):
        """(status, body)"""
        command = ["curl", "-sS", "--max-time", "20", "--cacert", f"{self.dir}/pki/tls-ca.pem", "-w", "\n%{http_code}", *options,
                   f"https://localhost:{port}/{path}"]
        if person:
            command += ["--cert", f"{self.dir}/pki/{person}.pem", "--key", f"{self.dir}/pki/{person}.key"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"curl {done.returncode}: {done.stderr}")
        body, status = done.stdout.rsplit("\n", 1)
        return int(status), body

    def post(self, path, body, port=None, person=None):
        page = self.page(person) if person else ()
        status, text = self.curl(port or self.public, path, "-H", "Content-Type: application/json", *page, "-d", json.dumps(body), person=person)
        return status, json.loads(text)

    def page(self, person):
        """What a call of the console says beside its body: where it comes from, and that it has read an answer of the desk."""
        csrf = json.loads(self.curl(self.admin, "v1/admin/me", person=person)[1]).get("csrf", "")
        return ("-H", f"Origin: https://localhost:{self.admin}", "-H", f"X-Mokhoa-CSRF: {csrf}")

    def desk(self, number, verb, body):
        return self.post(f"v1/admin/requests/{number}/{verb}", body, self.admin, "an")

    def sql(self, statement, *values):
        with sqlite3.connect(os.path.join(self.dir, "tms", "data", "tms.sqlite"), timeout=10) as db:
            return db.execute(statement, values).fetchall()

    def configure(self, **more):
        """The server anew, with this in its configuration."""
        path = f"{self.dir}/tms/tms.json"
        with open(path, encoding="utf-8") as f:
            config = {**json.load(f), **more}
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config, f)
        self.sh("serve_down $DIR; serve_up $DIR")

    def mails(self, address):
        """All mails to an address, oldest first."""
        found = []
        for path in sorted(glob.glob(f"{self.dir}/mail/{address.lower()}/new/*")):
            with open(path, "rb") as f:
                found.append(email.message_from_binary_file(f, policy=email.policy.default))
        return found


def until(what, condition, timeout=20):
    """The first true answer of condition()."""
    end = time.monotonic() + timeout
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.1)
    return found


class Customer:
    """A token that the authority knows, and the machine it is plugged into."""

    def __init__(self, stage, serial, address):
        self.stage, self.address = stage, address
        self.token = {"manufacturer": "Mokhoa test card", "model": "PKCS#15 emulated", "serial": serial}
        stage.sh("tms_import $DIR", "manufacturer,model,serial,so_pin,customer,email\n"
                 f"{self.token['manufacturer']},{self.token['model']},{serial},{SO_PIN},Đặng Thị Ước,{address}\n")
        stage.sh(f"pki_customer $DIR {serial} customer-ca ec '/CN=Đặng Thị Ước' {address}")
        with open(f"{stage.dir}/pki/{serial}.der", "rb") as f:
            self.certificate = f.read()
        with open(f"{stage.dir}/pki/{serial}.key", "rb") as f:
            self.key = serialization.load_pem_private_key(f.read(), None)
        self.kem = ec.generate_private_key(ec.SECP256R1())
        self.sig = ref.sig_from_seed(os.urandom(32))
        self.counter = 0

    def create(self, idempotency=None):
        """The same call again where it is told the same key."""
        idempotency = idempotency or os.urandom(16)
        kem, sig = ref.kem_public(self.kem), ref.sig_public(self.sig)
        r = ref.create_hash(self.token, self.certificate, "locked", "vi", kem, sig, idempotency)
        status, answer = self.stage.post("v1/requests", {
            "token": self.token, "certificate": ref.b64(self.certificate), "reason": "locked", "language": "vi", "host_kem_pk": ref.b64(kem),
            "host_sig_pk": ref.b64(sig), "idempotency_key": ref.b64(idempotency), "signature": ref.b64(self.sig.sign(ref.create_request(r)))})
        assert status == 200, answer
        self.id = ref.unb64(answer["id"])
        self.phrase = ref.phrase(self.id, kem, sig)
        self.number = self.stage.sql("SELECT max(number) FROM request WHERE serial = ?", self.token["serial"])[0][0]
        return self

    def approve(self):
        status, answer = self.stage.desk(self.number, "approve", {"how": "call_back", "reference": "", "phrase": self.phrase})
        assert status == 200 and answer["state"] == "approved", answer
        return self

    def call(self, verb, body):
        return self.stage.post(f"v1/requests/{ref.b64(self.id)}/{verb}", body)

    def ask(self, verb):
        self.counter += 1
        return self.call(verb, {"counter": self.counter, "signature": ref.b64(self.sig.sign(ref.verb_request(verb, self.id, self.counter)))})

    def code(self):
        return until("a code", lambda: self.stage.sh(f"mail_code $DIR {self.address}", check=False))

    def open(self, info, answer):
        return ref.hpke_open(self.kem, ref.unb64(answer["enc"]), info, b"", ref.unb64(answer["ciphertext"]))

    def release(self, code):
        approval = ref.unb64(self.ask("status")[1]["approval"])
        serial = x509.load_der_x509_certificate(self.certificate).serial_number
        serial = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
        self.h = ref.release_hash(self.id, approval, ref.kem_public(self.kem), ref.sig_public(self.sig), self.token, serial)
        proof = ref.code_key(ref.code_read(code), self.id).sign(ref.code_proof(self.h))
        return self.call("release", {"approval": ref.b64(approval), "signature": ref.b64(self.sig.sign(ref.release_request(self.h))), "proof": ref.b64(proof)})

    def grant(self):
        return self.call("grant", {"active": 0, "signature": ref.b64(self.sig.sign(ref.grant_request(self.h, 0)))})

    def done(self, nonce):
        self.counter += 1
        proof = self.key.sign(ref.unlocked(self.h, nonce), ec.ECDSA(hashes.SHA256()))
        fields = {"result": "completed", "stage": "reporting", "cryptoki": 0, "error": "ok", "rotated": 1, "proof_mechanism": "ecdsa-sha256", "proof": proof}
        signature = self.sig.sign(ref.done_request(self.id, self.counter, **fields))
        return self.call("done", {**fields, "rotated": True, "proof": ref.b64(proof), "counter": self.counter, "signature": ref.b64(signature)})


def fields_of(plain):
    """F(x) F(y) ... F("") and zeros."""
    found = []
    while (length := int.from_bytes(plain[:2], "big")) != 0:
        found.append(plain[2:2 + length])
        plain = plain[2 + length:]
    assert not any(plain)
    return found


class Servers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()

    @classmethod
    def tearDownClass(cls):
        cls.stage.close()

    def saw(self, name):
        seen(name, "test_servers.py " + self._testMethodName)

    # ---- the way as it is meant ----

    def test_console_without_a_certificate(self):
        """A person reads how to get in, in both languages; a call gets an error that it can read."""
        for path in ("", "index.html", "console.js"):
            status, body = self.stage.curl(self.stage.admin, path)
            self.assertEqual(status, 403, path)
            self.assertIn("Chưa có chứng thư quản trị", body)
            self.assertIn("No administrator’s certificate", body)
        for path in ("v1/admin/me", "v1/admin/requests?limit=1"):
            status, body = self.stage.curl(self.stage.admin, path)
            self.assertEqual((status, json.loads(body)["error"]["data"]["name"]), (403, "admin_unknown"))
        status, body = self.stage.post("v1/admin/requests/1/refuse", {"reason": "x"}, self.stage.admin)
        self.assertEqual((status, body["error"]["data"]["name"]), (403, "admin_unknown"))

    def test_request_to_unlocked(self):
        customer = Customer(self.stage, "WHOLE1", "uoc.dang@khach.example").create().approve()
        status, answer = customer.release(customer.code())
        self.assertEqual(status, 200, answer)
        nonce, *candidates = fields_of(customer.open(customer.h, answer))
        self.assertEqual(candidates, [SO_PIN.encode()])
        status, answer = customer.grant()
        self.assertEqual(status, 200, answer)
        following, = fields_of(customer.open(ref.grant_info(customer.h), answer))
        self.assertRegex(following.decode(), r"\A\d{16}\Z")
        self.assertNotEqual(following.decode(), SO_PIN)
        status, answer = customer.done(nonce)
        self.assertEqual((status, answer.get("state")), (200, "completed"), answer)
        escrow = subprocess.run([sys.executable, os.path.join(HERE, "open_escrow.py"), f"{self.stage.dir}/tms", "WHOLE1"], capture_output=True, text=True, check=True)
        self.assertEqual(escrow.stdout.split(), [following.decode()])
        self.check_mails(until("two mails", lambda: len(m := self.stage.mails(customer.address)) == 2 and m), customer)

    def check_mails(self, mails, customer):
        for mail in mails:
            self.assertEqual([a.addr_spec for a in mail["To"].addresses], [customer.address])
            self.assertEqual(mail["From"].addresses[0].addr_spec, "no-reply@ca.example")
            self.assertEqual(mail["From"].addresses[0].display_name, "Chữ ký số An Bình")
            self.assertEqual(mail["Auto-Submitted"], "auto-generated")
            text = mail.get_body(("plain",)).get_content()
            for word in ("Kính gửi Đặng Thị Ước", "Dear Đặng Thị Ước", "WHOLE1", customer.phrase, "1900 0000"):
                self.assertIn(word, text)
            self.assertNotIn("http", text)
            self.assertIn("WHOLE1", mail.get_body(("html",)).get_content())
        self.assertIn("Mã mở khóa token", mails[0]["Subject"])
        self.assertIn("Token đã được mở khóa", mails[1]["Subject"])

    # ---- mail ----

    def test_mail_refused_for_good(self):
        customer = Customer(self.stage, "REFUSED1", "no-such-box@khach.example").create().approve()
        state, error = until("a verdict", lambda: self.outbox(customer, "failed"))
        self.assertEqual(error, "mail_refused")
        self.saw(error)
        self.assertEqual(self.codes(customer), 0)

    def test_mail_later(self):
        customer = Customer(self.stage, "LATER1", "try-later-box@khach.example").create().approve()
        until("a try", lambda: self.stage.sql("SELECT 1 FROM outbox WHERE number = ? AND tries > 0 AND state = 'queued'", customer.number))
        due, error = self.stage.sql("SELECT due, error FROM outbox WHERE number = ?", customer.number)[0]
        self.assertTrue(50 < due - time.time() < 61)
        self.assertEqual((error, self.codes(customer)), ("mail_unreachable", 0))
        self.saw(error)

    @contextlib.contextmanager
    def mails_come_back(self):
        """Each mail with a sender of its own, for as long as this lasts; the configuration."""
        config = f"{self.stage.dir}/tms/tms.json"
        key = f"{self.stage.dir}/tms/keys/bounce.key"
        with open(config, encoding="utf-8") as f:
            before = f.read()
        with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400), "w", encoding="ascii") as f:
            f.write(ref.b64(os.urandom(32)) + "\n")
        os.chown(key, TMS_UID, -1)
        self.stage.configure(mail={"bounce_domain": "bounce.ca.example", "bounce_key": key})
        try:
            yield config
        finally:
            with open(config, "w", encoding="utf-8") as f:
                f.write(before)
            self.stage.sh("serve_down $DIR; serve_up $DIR")

    def test_mail_that_postfix_brings_back(self):
        """The whole way by the mail server alone, with the line that README.md gives for its master.cf."""
        if not os.path.ismount("/etc"):
            self.skipTest("/etc is the machine's own here, and the transport needs a user who has a name")
        for name, line in (("passwd", f"mokhoa-tms:x:{TMS_UID}:{TMS_UID}::/nonexistent:/usr/sbin/nologin\n"), ("group", f"mokhoa-tms:x:{TMS_UID}:\n")):
            with open(f"/etc/{name}", "a", encoding="utf-8") as f:
                f.write(line)
        with open(os.path.join(os.path.dirname(TESTS), "tms", "README.md"), encoding="utf-8") as f:
            [transport] = [line.strip() for line in f if line.startswith("    mokhoa-bounce unix ")]
        with self.mails_come_back() as config:
            # who has cloned into /root has built where pipe(8), which gives up root before it looks, finds nothing
            program = shutil.copy(os.environ["MOKHOA_BIN"] + "/mokhoa-tms", f"{self.stage.dir}/mokhoa-tms")
            transport = transport.replace("/usr/bin/mokhoa-tms", program).replace("/var/lib/mokhoa-tms/tms.json", config)
            for name, lines in (("master", transport), ("main", "transport_maps = inline:{bounce.ca.example=mokhoa-bounce}\nmokhoa-bounce_destination_recipient_limit = 1")):
                path = f"{self.stage.dir}/postfix/{name}.cf"
                shutil.copy2(path, path + ".before")
                self.addCleanup(os.replace, path + ".before", path)
                with open(path, "a", encoding="utf-8") as f:
                    f.write(lines + "\n")
            self.addCleanup(self.stage.sh, "postfix -c $DIR/postfix reload")
            self.stage.sh("postfix -c $DIR/postfix reload")
            customer = Customer(self.stage, "RETURNED2", "returned-box@khach.example").create().approve()
            until("the row of the mail that came back", lambda: self.stage.sql("SELECT 1 FROM outbox WHERE number = ? AND state = 'failed' AND error = 'mail_bounced'", customer.number))

    def test_mail_that_comes_back(self):
        """Taken by the mail server and given up behind it: the report finds the row, and stands in the history that the desk sees."""
        with self.mails_come_back() as config:
            customer = Customer(self.stage, "RETURNED1", "returned-box@khach.example").create().approve()
            number, = until("the mail's row", lambda: self.stage.sql("SELECT id FROM outbox WHERE number = ? AND state = 'sent'", customer.number))[0]
            box, = until("the report", lambda: [name for name in os.listdir(f"{self.stage.dir}/mail") if name.startswith(f"bounce+{number}.")])
            report = until("its file", lambda: os.listdir(f"{self.stage.dir}/mail/{box}/new"))[0]
            with open(f"{self.stage.dir}/mail/{box}/new/{report}", "rb") as f:
                text = f.read()
            # somebody who makes one up marks nothing
            forged = box.replace(".", ".0", 1)[:-1] if not box.endswith("0") else box.replace("bounce+", "bounce+1", 1)
            self.assertEqual(self.bounce(config, forged, text).returncode, 65)
            self.saw("bounce_invalid")
            self.assertEqual(self.bounce(config, box, b"From: x\n\nAction: failed\nStatus: 5.1.1\n").returncode, 65)
            self.assertEqual(self.stage.sql("SELECT state FROM outbox WHERE id = ?", number)[0][0], "sent")
            for _ in range(2):  # twice is once
                done = self.bounce(config, box, text)
                self.assertEqual((done.returncode, done.stdout), (0, f"mail={number} status=5.1.1\n".encode()), done.stderr)
            self.assertEqual(self.stage.sql("SELECT state, error FROM outbox WHERE id = ?", number)[0], ("failed", "mail_bounced"))
            self.saw("mail_bounced")
            status, body = self.stage.curl(self.stage.admin, f"v1/admin/requests/{customer.number}", person="an")
            found = [row["detail"] for row in json.loads(body)["history"] if row["event"] == "mail"]
            self.assertEqual((status, [detail for detail in found if "bounced" in detail]), (200, ["kind=code outcome=bounced status=5.1.1"]), found)

    def bounce(self, config, recipient, text):
        """As Postfix's pipe runs it."""
        command = ["setpriv", "--reuid", str(TMS_UID), "--regid", str(TMS_UID), "--clear-groups", os.environ["MOKHOA_BIN"] + "/mokhoa-tms", "bounce", "--config", config, "--recipient",
                   recipient]
        return subprocess.run(command, input=text, capture_output=True, timeout=60, check=False)

    def test_release_in_flight_is_answered(self):
        """The server is told to stop while a release waits for the vault: it is answered, and the server ends well."""
        customer = Customer(self.stage, "FLIGHT1", "flight@khach.example").create().approve()
        code = customer.code()
        with open(f"{self.stage.dir}/vault.pid", encoding="ascii") as f:
            vault = int(f.read())
        with open(f"{self.stage.dir}/serve.pid", encoding="ascii") as f:
            server = int(f.read())
        os.kill(vault, signal.SIGSTOP)
        try:
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                release = pool.submit(customer.release, code)
                until("the release under way", lambda: self.stage.sql("SELECT 1 FROM request WHERE number = ? AND trying <> 0", customer.number))
                time.sleep(0.5)  # the proof is judged, and the vault asked
                os.kill(server, signal.SIGTERM)
                until("the doors closed", lambda: not os.path.exists(f"{self.stage.dir}/tms/run/public.sock"))
                os.kill(vault, signal.SIGCONT)
                self.assertEqual(release.result(60)[0], 200)
        finally:
            os.kill(vault, signal.SIGCONT)
            self.stage.sh("serve_down $DIR; serve_up $DIR")
        self.assertEqual(self.stage.sql("SELECT state FROM request WHERE number = ?", customer.number)[0][0], "released")

    def test_no_mail_after_cancelling(self):
        self.stage.sh("postfix_down $DIR")
        try:
            customer = Customer(self.stage, "CANCEL1", "cancel@khach.example").create().approve()
            until("a try", lambda: self.stage.sql("SELECT 1 FROM outbox WHERE number = ? AND tries > 0 AND state = 'queued'", customer.number))
            self.assertEqual(customer.ask("cancel")[1].get("state"), "cancelled")
        finally:
            self.stage.sh("stage_postfix $DIR")
        self.stage.sql("UPDATE outbox SET due = 0 WHERE number = ?", customer.number)
        state, error = until("a verdict", lambda: self.outbox(customer, "failed"))
        self.assertEqual((error, self.stage.mails(customer.address)), ("state_wrong", []))

    def test_mail_over_tls(self):
        config = f"{self.stage.dir}/tms/tms.json"
        with open(config, encoding="utf-8") as f:
            before = f.read()
        self.stage.sh("postfix_down $DIR; postfix_up $DIR $(tms_ports $DIR | cut -d ' ' -f 3) $DIR/pki/tls.pem $DIR/pki/tls.key")
        try:
            self.serve_with(config, before, ca="tls-ca")
            customer = Customer(self.stage, "TLS1", "tls@khach.example").create().approve()
            customer.code()
            self.assertIn("with ESMTPS", self.stage.mails(customer.address)[0]["Received"])
            # a server that is not the authority's gets no code
            self.serve_with(config, before, ca="customer-ca")
            customer = Customer(self.stage, "TLS2", "tls2@khach.example").create().approve()
            until("a try", lambda: self.stage.sql("SELECT 1 FROM outbox WHERE number = ? AND tries > 0 AND state = 'queued'", customer.number))
            self.assertEqual((self.codes(customer), self.stage.mails(customer.address)), (0, []))
            with open(f"{self.stage.dir}/serve.log", encoding="utf-8") as f:
                self.assertIn("alarm=settings", f.read())
        finally:
            self.stage.sh("postfix_down $DIR; stage_postfix $DIR")
            self.serve_with(config, before)

    def serve_with(self, config, text, ca=None):
        """The server again, with STARTTLS and that authority, or as it was."""
        settings = json.loads(text)
        if ca:
            settings["smtp"].update(tls="starttls", ca=f"{self.stage.dir}/pki/{ca}.pem")
        with open(config, "w", encoding="utf-8") as f:
            json.dump(settings, f)
        self.stage.sh("serve_down $DIR; serve_up $DIR")

    def outbox(self, customer, state):
        rows = self.stage.sql("SELECT state, error FROM outbox WHERE number = ? AND kind = 'code' AND state = ?", customer.number, state)
        return rows[0] if rows else None

    def codes(self, customer):
        return self.stage.sql("SELECT count(*) FROM code WHERE number = ?", customer.number)[0][0]

    # ---- the doors ----

    def refused_by_door(self, found, status, name):
        self.assertEqual((found[0], json.loads(found[1])["error"]["data"]["name"]), (status, name))
        self.saw(name)

    def test_public_door(self):
        big = ("-H", "Content-Type: application/json", "-d", "x" * 33000)
        self.refused_by_door(self.stage.curl(self.stage.public, "v1/requests", *big), 413, "frame_too_large")
        with open(f"{self.stage.dir}/pki/an.pem", encoding="ascii") as f:
            header = "X-Client-Certificate: " + urllib.parse.quote(f.read(), safe="")
        for path in ("v1/admin/me", "v1/admin/requests", "v1/", "console.js", "v1/requestsx/../admin/me", "v1/requests/../admin/me", "v1//admin/me"):
            self.assertEqual(self.stage.curl(self.stage.public, path, "--path-as-is", "-H", header)[0], 404, path)
        self.assertIn("/customer.js", self.stage.curl(self.stage.public, "")[1])  # the portal

    def test_desk_door(self):
        self.assertEqual(self.stage.curl(self.stage.admin, "v1/admin/me")[0], 403)  # nginx: no certificate
        self.refused_by_door(self.stage.curl(self.stage.admin, "v1/admin/me", person="stranger"), 403, "admin_unknown")
        status, body = self.stage.curl(self.stage.admin, "v1/admin/me", "-H", "X-Client-Certificate: x", person="an")
        me = json.loads(body)
        self.assertEqual((status, me.pop("csrf") != "", me), (200, True, {"name": "Nguyễn Văn An", "role": "approver", "agency": ""}))
        self.assertEqual(self.stage.curl(self.stage.admin, "v1/requests", "-d", "{}", person="an")[0], 404)
        self.assertEqual(self.stage.curl(self.stage.admin, "")[0], 403)
        self.assertIn("/console.js", self.stage.curl(self.stage.admin, "", person="an")[1])

    def test_old_tls(self):
        for version, status in (("1.1", 1), ("1.2", 0), ("1.3", 0)):
            done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.stage.public}", f"-tls{version.replace('.', '_')}", "-brief",
                                   "-cipher", "ALL@SECLEVEL=0"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
            self.assertEqual(done.returncode != 0, bool(status), version)

    def test_too_many_calls(self):
        config = f"{self.stage.dir}/many"
        with open(config, "w", encoding="utf-8") as f:
            for _ in range(300):
                f.write(f"url = https://localhost:{self.stage.public}/v1/requests\nheader = \"Content-Type: application/json\"\ndata = \"{{}}\"\n"
                        f"cacert = {self.stage.dir}/pki/tls-ca.pem\nwrite-out = \"\\n%{{http_code}}\\n\"\nsilent\nnext\n")
        began = time.monotonic()
        done = subprocess.run(["curl", "-Z", "--parallel-max", "20", "-K", config], capture_output=True, text=True, timeout=60, check=False)
        took = time.monotonic() - began
        statuses = [line for line in done.stdout.splitlines() if len(line) == 3]
        self.assertIn("429", statuses)
        self.assertIn("400", statuses)
        self.assertLess(statuses.count("400"), 60 + 20 * took + 20)  # the burst, the rate, and what begins in the same moment
        self.assertIn('"name":"busy"', done.stdout)
        self.saw("busy")
        time.sleep(3)  # the bucket empties

    # ---- users ----

    def as_user(self, uid, code):
        done = subprocess.run(["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "/usr/bin/python3", "-c", code], capture_output=True,
                              text=True, timeout=20, check=False)
        return done.stdout.strip() or done.stderr.strip().splitlines()[-1].split(":")[0]

    def test_keys_are_their_owners(self):
        tms = f"{self.stage.dir}/tms"
        for path, owner in ((f"{tms}/vault/keys/vault.key", VAULT_UID), (f"{tms}/keys/tms.key", TMS_UID), (f"{tms}/data/tms.sqlite", TMS_UID)):
            for uid in (TMS_UID, VAULT_UID, 65534):
                self.assertEqual(self.as_user(uid, f"open({path!r}, 'rb').read(); print('read')"), "read" if uid == owner else "PermissionError")

    def test_sockets_are_their_callers(self):
        tms = f"{self.stage.dir}/tms"
        # who is refused is answered before he has said anything, and may find the pipe broken
        knock = ("import contextlib, json, socket, struct\ns = socket.socket(socket.AF_UNIX)\ns.connect({!r})\n"
                 "with contextlib.suppress(BrokenPipeError):\n    s.send(struct.pack('=I', 2) + b'{{}}')\n"
                 "print(json.loads(s.recv(9999)[4:])['error']['data']['name'])")
        self.assertEqual(self.as_user(TMS_UID, knock.format(f"{tms}/vault/vault.sock")), "invalid_request")
        self.assertEqual(self.as_user(65534, knock.format(f"{tms}/vault/vault.sock")), "vault_refused")
        self.saw("vault_refused")
        for name in ("public", "admin"):
            self.assertEqual(self.as_user(65534, knock.format(f"{tms}/run/{name}.sock")), "PermissionError")

    # ---- stages ----

    def test_two_stages_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            others = list(pool.map(lambda _: Stage(), range(2)))
        try:
            self.assertEqual(len({self.stage.public, *(o.public for o in others)}), 3)
            for stage in (self.stage, *others):
                self.assertEqual(stage.post("v1/requests", {})[0], 400)
        finally:
            for other in others:
                other.close()
        self.assertEqual(self.stage.post("v1/requests", {})[0], 400)


def main():
    if os.environ.get("MOKHOA_STAGE") != "1":
        os.execvp("sh", ["sh", os.path.join(HERE, "enter.sh"), sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
    unittest.main()


if __name__ == "__main__":
    main()
