#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes wire.d.ts from protocol/host.schema.json: python3 portal/sdk/make_types.py [--check]

One exported type a definition, Methods (what each call takes and gives) and ErrorName. With --check nothing is written, and the
end is 1 where the file is not what would be."""
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
SCHEMA = HERE.parents[1] / "protocol" / "host.schema.json"
TYPES = HERE / "wire.d.ts"

# What is on the wire alone: the SDK makes and reads it, nobody who uses the SDK does.
WIRE_ONLY = {"from_page", "to_page", "request", "answer", "error_answer", "notification", "origin", "channel", "id"}


def type_name(definition):
    # Error is the language's own
    if definition == "error":
        return "WireError"
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[._]", definition))


def comment(schema, indent):
    text = schema.get("description")
    return "%s/** %s */\n" % (indent, text) if text else ""


def object_type(schema, indent):
    required = schema.get("required", [])
    inner = indent + "  "
    lines = [comment(value, inner) + "%s%s%s: %s;\n" % (inner, key, "" if key in required else "?", type_of(value, inner))
             for key, value in schema.get("properties", {}).items()]
    return "{\n%s%s}" % ("".join(lines), indent) if lines else "Record<string, never>"


def type_of(schema, indent=""):
    if "$ref" in schema:
        return type_name(schema["$ref"].removeprefix("#/$defs/"))
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(word) for word in schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        return object_type(schema, indent)
    if kind == "array":
        item = type_of(schema["items"], indent)
        return "Array<%s>" % item
    return {"string": "string", "integer": "number", "boolean": "boolean"}[kind]


def error_names(schema):
    names = [row["properties"]["data"]["properties"]["name"]["const"] for row in schema["$defs"]["error"]["oneOf"]]
    return "/** Errors of host and server, by wire name (base/err.def). */\nexport type ErrorName =\n  | %s;\n" % "\n  | ".join(
        json.dumps(name) for name in names)


def methods(schema):
    rows = ["  %s: { params: %s; result: %s };\n" % (json.dumps(name), type_name(name + ".params"), type_name(name + ".result"))
            for name in schema["$defs"]["method"]["enum"]]
    return "/** What each call takes and gives. */\nexport interface Methods {\n%s}\n" % "".join(rows)


def definition(name, schema):
    if name == "error_data":
        schema = {**schema, "properties": {**schema["properties"], "name": {"$ref": "#/$defs/error_name"}}}
    if name == "error":
        schema = {**schema, "properties": {**schema["properties"], "code": {"type": "integer"}}}
    body = type_of(schema)
    head = comment(schema, "")
    if schema.get("type") == "object" and body.startswith("{"):
        return "%sexport interface %s %s\n" % (head, type_name(name), body)
    return "%sexport type %s = %s;\n" % (head, type_name(name), body)


def write(schema):
    parts = ["// SPDX-License-Identifier: Apache-2.0\n// Written by make_types.py from protocol/host.schema.json: change that.\n"]
    parts += [definition(name, value) for name, value in schema["$defs"].items() if name not in WIRE_ONLY]
    return "\n".join(parts + [methods(schema), error_names(schema)])


def main():
    with open(SCHEMA, encoding="utf-8") as f:
        text = write(json.load(f))
    if "--check" not in sys.argv[1:]:
        TYPES.write_text(text, encoding="utf-8")
        return 0
    if TYPES.read_text(encoding="utf-8") == text:
        return 0
    print("portal/sdk/wire.d.ts is not what make_types.py writes from the schema: python3 portal/sdk/make_types.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
