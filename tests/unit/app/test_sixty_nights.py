"""Sixty ordinary nights of an org that lives: nobody is told anything, and then a real loss is."""

import random
from datetime import timedelta

import pytest

from homes import World
from unit.app.test_nights import Nights
from unlost.app.actions.alerts.alerts import ChannelRequest, add_channel, deliver, watch
from unlost.app.alerts.alert_facts import Watcher
from unlost.model.alert import AlertRule, ChannelKind, Notification

pytestmark = pytest.mark.deep

CUSTOMERS = 1_200
NIGHTS = 60


class Quarter(Nights):
    """Weekdays with a few hundred changes, quiet weekends, some new customers, few lost ones."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.dice = random.Random(60)
        self.watcher = Watcher()
        self.sent: list[Notification] = []
        add_channel(self.app, ChannelRequest(name="hook", kind=ChannelKind.WEBHOOK,
                                    url="https://ops.example/x"), secret="s" * 32)  # fmt: skip

    def send(self, message: Notification) -> None:
        """A sender's part."""
        self.sent.append(message)

    def day(self) -> None:
        weekend = self.now.weekday() in (5, 6)
        held = self.world.org.tables["Account"].records
        alive = [key for key, record in held.items() if not record.deleted]
        for key in self.dice.sample(alive, self.dice.randint(0, 10 if weekend else 250)):
            self.world.org.update("Account", key, {"Phone": f"{self.dice.random()}"})
        for _ in range(self.dice.randint(0, 5)):
            self.world.org.create("Account", {"Name": "New"})
        for key in self.dice.sample(alive, self.dice.randint(0, 3)):
            self.world.org.delete("Account", key)
        self.look(hours=24)

    def look(self, *, hours: int) -> None:
        """The service looks every four hours."""
        until = self.now + timedelta(hours=hours)
        while self.now < until:
            self.pass_time(minutes=240, every=120)
            watch(self.app, self.watcher)
            deliver(self.app, senders=lambda *_told: self)


@pytest.fixture
def quarter(sales: World) -> Quarter:
    for number in range(CUSTOMERS):
        sales.org.create("Account", {"Name": f"Customer {number}"})
    return Quarter(sales)


def test_sixty_ordinary_nights_are_silent_and_a_loss_is_not(quarter: Quarter) -> None:
    for _ in range(NIGHTS):
        quarter.day()
    assert quarter.sent == []
    assert quarter.snapshots() == NIGHTS
    held = quarter.world.org.tables["Account"].records
    for key in [key for key, record in held.items() if not record.deleted][:300]:
        quarter.world.org.delete("Account", key)
    quarter.look(hours=24)
    assert [one.raised.rule for one in quarter.sent] == [AlertRule.MASS_CHANGE]
