"""The gate on coverage fails where it should, and where no number would show it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from house.coverage_rooms import ROOT, STRICT, main, room_of, rooms, sources, table

ENGINE = "src/unlost/engine/backup/backup.py"
APP = "src/unlost/app/home/home.py"
FILES = (ENGINE, APP, "src/unlost/model/org.py", "src/unlost/vault/format/sealed.py")


def entry(*, lines: tuple[int, int] = (50, 50), branches: tuple[int, int] = (50, 50)) -> Any:
    """A file of a report: (reached, there) of its lines and branches."""
    return {
        "summary": {
            "covered_lines": lines[0],
            "num_statements": lines[1],
            "covered_branches": branches[0],
            "num_branches": branches[1],
        },
        "missing_lines": [*range(lines[0] + 1, lines[1] + 1)],
        "missing_branches": [[at, -at] for at in range(branches[0] + 1, branches[1] + 1)],
    }


def report(**changed: Any) -> dict[str, Any]:
    """A report of which all is reached but for the files that are named."""
    files = {path: entry() for path in FILES} | {
        path: found for path, found in changed.items() if found is not None
    }
    return {"meta": {"branch_coverage": True}, "files": files}


def failing(told: dict[str, Any], expected: tuple[str, ...] = FILES) -> list[str]:
    return [room.name for room in rooms(told, expected) if not room.good]


def test_where_all_is_reached_every_room_is_good() -> None:
    judged = rooms(report(), FILES)
    assert [room.name for room in judged] == ["app", "engine", "model", "vault/format"]
    assert all(room.good for room in judged)
    assert "100.00" in table(judged)
    assert "too little" not in table(judged)


@pytest.mark.parametrize(
    "gap",
    [
        {"lines": (9_999, 10_000), "branches": (10_000, 10_000)},
        {"lines": (10_000, 10_000), "branches": (9_999, 10_000)},
    ],
    ids=["line", "branch"],
)
@pytest.mark.parametrize("path", [path for path in FILES if path != APP])
def test_one_gap_in_a_strict_room_fails_and_is_named(path: str, gap: Any) -> None:
    told = report(**{path: entry(**gap)})
    assert failing(told) == [room_of(path)]
    said = table(rooms(told, FILES))
    assert "99.99" in said
    assert f"{path}: 10000" in said


@pytest.mark.parametrize(("reached", "good"), [(90, True), (89, False)])
def test_other_rooms_must_reach_ninety_of_a_hundred(reached: int, good: bool) -> None:
    found = entry(lines=(reached - 50, 50))
    assert failing(report(**{APP: found})) == ([] if good else ["app"])


def test_a_bare_room_is_not_made_good_by_another() -> None:
    many = entry(lines=(9_000, 9_000), branches=(9_000, 9_000))
    told = report(**{APP: many, "src/unlost/jobs/runner.py": entry(lines=(0, 50))})
    assert failing(told) == ["jobs"]


def test_a_file_that_was_not_measured_fails_its_room() -> None:
    forgotten = "src/unlost/connectors/salesforce/reading/bulk.py"
    judged = rooms(report(), (*FILES, forgotten))
    (bad,) = [room for room in judged if not room.good]
    assert bad.name == "connectors/salesforce"
    assert f"{forgotten}: was not measured" in table(judged)
    assert failing(report(**{forgotten: entry()}), (*FILES, forgotten)) == []


def test_a_room_in_which_nothing_is_to_be_run_is_good() -> None:
    """A package that has a docstring alone."""
    bare = "src/unlost/connectors/__init__.py"
    assert failing(report(**{bare: entry(lines=(0, 0), branches=(0, 0))}), (*FILES, bare)) == []


def test_an_empty_report_fails_every_strict_room() -> None:
    told = {"meta": {"branch_coverage": True}, "files": {}}
    assert set(failing(told, ())) == set(STRICT)


def test_a_report_without_branches_is_refused() -> None:
    told = report()
    told["meta"]["branch_coverage"] = False
    with pytest.raises(SystemExit, match="branches"):
        rooms(told, FILES)


def test_rooms_of_files() -> None:
    assert room_of("src/unlost/__init__.py") == "unlost"
    assert room_of("src/unlost/vault/write/open_commit.py") == "vault"
    assert room_of("src/unlost/vault/format/sealed.py") == "vault/format"
    assert room_of("src/unlost/connectors/__init__.py") == "connectors"
    assert room_of("src/unlost/connectors/shopify/source.py") == "connectors/shopify"
    assert room_of("src/unlost/app/actions/backups/backup.py") == "app"
    assert room_of("simulators/src/unlost_simulators/salesforce/org.py") == "simulators"


def test_every_source_file_is_expected() -> None:
    found = sources(ROOT)
    assert {ENGINE, "simulators/src/unlost_simulators/cli.py"} <= set(found)
    assert not any("migrations" in path for path in found)
    assert {*STRICT, "app", "catalog", "cli", "connectors/salesforce", "simulators"} <= {
        room_of(path) for path in found
    }


def test_a_call_without_a_report_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "REPORT" in capsys.readouterr().err


# --- with the real tool ---------------------------------------------------------------------------

SETTINGS = '[tool.coverage.run]\nbranch = true\nsource = ["src"]\n'
CODE = """def grade(points: int) -> str:
    word = "bad"
    if points > 5:
        word = "good"
    return word


assert grade(9) == "good"
"""


def judge(folder: Path) -> int:
    """Measure the code in a folder as the project is measured, and judge it."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
    for words in (["run", ENGINE], ["json", "--quiet", "-o", "report.json"]):
        subprocess.run(
            [sys.executable, "-m", "coverage", *words], cwd=folder, env=clean, check=True
        )
    return main([str(folder / "report.json")], root=folder)


def test_a_branch_that_nobody_takes_fails_the_real_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line runs; only the way around the condition does not."""
    monkeypatch.setattr("house.coverage_rooms.STRICT", ("engine",))
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    code = tmp_path / ENGINE
    code.parent.mkdir(parents=True)
    code.write_text(CODE)
    assert judge(tmp_path) == 1
    assert f"{ENGINE}: 3->5" in capsys.readouterr().out
    code.write_text(CODE + 'assert grade(1) == "bad"\n')
    assert judge(tmp_path) == 0


# --- what may be left out -------------------------------------------------------------------------


def test_no_line_of_the_product_asks_to_be_left_out() -> None:
    asking = [
        f"{path}:{number}"
        for path in sources(ROOT)
        for number, line in enumerate((ROOT / path).read_text("utf-8").splitlines(), 1)
        if "pragma:" in line.lower()
    ]
    assert not asking, "reach it by a test, or say by an assert why nothing can"


def test_the_settings_leave_out_nothing_but_migrations() -> None:
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    assert 'omit = ["*/migrations/*"]' in settings
    assert "exclude_" not in settings
    assert "partial_" not in settings
