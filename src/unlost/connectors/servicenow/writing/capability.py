"""Derive the write capability of a table from the dictionary, the rules and the ACLs. Pure.

Sources: ServiceNow docs, "System dictionary", "Table API" (a choice is not cleared by an empty text,
columns with encryption need a context), and the source of PySNC, whose tests create records with a
given sys_id. That a column marked as read-only cannot be written by REST, and that a mandatory one
must be, are inferences: forms enforce both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from unlost.connectors.servicenow.access.rights import CREATE, DELETE, WRITE, AccessFacts
from unlost.connectors.servicenow.http.walk import ID
from unlost.connectors.servicenow.schema.dictionary import DictionaryColumn, DictionaryTable
from unlost.connectors.servicenow.schema.kinds import ENCRYPTED, PASSWORDS
from unlost.connectors.servicenow.schema.tables import ATTACHMENT, FILE, JOURNAL, is_read
from unlost.connectors.servicenow.writing.rules import (
    ENTRY_ADDED,
    INHERITED,
    ITEMS,
    SERIAL,
    STATE,
    TASKS,
    UNIQUE,
    never_written,
    not_created,
)
from unlost.model.source.writing import (
    Birth,
    CallCost,
    LateColumn,
    MatchKey,
    NeverColumn,
    NeverReason,
    TextLinks,
    WriteCapability,
    WriteOp,
)

ROWS_PER_CALL = 20  # the instance writes the rows of a batch one after the other, with their rules
CALLS_AT_ONCE = 2
COST = CallCost(seconds=3.0, rows_read=100)  # a guess: an instance needs about 0.15 s for a row
SYSTEM = frozenset({
    "sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by", "sys_mod_count",
    "sys_class_name", "sys_class_path", "sys_domain_path", "sys_tags",
})  # fmt: skip
SCOPES = frozenset({"sys_scope", "application"})  # stored as ``global``, whatever is sent
LINKED = frozenset({"html", "translated_html", "url"})
ENTRY = frozenset({"name", "element_id", "element", "value", "sys_created_by", "sys_created_on"})
UPLOADED = frozenset({"file_name", "content_type", "table_name", "table_sys_id"})
OPERATIONS = {WriteOp.CREATE: CREATE, WriteOp.UPDATE: WRITE, WriteOp.DELETE: DELETE}


@dataclass(frozen=True, slots=True)
class WriteFacts:
    """Facts about an instance that decide what may be written.

    ``access``: the rights of the write user; None for a user with every permission. ``keys``: columns
    by which the instance identifies items, by class. ``requests``: they may be created again.
    """

    access: AccessFacts | None = None
    keys: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    requests: bool = False

    def may(self, op: WriteOp, lineage: Sequence[str], column: str = "") -> bool:
        """True unless the roles of the user are known not to suffice."""
        return self.access is None or self.access.may(OPERATIONS[op], lineage, column)


def capability_of(table: DictionaryTable, facts: WriteFacts) -> WriteCapability:
    """The write capability of a table."""
    columns = {
        name: column for name, column in table.columns.items() if is_read(column) and name != ID
    }
    reason = never_written(table)
    if reason:
        never = tuple(NeverColumn(name, NeverReason.BY_PLATFORM) for name in columns)
        return WriteCapability(table.name, birth=Birth.NEVER, never=never, reason=reason)
    if table.name == JOURNAL:
        return _journal(table, columns, facts)
    if table.name == ATTACHMENT:
        return _attachment(table, columns, facts)
    refused = not_created(table, requests=facts.requests)
    ops = frozenset(op for op in OPERATIONS if facts.may(op, table.lineage))
    ops -= {WriteOp.CREATE} if refused else set()
    fixed = {name: why for name, column in columns.items() if (why := _fixed(column))}
    settable, changeable = (
        frozenset(name for name in columns.keys() - fixed if facts.may(op, table.lineage, name))
        if op in ops
        else frozenset()
        for op in (WriteOp.CREATE, WriteOp.UPDATE)
    )
    denied = columns.keys() - fixed - settable - changeable
    fixed |= dict.fromkeys(denied, NeverReason.NO_PERMISSION)
    return WriteCapability(
        table.name,
        ops=ops,
        keeps_id=True,
        settable=settable,
        changeable=changeable,
        needs_value=frozenset(name for name in settable if columns[name].mandatory),
        defaulted=frozenset(
            name for name in settable if columns[name].default and not columns[name].choices
        ),
        never=(*(NeverColumn(name, why) for name, why in sorted(fixed.items())), *_secret(table)),
        # A closed task may refuse entries and attachments, so its state comes last.
        late=(LateColumn(STATE),) if TASKS in table.lineage and STATE in settable else (),
        keys=tuple(MatchKey(names) for names in _keys(table, facts) if settable.issuperset(names)),
        by_product_when=(INHERITED,) if INHERITED[0] in columns else (),
        rows_per_call=ROWS_PER_CALL,
        calls_at_once=CALLS_AT_ONCE,
        reason=refused or ("" if ops else f"The user may not write to {table.name}."),
        text_links=TextLinks(
            frozenset(
                name for name in settable | changeable if columns[name].internal_type in LINKED
            ),
            (32,),
        ),
        cost=COST,
    )


def proved_columns(table: DictionaryTable) -> frozenset[str]:
    """The columns whose values may be left out although the answer reports success."""
    silent = (
        name
        for name, column in table.columns.items()
        if column.choices or column.internal_type in ENCRYPTED
    )
    return frozenset(silent) | SCOPES & table.columns.keys()


def encrypted_columns(table: DictionaryTable) -> frozenset[str]:
    """The columns that are only saved in a call that enters display values."""
    columns = table.columns.values()
    return frozenset(each.name for each in columns if each.internal_type in ENCRYPTED)


def _fixed(column: DictionaryColumn) -> NeverReason | None:
    if column.name in SYSTEM:
        return NeverReason.SYSTEM
    return NeverReason.READ_ONLY if column.read_only else None


def _secret(table: DictionaryTable) -> Iterator[NeverColumn]:
    for name, column in table.columns.items():
        if column.internal_type in PASSWORDS:
            yield NeverColumn(name, NeverReason.SECRET)


def _keys(table: DictionaryTable, facts: WriteFacts) -> Iterator[tuple[str, ...]]:
    """Columns that identify a record: of links, users, and items by the rules of the instance."""
    if table.links:
        linked = (each.name for each in table.columns.values() if each.target)
        pair = tuple(name for name in linked if name not in SYSTEM)
        yield from (pair,) if len(pair) == 2 else ()
    if ITEMS in table.lineage:
        rules = (facts.keys[name] for name in table.lineage if name in facts.keys)
        yield from next(rules, (SERIAL,))
    for name in table.lineage:
        yield from (UNIQUE[name],) if name in UNIQUE else ()


def _journal(
    table: DictionaryTable, columns: Mapping[str, DictionaryColumn], facts: WriteFacts
) -> WriteCapability:
    """Entries are added through their record. Author and time go into the text, so they are sent."""
    deletes = (WriteOp.DELETE,) if facts.may(WriteOp.DELETE, table.lineage) else ()
    return WriteCapability(
        table.name,
        ops=frozenset({WriteOp.CREATE, *deletes}),
        settable=ENTRY & columns.keys(),
        needs_value=frozenset({"name", "element_id", "element", "value"}),
        never=_others(columns, ENTRY),
        rows_per_call=ROWS_PER_CALL,
        side_effects=(ENTRY_ADDED,),
        cost=COST,
    )


def _attachment(
    table: DictionaryTable, columns: Mapping[str, DictionaryColumn], facts: WriteFacts
) -> WriteCapability:
    """The instance derives everything from the file, its name and its record."""
    changeable = frozenset({"file_name"})
    return WriteCapability(
        table.name,
        ops=frozenset(op for op in OPERATIONS if facts.may(op, table.lineage)),
        settable=UPLOADED,
        changeable=changeable,
        needs_value=UPLOADED - {"content_type"},
        never=_others(columns, UPLOADED),
        file_column=FILE,
        rows_per_call=ROWS_PER_CALL,
        cost=COST,
    )


def _others(
    columns: Mapping[str, DictionaryColumn], sent: frozenset[str]
) -> tuple[NeverColumn, ...]:
    return tuple(
        NeverColumn(name, NeverReason.SYSTEM if name in SYSTEM else NeverReason.BY_PLATFORM)
        for name in sorted(columns.keys() - sent)
    )
