"""Journal columns: entries are rows, columns read back empty or put together."""

from simulators.servicenow.clients import Client


def test_entries_are_rows(client: Client, agent: Client) -> None:
    row = client.create("incident", comments="Hello", work_notes="Secret")
    assert (row["comments"], row["work_notes"]) == ("", "")
    client.admin("clock/advance", minutes=1)
    agent.change("incident", row["sys_id"], comments="Again")
    entries = client.list("sys_journal_field", f"element_id={row['sys_id']}^ORDERBYsys_created_on")
    assert [(each["element"], each["value"], each["name"]) for each in entries][-1] == (
        "comments", "Again", "task",
    )  # fmt: skip
    assert {each["sys_created_by"] for each in entries} == {"admin", "agent"}
    shown = client.row("incident", row["sys_id"], sysparm_display_value="all")
    assert shown["comments"]["value"] == ""
    text = shown["comments"]["display_value"]
    assert text.index("Again") < text.index("Hello")
    assert "Secret" not in text
    both = shown["comments_and_work_notes"]["display_value"]
    assert "Secret" in both
    assert "Again" in both


def test_an_entry_changes_the_stamps(client: Client) -> None:
    row = client.create("incident")
    changed = client.change("incident", row["sys_id"], work_notes="x").json()["result"]
    assert changed["sys_mod_count"] == "1"


def test_a_column_that_shows_others_entries_takes_none(client: Client) -> None:
    row = client.create("incident", comments_and_work_notes="x", work_notes="")
    assert client.list("sys_journal_field", f"element_id={row['sys_id']}") == []


def test_an_entry_may_be_sent_as_an_object(client: Client) -> None:
    client.create("incident", work_notes={"value": "x"})
    assert [each["value"] for each in client.list("sys_journal_field")] == ["x"]
