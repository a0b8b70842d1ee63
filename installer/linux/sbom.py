#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the packages are made of, as SPDX 2.3 in JSON on stdout: sbom.py VERSION PACKAGE...

Each package with its hash, and the libraries that the programs in it were linked to, with the versions of the machine that built them: what
dpkg-shlibdeps has written into the deb. The rpm has the same programs.
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True
import spdx  # noqa: E402

version, files = sys.argv[1], sorted(sys.argv[2:])


def said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def libraries(deb):
    """(package, version, source) of each library that the deb depends on and this machine has."""
    found = []
    for part in said("dpkg-deb", "-f", deb, "Depends").split(","):
        name = re.match(r"\s*(lib[a-z0-9.+-]+)", part)
        if name:
            found.append(said("dpkg-query", "-W", "-f", "${Package}\t${Version}\t${source:Package}\n", name[1]).splitlines()[0].split("\t"))
    return sorted(found)


document = spdx.Document(version)
for name in files:
    package = re.match(r"mokhoa(-tms)?", os.path.basename(name))[0]
    own = document.add(name, package)
    deb = name if name.endswith(".deb") else next(f for f in files if f.endswith(".deb") and os.path.basename(f).split("_")[0] == package)
    for library, library_version, source in libraries(deb):
        document.link(own, "DYNAMIC_LINK", library, library_version, sourceInfo=f"built from the source package {source}",
                      externalRefs=[{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": f"pkg:deb/debian/{library}@{library_version}"}])
document.write()
