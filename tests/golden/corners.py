"""A vault of corners: what stories of three nights do not come to, each of it once or twice, and small.

Cells of every kind in several spellings, texts that are no ASCII wherever one may stand, rows that say nothing new or
come back, archived ones, a run beside another, and what stands beside the nights: holds, a passphrase, a home's data.
"""

import json
from dataclasses import replace
from pathlib import Path

import zstandard

import vaultstory
from unlost.model.org import OrgIdentity, OrgKind
from unlost.model.plan import RecordKey
from unlost.model.source.reading import Op
from unlost.model.source.schema import Column, ColumnTrait, Schema, Table, WireKind
from unlost.model.vault.erasure import Erase, MatchColumn
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.model.vault.snapshot import CommitKind, Lineage, Visibility
from unlost.vault.format.slots import KeyStretch
from unlost.vault.keys.key_slots import add_slot
from unlost.vault.keys.passphrase import Passphrase
from unlost.vault.maintenance import compactor
from unlost.vault.stores.local import LocalStore
from unlost.vault.write.open_commit import OpenCommit
from vaultstory import Cells, Story, file, finish

IDENTITY = OrgIdentity(
    "salesforce", 'Größe/"ä"\u2028\x7f', OrgKind.SANDBOX, "Ecken", "Europe/Berlin"
)
TABLE = "Ecke/Größe"
PASSPHRASE = "Straße\u00a0 İ ΟΔΟΣ"
TYPED = "  STRASSE İ\tοδος "
HOME = zstandard.ZstdCompressor().compress(b"settings, runs and alerts")
ERASED_MAIL = "\u00a0Zoë.STRASSE@Chocolate.Example\u2003"
ERASED = RecordKey(TABLE, 'ö/"1"\u2028')
LINE = "naïve 🍫 “70 %”\r\n"

KINDS = {
    WireKind.INTEGER: ("007", "7"),
    WireKind.DECIMAL: ("1.0E7", "+10000000.00"),
    WireKind.INSTANT: ("2026-01-31T23:59:59.000+0000", "2026-02-01 01:29:59 +01:30"),
    WireKind.DATE: ("2026-01-31", "2026-01-31T00:00:00.000Z"),
    WireKind.TIME: ("10:00:00", "10:00:00.000Z"),
    WireKind.BOOLEAN: ("TRUE", "true"),
    WireKind.MULTI: ("b;a", "b;a"),
    WireKind.JSON: ('{"ä": [1, null]}', '{"ä": [1, null]}'),
    WireKind.REFERENCE: ("ö/1", "ö/1"),
}
TYPED_COLUMNS = tuple(Column(f"{kind}__ß", kind) for kind in KINDS)
SECRET = Column("Geheim", WireKind.TEXT)
CORNER = Table(
    TABLE,
    (
        Column("Id", WireKind.ID),
        Column("Name", WireKind.TEXT, traits=frozenset({ColumnTrait.NAME})),
        Column("Mail", WireKind.TEXT, traits=frozenset({ColumnTrait.EMAIL})),
        Column("Text", WireKind.TEXT),
        Column("Views", WireKind.INTEGER, traits=frozenset({ColumnTrait.VOLATILE})),
        *TYPED_COLUMNS,
        SECRET,
    ),
    name_column="Name",
)
SCHEMA = Schema((CORNER, vaultstory.VERSION), fingerprint="1")
LESS = Schema(
    (replace(CORNER, columns=CORNER.columns[:-1], hidden=(SECRET.name,)), vaultstory.VERSION),
    fingerprint="2",
)
BODIES = {'ö/"f"': "Prix spécial 🍫\n".encode() * 300, "empty": b""}


def record(number: int) -> str:
    """The id of a record."""
    return f'ö/"{number}"\u2028'


SPELLED_AGAIN = record(2)


def rows(
    numbers: range | tuple[int, ...], *, spelling: int = 0, **changes: str | None
) -> list[Cells]:
    """Records with a cell of every kind, in one of two spellings."""
    typed = {column.name: KINDS[column.kind][spelling] for column in TYPED_COLUMNS}
    return [
        {
            "Id": record(number),
            "Name": f"Chocolat Größe {number}",
            "Mail": ERASED_MAIL if number == 1 else f"zoë.{number}@chocolate.example",
            "Text": None if number else LINE,
            "Views": str(spelling),
            **typed,
            SECRET.name: f"geheim {number}",
            **changes,
        }
        for number in numbers
    ]


def corners(folder: Path) -> Story:
    """The whole of it."""
    story = vaultstory.found(LocalStore(folder), few=True, identity=IDENTITY)
    stretch = KeyStretch(salt=bytes(range(16)).hex(), memory=64 << 10, passes=2, lanes=1)
    passphrase = Passphrase(PASSPHRASE)
    add_slot(story.store, story.keys, passphrase, slot="passphrase", entropy=story.entropy,
             stretch=stretch)  # fmt: skip
    story.vault.homes.store_copy(HOME)
    _first(story)
    _second(story)
    _held(story)
    _merged(story)
    _beside_each_other(story)
    _brought_back(story)
    mail = MatchColumn(TABLE, "Mail")
    story.vault.apply(
        story.org, unconditional(Erase((ERASED,), (mail,), by="Löschrolle")), run="erase-1"
    )
    return story


