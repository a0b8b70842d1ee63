# SPDX-License-Identifier: Apache-2.0
"""Holds lists, schema, API, README and vectors to each other: check_protocol.py [--self-test].

Red means that two descriptions of the wire have parted; every line says which place says what. --self-test parts them in memory, place
by place, and is red where a difference was not noticed.
"""
import re
import sys
import urllib.parse

from contract import (AT_BOUND, HOST, LISTS, ROUTES, TMS, VECTORS, Contract, Draft202012Validator, RefResolutionError, Schemas, answer_values,
                      host_verdict, read_texts, sent_bytes, tms_verdict)
from lists import ListError

SECRET = re.compile(r"pin|code|secret|puk", re.I)
NO_SECRET = {"pin", "so_pin", "pin_min", "pin_max", "pin_characters", "code_expires", "code"}  # states, lengths, a word, a time, JSON-RPC's error code
BEFORE_THE_BODY = ("admin_unknown", "admin_expired", "admin_revoked", "revocation_unknown", "role_refused", "origin_refused", "method_not_found")


def walk(schema, path=""):
    """Every schema inside a document or definition, with its JSON pointer; a map of properties is none itself."""
    if isinstance(schema, dict):
        if not path.endswith("/properties"):
            yield path, schema
        for key, value in schema.items():
            if key not in ("enum", "const", "default"):
                yield from walk(value, "%s/%s" % (path, key))
    elif isinstance(schema, list):
        for i, value in enumerate(schema):
            yield from walk(value, "%s/%d" % (path, i))


def same(problems, what, found, wanted):
    """Both are lists of words; says what is missing and what is too much, and else whether the order differs."""
    found, wanted = list(found), list(wanted)
    for word in wanted:
        if word not in found:
            problems.append("%s: lacks %s" % (what, word))
    for word in found:
        if word not in wanted:
            problems.append("%s: has %s, which the list does not have" % (what, word))
    if sorted(map(str, found)) == sorted(map(str, wanted)) and found != wanted:
        problems.append("%s: another order than the list" % what)
    if len(set(map(str, found))) != len(found):
        problems.append("%s: something stands there twice" % what)


# ---- lists ----

def check_lists(c):
    problems = []
    for macro, path in LISTS.items():
        for column in ("symbol", "name") + (("number",) if macro == "ERR" else ()):
            values = c.names(macro, column)
            for value in sorted({v for v in values if values.count(v) > 1}, key=str):
                problems.append("%s: %s %s stands there twice" % (path, column, value))
    for row in c.lists["STATE"]:
        if row["customer"] not in c.names("STATE") or row["final"] not in (0, 1):
            problems.append("protocol/state.def: %s: the customer's word is no state, or final is neither 0 nor 1" % row["name"])
    for row in c.lists["ERR"]:
        if not (-32768 <= row["number"] <= -32000 or 1001 <= row["number"] <= 9999) or not (row["http"] == 0 or 400 <= row["http"] <= 599):
            problems.append("base/err.def: %s: number or HTTP status out of range" % row["name"])
    for macro in ("OP", "NOTIFICATION"):
        for name in c.names(macro):
            if "`%s`" % name not in c.readme:
                problems.append("protocol/README.md: does not know %s" % name)
    return problems


# ---- the host's schema ----

