#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_desk.py PROGRAM: init, seal, import, person and check of mokhoa-tms as an operator runs them, on a server of its own below TMPDIR."""
import contextlib
import csv
import datetime
import http.client
import io
import ipaddress
import json
import os
import pathlib
import pty
import pwd
import re
import shutil
import socket
import sqlite3
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path[:0] = [os.path.join(ROOT, "protocol", "reference"), os.path.join(ROOT, "tests", "check")]

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    import reference
except ImportError as missing:
    print(f"{missing}: apt-get install python3-cryptography")
    sys.exit(77)
from seen import seen

PROGRAM = sys.argv.pop(1)
NAMES = "manufacturer,model,serial,so_pin,customer,email,certificate_serial"
TOKEN = {"manufacturer": "CardContact", "model": "SmartCard-HSM", "serial": "DENK0100001"}


def certificate(name, issuer=None, ca=False, key=None):
    """(certificate, key) of a name, signed by an issuer of the same kind or by itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer[0].subject if issuer else subject).public_key(key.public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
               .not_valid_after(now + datetime.timedelta(days=1)).add_extension(x509.BasicConstraints(ca, None), True))
    if not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]), False)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def write_pem(path, made):
    with open(path, "wb") as f:
        f.write(made.public_bytes(serialization.Encoding.PEM))


def run(*args, text=""):
    done = subprocess.run([PROGRAM, *args], input=text.encode(), capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Server(unittest.TestCase):
    """A server as init makes it, and what an operator does with it."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="mokhoa-desk.")
        cls.folder = cls.scratch.name
        cls.admin_ca = certificate("Administrators", ca=True)
        write_pem(cls.file("admin-ca.pem"), cls.admin_ca[0])
        write_pem(cls.file("issuers.pem"), certificate("Customers", ca=True)[0])
        write_pem(cls.file("an.pem"), certificate("An", cls.admin_ca)[0])
        write_pem(cls.file("stranger.pem"), certificate("Stranger")[0])
        cls.made = run(*cls.init_options("tms"))
        cls.config = cls.file("tms", "tms.json")

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    @classmethod
    def file(cls, *parts):
        return os.path.join(cls.folder, *parts)

    @classmethod
    def init_options(cls, name, **changes):
        options = {"dir": cls.file(name), "host": "tms.ca.example", "tls-certificate": "/etc/tms/tls.pem", "tls-key": "/etc/tms/tls.key",
                   "admin-ca": cls.file("admin-ca.pem"), "issuers": cls.file("issuers.pem"), "authority": "Tổ chức chứng thực An",
                   "hotline": "1900 0000", "from": "no-reply@ca.example", "smtp": "smtp://mail.ca.example:587", "escrow-log-same-device": True}
        options.update({k.replace("_", "-"): v for k, v in changes.items()})
        words = ["init"]
        for key, value in options.items():
            if value is True:
                words.append("--" + key)
            elif value is not None:
                words += ["--" + key, value]
        return words

    def sql(self, statement, *values):
        with sqlite3.connect(self.file("tms", "data", "tms.sqlite")) as db:
            return db.execute(statement, values).fetchall()

    def fails(self, status, name, done, *words):
        self.assertEqual(done[0], status, done)
        for word in (name, *words):
            self.assertIn(word, done[2])
        seen(name, "test_desk.py " + self.id().split(".", 1)[1])

    def seal(self, *rows, names=NAMES):
        return run("seal", "--vault-key", self.file("tms", "vault.pub"), text="\r\n".join((names, *rows)) + "\r\n")

    def sealed(self, *rows):
        done = self.seal(*rows)
        self.assertEqual((done[0], [line for line in done[2].splitlines() if "shared=" not in line]), (0, []))
        return done[1]

    def import_(self, text, *options):
        return run("import", "--config", self.config, *options, text=text)


