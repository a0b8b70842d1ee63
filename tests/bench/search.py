#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""search.py MOKHOA-TMS ROWS [sqlite|postgresql]: the desk's list over ROWS requests of one year, in SQLite and in PostgreSQL, each filter alone and in the usual pairs, and the report of
that year, as an HTTP client on the server's own socket gets its answers. One JSON object a line (run.sh says what it has)."""
import http.client
import json
import os
import pathlib
import random
import secrets
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("protocol", "postgres", "check")]

import server as postgres
import test_tms_wire as wire

GOAL_MS = 50
ASKED = 200
REPORT_GOAL_MS = 2000
REPORTS = 20
DAY = 86400
YEAR = 365 * DAY
BATCH = 50000

# as they are written, and as they are found
FAMILY = [("Nguyễn", "nguyen"), ("Trần", "tran"), ("Lê", "le"), ("Phạm", "pham"), ("Hoàng", "hoang"), ("Vũ", "vu"), ("Đặng", "dang"), ("Bùi", "bui"), ("Đỗ", "do"), ("Hồ", "ho")]
MIDDLE = [("Văn", "van"), ("Thị", "thi"), ("Hữu", "huu"), ("Đức", "duc"), ("Minh", "minh"), ("Ngọc", "ngoc"), ("Quang", "quang"), ("Thanh", "thanh")]
GIVEN = [("An", "an"), ("Bình", "binh"), ("Cường", "cuong"), ("Dũng", "dung"), ("Hà", "ha"), ("Hùng", "hung"), ("Lan", "lan"), ("Mai", "mai"), ("Nam", "nam"), ("Phúc", "phuc"),
         ("Sơn", "son"), ("Trang", "trang"), ("Tuấn", "tuan"), ("Vy", "vy"), ("Yến", "yen"), ("Khang", "khang"), ("Đạt", "dat"), ("Ước", "uoc")]
COMPANY = [("CÔNG TY TNHH", "cong ty tnhh"), ("CÔNG TY CỔ PHẦN", "cong ty co phan"), ("DOANH NGHIỆP TƯ NHÂN", "doanh nghiep tu nhan")]
TRADE = [("XÂY DỰNG", "xay dung"), ("VẬN TẢI", "van tai"), ("DƯỢC PHẨM", "duoc pham"), ("THƯƠNG MẠI", "thuong mai"), ("CÔNG NGHỆ", "cong nghe"), ("THỦY SẢN", "thuy san")]
KINDS = [("CardContact", "SmartCard-HSM"), ("Feitian", "ePass2003"), ("Longmai", "mToken K5")]
AGENCIES = [""] * 40 + [f"dai-ly-{n}" for n in range(40)]
DECIDED = ("approved", "released", "completed", "refused", "failed", "unknown", "locked_out")
STATES = ["completed"] * 780 + ["refused"] * 80 + ["expired"] * 80 + ["cancelled"] * 40 + ["failed"] * 10 + ["unknown"] * 5 + ["locked_out"] * 5


def one_of(random_, *lists):
    chosen = [random_.choice(words) for words in lists]
    return " ".join(c[0] for c in chosen), " ".join(c[1] for c in chosen)


def row_of(n, rows, now, random_):
    """The values of a request and its words."""
    if random_.random() < 0.6:
        name, found = one_of(random_, COMPANY, TRADE, FAMILY, GIVEN)
    else:
        name, found = one_of(random_, FAMILY, MIDDLE, GIVEN)
    created = now - YEAR + YEAR * n // rows
    # the newest are still open
    state = random_.choice(["pending"] * 6 + ["approved", "released"]) if n > rows - 300 else random_.choice(STATES)
    email = f"{found.split()[-1]}{n}@khach{random_.randrange(2000)}.example"
    serial = f"VN{random_.randrange(10 ** 8):08d}{n % 100:02d}"
    certificate = f"{random_.getrandbits(120):030X}"
    words = "".join(" c" + word for word in found.split()) + "".join(" e" + word for word in email.replace("@", ".").split(".")) + f" s{serial.lower()} n{certificate.lower()}"
    # most within the hour, some on the next day
    decided = created + int(min(random_.expovariate(1 / 2400), 2 * DAY)) if state in DECIDED else 0
    return (n, random_.randbytes(16), random_.randbytes(32), *random_.choice(KINDS), serial, certificate, name, email, state, random_.choice(AGENCIES), decided, created), words, found


COLUMNS = ("number, id, create_hash, manufacturer, model, serial, certificate_serial, customer, email, state, agency, decided, created, changed, expires, certificate, reason, language,"
           " host_kem_pk, host_sig_pk, address, identified")
