"""unlost purge: records that a person selects leave the org, and come back."""

from pathlib import Path

import pytest

from terminals import Terminal
from unit.cli.test_archive import desk as desk
from unit.cli.test_archive import live
from unit.cli.test_archive import writable as writable
from unlost.cli.exits import ExitCode


def cases(terminal: Terminal) -> list[str]:
    return list(terminal.world.connector.orgs["one"].tables["Case"].records)


def test_selected_records_leave_and_come_back(writable: Terminal, tmp_path: Path) -> None:
    file, back = str(tmp_path / "purge.json"), str(tmp_path / "back.json")
    first, second = cases(writable)
    planned = writable("purge", "plan", "sales", f"Case/{first}", "--out", file)
    assert planned.code == ExitCode.OK
    assert "1 will be deleted in the org, and kept in the vault" in planned.out
    assert "This frees 1.0 kB of “data storage”." in planned.out
    assert f"Nothing was deleted yet. Run it: unlost purge run {file}" in planned.out
    ended = writable("purge", "run", file)
    assert ended.code == ExitCode.OK
    assert live(writable, "Case") == 1
    line, *figures = writable("archive", "list", "sales").out.splitlines()
    assert figures == ["  1.0 kB of data storage predicted."]
    assert line.endswith("done  selected-records: 1 of 1 record archived")
    run = writable("archive", "list", "sales", "--json").json["runs"][0]["run"]
    assert writable("undo", "sales", run, "--out", back).code == ExitCode.OK
    assert writable("restore", "run", back).code == ExitCode.OK
    assert live(writable, "Case") == 2
    assert second in cases(writable)


@pytest.mark.parametrize("form", ["{table}/{id}", "{id}", "\n  {id}  \n"])
def test_ids_come_from_a_file(writable: Terminal, tmp_path: Path, form: str) -> None:
    file, ids = str(tmp_path / "purge.json"), tmp_path / "ids.txt"
    text = "\n".join(form.format(table="Case", id=record) for record in cases(writable))
    ids.write_text(f"\ufeff{text}", encoding="utf-8")
    words = ("--ids", str(ids), "--table", "Case", "--out", file)
    planned = writable("purge", "plan", "sales", *words)
    assert "2 will be deleted in the org" in planned.out


def test_records_that_no_backup_has_are_named(writable: Terminal, tmp_path: Path) -> None:
    file = str(tmp_path / "purge.json")
    records = [f"Case/{cases(writable)[0]}", "Case/500000000000000AAA"]
    planned = writable("purge", "plan", "sales", *records, "--out", file)
    assert "does not have 1 record of Case of the selection" in planned.out
    assert "1 will be deleted" in planned.out


def test_the_records_of_a_watched_set_leave(writable: Terminal, tmp_path: Path) -> None:
    file, first = str(tmp_path / "purge.json"), cases(writable)[0]
    assert (
        writable("watch", "add", "sales", "junk", "--record", f"Case/{first}").code == ExitCode.OK
    )
    planned = writable("purge", "plan", "sales", "--set", "junk", "--out", file)
    assert "1 will be deleted in the org" in planned.out


def test_a_wrong_selection_is_refused(writable: Terminal, tmp_path: Path) -> None:
    file, wrong = str(tmp_path / "purge.json"), tmp_path / "ids.txt"
    wrong.write_bytes(b"\xff\xff")
    (task, *_) = writable.world.connector.orgs["one"].tables["Task"].records
    record = f"Case/{cases(writable)[0]}"
    for words, code in (
        ((), "restore-selection"),
        ((record, "--loop", "x"), "restore-selection"),
        ((record, f"Task/{task}"), "purge-tables"),
        ((record, "--table", "Task"), "purge-nothing"),
        (("--loop", "x"), "loop-unknown"),
        (("--set", "none"), "watch-unknown"),
        (("--ids", str(tmp_path / "none")), "ids-unreadable"),
        (("--ids", str(wrong)), "ids-unreadable"),
    ):
        ended = writable("purge", "plan", "sales", *words, "--out", file, "--json")
        assert ended.failure["code"] == code, words
    assert not Path(file).exists()


def test_a_list_of_ids_has_a_limit(
    writable: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlost.cli.id_files.LARGEST", 10)
    ids = tmp_path / "ids.txt"
    ids.write_text("500000000000000AAA")
    out = str(tmp_path / "purge.json")
    ended = writable("purge", "plan", "sales", "--ids", str(ids), "--out", out, "--json")
    assert ended.failure["code"] == "ids-unreadable"
