# SPDX-License-Identifier: Apache-2.0
"""A test that has reached an error says so, as seen.h does: a line "wire_name TAB test" in the file that MOKHOA_ERRORS_SEEN names, where it names one."""
import os


def seen(wire_name, test):
    path = os.environ.get("MOKHOA_ERRORS_SEEN")
    if path and wire_name != "ok":
        with open(path, "a", encoding="utf-8") as f:
            f.write("%s\t%s\n" % (wire_name, test))
