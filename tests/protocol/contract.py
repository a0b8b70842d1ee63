# SPDX-License-Identifier: Apache-2.0
"""The contract as data: lists, schemas and vectors, a JSON reader as strict as the product's, and a validator that keeps account.

Ends with 77 and a sentence where Debian's python3-jsonschema or python3-cryptography is missing; in CI (CI=true) with 1.
"""
import functools
import json
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "protocol" / "reference"))

try:
    import cryptography  # noqa: F401  (the reference needs it; said here, once)
    from jsonschema import Draft202012Validator, RefResolver
    from jsonschema.exceptions import RefResolutionError, ValidationError
    from jsonschema.validators import extend
except ImportError as missing:
    print("skipped: %s; apt-get install python3-jsonschema python3-cryptography" % missing)
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

import lists

LISTS = {"OP": "protocol/op.def", "NOTIFICATION": "protocol/notification.def", "STATE": "protocol/state.def", "STAGE": "protocol/stage.def",
         "PIN_STATE": "protocol/pin_state.def", "FAMILY": "protocol/family.def", "CHARACTERS": "protocol/characters.def", "FINDING": "protocol/finding.def",
         "ERR": "base/err.def"}
HOST = "protocol/host.schema.json"
TMS = "protocol/tms.openapi.json"
README = "protocol/README.md"
ROUTES = "tms/http/route.c"
VECTORS = {name: "protocol/vectors/%s.json" % name for name in ("host", "host_answers", "tms", "tms_answers", "transcripts")}

HOST_BODY_MAX = 8192
TMS_BODY_MAX = 16384
DEPTH_MAX = 16


class Contract:
    """Made from texts, so that the self-test can change any of them in memory. Nobody writes into what is parsed: it is shared."""

    def __init__(self, texts):
        self.texts = texts
        self.lists = {macro: parsed_list(macro, texts[path]) for macro, path in LISTS.items()}
        self.host = parsed_json(texts[HOST])
        self.tms = parsed_json(texts[TMS])
        self.readme = texts[README]
        self.vectors = {name: parsed_json(texts[path]) for name, path in VECTORS.items()}

    def names(self, macro, column="name"):
        return [row[column] for row in self.lists[macro]]


parsed_list = functools.lru_cache(maxsize=16)(lists.rows)
parsed_json = functools.lru_cache(maxsize=16)(json.loads)


def read_texts():
    paths = [*LISTS.values(), HOST, TMS, README, *VECTORS.values()] + [ROUTES] * (ROOT / ROUTES).exists()
    return {path: (ROOT / path).read_text(encoding="utf-8") for path in paths}


# ---- JSON as the product reads it (protocol/README.md, "the text") ----

class NotJson(Exception):
    pass


def load_strict(data):
    try:
        text = data.decode("utf-8")
        if depth(text) > DEPTH_MAX:
            raise NotJson("too deep")
        value = json.loads(text, object_pairs_hook=no_duplicates, parse_int=int64, parse_float=finite, parse_constant=refuse)
    except (ValueError, RecursionError) as cause:
        raise NotJson(str(cause)) from cause
    for string in strings(value):
        if "\0" in string or any(0xD800 <= ord(c) < 0xE000 for c in string):
            raise NotJson("a string that is no text")
    return value


def depth(text):
    deepest = level = 0
    for c in re.sub(r'"(?:[^"\\]|\\.)*"', "", text, flags=re.S):
        level += (c in "{[") - (c in "}]")
        deepest = max(deepest, level)
    return deepest


