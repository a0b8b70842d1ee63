# SPDX-License-Identifier: Apache-2.0
"""Vectors of the page's wire: what the host is given, and what it must answer."""
import json
import pathlib

from answers import AnswerFile
from lists import rows
from samples import EXPIRES, EXTENSION, ORIGIN, PHRASE, REQUEST, TOKEN, drop, long_text, put, short, without_each

ABOUT = ("Each vector is one frame to mokhoa-host: `request` is sent as compact JSON, `text` as it stands with `blanks` behind it, `hex` as "
         "bytes. `frame` is a length in the machine's byte order and a body that need not be as long, or a part of a length, and the end of the "
         "pipe. `reply` is the error's name, the exact result, or the definition of host.schema.json that the result "
         "satisfies. `valid`: whether the schema takes what is sent.")

WORLDS = {
    "bare": "one profile with this origin and extension; its module shows no token; its server is out of reach; the journal is empty",
    "locked": "as bare, but its server answers, and the token of the vector is plugged in and has locked its PIN",
    "approved": "as locked, and the request of the vector was sent from here and is approved",
}


def envelope(method, params=None, **message):
    message = {"jsonrpc": "2.0", "id": 1, "method": method, **message}
    if params is not None:
        message["params"] = params
    return {"origin": ORIGIN, "message": message}


HELLO = envelope("hello", {})
ASK = envelope("unlock.request", {"token": TOKEN, "reason": "locked", "language": "vi"})


class Vectors:
    def __init__(self):
        self.rows = []

    def add(self, name, sent, reply, valid=None, given="bare", method=None):
        """sent is {"request": ...}, {"text": ...}, {"hex": ...} or {"frame": ...}; reply an error's name or the reply itself."""
        row = {"name": name, "given": given}
        if method:
            row["method"] = method
        row.update(sent)
        row["valid"] = not isinstance(reply, str) if valid is None else valid
        row["reply"] = {"error": reply} if isinstance(reply, str) else reply
        self.rows.append(row)

    def request(self, name, request, reply, **more):
        self.add(name, {"request": request}, reply, **more)

    def text(self, name, text, reply, **more):
        self.add(name, {"text": text}, reply, **more)


def spelled(request, **replaced):
    """The compact text with marks like "@id" (quotes and all) replaced by JSON that no dict can hold."""
    text = json.dumps(request, ensure_ascii=False, separators=(",", ":"))
    for mark, raw in replaced.items():
        assert '"@%s"' % mark in text
        text = text.replace('"@%s"' % mark, raw)
    return text


def frames(v):
    text = spelled(HELLO)
    v.add("frame: of the greatest length", {"text": text, "blanks": 8192 - len(text)}, {"valid": "hello.result"})
    v.add("frame: one byte more than the greatest length", {"text": text, "blanks": 8193 - len(text)}, "frame_too_large")
    for name, length, body in (("length 0", 0, ""), ("length 1", 1, "{"), ("the greatest length that 32 bits can say", 2**32 - 1, text)):
        v.add("frame: " + name, {"frame": {"length": length, "body": body}}, "frame_too_large")
    v.add("frame: ends in its header", {"frame": {"header": "10"}}, "frame_truncated")
    v.add("frame: ends behind its header", {"frame": {"length": len(text), "body": ""}}, "frame_truncated")
    v.add("frame: ends one byte early", {"frame": {"length": len(text), "body": text[:-1]}}, "frame_truncated")


