#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The worker's client of the TMS over real TLS, against servers that are right and servers that are not.

usage: test_tms_client.py TMS_PROBE
"""

import json
import os
import select
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../../tests/check"))

import fake_tms  # noqa: E402
from fake_tms import FakeTms, Server, hangs_up, refuses, replies, truncates, wire  # noqa: E402
from seen import seen  # noqa: E402

PROBE = os.path.abspath(sys.argv.pop(1))
KEM = wire.kem_public(wire.kem_from_private(bytes(31) + b"\x02"))
SIG = wire.sig_public(wire.sig_from_seed(bytes(31) + b"\x01"))
TOKEN = {"manufacturer": "www.CardContact.de", "model": "PKCS#15 emulated", "serial": "DENK0100001"}
ID = bytes(range(16))
CODE = wire.code_shown(0x123456789ABCDEF)


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.authority = fake_tms.Authority(cls.folder.name, "right")
        cls.stranger = fake_tms.Authority(cls.folder.name, "stranger")
        cls.right, cls.pin = cls.authority.leaf("good")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        self.tms = FakeTms()
        self.tms.requests[wire.b64(ID)] = {
            "id": ID, "key": b"", "host_kem_pk": KEM, "host_sig_pk": SIG, "token": TOKEN, "counter": 0, "certificate": b"", "state": "pending",
            "approval": b"", "code_expires": 0, "wrong": 0, "reports": []}
        self.server = self.serve(self.right)

    def serve(self, certificate, **options):
        server = Server(self.tms, certificate, **options)
        self.addCleanup(server.close)
        return server

    def call(self, call, url=None, environment=None, **order):
        order = {"call": call, "tms": url or self.server.url, "tls_ca": self.authority.file, "keys": [wire.b64(self.tms.public)],
                 "proxy": "none", "id": wire.b64(ID), "counter": 1, "token": TOKEN, "code": CODE, **order}
        done = subprocess.run([PROBE], input=json.dumps(order).encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True,
                              env=dict(os.environ, MOKHOA_LOG="debug", **(environment or {})), timeout=60)
        self.log = done.stderr.decode()
        answer = json.loads(done.stdout)
        if answer["error"] != "ok":
            seen(answer["error"], self.id().replace("__main__", "test_tms_client.py"))
        return answer

    def error(self, *arguments, **order):
        return self.call(*arguments, **order)["error"]


class Right(Client):
    def test_create(self):
        answer = self.call("create")
        self.assertEqual(answer["error"], "ok")
        self.assertIn(answer["id"], self.tms.requests)
        self.assertEqual(answer["hotline"], "1900 0000")
        self.assertEqual(answer["expires"], fake_tms.SECONDS)

    def test_status(self):
        answer = self.call("status")
        self.assertEqual([answer[k] for k in ("error", "state", "email", "approval")], ["ok", "pending", "a***@mail.example", ""])
        self.tms.requests[wire.b64(ID)].update(state="approved", approval=b"\x09" * 16, code_expires=5)
        answer = self.call("status", counter=2)
        self.assertEqual([answer[k] for k in ("state", "approval", "code_expires")], ["approved", wire.b64(b"\x09" * 16), 5])

    def test_the_counter_must_grow(self):
        self.assertEqual(self.error("status", counter=5), "ok")
        self.assertEqual(self.error("status", counter=5), "signature_refused")

    def test_resend_and_cancel(self):
        self.assertEqual(self.call("resend")["state"], "pending")
        self.assertEqual(self.call("cancel", counter=2)["state"], "cancelled")

    def approved(self):
        self.tms.requests[wire.b64(ID)].update(state="approved", approval=b"\x09" * 16)
        self.tms.code = CODE

    def test_release_and_grant(self):
        self.approved()
        self.tms.so_pins = ["3537363231383830", "1234567890abcdef"]
        answer = self.call("release")
        self.assertEqual(answer["error"], "ok")
        self.assertEqual(answer["candidates"], self.tms.so_pins)
        self.assertEqual(wire.unb64(answer["nonce"]), self.tms.requests[wire.b64(ID)]["nonce"])
        self.assertEqual(self.call("grant", active=1)["next"], self.tms.next_so_pin)

    def test_a_wrong_code_says_how_many_tries_are_left(self):
        self.approved()
        self.tms.code = wire.code_shown(1)
        answer = self.call("release")
        self.assertEqual([answer["error"], answer["tries_left"]], ["code_wrong", 4])

    def test_done(self):
        answer = self.call("done")
        self.assertEqual([answer["error"], answer["state"]], ["ok", "completed"])
        [report] = self.tms.requests[wire.b64(ID)]["reports"]
        self.assertEqual([report["rotated"], wire.unb64(report["proof"])], [True, b"proof"])

    def test_nothing_but_the_call_is_sent(self):
        with open(os.path.join(self.folder.name, ".netrc"), "w", encoding="ascii") as f:
            f.write("machine localhost login somebody password something\n")
        self.call("status", environment={"HOME": self.folder.name})
        [(_, _, headers)] = self.tms.seen
        self.assertEqual(sorted(headers), ["Accept", "Content-Length", "Content-Type", "Host", "User-Agent"])


class Tls(Client):
    def refused(self, error="tms_certificate", certificate=None, **order):
        server = self.serve(certificate) if certificate else self.server
        self.assertEqual(self.error("status", url=server.url, **order), error)
        self.assertEqual(self.tms.seen, [], "not a byte of the request was sent")

    def test_another_authority(self):
        self.refused(tls_ca=self.stranger.file)
        self.assertIn("issuer=CN = right", self.log)

    def test_the_systems_store_is_asked_only_where_the_profile_says_so(self):
        self.refused(tls_ca=None)
        self.assertIn("issuer=CN = right", self.log)

    def test_a_system_store_by_the_environment_does_not_help(self):
        self.refused(tls_ca=self.stranger.file, environment={"SSL_CERT_FILE": self.authority.file, "CURL_CA_BUNDLE": self.authority.file})

    def test_another_name(self):
        self.refused(certificate=self.authority.leaf("name", host="tms.example")[0])

    def test_expired(self):
        self.refused(certificate=self.authority.leaf("expired", from_day=-10, to_day=-1)[0])

    def test_not_yet_valid(self):
        self.refused(certificate=self.authority.leaf("future", from_day=1, to_day=10)[0])

    def test_pin(self):
        other = self.authority.leaf("other")[1]
        self.assertEqual(self.error("status", pins=[self.pin]), "ok")
        self.assertEqual(self.error("status", pins=[other, self.pin], counter=2), "ok")
        self.tms.seen.clear()
        self.refused(pins=[other])

    def test_old_versions(self):
        server = self.serve(self.right, versions=(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1))
        self.assertEqual(self.error("status", url=server.url), "tms_unreachable")
        self.assertEqual(self.tms.seen, [])

    def test_no_tls_at_all(self):
        server = self.serve(None)
        self.assertEqual(self.error("status", url=server.url), "tms_unreachable")
        self.assertEqual(self.error("status", url=server.url.replace("https", "http")), "profile_invalid")
        self.assertEqual(self.tms.seen, [])

    def test_a_missing_file_of_the_authority(self):
        self.refused("profile_invalid", tls_ca="/nowhere/ca.pem")


class Line:
    """Carries connections to a port until it is told to cut the next one, behind so many bytes of what the server says."""

    def __init__(self, port):
        self.port, self.at, self.resets, self.passed = port, None, False, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.listener.close()

    def cut(self, at, resets):
        self.at, self.resets = at, resets

    def serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            at, self.at = self.at, None
            with near, socket.create_connection(("127.0.0.1", self.port)) as far:
                try:
                    self.carry(near, far, at)
                except OSError:
                    pass

    def carry(self, near, far, at):
        self.passed = 0
        while True:
            for sock in select.select([near, far], [], [], 30)[0]:
                data = sock.recv(65536)
                if sock is far and at is not None and self.passed + len(data) > at:
                    near.sendall(data[:at - self.passed])
                    if self.resets:
                        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                if not data:
                    return
                (near if sock is far else far).sendall(data)
                self.passed += len(data) if sock is far else 0


class Network(Client):
    def free_port(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            return s.getsockname()[1]

    def test_nobody_listens(self):
        self.assertEqual(self.error("status", url=f"https://localhost:{self.free_port()}"), "tms_unreachable")

    def test_no_such_name(self):
        self.assertEqual(self.error("status", url="https://tms.invalid"), "tms_unreachable")

    def test_a_line_that_goes_at_any_byte(self):
        """Of what the server says: a certificate that was seen, and taken, is no other's because the network went after it."""
        line = self.line()
        self.assertEqual(self.error("status", url=line.url), "ok")
        total, ends = line.passed, []
        for resets in (False, True):
            for at in range(0, total, 89):
                line.cut(at, resets)
                ends.append(self.error("status", url=line.url, counter=len(ends) + 2))
            # what comes behind the whole answer is not waited for
            whole = [n for n, end in enumerate(ends) if end == "ok"]
            self.assertLess(len(whole), 3, ends)
        self.assertEqual(set(ends) - {"ok"}, {"tms_unreachable"}, ends)
        for call in ("create", "release", "grant"):
            with self.subTest(call):
                self.tms.requests[wire.b64(ID)].update(state="approved", approval=b"\x09" * 16)
                self.tms.code = CODE
                line.cut(total // 3, True)
                self.assertEqual(self.error(call, url=line.url, active=0), "ok")

    def line(self):
        line = Line(self.server.server_port)
        self.addCleanup(line.close)
        return line

    def test_what_does_no_harm_is_repeated(self):
        for call in ("create", "release", "grant"):
            with self.subTest(call):
                self.tms.requests[wire.b64(ID)].update(state="approved", approval=b"\x09" * 16)
                self.tms.code = CODE
                self.tms.faults[call] = [hangs_up, truncates]
                self.tms.seen.clear()
                self.assertEqual(self.error(call, active=0), "ok")
                bodies = [body for name, body, _ in self.tms.seen if name == call]
                self.assertEqual(len(bodies), 3)
                self.assertEqual(bodies[0], bodies[2])

    def test_what_may_pass_is_asked_again(self):
        self.tms.requests[wire.b64(ID)].update(state="approved", approval=b"\x09" * 16)
        self.tms.code = CODE
        passing = [refuses(429, "busy"), replies(502, b"<html>", "text/html"), replies(504), refuses(503, "vault_unreachable")]
        for call, times in (("create", 2), ("release", 4), ("grant", 4)):
            with self.subTest(call):
                self.tms.faults[call] = passing[:times]
                self.tms.seen.clear()
                self.assertEqual(self.error(call, active=0), "ok")
                bodies = [body for name, body, _ in self.tms.seen if name == call]
                self.assertEqual((len(bodies), len({str(body) for body in bodies})), (times + 1, 1))

    def test_what_does_not_pass_is_told(self):
        for number, fault in enumerate((replies(500), refuses(409, "vault_refused"), refuses(403, "code_expired"), replies(429, b"<html>", "text/html"))):
            with self.subTest(number):
                self.tms.faults["grant"] = [fault]
                self.tms.seen.clear()
                self.assertNotEqual(self.error("grant", active=0), "ok")
                self.assertEqual(len(self.tms.seen), 1)

    def test_as_late_as_the_server_says(self):
        self.tms.faults["create"] = [refuses(429, "busy", retry_after=2)]
        begin = time.monotonic()
        self.assertEqual(self.error("create"), "ok")
        self.assertGreater(time.monotonic() - begin, 2)
        # and not at all where that is longer than anybody waits
        for call, late in (("create", 13), ("release", 21), ("grant", 121)):
            with self.subTest(call):
                self.tms.faults[call] = [refuses(503, "no_memory", retry_after=late)]
                self.tms.seen.clear()
                answer = self.call(call, active=0)
                self.assertEqual((answer["error"], answer["wait"], len(self.tms.seen)), ("tms_failed", late, 1))

    def test_three_failures_are_enough(self):
        for fault, error in ((hangs_up, "tms_unreachable"), (replies(503), "tms_failed")):
            self.tms.faults["create"] = [fault] * 3
            self.tms.seen.clear()
            self.assertEqual(self.error("create"), error)
            self.assertEqual(len(self.tms.seen), 3)

    def test_what_counts_is_not_repeated_here(self):
        for number, call in enumerate(("status", "resend", "cancel", "done"), 1):
            for fault, error in ((hangs_up, "tms_unreachable"), (refuses(429, "busy"), "busy")):
                with self.subTest(call, error=error):
                    self.tms.faults[call] = [fault]
                    self.tms.seen.clear()
                    self.assertEqual(self.error(call, counter=2 * number + (error == "busy")), error)
                    self.assertEqual(len(self.tms.seen), 1)

    def test_a_server_that_drips_is_left(self):
        def drips(handler, right):
            handler.send_response(200)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", "60000")
            handler.end_headers()
            for _ in range(400):
                handler.wfile.write(b" ")
                time.sleep(0.1)

        self.tms.faults["create"] = [drips] * 3
        begin = time.monotonic()
        self.assertEqual(self.error("create"), "tms_unreachable")
        self.assertLess(time.monotonic() - begin, 25)
        self.assertEqual(len(self.tms.seen), 1, "no time is left for another try")

    def test_proxy(self):
        dead = f"http://127.0.0.1:{self.free_port()}"
        alive = self.proxy()
        system = {"https_proxy": dead, "no_proxy": ""}
        self.assertEqual(self.error("status", proxy="none", environment=system), "ok")
        self.assertEqual(self.error("status", proxy="system", environment=system, counter=2), "tms_unreachable")
        self.assertEqual(self.error("status", proxy=dead, environment={"no_proxy": "*"}, counter=2), "tms_unreachable")
        self.assertEqual(self.error("status", proxy=alive, environment=system, counter=2), "ok")
        self.assertEqual(self.error("status", proxy="system", environment={"https_proxy": alive, "no_proxy": ""}, counter=3), "ok")
        self.assertEqual(self.connects, [f"CONNECT localhost:{self.server.server_port} HTTP/1.1"] * 2)

    def proxy(self):
        """A proxy that lets CONNECT through."""
        self.connects = []
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def copy(source, sink):
            try:
                while data := source.recv(4096):
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        def serve():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                head = b""
                while b"\r\n\r\n" not in head:
                    head += client.recv(4096)
                self.connects.append(head.split(b"\r\n")[0].decode())
                upstream = socket.create_connection(("127.0.0.1", self.server.server_port))
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                for pair in ((client, upstream), (upstream, client)):
                    threading.Thread(target=copy, args=pair, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


class Answers(Client):
    def with_fault(self, fault, call="status", **order):
        self.tms.faults[call] = [fault]
        return self.call(call, **order)

    def test_redirects_are_not_followed(self):
        elsewhere = self.serve(self.right)
        answer = self.with_fault(replies(302, headers=[("Location", elsewhere.url + "/v1/requests")]))
        self.assertEqual(answer["error"], "tms_answer")
        self.assertEqual(len(self.tms.seen), 1)

    def test_not_json(self):
        for fault in (replies(200, b"<html>log in to the network</html>", "text/html"), replies(200, b"{}", "text/html"), replies(200, b""),
                      replies(200, b"[]"), replies(200, b"null"), replies(200, b"{"), replies(204)):
            self.assertEqual(self.with_fault(fault)["error"], "tms_answer")

    def test_too_much(self):
        self.assertEqual(self.with_fault(replies(200, b" " * 65537))["error"], "tms_answer")
        self.assertEqual(self.with_fault(replies(200, b" " * 10_000_000))["error"], "tms_answer")
        self.assertEqual(self.with_fault(replies(200, b"{}", headers=[(f"X-{i}", "x" * 1000) for i in range(20)]))["error"], "tms_answer")

    def test_truncated(self):
        self.assertEqual(self.with_fault(truncates)["error"], "tms_unreachable")

    def test_compressed_is_not_unpacked(self):
        self.assertEqual(self.with_fault(replies(200, b"\x1f\x8b\x08", headers=[("Content-Encoding", "gzip")]))["error"], "tms_answer")

    def test_the_servers_own_troubles(self):
        for status in (500, 502, 503, 504):
            self.assertEqual(self.with_fault(replies(status, b"<html>", "text/html"))["error"], "tms_failed")
        self.assertEqual(self.with_fault(refuses(503, "vault_limit"))["error"], "tms_failed")
        self.assertEqual(self.with_fault(refuses(409, "vault_refused"))["error"], "tms_failed")

    def test_what_the_server_may_say(self):
        names = ["busy", "request_unknown", "request_not_approved", "request_refused", "request_expired", "request_cancelled",
                 "request_locked_out", "code_wrong", "code_expired", "resend_too_soon", "resend_limit", "request_limit", "signature_refused",
                 "escrow_missing", "escrow_suspect", "state_wrong", "proof_refused"]
        for name in names:
            answer = self.with_fault(refuses(409, name, tries_left=3, retry_after=600, more="x"))
            self.assertEqual([answer["error"], answer["tries_left"], answer["wait"]], [name, 3, 600])

    def test_what_the_server_may_not_say(self):
        for name in ("invalid_params", "admin_unknown", "token_so_refused", "ok", "no_such_error", "pin_not_proved"):
            self.assertEqual(self.with_fault(refuses(400, name))["error"], "tms_answer")
        self.assertEqual(self.with_fault(refuses(403, "code_wrong", tries_left=-5))["error"], "tms_answer")
        self.assertEqual(self.with_fault(refuses(403, "code_wrong", tries_left="3"))["error"], "tms_answer")
        self.assertEqual(self.with_fault(replies(403, b'{"error": "code_wrong"}'))["error"], "tms_answer")

    def changed(self, call, change, resign=False):
        (self.tms.resign if resign else self.tms.changes)[call] = change
        answer = self.call(call, counter=int(time.monotonic() * 1e6), active=0)
        self.tms.resign.clear()
        self.tms.changes.clear()
        return answer["error"]

    def test_a_changed_answer_is_not_signed(self):
        for key, value in (("state", "approved"), ("expires", 1), ("code_expires", 9), ("retry_after", 0), ("email", "x"), ("note", "x"),
                           ("approval", wire.b64(b"\x01" * 16)), ("signature", wire.b64(bytes(64)))):
            self.assertEqual(self.changed("status", lambda a: a.update({key: value})), "tms_answer", key)
        for key, value in (("id", wire.b64(b"\x01" * 16)), ("expires", 1), ("hotline", "1900 9999")):
            self.assertEqual(self.changed("create", lambda a: a.update({key: value})), "tms_answer", key)

    def test_a_key_that_is_not_pinned(self):
        stranger = wire.sig_from_seed(b"\x06" * 32)
        self.assertEqual(self.error("status", keys=[wire.b64(wire.sig_public(stranger))]), "tms_answer")
        self.assertEqual(self.error("status", keys=[wire.b64(wire.sig_public(stranger)), wire.b64(self.tms.public)], counter=2), "ok")
        self.assertEqual(self.changed("status", lambda a: a.update(kid=wire.kid(wire.sig_public(stranger)))), "tms_answer")
        self.assertEqual(self.changed("status", lambda a: a.update(kid="")), "tms_answer")

    def test_an_answer_to_another_counter(self):
        old = []
        self.assertEqual(self.changed("status", lambda a: old.append(dict(a))), "ok")
        self.assertEqual(self.changed("status", lambda a: a.update(old[0])), "tms_answer")

    def test_form(self):
        for change in (lambda a: a.pop("note"), lambda a: a.update(more=1), lambda a: a.update(expires="1"), lambda a: a.update(expires=1.5),
                       lambda a: a.update(email=None), lambda a: a.update(signature="x")):
            self.assertEqual(self.changed("status", change), "tms_answer")
        # signed, and still nothing that the contract has
        for key, value in (("state", "unidentified"), ("state", "lost"), ("expires", 2**53), ("email", "e" * 255), ("email", "a\nb"),
                           ("note", "n" * 513), ("note", "\u202eabc"), ("approval", wire.b64(b"\x01" * 15)), ("approval", wire.b64(b"\x01" * 17))):
            self.assertEqual(self.changed("status", lambda a: a.update({key: value}), resign=True), "tms_answer", key)
        self.assertEqual(self.changed("status", lambda a: a.update(email="e" * 254, note="n" * 512), resign=True), "ok")
        self.assertEqual(self.changed("create", lambda a: a.update(hotline="1" * 65), resign=True), "tms_answer")
        self.assertEqual(self.changed("create", lambda a: a.update(hotline="1" * 64), resign=True), "ok")

    def test_a_duplicate_key(self):
        def doubles(handler, right):
            handler.send(200, right[:-1] + b', "state": "pending"}')
        self.assertEqual(self.with_fault(doubles)["error"], "tms_answer")

    def approved(self):
        request = self.tms.requests[wire.b64(ID)]
        request.update(state="approved", approval=b"\x09" * 16)
        self.tms.code = CODE
        return request

    def test_a_release_sealed_to_somebody_else(self):
        request = self.approved()
        other = wire.kem_public(wire.kem_from_private(bytes(31) + b"\x03"))
        seal = self.tms.sealed
        self.tms.sealed = lambda q, info, plain, transcript: seal(dict(request, host_kem_pk=other), info, plain, transcript)
        self.assertEqual(self.error("release"), "tms_answer")
        self.assertEqual(self.error("grant", active=0), "tms_answer")

    def test_a_release_that_is_packed_otherwise(self):
        self.approved()
        seal = self.tms.sealed
        for plain in (wire.padded(b"", 256), wire.padded(wire.field(bytes(16)) + wire.field(""), 256), b"\xff" * 256):
            self.tms.sealed = lambda q, info, _, transcript: seal(q, info, plain, transcript)
            self.assertEqual(self.error("release"), "tms_answer")
        self.tms.sealed = lambda q, info, _, transcript: seal(q, info, bytes(100), transcript)
        self.assertEqual(self.error("release"), "tms_answer")

    def test_a_grant_of_another_candidate(self):
        self.approved()
        self.tms.so_pins = ["3537363231383830", "1234567890abcdef"]
        answers = []
        self.assertEqual(self.call("grant", active=0)["error"], "ok")
        self.tms.changes["grant"] = lambda a: answers.append(dict(a))
        self.assertEqual(self.call("grant", active=0)["error"], "ok")
        self.tms.changes["grant"] = lambda a: a.update(answers[0])
        self.assertEqual(self.call("grant", active=1)["error"], "tms_answer")


if __name__ == "__main__":
    unittest.main()
