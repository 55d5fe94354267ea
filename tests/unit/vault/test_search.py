"""Search: what a junior types, and what he must find."""

import pytest

from smallvault import TABLE, SmallVault, finish, rows
from unlost.model.source.hidden_columns import hidden_columns
from unlost.vault.format.physical import SEARCH
from unlost.vault.format.sidecar import Sidecar
from unlost.vault.read.table_view import TableView
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import VaultOptions

NOIR = {"Name": "Chocolat Noir Süß GmbH", "Phone": "+49 (170) 12 34-5"}
LAIT = {"Name": "Chocolat au Lait", "Phone": "0170 99"}


@pytest.fixture
def small() -> SmallVault:
    small = SmallVault()
    small.night("r1", ("00A000000000001", "U", NOIR), ("00A000000000002", "U", LAIT))
    return small


def found(small: SmallVault, text: str, limit: int = 20) -> set[str]:
    return {hit.record[-1] for hit in small.vault.search(small.org, text, limit=limit)}


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ("noir", {"1"}),
        ("CHOCO", {"1", "2"}),
        ("chocolat lait", {"2"}),
        ("lait chocolat", {"2"}),
        ("suss", {"1"}),
        ("süss", {"1"}),
        ("SÜSS gmb", {"1"}),
        ("49170", {"1"}),
        ("+49 170 123", {"1"}),
        ("0170-99", {"2"}),
        ("170", {"1", "2"}),
        ("0049 (0)170 12345", {"1"}),
        ("49170 12345", {"1"}),
        ("+43 170 12345", {"1"}),
        ("00A000000000002", {"2"}),
        ("olat", set()),
        ("noir lait", set()),
        ("", set()),
        ("   ", set()),
        ("…", set()),
    ],
)
def test_what_is_typed(small: SmallVault, text: str, records: set[str]) -> None:
    assert found(small, text) == records


def test_a_hit_tells_what_and_where(small: SmallVault) -> None:
    hit = small.vault.search(small.org, "49170")[0]
    assert (hit.org, hit.table, hit.record) == (small.org, TABLE, "00A000000000001")
    assert (hit.column, hit.value) == ("Phone", "+49 (170) 12 34-5")
    assert (hit.label, hit.alive) == ("Chocolat Noir Süß GmbH", True)


def test_a_record_found_by_its_id(small: SmallVault) -> None:
    hit = small.vault.search(small.org, " 00A000000000001 ")[0]
    assert (hit.column, hit.value, hit.label) == ("Id", "00A000000000001", NOIR["Name"])


def test_a_deleted_record_is_found_and_says_so(small: SmallVault) -> None:
    small.night("r2", ("00A000000000001", "P", None))
    for text in ("noir", "00A000000000001", "49170"):
        hits = small.vault.search(small.org, text)
        assert [(hit.alive, hit.label) for hit in hits] == [(False, NOIR["Name"])]


def test_a_value_of_the_past_finds_nothing(small: SmallVault) -> None:
    small.night("r2", ("00A000000000001", "U", {"Name": "Renamed", "Phone": None}))
    assert found(small, "noir") == set()
    assert found(small, "49170") == set()
    assert found(small, "renamed") == {"1"}


def test_the_limit(small: SmallVault) -> None:
    small.night("r2", *((f"{n:05d}", "U", {"Name": f"Praline {n}"}) for n in range(300)))
    assert len(small.vault.search(small.org, "praline", limit=7)) == 7
    assert len(small.vault.search(small.org, "praline", limit=300)) == 300
    assert small.vault.search(small.org, "praline", limit=0).hits == ()


def test_a_record_comes_once(small: SmallVault) -> None:
    small.night("r2", ("1", "U", {"Name": "49170 Straße"}), ("2", "U", {"Phone": "49170"}))
    hits = small.vault.search(small.org, "49170")
    assert len(hits) == len({hit.record for hit in hits}) == 3


def test_without_search_only_ids_are_found() -> None:
    small = SmallVault(options=VaultOptions(search=False))
    small.night("r1", ("00A000000000001", "U", NOIR))
    assert found(small, "noir") == set()
    assert found(small, "00A000000000001") == {"1"}


def test_an_empty_vault() -> None:
    assert SmallVault().vault.search(SmallVault().org, "x").hits == ()


