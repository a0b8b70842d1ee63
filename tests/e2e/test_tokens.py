#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every family of token with the modules of other people: unlocked where it can be, told why where it cannot, and what its counters were before is
what they are after.

PIV through OpenSC (family B) plays the whole way, from the page to the card. PIV through ykcs11, tpm2-pkcs11 and NSS cannot be unlocked (family C).
Two tokens of openCryptoki have the same serial number. SoftHSM and one token of openCryptoki are in test_soft_token.py, the SmartCard-HSM in
test_unlock.py, tokens that lie in test_worker.py.

Usage: test_tokens.py [-v] [TEST...]      MOKHOA_BIN is the folder of the programs. Enters a stage by itself.
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import time
import unittest

import test_soft_token
import test_step
import world
from seen import seen
from world import NEW_PIN, PIN, WRONG_PIN

PUK, WRONG_PUK = "12345670", "87654329"
TYPES = ("name,manufacturer,family,rotation,flags_reliable,pin_min,pin_max,pin_characters\n"
         "PIV,piv_II,puk,no,yes,6,8,digits\nYubiKey,Yubico (www.yubico.com),none,no,yes,0,0,any\n")
OPENSC_CONF = "app default { }\napp opensc-pkcs11 { pkcs11 { %s } }\n"
UNLOGGED = "user_pin_unblock_style = set_pin_in_unlogged_session;"


def found(pattern):
    return (sorted(glob.glob(pattern)) + [None])[0]


YKCS11 = found("/usr/lib/*/libykcs11.so.2")
TPM2 = found("/usr/lib/*/libtpm2_pkcs11.so.1")
NSS = found("/usr/lib/*-linux-gnu/libsoftokn3.so")


class PivCard(world.Card):
    """A card of the PIV kind in reader 0. What OpenSC calls its serial number are the last eight bytes of its GUID."""

    def __init__(self, w, serial, puk_on_record=PUK):
        self.world, self.serial, self.reader = w, serial[-8:].encode().hex().upper(), 0
        self.email = f"{serial.lower()}@khach.example"
        self.state = os.path.join(w.dir, "card0.state")
        w.sh(f"card_end $DIR 0 2>/dev/null || true; rm -f {self.state}; "
             f"pki_customer $DIR card0 customer-ca ec '/C=VN/O=CÔNG TY PIV/CN=Khách {serial}' {self.email}; "
             f"$MOKHOA_CARD init --state {self.state} --profile piv --serial {serial} --so-pin {PUK.encode().hex()} --pin {PIN} "
             "--cert $DIR/pki/card0.der --private-key $DIR/pki/card0.key; "
             f"printf 'manufacturer,model,serial,so_pin,customer,email\\npiv_II,PKCS#15 emulated,{self.serial},{puk_on_record},PIV,{self.email}\\n' | tms_import $DIR")
        self.insert()

    def counters(self):
        shown = self.show()
        return shown["user_tries"], shown["so_tries"]


