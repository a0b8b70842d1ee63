#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mokhoa-setup on machines of others: 20 starting states come back byte for byte; two authorities; a kill at every change of a file. On a stage, as root."""
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "tests", "check"))
import seen

SETUP = os.path.join(os.environ.get("MOKHOA_BIN", ""), "mokhoa-setup")
ROOT = "/etc/mokhoa/root"  # every folder above it is root's, as profiles need it
CHROMIUM = "/etc/chromium/policies/managed"
FIREFOX = "/etc/firefox/policies/policies.json"
OTHER = "ponmlkjihgfedcbaponmlkjihgfedcba;https://other.example/u.xml"


def profile(letter):
    crx, xpi = f"chrome-extension://{letter * 32}/", f"mokhoa@{letter}.example"
    return {
        "tms": f"https://tms.{letter}.example", "tls": "system", "tms_keys": ["A" * 43], "origins": [f"https://{letter}.example"], "extensions": [crx, xpi],
        "modules": [{"name": "a", "path": "/a.so"}], "prompt": "/usr/bin/pinentry", "hotline": "1900", "languages": ["vi"],
        "install": {"extensions": [{"id": crx, "update_url": f"https://{letter}.example/u.xml"}, {"id": xpi, "update_url": f"https://{letter}.example/m.xpi"}],
                    "loopback": True, "autostart": True}}


def policies(**values):
    return json.dumps({"policies": values}, indent="\t")


# 20 machines: the files of others, below ROOT
STATES = [
    {},
    {CHROMIUM + "/a.json": json.dumps({"ExtensionInstallForcelist": [OTHER]})},
    {CHROMIUM + "/z.json": json.dumps({"ExtensionInstallForcelist": [OTHER], "HomepageLocation": "https://other.example"})},
    {CHROMIUM + "/a.json": '{ "ExtensionInstallForcelist" : [ ] }\n', CHROMIUM + "/z.json": json.dumps({"ExtensionInstallForcelist": [OTHER, OTHER]})},
    {CHROMIUM + "/z.json": json.dumps({"LoopbackNetworkAllowedForUrls": ["*"]})},
    {CHROMIUM + "/a.json": "// Chromium reads this\n{\"HomepageLocation\": \"https://other.example\"}"},
    {CHROMIUM + "/mokhoa.json": json.dumps({"HomepageLocation": "https://other.example"})},
    {CHROMIUM + "/z.json": json.dumps({"ExtensionSettings": {"*": {"installation_mode": "blocked"}}, "n": 1.5, "x": None})},
    {"/etc/opt/chrome/policies/managed/o.json": json.dumps({"ExtensionInstallForcelist": [OTHER]})},
    {"/etc/opt/edge/policies/managed/o.json": "{}\n", "/etc/opt/edge/native-messaging-hosts/other.json": "{}"},
    {"/etc/chromium/native-messaging-hosts/mokhoa.host.json": "written by hand\n"},
    {"/usr/lib/mozilla/native-messaging-hosts/other.json": "{}"},
    {FIREFOX: "{}"},
    {FIREFOX: '{"policies":{}}\r\n'},
    {FIREFOX: policies(ExtensionSettings={"*": {"installation_mode": "blocked"}})},
    {FIREFOX: policies(ExtensionSettings={"mokhoa@a.example": {"installation_mode": "normal_installed"}})},
    {FIREFOX: policies(LocalNetworkAccess={"Enabled": True, "SkipDomains": ["other.example"]}, DisableTelemetry=True)},
    {FIREFOX: policies(LocalNetworkAccess={"SkipDomains": ["a.example"]})},
    {FIREFOX: policies(Name="Ti\u1ebfng Vi\u1ec7t", Big=9007199254740993), CHROMIUM + "/z.json": json.dumps({"ExtensionInstallForcelist": [OTHER]})},
    {"/etc/xdg/autostart/mokhoa-websocket.desktop": "[Desktop Entry]\n"},
]


def write(name, text):
    os.makedirs(os.path.dirname(ROOT + name), exist_ok=True)
    with open(ROOT + name, "w", encoding="utf-8", newline="") as f:
        f.write(text)


def read(name):
    with open(ROOT + name, encoding="utf-8") as f:
        return json.load(f)


def tree():
    """{path: bytes or None for a folder}"""
    found = {}
    for folder, folders, files in os.walk(ROOT):
        found.update({os.path.join(folder, name): None for name in folders})
        for name in files:
            with open(os.path.join(folder, name), "rb") as f:
                found[os.path.join(folder, name)] = f.read()
    return found


def others_kept(before):
    """Every value that was in a file of others is in it now, in the same order."""
    def inside(old, new):
        if isinstance(old, dict):
            return isinstance(new, dict) and all(k in new and inside(v, new[k]) for k, v in old.items())
        if isinstance(old, list):
            return isinstance(new, list) and new[:len(old)] == old
        return old == new
    for name, text in before.items():
        try:
            old = json.loads(text)
        except ValueError:
            continue
        if not inside(old, read(name)):
            return name
    return None


