"""Traps of pages, conditions and failures; the names of the tests are their symptoms."""

import pytest

from fakes.instance import BACKUP, ServedInstance, changes, described, full, gaps
from unlost.connectors.servicenow import ServiceNowAuth
from unlost.connectors.servicenow.http.walk import RowCondition, TableWalk, WalkQuery
from unlost.model.errors import IntegrityError, LimitReached, SourceRefused, TransientError
from unlost.testing.connectors import ids_of, read_all

pytestmark = pytest.mark.network


def of_class(name: str) -> WalkQuery:
    return WalkQuery(name, ("number",), (RowCondition("sys_class_name", among=(name,)),))


class TestPages:
    """Short pages, empty pages, and pages that lead back."""

    def test_a_page_that_acls_shorten_is_not_the_last(self, served: ServedInstance) -> None:
        hidden = [row["sys_id"] for row in served.rows("incident", "ORDERBYsys_id")[3:6]]
        served.acl("incident", roles=[], condition=f"sys_idNOT IN{','.join(hidden)}")
        with served.source(page_rows=10) as source:
            pages = full(source, "incident")
        assert len(ids_of(pages)) == len(served.rows("incident")) - 3
        assert not set(hidden) & set(ids_of(pages))
        assert gaps(pages) == [
            "ServiceNow counts 3 records of Incident that the backup user may not see."
        ]
        assert pages[-1].incomplete

    def test_a_page_that_acls_empty_does_not_end_the_table(self, served: ServedInstance) -> None:
        rows = served.rows("incident", "ORDERBYsys_id")
        hidden = [row["sys_id"] for row in rows[10:45]]
        served.acl("incident", roles=[], condition=f"sys_idNOT IN{','.join(hidden)}")
        with served.source(page_rows=10) as source:
            pages = full(source, "incident")
        assert set(ids_of(pages)) == {row["sys_id"] for row in rows} - set(hidden)
        assert pages[-1].incomplete

    def test_a_table_of_which_all_rows_are_hidden_is_not_empty(
        self, served: ServedInstance
    ) -> None:
        served.acl("incident")
        with served.source(page_rows=100) as source:
            pages = full(source, "incident")
            assert ids_of(pages) == []
            assert pages[-1].incomplete
            with pytest.raises(SourceRefused, match="may not read all rows"):
                list(source.census(described(source, "incident")))

    def test_a_range_condition_that_is_dropped_sends_the_first_page_again(
        self, served: ServedInstance
    ) -> None:
        served.acl("incident", "query_range", column="sys_id")
        with served.api(page_rows=50) as api, pytest.raises(IntegrityError) as caught:
            list(TableWalk(api, of_class("incident")).pages())
        assert caught.value.code == "paging-in-circles"

    def test_a_range_condition_that_finds_nothing_hides_rows(self, served: ServedInstance) -> None:
        served.admin.post("settings", refused_condition="empty")
        served.acl("incident", "query_range", column="sys_id")
        with served.api(page_rows=50) as api:
            walk = TableWalk(api, of_class("incident"))
            assert sum(len(page) for page in walk.pages()) == 50
            assert walk.hidden() == len(served.rows("incident")) - 50

    @pytest.mark.parametrize("fate", ["dropped", "empty"])
    @pytest.mark.parametrize("column", ["sys_id", "sys_updated_on", "*"])
    def test_a_table_with_a_query_acl_is_refused_and_says_why(
        self, served: ServedInstance, fate: str, column: str
    ) -> None:
        served.admin.post("settings", refused_condition=fate)
        served.acl("incident", "query_range", column=column)
        with served.source() as source, pytest.raises(SourceRefused) as caught:
            full(source, "incident")
        assert caught.value.code == "servicenow-condition"
        assert "query_range" in caught.value.message.next_step

    @pytest.mark.parametrize("fate", ["dropped", "empty"])
    @pytest.mark.parametrize("column", ["", "*", "sys_updated_on"])
    def test_a_change_that_a_conditional_range_rule_hides_is_not_missed(
        self, served: ServedInstance, fate: str, column: str
    ) -> None:
        record = served.rows("incident")[0]["sys_id"]
        served.update("incident", record, short_description="changed")
        served.admin.post("settings", refused_condition=fate)
        served.acl("incident", "conditional_table_query_range", column=column)
        with served.source() as source, pytest.raises(SourceRefused) as caught:
            changes(source, "incident")
        assert caught.value.code == "servicenow-condition"

    def test_a_conditional_range_rule_that_lets_ranges_through_costs_no_table(
        self, served: ServedInstance
    ) -> None:
        record = served.rows("incident")[0]["sys_id"]
        served.update("incident", record, short_description="changed")
        served.acl("incident", "conditional_table_query_range", roles=["snc_read_only"])
        with served.source() as source:
            assert record in ids_of(changes(source, "incident"))

    @pytest.mark.parametrize("root", ["problem", "task"])
    def test_a_record_of_another_class_is_not_deleted_if_its_id_may_not_be_asked_for(
        self, served: ServedInstance, root: str
    ) -> None:
        record = served.rows("problem")[0]["sys_id"]
        served.admin.post("records/reclass", table="problem", sys_id=record, to="incident")
        served.admin.post("settings", refused_condition="empty")
        served.acl(root, "query_match", column="sys_id")
        with served.source() as source, pytest.raises(SourceRefused) as caught:
            list(source.read_ids(described(source, "problem"), [record]))
        assert caught.value.code == "servicenow-condition"

    def test_a_query_acl_that_the_user_passes_changes_nothing(self, served: ServedInstance) -> None:
        served.acl("incident", "query_range", column="sys_id", roles=["snc_read_only"])
        with served.source(page_rows=100) as source:
            assert len(ids_of(full(source, "incident"))) == len(served.rows("incident"))

    def test_a_condition_on_an_unknown_column_is_noticed(self, served: ServedInstance) -> None:
        query = WalkQuery("incident", ("number",), (RowCondition("u_missing", among=("1",)),))
        with served.api() as api, pytest.raises(SourceRefused) as caught:
            list(TableWalk(api, query).pages())
        assert caught.value.code == "servicenow-condition"

    def test_a_condition_on_times_that_is_dropped_is_noticed(self, served: ServedInstance) -> None:
        served.acl("incident", "query_range", column="sys_updated_on")
        since = RowCondition("sys_updated_on", at_least="2030-01-01 00:00:00")
        query = WalkQuery("incident", ("number",), (since,))
        with served.api() as api, pytest.raises(SourceRefused) as caught:
            list(TableWalk(api, query).pages())
        assert caught.value.code == "servicenow-condition"

    @pytest.mark.parametrize("name", ["incident", "sys_user_has_role", "sys_journal_field"])
    def test_an_instance_that_returns_no_rows_for_unknown_columns_is_read_whole(
        self, served: ServedInstance, name: str
    ) -> None:
        served.admin.post("settings", invalid_query_returns_no_rows=True)
        with served.source() as source:
            assert len(ids_of(full(source, name))) == len(served.rows(name)) > 0

    def test_a_backed_up_value_is_never_executed(self, served: ServedInstance) -> None:
        with served.source() as source:
            table = described(source, "incident")
            assert list(source.read_ids(table, ["javascript:gs.exit()", "a^b", "x" * 33])) == []
        assert all("exit" not in script for script in served.admin.get("scripts"))


