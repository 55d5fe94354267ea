"""What a process settles for itself. In processes of their own: it cannot be taken back."""

import os
import subprocess
import sys

import pytest

PREPARE = "import sys; from unlost.app import process; "


def said(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PREPARE + program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_arrow_looks_for_dateutil_no_more() -> None:
    looks = (
        "import pyarrow as pa\n"
        "asked = []\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        asked.append(name)\n"
        "process.settle()\n"
        "pa.array(['warm'])\n"
        "sys.meta_path.insert(0, Finder())\n"
        "pa.array(['x']), pa.scalar('x')\n"
        "print(asked)"
    )
    assert said(looks) == "[]"


def test_settling_twice_is_settling_once() -> None:
    assert said("process.settle(); process.settle(); print('dateutil' in sys.modules)") == "True"


def test_an_installed_dateutil_stays() -> None:
    install = (
        "import importlib.machinery as m\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        return m.ModuleSpec(name, None) if name == 'dateutil' else None\n"
        "sys.meta_path.insert(0, Finder())\n"
        "process.settle()\n"
        "print('dateutil' in sys.modules)"
    )
    assert said(install) == "False"


@pytest.mark.parametrize(("platform", "shared"), [("linux", "True"), ("darwin", "False")])
def test_arenas_are_shared_where_there_are_some(platform: str, shared: str) -> None:
    if not sys.platform.startswith("linux"):
        shared = "False"
    assert said(f"sys.platform = {platform!r}; print(process.share_arenas())") == shared


@pytest.mark.parametrize(("said", "threads"), [(None, 1), ("2", 2)])
def test_polars_works_in_our_threads_unless_told_otherwise(said: str | None, threads: int) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "POLARS_MAX_THREADS"}
    environment |= {"POLARS_MAX_THREADS": said} if said else {}
    program = "import unlost.app.compose, polars; print(polars.thread_pool_size())"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == threads
