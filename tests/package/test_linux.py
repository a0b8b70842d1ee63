#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""deb and rpm: the same bytes wherever they are built, small, clean for lintian and rpmlint, and gone without a trace.

Builds the packages twice, in this tree and in a copy of it elsewhere, and installs them in roots of their own (root.sh, rpm --root). Exits 77 and says why
when the machine lacks something.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parent.parent
sys.path.insert(0, str(TREE / "installer/setup/tests"))

import test_setup

OLDER = "0.0.1"
CLIENT_DEB_MOST = 250_000
# what changes in a root by itself, and whatever dpkg remembers: a removed package's name is gone there as well, which is asked apart
NOT_LOOKED_AT = re.compile(r"^(var/lib/dpkg|var/lib/rpm|var/cache|var/log|var/lib/apt|etc/ld\.so\.cache$|etc/(passwd|group|shadow|gshadow)-$|tmp|run|proc|dev|mnt|root|home)(/|$)")
SYSTEM_FOLDERS = ("etc/xdg/autostart", "usr/bin", "usr/sbin", "usr/lib/systemd/system", "usr/lib/systemd/user", "usr/lib/sysusers.d", "usr/share/doc", "usr/share/man/man1", "usr/share/man/man8")
USERS = {"mokhoa-tms", "mokhoa-vault", "mokhoa-nginx"}


