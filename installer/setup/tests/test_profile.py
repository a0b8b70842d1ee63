#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mokhoa-setup profile: options become a profile, the host's own reading judges it, and a machine is as it was wherever it is refused. On a stage, as root."""
import json
import os
import shutil
import signal
import subprocess
import unittest

import test_setup

SETUP, ROOT = test_setup.SETUP, test_setup.ROOT
FOLDER = ROOT + "/etc/mokhoa/profiles.d"
ID = "abcdefghijklmnop" * 2
# all that a profile must have
LEAST = ("--tms", "https://tms.ca.example", "--tls", "system", "--tms-key", "A" * 43, "--portal", "https://portal.ca.example", "--module", "M=/usr/lib/m.so",
         "--prompt", "/usr/bin/pinentry", "--hotline", "1900 1234")


class Profile(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(ROOT, ignore_errors=True)
        os.makedirs(FOLDER)

    def profile(self, *args, status=0, says=""):
        done = subprocess.run([SETUP, "profile", "--root", ROOT, *args], capture_output=True, text=True, env={**os.environ, "LANG": "en"})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertIn(says, done.stderr)
        return done.stdout

    def made(self, *args):
        return json.loads(self.profile(*args))

    def file(self, name, text):
        path = os.path.join(ROOT, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def files(self):
        return {os.path.basename(name): bytes_ for name, bytes_ in test_setup.tree().items() if bytes_ is not None and name.startswith(FOLDER)}

    def test_options(self):
        self.assertEqual(self.made(*LEAST), {
            "tms": "https://tms.ca.example", "tls": "system", "tms_keys": ["A" * 43], "origins": ["https://portal.ca.example"],
            "modules": [{"name": "M", "path": "/usr/lib/m.so"}], "prompt": "/usr/bin/pinentry", "hotline": "1900 1234", "languages": ["vi", "en"], "extensions": []})
        made = self.made(*LEAST, "--portal", "https://b.example;https://c.example", "--extension", f"{ID}=https://u.example/a,b?c=d", "--extension", "m@ca.example",
                         "--language", "en", "--autostart", "on", "--policies", "on", "--proxy", "none", "--tls-pin", f"sha256//{'A' * 43}=")
        self.assertEqual(made["origins"], ["https://portal.ca.example", "https://b.example", "https://c.example"])
        self.assertEqual(made["extensions"], [f"chrome-extension://{ID}/", "m@ca.example"])
        self.assertEqual(made["install"], {"extensions": [{"id": f"chrome-extension://{ID}/", "update_url": "https://u.example/a,b?c=d"}], "autostart": True, "loopback": True})
        self.assertEqual((made["languages"], made["proxy"]), (["en"], "none"))

    def test_from_another(self):
        """What is said replaces what was there, and only that; where the file stands among the arguments is all the same."""
        ca = test_setup.profile("a")
        path = self.file("ca.json", json.dumps(ca))
        self.assertEqual(self.made("--from", path), ca)
        made = self.made("--portal", "https://new.example", "--autostart", "", "--tms", "", "--from", path, "--policies", "off")
        self.assertEqual(made, ca | {"origins": ["https://new.example"], "install": {"loopback": False, "autostart": True}})
        made = self.made("--from", path, "--tls-ca", "/etc/ca.pem")
        self.assertNotIn("tls", made)
        self.profile("--from", path, "--out", ROOT + "/made.json")
        self.assertEqual(test_setup.read("/made.json"), ca)

    def test_refused(self):
        """Each says what is wrong, and nothing is there afterwards that was not before."""
        self.file("list.json", "[]")
        self.file("cut.json", "{")
        wrong = (
            (("--tms", "http://tms.ca.example"), 1, 'profile_invalid (5002): ca: key "tms"'),
            (("--portal", "https://portal.ca.example/path"), 1, 'key "origins[1]"'),
            (("--portal", "https://portal.ca.example"), 1, "stands there twice"),
            (("--tms-key", "short"), 1, 'key "tms_keys"'),
            (("--extension", "abc"), 1, 'key "extensions[0]"'),
            (("--extension", ID + "=ftp://x.example"), 1, 'key "install.extensions[0]"'),
            (("--module", "m=relative.so"), 1, 'key "modules[1].path"'),
            (("--language", "fr"), 1, 'key "languages[0]"'),
            (("--hotline", "a\nb"), 1, 'key "hotline"'),
            (("--tls-ca", ROOT + "/none.pem"), 1, "file_missing (5008)"),
            (("--tls-ca", "/dev/null"), 1, "file_failed (6036)"),
            (("--from", ROOT + "/none.json"), 1, "file_missing (5008)"),
            (("--from", "/dev/null"), 1, "file_failed (6036)"),
            (("--from", ROOT + "/list.json"), 1, "not an object"),
            (("--from", ROOT + "/cut.json"), 1, "profile_invalid"),
            (("--name", "../ca"), 1, "[a-z0-9-]"),
            (("--module", "/m.so"), 2, "usage"),
            (("--autostart", "yes"), 2, "usage"),
            (("--what", "x"), 2, "--what"),
            (("--hotline",), 2, "usage"),
        )
        before = test_setup.tree()
        for args, status, says in wrong:
            with self.subTest(args):
                self.profile(*LEAST, "--name", "ca", "--install", *args, status=status, says=says)
                self.assertEqual(test_setup.tree(), before)
        self.profile("--install", *LEAST, status=2, says="--name")
        self.profile("--tms", "https://tms.ca.example", status=1, says="profile_invalid")
        self.assertEqual(test_setup.tree(), before)

    def test_installed_and_withdrawn(self):
        pem = self.file("ca.pem", "-----BEGIN CERTIFICATE-----\n")
        self.profile(*LEAST, "--name", "ca", "--tls-ca", pem, "--install")
        self.assertEqual(sorted(self.files()), ["ca.installed", "ca.json", "ca.pem"])
        self.assertEqual(json.loads(self.files()["ca.json"])["tls_ca"], "/etc/mokhoa/profiles.d/ca.pem")
        # an origin is in one profile of a machine, and a profile that is wrong lets no other in
        for text, says in ((json.dumps(test_setup.profile("b")), "ca has this origin already"), ("{", "b.json")):
            test_setup.write("/etc/mokhoa/profiles.d/b.json", text)
            before = test_setup.tree()
            self.profile(*LEAST, "--name", "second", "--install", status=1, says=says if says == "b.json" else "ca has this origin already")
            self.assertEqual(test_setup.tree(), before)
        test_setup.write("/etc/mokhoa/profiles.d/b.json", json.dumps(test_setup.profile("b")))
        self.profile("--withdraw")
        self.assertEqual(sorted(self.files()), ["b.json"])

    def test_undone(self):
        by_hand = test_setup.profile("a")
        test_setup.write("/etc/mokhoa/profiles.d/ca.json", json.dumps(by_hand))
        pem = self.file("ca.pem", "-----BEGIN CERTIFICATE-----\n")
        before = test_setup.tree()
        self.profile(*LEAST, "--name", "ca", "--tls-ca", pem, "--install", "--undoable")
        self.assertNotEqual(json.loads(self.files()["ca.json"]), by_hand)
        self.profile("--undo")
        self.assertEqual(test_setup.tree(), before)
        # after a refusal there is nothing to undo, and what an earlier one left is not taken for it
        self.profile(*LEAST, "--name", "ca", "--install", "--undoable")
        installed = self.files()["ca.json"]
        self.profile(*LEAST, "--name", "ca", "--hotline", "\t", "--install", "--undoable", status=1)
        self.profile("--undo")
        self.assertEqual(self.files(), {"ca.json": installed, "ca.installed": b"mokhoa-setup\n"})
        # without leave to undo nothing is kept for it, and what was taken away comes back
        self.profile("--from", self.file("ca.json", json.dumps(by_hand)), "--install")
        before = test_setup.tree()
        self.profile("--undo")
        self.assertEqual(test_setup.tree(), before)
        self.profile("--withdraw", "--undoable")
        self.assertEqual(sorted(self.files()), ["ca.installed.previous", "ca.json.previous", "ca.pem.previous"])
        self.profile("--undo")
        self.assertEqual(test_setup.tree(), before)

    @unittest.skipIf(shutil.which("strace") is None, "strace is missing: apt-get install strace")
    def test_undone_in_order(self):
        """Killed at any change of a file: whatever profile is there has its own authority, and the next undo ends it."""
        new, old = (self.file(name, f"-----BEGIN CERTIFICATE-----\n{name}\n") for name in ("new.pem", "old.pem"))
        for is_there in (False, True):
            if is_there:
                self.profile(*LEAST, "--hotline", "1", "--name", "ca", "--tls-ca", old, "--install")
            before, n, done = self.files(), 0, None
            while done is None or done.returncode == -signal.SIGKILL:
                n += 1
                self.profile(*LEAST, "--hotline", "2", "--name", "ca", "--tls-ca", new, "--install", "--undoable")
                done = subprocess.run(["strace", "-qq", "-o", "/dev/null", "-e", f"inject=rename,unlink:signal=KILL:when={n}", SETUP, "profile", "--root", ROOT, "--undo"])
                found = self.files()
                if "ca.json" in found:
                    self.assertIn(b"old.pem" if json.loads(found["ca.json"])["hotline"] == "1" else b"new.pem", found.get("ca.pem", b""), (is_there, n))
                self.profile("--undo")
                self.assertEqual(self.files(), before, (is_there, n))
            self.assertGreater(n, 6)

    def test_again(self):
        """What was installed before is changed; without one there is a new one."""
        self.profile("--again", *LEAST, "--install")
        self.profile("--again", "--hotline", "1900 9999", "--install")
        self.assertEqual(sorted(self.files()), ["mokhoa.installed", "mokhoa.json"])
        made = json.loads(self.files()["mokhoa.json"])
        self.assertEqual((made["hotline"], made["tms"]), ("1900 9999", "https://tms.ca.example"))
        self.profile("--from", self.file("b.json", json.dumps(test_setup.profile("b"))), "--again", "--install")
        self.profile("--again", "--hotline", "1", "--install", status=2, says="--name")
        self.profile("--again", "--name", "b", "--hotline", "1", "--install")
        self.assertEqual(json.loads(self.files()["b.json"])["hotline"], "1")
        # one is taken away, by name or by hand, and the other is the one again
        self.profile("--withdraw", "--name", "mokhoa")
        self.assertEqual(sorted(self.files()), ["b.installed", "b.json"])
        self.profile("--again", "--name", "c", *LEAST, "--install")
        os.unlink(FOLDER + "/c.json")
        self.profile("--again", "--hotline", "2", "--install")
        self.assertEqual(json.loads(self.files()["b.json"])["hotline"], "2")

    def test_only_the_administrator(self):
        os.chmod(FOLDER, 0o777)
        before = test_setup.tree()
        self.profile(*LEAST, "--name", "ca", "--install", status=1, says="profile_unsafe")
        self.assertEqual(test_setup.tree(), before)


if __name__ == "__main__":
    unittest.main()
