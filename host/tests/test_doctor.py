#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks a machine on purpose, one way at a time, and asks mokhoa-host what is broken. Run on a stage (tests/stage/enter.sh), whose /run only root can write.

    test_doctor.py HOST

The machine is a folder below /run. The first finding that is not in order must be what was broken; a machine that is whole has none.
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
FIREFOX_POLICY = "/etc/firefox/policies/policies.json"
HOME = "/var/people/nguyen.van.an"
USER_CHROMIUM = HOME + "/.config/chromium/NativeMessagingHosts/mokhoa.host.json"
USER_FIREFOX = HOME + "/.mozilla/native-messaging-hosts/mokhoa.host.json"
MANIFEST = {"name": "mokhoa.host", "description": "Mokhoa", "path": HOST_PATH, "type": "stdio"}
ID = "abcdefghijklmnopabcdefghijklmnop"
EXTENSION = f"chrome-extension://{ID}/"
ADDON = "mokhoa@example.vn"
FORCED = {"id": EXTENSION, "update_url": "https://example.vn/u.xml", "browsers": ["chromium"]}
AUTOSTART = "/etc/xdg/autostart/mokhoa-websocket.desktop"


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
    for path in (CHROMIUM, CHROME):
        write(path, {**MANIFEST, "allowed_origins": [EXTENSION]})
    write(FIREFOX, {**MANIFEST, "allowed_extensions": [ADDON]})


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
    ("policy.host", lambda: write(POLICY, {"NativeMessagingBlocklist": ["mokhoa.host"], "NativeMessagingAllowlist": ["other.host"]})),
    ("policy.extension", lambda: write(POLICY, {"ExtensionInstallBlocklist": [ID], "ExtensionInstallAllowlist": ["other"]})),
    ("policy.extension", lambda: write(POLICY, {"ExtensionSettings": {"*": {"installation_mode": "blocked"}}})),
    ("policy.extension", lambda: write(POLICY, {"ExtensionInstallForcelist": [ID + ";https://example.vn/u.xml"], "ExtensionSettings": {ID: {"installation_mode": "removed"}}})),
    ("policy.extension", lambda: write(FIREFOX_POLICY, {"policies": {"ExtensionSettings": {ADDON: {"installation_mode": "blocked"}}}})),
    ("policy.extension", lambda: write(FIREFOX_POLICY, {"policies": {"ExtensionSettings": {"*": {"installation_mode": "blocked"}}}})),
    ("manifest.hidden", lambda: write(USER_CHROMIUM, {**MANIFEST, "path": "/opt/old/mokhoa-host", "allowed_origins": [EXTENSION]})),
    ("manifest.hidden", lambda: write(USER_FIREFOX, {**MANIFEST, "allowed_extensions": ["other@example.vn"]})),
    ("manifest.hidden", lambda: write(USER_CHROMIUM, "{")),
    ("manifest.missing", lambda: (remove(CHROMIUM, CHROME, FIREFOX), write(POLICY, {"NativeMessagingUserLevelHosts": False}), write(USER_CHROMIUM, {**MANIFEST, "allowed_origins": [EXTENSION]}))),
]

DOUBTFUL = [
    ("policy.invalid", "unknown", lambda: write(POLICY, "{")),
    ("policy.invalid", "unknown", lambda: write(FIREFOX_POLICY, "[]")),
    ("browser.confined", "warning", lambda: write("/var/lib/flatpak/exports/bin/org.mozilla.firefox", "")),
    ("browser.confined", "warning", lambda: write("/var/lib/snapd/desktop/applications/firefox_firefox.desktop", "")),
    ("manifest.user", "warning", lambda: write(USER_CHROMIUM, {**MANIFEST, "allowed_origins": [EXTENSION]})),
    ("manifest.user", "warning", lambda: write(USER_FIREFOX, {**MANIFEST, "allowed_extensions": [ADDON]})),
    ("policy.loopback", "warning", lambda: write(POLICY, {"LoopbackNetworkBlockedForUrls": ["*"]})),
    ("policy.loopback", "warning", lambda: write(POLICY, {"LocalNetworkAccessBlockedForUrls": ["https://portal.mokhoa.test"]})),
    ("policy.loopback", "warning", lambda: write(FIREFOX_POLICY, {"policies": {"LocalNetworkAccess": {"Enabled": True, "EnablePrompting": False, "SkipDomains": ["other.test"]}}})),
    ("policy.proxy", "warning", lambda: write(POLICY, {"ProxySettings": {"ProxyMode": "fixed_servers", "ProxyServer": "proxy:3128", "ProxyBypassList": "<-loopback>"}})),
    ("policy.absent", "warning", lambda: change(PROFILE, install={"extensions": [FORCED]})),
    ("policy.absent", "warning", lambda: (change(PROFILE, install={"extensions": [FORCED]}), write(POLICY, {"ExtensionSettings": {ID: {"installation_mode": "allowed"}}}))),
    ("autostart.missing", "warning", lambda: change(PROFILE, install={"autostart": True})),
    ("autostart.missing", "warning", lambda: (change(PROFILE, install={"autostart": True}), write(AUTOSTART, ""), open_to_all(AUTOSTART))),
    ("policy.proxy", "warning", lambda: write(FIREFOX_POLICY, {"policies": {"Preferences": {"network.proxy.allow_hijacking_localhost": {"Value": True, "Status": "locked"}}}})),
]

