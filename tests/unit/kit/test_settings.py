"""Settings as forms show them, and the secrets of a sign-in."""

from dataclasses import dataclass, fields
from enum import Enum

import pytest

from unlost.kit.settings import secret_fields, setting
from unlost.model.ports.source import SecretField


class SignIn(Enum):
    KEY = "key"
    USER = "user"


KEY, PASSWORD = SecretField("key", "Key"), SecretField("password", "Password")
SECRETS = {SignIn.USER: (PASSWORD, KEY), SignIn.KEY: (KEY,)}


@dataclass(frozen=True, slots=True)
class ShopConfig:
    url: str = setting("Address", "Of the shop.", leads=True)
    rows: int = setting("Rows", "Of a page.", default=200)


def test_a_setting_is_a_field_with_texts_for_forms_and_its_marks() -> None:
    url, rows = fields(ShopConfig)
    assert url.metadata == {"label": "Address", "help": "Of the shop.", "leads": True}
    assert rows.metadata == {"label": "Rows", "help": "Of a page."}


def test_a_setting_without_a_default_must_be_given() -> None:
    assert ShopConfig("https://shop.example").rows == 200
    with pytest.raises(TypeError, match="url"):
        ShopConfig()


def test_a_sign_in_has_its_secrets_and_without_one_all_are_listed_once() -> None:
    assert secret_fields(SECRETS, SignIn.KEY) == (KEY,)
    assert secret_fields(SECRETS, SignIn.USER) == (PASSWORD, KEY)
    assert secret_fields(SECRETS, None) == (PASSWORD, KEY)
