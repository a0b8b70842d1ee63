#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What webext/build.py makes: the same bytes from the same input, a crx whose id and signature hold, the least permissions, the portal's origins only."""
import hashlib
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "webext", "build.py")
PORTAL, LOCAL = "https://portal.ca.example", "http://localhost:8080"


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def varint(data, at):
    value = shift = 0
    while True:
        byte, at = data[at], at + 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def message(data):
    """The fields of a protocol buffer that has only fields of bytes."""
    at, found = 0, {}
    while at < len(data):
        key, at = varint(data, at)
        length, at = varint(data, at)
        assert key & 7 == 2
        found[key >> 3] = data[at:at + length]
        at += length
    assert at == len(data)
    return found


class Build(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.key = cls.new_key("key")
        cls.made = cls.build("first")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def new_key(cls, name):
        path = os.path.join(cls.folder.name, name + ".pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path], check=True, stderr=subprocess.DEVNULL)
        return path

    @classmethod
    def run_build(cls, name, *more, origins=(PORTAL, LOCAL), env=None):
        command = [sys.executable, BUILD, "--out", os.path.join(cls.folder.name, name), *more]
        for origin in origins:
            command += ["--origin", origin]
        return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(env or {})}, check=False)

    @classmethod
    def build(cls, name, *more, **options):
        done = cls.run_build(name, *(more or ("--key", cls.key)), **options)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return json.loads(done.stdout)

    def manifest(self, browser, made=None):
        with open(os.path.join((made or self.made)[browser], "manifest.json"), encoding="utf-8") as f:
            return json.load(f)

    # ---- packages ----

    def test_same_input_same_bytes(self):
        os.umask(0o077)
        try:
            again = self.build("second", env={"TZ": "Asia/Ho_Chi_Minh", "LC_ALL": "C", "PYTHONHASHSEED": "1"})
        finally:
            os.umask(0o022)
        for package in ("zip", "xpi", "crx"):
            self.assertEqual(digest(again[package]), digest(self.made[package]), package)
        other = self.build("third", "--key", self.key, "--version", "9.9.9")
        for package in ("zip", "xpi", "crx"):
            self.assertNotEqual(digest(other[package]), digest(self.made[package]), package)

    def test_same_source_elsewhere_same_bytes(self):
        """Another folder, other times of files, another order in which the folder's files were made."""
        tree = os.path.join(self.folder.name, "a tree elsewhere")
        for name in ("protocol", "portal", "manifests", "base", "webext"):
            shutil.copytree(os.path.join(ROOT, name), os.path.join(tree, name), copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        shutil.copyfile(os.path.join(ROOT, "CMakeLists.txt"), os.path.join(tree, "CMakeLists.txt"))
        out = os.path.join(self.folder.name, "elsewhere")
        done = subprocess.run([sys.executable, os.path.join(tree, "webext", "build.py"), "--out", out, "--key", self.key, "--origin", PORTAL, "--origin", LOCAL],
                              capture_output=True, text=True, check=False, cwd="/")
        self.assertEqual(done.returncode, 0, done.stderr)
        elsewhere = json.loads(done.stdout)
        for made in ("zip", "xpi", "crx", "sums"):
            self.assertEqual(digest(elsewhere[made]), digest(self.made[made]), made)

    def test_the_sums_are_those_of_the_packages(self):
        for made, count in ((self.made, 3), (self.build("unsigned", "--version", "1.0"), 2)):
            checked = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=os.path.dirname(made["sums"]), capture_output=True, text=True, check=False)
            self.assertEqual((checked.returncode, checked.stdout.count(": OK\n")), (0, count), checked.stdout + checked.stderr)
        with open(self.made["xpi"], "ab") as f:
            f.write(b"x")
        try:
            checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=os.path.dirname(self.made["sums"]), capture_output=True, text=True, check=False)
            self.assertIn("mokhoa-firefox.xpi: FAILED", checked.stdout)
        finally:
            with open(self.made["xpi"], "r+b") as f:
                f.truncate(os.path.getsize(self.made["xpi"]) - 1)

    def test_packages_have_the_files_of_their_folder(self):
        for browser, package in (("chromium", "zip"), ("firefox", "xpi")):
            with zipfile.ZipFile(self.made[package]) as archive:
                self.assertIsNone(archive.testzip())
                self.assertEqual(archive.namelist(), sorted(archive.namelist()))
                for name in archive.namelist():
                    with open(os.path.join(self.made[browser], name), "rb") as f:
                        inside, beside = archive.read(name), f.read()
                    if (browser, name) == ("chromium", "manifest.json"):  # a store gives its own key
                        inside, beside = json.loads(inside), {k: v for k, v in json.loads(beside).items() if k != "key"}
                    self.assertEqual(inside, beside, name)
                count = sum(len(files) for _, _, files in os.walk(self.made[browser]))
                self.assertEqual(count, len(archive.namelist()))

    def test_icons_are_pictures_of_the_mark(self):
        for browser in ("chromium", "firefox"):
            manifest = self.manifest(browser)
            self.assertEqual(manifest["icons"], manifest["action"]["default_icon"])
            self.assertEqual(sorted(manifest["icons"], key=int), ["16", "32", "48", "128"])
            for size, name in manifest["icons"].items():
                with open(os.path.join(self.made[browser], name), "rb") as f:
                    data = f.read()
                self.assertEqual((data[:8], struct.unpack(">II", data[16:24])), (b"\x89PNG\r\n\x1a\n", (int(size),) * 2))
                length = struct.unpack(">I", data[33:37])[0]
                rows = zlib.decompress(data[41:41 + length])

                def pixel(x, y, n=int(size), rows=rows):
                    at = int(y * n) * (1 + 4 * n) + 1 + 4 * int(x * n)
                    return tuple(rows[at:at + 4])

                self.assertEqual(pixel(0, 0)[3], 0)  # outside of the round corner
                self.assertEqual(pixel(0.5, 0.06), (10, 82, 153, 255))  # the blue above the lock
                self.assertEqual(pixel(0.32, 0.7), (255, 255, 255, 255))  # the lock's body

    def test_a_mark_that_is_not_understood_is_refused(self):
        sys.path.insert(0, os.path.join(ROOT, "webext"))
        import icons
        for inner in ('<ellipse rx="1" ry="2" fill="#fff"/>', '<path d="M1 1c1 1 1 1 1 1" fill="none" stroke="#fff" stroke-linecap="round" stroke-width="1"/>'):
            mark = os.path.join(self.folder.name, "mark.svg")
            with open(mark, "w", encoding="utf-8") as f:
                f.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">{inner}</svg>')
            with self.assertRaises(icons.NotUnderstood):
                icons.icons(mark)

    def test_crx_is_signed_by_its_key_and_has_its_id(self):
        with open(self.made["crx"], "rb") as f:
            data = f.read()
        magic, version, length = struct.unpack("<4sII", data[:12])
        self.assertEqual((magic, version), (b"Cr24", 3))
        header, archive = message(data[12:12 + length]), data[12 + length:]
        proof, signed = message(header[2]), header[10000]
        identity = hashlib.sha256(proof[1]).digest()[:16]
        self.assertEqual(message(signed)[1], identity)
        self.assertEqual(self.made["chromium_id"], "".join(chr(ord("a") + int(c, 16)) for c in identity.hex()))
        with open(self.made["zip"], "rb") as f:
            self.assertEqual(archive, f.read())
        zipfile.ZipFile(io.BytesIO(archive)).testzip()

        def verified(payload):
            paths = [os.path.join(self.folder.name, name) for name in ("crx.pub", "crx.sig")]
            for path, content in zip(paths, (proof[1], proof[2])):
                with open(path, "wb") as f:
                    f.write(content)
            done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", paths[0], "-keyform", "DER", "-signature", paths[1]], input=payload, capture_output=True,
                                  check=False)
            return done.returncode == 0

        payload = b"CRX3 SignedData\0" + struct.pack("<I", len(signed)) + signed + archive
        self.assertTrue(verified(payload))
        self.assertFalse(verified(payload[:-1] + bytes([payload[-1] ^ 1])))

    def test_another_key_is_another_extension(self):
        other = self.build("other-key", "--key", self.new_key("other"))
        self.assertNotEqual(other["chromium_id"], self.made["chromium_id"])
        self.assertEqual(digest(other["zip"]), digest(self.made["zip"]))

    def test_without_a_key(self):
        made = self.build("keyless", "--version", "1.2.3")
        self.assertNotIn("crx", made)
        self.assertNotIn("key", self.manifest("chromium", made))
        self.assertEqual(self.manifest("firefox", made)["version"], "1.2.3")

    # ---- what it may ----

    def test_least_permissions(self):
        for browser in ("chromium", "firefox"):
            made = self.manifest(browser)
            self.assertEqual(made["manifest_version"], 3)
            self.assertEqual(made["permissions"], ["nativeMessaging"])
            for key in ("host_permissions", "optional_permissions", "optional_host_permissions", "web_accessible_resources", "content_security_policy"):
                self.assertNotIn(key, made)
        self.assertEqual(self.manifest("chromium")["externally_connectable"], {"matches": [PORTAL + "/*", LOCAL + "/*"]})
        self.assertNotIn("content_scripts", self.manifest("chromium"))
        self.assertFalse(os.path.exists(os.path.join(self.made["chromium"], "bridge.js")))
        self.assertEqual([s["matches"] for s in self.manifest("firefox")["content_scripts"]], [[PORTAL + "/*", "http://localhost/*"]])
        self.assertNotIn("externally_connectable", self.manifest("firefox"))

    def test_only_origins_as_browsers_write_them(self):
        for origin in ("https://*", "https://*.ca.example", "https://ca.example/", "https://ca.example/x", "https://CA.example", "https://ca.example:443", "http://ca.example",
                       "http://localhost:80", "https://ca.example:0", "https://ca.example:65536", "https://a@ca.example", "null", "", "file://", "https://ca.example\n",
                       "https://-ca.example", "https://ca..example"):
            done = self.run_build("refused", origins=(origin,))
            self.assertEqual(done.returncode, 1, origin)
            self.assertIn("origin", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.folder.name, "refused")))
        self.assertEqual(self.run_build("twice", origins=(PORTAL, PORTAL)).returncode, 1)
        for origin in ("https://ca.example:65535", "http://localhost", "https://192.0.2.1", "https://a"):
            self.assertEqual(self.run_build("taken", origins=(origin,)).returncode, 0, origin)

    def test_only_versions_that_browsers_take(self):
        for version in ("1", "1.2.3.4", "0.1.0"):
            self.assertEqual(self.run_build("version", "--version", version).returncode, 0, version)
        for version in ("1.2.3.4.5", "01.2", "1.2-rc1", "", "v1", "123456"):
            self.assertEqual(self.run_build("version", "--version", version).returncode, 1, version)

    # ---- what it says ----

    def test_settings_are_those_of_the_lists(self):
        for browser in ("chromium", "firefox"):
            with open(os.path.join(self.made[browser], "settings.js"), encoding="utf-8") as f:
                found = {name: json.loads(value) for name, value in re.findall(r"^export const (\w+) = (.*);$", f.read(), re.M)}
            self.assertEqual(found["ORIGINS"], [PORTAL, LOCAL])
            self.assertEqual(found["FIREFOX"], browser == "firefox")
            with open(os.path.join(ROOT, "protocol", "op.def"), encoding="utf-8") as f:
                operations = re.findall(r'^OP\(\w+, "([^"]+)", [^,]*OP_PAGE[^,]*, (\d+)\)', f.read(), re.M)
            self.assertEqual(found["DEADLINES"], {name: int(seconds) for name, seconds in operations})
            for name, error in found["ERRORS"].items():
                for part in ("message", "hint"):
                    self.assertEqual(set(error[part]), {"vi", "en"}, name)
                    self.assertNotEqual(error[part]["vi"], error[part]["en"], name)

    def test_own_errors_are_in_the_readme_and_in_no_list_of_the_host(self):
        with open(os.path.join(ROOT, "webext", "causes.json"), encoding="utf-8") as f:
            causes = json.load(f)
        with open(os.path.join(ROOT, "webext", "README.md"), encoding="utf-8") as f:
            rows = dict(re.findall(r"^\| `(host_\w+)` \| (\d+) \|", f.read(), re.M))
        self.assertEqual({name: int(code) for name, code in rows.items()}, causes)
        with open(os.path.join(ROOT, "base", "err.def"), encoding="utf-8") as f:
            listed = f.read()
        for name, code in causes.items():
            self.assertNotIn(f'"{name}"', listed)
            self.assertNotRegex(listed, rf"^ERR\(\w+, {code},")

    def test_every_text_is_used_and_every_used_text_is_there(self):
        with open(os.path.join(ROOT, "webext", "texts", "vi.json"), encoding="utf-8") as f:
            words = json.load(f)
        with open(os.path.join(ROOT, "webext", "src", "popup.html"), encoding="utf-8") as f:
            used = set(re.findall(r'data-text="(\w+)"', f.read()))
        self.assertEqual(used | {"unchecked", "checking", "answers"}, set(words["popup"]))
        with open(os.path.join(ROOT, "webext", "causes.json"), encoding="utf-8") as f:
            self.assertEqual(set(words["errors"]), set(json.load(f)))


if __name__ == "__main__":
    unittest.main()
