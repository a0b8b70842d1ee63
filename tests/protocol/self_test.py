# SPDX-License-Identifier: Apache-2.0
"""Parts the descriptions of the wire in memory, one place at a time, and asks whether check_protocol.py notices."""
import json
import re

import check_protocol as checker
from contract import HOST, LISTS, README, ROUTES, TMS, VECTORS, read_texts

# the checks that compare documents with lists; the others run values through the schemas and take longer
QUICK = (checker.check_lists, checker.check_host_schema, checker.check_tms, checker.check_routes, checker.check_strict)

NEW_LINES = {
    "OP": 'OP(TOKEN_ERASE, "token.erase", OP_PAGE, 30)\n',
    "NOTIFICATION": 'NOTIFICATION(TOKEN_CHANGED, "token.changed")\n',
    "STATE": 'STATE(LOST, "lost", "lost", 1, "Mất", "Lost")\n',
    "STAGE": 'STAGE(RESTING, "resting", "Nghỉ", "Resting")\n',
    "ERR": 'ERR(NEW, 3099, 409, "new_error", "Mới.", "New.", "Chờ.", "Wait.")\n',
}


def lines_of(macro, text):
    """(start, end) of every line of a list, comments left out."""
    body = re.sub(r"/\*.*?\*/", lambda m: " " * len(m.group()), text, flags=re.S)
    return [m.span() for m in re.finditer(r"^%s\(.*?\)$\n?" % macro, body, flags=re.M | re.S)]


def list_mutations(texts):
    for macro, path in LISTS.items():
        text = texts[path]
        spans = lines_of(macro, text)
        yield "%s: another line" % path, {path: text + NEW_LINES[macro]}
        for start, end in spans:
            line = text[start:end]
            name = re.search(r'"([a-z0-9_.]+)"', line).group(1)
            yield "%s: without %s" % (path, name), {path: text[:start] + text[end:]}
            yield "%s: %s renamed" % (path, name), {path: text[:start] + line.replace('"%s"' % name, '"%s2"' % name) + text[end:]}
            yield "%s: %s twice" % (path, name), {path: text[:end] + line + text[end:]}
            if macro == "ERR":
                number, http = re.search(r"(-?\d+), (\d+)", line).groups()
                yield "%s: %s with another number" % (path, name), {path: text[:start] + line.replace(number, str(int(number) + 500), 1) + text[end:]}
                other = "0" if http != "0" else "418"
                edited = line.replace(", %s," % http, ", %s," % other, 1)
                yield "%s: %s with HTTP %s" % (path, name, other), {path: text[:start] + edited + text[end:]}
        (a, b), (c, d) = spans[-2:]
        yield "%s: the last two swapped" % path, {path: text[:a] + text[c:d] + text[a:b] + text[d:]}


def changed(texts, path, change):
    document = json.loads(texts[path])
    change(document)
    return {path: json.dumps(document)}


def schema_mutations(texts):
    def host(name, change):
        return "%s: %s" % (HOST, name), changed(texts, HOST, change)

    def tms(name, change):
        return "%s: %s" % (TMS, name), changed(texts, TMS, change)

    def lacks(word, *way):
        def change(document):
            for key in way:
                document = document[key]
            document.remove(word)
        return change

    def sets(value, *way):
        def change(document):
            for key in way[:-1]:
                document = document[key]
            document[way[-1]] = value
        return change

    def pops(*way):
        def change(document):
            for key in way[:-1]:
                document = document[key]
            document.pop(way[-1])
        return change

    document = json.loads(texts[HOST])["$defs"]
    for kind in ("method", "state", "stage"):
        for word in document[kind]["enum"]:
            yield host("%s without %s" % (kind, word), lacks(word, "$defs", kind, "enum"))
        yield host("%s with a word more" % kind, sets(document[kind]["enum"] + ["more"], "$defs", kind, "enum"))
    for i, row in enumerate(document["error"]["oneOf"]):
        name = row["properties"]["data"]["properties"]["name"]["const"]
        yield host("error without %s" % name, pops("$defs", "error", "oneOf", i))
        yield host("%s with another number" % name, sets(-1, "$defs", "error", "oneOf", i, "properties", "code", "const"))
    for i, row in enumerate(document["request"]["allOf"]):
        name = row["if"]["properties"]["method"]["const"]
        yield host("no params of %s" % name, pops("$defs", "request", "allOf", i))
        if name != "hello":
            params = ("$defs", "request", "allOf", i, "then", "properties", "params")
            yield host("%s takes the params of hello" % name, sets({"$ref": "#/$defs/hello.params"}, *params))
    yield host("another definition of a result", sets({"type": "object"}, "$defs", "token.erase.result"))
    for pointer, schema in checker.walk(document):
        way = ["$defs", *(int(k) if k.isdigit() else k for k in pointer.split("/")[1:])]
        if "additionalProperties" in schema:
            yield host("%s takes other keys" % pointer, pops(*way, "additionalProperties"))
        if "properties" in schema and "additionalProperties" in schema:
            for word in ("new_pin", "code_typed", "so_pin_value", "secret", "PUK"):
                yield host("%s has %s" % (pointer, word), sets({"type": "string", "maxLength": 9}, *way, "properties", word))
        if "$ref" in schema:
            yield host("%s refers to nothing" % pointer, sets("#/$defs/nothing", *way, "$ref"))

    api = json.loads(texts[TMS])
    for name, schema in api["components"]["schemas"].items():
        if name.startswith("error_"):
            way = ("properties", "error", "properties", "data", "properties", "name", "enum")
            words = schema
            for key in way:
                words = words[key]
            for word in words:
                yield tms("%s without %s" % (name, word), lacks(word, "components", "schemas", name, *way))
            yield tms("without %s" % name, pops("components", "schemas", name))
    for path, item in api["paths"].items():
        for method, operation in item.items():
            for i, name in enumerate(operation["x-errors"]):
                if [http_of(texts, n) for n in operation["x-errors"]].count(http_of(texts, name)) == 1:
                    yield tms("%s without %s" % (path, name), pops("paths", path, method, "x-errors", i))
            for status in operation["responses"]:
                if status != "200":
                    yield tms("%s without %s" % (path, status), pops("paths", path, method, "responses", status))
            yield tms("%s with an error of the client" % path, sets(operation["x-errors"] + ["no_token"], "paths", path, method, "x-errors"))
    yield tms("a word of admin_state less", lacks("unidentified", "components", "schemas", "admin_state", "enum"))
    yield tms("done without an error", lacks("token_removed", "components", "schemas", "done_request", "properties", "error", "enum"))
    if ROUTES in texts:
        for row in re.findall(r'\t(\{ "[a-z.]+", .*\n)', texts[ROUTES]):
            yield "%s: without %s" % (ROUTES, row[:20]), {ROUTES: texts[ROUTES].replace(row, "")}
            yield "%s: %s under another method" % (ROUTES, row[:20]), {ROUTES: texts[ROUTES].replace(row, re.sub("POST|GET", "PUT", row))}
    yield "%s: forgets unlock.cancel" % README, {README: texts[README].replace("`unlock.cancel`", "")}


