"""Multipart bodies: the parts of a call that carries JSON and bytes together."""

from __future__ import annotations

from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header


class NotMultipart(ValueError):
    """The body is no whole multipart body; the text gives the reason."""


@dataclass(slots=True)
class Part:
    """One part: the ``name`` and ``filename`` of its disposition, its type, its bytes."""

    name: str = ""
    filename: str | None = None
    content_type: str = ""
    body: bytes = b""


@dataclass(slots=True)
class _Reader:
    """Collects parts from the callbacks of the parser."""

    done: list[Part] = field(default_factory=list)
    _headers: dict[str, str] = field(default_factory=dict)
    _name: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _body: bytearray = field(default_factory=bytearray)

    def part_begin(self) -> None:
        self._headers, self._body = {}, bytearray()

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("utf-8", "replace")
        self._name, self._value = bytearray(), bytearray()

    def part_data(self, data: bytes, start: int, end: int) -> None:
        self._body += data[start:end]

    def part_end(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", "").encode())
        filename = options.get(b"filename")
        self.done.append(
            Part(
                options.get(b"name", b"").decode("utf-8", "replace"),
                None if filename is None else filename.decode("utf-8", "replace"),
                self._headers.get("content-type", ""),
                bytes(self._body),
            )
        )


def read(body: bytes, content_type: str) -> list[Part]:
    """Give the parts of a multipart body; NotMultipart for what is none."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise NotMultipart("The boundary of the multipart request is missing")
    reader = _Reader()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": reader.part_begin,
                "on_header_field": reader.header_field,
                "on_header_value": reader.header_value,
                "on_header_end": reader.header_end,
                "on_part_data": reader.part_data,
                "on_part_end": reader.part_end,
            },
        )
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        raise NotMultipart(str(error)) from None
    if not reader.done:
        raise NotMultipart("The multipart request has no whole part")
    return reader.done
