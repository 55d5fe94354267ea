"""Traps of attachments, journals and values; the names of the tests are their symptoms."""

import pytest

from fakes.instance import NARROW, ServedInstance, described, findings_of, full
from unlost.model.errors import IntegrityError
from unlost.model.finding import FindingKind
from unlost.model.source.schema import WireKind
from unlost.testing.connectors import ids_of

pytestmark = pytest.mark.network


class TestEvidence:
    """Attachments, journals and audits."""

    @pytest.mark.parametrize("hashes", [True, False])
    def test_attachments_are_files(self, served: ServedInstance, hashes: bool) -> None:
        served.admin.post("settings", attachment_hashes=hashes)
        with served.source() as source:
            table = described(source, "sys_attachment")
            assert table.files[0].column == "file"
            column = table.column("file")
            assert column is not None
            assert column.kind is WireKind.BINARY
            pages = full(source, "sys_attachment")
            refs = [ref for page in pages for ref in source.files_in(table, page.rows)]
            assert len(refs) == len(served.rows("sys_attachment"))
            with source.open_file(refs[0]) as stream:
                assert len(stream.read()) == refs[0].size

    def test_an_attachment_whose_hash_differs_is_refused(self, served: ServedInstance) -> None:
        record = served.rows("sys_attachment")[0]["sys_id"]
        served.admin.post(
            "records/quiet-update", table="sys_attachment", sys_id=record, values={"hash": "0" * 64}
        )
        with served.source() as source:
            table = described(source, "sys_attachment")
            (page,) = source.read_ids(table, [record])
            (ref,) = source.files_in(table, page.rows)
            with pytest.raises(IntegrityError), source.open_file(ref) as stream:
                stream.read()

    def test_a_reference_is_an_id_and_never_a_display_value(self, served: ServedInstance) -> None:
        with served.source() as source:
            cells = [page.rows.cells for page in full(source, "incident")]
        callers = {row["caller_id"] for rows in cells if rows for row in rows.to_pylist()}
        users = {row["sys_id"] for row in served.rows("sys_user")}
        assert callers - {None} <= users
        assert callers - {None}
        assert not any("sysparm_display_value" in str(request) for request in served.requests())

    def test_a_time_without_a_zone_is_utc(self, served: ServedInstance) -> None:
        row = served.rows("incident")[0]
        with served.source(NARROW) as source:  # whose own zone is Brussels
            (page,) = source.read_ids(described(source, "incident"), [row["sys_id"]])
        assert f"{page.rows.modified_at[0].as_py():%Y-%m-%d %H:%M:%S}" == row["sys_updated_on"]

    def test_journals_and_audits_are_tables(self, served: ServedInstance) -> None:
        with served.source() as source:
            assert len(ids_of(full(source, "sys_journal_field"))) == len(
                served.rows("sys_journal_field")
            )
            incident = described(source, "incident")
            assert incident.change_log is not None
            assert incident.change_log.table == "sys_audit"
            journal = described(source, "sys_journal_field").column("element_id")
            assert journal is not None
            assert journal.reference is not None
            assert "incident" in journal.reference.tables

    def test_staging_tables_are_noted(self, served: ServedInstance) -> None:
        with served.source() as source:
            schema = source.discover()
        assert schema.table("u_imp_contact") is None
        assert any("import" in text for text in findings_of(schema)[FindingKind.TABLE_NOT_DATA])

    def test_an_upgrade_that_adds_a_column_is_seen(self, served: ServedInstance) -> None:
        served.admin.post(
            "schema/put-column", table="task", name="u_new", label="New", kind="string"
        )
        with served.source() as source:
            assert described(source, "incident").column("u_new")
