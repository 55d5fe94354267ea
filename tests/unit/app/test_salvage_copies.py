"""Salvaging beside a second copy, and with several orgs: what cannot be told stops it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from diskhome import put_on_disk
from homes import SECRET, World, fill
from scenes import Lead, scene
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.actions.vault import salvage as actions
from unlost.app.actions.vault.mirror import end_mirror, run_mirror, set_mirror
from unlost.app.actions.vault.salvage import plan, salvage
from unlost.app.actions.vault.verify import verify
from unlost.catalog.orgs.orgs import get_org, list_orgs
from unlost.model.errors import Conflict, StoreError
from unlost.model.runs.exclusion import RunKind
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.model.vault.store import Store
from unlost.testing.org import MemoryOrg
from unlost.vault.layout import object_names
from unlost.vault.stores.address import StoreAddress
from unlost.vault.stores.readonly import ReadOnlyStore
from unlost.vault.vault import EncryptedVault


def live(world: World) -> None:
    """A home with two orgs, whose vault lies on the disk."""
    put_on_disk(world)
    for name, source in (("sales", "one"), ("service", "two")):
        if source == "two":
            world.connector.orgs["two"] = MemoryOrg(world.clock, tenant="T-2", label="Other")
            fill(world.connector.orgs["two"])
        add_org(world.app, NewOrg("memory", name, {"address": source}, {"password": SECRET}))
        backup(world.app, name)


on_disk = scene(live)


@pytest.fixture
def kept(world: World, on_disk: Lead) -> World:
    """A home with two orgs, whose vault lies on the disk."""
    on_disk(world)
    return world


def objects(world: World, org: str) -> Path:
    """The folder of an org's segments."""
    assert world.home.vault is not None
    return world.home.vault / "orgs" / get_org(org).oid / "data"


def lose(world: World, org: str) -> Path:
    """Remove the newest segment of a table; its path."""
    whole = world.app.whole_vault
    assert isinstance(whole, EncryptedVault)
    org_vault = whole.org_vault(get_org(org).oid)
    state = org_vault.chain.live()
    live = state.of("Account", until=state.seq)[-1]
    path = org_vault.sealed.store.path(object_names.segment(org_vault.org, live.entry.object))
    assert path is not None
    path.unlink()
    world.app.open_anew()
    return path


def refusal(call: Callable[[], object]) -> Conflict:
    with pytest.raises(Conflict) as caught:
        call()
    return caught.value


def commits(world: World, org: str) -> list[CommitKind]:
    return [one.kind for one in world.app.whole_vault.commits(get_org(org).oid)]


def test_a_second_copy_that_is_not_mounted_is_still_one(kept: World, tmp_path: Path) -> None:
    second = tmp_path / "second"
    set_mirror(kept.app, StoreAddress(second))
    assert plan(kept.app).orgs == ()
    run_mirror(kept.app)
    lose(kept, "sales")
    second.rename(tmp_path / "away")
    for ask in (lambda: plan(kept.app), lambda: salvage(kept.app, plan="")):
        refused = refusal(ask)
        assert refused.code == "salvage-copy-away"
        assert str(second) in refused.sentence
    (tmp_path / "away").rename(second)
    assert refusal(lambda: plan(kept.app)).code == "salvage-copy"
    second.rename(tmp_path / "away")
    end_mirror(kept.app)
    assert [one.org for one in plan(kept.app).orgs] == ["sales"]


def test_a_second_copy_that_does_not_answer_is_not_one_that_has_nothing(
    kept: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = StoreAddress(tmp_path / "second")
    set_mirror(kept.app, place)
    run_mirror(kept.app)
    path = lose(kept, "sales")
    at = actions.open_place

    class Silent(ReadOnlyStore):
        def get_range(self, name: str, *, start: int, length: int) -> bytes:
            if name.endswith(path.name):
                raise StoreError("store-failed", "It did not come in time.")
            return super().get_range(name, start=start, length=length)

    def reached(app: object, asked: StoreAddress) -> Store:
        found = at(kept.app, asked)
        return Silent(found) if asked == place else found

    with monkeypatch.context() as patched:
        patched.setattr(actions, "open_place", reached)
        with pytest.raises(StoreError) as caught:
            plan(kept.app)
        assert caught.value.code == "copy-silent"
    assert refusal(lambda: plan(kept.app)).code == "salvage-copy"


def test_an_error_in_the_second_org_tells_that_the_first_one_is_done(
    kept: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(kept, "sales")
    lose(kept, "service")
    seen = plan(kept.app)
    assert [one.org for one in seen.orgs] == ["sales", "service"]
    whole, other = type(kept.app.whole_vault).apply, get_org("service").oid

    def failing(self: EncryptedVault, org: str, agreed: object, **how: object) -> object:
        if org == other:
            raise StoreError("store-failed", "The store failed.")
        return whole(self, org, agreed, **how)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(EncryptedVault, "apply", failing)
        broke = refusal(lambda: salvage(kept.app, plan=seen.digest))
    assert broke.code == "salvage-broke-off"
    assert "Salvaged: sales. Not salvaged: service" in broke.sentence
    assert broke.sentence.endswith("The store failed.")
    assert commits(kept, "sales")[-1] is CommitKind.SALVAGE
    assert CommitKind.SALVAGE not in commits(kept, "service")
    again = plan(kept.app)
    assert [one.org for one in again.orgs] == ["service"]
    assert salvage(kept.app, plan=again.digest).whole


def test_what_is_lost_in_the_second_org_meanwhile_is_told_with_what_is_done(
    kept: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(kept, "sales")
    path = lose(kept, "service")
    seen, finish = plan(kept.app), actions.check_no_restore
    assert path.parent.parent == objects(kept, "service")

    def lost_meanwhile(app: object, org: object) -> None:
        finish(kept.app, get_org("service"))
        for one in objects(kept, "service").rglob("*"):
            if one.is_file():
                one.unlink()

    with monkeypatch.context() as patched:
        patched.setattr(actions, "check_no_restore", lost_meanwhile)
        broke = refusal(lambda: salvage(kept.app, plan=seen.digest))
    assert broke.code == "salvage-broke-off"
    assert "Nothing was changed" not in broke.sentence


def test_a_run_under_way_in_the_second_org_stops_before_the_first_is_changed(kept: World) -> None:
    lose(kept, "sales")
    lose(kept, "service")
    seen, oid = plan(kept.app), get_org("service").oid
    with kept.app.lease.hold(oid, kind=RunKind.BACKUP, run="night"):
        assert refusal(lambda: salvage(kept.app, plan=seen.digest)).code == "run-in-progress"
    assert CommitKind.SALVAGE not in commits(kept, "sales")


def test_an_org_whose_schema_is_damaged_does_not_keep_others_from_being_salvaged(
    kept: World,
) -> None:
    assert kept.home.vault is not None
    lose(kept, "service")
    for one in (kept.home.vault / object_names.schemas(get_org("sales").oid)).rglob("*"):
        one.unlink()
    kept.app.open_anew()
    seen = plan(kept.app)
    told = {one.org: one for one in seen.orgs}
    assert told.keys() == {one.name for one in list_orgs()}
    assert (told["sales"].objects, told["service"].still_damaged) == ((), ())
    (left,) = told["sales"].still_damaged
    assert "The schema" in left.sentence
    done = salvage(kept.app, plan=seen.digest)
    assert [one.org for one in done.orgs] == ["service"]
    assert done.damages
    assert all(get_org("sales").oid in one.object for one in done.damages)
    assert verify(kept.app, level=VerifyLevel.FULL).damages == done.damages
