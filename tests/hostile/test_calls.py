#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a customer's machine that keeps no rule gets from the server: nothing without the code, nothing twice, and five tries of it in all.

Usage: test_calls.py [-v] [--full] [TEST...]      MOKHOA_BIN is the folder of the programs. Enters a stage by itself.
"""
import os
import threading
import time
import unittest

import machine
from machine import FULL, Machine, Stage, at_once, fields_of, name_of, ref

THREADS = 8


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()

    @classmethod
    def tearDownClass(cls):
        cls.stage.close()

    def approved(self):
        return Machine(self.stage).create().approve()

    def refused(self, answer, *names):
        self.assertIn(name_of(answer), names, answer)

    # ---- the code ----

    def test_five_codes_and_no_more_from_eight_threads(self):
        for _ in range(12 if FULL else 1):
            m = self.approved()
            right = m.key_of(m.code())
            wrong = [ref.sig_from_seed(os.urandom(32)) for _ in range(THREADS * 5)]
            bodies = [m.release_body(k) for k in wrong]
            gate = threading.Barrier(THREADS)

            def guess(mine):
                gate.wait()
                return [m.call("release", body) for body in mine]

            answers = [a for some in at_once([lambda n=n: guess(bodies[n::THREADS]) for n in range(THREADS)]) for a in some]
            names = [name_of(a) for a in answers]
            self.assertLessEqual(names.count("code_wrong"), 4)
            self.assertEqual(set(names) - {"code_wrong", "request_locked_out", "busy"}, set())
            evaluated = self.stage.sql("SELECT count(*) FROM audit WHERE number = ? AND what = 'code'", m.number)[0][0]
            self.assertLessEqual(evaluated, 5)
            for _ in range(3):
                self.refused(m.call("release", m.release_body(right)), "request_locked_out")
            self.assertEqual(m.state(), "locked_out")

    def test_right_code_among_wrong_ones_is_one_release(self):
        for _ in range(12 if FULL else 2):
            m = self.approved()
            right = m.release_body(m.key_of(m.code()))
            bodies = [right] * 6 + [m.release_body(ref.sig_from_seed(os.urandom(32))) for _ in range(2)]
            answers = at_once([lambda b=b: m.call("release", b) for b in bodies])
            given = {a[1]["ciphertext"] for a in answers if a[0] == 200}
            self.assertLessEqual(len(given), 1, "two releases of one request")
            self.assertEqual(self.stage.sql("SELECT failures FROM token WHERE serial = ?", m.token["serial"])[0][0], len(given))
            self.assertEqual(m.call("release", right)[0], 200)
            self.assertEqual(self.stage.sql("SELECT count(*) FROM release WHERE number = ?", m.number)[0][0], 1)

    def test_codes_that_are_not_this_requests(self):
        m, other = self.approved(), self.approved()
        code, foreign = m.code(), other.code()
        seeds = {"the other's code": ref.code_key(ref.code_read(foreign), other.id), "the other's code for this request": m.key_of(foreign),
                 "this code for the other request": ref.code_key(ref.code_read(code), other.id), "the machine's own key": m.sig}
        for what, key in seeds.items():
            with self.subTest(what):
                self.refused(m.call("release", m.release_body(key)), "code_wrong")
        self.assertEqual(m.call("release", m.release_body(m.key_of(code)))[0], 200)

    def test_expired_code(self):
        m = self.approved()
        key = m.key_of(m.code())
        self.stage.sql("UPDATE code SET expires = ? WHERE number = ?", int(time.time()), m.number)
        for _ in range(4):
            self.refused(m.call("release", m.release_body(key)), "code_expired")
        self.refused(m.call("release", m.release_body(key)), "request_locked_out", "code_expired")
        self.assertEqual(self.stage.sql("SELECT count(*) FROM release WHERE number = ?", m.number)[0][0], 0)

    # ---- who calls, and when ----

    def test_foreign_keys(self):
        m = self.approved()
        other = m.again()
        code = m.key_of(m.code())
        body = m.release_body(code)
        foreign = [m.release_body(code, signer=other.sig), m.release_body(code, signer=code),
                   {**body, "signature": ref.b64(bytes(64))}, {**body, "approval": ref.b64(os.urandom(16))},
                   m.release_body(code, approval=os.urandom(16))]
        other.id, other.number = m.id, m.number
        foreign.append(other.release_body(code))  # sealed to the thief's key, were it taken
        for body in foreign:
            self.refused(m.call("release", body), "signature_refused")
        self.assertEqual(self.stage.sql("SELECT attempts FROM request WHERE number = ?", m.number)[0][0], 0)
        m.h = m.hash()
        self.refused(m.grant(), "state_wrong")

    def test_replayed_and_reordered(self):
        m, other = self.approved(), self.approved()
        verb = {"counter": 7, "signature": ref.b64(m.sig.sign(ref.verb_request("status", m.id, 7)))}
        self.assertEqual(m.call("status", verb)[0], 200)
        self.refused(m.call("status", verb), "signature_refused")
        self.refused(m.call("cancel", verb), "signature_refused")
        self.refused(m.call("resend", {**verb, "counter": 8}), "signature_refused")
        self.refused(m.call("status", {"counter": 6, "signature": ref.b64(m.sig.sign(ref.verb_request("status", m.id, 6)))}), "signature_refused")
        self.refused(m.call("cancel", {"counter": 9, "signature": ref.b64(other.sig.sign(ref.verb_request("cancel", m.id, 9)))}), "signature_refused")
        self.refused(m.call("cancel", {"counter": 9, "signature": ref.b64(m.sig.sign(ref.verb_request("cancel", other.id, 9)))}), "signature_refused")
        self.assertEqual(m.state(), "approved")
        same = {"counter": 20, "signature": ref.b64(m.sig.sign(ref.verb_request("status", m.id, 20)))}
        taken = [a[0] for a in at_once([lambda: m.call("status", same)] * THREADS)]
        self.assertEqual(taken.count(200), 1)

    def test_nothing_after_the_end(self):
        def refuse(m):
            self.assertEqual(self.stage.desk(m.number, "refuse", {"reason": "không"})[0], 200)

        ends = {"request_cancelled": lambda m: m.ask("cancel"), "request_refused": refuse,
                "request_expired": lambda m: self.stage.sql("UPDATE request SET expires = 1 WHERE number = ?", m.number)}
        for name, end in ends.items():
            with self.subTest(name):
                m = self.approved()
                body = m.release_body(m.key_of(m.code()))
                end(m)
                # an approval that was taken back signs nothing either way
                self.refused(m.call("release", body), name, "signature_refused")
                self.assertEqual(self.stage.sql("SELECT count(*) FROM release WHERE number = ?", m.number)[0][0], 0)
                self.assertNotEqual(m.grant()[0], 200)
                self.assertNotEqual(m.report()[0], 200)

    def test_cancel_against_release(self):
        for _ in range(60 if FULL else 3):
            m = self.approved()
            body = m.release_body(m.key_of(m.code()))
            m.counter = 100
            released, cancelled = at_once([lambda: m.call("release", body), lambda: m.ask("cancel")])
            self.assertEqual([released[0], cancelled[0]].count(200), 1, (released, cancelled))
            self.assertEqual(m.state(), "released" if released[0] == 200 else "cancelled")

    def test_a_report_that_cannot_be_true(self):
        m = self.approved()
        self.refused(m.report(), "state_wrong")
        _, candidates = m.take()
        self.refused(m.report(rotated=True), "state_wrong")
        self.assertEqual(m.escrow(), candidates)
        self.refused(m.grant(1), "invalid_params")

    # ---- the chain of SO PINs ----

    def test_only_the_newest_release_rotates(self):
        """A machine that was cut off after its grant comes back when another has been granted: it is refused, and whatever its card did with its own grant,
        that SO PIN is a candidate."""
        for active in (0, 1):
            with self.subTest(active=active):
                first = self.approved()
                had = first.escrow()
                first.take()
                lost = first.granted()
                second = first.again().create().approve()
                machine.until("another code", lambda: second.code() and self.stage.sql("SELECT 1 FROM code WHERE number = ?", second.number))
                _, candidates = second.take()
                self.assertEqual(candidates, [lost, had[0]])  # the likelier first
                second.granted(active)
                self.assertIn(lost, second.escrow())
                self.assertEqual(had[0] in second.escrow(), active == 1)
                self.refused(first.grant(), "state_wrong")

    def test_eight_grants_at_once_are_one(self):
        for _ in range(20 if FULL else 1):
            m = self.approved()
            m.take()
            answers = at_once([m.grant] * THREADS)
            given = {fields_of(m.open(ref.grant_info(m.h), a[1]))[0] for a in answers if a[0] == 200}
            self.assertEqual(len(given), 1)
            self.assertIn(given.pop().decode(), m.escrow())


if __name__ == "__main__":
    machine.enter_stage()
    unittest.main()
