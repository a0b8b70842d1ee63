#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The extension in real browsers: who may call, what goes wrong and how it is named, what survives, and the whole unlock from a page to the card.

Usage: test_extension.py chromium|firefox [-v] [TEST...]      MOKHOA_BIN is the folder of the programs, MOKHOA_NODE_MODULES where npm's packages go.
Enters a stage by itself.
"""
import os
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

import browser  # noqa: E402
import world  # noqa: E402
from browser import wait_for  # noqa: E402
from world import NEW_PIN, PIN, SO_PIN  # noqa: E402

NAME = sys.argv[1] if len(sys.argv) > 1 else ""
MODULES = os.environ.get("MOKHOA_NODE_MODULES", "")
HOST = os.path.join(world.BIN, "mokhoa-host")
FAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_host.py")
ERROR_KEYS = {"code", "message", "data"}
STAGES = ["prompting", "releasing", "setting_pin", "proving_pin", "granting", "rotating", "proving_rotation", "reporting"]


def only(name):
    return unittest.skipUnless(name == NAME, f"there is no such thing to do in {NAME}")


class Cells(unittest.TestCase):
    """A world without a card in it, one site, one extension; each test a browser of its own."""

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="mokhoa-browser.")
        os.chmod(cls.dir, 0o755)
        cls.world = world.World()
        cls.site = browser.Site()
        cls.made = browser.extension(cls.dir, [cls.site.portal])
        cls.site.set_extension(cls.made["chromium_id"])

    @classmethod
    def tearDownClass(cls):
        cls.site.close()
        cls.world.close()
        shutil.rmtree(cls.dir, ignore_errors=True)

    def setUp(self):
        self.browser = None
        self.world.new_home()
        self.set_profile()
        self.world.person()
        self.folder = os.path.join(self.dir, self.id().rsplit(".", 1)[1])
        self.host = browser.HostScript(os.path.join(self.folder, "host"))
        self.host.use("env", "MOKHOA_LOG=debug", HOST)

    def tearDown(self):
        if self.browser:
            self.browser.close()
        self.world.sh("card_remove $DIR 0", check=False)

    def set_profile(self, **changes):
        self.world.profile(origins=[self.site.portal], extensions=[f"chrome-extension://{self.made['chromium_id']}/", self.made["firefox_id"]], **changes)

    def launch(self, **options):
        self.browser = browser.Browser(NAME, self.folder, MODULES, self.made, self.world.client_env["HOME"], **options)
        self.browser.set_host(self.host.path)
        return self.browser

    def open(self, url=None, page="a", **options):
        """A browser with this page in it."""
        if not self.browser:
            self.launch(**options)
        self.browser.open(page, url or self.site.portal + "/")
        return self.browser

    def answered(self, answer, number=1):
        """It is a result, and that of this id."""
        self.assertIn("result", answer, answer)
        self.assertEqual((answer["jsonrpc"], answer["id"]), ("2.0", number))
        return answer["result"]

    def refused(self, name, answer, number=1):
        """It is this error in the form of the host's own, with a sentence and a remedy in both languages."""
        self.assertIn("error", answer, answer)
        error = answer["error"]
        self.assertEqual((error["data"]["name"], answer["id"]), (name, number))
        self.assertLessEqual(ERROR_KEYS, set(error))
        for text in ("message", "hint"):
            for language in ("vi", "en"):
                self.assertGreater(len(error["data"][text][language]), 5)
        self.assertEqual(error["message"], error["data"]["message"]["vi"])

    def log(self):
        try:
            with open(self.host.log, encoding="utf-8") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    # ---- the way as it is meant ----

    def test_hello_and_token_info(self):
        card = self.world.card()
        b = self.open()
        hello = self.answered(b.call("hello"))
        self.assertEqual((hello["name"], hello["protocol"]), ("mokhoa", 1))
        tokens = self.answered(b.call("token.info"))["tokens"]
        self.assertEqual([(t["serial"], t["pin"]) for t in tokens], [(card.serial, "locked")])
        self.assertEqual(len(self.host.pids()), 1)  # one host for both
        ready = b.run("return mokhoa.connection.heard[0];")
        self.assertEqual((ready["method"], ready["params"]), ("extension.ready", {"version": self.made["version"], "protocol": 1}))

    def test_whole_unlock(self):
        card = self.world.card()
        b = self.open()
        self.open(page="bystander")
        self.answered(b.call("hello", page="bystander"))
        token = self.answered(b.call("token.info"))["tokens"][0]
        request = self.answered(b.call("unlock.request", {"token": {k: token[k] for k in ("manufacturer", "model", "serial")}, "reason": "locked",
                                                          "language": "vi"}))
        row = self.world.row(card)
        self.assertEqual(self.world.approve(row["number"], request["phrase"])[0], 200)
        code = self.world.code(card.email)
        status = self.answered(b.call("unlock.status", {"request": request["request"]}))["requests"]
        self.assertEqual([r["state"] for r in status], ["approved"])
        self.world.person(f"type {code}", f"type {NEW_PIN}")
        result = self.answered(b.call("unlock", {"request": request["request"]}))
        self.assertEqual(result, {"request": request["request"], "state": "completed", "rotated": True, "proof": "verified"})
        self.assertTrue(card.opens_with(NEW_PIN))
        self.assertTrue(card.has_so_pin(card.escrow()[0]))
        self.assertEqual(self.world.row(card)["state"], "completed")
        for what in (self.site.portal, request["phrase"]):
            self.assertIn(what, self.world.shown())
        heard = b.run("return mokhoa.connection.heard;")
        self.assertEqual([m["params"]["stage"] for m in heard if m.get("method") == "unlock.progress"], STAGES)
        self.assertIn("result", heard[-1])  # all progress came before the result
        # who did not ask hears nothing
        self.assertEqual([m.get("method", "answer") for m in b.run("return mokhoa.connection.heard;", page="bystander")], ["extension.ready", "answer"])
        # and nothing of what was typed came near the page
        for secret in (code, NEW_PIN, SO_PIN, PIN):
            self.assertNotIn(secret, str(heard))

    # ---- who may call ----

    def test_foreign_callers_are_not_answered(self):
        portal, foreign = self.site.portal, self.site.foreign
        cells = {
            "foreign origin": f"{foreign}/",
            "the portal's port under another name": f"{self.site.address}/",
            "foreign frame in the portal": f"{portal}/?frame={foreign}/?intrude",
            "sandboxed frame of the portal": f"{portal}/?frame=/?intrude&sandbox=allow-scripts",
            "sandboxed frame of the portal in a foreign page": f"{foreign}/?frame={portal}/?intrude&sandbox=allow-scripts",
            "sandboxed srcdoc in the portal": f"{portal}/?frame={portal}/page.js&srcdoc=1&sandbox=allow-scripts",
            "the portal under its own CSP sandbox": f"{portal}/sandboxed",
        }
        sent = answered = 0
        for cell, url in cells.items():
            with self.subTest(cell):
                b = self.open(url)
                if "frame=" in url:
                    seen = wait_for("the frame", 20, lambda: b.run("return globalThis.told ?? null;"))
                else:
                    seen = b.run("return intrude();")
                sent, answered = sent + seen["sent"], answered + len(seen["got"])
                self.assertEqual(seen["got"], [])
                self.assertNotEqual(seen["origin"], portal)
                self.assertGreater(seen["sent"], 0)
                self.assertEqual(self.host.pids(), [])
        print(f"{NAME}: {len(cells)} pages and frames that may not call, {sent} calls, {answered} answered", file=sys.stderr)
        # the same intruder on the portal itself is answered, so that the silence above was not his own fault
        self.open(portal + "/")
        got = self.browser.run("return intrude(4000);")["got"]
        self.assertIn("hello", str([m.get("method") for m in got] + [m.get("result", {}).get("capabilities") for m in got]))

    def test_portal_in_the_frame_of_an_agency_is_answered(self):
        b = self.open(f"{self.site.foreign}/?frame={self.site.portal}/?hello")
        answer = wait_for("the frame", 20, lambda: b.run("return globalThis.told ?? null;"))
        self.assertEqual(self.answered(answer)["name"], "mokhoa")
        self.assertEqual(b.run("return intrude();")["got"], [])  # the agency's own page is not

    def test_origin_that_the_host_does_not_know(self):
        self.world.profile(extensions=[f"chrome-extension://{self.made['chromium_id']}/", self.made["firefox_id"]])
        self.refused("origin_refused", self.open().call("hello"))

    def test_extension_that_the_profile_does_not_know(self):
        self.world.profile(origins=[self.site.portal])
        self.refused("extension_refused", self.open().call("hello"))

    # ---- messages ----

    def test_malformed_messages(self):
        b = self.open()
        self.answered(b.call("hello"))
        good = '{jsonrpc: "2.0", id: 7, method: "hello", params: {}}'
        for script, name, number in (
                ('"hello"', "invalid_request", None),
                ("[]", "invalid_request", None),
                ("null", "invalid_request", None),
                ('{jsonrpc: "2.0", id: null, method: "hello"}', "invalid_request", None),
                ('{jsonrpc: "2.0", id: 1.5, method: "hello"}', "invalid_request", None),
                ('{jsonrpc: "2.0", id: "é", method: "hello"}', "invalid_request", None),
                (f"{{...{good}, jsonrpc: '1.0'}}", "invalid_request", 7),
                (f"{{...{good}, origin: 'https://portal.example'}}", "invalid_request", 7),
                (f"{{...{good}, channel: 'c1'}}", "invalid_request", 7),
                (f"{{...{good}, method: 'Hello'}}", "method_not_found", 7),
                (f"{{...{good}, method: 'constructor'}}", "method_not_found", 7),
                (f"{{...{good}, params: []}}", "invalid_params", 7),
                (f"{{...{good}, params: {{a: 1}}}}", "invalid_params", 7),
                (f"{{...{good}, params: {{a: '\\ud800'}}}}", "invalid_params", 7),
                (f"{{...{good}, params: {{a: '\\0'}}}}", "invalid_params", 7),
                (f"{{...{good}, params: JSON.parse('{{\"a\":'.repeat(20) + '1' + '}}'.repeat(20))}}", "invalid_params", 7),
                (f"{{...{good}, params: {{a: 'x'.repeat(9000)}}}}", "frame_too_large", 7),
                (f"{{...{good}, params: {{a: '<'.repeat(1400)}}}}", "frame_too_large", 7),
                (f"{{...{good}, params: {{a: 'x'.repeat(7500)}}}}", "invalid_params", 7)):
            with self.subTest(script):
                self.refused(name, b.run(f"return mokhoa.connection.send({script}, {'null' if number is None else number}, 10000);"), number)
        self.assertEqual(self.answered(b.call("hello"))["protocol"], 1)
        self.assertEqual(len(self.host.pids()), 1)  # none of it ended the host

    def test_ids_come_back_as_they_were(self):
        b = self.open()
        for number in (0, -1, 2**53 - 1, "a", " ", "x" * 64):
            self.answered(b.call("hello", number=number), number)

    # ---- tabs ----

    def test_two_tabs_with_equal_ids(self):
        card = self.world.card()
        b = self.open(page="a")
        self.open(page="b")
        for _ in range(3):
            calls = [(page, method, b.start_call(method, page=page, number=1)) for page, method in (("a", "token.info"), ("b", "hello"))]
            answers = {method: self.answered(b.finish(n)) for _, method, n in calls}
            self.assertEqual(answers["token.info"]["tokens"][0]["serial"], card.serial)
            self.assertEqual(answers["hello"]["name"], "mokhoa")
        self.assertEqual(len(self.host.pids()), 1)
        for page, count in (("a", 3), ("b", 3)):
            self.assertEqual(len([m for m in b.run("return mokhoa.connection.heard;", page=page) if "id" in m]), count)

    def test_equal_ids_in_one_page(self):
        b = self.open()
        self.host.use(sys.executable, FAKE, "mute")
        b.start_call("token.info", number=5, ms=3000)
        wait_for("the first request", 10, self.host.alive)
        self.refused("invalid_request", b.run('return mokhoa.connection.call("hello", {}, 5);'), 5)

    # ---- the host ----

    def test_host_missing(self):
        b = self.open()
        b.no_host()
        self.refused("host_missing", b.call("hello"))
        b.set_host(self.host.path)
        self.answered(b.call("hello"))  # installed meanwhile: no reload of anything

    def test_host_forbidden(self):
        b = self.open()
        b.set_host(self.host.path, "someone@else.example" if NAME == "firefox" else "a" * 32)
        # Firefox has one sentence for both
        self.refused("host_missing" if NAME == "firefox" else "host_forbidden", b.call("hello"))
        self.assertEqual(self.host.pids(), [])

    @only("chromium")
    def test_host_blocked_by_policy(self):
        with browser.policies(NAME, {"NativeMessagingBlocklist": ["*"]}):
            self.refused("host_blocked", self.open().call("hello"))

    def test_host_that_ends_at_once(self):
        self.host.use("/bin/true")
        self.refused("host_crashed", self.open().call("hello"))

    def test_host_crashes_when_asked(self):
        for mode in ("crash", "noise"):
            with self.subTest(mode):
                self.host.use(sys.executable, FAKE, mode)
                self.refused("host_crashed", self.open().call("hello"))
        self.host.use(HOST)
        self.answered(self.browser.call("hello"))

    def test_host_too_old(self):
        self.host.use(sys.executable, FAKE, "old")
        b = self.open()
        self.refused("host_too_old", b.call("hello"))
        self.refused("host_too_old", b.call("token.info"))

    def test_host_that_never_answers(self):
        for mode in ("mute", "broken"):
            with self.subTest(mode):
                self.host.use(sys.executable, FAKE, mode)
                b = self.open()
                began = time.monotonic()
                if mode == "broken" and NAME == "firefox":
                    self.refused("host_crashed", b.call("hello"))
                    continue
                self.refused("timeout", b.call("hello"))
                self.assertTrue(9 < time.monotonic() - began < 25)
                wait_for("the end of a host that hangs", 10, lambda: not self.host.alive())

    def test_host_killed_in_the_middle(self):
        self.host.use(sys.executable, FAKE, "mute")
        b = self.open()
        self.open(page="b")
        calls = [b.start_call("token.info", page=page) for page in ("a", "b")]
        wait_for("the host", 10, self.host.alive)
        time.sleep(1)
        self.host.use(HOST)
        self.host.kill()
        for call in calls:
            self.refused("host_crashed", b.finish(call))
        self.answered(b.call("hello"))
        self.answered(b.call("hello", page="b"))

    def test_host_killed_during_an_unlock(self):
        card = self.world.card()
        b = self.open()
        token = self.answered(b.call("token.info"))["tokens"][0]
        request = self.answered(b.call("unlock.request", {"token": {k: token[k] for k in ("manufacturer", "model", "serial")}, "reason": "locked",
                                                          "language": "vi"}))
        self.assertEqual(self.world.approve(self.world.row(card)["number"], request["phrase"])[0], 200)
        self.world.person(f"type {self.world.code(card.email)}", f"type {NEW_PIN}")
        call = b.start_call("unlock", {"request": request["request"]})
        wait_for("the unlock's progress", 30, lambda: "setting_pin" in str(b.run("return mokhoa.connection.heard;")))
        self.host.kill()
        self.refused("host_crashed", b.finish(call))
        wait_for("the worker, which goes on", 30, lambda: self.world.row(card)["state"] == "completed")
        self.assertTrue(card.opens_with(NEW_PIN))
        self.assertEqual([r["state"] for r in self.answered(b.call("unlock.status"))["requests"]], ["completed"])

    # ---- the background script ----

    @only("chromium")
    def test_worker_killed_between_requests(self):
        b = self.open()
        self.answered(b.call("hello"))
        for _ in range(3):
            first = self.host.alive()
            self.assertEqual(b.do("kill_worker"), 1)
            wait_for("the page's connection to close", 10, lambda: b.run("return mokhoa.connection.isClosed;"))
            wait_for("the end of the host", 10, lambda: not set(first) & set(self.host.alive()))
            self.answered(b.call("hello"))

    @only("chromium")
    def test_worker_killed_during_a_request(self):
        self.host.use(sys.executable, FAKE, "mute")
        b = self.open()
        call = b.start_call("token.info")
        wait_for("the host", 10, self.host.alive)
        self.assertEqual(b.do("kill_worker"), 1)
        self.assertEqual(b.finish(call), {"closed": True})  # told at once, not after a deadline
        self.host.use(HOST)
        self.answered(b.call("hello"))

    @only("chromium")
    def test_extension_reloaded_during_a_request(self):
        self.host.use(sys.executable, FAKE, "mute")
        b = self.open()
        call = b.start_call("token.info")
        wait_for("the host", 10, self.host.alive)
        self.open(f"chrome-extension://{self.made['chromium_id']}/popup.html", page="popup")
        b.run("setTimeout(() => chrome.runtime.reload(), 100);", page="popup")
        self.assertEqual(b.finish(call), {"closed": True})
        self.host.use(HOST)
        # the page was not reloaded, and does not have to be
        wait_for("the extension to be back", 10, lambda: b.call("hello").get("result"))

    @only("chromium")
    def test_packed_extension(self):
        b = self.launch(packed=True)

        def installed():
            self.open()
            return b.run("return Boolean(globalThis.chrome?.runtime?.connect);")

        wait_for("the browser to install it, which it does in its own time", 30, installed)
        self.assertEqual(self.answered(b.call("hello"))["protocol"], 1)

    def test_host_ends_when_idle_and_comes_back(self):
        # Firefox's background page must not outlive the port here: what a page then sees is that its connection has closed
        b = self.open(**({"prefs": {"extensions.background.idle.timeout": 2000}} if NAME == "firefox" else {}))
        self.answered(b.call("hello"))
        self.assertEqual(len(self.host.alive()), 1)
        time.sleep(25)
        self.assertEqual(len(self.host.alive()), 1)
        wait_for("the end of the idle host", 15, lambda: not self.host.alive())
        if NAME == "firefox":
            wait_for("the end of the background page", 15, lambda: b.run("return mokhoa.connection.isClosed;"))
        # a background page that is idle for its two seconds before it has the answer ends again, as it should
        wait_for("the host to be back", 15, lambda: b.call("hello").get("result"))

    def test_reload_of_the_page_during_a_request(self):
        self.host.use(sys.executable, FAKE, "mute")
        b = self.open()
        call = b.start_call("unlock.status")
        wait_for("the host", 10, self.host.alive)
        b.do("reload", page="a")
        with self.assertRaises(browser.Failed):
            b.finish(call)
        self.host.use(HOST)
        self.host.kill()
        self.answered(b.call("hello"))
        self.assertEqual([m.get("id") for m in b.run("return mokhoa.connection.heard;")], [None, 1])  # nothing of what the page before had asked

    def test_page_from_the_back_forward_cache(self):
        b = self.open(**({} if NAME == "firefox" else {"ignored": ["--disable-back-forward-cache"]}))
        self.answered(b.call("hello"))
        b.run("addEventListener('pageshow', (event) => { globalThis.persisted = event.persisted; });")
        self.open(self.site.portal + "/?other")
        b.do("back", page="a")
        self.assertIs(wait_for("the page", 10, lambda: b.run("return globalThis.persisted ?? null;")), True)
        if NAME == "firefox":
            wait_for("the bridge's word that the connection is dead", 10, lambda: b.run("return mokhoa.connection.isClosed;"))
        b.run("mokhoa.connection = undefined;")  # as the protocol asks of a page that was restored
        self.answered(b.call("hello"))

    @only("chromium")
    def test_chromium_finds_no_fault_in_it(self):
        b = self.open()
        self.answered(b.call("hello"))
        self.open("chrome://extensions/", page="extensions")
        info = b.run(f"return chrome.developerPrivate.getExtensionInfo('{self.made['chromium_id']}');", page="extensions")
        self.assertEqual((info["manifestErrors"], info["runtimeErrors"], info["installWarnings"]), ([], [], []))
        self.assertEqual((info["state"], info["version"]), ("ENABLED", self.made["version"]))
        self.assertEqual(len(info["permissions"]["simplePermissions"]), 1, info["permissions"])
        print("chrome.developerPrivate: 0 manifestErrors, 0 runtimeErrors, 0 installWarnings", file=sys.stderr)

    # ---- the popup ----

    @only("chromium")
    def test_popup_for_everybody(self):
        with open(os.path.join(MODULES, "node_modules", "axe-core", "axe.min.js"), encoding="utf-8") as f:
            axe = f.read()
        b = self.launch()
        self.open(f"chrome-extension://{self.made['chromium_id']}/popup.html", page="popup")
        heard = []
        for _ in range(2):
            b.run('document.getElementById("check").click(); document.getElementById("language").click();', page="popup")
            heard.append(b.run("return document.documentElement.lang + document.body.textContent.replace(/\\s+/g, ' ');", page="popup"))
            faults = b.run(axe + "; return (await axe.run(document, { resultTypes: ['violations'] })).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html)}`);",
                           page="popup")
            self.assertEqual(faults, [])
        self.assertNotEqual(*heard)
        self.assertGreater(b.run("return document.querySelector('img').naturalWidth;", page="popup"), 0)

    @only("chromium")
    def test_popup_and_its_log(self):
        card = self.world.card()
        b = self.open()
        self.answered(b.call("token.info"))
        self.open(self.site.portal + "/sandboxed")
        b.run("return intrude(500);")
        self.open(f"chrome-extension://{self.made['chromium_id']}/popup.html", page="popup")
        b.run('if (document.documentElement.lang !== "en") document.getElementById("language").click();', page="popup")
        b.run('document.getElementById("check").click();', page="popup")
        wait_for("the check", 10, lambda: b.run('return document.getElementById("program").textContent;', page="popup") == "Ready")
        with open(b.do("save", page="popup", click="#export"), encoding="utf-8") as f:
            log = f.read()
        for what in ('method="token.info"', 'result="ok"', f'origin="{self.site.portal}"', 'what="page refused"', 'origin="null"', self.made["version"]):
            self.assertIn(what, log)
        for secret in (card.serial, "Khách", card.email, "MKT"):
            self.assertNotIn(secret, log)
        # the host gone: the popup names it
        b.no_host()
        self.host.kill()
        wait_for("the end of the host", 10, lambda: not self.host.alive())

        def checked():
            b.run('document.getElementById("check").click();', page="popup")
            time.sleep(0.5)
            return b.run('return document.getElementById("program").textContent;', page="popup")

        wait_for("the cause", 10, lambda: "not installed" in checked())


if __name__ == "__main__":
    if NAME not in browser.PROGRAMS:
        sys.exit(__doc__)
    if not os.access(HOST, os.X_OK):
        world.skip("MOKHOA_BIN names no folder with mokhoa-host")
    if not os.access(browser.PROGRAMS[NAME], os.X_OK):
        world.skip(f"{browser.PROGRAMS[NAME]} is missing: apt-get install --no-install-recommends chromium firefox-esr")
    missing = browser.install(MODULES)
    if missing:
        world.skip(missing)
    world.enter_stage()
    unittest.main(argv=[sys.argv[0]] + [a for a in sys.argv[2:] if a != "-v"], verbosity=2 if "-v" in sys.argv else 1)
