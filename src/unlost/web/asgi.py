"""The ASGI application: static files of installed packages and of the console, and Django."""

import gzip
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

SQUEEZED = frozenset({".css", ".js", ".svg"})  # what is text; all else is compressed by itself


def asgi(kept: Path | None = None) -> Any:
    """Django behind its static files, which are found where packages keep them.

    ``kept``: a folder in which copies are kept with their compressed forms, for browsers that take
    those: a first page is a third of the size then.
    """
    from django.contrib.staticfiles.finders import get_finders
    from django.core.asgi import get_asgi_application
    from servestatic import ServeStaticASGI

    app = ServeStaticASGI(get_asgi_application(), max_age=3600, allow_all_origins=False)
    for finder in get_finders():
        for name, storage in finder.list([]):
            path = Path(storage.path(name))
            squeezed = _squeezed(path, kept / name) if kept is not None else path
            app.add_file_to_dictionary(f"/static/{name}", str(squeezed))
    return app


def _squeezed(file: Path, copy: Path) -> Path:
    """The copy, with its compressed form beside it; the file itself where that cannot be kept."""
    if file.suffix not in SQUEEZED:
        return file
    with suppress(OSError):
        if not copy.exists() or copy.stat().st_mtime_ns != file.stat().st_mtime_ns:
            copy.parent.mkdir(parents=True, exist_ok=True)
            pressed = copy.with_name(f"{copy.name}.gz")
            pressed.write_bytes(gzip.compress(file.read_bytes(), mtime=0))
            shutil.copy2(file, copy)
        return copy
    return file
