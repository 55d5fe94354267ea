"""The hunt of mutants counts what tests see, and nothing else."""

from pathlib import Path

import pytest

from mutants.hunt import Hunt, Runs, doubted, tried_on

pytestmark = pytest.mark.full

TEST = """
import pytest
from thing import SIZE

@pytest.mark.parametrize("size", [SIZE, 1])
def test_sizes(size):
    assert size {sign} 0
"""


@pytest.mark.parametrize(("sign", "fate"), [(">", "lives"), ("<", "noticed")])
def test_a_mutant_that_only_renames_tests_is_not_noticed_by_that(
    tmp_path: Path, sign: str, fate: str
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "thing.py").write_text("SIZE = 9\n")
    (tmp_path / "test_thing.py").write_text(TEST.replace("{sign}", sign))
    told, by = tried_on(tmp_path, ["test_thing.py::test_sizes[8]"], expected=1)
    assert told == fate
    assert by == ("test_thing.py::test_sizes[9]" if fate == "noticed" else "")


def test_what_a_test_notices_without_a_mutant_too_is_not_noticed(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (tmp_path / "test_a.py").write_text(
        "def test_good():\n    pass\n\ndef test_bad():\n    assert 0\n"
    )
    names = ("test_a.py::test_good", "test_a.py::test_bad")
    runs = Runs.__new__(Runs)
    runs.seconds = dict.fromkeys(names, 0.1)
    hunts = [Hunt("a.py", 1, "x", "b", "c", "noticed", 1, 1, by) for by in (*names, "it ended")]
    assert [one.fate for one in doubted(hunts, runs, tmp_path)] == [
        "noticed", "doubtful", "noticed",
    ]  # fmt: skip
