#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What people do in the inventory, and what the customer's machine and card then see: a suspect SO PIN that two people replace, a lost token.

Usage: test_inventory.py [-v] [TEST...]      MOKHOA_BIN is the folder of the programs. Enters a stage by itself.
"""
import csv
import os
import sys
import unittest

import world
from seen import seen
from world import NEW_PIN, SO_PIN, WRONG_SO_PIN


class Inventory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = world.World()

    @classmethod
    def tearDownClass(cls):
        cls.world.close()

    def setUp(self):
        self.world.new_home()
        self.world.profile()
        self.world.person()

    def tearDown(self):
        self.world.sh("card_remove $DIR 0", check=False)

    def refused(self, name, call, *args):
        with self.assertRaises(world.native.Refused) as caught:
            call(*args)
        self.assertEqual(caught.exception.name, name)
        seen(name, self.id().replace("__main__", "test_inventory.py"))

    def desk(self, path, body=None, who="an", status=200):
        got, answer = self.world.admin("POST" if body is not None else "GET", path, body, who)
        self.assertEqual(got, status, answer)
        if status != 200:
            seen(answer["error"]["data"]["name"], self.id().replace("__main__", "test_inventory.py"))
            return answer["error"]["data"]["name"]
        return answer

    def token(self, card):
        (found,) = self.desk(f"tokens?token_serial={card.serial}")["tokens"]
        return found

    def code_after(self, card, host, but):
        """Another request, approved: (request, code)."""
        request = card.ask(host)
        self.assertEqual(self.world.approve(self.world.row(card)["number"], request["phrase"])[0], 200)
        return request, self.world.code(card.email, but=but)

    def unlock(self, host, request, code):
        self.world.person(f"type {code}", f"type {NEW_PIN}")
        return host.call("unlock", {"request": request["request"]})

    def sealed(self, card, so_pin):
        """The row that mokhoa-tms seal makes where the keys are kept."""
        table = self.world.sh("printf 'manufacturer,model,serial,so_pin,customer,email\\n%s,%s,%s,%s,,\\n' 'Mokhoa test card' 'PKCS#15 emulated' "
                              f"{card.serial} {so_pin} | \"$MOKHOA_BIN/mokhoa-tms\" seal --vault-key $DIR/tms/vault.pub")
        (row,) = csv.DictReader(table.splitlines())
        return row["sealed"]

    def test_two_people_replace_a_suspect_key(self):
        card = self.world.card(escrow=WRONG_SO_PIN)
        with self.world.host() as host:
            request, _, code = card.approved(host)
            self.refused("token_so_refused", self.unlock, host, request, code)
            request, code = self.code_after(card, host, code)
            self.refused("token_so_refused", self.unlock, host, request, code)
            # nobody gets a code for what cannot be released
            request = card.ask(host)
            row = self.world.row(card)
            approval = {"how": "call_back", "reference": "", "phrase": request["phrase"]}
            self.assertEqual(self.desk(f"requests/{row['number']}/approve", approval, status=409), "escrow_suspect")
            self.assertEqual(card.show()["so_tries"], 13)

            token = self.token(card)
            self.assertEqual((token["state"], token["failures"]), ("suspect", 2))
            self.assertEqual([t["number"] for t in self.desk("tokens?limit=1")["tokens"]], [token["number"]])  # what needs people stands first
            body = {"sealed": self.sealed(card, SO_PIN), "reason": "hãng bàn giao lại khóa, biên bản 17"}
            path = f"tokens/{token['number']}/replace"
            self.assertEqual(self.desk(path, body, who="an", status=403), "role_refused")
            proposal = self.desk(path, body, who="dung")["proposals"][0]["number"]
            self.assertEqual(self.desk(f"proposals/{proposal}/confirm", {}, who="dung", status=409), "second_person")
            self.assertEqual(card.escrow(), [WRONG_SO_PIN])
            token = self.desk(f"proposals/{proposal}/confirm", {}, who="an")
            self.assertEqual((token["state"], token["failures"], token["kept"]), ("unverified", 0, 1))
            self.assertEqual(self.desk(f"proposals/{proposal}/confirm", {}, who="binh", status=409), "proposal_closed")

            self.desk(f"requests/{row['number']}/approve", approval)
            code = self.world.code(card.email, but=code)
            self.assertEqual(self.unlock(host, request, code)["rotated"], True)
            self.assertTrue(card.opens_with(NEW_PIN))
            self.assertFalse(card.has_so_pin(SO_PIN))
            self.assertTrue(card.has_so_pin(card.escrow()[0]))
            token = self.desk(f"tokens/{token['number']}")
            self.assertEqual((token["state"], token["life"]), ("verified", "active"))
            self.assertGreater(token["rotated"], 0)
            self.assertEqual([r["state"] for r in token["requests"]], ["completed", "failed", "failed"])
            self.assertEqual([h["event"] for h in token["history"]], ["import", "suspect", "propose", "confirm"])

    def test_a_lost_token_stays_locked(self):
        card = self.world.card()
        with self.world.host() as host:
            request, _, code = card.approved(host)
            number = self.token(card)["number"]
            self.assertEqual(self.desk(f"tokens/{number}/lost", {"reason": "khách gọi báo mất"}, who="dung")["life"], "lost")
            self.refused("token_lost", self.unlock, host, request, code)
            self.assertEqual((card.show()["user_tries"], card.show()["so_tries"]), (0, 15))
            # another request is taken, and nobody approves it by mistake
            other = card.ask(host)
            row = self.world.row(card)
            self.assertEqual((row["state"], row["token_life"]), ("pending", "lost"))
            self.assertEqual(self.desk(f"requests/{row['number']}/approve", {"how": "call_back", "reference": "", "phrase": other["phrase"]}, status=409), "token_lost")
            proposal = self.desk(f"tokens/{number}/restore", {"reason": "khách đã tìm thấy"}, who="an")["proposals"][0]["number"]
            self.assertEqual(self.desk(f"proposals/{proposal}/confirm", {}, who="an", status=409), "second_person")
            self.assertEqual(self.desk(f"proposals/{proposal}/confirm", {}, who="dung")["life"], "active")
            self.assertEqual(self.unlock(host, request, code)["state"], "completed")
            self.assertTrue(card.opens_with(NEW_PIN))
            self.assertEqual(self.desk(f"tokens/{number}/retire", {"reason": "đã đổi token"}, who="an")["life"], "retired")


if __name__ == "__main__":
    world.enter_stage()
    if not os.access(os.path.join(world.BIN, "mokhoa-host"), os.X_OK):
        world.skip("MOKHOA_BIN names no folder with mokhoa-host")
    unittest.main(verbosity=2 if "-v" in sys.argv else 1)