class Machine(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(ROOT, ignore_errors=True)
        os.makedirs(ROOT + "/var/lib")
        self.put("a")

    def put(self, letter):
        write(f"/etc/mokhoa/profiles.d/{letter}.json", json.dumps(profile(letter)))

    def setup(self, *args, status=0, inject=None):
        command = [SETUP, *args, "--root", ROOT, "--programs", "/usr/lib/mokhoa"]
        done = subprocess.run((inject or []) + command, capture_output=True, text=True, env={**os.environ, "LANG": "en"})
        if status is not None:
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def test_states(self):
        for number, files in enumerate(STATES):
            with self.subTest(state=number):
                shutil.rmtree(ROOT)
                os.makedirs(ROOT + "/var/lib")
                self.put("a")
                for name, text in files.items():
                    write(name, text)
                before = tree()
                self.setup("register")
                self.assertIsNone(others_kept(files))
                once = tree()
                self.setup("status")
                self.assertEqual(self.setup("repair").stdout, self.setup("register").stdout)
                self.assertEqual(tree(), once)
                self.setup("unregister")
                self.assertEqual(tree(), before)

    def test_what_is_written(self):
        self.put("b")
        self.setup("register")
        for folder in ("/etc/chromium", "/etc/opt/chrome", "/etc/opt/edge"):
            self.assertEqual(read(folder + "/native-messaging-hosts/mokhoa.host.json"), {
                "name": "mokhoa.host", "description": "Mokhoa", "path": "/usr/lib/mokhoa/mokhoa-host", "type": "stdio",
                "allowed_origins": [f"chrome-extension://{x * 32}/" for x in "ab"]})
            self.assertEqual(read(folder + "/policies/managed/mokhoa.json"), {
                "ExtensionInstallForcelist": [f"{x * 32};https://{x}.example/u.xml" for x in "ab"],
                "LoopbackNetworkAllowedForUrls": ["https://a.example", "https://b.example"]})
        self.assertEqual(read("/usr/lib/mozilla/native-messaging-hosts/mokhoa.host.json")["allowed_extensions"], ["mokhoa@a.example", "mokhoa@b.example"])
        self.assertEqual(read(FIREFOX)["policies"]["ExtensionSettings"]["mokhoa@b.example"],
                         {"installation_mode": "force_installed", "install_url": "https://b.example/m.xpi"})
        with open(ROOT + "/etc/xdg/autostart/mokhoa-websocket.desktop", encoding="utf-8") as f:
            self.assertIn('Exec="/usr/lib/mokhoa/mokhoa-websocket"', f.read())

    def test_the_list_that_wins_has_both(self):
        write(CHROMIUM + "/z.json", json.dumps({"ExtensionInstallForcelist": [OTHER]}))
        self.setup("register")
        self.assertEqual(read(CHROMIUM + "/z.json")["ExtensionInstallForcelist"][0], OTHER)
        self.assertEqual(len(read(CHROMIUM + "/z.json")["ExtensionInstallForcelist"]), 2)
        self.assertNotIn("ExtensionInstallForcelist", read(CHROMIUM + "/mokhoa.json"))

    def test_another_vendor_comes_later(self):
        before = tree()
        self.setup("register")
        write(CHROMIUM + "/z.json", json.dumps({"ExtensionInstallForcelist": [OTHER]}))
        self.setup("status", status=3)
        self.setup("repair")
        self.assertEqual(len(read(CHROMIUM + "/z.json")["ExtensionInstallForcelist"]), 2)
        self.setup("unregister")
        os.unlink(ROOT + CHROMIUM + "/z.json")
        for folder in (CHROMIUM, os.path.dirname(CHROMIUM)):
            os.rmdir(ROOT + folder)
        if not os.listdir(ROOT + "/etc/chromium"):
            os.rmdir(ROOT + "/etc/chromium")
        self.assertEqual(tree(), before)

    def test_two_authorities(self):
        self.setup("register")
        only_a = {name: bytes_ for name, bytes_ in tree().items() if "setup.json" not in name}
        self.put("b")
        self.setup("repair")
        self.setup("unregister", "--profile", "b")
        os.unlink(ROOT + "/etc/mokhoa/profiles.d/b.json")
        self.assertEqual({name: bytes_ for name, bytes_ in tree().items() if "setup.json" not in name}, only_a)
        self.setup("status")

    def test_nothing_is_touched(self):
        for name, text in ((FIREFOX, "{oops"), (FIREFOX, '{"policies": []}'), (CHROMIUM + "/z.json", '{"ExtensionInstallForcelist": 1}'),
                           (CHROMIUM + "/z.json", '// no\n{"ExtensionInstallForcelist": []}'), ("/var/lib/mokhoa/setup.json", "{}")):
            with self.subTest(name=name, text=text):
                shutil.rmtree(ROOT)
                os.makedirs(ROOT + "/var/lib")
                self.put("a")
                write(name, text)
                before = tree()
                self.assertIn("file_failed (6036)", self.setup("register", status=1).stderr)
                self.assertEqual(tree(), before)
        seen.seen("file_failed", "setup-machine")

    def test_program_that_others_can_write(self):
        """What every browser of this machine would start is the administrator's alone, or nothing is written; here /etc/mokhoa is this machine's, not ROOT."""
        programs = "/etc/mokhoa/programs"
        host = programs + "/mokhoa-host"
        os.makedirs(programs)
        self.addCleanup(shutil.rmtree, programs)
        os.makedirs("/etc/mokhoa/profiles.d")
        self.addCleanup(shutil.rmtree, "/etc/mokhoa/profiles.d")
        with open("/etc/mokhoa/profiles.d/a.json", "w", encoding="utf-8") as f:
            json.dump(profile("a"), f)

        def told(verb, *options):
            done = subprocess.run([SETUP, verb, "--programs", programs, *options], capture_output=True, text=True, env={**os.environ, "LANG": "en"})
            return done.returncode, done.stdout, done.stderr

        def refused(name):
            for verb in ("register", "repair", "status"):
                status, out, err = told(verb)
                self.assertEqual((status, out), (1, ""), err)
                self.assertRegex(err, rf"{name} \(\d+\): {host}: ")

        refused("file_missing")
        with open(host, "w", encoding="ascii"):
            pass
        os.chmod(host, 0o755)
        as_it_is = told("register", "--dry-run")
        self.assertEqual((as_it_is[0], as_it_is[2]), (3, ""))
        self.assertIn("/native-messaging-hosts/mokhoa.host.json", as_it_is[1])
        for path in (host, programs):
            with self.subTest(path):
                mode = os.stat(path).st_mode & 0o7777
                os.chmod(path, mode | 0o020)
                refused("profile_unsafe")
                os.chmod(path, mode)
                self.assertEqual(told("register", "--dry-run"), as_it_is)

    def test_usage_and_dry_run(self):
        before = tree()
        for args in ((), ("install",), ("register", "--profile", "a"), ("register", "--what"), ("status", "--root", "x")):
            self.assertEqual(subprocess.run([SETUP, *args], capture_output=True).returncode, 2)
        acts = json.loads(self.setup("register", "--dry-run", "--json", status=3).stdout)
        self.assertIn({"act": "write", "file": FIREFOX}, acts)
        self.assertEqual(tree(), before)

    def test_the_same_by_hand(self):
        """An administrator's own file that has what we should write is not ours, and stays."""
        self.setup("register")
        manifest = "/etc/chromium/native-messaging-hosts/mokhoa.host.json"
        with open(ROOT + manifest, encoding="utf-8") as f:
            text = f.read()
        self.setup("unregister")
        write(manifest, text)
        before = tree()
        self.setup("register")
        self.setup("repair")
        self.setup("unregister")
        self.assertEqual(tree(), before)

    def test_one_at_a_time(self):
        """Whoever registers keeps others out by a file that only root can open, and by no name that every user can take; who only looks waits for nobody."""
        before = tree()
        with socket.socket(socket.AF_UNIX) as strange:
            strange.bind("\0mokhoa-lock-mokhoa-setup")
            self.setup("register")
        self.setup("status")
        lock = "/var/lib/mokhoa/setup.lock"
        self.assertFalse(os.path.exists(ROOT + lock))
        write(lock, "")
        with open(ROOT + lock, "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            once = tree()
            for verb in ("repair", "unregister"):
                self.assertIn("busy (", self.setup(verb, status=1).stderr)
            self.setup("status")
            self.assertEqual(tree(), once)
        # a dead holder's keeps nobody out, and nothing of it stays
        self.setup("unregister")
        self.assertEqual(tree(), before)

    @unittest.skipIf(shutil.which("strace") is None, "strace is missing: apt-get install strace")
    def test_killed_at_every_change(self):
        files = STATES[18]
        for name, text in files.items():
            write(name, text)
        before = tree()
        self.setup("register")
        whole = tree()
        self.setup("unregister")
        cut = 0
        for verb in ("register", "unregister"):
            for call in ("rename", "unlink", "mkdir", "rmdir"):
                n = 1
                while n < 400:
                    if verb == "unregister":
                        self.setup("register")
                    done = self.setup(verb, status=None, inject=["strace", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={n}"])
                    if done.returncode == 0:
                        break
                    cut += 1
                    self.setup("repair")
                    self.assertEqual({k: v for k, v in tree().items() if "setup.json" not in k}, {k: v for k, v in whole.items() if "setup.json" not in k}, (verb, call, n))
                    self.setup("unregister")
                    self.assertEqual(tree(), before, (verb, call, n))
                    n += 7 if n > 8 else 1
                self.setup("unregister")
        self.assertGreater(cut, 20)
        print(f"killed {cut} times")


if __name__ == "__main__":
    unittest.main()
