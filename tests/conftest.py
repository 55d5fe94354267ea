"""Settings that all tests share: no network unless asked for, and how hard Hypothesis tries.

What costs much and is the same in each test is made cheap here, and proved where it is the subject:
the strength of passwords in ``unit/web/test_passwords``, migrations in ``unit/app/test_upgrade``.
"""

import gc
import os
import shutil
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_socket
from django.utils import translation
from hypothesis import HealthCheck, settings

from postgres import Postgres, postgres
from sweeps import FULL
from three_stores import each_store  # noqa: F401 (a fixture for all tests)
from tiers import spread_over_tiers
from unlost.web.serving import use_settings

use_settings()
from django.contrib.auth.hashers import Argon2PasswordHasher  # noqa: E402

from unlost.app.home import database  # noqa: E402 (this process is set up for the console too)

del os.environ["DJANGO_SETTINGS_MODULE"]  # programs that tests start choose for themselves

# Real ones take a tenth of a second and 100 MB each, and sign-ins by the hundred prove no more by it.
Argon2PasswordHasher.time_cost = Argon2PasswordHasher.parallelism = 1
Argon2PasswordHasher.memory_cost = 8  # KiB; Argon2 takes no less

HERE = Path(__file__).parent
SIMULATORS = HERE / "simulators"
WHOLE = "UNLOST_WHOLE"  # set where tests of costly files are to run in the tier of their marks

# `make browser` installs what those tests import, and names the browser
collect_ignore = [] if "UNLOST_BROWSER" in os.environ else ["browser"]

settings.register_profile(
    "quick",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "deep",
    deadline=None,
    max_examples=3000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgres", action="store_true", help="make homes in PostgreSQL")


def pytest_configure() -> None:
    """Ten thousand tests are collected, and none of them ever becomes garbage."""
    gc.disable()
    _open_all_orgs_together()


def _open_all_orgs_together() -> None:
    """Let all simulated orgs of a run open at the same time, though a week may end meanwhile.

    A home that was made with the first of them is copied, and meets others. The processes of a run
    have the variable from the first one.
    """
    monday, week = datetime(2026, 11, 2, 18, tzinfo=UTC), timedelta(weeks=1)
    opens = monday + (datetime.now(UTC) - 4 * week - monday) // week * week
    os.environ.setdefault("UNLOST_SIM_OPENS", opens.isoformat())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the simulators' own tests where ``make test`` would only deselect them."""
    if collection_path != SIMULATORS or "not full" not in config.getoption("markexpr"):
        return None
    named = (Path(argument.partition("::")[0]).resolve() for argument in config.args)
    return None if any(path.is_relative_to(SIMULATORS) for path in named) else True


def pytest_collection_finish() -> None:
    gc.freeze()  # each later search for garbage would go through all of them
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Mark the tests that are not for ``make test``; with --postgres, leave out homes in files."""
    for item in items:
        folders = item.path.relative_to(HERE).parts[:2]
        if "simulators" in folders:
            item.add_marker(FULL)
        if "security" in folders:
            item.add_marker(pytest.mark.security)
    if WHOLE not in os.environ and not _names_files(config):
        spread_over_tiers(items, HERE)
    if config.getoption("--postgres"):
        items[:] = [item for item in items if item.get_closest_marker("files") is None]
    yield
    items[:] = _long_first(items, workers=int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _names_files(config: pytest.Config) -> bool:
    """True if a person runs single files: then no test of them moves to another tier."""
    return any(argument.partition("::")[0].endswith(".py") for argument in config.args)


def _long_first(items: Sequence[pytest.Item], *, workers: int) -> list[pytest.Item]:
    """Items in an order in which each of some workers, which share them out, begins with long ones."""
    long = [item for item in items if item.get_closest_marker("long")]
    others = [item for item in items if not item.get_closest_marker("long")]
    share = -(-len(others) // workers)
    return [
        item
        for worker in range(workers)
        for item in (*long[worker::workers], *others[worker * share : (worker + 1) * share])
    ]


@pytest.fixture(scope="session", autouse=True)
def _homes(request: pytest.FixtureRequest) -> None:
    """With --postgres, homes of tests are made in a server."""
    if request.config.getoption("--postgres"):
        import homes

        homes.SERVERS.append(request.getfixturevalue("server"))


@pytest.fixture(scope="session", autouse=True)
def _tables() -> Iterator[None]:
    """Migrations make the tables of a new file once a session; further new files are copies of it."""
    from homes import template

    made, real = template(), database.migrate

    def migrate(file: Path) -> None:
        if file.exists() or file.with_name(f"{file.name}-wal").exists():
            real(file)
            return
        shutil.copy(made, file)
        file.chmod(0o600)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "migrate", migrate)
        yield


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """A page that a test asked for in another language leaves its thread in it: no further test is."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """A PostgreSQL server, for whoever wants a database of its own."""
    with postgres() as running:
        yield running


@pytest.fixture(autouse=True)
def _sockets(request: pytest.FixtureRequest):
    """Forbid sockets in all tests, but for those marked ``network``, which may use loopback."""
    if request.node.get_closest_marker("network"):
        pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
    else:
        pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()
    pytest_socket._remove_restrictions()
