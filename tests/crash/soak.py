#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One unlock after another, by one host that stays open, on the mock's token with the real server and vault: what they hold of memory and descriptors stays what it was.

Usage: soak.py [--unlocks N] [--minutes N]      Enters a stage by itself; MOKHOA_BIN is the folder of the programs, built without sanitizers.

60 unlocks; by hand 20,000. After a warm-up, resident memory may grow by the bounds below and no further, and no descriptor is kept. Of the server's memory what SQLite
says that it holds (mokhoa_store_memory_bytes) is taken off first: each of its connections keeps up to 2,000 KiB of the file, which takes thousands of unlocks to fill. How much database, escrow log and
time an unlock takes is said, at the beginning and at the end.
"""
import argparse
import os
import re
import socket
import statistics
import sys
import time

import check
import scene as scenes
from scene import world

WARM_UP = 0.25  # of all, but no more than
WARM_UP_MOST = 1000
BOUNDS = {"host": 128, "serve": 512, "vault": 128}  # KiB per 1,000 unlocks
NOISE = 160  # KiB: an allocator takes memory in pieces
DESCRIPTORS = {"host": 0, "serve": 10, "vault": 2}  # connections of nginx, of the server to the vault
SETTLING = 20  # looks, a tenth of a second apart
SAMPLES = 10  # whose median stands for a moment


class Soak:
    def __init__(self):
        self.scene = scenes.Scene("mock")
        self.scene.world.client_env["MOKHOA_LOG"] = "error"
        self.checker = check.Checker(self.scene)
        self.resident = {name: [] for name in BOUNDS}
        self.descriptors = {name: [] for name in BOUNDS}
        self.settled = []  # descriptors after the first unlocks and after the last one, when nothing is under way
        self.sizes = []
        self.times = []

    def unlock(self, host):
        began = time.monotonic()
        unlock = scenes.Unlock()
        self.scene.clear()
        self.scene.empty_mailbox()
        self.scene.ask(unlock, host)
        self.scene.approve(unlock)
        self.scene.take_code(unlock)
        if self.scene.finish(unlock, host) != "completed" or unlock.said[-1] == "not rotated":
            raise check.Broken(f"an unlock with nothing in its way: {unlock.story()}")
        host.notifications.clear()
        self.times.append(time.monotonic() - began)

    def pid(self, name, host):
        return host.process.pid if name == "host" else self.scene.pid(name)

    def settle(self, host):
        """The fewest descriptors within a moment: a worker that has answered and is just ending has its pipes a little longer."""
        fewest = {}
        for _ in range(SETTLING):
            for name in BOUNDS:
                now = len(os.listdir(f"/proc/{self.pid(name, host)}/fd"))
                fewest[name] = min(now, fewest.get(name, now))
            time.sleep(0.1)
        self.settled.append(fewest)

    def cached(self):
        """KiB that SQLite holds in the server."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.scene.path("tms", "run", "metrics.sock"))
            sock.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            text = b"".join(iter(lambda: sock.recv(65536), b""))
        return int(re.search(rb"^mokhoa_store_memory_bytes (\d+)", text, re.M).group(1)) // 1024

    def look(self, host):
        for name in BOUNDS:
            pid = self.pid(name, host)
            with open(f"/proc/{pid}/status", encoding="ascii") as f:
                resident = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
            self.resident[name].append(resident - (self.cached() if name == "serve" else 0))
            self.descriptors[name].append(len(os.listdir(f"/proc/{pid}/fd")))
        data = self.scene.path("tms", "data")
        self.sizes.append((sum(os.path.getsize(os.path.join(data, name)) for name in os.listdir(data)),
                           os.path.getsize(self.scene.path("tms", "escrow", "escrow.log"))))

    def run(self, count, minutes):
        end = time.monotonic() + minutes * 60 if minutes else None
        with self.scene.host() as host:
            for n in range(count):
                if end and time.monotonic() > end:
                    print(f"{n} of {count} unlocks in {minutes} minutes", flush=True)
                    break
                self.unlock(host)
                self.look(host)
                if n == SAMPLES:
                    self.settle(host)
                if n % 500 == 499:
                    self.checker.now()
                    self.scene.token.forget_calls()
                    print(f"{n + 1} unlocks: resident KiB { {k: v[-1] for k, v in self.resident.items()} }, descriptors { {k: v[-1] for k, v in self.descriptors.items()} }, "
                          f"bytes {self.sizes[-1]}, {statistics.median(self.times[-100:]):.2f} s", flush=True)
            self.settle(host)
            self.checker.now()

    def judge(self):
        """Sentences about what has grown."""
        warm = min(WARM_UP_MOST, int(len(self.times) * WARM_UP))
        count = len(self.times) - warm
        database, log = ((now - then) / count for now, then in zip(self.sizes[-1], self.sizes[warm]))
        for name, bound in BOUNDS.items():
            early, late = (statistics.median(part) for part in (self.resident[name][warm:warm + SAMPLES], self.resident[name][-SAMPLES:]))
            print(f"{name}: resident {early:.0f} KiB, {count} unlocks later {late:.0f} KiB, {(late - early) * 1000 / count:.0f} KiB per 1,000 (bound {bound}, and {NOISE} in all); "
                  f"descriptors {min(self.descriptors[name][warm:])} to {max(self.descriptors[name][warm:])}")
            if late - early > NOISE + bound * count / 1000:
                yield f"{name} has grown from {early:.0f} to {late:.0f} KiB in {count} unlocks"
            if self.settled[-1][name] > self.settled[0][name] + DESCRIPTORS[name]:
                yield f"{name} holds {self.settled[-1][name]} descriptors, {self.settled[0][name]} before"
        early, late = (statistics.median(part) for part in (self.times[warm:warm + SAMPLES], self.times[-SAMPLES:]))
        print(f"an unlock: {database:.0f} bytes of database, {log:.0f} of escrow log; {early:.2f} s at first, {late:.2f} s at last", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--unlocks", type=int, default=60)
    parser.add_argument("--minutes", type=float)
    options = parser.parse_args()
    soak = Soak()
    try:
        soak.run(options.unlocks, options.minutes)
        broken = list(soak.judge())
        for sentence in broken:
            print("BROKEN " + sentence)
        return 1 if broken else 0
    finally:
        soak.scene.close()


if __name__ == "__main__":
    world.enter_stage()
    scenes.need()
    sys.exit(main())
