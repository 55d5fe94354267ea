"""The log of the service: one JSON object a line, for machines. Never a secret, a name or a record.

Sentences are for people and may name things; here are codes, ids and numbers alone.
"""

import json
import threading
from typing import TextIO

from unlost.model.ports.system import Clock

type Field = str | int | float | bool | None


class ServiceLog:
    """Writes events to a stream; safe in any thread."""

    def __init__(self, stream: TextIO, *, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = threading.Lock()

    def event(self, name: str, **fields: Field) -> None:
        """Write one event, such as ``night-ended``."""
        at = self._clock.now().isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, "event": name, **fields}, ensure_ascii=False)
        with self._lock:
            self._stream.write(line + "\n")
            self._stream.flush()
