"""The ports of a SaaS: the connector, and the read side of an org."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

import pyarrow as pa

from unlost.model.connector_info import Knowledge
from unlost.model.org import OrgIdentity
from unlost.model.ports.system import Budget, Cache, Clock, Entropy, Observer, SecretStore
from unlost.model.ports.writer import Writer
from unlost.model.quota import Quota
from unlost.model.reading import Cursor, FileRef, IdRange, Page, ReadTask, Ready, Rows, Wait
from unlost.model.schema import Schema, Table


class Source(Protocol):
    """The read side of an org. No method writes."""

    def identity(self) -> OrgIdentity:
        """Who this org is."""
        ...

    def server_time(self) -> datetime:
        """The source's clock now (never ours)."""
        ...

    def discover(self) -> Schema:
        """Tables, columns, references, findings, and the permission fingerprint."""
        ...

    def quotas(self) -> Sequence[Quota]:
        """Storage and API calls."""
        ...

    def cursor_at(self, table: Table, when: datetime) -> Cursor | None:
        """The cursor for a table whose read began ``when``; None if it has none."""
        ...

    def plan_reads(
        self, table: Table, since: Cursor | None, *, ids: IdRange | None = None
    ) -> Sequence[ReadTask]:
        """The tasks that read a table, all of it (None) or what changed; deletes come first.

        The connector subtracts its own overlap from the cursor, and may answer an old cursor with
        tasks that say ``full``. With ``ids``, of a table that has ID_RANGES, the other way round:
        the rows of this range that reading from the cursor leaves out, for they did not change.
        """
        ...

    def id_order(self, ids: pa.Array) -> pa.Array:
        """Texts for these ids whose bytes sort as the source sorts the ids. Calls nothing."""
        ...

    def prepare(self, task: ReadTask) -> Ready | Wait:
        """Start or look after work that the source does by itself."""
        ...

    def read(self, task: ReadTask) -> Iterator[Page]:
        """Pages of a prepared task, each proved; ends only when the task is complete."""
        ...

    def read_ids(self, table: Table, ids: Sequence[str]) -> Iterator[Page]:
        """The rows of these ids, deleted ones too; ids that are not there are left out."""
        ...

    def census(self, table: Table) -> Iterator[pa.Array]:
        """Every live canonical id, in any order, in bounded arrays; raises if incomplete."""
        ...

    def count(self, table: Table) -> int | None:
        """How many live rows the source counts; None if it will not say."""
        ...

    def files_in(self, table: Table, rows: Rows) -> Sequence[FileRef]:
        """The files that these rows have; rows whose file has no bytes give none."""
        ...

    def open_file(self, ref: FileRef) -> AbstractContextManager[BinaryIO]:
        """A file's bytes as a stream; reading raises IntegrityError where they do not agree."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """The small ports that a connector may use; ``cache`` is None where nothing is to be kept."""

    clock: Clock
    entropy: Entropy
    secrets: SecretStore
    budget: Budget
    observer: Observer
    cache: Cache | None = None


@dataclass(frozen=True, slots=True)
class SecretField:
    """A secret that a connector reads from the secret store under ``name``, as a form asks for it.

    ``required``: without it the org cannot be opened. ``lines``: it is a text of several lines,
    such as a private key, that comes from a file and is not typed.
    """

    name: str
    label: str
    help: str = ""
    required: bool = True
    lines: bool = False


class Connector(Knowledge, Protocol):
    """Speaks one SaaS. ``config`` is a frozen dataclass of plain values, no secrets.

    ``id_form`` completes the sentence "Ids of records have …" for people who typed another text.
    """

    name: str
    config: type
    id_form: str

    def secrets(self, config: object | None) -> Sequence[SecretField]:
        """The secrets that this config needs; with None, all that any config may need."""
        ...

    def open_source(self, config: object, context: Context) -> AbstractContextManager[Source]:
        """A source for the org that ``config`` names."""
        ...

    def open_writer(self, config: object, context: Context) -> AbstractContextManager[Writer]:
        """A writer; config and secrets are those of the write identity."""
        ...

    def write_permissions(self) -> Sequence[str]:
        """What a write identity must be allowed to do, in the words of the source's own set-up."""
        ...
