#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy with the checks of .clang-tidy over every product file, from the build's compile commands."""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys

import house

root, build = sys.argv[1:3]
tool = shutil.which("clang-tidy-14") or shutil.which("clang-tidy")
if tool is None:
    house.skip("clang-tidy is missing: apt-get install clang-tidy-14")
with open(os.path.join(build, "compile_commands.json")) as f:
    commands = json.load(f)
product = re.compile(r"^(base|protocol|host|tms|installer)/")
names = sorted(set(os.path.relpath(c["file"], root) for c in commands))
names = [n for n in names if product.match(n) and not re.search(r"(^|/)(tests?/|test_|fuzz_)", n)]


def tidy(name):
    run = subprocess.run([tool, "-p", build, "--quiet", "--extra-arg=-Wno-unknown-warning-option", name], cwd=root, capture_output=True, text=True)
    return [line for line in run.stdout.splitlines() if re.search(r": (warning|error): ", line)]


with concurrent.futures.ThreadPoolExecutor(2) as pool:
    faults = sorted(set(line.replace(root + "/", "") for found in pool.map(tidy, names) for line in found))
house.report(faults, f"tidy of {len(names)} files")
