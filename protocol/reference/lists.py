# SPDX-License-Identifier: Apache-2.0
"""Reads the lists that the C includes (*.def): MACRO(SYMBOL, "text", number, ...), with C comments in between."""
import re

TOKEN = re.compile(r'/\*.*?\*/|"(?:[^"\\]|\\.)*"|-?\w+|[(),|]|\s+', re.S)
ESCAPES = {'"': '"', "\\": "\\", "n": "\n"}

COLUMNS = {
    "OP": ("symbol", "name", "flags", "deadline"),
    "NOTIFICATION": ("symbol", "name"),
    "STATE": ("symbol", "name", "customer", "final", "vi", "en"),
    "STAGE": ("symbol", "name", "vi", "en"),
    "PIN_STATE": ("symbol", "name"),
    "FAMILY": ("symbol", "name"),
    "CHARACTERS": ("symbol", "name"),
    "FINDING": ("symbol", "name", "state", "who", "vi", "en", "remedy_vi", "remedy_en"),
    "ERR": ("symbol", "number", "http", "name", "vi", "en", "hint_vi", "hint_en"),
}
NUMBERS = ("number", "http", "final", "deadline")


class ListError(Exception):
    pass


def tokens(text):
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ListError("line %d: not a list: %r" % (text.count("\n", 0, at) + 1, text[at:at + 20]))
        at = match.end()
        if not match.group().isspace() and not match.group().startswith("/*"):
            yield match.group()


def unquoted(token):
    return re.sub(r"\\(.)", lambda m: ESCAPES[m.group(1)], token[1:-1]) if token.startswith('"') else token


def rows(macro, text):
    """One dict a line, in order; numbers are int."""
    columns = COLUMNS[macro]
    found = []
    stream = tokens(text)
    for word in stream:
        if word != macro or next(stream, None) != "(":
            raise ListError("%s(...) expected, not %s" % (macro, word))
        cells = [""]
        for word in stream:
            if word == ")":
                break
            if word == ",":
                cells.append("")
            else:
                cells[-1] += unquoted(word)
        if len(cells) != len(columns):
            raise ListError("%s(%s) has %d columns, not %d" % (macro, cells[0], len(cells), len(columns)))
        row = dict(zip(columns, cells))
        found.append({key: int(value) if key in NUMBERS else value for key, value in row.items()})
    return found
