#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Unlocks in whose way the network stands once: at each message between worker and server, before it, behind it or in the middle of it (network.py). Then the customer
goes on, and what must hold is asked of token, database, files and logs (check.py).

Usage: test_network.py [--token card|soft] [--seed N] [--count N] [--full] [--minutes N] [--from N] [--only FAULT]      Enters a stage by itself; MOKHOA_BIN is
the folder of the programs, built without sanitizers.

A sample of --count faults a token (14); --full is 2,000 a token. The seed is printed; the same one makes the same faults, each with dice of its own, so that --from goes
on where a run has ended. --only repeats one: what is broken is printed with the whole command.
"""
import argparse
import collections
import os
import random
import sys
import time
import zlib

import check
import network
import scene as scenes
import tokens
from network import VERBS
from scene import world

FULL = 2000
ASKED_AGAIN = ("create", "release", "grant", "done")  # by the worker itself (host/worker/tms), so that what passes is seen by nobody


def faults(seed, number, nths, full):
    """The fault of that number: verbs take turns, and each goes through all effects in an order of its own."""
    verb = VERBS[number % len(VERBS)]
    effects = network.EFFECTS + (network.LONG_EFFECTS if full else [])
    random.Random(f"{seed} {verb}").shuffle(effects)
    place, side, effect = effects[number // len(VERBS) % len(effects)]
    chance = random.Random(f"{seed} {number}")
    share = chance.choice((0.0, 1.0, chance.random(), chance.random()))
    return network.Fault(place, verb, chance.randint(1, nths[verb]), side, effect, share)


class Faults:
    def __init__(self, kind, seed):
        self.kind, self.seed = kind, seed
        self.scene = scenes.Scene(kind)
        self.net = network.Network(self.scene)
        self.checker = check.Checker(self.scene)
        self.table = collections.defaultdict(collections.Counter)
        self.asked = 0
        self.orders = {verb: self.record(verb) for verb in VERBS if verb in ("resend", "cancel")}
        plain = self.record("")
        self.orders = {verb: self.orders.get(verb, plain) for verb in VERBS}
        self.nths = {verb: [v for v, _ in order].count(verb) for verb, order in self.orders.items()}
        if 0 in self.nths.values():
            raise check.Broken(f"an unlock that never makes a call that it should: {self.nths}")
        self.descriptors = check.descriptors(self.scene)

    # ---- the unlock ----

    def record(self, verb):
        """What a whole one sends, with that call in it."""
        self.net.plan(None)
        unlock = self.unlock(verb)
        if unlock.said[-1:] != ["unlock=completed"]:
            raise check.Broken(f"an unlock with nothing in its way: {unlock.story()}")
        self.scene.wait_for_workers()
        return self.net.order()

    def unlock(self, verb):
        unlock = scenes.Unlock()
        self.scene.empty_mailbox()
        try:
            with self.scene.host() as host:
                if verb == "cancel":
                    self.withdraw(unlock, host)
                self.ask(unlock, host)
                self.scene.approve(unlock)
                self.scene.take_code(unlock)
                if verb == "resend":
                    self.another_code(unlock, host)
                self.scene.call(unlock, host, "unlock.status", {"request": unlock.request["request"]})
                self.scene.finish(unlock, host)
        except scenes.Cut:
            pass
        return unlock

    def ask(self, unlock, host):
        self.asked += 1
        self.scene.ask(unlock, host)

    def withdraw(self, unlock, host):
        """One more request, taken back. Where he reads that it did not go well he does it again, and then it is done: he reads so or that there is nothing to take back."""
        self.ask(unlock, host)
        request = unlock.request["request"]
        for _ in range(3):
            try:
                self.scene.call(unlock, host, "unlock.cancel", {"request": request})
                break
            except scenes.Cut:
                if unlock.said[-1] == "request_cancelled":
                    break
                self.net.come_back()
        unlock.number, state = self.scene.row_of(unlock)
        if state != "cancelled":
            raise check.Broken(f"a request that was taken back is {state}: {unlock.story()}")
        unlock.request = unlock.number = None

    def another_code(self, unlock, host):
        """Ten minutes later. The one before it works as well: he has that where this did not go well."""
        self.scene.world.sql("UPDATE outbox SET created = created - 601 WHERE number = ?", unlock.number)
        before, unlock.code = unlock.code, None
        try:
            self.scene.call(unlock, host, "unlock.resend", {"request": unlock.request["request"]})
        except scenes.Cut:
            unlock.code = before
            raise
        self.scene.take_code(unlock)

    # ---- one fault ----

    def run(self, fault):
        """What became of it, as a line; raises Broken."""
        refused = self.scene.token.wrong_so_pins()
        requests = self.count("request")
        self.asked = 0
        self.scene.clear()
        self.net.plan(fault, self.orders[fault.verb])
        unlock = self.unlock(fault.verb)
        reached = self.net.reached
        at_once = unlock.said[-1:] == ["unlock=completed"]
        if not at_once and fault.verb in ASKED_AGAIN and fault.effect not in ("away", "gone"):
            raise check.Broken("a call that is made again came to nothing the second time, too", unlock.story())
        self.net.come_back()
        mine = self.count("request") - requests
        if mine > self.asked:
            raise check.Broken(f"{self.asked} requests were asked for, and the server has {mine}", unlock.story())
        done, wrong = self.checker.gone_on(unlock, refused)
        self.net.settle()
        self.checker.now()
        self.look_for_doubles(unlock)
        if done:
            self.look_for_report(unlock)
        row = self.table[(fault.place, fault.verb)]
        row["faults"] += 1
        row["reached"] += reached
        row["at once"] += at_once
        row["the same request"] += done
        row["wrong SO PINs"] += wrong
        return f"{'' if reached else 'not reached, '}{unlock.story()}{f', {wrong} wrong' if wrong else ''}"

    def count(self, table):
        return self.scene.world.sql(f"SELECT count(*) FROM {table}")[0][0]

    def look_for_doubles(self, unlock):
        """What came twice was done once."""
        for number, codes, resent in self.scene.world.sql(
                "SELECT number, count(*), (SELECT count(*) FROM audit a WHERE a.number = o.number AND a.what = 'resend') FROM outbox o WHERE kind = 'code' GROUP BY number"):
            if codes > 1 + resent or resent > 1:
                raise check.Broken(f"request {number} had {codes} codes sent, and {resent} asked for", unlock.story())
        for number, times in self.scene.world.sql("SELECT number, count(*) FROM granted GROUP BY number HAVING count(*) > 1"):
            raise check.Broken(f"request {number} was granted {times} times", unlock.story())

    def look_for_report(self, unlock):
        """The server knows how it ended, or hears it when the page looks."""
        if self.scene.row_of(unlock)[1] != "completed":
            with self.scene.host() as host:
                self.scene.call(unlock, host, "unlock.status", {"request": unlock.request["request"]})
        state = self.scene.row_of(unlock)[1]
        if state != "completed":
            raise check.Broken(f"the token is unlocked, and to the server the request is {state}", unlock.story())

    # ---- all of them ----

    def run_all(self, options):
        end = time.monotonic() + options.minutes * 60 if options.minutes else None
        count = FULL if options.full else options.count
        for n in range(options.first, options.first + 1 if options.only else count):
            if end and time.monotonic() > end:
                print(f"{n - options.first} of {count} faults in {options.minutes} minutes; on with --seed {self.seed} --from {n}", flush=True)
                break
            fault = network.fault_of(options.only) if options.only else faults(self.seed, n, self.nths, options.full)
            try:
                print(f"{n} {network.name_of(fault)}: {self.run(fault)}", flush=True)
            except Exception as e:  # whatever it is, it is said with what had happened before it
                print(f"{n} BROKEN {network.name_of(fault)}:\n  " + "\n  ".join(map(str, e.args)), flush=True)
                print(f"  again: MOKHOA_BIN={world.BIN} /usr/bin/python3 {os.path.relpath(__file__)} --token {self.kind} --only {network.name_of(fault)}", flush=True)
                self.scene.keep(f"network-{self.kind}")
                return 1
        return 0

    def not_reached(self):
        total, reached = (sum(row[c] for row in self.table.values()) for c in ("faults", "reached"))
        if reached < total / 2 or total == 0:
            yield f"only {reached} of {total} faults were reached"

    def print_table(self, seconds):
        columns = ("faults", "reached", "at once", "the same request", "wrong SO PINs")
        print("%-6s %-8s %-8s " % ("token", "place", "call") + " ".join("%16s" % c for c in columns))
        for (place, verb), row in sorted(self.table.items(), key=lambda item: (item[0][0], VERBS.index(item[0][1]))):
            print("%-6s %-8s %-8s " % (self.kind, place, verb) + " ".join("%16d" % row[c] for c in columns))
        total = [sum(row[c] for row in self.table.values()) for c in columns]
        print("%-6s %-8s %-8s " % (self.kind, "all", "") + " ".join("%16d" % n for n in total))
        print(f"{self.kind}: {total[0] * 60 / max(seconds, 1):.0f} a minute; descriptors {check.descriptors(self.scene)}, resident KiB {check.resident(self.scene)}", flush=True)


def of_token(kind, options):
    print(f"== {kind}, seed {options.seed}", flush=True)
    runner = Faults(kind, options.seed)
    began = time.monotonic()
    try:
        broken = runner.run_all(options)
        for sentence in [*check.grown(runner.scene, runner.descriptors), *([] if broken else runner.not_reached())]:
            print("BROKEN " + sentence)
            broken += 1
        runner.print_table(time.monotonic() - began)
        return broken
    finally:
        runner.net.close()
        runner.scene.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--token", choices=sorted(tokens.KINDS))
    parser.add_argument("--seed", type=int, default=zlib.crc32(os.urandom(8)))
    parser.add_argument("--count", type=int, default=14)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--only")
    options = parser.parse_args()
    return 1 if sum(of_token(kind, options) for kind in ([options.token] if options.token else sorted(tokens.KINDS))) else 0


if __name__ == "__main__":
    world.enter_stage()
    scenes.need()
    sys.exit(main())
