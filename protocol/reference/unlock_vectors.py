# SPDX-License-Identifier: Apache-2.0
"""Vectors of what is signed, hashed and sealed in an unlock, with fixed keys and fixed ephemeral keys; binary is hexadecimal."""
import reference as ref
from samples import (APPROVAL, CERTIFICATE_SERIAL, EXPIRES, HOST_KEM, HOST_SIG, ID, IDEMPOTENCY_KEY, NONCE, TMS_SIG, TOKEN, VAULT, certificate, fixed)

HOST_KEM_PK = ref.kem_public(HOST_KEM)
HOST_SIG_PK = ref.sig_public(HOST_SIG)
VIETNAMESE = {"manufacturer": "", "model": "Thẻ ví dụ", "serial": "Đ-1"}
LONGEST = {"manufacturer": "m" * 32, "model": "n" * 16, "serial": "s" * 16}


def shown(inputs):
    return {key: value.hex() if isinstance(value, bytes) else value for key, value in inputs.items()}


def keys():
    def kem(key):
        return {"private": key.private_numbers().private_value.to_bytes(32, "big").hex(), "public": ref.kem_public(key).hex()}

    def sig(label, key):
        return {"seed": fixed(label).hex(), "public": ref.sig_public(key).hex(), "kid": ref.kid(ref.sig_public(key))}

    return {"host_kem": kem(HOST_KEM), "host_sig": sig("host sig", HOST_SIG), "tms_sig": sig("tms sig", TMS_SIG), "vault": kem(VAULT)}


# ---- hashes and signed transcripts: (kind, signer, function of reference.py) ----

R = ref.create_hash(TOKEN, certificate(), "locked", "vi", HOST_KEM_PK, HOST_SIG_PK, IDEMPOTENCY_KEY)
H = ref.release_hash(ID, APPROVAL, HOST_KEM_PK, HOST_SIG_PK, TOKEN, CERTIFICATE_SERIAL)
CODE = "KA1J9CPV2CVX"
ENC, CIPHERTEXT = fixed("enc") * 2 + b"\4", fixed("ciphertext") * 8 + bytes(16)


def hashes():
    rows = []

    def create(name, token, der, reason, language):
        inputs = {"token": token, "certificate": der, "reason": reason, "language": language, "host_kem_pk": HOST_KEM_PK, "host_sig_pk": HOST_SIG_PK,
                  "idempotency_key": IDEMPOTENCY_KEY}
        rows.append({"name": "R: " + name, "kind": "create_hash", "inputs": shown(inputs), "hash": ref.create_hash(**inputs).hex()})

    def release(name, token, serial):
        inputs = {"request_id": ID, "approval": APPROVAL, "host_kem_pk": HOST_KEM_PK, "host_sig_pk": HOST_SIG_PK, "token": token,
                  "certificate_serial": serial}
        rows.append({"name": "h: " + name, "kind": "release_hash", "inputs": shown(inputs), "hash": ref.release_hash(**inputs).hex()})

    create("with a certificate", TOKEN, certificate(), "locked", "vi")
    create("without one", TOKEN, b"", "forgotten", "en")
    create("an empty manufacturer, and text beyond ASCII", VIETNAMESE, b"", "locked", "vi")
    create("the longest token and certificate", LONGEST, certificate(8192), "forgotten", "vi")
    create("255 bytes of certificate", TOKEN, bytes(255), "locked", "vi")
    create("256 bytes of certificate", TOKEN, bytes(256), "locked", "vi")
    release("with a certificate", TOKEN, CERTIFICATE_SERIAL)
    release("without one", TOKEN, b"")
    release("an empty manufacturer, and text beyond ASCII", VIETNAMESE, b"\x2a")
    release("the longest token", LONGEST, bytes(range(1, 21)))
    return rows


