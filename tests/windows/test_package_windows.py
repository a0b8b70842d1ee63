#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The installer for Windows, built by package.sh in a copy of the tree that lies elsewhere, has the same bytes as one of the programs that this build has made.

So each source is compiled once more here, not twice: the other build is the one that all tests of this folder run on.
"""
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ["MOKHOA_WINDOWS"]
EPOCH = "1700000000"
# where wine has its home the libraries are not; they have a folder of their own for all checkouts
CACHE = os.path.dirname(os.path.realpath(os.path.join(TREE, "build", "mingw-w64-deps")))
WORKER_X86 = os.path.join(os.path.dirname(BUILD), "mingw-w64-x86", "bin", "mokhoa-worker-x86.exe")


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def run(*command, cwd=TREE, **environment):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "MOKHOA_DEPS_CACHE": CACHE, **environment})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def package(tree, out, **environment):
    """What package.sh makes there, and the programs in it."""
    run("sh", os.path.join(tree, "installer", "windows", "package.sh"), out, **environment)
    return os.path.join(tree, "build", "package-windows", "mingw-w64", "bin")


class Package(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mokhoa-package.")
        self.addCleanup(shutil.rmtree, self.folder)

    def copy_of_tree(self):
        copy = os.path.join(self.folder, "somewhere", "else-and-with-a-longer-name")
        names = run("git", "-c", f"safe.directory={TREE}", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in names.split("\0"):
            if name and os.path.isfile(os.path.join(TREE, name)):
                os.makedirs(os.path.dirname(os.path.join(copy, name)), exist_ok=True)
                shutil.copy(os.path.join(TREE, name), os.path.join(copy, name))
        return copy

    def first(self):
        """A folder with the programs of this tree."""
        programs = os.path.join(self.folder, "programs")
        shutil.copytree(os.path.join(BUILD, "bin"), programs)
        shutil.copy(WORKER_X86, programs)
        return programs

    def test_same_bytes_elsewhere(self):
        one = self.first()
        out = os.path.join(self.folder, "out")
        two = package(self.copy_of_tree(), out, TZ="Asia/Ho_Chi_Minh")
        programs = sorted(name for name in os.listdir(two) if name.startswith("mokhoa-") and name.endswith((".exe", ".dll")))
        self.assertEqual(len(programs), 7)
        self.assertEqual({name: digest(os.path.join(one, name)) for name in programs}, {name: digest(os.path.join(two, name)) for name in programs})
        msi = next(name for name in os.listdir(out) if name.endswith(".msi"))
        version = re.fullmatch(r"mokhoa-(.*)-x64\.msi", msi)[1]
        again = os.path.join(self.folder, msi)
        run("sh", os.path.join(TREE, "installer", "windows", "msi.sh"), one, version, again)
        self.assertEqual(digest(again), digest(os.path.join(out, msi)))
        self.assertEqual(len(os.listdir(out)), 3)
        run("sha256sum", "--check", "--strict", "SHA256SUMS.windows", cwd=out)
        # another date makes another installer, so that what is compared is not a constant
        other = os.path.join(self.folder, "other.msi")
        run("sh", os.path.join(TREE, "installer", "windows", "msi.sh"), one, version, other, SOURCE_DATE_EPOCH="1700000002")
        self.assertNotEqual(digest(other), digest(again))


if __name__ == "__main__":
    unittest.main()
