"""Texts that are written name by name stay, and texts of the release that was pinned are read."""

import tomllib
from pathlib import Path

import pytest

from pins.layouts import HOMES, LAYOUTS, written_home
from pins.pinned import GOLDEN, golden
from unlost.app.home.home import FILE, read_home

READABLE = [name for name, layout in LAYOUTS.items() if layout.read is not None]


def test_each_layout_has_a_golden_file() -> None:
    assert {file.name for file in (GOLDEN / "layouts").iterdir()} == set(LAYOUTS)
    assert {file.stem for file in (GOLDEN / "homes").iterdir()} == set(HOMES)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_text_stays(name: str) -> None:
    layout = LAYOUTS[name]
    assert layout.write(layout.value) == golden(f"layouts/{name}")


@pytest.mark.parametrize("name", READABLE)
def test_the_golden_text_is_read(name: str) -> None:
    layout = LAYOUTS[name]
    assert layout.read is not None
    assert layout.read(golden(f"layouts/{name}")) == layout.value


@pytest.mark.parametrize("name", HOMES)
def test_the_settings_of_a_home_stay(name: str, tmp_path: Path) -> None:
    text = written_home(HOMES[name](tmp_path))
    assert tomllib.loads(text) == tomllib.loads(golden(f"homes/{name}.toml"))


@pytest.mark.parametrize("name", HOMES)
def test_the_golden_settings_of_a_home_are_read(name: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(golden(f"homes/{name}.toml"), "utf-8")
    assert read_home(tmp_path) == HOMES[name](tmp_path)
