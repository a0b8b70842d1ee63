#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two servers before one database of PostgreSQL, one of them killed in the middle of its work, again and again: nothing that was answered is lost, and nothing happens
twice.

    test_two_servers.py MOKHOA-TMS URL_FILE [KILLS]

Machines send requests and cancel them, people refuse them at the same time; customers unlock their tokens over and over, from the approval to the report (cards.py), all through both
servers; who gets no answer asks the other server the same again. Behind it the database is asked: each request once, each step once, as its history and everybody who was answered say, and
the SO PIN that each card has is the one on record.
"""
import json
import os
import pathlib
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("protocol", "check", "stage")]

import server as postgres
import test_tms_wire as wire  # ends with 77 where a package is missing
import cards

MACHINES = 3
CARDS = 4
LIMIT_S = 600


class Server(wire.Server):
    """One that shares its database, and what else servers share (common), and can be killed."""

    def __init__(self, program, folder, url, common=None):
        self.url, self.common = url, common or {}
        super().__init__(program, folder)

    def write_files(self):
        super().write_files()
        config = json.loads(self.config.read_text())
        self.config.write_text(json.dumps(config | {"database": self.url} | self.common))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)
        for path in (self.public, self.admin):
            os.unlink(path)

    def start(self):
        self.process = subprocess.Popen([self.program, "serve", "--config", str(self.config)], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.wait()


class Database:
    def __init__(self, url_file):
        self.template = pathlib.Path(url_file).read_text().strip()
        self.name = "test_" + secrets.token_hex(8)
        self.ask("postgres", f"CREATE DATABASE {self.name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        self.url = self.template % self.name

    def ask(self, name, sql):
        done = subprocess.run([postgres.programs() / "psql", self.template % name, "-AtqX", "-F", "|", "-c", sql], capture_output=True, text=True, check=True, timeout=120)
        return [line.split("|") for line in done.stdout.splitlines()]

    def rows(self, sql):
        return self.ask(self.name, sql)

    def drop(self):
        self.ask("postgres", f"DROP DATABASE {self.name} WITH (FORCE)")


class Load:
    def __init__(self, servers, customers):
        self.servers, self.customers = servers, customers
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.created = {}  # id: what its machine was told last
        self.refused = set()  # numbers
        self.unanswered = 0
        self.faults = []

    def ask(self, call):
        """The first answer, of whichever server gives one. A server that is gone gives none, and one that has lost its way to the database says 503 or 500."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                answer = call(random.choice(self.servers))
                # busy: a call that died with its server holds the request for a few seconds
                if answer[0] < 500 and answer[0] != 429:
                    return answer
            except (OSError, ValueError, wire.http.client.HTTPException):
                pass
            with self.lock:
                self.unanswered += 1
            time.sleep(0.02)
        raise RuntimeError("nobody answers")

    def machine(self, index):
        serial = 0
        while not self.over.is_set():
            serial += 1
            life = object.__new__(wire.Life)
            first = []

            def create(server):
                if not first:
                    first.append(True)
                    life.__init__(server, f"TWO{index}{serial:06d}")
                    return life.status, life.answer
                return server.post("/v1/requests", life.body)

            # a call that failed in the middle has made the keys, and asks with them again
            status, answer = self.ask(create)
            life.id = wire.ref.unb64(answer["id"]) if status == 200 else b""
            if status != 200:
                self.faults.append(("create", status, answer))
                return
            if serial % 3 == 0:
                with self.lock:
                    self.created[life.id.hex()] = "asked"
                continue
            said = self.cancel(life)
            with self.lock:
                self.created[life.id.hex()] = said

    def cancel(self, life):
        def call(server):
            life.server = server
            return life.ask("cancel")

        status, answer = self.ask(call)
        return "cancelled" if status == 200 else answer["error"]["data"]["name"]

    def person(self):
        while not self.over.is_set():
            _, page = self.ask(lambda server: server.call("/v1/admin/requests?state=unidentified&limit=20", "GET", person="approver"))
            for row in page["requests"]:
                number = row["number"]
                status, _ = self.ask(lambda server, n=number: server.call(f"/v1/admin/requests/{n}/refuse", person="approver", body=json.dumps({"reason": "Thử"}).encode()))
                if status == 200:
                    with self.lock:
                        self.refused.add(str(number))
            time.sleep(0.01)

    def customer(self, card):
        while not self.over.is_set():
            card.unlock(self.ask)

    def guarded(self, work, *args):
        try:
            work(*args)
        except Exception as cause:  # a thread that ends early would be a load that is none
            self.faults.append((work.__name__, repr(cause)))

    def steps(self):
        return sum(sum(card.answered.values()) for card in self.customers)

    def run(self, kills):
        threads = [threading.Thread(target=self.guarded, args=(self.machine, i)) for i in range(MACHINES)]
        threads += [threading.Thread(target=self.guarded, args=(self.person,)) for _ in range(2)]
        threads += [threading.Thread(target=self.guarded, args=(self.customer, card)) for card in self.customers]
        for thread in threads:
            thread.start()
        try:
            for _ in range(kills):
                before = len(self.created), self.steps()
                end = time.monotonic() + LIMIT_S
                # at work, and then at any moment of it
                while (len(self.created) < before[0] + 3 or self.steps() < before[1] + CARDS) and not self.faults and time.monotonic() < end:
                    time.sleep(0.01)
                time.sleep(random.random() * 0.2)
                killed = random.choice(self.servers)
                killed.kill()
                killed.start()
        finally:
            self.over.set()
            for thread in threads:
                thread.join()


