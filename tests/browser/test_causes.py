#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Everything that can be missing between a page and a token, brought about for real: what the SDK says of it, and what the customer's page tells him to do.

Usage: test_causes.py chromium|firefox [-v] [TEST...]      MOKHOA_BIN is the folder of the programs, MOKHOA_NODE_MODULES where npm's packages go.
Enters a stage by itself. Prints a row for each cause: what was brought about, what the SDK said, what the page was headed.
"""
import os
import sys

import browser
import portal

FAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_host.py")
OPENSC_CONF = "/etc/mokhoa/opensc.conf"
HOTLINE = "1900 0000"

# The SDK as any page uses it, kept in the page so that a cause may take the server away.
PREPARE = """
const { Mokhoa, MokhoaError, extensionTransport, whyNoToken } = await import("/sdk/mokhoa.js");
const { extensions } = await (await fetch("/config.json")).json();
const said = (error) => error instanceof MokhoaError ? { code: error.code, where: error.where, text: error.text, remedy: error.remedy } : { code: `not a MokhoaError: ${error}` };
const mokhoa = new Mokhoa({ transport: extensionTransport({ ids: extensions }) });
globalThis.tell = async (work) => {
	try {
		return await work(mokhoa);
	} catch (error) {
		return said(error);
	}
};
globalThis.tellOfToken = () => tell(async () => {
	const why = whyNoToken(await mokhoa.token.info());
	return why === null ? { code: "a token" } : said(why);
});
"""


class Causes(portal.PortalTest):
    rows = []

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        print(f"\n{'cause':34} {cls.browser_name + ': the SDK says':26} the page is headed", file=sys.stderr)
        for cause, code, heading in cls.rows:
            print(f"{cause:34} {code:26} {heading}", file=sys.stderr)

    def visit(self):
        """The page anew, and the SDK in it."""
        self.customer.arrive()
        self.customer.run(PREPARE)

    def row(self, cause, want, said, screen):
        """The SDK has named it, with a remedy in both languages, and the page shows just that, and whom to call."""
        seen = self.customer.sees(screen, so=lambda seen: want in seen["text"] or want == "a token")
        self.rows.append((cause, said["code"], seen["heading"]))
        self.assertEqual(said["code"], want, said)
        if want == "a token":
            return
        for text in (said["text"], said["remedy"]):
            self.assertGreater(min(len(text["vi"]), len(text["en"])), 10)
        self.assertIn(HOTLINE, seen["text"])
        if want not in ("no_reader", "no_token"):  # there the page has a longer story of its own
            self.assertIn(said["text"]["vi"], seen["text"])
            self.assertIn(said["remedy"]["vi"], seen["text"])

    def cell(self, cause, want, screen="problem"):
        """What both say to a page that has just been opened."""
        with self.subTest(cause):
            self.visit()
            self.row(cause, want, self.customer.run("return tellOfToken();"), screen)

    # ---- the extension ----

    def test_extension_missing(self):
        self.new_customer(extension=False)
        self.cell("extension missing", "extension_missing")

    def test_extension_kept_out_by_policy(self):
        rules = {"ExtensionSettings": {"*": {"installation_mode": "blocked"}}}
        with browser.policies(self.browser_name, rules):
            self.new_customer()
            # no browser tells a page that a policy is why
            self.cell("extension blocked by policy", "extension_missing")

    def test_pages_kept_from_extensions_by_policy(self):
        blocked = {"chromium": {"runtime_blocked_hosts": ["*://localhost"]}, "firefox": {"restricted_domains": ["localhost"]}}
        with browser.policies(self.browser_name, {"ExtensionSettings": {"*": blocked[self.browser_name]}}):
            self.world.card()
            self.new_customer()
            # Chromium's rule is about scripts in the page, and we have none there
            if self.browser_name == "chromium":
                self.cell("page blocked by policy", "a token", "choose")
            else:
                self.cell("page blocked by policy", "extension_missing")

    # ---- the host ----

    def test_host(self):
        b, host = self.new_customer().browser, self.customer.host
        b.no_host()
        self.cell("host missing", "host_missing")
        b.set_host(host.path, "someone@else.example" if self.browser_name == "firefox" else "a" * 32)
        # Firefox has one sentence for both, and one remedy mends both
        self.cell("host forbidden", "host_missing" if self.browser_name == "firefox" else "host_forbidden")
        b.set_host(host.path)
        for cause, mode, want in (("host too old", "old", "host_too_old"), ("host crashed", "crash", "host_crashed")):
            host.use(sys.executable, FAKE, mode)
            self.cell(cause, want)
            host.kill()  # an idle one would go on answering

    def test_host_blocked_by_policy(self):
        if self.browser_name == "firefox":
            self.skipTest("Firefox has no policy for native hosts")
        with browser.policies(self.browser_name, {"NativeMessagingBlocklist": ["*"]}):
            self.new_customer()
            self.cell("host blocked by policy", "host_blocked")

    # ---- token and server ----

    def test_token(self):
        self.new_customer()
        self.cell("no token", "no_token", "insert")
        self.world.sh("pcsc_down $DIR")
        try:
            self.cell("no smart card service", "reader_service", "insert")
            self.world.sh("pcsc_up $DIR none")
            self.cell("no reader", "no_reader", "insert")
        finally:
            self.world.sh("pcsc_down $DIR; pcsc_up $DIR")
        self.world.profile(modules=[{"name": "vendor", "path": "/usr/lib/no-such-module.so"}])
        self.cell("module missing", "module_missing", "insert")
        self.world.profile()
        self.world.card()
        self.cell("none of these", "a token", "choose")

    def test_token_unsupported(self):
        # a module that knows other cards than this one
        with open(OPENSC_CONF, "w", encoding="utf-8") as f:
            f.write('app default {\n card_drivers = PIV-II;\n enable_default_driver = false;\n}\n')
        self.world.card(lock=False)
        self.new_customer()
        self.world.profile(modules=[{"name": "vendor", "path": portal.world.module_path(), "environment": {"OPENSC_CONF": OPENSC_CONF}}])
        self.cell("token unsupported", "token_unsupported", "insert")

    def test_tms_unreachable(self):
        self.world.card()
        self.new_customer()
        self.visit()
        self.customer.sees("choose")
        self.world.sh("nginx_down $DIR")
        try:
            self.customer.press("send")
            self.customer.sees("problem")
            said = self.customer.run("""return tell(async (mokhoa) => {
                const { manufacturer, model, serial } = (await mokhoa.token.info()).tokens[0];
                return mokhoa.unlock.request({ token: { manufacturer, model, serial }, reason: "locked", language: "vi" });
            });""")
            self.row("TMS unreachable", "tms_unreachable", said, "problem")
        finally:
            self.world.sh("nginx_up $DIR")

    # ---- what the page can find out about it ----

    def examined(self, *findings):
        """Presses the button and waits for these to be told, each with sentence and remedy in the customer's language, and what a customer copies for support."""
        self.customer.press("examine")
        seen = self.customer.sees("examined", seconds=60)
        for name in findings:
            self.assertIn(name, seen["text"])
        self.customer.run("navigator.clipboard.writeText = async (text) => void (window.copied = text);")
        self.customer.press("examine_copy")
        self.assertIn(self.customer.texts["examine_copied"], self.customer.sees("examined", so=lambda s: self.customer.texts["examine_copied"] in s["text"])["text"])
        copied = self.customer.run("return window.copied;").splitlines()
        for row in copied[1:-1]:
            self.assertRegex(row, r"^(ok|warning|unknown|broken) [a-z_]+\.[a-z_]+$")
        self.assertLessEqual({*findings}, {row.split()[1] for row in copied[1:-1]})
        return seen["text"]

    def test_examine(self):
        self.new_customer()
        self.visit()
        self.customer.sees("insert")
        said = self.examined("token.none")
        self.assertIn("Có đầu đọc nhưng không thấy token trong đó.", said)
        self.assertIn("Cắm token hoặc thẻ vào lại", said)
        card = self.world.card()
        self.world.sh("nginx_down $DIR")
        try:
            # within ten seconds of the first time: the page waits by itself
            self.customer.press("again")
            self.customer.sees("choose")
            self.customer.press("send")
            self.customer.sees("problem")
            said = self.examined("tms.refused")
        finally:
            self.world.sh("nginx_up $DIR")
        self.assertIn("Máy chủ hoặc tường lửa từ chối kết nối.", said)
        for word in (card.serial, card.email, "/usr/lib", portal.world.module_path()):
            self.assertNotIn(word, said)

    def test_examine_in_english(self):
        self.world.card()
        self.new_customer(language="en")
        self.world.profile(tls_pins=["sha256//" + "A" * 43 + "="])
        self.visit()
        self.customer.sees("choose")
        self.customer.press("send")
        self.customer.sees("problem")
        said = self.examined("tms.inspected")
        self.assertIn("Something opens the encrypted connection", said)
        self.assertIn("Ask the network's administrator", said)


if __name__ == "__main__":
    portal.main(__doc__)