def skip(reason):
    print("test_linux.py: " + reason, file=sys.stderr)
    sys.exit(77)


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=900, check=False, **options)
    if done.returncode == 77:
        raise unittest.SkipTest(done.stdout)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def digests(folder):
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.iterdir()}


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="mokhoa-package."))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.out = cls.folder / "first"
        cls.dated = dict(os.environ, SOURCE_DATE_EPOCH=str(int((TREE / "CHANGES.md").stat().st_mtime)))
        run("sh", TREE / "installer/linux/package.sh", cls.out, env=cls.dated)
        # the same as an older version, to be upgraded from
        older = cls.folder / "older"
        run("cpack", "--config", TREE / "build/package/CPackConfig.cmake", "-G", "DEB;RPM", "-R", OLDER, "-B", older, cwd=TREE, env=dict(os.environ, SOURCE_DATE_EPOCH="1"))
        cls.debs, cls.rpms = sorted(cls.out.glob("*.deb")), sorted(cls.out.glob("*.rpm"))
        cls.older_debs, cls.older_rpms = sorted(older.glob("*.deb")), sorted(older.glob("*.rpm"))
        cls.version = re.search(r"^project\(mokhoa VERSION ([0-9.]+)", (TREE / "CMakeLists.txt").read_text(), re.M)[1]

    def test_names_and_version(self):
        self.assertEqual([f.name for f in self.debs], [f"mokhoa-tms_{self.version}_amd64.deb", f"mokhoa_{self.version}_amd64.deb"])
        self.assertEqual([f.name for f in self.rpms], [f"mokhoa-{self.version}-1.x86_64.rpm", f"mokhoa-tms-{self.version}-1.x86_64.rpm"])
        self.assertEqual((len(self.older_debs), len(self.older_rpms)), (2, 2))

    def test_same_bytes_elsewhere(self):
        copy = self.folder / "somewhere" / "else-and-with-a-longer-name"
        for name in run("git", "-C", TREE, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
            if name and (TREE / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(TREE / name, copy / name)
        again = self.folder / "second"
        run("sh", copy / "installer/linux/package.sh", again, env=dict(self.dated, TZ="Asia/Ho_Chi_Minh"))
        self.assertEqual(digests(self.out), digests(again))
        self.assertEqual(len(digests(again)), 6)
        # the hashes are hashes of what they say they are: another date makes another package
        self.assertNotEqual(hashlib.sha256(self.older_debs[0].read_bytes()).hexdigest(), digests(self.out)[self.debs[0].name])

    def test_size(self):
        size = self.debs[1].stat().st_size
        print(f"{self.debs[1].name}: {size} bytes", file=sys.stderr)
        self.assertLessEqual(size, CLIENT_DEB_MOST)

    def test_checksums_and_sbom(self):
        run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=self.out)
        sbom = json.loads((self.out / f"mokhoa_{self.version}.spdx.json").read_text())
        self.assertEqual(sbom["spdxVersion"], "SPDX-2.3")
        found = digests(self.out)
        said = {p["packageFileName"]: p["checksums"][0]["checksumValue"] for p in sbom["packages"] if "packageFileName" in p}
        self.assertEqual(said, {f.name: found[f.name] for f in self.debs + self.rpms})
        libraries = {p["name"] for p in sbom["packages"]}
        self.assertLessEqual({"libjansson4", "libssl3", "libseccomp2", "libmicrohttpd12", "libsqlite3-0"}, libraries)
        ids = {p["SPDXID"] for p in sbom["packages"]} | {sbom["SPDXID"]}
        self.assertLessEqual({r[end] for r in sbom["relationships"] for end in ("spdxElementId", "relatedSpdxElement")}, ids)

    def test_lintian(self):
        self.assertEqual(run("lintian", "--allow-root", "--fail-on", "error,warning", *self.debs), "")

    def test_rpmlint(self):
        said = run("rpmlint", "--config", HERE.parent.parent / "installer/linux/rpmlint.toml", *self.rpms)
        self.assertIn("0 errors, 0 warnings", said)

    def test_man_pages(self):
        pages = sorted((TREE / "installer/linux/man").iterdir())
        self.assertEqual(len(pages), 6)
        self.assertEqual(run("mandoc", "-T", "lint", "-W", "warning", *pages), "")
        for deb in self.debs:
            files = run("dpkg-deb", "--contents", deb)
            programs = set(re.findall(r"^-rwxr-xr-x .* \./usr/(?:bin|lib/mokhoa)/([\w-]+)$", files, re.M))
            self.assertEqual(programs, set(re.findall(r"/usr/share/man/man[18]/([\w-]+)\.[18]\.gz$", files, re.M)))
            self.assertTrue(programs)

    def in_root(self, script, *files):
        """Runs a shell script in a root, with these files in /mnt; returns what it said, and what is other afterwards."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        for f in files:
            age = "old" if f in self.older_debs + self.older_rpms else "new"
            (folder / age).mkdir(exist_ok=True)
            shutil.copy(f, folder / age)
        said = run("sh", HERE / "root.sh", folder, "sh", "-euc", script)
        return said, self.changed(folder / "changes.tar")

    def changed(self, name):
        """Paths that are not, in the root, what they are on this machine."""
        found = []
        with tarfile.open(name) as tar:
            for member in tar:
                path = os.path.normpath(member.name)
                if path == "." or NOT_LOOKED_AT.match(path):
                    continue
                here = pathlib.Path("/", path)
                if member.isdir() and here.is_dir():
                    continue
                if member.isfile() and here.is_file() and not here.is_symlink() and tar.extractfile(member).read() == here.read_bytes():
                    continue
                found.append(path)
        return found

    def test_client_installed_and_gone(self):
        said, changed = self.in_root("""
            dpkg -i /mnt/old/*.deb
            dpkg -i /mnt/new/*.deb
            mokhoa-host --version
            test "$(readlink -f "$(command -v mokhoa-host)")" = /usr/lib/mokhoa/mokhoa-host
            test -d /etc/mokhoa/profiles.d
            test -f /usr/lib/systemd/user/graphical-session.target.wants/mokhoa-websocket.service
            systemd-analyze --user verify /usr/lib/systemd/user/mokhoa-websocket.service 2>&1 | grep mokhoa && exit 1
            man -w mokhoa-host >/dev/null || test -f /usr/share/man/man1/mokhoa-host.1.gz
            dpkg --verify mokhoa
            dpkg --remove mokhoa
            test ! -e /usr/lib/mokhoa
            test -f /etc/xdg/autostart/mokhoa-websocket.desktop
            dpkg --purge mokhoa
            dpkg-query -W mokhoa && exit 1
            true""", self.debs[1], self.older_debs[1])
        self.assertIn(f"mokhoa-host {self.version}", said)
        self.assertEqual(changed, [])
        # and the look at what has changed does see something
        self.assertIn("usr/lib/mokhoa/mokhoa-host", self.in_root("dpkg -i /mnt/new/*.deb", self.debs[1])[1])

    def other_deb(self, profile):
        package = self.folder / "other"
        (package / "DEBIAN").mkdir(parents=True)
        (package / "DEBIAN/control").write_text("Package: other-ca\nVersion: 1\nArchitecture: all\nMaintainer: x <x@ca.example>\nDescription: a profile\n")
        (package / "etc/mokhoa/profiles.d").mkdir(parents=True)
        (package / "etc/mokhoa/profiles.d/other.json").write_text(profile)
        run("dpkg-deb", "--root-owner-group", "--build", package, self.folder / "other.deb")
        return self.folder / "other.deb"

    def other_rpm(self, profile):
        top = self.folder / "rpmbuild"
        top.mkdir()
        (top / "other.json").write_text(profile)
        (top / "other.spec").write_text("Name: other-ca\nVersion: 1\nRelease: 1\nSummary: a profile\nLicense: x\nBuildArch: noarch\n%description\na profile\n"
                                        f"%install\ninstall -D -m 644 {top}/other.json %{{buildroot}}/etc/mokhoa/profiles.d/other.json\n%files\n/etc/mokhoa/profiles.d/other.json\n")
        run("rpmbuild", "-bb", "--define", f"_topdir {top}", "--define", f"_rpmdir {self.folder}", "--define", "_rpmfilename other.rpm", top / "other.spec")
        return self.folder / "other.rpm"

    def test_browsers_are_told(self):
        """A profile that is there, and one that the package of another authority brings and takes, are what browsers find; without the package they find nothing of ours."""
        self.browsers_are_told("dpkg -i", "dpkg -i", "dpkg --purge", self.other_deb, self.debs[1], self.older_debs[1])

    def test_browsers_are_told_by_the_rpm(self):
        rpm = "rpm --force-debian --dbpath /var/lib/rpm"
        self.browsers_are_told(f"{rpm} --install --nodeps", f"{rpm} --upgrade --force --nodeps", f"{rpm} --erase --nodeps", self.other_rpm, self.rpms[0], self.older_rpms[0],
                               "rpm --dbpath /var/lib/rpm --initdb")

    def browsers_are_told(self, install, upgrade, remove, other_package, new, old, first="true"):
        mine, other = (json.dumps(test_setup.profile(letter)) for letter in "ab")
        brought = other_package(other)
        manifest = "/etc/chromium/native-messaging-hosts/mokhoa.host.json"
        _, changed = self.in_root(f"""
            told() {{ for word; do grep -q "$word" {manifest} /etc/chromium/policies/managed/mokhoa.json /etc/firefox/policies/policies.json || exit 1; done; }}
            untold() {{ ! grep -qs "$1" {manifest} /etc/chromium/policies/managed/mokhoa.json /etc/firefox/policies/policies.json || exit 1; }}
            umask 022
            mkdir -p /etc/mokhoa/profiles.d
            echo '{mine}' >/etc/mokhoa/profiles.d/mine.json
            {first}
            {install} /mnt/old/mokhoa*
            {upgrade} /mnt/new/mokhoa*
            grep -q /usr/lib/mokhoa/mokhoa-host {manifest}
            told {"a" * 32} mokhoa@a.example https://a.example
            untold {"b" * 32}
            mokhoa-setup status
            {install} /mnt/new/other*
            told {"a" * 32} {"b" * 32} mokhoa@b.example
            {remove} other-ca
            untold {"b" * 32}
            untold mokhoa@b.example
            told {"a" * 32}
            echo broken >/etc/mokhoa/profiles.d/broken.json
            {upgrade} /mnt/new/mokhoa*
            rm /etc/mokhoa/profiles.d/broken.json
            {remove} mokhoa
            rm -r /etc/mokhoa""", new, old, brought)
        self.assertEqual(changed, [])

    def guide(self, name):
        """The commands of a guide, the same in both languages, as a script that says what it does."""
        vi, en = (re.findall(r"^    (\S.*)$", (TREE / f"installer/guides/{name}.{language}.md").read_text(), re.M) for language in ("vi", "en"))
        self.assertEqual(vi, en)
        self.assertGreater(len(vi), 6)
        return "\n".join(f"cat <<'COMMAND'\n$ {command}\nCOMMAND\n{command}" for command in vi)

    def test_guide_of_the_server(self):
        """Followed to the letter, but that no systemd runs here: its programs are started as the units say. check finds nothing that failed."""
        said, _ = self.in_root(f"""
            cd /tmp
            cp /mnt/new/*.deb .
            for name in tms admin-ca issuers; do
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $name.key -out $name.pem -subj /CN=tms.ca.example -addext subjectAltName=DNS:tms.ca.example -days 90 2>/dev/null
            done
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout an.key -out an.csr -subj /CN=an 2>/dev/null
            echo extendedKeyUsage=clientAuth >an.ext
            openssl x509 -req -in an.csr -CA admin-ca.pem -CAkey admin-ca.key -CAcreateserial -extfile an.ext -days 90 -out an.pem 2>/dev/null
            printf 'manufacturer,model,serial,so_pin,customer,email,certificate_serial\\nA,B,S1,3537363231383830,Khách,k@ca.example,01\\n' >tokens.csv
            rm -f /etc/nginx/sites-enabled/*
            started=
            systemctl() {{
                [ "$1" = enable ] || return 0
                for unit in mokhoa-vault mokhoa-tms; do
                    user=$(sed -n 's/^User=//p' /usr/lib/systemd/system/$unit.service)
                    more=$(sed -n 's/^SupplementaryGroups=//p' /usr/lib/systemd/system/$unit.service | tr ' ' ,)
                    setpriv --reuid "$user" --regid "$user" --groups "${{more:-$user}}" $(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/$unit.service) 2>/tmp/$unit.log &
                    started="$started $!"
                    sleep 2
                done
            }}
            {self.guide("server")}
            grep -q '"tms"' profile-part.json
            test -s keys.pem
            cat /tmp/mokhoa-tms.log
            kill $started""", self.debs[0])
        self.assertEqual(said.count("a server listens"), 3)
        self.assertNotIn("FAIL", said)
        self.assertIn("ok   listen.group mokhoa-nginx: mokhoa-nginx\n", said)
        self.assertIn("imported=1 refused=0\n", said)

    def test_guide_of_the_client(self):
        """Followed to the letter, in either language; doctor finds nothing in the end, and nothing is left."""
        module, prompt = "/usr/lib/mokhoa-test.so", "/usr/bin/mokhoa-test-prompt"
        profile = test_setup.profile("a") | {"modules": [{"name": "test", "path": module}], "prompt": prompt}
        (self.folder / "ca.json").write_text(json.dumps(profile))
        said, changed = self.in_root(f"""
            umask 022
            rm -rf /etc/mokhoa
            cp /bin/true {prompt}
            cp /lib/*/libc.so.6 {module}
            cd /mnt/new
            {self.guide("client")}
            ! command -v mokhoa-host
            rm {prompt} {module}""", self.debs[1], self.folder / "ca.json")
        self.assertIn("mokhoa-host doctor --files", said)
        self.assertEqual(changed, [])

    def test_client_keeps_profiles(self):
        _, changed = self.in_root("""
            dpkg -i /mnt/new/*.deb
            echo '{}' >/etc/mokhoa/profiles.d/ca.json
            dpkg --purge mokhoa
            test -f /etc/mokhoa/profiles.d/ca.json""", self.debs[1])
        self.assertEqual([c for c in changed if c.count("/") > 1], ["etc/mokhoa/profiles.d", "etc/mokhoa/profiles.d/ca.json"])

    def test_server_installed_and_gone(self):
        """The server of the package is made by init, stands up to its own check of the configuration, and leaves only the users behind, and its data."""
        said, changed = self.in_root("""
            dpkg -i /mnt/old/*.deb
            dpkg -i /mnt/new/*.deb
            mokhoa-tms --version
            systemd-analyze verify /usr/lib/systemd/system/mokhoa-*.service /usr/lib/systemd/system/mokhoa-check.timer 2>&1 | grep mokhoa && exit 1
            getent passwd mokhoa-tms mokhoa-vault mokhoa-nginx
            cd /tmp
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj /CN=tms.ca.example \\
                -addext subjectAltName=DNS:tms.ca.example -days 90 2>/dev/null
            install -D -m 644 cert.pem /etc/ssl/mokhoa/tms.pem
            install -D -m 600 key.pem /etc/ssl/mokhoa/tms.key
            mokhoa-tms init --dir /var/lib/mokhoa-tms --host tms.ca.example --tls-certificate /etc/ssl/mokhoa/tms.pem --tls-key /etc/ssl/mokhoa/tms.key \\
                --admin-ca /etc/ssl/mokhoa/tms.pem --issuers /etc/ssl/mokhoa/tms.pem --authority CA --hotline 19000000 --from no-reply@ca.example \\
                --smtp smtp://127.0.0.1:25 --smtp-tls none --escrow-log-same-device --portal-files /usr/share/mokhoa-tms/portal \\
                --tms-user mokhoa-tms --vault-user mokhoa-vault --nginx-group mokhoa-nginx >/dev/null
            diff /var/lib/mokhoa-tms/nginx.conf /usr/share/doc/mokhoa-tms/examples/nginx-site.example
            grep -q 'root /usr/share/mokhoa-tms/portal' /var/lib/mokhoa-tms/nginx.conf
            dpkg --verify mokhoa-tms
            dpkg --purge mokhoa-tms
            test -f /var/lib/mokhoa-tms/tms.json
            rm -r /var/lib/mokhoa-tms /etc/ssl/mokhoa
            cp /etc/passwd /etc/group /mnt/
            dpkg-query -W mokhoa-tms && exit 1
            true""", self.debs[0], self.older_debs[0])
        self.assertIn(f"mokhoa-tms {self.version}", said)
        self.assertEqual([c for c in changed if c not in ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow")], [])
        folder = next(self.folder.glob("*/passwd")).parent
        for name in ("passwd", "group"):
            lines = set((folder / name).read_text().splitlines()) - set(pathlib.Path("/etc", name).read_text().splitlines())
            self.assertEqual({line.split(":")[0] for line in lines if not line.startswith("www-data:")}, USERS)

    def test_rpm_installed_and_gone(self):
        for new, old in zip(self.rpms, self.older_rpms):
            with self.subTest(new.name):
                root = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
                rpm = ("rpm", "--root", root, "--dbpath", "/var/lib/rpm")
                run(*rpm, "--initdb")
                # the folders that every system has; an empty root has them from the package that rpm's systems call filesystem
                for folder in SYSTEM_FOLDERS:
                    (root / folder).mkdir(parents=True, exist_ok=True)
                before = sorted(str(f) for f in root.rglob("*") if "var/lib/rpm" not in str(f))
                # what the scripts do wants a system around it: test_browsers_are_told_by_the_rpm
                run(*rpm, "--install", "--nodeps", "--noscripts", "--notriggers", old)
                run(*rpm, "--upgrade", "--nodeps", "--noscripts", "--notriggers", new)
                name = "mokhoa-tms" if "tms" in new.name else "mokhoa"
                self.assertEqual(run(*rpm, "-q", "--qf", "%{VERSION}", name), self.version)
                self.assertEqual(run(*rpm, "-V", "--nodeps", name), "")
                self.assertTrue((root / "usr/share/doc" / name / "CHANGES.md.gz").exists())
                run(*rpm, "--erase", "--noscripts", "--notriggers", name)
                self.assertEqual(sorted(str(f) for f in root.rglob("*") if "var/lib/rpm" not in str(f)), before)


if __name__ == "__main__":
    for tool in ("lintian", "rpmbuild", "rpmlint", "mandoc", "fakeroot"):
        if shutil.which(tool) is None:
            skip(f"{tool} is missing: apt-get install dpkg-dev fakeroot rpm rpmlint lintian mandoc")
    if os.geteuid() != 0:
        skip("installing packages wants root")
    unittest.main()
