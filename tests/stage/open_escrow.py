#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""open_escrow.py TMS-FOLDER SERIAL: the SO PINs that the authority would try on that token, active first, one a line.

Opened with the vault's own private key by the reference implementation, as only root of a test machine can: this is how a test knows that what the
vault holds is what the card takes.
"""
import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "protocol", "reference"))

import reference  # noqa: E402


def opened(vault, token, version, sealed):
    """The SO PIN of one row."""
    plain = reference.hpke_open(vault, sealed[:65], reference.ESCROW_INFO, reference.escrow_aad(token, version), sealed[65:])
    return plain[2:2 + int.from_bytes(plain[:2], "big")].decode()


def candidates(folder, serial):
    with open(os.path.join(folder, "vault", "keys", "vault.key"), encoding="ascii") as f:
        vault = reference.kem_from_private(reference.unb64(f.read().strip()))
    with sqlite3.connect(f"file:{folder}/data/tms.sqlite?mode=ro", uri=True) as db:
        row = db.execute("SELECT manufacturer, model, serial, active, next FROM token WHERE serial = ?", (serial,)).fetchone()
        token = {"manufacturer": row[0], "model": row[1], "serial": row[2]}
        for escrow in row[3:]:
            found = db.execute("SELECT version, sealed FROM escrow WHERE id = ?", (escrow or 0,)).fetchone()
            if found:
                yield opened(vault, token, *found)


if __name__ == "__main__":
    print("\n".join(candidates(*sys.argv[1:])))
