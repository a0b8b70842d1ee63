#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Plays the browser and its extension: starts the host as a browser does and speaks native messaging frames with it.

As a program:   native.py HOST METHOD [PARAMS-JSON] [--origin ORIGIN] [--extension ID]
prints each notification on stderr and the answer's result on stdout; an error answer goes to stdout too, exit status 1.

As a module:    with Host(path) as host: host.call("hello")
"""
import argparse
import json
import select
import struct
import subprocess
import sys
import time

ORIGIN = "https://portal.mokhoa.test"
EXTENSION = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"


class Refused(Exception):
    """An error answer; name is the wire name."""

    def __init__(self, error):
        super().__init__(f"{error['data']['name']}: {error['message']}")
        self.error = error
        self.name = error["data"]["name"]
        self.data = error["data"]


class Ended(Exception):
    """The host has closed its side."""


class Host:
    def __init__(self, program, origin=ORIGIN, extension=EXTENSION, env=None):
        self.origin = origin
        self.notifications = []
        self.next_id = 1
        self.answers = {}
        self.process = subprocess.Popen([program, extension], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=env)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except OSError:
                pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def send_bytes(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, envelope):
        text = json.dumps(envelope, ensure_ascii=False).encode()
        self.send_bytes(struct.pack("=I", len(text)) + text)

    def _exactly(self, count, deadline):
        got = b""
        while len(got) < count:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError("the host does not answer")
            some = self.process.stdout.read(count - len(got))
            if not some:
                raise Ended("the host closed its side")
            got += some
        return got

    def receive(self, timeout=30):
        deadline = time.monotonic() + timeout
        (length,) = struct.unpack("=I", self._exactly(4, deadline))
        return json.loads(self._exactly(length, deadline))

    def start(self, method, params=None, channel=None):
        """Sends a request and returns its id; finish() waits for the answer."""
        number = self.next_id
        self.next_id += 1
        envelope = {"origin": self.origin, "message": {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}}
        if channel:
            envelope["channel"] = channel
        self.send(envelope)
        return number

    def finish(self, number, timeout=120, on_notification=None):
        deadline = time.monotonic() + timeout
        while number not in self.answers:
            message = self.receive(max(0.1, deadline - time.monotonic()))["message"]
            if "method" in message:
                self.notifications.append(message)
                if on_notification:
                    on_notification(message)
            else:
                self.answers[message["id"]] = message
        answer = self.answers.pop(number)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def call(self, method, params=None, timeout=120, on_notification=None):
        return self.finish(self.start(method, params), timeout, on_notification)


def main():
    parser = argparse.ArgumentParser(description="Plays the browser: one request to the host, by native messaging.")
    parser.add_argument("host")
    parser.add_argument("method")
    parser.add_argument("params", nargs="?", default="{}")
    parser.add_argument("--origin", default=ORIGIN)
    parser.add_argument("--extension", default=EXTENSION)
    parser.add_argument("--timeout", type=float, default=120)
    args = parser.parse_args()

    def show(note):
        print(json.dumps(note["params"], ensure_ascii=False), file=sys.stderr, flush=True)

    with Host(args.host, args.origin, args.extension) as host:
        try:
            print(json.dumps(host.call(args.method, json.loads(args.params), args.timeout, show), ensure_ascii=False))
        except Refused as refused:
            print(json.dumps(refused.error, ensure_ascii=False))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