class TestFailures:
    """Failures with a good status, and limits."""

    @pytest.mark.parametrize("kind", ["cancelled_text", "cancelled_key"])
    def test_an_error_inside_a_good_answer_halves_the_page(
        self, served: ServedInstance, kind: str
    ) -> None:
        with served.source(page_rows=200) as source:
            table = described(source, "incident")
            served.admin.fault(kind, path="table/incident", most_rows=60, times=0)
            pages = read_all(source, source.plan_reads(table, None))
        assert len(ids_of(pages)) == len(served.rows("incident"))
        assert max(len(page.rows) for page in pages) == 50

    def test_a_page_that_is_never_in_time_fails(self, served: ServedInstance) -> None:
        with served.source(page_rows=40) as source:
            table = described(source, "incident")
            served.admin.fault("cancelled_key", path="table/incident", times=0)
            with pytest.raises(TransientError) as caught:
                read_all(source, source.plan_reads(table, None))
        assert caught.value.code == "servicenow-cancelled"

    def test_a_spent_rate_limit_parks_the_run(self, served: ServedInstance) -> None:
        served.admin.post("rates", name="few", limit=3, scope="user", subject=BACKUP)
        with served.source() as source, pytest.raises(LimitReached) as caught:
            source.discover()
        assert caught.value.resume_at is not None
        assert caught.value.resume_at > served.clock.now()

    @pytest.mark.parametrize("kind", ["throttled_429", "unavailable_html", "empty_500"])
    def test_a_busy_node_is_asked_again_after_a_pause(
        self, served: ServedInstance, kind: str
    ) -> None:
        with served.source() as source:
            table = described(source, "incident")
            before = served.clock.now()
            served.admin.fault(kind, path="table/incident", times=1)
            assert ids_of(read_all(source, source.plan_reads(table, None)))
        assert served.clock.now() > before

    def test_a_session_that_timed_out_is_opened_again(self, served: ServedInstance) -> None:
        oauth = {"auth": ServiceNowAuth.PASSWORD, "client_id": "chocolate-client"}
        with served.source(**oauth) as source:
            table = described(source, "incident")
            served.admin.post("sessions/expire", refresh=True)
            assert ids_of(read_all(source, source.plan_reads(table, None)))

    def test_an_expired_token_is_renewed(self, served: ServedInstance) -> None:
        oauth = {"auth": ServiceNowAuth.PASSWORD, "client_id": "chocolate-client"}
        with served.source(**oauth) as source:
            table = described(source, "incident")
            served.admin.fault("expired_token", path="table/incident", times=1)
            assert ids_of(read_all(source, source.plan_reads(table, None)))

    def test_a_lost_answer_is_asked_for_again(self, served: ServedInstance) -> None:
        with served.source() as source:
            table = described(source, "incident")
            served.admin.fault("reply_lost", path="table/incident", times=1)
            assert ids_of(read_all(source, source.plan_reads(table, None)))

    def test_no_more_than_four_calls_are_made_at_a_time(self, served: ServedInstance) -> None:
        with served.api() as api:
            assert api.client._throttle is not None
            assert api.client._throttle._turns._value == 4
