"""The vault's page: what it holds, verifications, what opens it, and a check of everything."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from homes import World
from unit.web.arabic import in_arabic, latin_in
from unit.web.conftest import SignIn
from unlost.app.actions.vault import mirror, vault_state
from unlost.app.actions.vault.keys import KeyLine, Keys, KeyTestResult
from unlost.app.actions.vault.verify import VerifyResult
from unlost.app.home.home import write_mirror
from unlost.catalog.models import Org
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.vault.checks import save_check, standing_check
from unlost.catalog.vault.keeping import set_rules
from unlost.catalog.vault.maintenance import save_maintenance
from unlost.catalog.vault.mirroring import save_mirror
from unlost.jobs.slots import take_slot
from unlost.model.access import Role
from unlost.model.message import Message
from unlost.model.runs.jobs import Job, JobKind
from unlost.model.runs.night import CheckRecord
from unlost.model.vault.maintenance_results import MaintenanceRecord
from unlost.model.vault.mirror import MirrorRecord
from unlost.model.vault.retention import KeepRules
from unlost.model.vault.snapshot import VerifyLevel, VerifyPart
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.keys.key_slots import SlotKind
from unlost.vault.stores.address import StoreAddress


def shown(client: Client) -> str:
    """The page without the marks where a long path may go on in the next line."""
    return str(client.get("/vault/").content.decode().replace("<wbr>", ""))


def test_the_vault_tells_what_it_holds_and_proves_it(world: World, sign_in: SignIn) -> None:
    told = sign_in().get("/vault/").content.decode()
    head = world.vault.snapshots(get_org("sales").oid)[-1].head
    assert head[:12] in told
    assert head[:13] not in told
    assert "It was not verified yet" in told
    assert "recovery sheet" in told


def test_where_it_lies_is_for_who_manages_the_home(world: World, sign_in: SignIn) -> None:
    assert str(world.home.vault) in shown(sign_in())
    told = shown(sign_in(Role.OPERATOR))
    assert str(world.home.vault) not in told
    assert "Verify quickly now" in told
    assert "Verify quickly now" not in sign_in(Role.VIEWER).get("/vault/").content.decode()


def test_an_empty_vault_says_what_fills_it(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    Org.objects.all().delete()
    assert "has no backups yet" in client.get("/vault/").content.decode()


def test_it_is_verified_at_once(world: World, sign_in: SignIn) -> None:
    answer = sign_in(Role.OPERATOR).post("/vault/verify/", {"level": "quick"}, follow=True)
    told = answer.content.decode()
    assert "The vault is undamaged:" in told
    check = standing_check()
    assert check is not None
    assert check.level == "quick"


def test_damage_is_told(world: World, sign_in: SignIn) -> None:
    save_check(CheckRecord(world.clock.now(), "full", 9, 99, ("Segment 7 is gone.", "And 8.")))
    told = sign_in().get("/vault/").content.decode()
    assert "Segment 7 is gone." in told
    assert "2 damages in all" in told


def test_what_takes_long_is_left_to_the_service(
    world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Job] = []
    monkeypatch.setattr(vault_state, "enqueue_from_outside", lambda place, job: asked.append(job))
    client = sign_in()
    answer = client.post("/vault/verify/", {"level": "deep"})
    assert answer.status_code == 409
    assert "The service, which verifies the vault, is not running" in answer.content.decode()
    assert not asked
    held = take_slot(world.app.locks, alone=True).lock
    answer = client.post("/vault/verify/", {"level": "deep"}, follow=True)
    held.release()
    assert "The service is verifying the vault." in answer.content.decode()
    assert [(one.kind, one.subject) for one in asked] == [(JobKind.VERIFY, "deep")]
    assert standing_check() is None


def test_an_unproved_head_and_strange_objects_are_shown(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head that nothing proves, without damage, ended in an error page."""
    result = VerifyResult(
        VerifyLevel.QUICK, 3, 40, {}, (), unproved=("sales",), strange=("slots/thief/1",)
    )
    monkeypatch.setattr("unlost.web.pages.vault.vault_state.verify", lambda *_a, **_m: result)
    answer = sign_in(Role.OPERATOR).post("/vault/verify/", {"level": "quick"}, follow=True)
    shown = answer.content.decode()
    assert "This home remembers no backup of sales." in shown
    assert "objects that Unlost did not create, such as slots/thief/1." in shown
    assert "The vault is undamaged" not in shown


def test_a_way_of_verifying_that_is_not_there(sign_in: SignIn) -> None:
    assert sign_in().post("/vault/verify/", {"level": "psychic"}).status_code == 400