def check_host_schema(c):
    problems = []
    defs = c.host["$defs"]
    pages = [row["name"] for row in c.lists["OP"] if "OP_PAGE" in row["flags"].split("|")]
    notifications = c.names("NOTIFICATION")
    same(problems, HOST + ": method", defs["method"]["enum"], pages)
    same(problems, HOST + ": request", [tagged(row) for row in defs["request"]["allOf"]], pages)
    same(problems, HOST + ": results", [row["$ref"][8:] for row in defs["answer"]["properties"]["result"]["anyOf"]], [m + ".result" for m in pages])
    same(problems, HOST + ": notification", defs["notification"]["properties"]["method"]["enum"], notifications)
    same(problems, HOST + ": params of notifications", [tagged(row) for row in defs["notification"]["allOf"]], notifications)
    wanted = [m + end for m in pages for end in (".params", ".result")] + [n + ".params" for n in notifications]
    same(problems, HOST + ": definitions", [name for name in defs if name.endswith((".params", ".result"))], wanted)
    for union in ("request", "notification"):
        for row in defs[union]["allOf"]:
            if row["then"]["properties"]["params"].get("$ref") != "#/$defs/%s.params" % tagged(row):
                problems.append("%s: %s: %s takes the params of another" % (HOST, union, tagged(row)))
    customers = list(dict.fromkeys(c.names("STATE", "customer")))
    same(problems, HOST + ": state", defs["state"]["enum"], customers)
    same(problems, HOST + ": stage", defs["stage"]["enum"], c.names("STAGE"))
    same(problems, HOST + ": pin_state", defs["pin_state"]["enum"], c.names("PIN_STATE"))
    same(problems, HOST + ": finding_id", defs["finding_id"]["enum"], [row["name"] for row in c.lists["FINDING"] if row["who"] == "PAGE"])
    pairs = [(row["properties"]["code"]["const"], row["properties"]["data"]["properties"]["name"]["const"]) for row in defs["error"]["oneOf"]]
    same(problems, HOST + ": error", pairs, [(row["number"], row["name"]) for row in c.lists["ERR"]])
    return problems


def tagged(row):
    return row["if"]["properties"]["method"]["const"]


def check_sentences(c):
    """Each error's sentences, as json_error() sends them, are what the schema takes, and so are those of what the doctor finds."""
    problems = []
    schemas = Schemas(c)
    for row in c.lists["FINDING"]:
        texts = [{"vi": row["vi"], "en": row["en"]}]
        if row["state"] != "OK":
            texts.append({"vi": row["remedy_vi"], "en": row["remedy_en"]})
        elif row["remedy_vi"] or row["remedy_en"]:
            problems.append("protocol/finding.def: %s: a remedy for what is in order" % row["name"])
        if row["state"] not in ("OK", "WARNING", "UNKNOWN", "BROKEN") or row["who"] not in ("PAGE", "LOCAL") or not row["name"].startswith(row["symbol"].split("_")[0].lower()):
            problems.append("protocol/finding.def: %s: no such state or reader, or another name than its symbol" % row["name"])
        for text in texts:
            problems += ["protocol/finding.def: %s: %s" % (row["name"], error.message[:100]) for error in schemas.host("two_languages", text)]
    for row in c.lists["ERR"]:
        data = {"name": row["name"], "message": {"vi": row["vi"], "en": row["en"]}, "hint": {"vi": row["hint_vi"], "en": row["hint_en"]}}
        for error in schemas.host("error", {"code": row["number"], "message": row["vi"], "data": data}):
            problems.append("base/err.def: %s: %s" % (row["name"], error.message[:100]))
    return problems


# ---- the TMS's API ----

def check_tms(c):
    problems = []
    schemas = c.tms["components"]["schemas"]
    http = {row["name"]: row["http"] for row in c.lists["ERR"] if row["http"] != 0}
    statuses = sorted(set(http.values()))
    same(problems, TMS + ": schemas of errors", [name for name in schemas if name.startswith("error_")], ["error_%d" % s for s in statuses])
    same(problems, TMS + ": responses", c.tms["components"]["responses"], ["error_%d" % s for s in statuses])
    for status in statuses:
        schema = schemas.get("error_%d" % status)
        if schema is not None:
            found = schema["properties"]["error"]["properties"]["data"]["properties"]["name"]["enum"]
            same(problems, "%s: error_%d" % (TMS, status), found, [name for name in http if http[name] == status])
    same(problems, TMS + ": admin_state", schemas["admin_state"]["enum"], c.names("STATE"))
    for name, macro in (("family", "FAMILY"), ("pin_characters", "CHARACTERS")):
        same(problems, "%s: %s" % (TMS, name), schemas[name]["enum"], ["", *c.names(macro)])
    form = schemas["done_request"]["properties"]["error"]["pattern"]  # a newer machine's list may be longer
    problems += ["%s: error of done: %s has not its form" % (TMS, name) for name in ["ok"] + c.names("ERR") if not re.fullmatch(form, name)]
    for path, method, operation in operations(c):
        problems += check_operation(path, method, operation, http)
    return problems


