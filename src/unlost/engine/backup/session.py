"""Shared state of all parts of one backup: ports, plan, open commit, previous backup."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from unlost.engine.backup.clocks import ClockReading, read_clocks
from unlost.engine.backup.plan import BackupPlan, TablePlan
from unlost.engine.backup.policy import BackupPolicy
from unlost.engine.backup.repeated_files import FileRound
from unlost.engine.backup.rights import UNKNOWN
from unlost.model.errors import (
    IntegrityError,
    NotFound,
    SourceRefused,
    TransientError,
    UnlostError,
)
from unlost.model.message import Arg, Message, StoresMessage
from unlost.model.org import OrgIdentity
from unlost.model.ports.run import Runner
from unlost.model.ports.source import Source
from unlost.model.ports.system import Clock, Lease, Observer
from unlost.model.ports.vault import Commit, Snapshot, Vault
from unlost.model.written import written


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPorts:
    """The ports of a backup. ``work``: a folder for ids of this run, outside the vault."""

    source: Source
    vault: Vault
    runner: Runner
    lease: Lease
    clock: Clock
    observer: Observer
    work: Path


@written(previous="base")
@dataclass(frozen=True, slots=True)
class BackupStart:
    """The start of a run: a JSON value. ``previous`` is the number of the newest backup then.

    ``newest``: the number of the newest state then: that backup, or a later archive.

    ``as_of``: the lower of both clocks. ``only``: the chosen tables of an hourly run.
    """

    identity: OrgIdentity
    as_of: datetime
    started: datetime
    previous: int | None
    only: tuple[str, ...] = ()
    source_time: datetime | None = None
    newest: int | None = None

    @property
    def clocks(self) -> ClockReading:
        """Both clocks at the start; an older release did not store the source's."""
        return ClockReading(self.source_time or self.as_of, self.started)


@dataclass(frozen=True, slots=True)
class ReadFailure(StoresMessage):
    """The reason why a table could not be read: a JSON value. ``refused``: a retry is useless."""

    code: str
    sentence: str
    next_step: str
    refused: bool
    template: str = ""
    next_template: str = ""
    args: Mapping[str, Arg] = field(default_factory=dict, hash=False)

    @property
    def message(self) -> Message:
        """The reason, for surfaces that translate it."""
        return self.message_of(self.code)


class SourceFailed(Exception):
    """Carries an error of the source through code that is not the source's."""

    def __init__(self, error: UnlostError) -> None:
        super().__init__(error.sentence)
        self.error = error


@dataclass(slots=True)
class BackupSession:
    """One backup while it runs. ``previous`` is the newest backup when it began, ``newest`` the
    newest state: that backup, or an archive since.

    ``nightly_backups`` counts the backups before it that read every table. ``clocks`` are the
    readings of this run. ``file_rounds``: the files that it has named so far, in order.
    """

    ports: BackupPorts
    policy: BackupPolicy
    org: str
    plan: BackupPlan
    commit: Commit
    previous: Snapshot | None
    newest: Snapshot | None
    folder: Path
    nightly_backups: int
    clocks: list[ClockReading] = field(default_factory=list)
    file_rounds: list[FileRound] = field(default_factory=list)
    _hidden: dict[str, pa.Array] = field(default_factory=dict)
    _rights: dict[int, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _plans: dict[str, TablePlan] = field(init=False)

    def __post_init__(self) -> None:
        self._plans = {plan.table.name: plan for plan in self.plan.tables}

    @property
    def source(self) -> Source:
        """The org's read side."""
        return self.ports.source

    @property
    def runner(self) -> Runner:
        """Stores finished steps."""
        return self.ports.runner

    def table(self, name: str) -> TablePlan:
        """A table's plan."""
        return self._plans[name]

    def hidden(self, table: str) -> pa.Array:
        """Ids of the rows that were hidden when the run began."""
        with self._lock:
            if table not in self._hidden:
                marks = self.newest.hidden(table) if self.newest is not None else ()
                ids = [mark.record for mark in marks if mark.record is not None]
                self._hidden[table] = pa.array(ids, pa.string())
            return self._hidden[table]

    def time(self, step: str) -> datetime:
        """Read both clocks as a step of the run; returns the lower one."""
        reading = self.runner.step(
            step, lambda: read_clocks(self.source, self.ports.clock), result=ClockReading
        )
        self.clocks.append(reading)
        return reading.time

    @property
    def latest(self) -> datetime:
        """The later of both clocks at their last reading."""
        return self.clocks[-1].latest

    def rights(self, number: int, table: str) -> frozenset[str]:
        """The rights on a table with which a snapshot was read."""
        with self._lock:
            if number not in self._rights:
                snapshot = self.ports.vault.at(self.org, number, forgotten=True)
                self._rights[number] = snapshot.schema().grants()
            return self._rights[number].get(table, UNKNOWN)


@contextmanager
def source_errors() -> Iterator[None]:
    """Mark errors raised inside as the source's own."""
    try:
        yield
    except UnlostError as error:
        raise SourceFailed(error) from error


def from_source[T](items: Iterator[T]) -> Iterator[T]:
    """The same items; errors raised by the iterator are marked as the source's own."""
    while True:
        with source_errors():
            item = next(items, None)
        if item is None:
            return
        yield item


def failure_of(broke: SourceFailed, source: Source) -> ReadFailure:
    """The consequence of a source error for the table that was read.

    An error that is not about one table is raised: an allowance that is used up, a session that
    ended, a source that does not answer at all. It is not stored, so a resumed run tries again.
    """
    error = broke.error
    if isinstance(error, SourceRefused | NotFound):
        return _failure(error.message, refused=True)
    if isinstance(error, TransientError):
        _still_answers(source, error)
    elif not isinstance(error, IntegrityError):
        raise error
    return _failure(error.message, refused=False)


def _failure(why: Message, *, refused: bool) -> ReadFailure:
    return ReadFailure(
        why.code,
        why.sentence,
        why.next_step,
        refused,
        why.template,
        why.next_template,
        why.args,
    )


def _still_answers(source: Source, error: UnlostError) -> None:
    try:
        # The cheapest call: it separates trouble with one table from a source that does not answer.
        source.server_time()
    except UnlostError:
        raise error from None
