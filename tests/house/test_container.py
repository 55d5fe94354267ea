"""The container file: what it copies is there, what it installs is pinned, and it runs as nobody."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
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
