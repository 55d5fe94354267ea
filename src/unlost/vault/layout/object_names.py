"""The names of an org's objects, by kind."""

import re

from unlost.model.errors import UsageError

_RUN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DIGITS = 20
_SEQUENCE = re.compile(r"orgs/[^/]+/(?:commits|checkpoints)/([0-9]{20})")
_REDACTION = re.compile(r"orgs/[^/]+/redacted/([0-9]{20})\.([0-9]{20})\.[0-9a-f]+")
# The names of all objects. Marks of copies and probes stay where credentials may not delete.
_LAYOUT = re.compile(
    r"""vault\.json | unfinished-copy | probe/.*
    | register/[0-9]{8}/[123]
    | names/[0-9a-f]{32}(?:\.[0-9a-f]+)?
    | homes/[0-9]{8,18}
    | orgs/[0-9a-f]{32}/(?:
        keys/(?:[0-9]{8}|identity)(?:\.[0-9]{8})?/[123]
        | (?:commits|checkpoints)/[0-9]{20}
        | redacted/[0-9]{20}\.[0-9]{20}\.[0-9a-f]+
        | schemas/[0-9a-f]{64}(?:\.[0-9a-f]+)?
        | certs/[a-z0-9][a-z0-9_-]{0,63}\.[0-9]+
        | runs/[a-z0-9][a-z0-9_-]{0,63}(?:\.[0-9]{4,}|\.key|\.over)?
        | journal/[a-z0-9][a-z0-9_-]{0,63}/[0-9]{8}(?:\.[0-9a-f]+)?
        | data/[0-9a-f]{2}/[0-9a-f]{32}(?:\.idx)?
        | packs/[0-9a-f]{2}/[0-9a-f]{32}(?:\.[0-9a-f]+)?
    )""",
    re.VERBOSE,
)
OVER = ".over"  # ends the name of the mark that a run has ended
RUN_PREFIX_BYTES = 8  # random; the names of a run's segments begin with them in hex


def is_in_layout(name: str) -> bool:
    """True if the format has objects with such a name, or a copy or a probe may leave it."""
    return _LAYOUT.fullmatch(name) is not None


def commits(org: str) -> str:
    """The folder of manifests."""
    return f"orgs/{org}/commits/"


def commit(org: str, seq: int) -> str:
    """A manifest."""
    return f"{commits(org)}{seq:0{_DIGITS}d}"


def redactions(org: str, seq: int | None = None) -> str:
    """The folder of redactions; with ``seq``, the prefix of one manifest's redactions."""
    folder = f"orgs/{org}/redacted/"
    return folder if seq is None else f"{folder}{seq:0{_DIGITS}d}."


def redaction(org: str, seq: int, *, by: int, mark: str) -> str:
    """The redaction of a manifest, made for the commit ``by``; ``mark`` makes the name unique."""
    return f"{redactions(org, seq)}{by:0{_DIGITS}d}.{mark}"


def redacted(name: str) -> int:
    """The number of the manifest that a redaction replaces; 0 for other names."""
    match = _REDACTION.fullmatch(name)
    return int(match[1]) if match else 0


def redacted_by(name: str) -> int:
    """The number of the commit that a redaction was made for; 0 for other names."""
    match = _REDACTION.fullmatch(name)
    return int(match[2]) if match else 0


def sequence(name: str) -> int:
    """The number at the end of the name of a manifest or checkpoint; 0 for other names."""
    match = _SEQUENCE.fullmatch(name)
    return int(match[1]) if match else 0


def checkpoints(org: str) -> str:
    """The folder of checkpoints."""
    return f"orgs/{org}/checkpoints/"


def checkpoint(org: str, seq: int) -> str:
    """A checkpoint."""
    return f"{checkpoints(org)}{seq:0{_DIGITS}d}"


def segments(org: str) -> str:
    """The folder of segments and sidecars."""
    return f"orgs/{org}/data/"


def segment(org: str, ident: str) -> str:
    """A segment."""
    return f"{segments(org)}{ident[:2]}/{ident}"


def sidecar(org: str, ident: str) -> str:
    """A segment's sidecar, if it is an object and not part of the manifest."""
    return f"{segment(org, ident)}.idx"


def packs(org: str) -> str:
    """The folder of packs."""
    return f"orgs/{org}/packs/"


def pack(org: str, ident: str) -> str:
    """A pack of blobs."""
    return f"{packs(org)}{ident[:2]}/{ident}"


def resealed(name: str, mark: str) -> str:
    """The name of an object's replacement that was sealed anew; ``mark`` makes the name unique."""
    return f"{name}.{mark}"


def stem(name: str) -> str:
    """The name or id by which others refer to an object, whether it was sealed anew or not."""
    return name.partition(".")[0]


def schemas(org: str) -> str:
    """The folder of schema objects."""
    return f"orgs/{org}/schemas/"


def schema(org: str, ident: str) -> str:
    """A schema object, unless it was sealed anew."""
    return f"{schemas(org)}{ident}"


def certificates(org: str) -> str:
    """The folder of certificates."""
    return f"orgs/{org}/certs/"


def certificate(org: str, run: str, number: int) -> str:
    """A certificate of a run; a run that was resumed may have written several."""
    return f"{certificate_prefix(org, run)}{number}"


def certificate_prefix(org: str, run: str) -> str:
    """The prefix of the names of a run's certificates."""
    return f"{certificates(org)}{run}."


def intents(org: str) -> str:
    """The folder of intents, and of the notes beside them."""
    return f"orgs/{org}/runs/"


def intent(org: str, run: str) -> str:
    """The intent of an open run."""
    return f"{intents(org)}{check_run(run)}"


def note(org: str, run: str, number: int) -> str:
    """A note beside an intent."""
    return f"{intent(org, run)}.{number:04d}"


def run_key(org: str, run: str) -> str:
    """The key that seals rows in the pieces of an open run; it is removed with the intent."""
    return f"{intent(org, run)}.key"


def over(org: str, run: str) -> str:
    """The mark that a run has ended, used if its intent could not be removed."""
    return f"{intent(org, run)}{OVER}"


def run_of_key(name: str) -> str:
    """The run whose key this is, by its name; empty if it is no key of a run."""
    folder, _, last = name.rpartition("/")
    run = last.removesuffix(".key")
    return run if folder.endswith("/runs") and last.endswith(".key") and is_run(run) else ""


def journals(org: str) -> str:
    """The folder of journals."""
    return f"orgs/{org}/journal/"


def journal(org: str, run: str) -> str:
    """The folder of a run's journal."""
    return f"{journals(org)}{check_run(run)}/"


def journal_entry(org: str, run: str, number: int) -> str:
    """An entry of a journal, unless it was sealed anew."""
    return f"{journal(org, run)}{number:08d}"


def run_of(name: str) -> str:
    """The run that an intent, a note beside one, or an entry of a journal belongs to."""
    return stem(name.split("/")[3])  # orgs, the oid, the folder, then the run


def identity(org: str) -> str:
    """The identity of an org when it was first seen."""
    return f"{identities()}{org}"


def identities() -> str:
    """The folder of the identities of all orgs."""
    return "names/"


def is_run(run: str) -> bool:
    """True for an id of a run."""
    return _RUN.fullmatch(run) is not None


def check_run(run: str) -> str:
    """The id of a run, unchanged; raises UsageError (``run-name``) if no name can contain it."""
    if not is_run(run):
        raise UsageError(
            "run-name",
            "“{run}” is not a valid run id.",
            next_step="Use at most 64 characters: a-z, 0-9, - and _.",
            run=run,
        )
    return run
