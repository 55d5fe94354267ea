"""The units that the how-tos show are ones that systemd accepts; ``make services`` runs it."""

import re
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

HOWTO = Path(__file__).parents[2] / "docs" / "howto"
UNITS = {"install": "unlost.service", "several-workers": "unlost-worker@.service"}
PROGRAM = "/opt/unlost/current/bin/unlost"
UNIT = re.compile(r"^```ini\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_all_units_that_are_shown_are_looked_at() -> None:
    shown = {page.stem for page in HOWTO.glob("*.md") if UNIT.search(page.read_text("utf-8"))}
    assert shown == set(UNITS)


@pytest.mark.parametrize("page", UNITS)
def test_the_unit_runs_what_the_installation_puts_in_place(page: str) -> None:
    (text,) = UNIT.findall((HOWTO / f"{page}.md").read_text("utf-8"))
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # keys keep their letters
    unit.read_string(text)
    service, install = unit["Service"], (HOWTO / "install.md").read_text("utf-8")
    assert service["ExecStart"].split()[0] == PROGRAM
    assert f"useradd --system --home-dir /var/lib/{service['User']}" in install
    assert service["Environment"] == "UNLOST_HOME=/var/lib/unlost/home"
    assert "unlost init /var/lib/unlost/home" in install
    assert f"mkdir -p {service['ReadWritePaths']}" in install


@pytest.mark.services
@pytest.mark.parametrize("page", UNITS)
def test_systemd_accepts_the_unit_that_is_shown(page: str, tmp_path: Path) -> None:
    (text,) = UNIT.findall((HOWTO / f"{page}.md").read_text("utf-8"))
    program = tmp_path / "unlost"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / UNITS[page]
    unit.write_text(text.replace(PROGRAM, str(program)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit).replace("@.", "@1.")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
