#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""load.py MOKHOA-TMS SECONDS: the server behind nginx with TLS, as an authority's worst morning: 100 new requests and 100 looks at one a second, and two approvals. Calls are made
when they are due, whatever became of the last one, and timed from when they were due. Then, in the same run, how many answers a second: the notices, which the server reads from
its database, against a constant of the same nginx and against a Node server with a constant of its own. One JSON object a line (run.sh says what it has)."""
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socketserver
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("protocol", "../protocol/reference")]

import reference as ref
import search
import test_tms_wire as wire

GOAL_MS = 500
CREATES = POLLS = 100 # a second
APPROVALS = 2
CLIENTS = 16
CALLS = 20000 # of which the rate is taken
SKIP = 77


def skip(why):
    print(f"load.py: {why}", file=sys.stderr)
    sys.exit(SKIP)


def free_port():
    with socketserver.TCPServer(("127.0.0.1", 0), None) as s:
        return s.server_address[1]


class Mailbox(socketserver.StreamRequestHandler):
    """Takes every mail."""

    def handle(self):
        self.wfile.write(b"220 mail\r\n")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
            self.wfile.write(b"250 ok\r\n" if word != b"QUIT" else b"221 bye\r\n")
            if word == b"QUIT":
                return


class Post(socketserver.ThreadingTCPServer):
    daemon_threads = True


class Server(wire.Server):
    def __init__(self, program, folder, smtp):
        self.smtp = smtp
        super().__init__(program, folder)

    def write_files(self):
        super().write_files()
        said = json.loads(self.config.read_text())
        said["smtp"]["url"] = f"smtp://127.0.0.1:{self.smtp}"
        self.config.write_text(json.dumps(said | {"second_approver": "never"}))


NGINX = """worker_processes 2;
pid @FOLDER@/nginx.pid;
error_log @FOLDER@/nginx.log error;
daemon off;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path @FOLDER@/t1; proxy_temp_path @FOLDER@/t2; fastcgi_temp_path @FOLDER@/t3; uwsgi_temp_path @FOLDER@/t4; scgi_temp_path @FOLDER@/t5;
    keepalive_requests 1000000;
    upstream tms { server unix:@FOLDER@/public.sock; keepalive 32; }
    server {
        listen 127.0.0.1:@PORT@ ssl;
        ssl_certificate @FOLDER@/tls.pem;
        ssl_certificate_key @FOLDER@/tls.key;
        location = /constant { default_type application/json; return 200 '@CONSTANT@'; }
        location / { proxy_pass http://tms; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $remote_addr; }
    }
}
"""
NODE = """const fs = require("fs");
require("https").createServer({ cert: fs.readFileSync(process.argv[1] + "/tls.pem"), key: fs.readFileSync(process.argv[1] + "/tls.key") }, (request, response) => {
  // ab speaks HTTP/1.0, and is kept only where it is told so
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(process.argv[3]), Connection: "keep-alive" });
  response.end(process.argv[3]);
}).listen(Number(process.argv[2]), "127.0.0.1");
"""


def put_on_record(data, lives):
    """The tokens, with a mail address and something in place of a sealed SO PIN, which nobody opens here."""
    now = int(time.time())
    with contextlib.closing(sqlite3.connect(data / "tms.sqlite", timeout=20)) as db, db:
        for life in lives:
            token = db.execute("INSERT INTO token (manufacturer, model, serial, customer, email, certificate_serial, state, life, created)"
                               " VALUES ('M', '', ?, 'Khách', 'khach@example.vn', '', 'verified', 'active', ?)", (life.body["token"]["serial"], now)).lastrowid
            row = db.execute("INSERT INTO escrow (token, version, sealed, created) VALUES (?, 1, zeroblob(145), ?)", (token, now)).lastrowid
            db.execute("UPDATE token SET active = ? WHERE id = ?", (row, token))


class Site:
    """nginx before the server, and beside it Node."""

    def __init__(self, folder, constant):
        self.port, self.node_port = free_port(), free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "tls.key", "-out", folder / "tls.pem"], check=True, capture_output=True)
        conf = folder / "nginx.conf"
        values = {"FOLDER": str(folder), "PORT": str(self.port), "CONSTANT": constant}
        # root's workers may go into the folder
        conf.write_text(("user root;\n" if os.geteuid() == 0 else "") + re.sub("@([A-Z]+)@", lambda m: values[m[1]], NGINX))
        self.processes = [subprocess.Popen(["nginx", "-e", folder / "nginx.log", "-c", conf]),
                          subprocess.Popen([shutil.which("node"), "-e", NODE, str(folder), str(self.node_port), constant])]
        self.tls = ssl.create_default_context(cafile=str(folder / "tls.pem"))
        for port in (self.port, self.node_port):
            self.wait(port)

    def connect(self, port=None):
        return http.client.HTTPSConnection("localhost", port or self.port, timeout=60, context=self.tls)

    def wait(self, port):
        end = time.monotonic() + 20
        while True:
            try:
                self.connect(port).connect()
                return
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def close(self):
        for process in self.processes:
            process.terminate()
            process.wait(20)


class Nobody:
    """Takes the call of a wire.Life and keeps it, so that it can be sent when it is due."""

    def post(self, path, body):
        self.path, self.body = path, json.dumps(body).encode()
        return 0, {}


def make_life(n):
    life = wire.Life(Nobody(), f"LOAD{n:08d}")
    life.made = life.server.body
    return life


class Load:
    def __init__(self, server, site, seconds):
        self.server, self.site, self.seconds = server, site, seconds
        self.mine = threading.local()
        self.took = {"create": [], "poll": [], "approve": []}
        self.errors = []
        self.open = [] # of which a poll takes the oldest, and leaves it behind the others
        self.lock = threading.Lock()
        self.lives = [make_life(n) for n in range(CREATES * seconds)]
        put_on_record(server.folder / "data", self.lives)

    def send(self, kind, due, path, body):
        if not hasattr(self.mine, "connection"):
            self.mine.connection = self.site.connect()
        connection = self.mine.connection
        connection.request("POST", path, body=body, headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        self.took[kind].append((time.monotonic() - due) * 1000)
        if answer.status != 200:
            self.errors.append((kind, answer.status, content[:200]))
        return answer.status, json.loads(content)

    def create(self, due):
        with self.lock:
            life = self.lives.pop()
        status, answer = self.send("create", due, "/v1/requests", life.made)
        if status == 200:
            life.id = ref.unb64(answer["id"])
            with self.lock:
                self.open.append(life)

    def poll(self, due):
        with self.lock:
            if not self.open:
                return
            life = self.open.pop(0)
        life.ask("status") # to Nobody, for the bytes
        self.send("poll", due, life.server.path, life.server.body)
        with self.lock:
            self.open.append(life)

    def approve(self, due):
        with self.lock:
            life = next((one for one in self.open if not getattr(one, "approved", False)), None)
            if life is None:
                return
            life.approved = True
        found = self.server.call(f"/v1/admin/requests?state=unidentified&token_serial={life.body['token']['serial']}&limit=1", "GET", person="approver")
        number = found[1]["requests"][0]["number"]
        said = {"phrase": ref.phrase(life.id, ref.kem_public(life.kem), ref.sig_public(life.sig)), "how": "call_back", "reference": "1"}
        status, answer = self.server.call(f"/v1/admin/requests/{number}/approve", body=json.dumps(said).encode(), person="approver")
        self.took["approve"].append((time.monotonic() - due) * 1000)
        if status != 200:
            self.errors.append(("approve", status, str(answer)[:300]))

    def guarded(self, what, due):
        time.sleep(max(0, due - time.monotonic()))
        try:
            what(due)
        except Exception as error: # a call that has no answer is what is counted here
            self.errors.append((what.__name__, type(error).__name__, str(error)))
            self.mine.__dict__.pop("connection", None)

    def run(self):
        begin = time.monotonic() + 0.5
        kinds = ((CREATES, 0, self.create), (POLLS, 0.005, self.poll), (APPROVALS, 0.25, self.approve))
        due = [(begin + n / rate + part, what) for rate, part, what in kinds for n in range(rate * self.seconds)]
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            for at, what in sorted(due, key=lambda one: one[0]):
                pool.submit(self.guarded, what, at)


def p99(values):
    """Where nothing was answered, no bound holds."""
    if not values:
        return float("inf")
    return search.p99(values)


def rate(port, path):
    """Answers a second, as ab counts them."""
    said = subprocess.run(["ab", "-q", "-k", "-c", str(CLIENTS), "-n", str(CALLS), f"https://localhost:{port}{path}"], check=True, capture_output=True, text=True, timeout=300).stdout
    if not re.search(r"^Failed requests:\s+0$", said, re.M) or "Non-2xx" in said:
        raise RuntimeError(said)
    return float(re.search(r"^Requests per second:\s+([\d.]+)", said, re.M)[1])


def put(name, value, unit, against, ratio, n, goal, met):
    print(json.dumps({"name": name, "value": round(value, 2), "unit": unit, "against": against, "ratio": ratio, "n": n, "spread": None, "goal": goal, "met": met}), flush=True)
    return met


def main():
    program, seconds = sys.argv[1], int(sys.argv[2])
    for needed, package in (("nginx", "nginx-light"), ("ab", "apache2-utils"), ("openssl", "openssl"), ("node", "npm")):
        if shutil.which(needed) is None:
            skip(f"{needed} is missing: apt-get install --no-install-recommends {package}")
    met = True
    with tempfile.TemporaryDirectory(prefix="mokhoa-load.") as place, Post(("127.0.0.1", 0), Mailbox) as post:
        threading.Thread(target=post.serve_forever, daemon=True).start()
        server = Server(program, place, post.server_address[1])
        site = Site(pathlib.Path(place), json.dumps(server.call("/v1/notices", "GET")[1]))
        try:
            load = Load(server, site, seconds)
            load.run()
            for error in load.errors[:5]:
                print("load.py:", *error, file=sys.stderr)
            met &= put("tms-load-errors", len(load.errors), "calls", None, None, sum(map(len, load.took.values())), 0, not load.errors)
            for kind, took in load.took.items():
                met &= put(f"tms-load-{kind}", p99(took), "ms p99", None, None, len(took), GOAL_MS, p99(took) <= GOAL_MS)
            constant, node, notices = rate(site.port, "/constant"), rate(site.node_port, "/"), rate(site.port, "/v1/notices")
            for name, against in (("nginx", constant), ("node", node)):
                put(f"tms-load-against-{name}", notices, "answers/s", against, round(notices / against, 3), CALLS, None, None)
        finally:
            site.close()
            server.stop()
            post.shutdown()
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
