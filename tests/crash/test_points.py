#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Unlocks cut short at chosen calls of the system: a program is killed just before one, or the call fails. A first unlock is written down whole; from
that the points are chosen (points.py), and each is one more unlock, which dies or stumbles there. Then the customer goes on, and what must hold is
asked of token, database, files and logs (check.py).

Usage: test_points.py [--token card|soft] [--seed N] [--count N] [--full] [--minutes N] [--programs A,B] [--effects kill|errno] [--from N] [--only POINT[,POINT...]]
Enters a stage by itself; MOKHOA_BIN is the folder of the programs, built without sanitizers.

Without --full a sample of --count points a token (40), spread over programs and kinds of point; the same seed chooses the same points, as far as two recordings are
alike. --effects errno are the calls that fail, kill all that is cut. --from goes on with the point of that number, where a run with the same seed has ended. --only
repeats one alone: what is broken is printed with the whole command.
"""
import argparse
import collections
import os
import random
import signal
import subprocess
import sys
import time
import zlib

import check
import points
import scene as scenes
import tokens
from scene import world

WHERE = ("worker.1", "worker.2", "host.1", "serve.public", "serve.desk", "serve.mail", "vault")  # and the steps


class Strace:
    """On threads of a server that runs already."""

    def __init__(self, scene, program, words, path):
        self.pid = scene.pid(program.split(".")[0])
        self.threads = threads_of(scene, program)
        command = ["strace", "-qq", "-o", path] + [w for t in self.threads for w in ("-p", str(t))] + words.split()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while not all(self.is_attached(t) for t in self.threads):
            assert self.process.poll() is None and time.monotonic() < end, f"strace does not attach to {program}"
            time.sleep(0.005)

    def is_attached(self, thread):
        with open(f"/proc/{self.pid}/task/{thread}/status", encoding="ascii") as f:
            return any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in f)

    def end(self):
        self.process.terminate()
        self.process.wait(20)


def threads_of(scene, program):
    """serve.public answers customers, serve.desk the administrators, serve.mail sends; the server's first thread waits for the others."""
    server, _, role = program.partition(".")
    pid = scene.pid(server)
    if not role:
        return [pid]
    found = []
    for thread in sorted(int(t) for t in os.listdir(f"/proc/{pid}/task")):
        with open(f"/proc/{pid}/task/{thread}/comm", encoding="ascii") as f:
            name = f.read().strip()
        if {"public": name == "MHD-single", "desk": name == "MHD-worker", "mail": name == "mokhoa-tms" and thread != pid}[role]:
            found.append(thread)
    return found


def is_server(program):
    return program.split(".")[0] in scenes.SERVERS


