# SPDX-License-Identifier: Apache-2.0
"""A customer's machine that keeps no rule: the reference implementation signs whatever it is told to, over nginx or over the server's own socket,
where no rate limit slows down a race.
"""
import concurrent.futures
import http.client
import json
import os
import socket
import sqlite3
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "stage"), os.path.join(TESTS, "e2e")]

import test_servers as servers  # noqa: E402 (the stage's own module)
from test_servers import Customer, Stage, fields_of, ref, until  # noqa: E402,F401

FULL = "--full" in sys.argv
if FULL:
    sys.argv.remove("--full")


def enter_stage():
    """Runs this program again on a stage of its own."""
    if os.environ.get("MOKHOA_STAGE") != "1":
        full = ["--full"] if FULL else []
        os.execvp("sh", ["sh", os.path.join(TESTS, "stage", "enter.sh"), sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:], *full])


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket; root may open it although it is nginx's alone."""

    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(path, method, target, body=None, headers=None):
    """(status, answer) of one call on a connection of its own."""
    connection = Connection(path)
    try:
        text = json.dumps(body) if body is not None else None
        connection.request(method, target, text, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def dump(folder):
    """Every row of every table of a server's database; an index of words is seen by the tables that it keeps itself in."""
    with sqlite3.connect(f"file:{folder}/tms/data/tms.sqlite?mode=ro", uri=True, timeout=10) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name").fetchall()
        return [(name, row) for name, in tables for row in db.execute(f'SELECT * FROM "{name}"')]


def at_once(calls):
    """Starts them all together, each in a thread; their answers in order."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [f.result() for f in [pool.submit(call) for call in calls]]


def name_of(answer):
    """The wire name of an error answer, ok of any other."""
    return answer[1]["error"]["data"]["name"] if "error" in answer[1] else "ok"


class Machine(Customer):
    """The stage's customer with every part of a call in his own hands."""

    known = 0

    def __init__(self, stage, address=None):
        Machine.known += 1
        serial = f"HOST{os.getpid() % 10000:04d}{Machine.known:04d}"
        super().__init__(stage, serial, address or f"{serial.lower()}@khach.example")

    def again(self):
        """Another machine with the same token, and keys of its own."""
        other = object.__new__(Machine)
        other.__dict__.update(self.__dict__)
        other.kem = servers.ec.generate_private_key(servers.ec.SECP256R1())
        other.sig = ref.sig_from_seed(os.urandom(32))
        other.counter = 0
        return other

    def call(self, verb, body, number=None):
        return ask(f"{self.stage.dir}/tms/run/public.sock", "POST", f"/v1/requests/{number or ref.b64(self.id)}/{verb}", body)

    def approval(self):
        return self.stage.sql("SELECT id FROM approval WHERE number = ?", self.number)[0][0]

    def hash(self, approval=None):
        serial = servers.x509.load_der_x509_certificate(self.certificate).serial_number
        serial = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
        return ref.release_hash(self.id, approval or self.approval(), ref.kem_public(self.kem), ref.sig_public(self.sig), self.token, serial)

    def release_body(self, code_key, signer=None, approval=None):
        approval = approval or self.approval()
        self.h = self.hash(approval)
        return {"approval": ref.b64(approval), "signature": ref.b64((signer or self.sig).sign(ref.release_request(self.h))),
                "proof": ref.b64(code_key.sign(ref.code_proof(self.h)))}

    def key_of(self, code):
        return ref.code_key(ref.code_read(code), self.id)

    def take(self):
        """A release with the right code: (nonce, candidates)."""
        answer = self.call("release", self.release_body(self.key_of(self.code())))
        assert answer[0] == 200, answer
        nonce, *candidates = fields_of(self.open(self.h, answer[1]))
        return nonce, [c.decode() for c in candidates]

    def grant(self, active=0):
        return self.call("grant", {"active": active, "signature": ref.b64(self.sig.sign(ref.grant_request(self.h, active)))})

    def granted(self, active=0):
        answer = self.grant(active)
        assert answer[0] == 200, answer
        return fields_of(self.open(ref.grant_info(self.h), answer[1]))[0].decode()

    def report(self, result="completed", rotated=True, stage="reporting", error="ok"):
        self.counter += 1
        fields = {"result": result, "stage": stage, "cryptoki": 0, "error": error, "rotated": int(rotated), "proof_mechanism": "", "proof": b""}
        signature = self.sig.sign(ref.done_request(self.id, self.counter, **fields))
        return self.call("done", {**fields, "rotated": rotated, "proof": "", "counter": self.counter, "signature": ref.b64(signature)})

    def state(self):
        return self.stage.sql("SELECT state FROM request WHERE number = ?", self.number)[0][0]

    def escrow(self):
        done = servers.subprocess.run([sys.executable, os.path.join(TESTS, "stage", "open_escrow.py"), f"{self.stage.dir}/tms", self.token["serial"]],
                                      capture_output=True, text=True, check=True)
        return done.stdout.split()
