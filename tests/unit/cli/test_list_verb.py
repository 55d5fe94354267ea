"""unlost list and unlost related: pages, files, archived records, here and from afar."""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from terminals import Terminal
from unit.cli.served import from_afar
from unlost.cli.exits import ExitCode
from unlost.model.source.schema import Reference, WireKind

LISTED = ("list", "sales", "Case", "--related-to", "Account/A40017")
RELATED = ("related", "sales", "Account/A40017")


@pytest.fixture
def night(sales: Terminal) -> Terminal:
    org = sales.world.org
    org.add_table(
        "Case",
        {"Name": WireKind.TEXT, "Account": WireKind.REFERENCE},
        references={"Account": Reference(("Account",))},
    )
    for name in ("Melted", "Cold"):
        org.create("Case", {"Name": name, "Account": "A40017"})
    assert sales("backup", "sales").code == ExitCode.OK
    return sales


def test_a_page_of_a_list(night: Terminal) -> None:
    ended = night(*LISTED, "--column", "Account", "--sort", "Account", "--descending")
    assert ended.code == ExitCode.OK, ended.err
    assert "2 records" in ended.out
    assert "Melted" in ended.out
    assert "alive" in ended.out
    part = night(*LISTED, "--start", "1", "--json")
    assert (part.json["total"], len(part.json["records"])) == (2, 1)


def test_a_search_is_a_list_too(night: Terminal) -> None:
    ended = night("list", "sales", "Case", "--search", "Melted", "--json")
    assert [record["name"] for record in ended.json["records"]] == ["Melted"]


@pytest.mark.parametrize("form", ["csv", "json", "zip"])
@pytest.mark.parametrize("afar", [False, True])
def test_a_list_is_written_to_a_file(
    night: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, afar: bool
) -> None:
    out = tmp_path / f"cases.{form}"
    words = (*LISTED, "--format", form, "--out", str(out))
    if afar:
        with from_afar(night.world, monkeypatch):
            ended = night(*words, "--json")
        assert ended.json["records"] == 2
    else:
        ended = night(*words)
        assert f"2 records in {out}, unencrypted." in ended.out
    assert ended.code == ExitCode.OK, ended.err
    if form == "zip":
        assert ZipFile(out).namelist() == ["records.csv"]
    elif form == "json":
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        assert {row["Name"] for row in rows} == {"Melted", "Cold"}
    else:
        assert "Melted" in out.read_text()
    assert night(*words, "--json").failure["code"] == "file-exists"


def test_the_source_of_a_list_is_named_once(night: Terminal) -> None:
    ended = night(*LISTED, "--search", "Melted", "--json")
    assert (ended.code, ended.failure["code"]) == (ExitCode.USAGE, "list-unclear")
    assert night(*LISTED, "--format", "xml").code == ExitCode.USAGE


def test_related_records_are_listed_by_table(night: Terminal) -> None:
    ended = night(*RELATED)
    assert ended.code == ExitCode.OK, ended.err
    assert "Melted, Cold" in ended.out or "Cold, Melted" in ended.out
    assert night(*RELATED, "--archived", "--json").json["related"]["tables"] == []


def test_setup_records_have_no_related_records(
    night: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlost.app.actions.records.show.related", lambda *_, **__: None)
    assert "Setup records have no related records." in night(*RELATED).out
