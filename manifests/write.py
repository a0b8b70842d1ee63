#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tells a browser where the host is: write.py --browser X --host PATH --extension ID [--extension ID...] [--root DIR]

Reads browsers.json for the folder and the browser's template, and writes DIR/FOLDER/mokhoa.host.json, whole or not at all. Prints the path. For Linux and macOS;
on Windows the same file may lie anywhere (--folder) and a registry key of browsers.json names it.
"""
import argparse
import json
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "mokhoa.host"
CHROMIUM_ID = re.compile(r"[a-p]{32}\Z")
FIREFOX_ID = re.compile(r"(\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|[A-Za-z0-9._-]*@[A-Za-z0-9._-]+)\Z")


class Refused(Exception):
    """What is to be written no browser would read."""


def table():
    with open(os.path.join(HERE, "browsers.json"), encoding="utf-8") as f:
        return json.load(f)["browsers"]


def caller(template, extension):
    """The extension as the template's browsers want it; a single malformed one makes Chromium drop the whole file."""
    if template == "chromium.json.in" and CHROMIUM_ID.match(extension):
        return f"chrome-extension://{extension}/"
    if template == "firefox.json.in" and FIREFOX_ID.match(extension):
        return extension
    raise Refused(f"no extension of this browser: {extension}")


def text(browser, host, extensions):
    """The native manifest."""
    template = table()[browser]["template"]
    if not re.match(r"(/|[A-Za-z]:[\\/])", host):
        raise Refused(f"not an absolute path: {host}")
    callers = [caller(template, extension) for extension in extensions]
    with open(os.path.join(HERE, template), encoding="utf-8") as f:
        made = f.read()
    for mark, value in (("@NAME@", NAME), ("@PATH@", host)):
        made = made.replace(f'"{mark}"', json.dumps(value, ensure_ascii=False))
    return made.replace('"@EXTENSIONS@"', ", ".join(json.dumps(c) for c in callers))


def folder(browser, system="linux", scope="host"):
    """Where that browser looks on that system: for everybody (host) or for one account (user_host, below ~)."""
    places = table()[browser]["systems"].get(system)
    if places is None:
        raise Refused(f"{table()[browser]['name']} does not exist on {system}")
    if places[scope].startswith(("HKLM", "HKCU")):
        raise Refused(f"on {system} a registry key names the file: {places[scope]}\\{NAME}; write it with --folder")
    return places[scope]


def write(path, made):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    handle, new = tempfile.mkstemp(prefix=NAME, dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as f:
            f.write(made)
        os.chmod(new, 0o644)
        os.replace(new, path)
    except OSError:
        os.unlink(new)
        raise


def main():
    parser = argparse.ArgumentParser(description="Writes the file by which a browser finds mokhoa-host.")
    parser.add_argument("--browser", required=True, choices=sorted(table()))
    parser.add_argument("--host", required=True, help="absolute path of mokhoa-host")
    parser.add_argument("--extension", required=True, action="append", help="id of the extension in that browser; may be repeated")
    parser.add_argument("--system", choices=("linux", "macos", "windows"), default="macos" if sys.platform == "darwin" else "linux")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--user", metavar="HOME", help="for the account with this home instead of for everybody")
    where.add_argument("--profile", metavar="DIR", help="for a browser of the Chromium family that is started with this --user-data-dir")
    where.add_argument("--folder", metavar="DIR", help="in this folder, whatever the table says")
    parser.add_argument("--root", default="", metavar="DIR", help="below which the machine's folders are taken to lie, for packages")
    options = parser.parse_args()
    try:
        if options.folder:
            place = options.folder
        elif options.profile:
            if "profile_host" not in table()[options.browser]:
                raise Refused("this browser does not look into its profile")
            place = os.path.join(options.profile, table()[options.browser]["profile_host"])
        elif options.user:
            place = options.user + folder(options.browser, options.system, "user_host")[1:]
        else:
            place = options.root + folder(options.browser, options.system)
        path = os.path.join(place, NAME + ".json")
        write(path, text(options.browser, options.host, options.extension))
    except (Refused, OSError) as refused:
        print(f"write.py: {refused}", file=sys.stderr)
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
