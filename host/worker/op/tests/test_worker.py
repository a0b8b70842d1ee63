#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mokhoa-worker from its pipe to a token, a person and a server that do what the test tells them: above all what happens to an unlock that is
disturbed, and what the token, the server and the journal then know.

usage: test_worker.py [-v] [TEST...]      MOKHOA_BIN is the folder with mokhoa-worker and mock_p11.so. Enters a stage by itself.
"""

import os
import threading
import time
import unittest

import worker_stage
from fake_tms import SECONDS, hangs_up, refuses, replies, wire
from seen import seen
from worker_stage import NEW_PIN, NEXT_SO_PIN, ORIGIN, PIN, SERIAL, SO_PIN, TOKEN, WRONG_SO_PIN

CODE = wire.code_shown(0x123456789ABCDEF)
WRONG_CODE = wire.code_shown(0xFEDCBA987654321)
ALL_STAGES = ["prompting", "releasing", "setting_pin", "proving_pin", "granting", "rotating", "proving_rotation", "reporting"]
ASK = {"token": TOKEN, "reason": "locked", "language": "vi"}


class WorkerTest(unittest.TestCase):
    def setUp(self):
        self.stage = worker_stage.Stage()
        self.addCleanup(self.stage.close)
        self.tms = self.stage.tms

    def tearDown(self):
        written = self.stage.everything_written()
        for secret in (SO_PIN, NEXT_SO_PIN, WRONG_SO_PIN, NEW_PIN, CODE, CODE.replace("-", "")[:12]):
            for form in worker_stage.hidden(secret):
                self.assertNotIn(form, written)
        self.assertNotIn("Sanitizer", written)
        self.assertNotIn("C_InitToken", self.stage.get("card/log"))

    def result(self, frame):
        self.assertIn("result", frame, frame)
        return frame["result"]

    def refused(self, name, frame):
        self.assertEqual(frame.get("error", frame).get("data", {}).get("name"), name, frame)
        self.assertNotIn("result", frame)
        seen(name, self.id().replace("__main__", "test_worker.py"))
        return frame["error"]["data"]

    def ask(self, **changes):
        return self.result(self.stage.call("unlock.request", {**ASK, **changes}))

    def approved(self, **changes):
        """A request whose code has come."""
        request = self.ask(**changes)
        self.tms.approve(CODE)
        self.stage.person(f"type {CODE}", f"type {NEW_PIN}")
        return {"request": request["request"]}

    def unlock(self, request, code=CODE):
        self.stage.person(f"type {code}", f"type {NEW_PIN}")
        return self.stage.call("unlock", request)

    def unlocked(self, frame, request, rotated=True):
        self.assertEqual(self.result(frame), {**request, "state": "completed", "rotated": rotated, "proof": "no_key"})
        card = self.stage.remembers()
        self.assertEqual((card["user_pin"], card["so_pin"]), (NEW_PIN, NEXT_SO_PIN if rotated else SO_PIN))

    def untouched(self, so_tries="3"):
        card = self.stage.remembers()
        self.assertEqual((card["so_pin"], card["user_pin"], card["so_tries"], card["user_tries"]), (SO_PIN, PIN, so_tries, "0"))

    def calls(self, name):
        return [body for call, body, _ in self.tms.seen if call == name]

    def report(self):
        [report] = self.tms.only()["reports"]
        return report


class Request(WorkerTest):
    def test_the_answer_and_the_journal(self):
        answer = self.ask()
        self.assertEqual(answer["token"], TOKEN)
        self.assertEqual((answer["state"], answer["hotline"], answer["code_expires"]), ("pending", "1900 0000", 0))
        request = self.tms.only()
        self.assertEqual(answer["request"], wire.b64(request["id"]))
        self.assertEqual(answer["phrase"], wire.phrase(request["id"], request["host_kem_pk"], request["host_sig_pk"]))
        entry = self.stage.entry()
        sig = wire.sig_from_seed(wire.unb64(entry["host_sig"]))
        kem = wire.kem_from_private(wire.unb64(entry["host_kem"]))
        self.assertEqual((wire.sig_public(sig), wire.kem_public(kem)), (request["host_sig_pk"], request["host_kem_pk"]))
        self.assertEqual(self.stage.pin_calls(), [])

    def test_the_server_without_a_hotline(self):
        self.tms.hotline = ""
        self.assertEqual(self.ask()["hotline"], "1900 1234")

    def test_each_request_has_its_own_keys(self):
        self.ask()
        self.ask()
        one, other = self.tms.requests.values()
        self.assertNotEqual(one["host_sig_pk"], other["host_sig_pk"])
        self.assertEqual(len(self.result(self.stage.call("unlock.status"))["requests"]), 2)

    def test_what_ended_while_the_page_was_away(self):
        """A reload tells how it ended, as often as it is asked, the newest last; keys are kept of none."""
        ids = [self.ask()["request"] for _ in range(3)]
        for n, request in enumerate(ids):
            self.stage.change(request, lambda entry, n=n: entry["asked"].update(created=entry["asked"]["created"] - 60 * n))
        self.tms.requests[ids[0]].update(state="refused")
        self.result(self.stage.call("unlock.cancel", {"request": ids[2]}))
        want = [(ids[2], "cancelled"), (ids[1], "pending"), (ids[0], "refused")]
        for _ in range(2):
            got = self.result(self.stage.call("unlock.status"))["requests"]
            self.assertEqual([(r["request"], r["state"]) for r in got], want)
        for request in (ids[0], ids[2]):
            entry = self.stage.entry_of(request)
            self.assertEqual((entry["host_sig"], entry["host_kem"], entry["asked"]["certificate"]), ("", "", ""))
            self.stage.change(request, lambda entry: entry.update(ended=entry["ended"] - 7 * 86400 - 60))
        self.assertEqual([r["request"] for r in self.result(self.stage.call("unlock.status"))["requests"]], [ids[1]])

    def test_a_month_of_ended_requests_is_no_long_answer(self):
        ids = [self.ask()["request"] for _ in range(20)]
        for n, request in enumerate(ids):
            self.stage.change(request, lambda entry, n=n: entry["asked"].update(created=entry["asked"]["created"] + n))
            if n != 0:
                self.result(self.stage.call("unlock.cancel", {"request": request}))
        got = self.result(self.stage.call("unlock.status"))["requests"]
        self.assertEqual([r["request"] for r in got], ids[:1] + ids[-16:])

    def test_a_create_whose_answer_is_lost_is_the_same_call_later(self):
        self.tms.faults["create"] = [hangs_up] * 3
        self.refused("tms_unreachable", self.stage.call("unlock.request", ASK))
        [name] = self.stage.journal()
        self.assertTrue(name.startswith("draft-"))
        self.ask()
        self.assertEqual(len(self.calls("create")), 4)
        self.assertEqual(len({str(body) for body in self.calls("create")}), 1)
        self.assertEqual(len(self.tms.requests), 1)
        [name] = self.stage.journal()
        self.assertFalse(name.startswith("draft-"))

    def test_the_reason_must_fit_the_token(self):
        self.stage.card(user_tries=3)
        self.refused("token_not_locked", self.stage.call("unlock.request", ASK))
        self.assertEqual(self.tms.seen, [])
        self.ask(reason="forgotten")
        # flags of which nobody says that they can be relied on are not held against the customer
        self.stage.profile(modules=[{**self.stage.module(), "flags": "unknown"}])
        self.ask()

    def test_an_so_pin_that_may_not_be_touched(self):
        for tries, name in ((1, "token_so_last_try"), (0, "token_so_locked")):
            self.stage.card(so_tries=tries)
            self.refused(name, self.stage.call("unlock.request", ASK))
        self.assertEqual(self.tms.seen, [])

    def test_which_token(self):
        self.stage.script("slots 2", f"serial 1 {SERIAL}")
        self.refused("token_ambiguous", self.stage.call("unlock.request", ASK))
        self.stage.script("serial 0 MOCK0002")
        self.refused("token_absent", self.stage.call("unlock.request", ASK))
        self.stage.script("empty 0")
        self.refused("no_token", self.stage.call("unlock.request", ASK))
        self.stage.script("slots 2", "empty 0", "rv C_GetTokenInfo 0x30")
        self.refused("token_failed", self.stage.call("unlock.request", ASK))
        self.stage.script("do C_GetTokenInfo crash")
        self.refused("module_failed", self.stage.call("unlock.request", ASK))
        self.assertEqual(self.tms.seen, [])

    def test_two_modules_that_show_the_same_reader(self):
        self.stage.profile(modules=[{"name": "absent", "path": "/usr/lib/no-such-module.so"}, self.stage.module("one"), self.stage.module("two")])
        self.ask()

    def test_a_missing_module_hides_no_other(self):
        self.stage.script("empty 0")
        missing = {"name": "absent", "path": "/usr/lib/no-such-module.so"}
        self.stage.profile(modules=[missing, self.stage.module()])
        self.refused("no_token", self.stage.call("unlock.request", ASK))
        self.stage.profile(modules=[missing])
        self.refused("module_missing", self.stage.call("unlock.request", ASK))

    def test_a_module_of_another_machine_hides_no_other(self):
        with open(self.stage.path("mock_p11.so"), "rb") as f:
            library = bytearray(f.read())
        library[4:5] = bytes([1])  # ELFCLASS32
        library[18:20] = bytes([3, 0])  # EM_386
        with open(self.stage.path("other.so"), "wb") as f:
            f.write(library)
        other = {"name": "other", "path": self.stage.path("other.so")}
        self.stage.profile(modules=[other, self.stage.module()])
        answer = self.result(self.stage.call("token.info"))
        self.assertEqual(([t["module"] for t in answer["tokens"]], [(f["module"], f["error"]["data"]["name"]) for f in answer["failures"]]),
                         (["mock"], [("other", "module_architecture")]))
        self.stage.profile(modules=[other])
        self.refused("module_architecture", self.stage.call("unlock.request", ASK))

    def test_params(self):
        for params in ({}, {**ASK, "more": 1}, {**ASK, "reason": "lost"}, {**ASK, "language": "fr"}, {**ASK, "token": {}}, {**ASK, "reason": 1},
                       {**ASK, "token": {**TOKEN, "serial": ""}}, {**ASK, "token": {**TOKEN, "serial": "1" * 17}}):
            self.refused("invalid_params", self.stage.call("unlock.request", params))
        for op in ("unlock", "unlock.resend", "unlock.cancel"):
            for params in ({}, {"request": 1}, {"request": "x"}, {"request": None}, {"request": wire.b64(bytes(16)), "more": 1}):
                self.refused("invalid_params", self.stage.call(op, params))
        self.refused("invalid_params", self.stage.call("unlock.status", {"request": "short"}))
        self.refused("invalid_params", self.stage.call("token.info", {"more": 1}))

    def test_refused_by_the_server(self):
        self.tms.faults["create"] = [refuses(429, "request_limit", retry_after=60)]
        self.assertEqual(self.refused("request_limit", self.stage.call("unlock.request", ASK))["retry_after"], 60)


class Status(WorkerTest):
    def status(self, request=None):
        worker = self.stage.start("unlock.status", request)
        frame = worker.answer()
        self.changed = [n["params"] for n in worker.notifications]
        return frame

    def test_what_changed(self):
        request = {"request": self.ask()["request"]}
        [answer] = self.result(self.status(request))["requests"]
        self.assertEqual((answer["state"], answer["email"], answer["retry_after"]), ("pending", "a***@mail.example", 15))
        self.assertEqual(self.changed, [])
        self.tms.approve(CODE)
        [answer] = self.result(self.status())["requests"]
        self.assertEqual((answer["state"], self.changed), ("approved", [{**request, "state": "approved"}]))
        self.assertEqual(self.result(self.status())["requests"], [answer])
        self.assertEqual(self.changed, [])

    def test_an_ended_request_needs_no_server(self):
        request = {"request": self.ask()["request"]}
        self.tms.only()["state"] = "refused"
        self.tms.note = "Không đúng người"
        [answer] = self.result(self.status(request))["requests"]
        self.assertEqual((answer["state"], answer["note"]), ("refused", "Không đúng người"))
        self.assertEqual((self.stage.entry()["host_sig"], self.stage.entry()["host_kem"]), ("", ""))
        count = len(self.tms.seen)
        self.assertEqual(self.result(self.status(request))["requests"], [answer])
        self.assertEqual(self.result(self.status())["requests"], [answer])
        self.assertEqual(len(self.tms.seen), count)
        for op, name in (("unlock", "request_refused"), ("unlock.resend", "request_refused"), ("unlock.cancel", "request_refused")):
            self.refused(name, self.stage.call(op, request))

    def test_a_lost_answer_takes_another_counter(self):
        request = {"request": self.ask()["request"]}
        self.tms.faults["status"] = [hangs_up, hangs_up]
        self.result(self.status(request))
        self.assertEqual([body["counter"] for body in self.calls("status")], [1, 2, 3])
        self.assertEqual(self.stage.entry()["counter"], 3)

    def test_elsewhere(self):
        self.ask()
        other = {"request": wire.b64(bytes(16))}
        for op in ("unlock.status", "unlock.resend", "unlock.cancel", "unlock"):
            self.refused("request_elsewhere", self.stage.call(op, other))

    def test_a_server_that_has_forgotten(self):
        request = {"request": self.ask()["request"]}
        self.tms.requests.clear()
        self.refused("request_unknown", self.status(request))
        self.assertEqual(self.result(self.status())["requests"], [])
        self.assertNotEqual(self.stage.entry()["host_sig"], "")

    def test_a_server_that_has_forgotten_for_long(self):
        """Nobody signs it, and this machine's clock may be wrong: it takes more than one answer, and a signed one ends the count."""
        request = self.ask()["request"]
        kept = dict(self.tms.requests)

        def later(seconds):
            self.stage.change(request, lambda entry: (entry.update(unknown=entry["unknown"] - seconds), entry["said"].update(expires=1000)))

        self.tms.requests.clear()
        self.refused("request_unknown", self.status({"request": request}))
        later(3600)
        self.refused("request_unknown", self.status({"request": request}))
        self.tms.requests.update(kept)
        self.result(self.status({"request": request}))
        self.assertEqual(self.stage.entry()["unknown"], 0)
        self.tms.requests.clear()
        later(0)
        self.refused("request_unknown", self.status({"request": request}))
        self.assertNotEqual(self.stage.entry()["host_sig"], "")
        later(86400)
        [answer] = self.result(self.status({"request": request}))["requests"]
        self.assertEqual((answer["state"], self.stage.entry()["host_sig"]), ("expired", ""))

    def test_a_server_that_has_forgotten_a_request_with_a_report(self):
        request = self.approved()
        done, self.tms.done = self.tms.done, lambda q, body: self.tms.status(q, body["counter"])
        self.tms.faults["done"] = [hangs_up] * 3
        self.unlocked(self.unlock(request), request)
        kept = dict(self.tms.requests)
        self.tms.requests.clear()
        for days in (2, 89):
            self.stage.change(request["request"], lambda entry, days=days: (entry.update(unknown=int(time.time()) - days * 86400),
                                                                            entry["said"].update(expires=1000)))
            self.refused("request_unknown", self.status(request))
            self.assertNotEqual(self.stage.entry()["host_sig"], "")
        self.tms.requests.update(kept)
        self.tms.done = done
        self.result(self.status(request))
        self.assertEqual((self.report()["result"], self.stage.entry()["outcome"]["reported"]), ("completed", True))

    def test_a_damaged_entry(self):
        first, second = self.ask(), self.ask()
        folder = self.stage.path("state/mokhoa/demo/requests")
        name = wire.unb64(first["request"]).hex() + ".json"
        with open(os.path.join(folder, name), "a", encoding="utf-8") as f:
            f.write("}")
        self.assertEqual([r["request"] for r in self.result(self.status())["requests"]], [second["request"]])
        for _ in range(2):
            self.refused("journal_failed", self.status({"request": first["request"]}))
        self.assertIn(name + ".damaged", os.listdir(folder))

    def test_a_state_folder_that_cannot_be_written(self):
        self.stage.environment["XDG_STATE_HOME"] = "/proc"
        self.refused("journal_failed", self.stage.call("unlock.request", ASK))
        self.assertEqual(self.tms.seen, [])

    def test_resend_and_cancel(self):
        request = self.approved()
        self.assertEqual(self.result(self.stage.call("unlock.resend", request))["state"], "approved")
        self.tms.faults["resend"] = [refuses(429, "resend_too_soon", retry_after=590)]
        self.assertEqual(self.refused("resend_too_soon", self.stage.call("unlock.resend", request))["retry_after"], 590)
        self.tms.faults["resend"] = [hangs_up]
        self.refused("tms_unreachable", self.stage.call("unlock.resend", request))
        self.assertEqual(len(self.calls("resend")), 3)
        self.assertEqual(self.result(self.stage.call("unlock.cancel", request))["state"], "cancelled")
        self.refused("request_cancelled", self.stage.call("unlock", request))
        self.assertEqual(self.stage.shown(), "")


