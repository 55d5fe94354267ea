"""The hunt of mutants counts what tests see, and nothing else."""

from pathlib import Path

import pytest

from mutants.hunt import tried_on

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
    assert by.startswith("FAILED" if fate == "noticed" else "")
