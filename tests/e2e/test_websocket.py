#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The unlock from end to end without an extension: the page reaches the host over ws://127.0.0.1, and is closed, or its server killed, in the middle.

Usage: test_websocket.py [-v] [TEST...]      MOKHOA_BIN is the folder of the programs. Enters a stage, and a network of its own, by itself.
"""
import os
import signal
import time
import unittest

import test_unlock
import websocket
import world
from world import NEW_PIN


class WebSocketWorld(world.World):
    """The same world, in which a page has no extension: what host() gives is a page of its server."""
    server = None

    def host(self, **options):
        return self.server.page(**options)


class OverWebSocket(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = WebSocketWorld()

    @classmethod
    def tearDownClass(cls):
        cls.world.close()

    def setUp(self):
        self.world.new_home()
        self.world.profile()
        self.world.person()
        self.world.server = websocket.Server(os.path.join(world.BIN, "mokhoa-websocket"), self.world.client_env)
        self.addCleanup(self.world.server.close)

    def tearDown(self):
        self.world.sh("card_remove $DIR 0", check=False)

    unlocked = test_unlock.Unlock.unlocked
    test_whole_flow = test_unlock.Unlock.test_whole_flow

    def completed_without_us(self, card):
        end = time.monotonic() + 30
        while self.world.row(card)["state"] != "completed" and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(self.world.row(card)["state"], "completed")
        self.assertTrue(card.opens_with(NEW_PIN))
        self.assertTrue(card.has_so_pin(card.escrow()[0]))

    def until_setting_pin(self, card):
        """An unlock that has come so far that it must not be cut in half."""
        page = self.world.host()
        request, _, code = card.approved(page)
        self.world.person(f"type {code}", f"type {NEW_PIN}")
        number = page.start("unlock", {"request": request["request"]})

        def stop(note):
            if note["params"]["stage"] == "setting_pin":
                raise InterruptedError

        with self.assertRaises(InterruptedError):
            page.finish(number, 60, stop)
        return page

    def test_page_closed_in_the_middle(self):
        card = self.world.card()
        self.until_setting_pin(card).close()
        self.completed_without_us(card)
        page = self.world.host()
        self.assertEqual([r["state"] for r in page.call("unlock.status")["requests"]], ["completed"])
        page.close()

    def test_server_killed_in_the_middle(self):
        card = self.world.card()
        page = self.until_setting_pin(card)
        self.world.server.process.send_signal(signal.SIGKILL)
        self.assertIn(page.connection.closed_with(), (None, 1001, 1011))
        page.close()
        self.completed_without_us(card)

    @staticmethod
    def hears(page, seconds):
        """The methods of what it is told in that time."""
        heard, end = [], time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                heard.append(page.receive(left)["message"]["method"])
            except TimeoutError:
                break
        return heard

    def test_hot_plug(self):
        """A card that comes or goes is one notification each, as over the extension."""
        card = self.world.card(lock=False)
        page = self.world.host()
        watch = page.start("token.watch")
        end, moves = time.monotonic() + 60, 0
        while not self.hears(page, 3):  # until somebody watches
            self.assertLess(time.monotonic(), end)
            (card.insert if moves % 2 else card.remove)()
            moves += 1
        for _ in range(3):
            (card.insert if moves % 2 else card.remove)()
            moves += 1
            self.assertEqual(self.hears(page, 4), ["token.changed"])
        self.assertEqual(page.call("token.unwatch"), {"watch": "ended"})
        self.assertEqual(page.finish(watch), {"watch": "ended"})
        page.close()

    def test_no_secret_passes(self):
        """All that the page hears in a whole unlock: neither code nor PIN nor SO PIN."""
        card = self.world.card()
        page = self.world.host()
        heard, receive = [], page.receive
        page.receive = lambda *args: heard.append(receive(*args)) or heard[-1]
        request, _, code = card.approved(page)
        self.unlocked(card, page, request, code)
        page.close()
        said = str(heard) + self.world.server.text()
        for secret in (code, code.replace("-", ""), NEW_PIN, world.PIN, world.SO_PIN, card.escrow()[0]):
            self.assertNotIn(secret, said)


if __name__ == "__main__":
    if not os.access(os.path.join(world.BIN, "mokhoa-websocket"), os.X_OK):
        world.skip("MOKHOA_BIN names no folder with mokhoa-websocket")
    world.enter_stage()
    websocket.own_network()
    unittest.main()
