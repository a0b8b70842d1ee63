#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The way without an extension in real browsers: the whole flow over ws://127.0.0.1, and everything that a browser puts in its way, each with its screen.

Usage: test_websocket.py chromium|firefox [-v] [TEST...]      MOKHOA_BIN is the folder of the programs, MOKHOA_NODE_MODULES where npm's packages go.
Enters a stage, and a network of its own, by itself. Prints a row for each cell: what was brought about, the screen, and the seconds after the page was loaded.
"""
import http.server
import json
import os
import ssl
import sys
import threading
import time
import unittest

import browser
import portal
import test_flow
import world

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "stage"))

import websocket  # noqa: E402

SCREEN_SECONDS = 3
SERVER = os.path.join(world.BIN, "mokhoa-websocket")
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{ws}; frame-src *; require-trusted-types-for 'script'; trusted-types 'none'"
WS = "".join(f" ws://127.0.0.1:{port}" for port in websocket.PORTS)
KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "json": "application/json", "svg": "image/svg+xml"}


class Copy:
    """The portal's own files with headers that a test chooses: what may be framed and what its policy says. nginx's say neither."""

    def __init__(self, pki):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{pki}/tls.pem", f"{pki}/tls.key")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.origin = f"https://localhost:{self.port}"
        self.set()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def set(self, ws=WS, more="", frame=None):
        self.policy, self.frame = POLICY.format(ws=ws) + more, frame

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def file(self, path):
        if path == "/config.json":
            return json.dumps({"authority": "A", "hotline": "1900 0000", "language": "vi", "extensions": [], "websocket": True, "install": "",
                               "portal": self.origin}).encode()
        if path == "/frame":
            return f'<!doctype html><title>agency</title><iframe src="{self.frame[0]}/?lang=vi" allow="{self.frame[1]}"></iframe>'.encode()
        parts = (path if path != "/" else "/index.html").strip("/").split("/")
        folder = os.path.join(browser.ROOT, "portal", *([] if parts[0] in ("sdk", "style") else ["customer"]))
        name = os.path.join(folder, *parts)
        if ".." in parts or not os.path.isfile(name):
            return None
        with open(name, "rb") as f:
            return f.read()

    def handler(copy):  # noqa: N805 (self is the handler's)
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802 (the library's name)
                path = self.path.split("?")[0]
                body = copy.file(path)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Type", KINDS.get(path.rsplit(".", 1)[-1], "text/html") + "; charset=utf-8")
                self.send_header("Content-Security-Policy", copy.policy)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

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
        self.world.profile(origins=[self.world.portal, self.site.origin])
        self.server = websocket.Server(SERVER, self.world.client_env)
        return customer

    def new_customer(self, **options):
        return self.come(**options)

    def public(self):
        """What has a browser believe that the pages come from the Internet, and that its rule for WebSockets holds there."""
        pages = [f"127.0.0.1:{each.port}" for each in (self.site, self.agency)]
        if self.browser_name == "firefox":
            return {"prefs": {"network.lna.address_space.public.override": ",".join(pages), "network.lna.websocket.enabled": True, "network.lna.enabled": True,
                              "network.lna.blocking": True}}
        return {"args": ["--ip-address-space-overrides=" + ",".join(page + "=public" for page in pages)]}

    def cell(self, what, screen, code="", place=None):
        """The page ends in this screen, and soon."""
        self.customer.place = place or Place(self.site.origin + "/?lang=vi")
        self.customer.arrive()
        began = time.monotonic()
        seen = self.customer.sees(screen)
        took = time.monotonic() - began
        self.rows.append((what, screen, code, took))
        self.assertIn(code, seen["text"])
        self.assertLess(took, SCREEN_SECONDS)
        if code:
            self.assertIn("1900 0000", seen["text"])
        return seen

    def passed(self):
        return self.server.text().count(" passed")

    # ---- the way as it is meant ----

    whole_flow = test_flow.Flow.whole_flow

    def test_whole_flow(self):
        self.whole_flow(portal.Portal(self.world))
        self.assertGreaterEqual(self.passed(), 1)
        self.assertIn(f"origin={self.world.portal} op=unlock ", self.server.text())

    def test_hello_and_token_info(self):
        card = self.world.card()
        self.come()
        self.customer.place = Place(self.site.origin + "/?lang=vi")
        self.customer.arrive()
        heard = self.customer.run("""
            const { Mokhoa, websocketTransport } = await import("/sdk/mokhoa.js");
            const mokhoa = new Mokhoa({ transport: websocketTransport() });
            return [await mokhoa.hello(), await mokhoa.token.info()];""")
        self.assertEqual(heard[0]["transports"], ["websocket"])
        self.assertEqual([(t["serial"], t["pin"]) for t in heard[1]["tokens"]], [(card.serial, "locked")])

    def test_nobody_there(self):
        self.come()
        self.server.close()
        self.cell("nobody listens", "problem", "websocket_missing")

    def test_origin_of_no_profile(self):
        self.come()
        self.cell("an origin of no profile", "problem", "websocket_missing", Place(self.agency.origin + "/?lang=vi"))
        self.assertEqual(self.server.tally()["passed"], 0)

    # ---- what the page's own policy does ----

    def test_policy_of_the_page(self):
        self.come()
        self.site.set(ws="")
        self.cell("connect-src without the ports", "problem", "websocket_csp")
        self.site.set(more="; upgrade-insecure-requests")
        # Firefox spares localhost, which our pages are: what it does to others is played in portal/sdk/tests
        self.cell("upgrade-insecure-requests", "insert")

    # ---- a page from the Internet ----

    def test_public_allowed(self):
        self.come(**self.public())
        self.customer.browser.do("grant", origin=self.site.origin)
        self.cell("public, allowed by the person", "insert")

    @unittest.skipUnless(sys.argv[1:2] == ["chromium"], "Firefox without a window leaves its question open, and a no by preference is not one that pages can read")
    def test_public_denied(self):
        self.come(**self.public())  # without a window it answers its own question with no
        seen = self.cell("public, denied", "problem", "local_network_denied")
        self.assertEqual(seen["heading"], self.customer.texts["problem_browser"])
        tally = self.server.tally()  # a browser may connect before it asks, but says nothing
        self.assertEqual((tally["passed"], tally["handed"]), (0, 0))

    @unittest.skipUnless(sys.argv[1:2] == ["firefox"], "Chromium without a window answers at once")
    def test_public_undecided(self):
        self.come(**self.public())
        self.cell("public, the question is open", "permission")

    def test_public_by_policy(self):
        rules = {"LoopbackNetworkAllowedForUrls": [self.site.origin]} if self.browser_name == "chromium" else \
            {"LocalNetworkAccess": {"Enabled": True, "SkipDomains": ["localhost"]}}
        with browser.policies(self.browser_name, rules):
            self.come(**self.public())
            self.cell("public, granted by policy", "insert")

    def test_public_frames(self):
        """A grant by Playwright goes over the heads of frames; a policy of the machine does not."""
        rules = {"LoopbackNetworkAllowedForUrls": [self.agency.origin, self.site.origin]} if self.browser_name == "chromium" else None
        options = self.public()
        if self.browser_name == "firefox":
            options["prefs"]["permissions.default.loopback-network"] = 1
        place = Place(self.agency.origin + "/frame", self.site.origin)
        with browser.policies(self.browser_name, rules or {}):
            self.come(**options)
            self.agency.set(frame=(self.site.origin, "loopback-network; local-network-access"))
            self.cell("public, frame with allow", "insert", place=place)
            self.agency.set(frame=(self.site.origin, ""))
            self.cell("public, frame without allow", "problem", "local_network_frame", place)

    # ---- names that lead to this machine ----

    @unittest.skipUnless(sys.argv[1:2] == ["chromium"], "names are led astray by Chromium's own switch")
    def test_rebinding(self):
        """20 times under a name that resolves to 127.0.0.1, from a page whose own origin may call: the name is what betrays it."""
        plain = browser.Site()
        self.addCleanup(plain.close)
        self.come(args=["--host-resolver-rules=MAP *.rebound.test 127.0.0.1"])
        self.world.profile(origins=[plain.portal])
        self.server.close()
        self.server = websocket.Server(SERVER, self.world.client_env)
        self.customer.browser.open("customer", plain.portal + "/")
        heard = self.customer.run("""
            const port = %d;
            const open = (url) => new Promise((resolve) => {
                const socket = new WebSocket(url, "mokhoa.1");
                socket.onopen = () => resolve("open");
                socket.onclose = () => resolve("closed");
            });
            const heard = [];
            for (let i = 0; i < 10; i++) {
                heard.push(await open(`ws://a${i}.rebound.test:${port}/mokhoa`));
                heard.push(await fetch(`http://b${i}.rebound.test:${port}/mokhoa`, { method: i %% 2 ? "POST" : "GET", mode: "no-cors" }).then(() => "answered", () => "closed"));
            }
            return [heard, await open(`ws://127.0.0.1:${port}/mokhoa`)];""" % self.server.port)
        self.assertEqual(heard, [["closed"] * 20, "open"])
        text = self.server.text()
        tally = self.server.tally()
        self.rows.append(("20 rebound names", "refused", f"passed {tally['passed'] - 1}", 0))
        self.assertEqual(tally["passed"], 1)
        self.assertGreaterEqual(tally["refused"], 20)
        self.assertGreaterEqual(text.count("refused: host"), 10)


if __name__ == "__main__":
    if os.environ.get("MOKHOA_STAGE") == "1":
        websocket.own_network()
    portal.main(__doc__)
