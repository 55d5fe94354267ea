"""Passwords are kept as the program keeps them: the other tests use a hasher that is made cheap."""

import subprocess
import sys

from django.contrib.auth.hashers import Argon2PasswordHasher, get_hashers

PROGRAM = """
from unlost.web.serving import use_settings
use_settings()
import unlost.app.home.database
from django.contrib.auth.hashers import check_password, make_password
kept = make_password("three brown mice")
assert check_password("three brown mice", kept) and not check_password("three brown mouse", kept)
print(kept)
"""


def test_a_stolen_database_gives_no_passwords_away() -> None:
    """Argon2id at no less than OWASP asks for: 19 MiB and two passes (Password Storage Cheat Sheet)."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    scheme, kind, _, strength, *_ = done.stdout.split("$")
    assert (scheme, kind) == ("argon2", "argon2id")
    asked = {name: int(value) for name, value in (one.split("=") for one in strength.split(","))}
    assert asked["m"] >= 19 * 1024
    assert asked["t"] >= 2


def test_tests_keep_them_by_the_same_hasher() -> None:
    assert [type(one) for one in get_hashers()] == [Argon2PasswordHasher]
