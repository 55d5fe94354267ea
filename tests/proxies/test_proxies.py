"""The proxies that the how-to shows do what it promises; ``make proxies`` installs them."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from docs.test_commands import free_port

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "behind-a-proxy.md"
UNLOST = Path(sys.executable).with_name("unlost")
NAME = "unlost.acme.example"
BROWSER = "127.0.0.5"  # another address of this machine than the proxy's
LIES = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http"}

pytestmark = [pytest.mark.proxies, pytest.mark.network]


def shown(kind: str) -> str:
    """The first configuration of a proxy on the page."""
    found = re.search(rf"^```{kind}\n(.*?)^```", HOWTO.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def certify(folder: Path) -> None:
    """A key and a certificate of its own for the name."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    whose = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    made = (
        x509.CertificateBuilder()
        .subject_name(whose)
        .issuer_name(whose)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, SHA256())
    )
    (folder / "unlost.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "unlost.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


def nginx(program: str, folder: Path, *, port: int, behind: int) -> list[str]:
    server = shown("nginx").replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    server = server.replace("127.0.0.1:8484", f"127.0.0.1:{behind}")
    server = server.replace("/etc/ssl/", f"{folder}/")
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/log; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;\n"
        f"fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;\n"
        f"{server} }}\n"
    )
    return [program, "-p", str(folder), "-e", str(folder / "log"), "-c", str(folder / "nginx.conf")]


def caddy(program: str, folder: Path, *, port: int, behind: int) -> list[str]:
    site = shown("caddy").replace(f"{NAME} {{", f"{NAME}:{port} {{\n bind 127.0.0.1\n tls {folder}/unlost.pem {folder}/unlost.key")  # fmt: skip
    site = site.replace("127.0.0.1:8484", f"127.0.0.1:{behind}")
    (folder / "Caddyfile").write_text(f"{{\n admin off\n auto_https disable_redirects\n}}\n{site}")
    return [program, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@contextmanager
def running(words: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.parametrize("make", [nginx, caddy], ids=["nginx", "caddy"])
def test_a_proxy_as_shown_tells_who_asks_and_keeps_to_tls(make, tmp_path: Path) -> None:
    program = shutil.which(make.__name__)
    assert program is not None, "make proxies installs it"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("UNLOST", "DJANGO"))}
    environment |= {"UNLOST_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"}
    environment |= {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    subprocess.run(
        [UNLOST, "init", str(tmp_path / "home"), "--recovery-out", str(tmp_path / "sheet")],
        env=environment, check=True, capture_output=True,
    )  # fmt: skip
    certify(tmp_path)
    port, behind = free_port(), free_port()
    origin = f"https://{NAME}:{port}"
    up = [str(UNLOST), "up", "--port", str(behind), "--origin", origin]
    proxy = make(program, tmp_path, port=port, behind=behind)
    with running(up, environment), running(proxy, environment):
        look(f"https://127.0.0.1:{port}", origin)
        told = subprocess.run(
            [UNLOST, "audit", "list", "--json"], env=environment, check=True, capture_output=True
        )
    seen = [one["deed"] for one in json.loads(told.stdout)["entries"]]
    assert [one["detail"] for one in seen if one["act"] == "sign-in"] == [{"address": BROWSER}]


def look(place: str, origin: str) -> None:
    """What a browser sees that lies about where it is; it types a wrong password once."""
    transport = httpx.HTTPTransport(verify=False, local_address=BROWSER)
    headers = {"Host": origin.removeprefix("https://"), "Origin": origin, **LIES}
    more = {"sni_hostname": NAME}
    with httpx.Client(transport=transport, headers=headers, timeout=30) as browser:
        page = awaited(browser, f"{place}/account/login/", more)
        assert "max-age=31536000" in page.headers["strict-transport-security"]
        assert "default-src 'none'" in page.headers["content-security-policy"]
        cookie = page.headers["set-cookie"]
        assert "Secure" in cookie
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token is not None
        form = {"login": "nobody", "password": "a guess", "csrfmiddlewaretoken": token[1]}
        kept = {"Cookie": cookie.partition(";")[0]}
        wrong = browser.post(f"{place}/account/login/", data=form, headers=kept, extensions=more)
        assert wrong.status_code == 200, wrong.text
        assert "not correct" in wrong.text


def awaited(browser: httpx.Client, url: str, more: dict[str, str]) -> httpx.Response:
    for _ in range(600):
        try:
            answer = browser.get(url, extensions=more)
        except httpx.HTTPError:
            time.sleep(0.1)
            continue
        if answer.status_code == 200:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"nothing answers at {url}")
