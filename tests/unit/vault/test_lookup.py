"""Records by the whole value of a column: a change log's rows of one record, and any other."""

from dataclasses import replace

import pytest

from smallvault import TABLE, SmallVault, finish, rows, schema
from unlost.model.errors import NotFound
from unlost.model.source.schema import ChangeLog, Column, Schema, Table, WireKind
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import VaultOptions

LOG = ChangeLog(TABLE, "Text", "Name", "Phone", "Amount", "Seen", "Seen")
OWNER = Table("Owner", (Column("Id", WireKind.ID),), change_log=LOG)
NOIR, LAIT = {"Name": "noir", "Text": "00A"}, {"Name": "lait", "Text": "00a"}


class Counting(MemoryStore):
    opened: frozenset[str] = frozenset()

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        self.opened |= {name} if "/data/" in name else set()
        return super().get_range(name, start=start, length=length)


def logged() -> Schema:
    """The table is a change log; its column Text names the record."""
    plain = schema()
    return replace(plain, tables=(*plain.tables, OWNER))


def night(
    small: SmallVault, run: str, *seen: tuple[str, str, dict[str, str | None] | None]
) -> None:
    commit = small.begin(run, put=logged())
    finish(commit, commit.add(TABLE, [rows(*seen)]))


def found(small: SmallVault, *values: str, column: str = "Text") -> dict[str, str]:
    head = small.vault.newest_backup(small.org)
    assert head is not None
    states = head.where(TABLE, column, values, columns=["Name"])
    assert states.column_names[-2:] == ["_u_modified_by", "Name"]
    return {row["_u_id"]: f"{row['_u_op']} {row['Name']}" for row in states.to_pylist()}


@pytest.fixture(params=[True, False], ids=["tokens", "without"])
def small(request: pytest.FixtureRequest) -> SmallVault:
    small = SmallVault(options=VaultOptions(search=request.param))
    night(small, "r1", ("1", "U", NOIR), ("2", "U", LAIT), ("3", "U", {"Text": None}))
    return small


def test_upper_and_lower_case_are_two_values(small: SmallVault) -> None:
    assert found(small, "00A") == {"1": "U noir"}
    assert found(small, "00a") == {"2": "U lait"}
    assert found(small, "00A", "00a") == {"1": "U noir", "2": "U lait"}
    assert found(small, "00") == {}
    assert found(small) == {}


def test_what_is_deleted_is_found_by_its_last_value(small: SmallVault) -> None:
    night(small, "r2", ("1", "P", None))
    assert found(small, "00A") == {"1": "P noir"}


def test_a_value_of_the_past_does_not_find(small: SmallVault) -> None:
    night(small, "r2", ("1", "U", {**NOIR, "Text": "00B"}))
    assert found(small, "00A") == {}
    assert found(small, "00B") == {"1": "U noir"}


def test_a_value_longer_than_a_token_is_told_from_its_like(small: SmallVault) -> None:
    alike = ["x" * 100 + end for end in "ab"]
    night(small, "r2", *((key, "U", {"Text": key}) for key in alike))
    assert list(found(small, alike[0])) == [alike[0]]


def test_a_column_that_no_change_log_names_is_read(small: SmallVault) -> None:
    assert found(small, "noir", column="Name") == {"1": "U noir"}


def test_an_unknown_column_is_refused(small: SmallVault) -> None:
    with pytest.raises(NotFound, match="Colour"):
        found(small, "00A", column="Colour")


def test_segments_from_before_the_tokens_are_read() -> None:
    """The table was no change log yet on its first night, and lacked a column on its second."""
    small = SmallVault()
    small.night("r1", ("1", "U", NOIR))
    commit = small.begin("r2", put=schema("Name"))
    finish(commit, commit.add(TABLE, [rows(("4", "U", {"Name": "bare"}), names=["Name"])]))
    night(small, "r3", ("2", "U", {**LAIT, "Text": "00A"}))
    assert found(small, "00A") == {"1": "U noir", "2": "U lait"}


def test_a_record_named_in_a_log_is_no_hit_of_its_own() -> None:
    small = SmallVault()
    night(small, "r1", ("1", "U", NOIR))
    for text in ("00A", "00a", "\x1f00A"):
        assert small.vault.search(small.org, text).hits == ()
    assert [hit.record for hit in small.vault.search(small.org, "noir")] == ["1"]


def test_one_record_of_a_long_log_opens_few_segments() -> None:
    store = Counting()
    small = SmallVault(store=store, options=VaultOptions(buffer_bytes=20_000))
    commit = small.begin("r1", put=logged())
    seen = [(f"{n:06d}", "U", {"Name": f"N-{n}", "Text": f"R{n % 1000}"}) for n in range(3000)]
    added = commit.add(TABLE, [rows(*seen[at : at + 100]) for at in range(0, 3000, 100)])
    finish(commit, added)
    assert sum(entry.table == TABLE for entry in added.segments) > 5
    found(small, "R5")
    store.opened = frozenset()
    assert found(small, "R7") == {f"{n:06d}": f"U N-{n}" for n in (7, 1007, 2007)}
    assert len(store.opened) <= 4
