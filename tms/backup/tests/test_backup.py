#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_backup.py PROGRAM: backup, restore, escrow-log and keys of mokhoa-tms as an operator runs them: while the data is used, killed at every system call, with
files that are not whole; and what a thief of all of it finds."""
import base64
import contextlib
import os
import pty
import re
import secrets
import select
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path[:0] = [os.path.join(ROOT, part) for part in ("tms/desk/tests", "protocol/reference", "tests/check")]

import test_desk
from test_desk import run
from seen import seen
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
import reference

PROGRAM = test_desk.PROGRAM
# the sanitizers of a test's build cannot look for leaks in a program that is traced
TRACED = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
SYSCALLS = ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "link", "rename", "unlink")


def token(serial, so_pin="3537363231383830", email="an@ca.vn"):
    return f"CardContact,SmartCard-HSM,{serial},{so_pin},An,{email},560A"


class Server(unittest.TestCase):
    """A server of its own for each test."""
    init_options = classmethod(test_desk.Desk.init_options.__func__)

    @classmethod
    def file(cls, *parts):
        return os.path.join(cls.folder, *parts)

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="mokhoa-backup.")
        self.addCleanup(scratch.cleanup)
        type(self).folder = scratch.name
        test_desk.write_pem(self.file("admin-ca.pem"), test_desk.certificate("Administrators", ca=True)[0])
        test_desk.write_pem(self.file("issuers.pem"), test_desk.certificate("Customers", ca=True)[0])
        self.assertEqual(run(*self.init_options("tms"))[0], 0)
        self.config = self.file("tms", "tms.json")
        self.database = self.file("tms", "data", "tms.sqlite")
        self.log = self.file("tms", "escrow", "escrow.log")

    def command(self, *words, text=""):
        return run(*words, "--config", self.config, text=text)

    def good(self, *words, text=""):
        status, out, err = self.command(*words, text=text)
        self.assertEqual(status, 0, err)
        return out

    def fails(self, name, done, *words, status=1):
        self.assertEqual(done[0], status, done)
        for word in (name, *words):
            self.assertIn(word, done[2])
        seen(name, "test_backup.py " + self.id().split(".", 1)[1])

    def add(self, *rows):
        table = "\r\n".join((test_desk.NAMES, *rows)) + "\r\n"
        status, sealed, err = run("seal", "--vault-key", self.file("tms", "vault.pub"), text=table)
        self.assertEqual(status, 0, err)
        self.good("import", text=sealed)

    def serials(self, path=None):
        with contextlib.closing(sqlite3.connect(path or self.database)) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            return [row[0] for row in db.execute("SELECT serial FROM token ORDER BY serial")]

    def start(self, command):
        process = subprocess.Popen([PROGRAM, command, "--config", self.config], stderr=subprocess.DEVNULL)

        def end():
            process.terminate()
            process.wait()
        self.addCleanup(end)
        return process, end

    def wait_for(self, path):
        for _ in range(600):
            if os.path.exists(path):
                return
            time.sleep(0.05)
        self.fail(path + " does not come")


class Data(Server):
    def test_there_and_back(self):
        self.add(token("A1"), token("A2"))
        backup = self.file("monday.sqlite")
        self.assertEqual(self.good("backup", backup), f"backup={backup} tokens=2\n")
        self.assertEqual((stat.S_IMODE(os.stat(backup).st_mode), os.listdir(os.path.dirname(backup)).count("monday.sqlite.part")), (0o600, 0))
        self.add(token("A3", email="moi@ca.vn"))
        out = self.good("restore", backup)
        self.assertIn("newer=0 made=1", out)
        self.assertEqual(self.serials(), ["A1", "A2", "A3"])
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            self.assertEqual(db.execute("SELECT customer, email, certificate_serial, state FROM token WHERE serial = 'A3'").fetchall(),
                             [("An", "moi@ca.vn", "560A", "unverified")])
        kept = re.search("^kept=(.*)$", out, re.M).group(1)
        self.assertEqual(self.serials(kept), ["A1", "A2", "A3"])
        self.assertEqual(stat.S_IMODE(os.stat(self.database).st_mode), 0o600)
        self.assertEqual(self.good("check").split()[0], "ok")
        self.assertEqual(sorted(os.listdir(self.file("tms", "data"))), ["tms.sqlite", os.path.basename(kept)])
        # nothing was there before: a machine that is new
        os.unlink(self.database)
        out = self.good("restore", backup)
        self.assertNotIn("kept=", out)
        self.assertEqual(self.serials(), ["A1", "A2", "A3"])

    def test_wrong_files(self):
        self.add(token("A1"))
        backup = self.file("b.sqlite")
        self.good("backup", backup)
        self.fails("file_exists", self.command("backup", backup))
        self.fails("file_exists", self.command("backup", self.database))
        self.fails("file_failed", self.command("backup", self.file("nowhere", "b.sqlite")))
        self.fails("file_failed", self.command("restore", self.file("nowhere.sqlite")))
        self.fails("usage", self.command("backup"), status=2)
        self.fails("usage", self.command("restore"), status=2)
        self.fails("usage", self.command("escrow-log"), status=2)
        with open(backup, "rb") as f:
            whole = f.read()
        bad = self.file("bad.sqlite")
        for content in (b"", b"no database at all\n", whole[:len(whole) // 2], whole[:40] + b"\0" * 60 + whole[100:]):
            with open(bad, "wb") as f:
                f.write(content)
            self.fails("backup_invalid", self.command("restore", bad))
        os.unlink(bad)
        with contextlib.closing(sqlite3.connect(bad)) as db:
            db.execute("CREATE TABLE other (x)")
        self.fails("backup_invalid", self.command("restore", bad))
        shutil.copy(backup, bad)
        with contextlib.closing(sqlite3.connect(bad)) as db:
            db.execute("PRAGMA user_version = 4711")
        self.fails("backup_newer", self.command("restore", bad))
        self.assertEqual(self.serials(), ["A1"])
        self.assertEqual(os.listdir(self.file("tms", "data")), ["tms.sqlite"])

    def test_an_older_backup_is_brought_up_to_date(self):
        backup = self.file("b.sqlite")
        with open(os.path.join(ROOT, "tms", "store", "schema.c"), encoding="utf-8") as f:
            script = "".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', re.sub(r"/\*.*?\*/", "", f.read().split("steps[] = {")[1].split("};")[0], flags=re.S)))
        with contextlib.closing(sqlite3.connect(backup)) as db:
            db.executescript(script[:script.index("PRAGMA user_version = 4;")] + "PRAGMA user_version = 4;")
            db.execute("INSERT INTO token (id, manufacturer, model, serial, customer, email, certificate_serial, state, created) VALUES (1, 'a', 'b', 'OLD', '', '', '', 'verified', 1)")
            db.execute("INSERT INTO escrow (token, version, sealed, created) VALUES (1, 1, zeroblob(145), 1)")
            db.execute("UPDATE token SET active = 1")
            db.commit()
        self.fails("escrow_log_other", self.command("restore", backup))  # every token has a line, but of those days there was no log
        self.assertIn("newer=0 made=0", self.good("restore", backup, "--any-log"))
        self.assertEqual(self.serials(), ["OLD"])
        self.assertIn("tokens=1", self.good("check").split())

    def test_refused_while_it_is_used(self):
        self.add(token("A1"))
        backup = self.file("b.sqlite")
        self.good("backup", backup)
        before = os.stat(self.database).st_ino
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            db.execute("SELECT count(*) FROM token").fetchall()
            self.fails("data_in_use", self.command("restore", backup))
        for command, socket in (("vault", self.file("tms", "vault", "vault.sock")), ("serve", self.file("tms", "run", "public.sock"))):
            _, end = self.start(command)
            self.wait_for(socket)
            time.sleep(0.2)
            self.fails("data_in_use", self.command("restore", backup))
            end()
        self.assertEqual((os.stat(self.database).st_ino, os.listdir(self.file("tms", "data")).count("restore.sqlite")), (before, 0))
        self.good("restore", backup)

    def test_consistent_while_others_write(self):
        stop = threading.Event()
        imported = []

        def write():
            while not stop.is_set():
                self.add(*[token(f"W{len(imported)}N{n}") for n in range(40)])
                imported.append(40)
        writer = threading.Thread(target=write)
        writer.start()
        try:
            for n in range(8):
                self.good("backup", self.file(f"w{n}.sqlite"))
        finally:
            stop.set()
            writer.join()
        self.assertTrue(imported)
        for n in range(8):
            with contextlib.closing(sqlite3.connect(self.file(f"w{n}.sqlite"))) as db:
                self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
                self.assertEqual(db.execute("PRAGMA foreign_key_check").fetchall(), [])
                [counts] = db.execute("SELECT (SELECT count(*) FROM token), (SELECT count(*) FROM escrow), (SELECT count(*) FROM audit WHERE what = 'import')")
                self.assertEqual((counts[0], counts[0]), counts[1:])


class Log(Server):
    def test_check(self):
        self.add(token("A1"), token("A2"))
        self.assertEqual(self.good("escrow-log", "check"), "lines=2 whole=2 cut=0 damaged=0 tokens=2 unknown=0 without_line=0 missing=0\n")
        with open(self.log, "r+", encoding="utf-8") as f:
            first, second = f.read().splitlines()
            f.write(second[:100] + "\n" + first.replace("A1", "Z9") + "\n")
        self.fails("escrow_log_damaged", self.command("escrow-log", "check"), "line 4")
        self.assertIn("lines=4 whole=2 cut=1 damaged=1 tokens=2", self.command("escrow-log", "check")[1])
        backup = self.file("b.sqlite")
        self.good("backup", backup)
        self.fails("escrow_log_damaged", self.command("restore", backup))
        self.assertIn("damaged=1 as_it_was=2", self.good("restore", backup, "--skip-damaged-lines"))
        os.unlink(self.log)
        status, out, err = self.command("escrow-log", "check")
        self.fails("escrow_log_other", (status, out, err))
        self.assertIn("lines=0 whole=0 cut=0 damaged=0 tokens=0 unknown=0 without_line=2 missing=0", out)
        os.mkdir(self.log)
        self.fails("escrow_log_failed", self.command("escrow-log", "check"))
        self.fails("escrow_log_failed", self.command("restore", backup))

    def test_lost(self):
        """A log whose device is not mounted, or that somebody has moved, is not begun anew."""
        self.add(token("A1"))
        backup = self.file("b.sqlite")
        self.good("backup", backup)
        self.add(token("A2"))
        os.rename(self.log, self.log + ".away")
        table = "\r\n".join((test_desk.NAMES, token("A3"))) + "\r\n"
        sealed = run("seal", "--vault-key", self.file("tms", "vault.pub"), text=table)[1]
        for words in (["restore", backup], ["serve"], ["import"]):
            self.fails("escrow_log_other", self.command(*words, text=sealed))
        self.assertRegex(self.command("check")[1], r"(?m)^FAIL +escrow_log ")
        self.assertEqual(self.serials(), ["A1", "A2"])
        # it is mounted again
        os.replace(self.log + ".away", self.log)
        self.assertIn("newer=0 made=1", self.good("restore", backup))
        self.good("escrow-log", "check")
        # the database is what is gone
        os.rename(self.database, self.database + ".away")
        self.fails("store_failed", self.command("serve"))
        self.assertRegex(self.command("check")[1], r"(?m)^FAIL +database ")
        self.assertFalse(os.path.exists(self.database))
        # lost for good: what was imported since is, too, and the next one is the log
        os.unlink(self.log)
        self.assertIn("lines=0", self.good("restore", backup, "--any-log"))
        self.assertEqual(self.serials(), ["A1"])
        self.good("import", text=sealed)
        self.assertIn("tokens=1 unknown=0 without_line=1", self.good("escrow-log", "check"))
        os.rename(self.log, self.log + ".away")
        self.fails("escrow_log_other", self.command("import", text=sealed.replace("A3", "A4")))

    def test_import_syncs_the_log_before_it_commits(self):
        trace = self.file("trace")
        table = "\r\n".join((test_desk.NAMES, token("A1"))) + "\r\n"
        sealed = run("seal", "--vault-key", self.file("tms", "vault.pub"), text=table)[1]
        done = subprocess.run(["strace", "-f", "-y", "-o", trace, "-e", "trace=fsync,fdatasync", PROGRAM, "import", "--config", self.config], input=sealed.encode(),
                              capture_output=True, check=False, env=TRACED)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(trace, encoding="utf-8") as f:
            synced = [line for line in f if "escrow.log>" in line or "tms.sqlite-wal>" in line]
        self.assertIn("escrow.log>", synced[0])
        self.assertTrue(any("tms.sqlite-wal>" in line for line in synced[1:]))
        # a device that takes bytes and does not keep them: nothing is imported
        table = table.replace("A1", "A2")
        sealed = run("seal", "--vault-key", self.file("tms", "vault.pub"), text=table)[1]
        done = subprocess.run(["strace", "-f", "-o", os.devnull, "-P", self.log, "-e", "trace=fsync", "-e", "inject=fsync:error=EIO", PROGRAM, "import", "--config",
                               self.config], input=sealed.encode(), capture_output=True, check=False, env=TRACED)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"escrow_log_failed", done.stderr)
        self.assertEqual(self.serials(), ["A1"])


class Killed(Server):
    """kill -9 at every system call that changes a file, one after another."""
    def kill_at_each(self, words, check, prepare=lambda: None):
        killed = 0
        for call in SYSCALLS:
            # the first ones each, then every seventh
            for when in [*range(1, 9), *range(15, 120, 7)]:
                prepare()
                done = subprocess.run(["strace", "-f", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}", PROGRAM, *words,
                                       "--config", self.config], capture_output=True, check=False, env=TRACED)
                check(call, when)
                if done.returncode == 0:
                    break
                killed += 1
        return killed

    def test_backup(self):
        self.add(token("A1"), token("A2"))
        backup = self.file("b.sqlite")

        def check(call, when):
            self.assertEqual(self.serials(), ["A1", "A2"], (call, when))
            if os.path.exists(backup):
                self.assertEqual(self.serials(backup), ["A1", "A2"], (call, when))
                os.unlink(backup)
        killed = self.kill_at_each(("backup", backup), check)
        self.assertGreater(killed, 20)
        self.good("backup", backup)
        self.assertEqual(self.serials(backup), ["A1", "A2"])

    def test_restore(self):
        self.add(token("A1"))
        backup = self.file("b.sqlite")
        self.good("backup", backup)
        self.add(token("A2"))
        states = {"old": 0, "new": 0}
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            mark = "INSERT INTO person (fingerprint, name, role, created) VALUES (randomblob(32), 'sau', 'auditor', 1)"
            db.execute(mark)
            db.commit()

        def prepare():
            # what is only in the old data: after a restore it is there no more, and is put there again
            with contextlib.closing(sqlite3.connect(self.database)) as db:
                if not db.execute("SELECT count(*) FROM person").fetchone()[0]:
                    db.execute(mark)
                    db.commit()
            for name in os.listdir(self.file("tms", "data")):
                if ".before-" in name:
                    os.unlink(self.file("tms", "data", name))

        def check(call, when):
            self.assertEqual(self.serials(), ["A1", "A2"], (call, when))
            with contextlib.closing(sqlite3.connect(self.database)) as db:
                old = db.execute("SELECT count(*) FROM person").fetchone()[0] == 1
            states["old" if old else "new"] += 1
            if not old:
                # then the old data is under its other name, as a whole
                kept = [name for name in os.listdir(self.file("tms", "data")) if ".before-" in name]
                self.assertEqual(len(kept), 1, (call, when))
                self.assertEqual(self.serials(self.file("tms", "data", kept[0])), ["A1", "A2"])
        killed = self.kill_at_each(("restore", backup), check, prepare)
        self.assertGreater(killed, 30)
        self.assertGreater(states["old"], 20)
        self.assertGreater(states["new"], 1)


class Stolen(Server):
    COUNT = 10000

    def test_no_so_pin_is_found(self):
        pins = [secrets.token_hex(8).upper() for _ in range(self.COUNT)]
        self.add(*[token(f"S{n}", pin) for n, pin in enumerate(pins)])
        self.good("backup", self.file("tms", "b.sqlite"))
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            db.execute("SELECT count(*) FROM token").fetchall()
            self.start("vault")
            self.wait_for(self.file("tms", "vault", "vault.sock"))
            files = self.stolen_files()
            contents = []
            for path in files:
                with open(path, "rb") as f:
                    contents.append(f.read())
        self.assertTrue({"tms.sqlite", "tms.sqlite-wal", "escrow.log", "b.sqlite"} <= {os.path.basename(path) for path in files})
        needles = self.file("needles")
        with open(needles, "w", encoding="ascii") as f:
            f.writelines(line + "\n" for pin in pins for line in self.forms(pin))
        self.assertEqual(self.find(needles, [b"x" + pins[7].encode() + b"y"]), 1)
        self.assertEqual(self.find(needles, [pins[8].encode("utf-16-le")]), 1)
        self.assertEqual(self.find(needles, [base64.b64encode(b"ab" + pins[9].encode() + b"cd")]), 1)
        self.assertEqual(self.find(needles, [pins[9].encode().hex().encode()]), 1)
        self.assertGreater(sum(map(len, contents)), self.COUNT * 145 * 3)
        self.assertEqual(self.find(needles, contents), 0)

    def stolen_files(self):
        found = []
        for folder, _, names in os.walk(self.file("tms")):
            found += [os.path.join(folder, name) for name in names if stat.S_ISREG(os.stat(os.path.join(folder, name)).st_mode)]
        return found

    @staticmethod
    def forms(pin):
        """As it is, in hexadecimal, and the middle of its base64 and base64url at each of three offsets, which have the same letters for a PIN of hexadecimal digits."""
        raw = pin.encode()
        yield pin
        yield pin.lower()
        yield raw.hex()
        yield raw.hex().upper()
        for offset in range(3):
            text = base64.b64encode(b"\0" * offset + raw).decode()
            yield text[4 if offset else 0:20]

    @staticmethod
    def find(needles, contents):
        """How many of the contents hold one; UTF-16 of either order is the text itself without its NULs."""
        count = 0
        for content in contents:
            both = content + b"\n" + content.replace(b"\0", b"")
            done = subprocess.run(["grep", "-a", "-q", "-F", "-f", needles], input=both, check=False, env={"LC_ALL": "C", "PATH": os.environ["PATH"]})
            count += done.returncode == 0
        return count

    def test_a_swapped_row_does_not_open(self):
        self.add(token("A1", "1111"), token("A2", "2222"))
        with open(self.file("tms", "vault", "keys", "vault.key"), encoding="ascii") as f:
            vault = reference.kem_from_private(reference.unb64(f.read().split()[0]))
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            rows = dict(db.execute("SELECT serial, sealed FROM token JOIN escrow ON escrow.id = active").fetchall())

        def opens(serial, version, sealed):
            name = {"manufacturer": "CardContact", "model": "SmartCard-HSM", "serial": serial}
            return reference.hpke_open(vault, sealed[:65], b"mokhoa-escrow-v1", reference.escrow_aad(name, version), sealed[65:])
        self.assertIn(b"1111", opens("A1", 1, rows["A1"]))
        for serial, version, sealed in (("A1", 1, rows["A2"]), ("A2", 1, rows["A1"]), ("A1", 2, rows["A1"])):
            with self.assertRaises(Exception):
                opens(serial, version, sealed)


class Keys(Server):
    def setUp(self):
        super().setUp()
        self.custodian("lan", None)
        self.custodian("minh", None, curve=False)
        self.custodian("stranger", None)
        self.saved = self.file("keys.cms")

    def custodian(self, name, passphrase, curve=True):
        cert, key = test_desk.certificate(name)
        if not curve:
            key = rsa.generate_private_key(65537, 2048)
            cert = self.self_signed(name, key)
        test_desk.write_pem(self.file(name + ".pem"), cert)
        how = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
        with open(self.file(name + ".key"), "wb") as f:
            f.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how))

    @staticmethod
    def self_signed(name, key):
        x509, hashes, now = test_desk.x509, test_desk.hashes, test_desk.datetime.datetime.utcnow()
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(1).not_valid_before(now)
                .not_valid_after(now + test_desk.datetime.timedelta(days=1)).sign(key, hashes.SHA256()))

    def files(self):
        return [self.file("tms", *parts) for parts in (("keys", "tms.key"), ("vault", "keys", "vault.key"), ("vault.pub",))]

    def contents(self):
        found = []
        for path in self.files():
            with open(path, "rb") as f:
                found.append(f.read())
        return found

    def save(self):
        return self.good("keys", "backup", self.saved, "--to", self.file("lan.pem"), "--to", self.file("minh.pem"))

    def test_each_custodian_brings_them_back(self):
        before = self.contents()
        out = self.save()
        self.assertEqual(stat.S_IMODE(os.stat(self.saved).st_mode), 0o600)
        with open(self.saved, "rb") as f:
            text = f.read()
        for content in before[:2]:
            self.assertNotIn(content.strip(), text)
        self.assertIn("vault_key=" + before[2].decode().strip(), out)
        for name in ("lan", "minh"):
            self.assertTrue(self.good("keys", "check", self.saved, "--key", self.file(name + ".key")).startswith("ok tms_key="))
            self.fails("file_exists", self.command("keys", "restore", self.saved, "--key", self.file(name + ".key")))
            for path in self.files():
                os.unlink(path)
            self.good("keys", "restore", self.saved, "--key", self.file(name + ".key"))
            self.assertEqual(self.contents(), before)
            self.assertEqual([stat.S_IMODE(os.stat(path).st_mode) for path in self.files()], [0o400, 0o400, 0o444])
            self.assertEqual(self.good("check").split()[0], "ok")
        # and without this program
        plain = subprocess.run(["openssl", "cms", "-decrypt", "-inform", "PEM", "-in", self.saved, "-inkey", self.file("lan.key")], capture_output=True, check=True).stdout
        self.assertIn(before[1].strip(), plain)

    def test_what_does_not_open(self):
        self.save()
        self.fails("keys_invalid", self.command("keys", "check", self.saved, "--key", self.file("stranger.key")))
        self.fails("keys_invalid", self.command("keys", "check", self.saved, "--key", self.file("nowhere.key")))
        self.fails("file_failed", self.command("keys", "check", self.file("nowhere.cms"), "--key", self.file("lan.key")))
        self.fails("file_exists", self.command("keys", "backup", self.saved, "--to", self.file("lan.pem")))
        self.fails("config_invalid", self.command("keys", "backup", self.file("x"), "--to", self.file("lan.pem"), "--to", self.file("lan.key")), "lan.key")
        for words in (("keys",), ("keys", "backup", self.file("x")), ("keys", "check", self.saved), ("keys", "burn", self.saved), ("keys", "check", self.saved, "--to", "x")):
            self.fails("usage", self.command(*words), status=2)
        with open(self.saved, encoding="ascii") as f:
            lines = f.read().splitlines()
        # what only one custodian needs stands in front; the sealed keys are the end, the same for all
        for n in (-3, -4, -6):
            changed = list(lines)
            changed[n] = changed[n][:-1] + ("A" if changed[n][-1] != "A" else "B")
            with open(self.file("changed.cms"), "w", encoding="ascii") as f:
                f.write("\n".join(changed) + "\n")
            self.fails("keys_invalid", self.command("keys", "check", self.file("changed.cms"), "--key", self.file("lan.key")))
        self.assertFalse(os.path.exists(self.file("x")))

    def test_keys_of_another_server(self):
        self.save()
        self.assertEqual(run(*self.init_options("other"))[0], 0)
        other = self.file("other", "tms.json")
        for path in (("keys", "tms.key"), ("vault", "keys", "vault.key")):
            os.unlink(self.file("other", *path))
        self.fails("keys_mismatch", run("keys", "restore", self.saved, "--config", other, "--key", self.file("lan.key")))
        self.assertFalse(os.path.exists(self.file("other", "vault", "keys", "vault.key")) or os.path.exists(self.file("other", "keys", "tms.key")))

    def test_the_passphrase_is_asked_on_the_terminal(self):
        self.custodian("hoa", "mật khẩu dài")
        self.good("keys", "backup", self.saved, "--to", self.file("hoa.pem"))
        for passphrase, status in (("mật khẩu dài", 0), ("sai", 1)):
            pid, terminal = pty.fork()
            if pid == 0:
                os.execv(PROGRAM, [PROGRAM, "keys", "check", self.saved, "--config", self.config, "--key", self.file("hoa.key")])
            seen_text = b""
            deadline = time.monotonic() + 60
            answered = False
            while time.monotonic() < deadline:
                if not select.select([terminal], [], [], 1)[0]:
                    continue
                try:
                    got = os.read(terminal, 4096)
                except OSError:
                    break
                if not got:
                    break
                seen_text += got
                if not answered and b"Passphrase" in seen_text:
                    # the prompt stands there a moment before the echo is off
                    while termios.tcgetattr(terminal)[3] & termios.ECHO and time.monotonic() < deadline:
                        time.sleep(0.01)
                    os.write(terminal, passphrase.encode() + b"\n")
                    answered = True
            os.close(terminal)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), status, seen_text)
            self.assertTrue(answered)
            self.assertNotIn(passphrase.encode(), seen_text)


if __name__ == "__main__":
    unittest.main()
