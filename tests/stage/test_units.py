# SPDX-License-Identifier: Apache-2.0
"""The units of installer/systemd: as systemd reads them, how much they leave open, and that the programs call nothing that they forbid.

    test_units.py MOKHOA-TMS

The system's service manager is not asked, so that none has to run: systemd-analyze reads the files, and strace writes down what server and vault call while they work.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS = ROOT / "installer" / "systemd"
sys.path.insert(0, str(ROOT / "tests" / "protocol"))

import test_tms_wire as wire  # ends with 77 where a package is missing

# what systemd-analyze may count at most, of 10.0; it stands at 1.5, 0.6 and 2.0
EXPOSURE = {"mokhoa-tms.service": 1.7, "mokhoa-vault.service": 0.8, "mokhoa-check.service": 2.2}
# of the sanitizers in the program that is tested, and of strace's own start
SANITIZER = {"ptrace", "process_vm_readv"}
# SQLite gives a file that it makes the owner of the database's where root runs it, as here; the units' users never
AS_ROOT = {"fchown"} if os.geteuid() == 0 else set()


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)


def keys_of(name):
    """[(key, value)] of a unit's [Service], in their order."""
    return [tuple(line.split("=", 1)) for line in (UNITS / name).read_text().partition("[Service]")[2].splitlines() if "=" in line and not line.startswith("#")]


