"""Telephone numbers of a query, and of a few texts; ``telephone`` has the same for columns."""

import re
from dataclasses import dataclass

from unlost.vault.format.words.token_rules import LONGEST

# ITU-T E.164, list of assigned country codes: one digit, two, or three by the first two.
COUNTRY_CODE = (
    "(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    r"|2[1-689]\d|3[578]\d|42\d|5[09]\d|6[7-9]\d|8[03578]\d|9[679]\d)"
)
TRUNK = r"\(\s*0\s*\)"  # a zero that is dialed only inside the country
FEWEST_DIGITS = 4  # of a query
FEWEST_NATIONAL = 3  # of a query, after its country code
FEWEST_BARE = 6  # of a query, after digits that look like a country code
_SPACES = "[\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_TRUNK_HERE = re.compile(TRUNK.replace(r"\s", _SPACES))
_COUNTRY = re.compile(rf"^(?:\+|00){COUNTRY_CODE}")
_NOT_DIALED, _NO_DIGIT = re.compile("[^0-9+]"), re.compile("[^0-9]")


def national_of(folded_text: str) -> str:
    """The token of a folded telephone number; empty if it has no digits."""
    digits = _NOT_DIALED.sub("", _TRUNK_HERE.sub("", folded_text))
    return _COUNTRY.sub("", digits).replace("+", "").lstrip("0")[:LONGEST]


def dialed_of(folded_text: str) -> str:
    """All digits of a folded telephone number, without leading zeros."""
    return _NO_DIGIT.sub("", folded_text).lstrip("0")


@dataclass(frozen=True, slots=True)
class PhoneQuery:
    """The telephone numbers that a query may stand for; none if all is empty.

    ``national``: the beginnings of national digits. ``dialed``: the beginning of all digits, for
    numbers whose country code is stored. ``vague``: a few national digits that find such a number
    among many others, or empty.
    """

    national: tuple[str, ...] = ()
    dialed: str = ""
    vague: str = ""

    def begins(self, *, national: str, dialed: str) -> bool:
        """True if a telephone number with these digits begins with the query's."""
        return any(map(national.startswith, self.national)) or (
            bool(self.dialed) and dialed.startswith(self.dialed)
        )


def phone_query(folded_query: str) -> PhoneQuery:
    """The telephone numbers that a query may stand for.

    A country code may stand before them without a sign, and digits that look like one may belong
    to the number.
    """
    if any(character.isalpha() for character in folded_query):
        return PhoneQuery()
    dialed, national = dialed_of(folded_query), national_of(folded_query)
    if len(dialed) < FEWEST_DIGITS:
        return PhoneQuery()
    bare = re.sub(f"^{COUNTRY_CODE}", "", dialed).lstrip("0")
    sure = [form for form in (national, dialed) if len(form) >= FEWEST_NATIONAL]
    # A few digits after what looks like a country code would find too many numbers of others.
    sure += [bare] if len(bare) >= FEWEST_BARE else []
    vague = bare if FEWEST_NATIONAL <= len(bare) < FEWEST_BARE and bare not in sure else ""
    return PhoneQuery(tuple(dict.fromkeys(sure)), dialed, vague)