class Families(WorkerTest):
    """What the server says of a kind of token decides which calls are made, and whether any is."""
    PUK, OTHER_PUK = "46813579", "97531864"

    def kind(self, family="so_pin", rotation=False, **policy):
        self.tms.policy = {**self.tms.policy, "family": family, **policy}
        self.tms.family, self.tms.rotation = family, rotation

    def puk(self, **card):
        """A token with a PUK, and an approved request for it."""
        self.kind("puk")
        self.stage.card(puk=self.PUK, puk_tries=3, **card)
        self.tms.so_pins = [self.PUK]
        return self.approved()

    def not_rotated(self, answer, request):
        self.assertEqual(self.result(answer), {"request": request["request"], "state": "completed", "rotated": False, "proof": "no_key"})

    def calls_made(self):
        return [line.rsplit(" ", 1)[0] for line in self.stage.pin_calls()]

    def test_a_puk(self):
        request = self.puk()
        self.stage.person(f"type {CODE}", f"type {NEW_PIN}")
        worker = self.stage.start("unlock", request)
        self.not_rotated(worker.answer(), request)
        self.assertEqual(worker.stages(), ["prompting", "releasing", "setting_pin", "proving_pin", "reporting"])
        self.assertEqual(self.calls_made(), ["C_SetPIN puk", "C_Login user"])
        self.assertEqual((self.stage.remembers()["user_pin"], self.stage.remembers()["puk_tries"]), (NEW_PIN, "3"))
        self.assertEqual(self.calls("grant"), [])
        report = self.report()
        self.assertEqual((report["result"], report["stage"], report["error"], report["rotated"]), ("completed", "reporting", "ok", False))

    def test_a_puk_is_never_sent_unless_the_pin_is_known_to_be_locked(self):
        request = self.puk()
        for tries in (1, 3):
            self.stage.card(puk=self.PUK, puk_tries=3, user_tries=tries)
            self.refused("token_not_yet_locked", self.unlock(request))
        self.assertEqual((self.stage.shown(), self.stage.pin_calls()), ("", []))
        # and not where it was locked when the prompt opened
        self.stage.card(puk=self.PUK, puk_tries=3)
        self.stage.script("unlocked C_OpenSession")
        self.refused("token_not_yet_locked", self.unlock(request))
        self.assertEqual((self.stage.pin_calls(), self.stage.remembers()["puk_tries"]), ([], "3"))
        self.stage.script()
        self.not_rotated(self.unlock(request), request)

    def test_a_wrong_puk_costs_one_try(self):
        request = self.puk()
        self.tms.so_pins = [self.OTHER_PUK]
        self.assertEqual(self.refused("token_so_refused", self.unlock(request))["cryptoki"], 0xA0)
        self.assertEqual((self.calls_made(), self.stage.remembers()["puk_tries"]), (["C_SetPIN puk"], "2"))
        self.assertEqual((self.report()["error"], self.report()["stage"]), ("token_so_refused", "setting_pin"))

    def test_a_locked_puk(self):
        request = self.puk()
        self.stage.card(puk=self.PUK, puk_tries=0)
        self.assertEqual(self.refused("token_puk_locked", self.unlock(request))["cryptoki"], 0xA4)
        self.assertEqual((self.calls_made(), self.report()["error"]), (["C_SetPIN puk"], "token_puk_locked"))

    def test_a_module_that_wants_a_login_before_it_takes_a_puk(self):
        request = self.puk()
        self.stage.card()
        self.assertEqual(self.refused("token_unsupported", self.unlock(request))["cryptoki"], 0x101)
        self.assertEqual(self.calls_made(), ["C_SetPIN"])

    def test_a_puk_that_changes_nothing(self):
        request = self.puk()
        self.stage.script("rv C_SetPIN 0")
        self.refused("pin_not_proved", self.unlock(request))
        self.assertEqual((self.calls_made(), self.report()["error"]), (["C_SetPIN", "C_Login user"], "pin_not_proved"))

    def test_none(self):
        request = self.approved()
        self.kind("none")
        self.refused("token_unsupported", self.unlock(request))
        self.assertEqual((self.stage.shown(), self.stage.pin_calls()), ("", []))

    def test_what_the_release_says_counts(self):
        request = self.puk()
        self.kind("so_pin")
        self.tms.family = "puk"
        self.not_rotated(self.unlock(request), request)
        self.assertEqual(self.calls_made(), ["C_SetPIN puk", "C_Login user"])

    def test_an_so_pin_that_is_not_rotated(self):
        request = self.approved()
        self.kind("so_pin", rotation=False)
        self.not_rotated(self.unlock(request), request)
        self.assertEqual(self.calls_made(), ["C_Login so", "C_InitPIN", "C_Login user"])
        self.assertEqual((self.calls("grant"), self.report()["error"], self.stage.remembers()["so_pin"]), ([], "ok", SO_PIN))

    def test_a_family_that_somebody_else_put_there(self):
        request = self.approved()
        self.kind("so_pin", rotation=True)
        for change in ({"family": "puk"}, {"rotation": False}, {"family": "none"}, {"family": "puk", "rotation": False}):
            self.tms.changes["release"] = lambda answer, change=change: answer.update(change)
            self.refused("tms_answer", self.unlock(request))
        self.tms.changes["status"] = lambda answer: answer.update(family="puk")
        self.refused("tms_answer", self.unlock(request))
        self.tms.changes.clear()
        for signed in ({"family": "none"}, {"family": "puk", "rotation": True}, {"family": ""}):
            self.tms.resign["release"] = lambda answer, signed=signed: answer.update(signed)
            self.refused("tms_answer", self.unlock(request))
        self.assertEqual(self.stage.pin_calls(), [])

    def test_flags_that_can_be_relied_on(self):
        self.stage.profile(modules=[{**self.stage.module(), "flags": "unknown"}])
        self.stage.card(user_tries=3)
        request = self.approved()
        self.kind(rotation=True, flags_reliable=True)
        self.refused("token_not_locked", self.unlock(request))
        self.assertEqual((self.stage.shown(), self.stage.pin_calls()), ("", []))
        self.kind(rotation=True, flags_reliable=False)
        self.unlocked(self.unlock(request), request)

    def test_which_pin_is_taken(self):
        request = self.approved()
        self.kind(rotation=True, pin_min=6, pin_max=8, pin_characters="digits")
        self.stage.person(f"type {CODE}", "type 73910", "type 739102845", "type 73910x", f"type {NEW_PIN}")
        self.unlocked(self.stage.call("unlock", request), request)
        self.assertIn("6 đến 8", self.stage.shown())
        self.assertIn("chữ số", self.stage.shown())

    def test_limits_that_contradict_the_token(self):
        request = self.approved()
        self.kind(rotation=True, pin_min=13, pin_max=20)
        self.unlocked(self.unlock(request), request)
        self.assertIn("4 đến 12", self.stage.shown())


