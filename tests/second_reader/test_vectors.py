"""The program that knows the format pages alone computes every test vector on them."""

import ast
import hashlib
import hmac
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from argon2.low_level import Type, hash_secret_raw
from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from xxhash import xxh3_64_intdigest

from second_reader.page import text_of, vectors
from second_reader.reader import Vault, derive, owner_of, read_sheet, signed_entry

VECTORS = vectors()
SHEET, ORG = VECTORS["Recovery sheet"], VECTORS["The oid of an org"][0]["oid"]
MASTER, OWNER = bytes.fromhex(SHEET["master"]), bytes.fromhex(SHEET["owner"])


def opener() -> Vault:
    """The second reader, without a folder: it knows the id of the vault."""
    reader = Vault.__new__(Vault)
    reader.vault = bytes.fromhex(SHEET["vault"])
    return reader


def test_every_heading_with_vectors_has_a_test() -> None:
    assert VECTORS.keys() == {
        "Recovery sheet", "HKDF", "Key slots", "The register", "Clear objects", "The oid of an org",
        "Sealed objects",
        "Segments", "The head of a commit", "The live root", "Blobs and pseudonyms",
    }  # fmt: skip
    assert text_of("test-vectors").count("```json") == len(VECTORS)


def test_this_program_imports_nothing_of_ours() -> None:
    for name in ("test_vectors.py", "page.py", "reader.py"):
        tree = ast.parse((Path(__file__).parent / name).read_text(encoding="utf-8"))
        imports = (one for one in ast.walk(tree) if isinstance(one, ast.Import | ast.ImportFrom))
        assert not any("unlost" in ast.unparse(one) for one in imports), name


def test_the_sheet() -> None:
    """Typed in small letters, with an O for each zero."""
    groups = SHEET["groups"].lower().replace("0", "o").split()
    lines = [
        f"{at + 1:02}-{at + len(part):02}: {' '.join(part)}"
        for at in range(0, 22, 6)
        if (part := groups[at : at + 6])
    ]
    vault, secret = read_sheet("\n".join(lines))
    assert (vault.hex(), secret.hex()) == (SHEET["vault"], SHEET["secret"])
    assert (derive(secret, "master"), owner_of(secret)) == (MASTER, OWNER)


@pytest.mark.parametrize("vector", VECTORS["HKDF"], ids=lambda one: one["label"])
def test_derivations(vector: dict[str, str]) -> None:
    assert derive(bytes.fromhex(vector["secret"]), vector["label"]).hex() == vector["key"]


def secret_of(vector: dict[str, Any]) -> bytes:
    """Minimal reader, step 2."""
    stretch = vector["member"]["stretch"]
    if stretch is None:
        return bytes.fromhex(vector["secret"])
    normal = unicodedata.normalize("NFKC", vector["passphrase"])
    folded = " ".join(normal.casefold().split())
    assert folded == vector["folded"] != vector["passphrase"]
    return hash_secret_raw(
        folded.encode(), bytes.fromhex(stretch["salt"]), stretch["passes"], stretch["memory"],
        stretch["lanes"], 32, Type.ID,
    )  # fmt: skip


@pytest.mark.parametrize("vector", VECTORS["Key slots"], ids=lambda one: one["slot"])
def test_slots_give_their_keys(vector: dict[str, Any]) -> None:
    member, name = vector["member"], vector["slot"]
    bound = [SHEET["vault"], 1, name, member["holds"], member["stretch"]]
    assert json.dumps(bound, separators=(",", ":")) == vector["bound"]
    sealed, key = bytes.fromhex(member["wrapped"]), derive(secret_of(vector), f"slot/{name}")
    content = AESGCM(key).decrypt(sealed[:12], sealed[12:], vector["bound"].encode())
    assert content.hex() == vector["content"]
    assert content == (MASTER if name == "service" else bytes.fromhex(SHEET["secret"]))


def test_the_register_is_signed_and_has_the_slots() -> None:
    vector = VECTORS["The register"]
    said = signed_entry(vector["text"].encode(), 1)
    assert said is not None
    assert (vector["name"], said["owner"]) == ("register/00000001", OWNER.hex())
    assert said["slots"] == {one["slot"]: one["member"] for one in VECTORS["Key slots"]}
    assert signed_entry(vector["text"].encode(), 2) is None
    assert signed_entry(vector["text"].replace("2026", "2027").encode(), 1) is None


