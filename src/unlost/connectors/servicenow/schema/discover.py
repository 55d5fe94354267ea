"""Discovery of an instance: tables, columns, rights, and all gaps in what can be protected."""

from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from unlost.connectors.servicenow.access.config import ServiceNowConfig
from unlost.connectors.servicenow.access.identity import read_user
from unlost.connectors.servicenow.access.rights import (
    MATCH,
    RANGE,
    AccessFacts,
    missing_rights,
    read_access,
)
from unlost.connectors.servicenow.http.api import PARALLEL, PageCall, ServiceNowApi
from unlost.connectors.servicenow.http.errors import PageCancelled, ServiceNowRefusal
from unlost.connectors.servicenow.http.walk import ID, RowCondition
from unlost.connectors.servicenow.schema.classes import unread_classes
from unlost.connectors.servicenow.schema.dictionary import (
    DictionaryTable,
    InstanceDictionary,
    read_dictionary,
)
from unlost.connectors.servicenow.schema.encrypted import blank_secrets
from unlost.connectors.servicenow.schema.excluded import ARCHIVE, closed, reason_of
from unlost.connectors.servicenow.schema.kinds import PASSWORDS
from unlost.connectors.servicenow.schema.newest import NEWEST_FIRST, PROBED_ROWS, NewestRows
from unlost.connectors.servicenow.schema.tables import (
    CLASS,
    EVIDENCE,
    UPDATED,
    classes_of,
    has_classes,
    is_opened,
    is_read,
    stamp_of,
    table_of,
)
from unlost.connectors.servicenow.schema.unanswered import find_unanswered
from unlost.kit.exclusions import excluded_by_settings, table_not_data, table_refused
from unlost.kit.rights import rights_hash
from unlost.kit.tables import with_described_logs
from unlost.model.errors import IntegrityError, SourceRefused, TransientError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.schema import ALL_ROWS, Schema, Table

DOMAIN = "sys_domain"


@dataclass(frozen=True, slots=True)
class TablePlace:
    """The place of a table's rows.

    ``sources``: the table, and the table to which the instance archives its rows. ``lineage``: the
    table and its ancestors; the last one, the root, shows all classes. ``by_class``: the table also
    shows rows of other classes. ``blocked``: the column that a query ACL closes, if any.
    """

    sources: tuple[str, ...]
    lineage: tuple[str, ...]
    by_class: bool = False
    blocked: str = ""

    def conditions(self, table: str) -> tuple[RowCondition, ...]:
        """The condition on the class of the rows, where they have one."""
        return (RowCondition(CLASS, among=(table,)),) if self.by_class else ()


@dataclass(frozen=True, slots=True)
class DiscoveredInstance:
    """A schema, the places of its tables, and the newest rows of those where they are proved."""

    schema: Schema
    places: Mapping[str, TablePlace]
    newest: Mapping[str, NewestRows]

    def place(self, table: str) -> TablePlace:
        """The place of a table; an unknown one has no other place."""
        return self.places.get(table) or TablePlace((table,), (table,))


