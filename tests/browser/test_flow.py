#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The whole flow in a real browser, page to card and back: three wrong PINs, the customer's page, the console, the mail, the prompt, the new PIN.

Usage: test_flow.py chromium|firefox [-v] [TEST...]      MOKHOA_BIN is the folder of the programs, MOKHOA_NODE_MODULES where npm's packages go.
Enters a stage by itself.
"""
import json

import portal
from browser import wait_for
from world import NEW_PIN

TABS_MAX = 60
DRAWINGS = """
    globalThis.drawn = [];
    const view = document.getElementById("view");
    new MutationObserver(() => drawn.push(view.textContent)).observe(view, { childList: true });"""


class Keys:
    """Somebody with a keyboard and no mouse."""

    def __init__(self, the_browser, page):
        self.browser, self.page = the_browser, page

    def press(self, key):
        self.browser.do("press", page=self.page, key=key)

    def focused(self, selector, text=""):
        """Whether that element has the focus, and shows that it has it."""
        return self.browser.run(f"""
            const e = document.activeElement;
            return e.matches({json.dumps(selector)}) && e.textContent.includes({json.dumps(text)}) &&
                (e.matches("input, textarea") || getComputedStyle(e).outlineStyle !== "none");""", page=self.page)

    def go(self, selector, text=""):
        for _ in range(TABS_MAX):
            if self.focused(selector, text):
                return
            self.press("Tab")
        raise AssertionError(f"no way to {selector} {text} by the Tab key")

    def push(self, selector, text=""):
        self.go(selector, text)
        self.press("Enter")

    def type(self, selector, text):
        self.go(selector)
        self.browser.do("type", page=self.page, text=text)


class Flow(portal.PortalTest):
    def whole_flow(self, place, **options):
        card = self.world.card()  # locked by three wrong PINs
        customer = self.new_customer(place=place, **options)
        customer.arrive()
        seen = customer.sees("choose")
        self.assertIn(card.serial, seen["text"])
        self.assertIn(customer.texts["pin_locked"], seen["text"])
        customer.run(DRAWINGS)
        customer.press("send")
        seen = customer.sees("pending")
        phrase = seen["phrase"]
        self.assertRegex(phrase, r"^[0-9A-Z]{4}-[0-9A-Z]{4}$")

        portal.Desk(self.world, customer.browser).approve(card.serial, phrase)
        code = self.world.code(card.email)
        seen = customer.sees_after_while("approved")
        self.assertNotIn(card.email, seen["text"])
        self.assertIn("@khach.example", seen["text"])
        # nothing was drawn over itself: a button that is drawn anew under a press loses it
        drawn = customer.run("return drawn;")
        self.assertIn(len(drawn), (3, 4), drawn)  # sending, pending, approved, perhaps before its code has a time
        self.assertEqual(len(set(drawn)), len(drawn), drawn)

        customer.will_type(code, NEW_PIN)
        customer.press("unlock")
        customer.sees("completed")
        for what in (self.world.portal, phrase, card.serial):
            self.assertIn(what, self.world.shown())
        self.assertTrue(card.opens_with(NEW_PIN))
        row = self.world.row(card)
        self.assertEqual(row["state"], "completed")
        done = next(h for h in self.world.one(row["number"])["history"] if h["event"] == "done")
        self.assertIn("proof=verified", done["detail"])
        return card

    def test_portal(self):
        self.whole_flow(portal.Portal(self.world))

    def test_installed(self):
        """By nothing but what mokhoa-setup wrote for everybody on the machine."""
        self.whole_flow(portal.Portal(self.world), installed=True)

    def test_agency(self):
        card = self.whole_flow(portal.Agency(self.world))
        # the agency's own page, around the frame, has heard how it went, and nothing of the token
        page = self.customer.browser.do("content", page="customer")
        self.assertIn("done: completed", page)
        for secret in (card.serial, card.email):
            self.assertNotIn(secret, page)

    def test_keyboard_alone(self):
        if self.browser_name != "chromium":
            self.skipTest("which key leads where is the page's doing and not the browser's")
        card = self.world.card()
        customer = self.new_customer()
        do = customer.browser.do

        def no_mouse(order, **arguments):
            self.assertNotIn(order, ("click", "fill"))
            return do(order, **arguments)

        customer.browser.do = no_mouse
        customer.arrive()
        customer.sees("choose")
        keys = Keys(customer.browser, "customer")
        keys.push("button", customer.texts["send"])
        phrase = customer.sees("pending")["phrase"]

        desk = portal.Desk(self.world, customer.browser)
        at_desk = Keys(customer.browser, "desk")
        desk.sees("the list", "return Boolean(document.querySelector('form[role=search]'));")
        at_desk.type("input[name=token_serial]", card.serial)
        at_desk.press("Enter")
        desk.sees("one row", "return document.querySelectorAll('tbody tr').length === 1;")
        at_desk.push("tbody a")
        desk.sees("the request", "return Boolean(document.querySelector('input[name=phrase]'));")
        at_desk.go("input[name=how]")
        at_desk.press("Space")
        at_desk.type("input[name=phrase]", phrase)
        at_desk.push("button", desk.texts["approve"])
        desk.sees("the approval", f"return document.querySelector('.note.good')?.textContent === {json.dumps(desk.texts['done_approve'])};")

        code = self.world.code(card.email)
        customer.sees_after_while("approved")
        customer.will_type(code, NEW_PIN)
        keys.push("button", customer.texts["unlock"])
        customer.sees("completed")
        wait_for("the server's word", 30, lambda: self.world.row(card)["state"] == "completed")
        self.assertTrue(card.opens_with(NEW_PIN))


if __name__ == "__main__":
    portal.main(__doc__)
