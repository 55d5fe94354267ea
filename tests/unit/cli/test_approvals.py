"""unlost org approval, restore approve and diff: at home and from another machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene
from terminals import Ended, Terminal
from unit.app.shop import CUSTOMER, Shop, lost_shop
from unit.cli.served import WorkingClock, from_afar, service
from unlost.app.actions.orgs.approval_policy import change
from unlost.app.actions.restores.approval import approve_file
from unlost.app.actions.restores.kept_plan import waiting
from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
from unlost.catalog.people.people import actor_of, add_person, set_role
from unlost.cli.exits import ExitCode
from unlost.model.access import Role
from unlost.model.approval import ApprovalPolicy

after_loss = scene(lost_shop)


@pytest.fixture
def shop(world: World, after_loss: Lead) -> Shop:
    return after_loss(world)


@pytest.fixture
def strict(shop: Shop) -> Shop:
    change(shop.app, "sales", ApprovalPolicy(records=0))
    return shop


@pytest.fixture
def served(strict: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkingClock]:
    with from_afar(strict.world, monkeypatch) as clock, service(strict.world, monkeypatch):
        yield clock


def approve_as_ben(shop: Shop, file: Path) -> None:
    add_person("ben", at=shop.app.clock.now())
    actor = actor_of(set_role("ben", Role.RESTORER, org=None).user)
    assert actor is not None
    approve_file(shop.app.acting(actor), file)


def plan(unlost: Terminal, out: Path, *words: str) -> Ended:
    record = words or ("--record", f"Account/{CUSTOMER}")
    return unlost("restore", "plan", "sales", *record, "--out", str(out))


def failed(ended: Ended) -> tuple[int, str]:
    return ended.code, ended.failure["code"]


# --- the policy -----------------------------------------------------------------------------------


def test_a_policy_is_shown_and_set(unlost: Terminal, shop: Shop) -> None:
    assert "need no second person" in unlost("org", "approval", "sales").out
    words = ("--records", "50", "--production", "--deletes")
    told = unlost("org", "approval", "sales", *words).out
    assert "more than 50 records" in told
    assert "production org (it is not)" in told
    assert "deleted" in told
    assert "7 days" in told
    assert unlost("org", "approval", "sales").out == told
    only = unlost("org", "approval", "sales", "--deletes", "--json").json
    assert only["policy"] == {"records": None, "production": False, "deletes": True}
    assert "need no second person" in unlost("org", "approval", "sales", "--off").out


def test_wrong_policies_are_refused(unlost: Terminal, shop: Shop) -> None:
    both = unlost("org", "approval", "sales", "--off", "--deletes", "--json")
    assert failed(both) == (ExitCode.USAGE, "approval-contradictory")
    negative = unlost("org", "approval", "sales", "--records=-1", "--json")
    assert failed(negative) == (ExitCode.USAGE, "approval-invalid")


# --- at home --------------------------------------------------------------------------------------


def test_a_user_of_the_machine_needs_a_person(
    unlost: Terminal, strict: Shop, tmp_path: Path
) -> None:
    file = tmp_path / "plan.json"
    told = plan(unlost, file).out
    assert "needs a second person: it writes many records" in told
    assert f"unlost restore approve {file}" in told
    refused = unlost("restore", "run", str(file), "--json")
    assert failed(refused) == (ExitCode.NOT_ALLOWED, "restore-needs-approval")
    assert failed(unlost("restore", "run", str(file), "--detach", "--json")) == failed(refused)
    own = unlost("restore", "approve", str(file), "--json")
    assert failed(own) == (ExitCode.NOT_ALLOWED, "approval-by-requester")
    approve_as_ben(strict, file)
    assert "Approved by ben, valid until" in unlost("restore", "show", str(file)).out
    done = unlost("restore", "run", str(file))
    assert done.code == ExitCode.OK, done.err
    lines = unlost("runs", "--json").json["runs"]
    run = next(line["run"] for line in lines if line["kind"] == "restore")
    assert "Approved by ben, " in unlost("runs", run).out
    assert unlost("runs", run, "--json").json["approved_by"] == "ben"


def test_what_others_made_is_approved_and_withdrawn(
    unlost: Terminal, strict: Shop, tmp_path: Path
) -> None:
    file = tmp_path / "plan.json"
    add_person("ben", at=strict.app.clock.now())
    actor = actor_of(set_role("ben", Role.RESTORER, org=None).user)
    assert actor is not None
    ben = strict.app.acting(actor)
    made = make_plan(ben, PlanRequest("sales", (f"Account/{CUSTOMER}",)), file)
    told = unlost("restore", "approve", str(file))
    assert f"Approved: {made.run} in sales, valid until" in told.out
    assert told.code == ExitCode.OK
    assert "was withdrawn" in unlost("restore", "approve", str(file), "--withdraw").out
    approve = unlost("restore", "approve", str(file), "--json").json
    assert approve["approval"]["state"] == "approved"
    strict.world.clock.advance(days=8)
    assert "The approval ended. It was given by" in unlost("restore", "show", str(file)).out


def test_two_plans_are_compared(unlost: Terminal, shop: Shop, tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    plan(unlost, old)
    plan(unlost, new, "--record", f"Paper/{shop.paper}")
    told = unlost("restore", "diff", str(old), str(new))
    assert told.code == ExitCode.OK
    assert "records differ:" in told.out
    assert "- Contact/" in told.out
    assert "Both files are the same plan." in unlost("restore", "diff", str(old), str(old)).out
    edited, again = tmp_path / "edited.json", tmp_path / "again.json"
    record = f"Account/{CUSTOMER}"
    plan(unlost, edited, "--record", record, "--set", f"{record}.Phone=+49 secret")
    told = unlost("restore", "diff", str(old), str(edited))
    assert f"~ {record}:" in told.out
    assert "edited values of Phone" in told.out
    assert "secret" not in told.out
    plan(unlost, again)
    told = unlost("restore", "diff", str(old), str(again))
    assert "Both plans write the same to the same records." in told.out
    back = unlost("restore", "diff", str(new), str(old)).out
    assert "+ Contact/" in back
    document = unlost("restore", "diff", str(old), str(new), "--json").json
    assert document["difference"]["total"] == len(document["difference"]["records"])


def test_a_live_record_that_changed_is_a_difference(
    unlost: Terminal, shop: Shop, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    shop.org.update("Account", "A40018", {"Phone": "overwritten"})
    words = ("--record", "Account/A40018", "--no-related")
    plan(unlost, old, *words)
    shop.org.update("Account", "A40018", {"Phone": "another", "Name": "other"})
    plan(unlost, new, *words)
    told = unlost("restore", "diff", str(old), str(new)).out
    assert "the live record changed" in told
    assert "columns Name" in told


# --- from another machine -------------------------------------------------------------------------


def test_a_plan_from_another_machine_is_kept_for_approval(
    unlost: Terminal, strict: Shop, served: WorkingClock, tmp_path: Path
) -> None:
    file = tmp_path / "plan.json"
    assert "needs a second person" in plan(unlost, file).out
    assert len(waiting(strict.app).plans) == 1, "a second person can open it"
    refused = unlost("restore", "run", str(file), "--json")
    assert failed(refused) == (ExitCode.NOT_ALLOWED, "restore-needs-approval")
    own = unlost("restore", "approve", str(file), "--json")
    assert failed(own) == (ExitCode.NOT_ALLOWED, "approval-by-requester")
    approve_as_ben(strict, file)
    done = unlost("restore", "run", str(file))
    assert done.code == ExitCode.OK, done.err


def test_a_second_person_approves_from_another_machine(
    unlost: Terminal, strict: Shop, served: WorkingClock, tmp_path: Path
) -> None:
    made = strict.plan(f"Account/{CUSTOMER}")
    assert "Approved:" in unlost("restore", "approve", made.file).out
    assert "was withdrawn" in unlost("restore", "approve", made.file, "--withdraw").out
    assert unlost("org", "approval", "sales", "--off").code == ExitCode.OK


def test_plans_are_compared_from_another_machine(
    unlost: Terminal, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = shop.plan(f"Account/{CUSTOMER}").file
    new = shop.plan(f"Paper/{shop.paper}").file
    here = unlost("restore", "diff", old, new).out
    with from_afar(shop.world, monkeypatch):
        assert unlost("restore", "diff", old, new).out == here
        broken = tmp_path / "broken.json"
        broken.write_text("{}")
        refused = unlost("restore", "diff", old, str(broken), "--json")
        assert failed(refused) == (ExitCode.USAGE, "plan-unreadable")
