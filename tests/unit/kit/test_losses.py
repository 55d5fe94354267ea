"""Rules to show deletions, by the columns of a table."""

from unlost.kit.losses import loss_rule
from unlost.model.losses import LossRule
from unlost.model.source.schema import Column, Table, WireKind

CLOSED = frozenset({"false"})


def rule(*columns: str) -> LossRule:
    table = Table("task", tuple(Column(name, WireKind.TEXT) for name in columns))
    return loss_rule(table, born="created", author="creator", state="active", closed=CLOSED)


def test_a_rule_names_the_columns_that_the_table_has() -> None:
    assert rule("created", "creator", "active") == LossRule(
        None, "created", "creator", "active", CLOSED
    )
    assert rule("created") == LossRule(born_column="created")


def test_without_the_column_of_the_state_no_state_is_closed() -> None:
    assert rule("creator") == LossRule(author_column="creator")
    table = Table("user", (Column("created", WireKind.TEXT),))
    assert loss_rule(table, born="created", author="") == LossRule(born_column="created")
