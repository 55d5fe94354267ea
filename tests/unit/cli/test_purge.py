"""unlost purge: records that a person selects leave the org, and come back."""

import re
from pathlib import Path

import pytest

from terminals import Terminal
from unit.cli.test_archive import desk as desk
from unit.cli.test_archive import live
from unit.cli.test_archive import writable as writable
from unlost.cli.exits import ExitCode
from unlost.engine.records import matches
from unlost.model.source.schema import TableTrait, WireKind
from unlost.testing.org import ALL_TRAITS


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
    assert line.endswith("done  purge (selected-records): 1 of 1 record deleted")
    run = writable("archive", "list", "sales", "--json").json["runs"][0]["run"]
    assert re.search(rf"{run} +sales +purge +done", writable("runs").out)
    assert writable("runs", run).out.startswith(f"{run}: purge of sales, done")
    assert "purge (selected-records): 1 record" in writable("archive", "contents", "sales").out
    refused = writable("restore", "retry", run)
    assert "with `unlost archive plan` or `unlost purge plan`." in refused.err
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
    planned = writable("purge", "plan", "sales", "--watched", "junk", "--out", file)
    assert "1 will be deleted in the org" in planned.out
    again = ("--set", "junk", "--out", str(tmp_path / "again.json"))
    assert "1 will be deleted in the org" in writable("purge", "plan", "sales", *again).out


def test_ids_of_any_table_come_from_a_csv_file(writable: Terminal, tmp_path: Path) -> None:
    file, ids = str(tmp_path / "purge.json"), tmp_path / "report.csv"
    first, second = cases(writable)
    ids.write_text(f"Subject,Id\nLoop,{first}\nLoop,{second}\nAgain,{first}\n")
    planned = writable("purge", "plan", "sales", "--ids", str(ids), "--out", file)
    assert "2 will be deleted in the org" in planned.out


def test_unknown_ids_of_a_list_are_named_before_anything_is_planned(
    writable: Terminal, tmp_path: Path
) -> None:
    file, ids = str(tmp_path / "purge.json"), tmp_path / "ids.txt"
    ids.write_text(f"{cases(writable)[0]}\nnot an id\n500000000000000AAA\nNone/500000000000000\n")
    words = ("purge", "plan", "sales", "--ids", str(ids), "--out", file)
    failure = writable(*words, "--json").failure
    assert failure["code"] == "purge-ids-unknown"
    for line in ("3 lines", "not an id", "500000000000000AAA", "None/500000000000000"):
        assert line in failure["sentence"]
    assert not Path(file).exists()
    assert "1 will be deleted in the org" in writable(*words, "--skip-unknown").out


def test_the_matches_of_a_search_leave(writable: Terminal, tmp_path: Path) -> None:
    org = writable.world.connector.orgs["one"]
    org.add_table("Lead", {"Name": WireKind.TEXT}, traits=ALL_TRAITS | {TableTrait.UNDELETE})
    record = org.create("Lead", {"Name": "Unwanted import"})
    gone = org.create("Lead", {"Name": "Unwanted and deleted"})
    assert writable("backup", "sales").code == ExitCode.OK
    org.delete("Lead", gone)
    assert writable("backup", "sales").code == ExitCode.OK
    out = ("--out", str(tmp_path / "purge.json"))
    words = ("purge", "plan", "sales", "--search", "Unwanted", *out)
    assert writable(*words, "--json").failure["code"] == "purge-search-table"
    planned = writable(*words, "--table", "Lead")
    assert "1 will be deleted in the org" in planned.out
    ended = writable("purge", "run", out[1])
    assert "sales: purged in" in ended.out
    assert "1 deleted in the org, kept in the vault" in ended.out
    assert "archived" not in ended.out
    assert org.tables["Lead"].records[record].deleted


def test_a_search_with_too_many_matches_is_refused(
    writable: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = writable.world.connector.orgs["one"]
    org.add_table("Lead", {"Name": WireKind.TEXT})
    for number in range(3):
        org.create("Lead", {"Name": f"Unwanted {number}"})
    assert writable("backup", "sales").code == ExitCode.OK
    monkeypatch.setitem(matches.org_matches.__kwdefaults__, "most", 2)
    words = ("--search", "Unwanted", "--table", "Lead", "--out", str(tmp_path / "purge.json"))
    ended = writable("purge", "plan", "sales", *words, "--json")
    assert ended.failure["code"] == "purge-search-wide"


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
        (("--watched", "none"), "watch-unknown"),
        ((record, "--created-records"), "restore-selection"),
        (("--loop", "x", "--created-records"), "loop-unknown"),
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