def signed():
    rows = []

    def row(name, kind, signer, inputs, key=None, inputs_shown=None):
        made = getattr(ref, kind)(**inputs)
        key = key or {"host_sig": HOST_SIG, "tms_sig": TMS_SIG}[signer]
        rows.append({"name": name, "kind": kind, "inputs": shown(inputs_shown or inputs), "bytes": made.hex(), "signer": signer,
                     "signature": key.sign(made).hex()})

    row("create request", "create_request", "host_sig", {"r": R})
    row("create answer", "create_answer", "tms_sig", {"request_id": ID, "r": R, "expires": EXPIRES, "hotline": "1800 1000"})
    row("create answer: no hotline", "create_answer", "tms_sig", {"request_id": ID, "r": R, "expires": 0, "hotline": ""})
    for verb in ("status", "resend", "cancel"):
        row("%s request" % verb, "verb_request", "host_sig", {"verb": verb, "request_id": ID, "counter": 1})
        row("%s request: the greatest counter" % verb, "verb_request", "host_sig", {"verb": verb, "request_id": ID, "counter": 2**63 - 1})
    status = {"request_id": ID, "counter": 2, "state": "pending", "expires": EXPIRES, "code_expires": 0, "retry_after": 30, "email": "",
              "approval": b"", "note": "", "family": "", "pin_min": 0, "pin_max": 0, "pin_characters": "", "flags_reliable": False}
    policy = {"family": "so_pin", "pin_min": 6, "pin_max": 8, "pin_characters": "digits", "flags_reliable": True}
    row("status answer: pending", "status_answer", "tms_sig", status)
    row("status answer: approved", "status_answer", "tms_sig",
        {**status, "state": "approved", "code_expires": EXPIRES - 1, "email": "k***h@example.vn", "approval": APPROVAL, **policy})
    row("status answer: approved, a PUK", "status_answer", "tms_sig",
        {**status, "state": "approved", "approval": APPROVAL, "family": "puk", "pin_max": 128, "pin_characters": "any"})
    row("status answer: refused", "status_answer", "tms_sig", {**status, "state": "refused", "note": "Không gọi được số đã đăng ký."})
    row("release request", "release_request", "host_sig", {"h": H})
    row("proof of the code", "code_proof", "code", {"h": H}, ref.code_key(CODE, ID))
    for family, rotation in (("so_pin", True), ("so_pin", False), ("puk", False)):
        row("release answer: %s, %s" % (family, "rotated" if rotation else "not rotated"), "release_answer", "tms_sig",
            {"h": H, "enc": ENC, "ciphertext": CIPHERTEXT, "family": family, "rotation": rotation})
    for active in (0, 1):
        row("grant request: active %d" % active, "grant_request", "host_sig", {"h": H, "active": active})
        row("grant answer: active %d" % active, "grant_answer", "tms_sig", {"h": H, "active": active, "enc": ENC, "ciphertext": CIPHERTEXT})
    done = {"request_id": ID, "counter": 3, "result": "completed", "stage": "reporting", "cryptoki": 0, "error": "ok", "rotated": True,
            "proof_mechanism": "ecdsa-sha256", "proof": fixed("proof") * 2}
    row("done request: completed", "done_request", "host_sig", done)
    row("done request: without a proof", "done_request", "host_sig", {**done, "rotated": False, "proof_mechanism": "", "proof": b""})
    failed = {**done, "result": "failed", "rotated": False, "proof_mechanism": "", "proof": b""}
    row("done request: failed", "done_request", "host_sig", {**failed, "stage": "setting_pin", "cryptoki": 0xA0, "error": "token_so_refused"})
    row("done request: the greatest CK_RV", "done_request", "host_sig",
        {**done, "result": "failed", "stage": "rotating", "cryptoki": 2**63 - 1, "error": "token_failed", "proof_mechanism": "rsa-pkcs1-sha256",
         "proof": bytes(1024)})
    return rows


def unsigned():
    """Byte strings that are hashed into something or signed by a key that is not ours."""
    rows = []
    for kind, inputs in (("unlocked", {"h": H, "nonce": NONCE}), ("grant_info", {"h": H}), ("escrow_aad", {"token": TOKEN, "version": 1}),
                         ("escrow_aad", {"token": VIETNAMESE, "version": 2**32})):
        rows.append({"name": kind, "kind": kind, "inputs": shown(inputs), "bytes": getattr(ref, kind)(**inputs).hex()})
    return rows


# ---- sealed plaintexts ----

ONE, TWO = b"3537363231383830", b"so pin with \xc4\x90 62 bytes " + b"x" * 38


