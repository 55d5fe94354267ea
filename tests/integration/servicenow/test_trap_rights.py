"""Traps of rights and domains; the names of the tests are their symptoms."""

import pytest

from fakes.instance import BACKUP, NARROW, ServedInstance, changes, described, findings_of, full
from unlost.model.errors import SourceRefused
from unlost.model.finding import FindingKind, Severity
from unlost.model.source.schema import ALL_ROWS
from unlost.testing.connectors import ids_of

pytestmark = pytest.mark.network


class TestRights:
    """What a user may not see is a gap, and never a deletion."""

    def test_an_admin_sees_all_rows(self, served: ServedInstance) -> None:
        with served.source() as source:
            schema = source.discover()
        assert all(table.grants == (ALL_ROWS,) for table in schema.tables)

    def test_a_user_without_admin_is_a_gap_and_is_not_trusted(self, served: ServedInstance) -> None:
        with served.source(NARROW) as source:
            schema = source.discover()
            missing = findings_of(schema)[FindingKind.PERMISSION_MISSING]
            assert missing
            incident = schema.table("incident")
            assert incident is not None
            assert ALL_ROWS not in incident.grants
            assert source.count(incident) is None

    def test_a_removed_role_changes_the_rights(self, served: ServedInstance) -> None:
        with served.source() as source:
            before = source.discover()
        served.admin.post("users", name=BACKUP, roles=["itil", "snc_read_only"])
        with served.source() as source:
            after = source.discover()
        assert before.fingerprint != after.fingerprint
        assert before.grants()["incident"] != after.grants()["incident"]

    def test_a_closed_table_is_a_gap(self, served: ServedInstance) -> None:
        served.admin.post("schema/web-access", table="problem", open=False)
        with served.source() as source:
            schema = source.discover()
        assert schema.table("problem") is None
        refused = findings_of(schema)[FindingKind.TABLE_REFUSED]
        assert "problem is closed to REST and is not protected." in refused

    def test_a_column_that_an_acl_hides_is_named(self, served: ServedInstance) -> None:
        served.acl("incident", column="short_description")
        with served.source() as source:
            table = described(source, "incident")
        assert table.hidden == ("short_description",)
        assert table.column("short_description") is None

    def test_a_table_whose_class_is_hidden_counted_as_unchanged(
        self, served: ServedInstance
    ) -> None:
        served.admin.post("settings", refused_condition="empty")
        served.acl("incident", column="sys_class_name")
        with served.source() as source, pytest.raises(SourceRefused):
            changes(source, "incident")

    @pytest.mark.parametrize("form", ["absent", "empty"])
    def test_a_column_that_is_hidden_in_some_rows_is_hidden(
        self, served: ServedInstance, form: str
    ) -> None:
        served.admin.post("settings", hidden_column=form)
        served.acl("incident", column="priority", roles=[], condition="state=1")
        with served.source() as source:
            assert described(source, "incident").hidden == ("priority",)

    def test_a_hidden_column_that_comes_empty_was_not_cleared(self, served: ServedInstance) -> None:
        served.admin.post("settings", hidden_column="empty")
        served.acl("incident", column="short_description")
        with served.source() as source:
            assert described(source, "incident").hidden == ("short_description",)

    def test_a_before_query_rule_is_a_gap_and_its_table_is_not_trusted(
        self, served: ServedInstance
    ) -> None:
        served.admin.post("rules/query", name="Own work", table="task", condition="state=1")
        with served.source() as source:
            schema = source.discover()
            incident = schema.table("incident")
            assert incident is not None
            assert ALL_ROWS not in incident.grants
            assert source.count(incident) is None
        (mine,) = (f for f in schema.findings if f.table == "incident")
        assert (mine.kind, mine.severity) == (FindingKind.PERMISSION_MISSING, Severity.GAP)
        assert "Own work" in mine.sentence
        assert schema.grants()["sys_user"] == {ALL_ROWS}

    def test_an_encrypted_column_without_its_context_is_hidden(
        self, served: ServedInstance
    ) -> None:
        with served.source() as source:
            assert described(source, "u_credential").hidden == ("u_recovery",)
        served.admin.post("users", name=BACKUP, contexts=["plant secrets"])
        with served.source() as source:
            assert described(source, "u_credential").hidden == ()

    def test_passwords_are_not_read(self, served: ServedInstance) -> None:
        with served.source() as source:
            schema = source.discover()
        assert all(
            column.native not in {"password", "password2"}
            for table in schema.tables
            for column in table.columns
        )
        assert FindingKind.COLUMN_UNREADABLE in findings_of(schema)

    def test_a_dictionary_that_is_hidden_in_part_stops_the_backup(
        self, served: ServedInstance
    ) -> None:
        served.acl("sys_dictionary", roles=[], condition="name!=incident")
        with served.source() as source, pytest.raises(SourceRefused, match="sys_dictionary"):
            source.discover()


class TestDomains:
    """Instances with domain separation."""

    def test_rows_of_all_domains_are_read(self, separated: ServedInstance) -> None:
        with separated.source() as source:
            assert len(ids_of(full(source, "incident"))) == len(separated.rows("incident"))

    def test_a_user_of_one_domain_is_a_gap_and_not_trusted(self, separated: ServedInstance) -> None:
        with separated.source(NARROW) as source:
            schema = source.discover()
            incident = schema.table("incident")
            assert incident is not None
            assert ALL_ROWS not in incident.grants
            assert source.count(incident) is None
        sentences = findings_of(schema)[FindingKind.PERMISSION_MISSING]
        assert any("separates domains" in sentence for sentence in sentences)
