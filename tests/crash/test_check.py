#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""That what must hold (check.py) is seen where it does not: each invariant is broken by hand, once, and must be named.

Usage: test_check.py [-v]      MOKHOA_BIN is the folder of the programs. Enters a stage by itself.
"""
import glob
import os
import subprocess
import unittest

import check
import scene as scenes
import tokens
from scene import world

OTHER_SO_PIN, OTHER_PIN = "11223344", "99887766"


class Check(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = scenes.Scene("soft")
        cls.checker = check.Checker(cls.scene)

    @classmethod
    def tearDownClass(cls):
        cls.scene.close()

    def so_pin(self):
        return next(c for c in self.checker.candidates() if self.scene.token.has_so_pin(c))

    def broken(self, sentence):
        with self.assertRaises(check.Broken) as caught:
            self.checker.now()
        self.assertIn(sentence, "\n".join(caught.exception.args))

    def test_all(self):
        self.assertEqual(self.scene.unlock().said[-1:], ["unlock=completed"])
        self.scene.wait_for_workers()
        self.checker.now()
        for part in (self.token, self.database, self.escrow_log, self.journal, self.words, self.so_tries, self.erased):
            with self.subTest(part=part.__name__):
                part()

    def token(self):
        tool, token, right = self.scene.token.tool, self.scene.token, self.so_pin()
        tool("--login", "--login-type", "so", "--so-pin", right, "--change-pin", "--new-pin", OTHER_SO_PIN)
        self.broken("SO PIN is none of")
        tool("--login", "--login-type", "so", "--so-pin", OTHER_SO_PIN, "--change-pin", "--new-pin", right)
        tool("--login", "--login-type", "so", "--so-pin", right, "--init-pin", "--new-pin", OTHER_PIN)
        self.broken("neither the old one nor one that was chosen")
        self.scene.pins.append(OTHER_PIN)
        self.checker.now()

    def database(self):
        self.scene.world.sql("DROP TRIGGER audit_kept")
        self.scene.world.sql("UPDATE audit SET who = who || 'x' WHERE id = 2")
        self.broken("an audit row has changed")
        [(active,)] = self.scene.world.sql("SELECT active FROM token WHERE serial = ?", self.scene.token.serial)
        self.scene.world.sql("UPDATE token SET active = 4711")
        self.broken("refers to one that is not there")
        self.scene.world.sql("UPDATE token SET active = ?", active)
        self.checker.now()

    def escrow_log(self):
        path = self.scene.path("tms", "escrow", "escrow.log")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        os.truncate(path, len(text) - 20)
        self.broken("that escrow.log does not have")
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(reversed(text.splitlines(keepends=True)))
        self.broken("escrow.log would restore token")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        self.checker.now()

    def journal(self):
        folder = os.path.join(self.scene.world.client_env["HOME"], ".local", "state", "mokhoa", "demo", "requests")
        [ended] = glob.glob(os.path.join(folder, "*.json"))
        for name, text, sentence in (("ab.json", '{"half', "half written"), ("ab.json.damaged", "", "was damaged"),
                                     (f".{os.path.basename(ended)}.0011", "keys", "its keys are still in")):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            self.broken(sentence)
            os.unlink(path)
        self.checker.now()

    def words(self):
        for name in ("serve.log", "bin/client.log"):
            for secret, sentence in ((self.so_pin(), "an SO PIN is in"), (self.scene.codes[-1].replace("-", ""), "a code is in"), (self.scene.pins[-1], "a PIN is in")):
                with open(self.scene.path(name), "a", encoding="utf-8") as f:
                    f.write(f"cause={secret}\n")
                self.broken(sentence)
        self.scene.errors.append({"message": self.so_pin()})
        self.broken("an SO PIN is in an error")
        self.checker.now()

    def so_tries(self):
        """Two wrong SO PINs, which the spy sees and the flags."""
        client = ["pkcs11-tool", "--module", tokens.SoftToken.CLIENT, "--login", "--login-type", "so", "--so-pin", "00000000", "--init-pin", "--new-pin", "12345678"]
        os.environ["P11_KIT_SERVER_ADDRESS"] = f"unix:path={self.scene.token.folder}/socket"
        for count in (1, 2):
            subprocess.run(client, capture_output=True, check=False)
            self.assertEqual(self.scene.token.wrong_so_pins(), count)
        self.broken("fewer tries")

    def erased(self):
        self.scene.token.tool("--slot-index", "0", "--init-token", "--label", "gone", "--so-pin", self.so_pin())
        self.broken("the token was erased")


if __name__ == "__main__":
    world.enter_stage()
    scenes.need()
    unittest.main(verbosity=2)
