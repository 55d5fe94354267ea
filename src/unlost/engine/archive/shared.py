"""Files that records share: a file goes with the last record that has it.

    case 1 ◀─holder─ link ─file─▶ file ◀─file─ link ─holder─▶ case 2

A link goes with its record, and may take its file. The file needs all records that its links name
to go, except its owner, and all records whose texts show it; and nothing else may use it. Otherwise
it stays, and only the link goes.

A policy for files may *release* them from records that stay: these lose the file. Only a live
record of a released table that is not on legal hold loses one; any other holder keeps it. If a
legal hold keeps a file in the org, the result names the hold as the reason.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from unlost.engine.archive.members import ID, NODE, Members, near_to
from unlost.engine.archive.settle import OUTSIDE
from unlost.engine.storage.chunks import ROWS
from unlost.model.archive import StayReason
from unlost.model.source.shared_files import FileMentions, KeepingColumn, SharedFile

LINK, FILE, HOLDER, NAMED = "link", "file", "holder", "named"

_LINKS = pl.DataFrame(schema={FILE: pl.UInt32, NAMED: pl.String})

type Frames = Callable[[str, Sequence[str]], Iterator[pl.DataFrame]]
"""Reads the live rows of a table, some at a time: ``id`` and these columns."""


@dataclass(frozen=True, slots=True)
class ReleasedLinks:
    """Links of files that do not need their holders to go. ``links``: ``file`` and the holder's id.

    ``table``: the table of the holders.
    """

    table: str
    links: pl.DataFrame


@dataclass(frozen=True, slots=True)
class RecordsOnHold:
    """The records of a table that are on legal hold: these ids, or all."""

    ids: frozenset[str] = frozenset()
    all: bool = False

    def among(self, records: pl.DataFrame) -> pl.DataFrame:
        """Those of these records (``named``) that are on legal hold."""
        return records if self.all else records.filter(pl.col(NAMED).is_in(self.ids))


@dataclass(slots=True)
class SharedFiles:
    """The files of one kind, and the records that have them.

    ``frames`` reads many rows at a time, ``texts`` as many long texts as the memory can hold.
    ``released``: tables whose records may lose files, with those on legal hold.
    ``losses``: links that were released, once ``needs`` is read.
    """

    kind: SharedFile
    members: Members
    frames: Frames
    texts: Frames
    released: Mapping[str, RecordsOnHold] = field(default_factory=dict)
    losses: list[ReleasedLinks] = field(default_factory=list)

    def take(self) -> pl.DataFrame:
        """Number the files of the links that may go, of which some are known: ``link`` and ``file``."""
        links = self.members.of([self.kind.links])
        parts = []
        for rows in self.frames(self.kind.links, [self.kind.file_column]):
            named = rows.select(ID, pl.col(self.kind.file_column).alias(NAMED)).drop_nulls()
            going = named.join(links, on=ID).rename({NODE: LINK})
            files = self.members.add(self.kind.table, going[NAMED])
            parts.append(going.select(LINK, files.alias(FILE)))
        return pl.concat(parts)

    def needs(self) -> Iterator[tuple[StayReason, pl.DataFrame]]:
        """Frames of ``file`` and the record ``holder`` that it needs to go; the reason if it stays."""
        files = self.members.of([self.kind.table]).rename({NODE: FILE})
        if not len(files):
            return
        for reason, needed in self._unreleased(self._links(files)):
            yield reason, _numbered(needed.join(self._holders(needed), on=NAMED, how="left"))
        for needed in self._used(files):
            yield StayReason.SHARED, needed

    def _used(self, files: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Frames of files and the records that use them without a link."""
        for keeping in self.kind.kept_by:
            for rows in self.frames(keeping.table, [keeping.column]):
                users = self._of(rows, keeping.column, files, keeping.column)
                yield _numbered(users.with_columns(pl.lit(None, pl.UInt32).alias(HOLDER)))
        if self.kind.mentions is not None:
            yield from self._mentioned(self.kind.mentions, files)

    def _links(self, files: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Frames of ``file`` and the id ``named`` of each record that has it, without its owner."""
        owners = self._owners(files)
        for rows in self.frames(self.kind.links, [self.kind.file_column, self.kind.holder_column]):
            links = self._of(rows, self.kind.file_column, files, self.kind.holder_column)
            yield links.join(owners, on=[FILE, NAMED], how="anti")

    def _unreleased(
        self, links: Iterator[pl.DataFrame]
    ) -> Iterator[tuple[StayReason, pl.DataFrame]]:
        """The links whose holders keep their file; notes the others in ``losses``."""
        if not self.released:
            yield from ((StayReason.SHARED, some) for some in links)
            return
        rest = pl.concat([_LINKS, *links])
        for table, on_hold in self.released.items():
            live = self._live(table, rest)
            of_table = rest.join(live, on=NAMED, how="semi")
            rest = rest.join(live, on=NAMED, how="anti")
            covered = on_hold.among(live)
            yield StayReason.HOLDER_ON_HOLD, of_table.join(covered, on=NAMED, how="semi")
            losing = of_table.join(covered, on=NAMED, how="anti")
            if len(losing):
                self.losses.append(ReleasedLinks(table, losing))
        yield StayReason.SHARED, rest

    def _live(self, table: str, links: pl.DataFrame) -> pl.DataFrame:
        """The holders that are live records of a table: ``named``."""
        wanted = links.select(pl.col(NAMED).unique().alias(ID))
        parts = [
            rows.select(ID).join(near_to(wanted, rows[ID]), on=ID, how="semi")
            for rows in self.frames(table, [])
        ]
        return pl.concat([wanted.clear(), *parts]).rename({ID: NAMED})

    def _mentioned(self, mentions: FileMentions, files: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Files and the records whose texts show them."""
        known = self._short_ids(mentions, files)
        for text in mentions.texts:
            records = self.members.of([text.table]).rename({NODE: HOLDER})
            for named in self._ids_in(text, mentions):
                yield _numbered(named.join(known, on=NAMED).join(records, on=ID, how="left"))

    def _ids_in(self, text: KeepingColumn, mentions: FileMentions) -> Iterator[pl.DataFrame]:
        """The ids in texts: of the record, and ``named``. Few texts have any, so they are joined."""
        ids = pl.col(text.column).str.extract_all(mentions.pattern).alias(NAMED)
        short = pl.col(NAMED).str.slice(0, mentions.length)
        parts: list[pl.DataFrame] = []
        for rows in self.texts(text.table, [text.column]):
            parts.append(rows.select(ID, ids).explode(NAMED).drop_nulls().with_columns(short))
            if sum(map(len, parts)) >= ROWS:
                yield pl.concat(parts).unique()
                parts.clear()
        if parts:
            yield pl.concat(parts).unique()

    def _short_ids(self, mentions: FileMentions, files: pl.DataFrame) -> pl.DataFrame:
        """The files by their own ids and those of their versions, as texts may have them."""
        short = pl.col(ID).str.slice(0, mentions.length).alias(NAMED)
        parts = [files.select(short, FILE)]
        versions = mentions.versions
        for rows in self.frames(versions.table, [versions.column]):
            pairs = rows.rename({ID: "version"}).join(files, left_on=versions.column, right_on=ID)
            parts.append(pairs.select(pl.col("version").alias(ID), FILE).select(short, FILE))
        return pl.concat(parts)

    def _holders(self, needed: pl.DataFrame) -> pl.DataFrame:
        """The numbers of the records that links name, if they have any: ``named`` and ``holder``."""
        ids = needed.select(pl.col(NAMED).unique())
        parts = [
            # The few ids are the hashed side, not the many records.
            ids.join(members, left_on=NAMED, right_on=ID).rename({NODE: HOLDER})
            for members in self.members.tables.values()
        ]
        return pl.concat(parts)

    def _of(self, rows: pl.DataFrame, column: str, files: pl.DataFrame, named: str) -> pl.DataFrame:
        """Rows that name one of the files: its number, and the text of another column."""
        plain = rows.select(pl.col(column).alias("by"), pl.col(named).alias(NAMED))
        return plain.join(files, left_on="by", right_on=ID).select(FILE, NAMED)

    def _owners(self, files: pl.DataFrame) -> pl.DataFrame:
        """The owners of files: frames of ``file`` and ``named``."""
        column = self.kind.owner_column
        nothing = pl.DataFrame(schema={FILE: pl.UInt32, NAMED: pl.String})
        if column is None:
            return nothing
        parts = [
            rows.join(files, on=ID).select(FILE, pl.col(column).alias(NAMED))
            for rows in self.frames(self.kind.table, [column])
        ]
        return pl.concat([nothing, *parts])


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(FILE, pl.col(HOLDER).fill_null(OUTSIDE))
