"""Files outside the vault: for their owner alone, in their folder, and harmless in a spreadsheet."""

import csv
import io
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from smallvault import SmallVault, finish, rows, schema
from unit.app.shop import Shop
from unlost.app.actions.records.export import ExportRequest, export
from unlost.app.actions.records.file import written
from unlost.app.actions.retention.privacy import PersonRequest, export_person
from unlost.app.home.sealed_key import present_sealer
from unlost.model.errors import NotAllowed
from unlost.outside.delta import export_delta
from unlost.outside.exporting import ExportKind, export_files, paths_of, safe_names
from unlost.outside.formats import ExportFormat
from unlost.outside.rowtext import for_people, write_csv
from unlost.testing.entropy import SeededEntropy
from unlost.vault.keys.service_key import ServiceKey, write_service_key
from unlost.vault.keys.unlock import ByServiceKeyFile

HOSTILE_TABLES = (
    "..", ".", "", "../../etc/cron.d/x", "/etc/passwd", "a/b", "..\\x", ".unlost-lock",
    "unlost-export.json", "UNLOST-EXPORT.JSON", "x\x00y", "~root", "%2E.",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _open_mask() -> Iterator[None]:
    """The mask of a machine where everybody reads everything."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """Files below a folder that others than their owner may open."""
    return [
        f"{path.name} {stat.filemode(path.stat().st_mode)}"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.stat().st_mode & 0o077
    ]


# --- exports ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ExportFormat)
def test_an_export_is_for_its_owner_alone(shop: Shop, form: ExportFormat) -> None:
    out = shop.folder / "out"
    export(shop.app, "sales", ExportRequest(form), out=out)
    assert len(list(out.rglob("*.*"))) >= 3
    assert open_to_others(out) == []
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert os.umask(0) == 0, "the mask of the process is as before"


def test_a_part_that_an_earlier_release_left_is_not_filled(tmp_path: Path, shop: Shop) -> None:
    draft = tmp_path / ".out.unlost-part"
    draft.mkdir()
    (draft / ".Account.csv.part").touch(mode=0o666)
    request = ExportRequest(ExportFormat.CSV, ("Account",))
    export(shop.app, "sales", request, out=tmp_path / "out")
    assert open_to_others(tmp_path / "out") == []


def test_a_saved_file_fills_no_file_that_others_put_in_its_place(tmp_path: Path) -> None:
    theirs, out = tmp_path / "theirs", tmp_path / "out"
    theirs.touch(mode=0o666)
    (tmp_path / ".out.unlost-part").symlink_to(theirs)
    with written(out) as target:
        target.write(b"secret")
    assert theirs.read_bytes() == b""
    assert out.read_bytes() == b"secret"
    assert stat.S_IMODE(out.lstat().st_mode) == 0o600


def test_plans_and_the_data_of_a_person_are_for_their_owner_alone(shop: Shop) -> None:
    folder = shop.folder / "files"
    folder.mkdir()
    export_person(shop.app, "sales", PersonRequest(("Account/A40018",)), out=folder / "a.zip")
    Path(shop.whole_plan().file).rename(folder / "plan.json")
    assert len(list(folder.iterdir())) == 2
    assert open_to_others(folder) == []


@pytest.mark.parametrize("form", ExportFormat)
def test_no_name_of_a_table_leads_out_of_the_export(form: ExportFormat, tmp_path: Path) -> None:
    out = tmp_path / "out"
    paths = paths_of(HOSTILE_TABLES, ExportKind("oid", form))
    for table, path in paths.items():
        assert (out / path).resolve().parent == out.resolve(), table
        assert not path.startswith("."), table
        assert path.lower() not in ("unlost-export.json", ""), table
    assert len({path.lower() for path in paths.values()}) == len(HOSTILE_TABLES)


def test_names_of_tables_stay_as_they_were() -> None:
    usual = ["Account", "Käse & Brot", "$x", "a.b"]
    assert safe_names(usual) == ["Account", "K%C3%A4se %26 Brot", "$x", "a.b"]


@pytest.mark.parametrize("table", ["..", "../x", "a/b", "%2E%2E", "Käse"])
def test_a_hostile_table_is_exported_into_its_folder(tmp_path: Path, table: str) -> None:
    small = SmallVault()
    hostile = replace(schema(), tables=(replace(schema().tables[0], name=table),))
    commit = small.begin("run-1", put=hostile)
    finish(commit, commit.add(table, [rows(("1", "U", {"Name": "x"}))]))
    snapshot = small.vault.at(small.org, 1)
    kind = ExportKind("oid", ExportFormat.DELTA)
    for _ in range(2):  # made, and continued
        export_delta(snapshot, [table], kind, out=tmp_path / "delta", before=lambda _: None)
    export_files(snapshot, [table], ExportKind("oid", ExportFormat.CSV), out=tmp_path / "csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["csv", "delta"]
    (place,) = paths_of([table], kind).values()
    assert DeltaTable(str(tmp_path / "delta" / place)).to_pyarrow_table().num_rows == 1
    assert sorted(path.name for path in (tmp_path / "delta").iterdir()) == [
        ".unlost-lock", place, "unlost-export.json",
    ]  # fmt: skip


# --- spreadsheets -----------------------------------------------------------------------------------

FORMULAS = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\r\n=1", "\u2028=1", "\x85=1", "\v=1",
    "\x00=1", "＝cmd|x", "＋1", "－1", "＠x", "﹦1", "﹢1", "﹣1", "﹫x",
)  # fmt: skip
HARMLESS = ("", "a=b", "1-2", "Ann ＝ Ben", "é", "'=1", "x\n=1", None)


def test_no_cell_runs_in_a_spreadsheet() -> None:
    cells = pa.record_batch({"text": pa.array([*FORMULAS, *HARMLESS])})
    safe, changed = for_people(cells)
    assert changed == len(FORMULAS)
    assert safe.column(0).to_pylist() == [*(f"'{text}" for text in FORMULAS), *HARMLESS]


def test_no_heading_runs_in_a_spreadsheet() -> None:
    batch = pa.record_batch({"=cmd|x": ["a"], "＝y": ["=b"], "Name": ["c"]})
    for people, head in ((True, ["'=cmd|x", "'＝y", "Name"]), (False, ["=cmd|x", "＝y", "Name"])):
        out = io.BytesIO()
        changed = write_csv([batch], batch.schema, out, people=people)
        first, second = csv.reader(io.StringIO(out.getvalue().decode()))
        assert first == head
        assert second == ["a", "'=b" if people else "=b", "c"]
        assert changed == int(people)


# --- the service key --------------------------------------------------------------------------------


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    small = SmallVault()
    key = ServiceKey.new(small.vault.sealed.keys, entropy=SeededEntropy())
    file = tmp_path / "my keys" / "service.key"
    write_service_key(key, file, store=small.vault.sealed.store)
    return file


@pytest.fixture
def _of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files belong to a user who is not root, whoever runs the tests."""
    monkeypatch.setattr("unlost.vault.keys.service_key.os.fstat", owned_by(1000))


def owned_by(user: int, real: Any = os.fstat) -> Any:
    def fstat(handle: int) -> Any:
        status = real(handle)
        return os.stat_result((*status[:4], user, *status[5:10]))

    return fstat


def refused(read: Any, file: Path) -> None:
    with pytest.raises(NotAllowed) as refusal:
        read()
    assert refusal.value.code == "key-readable"
    assert f"`chmod 600 '{file}'`" in refusal.value.message.next_step


@pytest.mark.usefixtures("_of_a_user")
@pytest.mark.parametrize("mode", [0o604, 0o644, 0o666, 0o602, 0o640, 0o660, 0o620, 0o777])
def test_a_service_key_that_others_can_read_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    refused(ByServiceKeyFile(key_file).service_key, key_file)
    refused(lambda: present_sealer(key_file), key_file)
    key_file.chmod(0o600)
    assert ByServiceKeyFile(key_file).service_key().slot == "service"


@pytest.mark.usefixtures("_of_a_user")
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_service_key_for_its_owner_opens(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    assert ByServiceKeyFile(key_file).service_key().slot == "service"


@pytest.mark.parametrize(("mode", "opens"), [(0o440, True), (0o640, True), (0o644, False), (0o660, False)])  # fmt: skip
def test_only_root_may_leave_a_key_to_a_group(
    key_file: Path, monkeypatch: pytest.MonkeyPatch, mode: int, opens: bool
) -> None:
    """As systemd does with credentials: root owns them, and the service's user may read."""
    monkeypatch.setattr("unlost.vault.keys.service_key.os.fstat", owned_by(0))
    key_file.chmod(mode)
    if opens:
        assert ByServiceKeyFile(key_file).service_key().slot == "service"
    else:
        refused(ByServiceKeyFile(key_file).service_key, key_file)
