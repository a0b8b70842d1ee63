#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The table of browsers and what write.py makes of it."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WRITE = os.path.join(ROOT, "manifests", "write.py")
CHROMIUM_ID, FIREFOX_ID = "abcdefghijklmnopabcdefghijklmnop", "mokhoa@ca.example"
BROWSERS = {"chrome", "chromium", "edge", "coccoc", "brave", "vivaldi", "opera", "firefox"}
SYSTEMS = {"linux", "macos", "windows"}


def table():
    with open(os.path.join(ROOT, "manifests", "browsers.json"), encoding="utf-8") as f:
        return json.load(f)["browsers"]


def extension_of(browser):
    return FIREFOX_ID if browser == "firefox" else CHROMIUM_ID


class Table(unittest.TestCase):
    def test_browsers_systems_and_columns(self):
        self.assertEqual(set(table()), BROWSERS)
        for browser, row in table().items():
            self.assertLessEqual(set(row), {"name", "template", "profile_host", "systems"})
            self.assertTrue(os.path.exists(os.path.join(ROOT, "manifests", row["template"])))
            self.assertEqual(set(row["systems"]), SYSTEMS - ({"linux"} if browser == "coccoc" else set()))
            for places in row["systems"].values():
                self.assertLessEqual({"host", "user_host", "known"}, set(places))
                self.assertLessEqual(set(places), {"host", "user_host", "policies", "extensions", "known"})

    def test_places_have_the_form_of_their_system(self):
        forms = {
            "linux": {"host": r"/[\w/.-]+\Z", "user_host": r"~/[\w/.-]+\Z", "policies": r"/etc/[\w/.-]+\Z", "extensions": r"/usr/share/[\w/-]+\Z"},
            "macos": {"host": r"/Library/[\w/. ]+\Z", "user_host": r"~/Library/[\w/. -]+\Z", "policies": r"[a-z]+\.[\w.]+\Z|/Library/Preferences/[\w.]+\Z",
                      "extensions": r"/Library/[\w/ ]+\Z"},
            "windows": {"host": r"HKLM\\SOFTWARE\\[\w\\]+\\NativeMessagingHosts\Z", "user_host": r"HKCU\\SOFTWARE\\[\w\\]+\\NativeMessagingHosts\Z",
                        "policies": r"HKLM\\SOFTWARE\\Policies\\[\w\\]+\Z", "extensions": r"HKLM\\SOFTWARE\\WOW6432Node\\[\w\\]+\\Extensions\Z"},
        }
        for browser, row in table().items():
            for system, places in row["systems"].items():
                self.assertIn(places["known"], ("measured", "documented", "unverified"))
                for column, form in forms[system].items():
                    if column in places:
                        self.assertRegex(places[column], form, f"{browser} {system} {column}")

    def test_readme_has_a_line_for_each_browser(self):
        with open(os.path.join(ROOT, "manifests", "README.md"), encoding="utf-8") as f:
            lines = f.read().splitlines()
        for browser, row in table().items():
            self.assertEqual(len([line for line in lines if line.startswith(f"| `{browser}` | {row['name']} |")]), 1, browser)

    def test_where_browsers_were_seen_to_look(self):
        self.assertEqual(table()["chromium"]["systems"]["linux"]["host"], "/etc/chromium/native-messaging-hosts")
        self.assertEqual(table()["firefox"]["systems"]["linux"]["host"], "/usr/lib/mozilla/native-messaging-hosts")


class Writer(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name

    def tearDown(self):
        self.folder.cleanup()

    def write(self, *arguments):
        done = subprocess.run([sys.executable, WRITE, *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.strip(), done.stderr

    def basic(self, browser, *more, host="/opt/mokhoa/bin/mokhoa-host", extension=None):
        return self.write("--browser", browser, "--host", host, "--extension", extension or extension_of(browser), *more)

    def test_every_row_that_is_a_folder(self):
        for browser, row in table().items():
            for system, places in row["systems"].items():
                status, path, said = self.basic(browser, "--system", system, "--root", self.root)
                if system == "windows":
                    self.assertEqual((status, path), (1, ""))
                    self.assertIn(places["host"], said)
                    continue
                self.assertEqual((status, path), (0, f"{self.root}{places['host']}/mokhoa.host.json"), said)
                with open(path, encoding="utf-8") as f:
                    made = json.load(f)
                who = {"allowed_extensions": [FIREFOX_ID]} if browser == "firefox" else {"allowed_origins": [f"chrome-extension://{CHROMIUM_ID}/"]}
                self.assertEqual(made, {"name": "mokhoa.host", "description": made["description"], "path": "/opt/mokhoa/bin/mokhoa-host", "type": "stdio", **who})
                self.assertEqual(os.stat(path).st_mode & 0o777, 0o644)
                self.assertEqual(os.listdir(os.path.dirname(path)), ["mokhoa.host.json"])  # no scrap of it

    def test_one_account_one_profile_one_folder(self):
        self.assertEqual(self.basic("firefox", "--user", self.root, "--system", "linux")[1], f"{self.root}/.mozilla/native-messaging-hosts/mokhoa.host.json")
        self.assertEqual(self.basic("chromium", "--profile", self.root)[1], f"{self.root}/NativeMessagingHosts/mokhoa.host.json")
        self.assertEqual(self.basic("firefox", "--profile", self.root)[0], 1)
        self.assertEqual(self.basic("edge", "--system", "windows", "--folder", self.root, host="C:\\Mokhoa\\mokhoa-host.exe")[1], f"{self.root}/mokhoa.host.json")

    def test_several_extensions_and_paths_with_odd_characters(self):
        other = "p" * 32
        host = '/opt/mở "khóa"\\@NAME@/mokhoa-host'
        _, path, _ = self.basic("edge", "--extension", other, "--system", "linux", "--root", self.root, host=host)
        with open(path, encoding="utf-8") as f:
            made = json.load(f)
        self.assertEqual((made["path"], made["allowed_origins"]), (host, [f"chrome-extension://{e}/" for e in (CHROMIUM_ID, other)]))

    def test_what_no_browser_would_read_is_not_written(self):
        for browser, extension in (("chromium", FIREFOX_ID), ("chromium", CHROMIUM_ID[:-1]), ("chromium", "z" * 32), ("chromium", CHROMIUM_ID + "\n"),
                                   ("chromium", "*"), ("firefox", CHROMIUM_ID), ("firefox", "a@b c")):
            status, path, said = self.basic(browser, "--root", self.root, extension=extension)
            self.assertEqual((status, path), (1, ""), extension)
            self.assertRegex(said, "no extension of this browser")
        self.assertEqual(self.basic("chrome", "--root", self.root, host="bin/mokhoa-host")[0], 1)
        self.assertEqual(os.listdir(self.root), [])

    def test_name_is_the_one_that_the_extension_calls(self):
        with open(os.path.join(ROOT, "webext", "build.py"), encoding="utf-8") as f:
            called = re.search(r'^HOST = "(.+)"$', f.read(), re.M).group(1)
        _, path, _ = self.basic("chromium", "--root", self.root)
        self.assertEqual(os.path.basename(path), called + ".json")


if __name__ == "__main__":
    unittest.main()
