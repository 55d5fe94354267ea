"""Ports of a SaaS: the connector, and the read side of an org.

    Connector.open_source ─▶ Source
        discover      schema and permission fingerprint
        plan_reads    tasks, from a cursor or in full ─▶ prepare ─▶ read ─▶ proved pages
        plan_row_check  tasks for a part of the unchanged rows
        census        all live ids, which prove deletions
        files_in      files of rows ─▶ open_file

The engine knows no SaaS beyond this port. A connector is one folder and changes no other code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from unlost.model.source.connector_info import ConnectorInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    import pyarrow as pa

    from unlost.model.bypass import BypassKind
    from unlost.model.errors import UnlostError
    from unlost.model.org import OrgIdentity
    from unlost.model.ports.system import Budget, Cache, Clock, Entropy, Observer, SecretStore
    from unlost.model.ports.writer import PlanningAccess, Writer
    from unlost.model.source.checklist import ChecklistStep
    from unlost.model.source.quota import Quota
    from unlost.model.source.reading import (
        Cursor,
        FileRef,
        Page,
        ReadTask,
        Ready,
        RowCheckPart,
        Rows,
        Wait,
    )
    from unlost.model.source.schema import Schema, Table
    from unlost.model.source.sign_in import SignInCode, SignInRequest


class Source(Protocol):
    """The read side of an org. No method writes."""

    def identity(self) -> OrgIdentity:
        """Return the identity of this org."""
        ...

    def server_time(self) -> datetime:
        """Return the source's clock now, however wrong.

        A backup counts by the lower of this clock and the local one.
        """
        ...

    def discover(self) -> Schema:
        """Return tables, columns, references, findings, and the permission fingerprint."""
        ...

    def grants(self, schema: Schema) -> Mapping[str, frozenset[str]]:
        """Return the rights of the user on the rows of each table now, as ``Schema.grants`` does."""
        ...

    def quotas(self) -> Sequence[Quota]:
        """Return storage and API quotas."""
        ...

    def checklist(self, schema: Schema) -> Sequence[ChecklistStep]:
        """Return the steps of the org's setup with their state now; empty if it needs none."""
        ...

    def deleted_along(self, table: Table) -> Sequence[str]:
        """Return tables, also ones that are not read, whose rows go with a deleted record of this one."""
        ...

    def record_counts(self) -> Mapping[str, int]:
        """Return about how many records each table has, in a few calls; empty if not reported."""
        ...

    def cursor_at(self, table: Table, when: datetime) -> Cursor | None:
        """Return the cursor for a table whose read began at ``when``; None if it has none."""
        ...

    def plan_reads(
        self, table: Table, since: Cursor | None, *, nightly: Cursor | None = None
    ) -> Sequence[ReadTask]:
        """Plan the tasks that read a table: all of it (``since`` None), or its changes.

        Deletes come first. The connector subtracts its own overlap from the cursor. For an old
        cursor it may return tasks that are ``full``. ``nightly``: the cursor of the last nightly
        backup; only with it the tasks may also be ``full`` because a regular full read is due since
        then.
        """
        ...

    def plan_row_check(
        self,
        table: Table,
        since: Cursor,
        part: RowCheckPart,
        *,
        stored: Callable[[], Iterator[pa.Array]],
    ) -> Sequence[ReadTask]:
        """Plan the tasks that read unchanged rows of a part; only for tables with ROW_CHECK.

        They deliver all rows of the part that a read from the cursor omits, and may deliver more.
        The connector cuts the parts; for the same ``part.of`` they cover the table, and may overlap.
        ``stored`` lists the live ids of the vault in bounded arrays, in any order, for a connector
        that cuts by them.
        """
        ...

    def prepare(self, task: ReadTask) -> Ready | Wait:
        """Start work that the source does asynchronously, or check its state."""
        ...

    def read(self, task: ReadTask) -> Iterator[Page]:
        """Read the pages of a prepared task, each proved; ends only when the task is complete."""
        ...

    def read_together(
        self, tasks: Sequence[ReadTask]
    ) -> Iterator[tuple[ReadTask, Sequence[Page] | None]]:
        """Read tasks that were planned, in as few calls as the source allows; in any order.

        Gives the pages of a task once all of it was read, each proved as those of ``read``. None
        for a task that must be prepared and read alone, such as a large one or one that the source
        refused; it may be another task for the same rows.
        """
        ...

    def live_among(self, wanted: Sequence[tuple[Table, Sequence[str]]]) -> Sequence[frozenset[str]]:
        """Return which of these ids have live records, in as few calls as the source allows.

        A restore asks for thousands of ids, and the connector divides them.
        """
        ...

    def read_ids(self, table: Table, ids: Sequence[str]) -> Iterator[Page]:
        """Read the rows of these ids, including deleted ones; missing ids are omitted.

        A backup asks for 500 ids. A record that is omitted here counts as deleted.
        """
        ...

    def census(self, table: Table) -> Iterator[pa.Array]:
        """List every live canonical id, in any order, in bounded arrays; raises if incomplete."""
        ...

    def count(self, table: Table) -> int | None:
        """Return the number of live rows that this user may see, by the source's own count.

        None if the source does not count, or counts on another basis, such as hidden rows too.
        """
        ...

    def files_in(self, table: Table, rows: Rows) -> Sequence[FileRef]:
        """Return the files of these rows, and the images in their texts (``Table.image_columns``).

        Rows whose file has no bytes have none.
        """
        ...

    def open_file(self, ref: FileRef) -> AbstractContextManager[BinaryIO]:
        """Open a file as a stream; reading raises IntegrityError if its bytes are wrong."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """The small ports that a connector may use; ``cache`` is None if nothing may be cached."""

    clock: Clock
    entropy: Entropy
    secrets: SecretStore
    budget: Budget
    observer: Observer
    cache: Cache | None = None


@dataclass(frozen=True, slots=True)
class SecretField:
    """A secret that a connector reads from the secret store under ``name``, as a form shows it.

    ``required``: the org cannot be opened without it. ``lines``: a text of several lines, for
    example a private key, that comes from a file and is not typed.
    """

    name: str
    label: str
    help: str = ""
    required: bool = True
    lines: bool = False


class BrowserSignIn(Protocol):
    """Leads a person through the sign-in page of an org (OAuth 2.0 with PKCE)."""

    def address(self, config: object, request: SignInRequest) -> str:
        """Return the address of the org's sign-in page; makes no call."""
        ...

    def redeem(self, config: object, context: Context, answer: SignInCode) -> None:
        """Exchange the code, and store the secrets of this sign-in in ``context.secrets``.

        Raises NotAllowed if the org refuses, or if its answer leads to a foreign host.
        """
        ...

    def refusal(self, config: object, *, error: str, description: str) -> UnlostError:
        """Return the error for a browser that returned without a code; makes no call."""
        ...


