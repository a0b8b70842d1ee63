#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone under gcc and clang, and an include that goes upward or sideways in the house does not compile.

For each floor and each header of the house: the header is found from that floor exactly where the floor links the header's own. The test
proves itself first on a header that every floor must find and on one that none has.
"""
import concurrent.futures
import os
import shutil
import subprocess
import sys

import house

root, build = sys.argv[1:3]
compilers = ["gcc", "clang"]
for compiler in compilers:
    if shutil.which(compiler) is None:
        house.skip(f"{compiler} is missing: apt-get install {compiler}")
warnings = "-std=c17 -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Werror".split()
all_floors = house.floors(root, build)
system = []
for package in ("jansson", "p11-kit-1"):
    system += subprocess.run(["pkg-config", "--cflags-only-I", package], capture_output=True, text=True).stdout.split()


def compiles(compiler, floor, header, only_find=False):
    source = f'#include "{header}"\nint mokhoa_lint(void);\n'
    args = [compiler, "-x", "c", "-", "-o", os.devnull] + (["-E"] if only_find else ["-c"] + warnings) + system
    args += [f"-I{i}" for i in floor.includes]
    run = subprocess.run(args, input=source, capture_output=True, text=True, cwd=floor.folder)
    return run.returncode == 0, run.stderr.strip().splitlines()[:3]


def alone(job):
    compiler, floor, header = job
    good, why = compiles(compiler, floor, header)
    return [] if good else [f"{floor.name}: {header} does not compile alone under {compiler}: {' '.join(why)}"]


def visible(floor, owner, header):
    return owner.folder in floor.includes


faults = []
names = {}
for floor in all_floors:
    for header in floor.headers():
        if header in names and names[header].folder != floor.folder:
            faults.append(f"{header} stands in {floor.folder} and in {names[header].folder}: header names are unique")
        names[header] = floor

if not compiles("gcc", all_floors[0], "err.h", True)[0] or compiles("gcc", all_floors[0], "there_is_no_such.h", True)[0]:
    print("the lint itself does not work")
    sys.exit(1)

with concurrent.futures.ThreadPoolExecutor(2) as pool:
    jobs = [(c, f, h) for c in compilers for f in all_floors for h in f.headers()]
    for found in pool.map(alone, jobs):
        faults += found

    def border(job):
        floor, header, owner = job
        found = compiles("gcc", floor, header, True)[0]
        if found != visible(floor, owner, header):
            return [f"{floor.name} can{'' if found else 'not'} include {header} of {owner.name}"]
        return []

    borders = [(f, h, o) for f in all_floors for h, o in names.items() if f.folder != o.folder]
    upward = [b for b in borders if not visible(b[0], b[2], b[1])]
    for found in pool.map(border, upward):
        faults += found

for name in house.files(root, ".c", ".h"):
    with open(os.path.join(root, name), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if line.lstrip().startswith("#include") and '"../' in line:
                faults.append(f"{name}:{number}: an include that climbs out of its floor")

# libraries know only what is below them: no floor of the client sees one of the server's, and the ground sees nobody
base = os.path.realpath(os.path.join(root, "base"))
for floor in all_floors:
    if floor.folder.startswith(base):
        faults += [f"{floor.name}: the ground knows {i}" for i in floor.includes if i.startswith(os.path.realpath(root)) and not i.startswith(base)]

print(f"{len(names)} headers alone under {' and '.join(compilers)}, {len(upward)} upward includes refused")
house.report(faults, "floors")
