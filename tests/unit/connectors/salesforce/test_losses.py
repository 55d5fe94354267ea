"""What people lose in Salesforce: the objects that they open, the bin, and survivors of merges."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from unlost.connectors.salesforce.connector import CONNECTOR
from unlost.connectors.salesforce.losses import BIN, FILE_LINK
from unlost.engine.records.losses import DeletedTable, group_losses
from unlost.model.losses import FoldReason, LossRule
from unlost.model.plan import RecordKey
from unlost.model.source.schema import ChangeLog, Column, Schema, Table, TableTrait, WireKind

UNDELETE = frozenset({TableTrait.UNDELETE})
LOG = ChangeLog("Recipe__History", "ParentId", "Field", "OldValue", "NewValue", "At", "By")


def table(name: str, *columns: str, named: bool = True, **more: object) -> Table:
    shapes = tuple(Column(column, WireKind.TEXT) for column in columns)
    return Table(name, shapes, name_column="Name" if named else None, **more)  # type: ignore[arg-type]


def test_the_tables_that_people_open_have_rules() -> None:
    opened = table("Account", traits=frozenset({TableTrait.OPENED}))
    tables = (opened, table("Recipe__c", change_log=LOG), table("AccountShare"))
    rules = CONNECTOR.loss_rules(Schema(tables, "f"))
    assert set(rules.tables) == {"Account"}
    assert rules.links == ()


@pytest.mark.parametrize(
    ("name", "column", "closed"),
    [
        ("Case", "IsClosed", {"true"}),
        ("Opportunity", "IsClosed", {"true"}),
        ("Order", "StatusCode", {"Canceled", "Expired"}),
    ],
)
def test_cases_opportunities_and_orders_are_open_until_they_are_closed(
    name: str, column: str, closed: set[str]
) -> None:
    schema = Schema((table(name, column), table("Task", "IsClosed")), "f")
    rules = CONNECTOR.loss_rules(schema).tables
    assert rules[name] == LossRule(state_column=column, closed_states=frozenset(closed))
    assert rules["Task"] == LossRule()
    bare = CONNECTOR.loss_rules(Schema((table(name),), "f")).tables[name]
    assert bare == LossRule(), "the user may not see the column"


def test_the_bin_and_the_columns_of_an_object() -> None:
    lead = table("Lead", "CreatedDate", "CreatedById", traits=UNDELETE)
    links = table(FILE_LINK.table, named=False)
    rules = CONNECTOR.loss_rules(Schema((lead, table("Note"), links), "f"))
    whole = LossRule(BIN, "CreatedDate", "CreatedById")
    assert rules.tables == {"Lead": whole, "Note": LossRule(), FILE_LINK.table: LossRule()}
    assert rules.links == (FILE_LINK,)


def test_a_merged_contact_names_its_survivor_and_the_user() -> None:
    """A row as Salesforce delivers the loser of a merge, which stays in the bin."""
    columns = ("MasterRecordId", "CreatedDate", "CreatedById")
    contact = table("Contact", *columns, traits=UNDELETE, merged_into_column="MasterRecordId")
    at = datetime(2026, 11, 22, 9, tzinfo=UTC)
    loser = {
        "_u_id": ["003000000000001AAA"],
        "_u_op": ["D"],
        "_u_modified_at": pa.array([at], pa.timestamp("ms", tz="UTC")),
        "_u_modified_by": ["005000000000001AAA"],
        "MasterRecordId": ["003000000000002AAA"],
        "CreatedDate": ["2026-01-05T08:00:00.000+0000"],
        "CreatedById": ["005000000000001AAA"],
    }
    rules = CONNECTOR.loss_rules(Schema((contact,), "f"))
    deleted = DeletedTable(contact, pa.table(loser))
    (loss,) = group_losses([deleted], rules, locate=lambda *_: {})
    assert loss.folded is FoldReason.MERGED
    assert loss.merged_into == RecordKey("Contact", "003000000000002AAA")
    assert (loss.by, loss.first) == ("005000000000001AAA", at)
    assert loss.bin_until == at + timedelta(days=15)
