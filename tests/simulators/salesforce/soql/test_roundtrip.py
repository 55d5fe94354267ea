"""Trees to text and back, and the syntax that the parser takes or refuses."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.soql.grammar import ast
from unlost_simulators.salesforce.soql.grammar.parse import parse, unescape

WORDS = [
    "Id",
    "Name",
    "Order",
    "Group",
    "Limit",
    "Select__c",
    "From__c",
    "A1",
    "Is_Not",
    "Like__c",
    "In_Stock",
    "Count",
    "Nulls",
]
NAMES = st.sampled_from(WORDS)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda one: ast.Path(tuple(one)))
CALLS = st.builds(
    ast.FunctionCall,
    st.sampled_from(["COUNT", "MAX", "DAY_ONLY"]),
    st.lists(PATHS, min_size=1, max_size=1).map(tuple),
)
EXPRESSIONS = PATHS | CALLS


def quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


STRINGS = st.text(max_size=8).map(lambda one: ast.Literal(ast.Kind.STRING, one, quote(one)))
NUMBERS = st.decimals(-1000, 1000, places=2).map(
    lambda one: ast.Literal(ast.Kind.NUMBER, Decimal(str(one)), str(one))
)
DATES = (
    st.dates()
    .filter(lambda one: one.year > 999)
    .map(lambda one: ast.Literal(ast.Kind.DATE, one, one.isoformat()))
)
INSTANTS = st.datetimes(min_value=datetime(1700, 1, 1)).map(  # noqa: DTZ001
    lambda one: ast.Literal(
        ast.Kind.DATETIME,
        one.replace(microsecond=0, tzinfo=UTC),
        f"{one.replace(microsecond=0).isoformat()}Z",
    )
)
WORD_LITERALS = st.sampled_from(
    [
        ast.Literal(ast.Kind.BOOLEAN, True, "TRUE"),
        ast.Literal(ast.Kind.BOOLEAN, False, "false"),
        ast.Literal(ast.Kind.NULL, None, "null"),
        ast.Literal(ast.Kind.RELATIVE, "TODAY", "TODAY"),
        ast.Literal(ast.Kind.RELATIVE, "LAST_N_DAYS:30", "LAST_N_DAYS:30"),
    ]
)
LITERALS = STRINGS | NUMBERS | DATES | INSTANTS | WORD_LITERALS
LISTS = st.lists(LITERALS, min_size=1, max_size=3).map(tuple)
SIMPLE = (
    st.builds(
        ast.Compare,
        EXPRESSIONS,
        st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "LIKE"]),
        LITERALS,
    )
    | st.builds(ast.Member, EXPRESSIONS, LISTS, st.booleans())
    | st.builds(ast.Includes, PATHS, LISTS, st.booleans())
)
CONDITIONS = st.recursive(
    SIMPLE,
    lambda inner: (
        st.builds(ast.Not, inner)
        | st.builds(ast.And, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(ast.Or, st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=6,
)
ORDERINGS = st.builds(
    ast.Ordering, EXPRESSIONS, st.booleans(), st.sampled_from([None, True, False])
)
FIELD_ITEMS = st.builds(ast.FieldItem, EXPRESSIONS, st.none() | st.just("alias1"))
TYPEOFS = st.builds(
    ast.TypeOf,
    PATHS,
    st.lists(
        st.tuples(st.just("Account"), st.lists(PATHS, min_size=1, max_size=2).map(tuple)),
        min_size=1,
        max_size=2,
    ).map(tuple),
    st.lists(PATHS, max_size=2).map(tuple),
)


def selects(items: st.SearchStrategy) -> st.SearchStrategy[ast.Select]:
    return st.builds(
        ast.Select,
        st.lists(items, min_size=1, max_size=4).map(tuple),
        st.sampled_from(["Account", "Order", "Group", "X__c"]),
        alias=st.none() | st.just("a"),
        scope=st.none() | st.just("mine"),
        where=st.none() | CONDITIONS,
        order=st.lists(ORDERINGS, max_size=2).map(tuple),
        limit=st.none() | st.integers(0, 5000),
        offset=st.none() | st.integers(0, 5000),
        purpose=st.none() | st.sampled_from(["VIEW", "REFERENCE", "UPDATE"]),
    )


CHILDREN = selects(FIELD_ITEMS).map(ast.ChildItem)
QUERIES = selects(FIELD_ITEMS | TYPEOFS | CHILDREN)


@given(QUERIES)
def test_what_is_rendered_parses_to_the_same_tree(tree: ast.Select) -> None:
    assert parse(ast.render(tree)) == tree


@given(
    st.lists(PATHS, min_size=1, max_size=2).map(tuple),
    st.sampled_from([None, "ROLLUP", "CUBE"]),
    st.none() | CONDITIONS,
)
def test_groups_survive(keys, rollup, having) -> None:
    tree = ast.Select(
        (ast.FieldItem(ast.Path(("Id",))),), "A", group=keys, rollup=rollup, having=having
    )
    assert parse(ast.render(tree)) == tree


@given(QUERIES, st.sampled_from([str.upper, str.lower]))
def test_keywords_mind_no_case(tree: ast.Select, change) -> None:
    text = ast.render(ast.Select((ast.FieldItem(ast.Path(("Id",))),), "A", order=tree.order))
    head, tail = text.split("FROM")
    assert parse(change(head) + change("FROM") + tail).order == tree.order


def test_semi_joins_and_unusual_spacing() -> None:
    tree = parse(
        "select\n Id from Account\twhere Id in(select AccountId from Contact)"
        " and Id not  in ( SELECT AccountId FROM Opportunity )"
    )
    assert isinstance(tree.where, ast.And)
    assert [type(one) for one in tree.where.parts] == [ast.SemiJoin, ast.SemiJoin]
    assert tree == parse(ast.render(tree))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r"a\'b", "a'b"),
        (r"a\\b", "a\\b"),
        (r"\n\r\t\b\f", "\n\r\t\b\f"),
        (r"\"", '"'),
        (r"\u00e9\u0041", "éA"),
        (r"\N", "\n"),
    ],
)
def test_escapes(written: str, value: str) -> None:
    assert unescape(written) == value
    where = parse(f"SELECT Id FROM A WHERE x = '{written}'").where
    assert isinstance(where, ast.Compare)
    assert where.literal.value == value


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31t10:00:00.500z", datetime(2026, 1, 31, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-01-31T10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T10:00:00-0230", datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
        ("2026-01-31T10:00:00 02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
    ],
)
def test_instants(text: str, instant: datetime) -> None:
    where = parse(f"SELECT Id FROM A WHERE x >= {text}").where
    assert isinstance(where, ast.Compare)
    assert where.literal.value == instant


@pytest.mark.parametrize(
    ("soql", "column", "text"),
    [
        ("SELECT FROM Account", 8, "unexpected token: 'FROM'"),
        ("SELECT Id FORM Account", 16, "unexpected token: 'Account'"),
        ("SELECT Id", 10, "unexpected token: '<EOF>'"),
        ("", 1, "unexpected token: '<EOF>'"),
        ("SELECT Id FROM A WHERE x = 1 AND y = 2 OR z = 3", 40, "unexpected token: 'OR'"),
        ("SELECT Id FROM A WHERE x == 1", 27, "unexpected token: '='"),
        ("SELECT Id FROM A LIMIT 5.5", 24, "unexpected token: '5.5'"),
        ("SELECT Id FROM A LIMIT -5", 24, "unexpected token: '-5'"),
        ("SELECT Id FROM A ALL ROWS", 18, "ALL ROWS not allowed in this context"),
        ("SELECT Id FROM A WITH SECURITY_ENFORCED", 0, "unexpected token"),
        ("SELECT Id FROM A WHERE x = 'a", 28, "unexpected token: '''"),
        (r"SELECT Id FROM A WHERE x = 'a\q'", 28, r"Illegal character sequence '\q'"),
        ("SELECT Id FROM A WHERE x = 2026-13-01", 28, "Invalid date: 2026-13-01"),
        ("SELECT Id FROM A WHERE x = 2026-01-01T25:00:00Z", 28, "Invalid date: 2026-01-01T25"),
        ("SELECT Id FROM A WHERE x = 25:00:00Z", 28, "Invalid date: 25:00:00Z"),
        ("SELECT * FROM A", 8, "unexpected token: '*'"),
    ],
)
def test_syntax_errors(soql: str, column: int, text: str) -> None:
    with pytest.raises(SalesforceError) as caught:
        parse(soql)
    assert caught.value.code == "MALFORMED_QUERY"
    assert caught.value.fields is None
    assert text in caught.value.message
    if column:
        assert f"ERROR at Row:1:Column:{column}\n" in caught.value.message


def test_row_and_excerpt_of_a_later_line() -> None:
    with pytest.raises(SalesforceError) as caught:
        parse("SELECT Id\nFROM Account\nWHERE Name == 'x'")
    assert caught.value.message == (
        "\nWHERE Name == 'x'\n            ^\nERROR at Row:3:Column:13\nunexpected token: '='"
    )


def test_too_long_queries_and_strings() -> None:
    with pytest.raises(SalesforceError, match="QUERY_TOO_COMPLICATED"):
        parse("SELECT Id FROM A" + " " * 100_000)
    with pytest.raises(SalesforceError, match="4000 characters"):
        parse(f"SELECT Id FROM A WHERE x = '{'y' * 4001}'")
