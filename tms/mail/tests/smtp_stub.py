#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""smtp_stub.py FOLDER [auth]: a mail server that can be told to misbehave, for test_outbox.c.

Prints its port, then serves until stdin ends. What it takes goes to FOLDER/N, first the envelope line, then the mail. The recipient's
local part says what happens: refused (550 to RCPT), later (450 to RCPT), spam (554 after the mail), full (452 after the mail), hangup (closed
in place of an answer to RCPT), vanish (closed in place of an answer to the mail). With "auth" every login is refused (535).
"""
import itertools
import os
import socketserver
import sys
import threading

folder = sys.argv[1]
auth = "auth" in sys.argv[2:]
lock = threading.Lock()
taken = 0
sessions = itertools.count()


class Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def keep(self, sender, recipients, data):
        global taken
        with lock:
            taken += 1
            number = taken
        with open(os.path.join(folder, f"part.{number}"), "wb") as f:
            f.write(f"{sender} {' '.join(recipients)} {self.number}\n".encode() + data)
        os.rename(os.path.join(folder, f"part.{number}"), os.path.join(folder, str(number)))

    def data(self, sender, recipients):
        self.say("354 go on")
        data = b""
        while not data.endswith(b"\r\n.\r\n"):
            line = self.rfile.readline()
            if not line:
                return False
            data += line[1:] if line.startswith(b".") and line != b".\r\n" else line
        self.keep(sender, recipients, data[:-3])
        word = recipients[0].split("@")[0]
        if word == "vanish":
            return False
        self.say({"spam": "554 5.7.1 spam", "full": "452 4.3.1 no room"}.get(word, "250 2.0.0 taken"))
        return True

    def handle(self):
        self.number = next(sessions)
        sender, recipients = "", []
        self.say("220 stub ESMTP")
        for raw in self.rfile:
            line = raw.decode().strip()
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                self.wfile.write(b"250-stub\r\n" + (b"250-AUTH PLAIN\r\n" if auth else b"") + b"250 8BITMIME\r\n")
            elif verb == "AUTH":
                self.say("535 5.7.8 no")
            elif verb == "MAIL":
                sender, recipients = line.split("<")[1].split(">")[0], []
                self.say("250 ok")
            elif verb == "RCPT":
                to = line.split("<")[1].split(">")[0]
                word = to.split("@")[0]
                if word == "hangup":
                    return
                recipients.append(to)
                self.say({"refused": "550 5.1.1 nobody", "later": "450 4.2.1 busy"}.get(word, "250 ok"))
            elif verb == "DATA":
                if not self.data(sender, recipients):
                    return
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


with Server(("127.0.0.1", 0), Session) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
