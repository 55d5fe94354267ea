"""The units that the how-tos show are ones that systemd accepts; ``make services`` runs it."""

import re
import subprocess
from pathlib import Path

import pytest

HOWTO = Path(__file__).parents[2] / "docs" / "howto"
UNITS = {"run-every-night": "unlost.service", "several-workers": "unlost-worker@.service"}
UNIT = re.compile(r"^```ini\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_all_units_that_are_shown_are_looked_at() -> None:
    shown = {page.stem for page in HOWTO.glob("*.md") if UNIT.search(page.read_text("utf-8"))}
    assert shown == set(UNITS)


@pytest.mark.services
@pytest.mark.parametrize("page", UNITS)
def test_systemd_accepts_the_unit_that_is_shown(page: str, tmp_path: Path) -> None:
    (text,) = UNIT.findall((HOWTO / f"{page}.md").read_text("utf-8"))
    program = tmp_path / "unlost"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / UNITS[page]
    unit.write_text(text.replace("/opt/unlost/.venv/bin/unlost", str(program)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit).replace("@.", "@1.")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