class Unlock(WorkerTest):
    def test_whole(self):
        request = self.approved()
        worker = self.stage.start("unlock", request)
        self.unlocked(worker.answer(), request)
        self.assertEqual(worker.stages(), ALL_STAGES)
        report = self.report()
        self.assertEqual((report["result"], report["stage"], report["error"], report["rotated"], report["cryptoki"]),
                         ("completed", "reporting", "ok", True, 0))
        shown = self.stage.shown()
        for text in (ORIGIN, self.stage.entry()["said"]["phrase"], SERIAL):
            self.assertEqual(shown.count(text), 2)
        self.assertEqual((self.stage.entry()["host_sig"], self.stage.entry()["said"]["state"]), ("", "completed"))
        # asked again, it answers the same and does nothing
        count, calls = len(self.tms.seen), self.stage.pin_calls()
        self.unlocked(self.stage.call("unlock", request), request)
        self.assertEqual((len(self.tms.seen), self.stage.pin_calls()), (count, calls))

    def test_order_of_the_pin_calls(self):
        self.unlock(self.approved())
        self.assertEqual([line.rsplit(" ", 1)[0] for line in self.stage.pin_calls()],
                         ["C_Login so", "C_InitPIN", "C_Login user", "C_Login so", "C_SetPIN", "C_Login so", "C_InitPIN"])

    def test_a_token_whose_limits_nobody_can_keep(self):
        request = self.approved()
        self.stage.script("limits 9 3")
        # the prompt takes the PIN; what the token says to it is the token's
        self.assertEqual(self.refused("pin_refused", self.unlock(request))["cryptoki"], 0xA2)
        self.stage.script()
        self.unlocked(self.unlock(request), request)

    def test_before_anybody_is_asked(self):
        request = {"request": self.ask()["request"]}
        self.refused("request_not_approved", self.unlock(request))
        self.tms.approve(CODE)
        self.tms.only()["code_expires"] = 0
        self.refused("code_expired", self.unlock(request))
        self.tms.only()["code_expires"] = SECONDS
        self.stage.script("serial 0 MOCK0002")
        self.refused("token_absent", self.unlock(request))
        self.stage.script("empty 0")
        self.refused("token_absent", self.unlock(request))
        self.stage.script()
        self.stage.card(so_tries=1)
        self.refused("token_so_last_try", self.unlock(request))
        self.stage.card()
        self.stage.server.close()
        self.refused("tms_unreachable", self.unlock(request))
        self.assertEqual(self.stage.shown(), "")
        self.untouched()

    def test_a_wrong_code(self):
        request = self.approved()
        data = self.refused("code_wrong", self.unlock(request, WRONG_CODE))
        self.assertEqual((data["tries_left"], data["request"]), (4, request["request"]))
        self.untouched()
        self.unlocked(self.unlock(request), request)

    def test_a_cancelled_prompt(self):
        request = self.approved()
        self.stage.person("cancel")
        self.refused("prompt_cancelled", self.stage.call("unlock", request))
        self.stage.profile(prompt="/usr/bin/no-such-pinentry")
        self.refused("prompt_failed", self.stage.call("unlock", request))
        self.assertEqual(self.calls("release"), [])
        self.untouched()

    def test_one_unlock_of_a_token_at_a_time(self):
        request = self.approved()
        self.stage.person("hang")
        first = self.stage.start("unlock", request)
        first.until("prompting")
        self.refused("token_busy", self.stage.call("unlock", request))
        # nobody who only looks has to wait for a person
        [answer] = self.result(self.stage.call("unlock.status", request))["requests"]
        self.assertEqual(answer["state"], "approved")
        first.kill()
        self.unlocked(self.unlock(request), request)

    def test_another_unlock_ends_while_this_one_looks_for_the_token(self):
        request = self.approved()
        self.stage.person(f"hold {self.stage.path('typing')}", f"type {CODE}", f"type {NEW_PIN}")
        first = self.stage.start("unlock", request)
        first.until("prompting")
        # the second one has seen that nothing is known of the end, and looks for the token
        self.stage.put("slow/script", "empty 0\n")
        self.stage.profile(modules=[self.stage.module("slow", card="slow"), self.stage.module()])
        gate = self.stage.gate("slow/state")
        second = self.stage.start("unlock", request)
        gate.reached()
        done, self.tms.done = self.tms.done, lambda q, body: self.tms.status(q, body["counter"])
        self.tms.faults["done"] = [hangs_up] * 3
        self.stage.put("typing", "")
        self.unlocked(first.answer(), request)
        calls = self.stage.pin_calls()
        self.tms.done = done
        gate.open()
        self.unlocked(second.answer(), request)
        self.assertEqual((self.stage.pin_calls(), self.stage.remembers()["so_tries"]), (calls, "3"))
        self.assertEqual((self.report()["result"], self.report()["rotated"]), ("completed", True))

    def test_cancelled_while_a_person_thinks(self):
        request = self.approved()
        self.stage.put("code", "")
        os.remove(self.stage.path("code"))
        os.mkfifo(self.stage.path("code"))
        self.stage.person(f"file {self.stage.path('code')}", f"type {NEW_PIN}")
        worker = self.stage.start("unlock", request)
        worker.until("prompting")
        self.result(self.stage.call("unlock.cancel", request))
        with open(self.stage.path("code"), "w", encoding="ascii") as f:
            f.write(CODE + "\n")
        self.refused("request_cancelled", worker.answer())
        self.assertEqual(self.calls("release"), [])
        self.untouched()

    def test_status_while_it_works(self):
        request = self.approved()

        def slowly(handler, right):
            time.sleep(4)
            handler.send(200, right)

        self.tms.faults["release"] = [slowly]
        worker = self.stage.start("unlock", request)
        worker.until("releasing")
        count = len(self.calls("status"))
        [answer] = self.result(self.stage.call("unlock.status", request))["requests"]
        self.assertEqual((answer["state"], len(self.calls("status"))), ("approved", count))
        self.unlocked(worker.answer(), request)

    def test_nobody_listens_any_more(self):
        request = self.approved()
        worker = self.stage.start("unlock", request)
        worker.until("releasing")
        worker.process.stdout.close()
        worker.process.wait(timeout=60)
        self.assertEqual(self.tms.only()["state"], "completed")
        self.assertEqual(self.stage.remembers()["so_pin"], NEXT_SO_PIN)
        self.unlocked(self.stage.call("unlock", request), request)
        worker.close()


