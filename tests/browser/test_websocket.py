#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The way without an extension in real browsers: the whole flow over ws://127.0.0.1, and what a page's own policy and names of others do to it, each with its screen.

Usage: test_websocket.py chromium|firefox [-v] [TEST...]      MOKHOA_BIN is the folder of the programs, MOKHOA_NODE_MODULES where npm's packages go.
Enters a stage, and a network of its own, by itself. Prints a row for each cell: what was brought about, the screen, and the seconds after the page was loaded.
"""
import sys
import unittest

import browser
import direct
import portal
import test_flow
from direct import Place


class WebSocket(direct.Direct):
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
        self.cell("upgrade-insecure-requests, localhost", "insert")

    def test_upgraded(self):
        """Firefox makes wss: of what a page with a name asks of 127.0.0.1, and spares localhost alone."""
        self.world.sh('pki_new_key "$DIR/pki/named.key" ec; pki_sign "$DIR" named tls-ca "/CN=portal.test" "subjectAltName=DNS:portal.test"')
        named = direct.Copy(self.world.pki, "portal.test", "named")
        self.addCleanup(named.close)
        if self.browser_name == "firefox":
            self.come(prefs={"network.dns.localDomains": "portal.test"})
        else:
            self.come(args=["--host-resolver-rules=MAP portal.test 127.0.0.1"])
        self.serve(named.origin)
        place = Place(named.origin + "/?lang=vi")
        self.cell("a page with a name", "insert", place=place)
        named.set(more="; upgrade-insecure-requests")
        self.cell("upgrade-insecure-requests, a name", *(("problem", "websocket_upgraded") if self.browser_name == "firefox" else ("insert",)), place=place)

    def test_cookies(self):
        """Another program on this computer has set cookies, which know no ports: with them the head would be longer than the gate takes. They stay where they are."""
        plain = browser.Site()
        self.addCleanup(plain.close)
        self.come()
        self.customer.browser.open("cookies", plain.address + "/")
        kept = self.customer.browser.run("""
            for (const [i, more] of ["", "; SameSite=Lax", "; SameSite=None; Secure", "; SameSite=Strict"].entries())
                document.cookie = `c${i}=${"x".repeat(3000)}; path=/; max-age=9999${more}`;
            return document.cookie.length;""", page="cookies")
        self.assertGreater(kept, 2 * 3000)
        self.cell("9 KB of cookies of 127.0.0.1", "insert")

    # ---- names that lead to this machine ----

    @unittest.skipUnless(sys.argv[1:2] == ["chromium"], "names are led astray by Chromium's own switch")
    def test_rebinding(self):
        """20 times under a name that resolves to 127.0.0.1, from a page whose own origin may call: the name is what betrays it."""
        plain = browser.Site()
        self.addCleanup(plain.close)
        self.come(args=["--host-resolver-rules=MAP *.rebound.test 127.0.0.1"])
        self.serve(plain.portal)
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
    direct.main(__doc__)
