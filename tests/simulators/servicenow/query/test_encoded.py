"""Encoded queries: conditions, alternatives, further queries and orders."""

import pytest

from unlost_simulators.servicenow.query.encoded import Condition, Operator, Order, condition, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("state=1", Condition("state", Operator.EQUAL, "1")),
        ("state!=1", Condition("state", Operator.NOT_EQUAL, "1")),
        ("sys_id>abc", Condition("sys_id", Operator.ABOVE, "abc")),
        ("sys_updated_on>=2026-11-01 00:00:00",
         Condition("sys_updated_on", Operator.AT_LEAST, "2026-11-01 00:00:00")),
        ("priority<=3", Condition("priority", Operator.AT_MOST, "3")),
        ("priority<3", Condition("priority", Operator.BELOW, "3")),
        ("nameINtask,incident", Condition("name", Operator.IN, "task,incident")),
        ("nameNOT INtask", Condition("name", Operator.NOT_IN, "task")),
        ("nameLIKEabc", Condition("name", Operator.LIKE, "abc")),
        ("nameNOT LIKEabc", Condition("name", Operator.NOT_LIKE, "abc")),
        ("nameNOTLIKEabc", Condition("name", Operator.NOT_LIKE, "abc")),
        ("nameCONTAINSabc", Condition("name", Operator.LIKE, "abc")),
        ("nameDOES NOT CONTAINabc", Condition("name", Operator.NOT_LIKE, "abc")),
        ("classINSTANCEOFtask", Condition("class", Operator.INSTANCE_OF, "task")),
        ("nameSTARTSWITHIN", Condition("name", Operator.STARTS_WITH, "IN")),
        ("nameENDSWITHz", Condition("name", Operator.ENDS_WITH, "z")),
        ("closed_atISEMPTY", Condition("closed_at", Operator.IS_EMPTY)),
        ("closed_atISNOTEMPTY", Condition("closed_at", Operator.IS_NOT_EMPTY)),
        ("priorityBETWEEN1@3", Condition("priority", Operator.BETWEEN, "1@3")),
        ("caller_id.name=Jan", Condition("caller_id.name", Operator.EQUAL, "Jan")),
        ("state", None),
        ("STATE=1", None),
        ("stateis1", None),
    ],
)  # fmt: skip
def test_one_condition(text: str, expected: Condition | None) -> None:
    assert condition(text) == expected


def test_alternatives_belong_to_the_condition_before() -> None:
    query = parse("a=1^ORb=2^c=3")
    assert query.queries == (
        (
            (Condition("a", Operator.EQUAL, "1"), Condition("b", Operator.EQUAL, "2")),
            (Condition("c", Operator.EQUAL, "3"),),
        ),
    )


def test_orders_and_further_queries_are_read_wherever_they_stand() -> None:
    query = parse("ORDERBYDESCsys_created_on^a=1^NQb=2^EQ^ORDERBYsys_id^GROUPBYstate")
    assert query.orders == (Order("sys_created_on", descending=True), Order("sys_id"))
    assert [len(each) for each in query.queries] == [1, 1]


def test_no_text_is_a_query_without_conditions() -> None:
    assert parse("").queries == ((),)