FINE = [
    lambda: write(POLICY, {"NativeMessagingBlocklist": ["*"], "NativeMessagingAllowlist": ["mokhoa.host"], "ExtensionInstallBlocklist": ["*"],
                           "ExtensionInstallForcelist": [f"{ID};https://example.vn/update.xml"]}),
    # of a key in two files the last file's counts
    lambda: (write(POLICY, {"NativeMessagingBlocklist": ["*"]}), write("/etc/chromium/policies/managed/z.json", {"NativeMessagingBlocklist": ["other"]})),
    lambda: write(POLICY, {"ExtensionSettings": {"*": {"installation_mode": "blocked"}, ID: {"installation_mode": "force_installed", "update_url": "https://example.vn"}}}),
    lambda: write(FIREFOX_POLICY, {"policies": {"ExtensionSettings": {"*": {"installation_mode": "blocked"}, ADDON: {"installation_mode": "allowed"}}}}),
    lambda: write(FIREFOX_POLICY, {"policies": {"LocalNetworkAccess": {"Enabled": True, "EnablePrompting": False, "SkipDomains": ["portal.mokhoa.test"]}}}),
    lambda: (write(POLICY, {"NativeMessagingUserLevelHosts": False}), write(USER_CHROMIUM, "{")),
    lambda: (change(PROFILE, install={"extensions": [FORCED], "autostart": True}), write(POLICY, {"ExtensionInstallForcelist": [ID + ";https://example.vn/u.xml"]}), write(AUTOSTART, "")),
    lambda: write(POLICY, {"ProxySettings": {"ProxyMode": "system"}, "LoopbackNetworkBlockedForUrls": ["https://other.test"]}),
]


def doctor(*args, root=ROOT):
    run = subprocess.run([HOST, "doctor", "--root", root, *args], capture_output=True, text=True, timeout=60, env={**os.environ, "HOME": HOME})
    return run.returncode, run.stdout


class Doctor(unittest.TestCase):
    def setUp(self):
        machine()

    def report(self, *args):
        status, out = doctor("--json", *args)
        report = json.loads(out)
        self.assertEqual(status, 1 if report["state"] == "broken" else 0)
        return report

    def wrong(self, *args):
        return [(f["id"], f["state"]) for f in self.report(*args)["findings"] if f["state"] != "ok"]

    def test_a_whole_machine(self):
        report = self.report()
        self.assertEqual(report["state"], "ok")
        self.assertEqual([(f["id"], f["state"]) for f in report["findings"]],
                         [("profile.ok", "ok"), ("worker.ok", "ok"), ("manifest.ok", "ok"), ("manifest.ok", "ok"), ("manifest.ok", "ok")])
        self.assertEqual(doctor(), (0, "Không thấy gì hỏng.\nNothing broken was found.\n"))
        self.assertIn(f"[ok] manifest.ok: {CHROMIUM}\n    Trình duyệt", doctor("--all")[1])

    def test_thirty_broken_machines(self):
        self.assertEqual(len(BROKEN), 30)
        for number, (want, break_it) in enumerate(BROKEN):
            with self.subTest(number=number, want=want):
                machine()
                break_it()
                report = self.report()
                self.assertEqual([f["id"] for f in report["findings"] if f["state"] == "broken"][:1], [want])
                for finding in report["findings"]:
                    for text in (finding["sentence"], *([finding["remedy"]] if finding["state"] != "ok" else [])):
                        self.assertTrue(text["vi"] and text["en"] and text["vi"] != text["en"])

    def test_people_read_sentence_and_remedy(self):
        remove(MODULE)
        status, out = doctor()
        self.assertEqual(status, 1)
        self.assertIn(f"[broken] module.missing: {MODULE}\n", out)
        self.assertIn("    -> Install the software of the token's vendor.\n", out)
        self.assertLess(out.index("Cài phần mềm"), out.index("Install the software"))

    def test_what_is_not_broken_for_sure(self):
        for number, (name, state, break_it) in enumerate(DOUBTFUL):
            with self.subTest(number=number, name=name):
                machine()
                break_it()
                self.assertEqual(self.wrong(), [(name, state)])

    def test_policies_that_let_us_in(self):
        for number, do_it in enumerate(FINE):
            with self.subTest(number=number):
                machine()
                do_it()
                self.assertEqual(self.wrong(), [])

    def test_a_profile_by_name(self):
        self.assertEqual(self.report("--profile", "test")["state"], "ok")
        self.assertEqual(self.report("--profile", "none")["findings"][0]["id"], "profile.unknown")

    def test_a_bundle_names_nobody(self):
        change(PROFILE, hotline="nguyen.van.an@example.vn 0901234567")
        write(USER_CHROMIUM, "{")
        for break_it in (lambda: None, lambda: write(PROFILE, "{")):
            break_it()
            self.assertIn("nguyen.van.an", doctor("--json")[1])
            status, out = doctor("--bundle")
            self.assertEqual(status, 1)
            for word in ("nguyen", "/run", "/var", "example.vn", "0901234567", "mokhoa.test", os.uname().nodename):
                self.assertNotIn(word, out)
            self.assertRegex(json.loads(out)["version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(json.loads(out)["findings"][0]["id"], "profile.invalid")

    def test_used_wrongly(self):
        for args in (["--json", "--bundle"], ["--all", "--json"], ["--profile"], ["--what"], ["extra"]):
            self.assertEqual(doctor(*args)[0], 2, args)


if __name__ == "__main__":
    HOST = sys.argv.pop(1)
    unittest.main()