class Candidates(WorkerTest):
    def test_the_second_fits(self):
        request = self.approved()
        self.tms.so_pins = [WRONG_SO_PIN, SO_PIN]
        self.unlocked(self.unlock(request), request)
        self.assertEqual([body["active"] for body in self.calls("grant")], [1])
        self.assertEqual(self.stage.entry()["refused"], 1)

    def test_none_fits(self):
        request = self.approved()
        self.tms.so_pins = [WRONG_SO_PIN, "11112222"]
        data = self.refused("token_so_refused", self.unlock(request))
        self.assertEqual(data["cryptoki"], 0xA0)
        report = self.report()
        self.assertEqual((report["result"], report["stage"], report["error"], report["cryptoki"], report["rotated"]),
                         ("failed", "setting_pin", "token_so_refused", 0xA0, False))
        calls = self.stage.pin_calls()
        self.assertEqual(len(calls), 2)
        self.untouched(so_tries="1")
        # it has ended: asked again, the token is left alone
        self.assertEqual(self.refused("token_so_refused", self.unlock(request))["cryptoki"], 0xA0)
        self.assertEqual(self.stage.pin_calls(), calls)

    def test_a_refused_one_is_not_tried_by_a_later_unlock(self):
        request = self.approved()
        self.tms.so_pins = [WRONG_SO_PIN, SO_PIN]
        self.stage.script("rv C_InitPIN 0x30")
        self.refused("token_failed", self.unlock(request))
        self.assertEqual(self.stage.remembers()["so_tries"], "3", "the right one has mended it")
        # one was refused and one is unclear: that is all that a request may cost; the next is to begin with the other one
        self.assertEqual((self.stage.entry()["refused"], self.stage.entry()["unclear"]), (1, 1))
        self.assertEqual(self.report()["error"], "token_so_refused")

    def test_one_is_unclear_and_one_refused(self):
        """The token never had the attempt that died, which nobody knows: the other candidate is left to the next request, which is to begin with it."""
        request = self.approved()
        self.tms.so_pins = [WRONG_SO_PIN, SO_PIN]
        self.stage.script("do C_Login crash")
        self.refused("module_failed", self.unlock(request))
        self.stage.script()
        self.refused("token_so_refused", self.unlock(request))
        self.untouched(so_tries="2")
        self.assertEqual((self.stage.entry()["refused"], self.stage.entry()["unclear"]), (1, 1))
        self.assertEqual((self.report()["error"], self.report()["stage"]), ("token_so_refused", "setting_pin"))

    def test_the_token_is_down_to_its_last_try(self):
        request = self.approved()
        self.tms.so_pins = [WRONG_SO_PIN, SO_PIN]
        self.stage.card(so_tries=2)
        self.refused("token_so_last_try", self.unlock(request))
        self.untouched(so_tries="1")
        self.assertEqual(len(self.stage.pin_calls()), 1)
        self.assertEqual(self.report()["error"], "token_so_last_try")

    def test_what_the_token_says_while_the_person_types(self):
        """A try whose end nobody saw is counted only then, by who worked on for the step that died: that candidate is not presented again."""
        request = self.approved()
        self.tms.so_pins = [WRONG_SO_PIN, SO_PIN]
        self.stage.script("do C_Login crash")
        self.refused("module_failed", self.unlock(request))
        self.stage.script()
        self.stage.person(f"hold {self.stage.path('typing')}", f"type {CODE}", f"type {NEW_PIN}")
        worker = self.stage.start("unlock", request)
        worker.until("prompting")
        self.stage.card(so_tries=2)
        self.stage.put("typing", "")
        self.unlocked(worker.answer(), request)
        self.assertNotIn("C_Login so 0xa0", self.stage.pin_calls())


