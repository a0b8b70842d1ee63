#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""84 points at which a module crashes, hangs, ends, talks or takes what it can: 14 Cryptoki calls, six misdeeds each. Whatever it does costs the step that
it did it in: the worker says what happened, and its next step works.

Usage: test_points.py [-v]      MOKHOA_BIN is the folder with mokhoa-worker, step_probe, mock_p11.so. Enters a stage by itself.
"""
import collections
import os
import sys
import unittest

import test_step
import world

SET_PIN = ("C_Initialize", "C_GetSlotList", "C_GetSlotInfo", "C_GetTokenInfo", "C_OpenSession", "C_Login", "C_InitPIN", "C_Logout", "C_CloseSession",
           "C_Finalize")
INSPECT = ("C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal", "C_GetAttributeValue")
FAREWELL = ("C_Logout", "C_CloseSession", "C_Finalize")  # behind the answer
MISDEEDS = ("crash", "segv", "exit", "hang", "noise", "greed")
HARMLESS = ("noise", "greed")


class Points(test_step.MockTest):
    secrets = [test_step.SO_PIN, test_step.NEW_PIN]  # others look like an address in a report of a crash

    def setUp(self):
        super().setUp()
        self.put("certificate.der", "bytes")

    def wanted(self, call, misdeed):
        if misdeed in HARMLESS or call in FAREWELL:
            return "ok"
        return "module_failed"

    def point(self, call, misdeed):
        self.card()
        self.script("readers", f"do {call} {misdeed}")
        deadline = {"deadline_ms": 1500} if misdeed == "hang" and call not in FAREWELL else {}
        answer = self.ask("inspect", **deadline) if call in INSPECT else self.set_pin(**deadline)
        self.assertStep(answer, self.wanted(call, misdeed))
        self.assertTrue(any(line.startswith(call) for line in self.calls(call)), "the point was reached")
        before = self.remembers()
        self.assertEqual(before["so_tries"], "3")
        if answer["error"] != "ok" and "presented" in answer:
            # where the step gave no answer, the SO PIN may have been presented: never less than that is said
            self.assertTrue(answer["presented"])
        # the next step works, and finds the token as it is
        self.script("readers")
        answer = self.ask("inspect")
        self.assertStep(answer, "ok")
        self.assertEqual(len(answer["tokens"]), 1)
        return self.wanted(call, misdeed)

    def test_all(self):
        outcomes = collections.Counter()
        for call in SET_PIN + INSPECT:
            for misdeed in MISDEEDS:
                with self.subTest(call=call, misdeed=misdeed):
                    outcomes[self.point(call, misdeed)] += 1
        print("%d points: %s" % (sum(outcomes.values()), dict(outcomes)), file=sys.stderr)
        self.assertEqual(sum(outcomes.values()), 84)


def main():
    world.enter_stage()
    test_step.need_programs("mokhoa-worker", "step_probe", "mock_p11.so")
    unittest.main(verbosity=2, defaultTest="Points.test_all")


if __name__ == "__main__":
    main()
