#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Native messaging on Windows: every byte goes through as it is, whether the host has plain pipes (Firefox, newer Chromium) or is started by cmd.exe between
two named pipes (chrome_launch.c, as Chromium does)."""
import json
import struct
import subprocess
import unittest

import wine

import native

SPECIAL = b"\x0a\x0d\x1a\x00\xff\x04\x03\x11\x13"
ALL = bytes(range(256))
ORIGIN = native.EXTENSION


def frame(body):
    return struct.pack("<I", len(body)) + body


class Pipe:
    """A program with frames on both sides."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)

    def exactly(self, count):
        got = b""
        while len(got) < count:
            some = self.process.stdout.read(count - len(got))
            if not some:
                raise EOFError(f"{len(got)} of {count} bytes, then the end")
            got += some
        return got

    def ask(self, body):
        self.process.stdin.write(frame(body))
        return self.exactly(struct.unpack("<I", self.exactly(4))[0])

    def close(self):
        """Closes the host's stdin: its status, and whether it said more."""
        self.process.stdin.close()
        rest = self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait(60), rest


class Native(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        wine.install()

    def launches(self, program):
        """The two ways in which browsers start a host."""
        for name, command in (("pipes", wine.command(program, ORIGIN, "--parent-window=0")),
                              ("cmd.exe", wine.command("chrome_launch", wine.FOLDER + program + ".exe", ORIGIN))):
            print(name, program, flush=True)
            pipe = Pipe(command)
            try:
                yield pipe
            finally:
                pipe.process.kill()
                pipe.process.wait()
                pipe.process.stdin.close()
                pipe.process.stdout.close()

    def test_every_byte_value_and_every_length_byte(self):
        bodies = [ALL, ALL[::-1], SPECIAL, SPECIAL * 100, b"\r\n" * 700, b"\x1a" * 300]
        bodies += [bytes([b, b]) for b in range(256)]
        bodies += [bytes(i % 251 for i in range(n)) for n in (10, 13, 26, 0x0A0D, 0x0D0A, 0x1A0A, 0x0A1A, 0xFFFF, 65536)]
        for pipe in self.launches("echo_frames"):
            for body in bodies:
                self.assertEqual(pipe.ask(body), body)
            self.assertEqual(pipe.close(), (0, b""))

    def test_the_host_keeps_its_place_whatever_it_is_sent(self):
        hello = {"origin": native.ORIGIN, "message": {"jsonrpc": "2.0", "id": 1, "method": "hello", "params": {}}}
        for pipe in self.launches("mokhoa-host"):
            for byte in range(256):
                answer = json.loads(pipe.ask(b'{"x": "' + bytes([byte]) + b'"}'))
                # what is text is no envelope, what is none is no text
                name = "invalid_request" if 0x20 <= byte < 0x80 and byte not in b'"\\' else "parse_error"
                self.assertEqual(answer["message"]["error"]["data"]["name"], name, byte)
            for length in (0x0A0D, 0x0D0A, 0x1A0A, 0x0A0A, 0x1A1A, 8192):
                body = json.dumps(hello).encode()
                answer = json.loads(pipe.ask(body + b" \t\r\n"[length % 4:][:1] * (length - len(body))))
                self.assertIn(answer["message"]["error"]["data"]["name"], ("profile_missing", "extension_refused", "origin_refused"))
            self.assertEqual(pipe.close(), (0, b""))

    def test_a_frame_that_is_cut_ends_the_connection(self):
        for pipe in self.launches("mokhoa-host"):
            pipe.process.stdin.write(struct.pack("<I", 100) + b"{")
            status, rest = pipe.close()
            self.assertEqual(json.loads(rest[4:])["message"]["error"]["data"]["name"], "frame_truncated")
            self.assertEqual(status, 1)


if __name__ == "__main__":
    unittest.main()
