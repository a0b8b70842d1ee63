#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test_dump.py MOKHOA-TMS URL_FILE: a server on PostgreSQL as an operator makes it, dumps it with PostgreSQL's own tools, puts the dump back and makes good what it cannot know;
and what becomes of it where the escrow log was lost."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / part) for part in ("tms/backup/tests", "tests/protocol")]

import server as postgres
import test_backup
from test_two_servers import Database

URL_FILE = sys.argv.pop(1) if len(sys.argv) > 1 else ""  # test_backup has taken the program
token = test_backup.token


class Dump(test_backup.Server):
    def setUp(self):
        self.shared = Database(URL_FILE)
        self.addCleanup(self.shared.drop)
        type(self).init_options = classmethod(lambda cls, name: test_backup.test_desk.Desk.init_options.__func__(cls, name, database=self.shared.url))
        super().setUp()

    def serials(self, path=None):
        return [row[0] for row in self.shared.rows("SELECT serial FROM token ORDER BY serial")]

    def tool(self, name, *words):
        subprocess.run([postgres.programs() / name, *words], check=True, timeout=120)

    def dump(self):
        path = self.file("monday.dump")
        self.tool("pg_dump", "--format=custom", f"--file={path}", self.shared.url)
        return path

    def put_back(self, path):
        self.tool("pg_restore", "--clean", "--if-exists", "--single-transaction", f"--dbname={self.shared.url}", path)

    def test_init(self):
        self.assertIn(f'"database": "{self.shared.url}"', pathlib.Path(self.config).read_text(encoding="utf-8"))
        self.add(token("A1"))
        self.assertEqual(self.serials(), ["A1"])
        self.assertFalse(os.path.exists(self.database), "there is one database")
        self.assertEqual(self.good("check").split()[0], "ok")
        self.fails("database_server", self.command("backup", self.file("b.sqlite")))

    def test_replay_only(self):
        self.add(token("A1"), token("A2"))
        path = self.dump()
        self.add(token("A3", email="moi@ca.vn"))
        # nothing was put back: all is as it was
        self.assertIn("as_it_was=3 newer=0 made=0", self.good("restore", "--replay-only"))
        self.put_back(path)
        self.assertEqual(self.serials(), ["A1", "A2"])
        process, end = self.start("serve")
        self.wait_for(self.file("tms", "run", "public.sock"))
        self.fails("data_in_use", self.command("restore", "--replay-only"))
        self.assertIsNone(process.poll())
        self.assertEqual(self.serials(), ["A1", "A2"])
        end()
        out = self.good("restore", "--replay-only")
        self.assertIn("as_it_was=2 newer=0 made=1", out)
        self.assertNotIn("kept=", out)
        self.assertEqual(self.shared.rows("SELECT serial, email, state FROM token ORDER BY serial"),
                         [["A1", "an@ca.vn", "unverified"], ["A2", "an@ca.vn", "unverified"], ["A3", "moi@ca.vn", "unverified"]])
        self.assertIn("as_it_was=3 newer=0 made=0", self.good("restore", "--replay-only"), "twice is once")
        self.assertEqual(self.good("check").split()[0], "ok")

    def anchor(self):
        """The server writes one when it stops."""
        process, end = self.start("serve")
        self.wait_for(self.file("tms", "run", "public.sock"))
        end()
        self.assertEqual(process.returncode, 0)

    def verified(self):
        return dict(re.findall(r"(\w+)=(\d+)", self.good("audit", "verify")))

    def test_what_was_anchored_is_taken_back(self):
        self.add(token("A1"))
        self.anchor()
        path = self.dump()
        self.add(token("A2"), token("A3"), token("A4"))
        self.anchor()
        self.assertEqual([self.verified()[name] for name in ("restores", "lost")], ["0", "0"])
        self.put_back(path)
        # the dump alone is a chain that was cut off, and stays one where the replay fails
        self.fails("audit_broken", self.command("audit", "verify"))
        log = pathlib.Path(self.log)
        whole = log.read_bytes()
        log.write_bytes(whole.replace(b'"version":1', b'"version":2', 1))
        self.fails("escrow_log_damaged", self.command("restore", "--replay-only"))
        self.fails("audit_broken", self.command("audit", "verify"))
        log.write_bytes(whole)
        self.good("restore", "--replay-only")
        self.assertEqual([self.verified()[name] for name in ("restores", "lost")], ["1", "1"])
        # what comes now stands at places that were anchored before, and is anchored anew
        self.add(*(token(f"B{n}") for n in range(8)))
        self.anchor()
        self.assertEqual([self.verified()[name] for name in ("restores", "lost")], ["1", "1"])
        self.good("restore", "--replay-only")
        self.assertEqual([self.verified()[name] for name in ("restores", "lost")], ["1", "1"], "what is there is not taken back")

    def test_replay_of_a_damaged_log(self):
        self.add(token("A1"), token("A2"))
        path = self.dump()
        self.add(token("A3"))
        self.put_back(path)
        log = pathlib.Path(self.log)
        lines = log.read_bytes().split(b"\n")
        lines[-3] = lines[-3][:40] + b"!" + lines[-3][41:]
        log.write_bytes(b"\n".join(lines))
        self.fails("escrow_log_damaged", self.command("restore", "--replay-only"))
        self.assertEqual(self.serials(), ["A1", "A2"])
        self.good("restore", "--replay-only", "--skip-damaged-lines")
        self.assertEqual(self.serials(), ["A1", "A2", "A3"], "the line of A2 alone was lost, and the dump has it")

    def test_adopt(self):
        self.add(token("A1"))
        os.rename(self.log, self.log + ".lost")
        table = "\r\n".join((test_backup.test_desk.NAMES, token("A2"))) + "\r\n"
        sealed = test_backup.run("seal", "--vault-key", self.file("tms", "vault.pub"), text=table)[1]
        # another file at its place is not what the servers write to
        self.fails("escrow_log_other", self.command("import", text=sealed))
        self.assertEqual(self.serials(), ["A1"])
        self.assertEqual(self.good("escrow-log", "adopt"), f"escrow_log={self.log}\n")
        self.good("import", text=sealed)
        self.assertEqual(self.serials(), ["A1", "A2"])
        said = dict(re.findall(r"(\w+)=(\d+)", self.good("escrow-log", "check")))
        self.assertEqual((said["tokens"], said["without_line"]), ("1", "1"))
        # and from then on no other, not even the first
        os.rename(self.log, self.log + ".second")
        os.rename(self.log + ".lost", self.log)
        table = table.replace("A2", "A3")
        sealed = test_backup.run("seal", "--vault-key", self.file("tms", "vault.pub"), text=table)[1]
        self.fails("escrow_log_other", self.command("import", text=sealed))
        self.assertEqual(self.serials(), ["A1", "A2"])


if __name__ == "__main__":
    if not pathlib.Path(URL_FILE).is_file():
        postgres.skip("no server of PostgreSQL was started")
    unittest.main()
