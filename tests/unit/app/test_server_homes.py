"""Homes whose data is in PostgreSQL: made, refused, copied into the vault, moved in and out."""

import json
import stat
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from homes import SECRET, WRITE_SECRET, server_database
from postgres import Postgres
from unit.app.machines import Machine
from unlost.app.actions.alerts.alerts import ChannelRequest, add_channel
from unlost.app.actions.alerts.doctor import doctor
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.schedule import ScheduleChange, change, show
from unlost.app.actions.orgs.orgs import NewOrg, add_org, list_all
from unlost.app.actions.orgs.write_access import NewWriter, set_writer
from unlost.app.actions.vault.init import InitRequest, init
from unlost.app.actions.vault.rebuild import Rebuild, rebuild
from unlost.app.compose import Application, open_application
from unlost.app.home.cancellation import CancellationFlag
from unlost.app.home.database import connect, disconnect
from unlost.app.home.home import FILE, plan_home, read_home
from unlost.app.service.service import Service, ServicePart
from unlost.app.vault.home_copy import copy_if_due
from unlost.catalog.alerts import list_channels
from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Org, Run
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.runs import list_runs
from unlost.catalog.schema import BEFORE_RELEASES, SCHEMA, schema_applied
from unlost.model.alert import ChannelKind
from unlost.model.errors import Conflict, StoreError, UsageError
from unlost.model.org import OrgIdentity

pytestmark = pytest.mark.full


def machine(root: Path, database: str) -> Machine:
    """A machine whose home lies in a database, empty: in files."""
    made = Machine(root)
    place = InitRequest(
        root / "second", vault=root / "vault2", recovery_out=root / "sheet2.txt", database=database
    )
    init(place, confirm=lambda _: None, clock=made.clock, entropy=made.entropy)
    made.home, made.vault, made.sheet = place.root, root / "vault2", root / "sheet2.txt"
    return made


def lived(app: Application) -> None:
    """All kinds of settings, and a night."""
    add_org(app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    set_writer(app, NewWriter("sales", {}, {"password": WRITE_SECRET}))
    add_channel(app, ChannelRequest(name="hook", kind=ChannelKind.WEBHOOK, url="https://ops.example/x"),
                secret="s" * 32)  # fmt: skip
    change(app, "sales", ScheduleChange(at="03:00", window=0))
    backup(app, "sales")


def test_a_home_with_a_database_has_no_files_of_its_own(tmp_path: Path, server: Postgres) -> None:
    url = server.database()
    made = machine(tmp_path, url)
    with made.opened() as app:
        lived(app)
        assert [org.name for org in list_all(app).orgs] == ["sales"]
        (run,) = list_runs("sales")
        assert run.snapshot == 1
    assert sorted(one.name for one in made.home.iterdir()) == ["keys", "unlost.toml", "work"]
    home = read_home(made.home)
    assert (home.database, home.catalog, home.steps, home.queue) == (url, url, url, url)
    assert home.files == ()
    assert (made.home / FILE).read_text().splitlines()[1] == "format = 2", "older ones refuse it"


def test_the_doctor_looks_at_the_server(tmp_path: Path, server: Postgres) -> None:
    with machine(tmp_path, server_database(server)).opened() as app:
        lived(app)
        sentences = [check.sentence for check in doctor(app).checks if check.name == "database"]
        assert len(sentences) == 1
        assert sentences[0].startswith("PostgreSQL ")


def test_a_database_of_another_home_is_refused(tmp_path: Path, server: Postgres) -> None:
    url = server_database(server)
    with machine(tmp_path, url).opened() as app:
        lived(app)
    with pytest.raises(Conflict) as caught:
        init(
            InitRequest(tmp_path / "third", recovery_out=tmp_path / "s3", database=url),
            confirm=lambda _: None,
        )
    assert caught.value.code == "database-in-use"
    assert not (tmp_path / "third").exists()


def test_an_init_that_broke_off_is_begun_again(tmp_path: Path, server: Postgres) -> None:
    url = server.database()
    connect(url)
    disconnect()
    assert machine(tmp_path, url).home.exists()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("sqlite:///x", "database-url-invalid"),
        ("postgresql://host", "database-url-invalid"),
        ("postgresql://[host/db", "database-url-invalid"),
        ("postgresql://me:secret@host/db", "database-password"),
        ("postgresql:///db?password=secret", "database-password"),
    ],
)
def test_only_urls_without_a_password_are_taken(tmp_path: Path, url: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan_home(tmp_path / "home", vault=None, service_key=None, database=url)
    assert caught.value.code == code
    assert "secret" not in str(caught.value)


def test_a_url_that_somebody_put_a_password_into_is_refused_later_too(
    tmp_path: Path, server: Postgres
) -> None:
    home = machine(tmp_path, server_database(server)).home
    text = (home / FILE).read_text()
    (home / FILE).write_text(text.replace("user=unlost", "user=unlost&password=x"))
    with pytest.raises(UsageError) as caught:
        read_home(home)
    assert caught.value.code == "database-password"


def test_a_server_that_is_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        machine(tmp_path, f"postgresql:///none?host={tmp_path}")
    assert caught.value.code == "database-away"
    assert not (tmp_path / "second").exists()


def test_sessions_that_end_in_the_middle_are_told_and_made_anew(
    tmp_path: Path, server: Postgres
) -> None:
    with machine(tmp_path, server_database(server)).opened() as app:
        lived(app)
        server.cut()
        with pytest.raises(StoreError) as caught, returned_connection():
            Org.objects.count()
        assert caught.value.code == "database-away"
        assert Org.objects.count() == 1


def test_a_newer_database_is_refused_untouched(tmp_path: Path, server: Postgres) -> None:
    url = server_database(server)
    home = machine(tmp_path, url).home
    with psycopg.connect(url) as session:
        session.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('catalog', %s, now())",
            [f"{SCHEMA - BEFORE_RELEASES + 1:04}_later"],
        )
    with pytest.raises(StoreError) as caught:
        open_application(home)
    assert caught.value.code == "catalog-newer"
    disconnect()


