# SPDX-License-Identifier: Apache-2.0
"""The real portal in a real browser, and the people before it.

PortalWorld is the world of tests/e2e with the extension built for the portal that its nginx serves. Customer is somebody with a browser, who sees a page only
by what is written on it; Desk is an administrator in a second context of that browser, with his client certificate. What was seen at a failure
stays in build/artifacts.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))

import browser  # noqa: E402
import world  # noqa: E402
from browser import wait_for  # noqa: E402

MODULES = os.environ.get("MOKHOA_NODE_MODULES", "")
HOST = os.path.join(world.BIN, "mokhoa-host")
ARTIFACTS = os.path.join(browser.ROOT, "build", "artifacts")
INSTALLED = "/etc/mokhoa/installed"  # what install() writes, below this folder; on the stage it is bound to where browsers look
PLACES = ("etc/chromium", "etc/firefox", "usr/lib/mozilla")
HELD = "/etc/mokhoa/prompt/go"  # the person at the prompt thinks until it is there
PATIENCE = 40  # seconds for a screen on a loaded machine
FIRST_LOOKS = 9  # of 10 seconds, until a new browser has fetched its extension

# The screen by its heading; a heading that is none of these is a text that nobody has thought of here.
SCREENS = {"permission_title": "permission", "insert_title": "insert", "insert_no_token": "insert", "insert_module_missing": "insert", "insert_token_unsupported": "insert",
           "insert_reader_service": "insert", "insert_failed": "insert", "choose_title": "choose", "choose_one_title": "choose", "open_title": "open", "wait_title": "pending", "code_title": "approved",
           "unlock_title": "unlocking", "resume_title": "resume", "done_title": "completed", "refused_title": "refused", "expired_title": "expired",
           "cancelled_title": "cancelled", "failed_title": "failed", "locked_out_title": "locked_out", "examined_title": "examined", "examined_fine_title": "examined"}

LOOK = """
const view = document.getElementById("view");
const text = (selector) => view?.querySelector(selector)?.textContent ?? "";
return {
	heading: text("h2"), waits: view?.getAttribute("aria-busy") === "true", phrase: text(".phrase"), alert: text("[role=alert]"), text: view?.innerText ?? "",
	stage: text(".tasks [aria-current]"), buttons: [...(view?.querySelectorAll("button, a.button") ?? [])].map((e) => e.textContent),
};"""


def texts(language, site="customer"):
    with open(os.path.join(browser.ROOT, "portal", site, "texts", language + ".json"), encoding="utf-8") as f:
        return json.load(f)


class PortalWorld(world.World):
    def __init__(self, **stage):
        made = tempfile.mkdtemp(prefix="mokhoa-portal.")
        os.chmod(made, 0o755)
        self.made_in = made
        # the id follows from the key alone, and the portal's port is known only when its page has been told the id
        chromium = browser.extension(made, ["https://localhost:1"])["chromium_id"]
        super().__init__(TMS_EXTENSIONS=chromium, **stage)
        self.portal, self.console = (f"https://localhost:{port}" for port in self.ports[:2])
        self.made = browser.extension(made, [self.portal])
        self.ca = os.path.join(self.pki, "tls-ca.pem")

    def profile(self, **changes):
        super().profile(**{"origins": [self.portal], "extensions": [f"chrome-extension://{self.made['chromium_id']}/", self.made["firefox_id"]], **changes})

    def install(self):
        """What a package's script does: mokhoa-setup writes for everybody on this machine where browsers find host and extension. On a stage, whose mounts are its own."""
        updates = os.path.join(self.made_in, "updates.xml")
        browser.write_updates(updates, self.made["chromium_id"], self.made["crx"], self.made["version"])
        self.profile(install={"extensions": [{"id": f"chrome-extension://{self.made['chromium_id']}/", "update_url": "file://" + updates},
                                             {"id": self.made["firefox_id"], "update_url": "file://" + self.made["xpi"]}]})
        shutil.rmtree(INSTALLED, ignore_errors=True)
        os.makedirs(os.path.join(INSTALLED, "etc/mokhoa"))
        os.makedirs(os.path.join(INSTALLED, "var/lib"))
        shutil.copytree("/etc/mokhoa/profiles.d", os.path.join(INSTALLED, "etc/mokhoa/profiles.d"))
        for place in PLACES:
            os.makedirs(os.path.join(INSTALLED, place))
            os.makedirs("/" + place, exist_ok=True)
            subprocess.run(["mount", "--bind", os.path.join(INSTALLED, place), "/" + place], check=True)
        subprocess.run([os.path.join(world.BIN, "mokhoa-setup"), "register", "--root", INSTALLED, "--programs", world.BIN], check=True, stdout=subprocess.DEVNULL, timeout=60)

    def uninstall(self):
        for place in PLACES:
            subprocess.run(["umount", "-l", "/" + place], check=True)

    def close(self):
        super().close()
        shutil.rmtree(self.made_in, ignore_errors=True)


