#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Machines broken on purpose, one way at a time, most of them in the registry, and what mokhoa-host doctor says of each; where the remedy is mokhoa-setup repair, that mends it."""
import json
import os
import shutil
import struct
import subprocess
import unittest

import test_setup_windows as setup
import test_websocket_windows as sockets
import wine
from test_setup_windows import CHROME, EXPAND, FIREFOX, FORCED, HOST, MANIFESTS, MULTI, NODE, POLICIES, RUN, SKIP, SOFTWARE, number, text
from wine import registry

EDGE = POLICIES + "Microsoft\\Edge"
CHROMES, FIREFOXES = "Google\\Chrome\\" + HOST, "Mozilla\\" + HOST
USER_CHROME = "HKCU\\" + SOFTWARE + CHROMES
APPROVED = SOFTWARE + "Microsoft\\Windows\\CurrentVersion\\Explorer\\StartupApproved\\Run"
KEYS = [head + vendor + "\\NativeMessagingHosts" for head in (SOFTWARE, NODE) for vendor in ("Google\\Chrome", "Chromium", "Microsoft\\Edge", "Mozilla")]
CLEAN = setup.CLEAN + [("delete", "HKCU\\" + SOFTWARE + vendor) for vendor in ("Google", "Mozilla", "Policies")] + [("delete", APPROVED), ("delete", "HKCU\\" + APPROVED)]
ID, ADDON, ORIGIN = "a" * 32, "mokhoa@a.example", "https://a.example"
OTHER = "chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba/"
MODULE, CA = "mock_p11.dll", "ca.pem"
BLOCKED = {"*": {"installation_mode": "blocked"}}


def put(*places):
    """Values ((key, name), value); a key alone goes with all that is in it, a place without a value goes."""
    orders = []
    for place in places:
        if isinstance(place, str):
            orders.append(("delete", place))
        elif place[1] is None:
            orders.append(("unset", *place[0]))
        else:
            orders += setup.orders_for(dict([place]))
    registry(*orders)


def listed(key, *texts):
    return [((key, str(i)), text(one)) for i, one in enumerate(texts, 1)]


def installed(name):
    return os.path.join(wine.INSTALLED, name)


def manifest(name, /, **members):
    """Changes a manifest; without members it is no JSON any more."""
    path = os.path.join(MANIFESTS, name)
    with open(path, encoding="utf-8") as f:
        found = json.load(f)
    with open(path, "w", encoding="utf-8") as f:
        f.write(json.dumps({**found, **members}) if members else "{")


def users_own(**members):
    """A manifest of the user's, which Chrome takes first."""
    with open(os.path.join(MANIFESTS, "chromium.json"), encoding="utf-8") as f:
        found = {**json.load(f), **members}
    with open(os.path.join(wine.DRIVE, "own.json"), "w", encoding="utf-8") as f:
        json.dump(found, f)
    put(((USER_CHROME, ""), text("C:\\own.json")))


def text_of(value):
    return text(json.dumps(value))


