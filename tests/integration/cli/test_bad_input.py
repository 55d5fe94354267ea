"""Bad input of every kind ends in words and an exit code, and loses nothing."""

import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from integration.cli.conftest import SECRET, Program, add_org
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]


@pytest.fixture
def copy(program: Program, tmp_path: Path) -> Program:
    """The same home and vault, to be spoiled."""
    shutil.copytree(program.home, tmp_path / "copy")
    return Program(tmp_path / "copy")


def refused(program: Program, *words: str) -> tuple[int, str]:
    """Exit code and error code, after checking that people get words and no traceback."""
    told = program(*words)
    assert told.err.startswith("Error: "), told
    assert "Traceback" not in told.err
    assert "What to do: " in told.err
    ended = program(*words, "--json")
    assert ended.code == told.code
    return ended.code, ended.json["error"]["code"]


def test_a_wrong_secret(simulator: SimulatorProcess, copy: Program) -> None:
    wrong = Program(copy.home, {"UNLOST_CLIENT_SECRET": "wrong"})
    words = ("org", "add", "salesforce", "second", "--login-url", simulator.url)
    assert refused(wrong, *words, "--client-id", "chocolate-backup") == (
        4,
        "salesforce-client-secret",
    )
    assert len(copy("org", "list", "--json").json["orgs"]) == 1


def test_an_unknown_client(simulator: SimulatorProcess, copy: Program) -> None:
    program = Program(copy.home, {"UNLOST_CLIENT_SECRET": SECRET})
    words = ("org", "add", "salesforce", "second", "--login-url", simulator.url)
    assert refused(program, *words, "--client-id", "nobody") == (4, "salesforce-client-id")


def test_no_secret_at_all(simulator: SimulatorProcess, copy: Program) -> None:
    words = ("org", "add", "salesforce", "second", "--login-url", simulator.url)
    assert refused(copy, *words, "--client-id", "chocolate-backup") == (4, "secret-missing")


def test_an_address_that_is_none(copy: Program) -> None:
    program = Program(copy.home, {"UNLOST_CLIENT_SECRET": SECRET})
    words = ("org", "add", "salesforce", "second", "--client-id", "x", "--login-url")
    assert refused(program, *words, "http://example.com") == (2, "salesforce-settings")


def test_an_org_that_does_not_answer(copy: Program) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ended = add_org(copy, f"http://127.0.0.1:{port}", name="second")
    assert ended.code == 1
    assert ended.json["error"]["code"] == "source-unreachable"
    assert len(copy("org", "list", "--json").json["orgs"]) == 1


def test_the_same_org_under_a_second_name(simulator: SimulatorProcess, copy: Program) -> None:
    ended = add_org(copy, simulator.url, name="second")
    assert ended.code == 1
    assert ended.json["error"]["code"] == "org-already-protected"


def test_another_org_behind_the_same_name(simulator: SimulatorProcess, copy: Program) -> None:
    """The home knows the name for another tenant than the one that answers."""
    with closing(sqlite3.connect(copy.home / "catalog.sqlite")) as database:
        database.execute("UPDATE catalog_org SET tenant = '00D000000000009AAA'")
        database.commit()
    assert refused(copy, "backup", "chocolate") == (1, "another-org")
    ended = add_org(copy, simulator.url)
    assert (ended.code, ended.json["error"]["code"]) == (1, "another-org")


def test_a_missing_key(copy: Program) -> None:
    (copy.home / "keys" / "service.key").unlink()
    assert refused(copy, "snapshots", "chocolate") == (4, "key-missing")


def test_a_damaged_key(copy: Program) -> None:
    key = copy.home / "keys" / "service.key"
    key.write_text(key.read_text()[:-9])
    assert refused(copy, "snapshots", "chocolate") == (4, "key-file-damaged")


def test_the_key_of_another_vault(copy: Program, tmp_path: Path) -> None:
    other = Program(tmp_path / "other")
    other("init", str(other.home), "--recovery-out", str(tmp_path / "sheet"))
    shutil.copy(other.home / "keys" / "service.key", copy.home / "keys" / "service.key")
    assert refused(copy, "snapshots", "chocolate") == (4, "key-wrong")


def test_a_key_in_the_vaults_folder(copy: Program) -> None:
    shutil.move(copy.home / "keys" / "service.key", copy.home / "vault" / "service.key")
    settings = copy.home / "unlost.toml"
    settings.write_text(settings.read_text().replace("keys/service.key", "vault/service.key"))
    assert refused(copy, "backup", "chocolate") == (2, "key-in-vault")


def test_a_missing_home_key(copy: Program) -> None:
    (copy.home / "keys" / "home.key").unlink()
    assert refused(copy, "backup", "chocolate") == (4, "home-key-missing")
    assert copy("verify").code == 0


def test_a_home_of_a_newer_format(copy: Program) -> None:
    settings = copy.home / "unlost.toml"
    settings.write_text(settings.read_text().replace("format = 1", "format = 9"))
    assert refused(copy, "backup", "chocolate") == (1, "home-newer")


