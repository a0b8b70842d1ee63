# SPDX-License-Identifier: Apache-2.0
"""The whole world of an unlock on one stage: cards and readers, the server with its vault, nginx and Postfix, administrators, the customer's
host, prompt and mailbox. Nothing is simulated but the card: everything else is the real program, over the real pipe, socket, PC/SC, TLS and SMTP.

A test makes a card, plays the customer through Host (native messaging frames), the approver through approve(), and looks at what the card and the
server then know.
"""
import glob
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
STAGE = os.path.join(TESTS, "stage")
BIN = os.environ.get("MOKHOA_BIN", "")
sys.path[:0] = [STAGE, os.path.join(TESTS, "check")]

import native  # noqa: E402 (the stage's own module)

PIN, WRONG_PIN, NEW_PIN = "123456", "999999", "73910284"
SO_PIN, WRONG_SO_PIN = "3537363231383830", "FFFFFFFFFFFFFFFF"
SKIP = 77


def skip(why):
    print(why, file=sys.stderr)
    sys.exit(SKIP)


def enter_stage():
    """Runs this program again on a stage of its own, where it may start daemons and write /etc/mokhoa."""
    if os.environ.get("MOKHOA_STAGE") == "1":
        return
    if os.geteuid() != 0:
        skip("the end-to-end tests need root: the client trusts only files of root, and a stage of another user has none")
    os.execvp("sh", ["sh", os.path.join(STAGE, "enter.sh"), sys.executable, os.path.abspath(sys.argv[0])] + sys.argv[1:])


def module_path():
    return sorted(glob.glob("/usr/lib/*/opensc-pkcs11.so") + glob.glob("/usr/lib/opensc-pkcs11.so"))[0]


def processes(*arguments):
    """Ids of this stage's processes whose command line is that program, by its last name, and these arguments."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                words = f.read().split(b"\0")[:-1]
        except OSError:
            continue
        if words and [os.path.basename(words[0]), *words[1:]] == [a.encode() for a in arguments]:
            found.append(int(path.split("/")[2]))
    return found


class World:
    def __init__(self, **env):
        """env: what tests/stage/tms.sh takes from its environment."""
        # not on /run: the stage's /run is small, and what lies here can be looked at when a test fails
        self.dir = tempfile.mkdtemp(prefix="mokhoa-e2e.")
        os.chmod(self.dir, 0o755)
        self.cards = self.homes = 0
        # a token is locked on the whole machine while it is unlocked: two worlds at once must not have one of the same serial
        self.run = secrets.token_hex(3).upper()
        self.env = dict(os.environ, DIR=self.dir, STAGE_TESTS=TESTS, MOKHOA_BIN=BIN, MOKHOA_CARD=os.path.join(BIN, "mokhoa-card"), **env)
        self.client_env = dict(os.environ, MOKHOA_LOG="debug")
        self.client_env.pop("XDG_STATE_HOME", None)
        self.pki = os.path.join(self.dir, "pki")
        self.sh("world_up $DIR")
        self.ports = self.sh("tms_ports $DIR").split()

    # ---- shell ----

    def sh(self, script, check=True):
        """One line with the stage's functions; $DIR is this world's folder."""
        done = subprocess.run(["sh", "-eu", "-c", '. "$STAGE_TESTS/stage/world.sh"; ' + script], env=self.env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=120, check=False)
        if done.returncode == SKIP:
            skip(done.stderr.strip())
        if check and done.returncode != 0:
            raise RuntimeError(f"{script}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def close(self):
        self.sh("world_down $DIR", check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- cards ----

    def card(self, **options):
        self.cards += 1
        return Card(self, f"M{self.run}{self.cards:04d}", **options)

    def pkcs11(self, *args):
        done = subprocess.run(["pkcs11-tool", "--module", module_path(), *args], capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    # ---- the customer ----

    def new_home(self):
        """Another account on this machine: no request of the one before is known to it."""
        self.homes += 1
        self.client_env["HOME"] = os.path.join(self.dir, f"home{self.homes}")
        os.makedirs(self.client_env["HOME"], 0o700)

    def host(self, **options):
        return native.Host(os.path.join(BIN, "mokhoa-host"), env=self.client_env, **options)

    def person(self, *answers):
        """What the person at the machine will type into the next prompt."""
        with open("/etc/mokhoa/prompt/pinentry.answers", "w", encoding="utf-8") as f:
            f.write("".join(a + "\n" for a in answers))
        log = "/etc/mokhoa/prompt/pinentry.log"
        if os.path.exists(log):
            os.unlink(log)

    def shown(self):
        """All that the last prompt showed; empty where none was opened."""
        try:
            with open("/etc/mokhoa/prompt/pinentry.log", encoding="utf-8") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def code(self, address, but=None, timeout=20):
        """The newest code that came by mail, once it is another than `but`."""
        end = time.monotonic() + timeout
        while True:
            code = self.sh(f"mail_code $DIR {address}", check=False)
            if code and code != but:
                return code
            if time.monotonic() > end:
                raise TimeoutError(f"no code came for {address}")
            time.sleep(0.1)

    def profile(self, **changes):
        """Writes the client's profile, with these keys changed."""
        self.sh("world_profile $DIR")
        path = "/etc/mokhoa/profiles.d/demo.json"
        with open(path, encoding="utf-8") as f:
            profile = json.load(f)
        profile.update(changes)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(profile, f)

    # ---- the administrator ----

    def admin(self, method, path, body=None, who="an"):
        command = ["curl", "-sS", "--max-time", "20", "--cacert", f"{self.pki}/tls-ca.pem", "--cert", f"{self.pki}/{who}.pem",
                   "--key", f"{self.pki}/{who}.key", "-X", method, "-w", "\n%{http_code}", f"https://localhost:{self.ports[1]}/v1/admin/{path}"]
        if body is not None:
            csrf = self.admin("GET", "me", who=who)[1].get("csrf", "")
            command += ["-H", "Content-Type: application/json", "-H", f"Origin: https://localhost:{self.ports[1]}", "-H", f"X-Mokhoa-CSRF: {csrf}", "-d", json.dumps(body)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"curl {done.returncode}: {done.stderr}")
        text, status = done.stdout.rsplit("\n", 1)
        return int(status), json.loads(text)

    def row(self, card, state=None):
        """The newest request of a card, as the console lists it."""
        query = "requests?limit=100" + (f"&state={state}" if state else "")
        _, answer = self.admin("GET", query)
        return next(r for r in answer["requests"] if r["token"]["serial"] == card.serial)

    def one(self, number):
        return self.admin("GET", f"requests/{number}")[1]

    def approve(self, number, phrase, who="an", **more):
        return self.admin("POST", f"requests/{number}/approve", {"how": "call_back", "reference": "", "phrase": phrase, **more}, who)

    def sql(self, statement, *values):
        """Changes what time would change."""
        with sqlite3.connect(os.path.join(self.dir, "tms", "data", "tms.sqlite"), timeout=10) as db:
            return db.execute(statement, values).fetchall()