def check_routes(c):
    """The server's table of routes, where there is one, has the operations of the API."""
    problems = []
    rows = re.findall(r'\{ "([a-z.]+)", "([A-Z]+)", "(/[^"]*)", (?:ROUTE_|MAY\()([^)]*?)\)?, op_', c.texts.get(ROUTES, ""))
    if ROUTES in c.texts:
        same(problems, ROUTES, [(*row[:3], roles_of(row[3])) for row in rows], [(op["operationId"], method.upper(), path, op.get("x-roles", [])) for path, method, op in operations(c)])
    return problems


ROLES = ("viewer", "approver", "operator", "auditor", "agency_viewer", "agency_approver")


def roles_of(columns):
    """The x-roles of a route: what its columns in the server's table say; none for one that is no desk's."""
    return [role for role, bit in zip(ROLES, columns.split(", ")) if bit == "1"]


def operations(c):
    for path, item in c.tms["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def check_operation(path, method, operation, http):
    problems = []
    where = "%s: %s %s" % (TMS, method, path)
    for name in operation["x-errors"]:
        if name not in http:
            problems.append("%s: %s has no HTTP status in base/err.def" % (where, name))
    found = [status for status in operation["responses"] if status != "200"]
    same(problems, where + ": statuses", found, [str(s) for s in sorted({http[name] for name in operation["x-errors"] if name in http})])
    for status in found:
        if operation["responses"][status] != {"$ref": "#/components/responses/error_" + status}:
            problems.append("%s: the answer to %s is another's" % (where, status))
    named = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
    same(problems, where + ": parameters", named, re.findall(r"\{(\w+)\}", path))
    return problems


# ---- both documents ----

def check_valid(c):
    """Both documents are JSON Schema."""
    problems = []
    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    for where, root in ((HOST, c.host), (TMS, {"$defs": c.tms["components"]["schemas"]})):
        for error in meta.iter_errors(root):
            problems.append("%s: no JSON Schema: %s: %s" % (where, "/".join(map(str, error.absolute_path)), error.message[:100]))
    return problems


def check_strict(c):
    """Strict, bounded, every reference leads somewhere, no field for a secret."""
    problems = []
    for where, document in ((HOST, c.host), (TMS, c.tms)):
        for pointer, schema in walk(document):
            if "$ref" in schema and lost(schema["$ref"], document, c):
                problems.append("%s#%s: %s leads nowhere" % (where, pointer, schema["$ref"]))
            if where == HOST or pointer.startswith("/components/schemas"):
                problems += ["%s#%s: %s" % (where, pointer, text) for text in loose(schema)]
    return problems


def lost(ref, document, c):
    name, _, pointer = ref.partition("#")
    if name not in ("", "host.schema.json"):
        return True
    at = c.host if name else document
    for key in pointer.split("/")[1:]:
        if not isinstance(at, dict) or key not in at:
            return True
        at = at[key]
    return False


def loose(schema):
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "object" in kinds and (schema.get("additionalProperties") is not False or "properties" not in schema):
        yield "takes keys that it does not name"
    if "string" in kinds and not {"pattern", "maxLength", "maxBytes"} & set(schema):
        yield "text without a bound"
    if "integer" in kinds and not {"minimum", "maximum"} <= set(schema):
        yield "an integer without bounds"
    if "array" in kinds and "items" not in schema:
        yield "an array of anything"
    if "number" in kinds:
        yield "a number that is no integer"
    if set(schema.get("required", [])) - set(schema.get("properties", schema.get("required", []))):
        yield "requires what it does not describe"
    for name in schema.get("properties", {}):
        if SECRET.search(name) and name not in NO_SECRET:
            yield "%s is a name for a secret" % name


# ---- vectors ----

def check_vectors(c):
    """Every vector is taken or refused as it says, and for the reason that it says."""
    problems = []
    schemas = Schemas(c)
    for where in ("host", "tms"):
        names = [row["name"] for row in c.vectors[where]["vectors"]]
        for name in sorted({n for n in names if names.count(n) > 1}):
            problems.append("%s: two vectors are called %s" % (VECTORS[where], name))
    for row in c.vectors["host"]["vectors"]:
        problems += ["%s: %s: %s" % (VECTORS["host"], row["name"], text) for text in host_vector(c, schemas, row)]
    bodies = {op["operationId"]: body_of(op) for _, _, op in operations(c)}
    for row in c.vectors["tms"]["vectors"]:
        problems += ["%s: %s: %s" % (VECTORS["tms"], row["name"], text) for text in tms_vector(c, schemas, row, bodies)]
    for where, take in (("host_answers", schemas.host), ("tms_answers", schemas.tms)):
        for label, row, value in answer_values(c.vectors[where]["vectors"]):
            errors = take(row["of"], value)
            if bool(errors) == row["valid"]:
                problems.append("%s: %s: %s" % (VECTORS[where], label, errors[0].message[:100] if errors else "is taken"))
    problems += check_reach(c, bodies)
    return problems + check_bounds(c, schemas)


def host_vector(c, schemas, row):
    known = c.names("ERR")
    error = row["reply"].get("error")
    if error is not None and error not in known:
        yield "%s is no error" % error
    if "result" in row["reply"]:
        for wrong in schemas.host(row["method"] + ".result", row["reply"]["result"]):
            yield "its result: %s" % wrong.message[:100]
    if "valid" in row["reply"] and row["reply"]["valid"] not in c.host["$defs"]:
        yield "%s is no definition" % row["reply"]["valid"]
    if row["given"] not in c.vectors["host"]["worlds"]:
        yield "there is no world %s" % row["given"]
    if "frame" in row:
        return
    yield from verdict(row, host_verdict(schemas, sent_bytes(row, "request"), c.vectors["host"]["origin"]), ())


def verdict(row, found, earlier):
    """What the schema says (whether it takes it, and the error where it does not) against what the vector says; errors in earlier are judged before."""
    taken, name = found
    error = row["reply"].get("error")
    if row["valid"] != taken:
        yield "%s, but the schema says %s" % ("valid" if row["valid"] else "not valid", name or "nothing against it")
    if name is not None and error != name and error not in earlier:
        yield "replies %s, but the schema says %s" % (error or "no error", name)


def body_of(operation):
    if "requestBody" not in operation:
        return None
    return operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]


