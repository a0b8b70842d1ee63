#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Chromium with nothing but what mokhoa-setup has written for everybody on the machine: it installs the extension without a question, beside another vendor's, and the extension reaches
the host. What mokhoa-setup relies on besides: of one list in several policy files Chromium takes the last file's, by name. On a stage, as root."""
import base64
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import browser

HERE = pathlib.Path(__file__).resolve().parent
STAGE = HERE.parent / "stage"
BIN = pathlib.Path(os.environ.get("MOKHOA_BIN", ""))
CHROMIUM = os.environ.get("CHROMIUM", "/usr/lib/chromium/chromium")
ROOT = pathlib.Path("/etc/mokhoa/root")
POLICIES = ROOT / "etc/chromium/policies/managed"
PAGE = "https://portal.mokhoa.test"
OTHER = "ponmlkjihgfedcbaponmlkjihgfedcba;http://127.0.0.1:1/u.xml"
PATIENCE_S = 60

# asks the host once, and tells the test what it heard
WORKER = """
const port = chrome.runtime.connectNative("mokhoa.host");
const tell = (heard) => fetch("http://127.0.0.1:@PORT@/heard", { method: "POST", body: JSON.stringify(heard) });
port.onMessage.addListener(tell);
port.onDisconnect.addListener(() => tell({ disconnected: chrome.runtime.lastError?.message ?? "" }));
port.postMessage({ origin: "@PAGE@", message: { jsonrpc: "2.0", id: 1, method: "hello", params: {} } });
"""


def skip(why):
    print("test_installed.py: " + why, file=sys.stderr)
    sys.exit(77)


class Site(http.server.ThreadingHTTPServer):
    """Serves a folder, and keeps what is posted."""

    daemon_threads = True

    def __init__(self, folder):
        self.heard = []
        site = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=folder)

            def do_POST(self):
                site.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def extension_id(pem):
    """That of the key with which it was packed."""
    der = subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    return "".join(chr(ord("a") + int(digit, 16)) for digit in hashlib.sha256(der).hexdigest()[:32])


class Installed(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mokhoa-installed."))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        shutil.rmtree(ROOT, ignore_errors=True)
        POLICIES.mkdir(parents=True)
        (ROOT / "var/lib").mkdir(parents=True)
        self.site = Site(str(self.folder))
        self.addCleanup(self.site.shutdown)
        self.port = self.site.server_address[1]
        os.makedirs("/etc/chromium", exist_ok=True)
        subprocess.run(["mount", "--bind", ROOT / "etc/chromium", "/etc/chromium"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc/chromium"], check=True)

    def chromium(self, *arguments, name="user", **options):
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={self.folder / name}", *arguments]
        return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, **options)

    def shows(self, path):
        with self.chromium("--dump-dom", f"http://127.0.0.1:{self.port}/{path}", stdout=subprocess.PIPE) as process:
            return process.communicate(timeout=PATIENCE_S)[0]

    def test_the_last_file_of_a_list_counts(self):
        for name in ("a", "m", "z"):
            (self.folder / f"{name}.html").write_text(f"<p>page {name}</p>")
            (POLICIES / f"{name}.json").write_text(json.dumps({"URLBlocklist": [f"127.0.0.1/{name}.html"]}))
        self.assertEqual([f"page {name}" in self.shows(name + ".html") for name in ("a", "m", "z")], [True, True, False])

    def pack(self):
        """The id of an extension that lies in the folder with its update manifest."""
        source = self.folder / "extension"
        source.mkdir()
        (source / "manifest.json").write_text(json.dumps({"manifest_version": 3, "name": "test", "version": "1.0.0", "permissions": ["nativeMessaging"],
                                                          "host_permissions": ["http://127.0.0.1/*"], "background": {"service_worker": "worker.js"}}))
        (source / "worker.js").write_text(WORKER.replace("@PORT@", str(self.port)).replace("@PAGE@", PAGE))
        with self.chromium(f"--pack-extension={source}", name="packer", stdout=subprocess.DEVNULL) as process:
            process.wait(PATIENCE_S)
        found = extension_id(self.folder / "extension.pem")
        browser.write_updates(self.folder / "update.xml", found, self.folder / "extension.crx", "1.0.0")
        return found

    def test_host_and_extension_by_policy_alone(self):
        extension = f"chrome-extension://{self.pack()}/"
        profile = json.dumps({
            "tms": "https://tms.mokhoa.test", "tls": "system", "tms_keys": [base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")], "origins": [PAGE], "extensions": [extension],
            "modules": [{"name": "none", "path": "/usr/lib/none.so"}], "prompt": "/usr/bin/pinentry", "hotline": "1900 0000", "languages": ["vi"],
            "install": {"extensions": [{"id": extension, "update_url": f"file://{self.folder}/update.xml"}], "loopback": True}})
        for root in (ROOT, pathlib.Path("/")):
            (root / "etc/mokhoa/profiles.d").mkdir(parents=True, exist_ok=True)
            (root / "etc/mokhoa/profiles.d/test.json").write_text(profile)
        (POLICIES / "other.json").write_text(json.dumps({"ExtensionInstallForcelist": [OTHER]}))
        subprocess.run([BIN / "mokhoa-setup", "register", "--root", ROOT, "--programs", BIN], check=True, stdout=subprocess.DEVNULL, timeout=60)
        with self.chromium("about:blank", "--remote-debugging-port=0", stdout=subprocess.DEVNULL) as process:
            end = time.monotonic() + PATIENCE_S
            while not self.site.heard and time.monotonic() < end and process.poll() is None:
                time.sleep(0.1)
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            process.wait(PATIENCE_S)
        self.assertTrue(self.site.heard, "the extension was not installed, or has said nothing")
        self.assertEqual(self.site.heard[0].get("message", {}).get("result", {}).get("name"), "mokhoa", self.site.heard)


if __name__ == "__main__":
    if not os.access(CHROMIUM, os.X_OK):
        skip("chromium is missing: apt-get install --no-install-recommends chromium")
    if os.geteuid() != 0:
        skip("what is for everybody on a machine is root's to write")
    if os.environ.get("MOKHOA_STAGE") != "1":
        os.execvp("sh", ["sh", str(STAGE / "enter.sh"), sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]])
    unittest.main()
