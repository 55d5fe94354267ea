"""The answers of a simple source, so that the connector of one writes only what its source has.

A connector inherits from these classes and overrides what is different: a source with quotas
overrides ``quotas``, a source with files overrides ``files_in`` and ``open_file``. Methods that
every source answers in its own way are not here. See docs/howto/write-a-connector.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from unlost.model.archive_facts import ArchiveFacts
from unlost.model.bypass import Bypass, BypassKind, BypassState
from unlost.model.errors import NotFound, UsageError
from unlost.model.losses import LossRule, LossRules
from unlost.model.source.display import DisplayRule
from unlost.model.source.locks import NO_LOCKS, LockList, RecordsByTable
from unlost.model.source.reading import FileRef, Op, Page, ReadTask, Ready, Rows, Wait
from unlost.model.source.schema import ColumnTrait
from unlost.model.source.sign_in import SignInMethods

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    import pyarrow as pa

    from unlost.model.archive import ArchivePolicy
    from unlost.model.bypass import AutomationList
    from unlost.model.ports.source import BrowserSignIn
    from unlost.model.source.checklist import ChecklistStep
    from unlost.model.source.connector_info import Expiry
    from unlost.model.source.quota import Quota
    from unlost.model.source.reading import Cursor, RowCheckPart
    from unlost.model.source.schema import Schema, Table
    from unlost.model.source.shared_files import SharedFile
    from unlost.model.source.writing import (
        MissingPermission,
        RecordQuery,
        RowOutcome,
        WriteRow,
    )
    from unlost.model.storage import FileVersionRule, MailRule, StorageRule

# Of ``kit.sessions``: other credentials repair these.
SIGN_IN_ERRORS = frozenset({"secret-missing", "secret-refused", "secret-unsendable"})

NUMBERING = frozenset({
    ColumnTrait.UNIQUE, ColumnTrait.EXTERNAL_ID, ColumnTrait.AUTO_NUMBER,
})  # fmt: skip


class PlainConnector:
    """Facts about a source with one method of the sign-in, and without quotas, mails and archives.

    ``id_pattern``: the form of the ids of its records.
    """

    storage_stop = 1.0
    id_pattern: re.Pattern[str]

    def sign_in(self) -> SignInMethods:
        """One method, signed by a session of the kit."""
        return SignInMethods(errors=SIGN_IN_ERRORS)

    def browser_sign_in(self) -> BrowserSignIn | None:
        """None."""
        return None

    def bypass_kinds(self) -> Sequence[BypassKind]:
        """None."""
        return ()

    def record_ids(self, text: str) -> Sequence[str]:
        """The text, if it has the form of an id."""
        return (text,) if self.id_pattern.fullmatch(text) else ()

    def storage_rules(self, schema: Schema) -> Mapping[str, StorageRule]:  # noqa: ARG002
        """None: records need no storage that the source reports."""
        return {}

    def mail_rules(self, schema: Schema) -> Mapping[str, MailRule]:  # noqa: ARG002
        """None: no table holds e-mails."""
        return {}

    def file_versions(self, schema: Schema) -> FileVersionRule | None:  # noqa: ARG002
        """None."""
        return None

    def shared_files(self, schema: Schema) -> Sequence[SharedFile]:  # noqa: ARG002
        """None."""
        return ()

    def archive_policies(self, schema: Schema) -> Sequence[ArchivePolicy]:  # noqa: ARG002
        """None ready-made."""
        return ()

    def archive_facts(self, schema: Schema) -> ArchiveFacts:  # noqa: ARG002
        """No protected records, and no limit of a recycle bin."""
        return ArchiveFacts()

    def loss_rules(self, schema: Schema) -> LossRules:
        """Deletions of the tables that people open, without a recycle bin."""
        return LossRules({table.name: LossRule() for table in schema.opened_tables()})

    def display_rule(self, table: Table) -> DisplayRule:
        """Unique columns are the numbers of a record; the id and the stamps are the system's."""
        names = (column.name for column in table.columns if column.traits & NUMBERING)
        numbers = tuple(name for name in names if name != table.name_column)
        stamps = (table.id_column, table.modified_column, table.modified_by_column)
        return DisplayRule(numbers, frozenset(filter(None, stamps)))

    def record_address(self, config: Mapping[str, Any], table: str, record: str) -> str:  # noqa: ARG002
        """Unknown."""
        return ""

    def expiries(self, secrets: Mapping[str, str]) -> Sequence[Expiry]:  # noqa: ARG002
        """None: its credentials do not expire."""
        return ()


