"""The fakes keep their word: faults are met or reported, crashes are exact, rows are well formed."""

import pytest
from hypothesis import given

from unlost.model.errors import Conflict, TransientError
from unlost.model.ports.system import Witnessed
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.progress import Phase, Progress
from unlost.model.source.schema import WireKind
from unlost.testing.clock import START, VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.faults import Crash, CrashPoint, Faults
from unlost.testing.org import MemoryOrg
from unlost.testing.strategies import rows
from unlost.testing.system import (
    FreeBudget,
    MemoryLease,
    MemorySecretStore,
    MemoryWitness,
    NullObserver,
)


def test_a_fault_happens_at_its_call_and_is_reported_if_it_never_does() -> None:
    faults = Faults()
    faults.plant("read", TransientError("busy", "busy"), table="A", after=1)
    faults.plant("census", TransientError("busy", "busy"))
    faults.strike("read", "B")
    faults.strike("read", "A")
    with pytest.raises(TransientError):
        faults.strike("read", "A")
    faults.strike("read", "A")
    with pytest.raises(AssertionError, match="census"):
        faults.assert_met()
    faults.clear()
    faults.assert_met()


class Port:
    name = "port"

    def pages(self):
        yield from (1, 2)

    def one(self) -> int:
        return 1


def test_a_crash_point_counts_calls_and_items() -> None:
    point = CrashPoint(5)
    guarded = point.guard(Port(), after=True)
    assert guarded.name == "port"
    assert guarded.one() == 1
    pages = guarded.pages()
    with pytest.raises(Crash):
        list(pages)
    assert point.calls == 5


def test_a_virtual_clock_moves_when_it_is_told_to() -> None:
    clock = VirtualClock()
    assert clock.now() == START
    clock.sleep(30)
    clock.advance(hours=1, days=1)
    assert clock.monotonic() == 30 + 3600 + 86400
    assert clock.slept == [30]


def test_entropy_follows_from_its_seed() -> None:
    one, other = SeededEntropy(1), SeededEntropy(1)
    assert one.bytes(8) == other.bytes(8) != one.bytes(8)
    assert 0 <= one.fraction() < 1


def test_the_small_ports() -> None:
    secrets = MemorySecretStore({"a": "1"})
    secrets.put("b", "2")
    assert (secrets.get("a"), secrets.get("b"), secrets.get("c")) == ("1", "2", None)
    budget = FreeBudget()
    budget.take(3)
    budget.report(used=7, limit=9)
    assert (budget.taken, budget.used, budget.limit) == (3, 7, 9)
    witness = MemoryWitness()
    witness.put("o", Witnessed(1, "ab"))
    assert witness.get("o") == Witnessed(1, "ab")
    assert witness.get("p") is None
    NullObserver().progress(Progress(Phase.READ))


def test_a_lease_is_held_by_one() -> None:
    lease = MemoryLease()
    with (
        lease.hold("o", kind=RunKind.BACKUP, run="1"),
        lease.hold("o", kind=RunKind.RESTORE, run="2"),
        lease.hold("p", kind=RunKind.BACKUP, run="3"),
        pytest.raises(Conflict),
        lease.hold("o", kind=RunKind.BACKUP, run="4"),
    ):
        pass
    with lease.hold("o", kind=RunKind.BACKUP, run="5"):
        pass


def test_a_late_commit_is_stamped_before_it_is_seen() -> None:
    clock = VirtualClock()
    org = MemoryOrg(clock)
    org.add_table("A", {"Name": WireKind.TEXT})
    made = org.create("A", {"Name": "x"}, commit_after=60)
    assert org.visible("A") == {}
    clock.advance(seconds=60)
    assert org.visible("A")[made].modified == START
    org.update("A", made, {"Name": "y"}, commit_after=60)
    org.update("A", made, {"Name": "z"})
    assert org.visible("A")[made].cells["Name"] == "z"
    clock.advance(hours=1)
    assert org.visible("A")[made].cells["Name"] == "z"


@given(rows(["Name", "Phone"]))
def test_drawn_rows_are_well_formed(found) -> None:
    assert len(found) == len(found.ids) == found.cells.num_rows == len(found.ops)
    assert found.cells.schema.names == ["Name", "Phone"]
    assert len(set(found.ids.to_pylist())) == len(found)


def test_an_org_notes_no_change_where_a_number_is_written_otherwise() -> None:
    org = MemoryOrg(VirtualClock())
    org.add_table("Account", {"Turnover": WireKind.DECIMAL, "Name": WireKind.TEXT}, logged=True)
    record = org.create("Account", {"Turnover": "1.0", "Name": "a"})
    for value in ("1", "1.00", "2", None, "2"):
        org.update("Account", record, {"Turnover": value, "Name": "a"})
    notes = [note.cells for note in org.tables["AccountHistory"].records.values()]
    assert [(n["Field"], n["Old"], n["New"]) for n in notes] == [
        ("Turnover", "1.00", "2"),
        ("Turnover", "2", None),
        ("Turnover", None, "2"),
    ]
