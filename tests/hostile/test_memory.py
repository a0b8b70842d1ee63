#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls without end: what the server holds of memory and descriptors stays what it was, whether they are good, refused or not even calls.

Usage: test_memory.py [-v] [--full] [TEST...]      MOKHOA_BIN is the folder of the programs, built without sanitizers: one keeps what was freed. Enters a stage by itself.
"""
import os
import unittest

import machine
from machine import FULL, Machine, Stage, ask

CALLS = 6000 if FULL else 600
WARM_UP = 150
BOUND = 256  # KiB for all of them, because an allocator takes memory in pieces: 440 bytes a call are seen here, 44 with --full


class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()
        cls.machine = Machine(cls.stage).create()

    @classmethod
    def tearDownClass(cls):
        cls.stage.close()

    def holds(self):
        """KiB of resident memory, and descriptors."""
        with open(f"{self.stage.dir}/serve.pid", encoding="ascii") as f:
            pid = int(f.read())
        with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
            self.assertNotIn("libasan", f.read(), "a build with sanitizers")
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            resident = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
        return resident, len(os.listdir(f"/proc/{pid}/fd"))

    def stays(self, call):
        for _ in range(WARM_UP):
            call()
        resident, descriptors = self.holds()
        for _ in range(CALLS):
            call()
        after = self.holds()
        print(f"{CALLS} calls: {after[0] - resident} KiB, {after[1] - descriptors} descriptors", flush=True)
        self.assertLess(after[0] - resident, BOUND)
        self.assertLessEqual(after[1], descriptors + 2)

    def test_good_calls(self):
        self.stays(lambda: self.assertEqual(self.machine.ask("status")[0], 200))

    def test_refused_calls(self):
        body = {"counter": 1, "signature": machine.ref.b64(bytes(64))}
        self.stays(lambda: self.assertGreaterEqual(self.machine.call("status", body)[0], 400))

    def test_no_calls(self):
        path = f"{self.stage.dir}/tms/run/public.sock"
        self.stays(lambda: self.assertEqual(ask(path, "POST", "/v1/requests", [[[1]]])[0], 400))


if __name__ == "__main__":
    machine.enter_stage()
    unittest.main()
