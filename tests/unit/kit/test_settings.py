"""Settings as forms show them, and the secrets of a sign-in."""

from enum import Enum

from unlost.kit.settings import secret_fields, setting
from unlost.model.ports.source import SecretField


class SignIn(Enum):
    KEY = "key"
    USER = "user"


KEY, PASSWORD = SecretField("key", "Key"), SecretField("password", "Password")
SECRETS = {SignIn.USER: (PASSWORD, KEY), SignIn.KEY: (KEY,)}


def test_a_setting_has_texts_for_forms_and_its_marks() -> None:
    assert setting("Address", "Of the shop.") == {"label": "Address", "help": "Of the shop."}
    assert setting("A", "B", leads=True) == {"label": "A", "help": "B", "leads": True}


def test_a_sign_in_has_its_secrets_and_without_one_all_are_listed_once() -> None:
    assert secret_fields(SECRETS, SignIn.KEY) == (KEY,)
    assert secret_fields(SECRETS, SignIn.USER) == (PASSWORD, KEY)
    assert secret_fields(SECRETS, None) == (PASSWORD, KEY)
