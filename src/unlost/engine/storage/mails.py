"""Mails of a backup as rows of facts, batch by batch: sides, subject, and whether a person wrote
it.

Sources: RFC 3834 (Auto-Submitted; automatic responses answer and are not to be answered), the
headers that older responders set instead, and the words that mail programs put before the subject
of an answer, a forwarded mail or an automatic reply, in their users' languages.
"""

from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.ports.vault import Snapshot
from unlost.model.storage import MailRule, StorageWeight

RECORD, PARENT, SIDES, STRIPPED = "record", "parent", ("one", "other"), "stripped"
AT, FORTH, BYTES, PLAIN = "at", "forth", "bytes", "plain"
BY_HEADERS, BY_SUBJECT, ANSWERS, UNASKED = "by_headers", "by_subject", "answers", "unasked"
SUBJECT_CHARACTERS = 80  # characters of a subject that identify a thread

ANSWER_WORDS = (
    "re", "aw", "antw", "antwort", "sv", "vs", "ref", "rif", "r", "res", "odp", "ynt", "yan",
    "fw", "fwd", "wg", "tr", "rv", "i", "enc", "vb", "vl", "pd", "ilt", "doorst",
    "回复", "答复", "回覆", "答覆", "转发", "轉寄", "返信", "転送", "회신", "전달", "отв", "ответ",
    "απ", "πρθ", "رد", "تשובה", "הועבר",
)  # fmt: skip
AUTOMATIC_WORDS = (
    "automatic reply", "automatic response", "automated reply", "automated response",
    "auto-reply", "auto reply", "autoreply", "auto-response", "auto response", "autoresponse",
    "out of office", "out of the office", "out-of-office", "away from my mail",
    "automatische antwort", "automatische rückantwort", "automatische antwoord", "autoantwort",
    "abwesenheitsnotiz", "abwesenheitsnachricht", "abwesenheitsmeldung", "abwesenheit",
    "réponse automatique", "absence du bureau", "absent du bureau", "message d'absence",
    "risposta automatica", "fuori ufficio", "fuori sede", "assenza",
    "respuesta automática", "fuera de la oficina", "ausencia",
    "resposta automática", "fora do escritório", "ausência",
    "automatisch antwoord", "automatische reactie", "afwezigheid", "niet aanwezig",
    "automatisk svar", "automatiskt svar", "autosvar", "frånvaro", "fravær",
    "automaattinen vastaus", "poissa", "odpowiedź automatyczna", "autoodpowiedź", "nieobecność",
    "automatická odpověď", "automatikus válasz", "răspuns automat", "otomatik yanıt",
    "автоматический ответ", "автоответ", "автоматична відповідь", "αυτόματη απάντηση",
    "自動応答", "自動返信", "不在通知", "自动答复", "自动回复", "自動回覆", "자동 회신", "부재중",
    "رد تلقائي", "תשובה אוטומטית",
)  # fmt: skip

ADDRESS = r"""([^\s<>;,"']+@[^\s<>;,"']+)"""
ANSWER = rf"(?:{'|'.join(ANSWER_WORDS)})\s*(?:\[\d+\]|\(\d+\))?\s*[:：]"
AUTOMATIC = rf"(?:{'|'.join(AUTOMATIC_WORDS)})"
BEFORE = rf"(?i)^(?:\s*(?:{ANSWER}|{AUTOMATIC}\s*[:：]|\[extern(?:al)?\]))+\s*"
ANSWERED = rf"(?i)^\s*{ANSWER}"
AUTOMATIC_SUBJECT = rf"(?i)^(?:\s*{ANSWER})*\s*{AUTOMATIC}"
SAID_FIRST = rf"(?i)^\s*{AUTOMATIC}"
CASE_MARK = r"(?i)\[?\s*ref:[^\]\s]*:ref\s*\]?"
SUBMITTED = (
    r"(?im)^(?:auto-submitted\s*:\s*auto-|x-auto-?repl(?:y|ied)\s*:|x-autorespond(?:er)?\s*:|"
    r"x-auto-response\s*:|precedence\s*:\s*auto_reply)"
)
REPLIED = (
    r"(?im)^(?:auto-submitted\s*:\s*auto-replied|x-auto-?repl(?:y|ied)\s*:|"
    r"x-autorespond(?:er)?\s*:|precedence\s*:\s*auto_reply)"
)
REFERRING = r"(?im)^(?:in-reply-to|references)\s*:\s*\S"


