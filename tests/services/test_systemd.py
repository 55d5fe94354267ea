"""The unit that the how-to shows is one that systemd accepts; ``make services`` runs it."""

import re
import subprocess
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "run-every-night.md"
UNIT = re.compile(r"^```ini\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.services
def test_systemd_accepts_the_unit_that_is_shown(tmp_path: Path) -> None:
    (text,) = UNIT.findall(PAGE.read_text("utf-8"))
    program = tmp_path / "unlost"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "unlost.service"
    unit.write_text(text.replace("/opt/unlost/.venv/bin/unlost", str(program)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
