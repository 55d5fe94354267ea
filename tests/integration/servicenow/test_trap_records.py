"""Traps of records that move, end, or change quietly; the names of the tests are their symptoms."""

from datetime import timedelta

import pytest

from fakes.instance import ServedInstance, changes, described, full, gaps
from unlost.model.errors import SourceRefused
from unlost.model.source.reading import Op, RowCheckPart
from unlost.testing.connectors import ids_of, read_all, states

pytestmark = pytest.mark.network


class TestClasses:
    """Tables that extend others."""

    def test_a_row_is_stored_once_in_the_table_of_its_class(self, served: ServedInstance) -> None:
        with served.source() as source:
            by_table = {
                name: set(ids_of(full(source, name))) for name in ("task", "incident", "problem")
            }
        assert by_table["task"] == set()
        assert by_table["incident"]
        assert not by_table["incident"] & by_table["problem"]

    def test_a_class_has_the_columns_of_its_ancestors(self, served: ServedInstance) -> None:
        with served.source() as source:
            incident = described(source, "incident")
        names = {column.name for column in incident.columns}
        assert {"caller_id", "number", "assigned_to", "sys_updated_on"} <= names
        assert not {"work_notes", "comments", "calendar_stc"} & names

    def test_the_choices_of_the_nearest_table_count(self, served: ServedInstance) -> None:
        with served.source() as source:
            schema = source.discover()
        incident, problem = schema.table("incident"), schema.table("problem")
        assert incident is not None
        assert problem is not None
        incident_state, problem_state = incident.column("state"), problem.column("state")
        assert incident_state is not None
        assert problem_state is not None
        assert incident_state.label_of("2") == "In Progress"
        assert problem_state.label_of("101") == "New"
        priority = incident.column("priority")
        assert priority is not None
        assert priority.label_of("1").endswith("Critical")

    def test_a_reference_leads_to_all_classes(self, served: ServedInstance) -> None:
        with served.source() as source:
            incident = described(source, "incident")
        item = incident.column("cmdb_ci")
        assert item is not None
        assert item.reference is not None
        assert {"cmdb_ci", "cmdb_ci_server"} <= set(item.reference.tables)

    def test_a_changed_class_is_no_deletion(self, served: ServedInstance) -> None:
        record = served.rows("incident")[0]["sys_id"]
        served.admin.post("records/reclass", table="incident", sys_id=record, to="problem")
        with served.source() as source:
            table = described(source, "incident")
            assert record not in ids_of(full(source, "incident"))
            pages = list(source.read_ids(table, [record]))
            assert states(pages) == {record: Op.STATE.value}
            assert "was changed to problem" in gaps(pages)[0]
            assert record in ids_of(full(source, "problem"))

    def test_a_record_whose_new_class_is_hidden_is_no_deletion(
        self, served: ServedInstance
    ) -> None:
        record = served.rows("incident")[0]["sys_id"]
        served.admin.post("records/reclass", table="incident", sys_id=record, to="problem")
        served.acl("problem")
        with served.source() as source, pytest.raises(SourceRefused, match="may not read all"):
            list(source.read_ids(described(source, "incident"), [record]))

    def test_a_record_that_became_a_descendant_is_no_deletion(self, served: ServedInstance) -> None:
        record = served.rows("cmdb_ci_computer", "sys_class_name=cmdb_ci_computer")[0]["sys_id"]
        served.admin.post(
            "records/reclass", table="cmdb_ci_computer", sys_id=record, to="cmdb_ci_server"
        )
        with served.source() as source:
            pages = list(source.read_ids(described(source, "cmdb_ci_computer"), [record]))
        assert states(pages) == {record: Op.STATE.value}
        assert "cmdb_ci_server" in gaps(pages)[0]