class Connector(ConnectorInfo, Protocol):
    """Speaks one SaaS. ``config``: a frozen dataclass of plain values, without secrets.

    ``name`` stands in commands; ``label`` is the name of the SaaS for people, for example
    ``Salesforce``. ``id_form`` completes the sentence "Ids of records have …", for people who typed
    another text.
    """

    name: str
    label: str
    config: type
    id_form: str

    def secrets(self, config: object | None) -> Sequence[SecretField]:
        """Return the secrets that this config needs; with None, all that any config may need."""
        ...

    def open_source(self, config: object, context: Context) -> AbstractContextManager[Source]:
        """Open the org that ``config`` names, for reading."""
        ...

    def open_writer(self, config: object, context: Context) -> AbstractContextManager[Writer]:
        """Open the org for writing; config and secrets belong to the write user."""
        ...

    def open_planning(
        self, config: object, context: Context
    ) -> AbstractContextManager[PlanningAccess]:
        """Open the org with its backup user, to plan restores without a write user.

        Capabilities are those of a write user with every permission, as far as they can be known.
        """
        ...

    def write_permissions(self) -> Sequence[str]:
        """List the permissions that a write user needs, in the source's own terms."""
        ...

    def bypass_kinds(self) -> Sequence[BypassKind]:
        """List the kinds of bypass that an org can have; empty for none."""
        ...

    def browser_sign_in(self) -> BrowserSignIn | None:
        """Return the sign-in by browser; None if no method of ``sign_in`` uses one."""
        ...