@pytest.mark.parametrize("level", ["quick", "deep"])
def test_who_may_not_operate_does_not_verify(world: World, sign_in: SignIn, level: str) -> None:
    answer = sign_in(Role.VIEWER, org="sales").post("/vault/verify/", {"level": level})
    assert answer.status_code == 403
    assert standing_check() is None


def test_everything_is_checked_and_repaired(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    assert "<table" not in client.get("/vault/checks/").content.decode()
    world.home.home_key.chmod(0o644)
    told = client.post("/vault/checks/", {}).content.decode()
    assert "Other users of this machine can read" in told
    assert "Repair what can be repaired" in told
    told = client.post("/vault/checks/", {"repair": "1"}).content.decode()
    assert ">repaired<" in told
    assert world.home.home_key.stat().st_mode & 0o077 == 0


def test_checks_with_values_were_shown_in_english(world: World, sign_in: SignIn) -> None:
    world.home.home_key.chmod(0o644)
    page = in_arabic(sign_in()).post("/vault/checks/", {"ask": "1"}).content.decode()
    assert "service key" not in page
    assert "Other users of this machine" not in page
    assert "of the disk of the home is free" not in page
    assert latin_in(page) == {"chmod", "unlost", "org", "writer"}, "only of commands with values"


def test_only_who_manages_the_home_checks(sign_in: SignIn) -> None:
    client = sign_in(Role.OPERATOR)
    assert client.get("/vault/checks/").status_code == 403
    assert client.post("/vault/checks/", {}).status_code == 403


def test_when_it_was_kept_small_and_what_waits_to_go(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    assert "Maintenance" in client.get("/vault/").content.decode()
    oid, now = get_org("sales").oid, world.clock.now()
    kept = MaintenanceRecord(now, snapshot=3, before=9, after=3, waiting=7_000_000, next_at=now)
    save_maintenance(oid, kept)
    told = client.get("/vault/").content.decode()
    assert "no longer needed:" in told
    assert "7.0 MB" in told
    save_maintenance(oid, MaintenanceRecord(now, error=Message("store-full", "The disk is full.")))
    told = client.get("/vault/").content.decode()
    assert "The disk is full." in told
    assert "no longer needed:" not in told


# --- the second copy ------------------------------------------------------------------------------


@pytest.fixture
def mirrored(world: World, tmp_path: Path) -> World:
    write_mirror(world.home, StoreAddress(tmp_path / "second"))
    return world


def test_without_a_second_copy_the_pages_say_so(world: World, sign_in: SignIn) -> None:
    client = sign_in()
    told = client.get("/vault/").content.decode()
    assert "All backups are in one place." in told
    assert "unlost vault mirror set PLACE" in told
    assert "Set up a mirror of the vault" in client.get("/").content.decode()
    seer = sign_in(Role.VIEWER, org="sales")
    for page in ("/", "/vault/"):
        assert "one place" not in seer.get(page).content.decode()


def test_how_the_second_copy_is(mirrored: World, sign_in: SignIn) -> None:
    client, now = sign_in(Role.OPERATOR), mirrored.clock.now()
    assert "never" in client.get("/vault/").content.decode()
    assert "not up to date" in client.get("/").content.decode()
    place = str(mirrored.home.root.parent / "second")
    good = MirrorRecord(place, now, now)
    save_mirror(good)
    save_check(CheckRecord(now, "full", 9, 99, (), VerifyPart(7, 30), mirror=True, repaired=("x",)))
    told = shown(client)
    assert place in told
    assert '<span class="pill ok">up to date</span>' in told
    assert "1 object was repaired" in told
    assert "one place" not in client.get("/").content.decode()
    ill = replace(
        good, damaged=("a",), strange=("b", "c"), broken=("Cut.",), error=Message("", "Away.")
    )
    save_mirror(ill)
    told = client.get("/vault/").content.decode()
    for sentence in (
        "1 object of the vault is damaged, and was not mirrored.",
        "2 objects in the mirror were lost from the vault.",
        "Cut.",
        "Away.",
    ):
        assert sentence in told


def test_a_look_at_a_part_and_what_it_repaired(world: World, sign_in: SignIn) -> None:
    now = world.clock.now()
    save_check(CheckRecord(now, "full", 9, 99, (), VerifyPart(7, 30), repaired=("a", "b")))
    told = sign_in().get("/vault/").content.decode()
    assert "part 7 of 30" in told
    assert "2 objects were repaired" in told


def test_the_service_is_asked_to_bring_it_up_to_date(
    mirrored: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Job] = []
    monkeypatch.setattr(mirror, "enqueue_from_outside", lambda place, job: asked.append(job))
    client = sign_in(Role.OPERATOR)
    assert client.post("/vault/mirror/").status_code == 409
    held = take_slot(mirrored.app.locks, alone=True).lock
    answer = client.post("/vault/mirror/", follow=True)
    held.release()
    assert "The service is updating the mirror." in answer.content.decode()
    assert [one.kind for one in asked] == [JobKind.MIRROR]
    assert sign_in(Role.VIEWER, org="sales").post("/vault/mirror/").status_code == 403


def test_the_format_is_shown(world: World, sign_in: SignIn) -> None:
    world.home.vault.mkdir(exist_ok=True)  # the vault of tests lies in memory
    written = world.vault.sealed.store.get(VAULT_FILE)
    (world.home.vault / VAULT_FILE).write_bytes(written)
    page = sign_in().get("/vault/").content.decode()
    assert "The vault has format 1. Every later release can read it." in page


def test_what_the_mirror_lacks_and_what_to_do_is_shown(mirrored: World, sign_in: SignIn) -> None:
    client, now = sign_in(Role.OPERATOR), mirrored.clock.now()
    place = str(mirrored.home.root.parent / "second")
    told = client.get("/vault/").content.decode()
    assert "the newest backup of <bdi>sales</bdi>" in told
    assert "not yet: the service verifies" in told
    save_mirror(MirrorRecord(place, now, now - timedelta(days=3), objects=5, bytes=7_000))
    told = client.get("/vault/").content.decode()
    assert re.search(r"<bdi>sales</bdi> · 7\d hours behind", told)
    assert "5 objects copied, 7.0 kB" in told
    assert "Check that the service runs" in told
    save_mirror(MirrorRecord(place, now, now + timedelta(hours=1)))
    told = client.get("/vault/").content.decode()
    assert "nothing: it has every backup" in told
    assert "Check that the service runs" not in told
    save_mirror(MirrorRecord(place, now, now, strange=("a",)))
    assert "unlost verify --repair-from mirror" in client.get("/vault/").content.decode()
    why = Message("store-full", "The disk is full.", "Make room.")
    save_mirror(MirrorRecord(place, now, now, error=why))
    assert "The disk is full. Make room." in client.get("/vault/").content.decode()


def test_the_retention_of_each_org_is_shown(world: World, sign_in: SignIn) -> None:
    set_rules(get_org("sales").oid, KeepRules(monthly=12), at=world.clock.now())
    told = sign_in(Role.VIEWER).get("/vault/").content.decode()
    assert "The last good backup of each of 12 months" in told
    assert 'href="/orgs/sales/keeping/"' in told


# --- keys -----------------------------------------------------------------------------------------


@pytest.fixture
def key_list(monkeypatch: pytest.MonkeyPatch) -> list[Keys]:
    """The keys of a vault on disk; the vault of these tests lies in memory."""
    known = [
        Keys(
            "ab" * 16,
            (
                KeyLine("office", SlotKind.PASSPHRASE, authorizes=True, service=False),
                KeyLine("service", SlotKind.KEY_FILE, authorizes=False, service=True),
            ),
            None,
            owner="0123456789abcdef",
            generation=2,
        )
    ]
    monkeypatch.setattr("unlost.web.pages.vault.vault_keys.keys", lambda _app: known[-1])
    return known


def test_keys_are_listed_with_who_signs_and_commands(
    key_list: list[Keys], world: World, sign_in: SignIn
) -> None:
    client = sign_in()
    told = client.get("/vault/keys/").content.decode()
    for text in (
        "office", "a passphrase", "the service of this home", "0123456789abcdef",
        "never confirmed that the recovery sheet was written down", "never, by this home",
        "unlost key replace SLOT --sheet FILE", "unlost key renew --lost-sheet",
    ):  # fmt: skip
        assert text in told
    assert "passphrase-file" not in told
    now = world.clock.now()
    key_list.append(replace(key_list[0], sheet_confirmed_at=now, renewed_at=now, tested_at=now))
    told = client.get("/vault/keys/").content.decode()
    assert '<span class="pill ok">confirmed</span>' in told
    assert "never" not in told
    assert 'href="/vault/keys/"' in client.get("/vault/").content.decode()


def test_only_who_manages_the_home_sees_and_tests_keys(
    key_list: list[Keys], sign_in: SignIn
) -> None:
    for client in (sign_in(Role.OPERATOR), sign_in(Role.ADMIN, org="sales")):
        assert client.get("/vault/keys/").status_code == 403
        assert client.post("/vault/keys/test/").status_code == 403
        assert "/vault/keys/" not in client.get("/vault/").content.decode()


def test_the_service_key_is_tested(
    key_list: list[Keys], sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = KeyTestResult("ab" * 16, "service")
    monkeypatch.setattr("unlost.web.pages.vault.vault_keys.tried", lambda _app: result)
    answer = sign_in().post("/vault/keys/test/", follow=True)
    assert "The service key opens the vault: slot service." in answer.content.decode()
