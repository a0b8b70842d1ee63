#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The MSI under wine: installed silently with properties, upgraded, repaired, refused, removed without a trace; signed; the same bytes twice; the guide to the letter.

The programs in it are those of wine-bin (wine_admin.c), because Windows Installer's own files are the user's under wine as all others.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import test_setup_windows
import wine

TREE = os.path.dirname(wine.TESTS)
MSI = os.path.join(TREE, "installer", "windows", "msi.sh")
EPOCH = "1700000000"
PROFILES = os.path.join(wine.INSTALLED, "profiles.d")
PRODUCTS = "HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
ID = "abcdefghijklmnop" * 2
# what a silent installation is told; the hotline's letters go from the command line through installer and program into a file
PROPERTIES = {
    "TMS": "https://tms.ca.example", "TLS": "system", "TMSKEY": "A" * 43, "PORTAL": "https://portal.ca.example;https://two.ca.example", "EXTENSION": f"{ID}=https://ca.example/u.xml",
    "MODULE": "Thẻ=C:\\Program Files\\Mokhoa\\mokhoa-prompt.exe", "HOTLINE": "Tổng đài 1900 (24/7)", "LANGUAGES": "en;vi", "AUTOSTART": "1", "POLICIES": "1"}
HOST = "HKLM\\Software\\Google\\Chrome\\NativeMessagingHosts\\mokhoa.host"
FORCED = "HKLM\\Software\\Policies\\Google\\Chrome\\ExtensionInstallForcelist"
SIGN = "HKLM\\Software\\MokhoaUpgrade"
RUN = "HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run"
LICENCE = os.path.join(wine.INSTALLED, "LICENSE.txt")
# what the installer keeps of any product, and wine of any program that ran
BY_HAND = {"tms": "https://tms.ca.example", "tls": "system", "tms_keys": ["A" * 43], "origins": ["https://portal.ca.example"], "extensions": [],
           "modules": [{"name": "M", "path": "C:\\m.dll"}], "prompt": wine.FOLDER + "mokhoa-prompt.exe", "hotline": "1900", "languages": ["vi"]}
NOT_OURS = re.compile(r"\\(Installer|WinTrust|Tracing|MediaProperties|RNG|MUICache|Session Manager|Print|Wine|DirectInput|PnP|Enum|DeviceClasses|Class)(\\|$)", re.I)