class Piv(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = world.World()
        cls.world.sh("printf '%s' " + f"'{TYPES}' | $MOKHOA_BIN/mokhoa-tms type add --config $DIR/tms/tms.json")

    @classmethod
    def tearDownClass(cls):
        cls.world.close()

    def setUp(self):
        self.world.new_home()
        self.world.person()
        self.style(UNLOGGED)

    def tearDown(self):
        self.world.sh("card_remove $DIR 0", check=False)

    def style(self, words):
        """How OpenSC is told to unblock, and a profile whose module is told so."""
        with open("/etc/mokhoa/opensc.conf", "w", encoding="ascii") as f:
            f.write(OPENSC_CONF % words)
        self.world.profile()
        path = "/etc/mokhoa/profiles.d/demo.json"
        with open(path, encoding="utf-8") as f:
            profile = json.load(f)
        profile["modules"][0].update(environment={"OPENSC_CONF": "/etc/mokhoa/opensc.conf"}, flags="unknown")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(profile, f)

    def card(self, lock=True, **options):
        self.world.cards += 1
        card = PivCard(self.world, f"P{self.world.run}{self.world.cards:04d}", **options)
        if lock:
            card.lock()
        return card

    def refused(self, name, host, request):
        with self.assertRaises(world.native.Refused) as caught:
            host.call("unlock", {"request": request["request"]})
        self.assertEqual(caught.exception.error["data"]["name"], name)
        seen(name, self.id().replace("__main__", "test_tokens.py"))

    def test_unlocked_by_its_puk_and_not_rotated(self):
        card = self.card()
        self.assertEqual(card.counters(), (0, 3))
        with self.world.host() as host:
            [token] = host.call("token.info")["tokens"]
            self.assertEqual((token["pin"], token["so_pin"], len(token["certificates"])), ("locked", "unknown", 1))
            request, number, code = card.approved(host)
            self.world.person(f"type {code}", f"type {NEW_PIN}")
            answer = host.call("unlock", {"request": request["request"]})
            self.assertEqual(answer, {"request": request["request"], "state": "completed", "rotated": False, "proof": "verified"})
            stages = [n["params"]["stage"] for n in host.notifications if n["method"] == "unlock.progress"]
            self.assertEqual(stages, ["prompting", "releasing", "setting_pin", "proving_pin", "reporting"])
        self.assertEqual(card.counters(), (3, 3))
        self.assertTrue(card.opens_with(NEW_PIN))
        one = self.world.one(number)
        self.assertEqual((one["state"], one["family"], one["outcome"]), ("completed", "puk", "not_rotated"))
        history = {h["event"]: h["detail"] for h in one["history"]}
        self.assertNotIn("grant", history)
        self.assertIn("family=puk rotation=no", history["release"])
        self.assertIn("rotated=no", history["done"])
        self.assertEqual(card.escrow(), [PUK])
        self.assertNotEqual(self.world.sql("SELECT exposed FROM token WHERE serial = ?", card.serial), [(0,)])

    def test_not_locked_is_left_alone(self):
        card = self.card(lock=False)
        with self.world.host() as host:
            request, _, code = card.approved(host, reason="forgotten")
            self.world.person(f"type {code}", f"type {NEW_PIN}")
            self.refused("token_not_yet_locked", host, request)
            self.assertEqual((self.world.shown(), card.counters()), ("", (3, 3)))
            card.lock()
            self.assertEqual(host.call("unlock", {"request": request["request"]})["rotated"], False)
        self.assertTrue(card.opens_with(NEW_PIN))

    def test_a_wrong_puk_on_record_costs_one_try(self):
        card = self.card(puk_on_record=WRONG_PUK)
        with self.world.host() as host:
            request, number, code = card.approved(host)
            self.world.person(f"type {code}", f"type {NEW_PIN}")
            self.refused("token_so_refused", host, request)
        self.assertEqual(card.counters(), (0, 2))
        self.assertEqual(self.world.one(number)["outcome"], "failed")

    def test_a_driver_that_was_not_told_how(self):
        """OpenSC's default takes the same call for a change of the PIN: the card, locked, says no, and no try of anything is gone."""
        card = self.card()
        self.style("")
        with self.world.host() as host:
            request, _, code = card.approved(host)
            self.world.person(f"type {code}", f"type {NEW_PIN}")
            self.refused("token_puk_locked", host, request)
        self.assertEqual(card.counters(), (0, 3))


# ---- what cannot be unlocked ----

class Ykcs11(test_step.StepTest):
    """The same card through Yubico's own module: it locks, and there is no way to unlock it through PKCS#11 with what an authority keeps."""
    secrets = [PUK, PIN, NEW_PIN, WRONG_PIN]

    def shell(self, script):
        environment = dict(os.environ, DIR=self.folder, PCSC_READER="Yubico YubiKey", MOKHOA_CARD=os.path.join(world.BIN, "mokhoa-card"))
        subprocess.run(["sh", "-euc", '. "%s/pcsc.sh"; ' % world.STAGE + script], env=environment, check=True, timeout=60, stdin=subprocess.DEVNULL)

    def setUp(self):
        super().setUp()
        self.addCleanup(self.shell, "pcsc_down $DIR")
        self.shell("openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=yk -keyout $DIR/k -outform DER -out $DIR/c 2>/dev/null; "
                   f"$MOKHOA_CARD init --state $DIR/card0.state --profile piv --serial YUBI000001 --so-pin {PUK.encode().hex()} --pin {PIN} "
                   "--cert $DIR/c --private-key $DIR/k; pcsc_up $DIR; card_insert $DIR 0")

    def ask(self, do, **task):
        return self.probe.ask(do=do, module=YKCS11, **task)

    def counters(self):
        done = subprocess.run([os.path.join(world.BIN, "mokhoa-card"), "show", "--state", os.path.join(self.folder, "card0.state")], check=True,
                              capture_output=True)
        shown = json.loads(done.stdout)
        return shown["user_tries"], shown["so_tries"]

    def test_locked_and_no_way_back(self):
        [token] = self.ask("inspect")["tokens"]
        self.assertEqual(token["name"]["manufacturer"], "Yubico (www.yubico.com)")
        for _ in range(3):
            self.assertStep(self.ask("prove", token=token["name"], first=WRONG_PIN), "pin_not_proved")
        self.assertEqual(self.counters(), (0, 3))
        # neither its SO PIN nor its PUK is taken, and no counter moves
        for do in ("set_pin", "rotate"):
            answer = self.ask(do, token=token["name"], first=PUK, second=NEW_PIN)
            self.assertIn(answer["error"], ("token_so_locked", "token_so_refused", "token_unsupported"), answer)
        [token] = self.ask("inspect")["tokens"]
        answer = self.ask("unblock", token=token["name"], first=PUK, second=NEW_PIN)
        self.assertIn(answer["error"], ("token_unsupported", "token_puk_locked", "token_not_yet_locked"), answer)
        self.assertEqual(self.counters(), (0, 3))


class Tpm2(test_step.StepTest):
    """tpm2-pkcs11: user and SO PIN lock together, no flag says so, and the lock heals with time."""
    secrets = ["46208135", "5551234", NEW_PIN]

    def setUp(self):
        super().setUp()
        for name in ("state", "store"):
            os.mkdir(os.path.join(self.folder, name))
        self.sock = os.path.join(self.folder, "tpm")
        self.tpm = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + os.path.join(self.folder, "state"), "--server",
                                     "type=unixio,path=" + self.sock, "--ctrl", f"type=unixio,path={self.sock}.ctrl", "--flags", "startup-clear"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.tpm.wait, 10)
        self.addCleanup(self.tpm.terminate)
        end = time.monotonic() + 20
        while not os.path.exists(self.sock):
            self.assertLess(time.monotonic(), end, "swtpm does not come up")
            time.sleep(0.05)
        self.environment = {"TPM2_PKCS11_TCTI": "swtpm:path=" + self.sock, "TPM2_PKCS11_STORE": os.path.join(self.folder, "store")}
        # three wrong tries lock it; a minute heals one of them
        self.tool("tpm2_dictionarylockout", "--setup-parameters", "--max-tries=3", "--recovery-time=60", "--lockout-recovery-time=60")
        test_soft_token.tool(TPM2, "--init-token", "--slot-index", "0", "--label", "tpm", "--so-pin", "46208135", environment=self.environment)
        test_soft_token.tool(TPM2, "--login", "--login-type", "so", "--so-pin", "46208135", "--init-pin", "--new-pin", "5551234",
                             environment=self.environment)
        [token] = self.ask("inspect")["tokens"]
        self.token = token["name"]

    def tool(self, *command):
        environment = dict(os.environ, TPM2TOOLS_TCTI="swtpm:path=" + self.sock)
        return subprocess.run(command, env=environment, check=True, timeout=60, capture_output=True, text=True).stdout

    def ask(self, do, **task):
        return self.probe.ask(do=do, module=TPM2, environment=self.environment, **task)

    def tries(self):
        [line] = [line for line in self.tool("tpm2_getcap", "properties-variable").splitlines() if "LOCKOUT_COUNTER" in line]
        return int(line.split(":")[1], 16)

    def test_locked_and_no_flag_says_so(self):
        for _ in range(3):
            self.assertStep(self.ask("prove", token=self.token, first="999999"), "pin_not_proved")
        self.assertStep(self.ask("prove", token=self.token, first="5551234"), "pin_not_proved", 0xA4, "C_Login")
        [token] = self.ask("inspect")["tokens"]
        self.assertEqual((token["pin"], token["so_pin"]), ("ok", "unknown"))
        before = self.tries()
        self.assertEqual(before, 3)
        self.assertStep(self.ask("set_pin", token=self.token, first="46208135", second=NEW_PIN), "token_so_locked", 0xA4, "C_Login")
        self.assertStep(self.ask("unblock", token=self.token, first="46208135", second=NEW_PIN), "token_not_yet_locked", 0, "")
        self.assertEqual(self.tries(), before)
        # as time would
        self.tool("tpm2_dictionarylockout", "--clear-lockout")
        self.assertStep(self.ask("prove", token=self.token, first="5551234"), "ok")


