"""Names of orgs and ids of records as parts of URL paths, whatever characters they contain."""


class NameConverter:
    """A path converter for names: ``/`` and ``~`` are written ``~2F`` and ``~7E``."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Return the name in a path."""
        return value.replace("~2F", "/").replace("~7E", "~")

    def to_url(self, value: str) -> str:
        """Return a name as it is written in a path."""
        return value.replace("~", "~7E").replace("/", "~2F")
