#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mokhoa-setup on Windows: registries of others come back byte for byte; two authorities; a kill at each change; the host answers where it was registered."""
import json
import os
import shutil
import struct
import subprocess
import sys
import unittest

import wine
from wine import registry
from test_native import Pipe

sys.path.insert(0, os.path.join(wine.TESTS, "..", "installer", "setup", "tests"))
import test_setup as linux  # noqa: E402 (the same authorities and the same stranger)

SOFTWARE = "SOFTWARE\\"
NODE = SOFTWARE + "WOW6432Node\\"
POLICIES = SOFTWARE + "Policies\\"
CHROME = POLICIES + "Google\\Chrome"
FORCED = CHROME + "\\ExtensionInstallForcelist"
FIREFOX = POLICIES + "Mozilla\\Firefox"
SKIP = FIREFOX + "\\LocalNetworkAccess\\SkipDomains"
RUN = SOFTWARE + "Microsoft\\Windows\\CurrentVersion\\Run"
HOST = "NativeMessagingHosts\\mokhoa.host"
VENDORS = ("Google", "Chromium", "Microsoft\\Edge", "BraveSoftware", "Vivaldi", "CocCoc", "Mozilla")
ROOTS = [head + vendor for head in (SOFTWARE, NODE, POLICIES) for vendor in VENDORS]
PROGRAMS = os.path.dirname(wine.INSTALLED)
FIREFOXES = {"128.0 (x64 vi)": "Mozilla Firefox", "115.9 ESR (x86 vi)": "Mozilla Firefox ESR"}  # version, folder
MANIFESTS = os.path.join(wine.INSTALLED, "manifests")
LEDGER = os.path.join(wine.INSTALLED, "setup.json")
OTHER = linux.OTHER
OURS = f"{'a' * 32};https://a.example/u.xml"
SZ, EXPAND, DWORD, MULTI = 1, 2, 4, 7


def profile(letter):
    made = linux.profile(letter)
    made.update(modules=[{"name": "a", "path": "C:\\a.dll"}], prompt=wine.FOLDER + "mokhoa-prompt.exe")
    return made


def text(value, kind=SZ):
    """A value as it is stored."""
    return kind, (value.replace("\n", "\0") + "\0" * (2 if kind == MULTI else 1)).encode("utf-16-le")


def number(value):
    return DWORD, struct.pack("<I", value)


def settings(ids, kind=SZ, indent=None):
    return text(json.dumps(ids, indent=indent, ensure_ascii=False), kind)


BLOCKED = {"*": {"installation_mode": "blocked"}}
LONE = (SZ, '{"n": 9007199254740993, "Tên": "Tiếng Việt"}'.encode("utf-16-le"))  # without a NUL at its end