class Portal:
    """Where the flow stands: the portal's own page."""
    name = "portal"
    frame = None

    def __init__(self, the_world):
        self.world = the_world

    def url(self, language):
        return f"{self.world.portal}/?lang={language}"


class Agency:
    """Where the flow stands: a frame of the portal's on the page of an agency, which is no origin that extension or host know."""
    name = "agency"

    def __init__(self, the_world):
        self.frame = the_world.portal
        with open(os.path.join(the_world.dir, "agency", "origin"), encoding="ascii") as f:
            self.origin = f.read().strip()

    def url(self, language):
        return f"{self.origin}/?lang={language}"


class Customer:
    """A person at a computer: one account, one browser, one prompt. Where Mokhoa is installed, his browser's profile has nothing of it."""

    def __init__(self, the_world, browser_name, folder, place=None, language="vi", installed=False, **options):
        self.world, self.language, self.place = the_world, language, place or Portal(the_world)
        self.texts = texts(language)
        os.makedirs(folder)
        the_world.new_home()
        the_world.profile()
        the_world.person()
        self.host = browser.HostScript(os.path.join(folder, "host"))
        self.host.use("env", "MOKHOA_LOG=debug", HOST)
        if browser_name == "firefox":
            # the way of the desk's context to its client certificate
            options["prefs"] = {"network.proxy.allow_hijacking_localhost": True, **options.get("prefs", {})}
        self.installed = installed
        if installed:
            the_world.install()
            options["extension"] = False
            if browser_name == "chromium":
                options["ignored"] = browser.EXTENSIONS_OFF
        self.browser = browser.Browser(browser_name, folder, MODULES, the_world.made, the_world.client_env["HOME"], ca=the_world.ca, **options)
        if not installed:
            self.browser.set_host(self.host.path)

    def close(self):
        self.browser.close()
        if self.installed:
            self.world.uninstall()

    def arrive(self, page="customer"):
        # a browser that was started for the first time fetches what it is forced to have while the person already looks, so he looks again
        for looks_left in reversed(range(1 + FIRST_LOOKS if self.installed else 1)):
            self.browser.open(page, self.place.url(self.language), self.place.frame)
            if looks_left == 0:
                return
            try:
                self.sees("choose", seconds=10)
                return
            except AssertionError:
                pass

    # ---- the page ----

    def run(self, script):
        return self.browser.run(script, page="customer")

    def look(self):
        """What is on the page now; its name, and the error that it tells of if it does."""
        seen = self.run(LOOK)
        key = next((k for k, text in self.texts.items() if text == seen["heading"] and (k in SCREENS or k.startswith("problem_"))), "")
        seen["name"] = "waits" if seen["waits"] else SCREENS.get(key, "problem" if key else "")
        return seen

    def sees(self, *names, seconds=PATIENCE, so=lambda seen: True):
        """Waits for one of these screens."""
        last = {}

        def now():
            try:
                last["seen"] = self.look()
            except browser.Failed as error:  # between two documents
                last["seen"] = {"name": f"none: {error}", "text": ""}
                return None
            return last["seen"] if last["seen"]["name"] in names and so(last["seen"]) else None

        try:
            return wait_for("", seconds, now)
        except TimeoutError:
            raise AssertionError(f"no screen {' or '.join(names)} but {last['seen']['name']}:\n{last['seen']['text']}") from None

    def returns(self):
        """He looks at the page again after having been elsewhere: pages that wait ask at once then."""
        self.run("document.dispatchEvent(new Event('visibilitychange'));")

    def sees_after_while(self, *names, seconds=PATIENCE, so=lambda seen: True):
        """As sees(), for what is not here yet and comes without anything being pressed: he looks again now and then."""
        for _ in range(max(1, seconds // 3)):
            try:
                return self.sees(*names, seconds=3, so=so)
            except AssertionError:
                try:
                    self.returns()
                except browser.Failed:
                    pass
        return self.sees(*names, seconds=3, so=so)

    def press(self, key):
        """The button with this text, with the mouse."""
        self.browser.do("click", page="customer", selector=f"#view button:text-is({json.dumps(self.texts[key], ensure_ascii=False)})")

    def press_in_page(self, key):
        """As press(), where the driver takes the page for one that still loads: Firefox's, out of the back-forward cache."""
        self.run(f"[...document.querySelectorAll('#view button')].find((b) => b.textContent === {json.dumps(self.texts[key])}).click();")

    # ---- the prompt ----

    def will_type(self, code, pin, think=False):
        """What he types into the next prompt; with think only when finish_thinking() was called."""
        if os.path.exists(HELD):
            os.unlink(HELD)
        self.world.person(*([f"hold {HELD}"] if think else []), f"type {code}", f"type {pin}")

    def finish_thinking(self):
        with open(HELD, "w", encoding="utf-8"):
            pass

    def prompt_open(self):
        wait_for("the prompt", PATIENCE, lambda: "window 1" in self.world.shown())


class Desk:
    """An administrator at the console, in a context of his own."""

    def __init__(self, the_world, the_browser, who="an"):
        self.world, self.browser, self.texts = the_world, the_browser, texts("vi", "console")
        self.browser.do("open_desk", page="desk", url=f"{self.world.console}/?lang=vi", certPath=f"{self.world.pki}/{who}.pem", keyPath=f"{self.world.pki}/{who}.key")

    def run(self, script):
        return self.browser.run(script, page="desk")

    def sees(self, what, script):
        return wait_for(what, PATIENCE, lambda: self.run(script))

    def approve(self, serial, phrase):
        """Finds the request of this token in the list, and approves it with what the customer has read out."""
        do = self.browser.do
        self.sees("the list", "return Boolean(document.querySelector('form[role=search]'));")
        do("fill", page="desk", selector="input[name=token_serial]", text=serial)
        do("click", page="desk", selector="form[role=search] button")
        self.sees("one row", f"const rows = [...document.querySelectorAll('tbody tr')]; return rows.length === 1 && rows[0].textContent.includes({json.dumps(serial)});")
        do("click", page="desk", selector="tbody a")
        self.sees("the request", "return Boolean(document.querySelector('input[name=phrase]'));")
        do("click", page="desk", selector="input[value=call_back]")
        do("fill", page="desk", selector="input[name=phrase]", text=phrase)
        do("click", page="desk", selector="form button.primary")
        self.sees("the approval", f"return document.querySelector('.note.good')?.textContent === {json.dumps(self.texts['done_approve'])};")


class PortalTest(unittest.TestCase):
    """A world for all tests of a class, a customer and a card for each; what was to be seen at a failure is kept."""
    browser_name = ""
    stage = {}  # what the world's shell functions are told beside

    @classmethod
    def setUpClass(cls):
        cls.world = PortalWorld(**cls.stage)
        cls.dir = tempfile.mkdtemp(prefix="mokhoa-portal.")
        os.chmod(cls.dir, 0o755)

    @classmethod
    def tearDownClass(cls):
        cls.world.close()
        shutil.rmtree(cls.dir, ignore_errors=True)

    def setUp(self):
        self.customer = None
        self.count = 0

    def tearDown(self):
        failed = any(test is self and trace for test, trace in self._outcome.result.errors + self._outcome.result.failures) or \
            any(trace for test, trace in getattr(self._outcome, "errors", []) if trace)
        if failed:
            self.leave()
        if self.customer:
            self.customer.close()
        self.world.sh("card_remove $DIR 0", check=False)

    def new_customer(self, **options):
        if self.customer:
            self.customer.close()
        self.count += 1
        self.customer = Customer(self.world, self.browser_name, os.path.join(self.dir, f"{self.id().rsplit('.', 1)[1]}{self.count}"), **options)
        return self.customer

    def leave(self):
        """Pictures, markup, console messages and the logs of everybody, where who looks for them finds them."""
        folder = os.path.join(ARTIFACTS, f"{os.path.basename(sys.argv[0])[:-3]}-{self.browser_name}-{self.id().rsplit('.', 1)[1]}")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        if self.customer:
            try:
                self.customer.browser.do("leave", folder=folder)
            except (browser.Failed, OSError) as error:
                print(f"the browser leaves nothing: {error}", file=sys.stderr)
            if os.path.exists(self.customer.host.log):
                shutil.copy(self.customer.host.log, os.path.join(folder, "host.log"))
        for name in ("serve.log", "vault.log", "nginx/access.log", "nginx/error.log", "pcscd.log", "card0.log"):
            path = os.path.join(self.world.dir, name)
            if os.path.exists(path):
                shutil.copy(path, os.path.join(folder, os.path.basename(name)))
        with open(os.path.join(folder, "prompt.log"), "w", encoding="utf-8") as f:
            f.write(self.world.shown())
        print(f"what was to be seen is in {folder}", file=sys.stderr)


def main(doc):
    """test_x.py chromium|firefox [-v] [TEST...]"""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in browser.PROGRAMS:
        sys.exit(doc)
    PortalTest.browser_name = name
    if not os.access(HOST, os.X_OK):
        world.skip("MOKHOA_BIN names no folder with mokhoa-host")
    if not os.access(browser.PROGRAMS[name], os.X_OK):
        world.skip(f"{browser.PROGRAMS[name]} is missing: apt-get install --no-install-recommends chromium firefox-esr")
    if not shutil.which("certutil"):
        world.skip("certutil is missing: apt-get install --no-install-recommends libnss3-tools")
    missing = browser.install(MODULES)
    if missing:
        world.skip(missing)
    world.enter_stage()
    unittest.main(argv=[sys.argv[0]] + [a for a in sys.argv[2:] if a != "-v"], verbosity=2 if "-v" in sys.argv else 1)
