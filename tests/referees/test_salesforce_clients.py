"""Clients that nobody here wrote agree with what the org holds."""

import csv
import io
import json
import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from referees.tunnel import Tunnel
from unlost_simulators.process import SimulatorProcess

pytestmark = [pytest.mark.referee, pytest.mark.network]

ROOT = Path(__file__).resolve().parents[2]
REFEREES = ROOT / ".referees"
KEY, SECRET = "chocolate-backup", "not-a-secret-chocolate"
USERNAME = "backup@chocolate.example"


def run(command: list[str], **environment: str) -> dict:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def live_ids(sim: SimulatorProcess, object_name: str) -> set[str]:
    rows = sim.admin.get("export", object=object_name, username=USERNAME)["rows"]
    return {row["Id"] for row in rows if not row.get("IsDeleted")}


def test_jsforce() -> None:
    script = REFEREES / "jsforce" / "referee.mjs"
    with SimulatorProcess("--scale", "10") as sim:
        got = run(["node", str(script), sim.url, KEY, SECRET, USERNAME])
        assert got["authorized"][0] == sim.ready["organization_id"]
        assert got["identity"] == USERNAME
        assert got["passwordAccounts"] == len(live_ids(sim, "Account"))
        assert "Contact" in got["objects"]
        assert "Customer_Number__c" in got["accountFields"]
        assert set(got["mailIds"]) == live_ids(sim, "EmailMessage")
        assert len(got["mailIds"]) == len(set(got["mailIds"]))
        assert got["pages"] >= 2
        assert got["refused"] == "INVALID_FIELD"
        assert {row["Id"] for row in got["bulk"]} == live_ids(sim, "Contact")
        assert got["blob"]["md5"] == got["blob"]["checksum"]
        assert got["blob"]["sizes"][0] == got["blob"]["sizes"][1] > 0
        assert got["account"][0] == got["account"][1]
        assert got["afterLogout"] == "INVALID_SESSION_ID"


def test_simple_salesforce(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with SimulatorProcess("--tls", "--scale", "10") as sim:
        sim.admin.post("apps/key", consumer_key=KEY, pem=pem)
        address = urlsplit(sim.url)
        with Tunnel((str(address.hostname), int(address.port or 0))) as tunnel:
            got = run(
                [
                    str(REFEREES / "python" / "bin" / "python"),
                    str(Path(__file__).with_name("simple_salesforce_referee.py")),
                    KEY, SECRET, USERNAME, str(key_file),
                ],
                HTTPS_PROXY=tunnel.url,
                REQUESTS_CA_BUNDLE=str(sim.ca),
                NO_PROXY="",
                no_proxy="",
            )  # fmt: skip
            assert "login.salesforce.com:443" in tunnel.hosts
            assert "chocolate.my.salesforce.com:443" in tunnel.hosts
        contacts = live_ids(sim, "Contact")
        accounts = len(live_ids(sim, "Account"))
        assert got["instance"] == address.netloc
        assert (got["jwt_accounts"], got["password_accounts"]) == (accounts, accounts)
        assert got["refused_login"] == "invalid_client"
        assert "Contact" in got["objects"]
        assert "Customer_Number__c" in got["account_fields"]
        assert got["account_metadata"] == "Account"
        assert "DataStorageMB" in got["limits"]
        assert got["usage"][0] > 0
        assert set(got["mail_ids"]) == live_ids(sim, "EmailMessage")
        assert got["pages"] >= 2
        assert got["contacts_with_deleted"] >= len(contacts)
        assert got["refused"] == "INVALID_FIELD"
        rows = [row for page in got["bulk_pages"] for row in csv.DictReader(io.StringIO(page))]
        assert {row["Id"] for row in rows} == contacts
        assert len(rows) == len(contacts)
        assert len(got["bulk_pages"]) == -(-len(contacts) // 150)
        assert got["blob_md5"] == got["blob_checksum"]
        assert got["blob_sizes"][0] == got["blob_sizes"][1] > 0
        assert got["account"][0] == got["account"][1]
