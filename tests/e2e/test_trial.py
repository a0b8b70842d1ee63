#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mokhoa-token-trial (installer/trial) on the test tokens, each of which it has to judge as what it is known to be.

The SmartCard-HSM and a card of the PIV kind through OpenSC, a soft token of openCryptoki, SoftHSM behind `p11-kit server`. What it said is kept in
build/artifacts/trials. A token that is not given up is not touched; one whose trial was cut short by kill -9 has the SO PIN of before or the recorded one.

Usage: test_trial.py [-v] [TEST...]      MOKHOA_BIN is the folder of the programs. Enters a stage by itself.
"""
import csv
import glob
import io
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import test_card
import test_soft_token
import test_step
import world
from seen import seen

TRIAL = os.path.join(world.BIN, "mokhoa-token-trial")
KEPT = os.path.join(os.path.dirname(world.BIN), "artifacts", "trials")
RECORDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "installer", "trials")
CLIENT = (glob.glob("/usr/lib/*/pkcs11/p11-kit-client.so") + [None])[0]
PUK = "12345670"
SUPPORTED, BROKEN_OFF, USAGE, NOT_SUPPORTED = 0, 1, 2, 3


class TrialTest(unittest.TestCase):
    """module, environment and serial are the token's."""
    environment = {}

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mokhoa-trial.", dir="/run")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def command(self, *options, serial=None, give_up=None):
        serial = serial or self.serial
        words = [TRIAL, "--module", self.module, "--serial", serial, "--give-up", give_up or serial, "--record", self.path("record"),
                 "--so-pin-fd", "0", *options]
        for name, value in self.environment.items():
            words += ["--environment", f"{name}={value}"]
        return words

    def trial(self, key, *options, **names):
        """Its status, what it printed, what it complained of."""
        done = subprocess.run(self.command(*options, **names), input=key.encode() + b"\n", capture_output=True, timeout=300, check=False)
        text = done.stdout.decode() + done.stderr.decode()
        self.assertNotIn(key, text)
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr.decode()

    def refused(self, error, answer):
        status, report, complaint = answer
        self.assertIn(error + " (", complaint)
        self.assertEqual(status, USAGE if error == "usage" else BROKEN_OFF)
        seen(error, self.id().replace("__main__", "test_trial.py"))
        return report

    def keep(self, name, report):
        """What stands in installer/trials of this kind is still so; times, versions and serial numbers are those of the day."""
        os.makedirs(KEPT, exist_ok=True)
        with open(os.path.join(KEPT, name + ".json"), "w", encoding="utf-8") as f:
            json.dump(report, f, indent=2, ensure_ascii=False)
            f.write("\n")
        shutil.copy(self.path("type.csv"), os.path.join(KEPT, name + ".csv"))
        with open(os.path.join(RECORDS, name + ".json"), encoding="utf-8") as f:
            record = json.load(f)
        for part in ("verdict", "because", "type", "observed"):
            self.assertEqual(report[part], record[part])
        with open(os.path.join(RECORDS, name + ".csv"), encoding="utf-8") as record, open(self.path("type.csv"), encoding="utf-8") as row:
            self.assertEqual(row.read(), record.read())

    def row(self):
        with open(self.path("type.csv"), encoding="utf-8") as f:
            [row] = csv.DictReader(io.StringIO(f.read()))
        return row

    def assertSeen(self, report, **expected):
        self.assertEqual({name: report["observed"][name] for name in expected}, expected, report)

    def assertKind(self, report, **expected):
        self.assertEqual({name: report["type"][name] for name in expected}, expected, report)
        self.assertEqual(self.row(), {name: str(value) for name, value in report["type"].items()})

    def wrong_so_pins(self, report):
        return [s for s in report["steps"] if s.get("error") == "token_so_refused"]


