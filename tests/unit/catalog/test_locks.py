"""Locks of a home, in files and in a session of PostgreSQL."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from patience import HANGING
from postgres import Postgres, postgres
from unlost.catalog.home.locks import open_locks
from unlost.catalog.home.sessionlocks import SessionLocks
from unlost.model.errors import StoreError
from unlost.model.runs.locks import Locks

type Opened = Callable[[], Locks]


@pytest.fixture(autouse=True)
def database() -> None:
    """No tables are needed here."""


@pytest.fixture(params=["files", "session"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Opens the same locks anew, as another process would."""
    url = request.getfixturevalue("server").database() if request.param == "session" else ""
    made: list[Locks] = []

    def make() -> Locks:
        made.append(open_locks(url, tmp_path / "locks", lost=lambda: None))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_lock_is_held_by_one(opened: Opened) -> None:
    one, two = opened(), opened()
    held = one.take("a")
    assert held is not None
    assert two.take("a") is None
    assert one.take("a") is None, "not even by the same process twice"
    assert two.take("b") is not None
    held.release()
    held.release()
    again = two.take("a")
    assert again is not None
    held.release()
    assert one.take("a") is None, "who gave it back cannot take it from another"


def test_all_are_given_back_when_they_are_closed(opened: Opened) -> None:
    one, two = opened(), opened()
    held = one.take("a")
    assert held is not None
    one.close()
    held.release()
    assert two.take("a") is not None


def test_a_session_that_was_closed_takes_no_more(server: Postgres) -> None:
    locks = SessionLocks(server.database(), lost=lambda: None)
    locks.close()
    with pytest.raises(StoreError):
        locks.take("a")


def test_a_session_that_was_lost_says_so_and_takes_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("unlost.catalog.home.sessionlocks.BEAT_SECONDS", 0.1)
    with postgres() as server:
        lost = threading.Event()
        locks = SessionLocks(server.database(), lost=lost.set)
        held = locks.take("a")
        assert held is not None
        time.sleep(0.3)
        assert not lost.is_set()
        server.restart()
        assert lost.wait(HANGING)
        with pytest.raises(StoreError) as caught:
            locks.take("b")
        assert caught.value.code == "database-away"
        held.release()
        locks.close()


def test_a_lock_of_a_session_that_was_lost_is_given_back_quietly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("unlost.catalog.home.sessionlocks.BEAT_SECONDS", 1000)
    with postgres() as server:
        locks = SessionLocks(server.database(), lost=lambda: None)
        held = locks.take("a")
        assert held is not None
        server.restart()
        held.release()
        locks.close()


def test_the_server_notices_a_machine_that_vanished(server: Postgres) -> None:
    """Once its locks stayed taken for two hours: the server's own settings count, not the client's."""
    locks = SessionLocks(f"{server.database()}&options=-c%20work_mem%3D8MB", lost=lambda: None)
    assert locks.take("a") is not None
    session = locks._session
    assert session is not None
    shown = {}
    for name in ("idle", "interval", "count"):
        (told,) = session.execute(
            f"SELECT reset_val FROM pg_settings WHERE name = 'tcp_keepalives_{name}'".encode()
        )
        shown[name] = told
    assert shown == {"idle": "10", "interval": "5", "count": "3"}
    assert list(session.execute("SHOW work_mem")) == ["8MB"], "options of the URL stay"
    locks.close()


def test_no_server_is_told(tmp_path: Path) -> None:
    locks = SessionLocks(f"postgresql:///none?host={tmp_path}", lost=lambda: None)
    with pytest.raises(StoreError) as caught:
        locks.take("a")
    assert caught.value.code == "database-away"
    locks.close()
