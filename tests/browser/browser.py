# SPDX-License-Identifier: Apache-2.0
"""A real browser with the extension in it, and the pages it is shown.

Site serves pages on loopback; Extension is what webext/build.py made for the site's origin; Browser is Chromium or Firefox with a profile of its own, driven
through driver.mjs. What the browser starts as the host is a script here that counts its starts and then becomes the program that the test wants.
"""
import contextlib
import glob
import http.server
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXTENSIONS_OFF = ("--disable-extensions", "--disable-default-apps", "--disable-background-networking")  # what the driver's library tells Chromium
PROGRAMS = {"chromium": "/usr/lib/chromium/chromium", "firefox": "/usr/lib/firefox-esr/firefox-esr"}


def node(modules):
    """The Node that npm brought."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "none")
    found = os.path.join(modules, "node_modules", "node-linux-" + machine, "bin", "node")
    return found if os.access(found, os.X_OK) else None


def install(modules, source=HERE):
    """What package-lock.json of source says, into this folder of the build; nothing where it is there already."""
    os.makedirs(modules, exist_ok=True)
    with open(os.path.join(source, "package-lock.json"), "rb") as f:
        lock = f.read()
    done = os.path.join(modules, "installed.json")
    if os.path.exists(done):
        with open(done, "rb") as f:
            if f.read() == lock:
                return None
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(os.path.join(source, name), modules)
    try:
        ran = subprocess.run(["npm", "ci"], cwd=modules, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    except FileNotFoundError:
        return "npm is missing: apt-get install npm"
    if ran.returncode != 0:
        return "npm ci: " + ran.stdout
    with open(done, "wb") as f:
        f.write(lock)
    return None


# ---- pages ----

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802 (the library's name)
        path = self.path.split("?")[0]
        body, kind = b'<!doctype html><meta charset="utf-8"><title>page</title><script src="/page.js"></script>', "text/html"
        if path == "/page.js":
            body, kind = self.server.script, "text/javascript"
        self.send_response(200)
        self.send_header("Content-Type", kind + "; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if path == "/sandboxed":
            self.send_header("Content-Security-Policy", "sandbox allow-scripts")
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            pass  # the browser has gone elsewhere meanwhile

    def log_message(self, *_):
        pass


class Site:
    """The same pages under several origins: portal is the extension's, the others are not."""

    def __init__(self):
        self.servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
        for server in self.servers:
            server.script = b""
            threading.Thread(target=server.serve_forever, daemon=True).start()
        portal, other = (server.server_address[1] for server in self.servers)
        self.portal, self.foreign, self.address = f"http://localhost:{portal}", f"http://localhost:{other}", f"http://127.0.0.1:{portal}"

    def set_extension(self, chromium_id):
        with open(os.path.join(HERE, "site", "page.js"), encoding="utf-8") as f:
            script = f.read().replace("@EXTENSION@", chromium_id).encode()
        for server in self.servers:
            server.script = script

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()


# ---- the extension ----

def extension(folder, origins):
    """What build.py has made, with a key of its own."""
    key = os.path.join(folder, "key.pem")
    if not os.path.exists(key):
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key], check=True, stderr=subprocess.DEVNULL)
    command = [sys.executable, os.path.join(ROOT, "webext", "build.py"), "--key", key, "--out", os.path.join(folder, "webext")]
    for origin in origins:
        command += ["--origin", origin]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def write_updates(path, chromium_id, crx, version):
    """The update manifest by which Chromium fetches an extension that it is forced to have."""
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'<?xml version="1.0"?><gupdate xmlns="http://www.google.com/update2/response" protocol="2.0"><app appid="{chromium_id}">'
                f'<updatecheck codebase="file://{crx}" version="{version}"/></app></gupdate>')


