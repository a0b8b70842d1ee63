#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds mails from random names, addresses, subjects and texts, hostile ones among them, and reads each with both of Python's parsers:
one recipient, the fixed set of headers, and every field as it was given; or a refusal where it must be refused.
"""
import email
import email.header
import email.policy
import email.utils
import json
import random
import re
import subprocess
import sys

HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
PIECES = ["Nguyễn", "Văn", "An", "Đặng", "Thị", "Ước", "ỷ", "Ω", "日本", "😀", " ", "  ", ".", ",", ";", ":", "<", ">", "(", ")", "@", "\"", "\\", "'", "=",
          "=?UTF-8?Q?x?=", "?=", "_", "Bcc", "x" * 30, "a@b.vn", "%s", "&amp;", "--", "-"]
HOSTILE = ["\r\n", "\n", "\r", "\t", "\x7f", "\u202e", "\u2066", "\x00", "\x1b", "\u0085", "\r\nBcc: b@evil.vn", "\n\nbody"]
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
ADDRESS = re.compile(rf"{ATOM}(?:\.{ATOM})*@{LABEL}(?:\.{LABEL})*\Z", re.ASCII)

rng = random.Random(20240917)


def text(most, hostile):
    parts = [rng.choice(PIECES) for _ in range(rng.randint(1, most))]
    if hostile:
        parts.insert(rng.randint(0, len(parts)), rng.choice(HOSTILE))
    return "".join(parts)


def address(hostile):
    words = ["".join(rng.choice("abcxyzXYZ0189") for _ in range(rng.randint(1, 12))) for _ in range(6)]
    whole = words[0] + rng.choice(["", ".", "+", "-", "_", "'", "=", "?", "!#$%&*/^`{|}~"]) + words[1]
    whole += "@" + ".".join(words[2:rng.randint(3, 6)])
    if hostile:
        at = rng.randint(0, len(whole))
        whole = whole[:at] + rng.choice(HOSTILE + [" ", ",", "<", ">", ";", ":", "\"", "\\", "@", "ă", ".", "-", "x" * 60]) + whole[at:]
    return whole


def showable(s):
    return not any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" for c in s)


def good_address(s):
    local, _, domain = s.partition("@")
    return bool(ADDRESS.match(s)) and len(s) <= 254 and len(local) <= 64 and all(len(x) <= 63 for x in domain.split("."))


def decoded(value):
    return str(email.header.make_header(email.header.decode_header(value)))


def check(case, raw):
    assert all(b < 128 for b in raw), "bytes above ASCII"
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r"), "loose CR or LF"
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 998, "a line that is too long"
    assert all(len(line) <= 76 for line in lines if b"=?UTF-8?Q?" in line), "an encoded line that is too long"
    assert not any(line.startswith(b".") for line in lines), "a line that begins with a dot"

    new = email.message_from_bytes(raw, policy=email.policy.SMTP)
    assert new.keys() == HEADERS, new.keys()
    assert not new.defects, new.defects
    assert len(new["To"].addresses) == 1 and new["To"].addresses[0].addr_spec == case["to"], new["To"]
    assert len(new["From"].addresses) == 1 and new["From"].addresses[0].addr_spec == case["from"], new["From"]
    assert new["Auto-Submitted"] == "auto-generated" and new["Message-ID"].startswith(f"<mokhoa.{case['id']}.")

    old = email.message_from_bytes(raw)
    assert [a for _, a in email.utils.getaddresses(old.get_all("To"))] == [case["to"]], old["To"]
    name = old["From"].rsplit("\n", 1)[0].strip()
    assert decoded(name) == case["from_name"], (decoded(name), case["from_name"])
    assert decoded(old["Subject"]) == case["subject"], (decoded(old["Subject"]), case["subject"])

    plain, html = new.get_payload()
    want = case["text"].replace("\n", "\r\n").encode()
    assert plain.get_content_type() == "text/plain" and html.get_content_type() == "text/html"
    got = plain.get_payload(decode=True)
    # the parser counts the last line end to the boundary, and an empty body ends no line
    assert got.rstrip(b"\r\n") == want.rstrip(b"\r\n"), (got, want)
    page = html.get_payload(decode=True).decode()
    assert "<script" not in page and "href" not in page and "src=" not in page.replace("&quot;", "")


def main():
    count = int(sys.argv[2])
    cases = []
    for n in range(count):
        hostile = rng.choice(["", "", "from_name", "to", "to", "subject"])
        case = {"id": n, "from": "no-reply@ca.example.vn", "from_name": text(6, hostile == "from_name"), "to": address(hostile == "to"),
                "subject": text(12, hostile == "subject"), "text": "\n".join(text(8, rng.random() < 0.1) for _ in range(rng.randint(0, 5)))}
        # C ends a text with its first NUL, and JSON texts with one are not loaded
        cases.append({k: v.replace("\x00", "\x01") if isinstance(v, str) else v for k, v in case.items()})

    run = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    built = refused = 0
    for case in cases:
        run.stdin.write(json.dumps(case).encode() + b"\n")
        run.stdin.flush()
        error, size = run.stdout.readline().split()
        raw = run.stdout.read(int(size))
        want = b"ok"
        if not good_address(case["to"]):
            want = b"mail_address"
        elif not showable(case["from_name"]) or not showable(case["subject"]):
            want = b"invalid_params"
        assert error == want, (error, want, case)
        if error == b"ok":
            try:
                check(case, raw)
            except AssertionError:
                print(case, raw.decode("latin-1"), sep="\n")
                raise
            built += 1
        else:
            refused += 1
    run.stdin.close()
    assert run.wait() == 0
    assert built > count // 3 and refused > count // 3, (built, refused)
    print(f"{built} mails read by both parsers, {refused} refused")


if __name__ == "__main__":
    main()
