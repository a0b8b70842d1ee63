# SPDX-License-Identifier: Apache-2.0
"""What a test of the worker stands on: a stage, a profile, a server that does what it is told (fake_tms), a token that does (mock_p11), a
person who does (pinentry), and mokhoa-worker itself, driven by frames as the host does."""

import base64
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../../../.."))
sys.path[:0] = [os.path.join(HERE, "../../tms/tests"), os.path.join(ROOT, "tests/check")]

import jsonschema  # noqa: E402 (Debian's python3-jsonschema)

import fake_tms  # noqa: E402
from fake_tms import wire  # noqa: E402

BIN = os.environ.get("MOKHOA_BIN", "")
ORIGIN = "https://portal.mokhoa.test"
# a token of this run alone: its lock holds for the whole machine, where others may be testing
SERIAL = "W" + os.urandom(6).hex()
TOKEN = {"manufacturer": "Mokhoa tests", "model": "Mock", "serial": SERIAL}
SO_PIN, NEXT_SO_PIN, WRONG_SO_PIN = "87654321", "13572468", "40506070"
PIN, NEW_PIN = "1234", "739102"


with open(os.path.join(ROOT, "protocol/host.schema.json"), encoding="utf-8") as schema_file:
    SCHEMA = json.load(schema_file)


def check(name, value):
    """What the worker says is what the schema says that a page gets."""
    jsonschema.validate(value, {**SCHEMA, "oneOf": [{"$ref": "#/$defs/" + name}]})


def enter_stage():
    """Runs this program again on a stage, where /etc/mokhoa is the test's own."""
    if os.environ.get("MOKHOA_STAGE") == "1":
        return
    if os.geteuid() != 0:
        print("the worker trusts only files of root, and a stage of another user has none", file=sys.stderr)
        sys.exit(77)
    enter = os.path.join(ROOT, "tests/stage/enter.sh")
    os.execvp("sh", ["sh", enter, sys.executable, os.path.abspath(sys.argv[0])] + sys.argv[1:])


