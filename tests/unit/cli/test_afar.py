"""What takes its time from afar: backups and restores are the service's, files come here."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from homes import World
from scenes import Lead, scene
from terminals import Ended, Terminal
from unit.app.shop import CUSTOMER, Shop, lost_shop
from unit.cli.served import ByClient, WorkingClock, from_afar, service
from unlost.app.actions.alerts.alerts import channels
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.restores.kept_plan import waiting
from unlost.catalog.people.audit import every
from unlost.catalog.runs.runs import RunEnd, RunState, begin_run, end_run
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.engine.restore.values.plan_file import read_plan
from unlost.model.access import Role
from unlost.model.errors import TransientError
from unlost.model.message import Message
from unlost.model.runs.progress import Progress
from unlost.model.vault.snapshot import CommitKind

after_loss = scene(lost_shop)


@pytest.fixture
def shop(world: World, after_loss: Lead) -> Shop:
    """A customer with two contacts and a file, lost for ever; the last night does not have them."""
    return after_loss(world)


@pytest.fixture
def clock(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkingClock]:
    with from_afar(shop.world, monkeypatch) as waiting_clock:
        yield waiting_clock


@pytest.fixture
def served(shop: Shop, clock: WorkingClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with service(shop.world, monkeypatch):
        yield


@pytest.fixture
def far(unlost: Terminal, shop: Shop, clock: WorkingClock) -> Terminal:
    """A terminal on another machine."""
    return unlost


def failed(ended: Ended) -> tuple[int, str]:
    return ended.code, ended.failure["code"]


def plan(far: Terminal, out: Path, *words: str) -> Ended:
    record = words or ("--record", f"Account/{CUSTOMER}")
    return far("restore", "plan", "sales", *record, "--out", str(out))


# --- backups --------------------------------------------------------------------------------------


def test_the_service_backs_up_and_is_waited_for(
    far: Terminal, shop: Shop, clock: WorkingClock, served: None
) -> None:
    shop.org.update("Account", "A40018", {"Phone": "1"})
    ended = far("backup", "sales", "--json")
    assert ended.code == ExitCode.OK, ended.err
    told = ended.json
    assert (told["org"], told["snapshot"], told["counts"]["changed"]) == ("sales", 3, 1)
    assert told["resumed"] is False
    assert clock.slept == 1
    told.pop("run")
    info = shop.app.vault.snapshots(shop.oid)[-1]
    assert (told["head"], told["bytes_added"]) == (info.head, info.bytes_added)


def test_a_backup_tells_as_one_at_home_does(
    far: Terminal, shop: Shop, served: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = far("backup", "sales").out.splitlines()
    monkeypatch.delenv("UNLOST_URL")
    monkeypatch.setenv("UNLOST_HOME", str(shop.world.home.root))
    here = far("backup", "sales").out.splitlines()
    assert [line[:11] for line in there[1:]] == [line[:11] for line in here[1:]]
    assert there[0] == "Snapshot 3 of sales is safe."


def test_how_far_a_run_is_is_told_in_increments(far: Terminal, shop: Shop, served: None) -> None:
    class Seen:
        def __init__(self) -> None:
            self.events: list[Progress] = []

        def progress(self, event: Progress) -> None:
            self.events.append(event)

    shop.org.update("Account", "A40018", {"Phone": "1"})
    seen = Seen()
    with cast("Any", opened(None)) as home:
        done = backup(home, "sales", observer=seen)
    rows = {one.table: one.rows for one in seen.events}
    assert len(rows) == len(seen.events), "nothing is told twice"
    assert rows["Account"] > 0
    assert done.rows_seen == sum(rows.values())


def test_a_backup_without_a_service_is_refused(far: Terminal) -> None:
    assert failed(far("backup", "sales", "--json")) == (ExitCode.FAILED, "service-missing")


def test_a_backup_that_fails_says_why_and_the_next_one_goes_on(
    far: Terminal, served: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise TransientError("source-away", "The org does not answer.")

    with monkeypatch.context() as broken:
        broken.setattr("unlost.app.actions.backups.backup.run_backup", away)
        ended = far("backup", "sales", "--json")
    assert failed(ended) == (ExitCode.FAILED, "source-away")
    assert "unlost runs" in ended.failure["next_step"]
    ended = far("backup", "sales", "--json")
    assert ended.code == ExitCode.OK, "how it ended before is not told again"
    assert ended.json["resumed"] is True


def test_a_service_that_does_not_begin_is_not_waited_for_for_ever(
    far: Terminal, clock: WorkingClock, served: None
) -> None:
    clock.work = lambda: None
    assert failed(far("backup", "sales", "--json")) == (ExitCode.FAILED, "run-not-begun")
    assert clock.slept == 300


# --- plans and restores ---------------------------------------------------------------------------


def test_what_was_lost_comes_back_from_afar(
    far: Terminal, shop: Shop, served: None, tmp_path: Path
) -> None:
    out = tmp_path / "far.json"
    planned = plan(far, out)
    assert planned.code == ExitCode.OK, planned.err
    assert "4 records" in planned.out
    assert f"Run it: unlost restore run {out}" in planned.out
    assert not waiting(shop.app).plans, "the plan lies here alone"
    assert far("restore", "show", str(out)).out in planned.out
    assert far("restore", "show", str(out), "--json").json["file"] == str(out)
    ran = far("restore", "run", str(out))
    assert ran.code == ExitCode.OK, ran.err
    assert "4 created, with new ids" in ran.out
    assert {one["Name"] for one in shop.live("Contact").values()} == {"Ann", "Ben"}
    run = read_plan(out.read_bytes()).id
    assert f"restore-{run}" in far("runs").out
    again = far("restore", "run", str(out), "--json")
    assert again.code == ExitCode.OK, "it was run: it tells its outcome again"
    assert len(shop.live("Contact")) == 2


def test_a_plan_and_its_end_are_those_of_home(
    far: Terminal, shop: Shop, served: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far_plan = plan(far, tmp_path / "far.json", "--lost-between", "1", "2").out
    far("restore", "run", str(tmp_path / "far.json"))
    told = far("restore", "run", str(tmp_path / "far.json")).out
    monkeypatch.delenv("UNLOST_URL")
    monkeypatch.setenv("UNLOST_HOME", str(shop.world.home.root))
    assert far("restore", "show", str(tmp_path / "far.json")).out in far_plan
    assert far("restore", "run", str(tmp_path / "far.json")).out == told


def test_a_plan_is_handed_over_and_not_waited_for(
    far: Terminal, clock: WorkingClock, tmp_path: Path
) -> None:
    plan(far, tmp_path / "far.json")
    ended = far("restore", "run", str(tmp_path / "far.json"), "--detach")
    assert "The service is not running" in ended.out
    assert clock.slept == 0
    ended = far("restore", "run", str(tmp_path / "far.json"), "--json")
    assert failed(ended) == (ExitCode.FAILED, "run-not-begun"), "nobody would do it"


def test_a_plan_that_was_edited_or_is_none_is_refused(
    far: Terminal, shop: Shop, tmp_path: Path
) -> None:
    out = tmp_path / "far.json"
    plan(far, out)
    told = json.loads(out.read_bytes())
    told["snapshot"] = 2
    out.write_text(json.dumps(told))
    assert failed(far("restore", "run", str(out), "--json"))[1] == "plan-edited"
    out.write_text("{}")
    for verb in ("show", "run"):
        assert failed(far("restore", verb, str(out), "--json"))[1] == "plan-unreadable"
    missing = far("restore", "run", str(tmp_path / "none.json"), "--json")
    assert failed(missing) == (ExitCode.USAGE, "plan-unreadable")


def test_a_plan_that_cannot_be_made_says_why_and_leaves_nothing(
    far: Terminal, shop: Shop, tmp_path: Path
) -> None:
    out = tmp_path / "far.json"
    ended = far("restore", "plan", "sales", "--record", "Account/A1", "--out", str(out), "--json")
    assert ended.code != ExitCode.OK
    assert ended.failure["next_step"]
    assert not out.exists()
    assert not waiting(shop.app).plans
    out.write_text("mine")
    assert failed(
        far("restore", "plan", "sales", "--record", "Account/A1", "--out", str(out), "--json")
    ) == (ExitCode.USAGE, "file-exists")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """A proxy that does not wait until a plan is made; what it was asked for and did not pass on."""
    real, kept = ByClient.handle_request, list[httpx.Request]()

    def handle(self: ByClient, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/make") and not kept:
            kept.append(request)
            return httpx.Response(504, content=b"<html>Gateway timeout</html>")
        return real(self, request)

    monkeypatch.setattr(ByClient, "handle_request", handle)
    return kept


def test_a_plan_is_waited_for_where_a_proxy_was_not_patient(
    far: Terminal, clock: WorkingClock, impatient: list[httpx.Request], tmp_path: Path
) -> None:
    def made_meanwhile() -> None:
        assert ByClient().handle_request(impatient[0]).status_code == httpx.codes.OK

    clock.work = made_meanwhile
    assert plan(far, tmp_path / "far.json").code == ExitCode.OK
    assert clock.slept == 1


def test_a_plan_that_nobody_makes_is_told(
    far: Terminal,
    shop: Shop,
    clock: WorkingClock,
    impatient: list[httpx.Request],
    tmp_path: Path,
) -> None:
    out = tmp_path / "far.json"
    ended = far("restore", "plan", "sales", "--lost-between", "1", "2", "--out", str(out), "--json")
    assert failed(ended) == (ExitCode.FAILED, "plan-broken-off")
    assert impatient
    assert not out.exists()
    assert not waiting(shop.app).plans


def test_what_failed_is_tried_again_from_afar(
    far: Terminal, shop: Shop, served: None, tmp_path: Path
) -> None:
    out = tmp_path / "far.json"
    plan(far, out)
    shop.platform.unique.append(("Account", ("Number",)))
    twin = shop.org.create("Account", {"Name": "Twin", "Number": "0040017"})
    ended = far("restore", "run", str(out), "--json")
    assert ended.code == ExitCode.FINDINGS
    run = ended.json["run"]
    shop.platform.delete("Account", twin, by="U1")
    again = far("restore", "retry", run, "--json")
    assert again.code == ExitCode.OK, again.out
    assert again.json["run"] == f"{run}-try-2"
    assert len(shop.named("Account", "Schoko Zürich")) > 0
    assert failed(far("restore", "retry", f"{run}-try-2", "--json"))[1] == "run-whole"
    assert far("restore", "resume", run).code == ExitCode.FINDINGS, "it is over: it tells its end"
    assert failed(far("restore", "retry", "restore-none", "--json"))[1] == "run-unknown"


def test_a_restore_that_stopped_goes_on_from_afar(
    far: Terminal, shop: Shop, clock: WorkingClock, served: None, tmp_path: Path
) -> None:
    out = tmp_path / "far.json"
    plan(far, out)
    run = far("restore", "run", str(out), "--detach", "--json").json["run"]
    end_run(
        run, RunEnd(RunState.PARKED, shop.world.clock.now(), error=Message("restore-parked", ""))
    )
    ended = far("restore", "resume", run, "--json")
    assert ended.code == ExitCode.OK, ended.out
    assert ended.json["run"] == run


def test_a_restore_of_a_terminal_is_gone_on_with_there(
    far: Terminal, shop: Shop, served: None
) -> None:
    now = shop.world.clock.now()
    begin_run("restore-x", org="sales", kind=CommitKind.RESTORE, full=False, at=now)
    end_run("restore-x", RunEnd(RunState.FAILED, now))
    ended = far("restore", "resume", "restore-x", "--json")
    assert failed(ended) == (ExitCode.USAGE, "home-needed")


def test_channels_are_kept_from_afar(far: Terminal, shop: Shop) -> None:
    words = ("--host", "mail.example", "--security", "none", "--from", "u@a.example")
    added = far("alert", "channel", "it", "email", *words, "--to", "it@a.example")
    assert added.code == ExitCode.OK, added.err
    assert "Alerts are sent to it (email)" in far("alert", "list").out
    assert [one.name for one in channels(shop.app).channels] == ["it"]


# --- files ----------------------------------------------------------------------------------------


def test_a_file_is_saved_here(far: Terminal, shop: Shop, tmp_path: Path) -> None:
    out = tmp_path / "recipe.txt"
    ended = far("file", "sales", f"Paper/{shop.paper}", "--out", str(out), "--json")
    assert ended.code == ExitCode.OK, ended.err
    assert out.read_bytes() == b"cocoa and sugar"
    told = ended.json
    assert (told["name"], told["size"], told["out"]) == ("recipe.txt", 15, str(out))
    ended = far("file", "sales", f"Paper/{shop.paper}", "--out", str(out), "--json")
    assert failed(ended)[1] == "file-exists"
    ended = far("file", "sales", "Paper/none", "--out", str(tmp_path / "other"), "--json")
    assert failed(ended)[1] == "file-unknown"
    assert [one.name for one in tmp_path.iterdir() if "other" in one.name] == []


def test_the_audit_comes_here_line_by_line(far: Terminal) -> None:
    lines = far("audit", "export").out.splitlines()
    assert [json.loads(line)["number"] for line in lines] == [one.number for one in every()]
    assert json.loads(lines[-1])["deed"]["act"] == "audit.export"


# --- who may --------------------------------------------------------------------------------------


def test_a_viewer_sees_and_plans_nothing(
    sales: Terminal, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(shop.app, "sales", "Account.Phone")
    with from_afar(shop.world, monkeypatch, role=Role.VIEWER):
        assert failed(sales("backup", "sales", "--json")) == (ExitCode.NOT_ALLOWED, "not-permitted")
        ended = sales(
            "restore", "plan", "sales", "--record", "Account/A40018",
            "--out", str(tmp_path / "p.json"), "--json",
        )  # fmt: skip
        assert failed(ended)[1] == "not-permitted"
        assert sales("audit", "export").code == ExitCode.NOT_ALLOWED
        assert "Phone" not in sales("show", "sales", "Account/A40018").out
