"""Documents of the chain: one value has one text, and a damaged or newer one is refused."""

from datetime import UTC, datetime

import msgspec
import pytest
import zstandard
from blake3 import blake3

from unlost.model.errors import IntegrityError, UsageError
from unlost.model.org import OrgIdentity
from unlost.model.source.schema import Column, ColumnTrait, Schema, Table, WireKind
from unlost.model.vault.snapshot import CommitKind, Counts, SegmentEntry, TableState
from unlost.vault.format.manifest import (
    KnownColumn,
    Manifest,
    RunIntent,
    SchemaDocument,
    TablePart,
    canonical_text,
    head_of,
    pack,
    unpack,
)

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SEGMENT = SegmentEntry("ab", "Thing", 1, 2, "cd", "a", "b", 1)


def manifest() -> Manifest:
    return Manifest(
        format=1,
        vault="00",
        org="11",
        identity=OrgIdentity("fake", "T", label="Ä"),
        seq=3,
        parent="ff",
        run="r",
        kind=CommitKind.BACKUP,
        as_of=NOW,
        started=NOW,
        finished=NOW,
        base=2,
        schema="s",
        certificate=None,
        tables=(TablePart("Thing", segments=(SEGMENT,), counts=Counts(seen=1)),),
        states=(TableState("Thing", 1, 0),),
        packs=(),
        objects=(),
        live_root="aa",
        counts=Counts(seen=1),
        rows_seen=1,
        bytes_added=2,
    )


def test_there_and_back() -> None:
    found, text = unpack(pack(manifest()), Manifest, name="m")
    assert found == manifest()
    assert text == canonical_text(manifest())
    assert head_of(text) == blake3(text).hexdigest()


def test_text_is_plain_json_in_the_order_of_the_fields() -> None:
    text = canonical_text(manifest())
    assert text.startswith(b'{"format":1,"vault":"00","org":"11","identity":{"connector":"fake"')
    assert "Ä".encode() in text
    assert b" " not in text


def test_sets_have_one_order() -> None:
    traits = list(ColumnTrait)
    one, other = (
        SchemaDocument(
            1,
            Schema((Table("T", (Column("c", WireKind.TEXT, traits=frozenset(some)),)),), "f"),
            {"T": {"c": KnownColumn(1, WireKind.TEXT)}},
        )
        for some in (traits, reversed(traits))
    )
    assert canonical_text(one) == canonical_text(other)
    names = msgspec.json.decode(canonical_text(one))["schema"]["tables"][0]["columns"][0]["traits"]
    assert names == sorted(names)


def test_intents() -> None:
    intent = RunIntent(
        1, "r", CommitKind.RESTORE, OrgIdentity("fake", "T"), 4, NOW, "0123456789abcdef"
    )
    assert unpack(pack(intent), RunIntent, name="i")[0] == intent


def squeeze(text: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(text)


@pytest.mark.parametrize("data", [b"", b"junk", squeeze(b"junk"), squeeze(b"{}"), squeeze(b"[1]")])
def test_refuses_what_makes_no_sense(data: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        unpack(data, Manifest, name="orgs/x/commits/1")
    assert caught.value.code == "document-damaged"
    assert "orgs/x/commits/1" in caught.value.sentence


@pytest.mark.parametrize(("number", "code"), [(2, "format-newer"), (0, "format-unknown")])
def test_refuses_another_format_whatever_its_fields(number: int, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        unpack(squeeze(b'{"format":%d,"anything":true}' % number), Manifest, name="m")
    assert caught.value.code == code
