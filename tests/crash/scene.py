# SPDX-License-Identifier: Apache-2.0
"""One customer with one token in the whole world of tests/e2e/world.py, whose unlocks are cut short and gone on with.

    scene = Scene("card")
    cut = scene.unlock()            a whole unlock, from the question to the report, however it ends
    scene.bring_back()              what died among the servers and is still away
    scene.go_on(cut)                as a customer would: the same request as long as it leads somewhere, else a new one, until it is unlocked

The host and the workers are started through `launcher`, which can put any of them under strace: scene.plan.
"""
import base64
import contextlib
import email
import email.policy
import glob
import json
import os
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "stage")]

import world  # noqa: E402 (the end-to-end tests' own module)
import mail_code  # noqa: E402 (the stage's)
import tokens  # noqa: E402

SERVERS = ("serve", "vault")
AWAY_SECONDS = 0.5  # that a server stays dead, about
CODE_SECONDS = 20  # for a mail to come; a customer who waits longer asks again
Refused, Ended = world.native.Refused, world.native.Ended


class Cut(Exception):
    """What a customer or an administrator reads where something is not there."""


class Unlock:
    """One unlock, as far as it came."""

    def __init__(self):
        self.request = self.number = self.code = self.pin = None
        self.said = []  # what each call ended with, by its wire name

    def story(self):
        return ", ".join(self.said)