ENDS = {"cancelled": "cancel", "refused": "refuse"}


def history_of(database):
    """Number: what happened to that request, in order."""
    history = {}
    for number, what in database.rows("SELECT number, what FROM audit WHERE what IN ('create', 'cancel', 'refuse', 'approve', 'release', 'grant', 'done', 'fail', 'expire', 'lose') ORDER BY id"):
        history.setdefault(number, []).append(what)
    return history


def judge(load, database):
    """What is wrong, one line each."""
    wrong = [str(fault) for fault in load.faults]
    requests = {row[0]: (row[1], row[2]) for row in database.rows(f"SELECT encode(id, 'hex'), number, state FROM request WHERE NOT {cards.OURS}")}
    history = history_of(database)
    wrong += [line for card in load.customers for line in card.judge(database, history)]
    if database.rows("SELECT count(*) FROM request_search") != database.rows("SELECT count(*) FROM request"):
        wrong.append("not every request has its words")
    for request, (number, state) in requests.items():
        want = ["create"] + ([ENDS[state]] if state in ENDS else [])
        if history.get(number) != want:
            wrong.append(f"request {number} is {state}, and its history is {history.get(number)}")
        if request not in load.created and state != "refused":
            wrong.append(f"request {number} is nobody's")
    for request, said in load.created.items():
        number, state = requests.get(request, ("", "lost"))
        if state == "lost" or (said == "cancelled" and state != "cancelled") or (said not in ("cancelled", "asked") and state not in ENDS):
            wrong.append(f"request {number or request} is {state}, and its machine was told {said}")
    states = {number: state for number, state in requests.values()}
    wrong += [f"request {number} is {states.get(number)} and was refused" for number in load.refused if states.get(number) != "refused"]
    return wrong, len(requests), sum(state in ENDS for _, state in requests.values())


def main():
    program, url_file = sys.argv[1:3]
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    if not pathlib.Path(url_file).exists():
        postgres.skip("no server of PostgreSQL was started")
    database = Database(url_file)
    with tempfile.TemporaryDirectory(prefix="mokhoa-two.") as folder, cards.Post() as post:
        places = [pathlib.Path(folder) / name for name in ("a", "b")]
        for place in places:
            place.mkdir()
        authority = cards.Authority(places[0])
        common = authority.common() | {"smtp": post.config()}
        servers = [Server(program, place, database.url, common) for place in places]
        vault = cards.Vault(program, servers[0])
        customers = [cards.Card(n, authority, post, database) for n in range(CARDS)]
        cards.put_on_record(program, servers[0], customers)
        load = Load(servers, customers)
        try:
            load.run(kills)
            wrong, count, ended = judge(load, database)
            chain = subprocess.run([program, "audit", "verify", "--config", str(servers[0].config)], capture_output=True, text=True, timeout=120)
            wrong += [] if chain.returncode == 0 else [chain.stdout + chain.stderr]
        finally:
            logs = [server.stop()[1] for server in servers] + [vault.stop()]
        wrong += [line for log in logs for line in log.splitlines() if "runtime error" in line or "Sanitizer" in line]
    database.drop()
    for line in wrong[:40]:
        print(line)
    steps = {name: sum(card.answered[name] for card in customers) for name in cards.STEPS}
    print(json.dumps({"name": "two-servers", "kills": kills, "requests": count, "ended": ended, **steps, "without_mail": sum(card.without_mail for card in customers),
                      "asked_again": load.unanswered, "wrong": len(wrong)}))
    sys.exit(1 if wrong or count < 3 * kills or min(steps.values()) < kills // 2 else 0)


if __name__ == "__main__":
    main()
