"""The container file: what it copies is there, what it installs is pinned, and it runs as nobody."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from unlost.cli.verbs.runs.up import PORT

ROOT = Path(__file__).parents[2]
PAGES = [
    (ROOT / "docs" / "howto" / page).read_text("utf-8") for page in ("install.md", "upgrade.md")
]
COMMAND = re.compile(r"^podman ((?:.*\\\n)*.*)$", re.MULTILINE)
FILE = (ROOT / "Containerfile").read_text("utf-8")
LINES = [line for line in FILE.replace("\\\n", " ").splitlines() if line and line[0] != "#"]


def test_what_is_copied_is_there() -> None:
    copied = [line.split()[1:-1] for line in LINES if line.startswith("COPY ")]
    own = [name for names in copied for name in names if "--from=build" not in names]
    assert {"src", "pyproject.toml", "requirements/runtime.txt"} <= set(own)
    assert all((ROOT / name).exists() for name in own), own


def test_whatever_is_installed_is_pinned_or_ours() -> None:
    installs = [part for line in LINES for part in re.split(r"&&", line) if "pip " in part]
    assert len(installs) == 4
    for part in installs:
        assert "--require-hashes" in part or "--no-deps" in part, part
    locks = re.findall(r"requirements/(\S+\.txt)", FILE)
    for lock in locks:
        assert "--hash=sha256:" in (ROOT / "requirements" / lock).read_text("utf-8")


def test_it_does_not_run_as_root_and_stops_as_the_service_does() -> None:
    users = [line for line in LINES if line.startswith("USER ")]
    assert users == ["USER unlost"]
    assert LINES.index("USER unlost") < LINES.index('ENTRYPOINT ["unlost"]')
    assert "STOPSIGNAL SIGTERM" in LINES
    assert LINES[-1] == 'CMD ["up", "--metrics", "9464"]'


def test_the_wheel_that_it_builds_holds_the_product_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "unlost/cli/main.py" in names
    assert "unlost/catalog/migrations/0001_initial.py" in names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"unlost"}


def setting(word: str) -> str:
    """Return the value that a line of the file sets."""
    (line,) = [line for line in LINES if line.startswith(f"{word} ")]
    return line.removeprefix(f"{word} ")


def test_the_pages_mount_what_the_image_keeps_outside() -> None:
    commands = [command for page in PAGES for command in COMMAND.findall(page)]
    runs = [command for command in commands if command.startswith("run ")]
    assert len(runs) == 6
    for command in runs:
        mounted = "/from:ro" if "--entrypoint tar" in command else setting("VOLUME")
        assert f"-v unlost:{mounted} " in command
    (user,) = re.findall(r"--uid (\d+)", FILE)
    assert f"chown {user}:{user} /srv/unlost" in PAGES[0]
    assert "unlost/home" in setting("ENV")
    assert f"{setting('VOLUME')}/home/keys/home.key" in PAGES[0]


def test_the_pages_name_the_ports_of_the_image() -> None:
    port = json.loads(setting("CMD"))[-1]
    assert f"127.0.0.1:{port}/health" in setting("HEALTHCHECK")
    unwrapped = " ".join(PAGES[0].split())
    assert f"port {PORT} for the console, port {port} for `/metrics` and `/health`" in unwrapped
    for page in PAGES:
        service = [line for line in COMMAND.findall(page) if line.startswith("run -d ")]
        assert all("--network host" in line for line in service)
        assert len(service) == 1
