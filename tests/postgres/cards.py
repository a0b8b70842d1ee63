# SPDX-License-Identifier: Apache-2.0
"""Customers of test_two_servers.py whose cards are unlocked over and over: a card with its SO PIN, a machine with keys of its own for each request, an approver, a mailbox; and
what stands once between the servers: the vault, the escrow log, the authority of the customers' certificates.

A card is what a card is: it takes a new SO PIN for the right old one. So its SO PIN in the end says whether any rotation was lost or made twice."""
import datetime
import email
import email.policy
import json
import os
import socketserver
import subprocess
import threading
import time

import samples
import test_tms_wire as wire
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from mail_code import CODE
from open_escrow import opened
from test_servers import Customer, fields_of

ref = wire.ref
SO_PIN = "3537363231383830"
OURS = "manufacturer = 'Card'"
STEPS = ("approve", "release", "grant", "done")
MAIL_S = 10  # a mail whose server was killed with it in hand comes after its lease of five minutes: nobody waits that long


# ---- what the servers share ----

class Authority:
    def __init__(self, place):
        self.place = place
        self.key = ec.generate_private_key(ec.SECP256R1())
        pem = wire.make_certificate("Customers", self.key, "Customers", self.key, True)
        (place / "customers.pem").write_text(pem)
        (place / "vault-of-all.key").write_text(ref.b64(samples.fixed("vault")) + "\n")
        (place / "vault-of-all.key").chmod(0o600)

    def common(self):
        place = str(self.place)
        return {"issuers": place + "/customers.pem", "escrow_log": place + "/escrow.log", "second_approver": "never",
                "vault": {"socket": place + "/vault.sock", "public_key": place + "/vault.pub", "private_key": place + "/vault-of-all.key", "rows_per_hour": 1000000}}

    def issue(self, key, serial):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(wire.name_of(serial)).issuer_name(wire.name_of("Customers")).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30)))
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class Vault:
    def __init__(self, program, server):
        self.path = server.folder / "vault.log"
        with open(self.path, "wb") as log:
            self.process = subprocess.Popen([program, "vault", "--config", str(server.config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        return self.path.read_text(errors="replace")


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 mail\r\n")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.put(self.mail())
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return

    def mail(self):
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)
        return b""  # who sent it has died with it


class Post(socketserver.ThreadingTCPServer):
    """A mail server that takes everything and remembers codes, by the address and the check phrase that stands beside them."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Session)
        self.texts = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def config(self):
        return {"url": "smtp://127.0.0.1:%d" % self.server_address[1], "from": "mokhoa@example.vn", "tls": "none"}

    def put(self, raw):
        message = email.message_from_bytes(raw, policy=email.policy.default)
        part = message.get_body(("plain",))
        if part is not None:
            self.texts.append((str(message["To"]), part.get_content()))

    def code(self, address, phrase):
        """The newest, or None."""
        found = [CODE.search(text) for to, text in self.texts if address in to and phrase in text]
        codes = [one[1] for one in found if one]
        return codes[-1] if codes else None

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


# ---- one customer ----

class Way:
    """To one server, as Customer asks a stage. What a server that is dying or busy says is no answer."""

    def __init__(self, database):
        self.database, self.server = database, None

    def answered(self, said):
        if said[0] >= 500 or said[0] == 429:
            raise ConnectionError(said)
        return said

    def post(self, path, body):
        return self.answered(self.server.post("/" + path, body))

    def desk(self, number, verb, body):
        return self.answered(self.server.call(f"/v1/admin/requests/{number}/{verb}", body=json.dumps(body).encode(), person="approver"))

    def sql(self, statement, serial):
        return self.database.rows(statement.replace("?", f"'{serial}'"))


class Card(Customer):
    def __init__(self, n, authority, post, database):
        self.stage, self.mails = Way(database), post
        serial = f"CARD{n:04d}"
        self.token = {"manufacturer": "Card", "model": "", "serial": serial}
        self.address = f"{serial.lower()}@khach.example"
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = authority.issue(self.key, serial)
        self.so_pin = SO_PIN
        self.answered = dict.fromkeys(STEPS, 0)
        self.without_mail = 0
        self.told = {}  # number: what its machine knows of it

    def at(self, ask, call):
        """The call at whichever server answers it; made anew each time, so that a counter that may have been taken is not sent again."""
        def once(server):
            self.stage.server = server
            return call()

        return ask(once)

    def good(self, ask, call, step=None):
        status, answer = self.at(ask, call)
        if status != 200:
            raise RuntimeError(f"{self.token['serial']}, request {self.number}: {step} was answered {answer}")
        if step:
            self.answered[step] += 1
        return answer

    def unlock(self, ask):
        """From a new request to the report. Every answer is asked for a second time, of either server, and is the same."""
        self.kem, self.sig, self.counter = ec.generate_private_key(ec.SECP256R1()), ref.sig_from_seed(os.urandom(32)), 0
        idempotency = os.urandom(16)
        for _ in range(2):
            self.at(ask, lambda: (200, self.create(idempotency)))
        self.told[self.number] = "pending"
        self.say_yes(ask)
        code = self.wait_for_code()
        if code is None:
            self.without_mail += 1
            self.good(ask, lambda: self.ask("cancel"))
            self.told[self.number] = "cancelled"
            return
        nonce, *candidates = self.twice(ask, lambda: self.release(code), "release", lambda: self.h)
        if candidates != [self.so_pin.encode()]:
            raise RuntimeError(f"{self.token['serial']}, request {self.number}: not the card's SO PIN is released, or not it alone: {len(candidates)}")
        [following] = self.twice(ask, self.grant, "grant", lambda: ref.grant_info(self.h))
        self.so_pin = following.decode()
        self.good(ask, lambda: self.done(nonce), "done")
        self.told[self.number] = "completed"
        self.good(ask, lambda: self.done(nonce))

    def twice(self, ask, call, step, info):
        answers = [self.good(ask, call, name) for name in (step, None)]
        first, second = (fields_of(self.open(info(), answer)) for answer in answers)
        if first != second:
            raise RuntimeError(f"{self.token['serial']}, request {self.number}: {step} was answered twice, each time otherwise")
        return first

    def say_yes(self, ask):
        """An approver, and another call of his that comes after it: only one of them decides."""
        said = {"how": "call_back", "reference": "", "phrase": self.phrase}
        yes = 0
        for _ in range(2):
            lost = []

            def once():
                lost.append(True)
                return self.stage.desk(self.number, "approve", said)

            status, answer = self.at(ask, once)
            name = "ok" if status == 200 else answer["error"]["data"]["name"]
            # a call that got no answer may have decided
            yes += name == "ok" or (name == "request_decided" and yes == 0 and len(lost) > 1)
            if name not in ("ok", "request_decided"):
                raise RuntimeError(f"{self.token['serial']}, request {self.number}: approve was answered {name}")
        if yes != 1:
            raise RuntimeError(f"{self.token['serial']}, request {self.number} was approved {yes} times")
        self.told[self.number] = "approved"
        self.answered["approve"] += 1

    def wait_for_code(self):
        end = time.monotonic() + MAIL_S
        while time.monotonic() < end:
            code = self.mails.code(self.address, self.phrase)
            if code is not None:
                return code
            time.sleep(0.02)
        return None

    # ---- behind it ----

    def judge(self, database, history):
        """What is wrong, one line each."""
        serial = self.token["serial"]
        states = dict(database.rows(f"SELECT number, state FROM request WHERE {OURS} AND serial = '{serial}'"))
        want = {"completed": ["create", "approve", "release", "grant", "done"], "cancelled": ["create", "approve", "cancel"]}
        wrong = [f"request {n} is {states.get(n)}, and its machine was told {told}" for n, told in self.told.items() if states.get(n) != told]
        wrong += [f"request {n} is nobody's" for n in states if n not in self.told]
        wrong += [f"request {n} is {state}, and its history is {history.get(n)}" for n, state in states.items() if history.get(n) != want.get(state)]
        counted = database.rows("SELECT t.state, t.next IS NULL, (SELECT count(*) FROM escrow WHERE token = t.id),"
                                f" (SELECT count(*) FROM outbox o JOIN request r ON r.number = o.number WHERE r.serial = t.serial AND o.kind = 'unlocked') FROM token t WHERE serial = '{serial}'")
        done = sum(told == "completed" for told in self.told.values())
        if counted != [["verified" if done else "unverified", "t", str(1 + done), str(done)]]:
            wrong.append(f"{serial}: state, no next one, rows of the escrow and mails are {counted} after {done} unlocks")
        [[version, sealed]] = database.rows(f"SELECT e.version, encode(e.sealed, 'hex') FROM token t JOIN escrow e ON e.id = t.active WHERE t.serial = '{serial}'")
        if opened(samples.VAULT, self.token, int(version), bytes.fromhex(sealed)) != self.so_pin:
            wrong.append(f"{serial}: its SO PIN is not the active one")
        return wrong


def put_on_record(program, server, customers):
    def number_of(customer):
        return f"{x509.load_der_x509_certificate(customer.certificate).serial_number:X}"

    table = "".join(",".join((c.token["manufacturer"], "", c.token["serial"], SO_PIN, "Khách", c.address, number_of(c))) + "\n" for c in customers)
    sealed = subprocess.run([program, "seal", "--vault-key", str(server.folder / "vault.pub")], input="manufacturer,model,serial,so_pin,customer,email,certificate_serial\n" + table,
                            check=True, capture_output=True, text=True, timeout=60).stdout
    subprocess.run([program, "import", "--config", str(server.config)], input=sealed, check=True, capture_output=True, text=True, timeout=60)