class Card(TrialTest):
    """Two cards of their kinds in one world of readers."""
    profile = "schsm"
    key = test_card.SO_PIN

    def setUp(self):
        super().setUp()
        self.module = test_card.module_path()
        self.shell("pcsc_up $DIR")
        self.addCleanup(self.shell, "pcsc_down $DIR")
        self.shell("openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=trial -keyout $DIR/k -outform DER -out $DIR/c 2>/dev/null; "
                   f"$MOKHOA_CARD init --state $DIR/card0.state --profile {self.profile} --serial TRIAL00001 --so-pin {self.on_card(self.key)} "
                   f"--pin {test_card.PIN} --cert $DIR/c --private-key $DIR/k; card_insert $DIR 0")

    def shell(self, script):
        environment = dict(os.environ, DIR=self.folder, MOKHOA_CARD=os.path.join(world.BIN, "mokhoa-card"))
        subprocess.run(["sh", "-euc", '. "%s/pcsc.sh"; ' % world.STAGE + script], env=environment, check=True, timeout=60, stdin=subprocess.DEVNULL)

    @staticmethod
    def on_card(key):
        return key

    def card(self, *command):
        return subprocess.run([os.path.join(world.BIN, "mokhoa-card"), *command, "--state", self.path("card0.state")], capture_output=True, check=False)

    def counters(self):
        shown = json.loads(self.card("show").stdout)
        return shown["user_tries"], shown["so_tries"]

    def has_so_pin(self, so_pin):
        return subprocess.run([os.path.join(world.BIN, "mokhoa-card"), "check", "--state", self.path("card0.state"), "--so-pin", so_pin],
                              check=False).returncode == 0