def test_a_table_that_is_gone_is_still_found(small: SmallVault) -> None:
    from unlost.model.source.schema import Schema
    from unlost.testing.clock import START

    commit = small.begin("r2", put=Schema((), "f"))
    commit.finish([], as_of=START)
    hits = small.vault.search(small.org, "noir")
    assert [(hit.record[-1], hit.label) for hit in hits] == [("1", "")]


def test_a_search_read_the_sidecars_of_words_far_from_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those of a merged index of 10 million records do not fit into the cache together."""
    small = SmallVault()
    small.night("r1", ("1", "U", {"Name": "anton"}))
    small.night("r2", ("2", "U", {"Name": "zoe"}))
    words = small.vault.newest_backup(small.org).view(SEARCH)  # type: ignore[union-attr]
    asked: set[str] = set()
    read = TableView.sidecar

    def noted(view: TableView, rank: int) -> Sidecar:
        asked.add(view.segments[rank].entry.id)
        return read(view, rank)

    monkeypatch.setattr(TableView, "sidecar", noted)
    assert found(small, "zoe") == {"2"}
    far, near = (live.entry.id for live in words.segments)
    assert near in asked
    assert far not in asked


def test_an_exact_word_asks_few_segments() -> None:
    """A number typed in full is answered by the filters."""

    class Counting(MemoryStore):
        reads = 0

        def get_range(self, name: str, *, start: int, length: int) -> bytes:
            self.reads += "/data/" in name
            return super().get_range(name, start=start, length=length)

    store = Counting()
    small = SmallVault(store=store, options=VaultOptions(buffer_bytes=20_000))
    commit = small.begin("r1")
    seen = [(f"{n:06d}", "U", {"Name": f"N-{n:06d}"}) for n in range(3000)]
    added = commit.add(TABLE, [rows(*seen[at : at + 100]) for at in range(0, 3000, 100)])
    finish(commit, added)
    words = [e for e in added.segments if e.table == "$search"]
    assert len(words) == 1
    assert sum(e.table == TABLE for e in added.segments) > 5
    small.vault.search(small.org, "N-001234", limit=1)
    store.reads = 0
    hits = small.vault.search(small.org, "N-002345", limit=1)
    assert [hit.record for hit in hits] == ["002345"]
    assert store.reads < 25


RENAMED = {"Name": "Renamed", "Phone": None}


def former(small: SmallVault, text: str, limit: int = 20) -> list[tuple[str, str, bool]]:
    hits = small.vault.search(small.org, text, limit=limit, former=True)
    return [(hit.record[-1], hit.value, hit.former) for hit in hits]


def test_a_value_of_the_past_is_found_on_request(small: SmallVault) -> None:
    small.night("r2", ("00A000000000001", "U", RENAMED))
    assert former(small, "noir") == [("1", NOIR["Name"], True)]
    assert former(small, "49170") == [("1", NOIR["Phone"], True)]
    hit = small.vault.search(small.org, "noir", former=True)[0]
    assert (hit.label, hit.column, hit.alive) == ("Renamed", "Name", True)
    assert former(small, "noir lait") == []


def test_present_values_come_before_those_of_the_past(small: SmallVault) -> None:
    small.night("r2", ("00A000000000001", "U", RENAMED))
    assert former(small, "choco") == [("2", LAIT["Name"], False), ("1", NOIR["Name"], True)]
    assert former(small, "choco", limit=1) == [("2", LAIT["Name"], False)]
    assert former(small, "renamed") == [("1", "Renamed", False)], "each record once"


def test_of_several_values_of_the_past_the_last_one_is_told(small: SmallVault) -> None:
    small.night("r2", ("00A000000000001", "U", {"Name": "Chocolat Brun", "Phone": None}))
    small.night("r3", ("00A000000000001", "U", RENAMED))
    small.night("r4", ("00A000000000001", "P", None))
    (one,) = small.vault.search(small.org, "brun", former=True)
    assert (one.value, one.alive) == ("Chocolat Brun", False)
    assert former(small, "chocolat")[-1] == ("1", "Chocolat Brun", True)


def test_a_value_of_the_past_that_is_hidden_is_not_found(small: SmallVault) -> None:
    small.night("r2", ("00A000000000001", "U", RENAMED))
    visible = small.vault.visible({small.org: hidden_columns([(TABLE, "Name")])})
    assert visible.search(small.org, "noir", former=True).hits == ()
    (hit,) = visible.search(small.org, "49170", former=True)
    assert (hit.value, hit.label) == (NOIR["Phone"], "")
