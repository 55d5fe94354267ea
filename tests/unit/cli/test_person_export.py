"""unlost export person: what it says, here and from afar."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from terminals import Terminal
from unit.cli.served import from_afar
from unlost.cli.exits import ExitCode

WORDS = ("export", "person", "sales", "--record", "Account/A40017")


@pytest.fixture
def night(sales: Terminal) -> Terminal:
    assert sales("backup", "sales").code == ExitCode.OK
    return sales


def test_it_tells_what_is_in_the_zip(night: Terminal, tmp_path: Path) -> None:
    out = tmp_path / "ada.zip"
    ended = night(*WORDS, "--record", "Account/NOBODY", "--related", "--out", str(out))
    assert ended.code == ExitCode.OK, ended.err
    assert ended.out.startswith("sales: 1 record in ")
    assert "Open index.html first." in ended.out
    assert "1 record not found in the vault." in ended.out
    assert "index.html" in ZipFile(out).namelist()
    again = night(*WORDS, "--out", str(out), "--json")
    assert (again.code, again.failure["code"]) == (ExitCode.FAILED, "file-exists")


def test_from_afar_it_is_written_here(
    night: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "ada.zip"
    with from_afar(night.world, monkeypatch):
        ended = night(*WORDS, "--out", str(out), "--json")
    assert ended.code == ExitCode.OK, ended.err
    assert ended.json["out"] == str(out)
    assert ended.json["tables"][0]["table"] == "Account"
    assert ZipFile(out).testzip() is None


def test_tables_are_exported_as_ever(night: Terminal, tmp_path: Path) -> None:
    for number, words in enumerate((("export",), ("export", "tables"))):
        out = str(tmp_path / str(number))
        assert night(*words, "--format", "csv", "sales", out).code == ExitCode.OK
    assert "person" in night("export", "--help").out
