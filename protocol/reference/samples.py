# SPDX-License-Identifier: Apache-2.0
"""Fixed values that the vectors are made of, and the few ways in which a right value is made wrong."""
import copy
import datetime
import json

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID, ObjectIdentifier

from reference import b64, kem_from_private, kem_public, kid, phrase, sha256, sig_from_seed, sig_public

ORIGIN = "https://portal.example"
EXTENSION = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"


def fixed(label, length=32):
    """Bytes that look random and never change."""
    return sha256(b"mokhoa vectors: " + label.encode())[:length]


HOST_KEM = kem_from_private(fixed("host kem"))
HOST_SIG = sig_from_seed(fixed("host sig"))
TMS_SIG = sig_from_seed(fixed("tms sig"))
VAULT = kem_from_private(fixed("vault"))
ID = fixed("id", 16)
APPROVAL = fixed("approval", 16)
IDEMPOTENCY_KEY = fixed("idempotency key", 16)
NONCE = fixed("nonce", 16)
REQUEST = b64(ID)
PHRASE = phrase(ID, kem_public(HOST_KEM), sig_public(HOST_SIG))
KID = kid(sig_public(TMS_SIG))
SIGNATURE = b64(fixed("signature a") + fixed("signature b"))

TOKEN = {"manufacturer": "Mokhoa Test", "model": "Card", "serial": "0123456789"}
EXPIRES = 1900000000


# ---- a certificate of any length, the same at every run: Ed25519 signs without chance ----

PADDING = ObjectIdentifier("1.3.6.1.4.1.55555.1")


def certificate(length=0):
    """DER of the length that it needs, or of so many bytes where that is more."""
    der = certificate_with(b"")
    padding = length - len(der) - 64
    while len(der) < length:
        der = certificate_with(bytes(padding))
        padding += 1
    return der


def certificate_with(padding):
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Mokhoa vectors")])
    customer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CÔNG TY CỔ PHẦN VÍ DỤ"),
                          x509.NameAttribute(NameOID.EMAIL_ADDRESS, "khach@example.vn")])
    builder = (x509.CertificateBuilder().issuer_name(authority).subject_name(customer).public_key(HOST_KEM.public_key())
               .serial_number(0xF401C7ADA92A737CA6ECF19C1FB1525C).not_valid_before(datetime.datetime(2024, 1, 1))
               .not_valid_after(datetime.datetime(2034, 1, 1)))
    if padding:
        builder = builder.add_extension(x509.UnrecognizedExtension(PADDING, padding), critical=False)
    return builder.sign(sig_from_seed(fixed("authority")), None).public_bytes(serialization.Encoding.DER)


CERTIFICATE_SERIAL = bytes.fromhex("00F401C7ADA92A737CA6ECF19C1FB1525C")


# ---- right values made wrong; a path is "message.params.token" or "requests.0.state" ----

def put(value, path, new):
    """A copy with one place set."""
    value = copy.deepcopy(value)
    *way, last = keys(path)
    at = value
    for key in way:
        at = at[key]
    at[last] = new
    return value


def drop(value, path):
    """A copy without one key."""
    value = copy.deepcopy(value)
    *way, last = keys(path)
    at = value
    for key in way:
        at = at[key]
    del at[last]
    return value


def keys(path):
    return [int(key) if key.isdigit() else key for key in path.split(".")]


def without_each(value, path):
    """(name of the key, a copy without it) for every key of the object at path."""
    at = value
    for key in keys(path) if path else []:
        at = at[key]
    for key in at:
        yield key, drop(value, path + "." + key if path else key)


def long_text(length):
    """Text of so many bytes, most of them in characters of two."""
    return "đ" * (length // 2) + "x" * (length % 2)


def short(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 24 else "%s... (%d characters)" % (text[:12], len(text))
