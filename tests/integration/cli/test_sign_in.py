"""Every way of signing in, from the command line to the org: what is given, kept, refused."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from integration.cli.conftest import SECRET, Ended, Program
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.full, pytest.mark.network]

BACKUP = "backup@chocolate.example"
APP = "jwt-app"
PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
PUBLIC = serialization.PublicFormat.SubjectPublicKeyInfo
TABLES = ("--include", "Account", "--include", "ContentVersion")

type Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@pytest.fixture
def empty(tmp_path: Path) -> Program:
    """A home without an org."""
    made = Program(tmp_path / "home")
    assert made("init", str(made.home), "--recovery-out", str(tmp_path / "sheet")).code == 0
    return made


@pytest.fixture(scope="module")
def key(simulator: SimulatorProcess) -> rsa.RSAPrivateKey:
    """A key whose public half the org knows, for the backup user alone."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    simulator.admin.post("apps", consumer_key=APP, approved=[BACKUP])
    public = made.public_key().public_bytes(PEM, PUBLIC).decode()
    simulator.admin.post("apps/key", consumer_key=APP, pem=public)
    return made


def kept(folder: Path, key: Key) -> Path:
    file = folder / "unlost.key"
    file.write_bytes(key.private_bytes(PEM, PKCS8, serialization.NoEncryption()))
    file.chmod(0o600)
    return file


def add_by_jwt(program: Program, url: str, *more: str, username: str = BACKUP) -> Ended:
    words = ("org", "add", "salesforce", "chocolate", "--login-url", url, "--client-id", APP)
    return program(*words, "--auth", "jwt-bearer", "--username", username, "--json", *TABLES, *more)


def refused(ended: Ended) -> tuple[int, str]:
    return ended.code, ended.json["error"]["code"]


def test_a_private_key_in_a_file_signs_in_and_is_kept_sealed(
    simulator: SimulatorProcess, empty: Program, key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    file = kept(tmp_path, key)
    body = file.read_bytes()
    added = add_by_jwt(empty, simulator.url, "--private-key-file", str(file))
    assert added.done["tenant"].startswith("00D")
    file.unlink()
    assert empty("backup", "chocolate", "--json").done["records"] > 300
    line = body.splitlines()[5]
    for stored in (one for one in empty.home.rglob("*") if one.is_file()):
        assert line not in stored.read_bytes(), stored
    simulator.admin.post("sessions/expire", username=BACKUP)
    assert empty("backup", "chocolate", "--json").done["snapshot"] == 2, "it signs in again"
    again = add_by_jwt(empty, simulator.url)
    assert again.done["known_before"], "new settings need no key again"


def test_a_private_key_in_the_environment(
    simulator: SimulatorProcess, empty: Program, key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    given = Program(empty.home, {"UNLOST_PRIVATE_KEY": kept(tmp_path, key).read_text()})
    assert add_by_jwt(given, simulator.url).code in {0, 3}


def test_a_key_that_the_org_does_not_know(
    simulator: SimulatorProcess, empty: Program, key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    stranger = kept(tmp_path, rsa.generate_private_key(public_exponent=65537, key_size=2048))
    ended = add_by_jwt(empty, simulator.url, "--private-key-file", str(stranger))
    assert refused(ended) == (4, "salesforce-sign-in")
    assert empty("org", "list", "--json").json["orgs"] == []


def test_a_user_that_is_not_approved(
    simulator: SimulatorProcess, empty: Program, key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    file = str(kept(tmp_path, key))
    words = ("--private-key-file", file)
    ended = add_by_jwt(empty, simulator.url, *words, username="nobody@chocolate.example")
    assert refused(ended) == (4, "salesforce-not-approved")


def test_an_audience_of_another_kind_of_org(
    simulator: SimulatorProcess, empty: Program, key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    words = ("--private-key-file", str(kept(tmp_path, key)), "--audience", "https://elsewhere.test")
    assert refused(add_by_jwt(empty, simulator.url, *words)) == (4, "salesforce-audience")


@pytest.mark.parametrize("content", ["", "no key at all", "elliptic"])
def test_a_file_that_holds_no_rsa_key(
    simulator: SimulatorProcess, empty: Program, tmp_path: Path, content: str
) -> None:
    file = kept(tmp_path, ec.generate_private_key(ec.SECP256R1()))
    if content != "elliptic":
        file.write_text(content)
    ended = add_by_jwt(empty, simulator.url, "--private-key-file", str(file))
    assert refused(ended) == (
        (4, "secret-missing") if not content else (2, "private-key-unreadable")
    )


def test_a_key_file_that_is_not_there_and_a_user_name_that_is_missing(
    simulator: SimulatorProcess, empty: Program, tmp_path: Path
) -> None:
    words = ("--private-key-file", str(tmp_path / "nowhere"))
    assert refused(add_by_jwt(empty, simulator.url, *words)) == (2, "secret-file-unreadable")
    assert refused(add_by_jwt(empty, simulator.url, username="")) == (2, "salesforce-settings")


def test_a_refresh_token_that_rotates_is_kept_each_time(
    simulator: SimulatorProcess, empty: Program, tmp_path: Path
) -> None:
    simulator.admin.post("apps", consumer_key="chocolate-backup", rotate_refresh=True)
    place = {"username": BACKUP, "consumer_key": "chocolate-backup"}
    token = simulator.admin.post("sessions/refresh-token", **place)["refresh_token"]
    files = {"refresh-token": token, "client-secret": SECRET}
    words = ["org", "add", "salesforce", "chocolate", "--login-url", simulator.url, *TABLES]
    words += ["--client-id", "chocolate-backup", "--auth", "refresh-token", "--json"]
    for name, secret in files.items():
        (tmp_path / name).write_text(secret + "\n")
        words += [f"--{name}-file", str(tmp_path / name)]
    assert empty(*words).code in {0, 3}
    for number in (1, 2):
        assert empty("backup", "chocolate", "--json").done["snapshot"] == number
    assert refused(empty(*words)) == (4, "salesforce-token-revoked"), "the first token is used up"
    assert empty("backup", "chocolate", "--json").done["snapshot"] == 3, "the kept one still works"
