# SPDX-License-Identifier: Apache-2.0
"""The unlock's bytes, written a second time from README.md alone: transcripts, hashes, HPKE, code, phrase, sealed plaintexts.

Nothing here shares a line with the C, so that the two agree only where both have read the same contract. Needs Debian's
python3-cryptography. Whatever is random in the product is an argument here.
"""
import base64
import hashlib
import struct

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHECK_ALPHABET = CROCKFORD + "*~$=U"
SEALED_LEN = 256
ESCROW_LEN = 64


# ---- text and binary ----

def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def field(value):
    """F(x)"""
    if isinstance(value, str):
        value = value.encode()
    return struct.pack(">H", len(value)) + value


def number(value):
    """U(n)"""
    return field(struct.pack(">Q", value))


def sha256(data):
    return hashlib.sha256(data).digest()


def token_name(token):
    """T"""
    return field(token["manufacturer"]) + field(token["model"]) + field(token["serial"])


# ---- keys ----

def kem_from_private(sk):
    return ec.derive_private_key(int.from_bytes(sk, "big"), ec.SECP256R1())


def kem_public(key):
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def sig_from_seed(seed):
    return Ed25519PrivateKey.from_private_bytes(seed)


def sig_public(key):
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def sig_verify(public, message, signature):
    """Raises InvalidSignature."""
    Ed25519PublicKey.from_public_bytes(public).verify(signature, message)


def kid(public):
    return sha256(public)[:8].hex()


# ---- HPKE, RFC 9180, base mode, one message ----

KEM_SUITE = b"KEM" + struct.pack(">H", 0x0010)
HPKE_SUITE = b"HPKE" + struct.pack(">HHH", 0x0010, 0x0001, 0x0001)


def labeled_extract(suite, salt, label, ikm):
    mac = hmac.HMAC(salt or bytes(32), hashes.SHA256())
    mac.update(b"HPKE-v1" + suite + label + ikm)
    return mac.finalize()


def labeled_expand(suite, prk, label, info, length):
    info = struct.pack(">H", length) + b"HPKE-v1" + suite + label + info
    return HKDFExpand(hashes.SHA256(), length, info).derive(prk)


def hpke_context(private, peer, enc, recipient, info):
    """Key and base nonce: section 4.1 (DHKEM), then 5.1 (KeySchedule) for mode 0."""
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), peer)
    eae = labeled_extract(KEM_SUITE, b"", b"eae_prk", private.exchange(ec.ECDH(), point))
    shared = labeled_expand(KEM_SUITE, eae, b"shared_secret", enc + recipient, 32)
    context = b"\0" + labeled_extract(HPKE_SUITE, b"", b"psk_id_hash", b"") + labeled_extract(HPKE_SUITE, b"", b"info_hash", info)
    secret = labeled_extract(HPKE_SUITE, shared, b"secret", b"")
    return labeled_expand(HPKE_SUITE, secret, b"key", context, 16), labeled_expand(HPKE_SUITE, secret, b"base_nonce", context, 12)


def hpke_seal(recipient, info, aad, plain, ephemeral):
    """(enc, ciphertext); ephemeral is the key pair that the product makes afresh."""
    enc = kem_public(ephemeral)
    key, nonce = hpke_context(ephemeral, recipient, enc, recipient, info)
    return enc, AESGCM(key).encrypt(nonce, plain, aad)


def hpke_open(private, enc, info, aad, ciphertext):
    key, nonce = hpke_context(private, enc, enc, kem_public(private), info)
    return AESGCM(key).decrypt(nonce, ciphertext, aad)


# ---- code and phrase ----

def base32(value, length):
    return "".join(CROCKFORD[value >> 5 * i & 31] for i in reversed(range(length)))


def code_check(value):
    return CHECK_ALPHABET[value % 37]


def code_shown(value):
    """XXXX-XXXX-XXXX-X of 60 bits."""
    text = base32(value, 12) + code_check(value)
    return "-".join(text[i:i + 4] for i in range(0, 13, 4))


def typed(text):
    """What counts of what a person typed."""
    text = "".join(c for c in text.upper() if c not in " -")
    return text.translate(str.maketrans("OIL", "011"))


def code_read(text):
    """The 12 characters, or None where the check character does not fit."""
    if not text.isascii():
        return None
    text = typed(text)
    if len(text) != 13 or any(c not in CROCKFORD for c in text[:12]):
        return None
    value = 0
    for c in text[:12]:
        value = value << 5 | CROCKFORD.index(c)
    return text[:12] if text[12] == code_check(value) else None