def test_a_database_of_a_development_version_is_refused(tmp_path: Path, server: Postgres) -> None:
    url = server_database(server)
    home = machine(tmp_path, url).home
    with psycopg.connect(url) as session:
        session.execute(
            "INSERT INTO django_migrations (app, name, applied) SELECT 'catalog', unnest(%s::text[]), now()",
            [["0002_writer", "0011_mirror"]],
        )
    with pytest.raises(StoreError) as caught:
        open_application(home)
    assert caught.value.code == "catalog-development"
    disconnect()


def test_homes_in_files_and_in_a_database_do_not_mix(tmp_path: Path, server: Postgres) -> None:
    made = machine(tmp_path, server_database(server))
    with made.opened() as app:
        lived(app)
    with open_application(tmp_path / "home", connectors=made.load, clock=made.clock) as app:
        assert list_all(app).orgs == ()
        assert Org.objects.count() == 0
        assert (tmp_path / "home" / "catalog.sqlite").exists()
    with made.opened() as app:
        assert Org.objects.count() == 1


@pytest.mark.parametrize("to_database", [True, pytest.param(False, marks=pytest.mark.deep)])
@pytest.mark.parametrize("from_database", [True, False])
def test_a_home_is_rebuilt_out_of_its_copy_into_either(
    tmp_path: Path, server: Postgres, *, from_database: bool, to_database: bool
) -> None:
    made = machine(tmp_path, server_database(server) if from_database else "")
    with made.opened() as app:
        lived(app)
        assert copy_if_due(app, patience=timedelta(0))
        schedule, org = show(app, "sales"), get_org("sales")
        runs = list_runs("sales")
    made.lost()
    target = server_database(server) if to_database else ""
    place = InitRequest(made.home, vault=made.vault, database=target)
    wish = Rebuild(place, made.sheet.read_text(), home_key=tmp_path / "saved.key")
    result = rebuild(wish, clock=made.clock, entropy=made.entropy, connectors=made.load)
    (back,) = result.orgs
    assert (back.name, back.backups, back.runs, back.credentials, back.writer) == (
        "sales", 1, 1, True, True,
    )  # fmt: skip
    assert result.home.database == (target or None)
    with made.opened() as app:
        assert get_org("sales") == org
        assert list_runs("sales") == runs
        assert show(app, "sales").schedules[0] == schedule.schedules[0]
        assert [one.name for one in list_channels()] == ["hook"]
        assert schema_applied("default") == SCHEMA
        assert (made.home / "catalog.sqlite").exists() is not to_database
        assert backup(app, "sales").snapshot == 2, "new rows get new numbers"
        assert Run.objects.count() == 2
        other = OrgIdentity("memory", "T9")
        assert app.vault.ensure_org(other) is not None


def test_a_worker_needs_a_database(tmp_path: Path) -> None:
    made = Machine(tmp_path)
    service = Service(
        lambda _cancel_flag: made.opened(), CancellationFlag(), part=ServicePart.WORKER
    )
    with pytest.raises(UsageError) as caught:
        service.run()
    assert caught.value.code == "one-worker"


def test_unlost_toml_is_for_its_owner_and_says_where_the_data_is(
    tmp_path: Path, server: Postgres
) -> None:
    url = server_database(server)
    file = machine(tmp_path, url).home / FILE
    assert json.dumps(url) in file.read_text()
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