class Card:
    """A card of a customer whom the authority knows by default: certificate of its CA, SO PIN in the vault, mail address on record."""

    def __init__(self, world, serial, key="ec", issuer="customer-ca", known=True, escrow=SO_PIN, lock=True, reader=0, insert=True):
        self.world, self.serial, self.reader = world, serial, reader
        self.email = f"{serial.lower()}@khach.example"
        self.state = os.path.join(world.dir, f"card{reader}.state")
        world.sh(f"world_card $DIR {reader} {serial} {SO_PIN} {PIN} {key} {issuer}")
        if known:
            world.sh(f"world_import $DIR {serial} {escrow} {self.email}")
        if insert:
            self.insert()
            if lock:
                self.lock()

    def insert(self):
        self.world.sh(f"card_insert $DIR {self.reader}")

    def remove(self):
        self.world.sh(f"card_remove $DIR {self.reader}", check=False)

    def tell(self, order):
        self.world.sh(f"card_tell $DIR {self.reader} '{order}'")

    def lock(self):
        for _ in range(3):
            _, said = self.world.pkcs11("--login", "--pin", WRONG_PIN, "-O")
        assert "CKR_PIN_LOCKED" in said, said

    def show(self):
        return json.loads(subprocess.run([os.path.join(BIN, "mokhoa-card"), "show", "--state", self.state], capture_output=True, text=True, check=True).stdout)

    def has_so_pin(self, so_pin):
        return subprocess.run([os.path.join(BIN, "mokhoa-card"), "check", "--state", self.state, "--so-pin", so_pin], check=False).returncode == 0

    def has_pin(self, pin):
        return subprocess.run([os.path.join(BIN, "mokhoa-card"), "check", "--state", self.state, "--so-pin", SO_PIN, "--pin", pin],
                              stdout=subprocess.DEVNULL, check=False).returncode == 0

    def opens_with(self, pin):
        return self.world.pkcs11("--login", "--pin", pin, "-O")[0] == 0

    def name(self, host):
        tokens = host.call("token.info")["tokens"]
        found = next(t for t in tokens if t["serial"] == self.serial)
        return {k: found[k] for k in ("manufacturer", "model", "serial")}

    def ask(self, host, reason="locked", language="vi"):
        return host.call("unlock.request", {"token": self.name(host), "reason": reason, "language": language})

    def approved(self, host, **options):
        """Asks, has it approved, and takes the code from the mail: (request, number, code)."""
        request = self.ask(host, **options)
        number = self.world.row(self)["number"]
        status, answer = self.world.approve(number, request["phrase"])
        assert status == 200, answer
        return request, number, self.world.code(self.email)

    def escrow(self):
        """The SO PINs that the authority would try, opened with the vault's own key as only this test may."""
        done = subprocess.run(["/usr/bin/python3", os.path.join(STAGE, "open_escrow.py"), os.path.join(self.world.dir, "tms"), self.serial],
                              capture_output=True, text=True, check=True)
        return done.stdout.split()