def read_mails(
    snapshot: Snapshot, table: str, rule: MailRule, *, size: StorageWeight | None = None
) -> Iterator[pl.DataFrame]:
    """Facts about a table's live mails; mails without two addresses or a date are skipped.

    ``one`` and ``other`` are the two sides in alphabetical order, ``forth`` is true for a mail from
    ``one`` to ``other``. ``stripped`` is the subject without prefixes of mail programs. ``bytes``
    are counted if ``size`` is given, which reads the texts of all mails.
    """
    columns_read = (
        rule.subject,
        rule.sender,
        rule.receivers,
        rule.sent_at,
        rule.headers,
        rule.parent,
    )
    counted = (*size.texts, size.size_column) if size is not None else ()
    columns = list(dict.fromkeys(name for name in (*columns_read, *counted) if name is not None))
    for batch in snapshot.scan(table, columns=columns):
        yield _facts(frame(batch), rule, size)


def frame(rows: pa.RecordBatch | pa.Table) -> pl.DataFrame:
    """Rows of a snapshot as a polars frame; nothing is copied."""
    return pl.DataFrame(pl.from_arrow(rows))


def instants(column: str) -> pl.Expr:
    """The instants of a column's texts; null for other texts."""
    text = pl.col(column).str.replace(r"(?:Z|[+-]00:?00)$", "").str.replace(" ", "T")
    return text.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False
    ).dt.replace_time_zone("UTC")


def size_of(weight: StorageWeight) -> pl.Expr:
    """The bytes that records use, from their cells."""
    return _size(weight, [pl.col(name).str.len_bytes() for name in weight.texts])


def size_of_measured(weight: StorageWeight) -> pl.Expr:
    """The bytes that records use, from rows in which texts are numbers (``measured``)."""
    return _size(weight, [pl.col(name) for name in weight.texts])


def measured(rows: pa.RecordBatch, texts: Sequence[str]) -> pa.RecordBatch:
    """The rows with the number of bytes in place of these texts.

    Arrow counts them in place. In polars they would be copied first, which costs as much as reading
    them.
    """
    for name in texts:
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, name, pc.binary_length(rows.column(at)))
    return rows


def _size(weight: StorageWeight, texts: Sequence[pl.Expr]) -> pl.Expr:
    parts = [text.fill_null(0).cast(pl.Int64) for text in texts]
    if weight.size_column is not None:
        parts.append(
            pl.col(weight.size_column).cast(pl.Float64, strict=False).fill_null(0).cast(pl.Int64)
        )
    total = sum(parts[1:], parts[0]) if parts else pl.lit(0, pl.Int64)
    return pl.max_horizontal(total, pl.lit(weight.least, pl.Int64))


def _facts(batch: pl.DataFrame, rule: MailRule, size: StorageWeight | None) -> pl.DataFrame:
    subject = pl.col(rule.subject).fill_null("")
    headers = pl.col(rule.headers).fill_null("") if rule.headers is not None else pl.lit("")
    sender, receiver = _address(rule.sender), _address(rule.receivers)
    near, other = SIDES
    facts = batch.select(
        pl.col("_u_id").alias(RECORD),
        (pl.col(rule.parent) if rule.parent is not None else pl.lit(None, pl.String)).alias(PARENT),
        instants(rule.sent_at).alias(AT),
        pl.min_horizontal(sender, receiver).alias(near),
        pl.max_horizontal(sender, receiver).alias(other),
        (sender <= receiver).alias(FORTH),
        subject.alias(PLAIN),
        _stripped(subject).alias(STRIPPED),
        headers.str.contains(SUBMITTED).alias(BY_HEADERS),
        subject.str.contains(AUTOMATIC_SUBJECT).alias(BY_SUBJECT),
        _answers(subject, headers).alias(ANSWERS),
        (headers.str.contains(REPLIED) | subject.str.contains(SAID_FIRST)).alias(UNASKED),
        (size_of(size) if size is not None else pl.lit(0, pl.Int64)).alias(BYTES),
    )
    return facts.drop_nulls([AT, FORTH])


def _answers(subject: pl.Expr, headers: pl.Expr) -> pl.Expr:
    """Mails that answer another one; notifications of machines do not."""
    replied = headers.str.contains(REPLIED) | headers.str.contains(REFERRING)
    return replied | subject.str.contains(ANSWERED) | subject.str.contains(AUTOMATIC_SUBJECT)


def _address(column: str) -> pl.Expr:
    return pl.col(column).str.extract(ADDRESS).str.to_lowercase()


def _stripped(subject: pl.Expr) -> pl.Expr:
    """The subject without prefixes; all numbers are equal, since machines number their subjects."""
    plain = subject.str.replace_all(CASE_MARK, "").str.replace(BEFORE, "")
    plain = plain.str.replace_all(r"\d+", "#").str.replace_all(r"\s+", " ")
    return plain.str.strip_chars().str.to_lowercase().str.slice(0, SUBJECT_CHARACTERS)
