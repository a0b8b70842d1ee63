#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""audit_verify.py EXPORT [--anchors FILE --tms-key KEY [--tms-key KEY]]: whether the lines of `mokhoa-tms audit export` are a whole chain.

Written from README.md, "The audit chain", alone, for whoever is to believe an authority's audit without its programs: EXPORT is what that command printed, FILE a copy of the
anchors' file, KEY a public key of the server as tms_keys of a profile has it. Says "ok" and what was counted, or names the first row that is wrong; exit status 1 then.
"""
import argparse
import json
import sys

from cryptography.exceptions import InvalidSignature

import reference
from reference import field, number, unb64

ROW = ("seq", "created", "who", "person", "what", "number", "token", "detail", "note_hash", "prev", "hash")
ANCHOR = ("time", "seq", "hash", "lost", "kid", "signature")


class Broken(Exception):
    """What is wrong, and where."""


def row_hash(row):
    return reference.sha256(field("mokhoa-audit-v1") + field(unb64(row["prev"])) + number(row["seq"]) + number(row["created"]) + field(row["who"]) + number(row["person"]) +
                            field(row["what"]) + number(row["number"]) + number(row["token"]) + field(row["detail"]) + field(unb64(row["note_hash"])))


def note_hash(note):
    return reference.sha256(field("mokhoa-audit-note-v1") + field(unb64(note["salt"])) + field(note["actor"]) + field(note["text"]))


def anchor_text(anchor):
    return (field("mokhoa-audit-anchor-v1") + number(anchor["time"]) + number(anchor["seq"]) + field(unb64(anchor["hash"])) + number(anchor["lost"]))


def read_rows(lines):
    """Each row, checked by itself and against the one before it."""
    before = None
    for line in lines:
        row = json.loads(line)
        if set(row) - {"note"} != set(ROW):
            raise Broken(f"row {row.get('seq')}: keys")
        if before is None and row["seq"] == 1 and unb64(row["prev"]) != bytes(32):
            raise Broken("row 1: follows something")
        if before is not None and row["seq"] != before["seq"] + 1:
            raise Broken(f"row {before['seq'] + 1}: missing")
        if before is not None and row["prev"] != before["hash"]:
            raise Broken(f"row {row['seq']}: does not follow the one before it")
        if row_hash(row) != unb64(row["hash"]):
            raise Broken(f"row {row['seq']}: changed")
        if "note" in row and note_hash(row["note"]) != unb64(row["note_hash"]):
            raise Broken(f"row {row['seq']}: note changed")
        yield row
        before = row


def is_signed(anchor, keys):
    for key in keys:
        try:
            reference.sig_verify(key, anchor_text(anchor), unb64(anchor["signature"]))
            return True
        except InvalidSignature:
            pass
    return False


def read_anchors(lines, keys):
    """The anchors that count, by their rows; a line that is cut short was never finished."""
    anchors = []
    for at, line in enumerate(lines, 1):
        try:
            anchor = json.loads(line)
        except ValueError:
            continue
        if set(anchor) != set(ANCHOR) or not is_signed(anchor, keys):
            raise Broken(f"anchor, line {at}: not signed by the server")
        if anchor["lost"]:
            anchors = [a for a in anchors if not anchor["seq"] < a["seq"] <= anchor["lost"]]
        anchors.append(anchor)
    return anchors


def compare(rows, anchors):
    """How many anchors were compared; rows is the hash of each row by its number."""
    compared = 0
    for anchor in sorted(anchors, key=lambda a: a["seq"]):
        if anchor["seq"] < min(rows, default=1):
            continue
        if anchor["seq"] not in rows:
            raise Broken(f"row {max(rows, default=0) + 1}: cut off, anchored up to {anchor['seq']}")
        if rows[anchor["seq"]] != unb64(anchor["hash"]):
            raise Broken(f"row {anchor['seq']}: it or one before it was written anew")
        compared += 1
    return compared


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("export")
    parser.add_argument("--anchors")
    parser.add_argument("--tms-key", action="append", default=[])
    options = parser.parse_args()
    notes = 0
    rows = {}
    compared = 0
    try:
        with open(options.export, encoding="utf-8") as f:
            for row in read_rows(f):
                rows[row["seq"]] = unb64(row["hash"])
                notes += "note" in row
        if options.anchors:
            with open(options.anchors, encoding="utf-8") as f:
                compared = compare(rows, read_anchors((line for line in f if line.strip()), [unb64(key) for key in options.tms_key]))
    except Broken as broken:
        print(broken)
        return 1
    print(f"ok rows={len(rows)} notes={notes} anchors={compared}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
