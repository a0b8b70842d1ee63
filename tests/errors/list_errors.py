# SPDX-License-Identifier: Apache-2.0
"""Lists every error of base/err.def with the tests that reach it: list_errors.py [FILE] (else the file that MOKHOA_ERRORS_SEEN names).

The tests write what they have seen on a wire into that file (tests/check/seen.h, seen.py). Ends with 1 where an error was reached by no
test and unreached.txt gives no reason, where unreached.txt names one that was reached, and where something was seen that is no error.
"""
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "protocol" / "reference"))

import lists

SHOWN = 2  # tests named in a row of the table


def read_seen(text):
    """{wire name: tests, in order, each once}"""
    found = {}
    for line in text.splitlines():
        name, tab, test = line.partition("\t")
        if not tab or not test:
            raise ValueError("not a name, a tab and a test: %r" % line)
        found.setdefault(name, {})[test] = True
    return {name: list(tests) for name, tests in found.items()}


def read_unreached(text):
    """{wire name: reason}"""
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(" ")
            found[name] = reason.strip()
    return found


def problems(errors, seen, unreached):
    names = [row["name"] for row in errors]
    for name in names:
        if name not in seen and not unreached.get(name):
            yield "%s is reached by no test%s" % (name, ", and unreached.txt gives no reason" if name in unreached else "")
        if name in seen and name in unreached:
            yield "%s is reached by %s: take it out of unreached.txt" % (name, seen[name][0])
    for name in unreached:
        if name not in names:
            yield "unreached.txt: %s is no error" % name
    for name in seen:
        if name not in names and name != "ok":
            yield "%s was seen by %s and is no error" % (name, seen[name][0])


def table(errors, seen, unreached):
    for row in errors:
        tests = seen.get(row["name"], [])
        text = ", ".join(tests[:SHOWN]) + (" and %d more" % (len(tests) - SHOWN) if len(tests) > SHOWN else "")
        yield "%6d  %-22s %s" % (row["number"], row["name"], text or "- " + unreached.get(row["name"], "NONE"))


def main(arguments):
    path = arguments[0] if arguments else os.environ.get("MOKHOA_ERRORS_SEEN")
    if not path or len(arguments) > 1:
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    errors = lists.rows("ERR", (ROOT / "base" / "err.def").read_text(encoding="utf-8"))
    try:
        seen = read_seen(pathlib.Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        print("%s: %s" % (path, cause), file=sys.stderr)
        return 1
    unreached = read_unreached((HERE / "unreached.txt").read_text(encoding="utf-8"))
    for line in table(errors, seen, unreached):
        print(line)
    wrong = list(problems(errors, seen, unreached))
    for line in wrong:
        print("red: " + line)
    print("%d errors, %d reached, %d with a reason why not" % (len(errors), sum(row["name"] in seen for row in errors), len(unreached)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
