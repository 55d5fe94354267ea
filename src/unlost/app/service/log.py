"""The log of the service: one JSON object per line, without secrets, names or records.

Sentences may contain names; the log has only codes, ids and numbers.
"""

import json
import threading
from typing import TextIO

from unlost.model.ports.system import Clock

type Field = str | int | float | bool | None


class ServiceLog:
    """Writes events to a stream; thread-safe."""

    def __init__(self, stream: TextIO, *, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = threading.Lock()

    def event(self, name: str, **fields: Field) -> None:
        """Write an event, such as ``night-ended``."""
        at = self._clock.now().isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, "event": name, **fields}, ensure_ascii=False)
        with self._lock:
            self._stream.write(line + "\n")
            # A crash must not lose the lines that explain it.
            self._stream.flush()
