#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Unlocks under attack on the customer's machine: many at once, tokens that are swapped, a card whose SO PIN has few tries, pages and extensions that may
not ask, frames of all bad kinds; and while an unlock runs, no secret lies where another process could read it.

Usage: test_unlocks.py [-v] [--full] [TEST...]      MOKHOA_BIN is the folder of the programs. Enters a stage by itself.
"""
import base64
import glob
import json
import os
import random
import re
import signal
import struct
import sys
import threading
import time
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e")]

import world  # noqa: E402 (the end-to-end tests' own module)
from world import NEW_PIN, SO_PIN, WRONG_SO_PIN, processes  # noqa: E402

FULL = "--full" in sys.argv


class Unlocks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = world.World()
        cls.world.client_env["MOKHOA_LOG"] = "error"

    @classmethod
    def tearDownClass(cls):
        cls.world.close()

    def setUp(self):
        self.world.client_env["MOKHOA_LOG"] = "error"
        self.world.new_home()
        self.world.profile()
        self.world.person()

    def tearDown(self):
        for reader in (0, 1):
            self.world.sh(f"card_remove $DIR {reader}", check=False)

    def end_of(self, host, number):
        """How a call ended, as a word."""
        try:
            answer = host.finish(number, 120)
            return answer.get("state", "ok") if isinstance(answer, dict) else "ok"
        except world.native.Refused as refused:
            return refused.name

    def tries(self, card, tries):
        """Sets the tries that the card's SO PIN has left."""
        card.world.sh("card_end $DIR 0", check=False)
        with open(card.state, encoding="utf-8") as f:
            text = f.read()
        changed = text.replace("so-tries 15\n", f"so-tries {tries}\n")
        self.assertNotEqual(text, changed, text)
        with open(card.state, "w", encoding="utf-8") as f:
            f.write(changed)
        card.insert()

    # ---- many at once ----

    def test_twenty_at_once(self):
        card = self.world.card(lock=False)
        with self.world.host() as first:
            request, _, code = card.approved(first, reason="forgotten")
        self.world.person(*(f"type {w}" for w in (code, NEW_PIN)))
        hosts = [self.world.host() for _ in range(20)]
        try:
            numbers = [h.start("unlock", {"request": request["request"]}) for h in hosts]
            ends = [None] * len(hosts)

            def wait(n):
                ends[n] = self.end_of(hosts[n], numbers[n])

            threads = [threading.Thread(target=wait, args=(n,)) for n in range(len(hosts))]
            for t in threads:
                t.start()
            for t in threads:
                t.join(150)
        finally:
            for h in hosts:
                h.close()
        self.assertGreaterEqual(ends.count("completed"), 1, ends)
        self.assertEqual(set(ends) - {"completed", "token_busy", "state_wrong", "busy"}, set(), ends)
        self.assertEqual(card.show()["so_tries"], 15)
        self.assertTrue(card.has_so_pin(card.escrow()[0]))
        self.assertEqual(self.world.sql("SELECT count(*) FROM granted")[0][0], self.world.sql("SELECT count(DISTINCT number) FROM granted")[0][0])

    def test_two_accounts_at_once(self):
        """Each with a request of its own for the same token, the second approved, and its code typed, while the first one's worker stands still between the
        new PIN and the next SO PIN."""
        card = self.world.card(lock=False)
        held = {}
        try:
            with self.world.host() as one:
                request, _, code = card.approved(one, reason="forgotten")
                self.world.person(f"type {code}", f"type {NEW_PIN}")

                def second(note):
                    if note["params"].get("stage") == "granting" and not held:
                        held["pids"] = processes("mokhoa-worker")
                        for pid in held["pids"]:
                            os.kill(pid, signal.SIGSTOP)
                        self.world.new_home()
                        held["two"] = two = self.world.host()
                        held["request"] = self.approved_after(card, two, code)
                        held["end"] = self.end_of(two, two.start("unlock", {"request": held["request"]["request"]}))
                        for pid in held["pids"]:
                            os.kill(pid, signal.SIGCONT)

                self.assertEqual(one.finish(one.start("unlock", {"request": request["request"]}), 120, second)["state"], "completed")
            # the token is held across accounts, from before the prompt
            self.assertEqual(held["end"], "token_busy")
            self.assertEqual(self.end_of(held["two"], held["two"].start("unlock", {"request": held["request"]["request"]})), "completed")
        finally:
            if "two" in held:
                held["two"].close()
        self.assertTrue(card.has_so_pin(card.escrow()[0]))
        self.assertEqual(card.show()["so_tries"], 15)

    def approved_after(self, card, host, older):
        """A request with a code of its own, which is typed next."""
        request = card.ask(host, reason="forgotten")
        self.assertEqual(self.world.approve(self.world.row(card)["number"], request["phrase"])[0], 200)
        self.world.person(f"type {self.world.code(card.email, but=older)}", f"type {NEW_PIN}")
        return request

    # ---- the token ----

    def test_swapped_between_the_steps(self):
        """Another card, of the same or another serial, is in the reader when the next step opens it."""
        for stage in ("releasing", "setting_pin", "proving_pin", "granting", "rotating", "proving_rotation") if FULL else ("granting",):
            with self.subTest(stage):
                self.world.new_home()
                card = self.world.card(lock=False)
                other = world.Card(self.world, f"X{self.world.run}{self.world.cards:04d}", known=False, lock=False, reader=1, insert=False)
                with self.world.host() as host:
                    request, _, code = card.approved(host, reason="forgotten")
                    self.world.person(f"type {code}", f"type {NEW_PIN}")

                    def swap(note, stage=stage, card=card, other=other):
                        if note["params"].get("stage") == stage:
                            card.remove()
                            other.insert()

                    number = host.start("unlock", {"request": request["request"]})
                    try:
                        host.finish(number, 120, swap)
                    except world.native.Refused as refused:
                        self.assertIn(refused.name, ("token_absent", "no_token", "token_removed", "token_failed", "pin_not_proved"))
                self.assertEqual((other.show()["so_tries"], other.show()["user_tries"]), (15, 3))
                self.assertTrue(other.has_so_pin(SO_PIN))
                self.assertTrue(any(card.has_so_pin(c) for c in card.escrow()))
                other.remove()
                card.remove()

    def test_a_killed_try_of_a_wrong_key(self):
        """A worker that dies in the middle of a try: the request may try once more (nobody knows what the card said), and then never again."""
        card = self.world.card(lock=False, escrow=WRONG_SO_PIN)
        with self.world.host() as host:
            request, _, code = card.approved(host, reason="forgotten")
        for _ in range(4):
            self.world.person(f"type {code}", f"type {NEW_PIN}")
            before = card.show()["so_tries"]

            def kill(note, before=before):
                end = time.monotonic() + 20
                while note["params"].get("stage") == "setting_pin" and card.show()["so_tries"] == before and time.monotonic() < end:
                    pass
                if note["params"].get("stage") == "setting_pin":
                    for pid in processes("mokhoa-worker"):
                        os.kill(pid, signal.SIGKILL)

            with self.world.host() as host, self.assertRaises((world.native.Refused, world.native.Ended)):
                host.finish(host.start("unlock", {"request": request["request"]}), 60, kill)
            end = time.monotonic() + 30
            while processes("mokhoa-worker", "step") and time.monotonic() < end:
                time.sleep(0.02)
        self.assertIn(card.show()["so_tries"], (13, 14))

    def test_few_tries_left(self):
        """The card of the stage never says how many tries are left, so that the last one cannot be seen: what holds is one try for a request."""
        card = self.world.card(lock=False, escrow=WRONG_SO_PIN)
        self.tries(card, 2)
        with self.world.host() as host:
            self.assertEqual([t["so_pin"] for t in host.call("token.info")["tokens"]], ["unknown"])
            request, _, code = card.approved(host, reason="forgotten")
            for _ in range(3):
                self.world.person(f"type {code}", f"type {NEW_PIN}")
                self.assertIn(self.end_of(host, host.start("unlock", {"request": request["request"]})), ("token_so_refused", "state_wrong"))
        self.assertEqual(card.show()["so_tries"], 1)

    # ---- the page ----

    def test_origins_and_extensions(self):
        card = self.world.card(lock=False)
        good = world.native.ORIGIN
        for origin in ("https://evil.example", "http://portal.mokhoa.test", good + "/", good + ":443", good.upper(), good + ".evil.example", "null", "", good + "\t",
                       " " + good, good + " ", "https://portal.mokhoa.test@evil.example", "https://portal.mokhoa.test#", "https://xn--portal.mokhoa.test", "file://", "*"):
            with self.subTest(origin=origin), self.world.host(origin=origin) as host:
                for method in ("hello", "token.info", "unlock.status"):
                    with self.assertRaises(world.native.Refused) as caught:
                        host.call(method)
                    self.assertIn(caught.exception.name, ("origin_refused", "invalid_request", "parse_error"))
        for extension in ("chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba/", "moz-extension://x/", "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
                          "chrome-extension://abcdefghijklmnopabcdefghijklmnop/x", "CHROME-EXTENSION://abcdefghijklmnopabcdefghijklmnop/", "chrome-extension://", "--help", "step", ""):
            with self.subTest(extension=extension), self.world.host(extension=extension) as host:
                with self.assertRaises((world.native.Refused, world.native.Ended, BrokenPipeError)) as caught:
                    host.call("token.info")
                if isinstance(caught.exception, world.native.Refused):
                    self.assertEqual(caught.exception.name, "extension_refused")
                else:
                    self.assertEqual(host.process.wait(30) != 0, extension != "--help")
        self.assertEqual(card.show()["so_tries"], 15)

    def test_bad_frames(self):
        chance = random.Random(4)
        message = {"origin": world.native.ORIGIN, "message": {"jsonrpc": "2.0", "id": 1, "method": "hello", "params": {}}}
        text = json.dumps(message).encode()
        for n in range(300 if FULL else 25):
            with self.world.host() as host:
                data = bytearray(struct.pack("=I", len(text)) + text)
                for _ in range(chance.randrange(1, 6)):
                    kind = chance.randrange(4)
                    at = chance.randrange(len(data)) if data else 0
                    if kind == 0 and data:
                        data[at] ^= 1 << chance.randrange(8)
                    elif kind == 1:
                        del data[at:at + chance.randrange(1, 9)]
                    elif kind == 2:
                        data[at:at] = os.urandom(chance.randrange(1, 9))
                    else:
                        data = data[:at]
                try:
                    host.send_bytes(bytes(data))
                    host.process.stdin.close()
                except BrokenPipeError:
                    pass
                out = host.process.stdout.read()
                self.assertIn(host.process.wait(10), (0, 1, 2), bytes(data))
                self.assertNotIn(b"Sanitizer", out)

    # ---- secrets while an unlock runs ----

    def test_secrets_are_nowhere_meanwhile(self):
        self.world.client_env["MOKHOA_LOG"] = "debug"
        card = self.world.card(lock=False)
        stop, seen = threading.Event(), {}
        me = os.getpid()

        def look():
            while not stop.is_set():
                for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
                    if path.startswith(f"/proc/{me}/"):
                        continue
                    try:
                        with open(path, "rb") as f:
                            data = f.read()
                        with open(os.path.dirname(path) + "/comm", encoding="utf-8") as f:
                            name = f.read().strip()
                    except OSError:
                        continue
                    if name.startswith("mokhoa") and "card" not in name or name == "pinentry":
                        seen.setdefault((name, os.path.basename(path)), set()).add(data)

        looking = threading.Thread(target=look)
        looking.start()
        try:
            with self.world.host() as host:
                request, _, code = card.approved(host, reason="forgotten")
                self.world.person(f"type {code}", f"type {NEW_PIN}")
                host.call("unlock", {"request": request["request"]})
                said = json.dumps(host.notifications).encode()
        finally:
            stop.set()
            looking.join()
        self.assertIn(("mokhoa-worker", "cmdline"), seen)
        canaries = [SO_PIN, card.escrow()[0], NEW_PIN, code, code.replace("-", "")[:12]]
        needles = [f(c.encode()) for c in canaries for f in (bytes, lambda c: c.hex().encode(), lambda c: base64.urlsafe_b64encode(c)[:-2], lambda c: c.lower())]
        places = {f"{name} {what}": b"\0".join(found) for (name, what), found in seen.items()}
        places["notifications"] = said
        for folder in (self.world.client_env["HOME"], "/run", "/dev/shm", "/etc/mokhoa", os.path.join(self.world.dir, "tms")):
            for path, _, names in os.walk(folder):
                for name in names:
                    full = os.path.join(path, name)
                    if os.path.isfile(full) and not name.startswith("pinentry.answers"):
                        with open(full, "rb") as f:
                            places[full] = f.read()
        for name in ("serve.log", "vault.log", "nginx/access.log", "nginx/error.log"):
            with open(os.path.join(self.world.dir, name), "rb") as f:
                places[name] = f.read()
        self.assertEqual([(place, n) for place, data in places.items() for n in needles if n in data], [])

    def test_no_core_files(self):
        """The programs that hold secrets leave none. That they cannot be traced by their own user is seen by base's tests in the build without sanitizers,
        which need tracing themselves (tests/run.sh)."""
        card = self.world.card(lock=False)
        with self.world.host() as host:
            request, _, code = card.approved(host, reason="forgotten")
            self.world.person(f"type {code}", f"type {NEW_PIN}")
            limits = {}

            def look(_note):
                for path in glob.glob("/proc/[0-9]*/comm"):
                    try:
                        with open(path, encoding="utf-8") as f:
                            name = f.read().strip()
                        if name.startswith("mokhoa") and "card" not in name:
                            with open(os.path.dirname(path) + "/limits", encoding="utf-8") as f:
                                limits.setdefault(name, set()).add(re.search(r"Max core file size\s+(\S+)", f.read()).group(1))
                    except OSError:
                        continue

            host.finish(host.start("unlock", {"request": request["request"]}), 120, look)
        self.assertIn("mokhoa-worker", limits)
        self.assertEqual({k: v for k, v in limits.items() if v != {"0"}}, {})


if __name__ == "__main__":
    world.enter_stage()
    if FULL:
        sys.argv.remove("--full")
    if not os.access(os.path.join(world.BIN, "mokhoa-host"), os.X_OK):
        world.skip("MOKHOA_BIN names no folder with mokhoa-host")
    unittest.main()