def texts(v):
    text = spelled(HELLO)
    v.text("text: blanks around it", " \t\r\n" + text + " \n", {"valid": "hello.result"})
    v.text("text: something behind it", text + "{}", "parse_error")
    v.text("text: cut", text[:-2], "parse_error")
    v.text("text: a comma too many", text[:-1] + ",}", "parse_error")
    v.text("text: a comment", text[:-1] + "/**/}", "parse_error")
    v.text("text: NaN", spelled(put(HELLO, "message.id", "@id"), id="NaN"), "parse_error")
    v.text("text: a byte order mark", "\ufeff" + text, "parse_error")
    v.add("text: a byte that is no UTF-8", {"hex": text.encode().replace(b"hello", b"hell\xff").hex()}, "parse_error")
    v.add("text: UTF-8 longer than it need be", {"hex": text.encode().replace(b"hello", b"hell\xc1\xaf").hex()}, "parse_error")
    v.text("text: a NUL in a string", text.replace("hello", "hello\\u0000"), "parse_error")
    v.text("text: half a surrogate pair", text.replace("hello", "hello\\ud800"), "parse_error")
    v.text("text: a name in escapes", text.replace("hello", "\\u0068ello"), {"valid": "hello.result"})
    v.text("text: a key in escapes, twice", text.replace('"method"', '"meth\\u006fd":"hello","method"'), "parse_error")
    v.text("text: 16 levels", spelled(put(HELLO, "message.params", {"deep": "@deep"}), deep="[" * 13 + "]" * 13), "invalid_params")
    v.text("text: 17 levels", spelled(put(HELLO, "message.params", {"deep": "@deep"}), deep="[" * 14 + "]" * 14), "parse_error")
    v.text("text: a number that no double holds", spelled(put(HELLO, "message.params", {"n": "@n"}), n="1e999"), "parse_error")
    v.text("text: not an object but an array", "[" + text + "]", "invalid_request")
    v.text("text: not an object but a string", '"hello"', "invalid_request")
    v.text("text: not an object but null", "null", "invalid_request")
    v.text("duplicate key: in the envelope", text[:-1] + ',"origin":"%s"}' % ORIGIN, "parse_error")
    v.text("duplicate key: in the message", text.replace('"id":1', '"id":1,"id":1'), "parse_error")
    v.text("duplicate key: in the params", spelled(ASK).replace('"language":"vi"', '"language":"vi","language":"vi"'), "parse_error")
    v.text("duplicate key: deeper in the params", spelled(ASK).replace('"model":"Card"', '"model":"Card","model":"Card"'), "parse_error")


def envelopes(v):
    v.request("envelope: empty", {}, "invalid_request")
    v.request("envelope: without origin", drop(HELLO, "origin"), "invalid_request")
    v.request("envelope: without message", drop(HELLO, "message"), "invalid_request")
    v.request("envelope: another key", {**HELLO, "tab": 1}, "invalid_request")
    for wrong in (None, 1, [ORIGIN]):
        v.request("origin: %s" % json.dumps(wrong), put(HELLO, "origin", wrong), "invalid_request")
    for wrong in ("", "null", ORIGIN + "/", ORIGIN + ":443", ORIGIN.upper(), ORIGIN + ".", " " + ORIGIN, ORIGIN + " ", ORIGIN + "\n",
                  "http://portal.example",
                  "https://user@portal.example", "https://*.example", "https://cổng.example", "file://"):
        v.request("origin: %s" % json.dumps(wrong, ensure_ascii=False), put(HELLO, "origin", wrong), "origin_refused",
                  valid=wrong == ORIGIN + ":443")
    for other in ("https://portal.example.vn", "https://evil-portal.example", "https://a.portal.example", ORIGIN + ":8443", "http://localhost:8080",
                  "https://127.0.0.1"):
        v.request("origin: %s is well spelled and no portal's" % other, put(HELLO, "origin", other), "origin_refused", valid=True)
    longest = "https://" + "a" * 247
    v.request("origin: 255 bytes", put(HELLO, "origin", longest), "origin_refused", valid=True)
    v.request("origin: 256 bytes", put(HELLO, "origin", longest + "a"), "origin_refused")
    v.request("origin: judged before the method", put(put(HELLO, "origin", "https://evil.example"), "message.method", "format"), "origin_refused")
    v.request("origin: judged before the params", put(put(ASK, "origin", "https://evil.example"), "message.params", []), "origin_refused")
    for right in ("t", "T-12_z", "c" * 64):
        v.request("channel: %d characters, %s" % (len(right), right[:8]), {**HELLO, "channel": right}, {"valid": "hello.result"})
    for wrong in ("", "c" * 65, "a.b", "a b", "đ", "a\n", None, 1, {}):
        v.request("channel: %s" % short(wrong), {**HELLO, "channel": wrong}, "invalid_request")
    for wrong in (None, "hello", [HELLO["message"]], 1):
        v.request("message: %s" % json.dumps(wrong)[:8], put(HELLO, "message", wrong), "invalid_request")


