#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every pair of ink and ground that style.css puts together has the contrast of WCAG 2.2 AA (1.4.3: text 4.5, 1.4.11: lines of controls 3), in light and dark."""
import pathlib
import re
import unittest

CSS = (pathlib.Path(__file__).resolve().parents[1] / "style.css").read_text(encoding="utf-8")
TEXT = [(ink, ground) for ink in ("ink", "ink-soft", "brand", "brand-strong") for ground in ("paper", "ground")] + [
    ("ink", "brand-tint"), ("ink-soft", "brand-tint"), ("brand", "brand-tint"), ("brand-strong", "brand-tint"), ("on-brand", "brand"), ("on-brand", "brand-strong"), ("bad", "paper")] + [
    (ink, tint + "-tint") for tint in ("good", "warn", "bad") for ink in ("ink", tint)]
LINES = [("line-strong", "paper"), ("line-strong", "ground"), ("brand", "paper"), ("brand", "ground"), ("good", "ground")]


def colours(text):
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", text))


def luminance(colour):
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


class Contrast(unittest.TestCase):
    def setUp(self):
        light = re.search(r":root \{(.*?)\n\}", CSS, re.S).group(1)
        dark = re.search(r"prefers-color-scheme: dark\) \{\n  :root \{(.*?)\n  \}", CSS, re.S).group(1)
        self.themes = {"light": colours(light), "dark": {**colours(light), **colours(dark)}}
        self.assertEqual(set(colours(dark)), set(colours(light)), "dark sets every colour that light has")

    def test_known(self):
        self.assertAlmostEqual(contrast("#000000", "#ffffff"), 21)
        self.assertLess(contrast("#777777", "#ffffff"), 4.5)

    def test_pairs(self):
        for theme, of in self.themes.items():
            for pairs, least in ((TEXT, 4.5), (LINES, 3)):
                for ink, ground in pairs:
                    with self.subTest(theme=theme, ink=ink, ground=ground):
                        self.assertGreaterEqual(contrast(of[ink], of[ground]), least)

    def test_no_colour_outside_the_list(self):
        rest = re.sub(r"--[a-z-]+: [^;]+;", "", CSS)
        self.assertEqual(re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(", rest), [])


if __name__ == "__main__":
    unittest.main()
