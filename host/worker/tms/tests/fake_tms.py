# SPDX-License-Identifier: Apache-2.0
"""A token management server that answers as the contract says, or is told to answer otherwise; for one request and one token.

Its bytes come from protocol/reference, which shares no line with the C. Needs Debian's python3-cryptography.
"""

import base64
import datetime
import http.server
import ipaddress
import json
import os
import socket
import ssl
import sys
import threading

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../../../protocol/reference"))
import reference as wire  # noqa: E402

SECONDS = 1_900_000_000  # some time that is not over


NO_POLICY = {"family": "", "pin_min": 0, "pin_max": 0, "pin_characters": "", "flags_reliable": False}  # before the approval


# ---- certificates ----

class Authority:
    """Makes the certificates of a server, right ones and wrong ones, in PEM files of a folder."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.sign(name, self.key, None, [], -1, 30, authority=True)
        self.file = self.write(name + ".ca.pem", self.certificate.public_bytes(serialization.Encoding.PEM))

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def sign(self, common_name, key, issuer, names, from_day, to_day, authority=False):
        now = datetime.datetime.utcnow()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now + datetime.timedelta(days=from_day))
                   .not_valid_after(now + datetime.timedelta(days=to_day))
                   .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def leaf(self, name, host="localhost", from_day=-1, to_day=30):
        """A file with key and certificate, and the pin of its public key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(host)]
        if host == "localhost":
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        certificate = self.sign(host, key, self.certificate.subject, names, from_day, to_day)
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path = self.write(name + ".pem", pem + certificate.public_bytes(serialization.Encoding.PEM))
        public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return path, "sha256//" + base64.b64encode(wire.sha256(public)).decode()


# ---- errors ----

class Refusal(Exception):
    def __init__(self, status, name, **data):
        super().__init__(name)
        self.status, self.body = status, {"error": {"code": 0, "message": "", "data": dict(name=name, **data)}}


# ---- the server ----