def messages(v):
    for key, request in without_each(HELLO, "message"):
        if key != "params":
            v.request("message: without %s" % key, request, "invalid_request")
    v.request("message: another key", put(HELLO, "message.result", {}), "invalid_request")
    for wrong in ("1.0", "", 2, None):
        v.request("jsonrpc: %s" % json.dumps(wrong), put(HELLO, "message.jsonrpc", wrong), "invalid_request")
    for right in ("1", "i" * 64, " ~", 0, -1, 2**63 - 1, -2**63):
        v.request("id: %s" % short(right), put(HELLO, "message.id", right), {"valid": "hello.result"})
    for wrong in ("", "i" * 65, "đ", "a\u007f", "a\n", None, True, 1.5, [1], {"a": 1}):
        v.request("id: %s" % short(wrong), put(HELLO, "message.id", wrong), "invalid_request")
    v.text("id: 1.0 is no integer", spelled(put(HELLO, "message.id", "@id"), id="1.0"), "invalid_request")
    v.text("id: 1e0 is no integer", spelled(put(HELLO, "message.id", "@id"), id="1e0"), "invalid_request")
    v.text("id: 2^63", spelled(put(HELLO, "message.id", "@id"), id=str(2**63)), "parse_error")
    v.text("id: -2^63 - 1", spelled(put(HELLO, "message.id", "@id"), id=str(-2**63 - 1)), "parse_error")
    for wrong in (None, 1, ["hello"]):
        v.request("method: %s" % json.dumps(wrong), put(HELLO, "message.method", wrong), "invalid_request")
    for wrong in ("", "Hello", "hello ", "hello2", "hell", "token", "unlock.progress", "unlock.Request", "step", "mở.khóa"):
        v.request("method: %s" % json.dumps(wrong, ensure_ascii=False), put(HELLO, "message.method", wrong), "method_not_found")


def bad_params(v, method, right):
    """What is wrong for the params of any method."""
    for wrong in (None, [], [right], "{}", 1):
        v.request("%s: params %s" % (method, json.dumps(wrong)[:4]), put(envelope(method, {}), "message.params", wrong), "invalid_params",
                  method=method)
    v.request("%s: another key" % method, envelope(method, {**right, "extra": 1}), "invalid_params", method=method)
    v.request("%s: a field for a secret" % method, envelope(method, {**right, "new_pin": "123456"}), "invalid_params", method=method)


def request_ids(v, method):
    """What is right and wrong for the id of a request."""
    for name, right in (("", REQUEST), (": all zeros", "A" * 22), (": - and _", "-" * 11 + "_" * 10 + "w")):
        v.request("%s: one that nobody sent%s" % (method, name), envelope(method, {"request": right}), "request_elsewhere", valid=True, method=method)
    for name, wrong in (("21 characters", "A" * 21), ("23 characters", "A" * 23), ("empty", ""), ("loose bits", "A" * 21 + "B"),
                        ("padded", "A" * 22 + "=="),
                        ("+ and /", "+/" * 10 + "AA"), ("behind it a line end", "A" * 22 + "\n"), ("null", None), ("a number", 1)):
        v.request("%s: id %s" % (method, name), envelope(method, {"request": wrong}), "invalid_params", method=method)


