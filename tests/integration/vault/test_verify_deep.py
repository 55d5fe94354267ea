"""The deep level finds what a writer that holds the keys got wrong, though every seal is whole."""

from collections.abc import Iterator
from contextlib import suppress

import msgspec
import numpy as np
import pyarrow as pa
import pytest

import vaultstory
from unlost.model.errors import UnlostError
from unlost.model.vault.snapshot import PackEntry, SegmentEntry, VerifyLevel
from unlost.vault.commits import chain
from unlost.vault.commits.chain import Chain
from unlost.vault.format import sidecar
from unlost.vault.format.blobs import Encoding
from unlost.vault.format.manifest import Manifest, pack
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.maintenance.verify import words
from unlost.vault.maintenance.verify.words import hashes_of
from unlost.vault.objects import segment_writer
from unlost.vault.objects.packs import Blob, Extent
from unlost.vault.read import org_vault
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.write import finish, table_writer
from vaultstory import Story

FULL, DEEP = VerifyLevel.FULL, VerifyLevel.DEEP


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as context:
        yield context


def told_wrongly() -> Story:
    """The story's first night, by a writer that a test has spoiled."""
    story = vaultstory.found(MemoryStore())
    vaultstory.first_night(story)
    return story


def sentences(story: Story, level: VerifyLevel) -> dict[str, str]:
    return {d.object: d.sentence for d in story.vault.verify(level).damages}


def segments_of(story: Story, *tables: str) -> set[str]:
    state = story.vault.org_vault(story.org).chain.live()
    return {
        f"orgs/{story.org}/data/{entry.id[:2]}/{entry.id}"
        for table in tables
        for entry in (live.entry for live in state.segments[table].values())
    }


DATA = ("Account", "Contact", "Task", "ContentVersion", "$files")


def test_wrong_row_hashes_are_found(patch: pytest.MonkeyPatch) -> None:
    honest = table_writer.as_array

    def forged(hashes):
        return honest(hashes ^ np.uint64(1))

    patch.setattr(table_writer, "as_array", forged)
    story = told_wrongly()
    patch.undo()
    assert sentences(story, FULL) == {}
    found = sentences(story, DEEP)
    assert found.keys() == segments_of(story, *DATA)
    assert all("hash" in sentence for sentence in found.values())


def test_wrong_filters_are_found(patch: pytest.MonkeyPatch) -> None:
    honest = sidecar.build_filter
    patch.setattr(sidecar, "build_filter", lambda hashes: honest(hashes) | np.uint32(1))
    story = told_wrongly()
    patch.undo()
    assert sentences(story, FULL) == {}
    found = sentences(story, DEEP)
    assert found
    assert all("sidecar" in sentence for sentence in found.values())
    assert any(name.endswith(".idx") for name in found)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("rows", 7, "does not contain the rows"),
        ("min_id", "0", "does not start"),
        ("max_id", "zzz", "does not contain the rows"),
    ],
)
def test_a_manifest_that_misdescribes_its_segments_is_found(
    patch: pytest.MonkeyPatch, field: str, value: object, words: str
) -> None:
    honest = finish.segments_of

    def forged(table, added) -> tuple[SegmentEntry, ...]:
        entries = honest(table, added)
        if table != "Task":
            return entries
        return tuple(
            msgspec.convert(msgspec.to_builtins(entry) | {field: value}, SegmentEntry)
            for entry in entries
        )

    patch.setattr(finish, "segments_of", forged)
    story = told_wrongly()
    patch.undo()
    assert sentences(story, FULL) == {}
    found = sentences(story, DEEP)
    assert found.keys() == segments_of(story, "Task")
    assert words in next(iter(found.values()))


def test_rows_out_of_order_are_found(patch: pytest.MonkeyPatch) -> None:
    honest = segment_writer.SegmentWriter.write

    def forged(self, rows: pa.Table, *, label, **options):
        if label.table == "Contact":
            rows = rows.take(pa.array([0, 2, 1, *range(3, len(rows))]))
        return honest(self, rows, label=label, **options)

    patch.setattr(segment_writer.SegmentWriter, "write", forged)
    story = told_wrongly()
    patch.undo()
    assert sentences(story, FULL) == {}
    found = sentences(story, DEEP)
    assert found.keys() == segments_of(story, "Contact")
    assert "not in order" in next(iter(found.values()))


def test_groups_out_of_order_are_found(patch: pytest.MonkeyPatch) -> None:
    honest = segment_writer.SegmentWriter.write

    def forged(self, rows: pa.Table, *, label, **options):
        if label.table == "Task":
            half = len(rows) // 2
            order = [*range(half, len(rows)), *range(half)]
            return honest(self, rows.take(pa.array(order)), label=label, group_rows=half)
        return honest(self, rows, label=label, **options)

    patch.setattr(segment_writer.SegmentWriter, "write", forged)
    story = told_wrongly()
    patch.undo()
    found = sentences(story, DEEP)
    assert found.keys() == segments_of(story, "Task")
    assert "not in order" in next(iter(found.values()))


