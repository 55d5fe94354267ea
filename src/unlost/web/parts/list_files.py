"""Downloads of lists as responses."""

from collections.abc import Iterator, Mapping

from unlost.app.actions.records.list_download import ListForm
from unlost.app.compose import Application
from unlost.app.operations import CSV, LINES, ZIP
from unlost.app.records.lists.downloads import ListFile
from unlost.web.parts.streaming import StreamedResponse, saved

# The ending of a file, and its media type.
_KINDS: Mapping[ListForm, tuple[str, str]] = {
    ListForm.CSV: ("csv", CSV),
    ListForm.JSON: ("jsonl", LINES),
    ListForm.ZIP: ("zip", ZIP),
}


def list_response(
    app: Application, org: str, opened: tuple[ListFile, Iterator[bytes]], *, form: ListForm
) -> StreamedResponse:
    """Return the response that sends a list under a name with its table and the day."""
    file, body = opened
    ending, media = _KINDS[form]
    name = f"{org}-{file.table}-{app.clock.now():%Y-%m-%d}.{ending}"
    return saved(body, name=name, media=media)
