# SPDX-License-Identifier: Apache-2.0
"""Writes ../vectors/*.json: python3 protocol/reference/make_vectors.py. Every run writes the same bytes."""
import pathlib
import sys

import host_vectors
import tms_vectors
import unlock_vectors
from layout import dump

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "vectors"

FILES = {
    "host.json": host_vectors.host,
    "host_answers.json": host_vectors.host_answers,
    "tms.json": tms_vectors.tms,
    "tms_answers.json": tms_vectors.tms_answers,
    "transcripts.json": unlock_vectors.transcripts,
}


def texts():
    """The name and the bytes of every file."""
    return {name: dump(make()).encode() for name, make in FILES.items()}


def main():
    for name, content in texts().items():
        (FOLDER / name).write_bytes(content)
        print("%s: %d bytes" % (name, len(content)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
