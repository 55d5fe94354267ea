"""The vault of corners tells what the page says where a story of three nights says nothing."""

import hmac
import json
import struct
from functools import cache
from pathlib import Path

import zstandard
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from golden.corners import (
    ERASED,
    ERASED_MAIL,
    HOME,
    IDENTITY,
    PASSPHRASE,
    SPELLED_AGAIN,
    TABLE,
    TYPED,
    record,
)
from golden.make_sealed import OWNER
from second_reader.reader import Org, Vault, derive, owner_of
from unlost.model.vault.retention import HoldScope, HoldTarget
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.keys.unlock import ByPassphrase
from unlost.vault.stores.local import LocalStore
from unlost.vault.vault import EncryptedVault, open_vault

FOLDER = Path(__file__).parent / "format-1" / "corners"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "vault-format" / "writer-rules.md"


@cache
def reader() -> Org:
    """Who knows the page alone."""
    vault = Vault(FOLDER / "vault", (FOLDER / "sheet.txt").read_text(encoding="utf-8"))
    return Org(vault, vault.orgs()[0])


@cache
def ours() -> EncryptedVault:
    """The vault as somebody opens it who types the passphrase otherwise than it was chosen."""
    store, entropy = LocalStore(FOLDER / "vault"), SeededEntropy()
    keys = open_keyring(store, ByPassphrase(TYPED), entropy=entropy)
    return open_vault(store, keys=keys, clock=VirtualClock(), entropy=entropy)


def test_the_id_of_an_org_is_made_of_text_that_is_not_escaped() -> None:
    org = reader()
    text = '["salesforce","Größe/\\"ä\\"\u2028\x7f"]'
    code = hmac.digest(derive(org.vault.masters[0], "mac/org"), text.encode(), "sha256")
    assert code[:16].hex() == org.org
    assert org.identity["tenant"] == IDENTITY.tenant


def test_a_passphrase_opens_in_whatever_case_it_is_typed() -> None:
    """By the page: normal form, case folding, words; then the slot."""
    assert ours().orgs().keys() == {reader().org}
    said = reader().vault.register["slots"]["passphrase"]
    stretch = said["stretch"]
    folded = "strasse i\u0307 οδοσ"
    assert folded != PASSPHRASE
    secret = hash_secret_raw(
        folded.encode(), bytes.fromhex(stretch["salt"]), stretch["passes"], stretch["memory"],
        stretch["lanes"], 32, Type.ID,
    )  # fmt: skip
    place = [reader().vault.vault.hex(), 1, "passphrase", "owner", stretch]
    bound = json.dumps(place, separators=(",", ":")).encode()
    sealed = bytes.fromhex(said["wrapped"])
    own = AESGCM(derive(secret, "slot/passphrase")).decrypt(sealed[:12], sealed[12:], bound)
    assert owner_of(own).hex() == reader().vault.owner
    assert derive(own, "master") == reader().vault.master


def test_the_service_key_on_the_page_is_whole() -> None:
    (_, after) = PAGE.read_text(encoding="utf-8").split("```text\nunlost-service-key", 1)
    key = ServiceKey.parse("unlost-service-key" + after.split("```", 1)[0])
    assert (key.vault, key.slot, key.key) == (bytes(range(16)), "service", b"S" * 32)
    assert key.owner == OWNER.public


def test_a_copy_of_a_home_opens_under_the_first_master_key() -> None:
    vault, name = reader().vault, "homes/00000001"
    data = (vault.folder / name).read_bytes()
    assert struct.unpack_from("<I", data, 12) == (0,)
    key = derive(vault.masters[0], f"home/{name}")
    assert vault.unseal(name, "home", bytes(16).hex(), key, data) == HOME
    assert ours().homes.newest() == HOME
    assert zstandard.ZstdDecompressor().decompress(HOME)[:8] == b"settings"


def test_what_was_erased_is_known_by_its_pseudonym_in_one_form() -> None:
    org = reader()
    forms = {(TABLE, "", ERASED.record), (TABLE, "Mail", "zoë.strasse@chocolate.example")}
    assert ERASED_MAIL not in {text for *_, text in forms}
    listed = org.live("$suppressed", len(org.manifests))
    assert listed.keys() == {org.pseudonym(*form) for form in forms}
    assert {(row["table"], row["column"] or "") for row in listed.values()} == {
        (table, column) for table, column, _ in forms
    }


def test_holds_and_what_is_hidden_have_ids_of_json_that_is_not_escaped() -> None:
    org, now = reader(), len(reader().manifests)
    (held,) = org.live("$holds", now)
    assert held == '["record","Ecke/Größe","ö/\\"2\\"\u2028",0]'
    assert [one.thing for one in ours().holds(org.org)] == [
        HoldTarget(HoldScope.RECORD, TABLE, record(2))
    ]
    hidden = org.live("$hidden", now)
    assert hidden.keys() == {
        '["Ecke/Größe","ö/\\"5\\"\u2028",null]', '["Ecke/Größe",null,"Text"]',
    }  # fmt: skip
    for text, row in hidden.items():
        assert json.loads(text) == [row["table"], row["record"], row["column"]]


def test_rows_that_say_nothing_new_stand_there_and_are_no_versions() -> None:
    org, now = reader(), len(reader().manifests)
    versions = org.versions(TABLE, now)
    told = {number: versions[record(number)] for number in (2, 5, 9, 20, 30)}
    ops = {n: [(row["_u_op"], row["_u_prev"]) for row in rows] for n, rows in told.items()}
    assert ops == {
        2: [("U", None), ("U", "=")],
        5: [("U", None), ("U", "=")],
        9: [("U", None), ("P", "U"), ("D", "P")],
        20: [("U", None), ("A", "U"), ("U", "A")],
        30: [("P", None)],
    }
    shown = {n: [str(one.op) for one in ours().history(org.org, TABLE, record(n))] for n in told}
    assert shown == {2: ["U"], 5: ["U"], 9: ["U", "P", "D"], 20: ["U", "A", "U"], 30: []}


def test_a_night_tells_the_newest_spelling_and_history_the_first() -> None:
    org, now = reader(), len(reader().manifests)
    (version,) = ours().history(org.org, TABLE, SPELLED_AGAIN)
    (row,) = ours().at(org.org, 7).get(TABLE, [SPELLED_AGAIN]).to_pylist()
    spellings = "2026-01-31T23:59:59.000+0000", "2026-02-01 01:29:59 +01:30"
    assert (version.cells["instant__ß"], row["instant__ß"]) == spellings
    theirs = [one["instant__ß"] for one in org.versions(TABLE, now)[SPELLED_AGAIN]]
    assert tuple(theirs) == spellings


def test_a_text_is_a_blob_from_65537_bytes_on() -> None:
    rows = reader().versions(TABLE, 1)
    assert rows[record(20)][0]["_u_blobs"] is None
    assert list(json.loads(rows[record(21)][0]["_u_blobs"])) == ["c4"]
    assert [len(rows[record(n)][0]["Text"]) for n in (20, 21)] == [65_536, 65_537]