class HostScript:
    """The program that a browser is told to start: counts, and becomes what was chosen last."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.path, self.starts_path, self.log = (os.path.join(folder, name) for name in ("host", "starts", "host.log"))
        self.use("/bin/false")

    def use(self, *command):
        words = " ".join("'" + word.replace("'", "'\\''") + "'" for word in command)
        with open(self.path + ".new", "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\necho $$ >>'{self.starts_path}'\nexec {words} \"$@\" 2>>'{self.log}'\n")
        os.chmod(self.path + ".new", 0o755)
        os.replace(self.path + ".new", self.path)

    def pids(self):
        if not os.path.exists(self.starts_path):
            return []
        with open(self.starts_path, encoding="utf-8") as f:
            return [int(line) for line in f]

    def alive(self):
        """Those of our starts that still run."""
        found = []
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                    if f.read().rsplit(")", 1)[1].split()[0] != "Z":
                        found.append(pid)
            except OSError:
                pass
        return found

    def kill(self):
        for pid in self.alive():
            os.kill(pid, signal.SIGKILL)


# ---- the browser ----

class Failed(Exception):
    """The browser could not do what it was told."""


class Browser:
    """ca is the file of an authority that this browser trusts beside those it knows; display: the screen on which its windows are, or none. What the machine's
    policies force comes where Chromium is not told otherwise: ignored=EXTENSIONS_OFF."""

    def __init__(self, name, folder, modules, made, home, ca=None, display=None, **options):
        self.name, self.made, self.home = name, made, home
        self.profile = os.path.join(folder, "profile")
        os.makedirs(self.profile)
        self.answers, self.last = {}, 0
        env = dict(os.environ, HOME=home, MOZ_CRASHREPORTER_DISABLE="1", **({"DISPLAY": display} if display else {}))
        self.process = subprocess.Popen([node(modules), os.path.join(HERE, "driver.mjs"), modules], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, encoding="utf-8", env=env)
        if ca:
            trust(self.profile if name == "firefox" else os.path.join(home, ".pki", "nssdb"), ca)
        prepare = self._firefox if name == "firefox" else self._chromium
        self.options = {**prepare(**options), "headless": display is None}
        self.version = self.start()

    def start(self):
        """The browser, with the profile as it is; also after kill()."""
        return self.do("start", browser=self.name, executablePath=PROGRAMS[self.name], profile=self.profile, **self.options)

    def kill(self):
        """The browser's own process, by SIGKILL: no page is asked, no file closed."""
        found = pids_of(PROGRAMS[self.name], self.profile)
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        wait_for("the end of the browser", 20, lambda: not pids_of(PROGRAMS[self.name], self.profile))
        return len(found)

    def _chromium(self, packed=False, ignored=(), extension=True, args=()):
        os.makedirs(os.path.join(self.profile, "Default"))
        # without developer mode an unpacked extension that reloads itself is switched off
        with open(os.path.join(self.profile, "Default", "Preferences"), "w", encoding="utf-8") as f:
            json.dump({"extensions": {"ui": {"developer_mode": True}}}, f)
        if not extension:
            return {"args": list(args), "ignoreDefaultArgs": list(ignored)}
        if packed:
            os.makedirs(os.path.join(self.profile, "External Extensions"))
            with open(os.path.join(self.profile, "External Extensions", self.made["chromium_id"] + ".json"), "w", encoding="utf-8") as f:
                json.dump({"external_crx": self.made["crx"], "external_version": self.made["version"]}, f)
            return {"ignoreDefaultArgs": ["--disable-extensions", "--disable-default-apps", *ignored]}
        return {"args": ["--load-extension=" + self.made["chromium"], "--disable-extensions-except=" + self.made["chromium"], *args],
                "ignoreDefaultArgs": list(ignored)}

    def _firefox(self, prefs=None, extension=True):
        folder = os.path.join(self.profile, "extensions")
        os.makedirs(folder)
        if extension:
            shutil.copy(self.made["xpi"], os.path.join(folder, self.made["firefox_id"] + ".xpi"))
        return {"channel": "moz-firefox", "firefoxUserPrefs": {"extensions.autoDisableScopes": 0, "xpinstall.signatures.required": False, **(prefs or {})}}

    # ---- the line to the driver ----

    def begin(self, order, **arguments):
        self.last += 1
        self.process.stdin.write(json.dumps({"n": self.last, "do": order, **arguments}) + "\n")
        self.process.stdin.flush()
        return self.last

    def finish(self, number):
        while number not in self.answers:
            line = self.process.stdout.readline()
            if not line:
                raise Failed("the driver has ended")
            answer = json.loads(line)
            self.answers[answer["n"]] = answer
        answer = self.answers.pop(number)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer["value"]

    def do(self, order, **arguments):
        return self.finish(self.begin(order, **arguments))

    def open(self, page, url, frame=None):
        self.do("open", page=page, url=url, **({"frame": frame} if frame else {}))

    def run(self, script, page="a"):
        return self.do("evaluate", page=page, script=script)

    def start_call(self, method, params=None, page="a", number=1, ms=120_000):
        arguments = ", ".join(json.dumps(a) for a in (method, params or {}, number, ms))
        return self.begin("evaluate", page=page, script=f"return mokhoa.call({arguments});")

    def call(self, method, params=None, **options):
        return self.finish(self.start_call(method, params, **options))

    def close(self):
        try:
            self.process.stdin.close()
            self.process.wait(20)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    # ---- the host, as this browser finds it ----

    def set_host(self, path, extension_id=None):
        """Writes the native manifest; another id than the extension's is a host that does not accept it."""
        own = self.made["firefox_id" if self.name == "firefox" else "chromium_id"]
        where = ["--user", self.home] if self.name == "firefox" else ["--profile", self.profile]
        subprocess.run([sys.executable, os.path.join(ROOT, "manifests", "write.py"), "--browser", self.name, "--host", path, "--extension", extension_id or own,
                        *where], check=True, stdout=subprocess.DEVNULL)

    def no_host(self):
        for path in glob.glob(os.path.join(self.profile, "NativeMessagingHosts", "*.json")) + \
                glob.glob(os.path.join(self.home, ".mozilla", "native-messaging-hosts", "*.json")):
            os.unlink(path)