class NssTest(test_step.StepTest):
    """NSS's softoken needs parameters to start. Its two slots, one with a database and one without, share one name: nobody guesses which is meant."""
    secrets = ["5551234", NEW_PIN]

    def ask(self, do, **task):
        return self.probe.ask(do=do, module=NSS, **task)

    def test_parameters_and_no_unlock(self):
        password = os.path.join(self.folder, "password")
        with open(password, "w", encoding="ascii") as f:
            f.write("5551234\n")
        subprocess.run(["certutil", "-N", "-d", "sql:" + self.folder, "-f", password], check=True, timeout=60)
        parameters = f"configdir='sql:{self.folder}' certPrefix='' keyPrefix='' secmod='secmod.db' flags=optimizeSpace"
        self.assertStep(self.ask("inspect"), "module_failed")
        answer = self.ask("inspect", parameters=parameters)
        self.assertEqual([t["label"] for t in answer["tokens"]], ["NSS Generic Crypto Services", "NSS Certificate DB"])
        name = answer["tokens"][0]["name"]
        for do in ("set_pin", "rotate", "unblock", "prove"):
            answer = self.ask(do, token=name, first="5551234", second=NEW_PIN, parameters=parameters)
            self.assertStep(answer, "token_ambiguous")
            self.assertFalse(answer["presented"])


