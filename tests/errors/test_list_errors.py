# SPDX-License-Identifier: Apache-2.0
"""list_errors.py is red exactly where it should be."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import list_errors as tool

ERRORS = [{"name": "busy", "number": 1005}, {"name": "timeout", "number": 1006}]


class ListErrors(unittest.TestCase):
    def red(self, seen, unreached=""):
        return list(tool.problems(ERRORS, tool.read_seen(seen), tool.read_unreached(unreached)))

    def test_all_reached(self):
        self.assertEqual(self.red("busy\ta\nbusy\tb\ntimeout\tc\nok\td\n"), [])

    def test_one_unreached(self):
        self.assertEqual(self.red("busy\ta\n"), ["timeout is reached by no test"])

    def test_a_reason(self):
        self.assertEqual(self.red("busy\ta\n", "# why\ntimeout takes an hour\n"), [])

    def test_a_name_without_a_reason(self):
        self.assertEqual(len(self.red("busy\ta\n", "timeout\n")), 1)

    def test_reached_after_all(self):
        self.assertEqual(self.red("busy\ta\ntimeout\tb\n", "timeout takes an hour\n"), ["timeout is reached by b: take it out of unreached.txt"])

    def test_no_such_error(self):
        self.assertEqual(len(self.red("busy\ta\ntimeout\tb\nbusi\tc\n")), 1)
        self.assertEqual(len(self.red("busy\ta\ntimeout\tb\n", "busi why\n")), 1)

    def test_not_a_record(self):
        for line in ("busy", "busy\t", "\n\nbusy a"):
            with self.assertRaises(ValueError):
                tool.read_seen(line)

    def test_table(self):
        rows = list(tool.table(ERRORS, tool.read_seen("busy\ta\nbusy\tb\nbusy\tc\n"), {}))
        self.assertEqual(rows, ["  1005  busy                   a, b and 1 more", "  1006  timeout                - NONE"])


if __name__ == "__main__":
    unittest.main()
