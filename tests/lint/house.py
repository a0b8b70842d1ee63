# SPDX-License-Identifier: Apache-2.0
"""What the lints know of the house: its files and its floors."""
import os
import subprocess
import sys


def skip(why):
    print(why)
    sys.exit(1 if os.environ.get("CI") == "true" else 77)


def files(root, *endings):
    """The project's files with these endings, as git would commit them; every file outside a checkout."""
    try:
        out = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True).stdout
        names = [n for n in out.splitlines() if os.path.exists(os.path.join(root, n))]
    except (OSError, subprocess.CalledProcessError):
        names = []
        for folder, folders, found in os.walk(root):
            folders[:] = [f for f in folders if f not in ("build", ".git", "node_modules")]
            names += [os.path.relpath(os.path.join(folder, n), root) for n in found]
    return sorted(set(n for n in names if n.endswith(endings)))


class Floor:
    def __init__(self, line, root):
        name, folder, includes = line.split(";")
        self.name = name
        self.folder = os.path.realpath(folder)
        seen = [os.path.realpath(i) for i in includes.split(",") if i]
        self.includes = [i for n, i in enumerate(seen) if i not in seen[:n]]
        self.inside = self.folder.startswith(os.path.realpath(root) + os.sep)

    def headers(self):
        return sorted(h for h in os.listdir(self.folder) if h.endswith(".h"))


def floors(root, build):
    path = os.path.join(build, "floors.txt")
    if not os.path.exists(path):
        skip("no floors.txt in the build folder: configure with cmake first")
    with open(path) as f:
        return [Floor(line.strip(), root) for line in f if line.strip()]


def report(faults, what):
    for fault in faults:
        print(fault)
    print(f"{what}: {len(faults)} faults")
    sys.exit(1 if faults else 0)
