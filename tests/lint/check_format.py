#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every C file stands as clang-format 14 would write it."""
import shutil
import subprocess
import sys

import house

root = sys.argv[1]
tool = shutil.which("clang-format-14") or shutil.which("clang-format")
if tool is None:
    house.skip("clang-format is missing: apt-get install clang-format-14")
names = house.files(root, ".c", ".h")
run = subprocess.run([tool, "--dry-run", "-Werror", "--ferror-limit=3"] + names, cwd=root, capture_output=True, text=True)
faults = sorted(set(line.split(":")[0] for line in run.stderr.splitlines() if "error:" in line))
house.report([f"{f}: clang-format -i would change it" for f in faults], f"format of {len(names)} files")