# ---- two of one serial number ----

class TwoOfOneSerial(test_step.StepTest):
    """openCryptoki calls every soft token by the serial number 123: which one is meant is asked, never guessed."""
    secrets = ["46208135", "11111111"]
    MODULE = test_soft_token.OPENCRYPTOKI

    def setUp(self):
        super().setUp()
        configuration = os.path.join(self.folder, "opencryptoki.conf")
        with open(configuration, "w", encoding="ascii") as f:
            f.write("version opencryptoki-3.8\nslot 0\n{\nstdll = libpkcs11_sw.so\ntokname = one\n}\nslot 1\n{\nstdll = libpkcs11_sw.so\ntokname = two\n}\n")
        shutil.chown(configuration, group="pkcs11")
        os.chmod(configuration, 0o640)
        subprocess.run(["mount", "--bind", configuration, "/etc/opencryptoki/opencryptoki.conf"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc/opencryptoki/opencryptoki.conf"], check=True)
        for folder in ("/var/lib/opencryptoki/one/TOK_OBJ", "/var/lib/opencryptoki/two/TOK_OBJ", "/run/lock/opencryptoki/one",
                       "/run/lock/opencryptoki/two", "/run/opencryptoki"):
            os.makedirs(folder, exist_ok=True)
        subprocess.run("chgrp -R pkcs11 /var/lib/opencryptoki /run/lock/opencryptoki /run/opencryptoki && "
                       "chmod -R ug+rwX /var/lib/opencryptoki /run/lock/opencryptoki /run/opencryptoki", shell=True, check=True)
        self.daemon = subprocess.Popen(["pkcsslotd", "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.end)
        end = time.monotonic() + 20
        while self.slots().count("token state") + self.slots().count("token label") < 2:
            self.assertLess(time.monotonic(), end, "pkcsslotd does not come up: " + self.slots())
            time.sleep(0.2)
        for index in ("0", "1"):
            test_soft_token.tool(self.MODULE, "--slot-index", index, "--init-token", "--label", "token" + index, "--so-pin", "87654321")

    def end(self):
        self.daemon.terminate()
        self.daemon.wait(timeout=10)
        for name in glob.glob("/dev/shm/*opencryptoki*"):
            os.unlink(name)

    def slots(self):
        done = subprocess.run(["pkcs11-tool", "--module", self.MODULE, "-L"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.stdout.decode(errors="replace")

    def test_nobody_guesses(self):
        tokens = self.probe.ask(do="inspect", module=self.MODULE)["tokens"]
        self.assertEqual([t["label"] for t in tokens], ["token0", "token1"])
        self.assertEqual(tokens[0]["name"], tokens[1]["name"])
        states = [(t["pin"], t["so_pin"]) for t in tokens]
        for do in ("set_pin", "unblock", "rotate", "prove", "prove_rotation"):
            answer = self.probe.ask(do=do, module=self.MODULE, token=tokens[0]["name"], first="11111111", second="46208135")
            self.assertStep(answer, "token_ambiguous")
            self.assertFalse(answer["presented"])
        tokens = self.probe.ask(do="inspect", module=self.MODULE)["tokens"]
        self.assertEqual([(t["pin"], t["so_pin"]) for t in tokens], states)


def main():
    world.enter_stage()
    test_step.need_programs("mokhoa-worker", "step_probe", "mokhoa-card")
    missing = [name for name, path in (("ykcs11", YKCS11), ("libtpm2-pkcs11-1", TPM2), ("libnss3", NSS), ("opencryptoki", TwoOfOneSerial.MODULE),
                                       ("swtpm", shutil.which("swtpm")), ("tpm2-tools", shutil.which("tpm2_dictionarylockout")),
                                       ("libnss3-tools", shutil.which("certutil"))) if path is None]
    if missing:
        world.skip("missing: apt-get install " + " ".join(missing))
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/var/lib/opencryptoki"], check=True)
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