class Scene:
    def __init__(self, kind):
        self.world = world.World()
        self.service = threading.RLock()  # of what starts and ends servers
        self.serve_one_at_a_time()
        self.bin = os.path.join(self.world.dir, "bin")
        self.launcher()
        self.world.client_env["MOKHOA_LOG"] = "debug"
        self.world.new_home()
        self.token = tokens.ALL[kind](self.world)
        self.kind = kind
        self.number_of_pin = 0
        self.pins = [self.token.pin]  # that the customer has chosen or had, the newest last
        self.codes = []
        self.errors = []  # each error object that the page was given

    def close(self):
        self.token.down()
        self.world.close()

    def keep(self, name):
        """A copy of the world where MOKHOA_KEEP says, to be looked at."""
        if os.environ.get("MOKHOA_KEEP"):
            shutil.copytree(self.world.dir, os.path.join(os.environ["MOKHOA_KEEP"], name), ignore=lambda folder, names: [
                n for n in names if not (os.path.isfile(os.path.join(folder, n)) or os.path.isdir(os.path.join(folder, n)))], dirs_exist_ok=True)

    def serve_one_at_a_time(self):
        """Customers' calls on one thread, so that its calls of the system can be counted."""
        path = os.path.join(self.world.dir, "tms", "tms.json")
        with open(path, encoding="utf-8") as f:
            config = json.load(f)
        config["listen"]["threads"] = 1
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config, f)
        self.world.sh("serve_down $DIR; serve_up $DIR")

    def launcher(self):
        os.mkdir(self.bin)
        for name in ("mokhoa-host", "mokhoa-worker"):
            shutil.copy(os.path.join(HERE, "launcher"), os.path.join(self.bin, name))
            os.chmod(os.path.join(self.bin, name), 0o755)
        for name in ("host", "worker"):
            shutil.copy(os.path.join(world.BIN, "mokhoa-" + name), os.path.join(self.bin, "real-" + name))
        self.clear()

    # ---- what is put under strace ----

    def clear(self):
        """Nobody is put under strace any more, and the next of each kind is the first. A worker may still be starting others."""
        for name in ("plan", "started", "trace"):
            folder = os.path.join(self.bin, name)
            os.makedirs(folder, exist_ok=True)
            for entry in os.listdir(folder):
                path = os.path.join(folder, entry)
                (os.rmdir if os.path.isdir(path) else os.unlink)(path)

    def plan(self, program, words):
        """program: "worker.2", the second worker from now."""
        with open(os.path.join(self.bin, "plan", program), "w", encoding="ascii") as f:
            f.write(words + "\n")

    def path(self, *names):
        return os.path.join(self.world.dir, *names)

    # ---- who runs ----

    def pid(self, server):
        with self.service, open(self.path(server + ".pid"), encoding="ascii") as f:
            return int(f.read())

    @staticmethod
    def is_alive(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                return f.read().rsplit(") ", 1)[1][0] not in "ZX"
        except OSError:
            return False

    def workers(self):
        """Process ids of workers and steps."""
        return self.running("real-worker")

    def running(self, name):
        found = []
        for path in glob.glob("/proc/[0-9]*/exe"):
            try:
                if os.readlink(path) == os.path.join(self.bin, name):
                    found.append(int(path.split("/")[2]))
            except OSError:
                pass
        return found

    def wait_for_workers(self, seconds=90):
        """A worker outlives its host, a step that has begun with a PIN its worker."""
        end = time.monotonic() + seconds
        while self.workers():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def bring_back(self):
        """As systemd does with a service that has died."""
        with self.service:
            for server in SERVERS:
                if not self.is_alive(self.pid(server)):
                    self.world.sh(f"service_end $DIR {server}; {server}_up $DIR")
                    self.as_time_would()

    @contextlib.contextmanager
    def watched(self):
        """Servers that die in the meantime are brought back a moment later, while others still ask for them."""
        over = threading.Event()

        def watch():
            while not over.wait(AWAY_SECONDS):
                self.bring_back()
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    # ---- the customer ----

    def host(self):
        self.token.come_to_rest()
        return world.native.Host(os.path.join(self.bin, "mokhoa-host"), env=self.world.client_env)

    def next_pin(self):
        self.number_of_pin += 1
        self.pins.append(str(50000000 + (self.number_of_pin * 7654321) % 49999999))
        return self.pins[-1]

    def call(self, unlock, host, method, params, on_notification=None):
        try:
            answer = host.call(method, params, 150, on_notification)
        except Refused as refused:
            self.errors.append(refused.error)
            unlock.said.append(refused.name)
            raise Cut(refused.name) from refused
        except (Ended, BrokenPipeError) as ended:
            unlock.said.append("ended")
            raise Cut("ended") from ended
        unlock.said.append(method.split(".")[-1] + "=" + answer["state"] if "state" in answer else method)
        return answer

    def ask(self, unlock, host):
        name = dict(zip(("manufacturer", "model"), self.token.NAME), serial=self.token.serial)
        unlock.request = self.call(unlock, host, "unlock.request", {"token": name, "reason": "forgotten", "language": "vi"})

    def approve(self, unlock):
        """The administrator's part; what he reads where the server is not there is no answer."""
        row = self.row_of(unlock)
        if row is None:
            raise Cut("no such request")
        unlock.number, state = row
        if state not in ("pending", "unidentified"):
            return
        try:
            status, answer = self.world.approve(unlock.number, unlock.request["phrase"])
        except (RuntimeError, json.JSONDecodeError, subprocess.TimeoutExpired) as e:
            unlock.said.append(f"approve: nobody there ({str(e)[:60]!r})")
            raise Cut("approve") from e
        if status != 200:
            self.errors.append(answer)
            unlock.said.append(f"approve={status}")
            raise Cut("approve")

    def row_of(self, unlock):
        found = self.world.sql("SELECT number, state FROM request WHERE id = ?", id_of(unlock.request["request"]))
        return found[0] if found else None

    def newest_code(self):
        folder = self.path("mail", self.token.email, "new")
        for name in sorted(os.listdir(folder) if os.path.isdir(folder) else [], reverse=True):
            with open(os.path.join(folder, name), "rb") as f:
                part = email.message_from_binary_file(f, policy=email.policy.default).get_body(("plain",))
            found = mail_code.CODE.search(part.get_content()) if part else None
            if found:
                return found.group(1)
        return None

    def take_code(self, unlock):
        """From the mail. Those that came before are thrown away, so that no folder grows."""
        end = time.monotonic() + CODE_SECONDS
        while (unlock.code or self.newest_code()) is None:
            if time.monotonic() > end:
                unlock.said.append("no mail")
                raise Cut("no mail")
            time.sleep(0.02)
        unlock.code = unlock.code or self.newest_code()
        self.codes.append(unlock.code)
        self.empty_mailbox()

    def empty_mailbox(self):
        for path in glob.glob(self.path("mail", self.token.email, "new", "*")):
            os.unlink(path)

    def as_time_would(self):
        """A server that died leaves a try and a mail that it had begun for who comes after it, 15 s and 5 minutes later."""
        self.world.sql("UPDATE request SET trying = trying - 16 WHERE trying > 0")
        self.world.sql("UPDATE outbox SET due = due - 301 WHERE state IN ('queued', 'sending')")

    def finish(self, unlock, host, on_notification=None):
        unlock.pin = self.next_pin()
        self.world.person(f"type {unlock.code}", f"type {unlock.pin}")
        answer = self.call(unlock, host, "unlock", {"request": unlock.request["request"]}, on_notification)
        if answer["state"] == "completed" and not answer["rotated"]:
            unlock.said.append("not rotated")
        return answer["state"]

    def unlock(self, on_notification=None, on_approved=None):
        """A whole unlock; its last word is that of a success only when it was one."""
        unlock = Unlock()
        self.empty_mailbox()
        try:
            with self.watched(), self.host() as host:
                self.ask(unlock, host)
                self.approve(unlock)
                self.take_code(unlock)
                if on_approved:
                    on_approved(host)
                self.finish(unlock, host, on_notification)
        except Cut:
            pass
        return unlock

    # ---- going on ----

    def is_over(self, unlock):
        """Nothing can come of this request any more."""
        row = self.row_of(unlock)
        return row is None or row[1] not in ("pending", "unidentified", "approved", "released", "unknown")

    def go_on(self, unlock):
        """Gives True when this request ended in an unlocked token."""
        for _ in range(3):
            try:
                with self.watched(), self.host() as host:
                    if unlock.request is None:
                        self.ask(unlock, host)
                    self.approve(unlock)
                    self.as_time_would()
                    self.take_code(unlock)
                    if self.finish(unlock, host) == "completed":
                        return True
            except Cut:
                self.bring_back()
                self.wait_for_workers()
            if unlock.request is not None and self.is_over(unlock):
                break
        return False

    def give_up(self):
        """Cancels what is open, as the page offers it."""
        gone = Unlock()
        with self.host() as host:
            try:
                for one in self.call(gone, host, "unlock.status", {})["requests"]:
                    if one["state"] in ("pending", "unidentified", "approved"):
                        self.call(gone, host, "unlock.cancel", {"request": one["request"]})
            except Cut:
                pass
        return gone


def need():
    """Ends with a skip where something is missing."""
    missing = tokens.SoftToken.missing() + ([] if shutil.which("strace") else ["strace"])
    if missing:
        world.skip("missing: apt-get install " + " ".join(missing))
    if not os.access(os.path.join(world.BIN, "mokhoa-host"), os.X_OK):
        world.skip("MOKHOA_BIN names no folder with mokhoa-host")


def id_of(text):
    """The bytes of a request's id."""
    import base64
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