class TestDeletions:
    """The trails of deletions, and what leaves none."""

    def test_a_deletion_is_reported_with_time_and_user(self, served: ServedInstance) -> None:
        record = served.rows("problem")[0]["sys_id"]
        served.delete("problem", record)
        with served.source() as source:
            pages = changes(source, "problem")
        assert states(pages)[record] == Op.PURGED.value
        (page,) = (page for page in pages if record in ids_of([page]))
        assert page.rows.modified_at[0].as_py() is not None
        assert page.rows.modified_by[0].as_py()

    def test_a_deletion_that_only_sys_audit_has_is_reported(self, served: ServedInstance) -> None:
        served.admin.post("settings", not_deleted=["problem"])
        record = served.rows("problem")[0]["sys_id"]
        served.delete("problem", record)
        assert served.rows("sys_audit_delete", f"documentkey={record}") == []
        with served.source() as source:
            assert states(changes(source, "problem"))[record] == Op.PURGED.value

    def test_an_undeleted_record_is_live(self, served: ServedInstance) -> None:
        record = served.rows("problem")[0]["sys_id"]
        served.delete("problem", record)
        served.admin.post("records/undelete", table="problem", sys_id=record)
        with served.source() as source:
            assert states(changes(source, "problem"))[record] == Op.STATE.value

    def test_a_record_that_was_undeleted_later_is_read_although_its_stamps_are_old(
        self, served: ServedInstance
    ) -> None:
        record = served.rows("problem")[0]["sys_id"]
        served.delete("problem", record)
        served.admin.post("clock/advance", hours=30)
        served.admin.post("records/undelete", table="problem", sys_id=record)
        with served.source() as source:
            assert states(changes(source, "problem"))[record] == Op.STATE.value

    def test_a_deleted_record_that_came_back_hidden_is_no_deletion(
        self, served: ServedInstance
    ) -> None:
        record = served.rows("problem")[0]["sys_id"]
        served.delete("problem", record)
        served.admin.post("records/undelete", table="problem", sys_id=record)
        served.acl("problem", roles=[], condition=f"sys_id!={record}")
        with served.source() as source, pytest.raises(SourceRefused, match="may not read all"):
            changes(source, "problem")

    def test_rows_of_the_table_cleaner_leave_the_census(self, served: ServedInstance) -> None:
        record = served.rows("problem")[0]["sys_id"]
        served.admin.post("records/clean", table="problem", query=f"sys_id={record}")
        with served.source() as source:
            table = described(source, "problem")
            assert record not in states(changes(source, "problem"))
            listed = [each for ids in source.census(table) for each in ids.to_pylist()]
            assert record not in listed
            assert list(source.read_ids(table, [record])) == []
            assert source.count(table) == len(listed)

    def test_rows_that_the_instance_archives_are_no_deletions(self, served: ServedInstance) -> None:
        record = served.rows("problem")[0]["sys_id"]
        served.admin.post("records/archive", table="problem", query=f"sys_id={record}")
        with served.source() as source:
            schema = source.discover()
            table = schema.table("problem")
            assert table is not None
            assert schema.table("ar_problem") is None
            listed = [each for ids in source.census(table) for each in ids.to_pylist()]
            assert record in listed
            assert source.count(table) == len(listed)
            assert states(list(source.read_ids(table, [record]))) == {record: Op.STATE.value}
            assert record in ids_of(full(source, "problem"))

    def test_a_trail_that_is_hidden_asks_for_a_census(self, served: ServedInstance) -> None:
        served.delete("problem", served.rows("problem")[0]["sys_id"])
        served.acl("sys_audit")
        with served.source() as source:
            assert any(page.wants_census for page in changes(source, "problem"))

    def test_an_old_cursor_asks_for_a_census(self, served: ServedInstance) -> None:
        with served.source() as source:
            assert any(page.wants_census for page in changes(source, "problem", hours=24 * 40))

    def test_the_trail_is_read_once_for_all_tables(self, served: ServedInstance) -> None:
        with served.source() as source:
            tables = [described(source, name) for name in ("problem", "incident")]
            cursor = source.cursor_at(tables[0], source.server_time())
            before = len(served.requests())
            for table in tables:
                read_all(source, source.plan_reads(table, cursor))
            targets = [str(each) for each in served.requests()[before:]]
        assert sum("sys_audit_delete" in target for target in targets) == 1

    def test_a_table_with_no_update_is_asked_for_by_its_creation(
        self, served: ServedInstance
    ) -> None:
        with served.source() as source:
            audit = described(source, "sys_audit")
            assert audit.modified_column == "sys_created_on"
            served.admin.post("clock/advance", hours=30)
            served.update("problem", served.rows("problem")[0]["sys_id"], short_description="New")
            assert len(ids_of(changes(source, "sys_audit"))) < len(served.rows("sys_audit"))
            assert ids_of(changes(source, "sys_audit"))


