"""The canonical form of searched text, the same for the index and for a query.

People type a name without its accents, in another alphabet's digits, or with the letters that their
keyboard has. Folding brings all spellings to one form, so that an index needs one token for a word:

    Söhne, Soehne, SOHNE  ->  sohne        ١٢٣            ->  123
    Großmann, Grossmann   ->  grossmann    الشركة, شركة   ->  شركه

The form has two levels. ``folded`` treats characters and keeps the words of a text apart.
``finished`` treats a single word: digraphs, leading zeros, the Arabic article. The fold of a word's
beginning begins the fold of the word, so a word is found while it is typed.

See docs/adr/0040 and docs/reference/vault-format/writer-rules.md, which describes each step.
"""

from collections.abc import Iterable

import polars as pl

from unlost.vault.format.words.fold_rules import DENSE_RANGES, DIGRAPHS, MARKS, SPECIAL, FoldedText
from unlost.vault.format.words.token_rules import LONGEST


def _ranges(ranges: Iterable[tuple[int, int]]) -> str:
    """Ranges of characters as the inside of a character class."""
    return "".join(rf"\u{{{first:X}}}-\u{{{last:X}}}" for first, last in ranges)


_MARKS = rf"[\p{{Mn}}&&[{_ranges(MARKS)}]]"
DENSE = _ranges(DENSE_RANGES)
PART = r"[\p{L}\p{M}\p{N}]+"  # a word between spaces and punctuation
SEPARATOR = r"[^\p{L}\p{M}\p{N}]"
ASCII_PART = "[a-z0-9]+"  # the same for folded ASCII
ASCII_SEPARATOR = "[^a-z0-9]"


def is_ascii(text: pl.Expr) -> pl.Expr:
    """True for texts of ASCII characters alone, for which the functions ``ascii_…`` are enough."""
    return text.str.len_bytes() == text.str.len_chars()


def folded(text: pl.Expr) -> pl.Expr:
    """Text with every character in its canonical form."""
    plain = text.str.replace_all(r"\p{Cf}", "").str.normalize("NFKD").str.replace_all(_MARKS, "")
    lower = plain.str.normalize("NFKC").str.to_lowercase()
    return lower.str.replace_many(list(SPECIAL), list(SPECIAL.values()))


def ascii_folded(text: pl.Expr) -> pl.Expr:
    """``folded`` of ASCII text."""
    return text.str.to_lowercase()


def finished(word: pl.Expr) -> pl.Expr:
    """The token of a folded word without separators, with its leading zeros."""
    return ascii_finished(word.str.replace("^ال(.)", "$1"))


def ascii_finished(word: pl.Expr) -> pl.Expr:
    """``finished`` of ASCII text."""
    return word.str.replace_many(list(DIGRAPHS), list(DIGRAPHS.values())).str.slice(0, LONGEST)


def without_zeros(token: pl.Expr) -> pl.Expr:
    """A token that is a number, without leading zeros; other tokens unchanged."""
    return token.str.replace("^0+([0-9]+)$", "$1")


def dense_parts(text: pl.Expr) -> pl.Expr:
    """The runs of dense scripts in each folded text, as a list."""
    # A middle dot or an iteration mark may be inside the ranges: only letters make a run.
    return text.str.replace_all(SEPARATOR, " ").str.extract_all(f"[{DENSE}]+")


def fold_text(text: str) -> FoldedText:
    """Fold a single text."""
    frame = pl.DataFrame({"text": [text]}).select(folded(pl.col("text")))
    whole = frame.select(
        "text",
        compact=pl.col("text").str.replace_all(SEPARATOR, ""),
        runs=dense_parts(pl.col("text")),
        rest=pl.col("text").str.replace_all(f"[{DENSE}]+", " ").str.extract_all(r"\S+"),
    )
    pieces = whole.select(pl.col("rest").explode()).drop_nulls()
    parts = pieces.select("rest", parts=pl.col("rest").str.extract_all(PART)).rows()
    row = whole.row(0, named=True)
    return FoldedText(
        text=row["text"],
        compact=row["compact"],
        runs=tuple(row["runs"]),
        pieces=tuple((piece, tuple(words)) for piece, words in parts if words),
    )


def finish_words(words: Iterable[str]) -> dict[str, str]:
    """The token of each of these folded words."""
    distinct = list(dict.fromkeys(words))
    frame = pl.DataFrame({"word": distinct}, schema={"word": pl.String})
    tokens = frame.select(without_zeros(finished(pl.col("word")))).to_series()
    return dict(zip(distinct, tokens, strict=True))