# the values of others on a machine, {(key, name): (type, bytes)}; a key without any has the name None
STATES = {
    "nothing": {},
    "a list": {(FORCED, "1"): text(OTHER)},
    "a list with gaps": {(FORCED, "2"): text(OTHER), (FORCED, "5"): text(OTHER)},
    "a list with numbers": {(FORCED, "1"): number(7), (FORCED, "2"): text(OTHER)},
    "a list with names": {(FORCED, "first"): text(OTHER), (FORCED, "01"): text(OTHER), (FORCED, ""): text("x")},
    "a list at its end": {(FORCED, "2147483647"): text(OTHER), (FORCED, "1"): text(OTHER)},
    "a list beyond its end": {(FORCED, "99999999999"): text(OTHER), (FORCED, "4294967297"): text(OTHER)},
    "an empty list": {(FORCED, None): None},
    "a list that has it": {(FORCED, "7"): text(OURS)},
    "a list that is a value": {(CHROME, "ExtensionInstallForcelist"): text(OTHER), (CHROME, "HomepageLocation"): text("https://other.example")},
    "a list in small letters": {(FORCED.lower(), "1"): text(OTHER)},
    "lists of several browsers": {(POLICIES + "Microsoft\\Edge\\LoopbackNetworkAllowedForUrls", "1"): text("*"), (POLICIES + "CocCoc\\Browser", "x"): number(1)},
    "a host in the view of 32 bits": {(NODE + "Google\\Chrome\\" + HOST, ""): text("%ProgramFiles%\\old.json", EXPAND)},
    "a host that is a number": {(SOFTWARE + "Mozilla\\" + HOST, ""): number(1), (SOFTWARE + "Mozilla\\" + HOST, "x"): (3, b"")},
    "hosts of others": {(SOFTWARE + "Google\\Chrome\\NativeMessagingHosts\\other.host", ""): text("C:\\other.json"), (NODE + "Mozilla", None): None},
    "Firefox, empty settings": {(FIREFOX, "ExtensionSettings"): text("{}"), (FIREFOX, "DisableTelemetry"): number(1)},
    "Firefox, settings in lines": {(FIREFOX, "ExtensionSettings"): settings(BLOCKED, MULTI, 2)},
    "Firefox, ours otherwise": {(FIREFOX, "ExtensionSettings"): settings({"mokhoa@a.example": {"installation_mode": "normal_installed"}})},
    "Firefox, settings to expand": {(FIREFOX, "ExtensionSettings"): settings(BLOCKED, EXPAND)},
    "Firefox, settings without an end": {(FIREFOX, "ExtensionSettings"): LONE},
    "Firefox, settings as keys": {(FIREFOX + "\\ExtensionSettings\\*", "installation_mode"): text("blocked")},
    "Firefox, settings twice": {(FIREFOX + "\\ExtensionSettings\\*", "installation_mode"): text("blocked"), (FIREFOX, "ExtensionSettings"): settings(BLOCKED)},
    "Firefox, hosts as a value": {(FIREFOX, "LocalNetworkAccess"): settings({"Enabled": True, "SkipDomains": ["other.example"]}, MULTI)},
    "Firefox, hosts as a list": {(SKIP, "1"): text("other.example"), (SKIP, "3"): text("a.example"), (FIREFOX + "\\LocalNetworkAccess", "Enabled"): number(1)},
    "started by somebody else": {(RUN, "mokhoa-websocket"): text("%x%", EXPAND), (RUN, "other"): text("other.exe")},
}

# what no setup may touch, and what it says of it
REFUSED = {
    "no JSON": {(FIREFOX, "ExtensionSettings"): text("{oops")},
    "an empty text": {(FIREFOX, "ExtensionSettings"): text("")},
    "a number": {(FIREFOX, "ExtensionSettings"): number(1)},
    "no object": {(FIREFOX, "ExtensionSettings"): settings([], MULTI)},
    "a setting of another type": {(FIREFOX, "LocalNetworkAccess"): settings({"SkipDomains": 1})},
    "a value where a list has to be": {(FIREFOX + "\\LocalNetworkAccess", "SkipDomains"): settings(["x"], MULTI)},
}


def orders_for(state):
    for (key, name), value in state.items():
        yield ("key", key) if name is None else ("set", key, name, str(value[0]), value[1].hex())


DUMP = [("dump", root) for root in ROOTS] + [("dump", RUN)]
CLEAN = [("delete", root) for root in ROOTS] + [("unset", RUN, "mokhoa-websocket"), ("unset", RUN, "other")]


def parse(dumped):
    """{(key, name): (type, bytes)}, and (key, None) for each key."""
    found, key = {}, ""
    for line in dumped.splitlines():
        if line.startswith("["):
            key = line[1:-1]
            found[key, None] = None
        else:
            name, kind, value = line.split("\t")
            found[key, name] = int(kind), bytes.fromhex(value)
    return found


def files():
    found = {}
    for top in (wine.INSTALLED, *(os.path.join(PROGRAMS, folder) for folder in FIREFOXES.values())):
        for folder, folders, names in os.walk(top):
            for name in folders + [n for n in names if n.endswith((".json", ".new"))]:
                path = os.path.join(folder, name)
                if os.path.isdir(path):
                    found[path] = None
                else:
                    with open(path, "rb") as f:
                        found[path] = f.read()
    return found


