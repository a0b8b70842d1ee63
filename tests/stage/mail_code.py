#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mail_code.py MAIL-FOLDER ADDRESS: the code in the newest mail to that address that has one, read as a mail reader reads it; status 1 without."""
import email
import email.policy
import os
import re
import sys

CODE = re.compile(r"^\s*([0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z*~$=U])\s*$", re.MULTILINE)


def main(folder, address):
    box = os.path.join(folder, address.lower(), "new")
    for name in sorted(os.listdir(box) if os.path.isdir(box) else [], reverse=True):
        with open(os.path.join(box, name), "rb") as f:
            mail = email.message_from_binary_file(f, policy=email.policy.default)
        part = mail.get_body(("plain",))
        found = CODE.search(part.get_content()) if part else None
        if found:
            print(found.group(1))
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
