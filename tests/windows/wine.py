# SPDX-License-Identifier: Apache-2.0
"""What the tests under wine share: the programs as they would be installed, how they are started, and what stands on the screen."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
BUILD = os.environ["MOKHOA_WINDOWS"]
BUILD_X86 = os.path.join(os.path.dirname(BUILD), "mingw-w64-x86")
ARTIFACTS = os.path.join(os.path.dirname(BUILD), "artifacts")
DRIVE = os.path.join(os.environ["HOME"], ".wine", "drive_c")
INSTALLED = os.path.join(DRIVE, "Program Files", "Mokhoa")
# of the one user: journals, and when the doctor was last asked
STATE = os.path.join(DRIVE, "users", os.environ.get("USER", "root"), "AppData", "Local", "Mokhoa")
FOLDER = "C:\\Program Files\\Mokhoa\\"
sys.path[:0] = [os.path.join(TESTS, "stage"), os.path.join(TESTS, "check")]

import screen  # noqa: E402


def install():
    """The programs in Program Files, where only the administrator could have put them; no profile."""
    shutil.rmtree(INSTALLED, ignore_errors=True)
    os.makedirs(os.path.join(INSTALLED, "profiles.d"))
    for folder, names in (("wine-bin", ("mokhoa-host", "mokhoa-worker", "mokhoa-websocket", "mokhoa-setup", "echo_frames", "chrome_launch", "person", "registry")), ("bin", ("mokhoa-prompt",))):
        for name in names:
            shutil.copy(os.path.join(BUILD, folder, name + ".exe"), INSTALLED)
    shutil.copy(os.path.join(BUILD, "bin", "mock_p11.dll"), INSTALLED)
    shutil.copy(os.path.join(BUILD_X86, "wine-bin", "mokhoa-worker-x86.exe"), INSTALLED)
    shutil.copy(os.path.join(BUILD_X86, "bin", "mock_p11.dll"), os.path.join(INSTALLED, "mock_p11_x86.dll"))


def command(name, *args):
    return ["wine", FOLDER + name + ".exe", *args]


def registry(*orders):
    """What registry.c says to these orders, each a tuple of words."""
    path = "Z:" + os.path.join(BUILD, "wine-bin", "registry.exe").replace("/", "\\")
    for _ in range(3):  # orders may be given again, and a program that wine did not bring to its end is no finding
        done = subprocess.run(["wine", path], input="".join("\t".join(o) + "\n" for o in orders).encode(), capture_output=True)
        if done.returncode == 0:
            break
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout.decode("utf-8")


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
    """What Xvfb shows now, as build/artifacts/NAME.png; and of how many different bytes it is made."""
    picture = screen.Picture(os.environ["MOKHOA_SCREEN"])
    path = os.path.join(ARTIFACTS, name + ".png")
    picture.save(path)
    return path, picture.colors()
