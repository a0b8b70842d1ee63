#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The whole unlock on Windows: the programs under wine, a token that is a DLL (mock_p11.dll), the window driven as a person does it, and the real
management server with its vault, nginx and Postfix on this system. Runs on a stage (run.sh)."""
import json
import os
import secrets
import shutil
import subprocess
import unittest

import wine

os.environ["STAGE_TESTS"] = wine.TESTS
import native  # noqa: E402 (a module of the stage)
import sys  # noqa: E402

sys.path.insert(0, os.path.join(wine.TESTS, "e2e"))
import world  # noqa: E402

SO_PIN, NEW_PIN = "8765432187654321", "73910284"
TOKEN = {"manufacturer": "Mokhoa tests", "model": "Mock"}
PORTAL = "https://portal.mokhoa.test"


class ServerWorld(world.World):
    """The world without readers and cards: what is plugged in here is a folder of the mock module."""

    def sh(self, script, check=True):
        return super().sh(script.replace("world_up $DIR", "tms_up $DIR").replace("world_down $DIR", "tms_down $DIR"), check)


class Unlock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        wine.install()
        cls.world = ServerWorld()

    @classmethod
    def tearDownClass(cls):
        cls.world.close()

    def setUp(self):
        self.new_token("ec")

    def new_token(self, key):
        """A locked token of a customer whom the authority knows, and a host."""
        self.serial = "W" + secrets.token_hex(4).upper()
        self.email = f"{self.serial.lower()}@khach.example"
        self.folder = os.path.join(wine.DRIVE, "mock")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.write("script", f"serial 0 {self.serial}\n")
        self.write("state", f"so_pin {SO_PIN}\nuser_pin 000000\nso_tries 3\nuser_tries 0\n")
        self.world.sh(f"printf 'manufacturer,model,serial,so_pin,customer,email\\n{TOKEN['manufacturer']},{TOKEN['model']},{self.serial},{SO_PIN},"
                      f"Khách Windows,{self.email}\\n' | tms_import $DIR")
        self.world.sh(f"pki_customer $DIR {self.serial} customer-ca {key} '/C=VN/O=CÔNG TY CỔ PHẦN THỬ NGHIỆM/CN=Khách Windows' {self.email}")
        shutil.copy(os.path.join(self.world.pki, self.serial + ".der"), os.path.join(self.folder, "certificate.der"))
        shutil.copy(os.path.join(self.world.pki, self.serial + ".key"), os.path.join(self.folder, "key.pem"))
        self.profile()
        self.host = native.Host(wine.script("mokhoa-host"), env=dict(os.environ, MOKHOA_LOG="debug"))
        self.addCleanup(self.host.close)
        self.host.call("hello")  # it has read its profile by now

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)

    def state(self):
        with open(os.path.join(self.folder, "state"), encoding="utf-8") as f:
            return dict(line.split() for line in f)

    def profile(self, **changes):
        shutil.copy(os.path.join(self.world.pki, "tls-ca.pem"), wine.INSTALLED)
        with open(os.path.join(self.world.dir, "profile-part.json"), encoding="utf-8") as f:
            profile = json.load(f)
        profile.update(tls_ca=wine.FOLDER + "tls-ca.pem", origins=[PORTAL], extensions=[native.EXTENSION], prompt=wine.FOLDER + "mokhoa-prompt.exe", proxy="none",
                       modules=[{"name": "mock", "path": wine.FOLDER + "mock_p11.dll", "environment": {"MOCK_P11": "C:\\mock"}}])
        profile.update(changes)
        with open(os.path.join(wine.INSTALLED, "profiles.d", "demo.json"), "w", encoding="utf-8") as f:
            json.dump(profile, f)

    def approved(self):
        """Asks, has it approved, and takes the code from the mail: (request, code)."""
        request = self.host.call("unlock.request", {"token": dict(TOKEN, serial=self.serial), "reason": "locked", "language": "vi"})
        rows = self.world.admin("GET", "requests?limit=100")[1]["requests"]
        number = next(r["number"] for r in rows if r["token"]["serial"] == self.serial)
        status, answer = self.world.approve(number, request["phrase"])
        self.assertEqual(status, 200, answer)
        return request, self.world.code(self.email)

    def escrow(self):
        done = subprocess.run(["/usr/bin/python3", os.path.join(wine.TESTS, "stage", "open_escrow.py"), os.path.join(self.world.dir, "tms"), self.serial],
                              capture_output=True, text=True, check=True)
        return done.stdout.split()

    def test_a_locked_token_is_opened_with_a_new_pin(self):
        tokens = self.host.call("token.info")["tokens"]
        self.assertEqual([(t["serial"], t["pin"]) for t in tokens], [(self.serial, "locked")])
        request, code = self.approved()
        person = wine.person("show", "type", code, "ok", "show", "type", NEW_PIN, "again", NEW_PIN, "ok", wait=False)
        answer = self.host.call("unlock", {"request": request["request"]})
        shown = person.communicate(timeout=60)[0].decode("utf-8")
        self.assertEqual(person.returncode, 0, shown)
        self.assertEqual(answer, {"request": request["request"], "state": "completed", "rotated": True, "proof": "verified"})
        for text in (PORTAL, request["phrase"], self.serial):
            self.assertEqual(shown.count(text), 2, shown)
        # the token has the new PIN, and an SO PIN that is new and that the server knows
        state = self.state()
        self.assertEqual((state["user_pin"], state["user_tries"]), (NEW_PIN, "3"))
        self.assertNotEqual(state["so_pin"], SO_PIN)
        self.assertIn(state["so_pin"], self.escrow())
        stages = [n["params"]["stage"] for n in self.host.notifications if n["method"] == "unlock.progress"]
        self.assertGreater(len(stages), 3, stages)
        self.assertEqual(self.host.call("unlock.status", {"request": request["request"]})["requests"][0]["state"], "completed")

    def test_the_proof_is_signed_by_an_rsa_key_or_says_that_there_is_none(self):
        for key, keep, proof in (("rsa", True, "verified"), ("ec", False, "no_key")):
            self.host.close()
            self.new_token(key)
            if not keep:
                os.unlink(os.path.join(self.folder, "key.pem"))
            request, code = self.approved()
            person = wine.person("type", code, "ok", "type", NEW_PIN, "again", NEW_PIN, "ok", wait=False)
            answer = self.host.call("unlock", {"request": request["request"]})
            self.assertEqual(person.wait(60), 0)
            person.stdout.close()
            self.assertEqual((answer["state"], answer["proof"]), ("completed", proof))

    def test_a_module_of_32_bits_is_unlocked_beside_one_of_64(self):
        other = os.path.join(wine.DRIVE, "mock-64")
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(self.folder, other)
        with open(os.path.join(other, "script"), "w", encoding="utf-8") as f:
            f.write("serial 0 OTHER64\n")
        self.profile(modules=[{"name": "of 32 bits", "path": wine.FOLDER + "mock_p11_x86.dll", "environment": {"MOCK_P11": "C:\\mock"}},
                              {"name": "of 64 bits", "path": wine.FOLDER + "mock_p11.dll", "environment": {"MOCK_P11": "C:\\mock-64"}}])
        answer = self.host.call("token.info")
        self.assertEqual([(t["module"], t["serial"], t["pin"]) for t in answer["tokens"]], [("of 32 bits", self.serial, "locked"), ("of 64 bits", "OTHER64", "locked")], answer)
        request, code = self.approved()
        person = wine.person("type", code, "ok", "type", NEW_PIN, "again", NEW_PIN, "ok", wait=False)
        answer = self.host.call("unlock", {"request": request["request"]})
        self.assertEqual(person.wait(60), 0)
        person.stdout.close()
        # the login with the new PIN is proved; the mock has no signature here, see README.md
        self.assertEqual(answer, {"request": request["request"], "state": "completed", "rotated": True, "proof": "no_key"})
        self.assertEqual(self.state()["user_pin"], NEW_PIN)
        self.assertIn(self.state()["so_pin"], self.escrow())

    def test_a_module_that_no_worker_loads_is_named(self):
        worker = os.path.join(wine.INSTALLED, "mokhoa-worker-x86.exe")
        arm = os.path.join(wine.INSTALLED, "arm64.dll")
        with open(os.path.join(wine.INSTALLED, "mock_p11.dll"), "rb") as f:
            library = bytearray(f.read())
        at = int.from_bytes(library[0x3c:0x40], "little") + 4
        library[at:at + 2] = b"\x64\xaa"  # IMAGE_FILE_MACHINE_ARM64
        with open(arm, "wb") as f:
            f.write(library)
        names = ("mock_p11_x86.dll", "arm64.dll", "mock_p11.dll")
        self.profile(modules=[{"name": name, "path": wine.FOLDER + name, "environment": {"MOCK_P11": "C:\\mock"}} for name in names])
        os.rename(worker, worker + ".away")
        try:
            answer = self.host.call("token.info")
        finally:
            os.rename(worker + ".away", worker)
            os.unlink(arm)
        self.assertEqual([(f["module"], f["error"]["data"]["name"]) for f in answer["failures"]], [(name, "module_architecture") for name in names[:2]], answer)
        self.assertEqual([(t["module"], t["serial"]) for t in answer["tokens"]], [("mock_p11.dll", self.serial)])

    def test_the_journal_is_sealed_and_outlives_the_host(self):
        request, code = self.approved()
        journal = os.path.join(wine.STATE, "demo", "requests")
        files = [os.path.join(journal, f) for f in os.listdir(journal) if f.endswith(".json")]
        self.assertTrue(files)
        for path in files:
            with open(path, "rb") as f:
                text = f.read()
            self.assertFalse(self.serial.encode() in text or b"host_sig" in text, path)
        self.host.close()
        self.host = native.Host(wine.script("mokhoa-host"), env=dict(os.environ))
        self.addCleanup(self.host.close)
        person = wine.person("cancel", wait=False)
        with self.assertRaises(native.Refused) as caught:
            self.host.call("unlock", {"request": request["request"]})
        self.assertEqual(person.wait(60), 0)
        person.stdout.close()
        self.assertEqual(caught.exception.name, "prompt_cancelled")
        self.assertEqual(self.state()["so_pin"], SO_PIN)
        person = wine.person("type", code, "ok", "type", NEW_PIN, "again", NEW_PIN, "ok", wait=False)
        self.assertEqual(self.host.call("unlock", {"request": request["request"]})["state"], "completed")
        self.assertEqual(person.wait(60), 0)
        person.stdout.close()

    def test_the_unlock_goes_on_when_the_browser_has_gone(self):
        request, code = self.approved()
        self.host.start("unlock", {"request": request["request"]})
        wine.person("type", code, "ok")
        self.host.process.kill()
        self.host.close()
        wine.person("type", NEW_PIN, "again", NEW_PIN, "ok")
        with native.Host(wine.script("mokhoa-host"), env=dict(os.environ)) as host:
            # the worker that goes on has the request's lock: this waits for it
            states = host.call("unlock.status", {"request": request["request"]}, timeout=120)["requests"]
            self.assertIn(states[0]["state"], ("approved", "released", "completed"))
            for _ in range(100):
                if self.state()["so_pin"] in self.escrow() and self.state()["so_pin"] != SO_PIN:
                    break
                states = host.call("unlock.status", {"request": request["request"]})["requests"]
            self.assertEqual(self.state()["user_pin"], NEW_PIN)
            self.assertNotEqual(self.state()["so_pin"], SO_PIN)

    def test_what_others_can_write_is_refused(self):
        profile = os.path.join(wine.INSTALLED, "profiles.d", "demo.json")
        for path, name in ((profile, "profile_unsafe"), (os.path.dirname(profile), "profile_unsafe")):
            mode = os.stat(path).st_mode & 0o777
            os.chmod(path, mode | 0o002)
            try:
                with native.Host(wine.script("mokhoa-host"), env=dict(os.environ)) as host:
                    with self.assertRaises(native.Refused) as caught:
                        host.call("token.info")
                self.assertEqual(caught.exception.name, name, path)
            finally:
                os.chmod(path, mode)
        module = os.path.join(wine.INSTALLED, "mock_p11.dll")
        os.chmod(module, 0o666)
        try:
            failures = self.host.call("token.info")["failures"]
            self.assertEqual([f["error"]["data"]["name"] for f in failures], ["profile_unsafe"])
        finally:
            os.chmod(module, 0o755)


if __name__ == "__main__":
    unittest.main()