class Disturbed(WorkerTest):
    def test_the_module_crashes_then_works(self):
        request = self.approved()
        self.stage.script("do C_InitPIN crash")
        self.refused("module_failed", self.unlock(request))
        self.assertEqual((self.stage.entry()["unclear"], self.tms.only()["reports"]), (1, []))
        self.stage.script()
        self.unlocked(self.unlock(request), request)
        self.assertEqual(len({str(body) for body in self.calls("release")}), 1)

    def test_the_module_crashes_twice(self):
        request = self.approved()
        self.stage.script("do C_InitPIN crash")
        self.refused("module_failed", self.unlock(request))
        self.refused("module_failed", self.unlock(request))
        report = self.report()
        self.assertEqual((report["result"], report["stage"], report["error"]), ("failed", "setting_pin", "module_failed"))
        calls = self.stage.pin_calls()
        self.stage.script()
        self.refused("module_failed", self.unlock(request))
        self.assertEqual(self.stage.pin_calls(), calls)

    def test_pulled_out(self):
        request = self.approved()
        self.stage.script("do C_Login remove")
        self.refused("token_removed", self.unlock(request))
        self.assertEqual(self.tms.only()["reports"], [])
        self.stage.script()
        self.unlocked(self.unlock(request), request)

    def test_pulled_out_between_the_steps(self):
        def pull(handler, right):
            self.stage.script("empty 0")
            handler.send(200, right)

        request = self.approved()
        self.tms.faults["release"] = [pull]
        self.refused("token_removed", self.unlock(request))
        self.assertEqual((self.stage.entry()["unclear"], self.stage.pin_calls()), (0, []))
        self.stage.script()
        self.tms.faults["grant"] = [pull]
        self.not_rotated(self.unlock(request), request, "rotating", "token_removed")

    def test_a_pin_that_the_token_refuses_costs_nothing(self):
        request = self.approved()
        self.stage.script("rv C_InitPIN 0xa2")
        for _ in range(3):
            self.assertEqual(self.refused("pin_refused", self.unlock(request))["cryptoki"], 0xA2)
        self.stage.script()
        self.unlocked(self.unlock(request), request)

    def test_another_program_is_logged_in(self):
        request = self.approved()
        for rv in (0x100, 0x104, 0xB7):
            self.stage.script(f"rv C_Login {rv:x}")
            self.assertEqual(self.refused("token_in_use", self.unlock(request))["cryptoki"], rv)
        # no PIN was looked at, and nothing was counted
        self.assertEqual((self.stage.entry()["unclear"], self.tms.only()["reports"]), (0, []))
        self.stage.script()
        self.unlocked(self.unlock(request), request)

    def test_a_module_that_lies(self):
        request = self.approved()
        self.stage.script("rv C_InitPIN 0")
        self.refused("pin_not_proved", self.unlock(request))
        self.untouched()
        self.assertEqual((self.report()["stage"], self.report()["error"]), ("proving_pin", "pin_not_proved"))
        self.assertEqual(self.calls("grant"), [])

    def test_a_release_that_is_forged(self):
        request = self.approved()
        self.tms.changes["release"] = lambda a: a.update(signature=wire.b64(bytes(64)))
        self.refused("tms_answer", self.unlock(request))
        self.untouched()
        self.tms.changes.clear()
        self.unlocked(self.unlock(request), request)

    def not_rotated(self, frame, request, stage, error):
        self.unlocked(frame, request, rotated=False)
        report = self.report()
        self.assertEqual((report["result"], report["rotated"], report["stage"], report["error"]), ("completed", False, stage, error))

    def test_a_server_that_is_busy_with_the_release_that_was_cut_off(self):
        request = self.approved()
        self.tms.faults["release"] = [hangs_up] + [refuses(429, "busy")] * 3
        self.unlocked(self.unlock(request), request)
        self.assertEqual(self.stage.shown().count("window"), 2, "the customer has typed once")

    def test_a_grant_that_has_to_wait(self):
        request = self.approved()
        self.tms.faults["grant"] = [refuses(503, "vault_unreachable"), replies(502), hangs_up, refuses(429, "busy")]
        self.unlocked(self.unlock(request), request)

    def test_no_grant(self):
        request = self.approved()
        # later than anybody waits for it
        self.tms.faults["grant"] = [refuses(503, "vault_limit", retry_after=600)]
        self.not_rotated(self.unlock(request), request, "granting", "tms_failed")

    def test_a_forged_grant(self):
        request = self.approved()
        self.tms.changes["grant"] = lambda a: a.update(signature=wire.b64(bytes(64)))
        self.not_rotated(self.unlock(request), request, "granting", "tms_answer")

    def test_the_rotation_fails(self):
        request = self.approved()
        self.stage.script("rv C_SetPIN 0x30")
        self.not_rotated(self.unlock(request), request, "rotating", "token_failed")
        self.assertEqual(self.report()["cryptoki"], 0x30)

    def test_a_rotation_that_did_not_happen(self):
        request = self.approved()
        self.stage.script("rv C_SetPIN 0")
        self.not_rotated(self.unlock(request), request, "proving_rotation", "token_so_refused")

    def test_the_report_has_to_wait(self):
        request = self.approved()
        self.tms.faults["done"] = [hangs_up] * 3
        # the server takes each of them and only its answer is lost; here it forgets them, too
        done = self.tms.done
        self.tms.done = lambda q, body: self.tms.status(q, body["counter"])
        self.unlocked(self.unlock(request), request)
        self.assertEqual(self.stage.entry()["outcome"]["reported"], False)
        self.assertNotEqual(self.stage.entry()["host_sig"], "")
        self.tms.done = done
        [answer] = self.result(self.stage.call("unlock.status"))["requests"]
        self.assertEqual(answer["state"], "completed")
        self.assertEqual((self.report()["rotated"], self.stage.entry()["host_sig"]), (True, ""))

    def test_the_report_has_to_wait_and_unlock_is_asked_again(self):
        request = self.approved()
        self.tms.faults["done"] = [replies(502)] * 3
        self.unlocked(self.unlock(request), request)
        self.unlocked(self.stage.call("unlock", request), request)
        self.assertEqual(self.stage.entry()["outcome"]["reported"], True)

    def refuse_reports(self, name="proof_refused"):
        """The server itself refuses them, and its request stays where it is."""
        def done(request, body):
            self.tms.count(request, body)
            raise worker_stage.fake_tms.Refusal(409, name)

        self.tms.done = done

    def kept(self):
        entry = self.stage.entry()
        self.assertEqual((entry["outcome"]["reported"], entry["outcome"]["error"], entry["host_sig"] != ""), (False, "ok", True))

    def test_the_proof_is_refused(self):
        request = self.approved()
        self.refuse_reports()
        self.refused("proof_refused", self.unlock(request))
        self.assertEqual(self.stage.remembers()["user_pin"], NEW_PIN)
        self.kept()
        self.refused("proof_refused", self.unlock(request))
        [answer] = self.result(self.stage.call("unlock.status", request))["requests"]
        self.assertEqual(answer["state"], "released")
        self.kept()
        # the server decides, signed: there is nothing more to tell
        self.tms.only()["state"] = "completed"
        self.unlocked(self.unlock(request), request)
        self.assertEqual((self.stage.entry()["outcome"]["reported"], self.stage.entry()["host_sig"]), (True, ""))

    def test_a_refusal_that_somebody_else_made_up(self):
        for name, status in (("proof_refused", 409), ("state_wrong", 409), ("request_unknown", 404)):
            with self.subTest(name):
                request = self.approved()
                # the report arrived, and the signed status says so
                self.tms.faults["done"] = [refuses(status, name)]
                self.unlocked(self.unlock(request), request)
                self.assertEqual(len(self.calls("done")), 1)
                self.setUp()  # another token for the next

    def test_a_refusal_that_somebody_else_made_up_of_a_report_that_never_arrived(self):
        for name, status in (("proof_refused", 409), ("state_wrong", 409), ("request_unknown", 404)):
            with self.subTest(name):
                request = self.approved()
                done, self.tms.done = self.tms.done, lambda q, body: self.tms.status(q, body["counter"])
                self.tms.faults["done"] = [refuses(status, name)]
                frame = self.unlock(request)
                if name == "proof_refused":
                    self.refused(name, frame)
                else:
                    self.unlocked(frame, request)
                self.kept()
                # out of that network, it is told again and taken
                self.tms.done = done
                self.unlocked(self.unlock(request), request)
                self.assertEqual((self.report()["error"], self.stage.entry()["outcome"]["reported"]), ("ok", True))
                self.setUp()  # another token for the next

    def test_a_refusal_that_nothing_signed_confirms(self):
        request = self.approved()
        self.refuse_reports()
        self.tms.faults["status"] = [None, refuses(409, "proof_refused"), refuses(404, "request_unknown")]
        self.unlocked(self.unlock(request), request)
        self.kept()


