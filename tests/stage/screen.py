# SPDX-License-Identifier: Apache-2.0
"""A screen of our own (Xvfb), what stands on it, and a hand on its mouse and keyboard (xdotool).

Picture reads Xvfb's frame buffer, an X window dump (XWDFile.h), and finds buttons by their colours: what a browser asks a person is drawn by the
browser itself and is in no document that a driver could reach.
"""
import os
import re
import shutil
import struct
import subprocess
import tempfile
import zlib

PROGRAMS = ("Xvfb", "xdotool")
BUTTON_WIDTH, BUTTON_ROWS, BUTTONS_APART = (40, 160), 6, (2, 24)


def missing():
    """The programs that are not here."""
    return [name for name in PROGRAMS if not shutil.which(name)]


class Picture:
    """rows: of each row its pixels, three bytes each."""

    def __init__(self, path):
        with open(path, "rb") as f:
            dump = f.read()
        head = struct.unpack(">25I", dump[:100])
        header_size, self.width, self.height, bits, line, colors = head[0], head[4], head[5], head[11], head[12], head[19]
        assert bits == 32 and self.width > 0 and self.height > 0, head
        start, little = header_size + colors * 12, head[7] == 0
        self.rows = []
        for y in range(self.height):
            row = dump[start + y * line:start + y * line + self.width * 4]
            out = bytearray(3 * self.width)
            out[0::3], out[1::3], out[2::3] = (row[2::4], row[1::4], row[0::4]) if little else (row[1::4], row[2::4], row[3::4])
            self.rows.append(bytes(out))

    def colors(self):
        """How many different bytes there are: of an empty screen one or two."""
        return len(set(b"".join(self.rows)))

    def save(self, path):
        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)) +
                    chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in self.rows))) + chunk(b"IEND", b""))

    def _runs(self, y, color):
        """From where to where this row has nothing but that colour, in pieces as wide as a button."""
        same = [int.from_bytes(self.rows[y][i::3].translate(bytes(value == color[i] for value in range(256))), "big") for i in range(3)]
        mask = (same[0] & same[1] & same[2]).to_bytes(self.width, "big")
        return [found.span() for found in re.finditer(rb"\x01{%d,}" % BUTTON_WIDTH[0], mask)]

    def _patches(self, color):
        """(left, right, top) of what has that colour over some rows and the width of a button; the letters on it end it."""
        open_, found = [], []
        for y in range(self.height):
            still = []
            for left, right in self._runs(y, color):
                above = next((p for p in open_ if p[0] < right and left < p[1]), [left, right, y, 0])
                still.append([min(left, above[0]), max(right, above[1]), above[2], above[3] + 1])
            found += [p for p in still if p[3] == BUTTON_ROWS]
            open_ = still
        return [(left, right, top) for left, right, top, _ in found if right - left <= BUTTON_WIDTH[1]]

    def buttons(self, left_color, right_color):
        """Where to press the topmost two buttons that stand side by side; None where there are none."""
        pairs = [(a, b) for a in self._patches(left_color) for b in self._patches(right_color)
                 if abs(a[2] - b[2]) <= 1 and BUTTONS_APART[0] <= b[0] - a[1] <= BUTTONS_APART[1]]
        return [((left + right) // 2, top + BUTTON_ROWS) for left, right, top in min(pairs, key=lambda pair: pair[0][2])] if pairs else None


class Screen:
    def __init__(self, width=1400, height=1000):
        self.dir = tempfile.mkdtemp(prefix="mokhoa-screen.")
        read, write = os.pipe()
        try:
            self.process = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-fbdir", self.dir],
                                            pass_fds=[write], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        finally:
            os.close(write)
        with os.fdopen(read) as number:
            self.display = ":" + number.readline().strip()  # empty where it has ended instead
        assert self.display != ":", "Xvfb does not start"

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def picture(self):
        return Picture(os.path.join(self.dir, "Xvfb_screen0"))

    def hand(self, *words):
        return subprocess.run(["xdotool", *(str(word) for word in words)], env={**os.environ, "DISPLAY": self.display}, check=True, stdout=subprocess.PIPE, text=True,
                              timeout=30).stdout.split()

    def click(self, place):
        self.hand("mousemove", *place)
        self.hand("click", 1)

    def keys(self, title, *names):
        """Into the window whose title has this in it; nobody here manages windows, and none has the keyboard by itself."""
        self.hand("windowfocus", "--sync", self.hand("search", "--onlyvisible", "--name", title)[0])
        for name in names:
            self.hand("key", name)
