"""Faults that are planted in the connector, each in the place of a safeguard."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from unlost.connectors.servicenow.access.rights import AccessFacts
from unlost.connectors.servicenow.http import walk
from unlost.connectors.servicenow.reading import pieces, records
from unlost.connectors.servicenow.schema import discover, tables
from unlost.connectors.servicenow.source import ServiceNowSource
from unlost.connectors.servicenow.writing import writer
from unlost.engine.backup import plan
from unlost.kit.rows import no_rows
from unlost.model.finding import Finding, Severity
from unlost.model.source.reading import Rows
from unlost.model.source.schema import ALL_ROWS, ROWS, Table, TableTrait

type Patch = pytest.MonkeyPatch


def hidden_rows_are_not_counted(patch: Patch) -> None:
    patch.setattr(walk.TableWalk, "hidden", lambda self: 0)


def an_empty_page_is_the_last(patch: Patch) -> None:
    patch.setattr(walk.TableWalk, "_behind_hidden", lambda self, last, page: page)


def conditions_are_not_checked(patch: Patch) -> None:
    patch.setattr(walk.RowCondition, "check", lambda self, table, cells: None)


def every_row_counts_as_visible(patch: Patch) -> None:
    patch.setattr(AccessFacts, "grants", lambda self, lineage: (ALL_ROWS,))


def no_row_counts_as_visible(patch: Patch) -> None:
    patch.setattr(AccessFacts, "grants", lambda self, lineage: (f"{ROWS}some",))


def rules_of_columns_are_ignored(patch: Patch) -> None:
    patch.setattr(AccessFacts, "hidden_columns", lambda self, lineage, columns: frozenset())


def query_acls_are_ignored(patch: Patch) -> None:
    patch.setattr(AccessFacts, "blocked_column", lambda self, lineage, needs: "")


def conditional_rules_are_ignored(patch: Patch) -> None:
    patch.setattr(AccessFacts, "may_lack_ranges", lambda self, lineage, columns: False)


def conditions_without_an_answer_are_ignored(patch: Patch) -> None:
    patch.setattr(discover, "find_unanswered", lambda api, tables: {})


def a_hidden_class_is_ignored(patch: Patch) -> None:
    patch.setattr(discover, "_blocked_place", lambda place, hidden, unanswered: place)


def a_hidden_cell_counts_as_empty(patch: Patch) -> None:
    for module in (pieces, records):
        patch.setattr(module, "hidden_cells", lambda table, page: {})


def creation_stands_for_a_hidden_change(patch: Patch) -> None:
    table_of: Callable[..., Table] = tables.table_of

    def by_creation(described: Any, **named: Any) -> Table:
        table = table_of(described, **named)
        if tables.UPDATED not in table.hidden:
            return table
        traits = table.traits | {TableTrait.INCREMENTAL, TableTrait.NEW_ONLY}
        return replace(table, traits=traits, modified_column=tables.CREATED)

    patch.setattr(discover, "table_of", by_creation)


def a_lost_role_is_no_gap(patch: Patch) -> None:
    patch.setattr(discover, "missing_rights", lambda facts: iter(()))


def a_query_rule_is_no_gap(patch: Patch) -> None:
    patch.setattr(discover, "_taken_away", lambda table, rules: iter(()))


def a_changed_class_is_no_gap(patch: Patch) -> None:
    patch.setattr(records, "class_changed", _noted(records.class_changed))


def a_changed_class_is_a_deletion(patch: Patch) -> None:
    patch.setattr(records.RecordReader, "_moved", lambda self, ids: iter(()))


def an_archived_record_is_a_deletion(patch: Patch) -> None:
    place_of: Callable[..., discover.TablePlace] = discover.place_of

    def without_archive(*given: Any) -> discover.TablePlace:
        place = place_of(*given)
        return replace(place, sources=place.sources[:1])

    patch.setattr(discover, "place_of", without_archive)
    patch.setattr(records.RecordReader, "_places", lambda self: iter(self.place.sources))


def changes_are_not_looked_for_in_the_archive(patch: Patch) -> None:
    plan_reads: Callable[..., list[Any]] = ServiceNowSource.plan_reads

    def without_archive(self: Any, table: Any, since: Any, **named: Any) -> list[Any]:
        tasks = plan_reads(self, table, since, **named)
        return [task for task in tasks if task.full or not str(task.state).count("ar_")]

    patch.setattr(ServiceNowSource, "plan_reads", without_archive)


def changes_are_asked_for_too_late(patch: Patch) -> None:
    patch.setattr(ServiceNowSource, "_begin_of_changes", lambda self, since: "2099-01-01 00:00:00")


def rows_are_never_compared(patch: Patch) -> None:
    patch.setattr(ServiceNowSource, "plan_row_check", lambda *given, **named: [])


def attachments_have_no_files(patch: Patch) -> None:
    patch.setattr(ServiceNowSource, "files_in", lambda self, table, rows: ())


def a_log_that_is_read_whole_is_a_census(patch: Patch) -> None:
    patch.setattr(plan, "_is_log", lambda table: False)


def lost_answers_are_not_looked_for(patch: Patch) -> None:
    def nothing(self: Any, *_given: Any, **_named: Any) -> Rows:
        return no_rows(self.server_time())

    patch.setattr(writer.ServiceNowWriter, "recent", nothing)


def entries_are_not_recognized(patch: Patch) -> None:
    patch.setattr(writer, "original", dict)


def _noted(finding: Callable[..., Finding]) -> Callable[..., Finding]:
    """The same finding as a note, which changes no verdict."""
    return lambda *given: replace(finding(*given), severity=Severity.NOTE)
