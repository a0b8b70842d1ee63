# SPDX-License-Identifier: Apache-2.0
"""What the tests of the way without an extension share: a customer without one, mokhoa-websocket in his session, pages whose headers and frames a test
chooses, and a row for each thing that a browser puts in that way.
"""
import http.server
import json
import os
import ssl
import sys
import threading
import time

import browser
import portal
import world

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "stage"))

import websocket  # noqa: E402

SCREEN_SECONDS = 10  # a person waits two minutes at most where nobody answers (DECISION of the SDK): far below that
SERVER = os.path.join(world.BIN, "mokhoa-websocket")
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{ws}; frame-src *; require-trusted-types-for 'script'; trusted-types 'none'"
WS = "".join(f" ws://127.0.0.1:{port}" for port in websocket.PORTS)
KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "json": "application/json", "svg": "image/svg+xml"}


def read(*path):
    """A file of the portal's; None where there is none."""
    name = os.path.join(browser.ROOT, "portal", *path)
    if not os.path.isfile(name):
        return None
    with open(name, "rb") as f:
        return f.read()


class Copy:
    """The portal's own files, or an agency's page around the portal, with headers that a test chooses. nginx's say neither. host: what its address calls it."""

    def __init__(self, pki, host="localhost", certificate="tls"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{pki}/{certificate}.pem", f"{pki}/{certificate}.key")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.origin = f"https://{host}:{self.port}"
        self.set()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def set(self, ws=WS, more="", frame=None, tag=None, permissions=None):
        """frame: what /frame has in it and what it allows that; tag: the portal and the agency of /agency, and whether its tag allows the frame anything."""
        self.policy, self.frame, self.tag, self.permissions = POLICY.format(ws=ws) + more, frame, tag, permissions

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def file(self, path):
        if path == "/config.json":
            return json.dumps({"authority": "A", "hotline": "1900 0000", "language": "vi", "extensions": [], "websocket": True, "install": "",
                               "portal": self.origin}).encode()
        if path == "/frame":
            return f'<!doctype html><title>agency</title><iframe src="{self.frame[0]}/?lang=vi" allow="{self.frame[1]}"></iframe>'.encode()
        if path == "/agency":
            return read("embed", "demo", "index.html").replace(b"@PORTAL@/sdk/embed.js", b"/embed.js").replace(b"@PORTAL@", self.tag[0].encode()).replace(b"@AGENCY@", self.tag[1].encode())
        if path == "/embed.js":
            return read("sdk", "embed.js") if self.tag[2] else read("sdk", "embed.js").replace(b"frame.allow = ALLOW;", b"")
        parts = (path if path != "/" else "/index.html").strip("/").split("/")
        if ".." in parts:
            return None
        if parts[0] in ("sdk", "style"):
            return read(*parts)
        return read("customer", *parts) or read("embed", "demo", *parts)

    def handler(copy):  # noqa: N805 (self is the handler's)
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802 (the library's name)
                path = self.path.split("?")[0]
                body = copy.file(path)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Type", KINDS.get(path.rsplit(".", 1)[-1], "text/html") + "; charset=utf-8")
                self.send_header("Content-Security-Policy", copy.policy)
                if copy.permissions:
                    self.send_header("Permissions-Policy", copy.permissions)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body or b"")

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_):
                pass
        return Handler


class Place:
    """The copy by itself, or in a frame of another one."""

    def __init__(self, url, frame=None):
        self.address, self.frame = url, frame

    def url(self, _language):
        return self.address


class Direct(portal.PortalTest):
    rows = []
    stage = {"TMS_WEBSOCKET": "1"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.site, cls.agency = Copy(cls.world.pki), Copy(cls.world.pki)

    @classmethod
    def tearDownClass(cls):
        cls.site.close()
        cls.agency.close()
        super().tearDownClass()
        print(f"\n{cls.browser_name + ' over WebSocket':44} {'screen':10} {'code':22} seconds", file=sys.stderr)
        for row in cls.rows:
            print("{:44} {:10} {:22} {:.1f}".format(*row), file=sys.stderr)

    def setUp(self):
        super().setUp()
        self.server = None
        self.site.set()
        self.agency.set()

    def tearDown(self):
        super().tearDown()
        if self.server:
            self.server.close()

    def come(self, place=None, **options):
        """A customer without an extension, and the program in his session."""
        customer = super().new_customer(place=place, extension=False, **options)
        self.serve(self.world.portal, self.site.origin)
        return customer

    def serve(self, *origins):
        """The program, for pages of these origins."""
        if self.server:
            self.server.close()
        self.world.profile(origins=list(origins))
        self.server = websocket.Server(SERVER, self.world.client_env)

    def new_customer(self, **options):
        return self.come(**options)

    def cell(self, what, name, code="", place=None):
        """The page ends in this screen, and soon."""
        self.customer.place = place or Place(self.site.origin + "/?lang=vi")
        self.customer.arrive()
        return self.ends(what, name, code, time.monotonic())

    def ends(self, what, name, code, began):
        seen = self.customer.sees(name)
        took = time.monotonic() - began
        self.rows.append((what, name, code, took))
        self.assertIn(code, seen["text"])
        # on a machine that has more to do than it has processors everything takes longer by that much
        self.assertLess(took, SCREEN_SECONDS * max(1, os.getloadavg()[0] / os.cpu_count()), what)
        if code:
            self.assertIn("1900 0000", seen["text"])
        return seen

    def passed(self):
        return self.server.text().count(" passed")


def main(doc):
    """As portal.main(), in a network where the three ports are free."""
    if os.environ.get("MOKHOA_STAGE") == "1":
        websocket.own_network()
    portal.main(doc)