# what must be found, in which state, what is said of where, how it is broken; {REPAIR} are those that mokhoa-setup repair mends
BROKEN = [
    ("manifest.missing", "broken", "mokhoa.host", lambda: put(*KEYS)),
    ("manifest.absent", "warning", "HKLM\\SOFTWARE\\Mozilla\\NativeMessagingHosts", lambda: put(SOFTWARE + FIREFOXES, NODE + FIREFOXES)),
    ("manifest.invalid", "broken", "HKLM\\" + NODE + CHROMES + ": C:\\old.json", lambda: put(((NODE + CHROMES, ""), text("C:\\old.json")))),
    ("manifest.invalid", "broken", "C:\\windows\\old.json", lambda: put(((NODE + CHROMES, ""), text("%SystemRoot%\\old.json", EXPAND)))),
    ("manifest.invalid", "broken", "HKLM\\" + SOFTWARE + FIREFOXES, lambda: put(NODE + FIREFOXES, ((SOFTWARE + FIREFOXES, ""), number(7)))),
    ("manifest.invalid", "broken", ": mokhoa.json", lambda: put(((NODE + FIREFOXES, ""), text("mokhoa.json")))),
    ("manifest.invalid", "broken", "C:\\old.json", lambda: put(NODE + "Microsoft\\Edge\\" + HOST, ((NODE + "Chromium\\" + HOST, ""), text("C:\\old.json")))),
    ("manifest.invalid", "broken", "firefox.json", lambda: manifest("firefox.json")),
    ("manifest.invalid", "broken", "chromium.json", lambda: manifest("chromium.json", name="mokhoa")),
    ("manifest.unsafe", "broken", "chromium.json", lambda: os.chmod(os.path.join(MANIFESTS, "chromium.json"), 0o666)),
    ("manifest.unsafe", "broken", "HKLM\\" + NODE + CHROMES, lambda: registry(("open", NODE + CHROMES))),
    ("manifest.program", "broken", "C:\\Mokhoa\\mokhoa-host.exe", lambda: manifest("firefox.json", path="C:\\Mokhoa\\mokhoa-host.exe")),
    ("manifest.program", "broken", "registry.exe", lambda: (manifest("firefox.json", path=wine.FOLDER + "registry.exe"), os.chmod(installed("registry.exe"), 0o777))),
    ("manifest.caller", "broken", "chromium.json", lambda: manifest("chromium.json", allowed_origins=[OTHER])),
    ("manifest.caller", "broken", "firefox.json", lambda: manifest("firefox.json", allowed_extensions=["other@a.example"])),
    ("manifest.hidden", "broken", USER_CHROME + ": C:\\old.json", lambda: put(((USER_CHROME, ""), text("C:\\old.json")))),
    ("manifest.hidden", "broken", USER_CHROME + ": C:\\own.json", lambda: users_own(allowed_origins=[OTHER])),
    # Edge, whose policies are its own, goes on to Chrome's key
    ("manifest.hidden", "broken", USER_CHROME, lambda: put(((CHROME, "NativeMessagingUserLevelHosts"), number(0)), ((USER_CHROME, ""), text("C:\\old.json")))),
    ("manifest.user", "warning", USER_CHROME + ": C:\\own.json", users_own),
    ("policy.host", "broken", "HKLM\\" + CHROME + "\\NativeMessagingBlocklist", lambda: put(*listed(CHROME + "\\NativeMessagingBlocklist", "*"))),
    ("policy.host", "broken", "HKCU\\" + EDGE + "\\NativeMessagingBlocklist", lambda: put(*listed("HKCU\\" + EDGE + "\\NativeMessagingBlocklist", "other", "mokhoa.host"))),
    ("policy.host", "broken", "HKLM\\" + EDGE, lambda: put(((EDGE, "NativeMessagingBlocklist"), text_of(["*"])))),
    ("policy.extension", "broken", "HKLM\\" + CHROME + "\\ExtensionInstallBlocklist", lambda: put(FORCED, *listed(CHROME + "\\ExtensionInstallBlocklist", "*"))),
    ("policy.extension", "broken", "HKLM\\" + EDGE + "\\ExtensionSettings", lambda: put(((EDGE, "ExtensionSettings"), text_of({ID: {"installation_mode": "removed"}})))),
    ("policy.extension", "broken", "HKLM\\" + EDGE + "\\ExtensionSettings", lambda: put(((EDGE + "\\ExtensionSettings\\" + ID, "installation_mode"), text("blocked")))),
    ("policy.extension", "broken", "HKLM\\" + FIREFOX + "\\ExtensionSettings", lambda: put(((FIREFOX, "ExtensionSettings"), setup.settings(BLOCKED, MULTI, 2)))),
    ("policy.loopback", "warning", "HKLM\\" + CHROME + "\\LoopbackNetworkBlockedForUrls", lambda: put(*listed(CHROME + "\\LoopbackNetworkBlockedForUrls", ORIGIN))),
    ("policy.loopback", "warning", "HKLM\\" + FIREFOX + "\\LocalNetworkAccess", lambda: put(SKIP, ((FIREFOX + "\\LocalNetworkAccess", "Enabled"), number(1)),
                                                                                         ((FIREFOX + "\\LocalNetworkAccess", "EnablePrompting"), number(0)))),
    ("policy.proxy", "warning", "HKLM\\" + CHROME + "\\ProxySettings", lambda: put(((CHROME, "ProxySettings"), text_of({"ProxyBypassList": "<-loopback>"})))),
    ("policy.absent", "warning", "HKLM\\" + CHROME, lambda: put(FORCED)),
    ("policy.absent", "warning", "HKLM\\" + EDGE, lambda: put(EDGE + "\\LoopbackNetworkAllowedForUrls")),
    ("policy.absent", "warning", "HKLM\\" + FIREFOX, lambda: put(((FIREFOX, "ExtensionSettings"), None))),
    ("policy.absent", "warning", "HKLM\\" + FIREFOX, lambda: put(SKIP)),
    ("policy.invalid", "unknown", "HKLM\\" + CHROME + "\\ExtensionSettings", lambda: put(((CHROME, "ExtensionSettings"), text("{oops")))),
    ("autostart.missing", "warning", "HKLM\\" + RUN, lambda: put(((RUN, "mokhoa-websocket"), None))),
    ("autostart.missing", "warning", "HKLM\\" + RUN, lambda: put(((RUN, "mokhoa-websocket"), text('"C:\\Mokhoa\\mokhoa-websocket.exe"')))),
    ("autostart.off", "warning", "HKCU\\" + APPROVED, lambda: put((("HKCU\\" + APPROVED, "mokhoa-websocket"), (3, b"\x03" + b"\0" * 11)))),
    ("profile.missing", "broken", "profiles.d", lambda: os.unlink(installed("profiles.d/a.json"))),
    ("profile.unsafe", "broken", "a.json", lambda: os.chmod(installed("profiles.d/a.json"), 0o666)),
    ("module.missing", "broken", MODULE, lambda: os.rename(installed(MODULE), installed(MODULE + ".old"))),
    ("module.unsafe", "broken", MODULE, lambda: os.chmod(installed(MODULE), 0o666)),
    ("worker.missing", "broken", "mokhoa-worker", lambda: os.rename(installed("mokhoa-worker.exe"), installed("mokhoa-worker.old"))),
    ("prompt.missing", "broken", "mokhoa-prompt.exe", lambda: os.chmod(installed("mokhoa-prompt.exe"), 0o666)),
    ("tls_ca.missing", "broken", CA, lambda: os.unlink(installed(CA))),
]