def plaintexts():
    rows = []

    def opens(name, kind, made, **inputs):
        rows.append({"name": name, "kind": kind, "inputs": {k: [c.hex() for c in v] if isinstance(v, list) else v.hex() for k, v in inputs.items()},
                     "bytes": made.hex()})

    def refused(name, kind, made):
        rows.append({"name": name, "kind": kind, "bytes": made.hex(), "refused": True})

    for name, candidates in (("one candidate", [ONE]), ("two candidates", [ONE, TWO]), ("two of 62 bytes", [TWO, TWO[::-1]]),
                             ("one of one byte", [b"1"])):
        opens("release: " + name, "release", ref.release_plain(NONCE, candidates), nonce=NONCE, candidates=candidates)
    for name, following in (("16 bytes", ONE), ("62 bytes", TWO), ("one byte", b"1")):
        opens("grant: " + name, "grant", ref.grant_plain(following), next=following)

    release = ref.release_plain(NONCE, [ONE, TWO])
    f, end = ref.field, ref.field("")
    refused("release: a byte behind the end", "release", release[:-1] + b"\1")
    refused("release: a byte right behind the end", "release", cut(f(NONCE) + f(ONE) + end + b"\1", 256))
    refused("release: three candidates", "release", cut(f(NONCE) + f(ONE) * 3 + end, 256))
    refused("release: no candidate", "release", cut(f(NONCE) + end, 256))
    refused("release: a candidate of 63 bytes", "release", cut(f(NONCE) + f(TWO + b"x") + end, 256))
    refused("release: a nonce of 15 bytes", "release", cut(f(NONCE[:15]) + f(ONE) + end, 256))
    refused("release: a nonce of 17 bytes", "release", cut(f(NONCE + b"\0") + f(ONE) + end, 256))
    refused("release: a candidate longer than what is left", "release", cut(f(NONCE) + b"\0\xff" + ONE, 256))
    refused("release: a candidate of 65,535 bytes", "release", cut(f(NONCE) + b"\xff\xff" + ONE, 256))
    refused("release: no end within 256 bytes", "release", (f(NONCE) + f(bytes([1]) * 236))[:256])
    refused("release: nothing but zeros", "release", bytes(256))
    grant = ref.grant_plain(ONE)
    refused("grant: a byte behind the end", "grant", grant[:-1] + b"\1")
    refused("grant: 63 bytes", "grant", cut(f(TWO + b"x") + end, 256))
    refused("grant: two", "grant", cut(f(ONE) + f(TWO) + end, 256))
    refused("grant: none", "grant", bytes(256))
    refused("grant: longer than what is left", "grant", cut(b"\0\xff" + ONE, 256))
    refused("grant: no end within 256 bytes", "grant", f(bytes([1]) * 254))
    return rows


def cut(plain, length):
    return ref.padded(plain, length)


def sealed():
    """What is sealed by fixed ephemeral keys, and what must not open."""
    rows = []

    def seal(name, kind, to, private, info, aad, plain, **more):
        enc, ciphertext = ref.hpke_seal(ref.kem_public(private), info, aad, plain, ref.kem_from_private(fixed("ephemeral of " + name)))
        row = {"name": name, "kind": kind, "to": to, "info": info.hex(), "aad": aad.hex(), "enc": enc.hex(), "ciphertext": ciphertext.hex(), **more}
        rows.append({**row, "plain": plain.hex()})
        return row, enc, ciphertext

    def broken(row, name, **changed):
        rows.append({**row, **{k: v.hex() if isinstance(v, bytes) else v for k, v in changed.items()}, "name": row["name"] + ": " + name,
                     "refused": True})

    row, enc, ciphertext = seal("release", "release", "host_kem", HOST_KEM, H, b"", ref.release_plain(NONCE, [ONE, TWO]))
    for at in (0, 255, 256, 271):
        broken(row, "bit of byte %d" % at, ciphertext=flipped(ciphertext, at))
    broken(row, "another h", info=flipped(H, 31))
    broken(row, "an aad", aad=b"\0")
    broken(row, "cut", ciphertext=ciphertext[:-1])
    broken(row, "another recipient", to="vault")
    broken(row, "enc off the curve", enc=flipped(enc, 64))
    broken(row, "enc compressed", enc=b"\2" + enc[1:])
    broken(row, "enc at infinity", enc=bytes(65))
    seal("grant", "grant", "host_kem", HOST_KEM, ref.grant_info(H), b"", ref.grant_plain(ONE))
    for name, token, version, so_pin in (("escrow row", TOKEN, 1, ONE), ("escrow row: version 2, 62 bytes", TOKEN, 2, TWO),
                                         ("escrow row: text beyond ASCII", VIETNAMESE, 2**32, b"1")):
        row, enc, ciphertext = seal(name, "escrow", "vault", VAULT, ref.ESCROW_INFO, ref.escrow_aad(token, version), ref.escrow_plain(so_pin),
                                    token=token, version=version, so_pin=so_pin.hex())
    broken(row, "another version", version=version + 1, aad=ref.escrow_aad(token, version + 1))
    broken(row, "another token", token=TOKEN, aad=ref.escrow_aad(TOKEN, version))
    broken(row, "another vault", to="host_kem")
    seal("escrow row: a byte behind the end", "escrow", "vault", VAULT, ref.ESCROW_INFO, ref.escrow_aad(TOKEN, 1), ref.escrow_plain(ONE)[:-1] + b"\1",
         token=TOKEN, version=1, refused=True)
    seal("escrow row: longer than the row", "escrow", "vault", VAULT, ref.ESCROW_INFO, ref.escrow_aad(TOKEN, 1), b"\0\xff" + bytes(62),
         token=TOKEN, version=1, refused=True)
    seal("escrow row: empty", "escrow", "vault", VAULT, ref.ESCROW_INFO, ref.escrow_aad(TOKEN, 1), bytes(64), token=TOKEN, version=1, refused=True)
    return rows


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


