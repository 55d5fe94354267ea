"""The write side of one org (port ``Writer``): chooses the API of each call."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import BinaryIO

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.access.identity import read_identity
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.shapes import DescribedObject
from unlost.connectors.salesforce.writing.answers import (
    DUPLICATE,
    deleted,
    without_bulk,
)
from unlost.connectors.salesforce.writing.automation import automation_of
from unlost.connectors.salesforce.writing.bypass import (
    BypassSwitch,
    calling_user,
    check_bypass,
    read_bypass,
    set_bypass,
    switch_of,
)
from unlost.connectors.salesforce.writing.calls import WriteClient
from unlost.connectors.salesforce.writing.capability import (
    ROWS_PER_CALL,
    Describe,
    StatusValues,
    capability_of,
)
from unlost.connectors.salesforce.writing.collections import CollectionCalls
from unlost.connectors.salesforce.writing.ingest import IngestJobs
from unlost.connectors.salesforce.writing.locks import locks_of
from unlost.connectors.salesforce.writing.lookups import RecordLookups
from unlost.connectors.salesforce.writing.permissions import (
    check_hard_delete,
    missing_for,
    no_hard_delete,
)
from unlost.connectors.salesforce.writing.rules import rule_for
from unlost.connectors.salesforce.writing.shape import shaped
from unlost.connectors.salesforce.writing.soap import RecycleBin
from unlost.connectors.salesforce.writing.uploads import FileUploads
from unlost.connectors.salesforce.writing.values import fits_bulk
from unlost.kit.outcomes import done, unknown
from unlost.model.bypass import AutomationList, Bypass, BypassState
from unlost.model.errors import UnlostError, UsageError
from unlost.model.org import OrgIdentity
from unlost.model.ports.system import Clock, Entropy
from unlost.model.source.locks import LockList, RecordsByTable
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Table
from unlost.model.source.writing import (
    MissingPermission,
    RecordQuery,
    ReferrerQuery,
    RowOutcome,
    WriteCapability,
    WriteOp,
    WriteRow,
)

# A call of a client that ended may still be in progress: its effect shows within seconds.
SETTLE_SECONDS = 2.0
# Rows that collections write in three calls: the smallest job takes as many.
BY_COLLECTIONS = 3 * ROWS_PER_CALL
# With fewer calls left in the org's day than this, jobs replace small calls (docs/adr/0019).
SCARCE = 5_000
NO_BULK = "INVALIDENTITY"
NOT_ENABLED = "FEATURENOTENABLED"
STATUSES = {"Order": "OrderStatus", "Contract": "ContractStatus"}
DRAFT, ACTIVATED = "Draft", "Activated"  # categories of a status
DELETE_CONTRACTS = "PermissionsDeleteActivatedContract"


class SalesforceWriter:
    """Writes to one org as the write user. Safe for threads, once tables are prepared."""

    def __init__(self, client: WriteClient, *, clock: Clock, entropy: Entropy) -> None:
        self._client = client
        self._api = client.api
        self._clock = clock
        self._lookups = RecordLookups(self._api)
        self._collections = CollectionCalls(client, entropy)
        self._jobs = IngestJobs(client, entropy)
        self._bin = RecycleBin(client)
        self._uploads = FileUploads(client, entropy)
        self._describes: dict[str, Describe] = {}
        self._capabilities: dict[str, WriteCapability] = {}
        self._standard_pricebook: str | None = None
        self._identity: OrgIdentity | None = None
        self._switches: dict[tuple[Bypass, str], BypassSwitch] = {}

    def identity(self) -> OrgIdentity:
        """The org's identity; read once, since a sign-in cannot move to another org."""
        self._identity = self._identity or read_identity(self._api)
        return self._identity

    def user_id(self) -> str:
        """The id of the write user."""
        return calling_user(self._api)

    def server_time(self) -> datetime:
        """Salesforce's clock at its last answer."""
        return self._api.recent_time()

    def missing(self, tables: Sequence[Table]) -> Sequence[MissingPermission]:
        """The permissions that the write user lacks for these tables."""
        return missing_for(self._api, tables, describe=self._described)

    def prepare(self, tables: Sequence[Table]) -> None:
        """Describe these tables in one call; refused ones are requested again when needed."""
        names = [table.name for table in tables if table.name not in self._describes]
        if len(names) > 1:
            answers = self._api.batch([f"sobjects/{name}/describe" for name in names])
            self._describes |= {
                name: answer.read(DescribedObject)
                for name, answer in zip(names, answers, strict=True)
                if answer.status == 200
            }

    def capability(self, table: Table) -> WriteCapability:
        """The write capability by this user's describe."""
        if table.name not in self._capabilities:
            describe = self._described(table.name)
            status = self._status(table.name) if table.name in STATUSES else None
            self._capabilities[table.name] = capability_of(
                describe, status=status, sparing=self._few_calls_left()
            )
        return self._capabilities[table.name]

    def write(
        self,
        op: WriteOp,
        table: Table,
        rows: Sequence[WriteRow],
        *,
        token: str,  # noqa: ARG002  Salesforce has no place for it
    ) -> Sequence[RowOutcome]:
        """Write rows: SOAP for the bin, jobs for many rows and hard deletes, else collections."""
        if op is WriteOp.UNDELETE:
            return self._bin.undelete(rows)
        if op.deletes:
            ids_only = [WriteRow(row.key, row.id) for row in rows]
            delete = self._delete if op is WriteOp.DELETE else self._hard_delete
            return [deleted(outcome) for outcome in delete(table, ids_only)]
        outcomes = self._twins(table, rows) if op is WriteOp.CREATE else {}
        write_rows = [row for row in rows if row.key not in outcomes]
        outcomes |= (
            {outcome.key: outcome for outcome in self._sent(op, table, write_rows)}
            if write_rows
            else {}
        )
        outcomes |= self._twins(table, [r for r in rows if outcomes[r.key].native in DUPLICATE])
        return [outcomes[row.key] for row in rows]

    def upload(
        self,
        table: Table,
        row: WriteRow,
        body: BinaryIO,
        *,
        token: str,  # noqa: ARG002  Salesforce has no place for it
    ) -> RowOutcome:
        """Create a record with its file, streamed."""
        column = self.capability(table).file_column
        if column is None:
            raise UsageError("no-file-column", "Records of {table} have no file.", table=table.name)
        return self._uploads.create(table, column, self._shaped(WriteOp.CREATE, table, row), body)

    def find(
        self, table: Table, columns: tuple[str, ...], values: Iterable[tuple[str, ...]]
    ) -> Mapping[tuple[str, ...], str]:
        """Live records by a key."""
        return self._lookups.find(table, columns, values)

    def fetch(self, table: Table, ids: Sequence[str], *, columns: Sequence[str]) -> Rows:
        """Live records by id; columns that the org no longer has are null."""
        return self._lookups.fetch(table, ids, self._known(table, columns))

    def fetch_several(self, queries: Sequence[RecordQuery]) -> Sequence[Rows]:
        """Live records of several tables in few calls; vanished columns are null."""
        return self._lookups.fetch_several(
            [replace(query, columns=self._known(query.table, query.columns)) for query in queries]
        )

    def referrers(self, queries: Sequence[ReferrerQuery]) -> Sequence[Rows | None]:
        """Live records by what a column refers to, 25 queries a call."""
        return self._lookups.referrers(queries)

    def recent(
        self, table: Table, since: datetime, *, columns: Sequence[str], sent: Sequence[WriteRow]
    ) -> Rows:
        """Records created since then."""
        known = self._known(table, columns)
        births = None
        if self.capability(table).audit:
            births = [row.cells.get("CreatedDate") for row in sent]
        return self._lookups.recent(table, since, known, births=births)

    def settle(self, table: Table, *, since: datetime) -> None:
        """Wait for writes that may still be in progress."""
        self._jobs.settle(table, since=since.strftime("%Y-%m-%dT%H:%M:%S"))
        self._clock.sleep(SETTLE_SECONDS)

    def automation(self, tables: Sequence[Table]) -> AutomationList:
        """The active automation of these objects, in five calls."""
        return automation_of(self._api, [table.name for table in tables])

    def locks(self, records: RecordsByTable) -> LockList:
        """Records in an approval, and published articles."""
        return locks_of(self._api, records, writes=True)

    def bypass(self, bypass: Bypass, *, user: str = "") -> BypassState:
        """The state of a permission set or custom setting for the write user, or another user."""
        return read_bypass(self._switch(bypass, user), bypass)

    def check_bypass(self, bypass: Bypass) -> None:
        """Check the rights that Salesforce describes."""
        check_bypass(self._switch(bypass), bypass)

    def check_hard_delete(self) -> None:
        """Check the permission, as far as Salesforce reports it."""
        check_hard_delete(self._api)

    def set_bypass(self, bypass: Bypass, state: BypassState, *, user: str = "") -> None:
        """Switch it by one call."""
        set_bypass(self._client, self._switch(bypass, user), bypass, state)

    # --- inside ------------------------------------------------------------------------------------

    def _delete(self, table: Table, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        if len(rows) <= BY_COLLECTIONS:
            return self._collections.delete(rows)
        try:
            return self._jobs.write(WriteOp.DELETE, table, rows)
        except SalesforceRefusal as refusal:
            # Some objects have no Bulk API; the refusal came before anything was deleted.
            if not refusal.has_code(NO_BULK):
                raise
            return self._collections.delete(rows)

    def _hard_delete(self, table: Table, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        """Only jobs skip the recycle bin (Bulk API 2.0 guide, create a job)."""
        try:
            return self._jobs.write(WriteOp.HARD_DELETE, table, rows)
        except SalesforceRefusal as refusal:
            if refusal.has_code(NOT_ENABLED):
                raise no_hard_delete() from refusal
            if refusal.has_code(NO_BULK):
                return [without_bulk(row, table.name) for row in rows]
            raise

    def _sent(self, op: WriteOp, table: Table, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        ready = [self._shaped(op, table, row) for row in rows]
        outcomes: dict[str, RowOutcome] = {}
        try:
            for part in self._parts(op, table, ready):
                outcomes |= {outcome.key: outcome for outcome in part}
        except UnlostError:
            if not outcomes:
                raise
            # An earlier part wrote: its outcomes must reach the journal, or it is written again.
        return [outcomes.get(row.key, unknown(row.key)) for row in ready]

    def _parts(
        self, op: WriteOp, table: Table, ready: Sequence[WriteRow]
    ) -> Iterator[list[RowOutcome]]:
        """Write the rows one part after the other; the outcomes of each."""
        capability = self.capability(table)
        lists = frozenset(gather.column for gather in capability.gathers)
        for wave in self._waves(table, ready):
            if len(wave) <= BY_COLLECTIONS:
                file = capability.file_column
                yield self._collections.write(op, table, wave, lists=lists, file=file)
                continue
            large = [row for row in wave if fits_bulk(row.cells)]
            single = [row for row in wave if not fits_bulk(row.cells)]
            if large:
                yield self._jobs.write(op, table, large)
            if single:
                yield self._collections.write(op, table, single, lists=lists)

    def _shaped(self, op: WriteOp, table: Table, row: WriteRow) -> WriteRow:
        return shaped(row, table.name) if op is WriteOp.CREATE else row

    def _waves(self, table: Table, rows: Sequence[WriteRow]) -> list[list[WriteRow]]:
        """Standard prices go first (error STANDARD_PRICE_NOT_DEFINED)."""
        if table.name != "PricebookEntry":
            return [list(rows)]
        if self._standard_pricebook is None:
            pricebooks = self._api.query(soql.select(("Id",), "Pricebook2", "IsStandard = true"))
            self._standard_pricebook = str(pricebooks[0]["Id"]) if pricebooks else ""
        first = [r for r in rows if r.cells.get("Pricebook2Id") == self._standard_pricebook]
        rest = [r for r in rows if r.cells.get("Pricebook2Id") != self._standard_pricebook]
        return [wave for wave in (first, rest) if wave]

    def _twins(self, table: Table, rows: Sequence[WriteRow]) -> dict[str, RowOutcome]:
        """Existing links, which Salesforce would refuse as duplicates."""
        outcomes: dict[str, RowOutcome] = {}
        for key in rule_for(table.name).keys if rule_for(table.name).accept_twin else ():
            keyed = ((row.key, key.of(row.cells)) for row in rows)
            by_row = {row: value for row, value in keyed if value is not None}
            live = self._lookups.find(table, key.columns, by_row.values()) if by_row else {}
            outcomes |= {
                row: done(row, live[value]) for row, value in by_row.items() if value in live
            }
        return outcomes

    def _switch(self, bypass: Bypass, user: str = "") -> BypassSwitch:
        """The switch of a bypass, which remembers what does not change."""
        if (bypass, user) not in self._switches:
            self._switches[bypass, user] = switch_of(self._api, bypass, user=user)
        return self._switches[bypass, user]

    def _few_calls_left(self) -> bool:
        calls_left = self._api.calls_left
        return calls_left is not None and calls_left < SCARCE

    def _described(self, name: str) -> Describe:
        if name not in self._describes:
            path = f"sobjects/{name}/describe"
            self._describes[name] = self._api.get_json(path, DescribedObject)
        return self._describes[name]

    def _known(self, table: Table, columns: Sequence[str]) -> list[str]:
        fields = {field["name"] for field in self._described(table.name)["fields"]}
        lists = {gather.column for gather in self.capability(table).gathers}
        return [name for name in columns if name in fields and name not in lists]

    def _status(self, name: str) -> StatusValues:
        """The initial status of records of this object, and those that prevent their deletion."""
        try:
            rows = self._api.query(soql.select(("ApiName", "StatusCode"), STATUSES[name]))
        except SalesforceRefusal:
            rows = []
        names: dict[str, list[str]] = {}
        for row in rows:
            names.setdefault(str(row["StatusCode"]), []).append(str(row["ApiName"]))
        free = name == "Contract" and self._deletes_activated_contracts()
        locks = tuple(names.get(ACTIVATED, [ACTIVATED]))
        return StatusValues(names.get(DRAFT, [DRAFT])[0], locks, free)

    def _deletes_activated_contracts(self) -> bool:
        """True if the user is known to have this permission (Salesforce help: delete contracts)."""
        try:
            rows = self._api.query(soql.select((DELETE_CONTRACTS,), "UserPermissionAccess"))
        except SalesforceRefusal:
            return False
        return bool(rows and rows[0].get(DELETE_CONTRACTS))
