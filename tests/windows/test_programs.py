#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The programs as they are shipped: what they import, how big they are, and that nothing of the machine they were built on is in them."""
import glob
import os
import re
import subprocess
import unittest

from wine import BUILD, BUILD_X86

OBJDUMP = "x86_64-w64-mingw32-objdump"
# of Windows itself, in System32 on every Windows 10
SYSTEM = {"advapi32.dll", "bcrypt.dll", "crypt32.dll", "gdi32.dll", "imm32.dll", "iphlpapi.dll", "kernel32.dll", "msi.dll", "msvcrt.dll", "ole32.dll", "shell32.dll",
          "user32.dll", "winscard.dll", "ws2_32.dll"}
SIZE_MAX = 6 * 1024 * 1024
ACTION = os.path.join(BUILD, "bin", "mokhoa-action.dll")  # in the MSI
X86 = os.path.join(BUILD_X86, "bin", "mokhoa-worker-x86.exe")
PROGRAMS = ("mokhoa-host", "mokhoa-worker", "mokhoa-prompt", "mokhoa-setup", "mokhoa-websocket")


class Programs(unittest.TestCase):
    def each(self, *more):
        found = sorted(glob.glob(os.path.join(BUILD, "bin", "*.exe")))
        self.assertLessEqual({p + ".exe" for p in PROGRAMS}, {os.path.basename(f) for f in found})
        for path in [*found, X86, *more]:
            print(os.path.basename(path))
            yield path, subprocess.run([OBJDUMP, "-p", path], capture_output=True, text=True, check=True).stdout

    def test_they_import_what_windows_has(self):
        for _, headers in self.each(ACTION):
            imported = {name.lower() for name in re.findall(r"DLL Name: (\S+)", headers)}
            self.assertTrue(imported)
            self.assertEqual(imported - SYSTEM, set())

    def test_the_worker_of_32_bits_is_one(self):
        headers = subprocess.run([OBJDUMP, "-f", X86], capture_output=True, text=True, check=True).stdout
        self.assertIn("pei-i386", headers)

    def test_they_are_small(self):
        for path, _ in self.each():
            print(os.path.getsize(path), "bytes")
            self.assertLessEqual(os.path.getsize(path), SIZE_MAX)

    def test_they_are_hardened_and_have_no_time(self):
        for path, headers in self.each(ACTION):
            # an address of 32 bits has no room for high entropy
            for flag in ("DYNAMIC_BASE", "NX_COMPAT", *(() if path == X86 else ("HIGH_ENTROPY_VA",))):
                self.assertIn(flag, headers)
            self.assertRegex(headers, r"Time/Date\s+Thu Jan  1 00:00:00 1970|Time/Date\s+0+\b|Time/Date\s+\(null\)")

    def test_nothing_of_the_building_machine_is_in_them(self):
        root = os.path.dirname(os.path.dirname(BUILD))
        for path, _ in self.each(ACTION):
            with open(path, "rb") as f:
                program = f.read()
            for foreign in (root.encode(), b"windows-deps", b"/etc/ssl", b"/usr/local", os.environ["HOME"].encode()):
                self.assertFalse(foreign in program, foreign)

    def test_they_speak_utf8(self):
        for path, _ in self.each():
            with open(path, "rb") as f:
                self.assertIn(b"<activeCodePage", f.read())


if __name__ == "__main__":
    unittest.main()
