#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What strangers run against a server before they read anything of it: sqlmap, testssl.sh and slowhttptest, against nginx and mokhoa-tms on a stage. By hand;
README.md says what they found.

Usage: tools.py [sqlmap|testssl|slowhttptest...]      MOKHOA_BIN is the folder of the programs. Enters a stage by itself; 77 where a tool is missing.
                                                      What the tools said is in MOKHOA_TOOLS (build/artifacts/tools).

One JSON object a tool: what was tried, and the findings, which are none where it ends with 0.
"""
import collections
import concurrent.futures
import http.client
import http.server
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

import machine
from machine import Machine, Stage

SAID = os.path.abspath(os.environ.get("MOKHOA_TOOLS", os.path.join(machine.TESTS, "..", "build", "artifacts", "tools")))
NEIGHBOUR = "127.0.0.2"  # a customer who is at another address than the attack
NEIGHBOUR_S = 2.0  # what he waits at most
MANY = 1000000

# What testssl.sh says and is not mended; README.md has the reason of each
KNOWN = {"engine_problem", "cipher_order", "cert_chain_of_trust", "cert_expirationStatus", "cert_notAfter", "cert_revocation", "DNS_CAArecord"}


def run(name, command, limit=1500, **more):
    """The tool's words, which are kept as well."""
    with open(os.path.join(SAID, name + ".log"), "w+", encoding="utf-8", errors="replace") as log:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, timeout=limit, check=False, **more)
        log.seek(0)
        return log.read()


def say(name, findings, **figures):
    print(json.dumps({"name": name, **figures, "findings": findings}, ensure_ascii=False), flush=True)
    return not findings


def answers(stage):
    """How often nginx gave each status."""
    with open(f"{stage.dir}/nginx/access.log", encoding="utf-8", errors="replace") as f:
        return collections.Counter(found.group(1) for found in (re.search(r'" (\d{3}) \d+ "', line) for line in f) if found)


def log_of_server(stage):
    with open(f"{stage.dir}/serve.log", encoding="utf-8", errors="replace") as f:
        return [line.strip() for line in f if "runtime error" in line or "Sanitizer" in line or "sqlite" in line.lower() and "error" in line.lower()]


# ---- sqlmap ----

class Person(http.server.BaseHTTPRequestHandler):
    """The desk for a tool that has no client certificate of its own: passes a GET on to nginx as an approver's."""
    protocol_version = "HTTP/1.1"
    context = port = None

    def do_GET(self):
        try:
            desk = http.client.HTTPSConnection("localhost", self.port, timeout=60, context=self.context)
            desk.request("GET", self.path)
            answer = desk.getresponse()
            body = answer.read()
            desk.close()
        except (OSError, ValueError, http.client.HTTPException):
            self.send_error(418)
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def person(stage):
    Person.port = stage.admin
    Person.context = ssl.create_default_context(cafile=f"{stage.dir}/pki/tls-ca.pem")
    Person.context.load_cert_chain(f"{stage.dir}/pki/an.pem", f"{stage.dir}/pki/an.key")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Person)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def sqlmap(stage):
    """Every parameter of the desk's lists, numbers in paths, and every member of a customer's calls. A finding is what it takes for injectable, any answer of 5xx, and a row of a token that changed."""
    stage.configure(limits={"person_per_minute": MANY, "address_per_minute": MANY})
    one = Machine(stage).create()
    before = [row for row in machine.dump(stage.dir) if row[0] == "token"]
    server = person(stage)
    desk, public = f"http://127.0.0.1:{server.server_address[1]}/v1/admin", f"https://localhost:{stage.public}/v1"
    # whole but for the signature, which nobody has made
    b64, unsigned = machine.ref.b64, machine.ref.b64(bytes(64))
    body = {"token": one.token, "certificate": b64(one.certificate), "reason": "locked", "language": "vi", "host_kem_pk": b64(machine.ref.kem_public(one.kem)),
            "host_sig_pk": b64(machine.ref.sig_public(one.sig)), "idempotency_key": b64(os.urandom(16)), "signature": unsigned}
    # a star is where it puts its own, in what is no parameter by itself
    lists = {"requests": "state=pending&limit=20&before=99", "tokens": "life=active&state=unverified&limit=20"}
    words = {"customer": "Uoc", "email": one.address, "token_serial": one.token["serial"], "certificate_serial": "0a1b"}
    targets = {f"{name}-{key}": [f"{desk}/{name}?{key}={word}&{more}"] for name, more in lists.items() for key, word in words.items() if (name, key) != ("tokens", "certificate_serial")}
    targets |= {"tokens-after": [f"{desk}/tokens?order=serial&after=0"],
               "report": [f"{desk}/report?from=1790000000&to=1790600000"], "request": [f"{desk}/requests/1*"], "token": [f"{desk}/tokens/1*"],
               "create": [f"{public}/requests", "--method=POST", f"--data={json.dumps(body)}"],
               "status": [f"{public}/requests/{b64(one.id)}*/status", "--method=POST", f"--data={json.dumps({'counter': 1, 'signature': unsigned})}"]}
    findings, tried = [], 0
    start = answers(stage)
    for name, target in targets.items():
        if "?" in target[0]:
            with urllib.request.urlopen(target[0], context=Person.context) as right:  # what is refused as it stands reaches no database
                assert right.status == 200, name
        said = run(f"sqlmap-{name}", ["sqlmap", "--batch", "--disable-coloring", "--flush-session", f"--output-dir={stage.dir}/sqlmap", "--level=2", "--risk=2", "--technique=BEUS", "--dbms=SQLite",
                                      "--ignore-code=*", "--threads=4", "--skip-waf", "--headers=Content-Type: application/json", "-u", *target])
        tried += len(re.findall(r"parameter '[^']+' (?:does not seem to be injectable|appears to be|is vulnerable)|is not injectable|does not seem to be injectable", said))
        findings += [f"{name}: {line}" for line in re.findall(r".*(?:is vulnerable|appears to be '[^']*' injectable|unhandled exception|unable to connect).*", said)]
        if "injectable" not in said:
            findings.append(f"{name}: nothing was tried")
    server.shutdown()
    count = answers(stage) - start
    findings += [f"{n} answers {status}" for status, n in count.items() if status[0] == "5"] + log_of_server(stage)
    if before != [row for row in machine.dump(stage.dir) if row[0] == "token"]:
        findings.append("a token was changed")
    return say("sqlmap", findings, targets=len(targets), parameters=tried, calls=dict(count))


