# SPDX-License-Identifier: Apache-2.0
"""Parts the descriptions of the wire in memory, one place at a time, and asks whether check_protocol.py notices."""
import json
import re

import check_protocol as checker
from contract import HOST, LISTS, README, ROUTES, TMS, VECTORS, answer_values, read_texts

# the checks that compare documents with lists; the others run values through the schemas and take longer
QUICK = (checker.check_lists, checker.check_host_schema, checker.check_tms, checker.check_routes, checker.check_strict)

NEW_LINES = {
    "OP": 'OP(TOKEN_ERASE, "token.erase", OP_PAGE, 30)\n',
    "NOTIFICATION": 'NOTIFICATION(TOKEN_STOLEN, "token.stolen")\n',
    "STATE": 'STATE(LOST, "lost", "lost", 1, "Mất", "Lost")\n',
    "STAGE": 'STAGE(RESTING, "resting", "Nghỉ", "Resting")\n',
    "PIN_STATE": 'PIN_STATE(TIRED, "tired")\n',
    "FAMILY": 'FAMILY(MAGIC, "magic")\n',
    "CHARACTERS": 'CHARACTERS(EMOJI, "emoji")\n',
    "FINDING": 'FINDING(TOKEN_SOLD, "token.sold", BROKEN, PAGE, "Đã bán.", "Sold.", "Mua lại.", "Buy it back.")\n',
    "ERR": 'ERR(NEW, 3099, 409, "new_error", "Mới.", "New.", "Chờ.", "Wait.")\n',
}


def lines_of(macro, text):
    """(start, end) of every line of a list, comments left out."""
    body = re.sub(r"/\*.*?\*/", lambda m: " " * len(m.group()), text, flags=re.S)
    return [m.span() for m in re.finditer(r"^%s\(.*?\)$\n?" % macro, body, flags=re.M | re.S)]


def list_mutations(texts):
    for macro, path in LISTS.items():
        text = texts[path]
        # of what pages are not told nothing else speaks
        spans = [(start, end) for start, end in lines_of(macro, text) if macro != "FINDING" or ", PAGE," in text[start:end]]
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
    for kind in ("method", "state", "stage", "pin_state"):
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
    yield tms("done without an error", sets("^[a-z]{1,31}$", "components", "schemas", "done_request", "properties", "error", "pattern"))
    if ROUTES in texts:
        for row in re.findall(r'\t(\{ "[a-z.]+", .*\n)', texts[ROUTES]):
            yield "%s: without %s" % (ROUTES, row[:20]), {ROUTES: texts[ROUTES].replace(row, "")}
            yield "%s: %s under another method" % (ROUTES, row[:20]), {ROUTES: texts[ROUTES].replace(row, re.sub("POST|GET", "PUT", row))}
    yield "%s: forgets unlock.cancel" % README, {README: texts[README].replace("`unlock.cancel`", "")}


def http_of(texts, name):
    return re.search(r', (\d+), "%s"' % name, texts[LISTS["ERR"]]).group(1)


# ---- vectors: each run takes a second, so that many differences are made in one and every one of them must be named ----

BOUNDS = {
    HOST: (("$defs/token_name/properties/serial", "maxBytes"), ("$defs/token_name/properties/model", "maxBytes"), ("$defs/origin", "maxLength"),
           ("$defs/pin_length", "minimum"), ("$defs/failure/properties/module", "minLength")),
    TMS: (("components/schemas/counter", "minimum"), ("components/schemas/create_request/properties/certificate", "maxLength"),
          ("components/schemas/refuse_request/properties/reason", "maxBytes")),
}
# a word of the names of vectors that are taken away, and the bound that then has none
LOST = {
    "host": (("origin: 256 bytes", "/origin: no vector is refused for its maxLength"), ("forgotten", "touches its enum forgotten"),
             ("unlock:", "no vector of unlock that is right")),
    "tms": (("grant:", "no vector of grant that is right"), ("how agency", "/how: no vector that is taken touches its enum agency")),
}


def opposite_vectors(texts):
    for where in ("host", "tms", "host_answers", "tms_answers"):
        document = json.loads(texts[VECTORS[where]])
        labels = []
        rows = document["vectors"]
        named = [row["name"] for row in rows] if "name" in rows[0] else [label for label, _, _ in answer_values(rows)]
        for i in range(0, len(rows), 11):
            if "frame" not in rows[i] and (rows[i].get("call") or where != "tms"):
                rows[i]["valid"] = not rows[i]["valid"]
                labels.append(named[i])
        yield {VECTORS[where]: json.dumps(document)}, labels


def other_replies(texts):
    host, tms = (json.loads(texts[VECTORS[where]]) for where in ("host", "tms"))
    labels = []
    for old, new in (("invalid_params", "invalid_request"), ("parse_error", "invalid_params"), ("method_not_found", "invalid_request"),
                     ("invalid_request", "parse_error"), ("request_elsewhere", "no_such_error")):
        row = next(row for row in host["vectors"] if row["reply"].get("error") == old)
        row["reply"]["error"] = new
        labels.append(row["name"])
    tms["vectors"][-1]["reply"]["status"] = 409
    labels.append(tms["vectors"][-1]["name"])
    yield {VECTORS["host"]: json.dumps(host), VECTORS["tms"]: json.dumps(tms)}, labels


def moved_bounds(texts):
    for by in (1, -1):
        replaced, labels = {}, []
        for path, bounds in BOUNDS.items():
            document = json.loads(texts[path])
            for pointer, keyword in bounds:
                at = document
                for key in pointer.split("/"):
                    at = at[key]
                at[keyword] += by
                labels.append("counter" if pointer.endswith("counter") else pointer.rpartition("schemas" if path == TMS else "$defs")[2] + ": no vector")
            replaced[path] = json.dumps(document)
        yield replaced, labels


def lost_vectors(texts):
    replaced, labels = {}, []
    for where, lost in LOST.items():
        document = json.loads(texts[VECTORS[where]])
        document["vectors"] = [row for row in document["vectors"] if not any(word in row["name"] for word, _ in lost)]
        replaced[VECTORS[where]] = json.dumps(document)
        labels += [label for _, label in lost]
    yield replaced, labels


def run():
    texts = read_texts()
    if checker.check(texts):
        print("red before anything was changed; run check_protocol.py")
        return 1
    done, blind = 0, []
    for mutations in (list_mutations, schema_mutations):
        for name, replaced in mutations(texts):
            done += 1
            if all(texts[path] == text for path, text in replaced.items()):
                blind.append("%s: changes nothing" % name)
            elif not checker.check({**texts, **replaced}, QUICK):
                blind.append("%s: was not noticed" % name)
    for mutations in (opposite_vectors, other_replies, moved_bounds, lost_vectors):
        for replaced, labels in mutations(texts):
            done += len(labels)
            problems = "\n".join(checker.check({**texts, **replaced}, (checker.check_vectors,)))
            blind += ["%s: %s: was not noticed" % (mutations.__name__, label) for label in labels if label not in problems]
    for path in texts:
        if path.startswith("protocol/vectors/"):
            done += 1
            edited = {**texts, path: texts[path].replace(" ", "  ", 1)}
            if not any(path in problem for problem in checker.check(edited, (checker.check_written,))):
                blind.append("%s: an edit by hand was not noticed" % path)
    for line in blind:
        print(line)
    print("%d differences made, %d noticed" % (done, done - len(blind)))
    return 1 if blind or done == 0 else 0