FINE = [
    ("a list that names us", lambda: put(*listed(CHROME + "\\NativeMessagingBlocklist", "*"), *listed(CHROME + "\\NativeMessagingAllowlist", "mokhoa.host"))),
    ("in small letters", lambda: put(*listed(CHROME.lower() + "\\nativemessagingblocklist", "*"), *listed(CHROME.lower() + "\\nativemessagingallowlist", "mokhoa.host"))),
    ("the machine outweighs the user", lambda: put(*listed("HKCU\\" + CHROME + "\\NativeMessagingBlocklist", "*"), *listed(CHROME + "\\NativeMessagingBlocklist", "other"))),
    ("nobody's own manifest counts", lambda: put(*(((key, "NativeMessagingUserLevelHosts"), number(0)) for key in (CHROME, EDGE)), ((USER_CHROME, ""), text("C:\\old.json")))),
    ("the view of 64 bits alone", lambda: put(*(key for key in KEYS if key.startswith(NODE)))),
    ("Edge finds Chrome's", lambda: put(*(key for key in KEYS if "Edge" in key))),
    ("forced by the settings", lambda: put(FORCED, ((CHROME, "ExtensionSettings"), text_of({**BLOCKED, ID: {"installation_mode": "force_installed"}})))),
    ("switched on again", lambda: put(((APPROVED, "mokhoa-websocket"), (3, b"\x02" + b"\0" * 11)))),
]

REPAIR = "mokhoa-setup repair"


