# SPDX-License-Identifier: Apache-2.0
"""Plays a page that reaches mokhoa-websocket without an extension: handshake and frames of RFC 6455, each byte of which a test may choose.

Server starts the program and knows its port and its log; Page speaks with it as native.Host does with the host.
"""
import base64
import hashlib
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import native

PORTS = (21703, 24691, 28517)
SUBPROTOCOL = "mokhoa.1"
MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def own_network():
    """Runs the program again in a network of its own, where it is alone with loopback and the three ports are its own; on a stage."""
    if os.environ.get("MOKHOA_OWN_NETWORK") != "1":
        os.execvpe("unshare", ["unshare", "--net", sys.executable, os.path.abspath(sys.argv[0])] + sys.argv[1:], {**os.environ, "MOKHOA_OWN_NETWORK": "1"})
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def head(port, origin, **change):
    """A browser's head; a header that is changed to None is left out."""
    headers = {"Host": f"127.0.0.1:{port}", "Connection": "Upgrade", "Pragma": "no-cache", "Cache-Control": "no-cache", "Upgrade": "websocket",
               "Origin": origin, "Sec-WebSocket-Version": "13", "Accept-Encoding": "gzip, deflate, br, zstd",
               "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
               "Sec-WebSocket-Protocol": SUBPROTOCOL}
    headers.update(change)
    lines = ["GET /mokhoa HTTP/1.1"] + [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def frame(body, opcode=TEXT, fin=True, reserved=0, mask=b"\x11\x22\x33\x44", form=None, length=None):
    """A frame; form (7, 16, 64 bits) and the length that it announces may be other than what is right."""
    length = len(body) if length is None else length
    form = form or (7 if length < 126 else 16 if length < 65536 else 64)
    second = 0x80 if mask else 0
    size = bytes([second | length & 127]) if form == 7 else bytes([second | 126]) + struct.pack("!H", length & 0xffff) if form == 16 \
        else bytes([second | 127]) + struct.pack("!Q", length)
    masked = bytes(b ^ mask[i % 4] for i, b in enumerate(body)) if mask else body
    return bytes([(0x80 if fin else 0) | reserved << 4 | opcode]) + size + (mask or b"") + masked


class Closed(Exception):
    """The server has closed; code is that of its close frame, None where it sent none."""

    def __init__(self, code):
        super().__init__(f"closed with {code}")
        self.code = code


class Connection:
    """A socket to the server, and frames on it once it is open."""

    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.port, self.timeout, self.read = port, timeout, b""

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def some(self):
        if not select.select([self.socket], [], [], self.timeout)[0]:
            raise TimeoutError("the server does not answer")
        got = self.socket.recv(65536)
        if not got:
            raise Closed(None)
        self.read += got

    def open(self, origin=native.ORIGIN, **change):
        """The whole handshake; Closed where the server resets it, as it does with all that the gate refuses."""
        try:
            self.send(head(self.port, origin, **change))
            while b"\r\n\r\n" not in self.read:
                self.some()
        except (ConnectionError, BrokenPipeError):
            raise Closed(None) from None
        answer, self.read = self.read.split(b"\r\n\r\n", 1)
        want = base64.b64encode(hashlib.sha1(("dGhlIHNhbXBsZSBub25jZQ==" + MAGIC).encode()).digest()).decode()
        fields = dict(line.split(": ", 1) for line in answer.decode().split("\r\n")[1:])
        fields = {name.lower(): value for name, value in fields.items()}
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        assert fields["sec-websocket-accept"] == want and fields["sec-websocket-protocol"] == SUBPROTOCOL, answer
        assert "sec-websocket-extensions" not in fields, answer
        return self

    def next_frame(self):
        """The next (opcode, body) of the server, whose frames are whole and without a mask."""
        while True:
            if len(self.read) >= 2:
                length, at = self.read[1] & 127, 2
                if length == 126 and len(self.read) >= 4:
                    length, at = struct.unpack("!H", self.read[2:4])[0], 4
                elif length == 127 and len(self.read) >= 10:
                    length, at = struct.unpack("!Q", self.read[2:10])[0], 10
                if (at > 2 or length < 126) and len(self.read) >= at + length:
                    opcode, body = self.read[0] & 15, self.read[at:at + length]
                    assert self.read[0] & 0xf0 == 0x80 and not self.read[1] & 0x80, self.read[:2]
                    self.read = self.read[at + length:]
                    return opcode, body
            self.some()

    def message(self):
        """The next text; Closed where there comes a goodbye or nothing any more."""
        while True:
            try:
                opcode, body = self.next_frame()
            except ConnectionError:
                raise Closed(None) from None
            if opcode == TEXT:
                return body
            if opcode == CLOSE:
                raise Closed(struct.unpack("!H", body[:2])[0] if body else None)

    def closed_with(self):
        """The code with which the server closes, whatever it says before."""
        try:
            while True:
                self.message()
        except Closed as closed:
            return closed.code


class Page(native.Host):
    """A page as native.Host is an extension: the same calls, without an envelope around them."""

    def __init__(self, port, origin=native.ORIGIN):
        self.origin, self.notifications, self.next_id, self.answers = origin, [], 1, {}
        self.connection = Connection(port).open(origin)

    def close(self):
        self.connection.close()

    def send(self, envelope):
        self.connection.send(frame(json.dumps(envelope["message"], ensure_ascii=False).encode()))

    def receive(self, timeout=30):
        self.connection.timeout = timeout
        return {"message": json.loads(self.connection.message())}


class Server:
    def __init__(self, program, env=None, **options):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([program], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log,
                                        env={**os.environ, "MOKHOA_LOG": "debug", **(env or {})}, **options)
        self.port = None
        end = time.monotonic() + 30
        while self.port is None:
            found = re.search(r"listens port=(\d+)", self.text())
            if found:
                self.port = int(found.group(1))
            elif self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{program}: {self.process.poll()}\n{self.text()}")
            time.sleep(0.02)

    def text(self):
        self.log.seek(0)
        return self.log.read().decode()

    def page(self, **options):
        return Page(self.port, **options)

    def connect(self, **options):
        return Connection(self.port, **options)

    def tally(self):
        """Ends the server: what it has counted, by name."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        text = self.text()
        if status != 0 or "Sanitizer" in text:
            raise RuntimeError(f"{status}\n{text[-4000:]}")
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", re.search(r"door ended (.*)", text).group(1))}

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
