"""Types are learned once, whatever number of threads meets them first."""

import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from unlost.model.decoders import decoder_for

ROOM = Path(__file__).parents[3] / "src" / "unlost"
DIRECT = re.compile(r"msgspec\.(convert\(|json\.Decoder\(|json\.decode\([^)]*type=)")
ALLOWED = {"model/decoders.py", "kit/json_to_arrow.py"}  # the second one decodes into no type

THREADS = """
import dataclasses, sys, threading
from unlost.model.decoders import decoder_for

sys.setswitchinterval(1e-6)
for number in range(600):
    few = [(f"g{place}", int, dataclasses.field(default=0)) for place in range(12)]
    inner = dataclasses.make_dataclass(f"Inner{number}", few)
    more = [(f"f{place}", str, dataclasses.field(default="")) for place in range(12)]
    outer = dataclasses.make_dataclass(f"Outer{number}", [("inner", inner), *more])
    together = threading.Barrier(4)

    def meet():
        together.wait()
        decoder_for(outer).convert({"inner": {"g3": 1}, "f11": "y"})

    threads = [threading.Thread(target=meet) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


@dataclass(frozen=True)
class Point:
    x: int
    y: int = 0


def test_threads_that_meet_a_type_at_once_do_not_crash_the_process() -> None:
    """Once a first backup ended in a segmentation fault, seldom."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(THREADS)], check=False)
    assert done.returncode == 0


def test_values_come_from_json_and_from_plain_ones() -> None:
    assert decoder_for(Point).decode(b'{"x": 1}') == Point(1)
    assert decoder_for(Point).convert({"x": 1, "y": 2}) == Point(1, 2)
    assert decoder_for(Point).convert({"x": "1"}, strict=False) == Point(1)
    assert decoder_for(Point) is decoder_for(Point)
    with pytest.raises(msgspec.ValidationError):
        decoder_for(Point).decode(b'{"y": 1}')


def test_nothing_else_reads_values_into_types() -> None:
    found = {
        str(file.relative_to(ROOM))
        for file in ROOM.rglob("*.py")
        if DIRECT.search(file.read_text("utf-8"))
    }
    assert found <= ALLOWED
