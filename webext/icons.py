# SPDX-License-Identifier: Apache-2.0
"""The project's mark as PNG, in the sizes that browsers ask for: icons() gives {size: bytes}.

The mark is portal/style/mark.svg, and nothing else is a picture of it; what of SVG it uses is understood here: rect with rx, circle, and a path of
M, v and one circular arc that is stroked with round ends. Every pixel is as opaque as the distance of its middle from the shape says. Pixels are stored and not
compressed, so that the same mark gives the same bytes with every version of zlib.
"""
import math
import os
import re
import struct
import xml.etree.ElementTree
import zlib

MARK = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "portal", "style", "mark.svg")
SIZES = (16, 32, 48, 128)
SEGMENTS = 24  # of an arc
NUMBER = re.compile(r"-?\d*\.?\d+")


class NotUnderstood(Exception):
    """The mark uses more of SVG than this file knows."""


def colour(text):
    """#rgb or #rrggbb."""
    digits = text[1:] if len(text) == 7 else "".join(c + c for c in text[1:])
    return tuple(int(digits[i:i + 2], 16) for i in (0, 2, 4))


# ---- shapes: how far a point is outside (above 0) or inside ----

def rectangle(x, y, width, height, radius):
    def distance(px, py):
        dx = abs(px - x - width / 2) - width / 2 + radius
        dy = abs(py - y - height / 2) - height / 2 + radius
        return math.hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - radius
    return distance


def circle(x, y, radius):
    return lambda px, py: math.hypot(px - x, py - y) - radius


def line(points, width):
    def distance(px, py):
        best = math.inf
        for (ax, ay), (bx, by) in zip(points, points[1:]):
            dx, dy = bx - ax, by - ay
            along = max(0, min(1, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy)))
            best = min(best, math.hypot(px - ax - along * dx, py - ay - along * dy))
        return best - width / 2
    return distance


def arc(x, y, radius, large, sweep, to_x, to_y):
    """Points on the circular arc, from behind (x, y) to (to_x, to_y); SVG 1.1, F.6.5."""
    half_x, half_y = (to_x - x) / 2, (to_y - y) / 2
    half = math.hypot(half_x, half_y)
    high = math.sqrt(max(0, radius * radius - half * half)) * (1 if large != sweep else -1)
    middle_x, middle_y = x + half_x - high * half_y / half, y + half_y + high * half_x / half
    begin, end = math.atan2(y - middle_y, x - middle_x), math.atan2(to_y - middle_y, to_x - middle_x)
    if sweep and end < begin:
        end += 2 * math.pi
    if not sweep and end > begin:
        end -= 2 * math.pi
    angles = [begin + (end - begin) * i / SEGMENTS for i in range(1, SEGMENTS + 1)]
    return [(middle_x + radius * math.cos(a), middle_y + radius * math.sin(a)) for a in angles]


def points_of(path):
    points = []
    for command, arguments in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        n = [float(number) for number in NUMBER.findall(arguments)]
        if command == "M" and len(n) == 2:
            points.append((n[0], n[1]))
        elif command == "v" and len(n) == 1:
            points.append((points[-1][0], points[-1][1] + n[0]))
        elif command == "a" and len(n) == 7 and n[0] == n[1]:
            x, y = points[-1]
            points += arc(x, y, n[0], bool(n[3]), bool(n[4]), x + n[5], y + n[6])
        else:
            raise NotUnderstood(f"path: {command}{arguments}")
    return points


def shape(element):
    """(distance, colour)"""
    kind, get = element.tag.split("}")[-1], element.attrib.get

    def number(name):
        return float(get(name, "0"))

    if kind == "rect":
        return rectangle(number("x"), number("y"), number("width"), number("height"), number("rx")), colour(get("fill"))
    if kind == "circle":
        return circle(number("cx"), number("cy"), number("r")), colour(get("fill"))
    if kind == "path" and get("fill") == "none" and get("stroke-linecap") == "round":
        return line(points_of(get("d")), number("stroke-width")), colour(get("stroke"))
    raise NotUnderstood(kind)


# ---- pixels ----

def pixel(shapes, x, y, scale):
    red = green = blue = alpha = 0.0
    for distance, (r, g, b) in shapes:
        over = max(0.0, min(1.0, 0.5 - distance(x, y) * scale))
        if over > 0:
            red, green, blue, alpha = (r * over + red * (1 - over), g * over + green * (1 - over), b * over + blue * (1 - over), over + alpha * (1 - over))
    # the colours above are multiplied by the opacity, those of a PNG are not
    return bytes(round(value / alpha) if alpha else 0 for value in (red, green, blue)) + bytes([round(255 * alpha)])


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(size, rows):
    head = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 0)) + chunk(b"IEND", b"")


def icons(mark=MARK):
    root = xml.etree.ElementTree.parse(mark).getroot()
    _, _, width, _ = (float(n) for n in root.attrib["viewBox"].split())
    shapes = [shape(element) for element in root]
    made = {}
    for size in SIZES:
        scale = size / width
        made[size] = png(size, [b"".join(pixel(shapes, (x + 0.5) / scale, (y + 0.5) / scale, scale) for x in range(size)) for y in range(size)])
    return made
