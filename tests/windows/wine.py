# SPDX-License-Identifier: Apache-2.0
"""What the tests under wine share: the programs as they would be installed, how they are started, and what stands on the screen."""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
BUILD = os.environ["MOKHOA_WINDOWS"]
ARTIFACTS = os.path.join(os.path.dirname(BUILD), "artifacts")
DRIVE = os.path.join(os.environ["HOME"], ".wine", "drive_c")
INSTALLED = os.path.join(DRIVE, "Program Files", "Mokhoa")
FOLDER = "C:\\Program Files\\Mokhoa\\"
sys.path[:0] = [os.path.join(TESTS, "stage"), os.path.join(TESTS, "check")]


def install():
    """The programs in Program Files, where only the administrator could have put them; no profile."""
    shutil.rmtree(INSTALLED, ignore_errors=True)
    os.makedirs(os.path.join(INSTALLED, "profiles.d"))
    for folder, names in (("wine-bin", ("mokhoa-host", "mokhoa-worker", "mokhoa-websocket", "echo_frames", "chrome_launch", "person")), ("bin", ("mokhoa-prompt",))):
        for name in names:
            shutil.copy(os.path.join(BUILD, folder, name + ".exe"), INSTALLED)
    shutil.copy(os.path.join(BUILD, "bin", "mock_p11.dll"), INSTALLED)


def command(name, *args):
    return ["wine", FOLDER + name + ".exe", *args]


def script(name, *args):
    """A program of this system that starts one under wine: for who wants one path."""
    path = os.path.join(tempfile.mkdtemp(prefix="mokhoa-wine."), name)
    words = " ".join("'" + a + "'" for a in command(name, *args))
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'#!/bin/sh\nHOME={os.environ["HOME"]} WINEDEBUG=-all exec {words} "$@"\n')
    os.chmod(path, 0o755)
    return path


def person(*steps, wait=True):
    """What somebody does before the prompt's window; the answer is what was shown, NAME=TEXT a line."""
    process = subprocess.Popen(command("person", *steps), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if not wait:
        return process
    out = process.communicate(timeout=120)[0].decode("utf-8")
    assert process.returncode == 0, f"person {steps[0]}...: {process.returncode} {out}"
    return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)


def screenshot(name):
    """What Xvfb shows now, as build/artifacts/NAME.png: its file is an X window dump (XWDFile.h)."""
    with open(os.environ["MOKHOA_SCREEN"], "rb") as f:
        dump = f.read()
    head = struct.unpack(">25I", dump[:100])
    header_size, width, height, bits, line, colors = head[0], head[4], head[5], head[11], head[12], head[19]
    assert bits == 32 and width > 0 and height > 0, head
    start = header_size + colors * 12
    little = head[7] == 0
    rows = []
    for y in range(height):
        row = dump[start + y * line:start + y * line + width * 4]
        b, g, r = (row[0::4], row[1::4], row[2::4]) if little else (row[3::4], row[2::4], row[1::4])
        out = bytearray(3 * width)
        out[0::3], out[1::3], out[2::3] = r, g, b
        rows.append(b"\0" + bytes(out))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    os.makedirs(ARTIFACTS, exist_ok=True)
    path = os.path.join(ARTIFACTS, name + ".png")
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(b"".join(rows))) + chunk(b"IEND", b""))
    return path, len(set(b"".join(rows)))
