"""Facts about each record for a plan: its wanted state compared with the org's, without the cells.

Cells are read a few hundred records at a time and released again.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import pyarrow as pa

from unlost.engine.restore.planning.column_roles import ColumnRoles
from unlost.engine.restore.planning.record_sizes import sizes_of
from unlost.engine.restore.planning.selection import WantedState
from unlost.engine.restore.planning.survey import READ_IDS, LiveRow, RestoreSurvey, chunks
from unlost.engine.restore.values.addresses import mentioned, readdressed_cells
from unlost.engine.restore.values.cells import Brief, briefs, different, digests, value_digest
from unlost.engine.restore.values.edits import Backups, Values
from unlost.engine.restore.values.taken import taken_cells
from unlost.engine.restore.values.text_images import masked, shown_images
from unlost.model.named_records import tables_of, texts_of
from unlost.model.plan import RecordKey
from unlost.model.source.reading import Op
from unlost.model.source.schema import Table, WireKind
from unlost.model.source.writing import Gather, MatchKey, WriteCapability

MENTIONS = 1_000  # ids of one record that are looked at

type Cells = Mapping[str, str | None]


class LiveStanding(StrEnum):
    """The present location of a record of the vault."""

    LIVE = "live"
    BIN = "bin"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class GatheredRow:
    """A row that the record ``table``/``parent`` gathers when it is created."""

    table: str
    parent: str
    value_column: str


@dataclass(frozen=True, slots=True)
class ImageText:
    """A text with images of its record; ``length`` and ``most``: in characters.

    ``images``: the number of times that the text shows each, by name.
    """

    images: Mapping[str, int]
    length: int
    most: int


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """Facts about one record.

    ``references`` are wanted, by column, and so are ``keyed`` ones, which name records by their
    keys. ``tables``: those in which the record of a reference may be, where its row names them.
    ``differs`` are columns that differ in the org and can be set, without references. ``seen`` has the org's values, as an expectation for the run. ``newer``
    columns were changed again after the values that are to be replaced. ``unsettable`` columns hold
    values that cannot be set, ``vanished_columns`` ones no longer exist in the org; ``lacking`` ones are
    empty though the org requires a value. ``late`` columns are set after all others. ``plain``
    columns could be set on the live record. ``rank`` orders the makers of one by-product. ``edits``
    are values that are wanted instead of the vault's; all of the above takes them into account.
    ``bytes`` is the storage that it needs (``record_sizes``), ``file_bytes`` that of its file by the row. ``unread``
    columns could be set, but their old values are lost. ``merged_into``: the record into which the
    org merged it, while it lies in the bin. ``mentions``: ids within addresses, in texts that can
    only be set on create. ``taken``: the edits that come from other backups, and their numbers.
    ``beside``: it comes as a new record, whatever became of this one. ``images``: its texts that
    show images which the org stores beside it. ``checksum`` is that of its
    file by the row; ``live_file_bytes`` and ``live_checksum`` are by the org's row.
    """

    key: RecordKey
    snapshot: int
    version: int
    digest: str
    standing: LiveStanding
    live: str | None
    references: Mapping[str, str]
    seen: Mapping[str, Brief] = field(default_factory=dict)
    seen_references: Mapping[str, str | None] = field(default_factory=dict)
    differs: tuple[str, ...] = ()
    newer: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    unsettable: tuple[str, ...] = ()
    vanished_columns: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    keys: tuple[tuple[MatchKey, tuple[str, ...]], ...] = ()
    gathered: tuple[GatheredRow, ...] = ()
    rank: tuple[str, ...] = ()
    made_by_org: bool = False
    whole: bool = True
    plain: tuple[str, ...] = ()
    bytes: int = 0
    file_bytes: int | None = None
    edits: Values = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    merged_into: str | None = None
    mentions: tuple[str, ...] = ()
    taken: Backups = field(default_factory=dict)
    beside: bool = False
    images: tuple[ImageText, ...] = ()
    checksum: str | None = None
    live_file_bytes: int | None = None
    live_checksum: str | None = None
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keyed: Mapping[str, str] = field(default_factory=dict)


def facts_of(
    survey: RestoreSurvey,
    name: str,
    picks: Sequence[WantedState],
    *,
    lives: Mapping[str, str] | None = None,
) -> Iterator[RecordFacts]:
    """The facts of these records of one table and snapshot, without records the vault lacks.

    ``lives``: live records that represent them, by their ids.
    """
    number = picks[0].snapshot
    shape = survey.shape(number, name)
    assert shape is not None
    roles = ColumnRoles(
        shape,
        survey.table(name),
        survey.capability(name),
        _gatherers(survey, shape),
        survey.edits.columns(name),
    )
    for chunk in chunks(picks, READ_IDS):
        yield from _facts_of_batch(survey, roles, chunk, lives or {})


def _gatherers(survey: RestoreSurvey, shape: Table) -> tuple[tuple[str, Gather], ...]:
    """Tables whose records gather rows of this one when they are created."""
    owners = {
        table
        for column in shape.columns
        if column.reference is not None
        for table in column.reference.tables
        if survey.is_business_table(table)
    }
    return tuple(
        (owner, gather)
        for owner in sorted(owners)
        for gather in survey.capability(owner).gathers
        if gather.table == shape.name
    )


def _facts_of_batch(
    survey: RestoreSurvey,
    roles: ColumnRoles,
    picks: Sequence[WantedState],
    lives: Mapping[str, str],
) -> Iterator[RecordFacts]:
    name, snapshot = roles.table.name, survey.snapshot(picks[0].snapshot)
    by_record = {pick.key.record: pick for pick in picks}
    rows = snapshot.get(name, list(by_record))
    unread = snapshot.unread(name, list(by_record))
    wrong = _wrong(survey, name, picks)
    known = {
        record: (lives[record],) if record in lives else _lives(survey, pick)
        for record, pick in by_record.items()
    }
    wanted_ids = [live for ids in known.values() for live in ids]
    more = (roles.table.merged_into_column, roles.size_column, roles.checksum_column)
    columns = (*roles.read_columns, *(name for name in more if name is not None))
    live_rows = survey.rows(name, wanted_ids, columns=columns)
    batch = _Batch(survey, roles, rows, unread, _taken(survey, name, by_record))
    for at, record in enumerate(rows["_u_id"].to_pylist()):
        live, pick = _live_record(known[record], live_rows), by_record[record]
        if pick.corrected and _standing(live) is not LiveStanding.LIVE:
            pick = pick.as_whole()
        yield batch.facts(at, pick, live, wrong.get(record, {}))


def _lives(survey: RestoreSurvey, pick: WantedState) -> tuple[str, ...]:
    """The ids under which the record may be live; none for one that comes beside it."""
    return survey.lives(pick.key) if not pick.beside else ()


def _taken(
    survey: RestoreSurvey, name: str, records: Iterable[str]
) -> Mapping[str, Mapping[str, str | None]]:
    """The values that these records take from other backups."""
    taken = {record: survey.taken(RecordKey(name, record)) for record in records}
    return taken_cells(
        survey.snapshot, name, {r: backups for r, backups in taken.items() if backups}
    )


def _wrong(survey: RestoreSurvey, name: str, picks: Sequence[WantedState]) -> Mapping[str, Cells]:
    """The values that are to be replaced, where a pick names the backup with them."""
    numbers = {pick.wrong for pick in picks if pick.wrong is not None}
    columns = sorted({column for pick in picks for column in pick.columns if column})
    by_record: dict[str, Cells] = {}
    for number in numbers:
        keys = [pick.key for pick in picks if pick.wrong == number]
        lives = {life: key.record for key in keys for life in survey.lives(key)}
        rows = survey.snapshot(number).get(name, sorted(lives), columns=columns)
        ops, dicts = rows["_u_op"].to_pylist(), rows.select(columns).to_pylist()
        for life, op, cells in zip(rows["_u_id"].to_pylist(), ops, dicts, strict=True):
            if op == Op.STATE.value or lives[life] not in by_record:
                by_record[lives[life]] = cells
    return by_record


def _live_record(
    ids: Sequence[str], live_rows: Mapping[str, LiveRow]
) -> tuple[str, LiveRow] | None:
    """The record as the org has it, live rather than in the bin."""
    there = [(record_id, live_rows[record_id]) for record_id in ids if record_id in live_rows]
    live = [(record_id, row) for record_id, row in there if not row.deleted]
    return next(iter((*live, *there)), None)


@dataclass(frozen=True)
class _Batch:
    """The wanted states of some records of one table.

    ``unread``: columns whose old values the vault does not know; they are left as they are.
    ``taken``: values that come from other backups.
    """

    survey: RestoreSurvey
    roles: ColumnRoles
    rows: pa.Table
    unread: Mapping[str, frozenset[str]]
    taken: Mapping[str, Values]

    def facts(
        self, at: int, pick: WantedState, live_row: tuple[str, LiveRow] | None, wrong: Cells
    ) -> RecordFacts:
        edits = self._edits(at, pick, live_row)
        cells, live = (
            {**self._cells[at], **edits},
            live_row[1].cells if live_row is not None else None,
        )
        roles, capability = self.roles, self.roles.capability
        differing = self._differing(pick, cells, live, edits, names=roles.plain)
        if live_row is not None and live_row[0] != pick.key.record:
            differing = self._apart_from_images(differing, cells, live_row[1].cells)
        linked = self._wanted(tuple(roles.references), pick, edits)
        references = {n: v for n in linked if (v := cells.get(n)) is not None}
        seen_references = {n: live[n] for n in linked if live is not None and n in live}
        return RecordFacts(
            pick.key,
            pick.snapshot,
            self._versions[at],
            self._digests[at],
            _standing(live_row),
            live_row[0] if live_row is not None else None,
            references,
            _seen(roles, live, (*differing, *seen_references)),
            seen_references,
            differing,
            self._newer(pick, cells, live, wrong),
            self._differing(pick, cells, live, edits, names=roles.fixed),
            _filled(cells, roles.unsettable),
            _filled(cells, roles.vanished_columns),
            tuple(name for name in roles.needs if cells.get(name) is None),
            _late(capability, cells),
            _keys(capability, cells),
            _gathered(roles, cells),
            tuple(cells.get(p.order or "") or "" for p in capability.by_products),
            any(cells.get(column) == text for column, text in capability.by_product_when),
            not pick.columns,
            roles.plain,
            self._sizes[at],
            _file_bytes(cells.get(roles.size_column)) if roles.size_column else None,
            edits,
            self._unread(pick, edits),
            _merged_into(roles.table, live_row),
            self._mentions(at) if live_row is None else (),
            self.survey.taken(pick.key),
            pick.beside,
            tuple(self._images(at, pick.key.record)),
            cells.get(roles.checksum_column or ""),
            _file_bytes((live or {}).get(roles.size_column or "")),
            (live or {}).get(roles.checksum_column or ""),
            self._tables(cells),
            {name: text for name in roles.keyed if (text := cells.get(name))},
        )

    def _tables(self, cells: Cells) -> Mapping[str, tuple[str, ...]]:
        """The tables of the references whose rows name them."""
        return {
            name: tables_of(reference, cells)
            for name, reference in (*self.roles.references.items(), *self.roles.keyed.items())
            if reference.table_column is not None
        }

    def _images(self, at: int, record: str) -> Iterator[ImageText]:
        """The texts that show images of the record."""
        images = self.roles.capability.text_images
        for name in sorted(images.columns.intersection(self.rows.column_names)):
            text = self.rows[name][at].as_py() or ""
            shown = shown_images(text, images)
            times = Counter(image.image for image in shown if record.startswith(image.record))
            column = self.roles.table.column(name)
            if times and column is not None:
                yield ImageText(times, len(text), column.length)

    def _apart_from_images(
        self, names: tuple[str, ...], cells: Cells, live: Cells
    ) -> tuple[str, ...]:
        """The columns without texts in which only addresses of images differ.

        An earlier restore sent these images again, so the org gave them new addresses.
        """
        images = self.roles.capability.text_images
        return tuple(
            name
            for name in names
            if name not in images.columns
            or masked(cells.get(name) or "", images) != masked(live[name] or "", images)
        )

    def _mentions(self, at: int) -> tuple[str, ...]:
        """Ids within addresses of texts that cannot be changed later."""
        capability = self.roles.capability
        names = capability.text_links.columns - capability.changeable
        texts = (self._cells[at].get(name) for name in sorted(names & capability.settable))
        ids = (old for text in texts if text for old in mentioned(text, capability.text_links))
        return tuple(dict.fromkeys(ids))[:MENTIONS]

    def _unread(self, pick: WantedState, edits: Values) -> tuple[str, ...]:
        lost = self.unread.get(pick.key.record, frozenset())
        wanted = lost.intersection(pick.columns) if pick.columns else lost
        return tuple(n for n in self.roles.read_columns if n in wanted and n not in edits)

    def _edits(
        self, at: int, pick: WantedState, live_row: tuple[str, LiveRow] | None
    ) -> Mapping[str, str | None]:
        """The values that are wanted of a record instead of the vault's.

        A live record that was not chosen keeps the people it names, apart from values typed for it.
        """
        edits = self.survey.edits
        typed = {**self.taken.get(pick.key.record, {}), **self.survey.typed(pick.key)}
        left_alone = not pick.selected and _standing(live_row) is LiveStanding.LIVE
        if not edits.instead or left_alone:
            return typed
        cells = self._cells[at]
        swapped = {
            name: edits.swapped(self.roles.references[name].tables, value)
            for name in sorted(self.roles.swappable)
            if name in (pick.columns or (name,)) and (value := cells.get(name)) is not None
        }
        return {**{n: live for n, live in swapped.items() if live is not None}, **typed}

    def _differing(
        self,
        pick: WantedState,
        cells: Cells,
        live: Cells | None,
        edits: Values,
        *,
        names: Sequence[str],
    ) -> tuple[str, ...]:
        if live is None:
            return ()
        wanted = [name for name in self._wanted(names, pick, edits) if name in live]
        return different(self.roles.table, cells, live, wanted)

    def _newer(
        self, pick: WantedState, cells: Cells, live: Cells | None, wrong: Cells
    ) -> tuple[str, ...]:
        """Columns changed since; a value typed for a restore counts regardless of later changes."""
        typed = self.survey.typed(pick.key) if not pick.corrected else {}
        newer = _newer(self.roles.table, pick, cells, live, wrong)
        passed = {*typed, *self.unread.get(pick.key.record, ())}
        former = cells if pick.wrong is None else wrong
        return tuple(
            name
            for name in newer
            if name not in passed and not self._names_same(name, former, live or {})
        )

    def _names_same(self, name: str, former: Cells, live: Cells) -> bool:
        """True if a reference still names the same record, which an earlier restore gave a new id."""
        reference, life = self.roles.references.get(name), self.survey.life
        if reference is None:
            return False
        then, now = (texts_of(reference, cells.get(name)) for cells in (former, live))
        return 0 < len(then) == len(now) and all(
            any(life(RecordKey(t, before)) == life(RecordKey(t, after)) for t in reference.tables)
            for before, after in zip(then, now, strict=True)
        )

    def _wanted(self, names: Sequence[str], pick: WantedState, edits: Values) -> Sequence[str]:
        """The columns that are to be as they were, or as they were typed."""
        later, chosen = self.roles.later, pick.columns
        unread = self.unread.get(pick.key.record)
        if unread:
            names = [name for name in names if name in edits or name not in unread]
        if not later and not chosen:
            return names
        return [n for n in names if n in edits or (n not in later and n in (chosen or (n,)))]

    @cached_property
    def _cells(self) -> Sequence[dict[str, str | None]]:
        roles, capability = self.roles, self.roles.capability
        wanted = {
            *roles.read_columns,
            *roles.unsettable,
            *roles.vanished_columns,
            *roles.needs,
            *roles.table_columns,
            *roles.keyed,
            *(late.column for late in capability.late),
            *(column for key in capability.keys for column in key.columns),
            *(column for column, _ in capability.by_product_when),
            *(column for _, gather in roles.gatherers for column, _ in gather.where),
            *(product.order or "" for product in capability.by_products),
            roles.size_column,
            roles.checksum_column,
        }
        names = [name for name in self.rows.column_names if name in wanted]
        if not names:
            return [{} for _ in range(self.rows.num_rows)]
        dicts: list[dict[str, str | None]] = self.rows.select(names).to_pylist()
        links = capability.text_links
        if links.columns.isdisjoint(names) or not self.survey.lineage:
            return dicts
        # An earlier restore wrote texts with new ids: those are as they should be.
        return [readdressed_cells(cells, links, self.survey.restored_id) for cells in dicts]

    @cached_property
    def _columns(self) -> Sequence[str]:
        present = set(self.rows.column_names)
        return [column.name for column in self.roles.shape.columns if column.name in present]

    @cached_property
    def _digests(self) -> Sequence[str]:
        return digests(self.roles.shape, self.rows, self._columns)

    @cached_property
    def _versions(self) -> Sequence[int]:
        numbers: list[int] = self.rows["_u_snap"].to_pylist()
        return numbers

    @cached_property
    def _sizes(self) -> Sequence[int]:
        rules = self.survey.ports.rules
        return sizes_of(self.rows, self.roles.table.name, self._columns, rules)


def _standing(live: tuple[str, LiveRow] | None) -> LiveStanding:
    if live is None:
        return LiveStanding.GONE
    return LiveStanding.BIN if live[1].deleted else LiveStanding.LIVE


def _merged_into(table: Table, live_row: tuple[str, LiveRow] | None) -> str | None:
    """The record into which a record of the bin was merged."""
    if table.merged_into_column is None or live_row is None or not live_row[1].deleted:
        return None
    return live_row[1].cells.get(table.merged_into_column) or None


def _seen(roles: ColumnRoles, live: Cells | None, columns: Collection[str]) -> Mapping[str, Brief]:
    if live is None or not columns:
        return {}
    return briefs(roles.table, {name: live[name] for name in columns})


def _newer(
    table: Table, pick: WantedState, cells: Cells, live: Cells | None, wrong: Cells
) -> tuple[str, ...]:
    """Columns that by now have another value than the one to be replaced.

    If that value is not known, it is taken to be empty, or the wanted one.
    """
    if live is None or pick.overwrites:
        return ()
    overwritten = [name for name in pick.overwritten if _is_as_seen(table, pick, name, live)]
    names = [name for name in pick.columns if name in live and name not in overwritten]
    if pick.wrong is not None:
        again = [name for name in names if name in pick.overwritten]
        return tuple(dict.fromkeys((*again, *different(table, wrong, live, names))))
    return different(table, cells, live, [name for name in names if live[name] is not None])


def _is_as_seen(table: Table, pick: WantedState, name: str, live: Cells) -> bool:
    """False for a column that was changed again after a person saw its value in the org."""
    column, seen = table.column(name), pick.seen.get(name)
    kind = column.kind if column is not None else WireKind.TEXT
    return seen is None or value_digest(kind, live.get(name)) == seen


def _filled(cells: Cells, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if cells.get(name) is not None)


def _late(capability: WriteCapability, cells: Cells) -> tuple[str, ...]:
    return tuple(
        late.column
        for late in capability.late
        if cells.get(late.column) not in (None, late.born) and late.column in capability.changeable
    )


def _file_bytes(cell: str | None) -> int | None:
    return int(cell) if cell is not None and cell.isdecimal() else None


def _keys(
    capability: WriteCapability, cells: Cells
) -> tuple[tuple[MatchKey, tuple[str, ...]], ...]:
    keyed = ((key, key.of(cells)) for key in capability.keys)
    return tuple((key, values) for key, values in keyed if values is not None)


def _gathered(roles: ColumnRoles, cells: Cells) -> tuple[GatheredRow, ...]:
    return tuple(
        GatheredRow(owner, parent, gather.value_column)
        for owner, gather in roles.gatherers
        if (parent := cells.get(gather.parent_column)) is not None
        and all(cells.get(column) == text for column, text in gather.where)
    )