class Worker:
    """One mokhoa-worker with its order; frames() gives what it says, answer() the last of it."""

    def __init__(self, stage, op, params, profile="demo", origin=ORIGIN):
        self.stage = stage
        self.log = open(os.path.join(stage.folder, "worker.log"), "ab")
        self.process = subprocess.Popen([os.path.join(BIN, "mokhoa-worker")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                        env=stage.environment)
        self.op = op
        self.notifications = []
        self.send({"op": op, "profile": profile, "origin": origin, "params": params})

    def send(self, order):
        text = order if isinstance(order, bytes) else json.dumps(order).encode()
        self.process.stdin.write(struct.pack("=I", len(text)) + text)
        self.process.stdin.close()

    def frame(self):
        head = self.process.stdout.read(4)
        if len(head) < 4:
            return None
        frame = json.loads(self.process.stdout.read(struct.unpack("=I", head)[0]))
        if "notification" in frame:
            check(frame["notification"] + ".params", frame["params"])
        elif "result" in frame:
            check(self.op + ".result", frame["result"])
        else:
            check("error", frame["error"])
        return frame

    def until(self, stage):
        """Reads until the worker enters this stage of an unlock."""
        while True:
            frame = self.frame()
            if frame is None or "notification" not in frame:
                raise AssertionError(f"{stage} was not entered, but {frame}")
            self.notifications.append(frame)
            if frame["params"].get("stage") == stage:
                return

    def answer(self):
        frame = self.frame()
        while frame is not None and "notification" in frame:
            self.notifications.append(frame)
            frame = self.frame()
        self.close()
        return frame

    def stages(self):
        return [n["params"]["stage"] for n in self.notifications if n["notification"] == "unlock.progress"]

    def kill(self):
        self.process.kill()
        self.close()

    def close(self):
        self.process.stdout.close()
        self.process.wait(timeout=120)
        self.log.close()


class Gate:
    """A file that whoever reads it waits for: a pipe without a word in it."""

    def __init__(self, path):
        self.path, self.pipe = path, -1
        os.mkfifo(path)

    def reached(self):
        """Waits until somebody reads it."""
        end = time.monotonic() + 30
        while self.pipe == -1:
            try:
                self.pipe = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                if time.monotonic() > end:
                    raise AssertionError("nobody came to " + self.path) from None
                time.sleep(0.02)

    def open(self):
        """Lets him pass, and whoever comes later."""
        os.remove(self.path)
        os.close(self.pipe)


class Stage:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="worker.", dir="/run")
        os.chmod(self.folder, 0o755)
        self.environment = dict(os.environ, HOME=self.path("home"), XDG_STATE_HOME=self.path("state"), MOKHOA_LOG="debug")
        os.makedirs(self.path("home"))
        os.makedirs(self.path("card"))
        for source, name in ((os.path.join(BIN, "mock_p11.so"), "mock_p11.so"), (os.path.join(ROOT, "tests/stage/pinentry"), "pinentry")):
            shutil.copy(source, self.path(name))
            os.chmod(self.path(name), 0o755)
        self.authority = fake_tms.Authority(self.folder, "authority")
        self.tms = fake_tms.FakeTms()
        self.tms.so_pins, self.tms.next_so_pin = [SO_PIN], NEXT_SO_PIN
        self.server = fake_tms.Server(self.tms, self.authority.leaf("server")[0])
        self.profile()
        self.card()
        self.script()
        self.person()

    def close(self):
        self.server.close()
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def get(self, name):
        if not os.path.exists(self.path(name)):
            return ""
        with open(self.path(name), encoding="utf-8", errors="replace") as f:
            return f.read()

    def gate(self, name):
        return Gate(self.path(name))

    # ---- a disk of its own for a folder ----

    def small_disk(self, name):
        os.makedirs(self.path(name))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", self.path(name)], check=True)

    def fill(self, name):
        with open(self.path(name + "/filler"), "wb", buffering=0) as f:
            try:
                while f.write(bytes(4096)):
                    pass
            except OSError:
                pass

    def empty(self, name):
        os.remove(self.path(name + "/filler"))

    def free_disk(self, name):
        subprocess.run(["umount", "-l", self.path(name)], check=True)

    # ---- the machine ----

    def profile(self, **changes):
        os.makedirs("/etc/mokhoa/profiles.d", mode=0o755, exist_ok=True)
        profile = {"tms": self.server.url, "tls_ca": self.authority.file, "tms_keys": [wire.b64(self.tms.public)], "origins": [ORIGIN],
                   "extensions": [],
                   "modules": [self.module()], "prompt": self.path("pinentry"), "proxy": "none", "hotline": "1900 1234",
                   "languages": ["vi", "en"], **changes}
        with open("/etc/mokhoa/profiles.d/demo.json", "w", encoding="utf-8") as f:
            json.dump(profile, f)

    def module(self, name="mock", file="mock_p11.so", card="card"):
        return {"name": name, "path": self.path(file), "environment": {"MOCK_P11": self.path(card)}, "flags": "reliable"}

    def journal(self):
        """The entries of this user, by file name."""
        folder = self.path("state/mokhoa/demo/requests")
        entries = {}
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if name.endswith((".lock", ".attempt")):
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                entries[name] = json.load(f)
        return entries

    def entry(self):
        [entry] = self.journal().values()
        return entry

    def file_of(self, request):
        return self.path(f"state/mokhoa/demo/requests/{wire.unb64(request).hex()}.json")

    def entry_of(self, request):
        with open(self.file_of(request), encoding="utf-8") as f:
            return json.load(f)

    def change(self, request, how):
        """Changes the entry of a request on the disk."""
        entry = self.entry_of(request)
        how(entry)
        with open(self.file_of(request), "w", encoding="utf-8") as f:
            json.dump(entry, f)

    # ---- the token ----

    def card(self, **changes):
        """The token's memory and an empty log; its user PIN is locked unless told otherwise."""
        state = {"so_pin": SO_PIN, "user_pin": PIN, "so_tries": 3, "user_tries": 0, **changes}
        self.put("card/state", "".join("%s %s\n" % item for item in state.items()))
        self.put("card/log", "")

    def script(self, *lines):
        """What the token does otherwise; of two lines that contradict each other the first one counts."""
        self.put("card/script", "".join(line + "\n" for line in lines) + f"serial 0 {SERIAL}\n")

    def remembers(self):
        return dict(line.split() for line in self.get("card/state").splitlines())

    def pin_calls(self):
        return [line for line in self.get("card/log").splitlines() if line.split()[0] in ("C_Login", "C_InitPIN", "C_SetPIN", "C_InitToken")]

    def logged(self, line):
        """Waits until the token has been asked so."""
        end = time.monotonic() + 30
        while line not in self.get("card/log"):
            if time.monotonic() > end:
                raise AssertionError(f"{line} was not called")
            time.sleep(0.02)

    def pcsc(self, function, more=""):
        """A function of tests/stage/pcsc.sh, with this stage's folder."""
        script = os.path.join(ROOT, "tests/stage/pcsc.sh")
        subprocess.run(["sh", "-eu", "-c", f'. {script}; {function} "$1" {more}', "sh", self.folder], stdin=subprocess.DEVNULL, timeout=60, check=True)

    # ---- the person ----

    def person(self, *answers):
        self.put("pinentry.answers", "".join(a + "\n" for a in answers))
        self.put("pinentry.log", "")

    def shown(self):
        return self.get("pinentry.log")

    # ---- the worker ----

    def start(self, op, params=None, **options):
        return Worker(self, op, params if params is not None else {}, **options)

    def call(self, op, params=None, **options):
        return self.start(op, params, **options).answer()

    def everything_written(self):
        """All that stays behind on this machine."""
        text = self.get("worker.log") + self.shown()
        for folder, _, names in os.walk(self.path("state")):
            text += "".join(self.get(os.path.relpath(os.path.join(folder, name), self.folder)) for name in names)
        return text


def hidden(secret):
    """The forms in which a secret could be written down."""
    raw = secret.encode()
    return [secret, raw.hex(), base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")]