def policies_file(folder):
    return os.path.join(PROGRAMS, folder, "distribution", "policies.json")


def put_policies(folder, **policies):
    os.makedirs(os.path.dirname(policies_file(folder)), exist_ok=True)
    with open(policies_file(folder), "w", encoding="utf-8") as f:
        f.write(linux.policies(**policies))


def read_policies(folder):
    with open(policies_file(folder), encoding="utf-8") as f:
        return json.load(f)["policies"]


def firefoxes():
    """The state of a machine with both, and their programs."""
    state = {}
    for version, folder in FIREFOXES.items():
        os.makedirs(os.path.join(PROGRAMS, folder))
        shutil.copy(os.path.join(wine.INSTALLED, "registry.exe"), os.path.join(PROGRAMS, folder, "firefox.exe"))
        head = NODE if "x86" in version else SOFTWARE
        state[f"{head}Mozilla\\Mozilla Firefox\\{version}\\Main", "Install Directory"] = text(f"C:\\Program Files\\{folder}\\")
    return state


def machine():
    """All that setup may change."""
    return parse(registry(*DUMP)), files()


def read_json(value):
    return json.loads(value[1].decode("utf-16-le").rstrip("\0").replace("\0", "\n"))


class Bench(unittest.TestCase):
    """A machine to be set up."""

    @classmethod
    def setUpClass(cls):
        wine.install()

    def setUp(self):
        self.put()

    def put(self, state=None, profiles="a", texts=None):
        """A machine of others with these profiles; all that is there."""
        for path in (MANIFESTS, os.path.join(wine.INSTALLED, "profiles.d"), *(os.path.join(PROGRAMS, folder) for folder in FIREFOXES.values())):
            shutil.rmtree(path, ignore_errors=True)
        if os.path.exists(LEDGER):
            os.unlink(LEDGER)
        os.mkdir(os.path.join(wine.INSTALLED, "profiles.d"))
        for letter in profiles:
            self.put_profile(letter)
        for name, content in (texts or {}).items():
            os.makedirs(os.path.dirname(os.path.join(wine.INSTALLED, name)), exist_ok=True)
            with open(os.path.join(wine.INSTALLED, name), "w", encoding="utf-8") as f:
                f.write(content)
        return parse(registry(*CLEAN, *orders_for(state or {}), *DUMP)), files()

    def put_profile(self, letter):
        with open(os.path.join(wine.INSTALLED, "profiles.d", letter + ".json"), "w", encoding="utf-8") as f:
            json.dump(profile(letter), f)

    def setup(self, *args, status=0, kill_at=None):
        environment = dict(os.environ, LANG="en", **({"MOKHOA_KILL_AT": str(kill_at)} if kill_at else {}))
        done = subprocess.run(wine.command("mokhoa-setup", *args), capture_output=True, text=True, env=environment)
        if status is not None:
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done


