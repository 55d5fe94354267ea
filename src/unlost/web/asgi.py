"""The ASGI application: Django, and the static files of the console and of installed packages."""

import gzip
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

SQUEEZED = frozenset({".css", ".js", ".svg"})  # text files; others are compressed already


def asgi(cache_folder: Path | None = None) -> Any:
    """Return Django behind its static files, which are served from where packages install them.

    ``cache_folder`` is a folder for gzip-compressed copies, which shrink a first page to a third.
    """
    from django.contrib.staticfiles.finders import get_finders
    from django.core.asgi import get_asgi_application
    from servestatic import ServeStaticASGI

    from unlost.web.uploads import LimitedBodies

    app = ServeStaticASGI(get_asgi_application(), max_age=3600, allow_all_origins=False)
    for finder in get_finders():
        for name, storage in finder.list([]):
            path = Path(storage.path(name))
            squeezed = _squeezed(path, cache_folder / name) if cache_folder is not None else path
            app.add_file_to_dictionary(f"/static/{name}", str(squeezed))
    return LimitedBodies(app)


def _squeezed(file: Path, copy: Path) -> Path:
    """Return a copy with its compressed form beside it; the file itself if that fails."""
    if file.suffix not in SQUEEZED:
        return file
    with suppress(OSError):
        if not copy.exists() or copy.stat().st_mtime_ns != file.stat().st_mtime_ns:
            copy.parent.mkdir(parents=True, exist_ok=True)
            pressed = copy.with_name(f"{copy.name}.gz")
            # No time in the file, so that equal content gives equal bytes.
            pressed.write_bytes(gzip.compress(file.read_bytes(), mtime=0))
            shutil.copy2(file, copy)
        return copy
    return file
