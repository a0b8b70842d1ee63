#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server of PostgreSQL for tests: its own data in a folder under /dev/shm or /tmp, on a Unix socket there, for nobody else.

    server.py start URL_FILE     starts it and writes postgresql:///%s?host=FOLDER&user=USER there; %s is where a database's name goes
    server.py stop URL_FILE      ends it and removes everything

It does not run as root: where the tests do, it belongs to the user postgres, whom Debian's package makes. What one test run leaves behind that was killed is
ended by the next start with the same URL_FILE. All commits are synced, as the store demands; the data lie in memory where there is room, so that this costs nothing.
"""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile

SETTINGS = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "logging_collector": "off",
    "log_min_messages": "fatal",
    "autovacuum_naptime": "10s",
}


def programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    if found:
        return found[-1]
    which = shutil.which("initdb")
    return pathlib.Path(which).parent if which else None


def skip(why):
    print(why, file=sys.stderr)
    sys.exit(1 if os.environ.get("CI") == "true" else 77)


def owner():
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        skip("PostgreSQL does not run as root, and there is no user postgres")


def run(user, arguments, **more):
    if user is not None:
        more |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return subprocess.run([str(a) for a in arguments], check=True, env=os.environ | {"LC_ALL": "C.UTF-8"}, cwd="/", **more)


def place():
    for folder in ("/dev/shm", os.environ.get("TMPDIR", "/tmp")):
        if os.path.isdir(folder) and os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > 1 << 30:
            return folder
    return "/tmp"


def start_in(folder, user, settings):
    """Starts one in that folder, which is the user's; returns its URL with %s for the database."""
    bin_folder = programs()
    data = folder / "data"
    run(user, [bin_folder / "initdb", "-D", data, "-A", "trust", "-U", "mokhoa", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"], stdout=subprocess.DEVNULL)
    with open(data / "postgresql.conf", "a") as conf:
        conf.writelines(f"{name} = {value}\n" for name, value in (SETTINGS | settings).items())
        conf.write(f"unix_socket_directories = '{folder}'\n")
    run(user, [bin_folder / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-t", "60", "start"], stdout=subprocess.DEVNULL)
    return f"postgresql:///%s?host={folder}&user=mokhoa"


def stop_in(folder):
    try:
        pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        cwd = os.readlink(f"/proc/{pid}/cwd")
    except (OSError, ValueError, IndexError):
        pid, cwd = 0, ""
    # the number may be another's by now; the server's own folder says that it is not
    if pid and cwd == str(folder / "data"):
        handle = os.pidfd_open(pid)
        signal.pidfd_send_signal(handle, signal.SIGQUIT)
        import select
        select.select([handle], [], [], 30)
        os.close(handle)
    shutil.rmtree(folder, ignore_errors=True)


def new_folder(user):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mokhoa-pg-", dir=place()))
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    return folder


def folder_of(url):
    return pathlib.Path(url.split("host=")[1].split("&")[0])


def stop(url_file):
    if url_file.exists():
        stop_in(folder_of(url_file.read_text()))
        url_file.unlink()


def start(url_file):
    if programs() is None:
        skip("PostgreSQL is not installed (apt install postgresql-15)")
    stop(url_file)
    user = owner()
    folder = new_folder(user)
    # the name is known before the server runs, so that the next start finds what this one leaves when it is killed
    url_file.write_text(f"postgresql:///%s?host={folder}&user=mokhoa\n")
    start_in(folder, user, {})


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("start", "stop"):
        sys.exit(__doc__)
    {"start": start, "stop": stop}[sys.argv[1]](pathlib.Path(sys.argv[2]))


if __name__ == "__main__":
    main()
