"""The methods by which an org can be signed in to, as a connector declares them.

Forms show the fields of one method at a time. A method with ``browser`` needs a person: the org's
own page asks for the password, and gives Unlost a code that it exchanges for a secret.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A usual value of a setting. An empty ``value`` lets people type another one."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class SignInMethod:
    """A method to sign in. ``name`` is its value in the setting that chooses the method.

    ``settings`` are those of ``SignInMethods.special`` that it needs, and ``secrets`` the names of
    all secrets that people type for it. ``suggestions``: usual values of the setting ``suggested``.
    """

    name: str
    label: str
    help: str
    settings: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    browser: bool = False
    suggested: str = ""
    suggestions: tuple[Suggestion, ...] = ()


@dataclass(frozen=True, slots=True)
class SignInMethods:
    """All methods of a connector, the recommended one first; none if there is no choice.

    ``setting`` is the setting that chooses the method. ``special`` are the settings that only some
    methods need. ``errors`` are the codes of errors that other credentials repair.
    """

    setting: str = ""
    methods: tuple[SignInMethod, ...] = ()
    special: frozenset[str] = frozenset()
    errors: frozenset[str] = frozenset()

    def method(self, name: str) -> SignInMethod | None:
        """Return the method of this name; without such a name the recommended one, if any."""
        every = (method for method in self.methods if method.name == name)
        return next(every, self.methods[0] if self.methods else None)


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """A request to sign in by browser (RFC 6749, 4.1.1, and RFC 7636).

    ``redirect``: the address of the console to which the browser returns. ``state`` returns with
    it. ``challenge`` is the SHA-256 of the verifier, which only Unlost knows.
    """

    redirect: str
    state: str
    challenge: str


@dataclass(frozen=True, slots=True)
class SignInCode:
    """The code with which the browser returned, and the proof that it belongs to our request."""

    code: str
    redirect: str
    verifier: str