class Disk(WorkerTest):
    """The journal cannot be written any more: its disk is full."""

    def setUp(self):
        super().setUp()
        self.stage.small_disk("state")
        self.addCleanup(self.stage.free_disk, "state")

    def test_before_the_token_is_asked(self):
        request = self.approved()
        for _ in range(2):
            self.tms.faults["release"] = [lambda handler, right: (self.stage.fill("state"), handler.send(200, right))]
            self.refused("journal_failed", self.unlock(request))
            self.stage.empty("state")
            self.assertEqual(self.stage.entry()["unclear"], 0)
        self.assertEqual((self.stage.pin_calls(), self.tms.only()["reports"]), ([], []))
        self.unlocked(self.unlock(request), request)

    def test_after_the_pin_was_set(self):
        request = self.approved()
        gates = []

        def slow_card(handler, right):
            gates.append(self.stage.gate("card/certificate.der"))
            handler.send(200, right)

        self.tms.faults["release"] = [slow_card]
        self.stage.person(f"type {CODE}", f"type {NEW_PIN}")
        worker = self.stage.start("unlock", request)
        worker.until("setting_pin")
        gates[0].reached()
        self.stage.fill("state")
        gates[0].open()
        # the customer has his PIN; nothing is rotated that cannot be written down
        self.unlocked(worker.answer(), request, rotated=False)
        self.assertEqual(self.calls("grant"), [])
        self.stage.empty("state")
        self.unlocked(self.unlock(request), request)