def calls(v):
    v.request("hello", HELLO, {"valid": "hello.result"}, method="hello")
    v.request("hello: params may be left out", drop(HELLO, "message.params"), {"valid": "hello.result"}, method="hello")
    bad_params(v, "hello", {})

    v.request("token.info: no token", envelope("token.info", {}), {"result": NOTHING}, method="token.info")
    v.request("token.info: params may be left out", envelope("token.info"), {"result": NOTHING}, method="token.info")
    v.request("token.info: a locked token", envelope("token.info"), {"result": INFO}, given="locked", method="token.info")
    bad_params(v, "token.info", {})

    for method, given in (("token.watch", "locked"), ("token.unwatch", "bare")):
        v.request("%s" % method, envelope(method, {}), {"result": ENDED}, given=given, method=method)
        v.request("%s: params may be left out" % method, envelope(method), {"result": ENDED}, given=given, method=method)
        bad_params(v, method, {})

    v.request("doctor", envelope("doctor", {}), {"valid": "doctor.result"}, method="doctor")
    v.request("doctor: params may be left out", envelope("doctor"), {"valid": "doctor.result"}, method="doctor")
    bad_params(v, "doctor", {})

    unlock_request(v)

    v.request("unlock.status: nothing is open", envelope("unlock.status", {}), {"result": {"requests": []}}, method="unlock.status")
    v.request("unlock.status: params may be left out", envelope("unlock.status"), {"result": {"requests": []}}, method="unlock.status")
    v.request("unlock.status: one is open", envelope("unlock.status"), {"result": {"requests": [APPROVED]}}, given="approved", method="unlock.status")
    bad_params(v, "unlock.status", {"request": REQUEST})
    request_ids(v, "unlock.status")
    for method, result in (("unlock.resend", APPROVED), ("unlock.cancel", {**ASKED, "state": "cancelled"}), ("unlock", UNLOCKED)):
        v.request("%s: an approved one" % method, envelope(method, {"request": REQUEST}), {"result": result}, given="approved", method=method)
        v.request("%s: without request" % method, envelope(method, {}), "invalid_params", method=method)
        v.request("%s: without params" % method, envelope(method), "invalid_params", method=method)
        bad_params(v, method, {"request": REQUEST})
        request_ids(v, method)


def unlock_request(v):
    method = "unlock.request"

    def ask(name, path, value, reply, **more):
        v.request("%s: %s" % (method, name), put(ASK, "message.params" + path, value), reply, method=method, **more)

    v.request("%s: a locked token" % method, ASK, {"result": ASKED}, given="locked", method=method)
    v.request("%s: no token is plugged in" % method, ASK, "no_token", valid=True, method=method)
    ask("forgotten", ".reason", "forgotten", "no_token", valid=True)
    ask("in English", ".language", "en", "no_token", valid=True)
    bad_params(v, method, ASK["message"]["params"])
    v.request("%s: without params" % method, envelope(method), "invalid_params", method=method)
    for path in ("message.params", "message.params.token"):
        for key, request in without_each(ASK, path):
            v.request("%s: without %s" % (method, key), request, "invalid_params", method=method)
    for word in ("Locked", "", "lost", None, 1):
        ask("reason %s" % json.dumps(word), ".reason", word, "invalid_params")
    for word in ("fr", "VI", "", None, 1):
        ask("language %s" % json.dumps(word), ".language", word, "invalid_params")
    for wrong in (None, "0123456789", [TOKEN], {}):
        ask("token %s" % json.dumps(wrong)[:12], ".token", wrong, "invalid_params")
    ask("token with another key", ".token", {**TOKEN, "label": ""}, "invalid_params")
    for key, most in (("manufacturer", 32), ("model", 16), ("serial", 16)):
        at = ".token." + key
        ask("%s of %d bytes" % (key, most), at, "x" * most, "no_token", valid=True)
        ask("%s of %d bytes in two-byte characters" % (key, most), at, long_text(most), "no_token", valid=True)
        ask("%s of %d bytes" % (key, most + 1), at, "x" * (most + 1), "invalid_params")
        ask("%s of %d bytes in two-byte characters" % (key, most + 1), at, long_text(most + 1), "invalid_params")
        ask("%s null" % key, at, None, "invalid_params")
        ask("%s a number" % key, at, 1, "invalid_params")
    ask("manufacturer empty", ".token.manufacturer", "", "no_token", valid=True)
    ask("model empty", ".token.model", "", "no_token", valid=True)
    ask("serial of one byte", ".token.serial", "x", "no_token", valid=True)
    ask("serial empty", ".token.serial", "", "invalid_params")
    for point in (0x01, 0x1F, 0x0A, 0x7F, 0x80, 0x9F, 0x2028, 0x2029, 0x202A, 0x202E, 0x2066, 0x2069):
        ask("U+%04X in a serial" % point, ".token.serial", "a%sb" % chr(point), "invalid_params")
    for point in (0x20, 0x7E, 0xA0, 0x2027, 0x202F, 0x2065, 0x206A, 0x1F511):
        ask("U+%04X in a serial" % point, ".token.serial", "a%sb" % chr(point), "no_token", valid=True)