def tms_vector(c, schemas, row, bodies):
    errors = {r["name"]: r["http"] for r in c.lists["ERR"]}
    reply = row["reply"]
    if "error" in reply and errors.get(reply["error"]) != reply["status"]:
        yield "%s is not answered with %d" % (reply["error"], reply["status"])
    if "valid" in reply and reply["valid"] not in c.tms["components"]["schemas"]:
        yield "%s is no schema" % reply["valid"]
    if row["given"] not in c.vectors["tms"]["worlds"]:
        yield "there is no world %s" % row["given"]
    if row["call"] is None:
        return
    if row["call"] not in bodies:
        yield "there is no call %s" % row["call"]
        return
    operation = next(op for _, _, op in operations(c) if op["operationId"] == row["call"])
    if "error" in reply and reply["error"] not in operation["x-errors"]:
        yield "%s does not list %s" % (row["call"], reply["error"])
    if bodies[row["call"]] is not None:
        yield from verdict(row, tms_verdict(schemas, sent_bytes(row, "body"), bodies[row["call"]]), BEFORE_THE_BODY)
    else:
        yield from verdict(row, query_verdict(c, schemas, operation, row["path"]), BEFORE_THE_BODY)


def query_verdict(c, schemas, operation, path):
    parameters = {p["name"]: i for i, p in enumerate(operation.get("parameters", [])) if p["in"] == "query"}
    place = next("/paths/%s/get/parameters" % p.replace("/", "~1") for p, _, op in operations(c) if op is operation)
    of = {p["name"]: p for p in operation.get("parameters", [])}
    seen = set()
    for pair in path.partition("?")[2].split("&") if "?" in path else []:
        key, _, text = pair.partition("=")
        words = of.get(key, {}).get("schema", {}).get("type") == "string"
        value = int(text) if not words and re.fullmatch(r"-?(0|[1-9][0-9]*)", text) else urllib.parse.unquote_plus(text, errors="surrogateescape")
        if re.search("%(?![0-9A-Fa-f]{2})", text) or any("\udc80" <= c <= "\udcff" for c in str(value)):
            return False, "invalid_params"
        if key not in parameters or key in seen or schemas.errors("tms.openapi.json", "%s/%d/schema" % (place, parameters[key]), value):
            return False, "invalid_params"
        seen.add(key)
    return True, None


