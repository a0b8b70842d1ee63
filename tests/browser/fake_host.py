#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A host that is not well: fake_host.py MODE [browser's arguments...]

crash   ends when it is asked something        mute    reads, and never answers
noise   says what is no frame                  old     speaks protocol 0 and knows hello only
broken  answers a frame that is not JSON, then as mute
"""
import json
import struct
import sys


def frames():
    while len(head := sys.stdin.buffer.read(4)) == 4:
        yield json.loads(sys.stdin.buffer.read(struct.unpack("=I", head)[0]))


def write(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def answer(envelope, **body):
    text = json.dumps({"channel": envelope["channel"], "message": {"jsonrpc": "2.0", "id": envelope["message"]["id"], **body}}).encode()
    write(struct.pack("=I", len(text)) + text)


def main(mode):
    for envelope in frames():
        if mode == "crash":
            return 3
        if mode == "noise":
            write(b"loading driver...\n")
        elif mode == "broken":
            write(struct.pack("=I", 3) + b"{x}")
        elif mode == "old" and envelope["message"]["method"] == "hello":
            answer(envelope, result={"name": "mokhoa", "version": "0.0.1", "protocol": 0, "capabilities": ["hello"]})
        elif mode == "old":
            sentence = {"vi": "Chương trình không có chức năng này.", "en": "The program does not know this function."}
            answer(envelope, error={"code": -32601, "message": sentence["vi"], "data": {"name": "method_not_found", "message": sentence, "hint": sentence}})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
