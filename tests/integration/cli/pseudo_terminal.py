"""A terminal with nobody behind it: starts the program, reads the screen, types."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from patience import HANGING, until

CONTROL_C = b"\x03"
AGAIN = 20.0  # seconds until somebody presses a key again
# the child makes its end its controlling terminal, so that passwords are asked for there
ADOPT = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


class PseudoTerminal:
    """One program at a terminal. ``screen`` is all that it has shown, with what was echoed."""

    def __init__(self, process: "subprocess.Popen[bytes]", master: int) -> None:
        self._process = process
        self._master = master
        self.screen = ""

    def expect(self, pattern: str) -> re.Match[str]:
        """Read on until the screen, from where it was last matched, shows this; what it found."""
        while not (found := re.search(pattern, self.screen[self._seen :])):
            assert self._read(), f"it ended without {pattern!r}:\n{self.screen}"
        self._seen += found.end()
        return found

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        os.write(self._master, line.encode() + b"\n")

    def type_hidden(self, line: str) -> None:
        """Type a line once the program has switched the echo off; it throws away what came before."""
        until(
            lambda: not termios.tcgetattr(self._master)[3] & termios.ECHO,
            failure=lambda: f"what is typed would show:\n{self.screen}",
        )
        self.type(line)

    def break_off(self, pattern: str) -> None:
        """Press Ctrl-C until the screen shows this.

        Python misses the signal if it comes just before it waits for a line; people press again.
        """
        while not self._shows(pattern):
            os.write(self._master, CONTROL_C)
            again = time.monotonic() + AGAIN
            while not self._shows(pattern) and self._writes(before=again):
                assert self._read(), f"it ended without {pattern!r}:\n{self.screen}"
        self.expect(pattern)

    def end(self) -> int:
        """Let it run to its end; its exit code."""
        while self._read():
            pass
        return self._process.wait(HANGING)

    _seen = 0

    def _shows(self, pattern: str) -> bool:
        return re.search(pattern, self.screen[self._seen :]) is not None

    def _writes(self, *, before: float) -> bool:
        left = max(0.0, before - time.monotonic())
        return bool(select.select([self._master], [], [], left)[0])

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], HANGING)
        assert ready, f"it shows nothing more:\n{self.screen}"
        try:
            piece = os.read(self._master, 65_536)
        except OSError:  # Linux: the other end is closed
            return False
        self.screen += piece.decode(errors="replace").replace("\r\n", "\n")
        return bool(piece)


@contextmanager
def at_terminal(
    program: Path, *words: str, environment: Mapping[str, str], width: int = 100
) -> Iterator[PseudoTerminal]:
    """A program with its own terminal; it is killed if it did not end."""
    master, slave = pty.openpty()
    kept = {k: v for k, v in os.environ.items() if not k.startswith("UNLOST")}
    process = subprocess.Popen(
        [sys.executable, "-c", ADOPT, str(program), *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**kept, "TERM": "xterm", "COLUMNS": str(width), **environment},
    )
    os.close(slave)
    try:
        yield PseudoTerminal(process, master)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(HANGING)
        os.close(master)
