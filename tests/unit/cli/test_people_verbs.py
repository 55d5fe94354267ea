"""unlost user and unlost sso: what the console does, on the home's own machine."""

from pathlib import Path

import pytest
from axes.models import AccessAttempt

from terminals import Terminal
from unlost.model.access import LOCKED_AFTER


def lock(name: str) -> None:
    AccessAttempt.objects.create(
        username=name, ip_address="192.0.2.7", failures_since_start=LOCKED_AFTER
    )


def test_a_locked_name_is_listed_and_unlocked(unlost: Terminal) -> None:
    assert "No name is locked" in unlost("user", "locked").out
    lock("lena")
    listed = unlost("user", "locked").out
    assert "lena" in listed
    assert "192.0.2.7" in listed
    done = unlost("user", "unlock", "Lena")
    assert done.code == 0
    assert "is unlocked" in done.out
    assert "No name is locked" in unlost("user", "locked").out
    again = unlost("user", "unlock", "lena")
    assert again.code == 1
    assert "lockout-unknown" in again.err


def test_a_person_is_edited_and_what_is_left_out_stays(unlost: Terminal) -> None:
    unlost("user", "add", "lena", "--full-name", "Lena K", "--email", "lena@acme.example")
    assert unlost("user", "edit", "lena", "--email", "lk@acme.example").code == 0
    listed = unlost("user", "list").out
    assert "Lena K" in listed
    assert "lk@acme.example" in listed
    assert unlost("user", "reset-factors", "lena").code == 0


def test_the_link_for_the_first_admin_is_printed_while_there_is_none(unlost: Terminal) -> None:
    assert "`unlost user link` prints a link" in unlost("user", "list").out
    printed = unlost("user", "link", "--url", "https://unlost.acme.example/")
    assert printed.out.startswith("https://unlost.acme.example/start/")
    assert "creates the first admin" in printed.out
    assert unlost("user", "link", "--json").json["path"].startswith("/start/")
    unlost("user", "add", "lena", "--role", "admin")
    refused = unlost("user", "link")
    assert refused.code == 1
    assert "admin-exists" in refused.err
    assert "signs lena in once" in unlost("user", "link", "lena").out


@pytest.fixture
def provider(unlost: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = "https://login.acme.example"
    monkeypatch.setattr("unlost.app.actions.people.sso.sign_in_origin", lambda issuer: origin)


ADD = ("sso", "add", "acme", "--issuer", "https://id.acme.example", "--client-id", "console")


@pytest.mark.usefixtures("provider")
def test_a_provider_is_added_listed_and_removed(unlost: Terminal, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("shh\n")
    assert "People sign in with a password" in unlost("sso", "list").out
    added = unlost(*ADD, "--secret-file", str(secret), "--title", "Acme")
    assert added.code == 0
    assert "People can now sign in with Acme" in added.out
    listed = unlost("sso", "list").out
    assert "https://id.acme.example" in listed
    assert "shh" not in listed
    assert "shh" not in unlost("sso", "list", "--json").out
    assert "Acme was removed" in unlost("sso", "remove", "acme").out
    assert unlost("sso", "remove", "acme").code == 1


@pytest.mark.usefixtures("provider")
def test_the_secret_may_be_in_the_environment(
    unlost: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNLOST_SSO_SECRET", "shh")
    assert unlost(*ADD).code == 0


@pytest.mark.usefixtures("provider")
def test_a_file_that_holds_no_secret(unlost: Terminal, tmp_path: Path) -> None:
    missing = unlost(*ADD, "--secret-file", str(tmp_path / "missing"))
    assert missing.code == 2
    assert "secret-unreadable" in missing.err
    (tmp_path / "empty").touch()
    assert "sso-invalid" in unlost(*ADD, "--secret-file", str(tmp_path / "empty")).err


def test_without_its_part_saml_is_refused_in_plain_words(
    unlost: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("unlost.app.people.saml.find_spec", lambda name: None)
    (tmp_path / "metadata.xml").write_text("<a/>")
    (tmp_path / "idp.pem").write_text("a certificate")
    for told in (
        ("--metadata", "https://idp.acme.example/metadata"),
        ("--metadata", str(tmp_path / "metadata.xml")),
        (
            "--entity",
            "x",
            "--sign-in",
            "https://x",
            "--certificate-file",
            str(tmp_path / "idp.pem"),
        ),
    ):
        refused = unlost("sso", "add-saml", "acme", *told)
        assert refused.code == 2
        assert "saml-missing" in refused.err
        assert "pip install 'unlost[saml]'" in refused.err
    missing = unlost("sso", "add-saml", "acme", "--metadata", str(tmp_path / "nothing.xml"))
    assert (missing.code, "secret-unreadable" in missing.err) == (2, True)
