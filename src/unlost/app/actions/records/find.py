"""Find records by number, name, e-mail, phone or id, live or deleted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.paging import check_page
from unlost.app.records.ids import system_label
from unlost.app.records.search.found_records import FoundRecord, HitDescriber
from unlost.app.records.search.hints import EmptySearch, SearchedOrg, search_hints
from unlost.app.records.search.org_searches import (
    SearchedBackup,
    matches_in,
    tables_named,
    typed_text,
)
from unlost.app.records.search.query import RecordSearch
from unlost.app.records.table_words import TableWords
from unlost.catalog.orgs.orgs import get_org
from unlost.engine.records.matches import OrgMatches, StateFilter, best_match, users_named
from unlost.engine.records.search import SearchResult, ranked, suggest
from unlost.engine.records.typed_search import TypedSearch, best_reading
from unlost.model.access import Right, Trace
from unlost.model.message import Message
from unlost.model.source.reading import Json
from unlost.model.source.schema import Schema

MOST = 20  # records of a page


@dataclass(frozen=True, slots=True)
class FoundTable:
    """The number of matches in a table, without the filter by table."""

    table: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class FoundSystem:
    """The number of matches in the orgs of a system, without the filter by table.

    ``system`` is the name of its connector, and ``label`` the name for people.
    """

    system: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class FindResult:
    """The matches, best first: ``hits`` begin with number ``start`` of ``total``.

    The hits of one system stand together, that of the best one first. ``systems`` counts the matches
    of each system, also of those that the filter by system leaves out.

    ``searched`` names the orgs that have a backup to search; ``orgs`` says more about them. ``more``:
    there are more matches than were checked; ``total`` counts those checked. ``best`` is the
    record that is meant: no other one matches as well, by a whole value. ``words`` and ``deleted_by`` are the
    parts of ``text``. For a search that found nothing, ``hints`` gives reasons, and ``suggestions``
    texts that find something, the best first.
    """

    text: str
    searched: tuple[str, ...]
    hits: tuple[FoundRecord, ...]
    words: str = ""
    deleted_by: str = ""
    total: int = 0
    more: bool = False
    start: int = 0
    best: FoundRecord | None = None
    tables: tuple[FoundTable, ...] = ()
    systems: tuple[FoundSystem, ...] = ()
    orgs: tuple[SearchedOrg, ...] = ()
    hints: tuple[Message, ...] = ()
    suggestions: tuple[str, ...] = ()


def _hits(result: FindResult) -> Mapping[str, Json]:
    """Return the audit's details: the records shown, not the text, which may be a value."""
    return {"found": [f"{hit.org}/{hit.table}/{hit.record}" for hit in result.hits]}


@action("record.find", Right.READ, trace=Trace.READ, detail=_hits)
def find(
    app: Application,
    text: str,
    *,
    org: str | None = None,
    former: bool = False,
    system: str | None = None,
    table: str | None = None,
    state: StateFilter | None = None,
    deleted_by: str | None = None,
    since: str | None = None,
    until: str | None = None,
    start: int = 0,
    most: int = MOST,
) -> FindResult:
    """Search one org, or all; raises NotFound for an unknown org, UsageError for a wrong request.

    ``former``: also search the values that records once had. This takes longer: all versions of
    every record that ever had one of the words are read. ``system``: only orgs of this system, by
    its name or label. ``table``: its name or label. ``since`` and ``until`` are days in the zone of
    each org: of the last change, or of the deletion.
    ``deleted_by``: the name of a user, who deleted the records. The same can be typed at the end of
    the text: ``Sonnenschein deleted by Sabine``. It needs no other words.
    """
    check_page(start=start, most=most)
    typed = typed_text(text, deleted_by or "")
    query = RecordSearch(
        system=system or "",
        table=table or "",
        state=state,
        since=since or "",
        until=until or "",
        former=former,
    )
    known = [get_org(org)] if org else app.orgs(Right.READ)
    open_orgs = [
        SearchedBackup(org_row, head)
        for org_row in known
        if (head := app.vault.newest_backup(org_row.oid)) is not None
    ]
    reading = typed if deleted_by else best_reading(typed, partial(_users, app, open_orgs))
    return _FindRun(app, open_orgs, reading, query).result(text, start=start, most=most)


def _users(app: Application, open_orgs: Sequence[SearchedBackup], name: str) -> Sequence[str]:
    return [user for some in open_orgs for user in users_named(app.vault, some.head, name)]


