#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many unlocks of one token at the same moment, half of them by another user of the machine: one of them works at the token, the others read why they do not.

Usage: test_parallel.py [--workers N] [--rounds N] [--full] [--minutes N]      Enters a stage by itself; MOKHOA_BIN is the folder of the programs, built without
sanitizers.

50 workers wait behind a barrier for their orders, each of the same approved request; the other user has a copy of its journal, as a home that is kept on a server would.
In every other round the person takes his time, so that all others have ended before he types; in the others whoever comes late finds an unlock that is over. 2 rounds;
--full is 200.
"""
import argparse
import collections
import json
import os
import shutil
import struct
import subprocess
import sys
import threading
import time

import check
import scene as scenes
from scene import world

OTHER_UID = 64110
BUSY = ("token_busy", "busy")
OVER = ("signature_refused", "request_completed", "state_wrong")  # read by who came late, of a request that is over
FULL = 200
SECONDS = 240  # for all of a round


class Worker:
    """mokhoa-worker of one of the users, waiting for its order."""

    def __init__(self, command, environment, log):
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.stages = []
        self.end = None  # the answer

    def run(self, barrier, order):
        text = json.dumps(order).encode()
        barrier.wait()
        self.process.stdin.write(struct.pack("=I", len(text)) + text)
        self.process.stdin.close()
        while (head := self.process.stdout.read(4)):
            frame = json.loads(self.process.stdout.read(struct.unpack("=I", head)[0]))
            if "notification" in frame:
                self.stages.append(frame["params"].get("stage"))
            else:
                self.end = frame
        self.process.stdout.close()
        self.process.wait()

    def word(self):
        if self.end is None:
            return "nothing"
        return self.end["result"]["state"] if "result" in self.end else self.end["error"]["data"]["name"]


class Parallel:
    def __init__(self, workers):
        self.count = workers
        self.scene = scenes.Scene("mock")
        self.checker = check.Checker(self.scene)
        self.bin = self.scene.path("users")
        os.mkdir(self.bin)
        shutil.copy(os.path.join(world.BIN, "mokhoa-worker"), self.bin)
        self.log = open(self.scene.path("bin", "client.log"), "ab")
        self.home = self.scene.world.client_env["HOME"]
        self.other_home = self.scene.path("other")
        os.mkdir(self.other_home, 0o700)
        self.words = collections.Counter()
        self.winners = collections.Counter()
        self.calls = self.alone()

    def close(self):
        self.log.close()
        self.scene.close()

    def alone(self):
        """The calls of one unlock that can cost a try."""
        self.scene.token.forget_calls()
        unlock = self.scene.unlock()
        if unlock.said[-1:] != ["unlock=completed"]:
            raise check.Broken(f"an unlock with nothing in its way: {unlock.story()}")
        self.scene.wait_for_workers()
        self.checker.now()
        return self.scene.token.pin_calls()

    # ---- one round ----

    def approved(self):
        unlock = scenes.Unlock()
        self.scene.empty_mailbox()
        with self.scene.host() as host:
            self.scene.ask(unlock, host)
            self.scene.approve(unlock)
            self.scene.take_code(unlock)
        unlock.pin = self.scene.next_pin()
        return unlock

    def share_journal(self):
        """With the other user: what he then does is his own."""
        state = os.path.join(".local", "state")
        shutil.rmtree(os.path.join(self.other_home, state), ignore_errors=True)
        shutil.copytree(os.path.join(self.home, state), os.path.join(self.other_home, state))
        subprocess.run(["chown", "-R", f"{OTHER_UID}:{OTHER_UID}", self.other_home], check=True)

    def worker(self, number):
        program = os.path.join(self.bin, "mokhoa-worker")
        command, home = [program], self.home
        if number % 2:
            command, home = ["setpriv", "--reuid", str(OTHER_UID), "--regid", str(OTHER_UID), "--clear-groups", program], self.other_home
        return Worker(command, dict(self.scene.world.client_env, HOME=home), self.log)

    def round(self, number):
        unlock = self.approved()
        self.share_journal()
        gate = self.scene.path(f"gate{number}")
        waits = number % 2 == 0
        self.scene.world.person(*([f"hold {gate}"] if waits else []), f"type {unlock.code}", f"type {unlock.pin}")
        self.scene.token.forget_calls()
        workers = [self.worker(n) for n in range(self.count)]
        order = {"op": "unlock", "profile": "demo", "origin": world.native.ORIGIN, "params": {"request": unlock.request["request"]}}
        barrier = threading.Barrier(self.count)
        threads = [threading.Thread(target=w.run, args=(barrier, order)) for w in workers]
        for thread in threads:
            thread.start()
        try:
            end = time.monotonic() + SECONDS
            while waits and sum(t.is_alive() for t in threads) > 1 and time.monotonic() < end:
                time.sleep(0.02)
                if sum("prompting" in w.stages for w in workers) > 1:
                    raise check.Broken("more than one waits for the person")
            if waits:
                os.close(os.open(gate, os.O_CREAT, 0o644))
            for thread in threads:
                thread.join(max(0.1, end - time.monotonic()))
            if any(t.is_alive() for t in threads):
                raise check.Broken("somebody does not end")
        finally:
            for w in workers:
                if w.process.poll() is None:
                    w.process.kill()
        self.scene.wait_for_workers()
        return self.judge(unlock, workers, waits)

    def judge(self, unlock, workers, waits):
        winners = [w for w in workers if "releasing" in w.stages]
        losers = [w for w in workers if w not in winners]
        words = collections.Counter(w.word() for w in losers)
        broken = []
        if len(winners) != 1:
            broken.append(f"{len(winners)} winners")
        for w in winners:
            if w.end is None or w.end.get("result", {}).get("state") != "completed" or not w.end["result"]["rotated"]:
                broken.append(f"the winner ended with {w.end}")
        if any("prompting" in w.stages for w in losers):
            broken.append("a loser was asked for a code")
        # of the same user, who comes late is told what his journal says
        allowed = BUSY if waits else BUSY + OVER + ("completed",)
        if set(words) - set(allowed):
            broken.append(f"losers ended with {dict(words)}")
        if self.scene.token.pin_calls() != self.calls:
            broken.append(f"the token was asked {self.scene.token.pin_calls()}, by one alone {self.calls}")
        tries = {n: v for n, v in self.scene.token.remembers().items() if n.endswith("_tries")}
        if set(tries.values()) != {self.scene.token.TRIES}:
            broken.append(f"tries are gone: {tries}")
        number = self.scene.row_of(unlock)[0]
        granted = self.scene.world.sql("SELECT count(*) FROM granted WHERE number = ?", number)[0][0]
        if granted != 1:
            broken.append(f"{granted} rows were granted")
        if not self.scene.token.has_pin(unlock.pin):
            broken.append("the token has another PIN than the one that was typed")
        if broken:
            raise check.Broken(*broken)
        self.checker.now()
        self.words.update(words)
        self.winners["the other user" if workers.index(winners[0]) % 2 else "the user"] += 1
        return dict(words)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--minutes", type=float)
    options = parser.parse_args()
    runner = Parallel(options.workers)
    rounds, broken, done, began = FULL if options.full else options.rounds, 0, 0, time.monotonic()
    try:
        for number in range(rounds):
            if options.minutes and time.monotonic() - began > options.minutes * 60:
                print(f"{number} of {rounds} rounds in {options.minutes} minutes")
                break
            try:
                print(number, runner.round(number), flush=True)
                done += 1
            except check.Broken as e:
                broken += 1
                print(f"{number} BROKEN:\n  " + "\n  ".join(map(str, e.args)), flush=True)
                runner.scene.keep("parallel")
                break
        seconds = time.monotonic() - began
        print(f"{done} rounds of {options.workers}, {broken} broken, {seconds / max(done, 1):.1f} s each; won by {dict(runner.winners)}; the others: {dict(runner.words)}", flush=True)
    finally:
        runner.close()
    return 1 if broken or not done else 0


if __name__ == "__main__":
    world.enter_stage()
    scenes.need()
    sys.exit(main())
