#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what the SDK knows of the wire: python3 portal/sdk/make_types.py [--check]

wire.d.ts from protocol/host.schema.json: one exported type a definition, Methods (what each call takes and gives) and ErrorName, and HostError
from webext/causes.json. wire.js from protocol/*.def: deadlines, final states and ports. ../console/bounds.js from protocol/tms.openapi.json: how long the texts
are that the desk may look for. With --check nothing is written, and the end is 1 where a
file is not what would be."""
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROTOCOL = ROOT / "protocol"
sys.path.insert(0, str(PROTOCOL / "reference"))
sys.dont_write_bytecode = True

import lists  # noqa: E402 (the reader of *.def)

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


def names_type(name, about, names):
    return "/** %s */\nexport type %s =\n  | %s;\n" % (about, name, "\n  | ".join(json.dumps(each) for each in names))


def error_names(schema):
    names = [row["properties"]["data"]["properties"]["name"]["const"] for row in schema["$defs"]["error"]["oneOf"]]
    return names_type("ErrorName", "Errors of host and server, by wire name (base/err.def).", names)


def host_errors():
    return names_type("HostError", "What the extension says where no host answers (webext/causes.json).", json.loads(text(ROOT / "webext" / "causes.json")))


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


def types():
    schema = json.loads(text(PROTOCOL / "host.schema.json"))
    parts = ["// SPDX-License-Identifier: Apache-2.0\n// Written by make_types.py from protocol/host.schema.json: change that.\n"]
    parts += [definition(name, value) for name, value in schema["$defs"].items() if name not in WIRE_ONLY]
    constants = ("/** Seconds that the host gives a call. */\nexport const DEADLINES: Readonly<Record<Method, number>>;\n\n"
                 "/** States that nothing changes any more. */\nexport const FINAL: readonly State[];\n\n"
                 "/** Where mokhoa-websocket may listen on 127.0.0.1, in the order in which to ask. */\nexport const PORTS: readonly number[];\n")
    return "\n".join(parts + [methods(schema), error_names(schema), host_errors(), constants])


def values():
    deadlines = {row["name"]: row["deadline"] for row in lists.rows("OP", text(PROTOCOL / "op.def")) if "OP_PAGE" in row["flags"].split("|")}
    final = list(dict.fromkeys(row["customer"] for row in lists.rows("STATE", text(PROTOCOL / "state.def")) if row["final"]))
    ports = [int(port) for port in re.findall(r"^PORT\((\d+)\)$", text(PROTOCOL / "port.def"), re.M)]
    return ("// SPDX-License-Identifier: Apache-2.0\n// Written by make_types.py from protocol/*.def: change those. Deadlines are the host's own, in seconds.\n"
            "export const DEADLINES = %s;\nexport const FINAL = %s;\nexport const PORTS = %s;\n" % (json.dumps(deadlines), json.dumps(final), json.dumps(ports)))


def bounds():
    """Bytes of each text parameter of admin.list; the pattern of one of digits has them."""
    of = {}
    for parameter in json.loads(text(PROTOCOL / "tms.openapi.json"))["paths"]["/v1/admin/requests"]["get"]["parameters"]:
        schema = parameter["schema"]
        if "pattern" in schema:
            of[parameter["name"]] = schema.get("maxBytes") or int(re.search(r"\{1,(\d+)\}\$$", schema["pattern"]).group(1))
    return ("// SPDX-License-Identifier: Apache-2.0\n// Written by portal/sdk/make_types.py from protocol/tms.openapi.json: change that. The most bytes of what the list is asked for.\n"
            "export const BOUNDS = %s;\n" % json.dumps(of))


def text(path):
    return path.read_text(encoding="utf-8")


def main():
    check, wrong = "--check" in sys.argv[1:], 0
    for path, content in ((HERE / "wire.d.ts", types()), (HERE / "wire.js", values()), (HERE.parent / "console" / "bounds.js", bounds())):
        if not check:
            path.write_text(content, encoding="utf-8")
        elif text(path) != content:
            print("%s is not what make_types.py writes: python3 portal/sdk/make_types.py" % path.relative_to(ROOT), file=sys.stderr)
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main())