class Late(WorkerTest):
    """A card that takes longer than anybody waits for it: a minute goes by."""

    def test_a_pin_call_is_not_cut_and_the_token_is_held(self):
        request = self.approved()
        self.stage.script("do C_InitPIN hold")
        self.stage.person(f"type {CODE}", f"type {NEW_PIN}")
        first = self.stage.start("unlock", request)
        first.until("setting_pin")
        self.refused("timeout", first.frame())
        self.assertIsNone(first.process.poll())
        self.assertEqual(self.stage.entry()["unclear"], 1)
        self.refused("token_busy", self.unlock(request))
        self.stage.put("card/go", "")
        first.close()
        self.assertEqual((self.stage.remembers()["user_pin"], self.tms.only()["reports"]), (NEW_PIN, []))
        self.stage.script()
        self.unlocked(self.unlock(request), request)


class Killed(WorkerTest):
    def killed_at(self, call, request):
        """The worker dies while the server answers this call."""
        killed = threading.Event()

        def kill(handler, right):
            worker.process.kill()
            killed.set()

        self.tms.faults[call] = [kill]
        worker = self.stage.start("unlock", request)
        self.assertIsNone(worker.answer())
        self.assertTrue(killed.wait(20))

    def test_after_the_release(self):
        request = self.approved()
        self.killed_at("release", request)
        self.untouched()
        self.unlocked(self.unlock(request), request)

    def test_after_the_grant(self):
        request = self.approved()
        self.killed_at("grant", request)
        self.assertEqual(self.stage.remembers()["user_pin"], NEW_PIN)
        self.told_later(request, "granting", SO_PIN)

    def told_later(self, request, stage, so_pin):
        """Nobody is asked for anything; the server hears how far the rotation may have come."""
        self.stage.person()
        answer = self.result(self.stage.call("unlock", request))
        self.assertEqual((answer["state"], answer["rotated"], self.stage.shown()), ("completed", False, ""))
        report = self.report()
        self.assertEqual((report["result"], report["rotated"], report["stage"], report["error"]), ("completed", False, stage, "ok"))
        self.assertEqual((self.stage.remembers()["user_pin"], self.stage.remembers()["so_pin"]), (NEW_PIN, so_pin))

    def test_in_the_rotation(self):
        request = self.approved()
        self.stage.script("do C_SetPIN hang")
        worker = self.stage.start("unlock", request)
        worker.until("rotating")
        self.stage.logged("C_SetPIN hang")
        worker.kill()
        self.told_later(request, "rotating", SO_PIN)

    def test_after_the_rotation(self):
        def then_hang(handler, right):
            self.stage.script("do C_InitPIN hang")
            handler.send(200, right)

        request = self.approved()
        self.tms.faults["grant"] = [then_hang]
        worker = self.stage.start("unlock", request)
        worker.until("proving_rotation")
        self.stage.logged("C_InitPIN hang")
        worker.kill()
        self.told_later(request, "proving_rotation", NEXT_SO_PIN)

    def test_after_the_report(self):
        request = self.approved()
        self.killed_at("done", request)
        self.assertEqual(self.stage.remembers()["so_pin"], NEXT_SO_PIN)
        [answer] = self.result(self.stage.call("unlock.status", request))["requests"]
        self.assertEqual(answer["state"], "completed")
        self.assertEqual({r["rotated"] for r in self.tms.only()["reports"]}, {True})

    def taken_by_the_token(self, call, request):
        """The worker dies while the token sets the PIN, which it does: it is not locked any more."""
        self.stage.script(f"do {call} hold")
        self.stage.person(f"type {CODE}", f"type {NEW_PIN}")
        worker = self.stage.start("unlock", request)
        worker.until("setting_pin")
        self.stage.logged(f"{call} hold")
        worker.kill()
        self.stage.script()
        self.stage.put("card/go", "")
        end = time.monotonic() + 30
        while self.stage.remembers()["user_pin"] != NEW_PIN:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        self.assertEqual((self.stage.entry()["unclear"], self.stage.remembers()["user_tries"]), (1, "3"))

    def test_when_the_token_has_taken_the_pin(self):
        """Flags that can be relied on say that it is not locked: the same request goes on all the same, and ends in a rotation."""
        self.tms.policy = {**self.tms.policy, "flags_reliable": True}
        request = self.approved()
        self.taken_by_the_token("C_InitPIN", request)
        self.unlocked(self.unlock(request), request)
        self.assertEqual(self.stage.remembers()["so_tries"], "3")

    def test_when_the_token_has_taken_the_pin_for_its_puk(self):
        """A PUK is not sent again to a PIN that is not locked: what was typed is proved."""
        self.tms.policy, self.tms.family, self.tms.rotation = {**self.tms.policy, "family": "puk", "flags_reliable": True}, "puk", False
        self.stage.card(puk=Families.PUK, puk_tries=3)
        self.tms.so_pins = [Families.PUK]
        request = self.approved()
        self.taken_by_the_token("C_SetPIN", request)
        made = len(self.stage.pin_calls())
        answer = self.result(self.unlock(request))
        self.assertEqual((answer["state"], answer["rotated"]), ("completed", False))
        self.assertEqual([line.rsplit(" ", 1)[0] for line in self.stage.pin_calls()[made:]], ["C_Login user"])
        self.assertEqual((self.stage.remembers()["puk_tries"], self.report()["result"]), ("3", "completed"))

    def test_the_farthest_stage_is_kept(self):
        """A code that is wrong the second time takes nothing back: when no attempt is left, the server hears how far it came."""
        request = self.approved()
        for left in (1, 0):
            self.stage.script("do C_InitPIN crash")
            self.refused("module_failed", self.unlock(request))
            self.stage.script()
            self.assertEqual((self.stage.entry()["stage"], self.stage.entry()["unclear"]), ("setting_pin", 2 - left))
            if left:
                self.refused("code_wrong", self.unlock(request, WRONG_CODE))
                self.assertEqual(self.stage.entry()["stage"], "setting_pin")
        self.assertEqual((self.report()["error"], self.report()["stage"]), ("module_failed", "setting_pin"))

    def test_while_the_token_works(self):
        request = self.approved()
        self.stage.script("do C_InitPIN hang")
        worker = self.stage.start("unlock", request)
        worker.until("setting_pin")
        self.stage.logged("C_InitPIN hang")
        worker.kill()
        self.assertEqual(self.stage.entry()["unclear"], 1)
        self.stage.script()
        self.unlocked(self.unlock(request), request)


