#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The whole flow in a real browser, page to card and back: three wrong PINs, the customer's page, the console, the mail, the prompt, the new PIN.

Usage: test_flow.py chromium|firefox [-v] [TEST...]      MOKHOA_BIN is the folder of the programs, MOKHOA_NODE_MODULES where npm's packages go.
Enters a stage by itself.
"""
import portal
from world import NEW_PIN, PIN, SO_PIN


class Flow(portal.PortalTest):
    def whole_flow(self, place):
        card = self.world.card()  # locked by three wrong PINs
        customer = self.new_customer(place=place)
        customer.arrive()
        seen = customer.sees("choose")
        self.assertIn(card.serial, seen["text"])
        self.assertIn(customer.texts["pin_locked"], seen["text"])
        customer.press("send")
        seen = customer.sees("pending")
        phrase = seen["phrase"]
        self.assertRegex(phrase, r"^[0-9A-Z]{4}-[0-9A-Z]{4}$")

        portal.Desk(self.world, customer.browser).approve(card.serial, phrase)
        code = self.world.code(card.email)
        seen = customer.sees_after_while("approved")
        self.assertNotIn(card.email, seen["text"])
        self.assertIn("@khach.example", seen["text"])

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
        return card, code

    def test_portal(self):
        self.whole_flow(portal.Portal(self.world))


if __name__ == "__main__":
    portal.main(__doc__)