CERTIFICATE = os.urandom(1200)
KEY = os.urandom(65)


def whole(values):
    created = values[-1]
    return (*values, created, created + 7 * DAY, CERTIFICATE, "locked", "vi", KEY, KEY[:32], "192.0.2.1", 1)


class Filled:
    """What both databases are filled with, and what is asked of it."""

    def __init__(self, rows, now):
        self.rows, self.now = rows, now
        self.random = random.Random(20261130)
        self.samples = []

    def batches(self):
        source = random.Random(1)
        for begin in range(1, self.rows + 1, BATCH):
            batch = [row_of(n, self.rows, self.now, source) for n in range(begin, min(begin + BATCH, self.rows + 1))]
            if len(self.samples) < 20000:
                self.samples += [(values, found) for values, _, found in self.random.sample(batch, min(len(batch), 1000))]
            yield batch

    def queries(self):
        """Name: a function that makes the query of one call."""
        r, some = self.random, lambda: self.random.choice(self.samples)

        def day(length):
            begin = self.now - r.randrange(length, YEAR)
            return {"from": begin, "to": begin + length}

        def customer():
            return {"customer": some()[1]}

        def state():
            return {"state": r.choice(["completed", "refused", "expired", "cancelled", "failed", "pending"])}

        return {
            "none": dict,
            "before": lambda: {"before": r.randrange(2, self.rows)},
            "state": state,
            "dates": lambda: day(r.choice([DAY, 30 * DAY])),
            "email": lambda: {"email": some()[0][8]},
            "domain": lambda: {"email": some()[0][8].split("@")[1]},
            "token_serial": lambda: {"token_serial": some()[0][5]},
            "serial-begins": lambda: {"token_serial": some()[0][5][:6]},
            "certificate_serial": lambda: {"certificate_serial": some()[0][6]},
            "customer": customer,
            "customer-word": lambda: {"customer": r.choice(some()[1].split())},
            "customer-cut": lambda: {"customer": some()[1][:-1]},
            "customer-nobody": lambda: {"customer": some()[1] + " khongco"},
            "state+customer": lambda: state() | customer(),
            "state+dates": lambda: state() | day(30 * DAY),
            "customer+dates": lambda: customer() | day(30 * DAY),
            "state+email": lambda: state() | {"email": some()[0][8]},
            "customer+email": lambda: (lambda s: {"customer": s[1], "email": s[0][8].split("@")[0]})(some()),
        }


# ---- the databases ----

def fill_sqlite(path, filled):
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute("PRAGMA synchronous = OFF")
        for batch in filled.batches():
            db.execute("BEGIN")
            db.executemany(f"INSERT INTO request ({COLUMNS}) VALUES ({', '.join('?' * 22)})", (whole(values) for values, _, _ in batch))
            db.executemany("INSERT INTO request_search (number, words) VALUES (?, ?)", ((values[0], words) for values, words, _ in batch))
            # as row_search.c does it
            db.execute("INSERT INTO request_index (rowid, words) SELECT number, replace(words, ' ', ' ' || (number >> 17)) FROM request_search WHERE number BETWEEN ? AND ?",
                       (batch[0][0][0], batch[-1][0][0]))
            db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def text_of(value):
    return "\\\\x" + value.hex() if isinstance(value, bytes) else str(value)


def psql(url, *arguments, **more):
    return subprocess.run([postgres.programs() / "psql", url, "-AtqX", "-v", "ON_ERROR_STOP=1", *arguments], check=True, text=True, **more)


def copy(url, table, columns, rows):
    with subprocess.Popen([postgres.programs() / "psql", url, "-qX", "-c", f"COPY {table} ({columns}) FROM STDIN"], stdin=subprocess.PIPE, text=True) as process:
        for row in rows:
            process.stdin.write("\t".join(map(text_of, row)) + "\n")
    if process.returncode:
        raise RuntimeError("COPY failed")


def fill_postgresql(url, filled):
    index = psql(url, "-c", "SELECT pg_get_indexdef('request_index'::regclass)", stdout=subprocess.PIPE).stdout.strip()
    psql(url, "-c", "DROP INDEX request_index")
    for batch in filled.batches():
        copy(url, "request", COLUMNS, (whole(values) for values, _, _ in batch))
        copy(url, "request_search", "number, words", ((values[0], words) for values, words, _ in batch))
    psql(url, "-c", index, "-c", "VACUUM ANALYZE",
         "-c", f"SELECT setval(pg_get_serial_sequence('request', 'number'), {filled.rows})", stdout=subprocess.DEVNULL)


