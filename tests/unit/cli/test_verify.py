"""unlost verify, as typed, where nothing remembers the newest commit."""

from terminals import Terminal
from unit.app.test_pending import with_ledger
from unlost.catalog.models import Run, WitnessRow
from unlost.cli.exits import ExitCode


def test_with_the_newest_commit_and_the_witness_removed_verify_does_not_say_whole(
    sales: Terminal,
) -> None:
    with_ledger(sales.world)
    for _ in range(2):
        sales("backup", "sales")
        sales.world.clock.advance(days=1)
    assert sales("verify").code == ExitCode.OK
    store = sales.world.vault.sealed.store
    newest = max(listed.name for listed in store.list("orgs/") if "/commits/" in listed.name)
    store.delete(newest)
    WitnessRow.objects.all().delete()
    with_ledger(sales.world)

    missed = sales("verify")
    assert missed.code == ExitCode.FAILED
    assert newest in missed.out

    Run.objects.all().delete()  # and nothing else remembers it
    unproved = sales("verify")
    assert unproved.code == ExitCode.FAILED
    assert "The head of sales is UNPROVED" in unproved.out
    assert "unlost verify --expect HEAD" in unproved.out
    assert sales("verify", "--json").json["unproved"] == ["sales"]
