# SPDX-License-Identifier: Apache-2.0
"""The points of an unlock at which it is cut short, from what strace wrote down of a whole one.

A point is text, PROGRAM:CALL:K:EFFECT. PROGRAM is the place of a process in the unlock (host.1; worker.2, the second worker; step.5; vault; serve.public, serve.desk and serve.mail: threads of the server); K
counts the calls of that name in its main thread, for a server since it was attached to; EFFECT is "kill", before the call is made, or the errno it fails with. What is
done to the card itself is card:apdu:K:EFFECT, with K of the commands that it is sent: "pull" behind it, "lose" its answer.
"""
import collections
import re
import time

ERRNOS = ("EIO", "ENOSPC", "EINTR", "EAGAIN", "ECONNRESET", "ENOMEM")
NAMED = ("write", "writev", "pwrite64", "send", "sendto", "sendmsg", "fsync", "fdatasync", "rename", "renameat", "renameat2", "connect")
SURE = ("close", "munmap", "brk", "F_UNLCK")  # calls, and what one is asked for, that no kernel refuses: only a place to die at
NEVER = ("execve", "exit", "exit_group", "rt_sigreturn", "restart_syscall")  # the program is not itself yet, or not any more
ONE_IN = 20
LINE = re.compile(r"^(?:\d+ +)?([a-z_0-9]+)\((.*)$")
# which of the unlock's places an argument names
PLACES = (("journal", "/.local/state/mokhoa"), ("escrow log", "escrow.log"), ("database", "tms.sqlite"), ("vault", "vault.sock"), ("reader", "pcscd.comm"),
          ("reader", "/soft/socket"), ("server", "TCP:"), ("server", "sin_port"), ("server", "public.sock"), ("server", "admin.sock"), ("pipe", "pipe:["),
          ("socket", "<UNIX"))
SOCKETS = {"step": "reader", "serve": "vault", "vault": "vault"}  # of which strace does not say where they lead

Call = collections.namedtuple("Call", "name ordinal place sure")
Point = collections.namedtuple("Point", "program call ordinal effect place sure")


def name_of(point):
    return f"{point.program}:{point.call}:{point.ordinal}:{point.effect}"


def point_of(text):
    program, call, ordinal, effect = text.split(":")
    return Point(program, call, int(ordinal), effect, "", False)


def place_of(program, arguments):
    for place, word in PLACES:
        if word in arguments:
            return SOCKETS.get(program.split(".")[0], place) if place == "socket" else place
    return ""


def read_calls(program, path):
    """The calls of one thread, in order."""
    counts, calls = collections.Counter(), []
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            found = LINE.match(line)
            if found is None or "resumed>" in line[:60]:
                continue
            name, arguments = found.groups()
            counts[name] += 1
            calls.append(Call(name, counts[name], place_of(program, arguments), name in SURE or any(word in arguments for word in SURE if word.isupper())))
    return calls


def choose(program, calls, chance, named=NAMED):
    """Around each call that leaves the process, before it and before what follows it; and one in twenty of the rest."""
    chosen = {}
    for i, call in enumerate(calls):
        if call.name in NEVER:
            continue
        if call.name in named and call.place:
            chosen.setdefault(call[:2], (call.place, call.sure))
            if i + 1 < len(calls) and calls[i + 1].name not in NEVER:
                chosen.setdefault(calls[i + 1][:2], ("after " + call.place, calls[i + 1].sure))
        elif chance.randrange(ONE_IN) == 0:
            chosen.setdefault(call[:2], (call.place or "rest", call.sure))
    return [Point(program, *at, "kill", *what) for at, what in chosen.items()]


def of_card(commands):
    """The card is pulled at each command, and each answer lost: every Cryptoki call that reaches a card is between two of them."""
    return [Point("card", "apdu", k, effect, "card", False) for k in range(1, commands + 1) for effect in ("pull", "lose")]


def with_errors(points, chance=None):
    """Each of them again, with each errno instead of the end; with chance, with one of them."""
    for p in points:
        if not p.sure:
            for errno in [chance.choice(ERRNOS)] if chance else ERRNOS:
                yield p._replace(effect=errno)


# ---- strace ----

def recording():
    return "-e trace=all -s 0 -yy"


def injection(point):
    effect = "signal=SIGKILL" if point.effect == "kill" else "error=" + point.effect
    return f"-e trace={point.call} -e inject={point.call}:{effect}:when={point.ordinal} -s 0"


def was_reached(path, point):
    """Whether what strace wrote down shows that it did it."""
    end = time.monotonic() + 5
    while True:
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                text = f.read()
        except FileNotFoundError:
            return False
        if point.effect != "kill":
            return "(INJECTED)" in text
        if "+++ killed by SIGKILL +++" in text:
            return True
        if "+++ exited" in text or time.monotonic() > end:
            return False
        time.sleep(0.02)