def test_missing_words_are_found(patch: pytest.MonkeyPatch) -> None:
    honest = table_writer.TableWriter._add_tokens

    def forged(self, tokens: pa.Table) -> None:
        honest(self, tokens.slice(1))

    patch.setattr(table_writer.TableWriter, "_add_tokens", forged)
    story = told_wrongly()
    patch.undo()
    assert sentences(story, FULL) == {}
    found = sentences(story, DEEP)
    assert len(found) == 1
    assert found.keys() <= segments_of(story, "$search")
    assert "are missing from the search index" in next(iter(found.values()))


def test_words_too_many_are_found(patch: pytest.MonkeyPatch) -> None:
    honest = table_writer.TableWriter._add_tokens

    def forged(self, tokens: pa.Table) -> None:
        more = tokens.set_column(0, tokens.schema.field(0), tokens.column("record"))
        honest(self, pa.concat_tables([tokens, more]))

    patch.setattr(table_writer.TableWriter, "_add_tokens", forged)
    story = told_wrongly()
    patch.undo()
    patch.setattr(words, "PASS_WORDS", 3)  # so that there are several passes
    found = sentences(story, DEEP)
    assert "are in no row" in next(iter(found.values()))


def test_words_by_older_rules_are_left_alone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(table_writer.TableWriter, "_add_tokens", lambda self, tokens: None)
    story = told_wrongly()
    assert sentences(story, DEEP) == {}
    patch.undo()
    patch.setattr("unlost.vault.layout.segment_label.VERSION", 1)
    patch.setattr("unlost.vault.write.open_commit.VERSION", 1)
    honest = table_writer.TableWriter._add_tokens
    patch.setattr(
        table_writer.TableWriter, "_add_tokens", lambda self, tokens: honest(self, tokens.slice(1))
    )
    assert sentences(told_wrongly(), DEEP) == {}


def test_the_hash_of_a_word_depends_on_everything_that_it_says() -> None:
    rows = pa.table(
        {
            "_u_id": ["a", "b", "b", "c"],
            "table": ["T", "T", "T", "V"],
            "record": ["1", "2", "3", "1"],
            "column": ["x", "x", "x", "x"],
        }
    )
    told = hashes_of(rows)
    assert len(set(told.tolist())) == 4
    assert hashes_of(rows.take([3, 2, 0, 1])).tolist() == told[[3, 2, 0, 1]].tolist()
    for at, name in enumerate(rows.column_names):
        other = rows.set_column(at, name, pa.array(["q", "q", "q", "q"]))
        assert not set(hashes_of(other).tolist()) & set(told.tolist())


def test_a_blob_that_is_not_where_its_row_says_is_found(patch: pytest.MonkeyPatch) -> None:
    honest = org_vault.OrgVault.pack_writer

    def forged(self, *, until: int):
        made = honest(self, until=until)
        settle = made._settle

        def moved(blob: str, size: int, encoding: Encoding):
            stored = settle(blob, size, encoding)
            if not stored.new or size != 60_000:
                return stored
            first = stored.blob.extents[0]
            wrong = Blob(blob, size - 1, (Extent(first.pack, 1, size - 1),))
            return type(stored)(wrong, new=True)

        made._settle = moved  # type: ignore[method-assign]
        return made

    patch.setattr(org_vault.OrgVault, "pack_writer", forged)
    story = told_wrongly()
    patch.undo()
    assert sentences(story, FULL) == {}
    found = sentences(story, DEEP)
    assert len(found) == 1
    assert "/packs/" in next(iter(found))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"live_root": "0" * 64}, "do not match its proof"),
        ({"parent": "0" * 64}, "does not follow"),
        ({"seq": 9}, "a different commit"),
        ({"vault": "0" * 32}, "a different commit"),
        ({"format": 5}, "format 5"),
        ({"reuses": ("0" * 32,)}, "which is in no commit"),
    ],
)
def test_a_manifest_that_lies_is_found(
    patch: pytest.MonkeyPatch, change: dict[str, object], words: str
) -> None:
    story = told_wrongly()

    def forged(self: Chain, manifest: Manifest) -> bool:
        name = f"orgs/{self.org}/commits/{manifest.seq:020d}"
        lie = msgspec.structs.replace(manifest, **change)
        return self._sealed.put_new(
            ObjectKind.MANIFEST, org=self.org, name=name, content=pack(lie)
        ).created

    patch.setattr(Chain, "put", forged)
    with suppress(UnlostError):  # the writer itself may notice
        vaultstory.second_night(story)
    patch.undo()
    found = sentences(story, FULL)
    assert list(found) == [f"orgs/{story.org}/commits/{2:020d}"]
    assert words in found[f"orgs/{story.org}/commits/{2:020d}"]


def test_a_checkpoint_that_lies_is_found(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("unlost.vault.commits.chain.CHECKPOINT_EVERY", 1)
    honest = chain.to_checkpoint
    stray = PackEntry(id="ab" * 16, bytes=1, blake3="00" * 32, epoch=1)
    patch.setattr(
        chain,
        "to_checkpoint",
        lambda state: msgspec.structs.replace(honest(state), packs=(stray,)),
    )
    story = told_wrongly()
    patch.undo()
    found = sentences(story, FULL)
    assert list(found) == [f"orgs/{story.org}/checkpoints/{1:020d}"]
    assert "does not match the proof of its commit" in next(iter(found.values()))