class Machine(Bench):
    def assert_others_kept(self, before, after):
        """What was there is there; of a document that we add to, all that was in it."""
        for place, value in before.items():
            key, name = place
            if value is None or after.get(place) == value:
                self.assertIn(place, after)
            elif name in ("ExtensionSettings", "LocalNetworkAccess"):
                old, new = read_json(value), read_json(after[place])
                for setting in old:
                    if setting == "SkipDomains":
                        self.assertEqual(new[setting][:len(old[setting])], old[setting])
                    else:
                        self.assertEqual(new[setting], old[setting])
                self.assertEqual(after[place][0], value[0])
            else:
                self.assertTrue(key.endswith(HOST) or (key, name) == (RUN, "mokhoa-websocket"), place)

    def test_states(self):
        for name, state in STATES.items():
            with self.subTest(state=name):
                before = self.put(state)
                self.setup("register")
                once = machine()
                self.assert_others_kept(before[0], once[0])
                self.assertEqual(once[0][NODE + "Google\\Chrome\\" + HOST, ""], text(wine.FOLDER + "manifests\\chromium.json"))
                self.assertIn(text(OURS), [v for (key, _), v in once[0].items() if key.lower() == FORCED.lower()])
                self.setup("status")
                self.setup("unregister")
                self.assertEqual(machine(), before)

    def test_files_of_others(self):
        before = self.put({}, texts={"manifests/chromium.json": "written by hand\n", "manifests/other.json": "{}"})
        self.setup("register")
        self.assertNotEqual(files(), before[1])
        self.setup("unregister")
        self.assertEqual(machine(), before)

    def test_what_is_written(self):
        self.put(profiles="ab")
        before = parse(registry(*DUMP))
        acts = json.loads(self.setup("register", "--json").stdout)
        written, _ = machine()
        self.assertIn({"act": "write", "file": "HKLM\\" + FORCED + "!*"}, acts)
        with open(os.path.join(MANIFESTS, "chromium.json"), encoding="utf-8") as f:
            self.assertEqual(json.load(f), {"name": "mokhoa.host", "description": "Mokhoa", "path": wine.FOLDER + "mokhoa-host.exe", "type": "stdio",
                                            "allowed_origins": [f"chrome-extension://{x * 32}/" for x in "ab"]})
        with open(os.path.join(MANIFESTS, "firefox.json"), encoding="utf-8") as f:
            self.assertEqual(json.load(f)["allowed_extensions"], ["mokhoa@a.example", "mokhoa@b.example"])
        expected = {(RUN, "mokhoa-websocket"): text(f'"{wine.FOLDER}mokhoa-websocket.exe"')}
        for vendor in ("Google\\Chrome", "Chromium", "Microsoft\\Edge", "Mozilla"):
            manifest = text(wine.FOLDER + "manifests\\" + ("firefox.json" if vendor == "Mozilla" else "chromium.json"))
            expected.update({(head + vendor + "\\" + HOST, ""): manifest for head in (SOFTWARE, NODE)})
        for vendor in ("Google\\Chrome", "Chromium", "Microsoft\\Edge", "BraveSoftware\\Brave", "Vivaldi", "CocCoc\\Browser"):
            for number_, x in (("1", "a"), ("2", "b")):
                expected[POLICIES + vendor + "\\ExtensionInstallForcelist", number_] = text(f"{x * 32};https://{x}.example/u.xml")
                expected[POLICIES + vendor + "\\LoopbackNetworkAllowedForUrls", number_] = text(f"https://{x}.example")
        expected.update({(SKIP, "1"): text("a.example"), (SKIP, "2"): text("b.example")})
        found = {place: value for place, value in written.items() if value is not None and place not in before}
        value = found.pop((FIREFOX, "ExtensionSettings"))
        self.assertEqual(value[0], MULTI)
        self.assertEqual(value[1].decode("utf-16-le").count("\0"), 2)  # one line
        self.assertEqual(read_json(value), {f"mokhoa@{x}.example": {"installation_mode": "force_installed", "install_url": f"https://{x}.example/m.xpi"} for x in "ab"})
        self.assertEqual(found, expected)

    def test_policies_in_files_of_firefox(self):
        release, esr = FIREFOXES.values()
        self.put()
        state = firefoxes()
        put_policies(release, ExtensionSettings=BLOCKED, DisableTelemetry=True)
        registry(*orders_for(state))
        before = machine()
        self.setup("register")
        after, _ = machine()
        # the list of extensions goes where he has his, and into the other Firefox; the hosts, which nobody has in a file, into the registry
        self.assertNotIn((FIREFOX, "ExtensionSettings"), after)
        self.assertEqual(after[SKIP, "1"], text("a.example"))
        self.assertEqual(set(read_policies(release)["ExtensionSettings"]), {"*", "mokhoa@a.example"})
        self.assertEqual(set(read_policies(esr)["ExtensionSettings"]), {"mokhoa@a.example"})
        self.setup("status")
        self.setup("unregister")
        self.assertEqual(machine(), before)

    def test_policies_in_files_come_later(self):
        release, _ = FIREFOXES.values()
        self.put()
        registry(*orders_for(firefoxes()))
        self.setup("register")
        put_policies(release, ExtensionSettings=BLOCKED, LocalNetworkAccess={"SkipDomains": ["other.example"]})
        self.setup("status", status=3)
        self.setup("repair")
        after, _ = machine()
        self.assertFalse([place for place in after if place[0].startswith(FIREFOX)])
        self.assertEqual(read_policies(release)["LocalNetworkAccess"]["SkipDomains"], ["other.example", "a.example"])
        self.setup("status")
        # in the registry somebody has it now, and Firefox looks no further
        registry(*orders_for({(FIREFOX, "ExtensionSettings"): settings({"x@other.example": {}}), (SKIP, "1"): text("third.example")}))
        self.setup("repair")
        after, _ = machine()
        self.assertEqual(set(read_json(after[FIREFOX, "ExtensionSettings"])), {"x@other.example", "mokhoa@a.example"})
        self.assertEqual(after[SKIP, "2"], text("a.example"))
        self.assertEqual(read_policies(release), {"ExtensionSettings": BLOCKED, "LocalNetworkAccess": {"SkipDomains": ["other.example"]}})

    def test_files_that_are_not_the_administrators(self):
        release, _ = FIREFOXES.values()
        self.put()
        registry(*orders_for(firefoxes()))
        put_policies(release, ExtensionSettings=BLOCKED)
        os.chmod(os.path.join(PROGRAMS, release), 0o777)
        before = files()
        self.setup("register")
        self.assertEqual(before[policies_file(release)], files()[policies_file(release)])
        self.assertIn((FIREFOX, "ExtensionSettings"), machine()[0])
        self.setup("unregister")
        os.chmod(os.path.join(wine.INSTALLED, "mokhoa-host.exe"), 0o666)
        self.addCleanup(os.chmod, os.path.join(wine.INSTALLED, "mokhoa-host.exe"), 0o755)
        before = machine()
        self.assertIn("profile_unsafe", self.setup("register", status=1).stderr)
        self.assertEqual(machine(), before)

    def test_next_number(self):
        for state, numbers in (("a list with gaps", ["6"]), ("a list at its end", ["2"]), ("a list beyond its end", ["1"]), ("a list with names", ["2"]), ("a list that has it", [])):
            before, _ = self.put(STATES[state])
            self.setup("register")
            after, _ = machine()
            self.assertEqual([name for (key, name) in after if key == FORCED and (key, name) not in before], numbers, state)

    def test_settings_as_keys(self):
        self.put(STATES["Firefox, settings as keys"])
        self.setup("register")
        after, _ = machine()
        ours = FIREFOX + "\\ExtensionSettings\\mokhoa@a.example"
        self.assertEqual((after[ours, "installation_mode"], after[ours, "install_url"]), (text("force_installed"), text("https://a.example/m.xpi")))
        self.assertNotIn((FIREFOX, "ExtensionSettings"), after)

    def test_nothing_is_touched(self):
        for name, state in REFUSED.items():
            with self.subTest(state=name):
                before = self.put(state)
                self.assertIn("file_failed (6036)", self.setup("register", status=1).stderr)
                self.assertEqual(machine(), before)
        before = self.put(texts={"setup.json": "{}"})
        self.assertIn("file_failed (6036)", self.setup("register", status=1).stderr)
        self.assertEqual(machine(), before)

    def test_programs_that_are_not_there(self):
        before = machine()
        self.assertIn("file_missing", self.setup("register", "--programs", "C:\\Program Files", status=1).stderr)
        self.assertEqual(machine(), before)

    def test_usage_and_dry_run(self):
        before = machine()
        for args in ((), ("install",), ("register", "--profile", "a"), ("register", "--root", "C:\\x"), ("status", "--programs", "x")):
            self.setup(*args, status=2)
        self.setup("register", "--dry-run", status=3)
        self.setup("status", status=3)
        self.assertEqual(machine(), before)

    def test_two_authorities(self):
        before = self.put(STATES["a list with gaps"])
        self.setup("register")
        only_a = machine()
        self.put_profile("b")
        self.setup("status", status=3)
        self.setup("repair")
        self.setup("unregister", "--profile", "b")
        os.unlink(os.path.join(wine.INSTALLED, "profiles.d", "b.json"))
        registry_, files_ = machine()
        self.assertEqual(registry_, only_a[0])
        self.assertEqual(files_.keys(), only_a[1].keys())
        self.setup("status")
        self.setup("unregister")
        self.assertEqual(machine(), before)

    def test_another_vendor_comes_between(self):
        self.setup("register")
        his = {(FORCED, "2"): text(OTHER), (FIREFOX, "ExtensionSettings"): settings(BLOCKED), (SKIP, "1"): text("other.example"),
               (NODE + "Google\\Chrome\\" + HOST, ""): text("C:\\other.json")}
        registry(*orders_for(his))
        self.setup("status", status=3)
        self.setup("repair")
        after, _ = machine()
        self.assertEqual(set(read_json(after[FIREFOX, "ExtensionSettings"])), {"*", "mokhoa@a.example"})
        self.assertEqual([after[SKIP, n] for n in "12"], [text("other.example"), text("a.example")])
        self.setup("unregister")
        after, _ = machine()
        self.assertEqual(after[FORCED, "2"], text(OTHER))
        self.assertNotIn((FORCED, "1"), after)
        self.assertEqual(after[SKIP, "1"], text("other.example"))
        self.assertEqual(read_json(after[FIREFOX, "ExtensionSettings"]), BLOCKED)
        self.assertFalse([place for place in after if "mokhoa" in repr(place)])
        self.assertFalse(os.path.exists(LEDGER))

    def test_killed_at_each_change(self):
        state = {**STATES["a list with gaps"], **STATES["Firefox, settings in lines"]}
        before = self.put(state)
        self.setup("register")
        whole = machine()[0]
        self.setup("unregister")
        cut = 0
        for verb, step in (("register", 53), ("unregister", 67)):
            n = 1
            while True:
                if verb == "unregister":
                    self.setup("register")
                done = self.setup(verb, status=None, kill_at=n)
                if done.returncode == 0:
                    break
                self.assertEqual(done.returncode, 137)
                cut += 1
                self.setup("repair")
                self.assertEqual(machine()[0], whole, (verb, n))
                self.setup("unregister")
                self.assertEqual(machine(), before, (verb, n))
                n += step if n > 6 else 1
            self.setup("unregister")
        self.assertGreater(cut, 15)
        print(f"killed {cut} times")

    def test_the_host_answers_where_it_is_registered(self):
        self.setup("register")
        after, _ = machine()
        for key in (NODE + "Google\\Chrome\\" + HOST, SOFTWARE + "Microsoft\\Edge\\" + HOST, SOFTWARE + "Mozilla\\" + HOST):
            manifest = after[key, ""][1].decode("utf-16-le").rstrip("\0")
            with open(os.path.join(wine.DRIVE, *manifest.split("\\")[1:]), encoding="utf-8") as f:
                found = json.load(f)
            caller = (found.get("allowed_origins") or found["allowed_extensions"])[0]
            # Firefox names the manifest and the extension, and has no cmd.exe in between
            command = wine.command("chrome_launch", found["path"], caller) if "allowed_origins" in found else ["wine", found["path"], manifest, caller]
            pipe = Pipe(command)
            answer = json.loads(pipe.ask(json.dumps({"origin": "https://a.example", "message": {"jsonrpc": "2.0", "id": 1, "method": "hello", "params": {}}}).encode()))
            self.assertEqual(answer["message"]["result"]["transports"], ["native"], key)
            self.assertEqual(pipe.close(), (0, b""))


if __name__ == "__main__":
    unittest.main()
