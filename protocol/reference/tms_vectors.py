# SPDX-License-Identifier: Apache-2.0
"""Vectors of the TMS: one HTTP call each, and what it must answer."""
import json

import reference as ref
from answers import AnswerFile
from host_vectors import STAGES, STATES
from samples import (APPROVAL, EXPIRES, HOST_KEM, HOST_SIG, IDEMPOTENCY_KEY, KID, REQUEST, SIGNATURE, TOKEN, certificate, drop, fixed, long_text, put,
                     short, without_each)

ABOUT = ("Each vector is one HTTP call: `body` is sent as compact JSON, `text` as it stands with `blanks` behind it, `hex` as bytes; "
         "Content-Type is application/json unless `headers` say another; a POST of the desk has the console's Origin and a CSRF token of its person "
         "unless they say another (null: none). `reply` has the HTTP status, and the error's name or the schema of "
         "tms.openapi.json that the answer satisfies. `valid`: whether the schema takes the body (of a GET: the query).")

WORLDS = {
    "bare": "the store is empty, and no limit of the configuration is near",
    "stranger": "as bare, on admin.sock with a certificate that is nobody's",
    "auditor": "as bare, on admin.sock with the certificate of an auditor",
    "desk": "as bare, on admin.sock with the certificate of an approver; request 1 is open, and its check phrase is not 0000-0000",
    "operator": "as bare, on admin.sock with the certificate of an operator; token 1 is on record, suspect, and where it is to be restored reported lost; proposal 1 waits, and "
                "somebody else has made it; notice 1 is there; the mail server is away, and there is no folder for backups",
}

STATUSES = {"parse_error": 400, "invalid_request": 400, "invalid_params": 400, "mail_address": 400, "signature_refused": 401, "method_not_found": 404,
            "request_unknown": 404, "phrase_mismatch": 409, "request_not_approved": 409, "frame_too_large": 413, "origin_refused": 403, "admin_unknown": 403,
            "role_refused": 403, "person_unknown": 404, "agency_unknown": 404, "certificate_refused": 409, "csrf_refused": 403, "token_unknown": 404, "token_life_wrong": 409, "proposal_unknown": 404, "vault_unreachable": 503,
            "notice_unknown": 404, "vendor_unknown": 404, "backups_off": 409, "agency_exists": 409, "certificate_unknown": 404, "mail_unknown": 404, "table_unsealed": 400}
SHAPE = ("parse_error", "invalid_request", "invalid_params", "mail_address", "frame_too_large")  # what the body alone can earn
HOST_KEM_PK = ref.kem_public(HOST_KEM)
HOST_SIG_PK = ref.sig_public(HOST_SIG)
BODY_MAX = 16384


class Vectors:
    def __init__(self):
        self.rows = []

    def add(self, name, call, path, sent, reply, valid=None, given="bare", method="POST"):
        row = {"name": name, "call": call, "given": given, "method": method, "path": path}
        row.update(sent)
        row["valid"] = reply not in SHAPE if valid is None else valid
        row["reply"] = {"status": STATUSES[reply], "error": reply} if reply in STATUSES else {"status": 200, "valid": reply}
        self.rows.append(row)


def compact(body):
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def create_body(number=0, der=b"", **other):
    """A create request with its right signature; number makes the idempotency key another one."""
    body = {"token": TOKEN, "certificate": ref.b64(der), "reason": "locked", "language": "vi", "host_kem_pk": ref.b64(HOST_KEM_PK),
            "host_sig_pk": ref.b64(HOST_SIG_PK),
            "idempotency_key": ref.b64(fixed("idempotency key %d" % number, 16)) if number else ref.b64(IDEMPOTENCY_KEY)}
    body.update(other)
    r = ref.create_hash(body["token"], der, body["reason"], body["language"], HOST_KEM_PK, HOST_SIG_PK, ref.unb64(body["idempotency_key"]))
    return {**body, "signature": ref.b64(HOST_SIG.sign(ref.create_request(r)))}