# ---- testssl.sh ----

def testssl(stage):
    """Both doors. A finding is what it gives a severity from LOW on and is not KNOWN."""
    findings, tests = [], 0
    for door, port in (("customers", stage.public), ("desk", stage.admin)):
        path = os.path.join(SAID, f"testssl-{door}.json")
        if os.path.exists(path):
            os.remove(path)
        run(f"testssl-{door}", ["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--ip", "127.0.0.1", "--jsonfile", path, f"localhost:{port}"])
        with open(path, encoding="utf-8") as f:
            rows = json.load(f)
        tests += len(rows)
        findings += [f"{door}: {row['severity']} {row['id']}: {row['finding']}" for row in rows
                     if row["severity"] not in ("OK", "INFO", "DEBUG") and row["id"] not in KNOWN]
        if len(rows) < 100:
            findings.append(f"{door}: it looked at {len(rows)} things alone")
    return say("testssl", findings, tests=tests)


# ---- slowhttptest ----

SLOW = {"headers": ["-H", "-i", "5"], "body": ["-B", "-i", "5", "-s", "16000"], "reading": ["-X", "-w", "1", "-y", "5", "-n", "5", "-z", "1", "-k", "3"]}


def slowhttptest(stage):
    """150 connections that dawdle, of the 256 that the stage's nginx has: a customer at another address goes on, and the connections end."""
    findings, figures = [], {}
    for name, options in SLOW.items():
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            path = "config.json" if name == "reading" else "v1/requests"
            attack = pool.submit(run, f"slowhttptest-{name}", ["slowhttptest", "-c", "150", "-r", "50", "-l", "45", "-p", "3", *options, "-u", f"https://localhost:{stage.public}/{path}"])
            waited = []
            while not attack.done():
                begun = time.monotonic()
                try:
                    status = stage.curl(stage.public, "v1/notices", "--interface", NEIGHBOUR)[0]
                except RuntimeError as cause:
                    status = str(cause)
                waited.append(time.monotonic() - begun)
                if status != 200 or waited[-1] > NEIGHBOUR_S:
                    findings.append(f"{name}: a neighbour was answered {status} after {waited[-1]:.1f} s")
                time.sleep(0.5)
            said = re.sub(r"\x1b\[[0-9;]*m", "", attack.result())
        closed = [int(n) for n in re.findall(r"closed:\s+(\d+)", said)]
        figures[name] = {"neighbour": len(waited), "longest_s": round(max(waited), 2), "closed": max(closed, default=0)}
        if len(waited) < 10 or not closed:
            findings.append(f"{name}: it did not run")
    return say("slowhttptest", findings + log_of_server(stage), **figures)


TOOLS = {"sqlmap": sqlmap, "testssl": testssl, "slowhttptest": slowhttptest}


def main(names):
    missing = [name for name in names if name not in TOOLS or not shutil.which(name)]
    if missing:
        print("not here (apt-get install sqlmap testssl.sh slowhttptest): " + " ".join(missing))
        return 77
    os.makedirs(SAID, exist_ok=True)
    stage = Stage()
    try:
        return 0 if all([TOOLS[name](stage) for name in names]) else 1
    finally:
        stage.close()


if __name__ == "__main__":
    machine.enter_stage()
    sys.exit(main(sys.argv[1:] or list(TOOLS)))