RFC9180 = {
    "name": "RFC 9180, A.3.1, sequence number 0",
    "private": "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
    "ephemeral": "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb",
    "info": "4f6465206f6e2061204772656369616e2055726e",
    "aad": "436f756e742d30",
    "plain": "4265617574792069732074727574682c20747275746820626561757479",
    "enc": "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4",
    "ciphertext": "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434",
}


def rfc9180():
    """The RFC's own words; this file is not written where the reference does not reproduce them."""
    private = ref.kem_from_private(bytes.fromhex(RFC9180["private"]))
    info, aad, plain = (bytes.fromhex(RFC9180[key]) for key in ("info", "aad", "plain"))
    made = ref.hpke_seal(ref.kem_public(private), info, aad, plain, ref.kem_from_private(bytes.fromhex(RFC9180["ephemeral"])))
    if [part.hex() for part in made] != [RFC9180["enc"], RFC9180["ciphertext"]]:
        raise SystemExit("reference.py does not reproduce RFC 9180")
    return [RFC9180]


# ---- code and phrase ----

def codes():
    made = [{"value": value, "shown": ref.code_shown(value)} for value in (0, 1, 2**60 - 1, 36, int.from_bytes(fixed("code", 8), "big") >> 4)]
    right = ref.code_shown(int.from_bytes(fixed("code", 8), "big") >> 4)
    return {"shown": made, "read": [{"typed": typed, "code": ref.code_read(typed)} for typed in typings(right)], "keys": code_keys()}


def typings(right):
    """The ways in which people type a code; what is None in the file is refused."""
    bare = right.replace("-", "")
    yield from (right, right.lower(), bare, " ".join(bare), "  " + right + " ", "-" + bare + "-", right.replace("-", " - "))
    for value in (0, 1, 36, 2**60 - 1, 32, 33, 34, 35):
        yield ref.code_shown(value)
    zero = ref.code_shown(0)
    yield from (zero.replace("0", "O"), zero.replace("0", "o"), ref.code_shown(1).replace("1", "I"), ref.code_shown(1).replace("1", "l"))
    yield ref.code_shown(36).lower()
    for at in range(13):
        for other in ref.CHECK_ALPHABET:
            if other != bare[at] and (other in ref.CROCKFORD[::7] or at == 12):
                yield bare[:at] + other + bare[at + 1:]
    for at in range(12):
        yield bare[:at] + bare[at + 1] + bare[at] + bare[at + 2:]
    yield from ("", "-", bare[:12], bare[:11], bare + "0", bare + bare, "U" + bare[1:], bare[:5] + "*" + bare[6:], bare[:12] + "!", bare[:12] + "Đ",
                bare.replace(bare[0], "é", 1),
                bare + "\n", bare[:6] + "_" + bare[6:])


def code_keys():
    rows = []
    for code, request_id in ((CODE, ID), (CODE, APPROVAL), ("0" * 12, ID), ("Z" * 12, bytes(16))):
        seed = ref.code_seed(code, request_id)
        rows.append({"code": code, "request_id": request_id.hex(), "seed": seed.hex(), "public": ref.sig_public(ref.sig_from_seed(seed)).hex()})
    return rows


def phrases():
    rows = []
    for request_id in (ID, APPROVAL, bytes(16), b"\xff" * 16):
        inputs = {"request_id": request_id, "host_kem_pk": HOST_KEM_PK, "host_sig_pk": HOST_SIG_PK}
        rows.append({"inputs": shown(inputs), "phrase": ref.phrase(**inputs)})
    right = "0A1B-9XYZ"
    heard = [right, right.lower(), "0a1b9xyz", " 0A1B 9XYZ ", "OA1B-9XYZ", "0AIB-9XYZ", "oalb9xyz", "0A1B-9XY", "0A1B-9XYZZ", "1A1B-9XYZ",
             "0A1B-9XZY", "", "-", "0A1B-9XYŹ", "0A1B_9XYZ"]
    return {"made": rows, "heard": [{"heard": text, "phrase": right, "same": ref.phrase_equal(text, right)} for text in heard]}


def transcripts():
    return {"about": "Keys, inputs and expected bytes of the unlock, in hexadecimal. A kind is a function of reference.py and of transcript.h.",
            "keys": keys(), "hashes": hashes(), "signed": signed(), "unsigned": unsigned(), "plaintexts": plaintexts(), "sealed": sealed(),
            "rfc9180": rfc9180(),
            "codes": codes(), "phrases": phrases()}