class Doctor(setup.Bench):
    """The machine that is in order is made once; before each thing that is done to it its files and its registry are brought back."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        machine = cls()
        registry(*CLEAN)
        machine.put()
        open(installed(CA), "w", encoding="utf-8").close()
        machine.put_profile("a")
        machine.setup("register")
        cls.registry = [*CLEAN, *setup.orders_for(setup.parse(registry(*setup.DUMP)))]
        cls.files = wine.INSTALLED + ".whole"
        shutil.rmtree(cls.files, ignore_errors=True)
        shutil.copytree(wine.INSTALLED, cls.files)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.files)
        registry(*CLEAN)

    def setUp(self):
        self.whole()

    def whole(self):
        for folder in (wine.INSTALLED, *(os.path.join(setup.PROGRAMS, folder) for folder in setup.FIREFOXES.values())):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.files, wine.INSTALLED)
        registry(*self.registry)

    def put_profile(self, letter, module=MODULE):
        made = setup.profile(letter)
        made.update(tms="https://127.0.0.1:9", tls="pinned", tls_ca=wine.FOLDER + CA, proxy="none", modules=[{"name": "mock", "path": wine.FOLDER + module}])
        with open(installed(f"profiles.d/{letter}.json"), "w", encoding="utf-8") as f:
            json.dump(made, f)

    def report(self, *args):
        done = subprocess.run(wine.command("mokhoa-host", "doctor", "--json", *args), capture_output=True, text=True, encoding="utf-8")
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1 if report["state"] == "broken" else 0, done.stderr)
        return report

    def wrong(self, *args):
        """What is not in order, but for the program of which a test of its own has seen to it that it runs."""
        return [f for f in self.report(*args)["findings"] if f["state"] != "ok" and not f["id"].startswith("websocket.")]

    def test_a_whole_machine(self):
        server = sockets.Server(wine.script("mokhoa-websocket"))
        self.addCleanup(server.close)
        report = self.report("--files")
        self.assertEqual([f for f in report["findings"] if f["state"] != "ok"], [], server.text())
        found = [f["id"] for f in report["findings"]]
        self.assertEqual({name: found.count(name) for name in found}, {"profile.ok": 1, "worker.ok": 1, "websocket.ok": 1, "manifest.ok": 4, "policy.ok": 7})

    def test_broken_machines(self):
        for count, (want, state, where, break_it) in enumerate(BROKEN):
            with self.subTest(number=count, want=want):
                self.whole()
                break_it()
                found = self.wrong("--files")
                self.assertEqual({(f["id"], f["state"]) for f in found}, {(want, state)}, found)
                self.assertTrue(any(where in f["seen"] for f in found), found)
                for finding in found:
                    self.assertTrue(finding["sentence"]["vi"] and finding["sentence"]["en"] and finding["remedy"]["vi"])
                    if REPAIR in finding["remedy"]["en"]:
                        self.setup("repair")
                        self.assertEqual(self.wrong("--files"), [])
        print(len(BROKEN), "broken machines")

    def test_fine_machines(self):
        for what, do_it in FINE:
            with self.subTest(what):
                self.whole()
                do_it()
                self.assertEqual(self.wrong("--files"), [])

    def test_files_of_firefox(self):
        """Each Firefox has a file of its own, of which it takes what the registry does not have."""
        release, esr = setup.FIREFOXES.values()
        registry(*setup.orders_for(setup.firefoxes()))
        setup.put_policies(esr, ExtensionSettings={setup.linux.profile("a")["extensions"][1]: {"installation_mode": "blocked"}})
        self.assertEqual(self.wrong("--files"), [])
        put(((FIREFOX, "ExtensionSettings"), None))
        found = {f["id"]: f["seen"] for f in self.wrong("--files")}
        self.assertEqual(set(found), {"policy.extension", "policy.absent"})
        self.assertIn(esr + "\\distribution\\policies.json", found["policy.extension"])
        setup.put_policies(release)
        with open(setup.policies_file(release), "w", encoding="utf-8") as f:
            f.write("{")
        self.assertIn("policy.invalid", [f["id"] for f in self.wrong("--files")])

    def test_what_the_worker_finds(self):
        """The smart card service, the kind of a module and the way to the server; wine has no such service."""
        with open(installed(MODULE), "rb") as f:
            library = bytearray(f.read())
        at = struct.unpack_from("<I", library, 0x3c)[0] + 4
        struct.pack_into("<H", library, at, 0xaa64)  # of ARM
        with open(installed("arm.dll"), "wb") as f:
            f.write(library)
        for module, expected in (("arm.dll", {"module.architecture", "reader.service", "tms.refused"}), ("mock_p11_x86.dll", {"tms.refused"})):
            with self.subTest(module):
                self.put_profile("a", module)
                found = {f["id"] for f in self.wrong()}
                self.assertEqual({name for name in found if not name.startswith("token.")}, expected)


if __name__ == "__main__":
    unittest.main()
