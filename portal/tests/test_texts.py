#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Texts, pages and lists agree: both languages have the same keys and places to fill in, every key that a page uses is there and every one
that is there is used, states and stages read as in protocol/*.def, and nothing stands inline where the Content-Security-Policy forbids it."""
import json
import pathlib
import re
import unittest

PORTAL = pathlib.Path(__file__).resolve().parents[1]
PROTOCOL = PORTAL.parent / "protocol"
SITES = ("customer", "console")
# Keys that are put together: `prefix_${...}`.
MADE = {"customer": ("step_", "pin_", "stage_", "reason_", "problem_", "insert_help_", "refused_", "expired_", "cancelled_", "failed_", "locked_out_", "finding_"),
        "console": ("state_", "how_", "role_", "language_", "reason_", "event_", "done_", "refuse_", "revoke_", "family_", "outcome_",
                    "report_", "characters_", "system_", "severity_", "preview_", "mail_", "life_", "trust_", "barred_", "kind_", "compared_", "proposal_", "confirm_", "reject_", "withdraw_", "lost_", "retire_", "restore_", "cure_", "reinstate_", "certificate_", "letter_", "import_", "undelivered_", "audit_")}


def texts(site, language):
    return json.loads((PORTAL / site / "texts" / (language + ".json")).read_text(encoding="utf-8"))


def sources(site):
    return {p.name: p.read_text(encoding="utf-8") for p in sorted((PORTAL / site).iterdir()) if p.suffix in (".js", ".html")}


def listed(name, macro):
    rows = re.findall("^" + macro + r'\(\w+, "(\w+)",(.*)\)$', (PROTOCOL / name).read_text(encoding="utf-8"), re.M)
    return {word: re.findall(r'"([^"]*)"', rest)[-2:] for word, rest in rows}


class Texts(unittest.TestCase):
    def test_languages_agree(self):
        for site in SITES:
            vi, en = texts(site, "vi"), texts(site, "en")
            self.assertEqual(list(vi), list(en), site)
            for key in vi:
                with self.subTest(site=site, key=key):
                    self.assertTrue(vi[key].strip() and en[key].strip())
                    self.assertEqual(sorted(re.findall(r"\{\w+\}", vi[key])), sorted(re.findall(r"\{\w+\}", en[key])))

    def test_keys_are_there_and_used(self):
        for site in SITES:
            have = set(texts(site, "vi"))
            said = "\n".join(sources(site).values())
            asked = set(re.findall(r'\bt\("(\w+)"', said)) | set(re.findall(r'data-(?:text|label|title)="(\w+)"', said))
            self.assertEqual(asked - have, set(), site)
            words = set(re.findall(r'"(\w+)"', said))
            unused = {key for key in have - asked - words if not key.startswith(MADE[site])}
            self.assertEqual(unused, set(), site)

    def test_guides_name_what_is_there(self):
        """What a guide tells people to press or look for, in “ ”, stands on a page of that site, letter by letter."""
        for site in SITES:
            for language in ("vi", "en"):
                said = texts(site, language)
                labels = {text for key, text in said.items() if not key.startswith("guide_")}
                named = [(key, label) for key, text in said.items() if key.startswith("guide_") for label in re.findall("“([^”]*)”", text)]
                self.assertTrue(named, site)
                for key, label in named:
                    with self.subTest(site=site, language=language, key=key):
                        self.assertIn(label, labels)

    def test_lists(self):
        states = listed("state.def", "STATE")
        self.assertEqual(len(states), 11)
        for i, language in enumerate(("vi", "en")):
            for word, names in states.items():
                self.assertEqual(texts("console", language)["state_" + word], names[i])
        stages = list(listed("stage.def", "STAGE"))
        self.assertEqual([key[6:] for key in texts("customer", "vi") if key.startswith("stage_")], stages)
        written = re.search(r"const STAGES = \[(.*?)\]", sources("customer")["views.js"]).group(1)
        self.assertEqual(re.findall(r'"(\w+)"', written), stages)
        written = re.search(r"export const STATES = \[(.*?)\]", sources("console")["list.js"]).group(1)
        self.assertEqual(re.findall(r'"(\w+)"', written), list(states))

    def test_ends_of_the_embedded_page(self):
        """embed.js imports nothing, so that a strict policy needs one file of the portal: its list is the wire's all the same, and so are its types and its table."""
        sdk = PORTAL / "sdk"
        final = sorted(json.loads(re.search(r"export const FINAL = (\[.*?\]);", (sdk / "wire.js").read_text(encoding="utf-8")).group(1)))
        results = re.search(r"const RESULTS = \[(.*?)\]", (sdk / "embed.js").read_text(encoding="utf-8")).group(1)
        self.assertEqual(sorted(re.findall(r'"(\w+)"', results)), final)
        types = re.search(r"export type EmbedResult = (.*?);", (sdk / "embed.d.ts").read_text(encoding="utf-8")).group(1)
        self.assertEqual(sorted(re.findall(r'"(\w+)"', types)), final)
        told = re.search(r"^\| `done` \| `result`: (.*?);", (PORTAL / "embed" / "README.md").read_text(encoding="utf-8"), re.M).group(1)
        self.assertEqual(sorted(re.findall(r"`(\w+)`", told)), final)
        states = re.search(r"export type EmbedState =(.*?);", (sdk / "embed.d.ts").read_text(encoding="utf-8"), re.S).group(1)
        views = re.search(r"export const views = \{(.*?)\n\};", sources("customer")["views.js"], re.S).group(1)
        self.assertEqual(sorted(re.findall(r'"(\w+)"', states)), sorted(re.findall(r"^  (\w+)[:,]", views, re.M)))

    def test_every_problem_has_a_heading(self):
        where = re.search(r"const families = \[(.*?)\]", (PORTAL / "sdk" / "error.js").read_text(encoding="utf-8")).group(1)
        for word in set(re.findall(r'"(\w+)"', where)) | {"extension", "host"}:
            self.assertIn("problem_" + word, texts("customer", "vi"))

    def test_nothing_inline(self):
        for site in SITES + ("style", "sdk"):
            for name, text in sources(site).items():
                with self.subTest(site=site, name=name):
                    self.assertNotRegex(text, r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\.style\b(?!\.(set|remove)Property\()|createContextualFragment")
                    self.assertNotIn("https://cdn", text)
                    if name.endswith(".html"):
                        self.assertNotRegex(text, r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)")


if __name__ == "__main__":
    unittest.main()
