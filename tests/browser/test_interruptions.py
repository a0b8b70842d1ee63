#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What cuts a customer short at each step of the way, and what his page then shows: it goes on, or says what to do, and the card ends unlocked.

Usage: test_interruptions.py chromium|firefox [-v] [TEST...]      MOKHOA_BIN is the folder of the programs, MOKHOA_NODE_MODULES where npm's packages go.
Enters a stage by itself. Prints a table: a row an interruption, a column a step, in each cell the screens that followed.
"""
import os
import re
import signal
import time

import browser
import portal
from browser import wait_for
from world import NEW_PIN

STEPS = ("token", "waiting", "approved", "prompt", "unlock", "done")


# What may come at each step, as a whole. The page of the first four never heard of the cut; where two ways are given, it depends on who was first: the
# page, or the worker that went on. The screen of work stays no longer than the work, so a look may miss it; every other screen waits for somebody.
WORK = r"(unlocking > )?"
ON = {"token": "choose > pending", "waiting": "pending > approved", "approved": "approved > unlocking", "done": "completed"}
LOST = r"(pending( \(connection lost\))? > )+approved"
NEW_PAGE = {**ON, "prompt": "approved > completed", "unlock": rf"((approved|resume) > {WORK})?completed"}


def cut(error):
    """The call is lost with its reason, the request is not: he presses again, or the worker was done already. The reason goes when the page has newer news."""
    def went_on(errors):
        return rf"{WORK}((approved|resume)( \((?:{errors})\))? > {WORK})?completed"

    # a worker whose prompt is still open has the token for a moment after the next one has asked for it
    return {**ON, "waiting": LOST, "approved": r"approved( \(connection lost\))? > unlocking", "prompt": went_on(error + "|token_busy"), "unlock": went_on(error)}


EXPECTED = {
    "page reloaded": NEW_PAGE,
    "tab closed and opened": NEW_PAGE,
    "browser killed": NEW_PAGE,
    "away, and back from the cache": NEW_PAGE,
    "host killed": cut("host_crashed"),
    "background script ended": cut("extension_failed|host_crashed"),
    "extension reloaded": cut("extension_failed"),
    "card out until asked for": {
        "token": r"choose > problem \(no_token\) > choose > pending", "waiting": ON["waiting"],
        "approved": rf"approved > {WORK}approved \((no_token|token_absent)\) > unlocking",
        "prompt": rf"{WORK}(resume|approved) \((token_removed|token_absent|no_token)\) > {WORK}completed",
        # pulled before the new PIN was set, or behind it: then it is unlocked, and only its SO PIN stays the old one
        "unlock": rf"{WORK}(resume \(token_removed\) > {WORK})?completed", "done": "completed"},
    "server down for a while": {
        "token": r"choose > problem \((tms_failed|tms_unreachable)\) > choose > pending", "waiting": LOST,
        "approved": rf"approved( \(connection lost\) > unlocking| > {WORK}problem \((tms_failed|tms_unreachable)\) > approved > unlocking)",
        "prompt": rf"{WORK}problem \((tms_failed|tms_unreachable)\) > approved > {WORK}completed",
        "unlock": rf"{WORK}(problem \((tms_failed|tms_unreachable)\) > resume > {WORK})?completed( \(unreported\) > completed)?", "done": "completed"},
}


def error_names():
    """The Vietnamese sentence of every error that a page may show: its name."""
    found = {}
    for path, pattern in ((("base", "err.def"), r'ERR\(\w+, -?\d+, \d+, "(\w+)",\s+"((?:[^"\\]|\\.)*)"'), (("portal", "sdk", "error.js"), r'(\w+): \{\s+vi: \["([^"]*)"')):
        with open(os.path.join(browser.ROOT, *path), encoding="utf-8") as f:
            found.update({sentence: name for name, sentence in re.findall(pattern, f.read())})
    return found


ERRORS = error_names()


class Interruptions(portal.PortalTest):
    table = {}
    card = mend = None
    past = ""

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        print(f"\nInterruptions in {cls.browser_name}: what was seen after each, up to where the flow went on\n")
        widths = [max([len(step)] + [len(row.get(step, "")) for row in cls.table.values()]) for step in STEPS]
        first = max([len(name) for name in cls.table] + [12])
        for name, row in [("interruption", dict(zip(STEPS, STEPS))), *cls.table.items()]:
            print(f"  {name:<{first}} | " + " | ".join(f"{row.get(step, ''):<{width}}" for step, width in zip(STEPS, widths)))
        print(flush=True)

    # ---- what the customer sees and does ----

    def named(self, seen):
        what = next((name for sentence, name in ERRORS.items() if sentence in seen["alert"]), "")
        if self.customer.texts["connection_lost"] in seen["text"]:
            what = "connection lost"
        if self.customer.texts["done_unreported"] in seen["text"]:
            what = "unreported"
        return f"{seen['name']} ({what})" if what else seen["name"]

    def mend_now(self):
        """What the customer, or somebody else, does about it once the page has said what is wrong."""
        mend, self.mend = self.mend, None
        if mend:
            mend()

    def go_on(self, *targets, so=lambda seen: True, seconds=60):
        """Until one of these screens is there, doing what a page with a problem says. Returns the screens on the way."""
        self.past = ""
        trail, end, looked = [], time.monotonic() + seconds, time.monotonic()
        while True:
            try:
                seen = self.customer.look()
            except browser.Failed:  # between two documents
                seen = {"name": "", "alert": "", "text": "", "buttons": []}
            if seen["name"] not in ("", "waits") and trail[-1:] != [self.named(seen)]:
                trail.append(self.named(seen))
                self.past = " ".join(trail)
            if "(" in " ".join(trail[-1:]):
                self.mend_now()
            if seen["name"] in targets and so(seen):
                return trail
            if seen["name"] == "problem":
                self.assertIn("(", trail[-1], seen)  # an error that has a name, with its remedy
                button = "reload" if self.customer.texts["reload"] in seen["buttons"] else "again"
                self.assertIn(self.customer.texts[button], seen["buttons"])
                self.customer.press(button)
            if time.monotonic() > end:
                self.fail(f"{' > '.join(trail)} and not {' or '.join(targets)}:\n{seen['text']}")
            if time.monotonic() > looked + 3:  # nothing happens for a while: he looks elsewhere and comes back
                looked = time.monotonic()
                try:
                    self.customer.returns()
                except browser.Failed:
                    pass
            time.sleep(0.05)

    def cell(self, row, step, trail):
        """What came one after the other, each once, held to what is expected."""
        self.mend_now()
        seen = " > ".join(name for i, name in enumerate(trail) if trail[i - 1:i] != [name])
        self.table.setdefault(row, {})[step] = seen
        self.assertRegex(seen, rf"\A({EXPECTED[row][step]})\Z")

    def asked(self, row=None, interrupt=None):
        """A locked card, and a request for it from the page that shows it: (card, phrase)."""
        customer = self.customer
        trail = []
        if interrupt:
            self.mend = interrupt("token")
            trail = self.go_on("choose")
        customer.press("send")
        sent = self.go_on("pending", "choose", so=lambda seen: seen["name"] == "pending" or "problem" in self.past)
        if sent[-1] == "choose":  # the page had to begin again
            customer.press("send")
            sent += self.go_on("pending")
        if interrupt:
            self.cell(row, "token", trail + sent)
        return customer.look()["phrase"]

    def approved(self, card, phrase):
        status, answer = self.world.approve(self.world.row(card)["number"], phrase)
        self.assertEqual(status, 200, answer)
        return self.world.code(card.email)

    def unlocked(self, card, candidates=1):
        wait_for("the server's word", 30, lambda: self.world.row(card)["state"] == "completed")
        self.assertTrue(card.opens_with(NEW_PIN))
        held = card.escrow()
        self.assertLessEqual(len(held), candidates)
        self.assertTrue(any(card.has_so_pin(so_pin) for so_pin in held))

    def row(self, name, interrupt, frozen=True, candidates=1, **options):
        """interrupt(step) cuts in, leaves a page there, and may return what is to be done when that page has said what is wrong. Two ways to the end: one
        that is cut short at every step but the unlock itself, and one that is cut short while the token works; there the server holds its breath, so
        that the work does not end meanwhile unless it was as good as done. Two candidates may be left where a rotation is cut off from its token."""
        self.card = card = self.world.card()
        customer = self.new_customer(**options)
        customer.arrive()
        customer.sees("choose")
        phrase = self.asked(name, interrupt)

        self.mend = interrupt("waiting")
        trail = self.go_on("pending", so=lambda seen: seen["phrase"] == phrase and not self.mend)
        code = self.approved(card, phrase)
        self.cell(name, "waiting", trail + self.go_on("approved"))

        self.mend = interrupt("approved")
        trail = self.go_on("approved")
        customer.will_type(code, NEW_PIN, think=True)
        customer.press("unlock")
        trail += self.go_on("unlocking", "approved", so=lambda seen: seen["name"] == "unlocking" and self.prompt_open() or "(" in self.named(seen) or "problem" in self.past)
        if trail[-1] != "unlocking":
            customer.press("unlock")
            trail += self.go_on("unlocking")
        customer.prompt_open()
        self.cell(name, "approved", trail)

        self.mend = interrupt("prompt")
        trail = self.go_on("unlocking", "approved", "resume")
        customer.finish_thinking()
        self.cell(name, "prompt", trail + self.to_the_end(card))

        self.mend = interrupt("done")
        self.cell(name, "done", self.go_on("completed"))
        self.unlocked(card)
        self.world.sh("card_remove $DIR 0")

        card = self.at_work()
        if frozen:
            self.server(signal.SIGSTOP)
        try:
            self.mend = interrupt("unlock")
        finally:
            if frozen:
                self.server(signal.SIGCONT)
        trail = self.to_the_end(card)
        if "unreported" in trail[-1]:  # the page asks to be opened again
            customer.browser.do("reload", page="customer")
            self.mend_now()
            trail += self.go_on("completed", so=lambda seen: "(" not in self.named(seen))
        self.cell(name, "unlock", trail)
        self.unlocked(card, candidates)

    def at_work(self):
        """Another card, whose unlock is under way, the new PIN not long set: where it was done before anybody could look, another one."""
        customer = self.customer
        began = [customer.texts[f"stage_{stage}"] for stage in ("setting_pin", "proving_pin", "granting", "rotating", "proving_rotation")]
        for _ in range(4):
            self.card = card = self.world.card()
            customer.press("another_token")
            self.go_on("choose")
            phrase = self.asked()
            code = self.approved(card, phrase)
            self.go_on("approved")
            customer.will_type(code, NEW_PIN)
            customer.press("unlock")
            seen = customer.sees("unlocking", "completed", so=lambda seen: seen["name"] == "completed" or seen["stage"] in began)
            if seen["name"] == "unlocking":
                return card
            self.unlocked(card)
            self.world.sh("card_remove $DIR 0")
        return self.fail("every unlock is faster than a look")

    def to_the_end(self, card):
        """From an unlock under way to its end; where the page says that it did not end, he presses what is offered."""
        trail = []
        for _ in range(4):
            trail += self.go_on("completed", "resume", "approved", so=lambda seen: seen["name"] != "approved" or "(" in self.named(seen) or "problem" in self.past)
            name = trail[-1].split()[0]
            if name == "completed":
                return trail
            try:
                self.customer.press("resume" if name == "resume" else "unlock")
            except browser.Failed:  # the page went on by itself
                pass
            trail += self.go_on("completed", "unlocking", "resume")
        return self.fail(" > ".join(trail))

    def prompt_open(self):
        return "window 1" in self.world.shown()

    def server(self, number):
        with open(os.path.join(self.world.dir, "serve.pid"), encoding="ascii") as f:
            os.kill(int(f.read()), number)

    # ---- the interruptions ----

    def test_page_reloaded(self):
        self.row("page reloaded", lambda step: self.customer.browser.do("reload", page="customer"))

    def test_tab_closed(self):
        def interrupt(_step):
            self.customer.browser.do("shut", page="customer")
            self.customer.arrive()

        self.row("tab closed and opened", interrupt)

    def test_browser_killed(self):
        def interrupt(_step):
            self.assertEqual(self.customer.browser.kill(), 1)
            self.customer.browser.start()
            self.customer.arrive()

        self.row("browser killed", interrupt)

    def test_background_ended(self):
        def interrupt(_step):
            if self.browser_name == "chromium":
                self.assertEqual(self.customer.browser.do("kill_worker"), 1)
                return
            # Firefox ends the script when nothing holds it, and a host that runs does
            self.customer.run("addEventListener('message', (e) => { if (e.data?.mokhoa === 'to-page' && e.data.closed) globalThis.ended = true; });")
            self.customer.host.kill()
            wait_for("the end of the background script", 30, lambda: self.customer.run("return globalThis.ended === true;"))

        self.row("background script ended", interrupt, **({"prefs": {"extensions.background.idle.timeout": 1000}} if self.browser_name == "firefox" else {}))

    def test_extension_reloaded(self):
        if self.browser_name != "chromium":
            self.skipTest("no driver reaches the pages where Firefox lets an extension be reloaded")
        popup = f"chrome-extension://{self.world.made['chromium_id']}/popup.html"

        def is_there(script):
            try:
                return self.customer.browser.run(script, page="popup")
            except browser.Failed:
                return False

        def opens():
            try:
                self.customer.browser.open("popup", popup)
            except browser.Failed:
                return False
            return is_there("return globalThis.old !== true && Boolean(chrome.runtime.getManifest());")

        def interrupt(_step):
            wait_for("the popup", 20, opens)
            self.customer.browser.run("globalThis.old = true; setTimeout(() => chrome.runtime.reload(), 50);", page="popup")
            wait_for("the popup to go with its extension", 20, lambda: not is_there("return globalThis.old === true && Boolean(chrome.runtime?.id);"))
            wait_for("the extension to be back", 20, opens)
            self.customer.browser.do("shut", page="popup")

        self.row("extension reloaded", interrupt)

    def test_away_and_back(self):
        def interrupt(_step):
            self.customer.run("addEventListener('pageshow', (event) => { globalThis.persisted = event.persisted; });")
            self.customer.browser.open("customer", self.world.portal + "/guide.html")
            self.customer.browser.do("back", page="customer")
            self.assertIs(wait_for("the page", 20, lambda: self.customer.run("return globalThis.persisted ?? null;")), True)

        if self.browser_name == "firefox":
            portal.Customer.press, self.press = portal.Customer.press_in_page, portal.Customer.press
            self.addCleanup(setattr, portal.Customer, "press", self.press)
        self.row("away, and back from the cache", interrupt, **({} if self.browser_name == "firefox" else {"ignored": ["--disable-back-forward-cache"]}))

    def test_host_killed(self):
        self.row("host killed", lambda step: self.customer.host.kill())

    def test_card_pulled(self):
        def interrupt(step):
            self.card.remove()
            if step in ("waiting", "done"):  # nobody asks for it now
                self.card.insert()
                return None
            return self.card.insert

        self.row("card out until asked for", interrupt, candidates=2)

    def test_server_restarted(self):
        def interrupt(step):
            self.world.sh("serve_down $DIR")
            if step == "done":  # nobody asks it any more
                self.world.sh("serve_up $DIR")
                return None
            if step == "unlock":  # a grant is asked for again for two minutes, and nothing is shown meanwhile
                time.sleep(5)
                self.world.sh("serve_up $DIR")
                return None
            if step == "waiting":
                # what is on the page stays there, and the note comes beside it: a button that is drawn anew under a press loses it
                self.customer.run("document.querySelector('#view h2').ours = true;")
                self.customer.returns()
                lost = wait_for("the note", 40, lambda: self.customer.texts["connection_lost"] in self.customer.look()["text"])
                self.assertTrue(lost and self.customer.run("return document.querySelector('#view h2').ours === true;"))
            return lambda: self.world.sh("serve_up $DIR")

        self.row("server down for a while", interrupt, frozen=False)


if __name__ == "__main__":
    portal.main(__doc__)