class TestQuietChanges:
    """Scripts and imports that move no stamps, and stamps of whole seconds."""

    OLD = "2020-01-01 00:00:00"

    def test_a_change_in_the_second_of_the_cursor_is_read(self, served: ServedInstance) -> None:
        record = served.rows("problem")[0]["sys_id"]
        with served.source() as source:
            table = described(source, "problem")
            cursor = source.cursor_at(table, source.server_time())
            served.update("problem", record, short_description="At once")
            assert record in ids_of(read_all(source, source.plan_reads(table, cursor)))

    def test_a_change_that_becomes_visible_late_is_read_by_the_overlap(
        self, served: ServedInstance
    ) -> None:
        with served.source() as source:
            table = described(source, "problem")
            now = source.server_time()
            stamp = f"{now - timedelta(minutes=10):%Y-%m-%d %H:%M:%S}"
            late = quiet_insert(served, stamp)
            pages = read_all(source, source.plan_reads(table, source.cursor_at(table, now)))
            assert late in ids_of(pages)

    def test_a_row_that_is_inserted_with_old_stamps_is_in_the_census(
        self, served: ServedInstance
    ) -> None:
        record = quiet_insert(served, self.OLD)
        with served.source() as source:
            table = described(source, "problem")
            assert record not in ids_of(changes(source, "problem"))
            listed = [each for ids in source.census(table) for each in ids.to_pylist()]
            assert record in listed
            assert source.count(table) == len(listed)
            assert states(list(source.read_ids(table, [record]))) == {record: Op.STATE.value}

    def test_a_change_that_moves_no_stamp_is_in_the_row_check(self, served: ServedInstance) -> None:
        record = served.rows("problem")[0]["sys_id"]
        served.admin.post("clock/advance", days=1)
        served.admin.post(
            "records/quiet-update", table="problem", sys_id=record, values={"priority": "5"}
        )
        with served.source() as source:
            table = described(source, "problem")
            assert record not in ids_of(changes(source, "problem"))
            cursor = source.cursor_at(table, source.server_time())
            assert cursor is not None
            parts = [RowCheckPart(number, 4) for number in range(4)]
            pages = [
                read_all(
                    source, source.plan_row_check(table, cursor, part, stored=lambda: iter(()))
                )
                for part in parts
            ]
        (page,) = (page for part in pages for page in part if record in ids_of([page]))
        assert page.rows.cells is not None
        rows = {row["sys_id"]: row for row in page.rows.cells.to_pylist()}
        assert rows[record]["priority"] == "5"
        assert all(len(ids_of(part)) < len(served.rows("problem")) for part in pages)

    def test_a_record_that_people_changed_is_no_difference_of_the_row_check(
        self, served: ServedInstance
    ) -> None:
        record = served.rows("problem")[0]["sys_id"]
        served.admin.post("clock/advance", days=1)
        with served.source() as source:
            table = described(source, "problem")
            cursor = source.cursor_at(table, source.server_time())
            assert cursor is not None
            served.update("problem", record, short_description="As people change it")
            assert record in ids_of(read_all(source, source.plan_reads(table, cursor)))
            part = RowCheckPart(0, 1)
            tasks = source.plan_row_check(table, cursor, part, stored=lambda: iter(()))
            compared = ids_of(read_all(source, tasks))
        others = {row["sys_id"] for row in served.rows("problem")} - {record}
        assert set(compared) == others

    def test_a_record_that_was_changed_and_archived_since_the_last_backup_is_read(
        self, served: ServedInstance
    ) -> None:
        first, second = (row["sys_id"] for row in served.rows("problem")[:2])
        served.admin.post("records/archive", table="problem", query=f"sys_id={first}")
        served.admin.post("clock/advance", days=1)
        with served.source() as source:
            table = described(source, "problem")
            cursor = source.cursor_at(table, source.server_time())
            served.update("problem", second, short_description="Changed, then archived")
            served.admin.post("records/archive", table="problem", query=f"sys_id={second}")
            pages = read_all(source, source.plan_reads(table, cursor))
            assert set(ids_of(pages)) == {second}
        assert pages[-1].rows.cells is not None
        (row,) = pages[-1].rows.cells.to_pylist()
        assert row["short_description"] == "Changed, then archived"

    def test_a_record_that_was_archived_first_of_all_during_a_backup_is_live(
        self, served: ServedInstance
    ) -> None:
        record = served.rows("problem")[0]["sys_id"]
        with served.source() as source:
            table = described(source, "problem")
            served.admin.post("records/archive", table="problem", query=f"sys_id={record}")
            assert states(list(source.read_ids(table, [record]))) == {record: Op.STATE.value}

    def test_a_deletion_without_workflow_is_reported_by_sys_audit(
        self, served: ServedInstance
    ) -> None:
        record = served.rows("problem")[0]["sys_id"]
        served.admin.post("records/quiet-delete", table="problem", sys_ids=[record])
        assert served.rows("sys_audit_delete", f"documentkey={record}") == []
        with served.source() as source:
            assert states(changes(source, "problem"))[record] == Op.PURGED.value


def quiet_insert(served: ServedInstance, stamp: str) -> str:
    """A new problem that was last changed at ``stamp``, as it says."""
    row = {"short_description": "Imported", "sys_updated_on": stamp, "sys_created_on": stamp}
    answer = served.admin.post("records/quiet-insert", table="problem", rows=[row])
    return str(answer["sys_ids"][0])
