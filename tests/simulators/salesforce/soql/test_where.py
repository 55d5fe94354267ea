"""Conditions against rows: operators, two-valued logic, dates, ids, semi-joins."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlost_simulators.salesforce.model import ids
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org


@pytest.fixture
def shops(org: Org, backup: SimUser) -> Org:
    rows = [
        {"Name": "Alpha", "Industry": "Food", "AnnualRevenue": 10, "NumberOfEmployees": 1},
        {"Name": "beta", "Industry": None, "AnnualRevenue": None, "NumberOfEmployees": 2},
        {"Name": "100% Béta_x", "Industry": "Retail", "AnnualRevenue": 30.5},
        {"Name": "d'Or\\", "Industry": "food", "AnnualRevenue": -1, "NumberOfEmployees": 0},
    ]
    org.insert(backup, "Account", rows)
    return org


def found(org: Org, user: SimUser, where: str, name: str = "Account", field: str = "Name") -> list:
    records = org.query(user, f"SELECT {field} FROM {name} WHERE {where}").records(0, 2000)
    return [one[field] for one in records]


A, B, C, D = "Alpha", "beta", "100% Béta_x", "d'Or\\"


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("Name = 'ALPHA'", [A]),
        ("Name != 'alpha'", [B, C, D]),
        ("Name <> 'alpha'", [B, C, D]),
        ("Industry = null", [B]),
        ("Industry != null", [A, C, D]),
        ("Industry = ''", [B]),
        ("Industry != 'Food'", [B, C]),
        ("NOT Industry = 'Food'", [B, C]),
        ("NOT (NOT Industry = 'Food')", [A, D]),
        ("Industry IN ('FOOD', 'retail')", [A, C, D]),
        ("Industry NOT IN ('FOOD', 'retail')", [B]),
        ("Industry IN ('Food', null)", [A, B, D]),
        ("Industry NOT IN ('Food', null)", [C]),
        ("AnnualRevenue > 10", [C]),
        ("AnnualRevenue >= 10", [A, C]),
        ("AnnualRevenue < 30.5", [A, D]),
        ("NOT AnnualRevenue < 30.5", [B, C]),
        ("AnnualRevenue > -1.0E0", [A, C]),
        ("AnnualRevenue > null", []),
        ("AnnualRevenue IN (10, 30.50)", [A, C]),
        ("Name LIKE 'al%'", [A]),
        ("Name LIKE '%ETA'", [B]),
        ("Name LIKE '_eta'", [B]),
        (r"Name LIKE '100\%%'", [C]),
        (r"Name LIKE '%\_x'", [C]),
        ("NOT Name LIKE '%a%'", [D]),
        (r"Name LIKE 'd\'or\\'", [D]),
        (r"Name = 'd\'OR\\'", [D]),
        ("Name LIKE '%BÉTA%'", [C]),
        ("Name > 'alpha' AND Name < 'c'", [B]),
        ("(Name = 'alpha' OR Name = 'beta') AND Industry = null", [B]),
        ("Name = 'alpha' OR (Industry = null AND AnnualRevenue = null)", [A, B]),
        ("NOT (Name = 'alpha' OR Industry = null)", [C, D]),
        ("IsDeleted = false AND NumberOfEmployees <= 1", [A, D]),
        ("IsDeleted = true", []),
        ("Account.Name = 'alpha'", [A]),
        ("Parent.Name = null", [A, B, C, D]),
        ("Parent.Name != 'x'", [A, B, C, D]),
        ("CreatedDate = TODAY AND CreatedDate >= 2026-11-01T12:00:00Z", [A, B, C, D]),
        ("CreatedDate > TODAY", []),
        ("CreatedDate >= TOMORROW", []),
        ("CreatedDate < TODAY", []),
        ("CreatedDate <= TODAY AND CreatedDate = LAST_N_DAYS:1", [A, B, C, D]),
        ("CreatedDate != TODAY", []),
        ("CreatedDate IN (YESTERDAY, TODAY)", [A, B, C, D]),
        ("CreatedDate < 2026-11-01T14:00:00+02:00", []),
        ("CreatedDate <= 2026-11-01T14:00:00.000+0200", [A, B, C, D]),
        ("DAY_ONLY(CreatedDate) = 2026-11-01", [A, B, C, D]),
        ("CALENDAR_YEAR(CreatedDate) = 2025", []),
        ("HOUR_IN_DAY(CreatedDate) = 12 AND DAY_IN_WEEK(CreatedDate) = 1", [A, B, C, D]),
        ("BillingCity = null AND BillingLatitude = null", [A, B, C, D]),
        ("Contact_Count__c = 0", [A, B, C, D]),
    ],
)
def test_conditions(shops: Org, backup: SimUser, where: str, names: list[str]) -> None:
    assert found(shops, backup, where) == names


def test_case_sensitive_fields_mind_case(org: Org, backup: SimUser) -> None:
    org.insert(backup, "Recipe__c", [{"Code__c": "ab"}, {"Code__c": "AB"}])
    assert found(org, backup, "Code__c = 'AB'", "Recipe__c", "Code__c") == ["AB"]
    assert found(org, backup, "Code__c LIKE 'a%'", "Recipe__c", "Code__c") == ["ab"]
    assert found(org, backup, "Code__c IN ('ab')", "Recipe__c", "Code__c") == ["ab"]


def test_multi_select_picklists(org: Org, backup: SimUser) -> None:
    likes = ["dark;milk", "milk", None, "dark;milk;white"]
    org.insert(backup, "Contact", [{"LastName": "x", "Likes__c": one} for one in likes])

    def some(where: str) -> list:
        return found(org, backup, where, "Contact", "Likes__c")

    assert some("Likes__c INCLUDES ('dark;MILK')") == ["dark;milk", "dark;milk;white"]
    assert some("Likes__c INCLUDES ('white', 'dark')") == ["dark;milk", "dark;milk;white"]
    assert some("Likes__c EXCLUDES ('dark')") == ["milk", None]
    assert some("Likes__c = 'dark;milk'") == ["dark;milk"]


def test_dates_and_times(org: Org, backup: SimUser) -> None:
    org.insert(
        backup,
        "Contact",
        [
            {"LastName": "a", "Birthdate": "2026-11-01", "Wakes__c": "06:00:00Z"},
            {"LastName": "b", "Birthdate": "2026-10-31", "Wakes__c": "07:30:00.250Z"},
            {"LastName": "c"},
        ],
    )

    def some(where: str) -> list:
        return found(org, backup, where, "Contact", "LastName")

    assert some("Birthdate = TODAY") == ["a"]
    assert some("Birthdate = 2026-10-31") == ["b"]
    assert some("Birthdate != 2026-10-31") == ["a", "c"]
    assert some("Birthdate >= YESTERDAY") == ["a", "b"]
    assert some("Birthdate = LAST_MONTH") == ["b"]
    assert some("Wakes__c > 06:00:00Z") == ["b"]
    assert some("Wakes__c IN (07:30:00.250Z)") == ["b"]


def test_ids_of_fifteen_and_eighteen_characters(org: Org, backup: SimUser) -> None:
    made = org.insert(backup, "Account", [{"Name": f"a{n}"} for n in range(50)])
    short = made[7][:15]
    assert found(org, backup, f"Id = '{short}'") == ["a7"]
    assert found(org, backup, f"Id = '{short}ZZZ'") == ["a7"]
    assert found(org, backup, f"Id != '{short}'")[6:8] == ["a6", "a8"]
    assert found(org, backup, f"Id IN ('{short}', '{made[3]}')") == ["a3", "a7"]
    assert len(found(org, backup, f"Id NOT IN ('{short}', '{made[3]}')")) == 48
    many = ", ".join(f"'{one}'" for one in (short, *made[1:45], "001Dn00000zzzzzIAA"))
    assert len(found(org, backup, f"Id IN ({many})")) == len(
        {short[:15], *(m[:15] for m in made[1:45])}
    )
    assert len(found(org, backup, f"Id IN ({many}, '{'x' * 15}')")) >= 44
    assert found(org, backup, f"ParentId IN ({many})") == []
    assert len(found(org, backup, f"ParentId NOT IN ({many})")) == 50
    with_none = len(found(org, backup, f"Id NOT IN ({many})"))
    assert with_none == 50 - len({short[:15], *(m[:15] for m in made[1:45])})
    assert found(org, backup, "Id = ''") == []


def test_ids_compare_in_the_order_of_the_org(org: Org, backup: SimUser) -> None:
    made = org.insert(backup, "Account", [{"Name": f"a{n}"} for n in range(100)])
    assert made != sorted(made), "byte order differs"
    after = org.query(backup, f"SELECT Id FROM Account WHERE Id > '{made[40]}' ORDER BY Id")
    assert [one["Id"] for one in after.records(0, 2000)] == made[41:]
    assert found(org, backup, f"Id <= '{made[1]}'") == ["a0", "a1"]
    assert len(found(org, backup, "Id > '000000000000000AAA'")) == 100
    assert found(org, backup, "Id > '00ZDn0000000000'") == []
    assert len(found(org, backup, "Id < '00ZDn0000000000'")) == 100


def test_references_compare_in_the_order_of_the_org(org: Org, backup: SimUser) -> None:
    shops = org.insert(backup, "Account", [{"Name": f"a{n}"} for n in range(60)])
    rows = [{"LastName": str(n), "AccountId": one} for n, one in enumerate(shops)]
    org.insert(backup, "Contact", rows)
    query = f"SELECT AccountId FROM Contact WHERE AccountId >= '{shops[33]}' ORDER BY AccountId"
    records = org.query(backup, query).records(0, 2000)
    assert [one["AccountId"] for one in records] == shops[33:]


def test_semi_joins(org: Org, backup: SimUser) -> None:
    one, two, three = org.insert(backup, "Account", [{"Name": n} for n in "abc"])
    org.insert(backup, "Contact", [{"LastName": "x", "AccountId": one}, {"LastName": "y"}])
    org.insert(backup, "Opportunity", [{"Name": "o", "AccountId": two, "Amount": 5}])
    semi = "Id IN (SELECT AccountId FROM Contact WHERE LastName = 'X')"
    anti = "Id NOT IN (SELECT AccountId FROM Opportunity WHERE Account.Name = 'b')"
    assert found(org, backup, semi) == ["a"]
    assert found(org, backup, anti) == ["a", "c"]
    assert found(org, backup, f"NOT {semi}") == ["b", "c"]
    assert found(org, backup, f"{semi} AND {anti}") == ["a"]
    contacts = found(
        org, backup, "AccountId NOT IN (SELECT Id FROM Account)", "Contact", "LastName"
    )
    assert contacts == ["y"]
    org.delete(backup, "Opportunity", org.ids_where("Opportunity", None))
    assert found(org, backup, anti) == ["a", "b", "c"]
    assert three


VALUES = st.sampled_from([None, 0, 1, 2, 5])
OPERATORS = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left is not None and left < right,
    "<=": lambda left, right: left is not None and left <= right,
    ">": lambda left, right: left is not None and left > right,
    ">=": lambda left, right: left is not None and left >= right,
}
LEAVES = st.tuples(
    st.sampled_from(["NumberOfEmployees", "AnnualRevenue"]),
    st.sampled_from(sorted(OPERATORS)),
    st.sampled_from([0, 1, 2, 5]),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.tuples(st.just("NOT"), inner)
        | st.tuples(st.sampled_from(["AND", "OR"]), inner, inner, inner)
    ),
    max_leaves=6,
)


def as_soql(tree: tuple) -> str:
    if tree[0] == "NOT":
        return f"NOT ({as_soql(tree[1])})"
    if tree[0] in {"AND", "OR"}:
        return f" {tree[0]} ".join(f"({as_soql(one)})" for one in tree[1:])
    return " ".join(str(one) for one in tree)


def holds(tree: tuple, row: dict) -> bool:
    if tree[0] == "NOT":
        return not holds(tree[1], row)
    if tree[0] == "AND":
        return all(holds(one, row) for one in tree[1:])
    if tree[0] == "OR":
        return any(holds(one, row) for one in tree[1:])
    return OPERATORS[tree[1]](row[tree[0]], tree[2])


ROWS = [
    {"Name": f"{left}/{right}", "NumberOfEmployees": left, "AnnualRevenue": right}
    for left in (None, 0, 1, 2, 5)
    for right in (None, 0, 1, 2, 5)
]


def test_logic_has_two_values(org: Org, backup: SimUser) -> None:
    org.insert(backup, "Account", ROWS)

    @settings(deadline=None, max_examples=100)
    @given(TREES)
    def check(tree: tuple) -> None:
        wanted = [one["Name"] for one in ROWS if holds(tree, one)]
        assert found(org, backup, as_soql(tree)) == wanted

    check()


@given(st.text(max_size=6))
def test_any_text_is_found_again(text: str) -> None:
    from unlost_simulators.salesforce.soql import literals
    from unlost_simulators.salesforce.soql.grammar import ast

    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    literal = ast.Literal(ast.Kind.STRING, text, f"'{quoted}'")
    import duckdb

    pattern = literals.pattern(literal)
    if "%" in text or "_" in text:
        return
    hit = duckdb.execute(f"SELECT ? LIKE {pattern} ESCAPE '\\'", [text]).fetchall()
    assert hit == [(True,)]


def test_ids_are_ordered_by_key() -> None:
    assert ids.order_key("001Dn00000b000AIAA") > ids.order_key("001Dn00000b000zIAA")