def build(folder, version, **environment):
    """An MSI of that version; msi.sh's output."""
    out = os.path.join(folder, f"mokhoa-{version}-x64.msi")
    done = subprocess.run(["sh", MSI, os.path.join(folder, "programs"), version, out], capture_output=True, text=True, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def programs(folder):
    os.makedirs(folder)
    for name in ("host", "worker", "websocket", "setup"):
        shutil.copy(os.path.join(wine.BUILD, "wine-bin", f"mokhoa-{name}.exe"), folder)
    for name in ("mokhoa-prompt.exe", "mokhoa-action.dll"):
        shutil.copy(os.path.join(wine.BUILD, "bin", name), folder)
    shutil.copy(os.path.join(wine.BUILD_X86, "wine-bin", "mokhoa-worker-x86.exe"), folder)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def windows(path):
    return "Z:" + path.replace("/", "\\")


def run(*command, cwd=None):
    """What it says goes into a file: the desktop that a message may start keeps a pipe open for as long as wine lives."""
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(["wine", *command], stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=cwd, timeout=300)
        said.seek(0)
        done.stdout = said.read()
    return done


def registry():
    """{key: its lines} of the machine's software."""
    sections = re.split(r"^\[(.*)\]$", wine.registry(("dump", "SOFTWARE")), flags=re.M)
    return {key: value.strip() for key, value in zip(sections[1::2], sections[2::2]) if not NOT_OURS.search(key)}


def value(key, name=None):
    """A text of the registry; None where there is none."""
    out = run("reg", "query", key, *(["/v", name] if name else ["/ve"])).stdout.decode("utf-8", "replace")
    found = re.search(r"REG_SZ\s+(.*?)\r?$", out, re.M)
    return found and found[1]


def files():
    """All of Program Files, Windows' own temporary folders left out."""
    found = set()
    for folder in ("Program Files", "Program Files (x86)", "ProgramData", "windows/Installer"):
        for at, folders, names in os.walk(os.path.join(wine.DRIVE, folder)):
            found.update(os.path.join(at, name) for name in folders + names)
    return found


class Msi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="mokhoa-msi.")
        programs(os.path.join(cls.folder, "programs"))
        cls.one, cls.two = (build(cls.folder, version) for version in ("1.0.0", "1.1.0"))
        shutil.rmtree(wine.INSTALLED, ignore_errors=True)
        wine.registry(*test_setup_windows.CLEAN)
        cls.files, cls.registry = files(), registry()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.addCleanup(self.clean)

    def clean(self):
        """Whatever a failed test has left."""
        for msi in (self.two, self.one) if self.versions() else ():
            run("msiexec", "/x", windows(msi), "/qn")
        shutil.rmtree(wine.INSTALLED, ignore_errors=True)
        wine.registry(*test_setup_windows.CLEAN, ("delete", SIGN.replace("HKLM\\", "")))

    def msiexec(self, verb, msi, *arguments, fails=None, **properties):
        """The log; wine gives the exit status' last eight bits. With fails: it fails, and its log says that ("" where wine's log does not say why)."""
        log = os.path.join(self.folder, "log.txt")
        if os.path.exists(log):
            os.unlink(log)
        done = run("msiexec", verb, windows(msi), "/qn", "/l*v", windows(log), *arguments, *(f'{name}={text}' for name, text in properties.items()), cwd=self.folder)
        with open(log, "rb") as f:
            raw = f.read()
        said = raw.decode("utf-16" if raw[:2] == b"\xff\xfe" else "utf-8", "replace")
        if fails is None:
            self.assertEqual(done.returncode, 0, said[-6000:])
        else:
            self.assertEqual(done.returncode, 1603 % 256, said[-6000:])
            self.assertIn(fails, said)
        return said

    def profile(self, name="mokhoa"):
        with open(os.path.join(PROFILES, name + ".json"), encoding="utf-8") as f:
            return json.load(f)

    def versions(self):
        out = run("reg", "query", PRODUCTS, "/s").stdout.decode("utf-8", "replace")
        return re.findall(r"DisplayVersion\s+REG_SZ\s+(\S+)", out)

    def host_answers(self):
        """Started as a browser does: the path in the manifest that the registry names."""
        with open(self.unix(value(HOST)), encoding="utf-8") as f:
            manifest = json.load(f)
        self.assertEqual(manifest["allowed_origins"], [f"chrome-extension://{ID}/"])
        body = json.dumps({"origin": "https://portal.ca.example", "message": {"jsonrpc": "2.0", "id": 1, "method": "hello", "params": {}}}).encode()
        host = subprocess.run(["wine", manifest["path"], manifest["allowed_origins"][0]], input=len(body).to_bytes(4, "little") + body, capture_output=True, timeout=60)
        self.assertEqual(json.loads(host.stdout[4:])["message"]["result"]["transports"], ["native"])

    def table(self, name):
        return subprocess.run(["msiinfo", "export", self.one, name], check=True, capture_output=True, text=True).stdout

    def unix(self, path):
        return os.path.join(wine.DRIVE, path[3:].replace("\\", "/"))

    def nothing_left(self, *but):
        self.assertEqual(files() - self.files, set(but))
        now = registry()
        self.assertEqual({key: (self.registry.get(key), text) for key, text in now.items() if self.registry.get(key) != text}, {})
        self.assertEqual([key for key in self.registry if key not in now], [])

    def hold(self, name):
        """(what holds that lock until its input ends, its number under Windows)"""
        holder = subprocess.Popen(["wine", windows(os.path.join(wine.BUILD, "wine-bin", "hold_lock.exe")), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        held, number = holder.stdout.readline().split()
        self.assertEqual(held, b"held")
        self.addCleanup(holder.communicate)
        return holder, int(number)

    def as_before(self, action, *args, **named):
        """Whatever it does, no file and no key is another one."""
        before, keys = self.contents(), registry()
        action(*args, **named)
        self.assertEqual(self.contents(), before)
        self.assertEqual(registry(), keys)

    def contents(self):
        """{file: its bytes} of what is installed."""
        found = {}
        for name in files():
            if os.path.isfile(name) and name.startswith(wine.INSTALLED):
                with open(name, "rb") as f:
                    found[name] = f.read()
        return found

    # ---- tests ----

    def test_installed_with_properties_and_removed(self):
        self.msiexec("/i", self.one, **PROPERTIES)
        made = self.profile()
        self.assertEqual((made["tms"], made["hotline"], made["languages"]), ("https://tms.ca.example", "Tổng đài 1900 (24/7)", ["en", "vi"]))
        self.assertEqual(made["origins"], ["https://portal.ca.example", "https://two.ca.example"])
        self.assertEqual(made["prompt"], wine.FOLDER + "mokhoa-prompt.exe")
        self.assertEqual(made["modules"][0]["name"], "Thẻ")
        self.assertEqual(value(FORCED, "1"), f"{ID};https://ca.example/u.xml")
        self.assertIn("mokhoa-websocket.exe", value(RUN, "mokhoa-websocket"))
        self.assertEqual(sorted(os.listdir(PROFILES)), ["mokhoa.installed", "mokhoa.json"])
        self.assertEqual(self.versions(), ["1.0.0"])
        self.host_answers()
        made = not os.path.isdir(wine.STATE)
        os.makedirs(wine.STATE, exist_ok=True)
        said = self.msiexec("/x", self.one)
        self.assertRegex(said, r"journal kept: C:\\users\\\w+\\AppData\\Local\\Mokhoa")
        self.assertTrue(os.path.isdir(wine.STATE))
        if made:
            os.rmdir(wine.STATE)
        self.nothing_left()

    def test_a_profile_in_a_file(self):
        """From where the installer was called, with the authority's certificate; a profile that lay there before stays when all is removed."""
        for name, text in (("ca-1.json", json.dumps(BY_HAND)), ("ca.pem", "-----BEGIN CERTIFICATE-----\n")):
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
                f.write(text)
        self.msiexec("/i", self.one, PROFILE="ca-1.json", TLSCA=windows(os.path.join(self.folder, "ca.pem")), AUTOSTART="1")
        self.assertEqual(self.profile("ca-1"), {key: text for key, text in BY_HAND.items() if key != "tls"} | {"tls_ca": wine.FOLDER.rstrip("\\") + "/profiles.d/ca-1.pem", "install": {"autostart": True}})
        by_hand = os.path.join(PROFILES, "by-hand.json")
        with open(by_hand, "w", encoding="utf-8") as f:
            f.write(json.dumps(BY_HAND | {"origins": ["https://other.example"]}))
        self.msiexec("/x", self.one)
        self.nothing_left(wine.INSTALLED, PROFILES, by_hand)

    def test_upgraded(self):
        """What was said once is still said; what is said anew replaces that alone. The one before does not come back."""
        self.msiexec("/i", self.one, **PROPERTIES)
        before = self.profile()
        self.msiexec("/i", self.two)
        self.assertEqual(self.profile(), before)
        self.assertEqual(self.versions(), ["1.1.0"])
        self.host_answers()
        self.assertEqual(value(FORCED, "1"), f"{ID};https://ca.example/u.xml")
        self.as_before(self.msiexec, "/i", self.one, fails="", AUTOSTART="0")
        self.assertEqual(self.versions(), ["1.1.0"])
        self.assertEqual(self.profile(), before)
        self.msiexec("/x", self.two)
        self.nothing_left()

    def test_upgraded_with_a_change(self):
        self.msiexec("/i", self.one, **PROPERTIES)
        before = self.profile()
        self.msiexec("/i", self.two, AUTOSTART="0")
        self.assertEqual(self.profile(), before | {"install": before["install"] | {"autostart": False}})
        self.assertIsNone(value(RUN, "mokhoa-websocket"))
        self.msiexec("/x", self.two)
        self.nothing_left()

    def test_repaired(self):
        """A file and a key come back; whoever asks for a repair cannot say anything of a profile."""
        self.msiexec("/i", self.one, **PROPERTIES)
        before = self.profile()
        os.unlink(LICENCE)
        run("reg", "delete", HOST, "/f")
        self.assertIsNone(value(HOST))
        self.msiexec("/i", self.one, REINSTALL="ALL", REINSTALLMODE="amus", TMS="https://evil.example", AUTOSTART="0")
        self.assertTrue(os.path.exists(LICENCE))
        self.host_answers()
        self.assertEqual(self.profile(), before)
        self.msiexec("/x", self.one)
        self.nothing_left()

    def test_refused(self):
        """A bad value is named in the log, and nothing was installed; at an upgrade the profile and what browsers have are as before. (Windows brings the older product back; wine 8 cannot.)"""
        for name, text, says in (("TMS", "http://tms.ca.example", 'profile_invalid (5002): mokhoa: key "tms"'), ("AUTOSTART", "yes", "usage (5006): --autostart: yes"),
                                 ("PROFILE", "none.json", "file_missing (5008)"), ("PROFILENAME", "..\\x", "profile_invalid (5002)")):
            with self.subTest(name):
                self.msiexec("/i", self.one, fails=says, **{**PROPERTIES, name: text})
                self.nothing_left()
        self.msiexec("/i", self.one, **PROPERTIES)
        before = self.profile()
        self.msiexec("/i", self.two, fails="profile_invalid", HOTLINE="x" * 65)
        self.assertEqual(self.profile(), before)
        self.assertEqual(sorted(os.listdir(PROFILES)), ["mokhoa.installed", "mokhoa.json"])
        self.assertIsNotNone(value(HOST))
        self.assertEqual(value(FORCED, "1"), f"{ID};https://ca.example/u.xml")
        self.msiexec("/i", self.one)
        self.assertEqual(self.profile(), before)
        self.host_answers()
        self.msiexec("/x", self.one)
        self.nothing_left()

    def test_sign_of_a_dead_upgrade(self):
        """An upgrade that died has left its sign, of a process that is no more, or whose number another has: a removal takes all away nevertheless."""
        holder, other = self.hold("other")
        for process in (0x7FFFFFF0, other):
            self.msiexec("/i", self.one, **PROPERTIES)
            run("reg", "add", SIGN, "/v", "Process", "/t", "REG_BINARY", "/d", (process.to_bytes(8, "little") + bytes(8)).hex(), "/f")
            self.msiexec("/x", self.one)
            run("reg", "delete", SIGN, "/f")
            self.nothing_left()
        holder.communicate(timeout=60)

    def worker(self, path):
        """One that waits 15 seconds for its order."""
        return subprocess.Popen(["wine", path], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def test_waits_for_an_unlock(self):
        """A token is worked on, which is its lock and an installed worker: an upgrade waits, and is refused when it has waited long enough."""
        self.msiexec("/i", self.one, **PROPERTIES)
        holder, _ = self.hold("ab" * 32)
        for verb, msi in (("/i", self.two), ("/x", self.one)):
            with self.worker(wine.FOLDER + "mokhoa-worker.exe"):
                self.assertRegex(self.msiexec(verb, msi, fails="token_busy (2010)", WAIT="1"), r"mokhoa-worker, process [1-9]\d+")
        self.assertEqual(self.versions(), ["1.0.0"])
        holder.communicate(timeout=60)
        # one that works on no token keeps nobody waiting
        with self.worker(wine.FOLDER + "mokhoa-worker.exe"):
            self.msiexec("/i", self.two, WAIT="1")
        self.msiexec("/x", self.two)
        self.nothing_left()

    def test_lock_of_a_stranger(self):
        """A name that anybody can make, and a program of his that only has the worker's name, keep no machine from being updated."""
        self.msiexec("/i", self.one, **PROPERTIES)
        strange = os.path.join(self.folder, "strange", "mokhoa-worker.exe")
        os.makedirs(os.path.dirname(strange))
        shutil.copy(os.path.join(wine.BUILD, "wine-bin", "mokhoa-worker.exe"), strange)
        holder, _ = self.hold("ab" * 32)
        with self.worker(windows(strange)):
            self.msiexec("/i", self.two, WAIT="0")
            self.msiexec("/x", self.two, WAIT="0")
        holder.communicate(timeout=60)
        self.nothing_left()

    def test_old_windows(self):
        key = "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion"
        build_number = value(key, "CurrentBuildNumber")
        run("reg", "add", key, "/v", "CurrentBuildNumber", "/d", "17763", "/f")
        self.addCleanup(run, "reg", "add", key, "/v", "CurrentBuildNumber", "/d", build_number, "/f")
        self.as_before(self.msiexec, "/i", self.one, fails="", **PROPERTIES)
        self.assertIn("needs Windows 10, version 1903, or later", self.table("LaunchCondition"))

    def test_guide(self):
        """Followed to the letter, by cmd, in either language."""
        vi, en = (re.findall(r"^    (\S.*)$", read(os.path.join(TREE, "installer", "guides", f"client-windows.{language}.md")), re.M) for language in ("vi", "en"))
        self.assertEqual(vi, en)
        self.assertGreater(len(vi), 9)
        at = os.path.join(self.folder, "guide")
        os.makedirs(at)
        shutil.copy(self.one, os.path.join(at, "mokhoa.msi"))
        for name, origin in (("ca", "https://ca.example"), ("other", "https://other.example")):
            with open(os.path.join(at, name + ".json"), "w", encoding="utf-8") as f:
                json.dump({**BY_HAND, "origins": [origin]}, f)
        for number, command in enumerate(vi):
            with open(os.path.join(at, "step.cmd"), "w", encoding="utf-8", newline="\r\n") as f:
                f.write(f"@{command}\n@if errorlevel 1 exit 1\n")
            done = run("cmd", "/c", "step.cmd", cwd=at)
            self.assertEqual(done.returncode, 0, (command, done.stdout))
            if number == 0:
                self.assertEqual(self.profile("ca")["origins"], ["https://ca.example"])
            if "call hello" in command:
                self.assertIn(b"native", done.stdout)
        self.nothing_left()

    def test_same_bytes_twice(self):
        other = os.path.join(self.folder, "other")
        programs(os.path.join(other, "programs"))
        with open(self.one, "rb") as f, open(build(other, "1.0.0"), "rb") as g:
            self.assertEqual(f.read(), g.read())
        self.assertRegex(self.table("Property"), r"SecureCustomProperties\tPROFILE;PROFILENAME;TMS;.*;WAIT;WIX_DOWNGRADE_DETECTED;")
        # rollback, and commit: deferred, as the system
        self.assertRegex(self.table("CustomAction"), r"ConfigureBack\t3393\t(.|\n)*Forget\t3649\t")

    def test_signed(self):
        """The programs first, then the MSI; a byte that is another is noticed; the signed one installs."""
        signing = os.path.join(self.folder, "signing")
        shutil.copytree(os.path.join(self.folder, "programs"), os.path.join(signing, "programs"))
        key, cert = (os.path.join(signing, name) for name in ("key.pem", "cert.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-subj", "/CN=Mokhoa test", "-days", "9",
                        "-addext", "extendedKeyUsage=codeSigning", "-addext", "keyUsage=digitalSignature"], check=True, capture_output=True)
        msi = build(signing, "1.0.0", MOKHOA_SIGN_CERT=cert, MOKHOA_SIGN_KEY=key)

        def verify(path):
            return subprocess.run(["osslsigncode", "verify", "-CAfile", cert, "-in", path], capture_output=True).returncode
        self.assertEqual(verify(msi), 0)
        self.assertNotEqual(verify(self.one), 0)
        self.msiexec("/i", msi)
        for name in os.listdir(wine.INSTALLED):
            if name.endswith(".exe"):
                self.assertEqual(verify(os.path.join(wine.INSTALLED, name)), 0, name)
        self.msiexec("/x", msi)
        with open(os.path.join(signing, "programs", "mokhoa-host.exe"), "rb") as f:
            self.assertNotIn(b"Mokhoa test", f.read())
        self.nothing_left()


if __name__ == "__main__":
    if missing := [tool for tool in ("wixl", "msibuild", "faketime", "osslsigncode") if shutil.which(tool) is None]:
        print("missing:", *missing, "(packages.sh, purpose msi)", file=sys.stderr)
        sys.exit(77)
    unittest.main()
