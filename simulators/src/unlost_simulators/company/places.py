"""Places of customers: country and town by customer number, addresses, telephone numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from unlost_simulators.company import vocabulary as words
from unlost_simulators.company.columns import chosen, digits, joined
from unlost_simulators.company.draws import Numbers, Rows, Words

# Country of an customer, by its number: 4 Belgian, 5 German, 8 Japanese, 3 Brazilian in every 20.
_COUNTRY_OF = np.array([2, 1, 2, 0, 2, 3, 2, 1, 0, 2, 1, 3, 2, 0, 1, 2, 3, 2, 0, 1], dtype=np.int64)
TOWNS_PER_COUNTRY = 5


_STREETS = Words.of(words.STREETS)
_FLOORS = Words.of(
    (
        ("", "", "", "\nbus 3", "\nbus 12"),
        ("", "", "", "\nHinterhaus, 2. OG", "\r\nAufgang B"),
        ("", "", "\r\n心斎橋ビル3階", "\n１０２号室"),
        ("", "", "", "\nloja 2", ", fundos"),
    )
)
_TOWNS = [town for towns in words.TOWNS for town in towns]
_TOWN_NAMES = pa.array([town.name for town in _TOWNS])
_STATES = pa.array([town.state for town in _TOWNS])
_POSTAL = pa.array([town.postal_code for town in _TOWNS])
REGION_OF_TOWN = pa.array([town.region for town in _TOWNS])
_LATITUDES = np.array([town.latitude for town in _TOWNS])
_LONGITUDES = np.array([town.longitude for town in _TOWNS])
_COUNTRIES = pa.array(words.COUNTRIES)
_DIALS = pa.array([f"{code} " for code in words.DIAL_CODES])
_BEFORE_NUMBER = pa.array([" ", " ", "", ", "])


def country_of(customer: Numbers) -> Numbers:
    """The country of a customer, by its number."""
    return _COUNTRY_OF[customer % len(_COUNTRY_OF)]


def town_of(customer: Numbers) -> Numbers:
    """The town (0..4 within its country) of a customer, by its number."""
    return (customer // len(_COUNTRY_OF)) % TOWNS_PER_COUNTRY


@dataclass(frozen=True, slots=True)
class Place:
    """Places of rows: their country (0..3) and their town (index into all towns)."""

    country: Numbers
    town: Numbers

    @classmethod
    def of_customer(cls, customer: Numbers) -> Place:
        """The place of customers, by their numbers."""
        country = country_of(customer)
        return cls(country, country * 5 + town_of(customer))


def phone(rows: Rows, column: str, country: Numbers) -> pa.Array:
    """A telephone number with the country's dial code."""
    line = digits(rows.below(column, 10_000_000), 7)
    area = digits(rows.below(f"{column} area", 89) + 10)
    return joined(chosen(_DIALS, country), area, " ", line)


@dataclass(frozen=True, slots=True)
class AddressColumns:
    """The parts of an address a row."""

    street: pa.Array
    city: pa.Array
    state: pa.Array
    postal_code: pa.Array
    country: pa.Array
    latitude: pa.Array
    longitude: pa.Array


def address(rows: Rows, use: str, place: Place) -> AddressColumns:
    """The address for a use: each use of a row draws another."""
    street = joined(
        rows.pick_in(f"{use}street", _STREETS, place.country),
        chosen(_BEFORE_NUMBER, place.country),
        digits(rows.below(f"{use}house", 240) + 1),
        rows.pick_in(f"{use}floor", _FLOORS, place.country),
    )
    return AddressColumns(
        street=street,
        city=chosen(_TOWN_NAMES, place.town),
        state=chosen(_STATES, place.town),
        postal_code=chosen(_POSTAL, place.town),
        country=chosen(_COUNTRIES, place.country),
        latitude=_near(rows, f"{use}lat", _LATITUDES[place.town]),
        longitude=_near(rows, f"{use}lon", _LONGITUDES[place.town]),
    )


def _near(
    rows: Rows, column: str, degrees: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> pa.Array:
    return pa.array(np.round(degrees + (rows.below(column, 20_000) - 10_000) / 1e6, 6))
