#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Words that may stand in no file, or only in one: licence lines, platforms, banned functions, leftovers, the call that erases a token."""
import os
import re
import shutil
import subprocess
import sys

import house

root, build = sys.argv[1:3]
faults = []


def read(name):
    with open(os.path.join(root, name), encoding="utf-8") as f:
        return f.read()


TEXTS = (".c", ".h", ".py", ".sh", ".md", ".txt", ".json", ".def", ".cmake", ".js", ".mjs", ".html", ".css")

# rule: (pattern, endings, files it does not hold for, what to say)
rules = [
    (r"\b_WIN32\b|\b_MSC_VER\b|\b__linux__\b", (".c", ".h"), r"^base/os_(posix|windows)\.c$", "a platform is named outside the os layer"),
    (r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|tmpnam|mktemp|popen|system|atoi)\s*\(", (".c", ".h"), r"(^|/)tests?/", "a banned function"),
    (r"\bC_InitToken\b", (".c", ".h"), r"^tests/|^host/worker/step/step\.h$|^host/worker/token/", "C_InitToken is named"),
    (r"->\s*C_InitToken\b|C_InitToken\s*\(", (".c",), r"^tests/", "C_InitToken is called"),
    (r"\b(TODO|FIXME|XXX|HACK)\b", TEXTS, r"^tests/lint/|^protocol/README\.md$", "a leftover"),
    (r"/home/\w|/Users/\w|[A-Z]:\\\\Users", TEXTS, r"^tests/lint/|^base/tests/test_os_trusted\.c$", "a path of one machine"),
    (r"(snprintf|sprintf)\s*\([^;]*\b(SELECT|INSERT|UPDATE|DELETE)\b", (".c",), r"^$", "SQL made by printf"),
]
checked = 0
for pattern, endings, but, say in rules:
    regex = re.compile(pattern)
    for name in house.files(root, *endings):
        if re.search(but, name):
            continue
        checked += 1
        for number, line in enumerate(read(name).splitlines(), 1):
            # promises in comments may name what is never called
            if say == "C_InitToken is named" and line.lstrip().startswith(("*", "/*")):
                continue
            if regex.search(line):
                faults.append(f"{name}:{number}: {say}: {line.strip()[:100]}")

for name in house.files(root, ".c", ".h", ".def", ".py", ".sh", ".cmake", ".js", ".mjs", ".css", "CMakeLists.txt"):
    if "SPDX-License-Identifier: Apache-2.0" not in read(name)[:300]:
        faults.append(f"{name}: no licence line")

# a file is one noun
for name in house.files(root, ".c"):
    lines = read(name).count("\n")
    if lines > 600 and not name.startswith("tests/"):
        faults.append(f"{name}: {lines} lines; past 600 a file is two")

worker = os.path.join(build, "bin", "mokhoa-worker")
if os.path.exists(worker) and shutil.which("nm"):
    if "C_InitToken" in subprocess.run(["nm", "-u", worker], capture_output=True, text=True).stdout:
        faults.append("mokhoa-worker links C_InitToken")

if shutil.which("shellcheck") is None:
    house.skip("shellcheck is missing: apt-get install shellcheck")
scripts = house.files(root, ".sh") + [n for n in (".ci/run",) if os.path.exists(os.path.join(root, n))]
for script in scripts:
    run = subprocess.run(["shellcheck", "-x", "-S", "warning", script], capture_output=True, text=True, cwd=root)
    if run.returncode != 0:
        faults.append(run.stdout.strip())
print(f"{checked} files against {len(rules)} rules, {len(scripts)} scripts")
house.report(faults, "words")
