"""The ASGI application: static files of installed packages and of the console, and Django."""

from typing import Any


def asgi() -> Any:
    """Django behind its static files, which are found where packages keep them."""
    from django.contrib.staticfiles.finders import get_finders
    from django.core.asgi import get_asgi_application
    from servestatic import ServeStaticASGI

    app = ServeStaticASGI(get_asgi_application(), max_age=3600, allow_all_origins=False)
    for finder in get_finders():
        for name, storage in finder.list([]):
            app.add_file_to_dictionary(f"/static/{name}", storage.path(name))
    return app
