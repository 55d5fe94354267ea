"""The conformance suite of connectors. Subclass ``ConnectorContract``, and run pytest.

The suite opens an org with the right credentials and with wrong ones, and never writes. Give it a
simulator or a fake: a real org may lock a user who signs in with wrong passwords.
"""

import base64
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from unlost.model.decoders import decoder_for
from unlost.model.errors import AuthExpired, LimitReached, NotAllowed, TransientError, UnlostError
from unlost.model.ports.source import Connector, Context, SecretField, Source
from unlost.model.ports.system import Budget
from unlost.model.source.checklist import CheckState
from unlost.model.source.schema import Schema
from unlost.model.source.sign_in import SignInMethods
from unlost.testing.clock import present_clock
from unlost.testing.connectors import ids_of, read_whole
from unlost.testing.system import FreeBudget, MemorySecretStore, SpentBudget, memory_context

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
UNREACHABLE = "http://127.0.0.1:1"  # no service listens there
WRONG = "wrong-secret"
URL_SAFE = str.maketrans("+/", "-_")


class WatchedSecretStore(MemorySecretStore):
    """A secret store that remembers the names that were read."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        super().__init__(dict(secrets))
        self.names: set[str] = set()

    def get(self, name: str) -> str | None:
        """The secret of this name, or None."""
        self.names.add(name)
        return super().get(name)


class SpendableBudget(FreeBudget):
    """A budget that counts the calls until it is ``spent``."""

    spent = False

    def take(self, calls: int = 1) -> None:
        """Allow the calls, or refuse them."""
        if self.spent:
            SpentBudget().take(calls)
        super().take(calls)


class ConnectorContract:
    """The promises of ``unlost.model.ports.source.Connector``, each as a test.

    A subclass provides the fixtures ``connector``, ``config`` and ``secrets``, and ``another_org``.
    """

    @pytest.fixture
    def connector(self) -> Connector:
        """The connector."""
        raise NotImplementedError("give the contract a connector")

    @pytest.fixture
    def config(self) -> Any:
        """The settings of an org that answers."""
        raise NotImplementedError("give the contract the settings of an org")

    @pytest.fixture
    def secrets(self) -> dict[str, str]:
        """The secrets of its backup user, by name."""
        raise NotImplementedError("give the contract the secrets of an org")

    def another_org(self, config: Any) -> Any:
        """Let another org answer; returns the settings that lead to it, which may be the same."""
        raise NotImplementedError("give the contract another org")

    def unreachable(self, config: Any) -> Any:
        """The settings with an address at which no service answers.

        Replaces the settings that are addresses and decide where secrets are sent (``leads``).
        """
        addresses = [
            field.name
            for field in fields(config)
            if field.metadata.get("leads") and "://" in str(getattr(config, field.name))
        ]
        assert addresses, "no setting is an address: override unreachable"
        return replace(config, **dict.fromkeys(addresses, UNREACHABLE))

    def context(self, secrets: Mapping[str, str], *, budget: Budget | None = None) -> Context:
        """The ports that the connector may use; its clock begins now, and waits pass immediately."""
        return memory_context(secrets, clock=present_clock(), budget=budget)

    @contextmanager
    def opened(
        self, connector: Connector, config: Any, secrets: Mapping[str, str]
    ) -> Iterator[Source]:
        """The source of an org."""
        with connector.open_source(config, self.context(secrets)) as source:
            yield source

    # --- names and settings -----------------------------------------------------------------------

    def test_it_has_a_name_for_commands_and_one_for_people(self, connector: Connector) -> None:
        """Name, label, form of ids and the share at which storage stops are set."""
        assert NAME.fullmatch(connector.name)
        assert connector.label.strip() == connector.label != ""
        assert connector.id_form
        assert not connector.id_form.endswith(".")  # it completes a sentence
        assert 0 < connector.storage_stop < 2
        assert all(connector.write_permissions())

    def test_settings_are_plain_values_with_labels(self, connector: Connector, config: Any) -> None:
        """The settings are a frozen dataclass that survives JSON, and a form can show each."""
        assert is_dataclass(connector.config)
        assert vars(connector.config)["__dataclass_params__"].frozen
        assert type(config) is connector.config
        plain = msgspec.json.decode(msgspec.json.encode(config))
        assert decoder_for(connector.config).convert(plain, strict=False) == config
        for field in fields(config):
            assert field.metadata.get("label"), field.name

    def test_settings_hold_no_secrets(self, config: Any, secrets: Mapping[str, str]) -> None:
        """A secret is in the secret store only."""
        texts = [str(getattr(config, field.name)) for field in fields(config)]
        assert not [name for name, secret in secrets.items() if secret in texts]

    def test_secrets_are_described(
        self, connector: Connector, config: Any, secrets: Mapping[str, str]
    ) -> None:
        """Each secret has a label; those of a config are among those of any config."""
        every = connector.secrets(None)
        names = [secret.name for secret in every]
        assert len(names) == len(set(names))
        assert all(secret.label for secret in every)
        assert {secret.name for secret in connector.secrets(config)} <= set(names)
        needed = {secret.name for secret in required(connector, config)}
        assert needed <= secrets.keys() <= set(names)

    def test_methods_of_the_sign_in_name_settings_and_secrets(self, connector: Connector) -> None:
        """Forms can show each method of the sign-in."""
        methods = connector.sign_in()
        check_methods(
            methods,
            settings={field.name for field in fields(connector.config)},
            secrets={secret.name for secret in connector.secrets(None)},
        )
        assert any(each.browser for each in methods.methods) == bool(connector.browser_sign_in())

    # --- secrets ----------------------------------------------------------------------------------

    def test_the_required_secrets_are_enough(
        self, connector: Connector, config: Any, secrets: Mapping[str, str]
    ) -> None:
        """The org opens with them alone, and no other secret is needed."""
        needed = [secret.name for secret in required(connector, config)]
        store = WatchedSecretStore({name: secrets[name] for name in needed})
        context = replace(self.context(store.secrets), secrets=store)
        with connector.open_source(config, context) as source:
            assert source.identity().tenant
            source.discover()
        assert store.names <= {secret.name for secret in connector.secrets(None)}
        assert store.names >= set(needed)

    def test_a_missing_secret_is_named(
        self, connector: Connector, config: Any, secrets: Mapping[str, str]
    ) -> None:
        """Without a required secret the org does not open, and the error says which one it needs."""
        for secret in required(connector, config):
            fewer = {name: value for name, value in secrets.items() if name != secret.name}
            error = self.refusal(connector, config, fewer)
            assert isinstance(error, NotAllowed), secret.name
            assert error.code in connector.sign_in().errors
            names = {secret.name, secret.name.replace("_", " "), secret.label}
            text = f"{error.sentence} {error.message.next_step}".lower()
            assert any(name.lower() in text for name in names), (
                f"{text} does not name {secret.name}"
            )

    def test_a_wrong_secret_is_reported(
        self,
        connector: Connector,
        config: Any,
        secrets: Mapping[str, str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """The error says what to do, and other credentials repair it; no text has a secret."""
        caplog.set_level("DEBUG")
        for secret in required(connector, config):
            wrong = {**secrets, secret.name: WRONG}
            error = self.refusal(connector, config, wrong)
            # A key that is no key cannot be read.
            repaired = error.code in connector.sign_in().errors
            assert isinstance(error, NotAllowed | AuthExpired) or repaired, error
            assert repaired, f"{error.code} is not among the errors of the sign-in"
            assert error.sentence
            assert error.message.next_step
            check_silence(text_of_error(error) + caplog.text, wrong)

    def test_no_secret_is_logged(
        self,
        connector: Connector,
        config: Any,
        secrets: Mapping[str, str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Neither the log nor the values of an open org have a secret."""
        caplog.set_level("DEBUG")
        with self.opened(connector, config, secrets) as source:
            texts = [repr(source), repr(source.identity()), repr(source.discover())]
        check_silence("\n".join(texts) + caplog.text, secrets)

    # --- the org ----------------------------------------------------------------------------------

    def test_the_identity_is_that_of_the_org(
        self, connector: Connector, config: Any, secrets: Mapping[str, str]
    ) -> None:
        """Another org behind the same credentials is another tenant."""
        with self.opened(connector, config, secrets) as source:
            first = source.identity()
        assert first.connector == connector.name
        with self.opened(connector, self.another_org(config), secrets) as source:
            assert not source.identity().same_org(first)

    def test_an_org_that_does_not_answer_is_tried_again(
        self,
        connector: Connector,
        config: Any,
        secrets: Mapping[str, str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """An address without a service is a failure that may pass, after some attempts."""
        caplog.set_level("DEBUG")
        error = self.refusal(connector, self.unreachable(config), secrets)
        assert isinstance(error, TransientError)
        assert error.message.next_step
        check_silence(text_of_error(error) + caplog.text, secrets)

    def test_calls_are_counted_and_limited(
        self, connector: Connector, config: Any, secrets: Mapping[str, str]
    ) -> None:
        """Calls are taken from the budget before they are made, those of reads too."""
        budget = SpendableBudget()
        context = self.context(secrets, budget=budget)
        with connector.open_source(config, context) as source:
            source.identity()
            table = source.discover().tables[0]
            opened = budget.taken
            assert opened > 0
            read_whole(source, table)
            assert budget.taken > opened
            budget.spent = True
            with pytest.raises(LimitReached):
                read_whole(source, table)
        with pytest.raises(LimitReached), connector.open_source(config, context) as source:
            source.identity()

    def test_ids_are_recognized(
        self, connector: Connector, config: Any, secrets: Mapping[str, str]
    ) -> None:
        """A person may type an id that was read; another text is not taken for an id."""
        with self.opened(connector, config, secrets) as source:
            ids = some_ids(source)
        assert ids, "the org has no records"
        for record in ids:
            assert [*connector.record_ids(record)][:1] == [record], (
                f"{record} is no id for record_ids"
            )
        assert list(connector.record_ids("?")) == []

    def test_the_checklist_explains_its_steps(
        self, connector: Connector, config: Any, secrets: Mapping[str, str]
    ) -> None:
        """Each step has a title, says how and why to do it, and has a state."""
        with self.opened(connector, config, secrets) as source:
            steps = source.checklist(source.discover())
        names = [step.name for step in steps]
        assert len(names) == len(set(names))
        for step in steps:
            assert step.title, step.name
            assert step.how, step.name
            assert step.why, step.name
            assert isinstance(step.state, CheckState)

    def test_facts_name_what_the_schema_has(
        self, connector: Connector, config: Any, secrets: Mapping[str, str]
    ) -> None:
        """Rules about tables and columns fit the schema."""
        with self.opened(connector, config, secrets) as source:
            check_facts(connector, source.discover())

    def test_the_address_of_a_record_is_one(self, connector: Connector, config: Any) -> None:
        """A page of the org, by https or on this machine; or no address."""
        plain: dict[str, Any] = msgspec.to_builtins(config)
        address = connector.record_address(plain, "table", "id")
        assert address == "" or address.startswith(("https://", "http://127.0.0.1"))

    def test_credentials_expire_at_an_instant(
        self, connector: Connector, secrets: Mapping[str, str]
    ) -> None:
        """An expiry has a name and a time with a zone."""
        for expiry in connector.expiries(secrets):
            assert expiry.name
            assert expiry.at.utcoffset() is not None
        assert list(connector.expiries({})) == []

    # --- acts of the tests ------------------------------------------------------------------------

    def refusal(self, connector: Connector, config: Any, secrets: Mapping[str, str]) -> UnlostError:
        """The error with which the org does not open."""
        with (
            pytest.raises(UnlostError) as caught,
            self.opened(connector, config, secrets) as source,
        ):
            source.identity()
        return caught.value


def required(connector: Connector, config: Any) -> list[SecretField]:
    """The secrets without which the org cannot be opened."""
    return [secret for secret in connector.secrets(config) if secret.required]


def some_ids(source: Source) -> list[str]:
    """Ids of the first table with records."""
    for table in source.discover().tables:
        ids = ids_of(read_whole(source, table))
        if ids:
            return ids[:50]
    return []


def check_methods(methods: SignInMethods, *, settings: set[str], secrets: set[str]) -> None:
    """Assert that each name in the methods of a sign-in exists."""
    names = [each.name for each in methods.methods]
    assert len(names) == len(set(names))
    assert methods.errors
    assert methods.special <= settings
    assert methods.setting in settings or not names
    for each in methods.methods:
        assert each.label, each.name
        assert set(each.settings) <= methods.special, each.name
        assert set(each.secrets) <= secrets, each.name
        assert each.suggested in {"", *settings}, each.name


def check_facts(connector: Connector, schema: Schema) -> None:
    """Assert that rules about tables name tables of the schema, and columns of these."""
    names = {table.name for table in schema.tables}
    assert connector.storage_rules(schema).keys() <= names
    assert connector.mail_rules(schema).keys() <= names
    assert connector.loss_rules(schema).tables.keys() <= names
    assert {policy.table for policy in connector.archive_policies(schema)} <= names
    assert {each.table for each in connector.archive_facts(schema).protected} <= names
    versions = connector.file_versions(schema)
    assert versions is None or versions.table in names
    for table in schema.tables:
        rule = connector.display_rule(table)
        columns = {*rule.number_columns, *rule.system_columns, *rule.text_columns}
        assert columns <= {column.name for column in table.columns}, table.name


def text_of_error(error: UnlostError) -> str:
    """Everything that an error shows, with its causes."""
    causes = "".join(traceback.format_exception(error))
    return "\n".join([error.sentence, error.message.next_step, repr(error.message), causes])


def check_silence(text: str, secrets: Mapping[str, str]) -> None:
    """Assert that a text has no secret, in no form in which it is sent."""
    for name, secret in secrets.items():
        for form in (secret, quote(secret, safe=""), *encoded(secret)):
            assert form not in text, f"the secret {name} is in a text"


def encoded(secret: str) -> Iterator[str]:
    """The forms of a secret in Base64, alone or behind another text such as a user name.

    Base64 writes three bytes as four characters, so a secret has one of three forms. The first and
    the last character may depend on the bytes around it.
    """
    data = secret.encode()
    for before in range(3):
        inside = base64.b64encode(bytes(before) + data).decode()
        start, end = (before * 8 + 5) // 6, (before + len(data)) * 8 // 6
        yield inside[start:end]
        yield inside[start:end].translate(URL_SAFE)
