"""The calls of the Table API, the Aggregate API and the Attachment API that a backup needs.

Sources: ServiceNow docs, "Table API", "Aggregate API" and "Attachment API". That X-Total-Count and
the counts of the Aggregate API include rows that row ACLs hide is an inference: the Table API page
says that the limit is applied before ACLs.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from urllib.parse import quote, urlencode

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.servicenow.http.errors import SERVICENOW, TABLE, judge, to_error, understand
from unlost.kit.http import (
    FILE,
    BodyStream,
    CallSigner,
    HttpAnswer,
    HttpCall,
    HttpClient,
    HttpPolicy,
    Throttle,
    Transport,
)
from unlost.kit.http.body import number_in
from unlost.kit.http.source_clock import SourceClock
from unlost.kit.json_lists import empty_as_null, listed_batch
from unlost.kit.json_to_arrow import MalformedAnswer, decode
from unlost.model.ports.source import Context

JSON = {"Accept": "application/json"}
PARALLEL = 4  # calls at a time: an instance has few semaphores for REST
LONGEST_FIELDS = 6_000  # characters; longer addresses may be refused, so all columns are read
LONGEST_PAUSE = 120.0  # seconds; a rate rule asks for up to an hour, and the run parks


class CountedGroup(msgspec.Struct):
    """The statistics of one answer of the Aggregate API; numbers are texts."""

    stats: dict[str, str | dict[str, str]] = {}


class CountAnswer(msgspec.Struct):
    """An answer of the Aggregate API without groups."""

    result: CountedGroup


class GroupField(msgspec.Struct):
    """A column by which rows are grouped, and its value in one group."""

    field: str
    value: str = ""


class RowGroup(CountedGroup):
    """The statistics of the rows with the same value."""

    groupby_fields: list[GroupField] = []


class GroupsAnswer(msgspec.Struct):
    """An answer of the Aggregate API; it has no list if ServiceNow did not group the rows."""

    result: list[RowGroup] | CountedGroup


class RawRows(msgspec.Struct):
    """Rows whose members are looked at."""

    result: list[dict[str, msgspec.Raw]]


@dataclass(frozen=True, slots=True)
class TablePage:
    """Rows of a page as text columns, with the instance's time.

    ``total``: the rows of the whole query before ACLs; None if the call did not ask for it.
    ``absent``: by column, the rows in whose answer it is left out, as ServiceNow hides cells.
    """

    cells: pa.RecordBatch
    total: int | None
    at: datetime
    size: int
    absent: Mapping[str, pa.BooleanArray] = field(default_factory=dict)

    @property
    def ids(self) -> pa.Array:
        """The ids of the rows."""
        return self.cells.column("sys_id")

    def __len__(self) -> int:
        return int(self.cells.num_rows)


@dataclass(frozen=True, slots=True)
class RawPage:
    """Rows of a page as they came: hidden cells are missing. The rest is as in ``TablePage``."""

    rows: Sequence[Mapping[str, msgspec.Raw]]
    total: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class PageCall:
    """A page to ask for; ``count`` also asks for the total."""

    table: str
    query: str
    columns: Sequence[str]
    limit: int
    offset: int = 0
    count: bool = False


class ServiceNowApi:
    """Calls of one instance. Safe for threads.

    ``no_domain``: rows of all domains are read (Table API, sysparm_query_no_domain).
    ``some_domains``: the user may not do so, and sees only rows of some domains. ``root``: the
    address before the name of an API.
    """

    def __init__(
        self,
        host: str,
        session: CallSigner,
        context: Context,
        *,
        page_rows: int,
        transport: Transport | None = None,
    ) -> None:
        """``page_rows``: rows that a call asks for; ``transport`` replaces the network in tests."""
        self.no_domain = False
        self.some_domains = False
        self.page_rows = page_rows
        self._ours = context.clock
        self._clock = SourceClock(context.clock)
        self.root = f"{host}/api/now"
        policy = HttpPolicy(
            TABLE,
            understand,
            to_error,
            self._clock.notice,
            source=SERVICENOW,
            judge=judge,
            longest_pause=LONGEST_PAUSE,
        )
        self.client = HttpClient(
            policy,
            clock=context.clock,
            entropy=context.entropy,
            budget=context.budget,
            session=session,
            throttle=Throttle(PARALLEL, clock=context.clock),
            transport=transport,
        )

    def now(self) -> datetime:
        """The instance's clock at its last answer, never ahead of ours."""
        return self._clock.at_last_answer() or self._ours.now()

    def page(self, call: PageCall) -> TablePage:
        """Read a page. Raises PageCancelled if it took the instance too long."""
        names = list(call.columns)
        request = self._get(f"table/{quote(call.table, safe='')}", self._parameters(call))
        return self.client.send_for(request, partial(self._table_page, names=names))

    def raw_page(self, call: PageCall) -> RawPage:
        """Read a page as it comes. Raises PageCancelled if it took the instance too long."""
        request = self._get(f"table/{quote(call.table, safe='')}", self._parameters(call))
        answer = self.client.send(request)
        rows = decode(answer.body, RawRows, call=answer.call).result
        total = number_in(answer.headers, "x-total-count")
        return RawPage(rows, total, self._clock.time_of(answer.headers))

    def count(self, table: str, query: str) -> int:
        """The number of rows of a query before row ACLs. Raises SourceRefused."""
        parameters = {"sysparm_count": "true", "sysparm_query": query, **self.domains()}
        answer = self.client.send(self._get(f"stats/{quote(table, safe='')}", parameters))
        return _count_in(decode(answer.body, CountAnswer, call=answer.call).result, answer)

    def count_by(self, table: str, column: str) -> dict[str, int] | None:
        """The number of rows by their value in a column; None if ServiceNow did not group them."""
        parameters = {"sysparm_count": "true", "sysparm_group_by": column, **self.domains()}
        answer = self.client.send(self._get(f"stats/{quote(table, safe='')}", parameters))
        groups = decode(answer.body, GroupsAnswer, call=answer.call).result
        if isinstance(groups, CountedGroup):
            return None if _count_in(groups, answer) else {}
        values = (
            next((each.value for each in group.groupby_fields if each.field == column), None)
            for group in groups
        )
        counts = {
            value: _count_in(group, answer)
            for value, group in zip(values, groups, strict=True)
            if value is not None
        }
        return counts if len(counts) == len(groups) else None

    def file(self, record: str) -> AbstractContextManager[BodyStream]:
        """The bytes of an attachment as a stream."""
        url = f"{self.root}/attachment/{quote(record, safe='')}/file"
        return self.client.stream(HttpCall("GET", url, {"Accept": "*/*"}, limits=FILE))

    def _get(self, path: str, parameters: dict[str, str]) -> HttpCall:
        url = f"{self.root}/{path}?{urlencode(parameters, quote_via=quote)}"
        return HttpCall("GET", url, JSON, accept=frozenset({200}))

    def _parameters(self, call: PageCall) -> dict[str, str]:
        fields = ",".join(call.columns)
        return {
            "sysparm_query": call.query,
            "sysparm_limit": str(call.limit),
            "sysparm_exclude_reference_link": "true",
            "sysparm_suppress_pagination_header": "true",
            **({"sysparm_fields": fields} if len(fields) <= LONGEST_FIELDS else {}),
            **({"sysparm_offset": str(call.offset)} if call.offset else {}),
            **({} if call.count else {"sysparm_no_count": "true"}),
            **self.domains(),
        }

    def domains(self) -> dict[str, str]:
        """The parameter that lets a call see the rows of all domains."""
        return {"sysparm_query_no_domain": "true"} if self.no_domain else {}

    def _table_page(self, answer: HttpAnswer, *, names: Sequence[str]) -> TablePage:
        cells = listed_batch(answer.body, names, empty_is_null=False, call=answer.call)
        return TablePage(
            empty_as_null(cells),
            number_in(answer.headers, "x-total-count"),
            self._clock.time_of(answer.headers),
            len(answer.body),
            {
                name: pc.is_null(cells.column(name))
                for name in names
                if cells.column(name).null_count
            },
        )


def _count_in(group: CountedGroup, answer: HttpAnswer) -> int:
    count = number_in({"": str(group.stats.get("count", ""))}, "")
    if count is None:
        raise MalformedAnswer("it has no count", call=answer.call)
    return count
