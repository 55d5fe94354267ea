"""All that salvaging an org would do, found before anything is written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from unlost.model.salvage import LISTED, LostFile, Salvage, TableSalvaged
from unlost.model.schema import WireKind
from unlost.vault.erase.hits import Pause
from unlost.vault.files import FILES_TABLE
from unlost.vault.format.physical import BARE_FIELDS, CHANGES, SEARCH, is_system
from unlost.vault.room import OrgRoom
from unlost.vault.salvage.contents import (
    Contents,
    ContentsLook,
    by_name,
    is_file,
    lost_file,
    rows_of,
)
from unlost.vault.salvage.ill import Ill, find_ill
from unlost.vault.salvage.losses import Losses
from unlost.vault.salvage.tables import TableWork, naming_lost
from unlost.vault.state import LiveState


@dataclass(slots=True)
class Found:
    """What is damaged, and what is done about it table by table. ``files`` is the work on ``$files``."""

    state: LiveState
    ill: Ill
    contents: Contents = field(default_factory=Contents)
    files: TableWork | None = None
    works: list[TableWork] = field(default_factory=list)
    remade: tuple[str, ...] = ()

    @property
    def lost_files(self) -> list[LostFile]:
        """Files that the vault has no more: their rows are lost, or their contents."""
        rows = self.files.losses.gone if self.files is not None else {}
        own = [lost_file(ident) for ident in rows if is_file(ident)]
        return list(dict.fromkeys((*own, *self.contents.files)))

    def told(self, reread: Iterable[str]) -> Salvage:
        """As people are told."""
        losses = [work.losses for work in (*self._of_files(), *self.works)]
        tables = [one.told for one in losses]
        tables += [TableSalvaged(table, rebuilt=True) for table in self.remade]
        files = self.lost_files
        return Salvage(
            objects=self.ill.objects,
            tables=tuple(sorted(tables, key=lambda one: one.table)),
            files=tuple(files[:LISTED]),
            files_lost=len(files),
            reread=tuple(sorted(reread)),
            left=self.ill.left,
        )

    def _of_files(self) -> list[TableWork]:
        return [self.files] if self.files is not None and self.files.ill else []


class Look:
    """Looks at an org; ``state`` is its head."""

    def __init__(self, room: OrgRoom, state: LiveState, pause: Pause) -> None:
        self._room = room
        self._state = state
        self._pause = pause
        self._found = Found(state, find_ill(room, state) if state.seq else Ill())

    def find(self) -> Found:
        """All of it; raises IntegrityError where something is damaged that all else stands on."""
        found, ill = self._found, self._found.ill
        if not ill:
            return found
        if ill.packs or ill.of(self._state, FILES_TABLE):
            self._contents()
        for table in sorted(self._state.segments):
            if table not in BARE_FIELDS and table != FILES_TABLE:
                self._table(table)
        found.remade = tuple(t for t in (CHANGES, SEARCH) if ill.of(self._state, t))
        return found

    def reread(self) -> frozenset[str]:
        """Tables that the next backup reads whole."""
        found = self._found
        tables = {work.table for work in found.works if work.losses.any}
        tables |= {one.record.table for one in found.lost_files}
        if found.files is not None and found.files.losses.spans:
            tables |= set(self._with_files())
        return frozenset(table for table in tables if not is_system(table))

    def _work(self, table: str) -> TableWork:
        return TableWork(
            self._room,
            self._state,
            table,
            self._found.ill.of(self._state, table),
            self._found.contents.missing,
            self._pause,
            Losses(table),
        )

    def _contents(self) -> None:
        """Look at ``$files`` twice: at where contents are, then at the files that have them."""
        found, room = self._found, self._room
        look = ContentsLook(room, self._state, found.ill)
        work = found.files = self._work(FILES_TABLE)
        parts = [by_name(room, rows) for rows in work.look()]
        for rows in (*parts, *self._healthy(work)):
            look.blobs(rows)
        for rows in (*parts, *self._healthy(work)):
            look.files(rows)
        found.contents = look.found

    def _healthy(self, work: TableWork) -> Iterator[pa.Table]:
        view = work.healthy()
        for rank in range(len(view.segments)):
            self._pause()
            yield from rows_of(self._room, view, rank)

    def _table(self, table: str) -> None:
        work = self._work(table)
        if self._found.contents.there is not None and not is_system(table):
            naming = list(naming_lost(work.healthy(), work.missing, self._pause))
            work.ill = sorted((*work.ill, *naming), key=lambda live: live.rank)
        if work.ill:
            for _ in work.look():
                pass
            self._found.works.append(work)

    def _with_files(self) -> Iterator[str]:
        schema = self._room.schemas.get(self._room.chain.manifest(self._state.seq)[0].schema)
        for table in schema.schema.tables:
            if table.files or any(one.kind is WireKind.BINARY for one in table.columns):
                yield table.name
