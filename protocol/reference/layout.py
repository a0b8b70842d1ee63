# SPDX-License-Identifier: Apache-2.0
"""JSON laid out for people and for diffs: what fits into a line stays on one, the rest is broken; always the same bytes."""
import json

WIDTH = 150


def dump(value):
    return laid_out(value, 0, 0) + "\n"


def laid_out(value, indent, taken):
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent + taken <= WIDTH or not isinstance(value, (dict, list)) or not value:
        return line
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        rows = []
        for key, item in value.items():
            head = json.dumps(key, ensure_ascii=False) + ": "
            rows.append(inner + head + laid_out(item, indent + 2, len(head) + 1))
        opening, closing = "{", "}"
    elif all(isinstance(item, str) for item in value):
        rows = filled([json.dumps(item, ensure_ascii=False) for item in value], inner)
        opening, closing = "[", "]"
    else:
        rows = [inner + laid_out(item, indent + 2, 1) for item in value]
        opening, closing = "[", "]"
    return opening + "\n" + ",\n".join(rows) + "\n" + " " * indent + closing


def filled(words, inner):
    rows = []
    for word in words:
        if rows and len(rows[-1]) + len(word) + 3 <= WIDTH:
            rows[-1] += ", " + word
        else:
            rows.append(inner + word)
    return rows