@pytest.mark.parametrize("clear", VECTORS["Clear objects"], ids=lambda one: one["name"])
def test_objects_in_clear_prove_themselves(clear: dict[str, str]) -> None:
    body, mac = clear["text"].encode().rsplit(b',"mac":', 1)
    code = hmac.digest(derive(MASTER, f"mac/{clear['name']}"), body, "sha256").hex()
    assert mac == f'"{code}"}}\n'.encode()


@pytest.mark.parametrize("vector", VECTORS["The oid of an org"], ids=lambda one: one["oid"][:4])
def test_oids(vector: dict[str, str]) -> None:
    text = json.dumps(json.loads(vector["text"]), ensure_ascii=False, separators=(",", ":"))
    assert text == vector["text"]
    code = hmac.digest(derive(MASTER, "mac/org"), text.encode(), "sha256")
    assert code[:16].hex() == vector["oid"]


@pytest.mark.parametrize("sealed", VECTORS["Sealed objects"], ids=lambda one: one["kind"])
def test_sealed_objects_open(sealed: dict[str, str]) -> None:
    data, key, aad = (bytes.fromhex(sealed[name]) for name in ("object", "key", "aad"))
    content = opener().unseal(sealed["name"], sealed["kind"], ORG, key, data)
    assert content.hex() == sealed["content"]
    assert AESGCM(key).decrypt(data[24:36], data[36:], aad) == content
    with pytest.raises(InvalidTag):
        opener().unseal(f"{sealed['name']}x", sealed["kind"], ORG, key, data)


def test_keys_of_sealed_objects_come_from_those_before() -> None:
    wrapped, identity, ended = VECTORS["Sealed objects"]
    assert wrapped["key"] == derive(MASTER, f"key/{wrapped['name']}").hex()
    org_key = bytes.fromhex(wrapped["content"])
    for sealed in (identity, ended):
        assert sealed["key"] == derive(org_key, f"{sealed['kind']}/{sealed['name']}").hex()
    told = json.loads(bytes.fromhex(identity["content"]))
    assert [told["connector"], told["tenant"]] == json.loads(
        VECTORS["The oid of an org"][0]["text"]
    )


def test_what_opens_a_segment() -> None:
    segment, org_key = VECTORS["Segments"], bytes.fromhex(VECTORS["Sealed objects"][0]["content"])
    assert segment["footer_key"] == derive(org_key, f"segment/{segment['name']}").hex()
    prefix = bytes.fromhex(SHEET["vault"]) + bytes.fromhex(ORG) + segment["name"].encode()
    assert segment["aad_prefix"] == prefix.hex()


def test_the_head() -> None:
    vector = VECTORS["The head of a commit"]
    assert blake3(vector["manifest"].encode()).hexdigest() == vector["head"]
    manifest = json.loads(vector["manifest"])
    assert (manifest["vault"], manifest["org"]) == (SHEET["vault"], ORG)
    assert manifest["live_root"] == blake3(b"").hexdigest()


def test_the_live_root() -> None:
    vector = VECTORS["The live root"]
    named = vector["objects"] | vector["journals"]
    lines = sorted(f"{name} {digest}\n".encode() for name, digest in named.items())
    assert len(lines) == 3
    assert blake3(b"".join(lines)).hexdigest() == vector["live_root"]


def test_blobs_and_pseudonyms() -> None:
    vector = VECTORS["Blobs and pseudonyms"]
    identity, content = (bytes.fromhex(vector[name]) for name in ("identity_key", "content"))
    assert blake3(content, key=derive(identity, "blob-id")).hexdigest() == vector["blob_id"]
    key, seed = derive(identity, "suppressed"), derive(identity, "suppressed-sieve")[:7]
    code = hmac.digest(key, vector["suppressed"].encode(), hashlib.sha256)
    assert code.hex() == vector["pseudonym"]
    text = json.loads(vector["suppressed"])[2]
    sieve = xxh3_64_intdigest(text.encode(), seed=int.from_bytes(seed)) % 2**32
    assert f"{sieve:08x}" == vector["sieve"]