class PlainSource(ABC):
    """Reads a source that does no work in the background, and has no files and no quotas."""

    @abstractmethod
    def discover(self) -> Schema:
        """See the port ``Source``."""

    @abstractmethod
    def read_ids(self, table: Table, ids: Sequence[str]) -> Iterator[Page]:
        """See the port ``Source``."""

    def grants(self, schema: Schema) -> Mapping[str, frozenset[str]]:
        """The rights by a new call of ``discover``."""
        names = {table.name for table in schema.tables}
        return {name: now for name, now in self.discover().grants().items() if name in names}

    def quotas(self) -> Sequence[Quota]:
        """None."""
        return ()

    def checklist(self, schema: Schema) -> Sequence[ChecklistStep]:  # noqa: ARG002
        """None: there is nothing to set up."""
        return ()

    def deleted_along(self, table: Table) -> Sequence[str]:  # noqa: ARG002
        """None: deleted records take no others along."""
        return ()

    def record_counts(self) -> Mapping[str, int]:
        """Not reported."""
        return {}

    def plan_row_check(
        self,
        table: Table,  # noqa: ARG002
        since: Cursor,  # noqa: ARG002
        part: RowCheckPart,  # noqa: ARG002
        *,
        stored: Callable[[], Iterator[pa.Array]],  # noqa: ARG002
    ) -> Sequence[ReadTask]:
        """None: no table has the trait ROW_CHECK."""
        return ()

    def prepare(self, task: ReadTask) -> Ready | Wait:
        """Ready: the source does no work in the background."""
        return Ready((task,))

    def read_together(
        self, tasks: Sequence[ReadTask]
    ) -> Iterator[tuple[ReadTask, Sequence[Page] | None]]:
        """Each task is read alone."""
        yield from ((task, None) for task in tasks)

    def live_among(self, wanted: Sequence[tuple[Table, Sequence[str]]]) -> Sequence[frozenset[str]]:
        """The live ones among the rows that ``read_ids`` returns."""
        return [
            frozenset().union(*map(_live_ids, self.read_ids(table, ids))) for table, ids in wanted
        ]

    def files_in(self, table: Table, rows: Rows) -> Sequence[FileRef]:  # noqa: ARG002
        """None."""
        return ()

    def open_file(self, ref: FileRef) -> AbstractContextManager[BinaryIO]:
        """Raise NotFound: no record has a file."""
        raise NotFound(
            "file-missing", "The file of {record} does not exist.", record=ref.record or ref.name
        )


def _live_ids(page: Page) -> frozenset[str]:
    live = page.rows.ids.filter(pc.equal(page.rows.ops, Op.STATE.value))
    return frozenset(live.to_pylist())


class PlainPlanning(ABC):
    """Rules of a source without locks and bypasses, for plans.

    A connector that cannot list automation names all kinds of it as ``unlisted``.
    """

    @abstractmethod
    def missing(self, tables: Sequence[Table]) -> Sequence[MissingPermission]:
        """See the port ``PlanningAccess``."""

    @abstractmethod
    def automation(self, tables: Sequence[Table]) -> AutomationList:
        """See the port ``PlanningAccess``."""

    def locks(self, records: RecordsByTable) -> LockList:  # noqa: ARG002
        """None."""
        return NO_LOCKS

    def bypass(self, bypass: Bypass, *, user: str = "") -> BypassState:  # noqa: ARG002
        """Raise UsageError (``bypass-unknown``)."""
        raise _no_bypass(bypass)

    def check_bypass(self, bypass: Bypass) -> None:
        """Raise UsageError (``bypass-unknown``)."""
        raise _no_bypass(bypass)

    def check_hard_delete(self) -> None:  # noqa: B027  an answer, which may be overridden
        """Nothing: a capability without hard deletes says it."""


class PlainWriter(PlainPlanning):
    """Writes to a source without files, one query at a time."""

    @abstractmethod
    def fetch(self, table: Table, ids: Sequence[str], *, columns: Sequence[str]) -> Rows:
        """See the port ``Writer``."""

    def prepare(self, tables: Sequence[Table]) -> None:
        """Nothing: no table needs to be looked up."""

    def upload(
        self,
        table: Table,
        row: WriteRow,  # noqa: ARG002
        body: BinaryIO,  # noqa: ARG002
        *,
        token: str,  # noqa: ARG002
    ) -> RowOutcome:
        """Raise UsageError (``no-file-column``)."""
        raise UsageError("no-file-column", "Records of {table} have no file.", table=table.name)

    def fetch_several(self, queries: Sequence[RecordQuery]) -> Sequence[Rows]:
        """Fetch them query by query."""
        return [self.fetch(query.table, query.ids, columns=query.columns) for query in queries]

    def set_bypass(self, bypass: Bypass, state: BypassState, *, user: str = "") -> None:  # noqa: ARG002
        """Raise UsageError (``bypass-unknown``)."""
        raise _no_bypass(bypass)


def _no_bypass(bypass: Bypass) -> UsageError:
    return UsageError(
        "bypass-unknown",
        "This source has no bypass of automation ({bypass}).",
        next_step="Remove the bypass from the settings of the org.",
        bypass=bypass,
    )