def http_of(texts, name):
    return re.search(r', (\d+), "%s"' % name, texts[LISTS["ERR"]]).group(1)


def vector_mutations(texts):
    """Slower, so a sample: some vectors say the opposite; a bound is moved; a bound has lost its vector."""
    def opposite(i):
        def change(document):
            document["vectors"][i]["valid"] = not document["vectors"][i]["valid"]
        return change

    for where in ("host", "tms", "host_answers", "tms_answers"):
        rows = json.loads(texts[VECTORS[where]])["vectors"]
        for i in range(0, len(rows), len(rows) // 4):
            if "frame" not in rows[i] and (rows[i].get("call") or where != "tms"):
                yield "%s: vector %d says the opposite" % (VECTORS[where], i), changed(texts, VECTORS[where], opposite(i))

    def renamed(old, new):
        def change(document):
            next(row for row in document["vectors"] if row["reply"].get("error") == old)["reply"]["error"] = new
        return change

    for old, new in (("invalid_params", "invalid_request"), ("parse_error", "invalid_params"), ("method_not_found", "invalid_request"),
                     ("invalid_request", "parse_error")):
        yield "%s: %s where the schema says %s" % (VECTORS["host"], new, old), changed(texts, VECTORS["host"], renamed(old, new))

    def conflict(document):
        document["vectors"][-1]["reply"]["status"] = 409

    yield "%s: a status that is not the error's" % VECTORS["tms"], changed(texts, VECTORS["tms"], conflict)

    def bound(pointer, keyword, by):
        def change(document):
            for key in pointer.split("/"):
                document = document[key]
            document[keyword] += by
        return change

    for pointer, keyword in (("$defs/token_name/properties/serial", "maxBytes"), ("$defs/token_name/properties/serial", "minLength"),
                             ("$defs/origin", "maxLength")):
        for by in (1, -1):
            yield "%s: %s of %s moved by %d" % (HOST, keyword, pointer, by), changed(texts, HOST, bound(pointer, keyword, by))
    for pointer, keyword in (("components/schemas/counter", "minimum"), ("components/schemas/create_request/properties/certificate", "maxLength"),
                             ("components/schemas/refuse_request/properties/reason", "maxBytes")):
        for by in (1, -1):
            yield "%s: %s of %s moved by %d" % (TMS, keyword, pointer, by), changed(texts, TMS, bound(pointer, keyword, by))

    def without(where, part):
        def change(document):
            document["vectors"] = [row for row in document["vectors"] if part not in row["name"]]
        return changed(texts, VECTORS[where], change)

    yield "%s: no vector for 256 bytes of an origin" % VECTORS["host"], without("host", "origin: 256 bytes")
    yield "%s: no vector for a channel that is wrong" % VECTORS["host"], without("host", "channel:")
    yield "%s: no vector of unlock" % VECTORS["host"], without("host", "unlock:")
    yield "%s: no vector of grant" % VECTORS["tms"], without("tms", "grant:")
    yield "%s: no vector for how = agency" % VECTORS["tms"], without("tms", "how agency")


def run():
    texts = read_texts()
    if checker.check(texts):
        print("red before anything was changed; run check_protocol.py")
        return 1
    done, blind = 0, []
    for mutations, checks in ((list_mutations, QUICK), (schema_mutations, QUICK), (vector_mutations, (checker.check_vectors,))):
        for name, replaced in mutations(texts):
            done += 1
            if all(texts[path] == text for path, text in replaced.items()):
                blind.append("%s: changes nothing" % name)
            elif not checker.check({**texts, **replaced}, checks):
                blind.append("%s: was not noticed" % name)
    for path, text in texts.items():
        if path.startswith("protocol/vectors/"):
            done += 1
            edited = {**texts, path: text.replace(" ", "  ", 1)}
            if not checker.check(edited, (checker.check_written,)):
                blind.append("%s: an edit by hand was not noticed" % path)
    for line in blind:
        print(line)
    print("%d differences made, %d noticed" % (done, done - len(blind)))
    return 1 if blind or done == 0 else 0
