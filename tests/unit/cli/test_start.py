"""Commands import what they use: a process that only reads the vault starts without the rest.

The modules are asserted, and no times: these depend on the machine (``benchmarks/cli_start.py``).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from diskhome import put_on_disk
from homes import SECRET, World
from scenes import Lead, scene
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.orgs import NewOrg, add_org
from unlost.app.home.discovery import load_connector

NEVER = {
    "allauth", "argon2", "axes", "dbos", "deltalake", "django", "duckdb", "httpx", "ninja",
    "obstore", "prometheus_client", "psycopg", "pygments", "sqlalchemy", "uvicorn",
    "unlost.alerts", "unlost.jobs", "unlost.kit.http", "unlost.outside", "unlost.web",
    "unlost.vault.maintenance.operations", "unlost.vault.mirror", "unlost.vault.write.open_commit",
}  # fmt: skip
# A reading command would wait for each of these: other libraries' modules, and values that only
# plans, maintenance, sign-ins and writing need.
NOT_TO_READ = {
    "cryptography.hazmat.primitives.serialization", "dateutil", "pydantic",
    "unlost.model.gaps", "unlost.model.losses",
    "unlost.model.plan", "unlost.model.ports.vault", "unlost.model.runs.progress",
    "unlost.model.source.quota", "unlost.model.source.sign_in", "unlost.model.storage",
    "unlost.model.vault.certificate", "unlost.model.vault.erasure",
    "unlost.model.vault.maintenance", "unlost.model.vault.maintenance_results",
    "unlost.model.vault.rekeying", "unlost.model.vault.retention", "unlost.model.vault.salvage",
    "unlost.vault.objects.buffered_rows", "unlost.vault.objects.bundling",
    "unlost.vault.objects.segment_writer",
}  # fmt: skip
OF_TYPER = {"typer", "unlost.cli.main", "unlost.cli.verb_list"}
PROGRAM = """
import json, sys
from unlost.cli.main import main
code = main(sys.argv[1:])
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


def imported(*words: str) -> set[str]:
    """Run a command in a new process; the modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def on_disk(world: World) -> str:
    """A backup of an org, in a vault and a home that another process can open."""
    put_on_disk(world)
    add_org(world.app, NewOrg("memory", "sales", {"address": "one"}, {"password": SECRET}))
    backup(world.app, "sales")
    return str(world.home.root)


saved = scene(on_disk)


@pytest.fixture
def home(world: World, saved: Lead) -> Path:
    saved(world)
    root = world.home.root
    imported("snapshots", "sales", "--home", str(root))  # notes the newest head in the home
    return root


def test_help_imports_no_verb() -> None:
    modules = imported("--help")
    assert modules >= OF_TYPER
    assert not {name for name in modules if name.startswith("unlost.cli.verbs.")}
    assert not modules & {"numpy", "pyarrow", "msgspec", "pydantic", "unlost.app", *NEVER}


@pytest.mark.parametrize(
    ("words", "also_never"),
    [
        (("snapshots", "sales"), {"polars"}),
        (("history", "sales", "Account/A40017"), {"polars", "rich"}),
        (("show", "sales", "Account/A40017"), {"polars"}),
        (("find", "A40017"), {"polars", "rich"}),
    ],
)
def test_reading_imports_no_other_part(
    home: Path, words: tuple[str, ...], also_never: set[str]
) -> None:
    modules = imported(*words, "--home", str(home))
    assert "unlost.vault.reader" in modules
    assert modules & {*NEVER, *NOT_TO_READ, *also_never} == set()


def test_the_form_of_ids_is_known_without_the_network() -> None:
    program = (
        "import sys; from unlost.app.home.discovery import load_connector;"
        "load_connector('salesforce').record_ids('001Dn00000b0001');"
        "print(*sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    modules = set(done.stdout.split())
    assert "unlost.connectors.salesforce.ids" in modules
    assert modules & {*NEVER, *NOT_TO_READ, "importlib.metadata"} == set()
    assert load_connector("salesforce").record_ids("001Dn00000b0001") == ("001Dn00000b0001IAA",)


THREADS = """
import os, sys
from unlost.cli.main import main
code = main(sys.argv[1:])
import numpy
print(len(os.listdir("/proc/self/task")), file=sys.stderr)
sys.exit(code)
"""


def test_a_reading_command_starts_no_threads_that_wait_for_work(home: Path) -> None:
    """Threads of NumPy's library for matrices took a tenth of a second of each command."""
    words = ("snapshots", "sales", "--home", str(home))
    environment = {name: value for name, value in os.environ.items() if "_NUM_THREADS" not in name}
    done = subprocess.run(
        [sys.executable, "-c", THREADS, *words],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert int(done.stderr.splitlines()[-1]) <= 2, "the main one, and one of an allocator"
