#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The wire's vectors through the Windows host: what tests/protocol/test_wire.py sends to the Linux one, with the same profile, spelled for Windows."""
import contextlib
import json
import os
import sys
import tempfile
import unittest

import wine

sys.path.insert(0, os.path.join(wine.TESTS, "protocol"))
import test_wire  # noqa: E402 (beside the vectors' own tools)


class Vectors(unittest.TestCase):
    def test_every_vector_of_the_bare_world(self):
        wine.install()
        contract = test_wire.Contract(test_wire.read_texts())
        schemas = test_wire.Schemas(contract)
        vectors = contract.vectors["host"]
        mock = os.path.join(wine.DRIVE, "vectors-mock")
        os.makedirs(mock, exist_ok=True)
        with open(os.path.join(mock, "script"), "w", encoding="utf-8") as f:
            f.write("empty 0\n")
        open(os.path.join(wine.INSTALLED, "ca.pem"), "w", encoding="utf-8").close()
        with open(os.path.join(wine.INSTALLED, "profiles.d", "vectors.json"), "w", encoding="utf-8") as f:
            json.dump({"tms": test_wire.NOBODY, "tls_ca": wine.FOLDER + "ca.pem", "tms_keys": ["A" * 43], "origins": [vectors["origin"]],
                       "extensions": [vectors["extension"]], "prompt": wine.FOLDER + "mokhoa-prompt.exe", "hotline": "1800 1000", "languages": ["vi", "en"],
                       "modules": [{"name": "mock", "path": wine.FOLDER + "mock_p11.dll", "environment": {"MOCK_P11": "C:\\vectors-mock"}}]}, f)
        host = wine.script("mokhoa-host")
        bare = [v for v in vectors["vectors"] if v["given"] == "bare"]
        faults = []
        for vector in bare:
            # a page asks the doctor seldom; a vector is a user of its own on Linux, where HOME says who that is
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(wine.STATE, "doctor"))
            with tempfile.TemporaryDirectory() as home:
                found, _ = test_wire.answers_of(host, vectors["extension"], test_wire.framed(vector), home)
            faults += [f"{vector['name']}: {line}" for line in test_wire.differences(vector, found, schemas)]
        print(len(bare), "vectors")
        self.assertGreater(len(bare), 100)
        self.assertEqual(faults, [])


if __name__ == "__main__":
    unittest.main()
