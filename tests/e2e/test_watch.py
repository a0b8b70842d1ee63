#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hot-plug: a card put in and pulled out is one notification each, within two seconds, through the real host, worker, OpenSC and pcscd; and nothing
that watches is left behind when nobody listens any more, however it came to that.

Usage: test_watch.py [-v] [TEST...]      MOKHOA_BIN is the folder of the programs. Enters a stage by itself.
"""
import json
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import world

ORIGIN, EXTENSION = "https://portal.mokhoa.test", "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"
PROMPTLY = 2.0  # seconds from the moment in which the reader's service has noticed, of the fastest move of a test
AT_LAST = 10.0  # of each, on a machine that has more to do
PATIENCE = 20.0


class Host:
    """mokhoa-host as a browser holds it, which says things that nobody has asked for."""

    def __init__(self, environment):
        self.process = subprocess.Popen([os.path.join(world.BIN, "mokhoa-host"), EXTENSION], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env=environment)
        self.bytes = b""

    def send(self, channel, number, method):
        text = json.dumps({"origin": ORIGIN, "channel": channel, "message": {"jsonrpc": "2.0", "id": number, "method": method, "params": {}}}).encode()
        self.process.stdin.write(struct.pack("=I", len(text)) + text)
        self.process.stdin.flush()

    def hear(self, seconds):
        """The next envelope; None where none comes in that time, or where the host has ended."""
        end = time.monotonic() + seconds
        while True:
            if len(self.bytes) >= 4:
                length = struct.unpack("=I", self.bytes[:4])[0]
                if len(self.bytes) >= 4 + length:
                    text, self.bytes = self.bytes[4:4 + length], self.bytes[4 + length:]
                    return json.loads(text)
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                return None
            self.bytes += more

    def end(self, how=None):
        if how is not None:
            self.process.send_signal(how)
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()


class Watch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="mokhoa-watch.")
        os.chmod(cls.folder, 0o755)
        cls.environment = dict(os.environ, DIR=cls.folder, MOKHOA_CARD=os.path.join(world.BIN, "mokhoa-card"))
        cls.sh("card_make $DIR 0 MKW0000001 3537363231383830 123456; card_make $DIR 1 MKW0000002 3537363231383830 123456; pcsc_up $DIR")
        os.makedirs("/etc/mokhoa/profiles.d", exist_ok=True)
        profile = {"tms": "https://localhost:1", "tls": "system", "tms_keys": ["A" * 43], "origins": [ORIGIN], "extensions": [EXTENSION],
                   "modules": [{"name": "opensc", "path": world.module_path()}, {"name": "missing", "path": "/usr/lib/there-is-none.so"}],
                   "prompt": "/usr/bin/pinentry", "proxy": "none", "hotline": "1900", "languages": ["vi"]}
        with open("/etc/mokhoa/profiles.d/demo.json", "w", encoding="utf-8") as f:
            json.dump(profile, f)

    @classmethod
    def tearDownClass(cls):
        cls.sh("pcsc_down $DIR")
        shutil.rmtree(cls.folder)

    @classmethod
    def sh(cls, script):
        subprocess.run(["sh", "-euc", '. "%s/pcsc.sh"; ' % world.STAGE + script], env=cls.environment, check=True, timeout=60, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)

    def tearDown(self):
        if self.took:
            self.assertLess(min(self.took), PROMPTLY)

    def setUp(self):
        self.hosts = []
        self.took = []
        self.addCleanup(lambda: [host.end() for host in self.hosts if host.process.poll() is None])

    def host(self):
        self.hosts.append(Host(dict(self.environment, HOME=self.folder)))
        return self.hosts[-1]

    def watch(self, host, channel="t1", number=1):
        host.send(channel, number, "token.watch")
        self.settled()

    def settled(self):
        """Until a step watches; what it sees from then on is news. Its own first look takes a moment in which nothing is answered."""
        end = time.monotonic() + PATIENCE
        while len(self.processes("step")) < 1:
            self.assertLess(time.monotonic(), end, "nothing watches")
            time.sleep(0.02)
        # the first look is a process of its own, which the one that stays follows
        seen = None
        while seen != (seen := self.processes("step")) or not seen:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.7)

    @staticmethod
    def processes(word=None):
        """Workers and steps that live on this stage."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    line = f.read().split(b"\0")
                with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                    state = f.read().rsplit(") ", 1)[1][0]
            except OSError:
                continue
            if line[0].endswith(b"mokhoa-worker") and state != "Z" and (word is None or word.encode() in line):
                found.append(pid)
        return found

    def gone(self):
        end = time.monotonic() + 20
        while self.processes():
            self.assertLess(time.monotonic(), end, "still there: %s" % self.processes())
            time.sleep(0.02)

    def changed(self, host, channel, moved):
        envelope = host.hear(PATIENCE)
        self.assertEqual(envelope, {"channel": channel, "message": {"jsonrpc": "2.0", "method": "token.changed", "params": {}}})
        self.took.append(time.monotonic() - moved)
        self.assertLess(self.took[-1], AT_LAST)

    def move(self, order, reader=0):
        """Puts the card in or pulls it out, and says when the reader's service knew."""
        self.sh(f"card_{order} $DIR {reader}")
        return time.monotonic()

    def test_one_each(self):
        host = self.host()
        self.watch(host)
        for order in ("insert", "remove", "insert", "remove"):
            moved = self.move(order)
            self.changed(host, "t1", moved)
            self.assertIsNone(host.hear(1.5), "one change is one notification")
        host.send("t1", 2, "token.unwatch")
        answers = sorted((host.hear(PATIENCE)["message"] for _ in range(2)), key=lambda m: m["id"])
        self.assertEqual(answers, [{"jsonrpc": "2.0", "id": n, "result": {"watch": "ended"}} for n in (1, 2)])
        self.gone()
        self.move("insert")
        self.assertIsNone(host.hear(1.5))
        self.move("remove")

    def test_one_worker_for_all_channels(self):
        host = self.host()
        self.watch(host, "a", 1)
        host.send("b", 2, "token.watch")
        moved = self.move("insert")
        heard = [host.hear(PATIENCE)["channel"] for _ in range(2)]
        self.took.append(time.monotonic() - moved)
        self.assertLess(self.took[-1], AT_LAST)
        self.assertEqual(sorted(heard), ["a", "b"])
        self.assertEqual(len(self.processes()) - len(self.processes("step")), 1)
        # other requests go on beside it
        host.send("a", 3, "token.info")
        self.assertEqual(host.hear(PATIENCE)["message"]["result"]["tokens"][0]["serial"], "MKW0000001")
        host.send("a", 4, "token.unwatch")
        self.assertEqual(sorted(host.hear(PATIENCE)["message"]["id"] for _ in range(2)), [1, 4])
        moved = self.move("remove")
        self.changed(host, "b", moved)
        # asked again on the same channel, the first is over
        host.send("b", 5, "token.watch")
        self.assertEqual(host.hear(PATIENCE)["message"], {"jsonrpc": "2.0", "id": 2, "result": {"watch": "ended"}})
        host.end()
        self.gone()

    def test_nothing_is_left_behind(self):
        for how in (None, signal.SIGKILL):
            host = self.host()
            self.watch(host)
            host.end(how)
            self.gone()
        host = self.host()
        self.watch(host)
        [worker] = set(self.processes()) - set(self.processes("step"))
        os.kill(int(worker), signal.SIGKILL)
        self.assertEqual(host.hear(PATIENCE)["message"]["error"]["data"]["name"], "worker_failed")
        self.gone()
        # and it can be asked again
        self.watch(host, number=2)
        moved = self.move("insert", 1)
        self.changed(host, "t1", moved)
        self.move("remove", 1)

    def test_a_step_that_dies_is_replaced(self):
        host = self.host()
        self.watch(host)
        for pid in self.processes("step"):
            os.kill(int(pid), signal.SIGKILL)
        end = time.monotonic() + PATIENCE
        while not self.processes("step"):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.settled()
        moved = self.move("insert")
        self.changed(host, "t1", moved)
        self.move("remove")


def main():
    world.enter_stage()
    for name in ("mokhoa-host", "mokhoa-worker", "mokhoa-card"):
        if not os.path.exists(os.path.join(world.BIN, name)):
            world.skip(name + " is missing; name its folder in MOKHOA_BIN")
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
