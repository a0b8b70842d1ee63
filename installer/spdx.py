# SPDX-License-Identifier: Apache-2.0
"""A list of what packages are made of, SPDX 2.3 in JSON: what the systems' sbom.py have in common. The date is SOURCE_DATE_EPOCH."""
import datetime
import hashlib
import json
import os
import re
import sys


def identifier(*words):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", "-".join(words))


class Document:
    def __init__(self, version):
        self.version, self.packages, self.relations, self.digests = version, {}, [], hashlib.sha256()

    def add(self, path, name):
        """A package of ours, with its hash; gives its id."""
        with open(path, "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        self.digests.update(digest.encode())
        base = os.path.basename(path)
        own = identifier(base)
        self.packages[own] = {
            "SPDXID": own, "name": name, "versionInfo": self.version, "packageFileName": base, "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION",
            "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
        }
        self.relations.append({"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": own})
        return own

    def link(self, own, how, name, version, **more):
        """A library in that package; how is DYNAMIC_LINK or STATIC_LINK, more what else SPDX says of it."""
        other = identifier("debian", name, version)
        self.packages[other] = {
            "SPDXID": other, "name": name, "versionInfo": version, "supplier": "Organization: Debian", "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
            **more,
        }
        self.relations.append({"spdxElementId": own, "relationshipType": how, "relatedSpdxElement": other})

    def write(self):
        made = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        json.dump({
            "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"mokhoa-{self.version}",
            "documentNamespace": f"https://mokhoa.invalid/spdx/{self.version}/{self.digests.hexdigest()}",
            "creationInfo": {"created": made, "creators": ["Tool: mokhoa-sbom"]},
            "packages": [self.packages[key] for key in sorted(self.packages)], "relationships": self.relations,
        }, sys.stdout, indent=1, ensure_ascii=False)
        print()
