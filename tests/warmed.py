"""The command ``unlost`` for tests that start it often: see ``warm``.

While coverage is measured, each command imports the program by itself.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import warm
from patience import until

COVERED = "COVERAGE_PROCESS_CONFIG"
START = (sys.executable, "-S", "-E", warm.__file__)  # and the words of a command


@contextmanager
def warm_process(environment: Mapping[str, str]) -> Iterator[Path | None]:
    """A process that has imported the program; the socket for its callers, as ``WARM``.

    None while coverage is measured.
    """
    if COVERED in os.environ:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="warm-"))  # a socket's path must be short
    door = folder / "door"
    imported = subprocess.Popen(
        [sys.executable, warm.__file__, door], env=dict(environment), start_new_session=True
    )
    try:
        until(door.exists, failure=lambda: "the program was not imported")
        yield door
    finally:
        os.killpg(imported.pid, signal.SIGKILL)
        imported.wait()
        shutil.rmtree(folder)