def group(name):
    """The calls of a set of systemd's, those of the sets in it among them."""
    found = set()
    for line in analyze("syscall-filter", name).stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= group(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found


def allowed(name):
    """What a unit's filter lets through: the first line allows, later ones take away ("~") or add."""
    calls = set()
    for key, value in keys_of(name):
        if key == "SystemCallFilter":
            take = value.startswith("~")
            for word in value.lstrip("~").split():
                one = group(word) if word.startswith("@") else {word}
                calls = calls - one if take else calls | one
    return calls | group("@default")


class Units(unittest.TestCase):
    def test_as_systemd_reads_them(self):
        with tempfile.TemporaryDirectory() as root:
            for path, source in (("usr/bin/mokhoa-tms", PROGRAM), *((f"etc/systemd/system/{unit.name}", unit) for unit in UNITS.glob("mokhoa-*"))):
                (pathlib.Path(root) / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, pathlib.Path(root) / path)
            for target in ("network-online", "multi-user", "nss-lookup", "timers", "sysinit", "basic", "shutdown", "time-set", "time-sync"):
                pathlib.Path(root, f"etc/systemd/system/{target}.target").write_text("[Unit]\nDescription=x\nDefaultDependencies=no\n")
            for unit in sorted(UNITS.glob("mokhoa-*")):
                found = analyze("verify", "--man=no", f"--root={root}", unit.name)
                said = [line for line in found.stderr.splitlines() if "mokhoa" in line]
                self.assertEqual((found.returncode, said), (0, []), found.stderr)
            # the same look sees a fault
            bad = pathlib.Path(root, "etc/systemd/system/mokhoa-tms.service")
            bad.write_text(bad.read_text().replace("ProtectHome=yes", "ProtectHome=perhaps").replace("/usr/bin/mokhoa-tms serve", "/usr/bin/nothing serve"))
            self.assertRegex(analyze("verify", "--man=no", f"--root={root}", bad.name).stderr, r"ProtectHome|nothing")

    def test_exposure(self):
        self.assertEqual({unit.name for unit in UNITS.glob("*.service")}, set(EXPOSURE))
        for name, most in EXPOSURE.items():
            found = analyze("security", "--offline=true", f"--threshold={round(most * 10)}", str(UNITS / name))
            self.assertEqual(found.returncode, 0, found.stdout)
        found = analyze("security", "--offline=true", "--threshold=3", str(UNITS / "mokhoa-tms.service"))
        self.assertNotEqual(found.returncode, 0)

    def test_commands(self):
        """Each command line of a unit is one of the program's, and the users are those that the file for sysusers makes."""
        usage = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, timeout=20, check=True).stdout
        users = re.findall(r"^u (\S+)", (UNITS / "mokhoa.sysusers").read_text(), re.M)
        for name in EXPOSURE:
            keys = dict(keys_of(name))
            # nginx's own group, and the one of servers that were made before it was
            self.assertIn(keys.get("SupplementaryGroups"), (None, "mokhoa-nginx www-data"))
            for key in ("ExecStart", "ExecReload"):
                if key in keys:
                    words = keys[key].split()
                    self.assertEqual(words[0], "/usr/bin/mokhoa-tms")
                    self.assertRegex(usage, rf"(?m)^  {words[1]} .*--config FILE")
            self.assertIn(keys["User"], users)
        self.assertIn("mokhoa-nginx", users)

    def test_nothing_forbidden_is_called(self):
        with tempfile.TemporaryDirectory() as folder:
            wrapper = pathlib.Path(folder, "traced")
            wrapper.write_text(f"#!/bin/sh\nexport ASAN_OPTIONS=detect_leaks=0\n[ \"$1\" = person ] && exec {PROGRAM} \"$@\"\n"
                               f"exec strace -D -f -qq -e signal=none -o {folder}/\"$1\".trace {PROGRAM} \"$@\"\n")
            wrapper.chmod(0o755)
            os.mkdir(f"{folder}/server")
            server = wire.Server(str(wrapper), f"{folder}/server")
            key = pathlib.Path(folder, "server", "vault.key")
            key.touch(0o600)
            key.write_text(wire.ref.b64(wire.samples.VAULT.private_numbers().private_value.to_bytes(32, "big")) + "\n")
            vault = subprocess.Popen([str(wrapper), "vault", "--config", str(server.config)], stdin=subprocess.DEVNULL, stdout=server.log, stderr=server.log)
            try:
                life = wire.Life(server, "traced")
                self.assertEqual(life.ask("status")[0], 200)
                self.assertEqual(server.call("/v1/admin/requests", "GET", person="approver")[0], 200)
                end = time.monotonic() + 20
                while not pathlib.Path(folder, "server", "vault.sock").exists() and time.monotonic() < end:
                    time.sleep(0.05)
                check = subprocess.run([str(wrapper), "check", "--config", str(server.config)], capture_output=True, text=True, timeout=120, check=False)
                self.assertIn("answers, and holds", check.stdout, server.text()[-2000:])
            finally:
                vault.terminate()
                vault.wait(60)
                status, log = server.stop()
            self.assertEqual(status, 0, log[-2000:])
            for command, unit in (("serve", "mokhoa-tms.service"), ("vault", "mokhoa-vault.service"), ("check", "mokhoa-check.service")):
                trace = pathlib.Path(folder, f"{command}.trace").read_text(errors="replace")
                called = set(re.findall(r"^\d+ +(\w+)\(", trace, re.M))
                self.assertGreater(len(called), 20, command)
                self.assertEqual(called - allowed(unit) - SANITIZER - AS_ROOT, set(), command)
                families = set(re.findall(r"\bsocket\((AF_\w+)", trace))
                self.assertLessEqual(families, set(dict(keys_of(unit))["RestrictAddressFamilies"].split()), command)

    # what stands for the server's own mounts: those of its unit, and its look at them when the vault's key has been rolled
    SERVER = """
        for path; do
            if [ -d "$path" ]; then mount -t tmpfs -o ro,mode=000 tmpfs "$path"; elif [ -e "$path" ]; then mount --bind "$NOTHING" "$path"; fi
        done
        touch "$FOLDER/mounted"
        while [ ! -e "$FOLDER/rolled" ]; do sleep 0.1; done
        cd "$FOLDER/made/vault" && find . -type f -size +0 | sort && find . -type s
    """

    def server_sees(self, masks):
        """Rolls the key of a server's vault, and says which of the vault's files and sockets a server that was started before it finds, whatever their permissions, behind mounts over masks."""
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "nothing").touch()
            made = f"{folder}/made"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/ca.pem", "-subj", "/CN=x"],
                           check=True, capture_output=True, timeout=60)
            subprocess.run([PROGRAM, "init", "--dir", made, "--host", "tms.ca.example", "--tls-certificate", f"{folder}/ca.pem", "--tls-key", f"{folder}/key.pem", "--admin-ca", f"{folder}/ca.pem",
                            "--issuers", f"{folder}/ca.pem", "--authority", "CA", "--hotline", "1900", "--from", "no-reply@ca.example", "--smtp", "smtp://127.0.0.1:25", "--smtp-tls", "none",
                            "--escrow-log-same-device"], check=True, capture_output=True, timeout=60)
            config = ("--config", f"{made}/tms.json")
            server = subprocess.Popen(["sh", str(ROOT / "tests/stage/enter.sh"), "sh", "-euc", self.SERVER, "server", *(mask.replace("/var/lib/mokhoa-tms", made) for mask in masks)],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                      env={**os.environ, "FOLDER": folder, "NOTHING": f"{folder}/nothing"})
            try:
                end = time.monotonic() + 30
                while not os.path.exists(f"{folder}/mounted") and server.poll() is None and time.monotonic() < end:
                    time.sleep(0.05)
                if server.poll() == 77:
                    self.skipTest(server.communicate()[1])
                vault = subprocess.Popen([PROGRAM, "vault", *config], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                try:
                    while not os.path.exists(f"{made}/vault/vault.sock") and time.monotonic() < end:
                        time.sleep(0.05)
                    for verb in ("new", "retire"):
                        subprocess.run([PROGRAM, "keys", verb, *config], check=True, capture_output=True, timeout=60)
                    pathlib.Path(folder, "rolled").touch()
                    out, err = server.communicate(timeout=60)
                finally:
                    vault.terminate()
                    vault.wait(60)
            finally:
                server.kill()
                server.wait(60)
            self.assertEqual(server.returncode, 0, err)
            return out.split()

    def test_the_server_sees_no_key_of_the_vault(self):
        masks = [path.lstrip("-") for key, value in keys_of("mokhoa-tms.service") if key == "InaccessiblePaths" for path in value.split()]
        self.assertEqual(self.server_sees(masks), ["./vault.sock"])
        # the same look sees what a mask over the file lets through
        self.assertEqual(self.server_sees(["/var/lib/mokhoa-tms/vault/keys/vault.key"]), ["./keys/vault.key", "./keys/vault.key.retired", "./vault.sock"])


if __name__ == "__main__":
    for tool in ("systemd-analyze", "strace"):
        if shutil.which(tool) is None:
            print(f"{tool} is missing: apt-get install {'systemd' if tool.startswith('systemd') else tool}", file=sys.stderr)
            sys.exit(77)
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