def same_for_every_body(v, call, path, right, reply, given="bare"):
    """What is wrong with the body of any POST; reply is what the right one gets."""
    text = compact(right)
    open_end = text[:-1] + ("," if right else "")  # where another key may follow

    def wrong(name, sent, error, **more):
        v.add("%s: %s" % (call, name), call, path, sent, error, given=given, **more)

    blanks = BODY_MAX - len(text.encode())
    v.add("%s: a body of the greatest length" % call, call, path, {"text": text, "blanks": blanks}, reply, valid=True, given=given)
    wrong("one byte more than the greatest length", {"text": text, "blanks": blanks + 1}, "frame_too_large")
    wrong("not said to be JSON", {"body": right, "headers": {"Content-Type": "text/plain"}}, "invalid_request", valid=True)
    v.add("%s: a query" % call, call, path + "?a=1", {"body": right}, "invalid_params", valid=True, given=given)
    if given == "bare":
        for header, value in (("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "none")):
            wrong("from a page, %s %s" % (header, value), {"body": right, "headers": {header: value}}, "origin_refused", valid=True)
    wrong("empty body", {"text": ""}, "parse_error")
    wrong("cut", {"text": text[:-1]}, "parse_error")
    wrong("something behind it", {"text": text + "{}"}, "parse_error")
    wrong("a byte that is no UTF-8", {"hex": (open_end.encode() + b'"\xff":1}').hex()}, "parse_error")
    wrong("a duplicate key", {"text": "{" + text[1:-1] + "," + text[1:] if right else '{"a":1,"a":1}'}, "parse_error")
    wrong("17 levels", {"text": open_end + '"deep":' + "[" * 16 + "]" * 16 + "}"}, "parse_error")
    wrong("16 levels", {"text": open_end + '"deep":' + "[" * 15 + "]" * 15 + "}"}, "invalid_params")
    wrong("an array", {"text": "[" + text + "]"}, "invalid_request")
    wrong("null", {"text": "null"}, "invalid_request")
    wrong("another key", {"body": {**right, "extra": 1}}, "invalid_params")
    for key, body in without_each(right, ""):
        wrong("without %s" % key, {"body": body}, "invalid_params")


def wrong_binary(v, call, path, right, key, length):
    """Around a binary field of a fixed length."""
    text = right[key]
    loose = text[:-1] + chr(ord(text[-1]) + 1)
    for name, value in (("%d bytes" % (length - 1), ref.b64(ref.unb64(text)[:-1])), ("%d bytes" % (length + 1), ref.b64(ref.unb64(text) + b"\0")),
                        ("empty", ""),
                        ("with loose bits", loose), ("padded", text + "="), ("with + in place of -", "+" + text[1:]), ("null", None)):
        v.add("%s: %s %s" % (call, key, name), call, path, {"body": {**right, key: value}}, "invalid_params")


def create(v):
    call, path = "create", "/v1/requests"
    right = create_body()

    def body(name, value, reply="create_answer", **more):
        v.add("%s: %s" % (call, name), call, path, {"body": value}, reply, **more)

    body("right", right)
    body("the same again", right)
    body("forgotten, in English", create_body(1, reason="forgotten", language="en"))
    body("with a certificate", create_body(2, certificate()))
    body("with a certificate of 8,192 bytes", create_body(3, certificate(8192)))
    body("with a certificate of 8,193 bytes", create_body(4, certificate(8193)), "invalid_params")
    body("with a certificate that is none", create_body(5, b"\x30\x03\x02\x01\x00"), "invalid_params", valid=True)
    body("with something behind the certificate", create_body(6, certificate() + b"\0"), "invalid_params", valid=True)
    for name, value in (("of no length of base64", "AAAAA"), ("with loose bits", "AB"), ("null", None)):
        body("certificate %s" % name, {**right, "certificate": value}, "invalid_params")
    same_for_every_body(v, call, path, right, "create_answer")
    for key, length in (("host_kem_pk", 65), ("host_sig_pk", 32), ("idempotency_key", 16), ("signature", 64)):
        wrong_binary(v, call, path, right, key, length)
    body("host_kem_pk compressed", {**right, "host_kem_pk": ref.b64(b"\2" + HOST_KEM_PK[1:])}, "invalid_params")
    body("host_kem_pk not on the curve", {**right, "host_kem_pk": ref.b64(HOST_KEM_PK[:-1] + bytes([HOST_KEM_PK[-1] ^ 1]))}, "invalid_params",
         valid=True)
    body("another signature", {**right, "signature": SIGNATURE}, "signature_refused")
    for key, value in (("reason", "forgotten"), ("language", "en"), ("token", {**TOKEN, "serial": "0123456788"}),
                       ("certificate", ref.b64(certificate())),
                       ("idempotency_key", ref.b64(fixed("another", 16)))):
        body("%s changed under the signature" % key, {**right, key: value}, "signature_refused")
    for key in ("reason", "language"):
        for value in ("another", "", None):
            body("%s %s" % (key, json.dumps(value)), {**right, key: value}, "invalid_params")
    for value in (None, [], "0123456789"):
        body("token %s" % json.dumps(value), {**right, "token": value}, "invalid_params")
    body("token with another key", put(right, "token.label", ""), "invalid_params")
    for key, value in without_each(right, "token"):
        body("token without %s" % key, value, "invalid_params")
    for number, (key, most) in enumerate((("manufacturer", 32), ("model", 16), ("serial", 16))):
        body("%s of %d bytes" % (key, most), create_body(10 + number, token={**TOKEN, key: long_text(most)}))
        body("%s of %d bytes" % (key, most + 1), put(right, "token." + key, long_text(most + 1)), "invalid_params")
        body("%s null" % key, put(right, "token." + key, None), "invalid_params")
        body("%s with a line end" % key, put(right, "token." + key, "a\nb"), "invalid_params")
    body("serial empty", put(right, "token.serial", ""), "invalid_params")
    body("serial of one byte", create_body(20, token={**TOKEN, "serial": "x"}))


def paths(v):
    body = {"body": {"counter": 1, "signature": SIGNATURE}}
    for method, path in (("POST", "/"), ("POST", "/v1"), ("POST", "/v1/requests/"), ("POST", "/v2/requests"), ("GET", "/v1/requests"),
                         ("PUT", "/v1/requests"),
                         ("GET", "/v1/requests/%s/status" % REQUEST), ("POST", "/v1/requests/%s" % REQUEST),
                         ("POST", "/v1/requests/%s/unlock" % REQUEST),
                         ("POST", "/v1/requests/%s/Status" % REQUEST), ("POST", "/v1/requests/%s/status/" % REQUEST), ("GET", "/v1/admin/me"),
                         ("POST", "/v1/admin/requests/1/approve")):
        v.add("path: %s %s" % (method, path), None, path, body if method != "GET" else {}, "method_not_found", method=method)
    for name, text in (("nobody's", REQUEST), ("21 characters", REQUEST[:21]), ("23 characters", REQUEST + "A"),
                       ("with loose bits", REQUEST[:21] + "B"), ("one letter", "x")):
        v.add("path: id %s" % name, "status", "/v1/requests/%s/status" % text, body, "request_unknown")
    v.add("path: the shape is judged before the id", "status", "/v1/requests/%s/status" % REQUEST, {"body": {"counter": 0, "signature": SIGNATURE}},
          "invalid_params")


def counters(v, call, path, right):
    for value in (1, 2**63 - 1):
        v.add("%s: counter %d" % (call, value), call, path, {"body": {**right, "counter": value}}, "request_unknown")
    for value in (0, -1, 1.5, "1", None, True):
        v.add("%s: counter %s" % (call, json.dumps(value)), call, path, {"body": {**right, "counter": value}}, "invalid_params")
    v.add("%s: counter 2^63" % call, call, path, {"text": compact({**right, "counter": 2**63})}, "parse_error")


def signed(v):
    """Calls that name a request; in the bare world there is none, so what is right gets request_unknown."""
    right = {"counter": 1, "signature": SIGNATURE}
    for call in ("status", "resend", "cancel"):
        path = "/v1/requests/%s/%s" % (REQUEST, call)
        same_for_every_body(v, call, path, right, "request_unknown")
        wrong_binary(v, call, path, right, "signature", 64)
        counters(v, call, path, right)

    call, path = "release", "/v1/requests/%s/release" % REQUEST
    right = {"approval": ref.b64(APPROVAL), "signature": SIGNATURE, "proof": SIGNATURE}
    same_for_every_body(v, call, path, right, "request_unknown")
    for key, length in (("approval", 16), ("signature", 64), ("proof", 64)):
        wrong_binary(v, call, path, right, key, length)

    call, path = "grant", "/v1/requests/%s/grant" % REQUEST
    right = {"active": 0, "signature": SIGNATURE}
    same_for_every_body(v, call, path, right, "request_unknown")
    wrong_binary(v, call, path, right, "signature", 64)
    v.add("grant: active 1", call, path, {"body": {**right, "active": 1}}, "request_unknown")
    for value in (-1, 2, 0.5, "0", None, False):
        v.add("grant: active %s" % json.dumps(value), call, path, {"body": {**right, "active": value}}, "invalid_params")
    done(v)


def done(v):
    call, path = "done", "/v1/requests/%s/done" % REQUEST
    proof = ref.b64(fixed("proof"))
    right = {"counter": 3, "result": "completed", "stage": "reporting", "cryptoki": 0, "error": "ok", "rotated": True,
             "proof_mechanism": "ecdsa-sha256",
             "proof": proof, "signature": SIGNATURE}

    def at(key, value, reply="invalid_params"):
        v.add("done: %s %s" % (key, json.dumps(value)[:24]), call, path, {"body": {**right, key: value}}, reply)

    same_for_every_body(v, call, path, right, "request_unknown")
    wrong_binary(v, call, path, right, "signature", 64)
    counters(v, call, path, right)
    for key, words in (("result", ("completed", "failed")), ("stage", STAGES), ("error", ("ok", "token_removed", "token_so_refused", "timeout", "a_name_of_a_newer_machine", "a" * 31)),
                       ("proof_mechanism", ("ecdsa-sha256", "rsa-pkcs1-sha256"))):
        for word in words:
            v.add("done: %s %s" % (key, json.dumps(word)), call, path, {"body": {**right, key: word, "rotated": word != "failed"}}, "request_unknown")
        for word in (("", "a" * 32, "With_capitals", "digit_1", "line\nend") if key == "error" else ("another",)) + (None, 0):
            at(key, word)
    v.add("done: failed and rotated", call, path, {"body": {**right, "result": "failed"}}, "invalid_params")
    for value in (0, 0x30, 2**63 - 1):
        at("cryptoki", value, "request_unknown")
    for value in (-1, 0.5, "0x30", None, True):
        at("cryptoki", value)
    at("rotated", False, "request_unknown")
    for value in (0, 1, "true", None):
        at("rotated", value)
    v.add("done: a proof of 1,024 bytes", call, path, {"body": {**right, "proof": ref.b64(bytes(1024))}}, "request_unknown")
    v.add("done: a proof of 1,025 bytes", call, path, {"body": {**right, "proof": ref.b64(bytes(1025))}}, "invalid_params")
    v.add("done: no proof", call, path, {"body": {**right, "proof_mechanism": "", "proof": ""}}, "request_unknown")
    v.add("done: a proof without its mechanism", call, path, {"body": {**right, "proof_mechanism": ""}}, "invalid_params")
    v.add("done: a mechanism without its proof", call, path, {"body": {**right, "proof": ""}}, "invalid_params")
    v.add("done: a proof of one byte", call, path, {"body": {**right, "proof": "AA"}}, "request_unknown")


def notices(v):
    call, path = "notices", "/v1/notices"
    v.add(call, call, path, {}, "notices_answer", method="GET")
    v.add("notices: a query", call, path + "?language=vi", {}, "invalid_params", method="GET")
    for header, value, reply in (("Sec-Fetch-Site", "same-origin", "notices_answer"), ("Sec-Fetch-Site", "none", "notices_answer"), ("Sec-Fetch-Site", "same-site", "origin_refused"),
                                 ("Sec-Fetch-Site", "cross-site", "origin_refused"), ("Origin", "https://evil.example", "origin_refused"), ("Origin", "null", "origin_refused")):
        v.add("notices: from a page, %s %s" % (header, value), call, path, {"headers": {header: value}}, reply, method="GET")


def desk(v):
    v.add("admin.me", "admin.me", "/v1/admin/me", {}, "me_answer", given="desk", method="GET")
    lists = "/v1/admin/requests"
    for query in ("", "?state=pending", "?state=unidentified&limit=1", "?limit=100", "?before=0", "?before=9007199254740991", "?customer=c%C3%B4ng%20ty", "?customer=c%c3%b4ng+ty",
                  "?customer=" + "x" * 128, "?customer=7", "?email=a", "?email=" + "x" * 254, "?token_serial=1130425009866", "?token_serial=" + "1" * 16,
                  "?certificate_serial=5401c7AD", "?certificate_serial=" + "A" * 128, "?from=0&to=0", "?from=9007199254740991&to=9007199254740991",
                  "?agency=an-khang", "?agency=" + "a" * 32, "?customer=a&email=b&token_serial=c&certificate_serial=d&state=pending&agency=e&from=1&to=2&before=3&limit=4"):
        v.add("admin.list: %s" % (query or "all"), "admin.list", lists + query, {}, "list_answer", given="desk", method="GET")
    for query in ("?state=open", "?limit=0", "?limit=101", "?limit=ten", "?before=-1", "?before=9007199254740992", "?order=id", "?state=",
                  "?limit=1&limit=2", "?customer=", "?customer=" + "x" * 129, "?customer=a%0Ab", "?customer=%E2%80%AE", "?customer=%FF", "?email=",
                  "?email=" + "x" * 255, "?token_serial=", "?token_serial=" + "1" * 17, "?certificate_serial=", "?certificate_serial=0G",
                  "?certificate_serial=" + "A" * 129, "?from=-1", "?from=2019-02-25", "?from=9007199254740992", "?to=-1", "?to=",
                  "?customer=a&customer=b", "?agency=", "?agency=An", "?agency=-a", "?agency=" + "a" * 33, "?agency=a&agency=a", "?customer=%00", "?customer=%4", "?customer=%zz", "?customer=" + "%20" * 400, "?from=1&to=2&from=3"):
        v.add("admin.list: %s" % query, "admin.list", lists + query, {}, "invalid_params", given="desk", method="GET")
    v.add("admin.detail", "admin.detail", lists + "/1", {}, "one_answer", given="desk", method="GET")
    for number in ("0", "-1", "x", "01", "9007199254740991", "9007199254740992", "1.0"):
        v.add("admin.detail: number %s" % number, "admin.detail", lists + "/" + number, {}, "request_unknown", given="desk", method="GET")

    for given, error in (("stranger", "admin_unknown"), ("auditor", "role_refused")):
        for name, body in (("right", {"body": {"reason": "x"}}), ("cut", {"text": "{"})):
            v.add("%s refuses: %s" % (given, name), "admin.refuse", lists + "/1/refuse", body, error, given=given, valid=name == "right")
    v.add("a stranger asks who he is", "admin.me", "/v1/admin/me", {}, "admin_unknown", given="stranger", method="GET")
    for given in ("desk", "operator", "auditor"):
        v.add("%s asks what waits" % given, "admin.waiting", "/v1/admin/waiting", {}, "waiting_answer", given=given, method="GET")
    v.add("a stranger asks what waits", "admin.waiting", "/v1/admin/waiting", {}, "admin_unknown", given="stranger", method="GET")
    v.add("an auditor looks", "admin.list", lists, {}, "list_answer", given="auditor", method="GET")
    for name, headers, error in (
            ("from the origin 'https://evil.example'", {"Origin": "https://evil.example"}, "origin_refused"),
            ("from the origin 'null'", {"Origin": "null"}, "origin_refused"), ("from the origin ''", {"Origin": ""}, "origin_refused"),
            ("from no origin", {"Origin": None}, "origin_refused"), ("from the same site", {"Sec-Fetch-Site": "same-site"}, "origin_refused"),
            ("from an address that was typed", {"Sec-Fetch-Site": "none"}, "origin_refused"),
            ("without a CSRF token", {"X-Mokhoa-CSRF": None}, "csrf_refused"),
            ("with a CSRF token of nobody", {"X-Mokhoa-CSRF": ref.b64(b"\x7f" * 8 + fixed("csrf"))}, "csrf_refused"),
            ("with half a CSRF token", {"X-Mokhoa-CSRF": "AAAA"}, "csrf_refused")):
        v.add("admin.refuse: %s" % name, "admin.refuse", lists + "/1/refuse", {"body": {"reason": "x"}, "headers": headers}, error, given="desk")
    for name, headers, reply in (("from another origin", {"Origin": "https://evil.example"}, "origin_refused"),
                                 ("from another site", {"Sec-Fetch-Site": "cross-site"}, "origin_refused"),
                                 ("from an address that was typed", {"Sec-Fetch-Site": "none"}, "list_answer"),
                                 ("from its own page", {"Sec-Fetch-Site": "same-origin"}, "list_answer")):
        v.add("admin.list: %s" % name, "admin.list", lists, {"headers": headers}, reply, given="desk", method="GET")

    call, path = "admin.approve", lists + "/1/approve"
    right = {"how": "call_back", "reference": "CV-2024-17", "phrase": "0000-0000"}

    def body(name, value, reply, **more):
        v.add("%s: %s" % (call, name), call, path, {"body": value}, reply, given="desk", **more)

    same_for_every_body(v, call, path, right, "phrase_mismatch", given="desk")
    for word in ("form", "in_person", "agency"):
        body("how %s" % word, {**right, "how": word}, "phrase_mismatch")
    for key in ("how", "reference", "phrase"):
        for value in (None, 1):
            body("%s %s" % (key, json.dumps(value)), {**right, key: value}, "invalid_params")
    body("how another", {**right, "how": "mail"}, "invalid_params")
    around = (("reference", 128, 0, right), ("phrase", 32, 1, right), ("reason", 512, 1, {**right, "email": "khach@example.vn", "reason": "x"}))
    for key, most, least, base in around:
        body("%s of %d bytes" % (key, most), {**base, key: long_text(most)}, "phrase_mismatch")
        body("%s of %d bytes" % (key, most + 1), {**base, key: long_text(most + 1)}, "invalid_params")
        body("%s of %d bytes" % (key, least), {**base, key: "x" * least}, "phrase_mismatch")
        if least:
            body("%s empty" % key, {**base, key: ""}, "invalid_params")
    addressed = {**right, "email": "khach@example.vn", "reason": "đổi địa chỉ"}
    body("another address", addressed, "phrase_mismatch")
    body("another address without a reason", drop(addressed, "reason"), "invalid_params")
    body("reason null", {**addressed, "reason": None}, "invalid_params")
    body("email null", {**addressed, "email": None}, "invalid_params")
    labels = ".".join(["x" * 63] * 4)
    longest = "k@" + labels[:252]
    for value in ("a@b", "a.b+c@xn--v-d-hla.example", "!#$%&'*+/=?^_`{|}~-@1.2", "k" * 64 + "@example.vn", longest):
        body("address %s" % short(value), {**addressed, "email": value}, "phrase_mismatch")
    for value in ("", "khach", "@example.vn", "khach@", "a b@example.vn", "a@b,c@d", "a@b\r\nBcc: c@d", "<a@b>", "\"a\"@b", "a@b.", "a@b@c",
                  "đ@example.vn", "a;b@c", "a:b@c", ".a@b", "a.@b", "a..b@c", "a@b..c", "a@.b", "a@-b", "a@b-", "a@b-.c", "a@b_c", "k@" + "x" * 64,
                  "a\\b@c", "k" * 65 + "@example.vn", longest + "x"):
        body("address %s" % short(value), {**addressed, "email": value}, "mail_address")

    call, path = "admin.resend", lists + "/1/resend"
    same_for_every_body(v, call, path, {}, "request_not_approved", given="desk")
    v.add("an auditor sends a code", call, path, {"body": {}}, "role_refused", given="auditor")

    call, path = "admin.refuse", lists + "/1/refuse"
    right = {"reason": "không gọi được"}
    same_for_every_body(v, call, path, right, "one_answer", given="desk")
    body("reason of 512 bytes", {"reason": long_text(512)}, "one_answer")
    body("reason of one byte", {"reason": "x"}, "one_answer")
    body("reason of 513 bytes", {"reason": long_text(513)}, "invalid_params")
    for value in ("", None, 1, "a\u202eb"):
        body("reason %s" % json.dumps(value), {"reason": value}, "invalid_params")


def reasons(v, call, path, reply):
    """Of a call whose body is a reason alone."""
    same_for_every_body(v, call, path, {"reason": "đã trình báo"}, reply, given="operator")
    for value in (long_text(512), "x"):
        v.add("%s: reason of %d bytes" % (call, len(value.encode())), call, path, {"body": {"reason": value}}, reply, given="operator")
    for value in (long_text(513), "", None, 1, "a\u202eb"):
        v.add("%s: reason %s" % (call, short(json.dumps(value))), call, path, {"body": {"reason": value}}, "invalid_params", given="operator")


def inventory(v):
    def get(call, path, reply, given="operator"):
        v.add("%s: %s%s" % (call, path, "" if given == "operator" else ", " + given), call, path, {}, reply, given=given, method="GET")

    tokens, proposals = "/v1/admin/tokens", "/v1/admin/proposals"
    for query in ("", "?life=active", "?life=lost", "?life=retired&limit=1", "?state=suspect", "?state=unverified&limit=100", "?state=verified", "?type=0", "?type=9007199254740991",
                  "?order=newest", "?order=serial", "?customer=c%C3%B4ng+ty", "?customer=" + "x" * 128, "?customer=%21%21", "?customer=%22%2a+OR+%28", "?email=a%40b", "?email=" + "x" * 254,
                  "?token_serial=1", "?token_serial=" + "1" * 16, "?after=0", "?after=9007199254740991", "?order=serial&after=9007199254740991",
                  "?agency=an-khang", "?agency=a&order=serial", "?customer=a&email=b&token_serial=c&life=lost&state=suspect&type=1&agency=d&order=serial&after=1&limit=2"):
        get("admin.tokens", tokens + query, "tokens_answer")
    for query in ("?life=dead", "?life=", "?state=open", "?state=", "?type=-1", "?type=x", "?type=9007199254740992", "?order=id", "?order=", "?customer=", "?customer=" + "x" * 129,
                  "?customer=a%0Ab", "?customer=%FF", "?customer=%00", "?customer=a&customer=b", "?email=", "?email=" + "x" * 255, "?email=%E2%80%AE", "?token_serial=",
                  "?token_serial=" + "1" * 17, "?token_serial=%0A", "?agency=", "?agency=%C4%91", "?after=-1", "?after=9007199254740992", "?limit=0", "?limit=101", "?limit=x", "?before=1", "?from=1"):
        get("admin.tokens", tokens + query, "invalid_params")
    get("admin.list", "/v1/admin/requests?life=lost", "invalid_params")
    get("admin.token", tokens + "/1", "token_answer")
    for number in ("0", "x", "9007199254740991"):
        get("admin.token", tokens + "/" + number, "token_unknown")
    for call, path, reply in (("admin.proposals", proposals, "proposals_answer"), ("admin.types", "/v1/admin/types", "types_answer"), ("admin.vendors", "/v1/admin/vendors", "modules_answer"),
                              ("admin.agencies", "/v1/admin/agencies", "agencies_answer")):
        get(call, path, reply)
        get(call, path, reply, given="auditor")
    get("admin.tokens", tokens, "tokens_answer", given="auditor")

    for word in ("lost", "retire", "restore", "cure"):
        reasons(v, "admin.token." + word, "%s/1/%s" % (tokens, word), "token_answer")
    # nothing is kept of it
    reasons(v, "admin.token.reinstate", tokens + "/1/reinstate", "token_life_wrong")
    reasons(v, "admin.proposal.reject", proposals + "/1/reject", "token_answer")
    same_for_every_body(v, "admin.proposal.confirm", proposals + "/1/confirm", {}, "token_answer", given="operator")
    for word in ("confirm", "reject"):
        v.add("admin.proposal.%s: of nobody" % word, "admin.proposal." + word, proposals + "/9007199254740991/" + word, {"body": {"reason": "x"} if word == "reject" else {}},
              "proposal_unknown", given="operator")

    # no vault is there to open a row
    call, path = "admin.token.replace", tokens + "/1/replace"
    sealed = ref.b64(HOST_KEM_PK + b"".join(fixed("sealed row %d" % i) for i in range(3))[:80])
    right = {"sealed": sealed, "reason": "biên bản bàn giao"}

    def body(name, value, reply, **more):
        v.add("%s: %s" % (call, name), call, path, {"body": value}, reply, given="operator", **more)

    same_for_every_body(v, call, path, right, "vault_unreachable", given="operator")
    for value in (long_text(512), "x"):
        body("reason of %d bytes" % len(value.encode()), {**right, "reason": value}, "vault_unreachable")
    for value in (long_text(513), "", None):
        body("reason %s" % short(json.dumps(value)), {**right, "reason": value}, "invalid_params")
    for name, value in (("empty", ""), ("a byte less", ref.b64(ref.unb64(sealed)[:-1])), ("a byte more", ref.b64(ref.unb64(sealed) + b"\0")), ("in clear", "3537363231383830"),
                        ("with loose bits", sealed[:-1] + chr(ord(sealed[-1]) + 1)), ("null", None)):
        body("sealed %s" % name, {**right, "sealed": value}, "invalid_params")
    body("sealed with a point that is not on the curve", {**right, "sealed": ref.b64(HOST_KEM_PK[:-1] + bytes([HOST_KEM_PK[-1] ^ 1]) + bytes(80))}, "invalid_params", valid=True)
    for word, given in (("replace", "desk"), ("cure", "desk"), ("reinstate", "desk"), ("lost", "auditor"), ("retire", "auditor"), ("restore", "auditor")):
        v.add("%s by the %s" % (word, given), "admin.token." + word, "%s/9/%s" % (tokens, word), {"body": right if word == "replace" else {"reason": "x"}}, "role_refused", given=given)
    moves(v, tokens)
    for word in ("confirm", "reject"):
        v.add("an auditor: %s" % word, "admin.proposal." + word, "%s/9/%s" % (proposals, word), {"body": {"reason": "x"} if word == "reject" else {}}, "role_refused", given="auditor")


def moves(v, tokens):
    call, path = "admin.token.agency", tokens + "/1/agency"
    right = {"agency": "", "reason": "đổi đại lý"}
    same_for_every_body(v, call, path, right, "token_answer", given="operator")
    sizes(v, call, path, right, "reason", 512, 1, "token_answer")
    for agency, reply in (("a", "agency_unknown"), ("a" * 32, "agency_unknown"), ("-a", "invalid_params"), ("A", "invalid_params"), ("a" * 33, "invalid_params"), ("đ", "invalid_params"),
                          (None, "invalid_params"), (1, "invalid_params")):
        v.add("%s: agency %s" % (call, short(json.dumps(agency))), call, path, {"body": {**right, "agency": agency}}, reply, given="operator")
    for number in ("0", "x", "9007199254740991"):
        v.add("%s: number %s" % (call, number), call, "%s/%s/agency" % (tokens, number), {"body": right}, "token_unknown", given="operator")
    for given in ("desk", "auditor"):
        v.add("%s by the %s" % (call, given), call, path, {"body": right}, "role_refused", given=given)


LONGEST_DOMAIN = ".".join(["a" * 63] * 3) + "." + "b" * 61  # 253 characters (RFC 1035, 2.3.4), of labels of 63 at most


def agencies(v):
    call, path = "admin.agency.put", "/v1/admin/agencies"
    right = {"id": "an-khang", "name": "Đại lý An Khang", "origins": ["https://an-khang.example"], "domains": ["an-khang.example"], "replace": False}

    def body(name, value, reply, **more):
        v.add("%s: %s" % (call, name), call, path, {"body": value}, reply, given="operator", **more)

    same_for_every_body(v, call, path, right, "agencies_answer", given="operator")
    sizes(v, call, path, right, "name", 256, 1, "agencies_answer")
    for id in ("a", "0", "a" * 32):
        body("id %s" % short(id), {**right, "id": id}, "agencies_answer")
    for id in ("", "-a", "A", "a b", "a" * 33, "đ", None, 1):
        body("id %s" % short(json.dumps(id)), {**right, "id": id}, "invalid_params")
    for name, origins in (("one with a port", ["https://a.example:8443"]), ("eight", ["https://a%d.example" % i for i in range(8)])):
        body("origins, %s" % name, {**right, "origins": origins}, "agencies_answer")
    for origin in ("https://a.example/", "https://a.example/x", "https://*.example", "http://a.example", "http://localhost", "https://A.example", "a.example", "https://a.example https://b.example",
                   "https://a.example; script-src *", "https://a.example\r\nX: y", "", None):
        body("origin %s" % json.dumps(origin), {**right, "origins": [origin]}, "invalid_params")
    body("an origin on the default port", {**right, "origins": ["https://a.example:443"]}, "invalid_params", valid=True)
    for name, origins in (("none", []), ("nine", ["https://a%d.example" % i for i in range(9)]), ("one twice", ["https://a.example"] * 2), ("no array", "https://a.example"), ("null", None)):
        body("origins, %s" % name, {**right, "origins": origins}, "invalid_params")
    for name, domains in (("none", []), ("32", ["a%d.example" % i for i in range(32)]), ("one of 253 characters", [LONGEST_DOMAIN])):
        body("domains, %s" % name, {**right, "domains": domains}, "agencies_answer")
    for domain in ("example", "A.example", "a_b.example", "a.example.", "@a.example", "a b.example", "", None):
        body("domain %s" % json.dumps(domain), {**right, "domains": [domain]}, "invalid_params")
    body("domain of 254 characters", {**right, "domains": [LONGEST_DOMAIN + "b"]}, "invalid_params")
    for name, domains in (("33", ["a%d.example" % i for i in range(33)]), ("one twice", ["a.example"] * 2), ("no array", "a.example"), ("null", None)):
        body("domains, %s" % name, {**right, "domains": domains}, "invalid_params")
    body("one that is not there", {**right, "replace": True}, "agency_unknown")
    for value in (1, "yes", None):
        body("replace %s" % json.dumps(value), {**right, "replace": value}, "invalid_params")
    for given in ("desk", "auditor"):
        v.add("%s by the %s" % (call, given), call, path, {"body": right}, "role_refused", given=given)


def sizes(v, call, path, right, key, most, least, reply):
    """A text of the body just inside and just outside its bounds (least None: whether it may be empty is said elsewhere); a dot in key goes into an object."""
    def with_value(value):
        head, _, tail = key.partition(".")
        return {**right, head: {**right[head], tail: value} if tail else value}

    for value in (long_text(most), "x" * (1 if least is None else least)):
        v.add("%s: %s of %d bytes" % (call, key, len(value.encode())), call, path, {"body": with_value(value)}, reply, given="operator")
    for value in (long_text(most + 1), None, 1, "a\u202eb", *([""] if least else [])):
        v.add("%s: %s %s" % (call, key, short(json.dumps(value))), call, path, {"body": with_value(value)}, "invalid_params", given="operator")


def tools(v):
    def get(call, path, reply, given):
        v.add("%s by the %s" % (call, given), call, path, {}, reply, given=given, method="GET")

    def body(name, value, reply, **more):
        v.add("%s: %s" % (call, name), call, path, {"body": value}, reply, given="operator", **more)

    notices = "/v1/admin/notices"
    for given in ("operator", "auditor", "desk"):
        get("admin.notices", notices, "desk_notices_answer", given)
    for given in ("operator", "auditor"):
        get("admin.backups", "/v1/admin/backups", "backups_off", given)
        get("admin.keys", "/v1/admin/keys", "vault_unreachable", given)
    for call, path in (("admin.backups", "/v1/admin/backups"), ("admin.keys", "/v1/admin/keys")):
        get(call, path, "role_refused", "desk")

    report, day = "/v1/admin/report", 86400
    for given in ("operator", "auditor", "desk"):
        get("admin.report", report + "?from=1700000000&to=1700000001", "report_answer", given)
    for name, query in (("400 days", "?from=1699981200&to=%d" % (1699981200 + 400 * day)), ("the first second", "?from=1&to=2"), ("the last", "?from=9007199254740990&to=9007199254740991"), ("an agency", "?from=1&to=2&agency=an-khang")):
        v.add("admin.report: %s" % name, "admin.report", report + query, {}, "report_answer", given="auditor", method="GET")
    for name, query, valid in (("401 days", "?from=1699981200&to=%d" % (1699981200 + 400 * day + 1), True), ("backwards", "?from=2&to=1", True), ("nothing", "?from=2&to=2", True),
                               ("without from", "?to=2", True), ("without to", "?from=1", True), ("no query", "", True), ("from 0", "?from=0&to=2", False), ("to 0", "?from=1&to=0", False),
                               ("from x", "?from=x&to=2", False), ("to 2^53", "?from=1&to=9007199254740992", False), ("a state", "?from=1&to=2&state=pending", False), ("no agency", "?from=1&to=2&agency=", False), ("from twice", "?from=1&from=1&to=2", False)):
        v.add("admin.report: %s" % name, "admin.report", report + query, {}, "invalid_params", given="auditor", method="GET", valid=valid)
    v.add("admin.report by a stranger", "admin.report", report + "?from=1&to=2", {}, "admin_unknown", given="stranger", method="GET")

    right = {"severity": "warning", "title": {"vi": "Bảo trì", "en": "Maintenance"}, "text": {"vi": "Từ 22 giờ.", "en": "From 10 pm."}, "starts": 1700000000, "ends": 0}
    for call, path in (("admin.notice.add", notices), ("admin.notice.change", notices + "/1")):
        same_for_every_body(v, call, path, right, "desk_notices_answer", given="operator")
        for key, most in (("title.vi", 128), ("text.vi", 1024)):
            sizes(v, call, path, right, key, most, 1, "desk_notices_answer")
        for key, most in (("title.en", 128), ("text.en", 1024)):
            sizes(v, call, path, right, key, most, None, "desk_notices_answer")
            head, tail = key.split(".")
            body("%s alone empty" % key, {**right, head: {**right[head], tail: ""}}, "invalid_params", valid=True)
        body("Vietnamese alone", {**right, "title": {"vi": "a", "en": ""}, "text": {"vi": "b", "en": ""}}, "desk_notices_answer")
        body("title of another language", {**right, "title": {**right["title"], "fr": "x"}}, "invalid_params")
        body("title without English", {**right, "title": {"vi": "x"}}, "invalid_params")
        for key in ("title", "text"):
            for value in ("x", None):
                body("%s %s" % (key, json.dumps(value)), {**right, key: value}, "invalid_params")
        for value in ("info",):
            body("severity %s" % value, {**right, "severity": value}, "desk_notices_answer")
        for value in ("", "alarm", None):
            body("severity %s" % json.dumps(value), {**right, "severity": value}, "invalid_params")
        body("the last time", {**right, "starts": 0, "ends": 253402300799}, "desk_notices_answer")
        for key in ("starts", "ends"):
            for value in (-1, 253402300800, "0", None):
                body("%s %s" % (key, json.dumps(value)), {**right, key: value}, "invalid_params")
        body("ends when it starts", {**right, "ends": right["starts"]}, "invalid_params", valid=True)
    call, path = "admin.notice.add", notices
    body("over already", {**right, "ends": 1700000001}, "invalid_params", valid=True)
    same_for_every_body(v, "admin.notice.remove", notices + "/1/remove", {}, "desk_notices_answer", given="operator")
    for number in ("0", "x", "9007199254740991"):
        v.add("admin.notice.change: number %s" % number, "admin.notice.change", notices + "/" + number, {"body": right}, "notice_unknown", given="operator")
        v.add("admin.notice.remove: number %s" % number, "admin.notice.remove", notices + "/" + number + "/remove", {"body": {}}, "notice_unknown", given="operator")

    call, path = "admin.type.put", "/v1/admin/types"
    kind = {"name": "Token ví dụ", "vendor": "", "manufacturer": "M", "model": "M2", "family": "so_pin", "rotation": True, "flags_reliable": False, "pin_min": 6, "pin_max": 8,
            "pin_characters": "digits", "key_length": 0, "key_characters": "any", "second_approver": False, "so_tries": 3}
    same_for_every_body(v, call, path, kind, "types_answer", given="operator")
    sizes(v, call, path, kind, "name", 64, 1, "types_answer")
    for key, most in (("manufacturer", 32), ("model", 16)):
        sizes(v, call, path, kind, key, most, 0, "types_answer")
    for value in (long_text(64), "x"):
        body("vendor of %d bytes" % len(value.encode()), {**kind, "vendor": value}, "vendor_unknown")
    for value in (long_text(65), None, 1, "a\u202eb"):
        body("vendor %s" % short(json.dumps(value)), {**kind, "vendor": value}, "invalid_params")
    body("neither manufacturer nor model", {**kind, "manufacturer": "", "model": ""}, "invalid_params", valid=True)
    for family in ("puk", "none"):
        body("family %s" % family, {**kind, "family": family, "rotation": False}, "types_answer")
        body("family %s with rotation" % family, {**kind, "family": family}, "invalid_params", valid=True)
    for key, most in (("pin_min", 128), ("pin_max", 128), ("key_length", 62)):
        for value in (0, most):
            body("%s %d" % (key, value), {**kind, "pin_min": 0, "pin_max": 0, key: value}, "types_answer")
        for value in (-1, most + 1, 2**53, "6", None):
            body("%s %s" % (key, json.dumps(value)), {**kind, key: value}, "invalid_params")
    body("key_length 6", {**kind, "key_length": 6}, "types_answer")
    for value in (1, 5):
        body("key_length %d" % value, {**kind, "key_length": value}, "invalid_params")
    for value in (0, 3, 255):
        body("so_tries %d" % value, {**kind, "so_tries": value}, "types_answer")
    for value in (-1, 1, 2, 256, 2**53, "3", None):
        body("so_tries %s" % json.dumps(value), {**kind, "so_tries": value}, "invalid_params")
    body("no PIN keeps both", {**kind, "pin_min": 9}, "invalid_params", valid=True)
    for key, words in (("family", ("", "x")), ("pin_characters", ("", "letters")), ("key_characters", ("", "letters"))):
        for word in (*words, None):
            body("%s %s" % (key, json.dumps(word)), {**kind, key: word}, "invalid_params")
    for key in ("pin_characters", "key_characters"):
        for word in ("any", "digits", "hexadecimal", "alphanumeric"):
            body("%s %s" % (key, word), {**kind, key: word}, "types_answer")
    for key in ("rotation", "flags_reliable", "second_approver"):
        for value in (1, "yes", None):
            body("%s %s" % (key, json.dumps(value)), {**kind, key: value}, "invalid_params")

    call, path = "admin.vendor.put", "/v1/admin/vendors"
    module = {"vendor": "Hãng ví dụ", "system": "linux", "name": "vidu", "path": "/usr/lib/vidu.so", "parameters": ""}
    same_for_every_body(v, call, path, module, "modules_answer", given="operator")
    for key in ("vendor", "name"):
        sizes(v, call, path, module, key, 64, 1, "modules_answer")
    sizes(v, call, path, module, "parameters", 1024, 0, "modules_answer")
    for value in ("/" + long_text(1023), "/"):
        body("path of %d bytes" % len(value.encode()), {**module, "path": value}, "modules_answer")
    for value in ("/" + long_text(1024), "", None):
        body("path %s" % short(json.dumps(value)), {**module, "path": value}, "invalid_params")
    for system, right_path, wrong_path in (("windows", "C:\\Windows\\System32\\vidu.dll", "/usr/lib/vidu.dll"), ("macos", "/Library/vidu.dylib", "vidu.dylib"), ("linux", "/a", "C:\\a")):
        body("%s %s" % (system, right_path), {**module, "system": system, "path": right_path}, "modules_answer")
        body("%s %s" % (system, wrong_path), {**module, "system": system, "path": wrong_path}, "invalid_params", valid=True)
    for system in ("", "beos", None):
        body("system %s" % json.dumps(system), {**module, "system": system}, "invalid_params")

    call, path = "admin.import", "/v1/admin/import"
    head = "manufacturer,model,serial,sealed,customer,email\n"
    whole = {"table": head + "M,K,S1,AAAA,Khách,khach@example.vn\n", "dry_run": True}
    same_for_every_body(v, call, path, whole, "import_answer", given="operator")
    body("taken", {**whole, "dry_run": False}, "import_answer")
    body("the names alone", {**whole, "table": head}, "import_answer")
    body("one letter", {**whole, "table": "x"}, "import_answer")
    body("16000 bytes", {**whole, "table": head + long_text(16000 - len(head))}, "import_answer")
    body("16001 bytes", {**whole, "table": head + long_text(16001 - len(head))}, "invalid_params")
    body("no table of ours", {**whole, "table": "a,b\n1,2\n"}, "import_answer")
    body("256 rows", {**whole, "table": head + ",\n" * 256}, "import_answer")
    body("257 rows", {**whole, "table": head + ",\n" * 257}, "invalid_params", valid=True)
    body("SO PINs in clear", {**whole, "table": head.replace("sealed", "so_pin") + "M,K,S1,12345678,Khách,khach@example.vn\n"}, "table_unsealed", valid=True)
    for value in ("", None, 1, []):
        body("table %s" % json.dumps(value), {**whole, "table": value}, "invalid_params")
    for value in (1, "yes", None):
        body("dry_run %s" % json.dumps(value), {**whole, "dry_run": value}, "invalid_params")
    for given in ("desk", "auditor"):
        v.add("%s by the %s" % (call, given), call, path, {"body": whole}, "role_refused", given=given)

    mails = "/v1/admin/mails"
    for given in ("operator", "auditor", "desk"):
        get("admin.mails", mails, "mails_answer", given)
    get("admin.mails", mails, "admin_unknown", "stranger")
    same_for_every_body(v, "admin.mail.retry", mails + "/1/retry", {}, "mail_unknown", given="operator")
    for number in ("0", "x", "9007199254740991"):
        v.add("admin.mail.retry: number %s" % number, "admin.mail.retry", "%s/%s/retry" % (mails, number), {"body": {}}, "mail_unknown", given="desk")
    v.add("admin.mail.retry by the auditor", "admin.mail.retry", mails + "/1/retry", {"body": {}}, "role_refused", given="auditor")
    for given, reply in (("operator", "audit_answer"), ("auditor", "audit_answer"), ("desk", "role_refused")):
        get("admin.audit", "/v1/admin/audit", reply, given)
    same_for_every_body(v, "admin.audit.verify", "/v1/admin/audit", {}, "audit_answer", given="operator")
    v.add("admin.audit.verify by the desk", "admin.audit.verify", "/v1/admin/audit", {"body": {}}, "role_refused", given="desk")

    same_for_every_body(v, "admin.backup", "/v1/admin/backups", {}, "backups_off", given="operator")
    same_for_every_body(v, "admin.mail.test", "/v1/admin/mail/test", {}, "mail_test_answer", given="operator")
    for call, path, right in (("admin.notice.add", notices, right), ("admin.notice.change", notices + "/9", right), ("admin.notice.remove", notices + "/9/remove", {}),
                              ("admin.type.put", "/v1/admin/types", kind), ("admin.vendor.put", "/v1/admin/vendors", module), ("admin.backup", "/v1/admin/backups", {}),
                              ("admin.mail.test", "/v1/admin/mail/test", {})):
        for given in ("desk", "auditor"):
            v.add("%s by the %s" % (call, given), call, path, {"body": right}, "role_refused", given=given)


def people(v):
    path = "/v1/admin/people"
    for given, reply in (("operator", "people_answer"), ("auditor", "people_answer"), ("desk", "role_refused")):
        v.add("admin.people, %s" % given, "admin.people", path, {}, reply, given=given, method="GET")
    call = "admin.person.propose"
    right = {"name": "Trần Thị Mới", "role": "approver", "agency": "", "certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "reason": "nhận việc"}

    def body(name, value, reply, **more):
        v.add("%s: %s" % (call, name), call, path, {"body": value}, reply, given="operator", **more)

    same_for_every_body(v, call, path, right, "certificate_refused", given="operator")
    for key, most in (("name", 128), ("reason", 512)):
        for value in (long_text(most), "x"):
            body("%s of %d bytes" % (key, len(value.encode())), {**right, key: value}, "certificate_refused")
        for value in (long_text(most + 1), "", None, 1, "a\u202eb"):
            body("%s %s" % (key, short(json.dumps(value))), {**right, key: value}, "invalid_params")
    for role in ("viewer", "operator", "auditor"):
        body("role %s" % role, {**right, "role": role}, "certificate_refused")
    for role in ("none", "", "king", None):
        body("role %s" % json.dumps(role), {**right, "role": role}, "invalid_params")
    for role in ("viewer", "approver"):
        for agency in ("a", "0", "a" * 32):
            body("%s of an agency %s that is not there" % (role, short(agency)), {**right, "role": role, "agency": agency}, "agency_unknown")
    for role in ("operator", "auditor"):
        body("%s of an agency" % role, {**right, "role": role, "agency": "an-khang"}, "invalid_params", valid=True)
    for agency in ("-a", "A", "a" * 33, "đ", None):
        body("agency %s" % json.dumps(agency), {**right, "agency": agency}, "invalid_params")
    body("certificate of 8,192 bytes", {**right, "certificate": "x" * 8192}, "certificate_refused")
    body("certificate of one byte", {**right, "certificate": "x"}, "certificate_refused")
    for value in ("x" * 8193, "", None, 1):
        body("certificate %s" % short(json.dumps(value)), {**right, "certificate": value}, "invalid_params")

    reasons(v, "admin.person.remove", path + "/1/remove", "people_answer")
    call, at = "admin.certificate.retire", path + "/1/retire"
    sent = {"fingerprint": "0123456789abcdef" * 4, "reason": "mất thẻ"}
    same_for_every_body(v, call, at, sent, "certificate_unknown", given="operator")
    sizes(v, call, at, sent, "reason", 512, 1, "certificate_unknown")
    for value in (sent["fingerprint"][1:], sent["fingerprint"] + "0", sent["fingerprint"].upper(), "", None, 1):
        v.add("%s: fingerprint %s" % (call, short(json.dumps(value))), call, at, {"body": {**sent, "fingerprint": value}}, "invalid_params", given="operator")
    for number in ("0", "x", "9007199254740991"):
        v.add("%s: number %s" % (call, number), call, "%s/%s/retire" % (path, number), {"body": sent}, "person_unknown", given="operator")
    for given in ("desk", "auditor"):
        v.add("%s by the %s" % (call, given), call, at, {"body": sent}, "role_refused", given=given)
    call = "admin.person.propose"
    reasons(v, "admin.enrolment.reject", "/v1/admin/enrolments/1/reject", "people_answer")
    same_for_every_body(v, "admin.enrolment.confirm", "/v1/admin/enrolments/1/confirm", {}, "people_answer", given="operator")
    for number in ("0", "x", "9007199254740991"):
        v.add("admin.person.remove: number %s" % number, "admin.person.remove", "%s/%s/remove" % (path, number), {"body": {"reason": "x"}}, "person_unknown", given="operator")
        for word, sent in (("confirm", {}), ("reject", {"reason": "x"})):
            v.add("admin.enrolment.%s: number %s" % (word, number), "admin.enrolment." + word, "/v1/admin/enrolments/%s/%s" % (number, word), {"body": sent}, "proposal_unknown", given="operator")
    for name, at, sent in ((call, path, right), ("admin.person.remove", path + "/9/remove", {"reason": "x"}), ("admin.enrolment.confirm", "/v1/admin/enrolments/9/confirm", {}),
                           ("admin.enrolment.reject", "/v1/admin/enrolments/9/reject", {"reason": "x"})):
        for given in ("desk", "auditor"):
            v.add("%s by the %s" % (name, given), name, at, {"body": sent}, "role_refused", given=given)


# ---- answers ----

def tms_answers():
    answers = AnswerFile()
    of = answers.of

    def binary(a, key):
        text = a.right[key]
        a.at(key, wrong=[text[:-1], text + "A", text + "=", "+" + text[1:], None])

    a = of("create_answer", {"id": REQUEST, "expires": EXPIRES, "hotline": "1800 1000", "kid": KID, "signature": SIGNATURE})
    a.keys()
    a.seconds("expires")
    a.text("hotline", 64)
    a.at("kid", wrong=[KID.upper(), KID[:-1], KID + "0", None])
    binary(a, "id")
    binary(a, "signature")

    a = of("status_answer", {"state": "approved", "expires": EXPIRES, "code_expires": EXPIRES - 86400, "retry_after": 30, "email": "k***h@example.vn",
                             "approval": ref.b64(APPROVAL), "note": "", "family": "so_pin", "pin_min": 6, "pin_max": 8, "pin_characters": "digits",
                             "flags_reliable": True, "kid": KID, "signature": SIGNATURE})
    a.keys()
    a.words("family", ("", "so_pin", "puk", "none"))
    a.words("pin_characters", ("", "any", "digits", "hexadecimal", "alphanumeric"))
    for key in ("pin_min", "pin_max"):
        a.at(key, right=[0, 128], wrong=[-1, 129, "6", None])
    a.at("flags_reliable", right=[False], wrong=[1, None])
    a.words("state", STATES)
    a.at("state", wrong=["unidentified"])
    for key in ("expires", "code_expires", "retry_after"):
        a.seconds(key)
    a.text("email", 254)
    a.text("note", 512)
    a.at("approval", right=[""], wrong=["A" * 21, "A" * 21 + "B", None])
    binary(a, "signature")

    enc = ref.b64(HOST_KEM_PK)
    answer = {"enc": enc, "ciphertext": ref.b64(b"".join(fixed("sealed %d" % i) for i in range(9))[:272]), "kid": KID, "signature": SIGNATURE}
    for name, more in (("sealed_answer", {}), ("release_answer", {"family": "so_pin", "rotation": True})):
        a = of(name, {**answer, **more})
        a.keys()
        for key in ("enc", "ciphertext", "signature"):
            binary(a, key)
    a.words("family", ("so_pin", "puk"))
    a.at("family", wrong=["", "none"])
    a.at("rotation", right=[False], wrong=[1, None])

    notice = {"id": 7, "severity": "warning", "title": {"vi": "Bảo trì đêm nay", "en": "Maintenance tonight"}, "text": {"vi": "Từ 22 giờ đến 24 giờ.", "en": "From 10 to 12 pm."}}
    a = of("notices_answer", {"notices": [notice]})
    a.keys()
    a.at("notices", right=[[], [notice] * 8], wrong=[[notice] * 9, None, [None]])
    a.keys("notices.0")
    a.at("notices.0.id", right=[1, 2**53 - 1], wrong=[0, 2**53, "1"])
    a.words("notices.0.severity", ("info", "warning"))
    for key, most in (("title", 128), ("text", 1024)):
        a.at("notices.0." + key, wrong=["x", None])
        a.keys("notices.0." + key)
        a.text("notices.0.%s.vi" % key, most, 1)
        a.text("notices.0.%s.en" % key, most)

    csrf = ref.b64(fixed("csrf end", 8) + fixed("csrf"))
    a = of("me_answer", {"name": "Nguyễn Thị Duyệt", "role": "approver", "agency": "", "csrf": csrf})
    a.keys()
    a.text("name", 128, 1)
    a.words("role", ("viewer", "approver", "operator", "auditor"))
    agency_id(a, "agency")
    a.at("csrf", wrong=["", csrf[:-1], csrf + "A", csrf[:-1] + "B", None])

    row = {"number": 58498, "state": "unidentified", "customer": "CÔNG TY CỔ PHẦN VÍ DỤ", "email": "khach@example.vn", "token": TOKEN,
           "token_life": "active", "certificate_serial": "F401C7ADA92A737CA6ECF19C1FB1525C", "reason": "locked", "language": "vi", "created": EXPIRES - 604800, "decided": 0,
           "expires": EXPIRES, "agency": "an-khang", "erased": 0}
    one = {**row, "token_number": 17, "token_state": "verified", "how": "call_back", "reference": "CV-2024-17", "decided_by": "Nguyễn Thị Duyệt", "note": "", "waiting_email": "", "waiting_by": "",
           "family": "so_pin", "outcome": "", "others": [row],
           "history": [{"time": EXPIRES - 604800, "actor": "", "event": "request.created", "detail": ""}]}
    a = of("waiting_answer", {"pending": 3, "unidentified": 1, "oldest": EXPIRES - 604800, "proposals": 2, "mark": "58498.1551061735.0"})
    a.keys()
    for key in ("pending", "unidentified", "proposals"):
        a.at(key, right=[0, 2**53 - 1], wrong=[-1, 2**53, "1", None])
    a.seconds("oldest")
    a.at("mark", right=["0.0.0", "9" * 63], wrong=["", "0.0.", "9" * 64, "a.0.0", None])
    a = of("list_answer", {"requests": [row], "next": 58498})
    a.keys()
    a.keys("requests.0")
    a.at("requests", right=[[]], wrong=[None, [None]])
    a.at("next", right=[0, 2**53 - 1], wrong=[-1, 2**53, None])
    shared(a, "requests.0.")
    a = of("one_answer", one)
    a.keys()
    shared(a, "")
    a.at("token_number", right=[0, 2**53 - 1], wrong=[-1, 2**53, None])
    a.words("token_state", ("", "unverified", "suspect"))
    a.words("how", ("", "call_back", "form", "in_person", "agency"))
    a.words("family", ("", "so_pin", "puk", "none"))
    a.words("outcome", ("", "rotated", "not_rotated", "failed"))
    for key, most in (("reference", 128), ("decided_by", 128), ("note", 512), ("waiting_email", 254), ("waiting_by", 128)):
        a.text(key, most)
    a.at("others", right=[[], [row] * 8], wrong=[None, [None], [row] * 9])
    a.at("history", right=[[]], wrong=[None, [None]])
    a.keys("history.0")
    a.seconds("history.0.time")
    a.text("history.0.actor", 128)
    a.text("history.0.detail", 1024)
    a.at("history.0.event", right=["a", "e" * 64], wrong=["", "E", "e" * 65, None])
    inventory_answers(answers, row, one["history"])
    people_answers(answers)
    tool_answers(answers)
    return answers.content()


def people_answers(answers):
    fingerprint = "0123456789abcdef" * 4
    person = {"number": 4, "name": "Nguyễn Thị Duyệt", "role": "approver", "agency": "", "created": EXPIRES - 604800,
              "certificates": [{"fingerprint": fingerprint, "not_after": EXPIRES, "created": EXPIRES - 604800, "retired": 0}]}
    enrolment = {"number": 2, "name": "Trần Thị Mới", "role": "viewer", "agency": "an-khang", "fingerprint": fingerprint, "not_after": EXPIRES, "reason": "nhận việc", "proposed_by": "Phạm Văn Hành",
                 "mine": False, "created": EXPIRES - 604800, "expires": EXPIRES}
    a = answers.of("people_answer", {"people": [person], "enrolments": [enrolment]})
    a.keys()
    for key in ("people", "enrolments", "people.0.certificates"):
        a.at(key, right=[[]], wrong=[None, [None]])
    for at in ("people.0", "people.0.certificates.0", "enrolments.0"):
        a.keys(at)
    for at in ("people.0.", "enrolments.0."):
        a.at(at + "number", right=[1, 2**53 - 1], wrong=[0, 2**53, "1"])
        a.text(at + "name", 128)
        agency_id(a, at + "agency")
    a.words("people.0.role", ("viewer", "approver", "operator", "auditor", "none"))
    a.words("enrolments.0.role", ("viewer", "approver", "operator", "auditor"))
    for path in ("people.0.created", "people.0.certificates.0.not_after", "people.0.certificates.0.created", "people.0.certificates.0.retired", "enrolments.0.not_after", "enrolments.0.created",
                 "enrolments.0.expires"):
        a.seconds(path)
    for path in ("people.0.certificates.0.fingerprint", "enrolments.0.fingerprint"):
        a.at(path, wrong=[fingerprint[1:], fingerprint + "0", fingerprint.upper(), "", None])
    a.text("enrolments.0.reason", 512)
    a.text("enrolments.0.proposed_by", 128)
    a.at("enrolments.0.mine", right=[True], wrong=[1, None])


def inventory_answers(answers, request, history):
    row = {"number": 17, "token": TOKEN, "customer": "CÔNG TY CỔ PHẦN VÍ DỤ", "email": "khach@example.vn", "certificate_serial": "F401C7ADA92A737CA6ECF19C1FB1525C",
           "type": "Token ví dụ", "vendor": "Hãng ví dụ", "life": "active", "state": "verified", "exposed": 0, "next": False, "failures": 0, "created": EXPIRES - 604800,
           "proposed": False, "agency": ""}
    proposal = {"number": 3, "kind": "replace", "token_number": 17, "token": TOKEN, "customer": "CÔNG TY CỔ PHẦN VÍ DỤ", "compared": "", "reason": "biên bản bàn giao",
                "proposed_by": "Phạm Văn Hành", "mine": False, "created": EXPIRES - 604800, "expires": EXPIRES, "state": "open", "decided_by": "", "decided": 0, "note": ""}

    def token(a, at):
        a.at(at + "number", right=[1, 2**53 - 1], wrong=[0, 2**53, "1"])
        for key, most in (("customer", 256), ("email", 254), ("type", 64), ("vendor", 64)):
            a.text(at + key, most)
        a.words(at + "life", ("active", "lost", "retired"))
        a.words(at + "state", ("unverified", "verified", "suspect"))
        for key in ("exposed", "created"):
            a.seconds(at + key)
        for key in ("next", "proposed"):
            a.at(at + key, right=[True], wrong=[1, None])
        agency_id(a, at + "agency")
        a.at(at + "failures", right=[2**53 - 1], wrong=[-1, 2**53, None])

    a = answers.of("tokens_answer", {"tokens": [row], "next": 17})
    a.keys()
    a.keys("tokens.0")
    a.at("tokens", right=[[]], wrong=[None, [None]])
    a.at("next", right=[0, 2**53 - 1], wrong=[-1, 2**53, None])
    token(a, "tokens.0.")
    a = answers.of("token_answer", {**row, "rotated": EXPIRES - 86400, "kept": 2, "family": "so_pin", "rotation": True, "requests": [request], "proposals": [proposal],
                                    "history": history})
    a.keys()
    token(a, "")
    a.seconds("rotated")
    a.at("kept", wrong=[-1, None])
    a.words("family", ("so_pin", "puk", "none"))
    a.at("rotation", right=[False], wrong=[1, None])
    for key in ("requests", "proposals", "history"):
        a.at(key, right=[[]], wrong=[None, [None]])
    a = answers.of("proposals_answer", {"proposals": [proposal]})
    a.keys()
    a.keys("proposals.0")
    a.at("proposals", right=[[]], wrong=[None, [None]])
    at = "proposals.0."
    a.words(at + "kind", ("replace", "cure", "restore", "reinstate"))
    a.words(at + "compared", ("", "same", "other"))
    a.words(at + "state", ("open", "confirmed", "rejected", "withdrawn", "expired"))
    for key, most in (("customer", 256), ("reason", 512), ("proposed_by", 128), ("decided_by", 128), ("note", 512)):
        a.text(at + key, most)
    for key in ("created", "expires", "decided"):
        a.seconds(at + key)
    a.at(at + "mine", right=[True], wrong=[1, None])

    kind = {"number": 2, "name": "Token ví dụ", "vendor": "Hãng ví dụ", "manufacturer": "M", "model": "", "family": "so_pin", "rotation": True, "flags_reliable": True, "pin_min": 6,
            "pin_max": 8, "pin_characters": "digits", "key_length": 0, "key_characters": "any", "second_approver": False, "so_tries": 15}
    a = answers.of("types_answer", {"types": [kind]})
    a.keys()
    a.keys("types.0")
    a.at("types", right=[[]], wrong=[None, [None]])
    at = "types.0."
    for key, most in (("name", 64), ("vendor", 64), ("manufacturer", 32), ("model", 16)):
        a.text(at + key, most)
    a.words(at + "family", ("so_pin", "puk", "none"))
    for key in ("rotation", "flags_reliable", "second_approver"):
        a.at(at + key, right=[True, False], wrong=[1, None])
    a.at(at + "so_tries", right=[0, 3, 255], wrong=[-1, 1, 2, 256, "3", None])
    for key in ("pin_characters", "key_characters"):
        a.words(at + key, ("any", "digits", "hexadecimal", "alphanumeric"))
    module = {"vendor": "Hãng ví dụ", "system": "linux", "name": "vidu", "path": "/usr/lib/vidu.so", "parameters": ""}
    a = answers.of("modules_answer", {"modules": [module]})
    a.keys()
    a.keys("modules.0")
    a.at("modules", right=[[]], wrong=[None, [None]])
    at = "modules.0."
    for key, most, least in (("vendor", 64, 1), ("name", 64, 1), ("path", 1024, 1), ("parameters", 1024, 0)):
        a.text(at + key, most, least)
    a.words(at + "system", ("linux", "windows", "macos"))
    agency = {"id": "an-khang", "name": "Đại lý An Khang", "origins": ["https://an-khang.example"], "domains": ["an-khang.example"], "second_approver": False, "customers": 7, "created": EXPIRES}
    a = answers.of("agencies_answer", {"agencies": [agency]})
    a.keys()
    a.keys("agencies.0")
    a.at("agencies", right=[[]], wrong=[None, [None]])
    at = "agencies.0."
    a.at(at + "id", right=["a", "0", "a" * 32], wrong=["", "-a", "A", "a" * 33, None])
    a.text(at + "name", 256, 1)
    a.at(at + "origins", right=[["http://localhost:8080", "https://a.example"]], wrong=[[], ["a.example"], [""], [None], None])
    a.at(at + "domains", right=[[], ["a.example", "b.example"], [LONGEST_DOMAIN]], wrong=[["example"], ["A.example"], [LONGEST_DOMAIN + "b"], [None], None])
    a.at(at + "second_approver", right=[True], wrong=[1, None])
    a.at(at + "customers", right=[0, 2**53 - 1], wrong=[-1, 2**53, None])
    a.seconds(at + "created")


def agency_id(a, path):
    a.at(path, right=["", "a", "0", "a" * 32, "an-khang"], wrong=["-a", "A", "a b", "a" * 33, "đ", "a\n", None])


def tool_answers(answers):
    notice = {"number": 7, "severity": "info", "title": {"vi": "Bảo trì", "en": ""}, "text": {"vi": "Từ 22 giờ.", "en": ""}, "starts": 0, "ends": 0, "due": True, "created": EXPIRES}
    a = answers.of("desk_notices_answer", {"notices": [notice]})
    a.keys()
    a.keys("notices.0")
    a.at("notices", right=[[]], wrong=[None, [None]])
    a.words("notices.0.severity", ("info", "warning"))
    a.at("notices.0.due", right=[False], wrong=[1, None])
    a.seconds("notices.0.created")
    for key, most in (("title", 128), ("text", 1024)):
        a.keys("notices.0." + key)
        a.text("notices.0.%s.vi" % key, most, 1)
        a.text("notices.0.%s.en" % key, most)
    for key in ("starts", "ends"):
        a.at("notices.0." + key, right=[253402300799], wrong=[-1, 253402300800, None])

    backup = {"file": "mokhoa-20261130T013000Z.sqlite", "size": 4096, "changed": EXPIRES, "whole": True}
    a = answers.of("backups_answer", {"backups": [backup], "running": False})
    a.keys()
    a.keys("backups.0")
    a.at("backups", right=[[], [backup] * 100], wrong=[None, [None], [backup] * 101])
    a.at("running", right=[True], wrong=[1, None])
    a.text("backups.0.file", 63, 1)
    a.at("backups.0.size", right=[0, 2**53 - 1], wrong=[-1, 2**53, None])
    a.seconds("backups.0.changed")
    a.at("backups.0.whole", right=[False], wrong=[1, None])

    a = answers.of("mail_test_answer", {"to": "an@ca.example", "server": "smtp://127.0.0.1:25", "result": "sent", "status": 250, "cause": ""})
    a.keys()
    a.text("to", 254, 3)
    a.text("server", 1024, 1)
    a.words("result", ("sent", "unknown", "later", "absent", "refused", "settings"))
    a.at("status", right=[0, 599], wrong=[-1, 600, "250", None])
    a.text("cause", 256)

    line = {"line": 2, "manufacturer": "M", "model": "K", "serial": "S1", "result": "imported", "cause": ""}
    a = answers.of("import_answer", {"rows": [line], "dry_run": True, "failed": ""})
    a.keys()
    a.keys("rows.0")
    a.at("rows", right=[[], [line] * 257], wrong=[None, [None], [line] * 258])
    a.at("dry_run", right=[False], wrong=[1, None])
    a.text("failed", 31)
    a.at("rows.0.line", right=[1, 2**53 - 1], wrong=[0, "1", None])
    for key, most in (("manufacturer", 32), ("model", 16), ("serial", 16), ("cause", 159)):
        a.text("rows.0." + key, most)
    a.words("rows.0.result", ("imported_shared", "same", "newer", "differs", "not_compared", "unopened", "invalid", "not_written"))

    mail = {"number": 9, "request": 58498, "kind": "code", "to": "khach@example.vn", "tries": 5, "created": EXPIRES, "error": "mail_unreachable"}
    a = answers.of("mails_answer", {"mails": [mail], "count": 1})
    a.keys()
    a.keys("mails.0")
    a.at("mails", right=[[], [mail] * 100], wrong=[None, [None], [mail] * 101])
    a.at("count", right=[0, 2**53 - 1], wrong=[-1, 2**53, None])
    for key in ("number", "request"):
        a.at("mails.0." + key, right=[1, 2**53 - 1], wrong=[0, 2**53, "1"])
    a.words("mails.0.kind", ("refused", "expired", "unlocked", "unknown", "address_changed", "revoked", "alarm", "waiting"))
    a.text("mails.0.to", 254)
    a.at("mails.0.tries", right=[0], wrong=[-1, "1", None])
    a.seconds("mails.0.created")
    a.text("mails.0.error", 31)

    counts = ("row", "other", "rows", "notes", "erased", "anchors", "anchored", "restores", "lost", "cut")
    a = answers.of("audit_answer", {"running": False, "checked": EXPIRES, "result": "whole", "failed": "", **dict.fromkeys(counts, 7)})
    a.keys()
    a.at("running", right=[True], wrong=[1, None])
    a.seconds("checked")
    a.words("result", ("", "changed", "missing", "swapped", "inserted", "cut_off", "written_anew", "note_changed", "note_missing", "anchor_refused"))
    a.text("failed", 31)
    for key in counts:
        a.at(key, right=[0, 2**53 - 1], wrong=[-1, 2**53, None])

    states = dict.fromkeys((*STATES, "unidentified"), 1)
    a = answers.of("report_answer", {"days": [{"day": 1699981200, "states": states}], "agencies": [{"agency": "an-khang", "states": states}], "types": [{"type": "Token ví dụ", "states": states}],
                                     "states": states, "approval": {"count": 7, "median": 3600, "p90": 86400}})
    a.keys()
    for key in ("days", "agencies", "types"):
        a.keys(key + ".0")
        a.at(key, wrong=[None, [None]])
        a.keys(key + ".0.states")
    for key in ("agencies", "types"):
        a.at(key, right=[[]])
    a.at("states", wrong=[[], None, 7])
    a.at("approval", wrong=[[], None, 7])
    a.at("days", right=[[], [{"day": 0, "states": states}] * 400], wrong=[[{"day": 0, "states": states}] * 401])
    a.at("days.0.day", right=[-25200, 2**53 - 1], wrong=[-25201, 2**53, None])
    a.keys("states")
    for state in states:
        a.at("states." + state, right=[0, 2**53 - 1], wrong=[-1, 2**53, None])
    a.text("agencies.0.agency", 32)
    a.text("types.0.type", 64)
    a.keys("approval")
    for key in ("count", "median", "p90"):
        a.at("approval." + key, right=[0, 2**53 - 1], wrong=[-1, 2**53, None])

    key = {"key": "0123456789abcdef", "seals": True, "others": 0}
    a = answers.of("keys_answer", {"keys": [key]})
    a.keys()
    a.keys("keys.0")
    a.at("keys", right=[[], [key] * 4], wrong=[None, [None], [key] * 5])
    a.at("keys.0.key", wrong=["0123456789ABCDEF", "0", "0123456789abcdef0", None])
    a.at("keys.0.seals", right=[False], wrong=[1, None])
    a.at("keys.0.others", right=[2**53 - 1], wrong=[-1, 2**53, None])


def shared(a, at):
    agency_id(a, at + "agency")
    """What a row and one have in common."""
    a.at(at + "number", right=[1, 2**53 - 1], wrong=[0, 2**53, "1"])
    a.words(at + "state", ("pending", "approved", "refused", "released", "completed", "unknown", "failed", "expired", "cancelled", "locked_out"))
    for key, most in (("customer", 256), ("email", 254)):
        a.text(at + key, most)
    a.words(at + "token_life", ("", "active", "lost", "retired"))
    a.at(at + "certificate_serial", right=["", "0A" * 64], wrong=["A", "0a", "0A" * 65, None])
    a.words(at + "reason", ("forgotten",))
    a.words(at + "language", ("en",))
    for key in ("created", "decided", "expires", "erased"):
        a.seconds(at + key)


def tms():
    v = Vectors()
    create(v)
    paths(v)
    signed(v)
    notices(v)
    desk(v)
    inventory(v)
    tools(v)
    agencies(v)
    people(v)
    return {"about": ABOUT, "worlds": WORLDS, "vectors": v.rows}
