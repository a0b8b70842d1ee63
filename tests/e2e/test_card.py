#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The virtual card, seen as every PKCS#11 program sees it: through pcscd and OpenSC.

Usage: test_card.py [-v] [TEST...]      MOKHOA_CARD names the card's program when it is not in PATH.
Enters a stage by itself; exits 77 and says why when the machine lacks something.
"""

import ctypes
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
STAGE = os.path.join(HERE, "..", "stage")
CARD = shutil.which(os.environ.get("MOKHOA_CARD", "mokhoa-card"))
SKIP = 77

PIN, NEW_PIN, WRONG_PIN = "123456", "73910284", "999999"
SO_PIN, NEW_SO_PIN, WRONG_SO_PIN = "3537363231383830", "00112233445566AA", "FFFFFFFFFFFFFFFF"
SERIALS = ["MKT0000001", "MKT0000002"]

CKR_OK = 0x0
CKR_GENERAL_ERROR = 0x5
CKR_DEVICE_REMOVED = 0x32
CKR_TOKEN_NOT_PRESENT = 0xE0
CKR_REMOVED = (CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT)
SHA256_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
CKF_RW_SERIAL = 0x6
CKU_USER = 1


def skip(reason):
    print("test_card.py: " + reason, file=sys.stderr)
    sys.exit(SKIP)


def module_path():
    found = sorted(glob.glob("/usr/lib/*/opensc-pkcs11.so") + glob.glob("/usr/lib/opensc-pkcs11.so"))
    return found[0] if found else None


def run(*command, data=None):
    done = subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    return done.returncode, done.stdout.decode(errors="replace")


class Bench:
    """A directory, two readers and the two cards: 0 has an EC key, 1 an RSA key."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="mokhoa-card-test.")
        self.call("pcsc_up")

    def call(self, function, *arguments):
        script = '. "$1"; function=$2; shift 2; "$function" "$@"'
        words = [os.path.join(STAGE, "pcsc.sh"), function, self.path] + [str(word) for word in arguments]
        # Not to a pipe: the daemons would keep it open.
        with open(os.path.join(self.path, "stage.log"), "w+b") as log:
            status = subprocess.call(["sh", "-c", script, "sh"] + words, stdout=log, stderr=log)
            log.seek(0)
            text = log.read().decode()
        if status == SKIP:
            skip(text.strip())
        if status != 0:
            raise AssertionError("%s: %s" % (function, text))
        return text.strip()

    def make(self, number):
        self.call("card_make", number, SERIALS[number], SO_PIN, PIN, ["ec", "rsa"][number])

    def file(self, name):
        return os.path.join(self.path, name)

    def show(self, number):
        return json.loads(subprocess.check_output([CARD, "show", "--state", self.file("card%d.state" % number)]))

    def holds(self, number, **secrets):
        words = [CARD, "check", "--state", self.file("card%d.state" % number)]
        for name, value in secrets.items():
            words += ["--" + name.replace("_", "-"), value]
        return subprocess.call(words) == 0

    def apdus(self, number):
        with open(self.file("card%d.log" % number), encoding="ascii") as log:
            return [line.split()[1:] for line in log if "->" in line]

    def pid(self, name):
        with open(self.file(name + ".pid"), encoding="ascii") as pid:
            return int(pid.read())


def tool(*arguments, number=0, data=None):
    return run("pkcs11-tool", "--module", module_path(), "--slot-index", str(number), *arguments, data=data)


def listed():
    """The serials of all tokens, in the order of their slots."""
    return re.findall(r"serial num\s+: (\S+)", tool("-L")[1])


