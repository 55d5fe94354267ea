"""The demos are played as a newcomer plays them: each proves all that it claims."""

import subprocess
import sys
from pathlib import Path

import pytest

from docs.test_commands import environment
from patience import HANGING

DEMO = Path(__file__).parents[2] / "demo"


@pytest.mark.network
@pytest.mark.long
@pytest.mark.parametrize(
    "script",
    [
        pytest.param("story.py", marks=pytest.mark.deep),
        pytest.param("storage.py", marks=pytest.mark.full),
    ],
)
def test_the_demo_shows_what_it_claims(script: str, tmp_path: Path) -> None:
    played = subprocess.run(
        [sys.executable, DEMO / script],
        env=environment() | {"DEMO_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HANGING,
        check=False,
    )
    assert played.returncode == 0, played.stdout
    assert "── What was shown" in played.stdout
