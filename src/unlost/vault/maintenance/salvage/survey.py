"""Survey of a salvage: everything that it keeps and loses, found before anything is written.

    damaged objects ─▶ contents: readable or lost          (if a pack or ``$files`` is damaged)
                    ─▶ tables: kept, reduced, lost versions, row group by row group
                    ─▶ contents that lost rows referred to, and no other row
                    ─▶ derived tables to rebuild
                    ─▶ tables that the next backup reads in full

The effect has a digest of every lost id and every reduced version, because counts alone could agree
to another loss of the same size. See docs/adr/0032.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import pyarrow as pa
from blake3 import blake3

from unlost.model.vault.salvage import DIGEST_BYTES, LISTED, LostFile, SalvageEffect, TableSalvaged
from unlost.model.vault.snapshot import CommitKind, nights
from unlost.vault.commits.state import LiveState
from unlost.vault.format.physical import BARE_FIELDS, CHANGES, FILES, SEARCH, U_BLOBS, is_system
from unlost.vault.maintenance.retain.contents import names_in
from unlost.vault.maintenance.rewrite.affected_segments import Pause
from unlost.vault.maintenance.salvage.certificates import has_files
from unlost.vault.maintenance.salvage.contents import (
    ContentsSurveyor,
    SalvagedContents,
    by_name,
    is_file,
    lost_file,
    rows_of,
)
from unlost.vault.maintenance.salvage.damaged import Damaged, find_damaged
from unlost.vault.maintenance.salvage.losses import Losses
from unlost.vault.maintenance.salvage.tables import TableWork, naming_lost
from unlost.vault.maintenance.salvage.unnamed import names_of, unnamed
from unlost.vault.read.org_vault import OrgVault


@dataclass(slots=True)
class SalvageSurvey:
    """Damage, and the work on each table; ``files``: the work on ``$files``."""

    state: LiveState
    damaged: Damaged
    contents: SalvagedContents = field(default_factory=SalvagedContents)
    files: TableWork | None = None
    works: list[TableWork] = field(default_factory=list)
    remade: tuple[str, ...] = ()

    @property
    def lost_files(self) -> list[LostFile]:
        """Files that are lost: their rows are, or their contents."""
        rows = self.files.losses.gone if self.files is not None else {}
        files = [lost_file(ident) for ident in rows if is_file(ident)]
        return list(dict.fromkeys((*files, *self.contents.files)))

    def effect(self, reread: Iterable[str]) -> SalvageEffect:
        """Build the effect that people see."""
        files = self.lost_files
        tables = [work.losses.report for work in self.works]
        tables += [self._files_report(files)] if self.of_files or files else []
        tables += [
            TableSalvaged(table, rebuilt=True, digest=begun(self.state).hexdigest(DIGEST_BYTES))
            for table in self.remade
        ]
        return SalvageEffect(
            objects=self.damaged.objects,
            tables=tuple(sorted(tables, key=lambda salvaged_table: salvaged_table.table)),
            files=tuple(files[:LISTED]),
            files_lost=len(files),
            certificates=tuple(sorted(self._uncertified())),
            journals=self.damaged.journals,
            reread=tuple(sorted(reread)),
            still_damaged=self.damaged.other_damages,
        )

    def _uncertified(self) -> Iterator[int]:
        """Iterate over the commits with lost certificates."""
        lost = frozenset(self.damaged.certificates)
        return (number for number, info in self.state.commits.items() if info.certificate in lost)

    def _files_report(self, files: Sequence[LostFile]) -> TableSalvaged:
        assert self.files is not None
        losses = self.files.losses
        digest = losses.digest.copy()
        digest.update(msgspec.json.encode(files))
        return replace(losses.report, digest=digest.hexdigest(DIGEST_BYTES))

    @property
    def of_files(self) -> list[TableWork]:
        """The work on ``$files``, if it is damaged itself."""
        return [self.files] if self.files is not None and self.files.damaged else []


def begun(state: LiveState) -> blake3:
    """Start a hash of what is lost; it begins with the surveyed commit."""
    return blake3(state.head.encode())


class SalvageSurveyor:
    """Surveys an org; ``state`` is its head."""

    def __init__(self, org_vault: OrgVault, state: LiveState, pause: Pause) -> None:
        self._org_vault = org_vault
        self._state = state
        self._pause = pause
        self._parts: list[pa.Table] = []
        self._named: set[str] = set()
        self._found = SalvageSurvey(
            state, find_damaged(org_vault, state) if state.seq else Damaged()
        )

    def find(self) -> SalvageSurvey:
        """Find everything; raises IntegrityError if an object that all others need is damaged."""
        salvage_survey, damaged = self._found, self._found.damaged
        if not damaged:
            return salvage_survey
        # Contents first: a table's rows are reduced if the contents of their long texts are lost.
        if damaged.packs or damaged.of(self._state, FILES):
            self._contents()
        for table in sorted(self._state.segments):
            if table not in BARE_FIELDS and table != FILES:
                self._table(table)
        if any(work.losses.any for work in (*salvage_survey.of_files, *salvage_survey.works)):
            self._unnamed()
        salvage_survey.remade = tuple(t for t in (CHANGES, SEARCH) if damaged.of(self._state, t))
        return salvage_survey

    def reread(self) -> frozenset[str]:
        """Return the tables that the next backup reads in full."""
        salvage_survey = self._found
        tables = {work.table for work in salvage_survey.works if work.losses.any}
        tables |= {file.record.table for file in salvage_survey.lost_files}
        losses = salvage_survey.files is not None and bool(salvage_survey.files.losses.spans)
        if losses or self._is_uncertain():
            tables |= set(self._with_files())
        return frozenset(table for table in tables if not is_system(table))

    def _is_uncertain(self) -> bool:
        """Return true if a certificate is lost that the next backup relies on.

        Without it, the unread files are unknown.
        """
        commits = sorted(self._state.commits.items())
        backups = [info for _, info in commits if info.kind is CommitKind.BACKUP]
        night = max((info.number for info in nights(backups)), default=0)
        lost = frozenset(self._found.damaged.certificates)
        return any(backup.certificate in lost for backup in backups if backup.number >= night)

    def _work(self, table: str) -> TableWork:
        return TableWork(
            self._org_vault,
            self._state,
            table,
            self._found.damaged.of(self._state, table),
            self._found.contents.missing,
            self._pause,
            Losses(table, digest=begun(self._state)),
        )

    def _contents(self) -> None:
        """Read ``$files`` twice: first the places of contents, then the files that have them."""
        salvage_survey, org_vault = self._found, self._org_vault
        # The rows of damaged segments are kept in memory, since each of the two passes needs them.
        surveyor = ContentsSurveyor(org_vault, self._state, salvage_survey.damaged)
        work = salvage_survey.files = self._work(FILES)
        self._parts = [by_name(org_vault, rows) for rows in work.look()]
        for rows in self._files(work):
            surveyor.blobs(rows)
        for rows in self._files(work):
            surveyor.files(rows)
        salvage_survey.contents = surveyor.contents

    def _unnamed(self) -> None:
        """Find contents without references, because the rows that referred to them may be lost."""
        salvage_survey = self._found
        works_by_table = {work.table: work for work in salvage_survey.works}
        for table in self._state.segments:
            if not is_system(table):
                work = works_by_table.get(table) or self._work(table)
                self._named.update(names_of(work.healthy(), self._pause))
        files = salvage_survey.files or self._work(FILES)
        gone = unnamed(
            lambda: self._files(files),
            self._named,
            salvage_survey.contents,
            salvage_survey.damaged.packs,
        )
        if gone.rows:
            salvage_survey.files, contents = files, salvage_survey.contents
            contents.unnamed, contents.leaving, contents.moving = gone.rows, gone.packs, gone.moving

    def _files(self, work: TableWork) -> Iterator[pa.Table]:
        """Iterate over the readable rows of ``$files``."""
        yield from self._parts
        yield from self._healthy(work)

    def _healthy(self, work: TableWork) -> Iterator[pa.Table]:
        view = work.healthy()
        for rank in range(len(view.segments)):
            self._pause()
            yield from rows_of(self._org_vault, view, rank)

    def _table(self, table: str) -> None:
        work = self._work(table)
        if self._found.contents.readable is not None and not is_system(table):
            naming = list(naming_lost(work.healthy(), work.missing, self._pause))
            work.damaged = sorted((*work.damaged, *naming), key=lambda live: live.precedence)
        if work.damaged:
            for rows in work.look():
                self._named.update(names_in(rows.column(U_BLOBS)))
            self._found.works.append(work)

    def _with_files(self) -> Iterator[str]:
        schema = self._org_vault.schemas.get(
            self._org_vault.chain.manifest(self._state.seq)[0].schema
        )
        for table in schema.schema.tables:
            if has_files(table):
                yield table.name
