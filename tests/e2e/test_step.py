#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The steps of an unlock (host/worker/step) against a module that does what it is told (tests/mock) and against the virtual card.

Usage: test_step.py [-v] [TEST...]      MOKHOA_BIN is the folder with mokhoa-worker, step_probe, mock_p11.so.
Enters a stage by itself; exits 77 and says why when the machine lacks something.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import test_card

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../check"))
from seen import seen  # noqa: E402

BIN = os.environ.get("MOKHOA_BIN", "")
MOCK = os.path.join(BIN, "mock_p11.so")
SO_PIN, NEXT_SO_PIN, WRONG_SO_PIN = "87654321", "13572468", "00000000"
PIN, NEW_PIN = "1234", "739102"
TOKEN = {"manufacturer": "Mokhoa tests", "model": "Mock", "serial": "MOCK0001"}
MESSAGE = "a nonce of the server"

CKR = {"PIN_INCORRECT": 0xA0, "PIN_INVALID": 0xA1, "PIN_LEN_RANGE": 0xA2, "PIN_EXPIRED": 0xA3, "PIN_LOCKED": 0xA4, "GENERAL_ERROR": 0x5,
       "FUNCTION_FAILED": 0x6, "DEVICE_ERROR": 0x30, "DEVICE_REMOVED": 0x32, "SESSION_CLOSED": 0xB0, "SESSION_HANDLE_INVALID": 0xB3,
       "TOKEN_NOT_PRESENT": 0xE0, "SLOT_ID_INVALID": 0x3, "FUNCTION_NOT_SUPPORTED": 0x54, "USER_TYPE_INVALID": 0x103,
       "TOKEN_WRITE_PROTECTED": 0xE2, "USER_ALREADY_LOGGED_IN": 0x100, "PIN_TOO_WEAK": 0x1B8, "VENDOR": 0x80000001}
SO_LOCKED, SO_COUNT_LOW = 0x400000, 0x100000


def is_running(pid):
    """Not one that has ended and that nobody has collected yet."""
    try:
        with open("/proc/%s/stat" % pid) as file:
            return file.read().rsplit(") ", 1)[1][0] != "Z"
    except OSError:
        return False