def code_seed(code, request_id):
    return hashlib.scrypt(code.encode(), salt=b"mokhoa-code-v1" + request_id, n=2**15, r=8, p=1, maxmem=64 << 20, dklen=32)


def code_key(code, request_id):
    return sig_from_seed(code_seed(code, request_id))


def phrase(request_id, host_kem_pk, host_sig_pk):
    bits = sha256(field("mokhoa-phrase-v1") + field(request_id) + field(host_kem_pk) + field(host_sig_pk))[:5]
    text = base32(int.from_bytes(bits, "big"), 8)
    return text[:4] + "-" + text[4:]


def phrase_equal(heard, right):
    return heard.isascii() and typed(heard) == typed(right)


# ---- signed transcripts ----

def create_hash(token, certificate, reason, language, host_kem_pk, host_sig_pk, idempotency_key):
    """R"""
    return sha256(token_name(token) + field(certificate) + field(reason) + field(language) + field(host_kem_pk) + field(host_sig_pk)
                  + field(idempotency_key))


def create_request(r):
    return field("mokhoa-create-request-v1") + field(r)


def create_answer(request_id, r, expires, hotline):
    return field("mokhoa-create-v1") + field(request_id) + field(r) + number(expires) + field(hotline)


def verb_request(verb, request_id, counter):
    """verb is status, resend or cancel."""
    return field("mokhoa-%s-request-v1" % verb) + field(request_id) + number(counter)


def status_answer(request_id, counter, state, expires, code_expires, retry_after, email, approval, note, family, pin_min, pin_max, pin_characters,
                  flags_reliable):
    return (field("mokhoa-status-v2") + field(request_id) + number(counter) + field(state) + number(expires) + number(code_expires)
            + number(retry_after) + field(email) + field(approval) + field(note) + field(family) + number(pin_min) + number(pin_max)
            + field(pin_characters) + number(1 if flags_reliable else 0))


def release_hash(request_id, approval, host_kem_pk, host_sig_pk, token, certificate_serial):
    """h"""
    return sha256(field("mokhoa-release-v1") + field(request_id) + field(approval) + field(host_kem_pk) + field(host_sig_pk)
                  + token_name(token) + field(certificate_serial))


def release_request(h):
    return field("mokhoa-release-request-v1") + field(h)


def code_proof(h):
    return field("mokhoa-code-proof-v1") + field(h)


def release_answer(h, enc, ciphertext, family, rotation):
    return (field("mokhoa-release-answer-v2") + field(h) + field(enc) + field(ciphertext) + field(family)
            + number(1 if rotation else 0))


def grant_request(h, active):
    return field("mokhoa-grant-request-v1") + field(h) + number(active)


def grant_answer(h, active, enc, ciphertext):
    return field("mokhoa-grant-answer-v1") + field(h) + number(active) + field(enc) + field(ciphertext)


def grant_info(h):
    return field("mokhoa-grant-v1") + field(h)


def done_request(request_id, counter, result, stage, cryptoki, error, rotated, proof_mechanism, proof):
    return (field("mokhoa-done-request-v1") + field(request_id) + number(counter) + field(result) + field(stage) + number(cryptoki)
            + field(error) + number(1 if rotated else 0) + field(proof_mechanism) + field(proof))


def unlocked(h, nonce):
    return field("mokhoa-unlocked-v1") + field(h) + field(nonce)


# ---- sealed plaintexts ----

def padded(plain, length):
    if len(plain) > length:
        raise ValueError("longer than %d bytes" % length)
    return plain + bytes(length - len(plain))


def release_plain(nonce, candidates):
    return padded(field(nonce) + b"".join(field(c) for c in candidates) + field(""), SEALED_LEN)


def grant_plain(following):
    return padded(field(following) + field(""), SEALED_LEN)


def escrow_plain(so_pin):
    return padded(field(so_pin), ESCROW_LEN)


ESCROW_INFO = b"mokhoa-escrow-v1"


def escrow_aad(token, version):
    return token_name(token) + number(version)


def escrow_row(vault_pk, token, version, so_pin, ephemeral):
    enc, ciphertext = hpke_seal(vault_pk, ESCROW_INFO, escrow_aad(token, version), escrow_plain(so_pin), ephemeral)
    return enc + ciphertext
