"""Domain separation: rows of other domains are not there, unless a role asks for all."""

import pytest

from simulators.servicenow.clients import Client, count

JAPAN = "e" * 32


@pytest.fixture
def split(separated: Client) -> Client:
    for domain in ("global", JAPAN, JAPAN):
        # The body is empty where the caller may not read the new row.
        answer = separated("POST", "table/incident", json={"sys_domain": domain})
        assert (answer.status_code, answer.content == b"") == (201, domain == JAPAN)
    separated.create("incident")
    return separated


def test_rows_of_other_domains_are_left_out_silently(split: Client) -> None:
    assert len(split.list("incident")) == 2
    assert count(split, "incident") == "2"
    assert split.get("table/incident").headers["X-Total-Count"] == "2"


def test_admins_and_a_role_may_disregard_domains(split: Client) -> None:
    assert len(split.list("incident", sysparm_query_no_domain="true")) == 4
    split.admin("users", name="agent", roles=["query_no_domain_table_api"])
    assert len(split.as_("agent").list("incident", sysparm_query_no_domain="true")) == 4
    refused = split.as_("guest").get("table/incident", sysparm_query_no_domain="true")
    assert refused.status_code == 403


def test_a_user_sees_his_domains(split: Client) -> None:
    split.admin("users", name="agent", domains=[JAPAN])
    agent = split.as_("agent")
    assert len(agent.list("incident")) == 4
    hidden = split.list("incident", f"sys_domain={JAPAN}", sysparm_query_no_domain="true")[0]
    assert split.get(f"table/incident/{hidden['sys_id']}").status_code == 404
    row = split.row("incident", hidden["sys_id"], sysparm_query_no_domain="true")
    assert row["sys_domain"]["value"] == JAPAN
    assert agent.row("incident", hidden["sys_id"])["sys_id"] == hidden["sys_id"]


def test_tables_without_domains_are_not_touched(split: Client) -> None:
    split.create("sys_user", name="Jan")
    assert len(split.list("sys_user")) == 1


def test_a_row_of_another_domain_is_deleted_by_those_who_disregard_domains(split: Client) -> None:
    query = f"sys_domain={JAPAN}"
    hidden = split.list("incident", query, sysparm_query_no_domain="true")[0]["sys_id"]
    assert split("DELETE", f"table/incident/{hidden}").status_code == 404
    answer = split("DELETE", f"table/incident/{hidden}?sysparm_query_no_domain=true")
    assert answer.status_code == 204
