"""Homes and other costly folders that are made once in a run of tests, by one of its processes."""

import fcntl
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder of a name, which ``make`` fills in the first process that asks for it.

    It is for all tests, which copy it.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        folder = factory.mktemp(name)
        make(folder)
        return folder
    folder = factory.getbasetemp().parent / name
    with folder.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            # A folder that is there is whole, even if the process that began it has died.
            unfinished = factory.mktemp(name)
            make(unfinished)
            unfinished.rename(folder)
    return folder


def lead_to(url: str, home: Path) -> None:
    """Have the orgs of a copied home answer at another address."""
    with closing(sqlite3.connect(home / "catalog.sqlite")) as database, database:
        database.execute(
            "UPDATE catalog_org SET config = json_set(config, '$.login_url', ?)", (url,)
        )
