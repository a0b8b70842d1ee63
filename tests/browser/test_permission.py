#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Pages from the Internet and their way to this computer (Local Network Access): the browser's own question on a screen, answered with mouse and keys; what a
person or a policy has said before; frames, also the tag of an agency's page. Each ends in its screen.

Usage: test_permission.py chromium|firefox [-v] [TEST...]      MOKHOA_BIN is the folder of the programs, MOKHOA_NODE_MODULES where npm's packages go.
Enters a stage, and a network of its own, by itself. Prints a row for each cell: what was brought about, the screen, and the seconds after the page was
loaded or the question answered.

What is real: browser, question, answer, policy, portal, tag, mokhoa-websocket. What is not: that the pages come from the Internet, which the browser is told by
a switch (Chromium) or a preference (Firefox); and Firefox holds WebSockets to the rule only where a preference says so, which it does not yet by itself.
"""
import os
import sys
import time
import unittest

import browser
import direct
import portal
import world
from browser import wait_for
from direct import Place

import screen

IS_CHROMIUM = sys.argv[1:2] == ["chromium"]
# Block and Allow as the browser draws them without a theme
COLORS = {"chromium": [(211, 227, 253)] * 2, "firefox": [(228, 228, 229), (53, 132, 228)]}
BLOCK, ALLOW = 0, 1
BOTH = "loopback-network; local-network-access"


class Permission(direct.Direct):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.screen = screen.Screen()
        cls.world.sh(f'"$MOKHOA_BIN/mokhoa-tms" agency add lna --config $DIR/tms/tms.json --name "Đại lý" --origin {cls.agency.origin} >/dev/null')

    @classmethod
    def tearDownClass(cls):
        cls.screen.close()
        super().tearDownClass()

    def leave(self):
        super().leave()
        self.screen.picture().save(os.path.join(portal.ARTIFACTS, f"test_permission-{self.browser_name}-screen.png"))

    def come(self, headed=False, prefs=None, **options):
        """What has a browser believe that the pages come from the Internet, and that its rule for WebSockets holds there."""
        pages = [f"127.0.0.1:{port}" for port in (self.site.port, self.agency.port, self.world.ports[0])]
        if IS_CHROMIUM:
            options["args"] = ["--ip-address-space-overrides=" + ",".join(page + "=public" for page in pages)]
        else:
            options["prefs"] = {"network.lna.address_space.public.override": ",".join(pages), "network.lna.websocket.enabled": True, "network.lna.enabled": True,
                                "network.lna.blocking": True, "security.notification_enable_delay": 0, **(prefs or {})}
        return super().come(display=self.screen.display if headed else None, **options)

    def state(self):
        return self.customer.run("return (await navigator.permissions.query({ name: 'loopback-network' })).state;")

    # ---- the question ----

    def buttons(self):
        return self.screen.picture().buttons(*COLORS[self.browser_name])

    def is_asked(self, what, place=None):
        """The page has said what the question will mean, the question is there, and nothing was said to anybody."""
        self.cell(what, "permission", place=place)
        wait_for("the browser's question", 20, self.buttons)
        self.assertEqual(self.passed(), 0)

    def click(self, button):
        """When it was pressed; a browser is deaf for a moment after it has asked, so that nobody answers by chance."""
        began = 0
        for _ in range(5):
            place = wait_for("the browser's question", 20, lambda: self.buttons() or began and {button: None})[button]
            if place is None:  # it went late, and ends() says whether well
                return began
            began = time.monotonic()
            self.screen.click(place)
            try:
                wait_for("the end of the question", 3, lambda: self.buttons() is None)
                return began
            except TimeoutError:
                continue
        raise AssertionError("the question does not go away")

    def test_prompt_allowed(self):
        self.come(headed=True)
        self.is_asked("question on the screen")
        self.screen.picture().save(os.path.join(portal.ARTIFACTS, f"permission-{self.browser_name}.png"))
        self.ends("question, Allow clicked", "insert", "", self.click(ALLOW))
        self.assertEqual(self.state(), "granted")
        self.cell("the same page again", "insert")

    def test_prompt_blocked(self):
        self.come(headed=True)
        self.is_asked("question on the screen")
        seen = self.ends("question, Block clicked", "problem", "local_network_denied", self.click(BLOCK))
        self.assertEqual(seen["heading"], self.customer.texts["problem_browser"])
        self.assertEqual(self.state(), "denied")
        self.cell("the same page again", "problem", "local_network_denied")
        tally = self.server.tally()  # a browser may connect before it asks, but says nothing
        self.assertEqual((tally["passed"], tally["handed"]), (0, 0))

    def test_prompt_answered_late(self):
        """Longer than somebody waits: in Chromium mokhoa-websocket, which hears nothing of what the browser has opened; in Firefox the browser itself."""
        self.come(headed=True, prefs={"network.websocket.timeout.open": 4})
        self.is_asked("question on the screen")
        if IS_CHROMIUM:
            wait_for("the end of the silent connection", 20, lambda: " refused: " in self.server.text())
        else:
            self.assertIn("local_network_denied", self.customer.sees("problem")["text"])
        self.ends("question, Allow clicked late", "insert", "", self.click(ALLOW))

    @unittest.skipUnless(IS_CHROMIUM, "Firefox's question has no way out but its buttons: Escape only folds it up")
    def test_prompt_put_away(self):
        self.come(headed=True)
        self.is_asked("question on the screen")
        time.sleep(1.5)  # nobody has read it sooner (NOTICEABLE of the SDK)
        began = time.monotonic()
        self.screen.keys("Chromium", "F6", "Tab", "Tab", "Return")  # Block, Allow, and the cross
        self.ends("question put away by keys", "problem", "local_network_denied", began)
        self.assertEqual(self.state(), "prompt")
        began = time.monotonic()
        self.customer.press("again")
        self.ends("and asked again", "permission", "", began)
        wait_for("the browser's question", 20, self.buttons)
        time.sleep(1.5)  # Chromium is deaf for a moment after it has asked
        began = time.monotonic()
        self.screen.keys("Chromium", "F6", "Tab", "Return")
        self.ends("question, Allow by keys", "insert", "", began)

    # ---- what was said before ----

    def test_granted(self):
        """By the driver, which does what the browser's settings do."""
        self.come()
        self.customer.browser.do("grant", origin=self.site.origin)
        self.cell("allowed before", "insert")

    @unittest.skipUnless(IS_CHROMIUM, "Firefox without a window leaves its question open")
    def test_denied_then_granted(self):
        self.come()  # without a window it answers its own question with no
        self.cell("denied without a question", "problem", "local_network_denied")
        began = time.monotonic()
        self.customer.browser.do("grant", origin=self.site.origin)
        self.ends("and allowed in the settings", "insert", "", began)

    @unittest.skipIf(IS_CHROMIUM, "Chromium without a window answers at once")
    def test_undecided(self):
        self.come()
        self.cell("nobody answers the question", "permission")

    @unittest.skipIf(IS_CHROMIUM, "a preference of Firefox's")
    def test_denied_for_all_sites(self):
        """Pages are told "prompt" all the same, and nothing else tells it from nobody listening."""
        self.come(prefs={"permissions.default.loopback-network": 2})
        self.cell("no by preference", "problem", "websocket_missing")
        self.assertEqual(self.state(), "prompt")

    def test_policy(self):
        rules = {"LoopbackNetworkAllowedForUrls": [self.site.origin]} if IS_CHROMIUM else {"LocalNetworkAccess": {"Enabled": True, "SkipDomains": ["localhost"]}}
        with browser.policies(self.browser_name, rules):
            self.come()
            self.cell("allowed by policy", "insert")

    @unittest.skipUnless(IS_CHROMIUM, "Firefox has no policy that says no to a site: without its question it lets all of them or asks")
    def test_policy_denied(self):
        with browser.policies(self.browser_name, {"LoopbackNetworkBlockedForUrls": [self.site.origin]}):
            self.come(headed=True)
            self.cell("denied by policy", "problem", "local_network_denied")
            self.assertIsNone(self.buttons())

    # ---- in frames ----

    def policy_for_frames(self):
        """A grant by the driver would go over the heads of frames. Chromium's policy is asked for the page around them all."""
        return browser.policies(self.browser_name, {"LoopbackNetworkAllowedForUrls": [self.agency.origin]} if IS_CHROMIUM else {})

    def test_frame(self):
        place = Place(self.agency.origin + "/frame", self.site.origin)
        with self.policy_for_frames():
            self.come(prefs={"permissions.default.loopback-network": 1})
            for allow, end in ((BOTH, ("insert",)), ("", ("problem", "local_network_frame")), ("local-network", ("problem", "local_network_frame"))):
                with self.subTest(allow=allow):
                    self.agency.set(frame=(self.site.origin, allow))
                    self.cell("frame, allowed " + ("both" if allow == BOTH else allow or "nothing"), *end, place=place)

    def test_agency(self):
        """The portal of the real server in the tag of an agency's page, as it is and with what somebody may take from it; the page hears why."""
        cells = [("the agency's tag", True, None, ("insert",)), ("the tag without its allow", False, None, ("problem", "local_network_frame"))]
        if IS_CHROMIUM:  # Firefox knows no such header
            cells.append(("the tag, and a header of its page", True, "loopback-network=(self), local-network-access=(self)", ("problem", "local_network_frame")))
        place = Place(self.agency.origin + "/agency", self.world.portal)
        with self.policy_for_frames():
            self.come(prefs={"permissions.default.loopback-network": 1})
            for what, allows, permissions, end in cells:
                with self.subTest(what):
                    self.agency.set(tag=(self.world.portal, "lna", allows), permissions=permissions)
                    self.cell(what, *end, place=place)
                    heard = f"error: {end[1]}" if end[1:] else f"state: {end[0]}"
                    self.assertIn(heard, self.customer.browser.do("content", page="customer"))

    def test_agency_prompt(self):
        self.come(headed=True)
        self.agency.set(tag=(self.world.portal, "lna", True))
        self.is_asked("question over the agency's page", Place(self.agency.origin + "/agency", self.world.portal))
        self.screen.picture().save(os.path.join(portal.ARTIFACTS, f"permission-agency-{self.browser_name}.png"))
        self.ends("agency, Allow clicked", "insert", "", self.click(ALLOW))


def main():
    if screen.missing():
        world.skip(f"{', '.join(screen.missing())} is missing: apt-get install --no-install-recommends xvfb xdotool")
    direct.main(__doc__)


if __name__ == "__main__":
    main()
