# SPDX-License-Identifier: Apache-2.0
"""A network between the customer's worker and the server that does what it is told, once, at one message of an unlock.

    net = Network(scene)            from now on the customer's calls go through it, those of the administrator do not
    net.plan(fault)                 the next call that it means; net.reached says whether it came
    net.settle()                    until somebody comes through again, and what was still on its way has arrived

Two places: Lines, in front of nginx, carries bytes of TLS; Middle, between nginx and the server, carries calls. A fault is text, PLACE:VERB:N:SIDE:EFFECT:SHARE: of the
N-th call of that verb since it was planned, in its request or its answer, when that share of it has passed: 0 is before the first byte, 1 behind the last.

    cut      both ends read the end of the connection
    reset    both read that it was reset; lines alone
    delay    what is left of it comes later
    away     cut, and for some seconds nobody comes through
    gone     the same for longer than the worker asks again for a release
    late     the caller reads the end, the server gets the whole call a while after that
    twice    the server gets the call two times at once, the caller one of the answers
    replay   once it is answered, the server gets the call again, a while later
"""
import collections
import json
import os
import re
import select
import socket
import struct
import threading
import time

VERBS = ("create", "status", "release", "grant", "done", "resend", "cancel")
EFFECTS = [("middle", "request", e) for e in ("cut", "delay", "away", "late", "twice", "replay")] + [("middle", "answer", e) for e in ("cut", "delay", "away")] + \
          [("lines", side, e) for side in ("request", "answer") for e in ("cut", "reset", "delay", "away")]
LONG_EFFECTS = [("middle", "answer", "gone"), ("lines", "request", "gone")]
SECONDS = 3.0  # that the longest delay takes, more than the first pauses between two tries of the worker
GONE_SECONDS = 22.0
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
VERB = re.compile(rb"POST /v1/requests(?:/[\w-]+/([a-z]+))? HTTP")

Fault = collections.namedtuple("Fault", "place verb nth side effect share")


def name_of(fault):
    return f"{fault.place}:{fault.verb}:{fault.nth}:{fault.side}:{fault.effect}:{fault.share:.3f}"


def fault_of(text):
    place, verb, nth, side, effect, share = text.split(":")
    return Fault(place, verb, int(nth), side, effect, float(share))


def verb_of(message):
    found = VERB.match(message)
    return (found.group(1) or b"create").decode() if found else ""


def read_message(sock):
    """One request or answer, head and body; what had come when the other side closed."""
    got = b""
    while b"\r\n\r\n" not in got:
        some = sock.recv(65536)
        if not some:
            return got
        got += some
    head = got.index(b"\r\n\r\n") + 4
    length = LENGTH.search(got[:head])
    total = head + (int(length.group(1)) if length else 0)
    while len(got) < total:
        some = sock.recv(65536)
        if not some:
            break
        got += some
    return got


def reset(*socks):
    """Ends them without a word of what was not read."""
    for sock in socks:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        sock.close()


class Line:
    """One connection, and how far it came: how many bytes had passed when its call was seen behind it, and how many at the end."""

    def __init__(self):
        self.bytes = {"request": 0, "answer": 0}
        self.at_call = {"request": 0, "answer": 0}

    def called(self):
        self.at_call = dict(self.bytes)

    def place(self, side, share):
        """The byte at which that share of the call or of its answer has passed."""
        if side == "request":
            return int(self.at_call[side] * share)
        return self.at_call[side] + int((self.bytes[side] - self.at_call[side]) * share)