@dataclass(frozen=True, slots=True)
class _FindRun:
    """One search in several orgs."""

    app: Application
    open_orgs: Sequence[SearchedBackup]
    typed: TypedSearch
    query: RecordSearch

    def result(self, text: str, *, start: int, most: int) -> FindResult:
        every = {some.org.oid: self._matches(some) for some in self.open_orgs}
        within = [some for some in self.open_orgs if self._in_system(some)]
        chosen = {some.org.oid: self._in_table(some, every) for some in within}
        results = ranked(result for matches in chosen.values() for result in matches.results)
        best = [result for result in (best_match(results),) if result is not None]
        # The record that is meant comes first, also a deleted one among live ones.
        results = (*best, *(result for result in results if result not in best))
        # Orgs without a backup are not named: they were not searched.
        orgs = tuple(self._searched(every, found=bool(results)))
        more = any(matches.more for matches in chosen.values())
        return FindResult(
            text=text,
            searched=tuple(some.org.name for some in self.open_orgs),
            hits=_by_system(self._described(results[start : start + most])),
            words=self.typed.words,
            deleted_by=self.typed.deleted_by,
            total=len(results),
            more=more,
            start=start,
            best=next(iter(self._described(best)), None),
            tables=self._tables([every[some.org.oid] for some in within]),
            systems=self._systems(every),
            orgs=orgs,
            hints=() if results else tuple(search_hints(self._empty(orgs, more=more))),
            suggestions=() if results else self._suggestions(),
        )

    def _matches(self, some: SearchedBackup, *, tables: Sequence[str] | None = None) -> OrgMatches:
        return matches_in(self.app, some, self.typed, self.query, tables=tables)

    def _in_table(self, some: SearchedBackup, every: Mapping[str, OrgMatches]) -> OrgMatches:
        """Return the matches in the requested table; those of all tables if none is requested."""
        matches = every[some.org.oid]
        if not self.query.table:
            return matches
        tables = tables_named(some.head, self.query.table)
        # Among more matches than were checked, the table may have others.
        if matches.more and tables:
            return self._matches(some, tables=tables)
        shown = [result for result in matches.results if result.hit.table in tables]
        return replace(matches, results=tuple(shown), more=False)

    def _in_system(self, some: SearchedBackup) -> bool:
        system = some.org.identity.connector
        names = (system, system_label(self.app, system))
        return self.query.system.casefold() in {"", *(name.casefold() for name in names)}

    def _systems(self, every: Mapping[str, OrgMatches]) -> tuple[FoundSystem, ...]:
        """Count the matches of each system, most first."""
        counts: Counter[str] = Counter()
        for some in self.open_orgs:
            counts[some.org.identity.connector] += len(every[some.org.oid].results)
        return tuple(
            FoundSystem(system, system_label(self.app, system), count)
            for system, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            if count
        )

    def _tables(self, searched: Sequence[OrgMatches]) -> tuple[FoundTable, ...]:
        """Count the matches of each table, most first."""
        words = TableWords(
            Schema(tuple(t for some in self.open_orgs for t in some.head.schema().tables), "")
        )
        counts = Counter(result.hit.table for matches in searched for result in matches.results)
        labels = {table: words.label(table, count=count) for table, count in counts.items()}
        # Two systems may give the same label to tables with different names.
        shared = {label for label, tables in Counter(labels.values()).items() if tables > 1}
        return tuple(
            FoundTable(table, f"{label} ({table})" if label in shared else label, counts[table])
            for table, label in sorted(labels.items(), key=lambda item: (-counts[item[0]], item[0]))
        )

    def _described(self, results: Sequence[SearchResult]) -> list[FoundRecord]:
        describers = {
            some.org.oid: HitDescriber(self.app, some.org, some.head) for some in self.open_orgs
        }
        records = [describers[result.hit.org].describe(result) for result in results]
        differing = {
            (describer.org.name, *key): text
            for describer in describers.values()
            for key, text in describer.distinguished(
                [record for record in records if record.org == describer.org.name]
            ).items()
        }
        return [
            replace(hit, differs=differing.get((hit.org, hit.table, hit.record), ""))
            for hit in records
        ]

    def _searched(self, every: Mapping[str, OrgMatches], *, found: bool) -> list[SearchedOrg]:
        """Describe the orgs that were searched; their next backups matter if nothing is found."""
        upcoming_backups = {} if found else _next_backups(self.app, self.open_orgs)
        searched: list[SearchedOrg] = []
        for some in self.open_orgs:
            org, zone = some.org, some.org.identity.zone
            index = self.app.vault.search_help(org.oid).index
            hidden = self.app.hidden.get(org.oid)
            searched.append(
                SearchedOrg(
                    org.name,
                    zone,
                    some.head.info.as_of,
                    upcoming_backups.get(org.oid),
                    hidden=len(hidden.names) if hidden else 0,
                    unindexed=-(-100 * index.old // index.total) if index.old else 0,
                    deletions_since=every[org.oid].deletions_since,
                )
            )
        return searched

    def _suggestions(self) -> tuple[str, ...]:
        """Return corrected texts for words that nothing has; not if a filter or name is the cause."""
        words = self.typed.words
        if not words or self.typed.deleted_by or self.query.filtered:
            return ()
        orgs = [some.org.oid for some in self.open_orgs]
        return suggest(self.app.vault, words, orgs=orgs)

    def _empty(self, orgs: Sequence[SearchedOrg], *, more: bool) -> EmptySearch:
        by = self.typed.deleted_by
        return EmptySearch(
            self.typed.words,
            orgs,
            former=self.query.former,
            filtered=self.query.filtered,
            deleted_by=by,
            user_unknown=bool(by) and not _users(self.app, self.open_orgs, by),
            unchecked=more,
        )


def _by_system(hits: Sequence[FoundRecord]) -> tuple[FoundRecord, ...]:
    """Return the hits with those of one system together; otherwise the order stays."""
    systems = [hit.system for hit in hits]
    return tuple(sorted(hits, key=lambda hit: systems.index(hit.system)))


def _next_backups(
    app: Application, open_orgs: Sequence[SearchedBackup]
) -> Mapping[str, datetime | None]:
    """Return the time of each org's next scheduled backup."""
    from unlost.catalog.runs.schedules import schedules  # needs Django
    from unlost.engine.schedule import upcoming

    by_org, now = schedules(), app.clock.now()
    return {
        some.org.oid: upcoming(
            by_org[some.org.oid].schedule,
            now=now,
            zone=some.org.identity.zone,
            key=some.org.oid,
        )
        for some in open_orgs
    }