def no_duplicates(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise NotJson("a duplicate key")
    return dict(pairs)


def int64(text):
    if not -2**63 <= int(text) < 2**63:
        raise NotJson("an integer of more than 64 bits")
    return int(text)


def finite(text):
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise NotJson("no double holds it")
    return value


def refuse(text):
    raise NotJson(text)


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


# ---- the validator ----

class Account:
    """Which bounds were touched: from inside by a value that was taken, from outside by one that was refused for nothing else."""

    def __init__(self):
        self.inside = set()
        self.outside = set()
        self.touched = set()

    def settle(self, errors):
        if not errors:
            self.inside |= self.touched
        elif len(errors) == 1 and not errors[0].context:
            self.outside.add(bound_of(errors[0]))
        self.touched = set()


def bound_of(error):
    """(schema object, keyword, word): what one error says was crossed."""
    word = None
    if error.validator == "required":
        word = next(key for key in error.validator_value if key not in error.instance)
    return id(error.schema), error.validator, word


AT_BOUND = {
    "minLength": lambda instance, bound: isinstance(instance, str) and len(instance) == bound,
    "maxLength": lambda instance, bound: isinstance(instance, str) and len(instance) == bound,
    "minimum": lambda instance, bound: is_integer(None, instance) and instance == bound,
    "maximum": lambda instance, bound: is_integer(None, instance) and instance == bound,
    "minItems": lambda instance, bound: isinstance(instance, list) and len(instance) == bound,
    "maxItems": lambda instance, bound: isinstance(instance, list) and len(instance) == bound,
    "maxBytes": lambda instance, bound: isinstance(instance, str) and len(instance.encode()) == bound,
}


def is_integer(_, instance):
    """As jansson reads: 1.0 is none."""
    return isinstance(instance, int) and not isinstance(instance, bool)


def max_bytes(validator, bound, instance, schema):
    if isinstance(instance, str) and len(instance.encode("utf-8", "surrogatepass")) > bound:
        yield ValidationError("more than %d bytes" % bound)


def pattern(validator, expression, instance, schema):
    """In JSON Schema a final $ is the end of the text; in Python a line end may follow."""
    if isinstance(instance, str) and re.search(re.sub(r"\$$", r"\\Z", expression), instance) is None:
        yield ValidationError("%r does not match %s" % (instance[:40], expression))


def make_validator(account):
    def watched(keyword, check):
        def run(validator, value, instance, schema):
            if keyword in AT_BOUND and AT_BOUND[keyword](instance, value):
                account.touched.add((id(schema), keyword, None))
            if keyword == "enum" and isinstance(instance, str):
                account.touched.add((id(schema), keyword, instance))
            yield from check(validator, value, instance, schema) or ()
        return run

    checks = {**Draft202012Validator.VALIDATORS, "maxBytes": max_bytes, "pattern": pattern}
    return extend(Draft202012Validator, {keyword: watched(keyword, checks[keyword]) for keyword in [*AT_BOUND, "enum", "pattern"]},
                  type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", is_integer))


class Schemas:
    """Both documents behind one validator class; keeps an account of the bounds."""

    def __init__(self, contract):
        self.contract = contract
        self.account = Account()
        self.validator = make_validator(self.account)
        self.resolvers = {}

    def errors(self, document, pointer, value):
        """What is wrong with the value; document is "host.schema.json" or "tms.openapi.json"."""
        if document not in self.resolvers:
            store = {"host.schema.json": self.contract.host, "tms.openapi.json": self.contract.tms}
            self.resolvers[document] = RefResolver(document, store[document], store=store)
        schema = self.resolvers[document].resolve(document + "#" + pointer)[1]
        found = list(self.validator(schema, resolver=self.resolvers[document]).iter_errors(value))
        self.account.settle(found)
        return found

    def host(self, definition, value):
        return self.errors("host.schema.json", "/$defs/" + definition, value)

    def tms(self, name, value):
        return self.errors("tms.openapi.json", "/components/schemas/" + name, value)


# ---- vectors ----

def sent_bytes(vector, key):
    """What a vector sends; key is where its JSON lies (request, body)."""
    if "hex" in vector:
        return bytes.fromhex(vector["hex"])
    if "text" in vector:
        return vector["text"].encode() + b" " * vector.get("blanks", 0)
    return json.dumps(vector[key], ensure_ascii=False, separators=(",", ":")).encode() if key in vector else b""


def answer_values(rows):
    """(label, row, value) of an answers file: set and drop change the value before them."""
    from samples import drop, put
    base = None
    for row in rows:
        if "value" in row:
            base = value = row["value"]
            label = row["of"]
        elif "instead" in row:
            value = row["instead"]
            label = "%s: something else in its place" % row["of"]
        elif "set" in row:
            (path, new), = row["set"].items()
            value = put(base, path, new)
            label = "%s: %s = %s" % (row["of"], path, json.dumps(new, ensure_ascii=False)[:40])
        else:
            value = drop(base, row["drop"])
            label = "%s without %s" % (row["of"], row["drop"])
        yield label, row, value


def host_verdict(schemas, data, origin):
    """(whether the schema takes it, the error that the host must answer as far as the schema can tell, or None)"""
    if len(data) > HOST_BODY_MAX:
        return False, "frame_too_large"
    try:
        value = load_strict(data)
    except NotJson:
        return False, "parse_error"
    judged = sorted(host_stage(error) for error in schemas.host("from_page", value))
    name = judged[0][1] if judged else None
    if not (judged and judged[0][0] == 0) and value["origin"] != origin:
        name = "origin_refused"
    return not judged, name


def host_stage(error):
    """(place in the order of README.md, name) of one error."""
    path = list(error.absolute_path)
    if path[:1] == ["origin"]:
        return (1, "origin_refused") if error.validator in ("pattern", "maxLength") else (0, "invalid_request")
    if path[:1] != ["message"] or (len(path) == 1 and error.validator == "type"):
        return (0, "invalid_request")
    if path[1:2] == ["params"] or (error.validator == "required" and error.validator_value == ["params"]):
        return (4, "invalid_params")
    if path[1:2] == ["method"] and isinstance(error.instance, str):
        return (3, "method_not_found")
    return (2, "invalid_request")


def tms_verdict(schemas, data, schema):
    if len(data) > TMS_BODY_MAX:
        return False, "frame_too_large"
    try:
        value = load_strict(data)
    except NotJson:
        return False, "parse_error"
    errors = schemas.tms(schema, value)
    if not isinstance(value, dict):
        return False, "invalid_request"
    if all(list(e.absolute_path) == ["email"] and e.validator in ("pattern", "maxLength") for e in errors):
        return not errors, "mail_address" if errors else None
    return False, "invalid_params"
