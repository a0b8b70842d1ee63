#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Unlocks that are cut short at a random moment: a program killed, the card pulled, an answer of the card lost. Whatever died, afterwards the card's SO PIN
is one that the authority knows, and the next unlock succeeds with at most one wrong SO PIN.

Usage: test_killed.py [--full] [--seed N] [--rounds N] [WHAT...]      MOKHOA_BIN is the folder of the programs. Enters a stage by itself.

WHAT is worker, step, host, serve, vault, pull, lose; all of them where none is named. The seed is printed; the same one makes the same choices, although not
the same timing.
"""
import glob
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import world  # noqa: E402 (the end-to-end tests' own module)

STAGES = ("prompting", "releasing", "setting_pin", "proving_pin", "granting", "rotating", "proving_rotation", "reporting")
WHATS = ("worker", "step", "host", "serve", "vault", "pull", "lose")
OVER = ("state_wrong", "request_expired", "request_cancelled", "request_refused", "request_locked_out", "token_failed")
SO_COMMANDS = re.compile(r"^\S+ (002C0081|00200088|00240088)\S* -> (\S+)$")


def processes(*arguments):
    """Ids of this stage's processes whose command line ends so."""
    want = [a.encode() for a in arguments]
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                words = f.read().split(b"\0")[:-1]
        except OSError:
            continue
        if words and [os.path.basename(words[0]), *words[1:1 + len(want) - 1]] == want and (len(want) > 1 or len(words) == 1):
            found.append(int(path.split("/")[2]))
    return found


