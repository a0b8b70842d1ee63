#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Puts the extension together: build.py --origin ORIGIN [--origin ORIGIN...] [--version N] [--key KEY.pem] [--out DIR]

Writes DIR/chromium and DIR/firefox (to be loaded unpacked), mokhoa-chromium.zip (for the stores), mokhoa-firefox.xpi and, with --key, an RSA key that
openssl made, mokhoa.crx and its fixed id; SHA256SUMS names the packages. Prints what it has made as one line of JSON. The same input gives the same bytes on every machine: names are sorted,
times are those of 1980, nothing is compressed, and the signature of a crx (PKCS #1 v1.5) has no randomness.
"""
import argparse
import base64
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(ROOT, "protocol", "reference")]
sys.dont_write_bytecode = True

import icons  # noqa: E402
import lists  # noqa: E402 (the reader of *.def)

PROTOCOL = 1
HOST = "mokhoa.host"
FIREFOX_ID = "mokhoa@extension.mokhoa"
LANGUAGES = ("vi", "en")
ICONS = {str(size): f"icons/{size}.png" for size in icons.SIZES}
# what the extension itself may have to say in the host's words
HOST_ERRORS = ("invalid_request", "method_not_found", "invalid_params", "frame_too_large", "busy", "timeout")
ORIGIN = re.compile(r"(https://[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|http://localhost)(:[1-9][0-9]{0,4})?\Z")


class Refused(Exception):
    """What is to be built cannot be."""


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def rows(macro, *path):
    return lists.rows(macro, read(*path))


def project_version():
    return re.search(r"^project\(mokhoa VERSION ([0-9.]+)", read("CMakeLists.txt"), re.M).group(1)


def texts():
    found = {language: json.loads(read("webext", "texts", language + ".json")) for language in LANGUAGES}
    keys = {language: [(part, key) for part, some in found[language].items() for key in some] for language in LANGUAGES}
    if keys["vi"] != keys["en"]:
        raise Refused("texts/vi.json and texts/en.json do not have the same keys")
    return found


def errors(words):
    said = {}
    for row in rows("ERR", "base", "err.def"):
        if row["name"] in HOST_ERRORS:
            said[row["name"]] = {"code": row["number"], "message": {"vi": row["vi"], "en": row["en"]}, "hint": {"vi": row["hint_vi"], "en": row["hint_en"]}}
    for name, code in json.loads(read("webext", "causes.json")).items():
        said[name] = {"code": code, **{part: {language: words[language]["errors"][name][part] for language in LANGUAGES} for part in ("message", "hint")}}
    return said


def settings(options, words, firefox):
    deadlines = {row["name"]: row["deadline"] for row in rows("OP", "protocol", "op.def") if "OP_PAGE" in row["flags"].split("|")}
    values = {
        "DEADLINES": deadlines,
        "ERRORS": errors(words),
        "FIREFOX": firefox,
        "HOST": HOST,
        "ORIGINS": options.origin,
        "POPUP": {language: words[language]["popup"] for language in LANGUAGES},
        "PROTOCOL": PROTOCOL,
        "VERSION": options.version,
    }
    lines = ["// SPDX-License-Identifier: Apache-2.0", "// Written by build.py. Deadlines are in seconds."]
    return "\n".join(lines + [f"export const {name} = {json.dumps(value, ensure_ascii=False)};" for name, value in values.items()]) + "\n"


def pattern(origin, firefox):
    """The match pattern of an origin's pages. Firefox knows no ports there; what it lets in too much, the background script refuses."""
    return (re.sub(r":[0-9]+\Z", "", origin) if firefox else origin) + "/*"


def manifest(options, firefox, public_key):
    matches = list(dict.fromkeys(pattern(origin, firefox) for origin in options.origin))
    made = {
        "manifest_version": 3,
        "name": "__MSG_name__",
        "description": "__MSG_description__",
        "version": options.version,
        "default_locale": "vi",
        "permissions": ["nativeMessaging"],
        "icons": ICONS,
        "action": {"default_popup": "popup.html", "default_icon": ICONS},
    }
    if firefox:
        made["background"] = {"scripts": ["background.js"], "type": "module"}
        made["content_scripts"] = [{"matches": matches, "js": ["bridge.js"], "run_at": "document_start", "all_frames": True}]
        made["browser_specific_settings"] = {"gecko": {"id": options.firefox_id, "strict_min_version": "142.0",
                                                       "data_collection_permissions": {"required": ["none"]}}}
    else:
        made["background"] = {"service_worker": "background.js", "type": "module"}
        made["externally_connectable"] = {"matches": matches}
        made["minimum_chrome_version"] = "116"
        if public_key:
            made["key"] = base64.b64encode(public_key).decode()
    return made


def as_file(value):
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def files(options, firefox, public_key):
    """The extension's files: {name: bytes}."""
    words = texts()
    found = {}
    for name in os.listdir(os.path.join(HERE, "src")):
        if name != "bridge.js" or firefox:
            with open(os.path.join(HERE, "src", name), "rb") as f:
                found[name] = f.read()
    found.update((ICONS[str(size)], data) for size, data in icons.icons().items())
    found["settings.js"] = settings(options, words, firefox).encode()
    found["manifest.json"] = as_file(manifest(options, firefox, public_key))
    for language in LANGUAGES:
        found[f"_locales/{language}/messages.json"] = as_file({key: {"message": text} for key, text in words[language]["extension"].items()})
    return found


def write_folder(folder, found):
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in found.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)


