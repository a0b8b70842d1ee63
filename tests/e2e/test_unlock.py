#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The unlock from end to end: what a customer, an approver, a bad network and a bad day do to it, and what the card and the server then know.

Usage: test_unlock.py [-v] [TEST...]      MOKHOA_BIN is the folder of the programs. Enters a stage by itself.
"""
import base64
import os
import re
import signal
import subprocess
import sys
import time
import unittest

import world
from seen import seen
from world import NEW_PIN, PIN, SO_PIN, WRONG_SO_PIN

WRONG_CODE = "0000-0000-0000-0"


class Unlock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = world.World()

    @classmethod
    def tearDownClass(cls):
        cls.world.close()

    def setUp(self):
        self.world.new_home()
        self.world.profile()
        self.world.person()

    def tearDown(self):
        for reader in (0, 1):
            self.world.sh(f"card_remove $DIR {reader}", check=False)

    def refused(self, name, call, *args, **options):
        """The call answers this error, in both languages and with a hint; returns its data."""
        with self.assertRaises(world.native.Refused) as caught:
            call(*args, **options)
        error = caught.exception.error
        self.assertEqual(error["data"]["name"], name, error)
        for text in ("message", "hint"):
            for language in ("vi", "en"):
                self.assertGreater(len(error["data"][text][language]), 5)
        self.assertEqual(error["message"], error["data"]["message"]["vi"])
        seen(name, self.id().replace("__main__", "test_unlock.py"))
        return error["data"]

    def unlocked(self, card, host, request, code, proof="verified"):
        """The last part of the way, and all that must then be true."""
        self.world.person(f"type {code}", f"type {NEW_PIN}")
        answer = host.call("unlock", {"request": request["request"]})
        self.assertEqual(answer, {"request": request["request"], "state": "completed", "rotated": True, "proof": proof})
        self.assertTrue(card.opens_with(NEW_PIN))
        self.assertFalse(card.has_so_pin(SO_PIN))
        self.assertEqual(len(card.escrow()), 1)
        self.assertTrue(card.has_so_pin(card.escrow()[0]))
        self.assertEqual((card.show()["user_tries"], card.show()["so_tries"]), (3, 15))
        self.assertEqual(self.world.row(card)["state"], "completed")

    def untouched(self, card, so_tries=15):
        """The card is as it was before: locked, no try of the SO PIN gone, its SO PIN the old one and known to the authority."""
        self.assertEqual((card.show()["user_tries"], card.show()["so_tries"]), (0, so_tries))
        self.assertTrue(card.has_so_pin(SO_PIN))
        self.assertIn(SO_PIN, card.escrow())

    # ---- the way as it is meant ----

    def test_whole_flow(self):
        card = self.world.card()
        with self.world.host() as host:
            self.assertEqual([t["pin"] for t in host.call("token.info")["tokens"]], ["locked"])
            request = card.ask(host)
            self.assertEqual(request["state"], "pending")
            row = self.world.row(card)
            self.assertEqual((row["state"], row["email"]), ("pending", card.email))
            self.assertEqual(self.world.approve(row["number"], request["phrase"])[0], 200)
            code = self.world.code(card.email)
            status = host.call("unlock.status", {"request": request["request"]})["requests"][0]
            self.assertEqual(status["state"], "approved")
            self.assertGreater(status["code_expires"], time.time())
            self.assertNotIn(card.email, status["email"])
            self.unlocked(card, host, request, code)
            stages = [n["params"]["stage"] for n in host.notifications if n["method"] == "unlock.progress"]
            self.assertEqual(stages, ["prompting", "releasing", "setting_pin", "proving_pin", "granting", "rotating", "proving_rotation", "reporting"])
            shown = self.world.shown()
            for what in (request["phrase"], card.serial, world.native.ORIGIN):
                self.assertIn(what, shown)
            history = [h["event"] for h in self.world.one(row["number"])["history"]]
            for event in ("create", "approve", "release", "grant", "done"):
                self.assertIn(event, history)
            self.assertEqual([(r["request"], r["state"]) for r in host.call("unlock.status")["requests"]], [(request["request"], "completed")])

    def test_rsa_card_forgotten_pin_in_english(self):
        card = self.world.card(key="rsa", lock=False)
        with self.world.host() as host:
            request, _, code = card.approved(host, reason="forgotten", language="en")
            self.unlocked(card, host, request, code)

    def test_twice_in_a_row_with_the_rotated_so_pin(self):
        card = self.world.card()
        with self.world.host() as host:
            request, _, code = card.approved(host)
            self.unlocked(card, host, request, code)
            first = card.escrow()[0]
            card.lock()
            request = card.ask(host)
            self.world.approve(self.world.row(card)["number"], request["phrase"])
            self.world.person(f"type {self.world.code(card.email, but=code)}", "type 55667788")
            self.assertTrue(host.call("unlock", {"request": request["request"]})["rotated"])
            self.assertTrue(card.opens_with("55667788"))
            self.assertFalse(card.has_so_pin(first))
            self.assertTrue(card.has_so_pin(card.escrow()[0]))

    def test_browser_closed_in_the_middle(self):
        card = self.world.card()
        with self.world.host() as host:
            request, _, code = card.approved(host)
        host = self.world.host()
        self.world.person(f"type {code}", f"type {NEW_PIN}")
        number = host.start("unlock", {"request": request["request"]})
        with self.assertRaises(InterruptedError):
            def stop(note):
                if note["params"]["stage"] == "setting_pin":
                    raise InterruptedError
            host.finish(number, 60, stop)
        host.process.send_signal(signal.SIGKILL)
        host.close()
        end = time.monotonic() + 30
        while self.world.row(card)["state"] != "completed" and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(self.world.row(card)["state"], "completed")
        self.assertTrue(card.opens_with(NEW_PIN))
        self.assertTrue(card.has_so_pin(card.escrow()[0]))

    # ---- the token ----

    def test_no_token(self):
        with self.world.host() as host:
            self.assertEqual(host.call("token.info")["tokens"], [])
            self.refused("no_token", host.call, "unlock.request",
                         {"token": {"manufacturer": "m", "model": "m", "serial": "s"}, "reason": "locked", "language": "vi"})

    def test_another_token(self):
        card = self.world.card()
        with self.world.host() as host:
            request, _, code = card.approved(host)
            card.remove()
            other = self.world.card()
            self.world.person(f"type {code}", f"type {NEW_PIN}")
            self.refused("token_absent", host.call, "unlock", {"request": request["request"]})
            self.assertEqual(self.world.shown(), "")
            self.untouched(other)

    def test_two_equal_tokens(self):
        card = self.world.card()
        with self.world.host() as host:
            name = card.name(host)
            twin = world.Card(self.world, card.serial, known=False, lock=False, reader=1)
            self.assertEqual(len(host.call("token.info")["tokens"]), 2)
            self.refused("token_ambiguous", host.call, "unlock.request", {"token": name, "reason": "locked", "language": "vi"})
            twin.remove()
            self.untouched(card)

    def test_not_locked(self):
        card = self.world.card(lock=False)
        with self.world.host() as host:
            self.refused("token_not_locked", card.ask, host)
        self.assertEqual((card.show()["user_tries"], card.show()["so_tries"]), (3, 15))

    def test_pulled_out_midway_then_again_with_the_same_code(self):
        card = self.world.card()
        with self.world.host() as host:
            request, _, code = card.approved(host)
            self.world.person(f"type {code}", f"type {NEW_PIN}")
            number = host.start("unlock", {"request": request["request"]})

            def pull(note):
                if note["params"]["stage"] == "setting_pin":
                    card.tell("remove-after 3")

            self.refused("token_removed", host.finish, number, 120, pull)
            self.assertEqual(card.show()["so_tries"], 15)
            card.insert()
            self.unlocked(card, host, request, code)

    def test_authority_keeps_a_wrong_key(self):
        card = self.world.card(escrow=WRONG_SO_PIN)
        with self.world.host() as host:
            request, number, code = card.approved(host)
            self.world.person(f"type {code}", f"type {NEW_PIN}")
            self.refused("token_so_refused", host.call, "unlock", {"request": request["request"]})
            self.assertEqual((card.show()["user_tries"], card.show()["so_tries"]), (0, 14))
            self.assertEqual(self.world.row(card)["state"], "failed")
            # the next request costs one more try; then nothing is released until people have looked into it
            request = card.ask(host)
            self.world.approve(self.world.row(card)["number"], request["phrase"])
            code = self.world.code(card.email, but=code)
            self.world.person(f"type {code}", f"type {NEW_PIN}")
            self.refused("token_so_refused", host.call, "unlock", {"request": request["request"]})
            self.assertEqual(card.show()["so_tries"], 13)
            request = card.ask(host)
            status, answer = self.world.approve(self.world.row(card)["number"], request["phrase"])
            self.assertEqual((status, answer["error"]["data"]["name"]), (409, "escrow_suspect"))
            seen("escrow_suspect", self.id().replace("__main__", "test_unlock.py"))
            self.refused("request_not_approved", host.call, "unlock", {"request": request["request"]})
            self.assertEqual(card.show()["so_tries"], 13)

    def test_module_missing(self):
        self.world.profile(modules=[{"name": "vendor", "path": "/usr/lib/no-such-vendor.so"}])
        with self.world.host() as host:
            failures = host.call("token.info")["failures"]
            self.assertEqual([f["error"]["data"]["name"] for f in failures], ["module_missing"])
            self.refused("module_missing", host.call, "unlock.request",
                         {"token": {"manufacturer": "m", "model": "m", "serial": "s"}, "reason": "locked", "language": "vi"})

    # ---- the code and the prompt ----

    def test_wrong_code_then_the_right_one(self):
        card = self.world.card()
        with self.world.host() as host:
            request, _, code = card.approved(host)
            self.world.person(f"type {WRONG_CODE}", f"type {NEW_PIN}")
            data = self.refused("code_wrong", host.call, "unlock", {"request": request["request"]})
            self.assertEqual(data["tries_left"], 4)
            self.untouched(card)
            self.unlocked(card, host, request, code)

    def test_wrong_code_five_times(self):
        card = self.world.card()
        with self.world.host() as host:
            request, _, code = card.approved(host)
            for left in (4, 3, 2, 1):
                self.world.person(f"type {WRONG_CODE}", f"type {NEW_PIN}")
                self.assertEqual(self.refused("code_wrong", host.call, "unlock", {"request": request["request"]})["tries_left"], left)
            self.world.person(f"type {WRONG_CODE}", f"type {NEW_PIN}")
            with self.assertRaises(world.native.Refused):
                host.call("unlock", {"request": request["request"]})
            self.world.person(f"type {code}", f"type {NEW_PIN}")
            self.refused("request_locked_out", host.call, "unlock", {"request": request["request"]})
            self.assertEqual(self.world.row(card)["state"], "locked_out")
            self.untouched(card)

    def test_prompt_cancelled(self):
        card = self.world.card()
        with self.world.host() as host:
            request, _, code = card.approved(host)
            for answers in (["cancel"], [f"type {code}", "cancel"]):
                self.world.person(*answers)
                self.refused("prompt_cancelled", host.call, "unlock", {"request": request["request"]})
            self.assertEqual(self.world.row(card)["state"], "approved")
            self.untouched(card)
            self.unlocked(card, host, request, code)

    def test_typing_mistakes_are_caught_in_the_prompt(self):
        card = self.world.card()
        with self.world.host() as host:
            request, number, code = card.approved(host)
            typo = ("1" if code[0] != "1" else "2") + code[1:]
            self.world.person(f"type {typo}", f"type {code.lower().replace('-', ' ')}", "type mã-pin-mới", "type 12", "type 123456", f"type {NEW_PIN}")
            self.assertEqual(host.call("unlock", {"request": request["request"]})["state"], "completed")
            self.assertTrue(card.opens_with(NEW_PIN))
            releases = [h for h in self.world.one(number)["history"] if h["event"] == "release"]
            self.assertEqual(len(releases), 1)

    def test_no_prompt_program(self):
        card = self.world.card()
        with self.world.host() as host:
            request, _, _ = card.approved(host)
        self.world.profile(prompt="/usr/bin/no-such-pinentry")
        with self.world.host() as host:
            self.refused("prompt_failed", host.call, "unlock", {"request": request["request"]})
        self.untouched(card)

    # ---- the request ----

    def test_not_approved(self):
        card = self.world.card()
        with self.world.host() as host:
            request = card.ask(host)
            self.refused("request_not_approved", host.call, "unlock", {"request": request["request"]})
            self.assertEqual(self.world.shown(), "")
        self.untouched(card)

    def test_refused_with_a_reason(self):
        card = self.world.card()
        with self.world.host() as host:
            request = card.ask(host)
            number = self.world.row(card)["number"]
            self.assertEqual(self.world.admin("POST", f"requests/{number}/refuse", {"reason": "Không liên lạc được với khách hàng"})[0], 200)
            status = host.call("unlock.status", {"request": request["request"]})["requests"][0]
            self.assertEqual((status["state"], status["note"]), ("refused", "Không liên lạc được với khách hàng"))
            self.refused("request_refused", host.call, "unlock", {"request": request["request"]})
            status, answer = self.world.approve(number, request["phrase"])
            self.assertEqual((status, answer["error"]["data"]["name"]), (409, "request_decided"))
            seen("request_decided", self.id().replace("__main__", "test_unlock.py"))
        self.untouched(card)

    def test_cancelled(self):
        card = self.world.card()
        with self.world.host() as host:
            request, _, code = card.approved(host)
            self.assertEqual(host.call("unlock.cancel", {"request": request["request"]})["state"], "cancelled")
            self.world.person(f"type {code}", f"type {NEW_PIN}")
            self.refused("request_cancelled", host.call, "unlock", {"request": request["request"]})
        self.untouched(card)

    def test_expired(self):
        card = self.world.card()
        with self.world.host() as host:
            request, number, code = card.approved(host)
            self.world.sql("UPDATE request SET expires = ? WHERE number = ?", int(time.time()) - 1, number)
            self.world.person(f"type {code}", f"type {NEW_PIN}")
            self.refused("request_expired", host.call, "unlock", {"request": request["request"]})
            self.assertEqual(self.world.row(card)["state"], "expired")
        self.untouched(card)

    def test_code_expired_then_another(self):
        card = self.world.card()
        with self.world.host() as host:
            request, number, code = card.approved(host)
            self.world.sql("UPDATE code SET expires = ? WHERE number = ?", int(time.time()) - 1, number)
            self.world.person(f"type {code}", f"type {NEW_PIN}")
            self.refused("code_expired", host.call, "unlock", {"request": request["request"]})
            self.untouched(card)
            data = self.refused("resend_too_soon", host.call, "unlock.resend", {"request": request["request"]})
            self.assertGreater(data["retry_after"], 0)
            self.world.sql("UPDATE outbox SET created = created - 700 WHERE number = ?", number)
            host.call("unlock.resend", {"request": request["request"]})
            self.unlocked(card, host, request, self.world.code(card.email, but=code))

    def test_other_account(self):
        card = self.world.card()
        with self.world.host() as host:
            request, _, _ = card.approved(host)
        self.world.new_home()
        with self.world.host() as host:
            self.refused("request_elsewhere", host.call, "unlock", {"request": request["request"]})
        self.untouched(card)

    def test_stranger_with_the_serial_shuts_nobody_out(self):
        card = self.world.card(issuer="foreign-ca")
        with self.world.host() as host:
            asked = [card.ask(host) for _ in range(2)]
            self.assertEqual([a["state"] for a in asked], ["pending", "pending"])
            self.assertEqual(self.world.row(card, "unidentified")["state"], "unidentified")
        card.remove()
        mine = world.Card(self.world, card.serial, known=False)
        with self.world.host() as host:
            request, _, code = mine.approved(host)
            mine.email = card.email
            self.unlocked(mine, host, request, code)

    def test_too_many_open_requests(self):
        card = self.world.card()
        with self.world.host() as host:
            for _ in range(3):
                card.ask(host)
            # the fourth waits where only those are seen who are looked for; the owner is not shut out by what others may have asked
            request = card.ask(host)
            row = self.world.row(card, "unidentified")
            self.assertEqual(self.world.approve(row["number"], request["phrase"])[0], 200)
            states = {r["request"]: r["state"] for r in host.call("unlock.status")["requests"]}
            self.assertEqual((states.pop(request["request"]), set(states.values())), ("approved", {"cancelled"}))

    def test_wrong_phrase_and_changed_address(self):
        card = self.world.card()
        changed = "dia-chi-moi@khach.example"
        with self.world.host() as host:
            request = card.ask(host)
            number = self.world.row(card)["number"]
            for status, name, arguments in (
                    (409, "phrase_mismatch", {"phrase": "0000-0000"}),
                    (400, "mail_address", {"phrase": request["phrase"], "email": "a b@c", "reason": "đổi thư"}),
                    (400, "invalid_params", {"phrase": request["phrase"], "email": changed})):
                got, answer = self.world.approve(number, **arguments)
                self.assertEqual((got, answer["error"]["data"]["name"]), (status, name))
                seen(name, self.id().replace("__main__", "test_unlock.py"))
            got, answer = self.world.approve(number, request["phrase"], email=changed, reason="khách đổi hộp thư, có công văn")
            self.assertEqual((got, answer["state"], answer["waiting_email"]), (200, "pending", changed))
            got, answer = self.world.approve(number, request["phrase"], email=changed, reason="khách đổi hộp thư, có công văn")
            self.assertEqual((got, answer["error"]["data"]["name"]), (409, "second_approver"))
            seen("second_approver", self.id().replace("__main__", "test_unlock.py"))
            got, answer = self.world.approve(number, request["phrase"], who="binh", email=changed, reason="khách đổi hộp thư, có công văn")
            self.assertEqual((got, answer["state"]), (200, "approved"))
            code = self.world.code(changed)
            self.unlocked(card, host, request, code)
            self.assertEqual(self.world.sh(f"mail_count $DIR {card.email}"), "1")  # the old address was told

    # ---- the server and the network ----

    def test_server_unreachable_then_back(self):
        card = self.world.card()
        with self.world.host() as host:
            request, _, code = card.approved(host)
            self.world.sh("nginx_down $DIR")
            try:
                self.world.person(f"type {code}", f"type {NEW_PIN}")
                self.refused("tms_unreachable", host.call, "unlock", {"request": request["request"]})
            finally:
                self.world.sh("nginx_up $DIR")
            self.untouched(card)
            self.unlocked(card, host, request, code)

    def test_wrong_server_certificate(self):
        card = self.world.card()
        self.world.sh("install -m 644 $DIR/pki/customer-ca.pem /etc/mokhoa/other-ca.pem")
        self.world.profile(tls_ca="/etc/mokhoa/other-ca.pem")
        with self.world.host() as host:
            self.refused("tms_certificate", card.ask, host)
        self.untouched(card)

    def test_answers_of_another_key(self):
        card = self.world.card()
        self.world.profile(tms_keys=["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
        with self.world.host() as host:
            self.refused("tms_answer", card.ask, host)
        self.untouched(card)

    def test_mail_server_down_then_back(self):
        card = self.world.card()
        self.world.sh("postfix_down $DIR")
        try:
            with self.world.host() as host:
                request = card.ask(host)
                number = self.world.row(card)["number"]
                self.assertEqual(self.world.approve(number, request["phrase"])[0], 200)
                end = time.monotonic() + 15
                error = ""
                while not error and time.monotonic() < end:
                    error = self.world.sql("SELECT error FROM outbox WHERE number = ?", number)[0][0]
                    time.sleep(0.1)
                self.assertEqual(error, "mail_unreachable")
                seen(error, self.id().replace("__main__", "test_unlock.py"))
                self.assertEqual(self.world.sql("SELECT count(*) FROM code WHERE number = ?", number)[0][0], 0)
        finally:
            self.world.sh("stage_postfix $DIR")
        self.world.sql("UPDATE outbox SET due = 0 WHERE number = ?", number)
        with self.world.host() as host:
            self.unlocked(card, host, request, self.world.code(card.email))

    def test_vault_down_then_back(self):
        card = self.world.card()
        with self.world.host() as host:
            request, _, code = card.approved(host)
            self.world.sh("vault_down $DIR")
            try:
                self.world.person(f"type {code}", f"type {NEW_PIN}")
                self.refused("tms_failed", host.call, "unlock", {"request": request["request"]})
                with open(os.path.join(self.world.dir, "serve.log"), encoding="utf-8") as log:
                    self.assertIn("result=vault_unreachable", log.read())
                seen("vault_unreachable", self.id().replace("__main__", "test_unlock.py"))
            finally:
                self.world.sh("vault_up $DIR")
            self.untouched(card)
            self.unlocked(card, host, request, code)

    # ---- the desk ----

    def test_strangers_at_the_desk(self):
        for who, name in (("stranger", "admin_unknown"), ("auditor", "role_refused")):
            status, answer = self.world.admin("POST", "requests/1/refuse", {"reason": "x"}, who=who)
            self.assertEqual((status, answer["error"]["data"]["name"]), (403, name))
            seen(name, self.id().replace("__main__", "test_unlock.py"))
        done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", f"{self.world.pki}/tls-ca.pem",
                               f"https://localhost:{self.world.ports[1]}/v1/admin/me"], capture_output=True, text=True, check=False)
        self.assertIn(done.stdout, ("400", "403"))
        # the administrator's calls do not exist at the customers' door, whatever a caller says of himself
        done = subprocess.run(["curl", "-sS", "-H", "X-Client-Certificate: x", "--cacert", f"{self.world.pki}/tls-ca.pem",
                               f"https://localhost:{self.world.ports[0]}/v1/admin/me"], capture_output=True, text=True, check=False)
        self.assertNotIn('"role"', done.stdout)

    # ---- secrets ----

    def test_secrets_are_nowhere(self):
        card = self.world.card()
        with self.world.host() as host:
            request, _, code = card.approved(host)
            self.unlocked(card, host, request, code)
            card.lock()
            new = card.escrow()[0]
        mails = os.path.join(self.world.dir, "mail")
        bare = code.replace("-", "")[:12]
        canaries = [SO_PIN, bytes.fromhex(SO_PIN).decode("latin-1"), new, NEW_PIN, code, bare]
        needles = [c.encode() for c in canaries] + [c.encode().hex().encode() for c in canaries] + [base64.b64encode(c.encode())[:-2] for c in canaries]
        found = []
        for folder, _, names in os.walk(self.world.dir):
            for name in names:
                path = os.path.join(folder, name)
                if folder.startswith(mails) or re.match(r"card\d\.", name) or not os.path.isfile(path):
                    continue
                with open(path, "rb") as f:
                    data = f.read()
                found += [(path, n) for n in needles if n in data]
        self.assertEqual(found, [])


if __name__ == "__main__":
    world.enter_stage()
    if not os.access(os.path.join(world.BIN, "mokhoa-host"), os.X_OK):
        world.skip("MOKHOA_BIN names no folder with mokhoa-host")
    unittest.main(verbosity=2 if "-v" in sys.argv else 1)