class CardTest(unittest.TestCase):
    bench = None

    @classmethod
    def setUpClass(cls):
        cls.bench = Bench()
        cls.bench.make(1)
        cls.bench.call("card_insert", 1)

    @classmethod
    def tearDownClass(cls):
        cls.bench.call("pcsc_down")
        shutil.rmtree(cls.bench.path)

    def setUp(self):
        self.bench.make(0)
        self.bench.call("card_insert", 0)

    def tearDown(self):
        self.bench.call("card_end", 0)
        os.unlink(self.bench.file("card0.log"))

    def login(self, pin, number=0):
        return tool("--login", "--pin", pin, "-O", number=number)

    def lock(self):
        for _ in range(3):
            status, text = self.login(WRONG_PIN)
            self.assertNotEqual(status, 0)
        self.assertIn("CKR_PIN_LOCKED", text)

    def init_pin(self, so_pin, pin):
        return tool("--init-pin", "--login", "--login-type", "so", "--so-pin", so_pin, "--new-pin", pin)

    # ---- what is seen without a PIN

    def test_two_tokens_are_listed(self):
        self.assertEqual(listed(), SERIALS)
        self.assertIn("pin min/max        : 6/15", tool("-L")[1])

    def test_certificate_is_read_without_login(self):
        status, text = tool("-O", "--type", "cert")
        self.assertEqual(status, 0)
        wanted = run("openssl", "x509", "-inform", "DER", "-in", self.bench.file("card0.cert.der"), "-noout", "-serial")[1]
        self.assertIn("subject:    DN: C=VN, CN=Token MKT0000001/serialNumber=MKT0000001", text)
        self.assertIn("serial:     " + wanted.strip().split("=")[1], text)
        out = self.bench.file("read.der")
        self.assertEqual(tool("--read-object", "--type", "cert", "--id", "01", "-o", out)[0], 0)
        with open(out, "rb") as got, open(self.bench.file("card0.cert.der"), "rb") as want:
            self.assertEqual(got.read(), want.read())

    def test_private_key_needs_a_login_and_has_the_certificates_id(self):
        self.assertNotIn("Private Key Object", tool("-O")[1])
        for number, name in ((0, "EC"), (1, "RSA")):
            status, text = self.login(PIN, number)
            self.assertEqual(status, 0, text)
            self.assertIn("Private Key Object; " + name, text)
            self.assertEqual(set(re.findall(r"ID:\s+(\S+)", text)), {"01"})

    # ---- signatures

    def put(self, name, data):
        with open(self.bench.file(name), "wb") as file:
            file.write(data)
        return self.bench.file(name)

    def sign(self, number, mechanism, data, message):
        """Signs the data on the card and has OpenSSL verify it as a signature of the message."""
        signature = self.bench.file("signature")
        status, text = tool("--login", "--pin", PIN, "--sign", "-m", mechanism, "--id", "01", "--signature-format", "openssl",
                            "-i", self.put("data", data), "-o", signature, number=number)
        self.assertEqual(status, 0, text)
        certificate = self.bench.file("card%d.cert.der" % number)
        public = self.put("public", subprocess.check_output(
            ["openssl", "x509", "-inform", "DER", "-in", certificate, "-pubkey", "-noout"]))
        text = run("openssl", "dgst", "-sha256", "-verify", public, "-signature", signature, self.put("message", message))[1]
        self.assertIn("Verified OK", text)

    def test_ecdsa(self):
        self.sign(0, "ECDSA", hashlib.sha256(b"a nonce").digest(), b"a nonce")

    def test_ecdsa_sha256(self):
        self.sign(0, "ECDSA-SHA256", b"a message", b"a message")

    def test_rsa_sha256(self):
        self.sign(1, "SHA256-RSA-PKCS", b"a message", b"a message")

    def test_rsa(self):
        self.sign(1, "RSA-PKCS", SHA256_DIGEST_INFO + hashlib.sha256(b"a nonce").digest(), b"a nonce")

    # ---- locking and unlocking

    def test_three_wrong_pins_lock(self):
        self.assertIn("CKR_PIN_INCORRECT", self.login(WRONG_PIN)[1])
        self.assertEqual(self.bench.show(0)["user_tries"], 2)
        self.assertIn("user PIN count low", tool("-L")[1])
        self.assertIn("CKR_PIN_INCORRECT", self.login(WRONG_PIN)[1])
        self.assertIn("final user PIN try", tool("-L")[1])
        self.assertIn("CKR_PIN_LOCKED", self.login(WRONG_PIN)[1])
        self.assertIn("user PIN locked", tool("-L")[1])
        self.assertIn("CKR_PIN_LOCKED", self.login(PIN)[1])
        self.assertEqual(self.bench.show(0)["user_tries"], 0)
        self.assertEqual(self.bench.show(1)["user_tries"], 3)

    def test_a_right_pin_fills_the_counter(self):
        self.login(WRONG_PIN)
        self.assertEqual(self.login(PIN)[0], 0)
        self.assertEqual(self.bench.show(0)["user_tries"], 3)

    def test_so_pin_unlocks(self):
        self.lock()
        status, text = self.init_pin(SO_PIN, NEW_PIN)
        self.assertEqual(status, 0, text)
        self.assertEqual(self.login(NEW_PIN)[0], 0)
        self.assertIn("CKR_PIN_INCORRECT", self.login(PIN)[1])
        self.assertTrue(self.bench.holds(0, pin=NEW_PIN, so_pin=SO_PIN))

    def test_wrong_so_pin_costs_one_try(self):
        self.lock()
        status, text = self.init_pin(WRONG_SO_PIN, NEW_PIN)
        self.assertNotEqual(status, 0, text)
        self.assertIn("CKR_PIN_INCORRECT", text)
        self.assertEqual(self.bench.show(0), dict(self.bench.show(0), so_tries=14, user_tries=0))
        self.assertEqual(self.init_pin(SO_PIN, NEW_PIN)[0], 0)
        self.assertEqual(self.bench.show(0), dict(self.bench.show(0), so_tries=15, user_tries=3))

    def test_so_pin_locks_after_fifteen(self):
        for _ in range(15):
            text = self.init_pin(WRONG_SO_PIN, NEW_PIN)[1]
        self.assertIn("CKR_PIN_LOCKED", text)
        self.assertIn("CKR_PIN_LOCKED", self.init_pin(SO_PIN, NEW_PIN)[1])
        self.assertEqual(self.bench.show(0)["so_tries"], 0)
        self.assertTrue(self.bench.holds(0, pin=PIN))

    def test_so_pin_is_changed(self):
        change = ["--change-pin", "--login", "--login-type", "so"]
        text = tool(*change, "--so-pin", WRONG_SO_PIN, "--new-pin", NEW_SO_PIN)[1]
        self.assertIn("CKR_PIN_INCORRECT", text)
        self.assertEqual(self.bench.show(0)["so_tries"], 14)
        status, text = tool(*change, "--so-pin", SO_PIN, "--new-pin", NEW_SO_PIN)
        self.assertEqual(status, 0, text)
        self.assertTrue(self.bench.holds(0, so_pin=NEW_SO_PIN))
        self.assertFalse(self.bench.holds(0, so_pin=SO_PIN))
        self.assertEqual(self.init_pin(NEW_SO_PIN, NEW_PIN)[0], 0)

    def test_user_pin_is_changed(self):
        status, text = tool("--change-pin", "--login", "--pin", PIN, "--new-pin", NEW_PIN)
        self.assertEqual(status, 0, text)
        self.assertTrue(self.bench.holds(0, pin=NEW_PIN))

    # ---- removal and sudden death

    def test_removed_and_inserted(self):
        self.bench.call("card_remove", 0)
        self.assertNotIn(SERIALS[0], listed())
        self.bench.call("card_insert", 0)
        self.assertIn(SERIALS[0], listed())
        self.assertEqual(self.login(PIN)[0], 0)

    def in_child(self, function, *arguments):
        """What a module holds of the readers must not outlive the test, and it cannot be loaded twice in one process."""
        child = os.fork()
        if child == 0:
            status = 1
            try:
                function(*arguments)
                status = 0
            except BaseException as error:  # the child must not go on as a second test runner
                print(error, file=sys.stderr)
            os._exit(status)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)

    def test_removal_in_a_session(self):
        self.in_child(self.remove_in_session, "card_remove", 0)

    def test_removal_in_a_command(self):
        self.in_child(self.remove_in_session, "card_tell", 0, "remove-after 1")

    def remove_in_session(self, *order):
        """Until pcscd has missed the card, OpenSC can only say that something failed."""
        module = ctypes.CDLL(module_path())
        slots = (ctypes.c_ulong * 8)()
        count = ctypes.c_ulong(8)
        session = ctypes.c_ulong()
        pin = PIN.encode()
        self.assertEqual(module.C_Initialize(None), CKR_OK)
        self.assertEqual(module.C_GetSlotList(ctypes.c_ubyte(1), slots, ctypes.byref(count)), CKR_OK)
        slot = ctypes.c_ulong(slots[0])
        self.assertEqual(module.C_OpenSession(slot, ctypes.c_ulong(CKF_RW_SERIAL), None, None, ctypes.byref(session)), CKR_OK)
        self.bench.call(*order)
        end = time.monotonic() + 5
        result = CKR_OK
        while result in (CKR_OK, CKR_GENERAL_ERROR) and time.monotonic() < end:
            result = module.C_Login(session, ctypes.c_ulong(CKU_USER), pin, ctypes.c_ulong(len(pin)))
            module.C_Logout(session)
        self.assertIn(result, CKR_REMOVED)
        module.C_Finalize(None)

    def test_a_lost_answer_leaves_the_card_changed(self):
        self.lock()
        before = len(self.bench.apdus(0))
        self.init_pin(WRONG_SO_PIN, NEW_PIN)
        requests = [apdu[0] for apdu in self.bench.apdus(0)[before:]]
        position = 1 + [request[:8] for request in requests].index("002C0081")
        self.bench.call("card_tell", 0, "lose-after %d" % position)
        status, text = self.init_pin(SO_PIN, NEW_PIN)
        self.assertNotEqual(status, 0, text)
        self.assertTrue(self.bench.holds(0, pin=NEW_PIN))
        self.bench.call("card_insert", 0)
        self.assertEqual(self.login(NEW_PIN)[0], 0)

    def test_a_killed_card_remembers(self):
        self.login(WRONG_PIN)
        os.kill(self.bench.pid("card0"), 9)
        self.bench.call("card_insert", 0)
        self.assertEqual(self.bench.show(0)["user_tries"], 2)


def main():
    if os.environ.get("MOKHOA_STAGE") != "1":
        enter = os.path.join(STAGE, "enter.sh")
        os.execv("/bin/sh", ["sh", enter, sys.executable, os.path.abspath(__file__)] + sys.argv[1:])
    if CARD is None:
        skip("mokhoa-card is missing; name it in MOKHOA_CARD")
    for program in ("pkcs11-tool", "openssl", "pcscd", "ip"):
        if shutil.which(program) is None:
            skip(program + " is missing")
    if module_path() is None:
        skip("opensc-pkcs11.so is missing")
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