def write_zip(path, found):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(found):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, found[name])


# ---- crx ----

def openssl(*arguments, stdin=b""):
    try:
        return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise Refused("openssl is missing") from None
    except subprocess.CalledProcessError as error:
        raise Refused("openssl: " + error.stderr.decode(errors="replace").strip()) from None


def chromium_id(public_key):
    return hashlib.sha256(public_key).hexdigest()[:32].translate(str.maketrans("0123456789abcdef", "abcdefghijklmnop"))


def field(number, data):
    """A field of bytes in a protocol buffer."""
    length, head = len(data), b""
    while length > 0x7F:
        head += bytes([length & 0x7F | 0x80])
        length >>= 7
    key, tag = number << 3 | 2, b""
    while key > 0x7F:
        tag += bytes([key & 0x7F | 0x80])
        key >>= 7
    return tag + bytes([key]) + head + bytes([length]) + data


def write_crx(path, archive, key, public_key):
    signed = field(1, hashlib.sha256(public_key).digest()[:16])
    with open(archive, "rb") as f:
        body = f.read()
    signature = openssl("dgst", "-sha256", "-sign", key, stdin=b"CRX3 SignedData\0" + struct.pack("<I", len(signed)) + signed + body)
    header = field(2, field(1, public_key) + field(2, signature)) + field(10000, signed)
    with open(path, "wb") as f:
        f.write(b"Cr24" + struct.pack("<II", 3, len(header)) + header + body)


def write_sums(path, packages):
    """As sha256sum writes and checks them, in the folder of the packages."""
    lines = []
    for package in sorted(packages, key=os.path.basename):
        with open(package, "rb") as f:
            lines.append(f"{hashlib.sha256(f.read()).hexdigest()}  {os.path.basename(package)}\n")
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        f.writelines(lines)


# ---- the program ----

def checked(options):
    for origin in options.origin:
        port = int(origin.rsplit(":", 1)[1]) if ORIGIN.match(origin) and re.search(r":[0-9]+\Z", origin) else None
        if not ORIGIN.match(origin) or port in ((443,) if origin.startswith("https") else (80,)) or (port or 1) > 65535:
            raise Refused(f"not an origin as browsers write it (https://HOST[:PORT] or http://localhost[:PORT], lower case, no default port): {origin}")
    if len(set(options.origin)) != len(options.origin):
        raise Refused("an origin stands there twice")
    if not re.match(r"(0|[1-9][0-9]{0,4})(\.(0|[1-9][0-9]{0,4})){0,3}\Z", options.version):
        raise Refused(f"not a version of an extension: {options.version}")


def build(options):
    checked(options)
    public_key = openssl("pkey", "-in", options.key, "-pubout", "-outform", "DER") if options.key else None
    os.makedirs(options.out, exist_ok=True)
    made = {"host": HOST, "version": options.version, "firefox_id": options.firefox_id}
    for browser, ending in (("chromium", "zip"), ("firefox", "xpi")):
        found = files(options, browser == "firefox", public_key)
        made[browser] = os.path.join(options.out, browser)
        made[ending] = os.path.join(options.out, f"mokhoa-{browser}.{ending}")
        write_folder(made[browser], found)
        # a store gives an extension its own key
        if browser == "chromium":
            found["manifest.json"] = as_file(manifest(options, False, None))
        write_zip(made[ending], found)
    if public_key:
        made["crx"] = os.path.join(options.out, "mokhoa.crx")
        made["chromium_id"] = chromium_id(public_key)
        write_crx(made["crx"], made["zip"], options.key, public_key)
    made["sums"] = os.path.join(options.out, "SHA256SUMS")
    write_sums(made["sums"], [made[package] for package in ("zip", "xpi", "crx") if package in made])
    return made


def main():
    parser = argparse.ArgumentParser(description="Puts the extension together for Chromium and Firefox.")
    parser.add_argument("--origin", action="append", required=True, help="a page that may call, as browsers write origins; may be repeated")
    parser.add_argument("--version", default=project_version(), help="of the extension (%(default)s)")
    parser.add_argument("--key", help="RSA key in PEM that signs the crx and gives the extension its id in Chromium")
    parser.add_argument("--firefox-id", default=FIREFOX_ID, help="id of the add-on (%(default)s)")
    parser.add_argument("--out", default=os.path.join(ROOT, "build", "webext"), help="folder (build/webext)")
    try:
        print(json.dumps(build(parser.parse_args())))
    except Refused as refused:
        print(f"build.py: {refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
