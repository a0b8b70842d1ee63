#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Unlocks that are cut short at a random moment: a program killed, the card pulled, an answer of the card lost. Then the customer goes on, and what must
hold is asked of token, database, files and logs (check.py).

Usage: test_random.py [--token card|soft] [--seed N] [--rounds N] [--full] [--minutes N] [--from N] [WHAT...]      Enters a stage by itself; MOKHOA_BIN is the
folder of the programs, built without sanitizers.

WHAT is worker, step, host, serve, vault, and with the card pull and lose; all of them where none is named. --full is 10,000 kills a token. The seed is printed; the same one
makes the same choices, although not the same timing. Each round has dice of its own, so that --from goes on where a run with the same seed has ended.
"""
import argparse
import collections
import os
import random
import signal
import sys
import threading
import time
import zlib

import check
import scene as scenes
import tokens
from scene import world

STAGES = ("prompting", "releasing", "setting_pin", "proving_pin", "granting", "rotating", "proving_rotation", "reporting")
KILLED = ("worker", "step", "host", "serve", "vault")
WHATS = {"card": KILLED + ("pull", "lose"), "soft": KILLED}
FULL = 10000


class Random:
    def __init__(self, kind, seed):
        self.kind, self.seed = kind, seed
        self.chance = random.Random(seed)
        self.scene = scenes.Scene(kind)
        self.checker = check.Checker(self.scene)
        self.table = collections.defaultdict(collections.Counter)
        self.lasts = self.measure()
        self.descriptors = check.descriptors(self.scene)

    def measure(self):
        """Seconds of an unlock with nothing in its way."""
        began = time.monotonic()
        unlock = self.scene.unlock()
        if unlock.said[-1:] != ["unlock=completed"]:
            raise check.Broken(f"an unlock with nothing in its way: {unlock.story()}")
        return time.monotonic() - began

    # ---- the cut ----

    def strike(self, what):
        """True where somebody was there to be killed."""
        if what in scenes.SERVERS:
            pids = [self.scene.pid(what)]
        elif what == "host":
            pids = self.scene.running("real-host")
        elif what in ("pull", "lose"):
            order = "remove-after" if what == "pull" else "lose-after"
            self.scene.world.sh(f"card_tell $DIR 0 '{order} {self.chance.randint(1, 60)}'", check=False)
            return True
        else:
            pids = [p for p in self.scene.workers() if self.is_step(p) == (what == "step")]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return bool(pids)

    @staticmethod
    def is_step(pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                return b"\0step\0" in f.read()
        except OSError:
            return False

    def cut_short(self, what):
        """At a stage and a little later, or at any time: (the unlock, when, whether anybody was killed)."""
        struck = []
        if self.chance.randint(0, 1):
            stage, wait = self.chance.choice(STAGES), self.chance.choice((0.0, self.chance.random() * 0.05, self.chance.random() * 0.6))

            def at_stage(note):
                if not struck and note["method"] == "unlock.progress" and note["params"]["stage"] == stage:
                    time.sleep(wait)
                    struck.append(self.strike(what))
            return self.scene.unlock(at_stage), f"{stage}+{wait:.3f}", any(struck)
        wait = self.chance.random() * self.lasts
        over = threading.Event()

        def at_time():
            if not over.wait(wait):
                struck.append(self.strike(what))
        timer = threading.Thread(target=at_time)
        timer.start()
        unlock = self.scene.unlock()
        over.set()
        timer.join()
        return unlock, f"{wait:.3f}", any(struck)

    def mend(self, what):
        self.scene.bring_back()
        if what in ("pull", "lose"):
            self.scene.world.sh("card_remove $DIR 0", check=False)
            self.scene.world.sh("card_insert $DIR 0")

    # ---- one round ----

    def round(self, number, what):
        token, scene = self.scene.token, self.scene
        self.chance = random.Random(f"{self.seed} {number}")
        scene.clear()
        refused = token.wrong_so_pins()
        unlock, when, struck = self.cut_short(what)
        if self.chance.randint(0, 3):
            scene.wait_for_workers()  # else straight on, whatever still runs
        self.mend(what)
        try:
            done, wrong = self.checker.gone_on(unlock, refused)
        except check.Broken as broken:
            raise check.Broken(*broken.args, f"{what} at {when}") from broken
        row = self.table[what]
        row["rounds"] += 1
        row["struck"] += struck
        row["the same request"] += done
        row["wrong SO PINs"] += wrong
        return f"{what} at {when}: {unlock.story()}"

    def not_cut(self):
        """Sentences about a test in which little was cut: a worker, a step and a host are there for a moment alone."""
        rounds, struck = (sum(row[c] for row in self.table.values()) for c in ("rounds", "struck"))
        if rounds >= 10 and struck < rounds / 3:
            yield f"only {struck} of {rounds} rounds struck anybody"

    def print_table(self, seconds):
        columns = ("rounds", "struck", "the same request", "wrong SO PINs")
        print("%-6s %-8s " % ("token", "cut") + " ".join("%16s" % c for c in columns))
        for what, row in sorted(self.table.items()):
            print("%-6s %-8s " % (self.kind, what) + " ".join("%16d" % row[c] for c in columns))
        rounds = sum(row["rounds"] for row in self.table.values())
        print(f"{self.kind}: {rounds} rounds, {rounds * 60 / max(seconds, 1):.0f} a minute; descriptors {check.descriptors(self.scene)}, "
              f"resident KiB {check.resident(self.scene)}", flush=True)


def of_token(kind, options):
    print(f"== {kind}, seed {options.seed}", flush=True)
    whats = [w for w in WHATS[kind] if not options.what or w in options.what]
    rounds = options.rounds or (FULL // len(whats) + 1 if options.full else 4)
    runner = Random(kind, options.seed)
    began = time.monotonic()
    broken = 0
    try:
        for n in range(options.first, rounds * len(whats)):
            if options.minutes and time.monotonic() - began > options.minutes * 60:
                print(f"{n - options.first} of {rounds * len(whats)} rounds in {options.minutes} minutes; on with --seed {options.seed} --from {n}", flush=True)
                break
            what = whats[n % len(whats)]
            try:
                print(n, runner.round(n, what), flush=True)
            except Exception as e:  # whatever it is, it is said with what had happened before it
                broken += 1
                print(f"{n} BROKEN:\n  " + "\n  ".join(map(str, e.args)), flush=True)
                print(f"  again, as far as time allows: MOKHOA_BIN={world.BIN} /usr/bin/python3 {os.path.relpath(__file__)} --token {kind} --seed {options.seed} --from {n} "
                      f"--rounds {n // len(whats) + 1} {' '.join(options.what)}", flush=True)
                break
        for sentence in [*check.grown(runner.scene, runner.descriptors), *runner.not_cut()]:
            print("BROKEN " + sentence)
            broken += 1
        runner.print_table(time.monotonic() - began)
    finally:
        if broken:
            runner.scene.keep(f"random-{kind}")
        runner.scene.close()
    return broken


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--token", choices=sorted(tokens.KINDS))
    parser.add_argument("--seed", type=int, default=zlib.crc32(os.urandom(8)))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("what", nargs="*")
    options = parser.parse_args()
    return 1 if sum(of_token(kind, options) for kind in ([options.token] if options.token else sorted(tokens.KINDS))) else 0


if __name__ == "__main__":
    world.enter_stage()
    scenes.need()
    sys.exit(main())
