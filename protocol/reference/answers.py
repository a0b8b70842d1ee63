# SPDX-License-Identifier: Apache-2.0
"""Vectors of what is answered: a right value of a definition, and what lies around each of its bounds."""
from samples import long_text, without_each

ABOUT = ("Values of definitions that name answers. `value` is the right one; `set` and `drop` are what is changed in the `value` before them, "
         "by path; `instead` is in its place. `valid`: whether the definition takes it.")


class Answers:
    """One definition, a right value, and what lies around each of its bounds."""

    def __init__(self, definition, right):
        self.definition = definition
        self.right = right
        self.rows = [{"of": definition, "value": right, "valid": True}, {"of": definition, "instead": [right], "valid": False}]

    def at(self, path, right=(), wrong=()):
        for valid, values in ((True, right), (False, wrong)):
            for value in values:
                self.rows.append({"of": self.definition, "set": {path: value}, "valid": valid})

    def keys(self, path="", optional=()):
        """Each key of the object at path is needed, but the optional ones, and no other is taken."""
        at = path + "." if path else ""
        for key, _ in without_each(self.right, path):
            self.rows.append({"of": self.definition, "drop": at + key, "valid": key in optional})
        self.at(at + "extra", wrong=[1])

    def text(self, path, most, least=0):
        self.at(path, right=["x" * least, long_text(most)], wrong=[long_text(most + 1), "a\u202eb", None] + [""] * (least > 0))

    def seconds(self, path):
        self.at(path, right=[0, 2**53 - 1], wrong=[-1, 2**53, 1.5, "1", None])

    def words(self, path, words):
        self.at(path, right=words, wrong=["another", None])

    def request_id(self, path):
        self.at(path, wrong=["A" * 21 + "B", None])


class AnswerFile:
    """All definitions of one file of vectors."""

    def __init__(self):
        self.definitions = []

    def of(self, definition, right):
        self.definitions.append(Answers(definition, right))
        return self.definitions[-1]

    def content(self):
        return {"about": ABOUT, "vectors": [row for definition in self.definitions for row in definition.rows]}
