"""Messages: English texts that keep the template and the arguments from which they were made.

A message is rendered in English where it is made, for the CLI, the API, e-mails and documents. A
surface with other languages translates its templates and puts in the arguments. English text is
never parsed back.

    message("org-unknown", "No org is named {name}.", next_step="See `unlost org list`.", name="acme")

A template without arguments is taken as it is, braces included.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

type Arg = str | int | float | Message


class Noun(StrEnum):
    """Things that messages count."""

    RECORD = "record"
    TABLE = "table"
    COLUMN = "column"
    FILE = "file"
    OBJECT = "object"
    GAP = "gap"
    OPEN_GAP = "open gap"
    BACKUP = "backup"
    VERSION = "version"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def forms(self) -> tuple[str, str]:
        """The templates of a count: singular and plural."""
        return f"{{count:,}} {self.value}", f"{{count:,}} {self.value}s"


@dataclass(frozen=True, slots=True)
class Message:
    """A text for people: what happened, and the next step.

    ``sentence`` and ``next_step`` are in English. ``template`` and ``next_template`` are empty for
    foreign text and for documents of versions that did not store them. ``singular`` is the template
    for an argument ``count`` of 1.
    """

    code: str
    sentence: str
    next_step: str = ""
    template: str = ""
    next_template: str = ""
    singular: str = ""
    args: Mapping[str, Arg] = field(default_factory=dict, hash=False)

    @property
    def step(self) -> "Message":
        """The next step as a message of its own, for the argument of another message."""
        return Message(self.code, self.next_step, template=self.next_template, args=self.args)

    def __str__(self) -> str:
        return self.sentence


class HasMessage:
    """Gives the English texts of its ``message``."""

    __slots__ = ()
    message: Message

    @property
    def sentence(self) -> str:
        """The sentence, in English."""
        return self.message.sentence

    @property
    def next_step(self) -> str:
        """The next step, in English; empty if there is none."""
        return self.message.next_step


class StoresMessage:
    """Stores the parts of a message in fields, and gives it to surfaces that translate it."""

    __slots__ = ()
    sentence: str
    next_step: str
    template: str
    next_template: str
    args: Mapping[str, Arg]

    def message_of(self, code: str) -> Message:
        """Return the stored message under a code."""
        return Message(
            code, self.sentence, self.next_step, self.template, self.next_template, args=self.args
        )


def message(code: str, template: str, /, *, next_step: str = "", **args: Any) -> Message:
    """Make a message. Both templates name their arguments in braces, as in ``{table}``.

    Arguments that are neither text, number nor message are put in as text.
    """
    values = {name: _arg(value) for name, value in args.items()}
    return Message(
        code, render(template, values), render(next_step, values), template, next_step, args=values
    )


def fault(error: BaseException) -> Message:
    """Make a message of an unexpected exception; its code is the name of the exception's class."""
    name = type(error).__name__
    return Message(name, str(error) or name)


def code_of(text: Message | None) -> str:
    """Return the code of a message; empty if there is none."""
    return "" if text is None else text.code


def counted(count: int, noun: Noun) -> Message:
    """Make a count, as in "1,200 records", for the argument of a message."""
    singular, plural = noun.forms
    template = singular if count == 1 else plural
    args = {"count": count}
    return Message("", render(template, args), template=plural, singular=singular, args=args)


def joined(code: str, parts: Iterable[Message]) -> Message:
    """Join messages into one, separated by spaces."""
    args: dict[str, Arg] = {f"part{place}": part for place, part in enumerate(parts)}
    template = " ".join(f"{{{name}}}" for name in args)
    return Message(code, render(template, args), template=template, args=args)


def render(template: str, args: Mapping[str, object]) -> str:
    """Put arguments into a template."""
    return template.format_map(args) if args else template


def _arg(value: object) -> Arg:
    return value if isinstance(value, str | int | float | Message) else str(value)
