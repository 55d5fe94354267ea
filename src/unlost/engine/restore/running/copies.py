"""Verify the copies of records: their rows are read from the vault, and each byte of their files."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import partial

import pyarrow as pa

from unlost.engine.restore.running.wanted import States
from unlost.model.errors import IntegrityError, NotFound
from unlost.model.ports.source import Source
from unlost.model.ports.vault import Snapshot, Vault
from unlost.model.source.reading import Op, Rows
from unlost.model.source.schema import Table
from unlost.model.vault.snapshot import StoredFile

PIECE = 1 << 20  # bytes of a large file in memory
SMALL, IN_MEMORY = 1 << 20, 32 << 20  # bytes of a file, and of files, that are read together


class CopyPlace(StrEnum):
    """The place of copies, as sentences name it."""

    VAULT = "vault"
    MIRROR = "mirror"


def faulty_copies(
    vault: Vault,
    snapshot: Snapshot,
    source: Source,
    table: Table,
    states: States,
    *,
    place: CopyPlace = CopyPlace.VAULT,
) -> Iterator[tuple[str, str]]:
    """Records with a file that a vault lacks or cannot give back, and a sentence about it.

    ``states``: rows that were read from the vault and whose hashes were compared.
    """
    if not (table.files or table.image_columns):
        return
    ids = [step.record for step in states.steps]
    refs = source.files_in(table, _rows(ids, states.rows, snapshot))
    try:
        files = snapshot.files(table.name, ids)
    except IntegrityError as error:  # the list of their files
        yield from ((ref.record, error.sentence) for ref in refs)
        return
    stored = {(file.record, file.column): file for file in files}
    for ref in refs:
        if (ref.record, ref.column) not in stored:
            yield ref.record, f"The {place} does not have its file."
    for file, sentence in damaged_files(vault, snapshot.info.org, list(stored.values())):
        yield file.record, sentence or f"Its file in the {place} has another size."


def damaged_files(
    vault: Vault, org: str, files: Sequence[StoredFile]
) -> Iterator[tuple[StoredFile, str]]:
    """The files that a vault does not give back whole, and the sentence of its error.

    The sentence is empty for a file of another size. Small files are read many at a time.
    """
    for group in _groups([file for file in files if file.size <= SMALL]):
        try:
            bodies = vault.read_files(org, {file.blob for file in group})
        except (IntegrityError, NotFound):  # of one of them
            yield from _each(vault, org, group)
            continue
        yield from ((file, "") for file in group if len(bodies[file.blob]) != file.size)
    yield from _each(vault, org, [file for file in files if file.size > SMALL])


def _groups(files: Iterable[StoredFile]) -> Iterator[list[StoredFile]]:
    """Files that may be in memory together."""
    group: list[StoredFile] = []
    size = 0
    for file in files:
        if group and size + file.size > IN_MEMORY:
            yield group
            group, size = [], 0
        group.append(file)
        size += file.size
    if group:
        yield group


def _each(vault: Vault, org: str, files: Iterable[StoredFile]) -> Iterator[tuple[StoredFile, str]]:
    for file in files:
        try:
            with vault.open_file(org, file.blob) as body:
                size = sum(len(piece) for piece in iter(partial(body.read, PIECE), b""))
        except (IntegrityError, NotFound) as error:
            yield file, error.sentence
            continue
        if size != file.size:
            yield file, ""


def _rows(ids: list[str], cells: pa.Table, snapshot: Snapshot) -> Rows:
    (batch,) = cells.combine_chunks().to_batches()
    nothing = pa.nulls(len(ids))
    return Rows(
        ids=pa.array(ids, pa.string()),
        ops=pa.array([Op.STATE.value] * len(ids), pa.string()),
        modified_at=nothing.cast(pa.timestamp("ms", "UTC")),
        modified_by=nothing.cast(pa.string()),
        cells=batch,
        observed_at=snapshot.info.as_of,
    )