# ---- results and notifications ----

CERTIFICATE = {"subject": "CN=CÔNG TY CỔ PHẦN VÍ DỤ", "issuer": "CN=Mokhoa vectors", "serial": "F401C7ADA92A737CA6ECF19C1FB1525C",
               "not_before": 1704067200, "not_after": 2019686400, "email": "khach@example.vn"}
INFO = {
    "tokens": [{**TOKEN, "label": "VÍ DỤ", "module": "opensc", "slot": "Virtual PCD 00 00", "pin": "locked", "so_pin": "unknown", "pin_min": 6,
                "pin_max": 15, "certificates": [CERTIFICATE]}],
    "failures": [{"module": "other", "slot": "", "error": {
        "code": 2014, "message": "Máy này chưa có phần mềm (trình điều khiển) của token.",
        "data": {"name": "module_missing",
                 "message": {"vi": "Máy này chưa có phần mềm (trình điều khiển) của token.", "en": "This computer does not have the token's own software (its driver)."},
                 "hint": {"vi": "Cài phần mềm token do nhà cung cấp chữ ký số cấp rồi thử lại; nếu không có bộ cài, gọi đường dây nóng.",
                          "en": "Install the token software of your certificate authority, then try again; without an installer, call the hotline."}}}}],
}
NOTHING = {"tokens": [], "failures": [], "absent": {
    "code": 2001, "message": "Không thấy token nào.",
    "data": {"name": "no_token", "message": {"vi": "Không thấy token nào.", "en": "No token was found."},
             "hint": {"vi": "Cắm token vào máy, đợi đèn sáng rồi thử lại.", "en": "Plug the token in, wait for its light, then try again."}}}}
ENDED = {"watch": "ended"}
ASKED = {"request": REQUEST, "token": TOKEN, "state": "pending", "phrase": PHRASE, "expires": EXPIRES, "code_expires": 0, "retry_after": 30,
         "email": "",
         "hotline": "1800 1000", "note": ""}
APPROVED = {**ASKED, "state": "approved", "code_expires": EXPIRES - 86400, "email": "k***h@example.vn"}
UNLOCKED = {"request": REQUEST, "state": "completed", "rotated": True, "proof": "verified"}
HELLO_RESULT = {"name": "mokhoa", "version": "0.1.0", "protocol": 1,
                "capabilities": ["hello", "token.info", "unlock.request", "unlock.status", "unlock.resend", "unlock.cancel", "unlock", "doctor"],
                "transports": ["native"], "languages": ["vi", "en"]}
ERROR = {
    "code": 2009, "message": "Khóa mà nhà cung cấp lưu giữ không khớp với token này.",
    "data": {"name": "token_so_refused",
             "message": {"vi": "Khóa mà nhà cung cấp lưu giữ không khớp với token này.",
                         "en": "The key that the authority keeps does not fit this token."},
             "hint": {"vi": "Gọi đường dây nóng; đừng thử thêm.", "en": "Call the hotline; do not try again."},
             "tries_left": 1, "retry_after": 0, "request": REQUEST, "cryptoki": 160},
}

FINDING = {"id": "tms.name", "state": "broken", "sentence": {"vi": "Không tìm thấy địa chỉ của máy chủ.", "en": "The server's name could not be resolved."},
           "remedy": {"vi": "Kiểm tra kết nối mạng và DNS.", "en": "Check the network connection and DNS."}}
FINE = {"id": "module.ok", "state": "ok", "sentence": {"vi": "Phần mềm của token chạy được.", "en": "The token's software works."}}
FINDINGS = [row["name"] for row in rows("FINDING", (pathlib.Path(__file__).resolve().parent.parent / "finding.def").read_text(encoding="utf-8")) if row["who"] == "PAGE"]
FINDING_STATES = ("ok", "warning", "unknown", "broken")

