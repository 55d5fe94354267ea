"""Follow "next" links, and detect links that lead back."""

from collections.abc import Callable, Iterator

from unlost.model.errors import IntegrityError


def circular() -> IntegrityError:
    """The error for pages that lead back to a page that was already read."""
    return IntegrityError(
        "paging-in-circles",
        "The pages of the source lead back to a page that was already read.",
        next_step="Run the backup again. If the problem persists, report it to the vendor of the "
        "source.",
    )


def follow[P](
    first: P, *, fetch: Callable[[str], P], link: Callable[[P], str | None]
) -> Iterator[P]:
    """The first page and all that its links lead to; a repeated link raises IntegrityError."""
    page = first
    seen: set[str] = set()
    while True:
        yield page
        where = link(page)
        if where is None:
            return
        if where in seen:
            raise circular()
        seen.add(where)
        page = fetch(where)