class Network:
    def __init__(self, scene):
        self.scene = scene
        self.lock = threading.Lock()
        self.underway = []  # threads that bring something later
        self.is_open = True
        self.plan(None)
        folder = scene.path("tms", "run")
        self.server = os.path.join(folder, "public.sock")
        self.middle = self.listen(socket.socket(socket.AF_UNIX), os.path.join(folder, "middle.sock"), self.carry_calls)
        self.lines = self.listen(socket.socket(), ("127.0.0.1", 0), self.carry_bytes)
        os.chmod(self.middle.getsockname(), 0o666)
        scene.world.sh(f"sed -i 's,unix:{self.server};,unix:{self.middle.getsockname()};,' $DIR/tms/nginx.conf; nginx_down $DIR; nginx_up $DIR")
        self.lead_through(f"https://localhost:{self.lines.getsockname()[1]}")

    @staticmethod
    def lead_through(address):
        """The customer's calls; his profile stays what it is otherwise."""
        path = "/etc/mokhoa/profiles.d/demo.json"
        with open(path, encoding="utf-8") as f:
            profile = json.load(f)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(dict(profile, tms=address), f)

    def listen(self, listener, address, carry):
        listener.bind(address)
        listener.listen(64)

        def accept():
            while self.is_open:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=self.carry, args=(carry, near), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()
        return listener

    def close(self):
        self.is_open = False
        for listener in (self.middle, self.lines):
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    # ---- what it is told ----

    def plan(self, fault, order=()):
        """order: (verb, Line) of each connection of a whole unlock, so that it is known which of them carries what."""
        with self.lock:
            self.fault, self.reached, self.away_until = fault, False, 0.0
            self.verbs, self.carried = [], []
            self.number = self.at = 0  # the line that is meant, and its byte
            if fault is not None and fault.place == "lines":
                self.number, like = [(n, line) for n, (verb, line) in enumerate(order, 1) if verb == fault.verb][fault.nth - 1]
                self.at = like.place(fault.side, fault.share)

    def order(self):
        """What was carried since the last plan."""
        return list(zip(self.verbs, self.carried))

    def take(self, side, effects):
        """The fault where this is its side and its effect one of these, once; of a call that is meant."""
        with self.lock:
            fault = self.fault
            if fault is None or self.reached or fault.side != side or fault.effect not in effects:
                return None
            self.reached = True
            return fault

    def is_away(self):
        return time.monotonic() < self.away_until

    def go_away(self, fault):
        if fault.effect in ("away", "gone"):
            self.away_until = time.monotonic() + (0.3 + fault.share * SECONDS if fault.effect == "away" else GONE_SECONDS)

    def later(self, seconds, message):
        def bring():
            time.sleep(seconds)
            self.ask(message)
        thread = threading.Thread(target=bring)
        self.underway.append(thread)
        thread.start()

    def settle(self):
        self.come_back()
        while self.underway:
            self.underway.pop().join()

    def come_back(self):
        time.sleep(max(0.0, self.away_until - time.monotonic()))

    # ---- calls, between nginx and the server ----

    def carry(self, carry, near):
        try:
            with near:
                carry(near)
        except OSError:
            pass  # either side has gone

    def carry_calls(self, near):
        while message := read_message(near):
            verb = verb_of(message)
            with self.lock:
                self.verbs.append(verb)
                if self.carried:
                    self.carried[-1].called()
                fault = self.fault
                meant = fault is not None and fault.place == "middle" and verb == fault.verb and self.verbs.count(verb) == fault.nth
            answer = self.pass_on(message) if meant else None if self.is_away() else self.ask(message)
            if not answer:
                return
            near.sendall(answer)
            if meant and self.reached and self.fault.side == "answer" and self.fault.effect != "delay":
                return

    def ask(self, message, share=1.0):
        """Brings the server that share of the message; its answer where that is all of it."""
        with socket.socket(socket.AF_UNIX) as far:
            far.settimeout(30)
            try:
                far.connect(self.server)
                far.sendall(message[:int(len(message) * share)])
                return read_message(far) if share == 1 else None
            except OSError:
                return None  # it has ended, or is on its way up

    def pass_on(self, message):
        """The call that is meant; gives what the caller gets of an answer."""
        fault = self.take("request", ("cut", "away", "gone"))
        if fault:
            self.go_away(fault)
            if fault.share:
                self.ask(message, fault.share)
            return None
        fault = self.take("request", ("late",))
        if fault:
            self.later(0.1 + fault.share * SECONDS, message)
            return None
        fault = self.take("request", ("twice",))
        if fault:
            return self.ask_twice(message, fault.share)
        fault = self.take("request", ("delay",))
        if fault:
            time.sleep(fault.share * SECONDS)
        answer = self.ask(message)
        if self.take("request", ("replay",)):
            self.later(self.fault.share * SECONDS, message)
        fault = self.take("answer", ("delay",))
        if fault:
            time.sleep(fault.share * SECONDS)
        fault = self.take("answer", ("cut", "away", "gone"))
        if fault:
            self.go_away(fault)
        return answer[:int(len(answer) * fault.share)] if fault and answer else answer

    def ask_twice(self, message, share):
        answers = [None, None]

        def ask(n):
            answers[n] = self.ask(message)
        both = [threading.Thread(target=ask, args=(n,)) for n in (0, 1)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        return answers[share < 0.5]

    # ---- bytes, in front of nginx ----

    def carry_bytes(self, near):
        with self.lock:
            line = Line()
            self.carried.append(line)
            meant = len(self.carried) == self.number
        if self.is_away():
            reset(near)
            return
        with socket.create_connection(("127.0.0.1", int(self.scene.world.ports[0])), 10) as far:
            while True:
                ready, _, _ = select.select([near, far], [], [], 60)
                if not ready:
                    return
                for sock in ready:
                    other, side = (far, "request") if sock is near else (near, "answer")
                    some = sock.recv(65536)
                    if not some or (meant and self.hurt(line, side, near, far, some)):
                        return
                    other.sendall(some)
                    line.bytes[side] += len(some)

    def hurt(self, line, side, near, far, some):
        """True where this was the end of it."""
        fault = self.fault
        if side != fault.side:
            return False
        left = self.at - line.bytes[side]
        if len(some) < left - 16:  # a handshake is some bytes shorter or longer than the one before
            return False
        fault = self.take(side, ("cut", "reset", "delay", "away", "gone"))
        if fault is None:
            return False
        other = far if side == "request" else near
        if fault.effect == "delay":
            time.sleep(0.1 + fault.share * SECONDS)
            return False
        if fault.share == 1:
            other.sendall(some)
        elif left > 0:
            other.sendall(some[:left])
        self.go_away(fault)
        if fault.effect == "reset":
            reset(near, far)
        return True
