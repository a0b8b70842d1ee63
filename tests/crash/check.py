# SPDX-License-Identifier: Apache-2.0
"""What must hold whatever was cut short, asked of the token, the database, the files and the logs, never of the programs that were cut.

    checker = Checker(scene)        an untouched world
    checker.now("after the cut")    each time; raises Broken with all that does not hold
"""
import base64
import glob
import hashlib
import json
import os
import sqlite3

import scene as scenes
import open_escrow  # the stage's, which the scene has put into the path


class Broken(Exception):
    """An invariant does not hold; args: sentences."""


class Checker:
    def __init__(self, scene):
        self.scene = scene
        self.so_pins = set()
        self.audited = []
        self.log_at = {}
        self.granted = 0
        self.count = 0

    def now(self, deep=True):
        """deep: nobody works at anything, so that files and database are what they stay."""
        self.count += 1
        broken = [sentence for check in (self.token, self.database, self.audit, self.escrow_log, self.journal, self.logs) for sentence in check(deep)]
        if broken:
            raise Broken(*broken)

    # ---- what becomes of an unlock that was cut short ----

    def gone_on(self, unlock, refused):
        """Has the customer go on with it, and with a new request where nothing comes of this one; refused: SO PINs that the token had refused before it began. Gives
        whether the same request unlocked, and how many SO PINs were wrong; raises Broken with the story."""
        scene, asked, story = self.scene, unlock.request, []
        try:
            self.now(deep=False)
            done = unlock.said[-1:] == ["unlock=completed"] or scene.go_on(unlock)
            story = [unlock.story()]
            if leftovers(scene):
                raise Broken(f"processes are left: {leftovers(scene, 0)}")
            self.now()
            wasted = scene.token.wrong_so_pins() - refused
            if not done:
                self.start_over(story)
            after = scene.token.wrong_so_pins() - refused - wasted
            if max(wasted, after) > 1:
                raise Broken(f"one request cost {wasted} tries of the SO PIN, the next {after}")
        except Broken as broken:
            raise Broken(*broken.args, "; ".join(story) or unlock.story()) from broken
        unlock.said = story
        return done and asked == unlock.request, wasted + after

    def start_over(self, story):
        """A new request has nothing in its way."""
        self.scene.give_up()
        fresh = self.scene.unlock()
        story.append("anew: " + fresh.story())
        if fresh.said[-1:] != ["unlock=completed"]:
            raise Broken("a new request with nothing in its way did not unlock")
        self.scene.wait_for_workers()
        self.now()

    # ---- the token ----

    def candidates(self):
        found = list(open_escrow.candidates(self.scene.path("tms"), self.scene.token.serial))
        self.so_pins.update(found)
        return found

    def token(self, _):
        token, pins = self.scene.token, self.scene.pins
        candidates = self.candidates()
        if not any(token.has_so_pin(c) for c in candidates):
            yield f"the token's SO PIN is none of the {len(candidates)} that the authority would try"
        if len(candidates) > 2:
            yield "more than two candidates"
        known = [p for p in pins if token.has_pin(p)]
        if not known:
            yield "the token's PIN is neither the old one nor one that was chosen"
        else:
            del pins[:pins.index(known[0])]
        if token.few():
            yield "the token has fewer tries of its SO PIN than one wrong try leaves"
        if token.was_erased():
            yield "the token was erased"

    # ---- the server ----

    def db(self):
        return sqlite3.connect(f"file:{self.scene.path('tms', 'data', 'tms.sqlite')}?mode=ro", uri=True, timeout=20)

    def database(self, deep):
        with self.db() as db:
            if deep:
                said = db.execute("PRAGMA integrity_check").fetchall()
                if said != [("ok",)]:
                    yield f"the database: {said}"
                if db.execute("PRAGMA foreign_key_check").fetchall():
                    yield "the database: a row refers to one that is not there"
            for state, count in db.execute("SELECT state, count(*) FROM token WHERE state = 'suspect' GROUP BY state"):
                yield f"{count} token is {state}"
            lost = db.execute("SELECT number FROM granted g WHERE NOT EXISTS (SELECT 1 FROM escrow e WHERE e.id = g.next)").fetchall()
            if lost:
                yield f"granted and not kept: {lost}"

    def audit(self, _):
        """Rows are only added, and none that was there is another now."""
        with self.db() as db:
            rows = db.execute("SELECT id, created, who, what, number, detail FROM audit ORDER BY id").fetchall()
        if rows[:len(self.audited)] != self.audited:
            yield "an audit row has changed or is gone"
        ids = [r[0] for r in rows]
        if ids != sorted(set(ids)):
            yield "audit rows out of order"
        self.audited = rows
        yield from self.search("the audit", "\n".join(r[5] for r in rows[-40:]))

    def escrow_log(self, deep):
        """Every SO PIN that was granted is there, sealed as in the database; the last line of a token has what is tried on it."""
        with self.db() as db:
            granted = db.execute("SELECT g.number, e.sealed FROM granted g JOIN escrow e ON e.id = g.next").fetchall()
            tried = db.execute("SELECT t.serial, e.sealed FROM token t JOIN escrow e ON e.id IN (t.active, t.next)").fetchall()
        lines, last = set(), {}
        for line in self.whole_lines():
            last[line["token"]["serial"]] = {c["sealed"] for c in line["candidates"]}
            lines |= last[line["token"]["serial"]]
        for number, sealed in granted:
            if base64.urlsafe_b64encode(sealed).decode().rstrip("=") not in lines:
                yield f"request {number} was granted an SO PIN that escrow.log does not have"
        for serial, sealed in tried if deep else []:
            if base64.urlsafe_b64encode(sealed).decode().rstrip("=") not in last.get(serial, ()):
                yield f"escrow.log would restore token {serial} without an SO PIN that is tried on it"

    def whole_lines(self):
        """A line that was cut short is none: what it would have said was never committed."""
        with open(self.scene.path("tms", "escrow", "escrow.log"), "rb") as f:
            for line in f:
                text, _, checksum = line.rstrip(b"\n").rpartition(b" ")
                if hashlib.sha256(text).hexdigest()[:16].encode() == checksum:
                    yield json.loads(text)

    # ---- the customer's machine ----

    def journal(self, deep):
        folder = os.path.join(self.scene.world.client_env["HOME"], ".local", "state", "mokhoa", "demo", "requests")
        ended = set()
        for path in glob.glob(os.path.join(folder, "*")):
            name = os.path.basename(path)
            if name.endswith(".damaged"):
                yield f"a journal was damaged: {name}"
            elif name.endswith(".json"):
                try:
                    with open(path, encoding="utf-8") as f:
                        entry = json.load(f)
                except FileNotFoundError:
                    continue
                except ValueError:
                    yield f"a journal is half written: {name}"
                    continue
                if entry.get("ended"):
                    ended.add(name)
        # what a killed write left behind has the keys of its request
        for path in glob.glob(os.path.join(folder, ".*")) if deep else []:
            if os.path.basename(path)[1:].rsplit(".", 1)[0] in ended:
                yield f"a request has ended and its keys are still in {os.path.basename(path)}"

    # ---- what was said ----

    def secrets(self):
        found = {"a code": self.scene.codes[-3:], "a PIN": self.scene.pins[-3:], "an SO PIN": list(self.so_pins)}
        for what, values in found.items():
            for value in values:
                yield what, value
                yield what, value.replace("-", "")

    def search(self, where, text):
        for what, secret in self.secrets():
            if secret in text:
                yield f"{what} is in {where}"

    def logs(self, _):
        for name in ("bin/client.log", "serve.log", "vault.log"):
            path = self.scene.path(name)
            if not os.path.exists(path):
                continue
            with open(path, encoding="utf-8", errors="replace") as f:
                f.seek(self.log_at.get(name, 0))
                text = f.read()
                self.log_at[name] = f.tell()
            yield from self.search(name, text)
            for word in ("AddressSanitizer", "runtime error:", "Segmentation", "double free", "corrupted"):
                if word in text:
                    yield f"{word} in {name}"
        yield from self.search("an error", json.dumps(self.scene.errors))
        self.scene.errors.clear()


LATE = 320  # seconds that a step is left alone which hangs in a call that changes a PIN (host/worker/step/step.h), and a little


def leftovers(scene, seconds=20):
    """Processes that outlive their unlock."""
    with open(scene.path("bin", "client.log"), encoding="utf-8", errors="replace") as f:
        late = "late: it is left alone" in f.read()
    return [] if scene.wait_for_workers(LATE if late else seconds) else scene.workers()


def descriptors(scene):
    return {s: len(os.listdir(f"/proc/{scene.pid(s)}/fd")) for s in scenes.SERVERS}


def grown(scene, at_first):
    """Sentences about servers that hold more than they did; some connections of nginx may be open."""
    for server, count in descriptors(scene).items():
        if count > at_first[server] + 10:
            yield f"{server} holds {count} descriptors, at first {at_first[server]}"


def resident(scene):
    """KiB."""
    found = {}
    for server in scenes.SERVERS:
        with open(f"/proc/{scene.pid(server)}/status", encoding="ascii") as f:
            found[server] = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    return found