class Points:
    def __init__(self, kind, seed):
        self.kind, self.seed = kind, seed
        self.scene = scenes.Scene(kind)
        self.checker = check.Checker(self.scene)
        self.descriptors = check.descriptors(self.scene)
        self.table = collections.defaultdict(collections.Counter)  # by program and effect
        self.broken = []
        self.commands = 0  # that the card is sent in a whole unlock

    # ---- the recording ----

    def record(self):
        """{program: its calls} of a whole unlock."""
        calls = {}
        self.whole()  # what is only done once is done
        if self.kind == "card":
            before = self.scene.token.commands_so_far()
            self.whole()
            self.commands = self.scene.token.commands_so_far() - before
        self.scene.clear()
        for program in [w for w in WHERE if not is_server(w)] + [f"step.{n}" for n in range(1, 13)]:
            self.scene.plan(program, points.recording())
        self.whole()
        for name in os.listdir(os.path.join(self.scene.bin, "trace")):
            calls[name] = points.read_calls(name, os.path.join(self.scene.bin, "trace", name))
        self.scene.clear()
        for program in filter(is_server, WHERE):
            path = os.path.join(self.scene.bin, "trace", program)
            strace = Strace(self.scene, program, points.recording() + " -ff", path)
            self.whole()
            strace.end()
            threads = [points.read_calls(program, f"{path}.{t}") for t in strace.threads if os.path.exists(f"{path}.{t}")]
            calls[program] = max(threads, key=len)
            self.scene.clear()
        return calls

    def whole(self):
        unlock = self.scene.unlock()
        if unlock.said[-1:] != ["unlock=completed"]:
            raise check.Broken(f"an unlock with nothing in its way: {unlock.story()}")
        self.scene.wait_for_workers()

    # ---- one point ----

    def cut_short(self, point):
        """The unlock as far as it came, and whether the point was reached."""
        self.scene.clear()
        path = os.path.join(self.scene.bin, "trace", point.program)
        if point.program == "card":
            return self.pull(point)
        if is_server(point.program):
            strace = Strace(self.scene, point.program, points.injection(point), path)
            unlock = self.scene.unlock()
            strace.end()
        else:
            self.scene.plan(point.program, points.injection(point))
            unlock = self.scene.unlock()
        return unlock, points.was_reached(path, point)

    def pull(self, point):
        order = {"pull": "remove-after", "lose": "lose-after"}[point.effect]
        self.scene.token.tell(f"{order} {point.ordinal}")
        unlock = self.scene.unlock()
        self.scene.wait_for_workers()
        reached = self.scene.token.is_out()
        self.scene.token.put_back()
        return unlock, reached

    def run(self, point):
        """What became of it, as a line; raises Broken."""
        token = self.scene.token
        refused = token.wrong_so_pins()
        unlock, reached = self.cut_short(point)
        self.scene.bring_back()  # also what ended with the last word of it
        self.scene.clear()
        done, wrong = self.checker.gone_on(unlock, refused)
        self.count(point, reached, done, wrong)
        return f"{'' if reached else 'not reached, '}{unlock.story()}{f', {wrong} wrong' if wrong else ''}"

    def count(self, point, reached, done, wrong):
        row = self.table[(point.program.split(".")[0], "errno" if point.effect in points.ERRNOS else point.effect)]
        row["points"] += 1
        row["reached"] += reached
        row["the same request"] += done
        row["wrong SO PINs"] += wrong

    # ---- all of them ----

    def run_all(self, chosen, first, minutes):
        end = time.monotonic() + minutes * 60 if minutes else None
        for n, point in enumerate(chosen[first:], first):
            if end and time.monotonic() > end:
                print(f"{n - first} of {len(chosen)} points in {minutes} minutes; on with --seed {self.seed} --from {n}", flush=True)
                break
            try:
                print(f"{n} {points.name_of(point)} [{point.place}]: {self.run(point)}", flush=True)
            except Exception as e:  # whatever it is, the next points are worth knowing, in a world that nobody touched
                self.broken.append(point)
                print(f"{n} BROKEN {points.name_of(point)} [{point.place}]:\n  " + "\n  ".join(map(str, e.args)), flush=True)
                print(f"  again: MOKHOA_BIN={world.BIN} /usr/bin/python3 {os.path.relpath(__file__)} --token {self.kind} --only {points.name_of(point)}", flush=True)
                if len(self.broken) > 5:
                    break
                self.renew()

    def renew(self):
        self.scene.keep(f"{self.kind}-{len(self.broken)}")
        self.scene.close()
        self.scene = scenes.Scene(self.kind)
        self.checker = check.Checker(self.scene)
        self.whole()

    def print_table(self):
        columns = ("points", "reached", "the same request", "wrong SO PINs")
        print("%-6s %-8s %-6s " % ("token", "program", "effect") + " ".join("%16s" % c for c in columns))
        for (program, effect), row in sorted(self.table.items()):
            print("%-6s %-8s %-6s " % (self.kind, program, effect) + " ".join("%16d" % row[c] for c in columns))
        for sentence in check.grown(self.scene, self.descriptors):
            print("BROKEN " + sentence)
            self.broken.append(sentence)
        total, reached = (sum(row[c] for row in self.table.values()) for c in ("points", "reached"))
        if total >= 10 and reached < total / 2:  # a test in which nothing is cut
            print(f"BROKEN only {reached} of {total} points were reached")
            self.broken.append("reached")
        print(f"{self.kind}: {total} points, {len(self.broken)} broken; descriptors {check.descriptors(self.scene)}, resident KiB {check.resident(self.scene)}", flush=True)


def sample(everything, count, chance):
    """Spread over programs and places, so that few of a rare kind are not lost among many of a common one."""
    groups = collections.defaultdict(list)
    for point in everything:
        groups[(point.program, point.place, point.effect != "kill")].append(point)
    chosen = []
    order = sorted(groups)
    chance.shuffle(order)
    for name in order:
        chance.shuffle(groups[name])
    while len(chosen) < count and any(groups.values()):
        for name in order:
            if groups[name] and len(chosen) < count:
                chosen.append(groups[name].pop())
    return chosen


def all_points(calls, commands, chance, options):
    wanted = options.programs and options.programs.split(",")

    def is_wanted(program):
        return not wanted or program in wanted or program.split(".")[0] in wanted
    kills = [p for program in sorted(calls) for p in points.choose(program, calls[program], chance) if is_wanted(program)]
    cut = kills + (points.of_card(commands) if is_wanted("card") else [])
    errors = list(points.with_errors(kills, random.Random(options.seed) if options.once else None))
    return {"kill": cut, "errno": errors, None: cut + errors}[options.effects]


def of_token(kind, options):
    print(f"== {kind}, seed {options.seed}", flush=True)
    runner = Points(kind, options.seed)
    try:
        if options.only:
            runner.whole()
            chosen = [points.point_of(text) for text in options.only.split(",")]
        else:
            calls = runner.record()
            chance = random.Random(options.seed)
            everything = all_points(calls, runner.commands, chance, options)
            print(f"{sum(len(c) for c in calls.values())} calls, {len(everything)} points: "
                  f"{ {p: len(c) for p, c in sorted(calls.items())} }", flush=True)
            chosen = sample(everything, len(everything) if options.full else options.count, chance)
        runner.run_all(chosen, options.first, options.minutes)
        runner.print_table()
        return runner.broken
    finally:
        runner.scene.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--token", choices=sorted(tokens.KINDS))
    parser.add_argument("--seed", type=int, default=zlib.crc32(os.urandom(8)))
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--programs")
    parser.add_argument("--effects", choices=("kill", "errno"))
    parser.add_argument("--once", action="store_true", help="one errno a point, by dice, and not each of them")
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--only")
    options = parser.parse_args()
    broken = [point for kind in ([options.token] if options.token else sorted(tokens.KINDS)) for point in of_token(kind, options)]
    return 1 if broken else 0


if __name__ == "__main__":
    world.enter_stage()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    scenes.need()
    sys.exit(main())
