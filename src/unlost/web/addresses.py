"""Names of orgs and ids of records as parts of addresses, whatever signs they hold."""


class NameConverter:
    """A name in a path: ``/`` and ``~`` are written ``~2F`` and ``~7E``."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """The name that stands in a path."""
        return value.replace("~2F", "/").replace("~7E", "~")

    def to_url(self, value: str) -> str:
        """How a name stands in a path."""
        return value.replace("~", "~7E").replace("/", "~2F")
