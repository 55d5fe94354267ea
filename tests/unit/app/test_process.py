"""What a process settles for itself. In processes of their own: it cannot be taken back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PREPARE = "import sys; from unlost.app.home import process; "


def said(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PREPARE + program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


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


@pytest.mark.parametrize(("said", "pool"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_arrow_gives_memory_back_unless_told_otherwise(said: str | None, pool: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "ARROW_DEFAULT_MEMORY_POOL"}
    environment |= {"ARROW_DEFAULT_MEMORY_POOL": said} if said else {}
    program = (
        "import unlost.app.compose, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == pool


HELD = Path("/proc/self/statm")  # in pages, where a system tells


@pytest.mark.parametrize(
    ("loaded", "platform", "given"),
    [
        ("", "linux", True),
        ("import unlost.app, pyarrow; ", "linux", True),
        ("", "darwin", False),
        ("import unlost.app, pyarrow; ", "darwin", True),  # Arrow's system pool trims by itself
    ],
)
def test_what_a_job_left_is_given_back(loaded: str, platform: str, given: bool) -> None:
    """A block that is held keeps all that was freed below it from going by itself."""
    program = (
        f"{loaded}import os, pathlib, sys; own = pathlib.Path({str(HELD)!r}); pages = os.sysconf('SC_PAGESIZE'); "
        "held = lambda own=own: int(own.read_text().split()[1]) * pages if own.exists() else 0; "
        "own = [bytes(1_000) for _ in range(200_000)]; last = bytes(1_000); del own; "
        f"sys.platform = {platform!r}; before = held(); process.give_back(); print(before - held())"
    )
    assert (int(said(program)) > 50_000_000) is (given and HELD.exists())  # bytes