class Killer:
    def __init__(self, chance):
        self.world = world.World()
        self.chance = chance
        self.raise_the_vaults_limit()
        self.world.client_env["MOKHOA_LOG"] = "error"
        self.world.new_home()
        self.card = self.world.card(lock=False)
        self.card_log = os.path.join(self.world.dir, "card0.log")
        self.pin = 0
        self.last_code = None
        self.counts = {}

    def raise_the_vaults_limit(self):
        path = os.path.join(self.world.dir, "tms", "tms.json")
        with open(path, encoding="utf-8") as f:
            config = json.load(f)
        config["vault"]["rows_per_hour"] = 1000000
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config, f)
        self.world.sh("vault_down $DIR; vault_up $DIR")

    # ---- what is known of the card ----

    def wrong_tries(self):
        """Refused SO PINs in the card's whole life."""
        count = 0
        with open(self.card_log, encoding="utf-8") as f:
            for line in f:
                found = SO_COMMANDS.match(line.strip())
                data_sent = found and len(line.split()[1]) > 12
                if data_sent and found.group(2).startswith(("63C", "6983")):
                    count += 1
        return count

    def known(self):
        return any(self.card.has_so_pin(c) for c in self.card.escrow())

    # ---- one unlock ----

    def request(self, host):
        request = self.card.ask(host, reason="forgotten")
        number = self.world.row(self.card)["number"]
        status, answer = self.world.approve(number, request["phrase"])
        assert status == 200, answer
        self.last_code = self.world.code(self.card.email, but=self.last_code)
        return request

    def unlock(self, request, host, on_notification=None):
        self.pin += 1
        self.world.person(f"type {self.last_code}", f"type {70000000 + self.pin}")
        try:
            answer = host.finish(host.start("unlock", {"request": request["request"]}), 120, on_notification)
        except world.native.Refused as refused:
            return refused.name
        except (world.native.Ended, BrokenPipeError):
            return "ended"
        return answer["state"] + ("" if answer["rotated"] else "-not-rotated")

    # ---- the cut ----

    def strike(self, what, host):
        if what == "host":
            host.process.send_signal(signal.SIGKILL)
        elif what in ("serve", "vault"):
            with open(os.path.join(self.world.dir, what + ".pid"), encoding="ascii") as f:
                os.kill(int(f.read()), signal.SIGKILL)
        elif what in ("pull", "lose"):
            order = "remove-after" if what == "pull" else "lose-after"
            self.world.sh(f"card_tell $DIR 0 '{order} {self.chance.randint(1, 40)}'", check=False)
        else:
            words = ("mokhoa-worker",) if what == "worker" else ("mokhoa-worker", "step")
            for pid in processes(*words):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def mend(self, what):
        if what in ("serve", "vault"):
            self.world.sh(f"service_end $DIR {what}; {what}_up $DIR")
        if what in ("pull", "lose"):
            self.world.sh("card_remove $DIR 0", check=False)
            self.world.sh("card_insert $DIR 0")

    def wait_for_the_end(self):
        """A worker outlives its host; a step its worker."""
        end = time.monotonic() + 60
        while processes("mokhoa-worker") or processes("mokhoa-worker", "step"):
            assert time.monotonic() < end, "a worker does not end"
            time.sleep(0.02)

    # ---- one round ----

    def cut_short(self, what):
        stage, wait = self.chance.choice(STAGES), self.chance.choice((0.0, 0.0, self.chance.random() * 0.05, self.chance.random() * 0.6))
        struck = []

        def strike(note):
            if not struck and note["method"] == "unlock.progress" and note["params"]["stage"] == stage:
                time.sleep(wait)
                struck.append(True)
                self.strike(what, host)

        with self.world.host() as host:
            request = self.request(host)
            said = self.unlock(request, host, strike)
        if not self.chance.randint(0, 3):
            return request, f"{what} at {stage}+{wait:.3f}: {said}"  # straight on, whatever still runs
        self.wait_for_the_end()
        return request, f"{what} at {stage}+{wait:.3f}: {said}"

    def again(self, request):
        """The same request as long as it leads somewhere; then, at the latest, a new one."""
        before = self.wrong_tries()
        for _ in range(3):
            with self.world.host() as host:
                said = self.unlock(request, host)
            if said != "token_busy":
                break
            self.wait_for_the_end()
        wrong = [self.wrong_tries() - before]
        if said.startswith("completed"):
            said += " " + self.fresh(wrong) if self.chance.randint(0, 1) else ""
        else:
            said += " " + self.fresh(wrong)
        return said, wrong

    def fresh(self, wrong):
        before = self.wrong_tries()
        with self.world.host() as host:
            for open_one in host.call("unlock.status")["requests"]:
                try:
                    host.call("unlock.cancel", {"request": open_one["request"]})
                except world.native.Refused:
                    pass
            said = self.unlock(self.request(host), host)
        wrong.append(self.wrong_tries() - before)
        assert said == "completed", f"a new request with nothing in its way: {said}"
        return said

    def round(self, what):
        before = self.wrong_tries()
        request, story = self.cut_short(what)
        self.mend(what)
        known = self.known()
        first = self.wrong_tries() - before
        said, wrong = self.again(request)
        wrong[0] += first  # the same request
        story += f"; then {said}; wrong tries {wrong}"
        assert known, f"the card's SO PIN was lost: {story}"
        assert max(wrong) <= 1, f"one request cost more than one try: {story}"
        self.wait_for_the_end()
        assert self.known(), f"the card's SO PIN is lost: {story}"
        key = what + (" wrong" if sum(wrong) else "")
        self.counts[key] = self.counts.get(key, 0) + 1
        return story


def main():
    arguments = sys.argv[1:]
    seed = int(arguments[arguments.index("--seed") + 1]) if "--seed" in arguments else zlib.crc32(os.urandom(8))
    rounds = int(arguments[arguments.index("--rounds") + 1]) if "--rounds" in arguments else 100 if "--full" in arguments else 1
    whats = [w for w in WHATS if w in arguments] or WHATS
    print(f"seed {seed}, {rounds} rounds of {', '.join(whats)}", flush=True)
    killer = Killer(random.Random(seed))
    failed = 0
    try:
        for n in range(rounds):
            for what in whats:
                try:
                    print(n, killer.round(what), flush=True)
                except AssertionError as e:
                    failed += 1
                    print(n, "FAILED:", e, flush=True)
                    if failed > 3 or not killer.known():
                        return 1
    finally:
        print(json.dumps(killer.counts), flush=True)
        if failed and os.environ.get("MOKHOA_KEEP"):
            subprocess.run(["cp", "-r", killer.world.dir, os.environ["MOKHOA_KEEP"]], check=False)
        killer.world.close()
    return 1 if failed else 0


if __name__ == "__main__":
    world.enter_stage()
    if not os.access(os.path.join(world.BIN, "mokhoa-host"), os.X_OK):
        world.skip("MOKHOA_BIN names no folder with mokhoa-host")
    sys.exit(main())
