"""The witness: the head last seen, durable, on every thread."""

from concurrent.futures import ThreadPoolExecutor

from unlost.catalog.models import WitnessRow
from unlost.catalog.vault.witness import SqlWitness
from unlost.model.ports.system import Witnessed


def test_on_first_sight_nothing_is_known() -> None:
    assert SqlWitness().get("org") is None


def test_the_newest_head_is_remembered_per_org() -> None:
    witness = SqlWitness()
    witness.put("org", Witnessed(1, "aa"))
    witness.put("org", Witnessed(2, "bb"))
    witness.put("other", Witnessed(7, "cc"))
    assert witness.get("org") == Witnessed(2, "bb")
    assert witness.get("other") == Witnessed(7, "cc")
    assert WitnessRow.objects.count() == 2


def test_worker_threads_see_it_and_leave_no_connection_open() -> None:
    witness = SqlWitness()

    def work(number: int) -> Witnessed | None:
        witness.put(f"org{number}", Witnessed(number, "aa"))
        return witness.get(f"org{number}")

    with ThreadPoolExecutor(4) as pool:
        assert [seen.number for seen in pool.map(work, range(20)) if seen] == list(range(20))