@pytest.mark.parametrize(("number", "code"), [(9, "format-newer"), (0, "format-unknown")])
def test_a_vault_of_another_format(copy: Program, number: int, code: str) -> None:
    file = copy.home / "vault" / "vault.json"
    text = file.read_text()
    assert '"format":1' in text
    file.chmod(0o600)
    file.write_text(text.replace('"format":1', f'"format":{number}'))
    assert refused(copy, "backup", "chocolate") == (2, code)


def test_no_vault_where_it_should_be(copy: Program) -> None:
    shutil.rmtree(copy.home / "vault")
    assert refused(copy, "snapshots", "chocolate") == (1, "vault-missing")


def test_a_lost_application_database_loses_no_backup(
    simulator: SimulatorProcess, copy: Program
) -> None:
    before = copy("snapshots", "chocolate", "--json").json["snapshots"]
    for file in copy.home.glob("*.sqlite*"):
        file.unlink()
    assert refused(copy, "snapshots", "chocolate") == (1, "org-unknown")
    assert add_org(copy, simulator.url).code in {0, 3}
    assert copy("snapshots", "chocolate", "--json").json["snapshots"] == before


def test_a_new_machine_with_the_recovery_sheet(
    simulator: SimulatorProcess, program: Program, tmp_path: Path
) -> None:
    shutil.copytree(program.home / "vault", tmp_path / "vault")
    before = program("snapshots", "chocolate", "--json").json["snapshots"]
    new = Program(tmp_path / "new")
    sheet = str(program.home.parent / "sheet.txt")
    made = new(
        *("init", str(new.home), "--vault", str(tmp_path / "vault")), *("--from-sheet", sheet)
    )
    assert made.code == 0, made
    assert add_org(new, simulator.url).code in {0, 3}
    assert new("snapshots", "chocolate", "--json").json["snapshots"] == before


def test_a_removed_newest_commit(copy: Program) -> None:
    (newest,) = [max((copy.home / "vault").glob("orgs/*/commits/*"))]
    newest.unlink()
    ended = copy("backup", "chocolate", "--json")
    assert ended.code == 1
    assert ended.json["error"]["code"].startswith("chain-")
    verified = copy("verify", "--json")
    assert verified.code == 1


def test_a_flipped_bit(copy: Program) -> None:
    segment = max(
        (copy.home / "vault").glob("orgs/*/data/*/*"), key=lambda file: file.stat().st_size
    )
    body = bytearray(segment.read_bytes())
    body[len(body) // 2] ^= 1
    segment.chmod(0o600)
    segment.write_bytes(body)
    ended = copy("verify", "--level", "full", "--json")
    assert ended.code == 1
    assert segment.name in " ".join(damage["object"] for damage in ended.json["damages"])


NOBODY = "001000000000001"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "chocolate", f"Acount/{NOBODY}"), "table-unknown"),
        (("compare", "chocolate", "1", "live", "--table", "Acount"), "table-unknown"),
        (("show", "chocolate", f"Account/{NOBODY}"), "record-unknown"),
        (("show", "chocolate", f"Account/{NOBODY}", "--at", "live"), "record-not-live"),
        (("history", "chocolate", f"Account/{NOBODY}"), "record-unknown"),
        (("snapshots", "vanilla"), "org-unknown"),
        (("certificate", "chocolate", "99"), "snapshot-unknown"),
        (("file", "chocolate", f"ContentVersion/{NOBODY}", "--out", "x"), "file-unknown"),
    ],
)
def test_what_is_not_there(program: Program, words: tuple[str, ...], code: str) -> None:
    assert refused(program, *words) == (1, code)


@pytest.mark.parametrize(
    "words",
    [
        ("show", "chocolate", "Account/0040017"),
        ("history", "chocolate", "Account/0040017"),
        ("file", "chocolate", "ContentVersion/offer.pdf", "--out", "x"),
    ],
)
def test_what_is_no_id(program: Program, words: tuple[str, ...]) -> None:
    assert refused(program, *words) == (2, "id-wrong")
    assert "15 or 18 letters and digits" in program(*words).err


def test_ids_of_fifteen_characters_and_in_a_wrong_case(program: Program, tmp_path: Path) -> None:
    """As a formula column, an old report or a spreadsheet gives them."""
    hit = program("find", "0040017", "--json").done["hits"][0]
    assert (hit["table"], hit["exact"]) == ("Account", True)
    known = hit["record"]
    assert len(known) == 18
    for typed in (known[:15], known.lower(), known.upper()):
        for verb in ("show", "history"):
            assert program(verb, "chocolate", f"Account/{typed}", "--json").done["record"] == known
        found = program("find", typed, "--json").done["hits"]
        assert [one["record"] for one in found] == [known]
    file = program("show", "chocolate", f"ContentVersion/{_any_file(program)}", "--json").done
    out = tmp_path / "file"
    short = f"ContentVersion/{file['record'][:15]}"
    written = program("file", "chocolate", short, "--out", str(out), "--json").done
    assert (written["record"], written["size"]) == (file["record"], out.stat().st_size)


def _any_file(program: Program) -> str:
    hits = program("find", "Gutschrift", "--json").done["hits"]
    return str(next(one["record"] for one in hits if one["table"] == "ContentVersion"))