class Desk(Server):
    # ---- init ----

    def test_init_makes_a_whole_server(self):
        status, out, err = self.made
        self.assertEqual((status, err), (0, ""))
        profile = json.loads(out)
        self.assertEqual(profile["tms"], "https://tms.ca.example")
        self.assertEqual(len(reference.unb64(profile["tms_keys"][0])), 32)
        modes = {name: stat.S_IMODE(os.stat(self.file("tms", name)).st_mode)
                 for name in ("data", "data/tms.sqlite", "keys/tms.key", "vault/keys/vault.key", "vault.pub", "tms.json", "nginx.conf", "run")}
        self.assertEqual(modes, {"data": 0o700, "data/tms.sqlite": 0o600, "keys/tms.key": 0o400, "vault/keys/vault.key": 0o400, "vault.pub": 0o444,
                                 "tms.json": 0o644, "nginx.conf": 0o644, "run": 0o711})
        status, out, err = run("check", "--config", self.config)
        self.assertEqual(status, 0, err)
        self.assertRegex(out, r"\nok kid=[0-9a-f]{16} tokens=\d+ ")
        with open(self.file("tms", "vault", "keys", "vault.key"), encoding="ascii") as f:
            private = reference.kem_from_private(reference.unb64(f.read().strip()))
        with open(self.file("tms", "vault.pub"), encoding="ascii") as f:
            self.assertEqual(reference.unb64(f.read().strip()), reference.kem_public(private))

    def test_init_never_twice(self):
        before = os.stat(self.file("tms", "vault", "keys", "vault.key")).st_mtime_ns
        self.fails(1, "config_invalid", run(*self.init_options("tms")), "exists already; nothing was changed")
        self.assertEqual(os.stat(self.file("tms", "vault", "keys", "vault.key")).st_mtime_ns, before)

    def test_init_judges_before_it_makes(self):
        bad = ({"from": "nobody"}, {"smtp": "http://x"}, {"authority": ""}, {"smtp_tls": "perhaps"}, {"language": "fr"}, {"issuers": "relative.pem"},
               {"portal": "https://x/path"})
        for change in bad:
            self.fails(1, "config_invalid", run(*self.init_options("other", **change)), "key \"")
        wrong = ({"host": "UPPER.example"}, {"host": "a b"}, {"port": "99999999"}, {"admin_port": "x"}, {"tms_user": "no-such-user"}, {"vault_user": "-1"},
                 {"tls_key": "/etc/x;y"}, {"listen": "127.0.0.1 "}, {"escrow_log_same_device": None}, {"hotline": None}, {"extra": "x"}, {"dir": "relative"})
        for change in wrong:
            self.fails(2, "usage", run(*self.init_options("other", **change)))
        self.assertFalse(os.path.exists(self.file("other")))

    def test_init_separate_escrow_log(self):
        done = run(*self.init_options("apart", escrow_log="/mnt/other/escrow.log", escrow_log_same_device=None, portal="https://portal.ca.example",
                                      port="4443", language="en"))
        self.assertEqual((done[0], done[2]), (0, ""))
        with open(self.file("apart", "tms.json"), encoding="utf-8") as f:
            config = json.load(f)
        self.assertEqual((config["escrow_log"], config["escrow_log_same_device"], config["languages"]), ("/mnt/other/escrow.log", False, ["en", "vi"]))
        self.assertFalse(os.path.exists(self.file("apart", "escrow")))
        self.assertEqual(json.loads(done[1])["tms"], "https://tms.ca.example:4443")

    # ---- portal and console ----

    PORTAL = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", "..", "portal"))

    def test_init_portal(self):
        done = run(*self.init_options("shown", portal_files=self.PORTAL, extensions="a" * 32 + "," + "b" * 32, install="https://ca.example/mokhoa", port="4443"))
        self.assertEqual((done[0], done[2]), (0, ""))
        with open(self.file("shown", "portal.json"), encoding="utf-8") as f:
            pages = json.load(f)
        with open(self.file("shown", "tms.json"), encoding="utf-8") as f:
            config = json.load(f)
        self.assertEqual(pages, {"authority": config["authority"], "hotline": config["hotline"], "language": "vi", "extensions": ["a" * 32, "b" * 32], "websocket": False,
                                 "install": "https://ca.example/mokhoa", "portal": "https://tms.ca.example:4443"})
        self.assertEqual(config["portal"], "https://tms.ca.example:4443")
        self.assertEqual(stat.S_IMODE(os.stat(self.file("shown", "portal.json")).st_mode), 0o644)
        with open(self.file("shown", "nginx.conf"), encoding="utf-8") as f:
            public, admin = f.read().split("\nserver {")[1:]
        self.assertIn("root %s/customer;" % self.PORTAL, public)
        self.assertNotIn("/console;", public)
        self.assertIn("root %s/console;" % self.PORTAL, admin)
        self.assertNotIn("/customer;", admin)
        for block in (public, admin):
            policies = [line for line in block.splitlines() if "Content-Security-Policy" in line]
            # the server's own, and that of the notices, which says all again with another Cache-Control
            for _ in range(1 if block is admin else 2):
                self.assertEqual(policies.pop(0).strip(), self.NO_PAGE)
            self.assertEqual(len(policies), 5 if block is admin else 4)
            for line in policies:
                self.assertIn("default-src 'none'; script-src 'self'; style-src 'self';", line)
                self.assertIn("frame-ancestors 'none'", line)
                self.assertNotIn("unsafe", line)

    def test_init_websocket(self):
        done = run(*self.init_options("direct", portal_files=self.PORTAL), "--websocket")
        self.assertEqual((done[0], done[2]), (0, ""))
        with open(self.file("direct", "portal.json"), encoding="utf-8") as f:
            self.assertIs(json.load(f)["websocket"], True)
        with open(os.path.join(self.PORTAL, "..", "protocol", "port.def"), encoding="utf-8") as f:
            ports = re.findall(r"^PORT\((\d+)\)$", f.read(), re.M)
        self.assertEqual(len(ports), 3)
        with open(self.file("direct", "nginx.conf"), encoding="utf-8") as f:
            public, admin = f.read().split("\nserver {")[1:]
        self.assertEqual(public.count("connect-src 'self' %s; " % " ".join("ws://127.0.0.1:" + port for port in ports)), 4)
        self.assertNotIn("ws://", admin)

    NO_PAGE = "add_header Content-Security-Policy \"default-src 'none'; frame-ancestors 'none'\" always;"

    def test_init_without_portal(self):
        self.assertFalse(os.path.exists(self.file("tms", "portal.json")))
        with open(self.file("tms", "nginx.conf"), encoding="utf-8") as f:
            policies = [line.strip() for line in f if "Content-Security-Policy" in line]
        self.assertEqual(policies, [self.NO_PAGE] * 3)

    @unittest.skipUnless(shutil.which("nginx", path="/usr/sbin:/usr/bin"), "apt-get install nginx-light")
    def test_nginx_counts_by_network(self):
        """The variable that the rates are kept by, asked of nginx itself, which takes the caller's address from a header here."""
        with open(self.file("tms", "nginx.conf"), encoding="utf-8") as f:
            conf = f.read()
        zones = re.findall(r"^limit_\w+_zone (\S+) ", conf, re.M)
        self.assertEqual(zones, ["$mokhoa_network"] * 2)
        [network] = re.findall(r"^map .*[$]mokhoa_network .*$", conf, re.M)
        folder = self.file("network")
        os.mkdir(folder)
        with open(os.path.join(folder, "nginx.conf"), "w", encoding="utf-8") as f:
            f.write(f"""daemon off; error_log {folder}/error.log; pid {folder}/pid;
                    events {{ }}
                    http {{ access_log off; set_real_ip_from unix:; real_ip_header X-Real-IP; default_type text/plain;
                            {network}
                            server {{ listen unix:{folder}/socket; location / {{ return 200 $mokhoa_network; }} }} }}""")
        nginx = subprocess.Popen([shutil.which("nginx", path="/usr/sbin:/usr/bin"), "-p", folder, "-c", os.path.join(folder, "nginx.conf")], stderr=subprocess.DEVNULL)
        self.addCleanup(nginx.wait)
        self.addCleanup(nginx.terminate)

        def network_of(address):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(os.path.join(folder, "socket"))
                s.sendall(f"GET / HTTP/1.0\r\nX-Real-IP: {address}\r\n\r\n".encode())
                return b"".join(iter(lambda: s.recv(4096), b"")).partition(b"\r\n\r\n")[2]

        for _ in range(100):
            if os.path.exists(os.path.join(folder, "socket")):
                break
            time.sleep(0.1)
        for address in ("2001:db8:1:2::1", "2001:db8:a0a:d0a::1", "2001:db8::", "::1", "fe80::ffff:c000:201"):
            half = ipaddress.ip_address(address).packed[:8]
            self.assertEqual(network_of(address), half, address)
            self.assertEqual(network_of(ipaddress.ip_address(half + b"\n\n\0\xff\n\0\n\n")), half, address)
        for address in ("192.0.2.1", "10.10.10.10"):
            self.assertEqual(network_of(address), ipaddress.ip_address(address).packed)
        self.assertNotEqual(network_of("::ffff:192.0.2.1"), network_of("::ffff:192.0.2.2"))

    def nginx_conf(self):
        """The server as `init` wrote it, in two: customers' and the desk's."""
        with open(self.file("tms", "nginx.conf"), encoding="utf-8") as f:
            return f.read().split("\nserver {")[1:]

    def test_nginx_waits_longer_for_the_desk(self):
        """Longer than a mail server is waited for, which the desk's test mail says what it answered; customers wait for no mail."""
        public, admin = self.nginx_conf()
        with open(os.path.join(self.PORTAL, "..", "tms", "mail", "smtp.c"), encoding="utf-8") as f:
            mail = int(re.search(r"^#define WHOLE_S\s+(\d+)L$", f.read(), re.M)[1])
        patience = [{int(s) for s in re.findall(r"^ +proxy_read_timeout (\d+)s;$", block, re.M)} for block in (public, admin)]
        self.assertEqual(patience, [{30}, {90}])
        self.assertGreater(patience[1].pop(), mail)

    @unittest.skipUnless(shutil.which("nginx", path="/usr/sbin:/usr/bin"), "apt-get install nginx-light")
    def test_nginx_says_that_the_desk_took_too_long(self):
        """The desk's block as it is written, without TLS and with a second of patience, in front of a server that takes a call and says nothing."""
        folder = self.file("slow")
        os.mkdir(folder)
        admin = re.sub(r"^ +(?:ssl_|listen|add_header Retry-After|limit_conn |error_page 495).*\n", "", self.nginx_conf()[1], flags=re.M)
        admin, replaced = re.subn(r"proxy_read_timeout \d+s;", "proxy_read_timeout 1s;", admin)
        self.assertEqual(replaced, 1)
        admin = admin.replace("$ssl_client_escaped_cert", "x")
        with open(os.path.join(folder, "nginx.conf"), "w", encoding="utf-8") as f:
            f.write(f"""daemon off; user {pwd.getpwuid(os.geteuid()).pw_name}; error_log {folder}/error.log; pid {folder}/pid;
                    events {{ }}
                    http {{ access_log off;
                            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
                            upstream mokhoa_admin {{ server unix:{folder}/tms; }}
                            server {{ listen unix:{folder}/socket; {admin} }}""")
        with socket.socket(socket.AF_UNIX) as tms:
            tms.bind(os.path.join(folder, "tms"))
            tms.listen()
            nginx = subprocess.Popen([shutil.which("nginx", path="/usr/sbin:/usr/bin"), "-p", folder, "-c", os.path.join(folder, "nginx.conf")], stderr=subprocess.DEVNULL)
            self.addCleanup(nginx.wait)
            self.addCleanup(nginx.terminate)
            for _ in range(100):
                if os.path.exists(os.path.join(folder, "socket")):
                    break
                time.sleep(0.1)
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(30)
                s.connect(os.path.join(folder, "socket"))
                s.sendall(b"POST /v1/admin/mail-test HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
                head, _, body = b"".join(iter(lambda: s.recv(4096), b"")).partition(b"\r\n\r\n")
        self.assertIn(b" 504 ", head.splitlines()[0])
        self.assertIn(b"\nContent-Type: application/json", head)
        said = json.loads(body)["error"]["data"]
        self.assertEqual((said["name"], set(said["message"])), ("timeout", {"vi", "en"}))

    def test_check_who_is_in_the_group_of_nginx(self):
        """On a machine whose users and groups are these; who writes to admin.sock is whichever administrator he names."""
        folder = self.file("group")
        os.mkdir(folder)
        lines = {"passwd": ["root:x:0:0::/:/bin/sh", "tms:x:901:901::/:/bin/sh", "nginx:x:902:902::/:/bin/sh", "www-data:x:33:33::/:/bin/sh", "lan:x:903:903::/:/bin/sh"],
                 "group": ["root:x:0:", "tms:x:901:", "nginx:x:902:tms,root", "empty:x:904:", "www-data:x:33:", "shared:x:905:nginx,lan", "primary:x:903:nginx"]}
        for name, text in lines.items():
            with open(os.path.join(folder, name), "w", encoding="ascii") as f:
                f.write("\n".join(text) + "\n")
        with open(self.config, encoding="utf-8") as f:
            config = json.load(f)
        config["vault"]["client"] = "tms"
        enter = os.path.join(self.PORTAL, "..", "tests", "stage", "enter.sh")
        for group, said in (("nginx", r"ok   listen\.group nginx: nginx"), ("empty", r"ok   listen\.group empty: no user's"), ("nobodys", r"FAIL listen\.group nobodys: there is no such group"),
                            ("www-data", r"warn listen\.group www-data: .* writes to \S+/admin\.sock is whichever administrator he names.*"),
                            ("shared", r"warn listen\.group shared: is the group of 2 users \(nginx lan\).*"), ("primary", r"warn listen\.group primary: is the group of 2 users \(nginx lan\).*")):
            with self.subTest(group):
                config["listen"]["group"] = group
                with open(os.path.join(folder, "tms.json"), "w", encoding="utf-8") as f:
                    json.dump(config, f)
                done = subprocess.run(["sh", enter, "sh", "-euc", "for name in passwd group; do mount --bind \"$1/$name\" /etc/$name; done; exec \"$0\" check --config \"$1/tms.json\"", PROGRAM, folder],
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
                if done.returncode == 77:
                    self.skipTest(done.stderr)
                self.assertRegex(done.stdout, rf"(?m)^{said}$", done.stderr)
                self.assertEqual(done.returncode, 1 if group == "nobodys" else 0, done.stderr)

    def test_init_wrong_portal(self):
        for change in ({"portal_files": "portal"}, {"portal_files": self.file()}, {"portal_files": self.PORTAL + ";"}, {"extensions": "a" * 32}, {"install": "https://x"},
                       {"portal_files": self.PORTAL, "install": "http://x"}):
            self.fails(2, "usage", run(*self.init_options("other", **change)))
        self.assertFalse(os.path.exists(self.file("other")))

    # ---- seal ----

    def test_sealed_rows_open_with_the_vault_key_alone(self):
        with open(self.file("tms", "vault", "keys", "vault.key"), encoding="ascii") as f:
            vault = reference.kem_from_private(reference.unb64(f.read().strip()))
        out = self.sealed("CardContact,SmartCard-HSM,DENK0100001,3537363231383830,\"Công ty \"\"A\"\", B\",an@ca.vn,56:0a",
                          "CardContact,SmartCard-HSM,DENK0100002,x,,,")
        self.assertNotIn("3537363231383830", out)
        rows = list(csv.DictReader(io.StringIO(out, newline="")))
        self.assertEqual([r["customer"] for r in rows], ["Công ty \"A\", B", ""])
        self.assertEqual(rows[0]["certificate_serial"], "560A")
        for row, pin in zip(rows, (b"3537363231383830", b"x")):
            sealed = reference.unb64(row["sealed"])
            self.assertEqual(len(sealed), 145)
            token = {k: row[k] for k in TOKEN}
            plain = reference.hpke_open(vault, sealed[:65], b"mokhoa-escrow-v1", reference.escrow_aad(token, 1), sealed[65:])
            self.assertEqual(plain, len(pin).to_bytes(2, "big") + pin + bytes(62 - len(pin)))

    def test_sealing_names_every_bad_line_and_writes_nothing(self):
        done = self.seal("a,b,1,1234,,,", "a,b,2,,,,", "a,b,3," + "9" * 63 + ",,,", "a,b,4,12 34,,,", "a,b,5,mật,,,", "a,b,6,1234,,an@ca@vn,", "a,b", "a,b,1,1,,,")
        self.assertEqual((done[0], done[1]), (1, ""))
        self.assertEqual([line.split(":")[1:3] for line in done[2].splitlines()],
                         [[" csv_invalid", f" line {n}, serial {s}"] for n, s in ((3, 2), (4, 3), (5, 4), (6, 5))] +
                         [[" mail_address", " line 7, serial 6"], [" csv_invalid", " line 8"], [" csv_invalid", " line 9, serial 1"]])
        seen("csv_invalid", "test_desk.py " + self.id().split(".", 1)[1])
        seen("mail_address", "test_desk.py " + self.id().split(".", 1)[1])

    def test_seal_wrong_tables_and_keys(self):
        self.fails(1, "csv_invalid", self.seal(names="serial,so_pin"), "line 1: a column is missing")
        self.fails(1, "csv_invalid", run("seal", "--vault-key", self.file("tms", "vault.pub")), "line 1")
        self.fails(1, "config_invalid", run("seal", "--vault-key", self.file("tms", "vault", "keys", "vault.key")))
        self.fails(1, "config_invalid", run("seal", "--vault-key", "/nowhere"))
        self.fails(2, "usage", run("seal"))
        self.fails(2, "usage", run("seal", "--vault-key"), "needs a value")
        self.fails(2, "usage", run("seal", "--vault-key", "a", "--vault-key", "b"), "twice")

    # ---- import ----

    def test_import_never_overwrites(self):
        text = self.sealed("CardContact,SmartCard-HSM,IMPORT1,1111,Đặng An,an@ca.vn,560A", "CardContact,SmartCard-HSM,IMPORT2,2222,,,")
        done = self.import_(text, "--dry-run")
        self.assertEqual(done, (0, "lines=2 imported=2 refused=0 dry-run\n", ""))
        self.assertEqual(self.sql("SELECT count(*) FROM token WHERE serial LIKE 'IMPORT_'"), [(0,)])
        self.assertEqual(self.import_(text), (0, "lines=2 imported=2 refused=0\n", ""))
        rows = self.sql("SELECT customer, email, certificate_serial, token.state, version, sealed FROM token JOIN escrow ON escrow.id = active"
                        " WHERE serial = 'IMPORT1'")
        sealed = next(csv.DictReader(io.StringIO(text, newline="")))["sealed"]
        self.assertEqual(rows, [("Đặng An", "an@ca.vn", "560A", "unverified", 1, reference.unb64(sealed))])
        other = self.sealed("CardContact,SmartCard-HSM,IMPORT1,9999,Other,b@ca.vn,", "CardContact,SmartCard-HSM,IMPORT3,3333,,,")
        self.fails(1, "token_imported", self.import_(other, "--dry-run"), "line 2, serial IMPORT1")
        done = self.import_(other)
        self.fails(1, "token_imported", done, "line 2, serial IMPORT1")
        self.assertEqual(done[1], "lines=2 imported=1 refused=1\n")
        self.assertEqual(self.sql("SELECT customer, sealed FROM token JOIN escrow ON escrow.id = active WHERE serial = 'IMPORT1'"),
                         [("Đặng An", reference.unb64(sealed))])
        self.assertEqual(self.sql("SELECT who, what, detail, note FROM audit WHERE token = (SELECT id FROM token WHERE serial = 'IMPORT3')"),
                         [("desk", "import", "shared=no agency=", b"")])

    def test_each_line_stands_alone(self):
        good = self.sealed("a,b,ALONE1,1234,,,", "a,b,ALONE2,4321,,,").splitlines()
        broken = good[1].split(",")
        bad = [",".join(broken[:2] + [f"ALONE{n}", sealed] + broken[4:])
               for n, sealed in ((3, broken[3][:-2]), (4, "x"), (5, broken[3].replace(broken[3][:8], "AAAAAAAA")), (6, ""))]
        done = self.import_("\n".join([good[0], *bad, "a,b", good[1], "\"", good[2]]) + "\n")
        self.fails(1, "sealed_invalid", done, "line 2, serial ALONE3", "line 3", "line 4", "line 5")
        self.fails(1, "csv_invalid", done, "line 6: ", "line 8: ")
        self.assertEqual(done[1], "lines=8 imported=2 refused=6\n")
        self.assertEqual(self.sql("SELECT serial FROM token WHERE serial LIKE 'ALONE_' ORDER BY serial"), [("ALONE1",), ("ALONE2",)])

    def test_import_into_a_store_that_fails(self):
        text = self.sealed("a,b,LOCKED1,1234,,,", "a,b,LOCKED2,4321,,,")
        with contextlib.closing(sqlite3.connect(self.file("tms", "data", "tms.sqlite"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            done = self.import_(text)
        self.fails(1, "store_failed", done, "run it again")
        self.assertEqual(done[1], "lines=2 imported=0 refused=2\n")
        self.assertEqual(self.import_(text)[:2], (0, "lines=2 imported=2 refused=0\n"))

    def test_import_of_many_lines(self):
        rows = [f"a,b,MANY{n},1234{n},,," for n in range(600)]
        text = self.sealed(*rows)
        self.assertEqual(self.import_(self.sealed(*rows[100:400]))[:2], (0, "lines=300 imported=300 refused=0\n"))
        self.assertEqual(self.import_(text)[:2], (1, "lines=600 imported=300 refused=300\n"))
        self.assertEqual(self.sql("SELECT count(*) FROM token WHERE serial LIKE 'MANY%'"), [(600,)])

    def test_import_wrong_use(self):
        self.fails(1, "csv_invalid", self.import_(NAMES + "\n"), "line 1: a column that is not known")
        self.fails(2, "usage", run("import"))
        self.fails(1, "config_invalid", run("import", "--config", "/nowhere"))

    # ---- people ----

    def test_help(self):
        done = run("person", "--help")
        self.assertEqual((done[0], done[2]), (0, ""))
        self.assertIn("person add --config FILE", done[1])
        self.fails(2, "usage", run("init", "--help-me"), "--help-me is not known", " --dir ", " [--database] ")

    def test_help_names_all(self):
        """Every option and every verb that a command reads stands in what --help says of it."""
        asked = 0
        for path in sorted(pathlib.Path(ROOT, "tms", "desk").glob("*.c")):
            source = path.read_text(encoding="utf-8")
            words = re.findall(r'\.name = "(--[a-z-]+)"', source) + re.findall(r'\{ "([a-z-]+)", [a-z_]+ \}', source)
            commands = [name.replace("_", "-") for name in re.findall(r"^desk_(\w+)\(int argc", source, re.M)]
            if path.name == "options.c":
                continue  # --config alone, which others read by it
            if path.name == "custodians.c":
                commands = ["keys"]
            said = "".join(run(name, "--help")[1] for name in commands)
            for word in words:
                self.assertRegex(said, rf"(?<![\w-]){word}(?![\w-])", f"{path.name}: {commands}")
            asked += len(words)
        self.assertGreater(asked, 100)

    def test_person(self):
        add = ("person", "add", "--config", self.config, "--name", "Nguyễn Văn An")
        status, out, err = run(*add, "--certificate", self.file("an.pem"), "--role", "auditor")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("role=auditor", out)
        self.assertEqual(run(*add, "--certificate", self.file("an.pem"), "--role", "approver")[0], 0)
        self.assertEqual(self.sql("SELECT name, role FROM person"), [("Nguyễn Văn An", "approver")])
        self.fails(1, "admin_unknown", run(*add, "--certificate", self.file("stranger.pem"), "--role", "approver"))
        self.fails(1, "admin_unknown", run(*add, "--certificate", self.config, "--role", "approver"))
        self.fails(1, "admin_unknown", run(*add, "--certificate", "/nowhere", "--role", "approver"))
        self.fails(2, "usage", run(*add, "--certificate", self.file("an.pem"), "--role", "king"), "--role")
        self.fails(2, "usage", run(*add, "--certificate", self.file("an.pem")))
        self.fails(2, "usage", run("person", "expel"))
        self.fails(2, "usage", run("person", "remove", "--config", self.config))
        self.fails(2, "usage", run("person", "remove", "--config", self.config, "--fingerprint", "00"), "--fingerprint")
        self.fails(1, "admin_unknown", run("person", "remove", "--config", self.config, "--fingerprint", "00" * 32), "--fingerprint")
        [(fingerprint,)] = self.sql("SELECT lower(hex(fingerprint)) FROM person")
        status, out, err = run("person", "list", "--config", self.config)
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, rf"\Aperson=1 role=approver fingerprint={fingerprint} until=20\d\d-\d\d-\d\d name=Nguyễn Văn An\n\Z")
        status, out, err = run("person", "remove", "--config", self.config, "--fingerprint", fingerprint)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(self.sql("SELECT id, name, role FROM person"), [(1, "Nguyễn Văn An", "none")])
        self.assertEqual(self.sql("SELECT detail, text FROM audit JOIN audit_note USING (id) WHERE what = 'person' ORDER BY id DESC LIMIT 1"),
                         [(f"person=1 role=none agency= fingerprint={fingerprint}", "name=Nguyễn Văn An")])
        self.fails(2, "usage", run("person", "add", "--config", self.config, "--name", "", "--certificate", "x", "--role", "approver"), "--name")


class Vault(Server):
    """Commands that ask the vault, with a real one; each test has a server of its own."""

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1]
        done = run(*self.init_options(self.name))
        self.assertEqual((done[0], done[2]), (0, ""))
        self.config = self.file(self.name, "tms.json")
        self.key_file, self.pub_file = self.file(self.name, "vault", "keys", "vault.key"), self.file(self.name, "vault.pub")
        self.process = None

    def tearDown(self):
        self.end_vault()

    def start_vault(self, **settings):
        with open(self.config, encoding="utf-8") as f:
            config = json.load(f)
        config["vault"].update({"rows_per_hour": 100000, **settings})
        with open(self.config, "w", encoding="utf-8") as f:
            json.dump(config, f)
        with open(self.file(self.name, "vault.log"), "ab") as log:
            self.process = subprocess.Popen([PROGRAM, "vault", "--config", self.config], stderr=log)
        until = time.monotonic() + 30
        while True:
            try:
                return self.ask({"verb": "keys"})["keys"]
            except (OSError, struct.error):
                self.assertLess(time.monotonic(), until, "the vault does not answer")
                time.sleep(0.02)

    def end_vault(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            os.unlink(self.file(self.name, "vault", "vault.sock"))
        self.process = None

    def ask(self, request):
        frame = json.dumps(request).encode()
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.file(self.name, "vault", "vault.sock"))
            s.sendall(struct.pack("=I", len(frame)) + frame)
            answer = b""
            while more := s.recv(65536):
                answer += more
        return json.loads(answer[4:4 + struct.unpack("=I", answer[:4])[0]])

    def sql(self, statement, *values):
        with contextlib.closing(sqlite3.connect(self.file(self.name, "data", "tms.sqlite"), timeout=20)) as db, db:
            return db.execute(statement, values).fetchall()

    def seal(self, *rows, names=NAMES):
        return run("seal", "--vault-key", self.pub_file, text="\r\n".join((names, *rows)) + "\r\n")

    def report(self, text, *options):
        path = self.file(self.name, "report.csv")
        done = self.import_(text, "--report", path, *options)
        with open(path, encoding="utf-8", newline="") as f:
            rows = list(csv.DictReader(f))
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertTrue(all(set(row) == {"line", "serial", "result", "todo"} for row in rows), rows)
        return done, [(int(row["line"]), row["serial"], row["result"]) for row in rows]

    def keys(self, verb):
        return run("keys", verb, "--config", self.config)

    # ---- import ----

    def test_the_report_has_every_line(self):
        [key] = self.start_vault()
        first = self.sealed("a,b,ONE,1111,,,", "a,b,TWO,2222,,,", "a,b,THREE,3333,,,", "a,b,FOUR,4444,,,")
        for dry in (True, False):
            done, rows = self.report(first, *(["--dry-run"] if dry else []))
            self.assertEqual(done, (0, "lines=4 imported=4 refused=0%s\n" % (" dry-run" if dry else ""), ""))
            self.assertEqual(rows, [(n, serial, "imported") for n, serial in enumerate(("ONE", "TWO", "THREE", "FOUR"), 2)])
            self.assertEqual(self.sql("SELECT count(*) FROM token"), [(0 if dry else 4,)])
        self.assertEqual(self.sql("SELECT DISTINCT key FROM escrow"), [(key,)])
        # THREE was rotated since, FOUR granted a rotation that nobody has reported
        self.sql("UPDATE escrow SET version = 2 WHERE id = (SELECT active FROM token WHERE serial = 'THREE')")
        self.sql("UPDATE token SET next = active WHERE serial = 'FOUR'")
        before = self.sql("SELECT * FROM escrow ORDER BY id") + self.sql("SELECT * FROM token ORDER BY id")
        again = self.sealed("a,b,ONE,1111,,,", "a,b,TWO,9999,,,", "a,b,THREE,9999,,,", "a,b,FOUR,9999,,,")
        with_bad = again + "a,b,FIVE,x,,,,,0\r\na,b\r\n"
        done, rows = self.report(with_bad)
        self.assertEqual(done[:2], (1, "lines=6 imported=0 refused=3 kept=3\n"))
        self.assertEqual(rows, [(2, "ONE", "same"), (3, "TWO", "differs"), (4, "THREE", "newer"), (5, "FOUR", "newer"), (6, "FIVE", "invalid"), (7, "", "invalid")])
        self.fails(1, "token_differs", done, "line 3, serial TWO")
        self.assertEqual(before, self.sql("SELECT * FROM escrow ORDER BY id") + self.sql("SELECT * FROM token ORDER BY id"))
        # the same table again is no fault
        done, rows = self.report(self.sealed("a,b,ONE,1111,,,", "a,b,SIX,6666,,,"))
        self.assertEqual((done, [r[2] for r in rows]), ((0, "lines=2 imported=1 refused=0 kept=1\n", ""), ["same", "imported"]))

    @contextlib.contextmanager
    def people(self, *names):
        """A running server and operators at its desk: desk(name, path, body) is what it answers."""
        made = {name: certificate(name, self.admin_ca)[0] for name in names}
        for name, pem in made.items():
            write_pem(self.file(f"{name}.pem"), pem)
            self.assertEqual(run("person", "add", "--config", self.config, "--certificate", self.file(f"{name}.pem"), "--name", name, "--role", "operator")[0], 0)
        with open(self.config, encoding="utf-8") as f:
            config = json.load(f)

        def desk(name, path, body=None):
            headers = {"X-Client-Certificate": urllib.parse.quote(made[name].public_bytes(serialization.Encoding.PEM), safe="")}
            if body is not None:
                headers |= {"Content-Type": "application/json", "Origin": config["console_origin"], "X-Mokhoa-CSRF": desk(name, "me")["csrf"]}
            connection = http.client.HTTPConnection("localhost", timeout=60)
            with contextlib.closing(connection):
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.connect(config["listen"]["admin"])
                connection.request("GET" if body is None else "POST", "/v1/admin/" + path, None if body is None else json.dumps(body), headers)
                answer = connection.getresponse()
                text = answer.read()
            self.assertEqual(answer.status, 200, text)
            return json.loads(text)

        with open(self.file(self.name, "serve.log"), "ab") as log:
            server = subprocess.Popen([PROGRAM, "serve", "--config", self.config], stderr=log)
        try:
            until = time.monotonic() + 30
            while not os.path.exists(config["listen"]["admin"]):
                self.assertLess(time.monotonic(), until, "the server does not answer")
                time.sleep(0.02)
            yield desk
        finally:
            server.terminate()
            server.wait(60)

    def test_what_people_have_entered_is_newer(self):
        """Their row has the version of a first import, and so may the one that a later report puts in front of it."""
        self.start_vault()
        table = self.sealed("a,b,REPLACED,1111,,,", "a,b,KEPT,2222,,,")
        self.assertEqual(self.report(table)[0][0], 0)
        row = next(csv.DictReader(io.StringIO(self.sealed("a,b,REPLACED,3333,,,"), newline="")))
        with self.people("dung", "giang") as desk:
            [token] = [t["number"] for t in desk("dung", "tokens?token_serial=REPLACED")["tokens"]]
            proposal = desk("dung", f"tokens/{token}/replace", {"sealed": row["sealed"], "reason": "biên bản 17"})["proposals"][0]["number"]
            self.assertEqual(desk("giang", f"proposals/{proposal}/confirm", {})["kept"], 1)
        for text in (table, self.sealed("a,b,REPLACED,3333,,,", "a,b,KEPT,2222,,,")):
            done, rows = self.report(text)
            self.assertEqual((done, [r[2] for r in rows]), ((0, "lines=2 imported=0 refused=0 kept=2\n", ""), ["newer", "same"]))

    def test_compares_have_a_limit(self):
        self.start_vault(compares_per_hour=2)
        rows = [f"a,b,LIMIT{n},{n}{n}{n}{n},,," for n in range(4)]
        self.assertEqual(self.report(self.sealed(*rows))[0][0], 0)
        done, lines = self.report(self.sealed(*rows))
        self.assertEqual([line[2] for line in lines], ["same", "same", "not_compared", "not_compared"])
        self.fails(1, "token_imported", done, "as many as an hour allows")
        # not by another vault either, and an unlock goes on
        self.end_vault()
        self.start_vault(compares_per_hour=2)
        self.assertEqual([line[2] for line in self.report(self.sealed(*rows))[1]], ["not_compared"] * 4)
        self.unlock("LIMIT0")
        self.end_vault()
        done, lines = self.report(self.sealed(*rows))
        self.assertEqual([line[2] for line in lines], ["not_compared"] * 4)
        self.assertIn("the vault does not answer", done[2])

    def test_what_the_vault_cannot_open_is_not_imported(self):
        self.start_vault()
        other = run("seal", "--vault-key", self.file("tms", "vault.pub"), text=NAMES + "\r\na,b,OTHER,1234,,,\r\n")[1]
        done, rows = self.report(other)
        self.assertEqual((done[1], rows), ("lines=1 imported=0 refused=1\n", [(2, "OTHER", "unopened")]))
        self.fails(1, "sealed_invalid", done, "line 2, serial OTHER")
        self.assertEqual(self.sql("SELECT count(*) FROM token"), [(0,)])
        # on record from a time without a vault: neither compared nor changed
        self.end_vault()
        self.assertEqual(self.report(other)[1], [(2, "OTHER", "imported")])
        self.start_vault()
        self.assertEqual(self.report(other)[1], [(2, "OTHER", "unopened")])

    def test_what_was_taken_back_is_not_reported_as_imported(self):
        text = self.sealed(*(f"a,b,BACK{n},1234{n},,," for n in range(300)))
        with contextlib.closing(sqlite3.connect(self.file(self.name, "data", "tms.sqlite"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            done, rows = self.report(text)
        self.fails(1, "store_failed", done, "run it again")
        self.assertEqual({row[2] for row in rows}, {"not_written"})
        self.assertEqual(len(rows), 300)
        self.assertEqual(self.report(text)[0], (0, "lines=300 imported=300 refused=0\n", ""))
        self.fails(1, "file_failed", self.import_(text, "--report", "/nowhere/at/all"), "/nowhere/at/all")
        self.assertEqual(self.import_(text, "--report", "/dev/full")[0], 1)

    def shown_on_a_terminal(self, text, wait):
        ours, theirs = pty.openpty()
        with subprocess.Popen([PROGRAM, "import", "--config", self.config, "--dry-run"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=theirs) as p:
            os.close(theirs)
            time.sleep(wait)
            p.stdin.write(text.encode())
            p.stdin.close()
            shown = b""
            with contextlib.suppress(OSError):
                while more := os.read(ours, 4096):
                    shown += more
        os.close(ours)
        self.assertEqual(p.returncode, 0)
        return shown.decode()

    def test_progress_on_a_terminal(self):
        text = self.sealed(*(f"a,b,SHOWN{n},1234{n},,," for n in range(200)))
        # the first look at the clock is a fifth of a second after the begin, which is when the machine gets to it
        for wait in (0.3, 1, 3, 9):
            shown = self.shown_on_a_terminal(text, wait)
            if shown:
                break
        self.assertRegex(shown, "\rmokhoa-tms: lines=[0-9]+ percent=[0-9]+")

    # ---- values that several tokens have ----

    def test_shared_values(self):
        self.start_vault()
        done = self.seal("a,b,S1,1111,,,", "a,b,S2,2222,,,", "a,b,S3,1111,,,", "a,b,S4,22222,,,", "a,b,S5,1111,,,")
        self.assertEqual(done[0], 0)
        self.assertIn("shared=3: ", done[2])
        self.assertEqual([row["shared"] for row in csv.DictReader(io.StringIO(done[1], newline=""))], list("10101"))
        imported, rows = self.report(done[1])
        self.assertEqual(imported, (0, "lines=5 imported=5 refused=0 shared=3\n", ""))
        self.assertEqual([row[2] for row in rows], ["imported_shared", "imported", "imported_shared", "imported", "imported_shared"])
        self.assertEqual(self.sql("SELECT serial FROM token JOIN escrow ON escrow.id = active WHERE shared = 1 ORDER BY serial"), [("S1",), ("S3",), ("S5",)])
        self.assertIn(" tokens=5 shared=3 must_rotate=0", run("check", "--config", self.config)[1])
        self.fails(1, "csv_invalid", self.import_(done[1].replace(",1\r\n", ",2\r\n")), "neither 0 nor 1")
        self.fails(1, "csv_invalid", self.seal("a,b,S6,1,,,,1", names=NAMES + ",shared"), "a column that is not known")

    # ---- the roll of the vault's key ----

    def unlock(self, serial):
        """What a release is made of, now: the row as the store has it, opened for a machine."""
        [(version, sealed)] = self.sql("SELECT version, sealed FROM token JOIN escrow ON escrow.id = active WHERE serial = ?", serial)
        machine = reference.kem_from_private(bytes(31) + b"\1")
        answer = self.ask({"verb": "reseal", "token": {"manufacturer": "a", "model": "b", "serial": serial}, "rows": [{"version": version, "sealed": reference.b64(sealed)}],
                           "to": reference.b64(reference.kem_public(machine)), "h": reference.b64(bytes(32)), "nonce": reference.b64(bytes(16))})
        self.assertIn("enc", answer)
        return reference.hpke_open(machine, reference.unb64(answer["enc"]), bytes(32), b"", reference.unb64(answer["ciphertext"]))

    @contextlib.contextmanager
    def unlocking(self, clear):
        """One release after the other, each compared with its value of before; gives what waits until there were some more."""
        wrong, count, stop = [], [0], threading.Event()

        def unlocks():
            while not stop.is_set():
                n = count[0] % len(clear)
                try:
                    if self.unlock(f"ROLL{n}") != clear[n]:
                        wrong.append(n)
                except Exception as e:  # pylint: disable=broad-except
                    wrong.append((n, repr(e)))
                count[0] += 1

        def some_more():
            until, wanted = time.monotonic() + 60, count[0] + 5
            while count[0] < wanted and time.monotonic() < until:
                time.sleep(0.02)
            self.assertGreaterEqual(count[0], wanted)

        thread = threading.Thread(target=unlocks)
        thread.start()
        try:
            yield some_more
        finally:
            stop.set()
            thread.join()
        self.assertEqual(wrong, [])

    def test_roll_of_the_key_while_unlocks_go_on(self):
        [old] = self.start_vault()
        rows = [f"a,b,ROLL{n},1234567{n},,," for n in range(150)]
        self.assertEqual(self.report(self.sealed(*rows))[0][0], 0)
        # a row that was retired and is kept for manual recovery
        self.sql("INSERT INTO escrow (token, version, sealed, created, retired, key) SELECT token, version, sealed, created, 1, key FROM escrow LIMIT 1")
        clear = {n: self.unlock(f"ROLL{n}") for n in range(150)}
        with self.unlocking(clear) as some_more:
            with open(self.key_file, encoding="ascii") as f:
                first = f.read()
            status, out, err = self.keys("new")
            self.assertEqual((status, err), (0, ""))
            new = re.fullmatch("key=([0-9a-f]{16}) keys=2\n", out)[1]
            with open(self.key_file, encoding="ascii") as f:
                self.assertEqual(f.read().splitlines()[1:], first.splitlines())
            self.assertEqual([stat.S_IMODE(os.stat(f).st_mode) for f in (self.key_file, self.pub_file)], [0o400, 0o444])
            self.assertEqual(self.ask({"verb": "keys"})["keys"], [new, old])
            self.assertEqual(self.keys("list")[1], f"key={new} seals rows_under_others=151 in=file\nkey={old} opens rows_under_others=0 in=file\n")
            self.fails(1, "key_in_use", self.keys("retire"), "151 rows")
            # a table that was sealed to the old key is still taken, a new one is sealed to the new one
            self.assertEqual(self.report(self.sealed("a,b,LATE,7777,,,"))[1], [(2, "LATE", "imported")])
            # cut short: the store is somebody else's for longer than it waits
            with contextlib.closing(sqlite3.connect(self.file(self.name, "data", "tms.sqlite"), isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                self.fails(1, "store_failed", self.keys("reseal"), "run it again")
            self.assertEqual(self.keys("reseal")[:2], (0, f"key={new} resealed=151 unopened=0\n"))
            self.assertEqual(self.keys("reseal")[:2], (0, f"key={new} resealed=0 unopened=0\n"))
            self.assertEqual(self.keys("retire"), (0, f"key={new} retired=1\n", ""))
            self.assertEqual(self.ask({"verb": "keys"})["keys"], [new])
            self.assertEqual(self.keys("retire"), (0, f"key={new} retired=0\n", ""))
            some_more()
        # what was set aside is the old key, and can be put back for what a backup brings
        with open(self.key_file + ".retired", encoding="ascii") as f:
            self.assertEqual(f.read(), first)
        self.assertEqual(self.keys("recall"), (0, "recalled=1 keys=2\n", ""))
        self.assertEqual(self.ask({"verb": "keys"})["keys"], [new, old])
        self.assertEqual([row[0] for row in self.sql("SELECT detail FROM audit WHERE what = 'keys' ORDER BY id")],
                         [f"new={new} keys=2 in=file", f"resealed=151 unopened=0 key={new}", f"resealed=0 unopened=0 key={new}", f"retired=1 key={new}", "recalled=1"])

    def test_new_key_in_two_steps(self):
        # killed between the private and the public file: the next run ends it and makes no other key
        with open(self.pub_file, encoding="ascii") as f:
            pub = f.read()
        first = self.keys("new")[1]
        os.chmod(self.pub_file, 0o644)
        with open(self.pub_file, "w", encoding="ascii") as f:
            f.write(pub)
        self.assertEqual(self.keys("new"), (0, first, ""))
        with open(self.pub_file, encoding="ascii") as f:
            self.assertNotEqual(f.read(), pub)
        for _ in range(2):
            self.assertEqual(self.keys("new")[0], 0)
        self.fails(1, "key_in_use", self.keys("new"), "as many keys as it can")

    def test_rows_that_do_not_open_stay(self):
        self.assertEqual(self.report(run("seal", "--vault-key", self.file("tms", "vault.pub"), text=NAMES + "\r\na,b,LOST,1234,,,\r\n")[1])[0][0], 0)
        [key] = self.start_vault()
        done = self.keys("reseal")
        self.fails(1, "sealed_invalid", done, "LOST")
        self.assertEqual(done[1], f"key={key} resealed=0 unopened=1\n")
        self.assertEqual(self.keys("new")[0], 0)
        self.fails(1, "key_in_use", self.keys("retire"), "1 rows")
        self.end_vault()
        self.fails(1, "vault_unreachable", self.keys("reseal"))
        for words in ((), ("melt",), ("new",), ("recall", "--config", self.config, "x")):
            self.fails(2, "usage", run("keys", *words))
        self.fails(1, "config_invalid", self.keys("recall"), "vault.key.retired")

    # ---- export ----

    def export(self, certificate, *options, output="export.pem"):
        return run("export", "--config", self.config, "--to", certificate, "--output", self.file(self.name, output), *options)

    def opened(self, key):
        return subprocess.run(["openssl", "cms", "-decrypt", "-binary", "-inform", "PEM", "-in", self.file(self.name, "export.pem"), "-inkey", key], capture_output=True,
                              check=True).stdout.decode()

    def test_export_is_what_another_manager_imports(self):
        if subprocess.run(["openssl", "version"], capture_output=True, check=False).returncode != 0:
            self.skipTest("openssl: apt-get install openssl")
        rows = ["a,b,OUT1,11111111,\"Công ty \"\"A\"\", B\",an@ca.vn,560A", "a,b,OUT2,22222222,,,", "CardContact,SmartCard-HSM,OUT3,x,,,"]
        self.assertEqual(self.import_(self.sealed(*rows))[0], 0)
        # OUT1's key is rolled, OUT2 has a row that is only kept, and one that a rotation may have set
        self.start_vault()
        self.assertEqual(self.keys("new")[0], 0)
        self.sql("UPDATE escrow SET retired = 1, key = 'x' WHERE id = (SELECT active FROM token WHERE serial = 'OUT2')")
        with open(self.pub_file, encoding="ascii") as f:
            pub = reference.unb64(f.read().strip())
        token = {"manufacturer": "a", "model": "b", "serial": "OUT2"}
        row = reference.escrow_row(pub, token, 2, b"33333333", reference.kem_from_private(bytes(31) + b"\2"))
        again = reference.escrow_row(pub, token, 3, b"44444444", reference.kem_from_private(bytes(31) + b"\3"))
        for version, sealed in ((2, row), (3, again)):
            self.sql("INSERT INTO escrow (token, version, sealed, created) SELECT id, ?, ?, 0 FROM token WHERE serial = 'OUT2'", version, sealed)
        self.sql("UPDATE token SET active = (SELECT max(id) - 1 FROM escrow), next = (SELECT max(id) FROM escrow) WHERE serial = 'OUT2'")
        for kind, key in (("rsa", rsa.generate_private_key(65537, 2048)), ("ec", ec.generate_private_key(ec.SECP256R1()))):
            made = certificate("Manager", key=key)
            write_pem(self.file(self.name, f"{kind}.pem"), made[0])
            with open(self.file(self.name, f"{kind}.key"), "wb") as f:
                f.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
            to = made[0].fingerprint(hashes.SHA256()).hex()
            before = self.sql("SELECT count(*) FROM audit WHERE what = 'export'")[0][0]
            self.assertEqual(self.export(self.file(self.name, f"{kind}.pem")), (0, f"exported=4 unopened=0 second_candidates=1 to={to}\n", ""))
            with open(self.file(self.name, "export.pem"), "rb") as f:
                sealed = f.read()
            self.assertFalse(any(pin in sealed for pin in (b"11111111", b"44444444", b"OUT1")))
            self.assertEqual(stat.S_IMODE(os.stat(self.file(self.name, "export.pem")).st_mode), 0o600)
            shown = subprocess.run(["openssl", "cms", "-cmsout", "-print", "-inform", "PEM", "-in", self.file(self.name, "export.pem")], capture_output=True, check=True).stdout.decode()
            for word in ("authEnvelopedData", "aes-256-gcm", {"rsa": "rsaesOaep", "ec": "d.kari"}[kind]):
                self.assertIn(word, shown)
            table = self.opened(self.file(self.name, f"{kind}.key"))
            self.assertEqual(table.splitlines()[0], NAMES + ",agency")
            self.assertEqual(sorted(table.splitlines()[1:]), sorted([row + "," for row in (*rows[:1], *rows[2:], "a,b,OUT2,33333333,,,", "a,b,OUT2,44444444,,,")]))
            self.assertEqual(self.sql("SELECT count(*) FROM audit WHERE what = 'export'")[0][0], before + 4)
        self.assertEqual(self.sql("SELECT detail FROM audit WHERE what = 'export' AND token = (SELECT id FROM token WHERE serial = 'OUT1') ORDER BY id DESC LIMIT 1"), [(f"to={to}",)])

    def test_export_while_a_kept_row_comes_back(self):
        """A row that was passed as one that is only kept, and is a candidate when the walk ends: the table would have the wrong SO PIN of that token."""
        rows = ["a,b,BACK1,11111111,,,", "a,b,BACK2,22222222,,,"]
        self.assertEqual(self.import_(self.sealed(*rows))[0], 0)
        with open(self.pub_file, encoding="ascii") as f:
            pub = reference.unb64(f.read().strip())
        row = reference.escrow_row(pub, {"manufacturer": "a", "model": "b", "serial": "BACK1"}, 2, b"33333333", reference.kem_from_private(bytes(31) + b"\2"))
        self.sql("INSERT INTO escrow (token, version, sealed, created) SELECT id, 2, ?, 0 FROM token WHERE serial = 'BACK1'", row)
        [(old, new)] = self.sql("SELECT active, (SELECT max(id) FROM escrow) FROM token WHERE serial = 'BACK1'")
        self.sql("UPDATE escrow SET retired = 1 WHERE id = ?", old)
        self.sql("UPDATE token SET active = ? WHERE serial = 'BACK1'", new)
        self.sql(f"CREATE TRIGGER back AFTER INSERT ON audit WHEN NEW.what = 'export' BEGIN UPDATE escrow SET retired = id = {new} WHERE id IN ({old}, {new});"
                 f" UPDATE token SET active = {old} WHERE serial = 'BACK1'; END")
        self.fails(1, "busy", self.export(self.file("an.pem")))
        self.assertFalse(os.path.exists(self.file(self.name, "export.pem")))
        self.sql("DROP TRIGGER back")
        self.assertEqual(self.export(self.file("an.pem"))[0], 0)

    def asked_while_writing(self, asks, *words, text=""):
        """A pattern of what is asked outside, as strace shows it: how often in all, and how often while this process alone has the right to write (SQLite's lock of the WAL's writer)."""
        trace = self.file(self.name, "trace")
        subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=fcntl,connect,sendmsg,sendto", PROGRAM, *words, "--config", self.config], input=text.encode(), capture_output=True, check=True,
                       env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        writing, asked, inside = False, 0, 0
        with open(trace, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if "F_SETLK" in line and "l_start=120" in line:
                    writing = "F_WRLCK" in line and line.endswith(" = 0\n")
                elif re.search(asks, line):
                    asked, inside = asked + 1, inside + writing
        return asked, inside

    def test_others_write_while_the_vault_is_asked(self):
        rows = [f"a,b,ASK{n},1234{n},,," for n in range(5)]
        text = self.sealed(*rows)
        self.start_vault()
        self.assertEqual(self.asked_while_writing(r"connect\(.*vault\.sock", "import", text=text), (5, 0))
        self.assertEqual(self.asked_while_writing(r"connect\(.*vault\.sock", "import", text=text), (5, 0), "and compares")
        self.assertEqual(self.sql("SELECT count(*) FROM token"), [(5,)])

    def test_export_wrong_use(self):
        self.assertEqual(self.import_(self.sealed("a,b,NOT1,1234,,,"))[0], 0)
        an = self.file("an.pem")
        self.fails(2, "usage", run("export", "--config", self.config))
        self.fails(1, "config_invalid", self.export("/nowhere"), "/nowhere")
        self.fails(1, "config_invalid", self.export(self.config), "tms.json")
        self.fails(1, "config_invalid", self.export(an, "--private-key", "/nowhere"), "/nowhere")
        # another vault's key opens nothing; what could be opened is there, and the rest is named
        done = self.export(an, "--private-key", self.file("tms", "vault", "keys", "vault.key"))
        self.fails(1, "sealed_invalid", done, "NOT1")
        self.assertTrue(done[1].startswith("exported=0 unopened=1 "))
        self.assertEqual(self.sql("SELECT count(*) FROM audit WHERE what = 'export'"), [(0,)])
        # nothing is written where nobody was told of it first
        with contextlib.closing(sqlite3.connect(self.file(self.name, "data", "tms.sqlite"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            self.fails(1, "store_failed", self.export(an, output="none.pem"))
        self.assertFalse(os.path.exists(self.file(self.name, "none.pem")))
        self.fails(1, "file_failed", self.export(an, output="no/such/folder"))


class Types(Server):
    MODULES = ("vendor,system,name,path,parameters\r\nHãng A,linux,hang-a,/usr/lib/hang-a.so,\r\nHãng A,windows,hang-a,C:\\Windows\\System32\\hang-a.dll,\r\n"
               "NSS,linux,nss,/usr/lib/libsoftokn3.so,configdir='sql:/a'\r\n")
    TYPES = ("name,manufacturer,family,model,vendor,rotation,flags_reliable,pin_min,pin_max,pin_characters,key_length,key_characters,second_approver,so_tries\r\n"
             "Thẻ A,CardContact,so_pin,SmartCard-HSM,Hãng A,yes,yes,6,15,any,16,hexadecimal,yes,15\r\n"
             "Thẻ PIV,PIV maker,puk,,,no,yes,6,8,digits,0,any,no,3\r\n"
             "TPM,Infineon,none,,,no,no,0,0,any,0,any,no,\r\n")

    def test_what_is_added_is_listed(self):
        self.assertEqual(run("vendor", "add", "--config", self.config, text=self.MODULES)[:2], (0, "modules=3\n"))
        self.assertEqual(run("vendor", "list", "--config", self.config)[1], self.MODULES)
        self.assertEqual(json.loads(run("vendor", "modules", "--config", self.config, "--system", "linux")[1]),
                         [{"name": "hang-a", "path": "/usr/lib/hang-a.so"},
                          {"name": "nss", "path": "/usr/lib/libsoftokn3.so", "parameters": "configdir='sql:/a'"}])
        for _ in range(2):  # the same row again is the same row
            self.assertEqual(run("type", "add", "--config", self.config, text=self.TYPES)[:2], (0, "types=3\n"))
            listed = run("type", "list", "--config", self.config)[1]
            self.assertLessEqual(set(self.TYPES.splitlines()), set(listed.splitlines()))
        # what is left out is the least that can be meant
        self.assertEqual(run("type", "add", "--config", self.config, text="name,family,manufacturer\nTPM 2,puk,Infineon\n")[0], 0)
        self.assertIn("TPM 2,Infineon,puk,,,no,no,0,0,any,0,any,no,\r\n", run("type", "list", "--config", self.config)[1])
        # a table from before a column was there takes no protection away, neither from the type nor from one of fewer models; a column that is there and empty does
        self.assertEqual(run("type", "add", "--config", self.config, text="name,manufacturer,family,model\nThẻ A,CardContact,so_pin,SmartCard-HSM\nThẻ PIV nhỏ,PIV maker,puk,S\n")[:2], (0, "types=2\n"))
        listed = run("type", "list", "--config", self.config)[1].splitlines()
        self.assertIn(self.TYPES.splitlines()[1], listed)
        self.assertIn("Thẻ PIV nhỏ,PIV maker,puk,S,,no,no,0,0,any,0,any,no,3", listed)
        self.assertEqual(run("type", "add", "--config", self.config, text="name,manufacturer,family,model,second_approver,so_tries\nThẻ A,CardContact,so_pin,SmartCard-HSM,no,\n")[:2], (0, "types=1\n"))
        self.assertIn("Thẻ A,CardContact,so_pin,SmartCard-HSM,Hãng A,yes,yes,6,15,any,16,hexadecimal,no,", run("type", "list", "--config", self.config)[1].splitlines())
        with contextlib.closing(sqlite3.connect(self.file("tms", "data", "tms.sqlite"))) as db:
            self.assertGreaterEqual(db.execute("SELECT count(*) FROM audit WHERE what IN ('type', 'vendor')").fetchone()[0], 6)

    def test_bad_rows_are_named_and_the_others_taken(self):
        head = "name,manufacturer,family,rotation,pin_min,pin_max,key_length,pin_characters,vendor,flags_reliable\n"
        bad = [",B,so_pin,,,,,,,", "A,,so_pin,,,,,,,", "A,B,magic,,,,,,,", "A,B,puk,yes,,,,,,", "A,B,none,yes,,,,,,", "A,B,so_pin,maybe,,,,,,",
               "A,B,so_pin,,129,,,,,", "A,B,so_pin,,9,8,,,,", "A,B,so_pin,,-1,,,,,", "A,B,so_pin,,,,63,,,", "A,B,so_pin,,,,5,,,", "A,B,so_pin,,,,,letters,,",
               "A,B,so_pin,,,,,,Nobody,", "A,B,so_pin,,,,,,,1", "A,B,so_pin", "A," + "B" * 33 + ",so_pin,,,,,,,"]
        status, out, err = run("type", "add", "--config", self.config, text=head + "\n".join(bad) + "\nGood,Good maker,so_pin,,,,,,,\n")
        self.assertEqual((status, out), (1, "types=1\n"))
        for line in range(2, 2 + len(bad)):
            self.assertIn(f"{'vendor_unknown' if 'Nobody' in bad[line - 2] else 'csv_invalid'}: line {line}:", err)
        bad = [f"A,B,so_pin,{n}" for n in ("0", "1", "2", "256", "-3", "x", "3.5", "18446744073709551619")]
        status, out, err = run("type", "add", "--config", self.config, text="name,manufacturer,family,so_tries\n" + "\n".join(bad) + "\nLess,Less,so_pin,3\nMore,More,so_pin,255\n")
        self.assertEqual((status, out, err.count("so_tries is no number")), (1, "types=2\n", len(bad)))
        for text in ("name,family\nA,puk\n", "name,manufacturer,family,x\nA,B,puk,1\n", "name,name\n", ""):
            self.assertEqual(run("type", "add", "--config", self.config, text=text)[:2], (1, "types=0\n"))
        bad = ["V,linux,n,relative.so", "V,linux,n,C:\\a.dll", "V,windows,n,/usr/lib/a.so", "V,beos,n,/a.so", ",linux,n,/a.so", "V,linux,,/a.so"]
        status, out, err = run("vendor", "add", "--config", self.config, text="vendor,system,name,path\n" + "\n".join(bad) + "\n")
        self.assertEqual((status, out, err.count("csv_invalid")), (1, "modules=0\n", len(bad)))

    def test_wrong_use(self):
        for args in (["type"], ["type", "erase"], ["type", "list"], ["vendor"], ["vendor", "list", "--config", self.config, "--system", "linux"],
                     ["vendor", "modules", "--config", self.config], ["vendor", "modules", "--config", self.config, "--system", "dos"]):
            self.assertEqual(run(*args)[0], 2, args)

    # ---- tokens ----

    def token(self, *words):
        return run("token", *words, "--config", self.config)

    def test_token(self):
        table = NAMES + "\r\nHãng T,K1,TK0001,12345678,Đặng Ước,uoc@khach.example,\r\nHãng U,K1,TK0001,87654321,Người Khác,khac@khach.example,\r\nHãng T,K1,TK0002,11112222,Lê An,an@khach.example,\r\n"
        sealed = run("seal", "--vault-key", self.file("tms", "vault.pub"), text=table)[1]
        self.assertEqual(run("import", "--config", self.config, text=sealed), (0, "lines=3 imported=3 refused=0\n", ""))
        listed = json.loads(self.token("list", "--serial", "TK", "--json")[1])
        self.assertEqual([(t["serial"], t["manufacturer"], t["life"], t["state"]) for t in listed["tokens"]],
                         [("TK0001", "Hãng T", "active", "unverified"), ("TK0001", "Hãng U", "active", "unverified"), ("TK0002", "Hãng T", "active", "unverified")])
        self.assertEqual(listed["next"], 0)
        self.assertEqual([t["serial"] for t in json.loads(self.token("list", "--customer", "dang uoc", "--json")[1])["tokens"]], ["TK0001"])
        first = json.loads(self.token("list", "--serial", "TK", "--limit", "2", "--json")[1])
        self.assertEqual([t["serial"] for t in json.loads(self.token("list", "--serial", "TK", "--after", str(first["next"]), "--json")[1])["tokens"]], ["TK0002"])
        # one serial number, two makers: it is said which
        self.fails(2, "usage", self.token("show", "TK0001"), "--manufacturer and --model")
        self.fails(1, "token_unknown", self.token("show", "TK00"), "TK00")
        shown = json.loads(self.token("show", "TK0001", "--manufacturer", "Hãng T", "--json")[1])
        self.assertEqual((shown["customer"], shown["requests"]), ("Đặng Ước", []))
        # no SO PIN, neither in clear nor sealed
        self.assertEqual(set(shown) & {"so_pin", "sealed", "key"}, set())
        self.assertRegex(self.token("show", "TK0002")[1], r"^token=\d+ life=active state=unverified failures=0 created=\S+ agency= email=an@khach.example serial=TK0002 manufacturer=Hãng T model=K1 customer=Lê An\n$")
        self.fails(2, "usage", self.token("lost", "TK0002"), "--reason is missing")
        self.assertIn(" life=lost ", self.token("lost", "TK0002", "--reason", "khách báo")[1])
        self.fails(1, "token_life_wrong", self.token("lost", "TK0002", "--reason", "x"))
        self.assertEqual(json.loads(self.token("retire", "TK0002", "--reason", "đã hủy", "--json")[1])["life"], "retired")
        self.fails(1, "token_life_wrong", self.token("retire", "TK0002", "--reason", "x"))
        self.fails(1, "agency_unknown", self.token("agency", "TK0002", "--to", "khong-co", "--reason", "x"), "khong-co")
        self.fails(2, "usage", self.token("agency", "TK0002", "--to", "Không", "--reason", "x"), "--to")
        self.assertEqual(self.agency("add", "cua-token", "--name", "x", "--origin", "https://t.example", "--second-approver")[0], 0)
        for to in ("cua-token", ""):
            self.assertIn(f" agency={to} ", self.token("agency", "TK0002", "--to", to, "--reason", "chuyển")[1])
        self.assertEqual(self.sql("SELECT what, detail, text FROM audit JOIN audit_note ON audit_note.id = audit.id WHERE who = 'desk' AND what IN ('lost', 'retire', 'move') ORDER BY audit.id"),
                         [("lost", "from=active to=lost", "reason=khách báo"), ("retire", "from=lost to=retired", "reason=đã hủy"), ("move", "from= to=cua-token", "reason=chuyển"),
                          ("move", "from=cua-token to=", "reason=chuyển")])
        for words in (("list", "--life", "dead"), ("list", "--state", "x"), ("list", "--limit", "0"), ("list", "--limit", "101"), ("list", "--after", "x"), ("show",), ("burn", "TK0002")):
            self.fails(2, "usage", self.token(*words))

    # ---- agencies ----

    def agency(self, command, *words):
        return run("agency", command, *words, "--config", self.config)

    def test_agency(self):
        add = ("an-khang", "--name", "Đại lý An Khang", "--origin", "https://an.example")
        self.assertEqual(self.agency("add", *add, "--origin", "https://an.example:8443"),
                         (0, "agency=an-khang origins=https://an.example https://an.example:8443\n", ""))
        self.fails(1, "agency_exists", self.agency("add", *add), "an-khang")
        self.assertEqual(self.sql("SELECT origins FROM agency"), [("https://an.example https://an.example:8443",)])
        self.assertEqual(self.agency("add", *add, "--replace")[0], 0)
        self.assertEqual(self.agency("list"), (0, "agency=an-khang origins=https://an.example name=Đại lý An Khang\n", ""))
        self.assertEqual(self.agency("remove", "an-khang"), (0, "", ""))
        self.fails(1, "agency_unknown", self.agency("remove", "an-khang"), "an-khang")
        self.assertEqual(self.agency("list"), (0, "", ""))
        self.assertEqual([row[0] for row in self.sql("SELECT detail FROM audit WHERE who = 'desk' AND what = 'agency' ORDER BY id")],
                         ["add=an-khang origins=https://an.example https://an.example:8443", "add=an-khang origins=https://an.example",
                          "remove=an-khang"])

    def test_agency_keeps_what_is_not_named(self):
        add = ("an-khang", "--name", "Đại lý An Khang", "--origin", "https://an.example")
        kept = "agency=an-khang origins=https://an.example domains=an.example second_approver=yes"
        self.assertEqual(self.agency("add", *add, "--mail-domain", "an.example", "--second-approver"), (0, kept + "\n", ""))
        self.assertEqual(self.agency("add", *add, "--replace"), (0, kept + "\n", ""))
        self.assertEqual(self.agency("add", "khac", "--name", "Khác", "--origin", "https://khac.example", "--replace"), (0, "agency=khac origins=https://khac.example\n", ""))
        self.assertEqual(self.agency("remove", "khac")[0], 0)
        self.assertEqual(self.agency("add", *add, "--replace", "--one-approver"), (0, "agency=an-khang origins=https://an.example domains=an.example\n", ""))
        self.assertEqual(self.agency("add", *add, "--replace", "--second-approver", "--no-mail-domain"), (0, "agency=an-khang origins=https://an.example second_approver=yes\n", ""))
        self.fails(2, "usage", self.agency("add", *add, "--replace", "--one-approver", "--second-approver"), "--one-approver")
        self.fails(2, "usage", self.agency("add", *add, "--replace", "--no-mail-domain", "--mail-domain", "x.example"), "--no-mail-domain")
        self.assertEqual(self.agency("remove", "an-khang")[0], 0)

    def test_agency_origins(self):
        def add(*origins, more=()):
            return self.agency("add", "origins", "--name", "x", *(w for o in origins for w in ("--origin", o)), *more)

        for origin in ("https://*.example", "*", "https://a.example/", "https://a.example/path", "https://a.example:443", "http://a.example", "null", "https:",
                       "https://A.example", "'self'", "https://a.example;", "https://a.example https://b.example", "http://localhost:8080", "", "https://a.example\r\nX: y"):
            self.fails(2, "usage", add("https://good.example", origin), "origin as a browser writes it")
        self.assertEqual(self.sql("SELECT * FROM agency"), [])
        self.fails(2, "usage", add(), "--origin is missing")
        self.fails(2, "usage", add(*(f"https://{n}.example" for n in range(9))), "too often")
        long = [f"https://{n}{('x' * 62 + '.') * 3}{'y' * 60}" for n in range(8)]
        self.fails(2, "usage", add(*long), "too long")
        self.assertEqual(add("http://localhost:8080", more=("--http-loopback",))[0], 0)
        self.fails(2, "usage", add("http://a.example", more=("--http-loopback", "--replace")))
        self.assertEqual(self.agency("remove", "origins")[0], 0)

    def test_agency_wrong_use(self):
        for name in ("", "A", "-a", "a b", "../x", "x" * 33):
            self.fails(2, "usage", self.agency("add", name, "--name", "x", "--origin", "https://a.example"), "small letters")
        for name in ("", "x" * 257, "a\nb", "\u202e"):
            self.fails(2, "usage", self.agency("add", "a", "--name", name, "--origin", "https://a.example"), "--name")
        for words in ((), ("rename",), ("list", "x"), ("remove",), ("add",)):
            self.fails(2, "usage", run("agency", *words))
        self.fails(1, "config_invalid", run("agency", "list", "--config", "/nowhere"))

    # ---- notices ----

    def notice(self, command, *words):
        return run("notice", command, *words, "--config", self.config)

    def test_notice(self):
        add = ("--title-vi", "Bảo trì đêm nay", "--text-vi", "Từ 22 giờ.")
        self.assertEqual(self.notice("list"), (0, "", ""))
        status, said, complaint = self.notice("add", *add, "--title-en", "Maintenance tonight", "--text-en", "From 10 pm.", "--severity", "warning",
                                              "--from", "2098-12-31T22:00:00+07:00", "--until", "2099-01-01T00:00:00Z")
        one = " severity=warning from=2098-12-31T15:00:00Z until=2099-01-01T00:00:00Z title=Bảo trì đêm nay"
        number = int(said.split()[0].removeprefix("notice="))
        self.assertEqual((status, said, complaint), (0, f"notice={number}{one}\n", ""))
        self.assertEqual(self.notice("add", *add)[1], f"notice={number + 1} severity=info from=- until=- title=Bảo trì đêm nay\n")
        self.assertEqual(self.notice("list")[1], f"notice={number}{one}\nnotice={number + 1} severity=info from=- until=- title=Bảo trì đêm nay\n")
        self.assertEqual(self.sql("SELECT title_vi, text_vi, title_en, text_en, starts, ends FROM notice ORDER BY id"),
                         [("Bảo trì đêm nay", "Từ 22 giờ.", "Maintenance tonight", "From 10 pm.", 4070876400, 4070908800), ("Bảo trì đêm nay", "Từ 22 giờ.", "", "", 0, 0)])
        for n in (number, number + 1):
            self.assertEqual(self.notice("remove", str(n)), (0, "", ""))
        self.fails(1, "notice_unknown", self.notice("remove", str(number)), str(number))
        self.assertEqual([row[0] for row in self.sql("SELECT detail FROM audit WHERE who = 'desk' AND what = 'notice' ORDER BY id")],
                         [f"add={number}{one.split(' title=')[0]}", f"add={number + 1} severity=info from=- until=-", f"remove={number}", f"remove={number + 1}"])
        self.assertEqual(self.sql("SELECT DISTINCT text FROM audit JOIN audit_note USING (id) WHERE what = 'notice'"), [("title=Bảo trì đêm nay",)])

    def test_notice_wrong_use(self):
        right = {"--title-vi": "x", "--text-vi": "x", "--title-en": "x", "--text-en": "x", "--severity": "info", "--from": "2098-01-01T00:00:00Z", "--until": "2099-01-01T00:00:00Z"}

        def add(**other):
            words = {**right, **{"--" + name.replace("_", "-"): value for name, value in other.items()}}
            return self.notice("add", *(w for name, value in words.items() if value is not None for w in (name, value)))

        for name, most in (("title", 128), ("text", 1024)):
            for language in ("vi", "en"):
                key = f"{name}_{language}"
                for text in ("", "x" * (most + 1), "đ" * (most // 2) + "x", "a\nb", "a\tb", "a\u202eb", "a\u2028b", "a\x7fb", b"a\xff".decode(errors="surrogateescape")):
                    self.fails(2, "usage", add(**{key: text}), f"--{name}-{language}: must be one line of 1 to {most} bytes")
        self.fails(2, "usage", add(title_vi=None), "--title-vi is missing")
        self.fails(2, "usage", add(text_vi=None), "--text-vi is missing")
        self.fails(2, "usage", add(title_en=None), "--title-en")
        self.fails(2, "usage", add(text_en=None), "--text-en")
        for word in ("", "loud", "Info", "infowarning"):
            self.fails(2, "usage", add(severity=word), "--severity: must be info or warning")
        for key in ("from", "until"):
            for time in ("", "tomorrow", "2098-02-30T00:00:00Z", "2098-01-01", "4070908800"):
                self.fails(2, "usage", add(**{key: time}), f"--{key}: must be a time like")
        self.fails(2, "usage", add(**{"from": "2099-01-01T00:00:00Z"}), "--until: must be later")
        self.fails(2, "usage", add(**{"from": None, "until": "2020-01-01T00:00:00Z"}), "--until: must be later")
        self.assertEqual(self.sql("SELECT * FROM notice"), [])
        longest = {f"{name}_{language}": "x" * most for name, most in (("title", 128), ("text", 1024)) for language in ("vi", "en")}
        status, said, _ = add(**longest)
        self.assertEqual(status, 0)
        self.assertEqual(self.notice("remove", said.split()[0].removeprefix("notice="))[0], 0)
        for number in ("0", "-1", "x", "", "1x", "99999999999999999"):
            self.fails(2, "usage", self.notice("remove", number), "the number of a notice")
        for words in ((), ("show",), ("list", "x"), ("remove",), ("add",)):
            self.fails(2, "usage", run("notice", *words))


class Audit(Server):
    """Each test has a server of its own, with a chain that the operator's commands have written."""

    VERIFY = os.path.join(ROOT, "protocol", "reference", "audit_verify.py")

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1]
        done = run(*self.init_options(self.name))
        self.assertEqual((done[0], done[2]), (0, ""))
        self.config = self.file(self.name, "tms.json")
        self.tms_key = json.loads(done[1])["tms_keys"][0]
        self.anchors = self.file(self.name, "escrow", "audit-anchor.log")
        for n in range(3):
            self.assertEqual(run("notice", "add", "--config", self.config, "--title-vi", f"Thông báo {n}", "--text-vi", "x")[0], 0)

    def audit(self, verb, *words):
        return run("audit", verb, "--config", self.config, *words)

    def tamper(self, statement):
        with contextlib.closing(sqlite3.connect(self.file(self.name, "data", "tms.sqlite"), isolation_level=None)) as db:
            db.execute("DROP TRIGGER IF EXISTS audit_kept")
            db.execute(statement)

    def reference(self, text, *words):
        """What others find in what was written out."""
        with open(self.file(self.name, "export"), "w", encoding="utf-8") as f:
            f.write(text)
        done = subprocess.run(["/usr/bin/python3", self.VERIFY, self.file(self.name, "export"), *words], capture_output=True, check=False, encoding="utf-8")
        return done.returncode, done.stdout

    def anchor(self):
        """As the server writes one: the head, signed."""
        with contextlib.closing(sqlite3.connect(self.file(self.name, "data", "tms.sqlite"))) as db:
            seq, digest = db.execute("SELECT seq, hash FROM audit_head").fetchone()
        with open(json.loads(pathlib.Path(self.config).read_text(encoding="utf-8"))["signing_key"], encoding="ascii") as f:
            key = reference.sig_from_seed(reference.unb64(f.read().strip()))
        text = reference.field("mokhoa-audit-anchor-v1") + reference.number(1) + reference.number(seq) + reference.field(digest) + reference.number(0)
        with open(self.anchors, "a", encoding="utf-8") as f:
            f.write(json.dumps({"time": 1, "seq": seq, "hash": reference.b64(digest), "lost": 0, "kid": reference.kid(reference.sig_public(key)),
                                "signature": reference.b64(key.sign(text))}) + "\n")

    def test_whole(self):
        self.anchor()
        self.assertEqual(self.audit("verify"), (0, "ok rows=3 notes=3 erased=0 anchors=1 anchored=3 restores=0 lost=0 cut=0\n", ""))
        status, text, err = self.audit("export")
        self.assertEqual((status, err), (0, ""))
        rows = [json.loads(line) for line in text.splitlines()]
        self.assertEqual([(r["seq"], r["who"], r["what"]) for r in rows], [(1, "desk", "notice"), (2, "desk", "notice"), (3, "desk", "notice"), (4, "desk", "view")])
        self.assertEqual(rows[0]["note"]["text"], "title=Thông báo 0")
        self.assertEqual(self.reference(text, "--anchors", self.anchors, "--tms-key", self.tms_key), (0, "ok rows=4 notes=3 anchors=1\n"))
        status, ids, err = self.audit("export", "--ids-only", "--from", "2")
        self.assertEqual((status, err), (0, ""))
        self.assertNotIn("Thông báo", ids)
        self.assertEqual(self.reference(ids), (0, "ok rows=4 notes=0 anchors=0\n"))

    def test_broken(self):
        self.anchor()
        self.tamper("UPDATE audit SET detail = 'x' WHERE id = 2")
        done = self.audit("verify")
        self.fails(1, "audit_broken", done, "row=2")
        self.assertEqual(done[1], "changed row=2\n")
        self.assertEqual(self.reference(self.audit("export")[1]), (1, "row 2: changed\n"))
        # from there on nothing is wrong but what was there before
        self.assertEqual(self.audit("verify", "--from", "3")[0], 0)

    def test_anchor(self):
        self.anchor()
        with open(self.anchors, encoding="utf-8") as f:
            line = f.read()
        with open(self.anchors, "w", encoding="utf-8") as f:
            f.write(line.replace('"seq": 3', '"seq": 2'))
        done = self.audit("verify")
        self.fails(1, "audit_broken", done, "line=1")
        self.assertEqual(done[1], "anchor_refused line=1\n")
        os.remove(self.anchors)
        os.mkdir(self.anchors)
        self.fails(1, "audit_anchor_failed", self.audit("verify"), self.anchors)

    def test_erase(self):
        self.assertEqual(self.audit("erase", "--before", "2000-01-01"), (0, "erased requests=0 proposals=0 enrolments=0 notes=0\n", ""))
        time.sleep(1.1)  # what is erased is older than this second
        now = datetime.datetime.utcnow().strftime("%Y-%m-%dT%H:%M:%SZ")
        self.assertEqual(self.audit("erase", "--before", now, "--dry-run"), (0, "would_erase requests=0 proposals=0 enrolments=0 notes=3\n", ""))
        self.assertEqual(self.audit("erase", "--before", now), (0, "erased requests=0 proposals=0 enrolments=0 notes=3\n", ""))
        self.assertEqual(self.audit("verify"), (0, "ok rows=4 notes=0 erased=3 anchors=0 anchored=0 restores=0 lost=0 cut=0\n", ""))
        self.assertEqual(self.reference(self.audit("export")[1]), (0, "ok rows=5 notes=0 anchors=0\n"))

    def test_wrong_use(self):
        for words in ((), ("look",), ("verify",), ("export", "x"), ("erase", "--config", self.config)):
            self.fails(2, "usage", run("audit", *words))
        for number in ("0", "-1", "x", ""):
            self.fails(2, "usage", self.audit("verify", "--from", number), "--from")
            self.fails(2, "usage", self.audit("export", "--from", number), "--from")
        for date in ("", "2026", "2026-13-01", "9000-01-01", "x" * 10):
            self.fails(2, "usage", self.audit("erase", "--before", date), "--before")
        self.fails(2, "usage", self.audit("verify", "--tms-key", "AAAA"), "--tms-key")
        self.fails(1, "config_invalid", run("audit", "verify", "--config", "/nowhere"))


if __name__ == "__main__":
    unittest.main()