@contextlib.contextmanager
def policies(name, rules):
    """While a browser is started in it, the machine's administrator says this; on a stage, whose mounts are its own."""
    root, path = {"chromium": ("/etc/chromium", "policies/managed/mokhoa.json"),
                  "firefox": (os.path.realpath("/usr/lib/firefox-esr/distribution"), "policies.json")}[name]
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", root], check=True)
    try:
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as f:
            json.dump({"policies": rules} if name == "firefox" else rules, f)
        yield
    finally:
        subprocess.run(["umount", "-l", root], check=True)


def trust(folder, ca):
    """Adds an authority to the certificates of a profile."""
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(os.path.join(folder, "cert9.db")):
        subprocess.run(["certutil", "-N", "--empty-password", "-d", "sql:" + folder], check=True)
    subprocess.run(["certutil", "-A", "-n", "test", "-t", "C,,", "-i", ca, "-d", "sql:" + folder], check=True)


def pids_of(program, profile):
    """Main processes of a browser with this profile; its children name their kind."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                words = f.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        if words[0] == program and any(word == profile or word.endswith("=" + profile) for word in words) and \
                not any(word.startswith("--type=") or word == "-contentproc" for word in words):
            found.append(int(path.split("/")[2]))
    return found


def wait_for(what, seconds, ask):
    """The first true answer; the test's own failure after that time."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.1)


if __name__ == "__main__":
    # browser.py install FOLDER: what driver and tests need of npm
    fault = install(sys.argv[2]) if sys.argv[1:2] == ["install"] and len(sys.argv) == 3 else __doc__
    sys.exit(fault)