def _begun(
    story: Story, run: str, schema: Schema, kind: CommitKind = CommitKind.BACKUP
) -> OpenCommit:
    story.clock.advance(days=1)
    commit = story.vault.begin(story.org, run=run, kind=kind, identity=IDENTITY)
    commit.put_schema(schema)
    return commit


def _first(story: Story) -> None:
    """All kinds; texts of 65,536 bytes and of one more; what comes and goes in one run; two states of one record."""
    commit = _begun(story, "night-1", SCHEMA)
    long = ("x" * (1 << 16), "x" * (1 << 16) + "y")
    texts = rows((20,), Text=long[0]) + rows((21,), Text=long[1])
    versions: list[Cells] = [{"Id": one, "Title": f"Menü {one}"} for one in BODIES]
    added = [
        story.add(commit, TABLE, [story.rows(rows(range(12)))]),
        story.add(commit, TABLE, [story.rows(texts)]),
        story.add(commit, TABLE, [story.rows(rows((11,), Text="anders"))]),
        story.add(commit, TABLE, [story.rows(rows((30,)))]),
        story.add(commit, TABLE, [story.gone([record(30), record(31)], Op.PURGED)]),
        story.add(commit, "ContentVersion", [story.rows(versions)]),
        commit.add_files(file(one, body, f"{one}.txt") for one, body in BODIES.items()),
        commit.mark(TABLE, visibility=Visibility.HIDDEN, columns=["Text", "date__ß"]),
        commit.mark(TABLE, visibility=Visibility.HIDDEN, records=[record(5)]),
    ]
    commit.put_certificate(vaultstory.certificate(story, "night-1"))
    finish(story, commit, added)


def _second(story: Story) -> None:
    """Other spellings are nothing new; a change that is taken back; each way of leaving; a column is hidden."""
    commit = _begun(story, "night-2", LESS)
    less = [{k: v for k, v in one.items() if k != SECRET.name} for one in rows((2, 3), spelling=1)]
    changed = [one | {"Text": "neu"} for one in less]
    added = [
        commit.add_few(TABLE, [story.rows(changed)], carry=[SECRET.name]),
        commit.add_few(TABLE, [story.rows(less[:1])], carry=[SECRET.name]),
        commit.add_few(
            TABLE, [story.rows(_less(rows(range(4, 8), spelling=1)))], carry=[SECRET.name]
        ),
        commit.add_few(TABLE, [story.rows(_less(rows((8,))), Op.DELETED)], carry=[SECRET.name]),
        commit.add_few(TABLE, [story.gone([record(9)], Op.PURGED)], carry=[SECRET.name]),
        commit.add_few(TABLE, [story.gone([record(10)], Op.MISSING)], carry=[SECRET.name]),
        commit.add_few(TABLE, [story.rows(_less(rows((20,))), Op.ARCHIVED)], carry=[SECRET.name]),
        commit.mark(TABLE, visibility=Visibility.VISIBLE, columns=["date__ß"]),
    ]
    finish(story, commit, added)


def _less(cells: list[Cells]) -> list[Cells]:
    return [{name: cell for name, cell in one.items() if name != SECRET.name} for one in cells]


def _held(story: Story) -> None:
    """A hold that lasts, and one that was lifted."""
    until = story.clock.now().replace(year=2040)
    one = HoldTarget(HoldScope.RECORD, TABLE, record(2))
    night = HoldTarget(HoldScope.NIGHT, backup=1)
    held = (Hold(one, 'Prüfung "2"', "Müller", until), Hold(night, "Frist", "Müller"))
    story.vault.change_holds(story.org, placed=held, run="hold-1")
    story.vault.change_holds(story.org, lifted=(night,), run="lift-1")


def _merged(story: Story) -> None:
    due, compactor.due = compactor.due, lambda tiers, closed: [tiers] if tiers[1:] else []
    story.vault.compact(story.org, run="compact-1")
    compactor.due = due


def _beside_each_other(story: Story) -> None:
    """Two nights that began at once: the later one is rebased. The last row of what was purged comes after all."""
    one, other = _begun(story, "night-3", SCHEMA), _begun(story, "night-4", SCHEMA)
    added = [
        story.add(one, TABLE, [story.rows(rows((9,)), Op.DELETED)]),
        story.add(one, TABLE, [story.rows(rows((20,)))]),
        story.add(one, TABLE, [story.rows(rows((7,), Text="zuerst"))]),
        story.add(one, TABLE, [story.rows(rows((5,), Text="kurz"))]),
        story.add(one, TABLE, [story.rows(rows((5,)))]),
    ]
    beside = [
        story.add(other, TABLE, [story.rows(rows((7,), Text="danach"))]),
        story.add(other, TABLE, [story.rows(rows((40,)))]),
        story.add(other, TABLE, [story.gone([record(8), record(10)], Op.PURGED)]),
    ]
    finish(story, one, added)
    finish(story, other, beside)


def _brought_back(story: Story) -> None:
    commit = _begun(story, "restore-1", SCHEMA, CommitKind.RESTORE)
    journal = story.vault.journal(story.org, commit.run)
    for entry in ({}, {"before": LINE}):
        journal.append(json.dumps(entry, ensure_ascii=False).encode())
    live = Lineage(TABLE, record(9), "neu/ö", story.org, "restore-1")
    finish(story, commit, [commit.lineage([live])])
