# SPDX-License-Identifier: Apache-2.0
"""Sends every vector of vectors/host.json that the bare world can answer through the real mokhoa-host and compares what comes back.

    sh tests/stage/enter.sh /usr/bin/python3 tests/protocol/test_wire.py BIN

BIN holds mokhoa-host, mokhoa-worker and mock_p11.so. Each vector gets a fresh host, started as a browser starts it. Besides the error or result of the
vector, every answer must be one that host.schema.json takes and carry the id and the channel of its request.
"""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

from contract import HOST_BODY_MAX, Contract, NotJson, Schemas, load_strict, read_texts, sent_bytes

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "check"))

from seen import seen

PROFILES = "/etc/mokhoa/profiles.d"
MODULE = "/etc/mokhoa/module"  # a folder of the stage: the mock with one empty slot, which needs no smart card service
NOBODY = "https://127.0.0.1:9"
DEADLINE = 60


def skip(why):
    print("skipped: " + why)
    sys.exit(1 if os.environ.get("CI") == "true" else 77)


def write_module(mock):
    """Returns its path."""
    os.makedirs(MODULE, exist_ok=True)
    with open(MODULE + "/script", "w", encoding="utf-8") as f:
        f.write("empty 0\n")
    return shutil.copy(mock, MODULE)


def write_profile(vectors, module):
    os.makedirs(PROFILES, exist_ok=True)
    authority = "/etc/mokhoa/ca.pem"
    for path, text in ((authority, ""), (PROFILES + "/vectors.json", json.dumps({
            "tms": NOBODY, "tls_ca": authority, "tms_keys": ["A" * 43], "origins": [vectors["origin"]], "extensions": [vectors["extension"]],
            "modules": [{"name": "mock", "path": module, "environment": {"MOCK_P11": MODULE}}], "prompt": "/usr/bin/false", "hotline": "1800 1000", "languages": ["vi", "en"]}))):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o644)


def framed(vector):
    """The bytes on the host's stdin."""
    frame = vector.get("frame")
    if frame is None:
        data = sent_bytes(vector, "request")
        return struct.pack("=I", len(data)) + data
    if "header" in frame:
        return bytes.fromhex(frame["header"])
    return struct.pack("=I", frame["length"]) + frame["body"].encode()


def answers_of(host, extension, data, home):
    """(every envelope that the host wrote until it ended, its stderr)"""
    environment = {"HOME": home, "PATH": "/usr/bin:/bin", **{k: v for k, v in os.environ.items() if k.startswith(("ASAN_", "UBSAN_", "LSAN_"))}}
    with subprocess.Popen([host, extension], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        found = []
        try:
            # the answer first, then the end of file: a host whose browser has gone owes nobody an answer
            process.stdin.write(data)
            process.stdin.flush()
            if incomplete(data):
                process.stdin.close()
            head = process.stdout.read(4)
            while len(head) == 4:
                found.append(json.loads(process.stdout.read(struct.unpack("=I", head)[0])))
                if not process.stdin.closed:
                    process.stdin.close()
                head = process.stdout.read(4)
        except BrokenPipeError:
            pass
        finally:
            if not process.stdin.closed:
                process.stdin.close()
        return found, process.stderr.read().decode("utf-8", "replace")


def incomplete(data):
    """Whether the host waits for more than these bytes."""
    return len(data) < 4 or len(data) - 4 < struct.unpack("=I", data[:4])[0] <= HOST_BODY_MAX


def readable(vector, schemas):
    """(id, channel) that the answer must carry."""
    data = sent_bytes(vector, "request")
    try:
        value = load_strict(data)
    except NotJson:
        return None, None
    if len(data) > HOST_BODY_MAX or not isinstance(value, dict):
        return None, None
    message = value.get("message")
    number = message.get("id") if isinstance(message, dict) else None
    channel = value.get("channel")
    return number if not schemas.host("id", number) else None, channel if not schemas.host("channel", channel) else None


def differences(vector, answers, schemas):
    if len(answers) != 1:
        yield "%d answers" % len(answers)
        return
    answer = answers[0]
    for error in schemas.host("to_page", answer):
        yield "its answer: %s" % error.message[:200]
    number, channel = readable(vector, schemas)
    message = answer.get("message", {})
    if message.get("id") != number or type(message.get("id")) is not type(number):
        yield "id %r, not %r" % (message.get("id"), number)
    if answer.get("channel") != channel:
        yield "channel %r, not %r" % (answer.get("channel"), channel)
    yield from wrong_reply(vector["reply"], message, vector, schemas)


def wrong_reply(reply, message, vector, schemas):
    name = message.get("error", {}).get("data", {}).get("name")
    if "error" in reply:
        if name != reply["error"]:
            yield "answered %s, not %s" % (name or "a result", reply["error"])
    elif name is not None:
        yield "answered %s, not a result" % name
    elif "result" in reply and message["result"] != reply["result"]:
        yield "the result is %s" % json.dumps(message["result"], ensure_ascii=False)[:300]
    elif "valid" in reply:
        for error in schemas.host(reply["valid"], message["result"]):
            yield "its result: %s" % error.message[:200]


def main(arguments):
    if len(arguments) != 1:
        print(__doc__)
        return 2
    if os.environ.get("MOKHOA_STAGE") != "1" or os.geteuid() != 0:
        skip("needs root on a stage of its own: sh tests/stage/enter.sh, because the host trusts only profiles of root")
    mock = os.path.join(arguments[0], "mock_p11.so")
    if not os.path.exists(mock):
        skip("no %s: it is built with the tests" % mock)
    contract = Contract(read_texts())
    schemas = Schemas(contract)
    vectors = contract.vectors["host"]
    host = os.path.join(arguments[0], "mokhoa-host")
    write_profile(vectors, write_module(mock))
    sent = failed = 0
    for vector in vectors["vectors"]:
        if vector["given"] != "bare":
            continue
        sent += 1
        with tempfile.TemporaryDirectory() as home:
            found, log = answers_of(host, vectors["extension"], framed(vector), home)
        wrong = list(differences(vector, found, schemas))
        if "Sanitizer" in log or "runtime error" in log:
            wrong.append("the host says: " + log[-2000:])
        for line in wrong:
            print("%s: %s" % (vector["name"], line))
        failed += bool(wrong)
        if not wrong and "error" in vector["reply"]:
            seen(vector["reply"]["error"], "protocol-wire: " + vector["name"])
    print("%d vectors through %s, %d with another answer" % (sent, host, failed))
    return 1 if failed or sent == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
