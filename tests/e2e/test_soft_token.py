#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The steps of an unlock (host/worker/step) against two PKCS#11 modules of other people, whose SO login really asks the token.

SoftHSM never locks a PIN, so it shows what must not depend on flags; it has keys of both kinds. openCryptoki locks user and SO PIN after three
tries and keeps all flags, so it shows that the last try of the SO PIN is never taken.

Usage: test_soft_token.py [-v] [TEST...]      MOKHOA_BIN is the folder with mokhoa-worker and step_probe.
"""

import base64
import glob
import os
import shutil
import subprocess
import sys
import time
import unittest

import test_card
import test_step

SOFTHSM = (glob.glob("/usr/lib/softhsm/libsofthsm2.so") + [None])[0]
OPENCRYPTOKI = (glob.glob("/usr/lib/*/pkcs11/libopencryptoki.so") + [None])[0]
MESSAGE = test_step.MESSAGE
SO_PIN, NEXT_SO_PIN, WRONG_SO_PIN = "46208135", "97531864", "11111111"
PIN, NEW_PIN = "5551234", "8273645"


def tool(module, *arguments, environment=None):
    return subprocess.run(["pkcs11-tool", "--module", module, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True,
                          timeout=60, env=dict(os.environ, **(environment or {}))).stdout.decode(errors="replace")


class SoftTest(test_step.StepTest):
    secrets = [SO_PIN, NEXT_SO_PIN, WRONG_SO_PIN, PIN, NEW_PIN]
    module = None
    environment = {}

    def ask(self, do, first="", second="", **task):
        return self.probe.ask(do=do, module=self.module, environment=self.environment, token=self.token, first=first, second=second, **task)

    def inspect(self):
        answer = self.probe.ask(do="inspect", module=self.module, environment=self.environment)
        self.assertStep(answer, "ok")
        self.assertEqual((len(answer["tokens"]), answer["failures"]), (1, []))
        return answer["tokens"][0]


class SoftHsmTest(SoftTest):
    module = SOFTHSM

    def setUp(self):
        super().setUp()
        configuration = os.path.join(self.folder, "softhsm2.conf")
        os.mkdir(os.path.join(self.folder, "tokens"))
        with open(configuration, "w") as file:
            file.write("directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n" % self.folder)
        self.environment = {"SOFTHSM2_CONF": configuration}
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "Mokhoa", "--so-pin", SO_PIN, "--pin", PIN], check=True,
                       stdout=subprocess.DEVNULL, env=dict(os.environ, **self.environment))
        self.token = self.inspect()["name"]  # and the slot with a blank token is not shown

    def key(self, *options):
        """A key and its certificate on the token, and the certificate in a file."""
        files = {name: os.path.join(self.folder, name) for name in ("key", "key.der", "cert.der", "public")}
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", *options, "-subj", "/CN=soft", "-keyout", files["key"], "-outform", "DER",
                        "-out", files["cert.der"]], check=True, stderr=subprocess.DEVNULL)
        subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-in", files["key"], "-outform", "DER", "-out", files["key.der"]], check=True)
        for kind, name in (("privkey", "key.der"), ("cert", "cert.der")):
            tool(SOFTHSM, "--login", "--pin", PIN, "--write-object", files[name], "--type", kind, "--id", "42", environment=self.environment)
        subprocess.run(["openssl", "x509", "-inform", "DER", "-in", files["cert.der"], "-pubkey", "-noout", "-out", files["public"]], check=True)
        with open(files["cert.der"], "rb") as file:
            return base64.urlsafe_b64encode(file.read()).decode().rstrip("=")

    def unlock(self, mechanism, certificate):
        self.assertEqual(self.inspect()["certificates"], [certificate])
        self.assertStep(self.ask("set_pin", WRONG_SO_PIN, NEW_PIN), "token_so_refused", 0xA0, "C_Login")
        self.assertStep(self.ask("set_pin", SO_PIN, NEW_PIN), "ok")
        self.assertStep(self.ask("prove", PIN, certificate=certificate, message=MESSAGE), "pin_not_proved", 0xA0, "C_Login")
        answer = self.ask("prove", NEW_PIN, certificate=certificate, message=MESSAGE)
        self.assertStep(answer, "ok")
        if answer["built"]:
            self.assertEqual(answer["mechanism"], mechanism, answer)
            self.assertVerifies(answer["signature"])
        self.assertStep(self.ask("rotate", SO_PIN, NEXT_SO_PIN), "ok")
        self.assertStep(self.ask("prove_rotation", SO_PIN, NEW_PIN), "token_so_refused")
        self.assertStep(self.ask("prove_rotation", NEXT_SO_PIN, NEW_PIN), "ok")

    def assertVerifies(self, signature):
        with open(os.path.join(self.folder, "signature"), "wb") as file:
            file.write(base64.urlsafe_b64decode(signature + "=="))
        subprocess.run(["openssl", "dgst", "-sha256", "-verify", os.path.join(self.folder, "public"), "-signature",
                        os.path.join(self.folder, "signature")], input=MESSAGE.encode(), check=True, stdout=subprocess.DEVNULL)

    def test_ec(self):
        self.unlock("ecdsa-sha256", self.key("ec", "-pkeyopt", "ec_paramgen_curve:P-384"))

    def test_rsa(self):
        self.unlock("rsa-pkcs1-sha256", self.key("rsa:3072"))

    def test_silent_so_flags_are_unknown(self):
        token = self.inspect()
        self.assertEqual((token["pin"], token["so_pin"]), ("ok", "unknown"))


class OpenCryptokiTest(SoftTest):
    module = OPENCRYPTOKI

    def setUp(self):
        super().setUp()
        for folder in ("/var/lib/opencryptoki/swtok/TOK_OBJ", "/run/lock/opencryptoki/swtok", "/run/opencryptoki"):
            os.makedirs(folder, exist_ok=True)
        subprocess.run("chgrp -R pkcs11 /var/lib/opencryptoki /run/lock/opencryptoki /run/opencryptoki && "
                       "chmod -R ug+rwX /var/lib/opencryptoki /run/lock/opencryptoki /run/opencryptoki", shell=True, check=True)
        self.daemon = subprocess.Popen(["pkcsslotd", "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while "Slot 0" not in self.slots():
            self.assertLess(time.monotonic(), end, "pkcsslotd does not come up")
            time.sleep(0.1)
        slot = self.slots().split("(")[1].split(")")[0]
        tool(OPENCRYPTOKI, "--slot", slot, "--init-token", "--label", "Mokhoa", "--so-pin", "87654321")
        self.token = self.inspect()["name"]
        # fresh from the maker, its SO PIN is to be changed: which is what step_rotate() does
        self.assertStep(self.ask("rotate", "87654321", SO_PIN), "ok")

    def slots(self):
        done = subprocess.run(["pkcs11-tool", "--module", OPENCRYPTOKI, "-L"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.stdout.decode(errors="replace")

    def tearDown(self):
        self.daemon.terminate()
        self.daemon.wait(timeout=10)
        shutil.rmtree("/var/lib/opencryptoki/swtok")
        for name in glob.glob("/dev/shm/*opencryptoki*"):
            os.unlink(name)
        super().tearDown()

    def states(self):
        token = self.inspect()
        return token["pin"], token["so_pin"]

    def test_unlock(self):
        self.assertStep(self.ask("set_pin", SO_PIN, PIN), "ok")
        for _ in range(3):
            self.assertStep(self.ask("prove", WRONG_SO_PIN), "pin_not_proved", 0xA0, "C_Login")
        self.assertEqual(self.states()[0], "locked")
        self.assertStep(self.ask("prove", PIN), "pin_not_proved", 0xA4, "C_Login")
        self.assertStep(self.ask("set_pin", SO_PIN, "123"), "pin_refused", 0, "")
        self.assertStep(self.ask("set_pin", SO_PIN, NEW_PIN), "ok")
        self.assertNotEqual(self.states()[0], "locked")
        self.assertStep(self.ask("prove", NEW_PIN), "ok")
        self.assertStep(self.ask("rotate", SO_PIN, NEXT_SO_PIN), "ok")
        self.assertStep(self.ask("prove_rotation", NEXT_SO_PIN, NEW_PIN), "ok")
        self.assertStep(self.ask("prove_rotation", SO_PIN, NEW_PIN), "token_so_refused", 0xA0, "C_Login")

    def test_last_try_of_the_so_pin_is_never_taken(self):
        self.assertStep(self.ask("set_pin", WRONG_SO_PIN, NEW_PIN), "token_so_refused")
        self.assertEqual(self.states()[1], "few_tries")
        self.assertStep(self.ask("rotate", WRONG_SO_PIN, NEXT_SO_PIN), "token_so_refused")
        self.assertEqual(self.states()[1], "last_try")
        for _ in range(3):
            self.assertStep(self.ask("set_pin", WRONG_SO_PIN, NEW_PIN), "token_so_last_try", 0, "")
        self.assertStep(self.ask("set_pin", SO_PIN, NEW_PIN), "token_so_last_try", 0, "")
        self.assertEqual(self.states()[1], "last_try")

    def test_locked_so_pin_is_said(self):
        for _ in range(3):
            subprocess.run(["pkcs11-tool", "--module", OPENCRYPTOKI, "--login", "--login-type", "so", "--so-pin", WRONG_SO_PIN, "--init-pin",
                            "--new-pin", NEW_PIN], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        self.assertEqual(self.states()[1], "locked")
        self.assertStep(self.ask("set_pin", SO_PIN, NEW_PIN), "token_so_locked", 0, "")

    def test_daemon_is_not_running(self):
        self.daemon.terminate()
        self.daemon.wait(timeout=10)
        self.assertStep(self.probe.ask(do="inspect", module=OPENCRYPTOKI), "module_failed")
        self.daemon = subprocess.Popen(["true"])


def main():
    if os.environ.get("MOKHOA_STAGE") != "1":
        enter = os.path.join(test_card.STAGE, "enter.sh")
        os.execv("/bin/sh", ["sh", enter, sys.executable, os.path.abspath(__file__)] + sys.argv[1:])
    test_step.need_programs("mokhoa-worker", "step_probe")
    if SOFTHSM is None or shutil.which("softhsm2-util") is None or OPENCRYPTOKI is None or shutil.which("pkcsslotd") is None:
        test_card.skip("SoftHSM or openCryptoki is missing: apt-get install softhsm2 opencryptoki")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/var/lib/opencryptoki"], check=True)
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