class Probe:
    """step_probe, one line in and one line out; its log is kept, because no secret may ever be in it."""

    def __init__(self, log):
        self.log = open(log, "w+b")
        environment = dict(os.environ, MOKHOA_LOG="debug", OPENSC_DEBUG="9", LD_BIND_NOW="1", PKCS11_MODULE_PATH="/nowhere", SECRET_OF_SESSION="1")
        self.process = subprocess.Popen([os.path.join(BIN, "step_probe")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, env=environment)

    def ask(self, **task):
        self.process.stdin.write(json.dumps(task).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(timeout=30)
        self.process.stdout.close()
        self.log.seek(0)
        text = self.log.read().decode(errors="replace")
        self.log.close()
        return status, text


class StepTest(unittest.TestCase):
    secrets = [SO_PIN, NEXT_SO_PIN, WRONG_SO_PIN, NEW_PIN]

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mokhoa-step.", dir="/run")
        self.probe = Probe(os.path.join(self.folder, "probe.log"))

    def tearDown(self):
        status, text = self.probe.close()
        self.assertEqual(status, 0, text)
        for secret in self.secrets:
            self.assertNotIn(secret, text)
            self.assertNotIn(base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="), text)
        shutil.rmtree(self.folder)

    def reached(self, error):
        seen(error, self.id().replace("__main__", "test_step.py"))

    def assertStep(self, answer, error, cryptoki=None, call=None):
        self.assertEqual(answer["error"], error, answer)
        if cryptoki is not None:
            self.assertEqual(answer["cryptoki"], cryptoki, answer)
        if call is not None:
            self.assertEqual(answer["call"], call, answer)
        self.reached(error)


class MockTest(StepTest):
    def setUp(self):
        super().setUp()
        self.module = os.path.join(self.folder, "mock_p11.so")
        shutil.copy(MOCK, self.module)
        os.chmod(self.module, 0o755)
        self.card()
        self.script()

    def tearDown(self):
        self.assertEqual(self.calls("C_InitToken"), [])
        super().tearDown()

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def card(self, **changes):
        """The token's memory and an empty log."""
        state = dict({"so_pin": SO_PIN, "user_pin": PIN, "so_tries": 3, "user_tries": 0}, **changes)
        self.put("state", "".join("%s %s\n" % item for item in state.items()))
        self.put("log", "")

    def remembers(self):
        with open(self.path("state")) as file:
            return dict(line.split() for line in file)

    def script(self, *lines):
        self.put("script", "".join(line + "\n" for line in lines))

    def calls(self, *names):
        with open(self.path("log")) as file:
            return [line.strip() for line in file if line.split()[0] in names]

    def pin_calls(self):
        return self.calls("C_Login", "C_InitPIN", "C_SetPIN", "C_InitToken")

    def ask(self, do, **task):
        task.setdefault("module", self.module)
        return self.probe.ask(do=do, environment=dict({"MOCK_P11": self.folder}, **task.pop("environment", {})), **task)

    def set_pin(self, so_pin=SO_PIN, pin=NEW_PIN, **task):
        return self.ask("set_pin", token=task.pop("token", TOKEN), first=so_pin, second=pin, **task)

    def rotate(self, active=SO_PIN, following=NEXT_SO_PIN, **task):
        return self.ask("rotate", token=TOKEN, first=active, second=following, **task)

    def prove(self, pin=NEW_PIN, **task):
        return self.ask("prove", token=TOKEN, first=pin, message=MESSAGE, **task)

    # ---- the module's file

    def test_module_missing(self):
        for do in ("inspect", "set_pin", "prove"):
            self.assertStep(self.ask(do, token=TOKEN, first=SO_PIN, second=NEW_PIN, module="/usr/lib/there-is-none.so"), "module_missing")

    def test_module_is_no_library(self):
        self.put("text.so", "this is not a library\n")
        self.assertIn(self.ask("inspect", module=self.path("text.so"))["error"], ("module_missing", "module_failed"))

    def test_module_of_another_machine(self):
        with open(self.module, "rb") as file:
            elf = bytearray(file.read())
        elf[18:20] = b"\x28\x00"  # e_machine: 32-bit ARM
        with open(self.path("arm.so"), "wb") as file:
            file.write(elf)
        for do in ("inspect", "set_pin", "unblock", "prove"):
            self.assertStep(self.ask(do, token=TOKEN, first=SO_PIN, second=NEW_PIN, message=MESSAGE, module=self.path("arm.so")), "module_architecture")

    def test_library_that_is_no_module(self):
        shutil.copy(os.path.realpath("/lib/x86_64-linux-gnu/libz.so.1"), self.path("libz.so"))
        self.assertStep(self.ask("inspect", module=self.path("libz.so")), "module_failed")

    def test_module_with_a_hole_in_its_list(self):
        self.script("hole")
        self.assertStep(self.set_pin(), "module_failed")

    def test_module_that_others_may_write(self):
        os.chmod(self.module, 0o777)
        for do in ("inspect", "prove"):
            self.assertStep(self.ask(do, token=TOKEN, first=PIN), "profile_unsafe")
        self.assertEqual(self.calls("C_Initialize"), [])

    def test_module_that_does_not_start(self):
        self.script("rv C_Initialize 0x2")  # openCryptoki without its daemon: CKR_HOST_MEMORY
        self.assertStep(self.ask("inspect"), "module_failed")

    def test_module_that_knows_no_locks(self):
        self.script("rv C_Initialize#1 0xa")
        self.assertStep(self.ask("inspect"), "module_failed")  # the mock forgets its count: it says CKR_CANT_LOCK for ever
        self.assertEqual(self.calls("C_Initialize"), ["C_Initialize args 0xa", "C_Initialize null 0xa"])

    # ---- what a module finds in its process

    def test_environment(self):
        self.script("environ")
        hostile = {"OPENSC_DEBUG": "9", "LD_PRELOAD": "/nowhere.so", "PKCS11_PROVIDER": "x", "OPENSC_CONF": "/etc/opensc.conf", "HOME": "/nonexistent"}
        self.assertStep(self.ask("inspect", environment=hostile), "ok")
        with open(self.path("environ")) as file:
            names = file.read().split()
        allowed = {"PATH", "HOME", "LANG", "XDG_RUNTIME_DIR", "MOKHOA_LOG", "MOCK_P11", "OPENSC_CONF"}
        self.assertLessEqual(set(names), allowed)
        self.assertGreaterEqual(set(names), {"PATH", "HOME", "MOCK_P11", "OPENSC_CONF"})
        self.assertEqual(len(names), len(set(names)))

    # ---- inspect

    def test_inspect(self):
        self.script("slots 4", "empty 1", "blank 2", "serial 3 MOCK0004")
        self.card(so_tries=2, user_tries=1)
        answer = self.ask("inspect")
        self.assertStep(answer, "ok")
        self.assertEqual([t["name"]["serial"] for t in answer["tokens"]], ["MOCK0001", "MOCK0004"])
        self.assertEqual(answer["failures"], [])
        token = answer["tokens"][0]
        self.assertEqual(token["name"], TOKEN)
        self.assertEqual((token["pin"], token["so_pin"]), ("last_try", "few_tries"))
        self.assertEqual((token["pin_min"], token["pin_max"], token["slot"]), (4, 12, "Mock reader 0"))
        self.assertEqual(token["label"], "Mock đ?? token")

    def test_lengths_that_make_no_sense(self):
        for limits, want in (("9 3", (1, 128)), ("0 0", (1, 128)), ("6 0", (6, 128)), ("0 8", (1, 8)), ("200 300", (1, 128))):
            self.script("limits " + limits)
            [token] = self.ask("inspect")["tokens"]
            self.assertEqual((token["pin_min"], token["pin_max"]), want)

    def test_two_slots_of_one_reader_are_one_token(self):
        """Some modules show a card once for each of its PINs."""
        same = ["slots 3", "reader 0 Reader", "reader 1 Reader", "serial 2 MOCK0002"]
        self.script("readers", *same)
        answer = self.ask("inspect")
        self.assertEqual([t["slot"] for t in answer["tokens"]], ["Reader", "Mock reader 2"])
        self.assertStep(self.set_pin(), "ok")
        # a place that holds several tokens is no reader; two readers of one make are two
        for lines in (same, ["readers", "slots 2"]):
            self.card()
            self.script(*lines)
            self.assertStep(self.set_pin(), "token_ambiguous")
            self.assertEqual(self.pin_calls(), [])

    def test_inspect_pin_states(self):
        for so_tries, user_tries, silent, want in ((3, 3, False, ("ok", "unknown")), (3, 2, False, ("few_tries", "unknown")),
                                                   (1, 0, False, ("locked", "last_try")), (0, 0, False, ("locked", "locked")),
                                                   (1, 3, True, ("ok", "unknown"))):
            self.script(*(["silent"] if silent else []))
            self.card(so_tries=so_tries, user_tries=user_tries)
            token = self.ask("inspect")["tokens"][0]
            self.assertEqual((token["pin"], token["so_pin"]), want)

    def test_inspect_reader_that_fails_hides_no_other(self):
        for call, slot in (("C_GetSlotInfo", ""), ("C_GetTokenInfo", "Mock reader 1")):
            self.script("slots 3", "rv %s#2 0x30" % call)
            answer = self.ask("inspect")
            self.assertStep(answer, "ok")
            self.assertEqual([t["slot"] for t in answer["tokens"]], ["Mock reader 0", "Mock reader 2"])
            self.assertEqual(answer["failures"], [{"slot": slot, "error": "token_failed", "cryptoki": 0x30}])

    def test_inspect_token_without_a_session_is_a_token_still(self):
        self.script("rv C_OpenSession 0x30")
        answer = self.ask("inspect")
        self.assertEqual((len(answer["tokens"]), answer["tokens"][0]["certificates"], answer["failures"]), (1, [], []))

    def test_inspect_certificate(self):
        for size, count in ((1, 1), (8192, 1), (8193, 0)):
            with open(self.path("certificate.der"), "wb") as file:
                file.write(os.urandom(size))
            token = self.ask("inspect")["tokens"][0]
            self.assertEqual(len(token["certificates"]), count)
            for text in token["certificates"]:
                with open(self.path("certificate.der"), "rb") as file:
                    self.assertEqual(base64.urlsafe_b64decode(text + "=="), file.read())

    def test_inspect_many_large_certificates_fit(self):
        with open(self.path("certificate.der"), "wb") as file:
            file.write(os.urandom(8192))
        self.script("slots 20")
        answer = self.ask("inspect")
        self.assertStep(answer, "ok")
        self.assertEqual((len(answer["tokens"]), sum(len(t["certificates"]) for t in answer["tokens"])), (16, 16))

    # ---- set_pin

    def test_set_pin(self):
        self.assertStep(self.set_pin(), "ok", 0, "")
        self.assertEqual(self.pin_calls(), ["C_Login so 0x0", "C_InitPIN 0x0"])
        self.assertEqual(self.remembers(), {"so_pin": SO_PIN, "user_pin": NEW_PIN, "so_tries": "3", "user_tries": "3"})
        self.assertEqual(self.calls("C_Logout", "C_CloseSession", "C_Finalize"), ["C_Logout 0x0", "C_CloseSession 0x0", "C_Finalize 0x0"])

    def test_wrong_so_pin_costs_one_try_and_the_last_is_never_taken(self):
        self.assertStep(self.set_pin(WRONG_SO_PIN), "token_so_refused", CKR["PIN_INCORRECT"], "C_Login")
        self.assertEqual((self.pin_calls(), self.remembers()["so_tries"]), (["C_Login so 0xa0"], "2"))
        self.assertStep(self.set_pin(WRONG_SO_PIN), "token_so_refused")
        self.assertEqual(self.remembers()["so_tries"], "1")
        self.card(so_tries=1)
        for answer in (self.set_pin(WRONG_SO_PIN), self.set_pin(), self.rotate(), self.ask("prove_rotation", token=TOKEN, first=SO_PIN, second=NEW_PIN)):
            self.assertStep(answer, "token_so_last_try")
        self.assertEqual((self.pin_calls(), self.remembers()["so_tries"]), ([], "1"))

    def test_locked_so_pin_is_not_tried(self):
        self.card(so_tries=0)
        for answer in (self.set_pin(), self.rotate()):
            self.assertStep(answer, "token_so_locked")
        self.assertEqual(self.pin_calls(), [])

    def test_so_pin_that_is_judged_late(self):
        self.script("unasked", "silent")
        self.assertStep(self.set_pin(WRONG_SO_PIN), "token_so_refused", CKR["PIN_INCORRECT"], "C_InitPIN")
        self.assertEqual(self.remembers()["so_tries"], "2")
        self.assertStep(self.rotate(WRONG_SO_PIN), "token_so_refused", CKR["PIN_INCORRECT"], "C_SetPIN")
        self.assertStep(self.set_pin(WRONG_SO_PIN), "token_so_refused")
        self.assertStep(self.set_pin(), "token_so_locked", CKR["PIN_LOCKED"], "C_InitPIN")
        self.assertStep(self.rotate(), "token_so_locked", CKR["PIN_LOCKED"], "C_SetPIN")

    def test_what_pin_locked_means_from_init_pin(self):
        for lines, want in ((["flags C_InitPIN %x" % SO_LOCKED], "token_so_locked"), (["flags C_InitPIN %x" % SO_COUNT_LOW], "token_unsupported"),
                            (["silent"], "token_so_locked"), (["do C_InitPIN remove"], "token_so_locked")):
            self.card()
            self.script("rv C_InitPIN 0xa4", *lines)
            self.assertStep(self.set_pin(), want, CKR["PIN_LOCKED"], "C_InitPIN")
            self.assertEqual(self.pin_calls(), ["C_Login so 0x0", "C_InitPIN 0xa4"])

    def test_pin_of_a_wrong_length_is_refused_without_a_call(self):
        for pin in ("123", "1234567890123"):
            self.assertStep(self.set_pin(pin=pin), "pin_refused")
        self.assertEqual(self.pin_calls(), [])
        self.script("limits 9 3")  # a module that gives no sensible limits
        self.assertStep(self.set_pin(), "pin_refused", CKR["PIN_LEN_RANGE"], "C_InitPIN")

    # ---- every call that says no

    def test_every_return_value_of_a_pin_call(self):
        removed = {"DEVICE_REMOVED", "SESSION_CLOSED", "SESSION_HANDLE_INVALID", "TOKEN_NOT_PRESENT", "SLOT_ID_INVALID"}
        unsupported = {"FUNCTION_NOT_SUPPORTED", "USER_TYPE_INVALID", "TOKEN_WRITE_PROTECTED"}
        form = {"PIN_INVALID", "PIN_LEN_RANGE", "PIN_TOO_WEAK"}
        in_use = {"USER_ALREADY_LOGGED_IN", "USER_ANOTHER_ALREADY_LOGGED_IN", "SESSION_READ_ONLY_EXISTS"}
        for name, rv in CKR.items():
            common = "token_removed" if name in removed else "token_unsupported" if name in unsupported else "token_failed"
            login = {"PIN_INCORRECT": "token_so_refused", "PIN_LOCKED": "token_so_locked"}.get(name, common)
            expected = {
                "C_Login": "token_so_refused" if name in form else "token_in_use" if name in in_use else login,
                "C_InitPIN": "pin_refused" if name in form else login,
                "C_SetPIN": login,
            }
            for call, want in expected.items():
                self.card()
                self.script("rv %s %x" % (call, rv))
                answer = self.rotate() if call == "C_SetPIN" else self.set_pin()
                with self.subTest(call=call, rv=name):
                    self.assertStep(answer, want, rv, call)
                    self.assertEqual(self.pin_calls()[-1], "%s%s 0x%x" % (call, " so" if call == "C_Login" else "", rv))
                    self.assertEqual(len(self.pin_calls()), 1 if call == "C_Login" else 2)

    def test_every_other_call_that_fails_ends_before_a_pin(self):
        for call, want in (("C_GetSlotList", "module_failed"), ("C_GetSlotInfo", "token_failed"), ("C_GetTokenInfo", "token_failed"),
                           ("C_OpenSession", "token_failed"), ("C_GetSlotInfo#2", "token_failed"), ("C_GetTokenInfo#2", "token_failed")):
            self.script("rv %s 0x30" % call)
            with self.subTest(call=call):
                self.assertStep(self.set_pin(), want, 0x30, call.split("#")[0])
                self.assertEqual(self.pin_calls(), [])

    def test_token_pulled_out_at_each_call(self):
        for call, want in (("C_GetTokenInfo#1", "token_absent"), ("C_OpenSession", "token_removed"), ("C_GetSlotInfo#2", "token_removed"),
                           ("C_GetTokenInfo#2", "token_removed"), ("C_Login", "token_removed"), ("C_InitPIN", "token_removed")):
            self.card()
            self.script("do %s remove" % call)
            with self.subTest(call=call):
                answer = self.set_pin()
                self.assertStep(answer, want)
                # who asks knows from the answer whether a PIN was presented
                self.assertEqual(answer["presented"], self.pin_calls() != [], answer)
                self.assertTrue(answer["call"] != "" or want == "token_absent", answer)
        self.script("do C_SetPIN remove")
        self.assertStep(self.rotate(), "token_removed", CKR["DEVICE_REMOVED"], "C_SetPIN")

    # ---- the token that is meant

    def test_token_absent(self):
        self.assertStep(self.set_pin(token=dict(TOKEN, serial="MOCK0009")), "token_absent")
        self.assertStep(self.set_pin(token=dict(TOKEN, manufacturer="Another")), "token_absent")
        self.assertEqual(self.pin_calls(), [])

    def test_two_equal_tokens(self):
        self.script("slots 2")
        for answer in (self.set_pin(), self.rotate(), self.prove()):
            self.assertStep(answer, "token_ambiguous")
        self.assertEqual(self.pin_calls(), [])

    def test_token_that_is_exchanged(self):
        self.script("do C_OpenSession swap")
        for answer in (self.set_pin(), self.rotate(), self.prove()):
            self.assertStep(answer, "token_changed", 0, "C_GetTokenInfo")
        self.assertEqual(self.pin_calls(), [])

    # ---- proofs

    def test_prove(self):
        self.card(user_pin=NEW_PIN, user_tries=3)
        answer = self.prove()
        self.assertStep(answer, "ok", 0, "")
        self.assertEqual((answer["mechanism"], answer["signature"]), ("", ""))
        self.assertEqual(self.pin_calls(), ["C_Login user 0x0"])

    def test_prove_refused(self):
        self.card(user_tries=3)
        self.assertStep(self.prove(), "pin_not_proved", CKR["PIN_INCORRECT"], "C_Login")
        self.assertEqual((self.pin_calls(), self.remembers()["user_tries"]), (["C_Login user 0xa0"], "2"))

    def test_module_that_lies(self):
        self.script("rv C_InitPIN 0x0")
        self.assertStep(self.set_pin(), "ok")
        self.assertStep(self.prove(), "pin_not_proved", CKR["PIN_LOCKED"], "C_Login")

    def test_login_of_somebody_else_is_no_proof(self):
        self.card(user_tries=3)
        self.script("rv C_Login#1 0x100")
        self.assertStep(self.prove(), "pin_not_proved", CKR["PIN_INCORRECT"])
        self.assertEqual(self.calls("C_Login", "C_Logout")[:3], ["C_Login user 0x100", "C_Logout 0x101", "C_Login user 0xa0"])
        self.card(user_pin=NEW_PIN, user_tries=3)
        self.assertStep(self.prove(), "ok", 0, "")
        self.script("rv C_Login 0x100")
        self.assertStep(self.prove(), "token_in_use", CKR["USER_ALREADY_LOGGED_IN"])

    def test_proof_with_a_certificate_that_has_no_key(self):
        self.card(user_pin=NEW_PIN, user_tries=3)
        der = os.urandom(100)
        answer = self.prove(certificate=base64.urlsafe_b64encode(der).decode().rstrip("="))
        self.assertStep(answer, "ok")
        self.assertEqual((answer["mechanism"], answer["signature"]), ("", ""))
        self.assertEqual(self.pin_calls(), ["C_Login user 0x0"] * (2 if answer["built"] else 1))

    def test_a_signer_that_fails_costs_the_signature_and_not_the_proof(self):
        certificate = base64.urlsafe_b64encode(os.urandom(100)).decode().rstrip("=")
        for line, rv in (("rv C_FindObjectsInit 0x30", 0x30), ("do C_FindObjectsInit crash", 0)):
            self.card(user_pin=NEW_PIN, user_tries=3)
            self.script(line)
            answer = self.prove(certificate=certificate)
            self.assertStep(answer, "ok", rv if answer["built"] else 0)
            self.assertEqual(answer["mechanism"], "")

    def test_rotate(self):
        self.assertStep(self.rotate(), "ok", 0, "")
        self.assertEqual(self.pin_calls(), ["C_Login so 0x0", "C_SetPIN 0x0"])
        self.assertStep(self.ask("prove_rotation", token=TOKEN, first=SO_PIN, second=NEW_PIN), "token_so_refused")
        self.assertStep(self.ask("prove_rotation", token=TOKEN, first=NEXT_SO_PIN, second=NEW_PIN), "ok")
        self.assertEqual(self.remembers(), {"so_pin": NEXT_SO_PIN, "user_pin": NEW_PIN, "so_tries": "3", "user_tries": "3"})

    # ---- modules that misbehave

    def step_calls(self):
        return ("C_GetFunctionList", "C_Initialize", "C_GetSlotList", "C_GetSlotInfo", "C_GetTokenInfo", "C_OpenSession", "C_Login", "C_InitPIN")

    def test_crash_at_each_call(self):
        for call in self.step_calls():
            for what in ("crash", "exit"):
                self.card()
                self.script("do %s %s" % (call, what))
                with self.subTest(call=call, what=what):
                    answer = self.set_pin()
                    self.assertStep(answer, "module_failed", 0, "")
                    self.assertTrue(answer["presented"], "who gave no answer may have done anything")
                    self.assertLessEqual(len(self.calls("C_InitPIN")), 1)

    def test_hang_at_each_call(self):
        for call in self.step_calls():
            self.card()
            self.script("do %s hang" % call)
            with self.subTest(call=call):
                self.assertStep(self.set_pin(deadline_ms=3000), "module_failed", 0, "")
                self.assertTrue(self.calls(call), "it never came so far")
                self.assertEqual(self.children(), [])
        self.script()
        self.assertStep(self.set_pin(), "ok")

    def test_a_late_step_that_sets_a_pin_is_not_cut(self):
        self.script("do C_InitPIN hold")
        answer = self.set_pin(deadline_ms=6000, late_ms=60000)
        self.assertStep(answer, "timeout", 0, "")
        self.assertTrue(answer["presented"])
        self.assertEqual((len(self.children()), self.remembers()["user_pin"]), (1, PIN))
        with open(self.path("go"), "w"):
            pass
        self.assertStep(self.ask("late"), "ok")
        self.assertEqual((self.children(), self.remembers()["user_pin"]), ([], NEW_PIN))

    def test_a_late_step_begins_no_pin_call(self):
        self.script("do C_OpenSession hold")
        self.assertStep(self.set_pin(deadline_ms=6000, late_ms=60000), "timeout", 0, "")
        with open(self.path("go"), "w"):
            pass
        self.assertStep(self.ask("late"), "ok")
        self.assertEqual((self.children(), self.calls("C_Login", "C_InitPIN")), ([], []))

    def test_a_late_step_changes_nothing_behind_its_login(self):
        """A login that waits for a card which another program has: by the time that it comes back somebody else may have set another PIN."""
        for step in (self.set_pin, self.rotate):
            self.card()
            self.script("do C_Login hold")
            with self.subTest(step=step.__name__):
                before = self.remembers()
                self.assertStep(step(deadline_ms=6000, late_ms=60000), "timeout", 0, "")
                with open(self.path("go"), "w"):
                    pass
                self.assertStep(self.ask("late"), "ok")
                self.assertEqual((self.children(), self.pin_calls(), self.remembers()), ([], ["C_Login hold 0x0", "C_Login so 0x0"], before))
            os.remove(self.path("go"))

    def test_a_late_step_has_an_end(self):
        self.script("do C_InitPIN hang")
        self.assertStep(self.set_pin(deadline_ms=3000, late_ms=500), "timeout", 0, "")
        self.assertStep(self.ask("late"), "ok")
        self.assertEqual(self.children(), [])

    def test_a_step_whose_worker_died_ends_by_itself(self):
        self.script("do C_GetSlotList hang")
        probe = Probe(self.path("killed.log"))
        task = {"do": "inspect", "module": self.module, "environment": {"MOCK_P11": self.folder}}
        probe.process.stdin.write(json.dumps(task).encode() + b"\n")
        probe.process.stdin.flush()
        began = time.monotonic()
        while not self.calls("C_GetSlotList") and time.monotonic() < began + 10:
            time.sleep(0.05)
        [step] = self.children(probe)
        probe.process.kill()
        probe.close()
        # whatever it is doing is not cut, but it does not hold the card for ever: 15 s for an inspection, 3 s of grace
        time.sleep(2)
        self.assertTrue(is_running(step))
        while is_running(step) and time.monotonic() < began + 40:
            time.sleep(0.2)
        self.assertFalse(is_running(step))
        self.assertGreater(time.monotonic() - began, 16)

    def children(self, probe=None):
        probe = probe or self.probe
        path = "/proc/%d/task/%d/children" % (probe.process.pid, probe.process.pid)
        with open(path) as file:
            return file.read().split()

    def test_a_bad_end_takes_nothing_back(self):
        for call in ("C_Logout", "C_CloseSession", "C_Finalize"):
            for what in ("crash", "hang", "exit"):
                self.card()
                self.script("do %s %s" % (call, what))
                with self.subTest(call=call, what=what):
                    self.assertStep(self.set_pin(), "ok")
                    self.assertEqual(self.remembers()["user_pin"], NEW_PIN)
                    self.assertEqual(self.children(), [])

    def test_noise(self):
        for call in self.step_calls() + ("C_Logout", "C_Finalize"):
            self.card()
            self.script("do %s noise" % call)
            with self.subTest(call=call):
                self.assertStep(self.set_pin(), "ok")


class CardTest(StepTest):
    """The same through pcscd and OpenSC."""

    bench = None
    module = test_card.module_path()
    so_pin, next_so_pin, wrong_so_pin = test_card.SO_PIN, test_card.NEW_SO_PIN, test_card.WRONG_SO_PIN
    pin, new_pin = test_card.PIN, test_card.NEW_PIN
    secrets = [so_pin, next_so_pin, wrong_so_pin, new_pin]

    @classmethod
    def setUpClass(cls):
        cls.bench = test_card.Bench()

    @classmethod
    def tearDownClass(cls):
        cls.bench.call("pcsc_down")
        shutil.rmtree(cls.bench.path)

    def setUp(self):
        super().setUp()
        self.bench.make(0)
        self.bench.call("card_insert", 0)
        self.token = self.inspect()["tokens"][0]["name"]

    def tearDown(self):
        for number in (0, 1):
            self.bench.call("card_end", number)
        super().tearDown()

    def inspect(self):
        answer = self.probe.ask(do="inspect", module=self.module)
        self.assertStep(answer, "ok")
        return answer

    def ask(self, do, first, second="", **task):
        return self.probe.ask(do=do, module=self.module, token=self.token, first=first, second=second, **task)

    def lock(self):
        for _ in range(3):
            self.assertStep(self.ask("prove", "999999"), "pin_not_proved")
        self.assertEqual(self.inspect()["tokens"][0]["pin"], "locked")

    def tries(self):
        card = self.bench.show(0)
        return card["user_tries"], card["so_tries"]

    def certificate(self, number=0):
        with open(self.bench.file("card%d.cert.der" % number), "rb") as file:
            return base64.urlsafe_b64encode(file.read()).decode().rstrip("=")

    def prove(self, pin, number=0):
        return self.ask("prove", pin, certificate=self.certificate(number), message=MESSAGE)

    def assertSigned(self, answer, mechanism, number=0):
        """By OpenSSL's command line, with the certificate that the card was made with."""
        self.assertStep(answer, "ok")
        if not answer["built"]:
            self.assertEqual(answer["mechanism"], "")
            return
        self.assertEqual(answer["mechanism"], mechanism, answer)
        names = {name: self.bench.file(name) for name in ("signature", "public", "message")}
        with open(names["signature"], "wb") as file:
            file.write(base64.urlsafe_b64decode(answer["signature"] + "=="))
        with open(names["message"], "w") as file:
            file.write(MESSAGE)
        subprocess.check_call(["openssl", "x509", "-inform", "DER", "-in", self.bench.file("card%d.cert.der" % number), "-pubkey", "-noout",
                               "-out", names["public"]])
        text = subprocess.check_output(["openssl", "dgst", "-sha256", "-verify", names["public"], "-signature", names["signature"], names["message"]])
        self.assertIn(b"Verified OK", text)

    # ---- the unlock

    def test_unlock(self):
        self.lock()
        self.assertStep(self.ask("set_pin", self.wrong_so_pin, self.new_pin), "token_so_refused", 0xA0, "C_InitPIN")
        self.assertEqual(self.tries(), (0, 14))
        self.assertStep(self.ask("set_pin", self.so_pin, self.new_pin), "ok", 0, "")
        self.assertEqual(self.tries(), (3, 15))
        self.assertSigned(self.prove(self.new_pin), "ecdsa-sha256")
        self.assertStep(self.ask("rotate", self.wrong_so_pin, self.next_so_pin), "token_so_refused", 0xA0, "C_SetPIN")
        self.assertEqual(self.tries(), (3, 14))
        self.assertStep(self.ask("rotate", self.so_pin, self.next_so_pin), "ok")
        self.assertFalse(self.bench.holds(0, so_pin=self.so_pin))
        self.assertStep(self.ask("prove_rotation", self.so_pin, self.new_pin), "token_so_refused")
        self.assertEqual(self.tries(), (3, 14))
        self.assertStep(self.ask("prove_rotation", self.next_so_pin, self.new_pin), "ok")
        self.assertTrue(self.bench.holds(0, so_pin=self.next_so_pin, pin=self.new_pin))
        self.assertSigned(self.prove(self.new_pin), "ecdsa-sha256")
        self.assertEqual(self.tries(), (3, 15))

    def test_inspect(self):
        answer = self.inspect()
        token = answer["tokens"][0]
        self.assertEqual((len(answer["tokens"]), answer["failures"]), (1, []))
        self.assertEqual(token["name"]["serial"], test_card.SERIALS[0])
        self.assertEqual((token["pin"], token["so_pin"], token["pin_min"], token["pin_max"]), ("ok", "unknown", 6, 15))
        self.assertEqual(token["certificates"], [self.certificate()])
        self.assertIn("Virtual PCD", token["slot"])

    def test_rsa(self):
        self.bench.make(1)
        self.bench.call("card_insert", 1)
        tokens = self.inspect()["tokens"]
        self.assertEqual(len(tokens), 2)
        self.token = tokens[1]["name"]
        self.assertSigned(self.prove(self.pin, 1), "rsa-pkcs1-sha256", 1)
        answer = self.prove(self.pin, 0)  # the other card's certificate
        self.assertStep(answer, "ok")
        self.assertEqual(answer["mechanism"], "")

    def test_wrong_pin_costs_one_try(self):
        self.assertStep(self.prove("999999"), "pin_not_proved", 0xA0, "C_Login")
        self.assertEqual(self.tries(), (2, 15))

    def test_so_pin_locks(self):
        for left in range(14, -1, -1):
            answer = self.ask("set_pin", self.wrong_so_pin, self.new_pin)
            self.assertStep(answer, "token_so_refused" if left > 0 else "token_so_locked")
            self.assertEqual(self.tries(), (3, left))
        self.assertStep(self.ask("set_pin", self.so_pin, self.new_pin), "token_so_locked")
        self.assertStep(self.ask("rotate", self.so_pin, self.next_so_pin), "token_so_locked")
        self.assertTrue(self.bench.holds(0, pin=self.pin, so_pin=self.so_pin))

    def test_two_equal_tokens(self):
        shutil.copy(self.bench.file("card0.state"), self.bench.file("card1.state"))
        self.bench.call("card_insert", 1)
        self.assertEqual([t["name"] for t in self.inspect()["tokens"]], [self.token] * 2)
        before = [len(self.bench.apdus(number)) for number in (0, 1)]
        for answer in (self.ask("set_pin", self.so_pin, self.new_pin), self.ask("rotate", self.so_pin, self.next_so_pin), self.prove(self.pin)):
            self.assertStep(answer, "token_ambiguous")
        sent = [apdu[0] for number in (0, 1) for apdu in self.bench.apdus(number)[before[number]:]]
        self.assertNotEqual(sent, [])
        self.assertEqual([a for a in sent if a[2:4] in ("2C", "24") or (a[2:4] == "20" and len(a) > 8)], [])

    def test_absent(self):
        self.bench.call("card_remove", 0)
        self.assertEqual((self.inspect()["tokens"], self.inspect()["failures"]), ([], []))
        self.assertStep(self.ask("set_pin", self.so_pin, self.new_pin), "token_absent")
        self.assertStep(self.prove(self.pin), "token_absent")

    # ---- pulled out

    def count_apdus(self, *task):
        """How many commands the card is sent in that step."""
        before = len(self.bench.apdus(0))
        self.assertStep(self.ask(*task), "ok")
        return len(self.bench.apdus(0)) - before

    def fresh(self, order):
        self.bench.call("card_end", 0)
        self.bench.make(0)
        self.bench.call("card_insert", 0)
        self.bench.call("card_tell", 0, order)

    def pull(self, how, commands, *task):
        """Takes the card away at each of these commands; gives what it had been sent and what was answered."""
        errors = {}
        for k in commands:
            self.fresh("%s %d" % (how, k))
            before = len(self.bench.apdus(0))
            answer = self.ask(*task)
            sent = [apdu[0][:8] for apdu in self.bench.apdus(0)[before:]]
            errors.setdefault(answer["error"], []).append(k)
            with self.subTest(how=how, k=k):
                self.assertIn(answer["error"], ("ok", "token_removed", "token_absent", "token_failed", "module_failed"))
                self.assertLessEqual(len([a for a in sent if a in ("002C0081", "00240088")]), 1)
                self.assertEqual(self.tries(), (3, 15))
                yield answer["error"]
        print("%s at commands %s of %s: %s" % (how, list(commands), task[0], errors), file=sys.stderr)

    def test_pulled_out_at_each_command_of_set_pin(self):
        task = ("set_pin", self.so_pin, self.new_pin)
        total = self.count_apdus(*task)
        errors = []
        for how, first in (("remove-after", 1), ("lose-after", total - 5)):
            for error in self.pull(how, range(first, total + 1), *task):
                errors.append(error)
                self.assertTrue(self.bench.holds(0, pin=self.new_pin, so_pin=self.so_pin) or
                                (error != "ok" and self.bench.holds(0, pin=self.pin, so_pin=self.so_pin)))
        self.assertIn("token_removed", errors)
        self.reached("token_removed")

    def test_pulled_out_at_each_command_of_rotate(self):
        task = ("rotate", self.so_pin, self.next_so_pin)
        total = self.count_apdus(*task)
        for how, first in (("remove-after", 1), ("lose-after", total - 5)):
            for error in self.pull(how, range(first, total + 1), *task):
                self.assertTrue(self.bench.holds(0, pin=self.pin, so_pin=self.next_so_pin) or
                                (error != "ok" and self.bench.holds(0, pin=self.pin, so_pin=self.so_pin)))

    def test_wrong_so_pin_with_a_lost_answer_is_sent_once(self):
        total = self.count_apdus("set_pin", self.so_pin, self.new_pin)
        for k in range(total - 3, total + 1):
            self.fresh("lose-after %d" % k)
            self.assertNotEqual(self.ask("set_pin", self.wrong_so_pin, self.new_pin)["error"], "ok")
            self.assertGreaterEqual(self.tries()[1], 14)


class NoDaemonTest(StepTest):
    def test_pcscd_is_not_running(self):
        answer = self.probe.ask(do="inspect", module=test_card.module_path())
        self.assertStep(answer, "ok")
        self.assertEqual((answer["tokens"], answer["failures"]), ([], []))


def need_programs(*names):
    for name in names:
        if not os.path.exists(os.path.join(BIN, name)):
            test_card.skip(name + " is missing; name its folder in MOKHOA_BIN")
    if os.stat("/").st_uid != 0:
        test_card.skip("a module is loaded only from where root alone can write, and / is not root's in this user namespace")


def main():
    if os.environ.get("MOKHOA_STAGE") != "1":
        enter = os.path.join(test_card.STAGE, "enter.sh")
        os.execv("/bin/sh", ["sh", enter, sys.executable, os.path.abspath(__file__)] + sys.argv[1:])
    need_programs("mokhoa-worker", "step_probe", "mock_p11.so")
    if test_card.CARD is None or test_card.module_path() is None:
        test_card.skip("mokhoa-card or opensc-pkcs11.so is missing")
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