# ---- the client ----

class Client:
    def __init__(self, server):
        self.connection = http.client.HTTPConnection("localhost", timeout=120)
        self.connection.sock = socket.socket(socket.AF_UNIX)
        self.connection.sock.connect(server.admin)
        self.headers = {"X-Client-Certificate": urllib.parse.quote(server.certificates["approver"], safe="")}

    def timed(self, path, want):
        """(milliseconds, the answer's bytes)"""
        begin = time.perf_counter()
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - begin) * 1000
        if answer.status != want:
            raise RuntimeError(f"{path}: {answer.status} {body[:200]}")
        return took, body

    def milliseconds(self, path, want):
        return self.timed(path, want)[0]


def p99(values):
    return sorted(values)[max(0, -(-len(values) * 99 // 100) - 1)]


def row(name, database, rows, values, bare, goal):
    """Says it; whether the goal is met."""
    value = p99(values)
    print(json.dumps({"name": f"tms-search-{name}", "database": database, "rows": rows, "value": round(value, 2), "unit": "ms p99", "median": round(sorted(values)[len(values) // 2], 2),
                      "against": round(bare, 2), "ratio": round(value / bare, 1), "n": len(values), "spread": None, "goal": goal, "met": value <= goal}), flush=True)
    return value <= goal


def measure_report(client, filled):
    """The year as the console's page asks for it. Every request must be counted in it, else something else was measured."""
    path = "/v1/admin/report?" + urllib.parse.urlencode({"from": filled.now - YEAR, "to": filled.now + DAY})
    values = []
    for _ in range(REPORTS):
        took, body = client.timed(path, 200)
        said = json.loads(body)
        if sum(said["states"].values()) != filled.rows or sum(sum(group["states"].values()) for group in said["agencies"]) != filled.rows or said["approval"]["count"] == 0:
            raise RuntimeError(f"{path}: not all of {filled.rows} requests are in it: {said['states']}")
        values.append(took)
    return values


def measure(database, rows, server, filled):
    client = Client(server)
    bare = p99([client.milliseconds("/v1/nothing", 404) for _ in range(ASKED)])
    met = True
    for name, make in filled.queries().items():
        paths = ["/v1/admin/requests?" + urllib.parse.urlencode({"limit": 50} | make()) for _ in range(ASKED)]
        met &= row(name, database, rows, [client.milliseconds(path, 200) for path in paths], bare, GOAL_MS)
    return row("report-year", database, rows, measure_report(client, filled), bare, REPORT_GOAL_MS) and met


class Server(wire.Server):
    def __init__(self, program, folder, url):
        self.url = url
        super().__init__(program, folder)

    def write_files(self):
        super().write_files()
        if self.url:
            self.config.write_text(json.dumps(json.loads(self.config.read_text()) | {"database": self.url}))


def on_sqlite(program, rows, folder):
    filled = Filled(rows, int(time.time()))
    server = Server(program, folder, None)
    fill_sqlite(str(pathlib.Path(folder) / "data" / "tms.sqlite"), filled)
    try:
        return measure("sqlite", rows, server, filled)
    finally:
        server.stop()


def on_postgresql(program, rows, folder):
    filled = Filled(rows, int(time.time()))
    user = postgres.owner()
    place = pathlib.Path(tempfile.mkdtemp(prefix="mokhoa-search-pg."))
    if user is not None:
        os.chown(place, user.pw_uid, user.pw_gid)
    try:
        template = postgres.start_in(place, user, {"shared_buffers": "1GB", "max_wal_size": "8GB", "maintenance_work_mem": "512MB"})
        name = "search_" + secrets.token_hex(4)
        psql(template % "postgres", "-c", f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        server = Server(program, folder, template % name)
        fill_postgresql(template % name, filled)
        try:
            return measure("postgresql", rows, server, filled)
        finally:
            server.stop()
    finally:
        postgres.stop_in(place)


def main():
    program, rows = sys.argv[1], int(sys.argv[2])
    only = sys.argv[3] if len(sys.argv) > 3 else ""
    if postgres.programs() is None:
        postgres.skip("PostgreSQL is not installed (apt install postgresql-15)")
    met = True
    for name, run in (("sqlite", on_sqlite), ("postgresql", on_postgresql)):
        if only in ("", name):
            with tempfile.TemporaryDirectory(prefix="mokhoa-search.") as folder:
                met &= run(program, rows, folder)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
