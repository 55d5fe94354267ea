"""CSV bodies as Arrow record batches of text: streamed, bounded, and proved to be whole.

Nothing is interpreted: NUL, ``NA``, leading zeros and line ends inside cells stay as they came.

A CSV body has no end mark, so a cut one can look complete. The reader therefore appends a row that
no source sends:

  Id,Name               Id,Name               Id,Name
  1,Ada                 1,Ada                 1,Ada
  2,Bob                 2,B                   2,"B
  END,""                END,""  (joins "B")   END,""  (inside the quotes)
  whole: END is the     cut in a row: the     cut in quotes: END is
  last row              row has 3 cells       swallowed, no last row

If END comes out as the last row, the body ended between two rows and outside quotes. Otherwise it
was cut (TransientError ``body-cut``) and must be read again. See docs/adr/0002 for text columns.

Memory is bounded by the block size, by the length of the header and by the number of columns, so
that a body without line ends, or with a million columns, ends with an error.
"""

import csv
from collections.abc import Iterator
from typing import Protocol

import pyarrow as pa
from pyarrow import csv as arrow_csv

from unlost.kit.http.body import cut
from unlost.kit.http.limits import AnswerTooLarge
from unlost.model.errors import IntegrityError, UnlostError

# A row must fit into one block. Arrow reads up to 32 blocks ahead of the consumer
# (kDefaultBackgroundMaxQ in its async_generator.h), so the block size bounds memory, too. The long
# texts of a record have 1.6 million characters at most (Salesforce help, "Long Text Area": the total
# of an object), so 6.4 MB.
BLOCK_BYTES = 2 << 20
LARGEST_BLOCK = 8 << 20
# A query has 100,000 characters at most (SOQL limits), so its columns have fewer.
HEADER_BYTES = 1 << 20
MOST_COLUMNS = 5_000
END = "\x02unlost-end-of-body\x03"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class CsvBytes(Protocol):
    """A source of bytes."""

    def chunks(self) -> Iterator[bytes]:
        """The bytes in pieces."""
        ...


class RowTooWide(UnlostError):
    """A row does not fit into a parser block: read the body again with a larger one."""

    def __init__(self, block_bytes: int) -> None:
        super().__init__(
            "row-too-wide",
            "A row is larger than the parser memory of {kib} KiB.",
            kib=block_bytes // 1024,
        )


def doubled(block_bytes: int) -> int:
    """The next larger block size; raises IntegrityError (``row-without-end``) beyond 8 MiB."""
    if block_bytes >= LARGEST_BLOCK:
        raise IntegrityError(
            "row-without-end",
            "A row of the source is larger than {mib} MiB, so it cannot be valid.",
            next_step="Exclude the table until the problem is solved, and report its name.",
            mib=LARGEST_BLOCK >> 20,
        )
    return block_bytes * 2


class CsvReader:
    """Reads one body. ``columns`` is its header, ``rows`` counts the rows given so far."""

    def __init__(
        self, body: CsvBytes, *, empty_is_null: bool = True, block_bytes: int = BLOCK_BYTES
    ) -> None:
        """``empty_is_null``: the source writes null as an empty cell, and has no empty text."""
        self.rows = 0
        self.bytes = 0
        self._block_bytes = block_bytes
        self._empty_is_null = empty_is_null
        self._chunks = body.chunks()
        self._pending = b""
        self.columns = self._header()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Batches of text columns, each about a block; the last batch only if the body was whole.

        Raises TransientError (``body-cut``) or RowTooWide.
        """
        if not self.columns:
            return
        pending: pa.RecordBatch | None = None
        for batch in self._parsed():
            if batch.num_rows == 0:
                continue
            if pending is not None:
                yield self._counted(pending)
            pending = batch
        last = self._without_end(pending)
        if last.num_rows:
            yield self._counted(last)

    def _counted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        self.rows += batch.num_rows
        return batch

    def _without_end(self, batch: pa.RecordBatch | None) -> pa.RecordBatch:
        if batch is None or batch.column(0)[-1].as_py() != END:
            raise cut("inside a row")
        return batch.slice(0, batch.num_rows - 1)

    def _header(self) -> tuple[str, ...]:
        while b"\n" not in self._pending:
            if len(self._pending) > HEADER_BYTES:
                raise AnswerTooLarge(f"its first line has more than {HEADER_BYTES:,} bytes")
            chunk = next(self._chunks, None)
            if chunk is None:
                if self._pending:
                    raise cut("inside its header")
                return ()
            self._pending += chunk
        line, self._pending = self._pending.split(b"\n", 1)
        self.bytes += len(line) + 1
        return _names(line)

    def _parsed(self) -> Iterator[pa.RecordBatch]:
        text = pa.string()
        try:
            yield from arrow_csv.open_csv(
                _Feed(self, self._blocks()),
                read_options=arrow_csv.ReadOptions(
                    use_threads=False, block_size=self._block_bytes, column_names=self.columns
                ),
                parse_options=arrow_csv.ParseOptions(
                    newlines_in_values=True, ignore_empty_lines=False
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(self.columns, text),
                    null_values=[""],
                    strings_can_be_null=self._empty_is_null,
                    quoted_strings_can_be_null=self._empty_is_null,
                ),
            )
        except pa.ArrowInvalid as error:
            raise self._explained(error) from None

    def _explained(self, error: pa.ArrowInvalid) -> UnlostError:
        """An error of ours for a parser error, whose own text may quote cells."""
        if "straddl" in str(error):
            return RowTooWide(self._block_bytes)
        return cut("it is not valid CSV")

    def _blocks(self) -> Iterator[bytes]:
        """The rest of the body in pieces just under a block, followed by the end row."""
        parts, size = [self._pending], len(self._pending)
        self._pending = b""
        for chunk in self._chunks:
            if size + len(chunk) > self._block_bytes:
                yield b"".join(parts)
                parts, size = [], 0
            parts.append(chunk)
            size += len(chunk)
        end = ",".join([f'"{END}"', *['""'] * (len(self.columns) - 1)]) + "\n"
        yield b"".join(parts)
        # ``_Feed.read`` counts all bytes it passes on; the end row is not part of the body.
        self.bytes -= len(end)
        yield end.encode()


def _names(line: bytes) -> tuple[str, ...]:
    """The columns of a header line; raises AnswerTooLarge, or TransientError if it is none."""
    if line.count(b",") >= MOST_COLUMNS:
        raise AnswerTooLarge(f"it has more than {MOST_COLUMNS:,} columns")
    try:
        text = line.removeprefix(BYTE_ORDER_MARK).decode().rstrip("\r")
        return tuple(next(csv.reader([text])))
    except (UnicodeDecodeError, csv.Error) as error:
        raise cut("its header is not valid CSV") from error


class _Feed:
    """A file-like object for the parser; avoids copying pieces where possible."""

    closed = False

    def __init__(self, reader: CsvReader, blocks: Iterator[bytes]) -> None:
        self._reader = reader
        self._blocks = blocks
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Read at most ``size`` bytes; empty only at the end."""
        piece = self._rest
        while not piece:
            block = next(self._blocks, None)
            if block is None:
                return b""
            piece = block
        give, self._rest = (piece, b"") if len(piece) <= size else (piece[:size], piece[size:])
        self._reader.bytes += len(give)
        return give

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True
