#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""84 points at which a module crashes, hangs, ends, talks or takes what it can: 14 Cryptoki calls, six misdeeds each. Whatever it does costs the step that
it did it in: the worker says what happened, and its next step works. And the same at 28 of them through one host, which a page holds all the time.

Usage: test_points.py [-v]      MOKHOA_BIN is the folder with mokhoa-host, mokhoa-worker, step_probe, mock_p11.so. Enters a stage by itself.
"""
import collections
import json
import os
import sys
import time
import unittest

import test_step
import world
from world import native

sys.path.append(os.path.join(world.TESTS, "..", "host", "worker", "op", "tests"))
import worker_stage  # noqa: E402 (a worker's profile, server, token and person)

CODE = worker_stage.wire.code_shown(0x123456789ABCDEF)
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
        deadline = {"deadline_ms": 5000} if misdeed == "hang" and call not in FAREWELL else {}
        answer = self.ask("inspect", **deadline) if call in INSPECT else self.set_pin(**deadline)
        self.assertStep(answer, self.wanted(call, misdeed))
        self.until(lambda: any(line.startswith(call) for line in self.calls(call)))  # the point is reached, if behind the answer
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

    def test_no_pin_call_begins_for_a_worker_that_is_gone(self):
        """Its lock of the token is free by then, and another unlock may be at work on the token."""
        for call, made in (("C_OpenSession", []), ("C_Login", ["C_Login so 0x0"]), ("C_InitPIN", ["C_Login so 0x0", "C_InitPIN 0x0"])):
            self.card()
            self.script("readers", f"do {call} hold")
            task = {"do": "set_pin", "module": self.module, "environment": {"MOCK_P11": self.folder}, "token": test_step.TOKEN,
                    "first": test_step.SO_PIN, "second": test_step.NEW_PIN}
            probe = test_step.Probe(os.path.join(self.folder, "gone.log"))
            probe.process.stdin.write(json.dumps(task).encode() + b"\n")
            probe.process.stdin.flush()
            self.until(lambda: f"{call} hold 0x0" in self.calls(call))
            [step] = self.steps(probe.process.pid)
            probe.process.kill()
            probe.close()
            self.put("go", "")
            self.until(lambda: not test_step.is_running(step))
            os.unlink(self.path("go"))
            # a PIN call that had begun is not cut
            self.assertEqual([c for c in self.pin_calls() if " hold " not in c], made)

    def until(self, true):
        end = time.monotonic() + 30
        while not true():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    @staticmethod
    def steps(parent):
        """The step processes that this one has started."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                    if f.read().rsplit(") ", 1)[1].split()[1] == str(parent):
                        found.append(pid)
            except OSError:
                pass
        return found

    def test_all(self):
        outcomes = collections.Counter()
        for call in SET_PIN + INSPECT:
            for misdeed in MISDEEDS:
                with self.subTest(call=call, misdeed=misdeed):
                    outcomes[self.point(call, misdeed)] += 1
        print("%d points: %s" % (sum(outcomes.values()), dict(outcomes)), file=sys.stderr)
        self.assertEqual(sum(outcomes.values()), 84)


class ThroughOneHost(unittest.TestCase):
    def setUp(self):
        self.stage = worker_stage.Stage()
        self.addCleanup(self.stage.close)
        self.stage.profile(extensions=[native.EXTENSION])
        self.stage.put("card/certificate.der", "bytes")
        self.host = native.Host(os.path.join(world.BIN, "mokhoa-host"), env=dict(self.stage.environment, MOKHOA_LOG="error"))
        self.addCleanup(self.host.close)

    def script(self, *lines):
        self.stage.script("readers", *lines)

    def said(self, method, params=None):
        """The result, or the name of the error."""
        try:
            return self.host.call(method, params)
        except native.Refused as refused:
            return refused.error["data"]["name"]

    def approved(self):
        self.stage.card()
        self.stage.tms.requests.clear()
        self.stage.tms.so_pins = [worker_stage.SO_PIN]
        request = self.host.call("unlock.request", {"token": worker_stage.TOKEN, "reason": "locked", "language": "vi"})
        self.stage.tms.approve(CODE)
        return {"request": request["request"]}

    def unlock(self, request):
        self.stage.person(f"type {CODE}", f"type {worker_stage.NEW_PIN}")
        return self.said("unlock", request)

    def test_the_host_lives_and_the_next_call_works(self):
        outcomes = collections.Counter()
        for call in SET_PIN:
            for misdeed in ("crash", "noise"):
                with self.subTest(call=call, misdeed=misdeed):
                    request = self.approved()
                    self.script(f"do {call} {misdeed}")
                    first = self.unlock(request)
                    self.script()
                    if not isinstance(first, dict):
                        self.assertEqual((first, misdeed), ("module_failed", "crash"))
                        self.assertEqual(self.stage.remembers()["so_tries"], "3")
                        self.assertEqual(self.unlock(request)["state"], "completed")
                    outcomes[first if isinstance(first, str) else first["state"]] += 1
                    self.assertEqual(self.stage.remembers()["user_pin"], worker_stage.NEW_PIN)
        for call in INSPECT:
            for misdeed in ("crash", "noise"):
                with self.subTest(call=call, misdeed=misdeed):
                    self.stage.card()
                    self.script(f"do {call} {misdeed}")
                    first = self.said("token.info")
                    self.script()
                    outcomes[first["failures"][0]["error"]["data"]["name"] if first["failures"] else "ok"] += 1
                    self.assertEqual((len(first["tokens"]), len(self.host.call("token.info")["tokens"])), (1 if misdeed == "noise" else 0, 1))
        self.assertEqual((self.host.process.poll(), self.host.call("hello")["name"]), (None, "mokhoa"))
        print("%d points through one host: %s" % (sum(outcomes.values()), dict(outcomes)), file=sys.stderr)
        self.assertEqual(sum(outcomes.values()), 28)
        self.assertGreaterEqual(outcomes["module_failed"], 11)


def main():
    world.enter_stage()
    test_step.need_programs("mokhoa-host", "mokhoa-worker", "step_probe", "mock_p11.so")
    unittest.main(verbosity=2, defaultTest=["Points.test_all", "Points.test_no_pin_call_begins_for_a_worker_that_is_gone", "ThroughOneHost"])


if __name__ == "__main__":
    main()
