"""Looking for what a call made whose answer was lost: no record of somebody else's is among it."""

from datetime import UTC, datetime

import pytest

from fakes.salesforce import USER_ID, describe, field, id_of, row, system_fields
from unit.connectors.salesforce.writing.writable import Org
from unlost.model.errors import SourceRefused
from unlost.model.source.writing import WriteRow
from unlost.testing.clock import START


@pytest.fixture
def org() -> Org:
    return Org()


@pytest.mark.parametrize("audit", [True, False])
def test_what_this_user_made_lately_is_found(org: Org, audit: bool) -> None:
    own = field("CreatedById", "reference", referenceTo=["User"], createable=audit)
    dated = field("CreatedDate", "datetime", createable=audit)
    usual = [one for one in system_fields() if one["name"] != "CreatedDate"]
    org.describes["Account"] = describe("Account", *usual, dated, own, field("Name"))
    later = "2026-03-01T12:00:00.000+0000"
    org.rows["Account"] = [
        row(id_of("001", 1), at=later, CreatedById=USER_ID, Name="mine"),
        row(id_of("001", 2), at=later, CreatedById=id_of("005", 9), Name="theirs"),
        row(id_of("001", 3), CreatedById=USER_ID, Name="old"),
    ]
    with org.writer() as writer:
        since = datetime(2026, 3, 1, 11, tzinfo=UTC)
        found = writer.recent(org.shape("Account"), since, columns=["Id", "Name"], sent=[])
    assert found.cells is not None
    names = found.cells.column("Name").to_pylist()
    assert names == (["mine", "theirs"] if audit else ["mine"])


BORN = "2019-06-01T08:00:00.000+0000"


def dated(org: Org, table: str) -> None:
    """A table whose dates of creation may be sent."""
    own = field("CreatedById", "reference", referenceTo=["User"], createable=True)
    born = field("CreatedDate", "datetime", createable=True)
    usual = [one for one in system_fields() if one["name"] != "CreatedDate"]
    org.describes[table] = describe(table, *usual, born, own, field("Body"))
    org.rows.setdefault(table, [])


@pytest.mark.parametrize("table", ["Contact", "FeedItem"])
def test_what_was_only_changed_lately_is_no_stranger(org: Org, table: str) -> None:
    """Nobody can take a record that somebody changed just now for one whose answer was lost."""
    dated(org, table)
    later = "2026-03-01T12:00:00.000+0000"
    org.rows[table] = [
        row(id_of("001", 1), at=later, CreatedDate=BORN, CreatedById=USER_ID, Body="ours"),
        row(id_of("001", 2), CreatedDate=BORN, CreatedById=USER_ID, Body="of that second, old"),
        row(
            id_of("001", 3),
            at=later,
            CreatedDate="2020-01-01T00:00:00.000+0000",
            CreatedById=USER_ID,
            Body="old, touched",
        ),
        row(id_of("001", 4), at=later, CreatedById=USER_ID, Body="new"),
    ]
    sent = [
        WriteRow("a", None, {"CreatedDate": "2019-06-01T08:00:00.000Z"}),
        WriteRow("b", None, {"CreatedDate": None}),
    ]
    with org.writer() as writer:
        since = datetime(2026, 3, 1, 11, 0, 0, 5, tzinfo=UTC)
        found = writer.recent(org.shape(table), since, columns=["Body"], sent=sent)
    assert found.cells is not None
    assert sorted(found.cells.column("Body").to_pylist()) == ["new", "ours"]
    assert found.cells.schema.names == ["Body"]


@pytest.mark.parametrize("audit", [True, False])
def test_feed_items_are_looked_for_without_the_stamp_that_their_query_refuses(
    org: Org, audit: bool
) -> None:
    dated(org, "FeedItem")
    if not audit:
        for one in org.describes["FeedItem"]["fields"]:
            one["createable"] = one["name"] == "Body"
    with org.writer() as writer:
        sent = [WriteRow("a", None, {"CreatedDate": BORN})]
        writer.recent(org.shape("FeedItem"), START, columns=["Body"], sent=sent)
    asked = [str(one) for one in org.wire.made("GET", r"/query")]
    assert len(asked) == (2 if audit else 1)
    assert not any("SystemModstamp+%3E" in one or "SystemModstamp >=" in one for one in asked)


def test_tables_that_do_not_tell_who_made_a_record_say_so(org: Org) -> None:
    org.describes["Small"] = describe("Small", field("Id", "id"), field("Name"))
    with org.writer() as writer, pytest.raises(SourceRefused) as caught:
        writer.recent(org.shape("Small"), START, columns=["Name"], sent=[])
    assert caught.value.code == "recent-unknown"
