"""The page of limits says what the code and the measurements say."""

import json
import re
from datetime import timedelta
from pathlib import Path
from pkgutil import resolve_name

import pytest

from unlost.app.actions.archive.archive_night import RETRY
from unlost.connectors.salesforce.writing.capability import JOB_ABOVE_SPARING

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "limits.md").read_text("utf-8")
LIMITS, _, FIGURES = PAGE.partition("## Measured")
ROW = re.compile(r"^\| .+ \| (\S.*) \| `([\w.]+)` \|$", re.MULTILINE)
IN_CODE = {place: text for text, place in ROW.findall(LIMITS)}
MEASURED = {key: text for text, key in ROW.findall(FIGURES)}
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
BYTES = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
NEAR = 0.1  # a measurement differs a little each time


def numbers(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in NUMBER.findall(text)]


def value_in_code(place: str) -> object:
    """A constant of a module, or the default of a member of a class."""
    owner, _, name = place.rpartition(".")
    holder = resolve_name(f"unlost.{owner}")
    return getattr(holder() if isinstance(holder, type) else holder, name)


def as_said(text: str, like: object) -> object:
    """Convert a cell to the terms of the code."""
    first = numbers(text)[0]
    unit = text.partition(" ")[2].partition(";")[0].partition(",")[0].partition(" ")[0]
    match like:
        case str():
            return text.replace(" ", "")
        case tuple():
            return tuple(numbers(text))
        case timedelta():
            return timedelta(**{unit.removesuffix("s") + "s": first})
        case float() if unit == "%":
            return first / 100
        case _:
            return first * BYTES.get(unit, 1)


@pytest.mark.parametrize("place", IN_CODE)
def test_a_limit_is_that_of_the_code(place: str) -> None:
    value = value_in_code(place)
    assert as_said(IN_CODE[place], value) == value


@pytest.mark.parametrize("key", MEASURED)
def test_a_figure_is_near_the_newest_measurement(key: str) -> None:
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text("utf-8"))
    measured = {f"{one['area']}.{one['key']}": one for one in results}[key]
    assert numbers(MEASURED[key])[0] == pytest.approx(measured["value"], rel=NEAR)
    assert MEASURED[key].partition(" ")[2] == measured["unit"]


def test_the_page_names_many_limits() -> None:
    assert len(IN_CODE) > 30
    assert len(MEASURED) > 10


def test_a_limit_names_other_further_numbers_than_the_code() -> None:
    sparing = f"{JOB_ABOVE_SPARING:,} if the org has few calls left"
    assert sparing in IN_CODE["connectors.salesforce.writing.capability.JOB_ABOVE"]
    retry = f"each {RETRY // timedelta(minutes=1)} minutes later"
    assert retry in IN_CODE["app.actions.archive.archive_night.MOST_TRIES"]


def test_two_rows_with_one_place_hide_each_other() -> None:
    places = [place for _, place in ROW.findall(LIMITS)]
    assert len(places) == len(IN_CODE)


def test_the_section_of_archives_names_their_limits() -> None:
    section = LIMITS.partition("## Archives, purges and undos")[2].partition("\n## ")[0]
    assert len(ROW.findall(section)) > 30