def discover(api: ServiceNowApi, config: ServiceNowConfig) -> DiscoveredInstance:
    """Read the schema of the instance as the backup user sees it."""
    dictionary = read_dictionary(api)
    domains = list(find_domains(api, dictionary))
    access = read_access(api)
    findings = [*missing_rights(access), *domains]
    described = {name: dictionary.table(name) for name in sorted(dictionary.tables)}
    wanted: list[DictionaryTable] = []
    for table in described.values():
        finding = _left_out(table, dictionary, config)
        if finding is not None:
            findings.append(finding)
        elif _is_table(table, described):
            wanted.append(table)
    findings += unread_classes(api, config, wanted, described=described)
    places = {table.name: place_of(table, described, access) for table in wanted}
    counted = frozenset(
        table.name for table in wanted if _is_counted(table, places[table.name], access)
    )
    probes = _probe(api, wanted, counted)
    refused = [probe for probe in probes if isinstance(probe, Finding)]
    findings += refused
    readable = {table.name: probe for table, probe in zip(wanted, probes, strict=True)
                if not isinstance(probe, Finding)}  # fmt: skip
    classes = classes_of({name: table.lineage for name, table in described.items()})
    opened = tuple(table.name for table in wanted if is_opened(table))
    tables = [
        _table(table, readable[table.name].absent, access, classes=classes, of_records=opened)
        for table in wanted
        if table.name in readable
    ]
    unanswered = find_unanswered(api, [table for table in wanted if _is_asked(table, access)])
    hidden = {table.name: table.hidden for table in tables}
    rights = [(table.name, table.grants, table.hidden) for table in tables]
    for each in tables:
        findings += _unreadable(described[each.name])
        findings += _taken_away(each, access.before_query(described[each.name].lineage))
    places = {
        name: _blocked_place(place, hidden.get(name, ()), unanswered.get(name, ""))
        for name, place in places.items()
    }
    # A refused condition may have emptied the probe: the table would count as unchanged.
    proved = {name: probe.newest for name, probe in readable.items() if not places[name].blocked}
    return DiscoveredInstance(
        Schema(with_described_logs(tables), rights_hash(rights), tuple(findings)),
        places,
        {name: newest for name, newest in proved.items() if newest is not None},
    )


def _is_table(table: DictionaryTable, described: Mapping[str, DictionaryTable]) -> bool:
    """False for the archive of another table."""
    of = table.name.removeprefix(ARCHIVE)
    return of == table.name or of not in described


def _is_asked(table: DictionaryTable, access: AccessFacts) -> bool:
    """True if only an answer shows whether the user may query a table as backups do."""
    return access.may_lack_ranges(table.lineage, (ID, stamp_of(table)))


def _left_out(
    table: DictionaryTable, dictionary: InstanceDictionary, config: ServiceNowConfig
) -> Finding | None:
    name = table.name
    reason = reason_of(table, views=dictionary.views)
    if reason:
        return table_not_data(name, reason)
    excluded = excluded_by_settings(name, include=config.include, exclude=config.exclude)
    return excluded or (None if table.open else closed(name))


def find_domains(api: ServiceNowApi, dictionary: InstanceDictionary) -> Iterator[Finding]:
    """Read rows of all domains where rows have one; a gap if the user may not."""
    separated = [name for name in dictionary.tables if DOMAIN in dictionary.columns.get(name, {})]
    api.no_domain, api.some_domains = bool(separated), False
    if not separated:
        return
    try:
        api.page(PageCall(separated[0], f"ORDERBY{ID}", (ID,), limit=1))
    except PageCancelled:
        return  # proves nothing; a refusal then comes with each table
    except ServiceNowRefusal:
        api.no_domain, api.some_domains = False, True
        yield Finding.of(
            FindingKind.PERMISSION_MISSING,
            Severity.GAP,
            "The instance separates domains, and the backup user sees only records of some of them.",
            "Give the backup user the role query_no_domain_table_api, or admin.",
            detail="query_no_domain_table_api",
        )


@dataclass(frozen=True, slots=True)
class TableProbe:
    """The columns that the probed rows of a table lack, and what they prove about all its rows."""

    absent: frozenset[str]
    newest: NewestRows | None = None


def _is_counted(table: DictionaryTable, place: TablePlace, access: AccessFacts) -> bool:
    """True if one answer can show the number and the newest rows of all records of a table."""
    sees_all = access.grants(table.lineage) == (ALL_ROWS,) and not place.blocked
    return sees_all and UPDATED in table.columns and place.sources == (table.name,)


