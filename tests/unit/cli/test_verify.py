"""unlost verify, as typed, where nothing remembers the newest commit, or strange objects lie."""

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


def test_a_foreign_slot_file_is_named_and_is_no_damage(sales: Terminal) -> None:
    sales("backup", "sales")
    sales.world.vault.sealed.store.put_new("slots/thief/1", b"mine")
    ended = sales("verify")
    assert ended.code == ExitCode.FINDINGS
    assert "The vault is undamaged" in ended.out
    assert "1 object that Unlost did not create, and does not use:\n  - slots/thief/1" in ended.out
    assert sales("verify", "--json").json["strange"] == ["slots/thief/1"]
    for number in range(20):
        sales.world.vault.sealed.store.put_new(f"slots/thief/{number + 2}", b"mine")
    assert "… 9 more; --json lists them." in sales("verify").out
