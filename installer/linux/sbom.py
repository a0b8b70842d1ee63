#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the packages are made of, as SPDX 2.3 in JSON on stdout: sbom.py VERSION PACKAGE...

Each package with its hash, and the libraries that the programs in it were linked to, with the versions of the machine that built them: what
dpkg-shlibdeps has written into the deb. The rpm has the same programs.
"""
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys

version, files = sys.argv[1], sorted(sys.argv[2:])
made = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


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


def identifier(*words):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", "-".join(words))


packages, relations = {}, []
digests = hashlib.sha256()
for name in files:
    with open(name, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    digests.update(digest.encode())
    base = os.path.basename(name)
    own = identifier(base)
    packages[own] = {
        "SPDXID": own, "name": re.match(r"mokhoa(-tms)?", base)[0], "versionInfo": version, "packageFileName": base, "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
    }
    relations.append({"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": own})
    deb = name if name.endswith(".deb") else next(f for f in files if f.endswith(".deb") and os.path.basename(f).split("_")[0] == packages[own]["name"])
    for library, library_version, source in libraries(deb):
        other = identifier("debian", library, library_version)
        packages[other] = {
            "SPDXID": other, "name": library, "versionInfo": library_version, "supplier": "Organization: Debian", "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
            "sourceInfo": f"built from the source package {source}",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                              "referenceLocator": f"pkg:deb/debian/{library}@{library_version}"}],
        }
        relations.append({"spdxElementId": own, "relationshipType": "DYNAMIC_LINK", "relatedSpdxElement": other})

json.dump({
    "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"mokhoa-{version}",
    "documentNamespace": f"https://mokhoa.invalid/spdx/{version}/{digests.hexdigest()}",
    "creationInfo": {"created": made, "creators": ["Tool: mokhoa-sbom"]},
    "packages": [packages[key] for key in sorted(packages)], "relationships": relations,
}, sys.stdout, indent=1, ensure_ascii=False)
print()