STATES = ("pending", "approved", "refused", "released", "completed", "unknown", "failed", "expired", "cancelled", "locked_out")
STAGES = ("prompting", "releasing", "setting_pin", "proving_pin", "granting", "rotating", "proving_rotation", "reporting")
PIN_STATES = ("ok", "few_tries", "last_try", "locked", "unknown")


def host_answers():
    answers = AnswerFile()
    of = answers.of

    a = of("hello.result", HELLO_RESULT)
    a.keys()
    a.at("name", wrong=["Mokhoa", None])
    a.at("version", right=["0.0.0", "9999.9999.9999"], wrong=["0.1", "10000.0.0", "v0.1.0", None])
    a.at("protocol", wrong=[0, 2, "1"])
    a.at("capabilities", right=[[], ["hello"]], wrong=[["format"], ["hello", "hello"], "hello"])
    a.at("transports", right=[["websocket"], ["native", "websocket"]], wrong=[[], ["native", "native"], ["usb"], "native"])
    a.at("languages", right=[["en"]], wrong=[[], ["vi", "vi"], ["fr"], "vi"])

    a = of("token.info.result", INFO)
    a.keys()
    a.at("tokens", right=[[]], wrong=[None, {}])
    a.at("failures", right=[[]], wrong=[None, {}])
    token, certificate, failure = "tokens.0", "tokens.0.certificates.0", "failures.0"
    a.at(token, wrong=[None])
    a.keys(token)
    for key, most, least in (("manufacturer", 32, 0), ("model", 16, 0), ("serial", 16, 0), ("label", 32, 0), ("module", 64, 1), ("slot", 64, 0)):
        a.text("%s.%s" % (token, key), most, least)
    a.words(token + ".pin", PIN_STATES)
    a.words(token + ".so_pin", PIN_STATES)
    for key in ("pin_min", "pin_max"):
        a.at("%s.%s" % (token, key), right=[0, 2**32 - 1], wrong=[-1, 2**32, "6"])
    a.at(token + ".certificates", right=[[]], wrong=[None])
    a.at(certificate, wrong=[None])
    a.keys(certificate)
    for key, most in (("subject", 1024), ("issuer", 1024), ("email", 254)):
        a.text("%s.%s" % (certificate, key), most)
    a.at(certificate + ".serial", right=["0A", "F" * 128], wrong=["", "A", "f4", "F" * 129, None])
    for key in ("not_before", "not_after"):
        a.at("%s.%s" % (certificate, key), right=[-62167219200, 253402300799], wrong=[-62167219201, 253402300800, "2024"])
    a.at(failure, wrong=[None])
    a.keys(failure)
    a.text(failure + ".module", 64, 1)
    a.text(failure + ".slot", 64)
    a.at(failure + ".error", wrong=["module_missing"])
    a.at("absent", right=[NOTHING["absent"]], wrong=[None, "no_token", {}])
    of("token.info.result", NOTHING).keys(optional=("absent",))

    a = of("unlock.request.result", ASKED)
    a.keys()
    a.keys("token")
    a.request_id("request")
    a.at("token", wrong=[None])
    a.words("state", STATES)
    a.at("state", wrong=["unidentified"])
    a.at("phrase", right=["0000-ZZZZ"], wrong=["ABCDEFGH", "ABCI-0000", "abcd-0000", "0000-0000-", None])
    for key in ("expires", "code_expires", "retry_after"):
        a.seconds(key)
    for key, most in (("email", 254), ("hotline", 64), ("note", 512)):
        a.text(key, most)

    a = of("unlock.status.result", {"requests": [ASKED, APPROVED]})
    a.keys()
    a.at("requests", right=[[]], wrong=[None, [None]])
    of("unlock.resend.result", APPROVED)
    of("unlock.cancel.result", {**ASKED, "state": "cancelled"})

    a = of("unlock.result", UNLOCKED)
    a.keys()
    a.request_id("request")
    a.words("state", STATES)
    a.at("rotated", right=[False], wrong=[1, "true", None])
    a.words("proof", ("verified", "no_key", "not_built", "unreported"))

    a = of("doctor.result", {"state": "broken", "findings": [FINDING, FINE]})
    a.keys()
    a.words("state", FINDING_STATES)
    a.at("findings", right=[[]], wrong=[None, {}, [None]])
    a.keys("findings.0", optional=("remedy",))
    a.keys("findings.0.sentence")
    a.words("findings.0.id", FINDINGS)
    a.at("findings.0.id", wrong=["manifest.missing", "tms", None])
    a.words("findings.0.state", FINDING_STATES)
    a.at("findings.0.seen", wrong=["/opt/an"])

    a = of("error", ERROR)
    a.keys()
    a.keys("data", optional=("tries_left", "retry_after", "request", "cryptoki"))
    a.keys("data.message")
    a.keys("data.hint")
    a.at("code", wrong=[2008, 0, "2009", None])
    a.at("message", right=["x", long_text(256)], wrong=["", long_text(257), "a\nb", None])
    a.at("data", wrong=[None])
    a.at("data.name", wrong=["token_so_locked", "no_such_error", "", None])
    for language in ("vi", "en"):
        for key in ("message", "hint"):
            a.text("data.%s.%s" % (key, language), 256, 1)
    a.at("data.message", wrong=["text"])
    a.at("data.hint", wrong=["text"])
    a.at("data.tries_left", right=[0, 255], wrong=[-1, 256, "1"])
    a.seconds("data.retry_after")
    a.request_id("data.request")
    a.at("data.cryptoki", right=[0, 2**63 - 1], wrong=[-1, 2**63, "0xa0"])

    for method in ("token.watch", "token.unwatch"):
        a = of(method + ".result", ENDED)
        a.keys()
        a.at("watch", wrong=["began", None])
    a = of("token.changed.params", {})
    a.at("serial", wrong=["1"])
    a = of("unlock.progress.params", {"request": REQUEST, "stage": "prompting"})
    a.keys()
    a.request_id("request")
    a.words("stage", STAGES)
    a = of("unlock.changed.params", {"request": REQUEST, "state": "approved"})
    a.keys()
    a.request_id("request")
    a.words("state", STATES)

    message = {"jsonrpc": "2.0", "id": 1, "result": UNLOCKED}
    a = of("answer", message)
    a.keys()
    a.at("jsonrpc", wrong=["1.0"])
    a.at("id", right=["a", "i" * 64], wrong=[None, "", "i" * 65])
    a.at("result", right=[HELLO_RESULT, INFO, ENDED, ASKED, {"requests": []}, {"state": "ok", "findings": [FINE]}], wrong=[None, {}, ERROR])
    a = of("error_answer", {"jsonrpc": "2.0", "id": 1, "error": ERROR})
    a.keys()
    a.at("jsonrpc", wrong=["1.0"])
    a.at("id", right=["a", None], wrong=["", True])
    a.at("error", wrong=["busy"])
    a = of("notification", {"jsonrpc": "2.0", "method": "unlock.progress", "params": {"request": REQUEST, "stage": "granting"}})
    a.keys()
    a.at("jsonrpc", wrong=["1.0"])
    a.at("method", wrong=["unlock.changed", "token.changed", "unlock", None])
    a.at("params", wrong=[None, {}, {"request": REQUEST, "state": "approved"}])
    a.at("id", wrong=[1])
    of("notification", {"jsonrpc": "2.0", "method": "token.changed", "params": {}})
    of("notification", {"jsonrpc": "2.0", "method": "unlock.changed", "params": {"request": REQUEST, "state": "approved"}})
    a = of("to_page", {"channel": "t12", "message": message})
    a.keys(optional=("channel",))
    a.at("channel", right=["c" * 64], wrong=["c" * 65, ""])
    a.at("message", right=[{"jsonrpc": "2.0", "id": None, "error": ERROR}], wrong=[HELLO["message"], None])
    a.at("origin", wrong=[ORIGIN])
    return answers.content()


def host():
    v = Vectors()
    frames(v)
    texts(v)
    envelopes(v)
    messages(v)
    calls(v)
    return {"about": ABOUT, "origin": ORIGIN, "extension": EXTENSION, "worlds": WORLDS, "vectors": v.rows}
