#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_hsm.py PROGRAM: a vault whose key is in an HSM (SoftHSM, with a folder and tokens of its own) as an operator lives with it: init, import, roll to and fro, backup of the
keys, export, check, and what is said where something is wrong."""
import glob
import os
import re
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_desk  # takes PROGRAM from the arguments
from test_desk import PROGRAM, run, reference

MODULE = (glob.glob("/usr/lib/softhsm/libsofthsm2.so") + [None])[0]
PIN, SO_PIN = "fedcba98", "00112233"
LABEL, KEY_LABEL = "Kho khóa", "mokhoa-vault"


class SoftHsm:
    """One SoftHSM with one token; the environment of this process names it."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(os.path.join(folder, "tokens"))
        self.configuration = os.path.join(folder, "softhsm2.conf")
        with open(self.configuration, "w", encoding="ascii") as f:
            f.write(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = self.configuration
        self.serial = self.make_token(LABEL)
        self.pin_file = os.path.join(folder, "pin")
        self.write_pin(PIN)

    def make_token(self, label):
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", SO_PIN, "--pin", PIN], check=True, capture_output=True)
        shown = subprocess.run(["softhsm2-util", "--show-slots"], check=True, capture_output=True).stdout.decode()
        for slot in shown.split("Slot ")[1:]:
            if re.search(rf"Label:\s+{label}\s*$", slot, re.M):
                return re.search(r"Serial number:\s+(\S+)", slot)[1]
        raise AssertionError(shown)

    def write_pin(self, pin, mode=0o400):
        if os.path.exists(self.pin_file):
            os.unlink(self.pin_file)
        with open(self.pin_file, "w", encoding="ascii") as f:
            f.write(pin + "\n")
        os.chmod(self.pin_file, mode)

    def take_away(self):
        os.rename(os.path.join(self.folder, "tokens"), os.path.join(self.folder, "away"))
        os.mkdir(os.path.join(self.folder, "tokens"))

    def bring_back(self):
        shutil.rmtree(os.path.join(self.folder, "tokens"))
        os.rename(os.path.join(self.folder, "away"), os.path.join(self.folder, "tokens"))

    def tool(self, *args):
        return subprocess.run(["pkcs11-tool", "--module", MODULE, "--token-label", LABEL, "--login", "--pin", PIN, *args], capture_output=True, check=True).stdout.decode()

    def options(self):
        return {"hsm_module": MODULE, "hsm_token": LABEL, "hsm_serial": self.serial, "hsm_pin_file": self.pin_file}


class Hsm(test_desk.Vault):
    """What Vault does, with every key in the HSM, and what is different there. A vault of its own for each."""

    test_compares_have_a_limit = test_what_was_taken_back_is_not_reported_as_imported = test_progress_on_a_terminal = test_shared_values = None
    test_new_key_in_two_steps = test_rows_that_do_not_open_stay = test_export_wrong_use = None

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1]
        self.hsm = SoftHsm(self.file(self.name + ".hsm"))
        self.config = self.file(self.name, "tms.json")
        self.key_file, self.pub_file = self.file(self.name, "vault", "keys", "vault.key"), self.file(self.name, "vault.pub")
        self.process = None
        self.made = self.init()

    def init(self, **changes):
        return run(*self.init_options(self.name, **{**self.hsm.options(), **changes}))

    def lines(self):
        with open(self.key_file, encoding="ascii") as f:
            return f.read().splitlines()

    def place(self, n=0):
        """What keys list says of where a key is."""
        return self.keys("list")[1].splitlines()[n].split(" in=")[1]

    def new(self, *options):
        status, out, err = run("keys", "new", "--config", self.config, *options)
        self.assertEqual((status, err), (0, ""))
        return re.fullmatch("key=([0-9a-f]{16}) keys=[0-9]\n", out)[1]

    def error(self, serial):
        """What the vault says to a release of that token."""
        [(version, sealed)] = self.sql("SELECT version, sealed FROM token JOIN escrow ON escrow.id = active WHERE serial = ?", serial)
        machine = reference.kem_from_private(bytes(31) + b"\1")
        return self.ask({"verb": "reseal", "token": {"manufacturer": "a", "model": "b", "serial": serial}, "rows": [{"version": version, "sealed": reference.b64(sealed)}],
                         "to": reference.b64(reference.kem_public(machine)), "h": reference.b64(bytes(32)), "nonce": reference.b64(bytes(16))}).get("error", {}).get("data", {}).get("name")

    def until_opened(self, serial):
        until = time.monotonic() + 60
        while self.error(serial) is not None:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.2)

    def hsm_check(self):
        """What check says of the HSM: the verdict, and the rest of the line."""
        out = run("check", "--config", self.config)[1]
        return re.search(r"^(\S+) +vault\.hsm (.*)$", out, re.M).groups()

    def check_is_good(self):
        self.assertEqual(self.hsm_check(), ("ok", f"{LABEL}: lets the vault in, and has its keys"))

    def check_names(self, name):
        verdict, text = self.hsm_check()
        self.assertEqual(verdict, "FAIL")
        self.assertIn(f": {name}: ", text)

    # ---- a vault that begins in the HSM ----

    def test_init_makes_the_key_in_the_hsm(self):
        self.assertEqual((self.made[0], self.made[2]), (0, ""))
        [line] = self.lines()
        word, key_id, public = line.split()
        self.assertEqual(word, "hsm")
        self.assertEqual(os.stat(self.key_file).st_mode & 0o777, 0o400)
        with open(self.pub_file, encoding="ascii") as f:
            self.assertEqual(f.read().strip(), public)
        shown = self.hsm.tool("--list-objects", "--type", "privkey")
        for words in (f"label:      {KEY_LABEL}", f"ID:         {key_id}", "sensitive, always sensitive, never extractable, local", "EC"):
            self.assertIn(words, shown)
        self.assertRegex(shown, r"Usage: +derive\n")
        self.check_is_good()
        self.start_vault()
        self.check_is_good()
        self.assertEqual(self.place(), f"hsm object={key_id}")
        # and out of reach of what is not a file of this machine: no file of the server's folder has the private half
        self.fails(1, "hsm_key_unfit", run("keys", "new", "--config", self.config, "--object", self.extractable()), "extractable-key")

    def extractable(self):
        """The label of a key that could be taken out of the token."""
        self.hsm.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "extractable-key", "--id", "aa01", "--usage-derive", "--extractable")
        return "extractable-key"

    def test_init_that_fails_leaves_nothing(self):
        self.name += "-2"
        self.hsm.write_pin("wrong-pin")
        self.fails(1, "hsm_pin_refused", self.init())
        self.hsm.write_pin(PIN, 0o444)
        self.fails(1, "hsm_pin_missing", self.init())
        self.hsm.write_pin(PIN)
        self.fails(1, "hsm_token_missing", self.init(hsm_serial="0000000000000000"))
        self.fails(1, "hsm_module_failed", self.init(hsm_module="/nowhere/p11.so"))
        self.fails(2, "usage", self.init(hsm_module=None), "--hsm-module")
        self.fails(1, "config_invalid", self.init(hsm_pin_file=None), "pin_file")
        self.assertFalse(os.path.exists(self.file(self.name)))
        self.assertEqual(self.init()[0], 0)

    def test_others_write_while_the_hsm_is_asked(self):
        self.assertEqual(self.import_(self.sealed(*(f"a,b,ASK{n},1234{n},,," for n in range(5))))[0], 0)
        made = test_desk.certificate("Manager")
        test_desk.write_pem(self.file(self.name, "manager.pem"), made[0])
        asked, inside = self.asked_while_writing(r"sendmsg\(|sendto\(", "export", "--to", self.file(self.name, "manager.pem"), "--output", self.file(self.name, "export.pem"))
        self.assertGreaterEqual(asked, 10, "each row is asked of the HSM's process, which answers")
        self.assertEqual(inside, 0)
        self.assertEqual(self.sql("SELECT count(*) FROM audit WHERE what = 'export'"), [(5,)])

    # ---- the roll, from the file into the HSM and back ----

    def test_roll_of_the_key_while_unlocks_go_on(self):
        rows = [f"a,b,ROLL{n},1234567{n},,," for n in range(40)]
        self.name += "-file"
        self.config, self.key_file, self.pub_file = self.file(self.name, "tms.json"), self.file(self.name, "vault", "keys", "vault.key"), self.file(self.name, "vault.pub")
        self.assertEqual(run(*self.init_options(self.name))[0], 0)
        [first] = self.start_vault()
        self.assertEqual(self.report(self.sealed(*rows))[0][0], 0)
        clear = {n: self.unlock(f"ROLL{n}") for n in range(40)}
        self.fails(1, "config_invalid", run("keys", "new", "--config", self.config, "--in", "hsm"), "vault.hsm")
        # the vault learns of the HSM at a restart
        self.end_vault()
        self.assertEqual(self.start_vault(hsm={"module": MODULE, "token": LABEL, "serial": self.hsm.serial, "pin_file": self.hsm.pin_file}), [first])
        with self.unlocking(clear) as some_more:
            second = self.new()
            self.assertEqual([self.place(0).split()[0], self.place(1)], ["hsm", "file"])
            some_more()
            self.assertEqual(self.keys("reseal")[:2], (0, f"key={second} resealed=40 unopened=0\n"))
            self.assertEqual(self.keys("retire"), (0, f"key={second} retired=1\n", ""))
            some_more()
            third = self.new("--in", "file")
            self.assertEqual([self.place(0), self.place(1).split()[0]], ["file", "hsm"])
            self.assertEqual(self.keys("reseal")[:2], (0, f"key={third} resealed=40 unopened=0\n"))
            self.assertEqual(self.keys("retire"), (0, f"key={third} retired=1\n", ""))
            some_more()
        # both that were set aside can be put back, and open what a backup brings; the HSM still has its own
        self.assertEqual(self.keys("recall"), (0, "recalled=2 keys=3\n", ""))
        self.assertEqual(self.ask({"verb": "check"})["keys"], [third, first, second])
        self.assertEqual({n: self.unlock(f"ROLL{n}") for n in range(40)}, clear)
        # without a vault.hsm no ring with such a key is taken
        self.end_vault()
        with open(self.config, encoding="utf-8") as f:
            config = test_desk.json.load(f)
        del config["vault"]["hsm"]
        with open(self.config, "w", encoding="utf-8") as f:
            test_desk.json.dump(config, f)
        self.assertEqual(run("vault", "--config", self.config)[0], 1)

    def test_a_key_that_was_made_elsewhere(self):
        self.start_vault()
        self.hsm.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "ceremony", "--id", "c0ffee", "--usage-derive", "--sensitive")
        for words in (("--object", "ceremony", "--in", "file"), ("--in", "smoke"), ("--object",)):
            self.fails(2, "usage", run("keys", "new", "--config", self.config, *words))
        self.fails(1, "hsm_key_missing", run("keys", "new", "--config", self.config, "--object", "none"), "none")
        self.new("--object", "ceremony")
        self.assertEqual(self.place(), "hsm object=c0ffee")
        self.fails(1, "key_in_use", run("keys", "new", "--config", self.config, "--object", "c0ffee"))
        self.assertEqual(self.report(self.sealed("a,b,HERE,1234,,,"))[1], [(2, "HERE", "imported")])
        self.assertIn(b"1234", self.unlock("HERE"))
        self.assertEqual([row[0].split(" in=")[1] for row in self.sql("SELECT detail FROM audit WHERE what = 'keys'")], ["hsm"])

    # ---- what goes wrong ----

    def test_hsm_that_goes_and_comes(self):
        self.start_vault()
        self.assertEqual(self.report(self.sealed("a,b,UNDER,1234,,,"))[0][0], 0)
        self.new("--in", "file")
        self.assertEqual(self.report(self.sealed("a,b,BESIDE,5678,,,"))[0][0], 0)
        self.end_vault()
        self.hsm.take_away()
        self.start_vault()
        for _ in range(3):
            self.assertEqual(self.error("UNDER"), "hsm_token_missing")
            # what a key of the file opens is not kept shut
            self.assertIn(b"5678", self.unlock("BESIDE"))
        self.fails(1, "vault_unreachable", self.keys("reseal"))
        self.check_names("hsm_token_missing")
        # the outage has used up nothing of the hour
        with open(self.key_file + ".hour", encoding="ascii") as f:
            self.assertEqual(sum(test_desk.json.load(f)["rows"]), 3)
        self.hsm.bring_back()
        self.until_opened("UNDER")
        self.assertIn(b"1234", self.unlock("UNDER"))
        self.check_is_good()

    def test_wrong_pin(self):
        self.hsm.write_pin("wrong-pin")
        self.start_vault()
        self.check_names("hsm_pin_refused")
        # mended: who has done so says it by a restart
        self.hsm.write_pin(PIN)
        self.check_names("hsm_pin_refused")
        self.end_vault()
        self.start_vault()
        self.check_is_good()

    def test_check_names_what_is_wrong(self):
        with open(self.config, encoding="utf-8") as f:
            config = test_desk.json.load(f)
        cases = (("module", "/nowhere/p11.so", "hsm_module_failed"), ("module", self.config, "hsm_module_failed"), ("token", "Kho", "hsm_token_missing"),
                 ("serial", "0000000000000000", "hsm_token_missing"), ("pin_file", "/nowhere/pin", "hsm_pin_missing"))
        for key, value, name in cases:
            with open(self.config, "w", encoding="utf-8") as f:
                test_desk.json.dump({**config, "vault": {**config["vault"], "hsm": {**config["vault"]["hsm"], key: value}}}, f)
            self.check_names(name)
        with open(self.config, "w", encoding="utf-8") as f:
            test_desk.json.dump(config, f)
        self.check_is_good()
        self.hsm.tool("--delete-object", "--type", "privkey", "--id", self.lines()[0].split()[1])
        self.check_names("hsm_key_missing")
        self.start_vault()
        self.check_names("hsm_key_missing")

    # ---- the custodians' file ----

    def test_keys_backup_says_what_cannot_leave(self):
        self.start_vault()
        hsm_key = self.ask({"verb": "keys"})["keys"][0]
        self.new("--in", "file")
        made = test_desk.certificate("lan")
        test_desk.write_pem(self.file(self.name, "lan.pem"), made[0])
        with open(self.file(self.name, "lan.key"), "wb") as f:
            f.write(made[1].private_bytes(test_desk.serialization.Encoding.PEM, test_desk.serialization.PrivateFormat.PKCS8, test_desk.serialization.NoEncryption()))
        saved = self.file(self.name, "keys.cms")
        status, out, err = run("keys", "backup", saved, "--config", self.config, "--to", self.file(self.name, "lan.pem"))
        self.assertEqual(status, 0, err)
        self.assertIn("vault_keys=2 in_hsm=1", out)
        self.assertIn(f"key {hsm_key} is in the HSM (token {LABEL}, serial number {self.hsm.serial}) and cannot leave it", err)
        before = self.lines()
        for path in (self.key_file, self.pub_file, self.file(self.name, "keys", "tms.key")):
            os.unlink(path)
        status, out, err = run("keys", "restore", saved, "--config", self.config, "--key", self.file(self.name, "lan.key"))
        self.assertEqual((status, err), (0, ""))
        self.assertIn("in_hsm=1", out)
        self.assertEqual(self.lines(), before)
        self.assertEqual(len(self.ask({"verb": "check"})["keys"]), 2)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(Hsm)


if __name__ == "__main__":
    if MODULE is None or shutil.which("softhsm2-util") is None or shutil.which("pkcs11-tool") is None:
        print("SoftHSM or pkcs11-tool is missing: apt-get install softhsm2 opensc")
        sys.exit(77)
    unittest.main()
