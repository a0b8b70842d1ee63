#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the MSI is made of, as SPDX 2.3 in JSON on stdout: sbom.py VERSION MSI TARBALLS

TARBALLS is what deps.sh has written of the libraries in the programs, "ADDRESS NAME SHA256" a line.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True
import spdx  # noqa: E402

version, msi, tarballs = sys.argv[1:]
document = spdx.Document(version)
own = document.add(msi, "mokhoa")
with open(tarballs, encoding="ascii") as f:
    for address, name, digest in map(str.split, f):
        library, library_version = re.match(r"([^_]+)_(.+?)\.orig\.tar", name).groups()
        document.link(own, "STATIC_LINK", library, library_version, downloadLocation=address, packageFileName=name,
                      checksums=[{"algorithm": "SHA256", "checksumValue": digest}])
document.write()