class SmartCardHsm(Card):
    serial = "TRIAL00001"

    def test_what_it_is(self):
        status, report, complaint = self.trial(self.key, "--type", self.path("type.csv"), "--one-wrong-so-try")
        self.assertEqual((status, report["verdict"], report["because"]), (SUPPORTED, "supported", []), (report, complaint))
        self.assertSeen(report, locks=True, user_tries=3, unlocked=True, pin_min_taken=True, pin_max_taken=True, letters_taken=True, rotation=True,
                        so_login_asks=False, so_counter_restored=None, wrong_so_pin_presented=True)
        self.assertKind(report, family="so_pin", rotation="yes", flags_reliable="yes", pin_min=6, pin_max=15, pin_characters="alphanumeric")
        self.assertEqual(len(self.wrong_so_pins(report)), 1)
        self.assertEqual(self.counters(), (3, 15))
        self.assertTrue(self.has_so_pin(self.key))
        self.assertEqual((report["record_left"], os.path.exists(self.path("record"))), (False, False))
        self.assertIn("opensc-pkcs11.so", " ".join(report["module"]["libraries"]))
        self.assertTrue(all("ms" in s and "flags" in s for s in report["steps"][1:]))
        self.keep("smartcard-hsm", report)

    def test_without_a_wrong_so_pin(self):
        status, report, _ = self.trial(self.key)
        self.assertEqual((status, self.wrong_so_pins(report)), (SUPPORTED, []))
        self.assertSeen(report, so_login_asks=None, wrong_so_pin_presented=False)

    def test_not_given_up(self):
        self.refused("usage", self.trial(self.key, give_up="TRIAL00002"))
        self.refused("usage", self.trial(self.key, "--family", "none"))
        self.refused("token_absent", self.trial(self.key, serial="TRIAL00002"))
        with open(self.path("record"), "w", encoding="ascii") as f:
            f.write("of a trial before")
        self.refused("file_exists", self.trial(self.key))
        self.assertEqual(self.counters(), (3, 15))
        with open(self.path("card0.log"), encoding="ascii") as f:
            sent = [line.split()[1] for line in f if "->" in line]
        # nothing with a PIN in it, and no wrong one cost a try
        self.assertEqual([a for a in sent if a[2:4] in ("2C", "24") or (a[2:4] == "20" and len(a) > 8)], [])
        self.assertEqual(self.card("check", "--pin", test_card.PIN).returncode, 0)

    def test_a_wrong_so_pin_ends_it_before_the_lock(self):
        report = self.refused("token_so_refused", self.trial(test_card.WRONG_SO_PIN, "--type", self.path("type.csv")))
        self.assertEqual((report["verdict"], len(self.wrong_so_pins(report))), ("unfinished", 1))
        self.assertSeen(report, locks=None, wrong_so_pin_presented=True)
        self.assertEqual(self.counters(), (3, 14))
        self.assertFalse(os.path.exists(self.path("type.csv")))

    def test_asked_on_the_terminal(self):
        """Where no descriptor is named: and what is typed there is not shown."""
        words = [word for word in self.command() if word not in ("--so-pin-fd", "0")]
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(words[0], words)
        shown = b""
        try:
            while not shown.endswith(b"SO PIN: "):
                shown += os.read(terminal, 1)
            os.write(terminal, test_card.WRONG_SO_PIN.encode() + b"\n")
            while True:
                shown += os.read(terminal, 4096)
        except OSError:
            pass  # the terminal of a process that has ended
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), BROKEN_OFF, shown)
        self.assertIn(b"token_so_refused", shown)
        self.assertNotIn(test_card.WRONG_SO_PIN.encode(), shown)
        self.assertEqual(self.counters(), (3, 14))

    def test_killed_in_the_rotation(self):
        """Cut at moments across the rotation: the SO PIN is always the operator's or the one that stands in the record."""
        cut = 0
        for changes in (0, 1, 2):
            with self.subTest(changes=changes):
                process = subprocess.Popen(self.command(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                process.stdin.write(self.key.encode() + b"\n")
                process.stdin.close()
                end = time.monotonic() + 120
                while not os.path.exists(self.path("record")):
                    self.assertIsNone(process.poll(), "it ended before its rotation")
                    self.assertLess(time.monotonic(), end)
                    time.sleep(0.002)
                at = self.changes()
                # each change of the SO PIN is a command of its own; before the first, between the two, behind both
                while self.changes() < at + changes and process.poll() is None:
                    time.sleep(0.002)
                process.send_signal(signal.SIGKILL)
                process.wait(10)
                # a step that had begun goes on by itself
                self.settle()
                self.assertEqual(self.counters()[1], 15)
                if not os.path.exists(self.path("record")):
                    self.assertTrue(self.has_so_pin(self.key))
                    continue
                cut += 1
                with open(self.path("record"), encoding="ascii") as f:
                    recorded = json.load(f)["so_pin"]
                self.assertEqual(os.stat(self.path("record")).st_mode & 0o777, 0o600)
                self.assertTrue(self.has_so_pin(self.key) or self.has_so_pin(recorded))
                if self.has_so_pin(recorded):
                    self.key = recorded
                os.unlink(self.path("record"))
        self.assertGreaterEqual(cut, 1)

    def changes(self):
        with open(self.path("card0.log"), encoding="ascii") as f:
            return f.read().count(" 00240088")

    def settle(self):
        size = -1
        end = time.monotonic() + 30
        while time.monotonic() < end:
            now = os.path.getsize(self.path("card0.log"))
            busy = subprocess.run(["pgrep", "-f", "mokhoa-worker step"], capture_output=True, check=False).returncode == 0
            if now == size and not busy:
                return
            size = now
            time.sleep(0.2)
        self.fail("a step does not end")


class Piv(Card):
    profile, key = "piv", PUK
    serial = b"IAL00001".hex()  # what OpenSC calls so: the last eight bytes of the GUID

    @staticmethod
    def on_card(key):
        return key.encode().hex()

    def setUp(self):
        super().setUp()
        with open(self.path("opensc.conf"), "w", encoding="ascii") as f:
            f.write("app default { }\napp opensc-pkcs11 { pkcs11 { user_pin_unblock_style = set_pin_in_unlogged_session; } }\n")
        self.environment = {"OPENSC_CONF": self.path("opensc.conf")}

    def test_what_it_is(self):
        status, report, complaint = self.trial(PUK, "--family", "puk", "--type", self.path("type.csv"))
        self.assertEqual((status, report["verdict"]), (SUPPORTED, "supported"), (report, complaint))
        self.assertSeen(report, locks=True, user_tries=3, unlocked=True, rotation=None, wrong_so_pin_presented=False)
        self.assertKind(report, family="puk", rotation="no", flags_reliable="yes", pin_characters="digits")
        self.assertEqual(self.counters(), (3, 3))
        self.keep("piv", report)

    def test_a_driver_that_was_not_told_how(self):
        self.environment = {}
        status, report, _ = self.trial(PUK, "--family", "puk", "--type", self.path("type.csv"))
        self.assertEqual((status, report["verdict"], [b["reason"] for b in report["because"]]), (NOT_SUPPORTED, "not_supported", ["pin_not_set"]))
        self.assertKind(report, family="none", rotation="no")
        self.assertEqual(self.counters(), (0, 3))


class OpenCryptoki(test_soft_token.OpenCryptokiTest, TrialTest):
    test_unlock = test_last_try_of_the_so_pin_is_never_taken = test_locked_so_pin_is_said = test_daemon_is_not_running = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def test_what_it_is(self):
        self.serial = self.token["serial"]
        status, report, complaint = self.trial(test_soft_token.SO_PIN, "--type", self.path("type.csv"), "--one-wrong-so-try")
        self.assertEqual((status, report["verdict"]), (SUPPORTED, "supported"), (report, complaint))
        self.assertSeen(report, locks=True, user_tries=3, unlocked=True, rotation=True, so_login_asks=True, wrong_so_pin_presented=True)
        self.assertKind(report, family="so_pin", rotation="yes", flags_reliable="yes", pin_min=4, pin_max=8)
        self.assertEqual(len(self.wrong_so_pins(report)), 1)
        self.assertStep(self.ask("set_pin", test_soft_token.SO_PIN, test_soft_token.PIN), "ok")
        self.keep("opencryptoki", report)

    def test_the_last_try_is_left_alone(self):
        self.serial = self.token["serial"]
        for _ in range(2):
            self.assertStep(self.ask("set_pin", test_soft_token.WRONG_SO_PIN, test_soft_token.NEW_PIN), "token_so_refused")
        self.assertIsNone(self.refused("token_so_last_try", self.trial(test_soft_token.SO_PIN)))
        self.assertEqual(self.states()[1], "last_try")


class SoftHsm(TrialTest):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("tokens"))
        with open(self.path("softhsm2.conf"), "w", encoding="ascii") as f:
            f.write(f"directories.tokendir = {self.folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        environment = dict(os.environ, SOFTHSM2_CONF=self.path("softhsm2.conf"))
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "Mokhoa", "--so-pin", test_soft_token.SO_PIN, "--pin", test_soft_token.PIN],
                       check=True, stdout=subprocess.DEVNULL, env=environment)
        socket = self.path("socket")
        server = subprocess.Popen(["p11-kit", "server", "-n", socket, "--foreground", "--provider", test_soft_token.SOFTHSM, "pkcs11:"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        self.addCleanup(server.wait, 20)
        self.addCleanup(server.terminate)
        end = time.monotonic() + 30
        while not os.path.exists(socket):
            self.assertLess(time.monotonic(), end, "p11-kit server does not come up")
            time.sleep(0.05)
        self.module, self.environment = CLIENT, {"P11_KIT_SERVER_ADDRESS": "unix:path=" + socket}
        probe = test_step.Probe(self.path("probe.log"))
        self.addCleanup(probe.close)
        [token] = probe.ask(do="inspect", module=self.module, environment=self.environment)["tokens"]
        self.serial = token["name"]["serial"]

    def test_what_it_is(self):
        status, report, complaint = self.trial(test_soft_token.SO_PIN, "--type", self.path("type.csv"), "--one-wrong-so-try")
        self.assertEqual((status, report["verdict"], [b["reason"] for b in report["because"]]), (NOT_SUPPORTED, "not_supported", ["never_locks"]),
                         (report, complaint))
        self.assertSeen(report, locks=False, user_tries=20, unlocked=None, rotation=None, wrong_so_pin_presented=False)
        self.assertKind(report, family="none", flags_reliable="no")
        self.keep("softhsm", report)


class TypeAdd(unittest.TestCase):
    """The rows of all trials, as the server's desk takes and shows them."""

    def test_takes_the_rows(self):
        w = world.World()
        self.addCleanup(w.close)
        rows = sorted(glob.glob(os.path.join(RECORDS, "*.csv")))
        self.assertEqual(len(rows), 4)
        for path in rows:
            w.sh(f"$MOKHOA_BIN/mokhoa-tms type add --config $DIR/tms/tms.json <'{path}'")
        shown = {row["name"]: row for row in csv.DictReader(io.StringIO(w.sh("$MOKHOA_BIN/mokhoa-tms type list --config $DIR/tms/tms.json")))}
        for path in rows:
            with open(path, encoding="utf-8") as f:
                [row] = csv.DictReader(f)
            self.assertEqual({name: shown[row["name"]][name] for name in row}, row)


def main():
    world.enter_stage()
    test_step.need_programs("mokhoa-worker", "mokhoa-token-trial", "mokhoa-card", "step_probe")
    missing = [name for name, path in (("opensc-pkcs11", test_card.module_path()), ("opencryptoki", test_soft_token.OPENCRYPTOKI),
                                       ("softhsm2", test_soft_token.SOFTHSM), ("p11-kit", shutil.which("p11-kit")), ("p11-kit-modules", CLIENT),
                                       ("procps", shutil.which("pgrep"))) if path is None]
    if missing:
        world.skip("missing: apt-get install " + " ".join(missing))
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/var/lib/opencryptoki"], check=True)
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