def _probe(
    api: ServiceNowApi, tables: Sequence[DictionaryTable], counted: Container[str]
) -> list[TableProbe | Finding]:
    """Probe each table, or give the finding of a refusal; ``counted``: those with newest rows."""

    def probe(table: DictionaryTable) -> TableProbe | Finding:
        try:
            if table.name not in counted:
                return _probe_table(api, table)
            try:
                return _probe_table(api, table, newest=True)
            except PageCancelled:  # no index helps to sort and count a large table
                return _probe_table(api, table)
        except (SourceRefused, IntegrityError) as refusal:
            return table_refused(table.name, refusal)
        except TransientError as failure:
            read_user(api)  # raises if the instance answers nothing at all
            return table_refused(table.name, failure)

    with ThreadPoolExecutor(PARALLEL) as threads:
        return list(threads.map(probe, tables))


def _probe_table(api: ServiceNowApi, table: DictionaryTable, *, newest: bool = False) -> TableProbe:
    names = [each.name for each in table.columns.values() if is_read(each)]
    of_class = f"{CLASS}={table.name}^" if has_classes(table) else ""
    order = NEWEST_FIRST if newest else f"ORDERBY{ID}"
    page = api.raw_page(
        PageCall(table.name, of_class + order, names, limit=PROBED_ROWS, count=newest)
    )
    absent = frozenset(names).difference(*page.rows) if page.rows else frozenset[str]()
    absent |= blank_secrets(api, table, f"{of_class}ORDERBY{ID}")
    return TableProbe(absent, NewestRows.of(page) if newest else None)


def _table(
    described: DictionaryTable,
    absent: frozenset[str],
    access: AccessFacts,
    *,
    classes: Mapping[str, tuple[str, ...]],
    of_records: tuple[str, ...],
) -> Table:
    """A table with the rights of the user; ``absent``: columns that none of its first rows has."""
    hidden = absent | access.hidden_columns(described.lineage, tuple(described.columns))
    table = table_of(described, hidden=hidden - {ID}, classes=classes, of_records=of_records)
    return replace(table, grants=access.grants(described.lineage))


def place_of(table: DictionaryTable, described: Container[str], access: AccessFacts) -> TablePlace:
    """The place of a table's rows; ``described``: the names of all tables."""
    archive = f"{ARCHIVE}{table.name}"
    by_class = has_classes(table)
    stamp = (stamp_of(table), RANGE)
    needs = [(ID, RANGE), (ID, MATCH), stamp, *([(CLASS, MATCH)] if by_class else [])]
    # A record whose class was changed is looked up by its id in the root.
    blocked = access.blocked_column(table.lineage, needs)
    blocked = blocked or access.blocked_column(table.lineage[-1:], [(ID, MATCH)])
    return TablePlace(
        (table.name, archive) if archive in described else (table.name,),
        table.lineage,
        by_class,
        blocked,
    )


def _blocked_place(place: TablePlace, hidden: Sequence[str], unanswered: str) -> TablePlace:
    """A place whose rows cannot be told from those of other classes, or not be asked for, is blocked.

    ``hidden``: the columns that the user may not read.
    """
    unknown_class = CLASS if place.by_class and CLASS in hidden else ""
    return replace(place, blocked=place.blocked or unknown_class or unanswered)


def _taken_away(table: Table, rules: Sequence[str]) -> Iterator[Finding]:
    """The gap of rows that business rules may take away: no count shows them."""
    if rules:
        yield Finding.of(
            FindingKind.PERMISSION_MISSING,
            Severity.GAP,
            "Before-query business rules may hide records of {name} from the backup user: {rules}.",
            "Let the rules spare the backup user, and accept this gap. No deletion is inferred from "
            "records that are missing.",
            table=table.name,
            name=table.label or table.name,
            rules=", ".join(rules),
        )


def _unreadable(table: DictionaryTable) -> Iterator[Finding]:
    """Notes about columns whose values the instance never gives out."""
    for column in table.columns.values():
        if column.internal_type in PASSWORDS and table.name not in EVIDENCE:
            yield Finding.of(
                FindingKind.COLUMN_UNREADABLE,
                Severity.NOTE,
                "{column_label} of {table_label} is a password and is not backed up.",
                "After a restore, set it again.",
                table=table.name,
                column=column.name,
                column_label=column.label or column.name,
                table_label=table.label,
            )