def check_reach(c, bodies):
    """No method, notification or call without vectors that are right and vectors that are wrong."""
    problems = []
    for macro, where in (("OP", "host"), ("NOTIFICATION", "host_answers")):
        for name in c.names(macro):
            rows = [r for r in c.vectors[where]["vectors"] if name in (r.get("method"), r.get("of", "").rpartition(".params")[0])]
            for valid in (True, False):
                if not any(row["valid"] is valid for row in rows):
                    problems.append("%s: no vector of %s that is %s" % (VECTORS[where], name, "right" if valid else "wrong"))
    for call in bodies:
        rows = [r for r in c.vectors["tms"]["vectors"] if r["call"] == call]
        if not any(row["valid"] for row in rows):
            problems.append("%s: no vector of %s that is right" % (VECTORS["tms"], call))
        if bodies[call] is not None and all(row["valid"] for row in rows):
            problems.append("%s: no vector of %s that is wrong" % (VECTORS["tms"], call))
    return problems


def check_bounds(c, schemas):
    """Each bound of both documents was touched from inside by a vector that was taken, and crossed by one that was refused for it alone."""
    problems = []
    account = schemas.account
    for where, root in ((HOST, c.host["$defs"]), (TMS, c.tms["components"]["schemas"])):
        for pointer, schema in walk(root):
            if re.search(r"/(if|oneOf|anyOf)(/|$)", pointer) or pointer.startswith("/error_") and where == TMS:
                continue
            for keyword, word in demands(schema):
                if (id(schema), keyword, word) not in account.outside:
                    problems.append("%s#%s: no vector is refused for its %s%s alone" % (where, pointer, keyword, " " + word if word else ""))
            for keyword, word in edges(schema):
                if (id(schema), keyword, word) not in account.inside:
                    problems.append("%s#%s: no vector that is taken touches its %s %s" % (where, pointer, keyword, word or schema[keyword]))
    return problems


def demands(schema):
    """The keywords that a vector must fail. An integer beyond 64 bits is parse_error before any schema sees it; no object fails oneOf, too."""
    for keyword in ("type", "pattern", "enum", "const", "additionalProperties", "uniqueItems", "dependentRequired", *AT_BOUND):
        if keyword in ("minimum", "maximum") and schema.get(keyword) in (-2**63, 2**63 - 1) or keyword == "type" and "oneOf" in schema:
            continue
        if keyword in schema:
            yield keyword, None
    for key in schema.get("required", []):
        yield "required", key


def edges(schema):
    for keyword in AT_BOUND:
        if keyword in schema and schema[keyword] != 0 or keyword in ("minimum", "maximum") and keyword in schema:
            yield keyword, None
    for word in schema.get("enum", []):
        yield "enum", word


def check_written(c):
    """The committed vectors are what the reference writes."""
    import make_vectors
    problems = []
    for name, content in make_vectors.texts().items():
        path = "protocol/vectors/" + name
        if c.texts[path].encode() != content:
            problems.append("%s: not what protocol/reference/make_vectors.py writes; run it" % path)
    return problems


CHECKS = (check_lists, check_host_schema, check_tms, check_routes, check_strict, check_valid, check_sentences, check_vectors)


def check(texts, checks=CHECKS):
    """Every difference, as a list of lines."""
    try:
        contract = Contract(texts)
    except (ListError, ValueError) as cause:
        return ["cannot be read: %s" % cause]
    problems = []
    for one in checks:
        try:
            problems += one(contract)
        except (LookupError, TypeError, StopIteration, RefResolutionError) as cause:
            problems.append("%s: the documents are not shaped as it reads them: %r" % (one.__name__, cause))
    return problems


def main(arguments):
    if arguments == ["--self-test"]:
        import self_test
        return self_test.run()
    if arguments:
        print(__doc__.splitlines()[0])
        return 2
    texts = read_texts()
    problems = check(texts, CHECKS + (check_written,))
    for line in problems:
        print(line)
    contract = Contract(texts)
    print("%d lists with %d words, %d vectors of the host, %d of the TMS: %s" % (
        len(LISTS), sum(map(len, contract.lists.values())),
        len(contract.vectors["host"]["vectors"]) + len(contract.vectors["host_answers"]["vectors"]),
        len(contract.vectors["tms"]["vectors"]) + len(contract.vectors["tms_answers"]["vectors"]),
        "%d differences" % len(problems) if problems else "agree"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
