"""The pages about installing and upgrading, followed from their first command to the way back."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOWTO = ROOT / "docs" / "howto"
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
SOURCES = ("src", "requirements", "pyproject.toml", "README.md", "LICENSE")
PLACES = ("/opt/unlost", "/var/lib/unlost", "/srv/unlost", "/usr/local/bin")
# Needs a machine of its own; that it was typed is noted.
NOT_HERE = ("make", "useradd", "chown", "systemctl", "journalctl")
NOTE = '#!/bin/sh\necho "$(basename "$0") $*" >> "$TYPED"\n'
SUDO = '#!/bin/sh\ntest "$1" = -u && shift 2\nexec env "$@"\n'


@dataclass(frozen=True, slots=True)
class Machine:
    """A folder in the place of a server's root, with the sources in a folder of their own."""

    root: Path

    @property
    def sources(self) -> Path:
        return self.root / "sources"

    @property
    def typed(self) -> list[str]:
        """The commands that need a machine of their own, as they were typed."""
        return (self.root / "typed").read_text("utf-8").splitlines()

    def set_up(self) -> None:
        """The sources, and programs that only note what they were called for."""
        self.sources.mkdir()
        for name in SOURCES:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.sources / name)
        (self.sources / ".venv").symlink_to(Path(sys.prefix))
        (self.root / "usr" / "local" / "bin").mkdir(parents=True)
        programs = self.root / "programs"
        programs.mkdir()
        for name in (*NOT_HERE, "sudo"):
            (programs / name).write_text(SUDO if name == "sudo" else NOTE)
            (programs / name).chmod(0o755)

    def run(self, script: str) -> str:
        """Commands as root types them in the folder of the sources; what they printed."""
        for place in PLACES:
            script = script.replace(place, f"{self.root}{place}")
        path = [self.root / "usr" / "local" / "bin", self.root / "programs", "/usr/bin", "/bin"]
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.sources,
            env={
                "PATH": os.pathsep.join(map(str, [*path, Path(sys.base_prefix) / "bin"])),
                "TYPED": str(self.root / "typed"),
                **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 3), f"{script}\n{done.stdout}"
        return done.stdout

    def release(self, version: str) -> None:
        """Make the sources those of another release."""
        file = self.sources / "pyproject.toml"
        text = file.read_text("utf-8")
        file.write_text(text.replace(f'version = "{released()}"', f'version = "{version}"'))


def released() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def blocks(page: str) -> list[str]:
    return BLOCK.findall((HOWTO / page).read_text("utf-8"))


def test_the_pages_install_this_release_and_upgrade_from_it() -> None:
    assert f"/opt/unlost/{released()}" in "".join(blocks("install.md"))
    assert f"ln -sfn {released()} /opt/unlost/current" in blocks("upgrade.md")[-1]


@pytest.mark.services
@pytest.mark.timeout(900)
def test_a_server_is_installed_upgraded_and_taken_back(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.set_up()
    for block in blocks("install.md"):
        machine.run(block)
    key = tmp_path / "var/lib/unlost/home/keys/home.key"
    assert (machine.sources / "home.key").read_bytes() == key.read_bytes()
    assert not (tmp_path / "var/lib/unlost/recovery-sheet.txt").exists()
    assert machine.run("unlost --version").strip().endswith(released())
    assert "systemctl enable --now unlost" in machine.typed

    machine.release("0.2.0")
    machine.run(blocks("install.md")[0])  # its wheel
    stop, install, start, back = blocks("upgrade.md")
    machine.run(stop + install + start)
    assert machine.run("unlost --version").strip().endswith("0.2.0")
    doctor = "sudo -u unlost UNLOST_HOME=/var/lib/unlost/home unlost doctor"
    assert "BAD" not in machine.run(doctor)
    machine.run(back)
    assert machine.run("unlost --version").strip().endswith(released())
    assert "BAD" not in machine.run(doctor)
    assert machine.typed.count("systemctl stop unlost") == 2