class Orders(WorkerTest):
    def test_what_no_host_sends(self):
        for order in ({"op": "nothing", "profile": "demo", "origin": ORIGIN, "params": {}},):
            worker = self.stage.start(order["op"])
            self.refused("method_not_found", worker.answer())
        self.refused("profile_missing", self.stage.call("token.info", profile="other"))
        self.refused("invalid_request", self.stage.call("token.info", origin="javascript:1"))
        self.refused("invalid_request", self.stage.call("token.info", []))

    def test_the_command_line_has_no_origin(self):
        self.result(self.stage.call("token.info", origin=""))

    def test_token_info(self):
        self.stage.script("slots 3", "serial 1 MOCK0002", "empty 2")
        answer = self.result(self.stage.call("token.info"))
        self.assertEqual([t["serial"] for t in answer["tokens"]], [SERIAL, "MOCK0002"])
        token = answer["tokens"][0]
        self.assertEqual({k: token[k] for k in TOKEN}, TOKEN)
        self.assertEqual((token["module"], token["pin"], token["pin_min"], token["pin_max"], token["certificates"]), ("mock", "locked", 4, 12, []))
        self.assertEqual(answer["failures"], [])

    def test_why_there_is_no_token(self):
        def absent():
            answer = self.result(self.stage.call("token.info"))
            self.assertEqual((answer["tokens"], answer["failures"]), ([], []))
            name = answer["absent"]["data"]["name"]
            self.refused(name, self.stage.call("unlock.request", ASK))
            return name

        self.stage.script("empty 0")
        self.assertEqual(absent(), "no_token")
        # a module whose tokens are cards: the stage has no smart card service, then one without a reader
        self.stage.script("empty 0", "readers")
        self.assertEqual(absent(), "reader_service")
        self.stage.pcsc("pcsc_up", "none")
        try:
            self.assertEqual(absent(), "no_reader")
            self.stage.profile(modules=[self.stage.module(), {"name": "absent", "path": "/usr/lib/no-such-module.so"}])
            answer = self.result(self.stage.call("token.info"))
            self.assertEqual([f["error"]["data"]["name"] for f in answer["failures"]] + [answer["absent"]["data"]["name"]], ["module_missing", "no_reader"])
        finally:
            self.stage.pcsc("pcsc_down")
        # something is there that failed, or nobody could look
        self.stage.script("readers", "rv C_GetTokenInfo 0x30")
        self.assertNotIn("absent", self.result(self.stage.call("token.info")))
        self.stage.profile(modules=[{"name": "absent", "path": "/usr/lib/no-such-module.so"}])
        self.assertNotIn("absent", self.result(self.stage.call("token.info")))

    def test_token_info_with_failures(self):
        self.stage.profile(modules=[{"name": "absent", "path": "/usr/lib/no-such-module.so"}, self.stage.module()])
        self.stage.script("slots 2", "serial 1 MOCK0002", "rv C_GetTokenInfo#1 0x30")
        answer = self.result(self.stage.call("token.info"))
        self.assertEqual([t["serial"] for t in answer["tokens"]], ["MOCK0002"])
        self.assertEqual([(f["module"], f["error"]["data"]["name"]) for f in answer["failures"]], [("absent", "module_missing"), ("mock", "token_failed")])
        self.assertEqual(answer["failures"][1]["error"]["data"]["cryptoki"], 0x30)

    def test_a_module_that_hangs_hides_no_other(self):
        os.makedirs(self.stage.path("other"))
        for name in ("state", "script", "log"):
            self.stage.put("other/" + name, self.stage.get("card/" + name))
        self.stage.put("other/script", "do C_GetSlotList hang\n")
        self.stage.profile(modules=[self.stage.module("good"), self.stage.module("hung", card="other"), self.stage.module("late")])
        answer = self.result(self.stage.call("token.info"))
        self.assertEqual([t["module"] for t in answer["tokens"]], ["good"])
        self.assertEqual([(f["module"], f["error"]["data"]["name"]) for f in answer["failures"]], [("hung", "module_failed"), ("late", "timeout")])
        seen("timeout", self.id().replace("__main__", "test_worker.py"))

    def test_a_certificate(self):
        certificate = self.stage.authority.certificate
        with open(self.stage.path("card/certificate.der"), "wb") as f:
            f.write(certificate.public_bytes(worker_stage.fake_tms.serialization.Encoding.DER))
        [token] = self.result(self.stage.call("token.info"))["tokens"]
        [shown] = token["certificates"]
        self.assertEqual((shown["subject"], shown["issuer"], shown["email"]), ("CN=authority", "CN=authority", ""))
        number = certificate.serial_number
        self.assertEqual(int(shown["serial"], 16), number)
        self.assertEqual(shown["serial"], shown["serial"].upper())
        self.assertEqual(shown["not_after"] - shown["not_before"], 31 * 24 * 60 * 60)


if __name__ == "__main__":
    worker_stage.enter_stage()
    unittest.main()
