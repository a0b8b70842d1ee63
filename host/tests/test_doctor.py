#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks a machine on purpose, one way at a time, and asks mokhoa-host what is broken. Run on a stage (tests/stage/enter.sh), whose /run only root can write.

    test_doctor.py HOST

The machine is a folder below /run. The first finding that is broken must be what was broken; a machine that is whole has no finding.
"""
import json
import os
import shutil
import subprocess
import sys
import unittest

ROOT = "/run/nguyen.van.an/machine"
PROFILE = "/etc/mokhoa/profiles.d/test.json"
MODULE = "/usr/lib/opensc-pkcs11.so"
HOST_PATH = "/usr/lib/mokhoa/mokhoa-host"
CHROMIUM = "/etc/chromium/native-messaging-hosts/mokhoa.host.json"
CHROME = "/etc/opt/chrome/native-messaging-hosts/mokhoa.host.json"
FIREFOX = "/usr/lib/mozilla/native-messaging-hosts/mokhoa.host.json"
POLICY = "/etc/chromium/policies/managed/site.json"
ID = "abcdefghijklmnopabcdefghijklmnop"
EXTENSION = f"chrome-extension://{ID}/"
ADDON = "mokhoa@example.vn"


def write(path, content):
    os.makedirs(os.path.dirname(ROOT + path), mode=0o755, exist_ok=True)
    with open(ROOT + path, "w") as f:
        f.write(content if isinstance(content, str) else json.dumps(content))
    os.chmod(ROOT + path, 0o644)


def change(path, **members):
    with open(ROOT + path) as f:
        value = json.load(f)
    value.update(members)
    write(path, {k: v for k, v in value.items() if v is not None})


def remove(*paths):
    for path in paths:
        os.remove(ROOT + path)


def open_to_all(path):
    os.chmod(ROOT + path, 0o666)


def machine():
    shutil.rmtree(ROOT, ignore_errors=True)
    write(PROFILE, {
        "tms": "https://tms.mokhoa.test", "tls_ca": "/etc/mokhoa/ca.pem", "tms_keys": ["A" * 43], "origins": ["https://portal.mokhoa.test"],
        "extensions": [EXTENSION, ADDON], "modules": [{"name": "OpenSC", "path": MODULE}], "prompt": "/usr/bin/pinentry",
        "hotline": "1900 1234", "languages": ["vi", "en"]})
    for path in ("/etc/mokhoa/ca.pem", MODULE, "/usr/bin/pinentry", HOST_PATH, "/usr/lib/mokhoa/mokhoa-worker"):
        write(path, "")
    manifest = {"name": "mokhoa.host", "description": "Mokhoa", "path": HOST_PATH, "type": "stdio"}
    for path in (CHROMIUM, CHROME):
        write(path, {**manifest, "allowed_origins": [EXTENSION]})
    write(FIREFOX, {**manifest, "allowed_extensions": [ADDON]})


BROKEN = [
    ("profile.missing", lambda: remove(PROFILE)),
    ("profile.missing", lambda: os.rename(ROOT + PROFILE, ROOT + PROFILE + ".bak")),
    ("profile.invalid", lambda: write(PROFILE, "{")),
    ("profile.invalid", lambda: change(PROFILE, hotline=None)),
    ("profile.unsafe", lambda: open_to_all(PROFILE)),
    ("profile.unsafe", lambda: os.chown(ROOT + os.path.dirname(PROFILE), 1234, 1234)),
    ("module.missing", lambda: remove(MODULE)),
    ("module.unsafe", lambda: open_to_all(MODULE)),
    ("prompt.missing", lambda: remove("/usr/bin/pinentry")),
    ("tls_ca.missing", lambda: remove("/etc/mokhoa/ca.pem")),
    ("worker.missing", lambda: remove("/usr/lib/mokhoa/mokhoa-worker")),
    ("manifest.missing", lambda: remove(CHROMIUM, CHROME, FIREFOX)),
    ("manifest.unsafe", lambda: open_to_all(CHROMIUM)),
    ("manifest.invalid", lambda: write(FIREFOX, "name: mokhoa.host")),
    ("manifest.invalid", lambda: change(CHROME, name="mokhoa")),
    ("manifest.program", lambda: remove(HOST_PATH)),
    ("manifest.caller", lambda: change(CHROMIUM, allowed_origins=["chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba/"])),
    ("manifest.caller", lambda: change(FIREFOX, allowed_extensions=["other@example.vn"])),
    ("policy.host", lambda: write(POLICY, {"NativeMessagingBlocklist": ["*"]})),
    ("policy.extension", lambda: write(POLICY, {"ExtensionInstallBlocklist": ["*"]})),
]


def doctor(*args, root=ROOT):
    run = subprocess.run([HOST, "doctor", "--root", root, *args], capture_output=True, text=True, timeout=60)
    return run.returncode, run.stdout


class Doctor(unittest.TestCase):
    def setUp(self):
        machine()

    def report(self, *args):
        status, out = doctor("--json", *args)
        report = json.loads(out)
        self.assertEqual(status, 1 if report["state"] == "broken" else 0)
        return report

    def test_a_whole_machine_has_nothing(self):
        self.assertEqual(self.report(), {"state": "ok", "findings": []})
        self.assertEqual(doctor()[0], 0)

    def test_twenty_broken_machines(self):
        self.assertEqual(len(BROKEN), 20)
        for number, (want, break_it) in enumerate(BROKEN):
            with self.subTest(number=number, want=want):
                machine()
                break_it()
                report = self.report()
                self.assertEqual([f["id"] for f in report["findings"] if f["state"] == "broken"][:1], [want])
                for finding in report["findings"]:
                    for text in (finding["sentence"], finding["remedy"]):
                        self.assertTrue(text["vi"] and text["en"] and text["vi"] != text["en"])

    def test_people_read_sentence_and_remedy(self):
        remove(MODULE)
        status, out = doctor()
        self.assertEqual(status, 1)
        self.assertIn(f"[broken] module.missing: {MODULE}\n", out)
        self.assertIn("    -> Install the software of the token's vendor.\n", out)
        self.assertLess(out.index("Cài phần mềm"), out.index("Install the software"))

    def test_a_policy_that_lets_us_in(self):
        write(POLICY, {"NativeMessagingBlocklist": ["*"], "ExtensionInstallBlocklist": ["*"]})
        write("/etc/chromium/policies/managed/other.json", {"NativeMessagingAllowlist": ["mokhoa.host"],
            "ExtensionInstallForcelist": [f"{ID};https://example.vn/update.xml"]})
        self.assertEqual(self.report()["state"], "ok")

    def test_what_is_not_broken_for_sure(self):
        write(POLICY, "{")
        self.assertEqual([(f["id"], f["state"]) for f in self.report()["findings"]], [("policy.invalid", "unknown")])
        remove(POLICY)
        write("/var/lib/flatpak/exports/bin/org.mozilla.firefox", "")
        self.assertEqual([(f["id"], f["state"]) for f in self.report()["findings"]], [("browser.confined", "warning")])

    def test_a_profile_by_name(self):
        self.assertEqual(self.report("--profile", "test")["state"], "ok")
        self.assertEqual(self.report("--profile", "none")["findings"][0]["id"], "profile.unknown")

    def test_a_bundle_names_nobody(self):
        write(PROFILE, "{")
        self.assertIn("nguyen.van.an", doctor("--json")[1])
        status, out = doctor("--bundle")
        self.assertEqual(status, 1)
        self.assertNotIn("nguyen.van.an", out)
        self.assertNotIn("/run", out)
        self.assertEqual(json.loads(out)["findings"][0]["id"], "profile.invalid")

    def test_used_wrongly(self):
        for args in (["--json", "--bundle"], ["--profile"], ["--what"], ["extra"]):
            self.assertEqual(doctor(*args)[0], 2, args)


if __name__ == "__main__":
    HOST = sys.argv.pop(1)
    unittest.main()