class FakeTms:
    """faults[call] is a list; each call takes its first entry: a function (handler, answer) that answers instead, or None for the
    right answer. changes[call] is a function that changes the right answer after it was signed, resign[call] before."""

    def __init__(self):
        self.key = wire.sig_from_seed(b"\x05" * 32)
        self.public = wire.sig_public(self.key)
        self.requests = {}
        self.seen = []  # (call, body, headers)
        self.faults, self.changes, self.resign = {}, {}, {}
        self.so_pins = ["3537363231383830"]  # candidates, in the order of the release
        self.next_so_pin = "3132333435363738"
        self.code = None
        self.policy = {"family": "so_pin", "pin_min": 0, "pin_max": 0, "pin_characters": "any", "flags_reliable": False}
        self.family, self.rotation = "so_pin", True  # of the release
        self.email, self.note, self.hotline = "a***@mail.example", "", "1900 0000"

    # -- the life of a request, as the console would have it

    def only(self):
        [request] = self.requests.values()
        return request

    def approve(self, code):
        self.code = code
        self.only().update(state="approved", approval=bytes([9]) * 16, code_expires=SECONDS)

    # -- calls

    def verify(self, request, transcript, body):
        try:
            wire.sig_verify(request["host_sig_pk"], transcript, wire.unb64(body["signature"]))
        except InvalidSignature:
            raise Refusal(401, "signature_refused") from None

    def count(self, request, body):
        if body["counter"] <= request["counter"]:
            raise Refusal(401, "signature_refused")
        request["counter"] = body["counter"]

    def create(self, body):
        kem, sig, key = (wire.unb64(body[k]) for k in ("host_kem_pk", "host_sig_pk", "idempotency_key"))
        r = wire.create_hash(body["token"], wire.unb64(body["certificate"]), body["reason"], body["language"], kem, sig, key)
        self.verify({"host_sig_pk": sig}, wire.create_request(r), body)
        request = next((q for q in self.requests.values() if q["key"] == key), None)
        if request is None:
            request = {"id": os.urandom(16), "key": key, "host_kem_pk": kem, "host_sig_pk": sig, "token": body["token"], "counter": 0,
                       "certificate": wire.unb64(body["certificate"]), "state": "pending", "approval": b"", "code_expires": 0, "wrong": 0,
                       "reports": []}
            self.requests[wire.b64(request["id"])] = request
        answer = {"id": wire.b64(request["id"]), "expires": SECONDS, "hotline": self.hotline}
        return answer, lambda a: wire.create_answer(wire.unb64(a["id"]), r, a["expires"], a["hotline"])

    def status(self, request, counter):
        answer = {"state": request["state"], "expires": SECONDS, "code_expires": request["code_expires"], "retry_after": 15,
                  "email": self.email, "approval": wire.b64(request["approval"]), "note": self.note,
                  **(self.policy if request["approval"] else NO_POLICY)}
        return answer, lambda a: wire.status_answer(request["id"], counter, a["state"], a["expires"], a["code_expires"], a["retry_after"],
                                                    a["email"], wire.unb64(a["approval"]), a["note"],
                                                    *(a[key] for key in NO_POLICY))

    def verb(self, request, verb, body):
        self.verify(request, wire.verb_request(verb, request["id"], body["counter"]), body)
        self.count(request, body)
        if verb == "cancel":
            request.update(state="cancelled", code_expires=0)
        return self.status(request, body["counter"])

    def h(self, request):
        serial = b""
        if request["certificate"][:2] not in (b"", b"\x30\x00"):
            number = x509.load_der_x509_certificate(request["certificate"]).serial_number
            serial = number.to_bytes(number.bit_length() // 8 + 1, "big")
        return wire.release_hash(request["id"], request["approval"], request["host_kem_pk"], request["host_sig_pk"], request["token"], serial)

    def sealed(self, request, info, plain, transcript):
        ephemeral = ec.generate_private_key(ec.SECP256R1())
        enc, ciphertext = wire.hpke_seal(request["host_kem_pk"], info, b"", plain, ephemeral)
        return {"enc": wire.b64(enc), "ciphertext": wire.b64(ciphertext)}, lambda a: transcript(wire.unb64(a["enc"]), wire.unb64(a["ciphertext"]))

    def release(self, request, body):
        h = self.h(request)
        self.verify(request, wire.release_request(h), body)
        if request["wrong"] >= 5:
            raise Refusal(423, "request_locked_out")
        try:
            key = wire.code_key(wire.code_read(self.code), request["id"])
            wire.sig_verify(wire.sig_public(key), wire.code_proof(h), wire.unb64(body["proof"]))
        except InvalidSignature:
            request["wrong"] += 1
            raise Refusal(403, "code_wrong", tries_left=5 - request["wrong"]) from None
        request["state"] = "released"
        request.setdefault("nonce", os.urandom(16))
        plain = wire.release_plain(request["nonce"], self.so_pins)
        answer, _ = self.sealed(request, h, plain, None)
        answer.update(family=self.family, rotation=self.rotation)
        return answer, lambda a: wire.release_answer(h, wire.unb64(a["enc"]), wire.unb64(a["ciphertext"]), a["family"], a["rotation"])

    def grant(self, request, body):
        h = self.h(request)
        self.verify(request, wire.grant_request(h, body["active"]), body)
        if body["active"] >= len(self.so_pins):
            raise Refusal(400, "invalid_params")
        request["active"] = body["active"]
        plain = wire.grant_plain(self.next_so_pin)
        return self.sealed(request, wire.grant_info(h), plain, lambda enc, ct: wire.grant_answer(h, body["active"], enc, ct))

    def done(self, request, body):
        self.verify(request, wire.done_request(request["id"], body["counter"], body["result"], body["stage"], body["cryptoki"], body["error"],
                                               body["rotated"], body["proof_mechanism"], wire.unb64(body["proof"])), body)
        self.count(request, body)
        request["reports"].append(body)
        request["state"] = body["result"]
        return self.status(request, body["counter"])

    def answer(self, path, body):
        """(call, answer, what is signed)"""
        parts = path.strip("/").split("/")
        if parts == ["v1", "requests"]:
            return ("create",) + self.create(body)
        if len(parts) != 4 or parts[:2] != ["v1", "requests"]:
            raise Refusal(404, "method_not_found")
        request = self.requests.get(parts[2])
        if request is None:
            raise Refusal(404, "request_unknown")
        call = parts[3]
        if call in ("status", "resend", "cancel"):
            return (call,) + self.verb(request, call, body)
        return (call,) + {"release": self.release, "grant": self.grant, "done": self.done}[call](request, body)

    def sign(self, call, answer, transcript):
        self.resign.get(call, lambda a: None)(answer)
        answer["kid"] = wire.kid(self.public)
        answer["signature"] = wire.b64(self.key.sign(transcript(answer)))
        self.changes.get(call, lambda a: None)(answer)
        return answer


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def send(self, status, body, kind="application/json", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        tms = self.server.tms
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        call = self.path.rsplit("/", 1)[1] if self.path != "/v1/requests" else "create"
        tms.seen.append((call, body, dict(self.headers)))
        queue = tms.faults.get(call)
        fault = queue.pop(0) if queue else None
        try:
            call, answer, transcript = tms.answer(self.path, body)
            status, answer = 200, tms.sign(call, answer, transcript)
        except Refusal as refusal:
            status, answer = refusal.status, refusal.body
        text = json.dumps(answer, ensure_ascii=False).encode()
        self.close_connection = True
        if fault is not None:
            fault(self, text)
        else:
            self.send(status, text)


class Server(http.server.ThreadingHTTPServer):
    """Serves a FakeTms on a port of its own until closed. Without a certificate file it speaks no TLS."""

    daemon_threads = True

    def __init__(self, tms, certificate=None, versions=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.tms, self.context = tms, None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            if versions is not None:
                self.context.set_ciphers("ALL:@SECLEVEL=0")
                self.context.minimum_version, self.context.maximum_version = versions
            self.context.load_cert_chain(certificate)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def finish_request(self, request, client_address):
        # in the connection's own thread: a handshake that fails or hangs holds up nobody else
        if self.context is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(30)
        with self.context.wrap_socket(request, server_side=True) as tls:
            super().finish_request(tls, client_address)

    def shutdown_request(self, request):
        try:
            request.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        request.close()

    def handle_error(self, request, client_address):
        pass

    @property
    def url(self):
        return f"https://localhost:{self.server_port}"

    def close(self):
        self.shutdown()
        self.server_close()


# ---- what a server can do wrong ----

def replies(status, body=b"", kind="application/json", headers=()):
    return lambda handler, right: handler.send(status, body, kind, headers)


def refuses(status, name, **data):
    return replies(status, json.dumps(Refusal(status, name, **data).body).encode())


def hangs_up(handler, right):
    pass


def truncates(handler, right):
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(right)))
    handler.end_headers()
    handler.wfile.write(right[:len(right) // 2])
