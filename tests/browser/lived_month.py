"""Live through some weeks in a minute: each night the org grows a little and is backed up.

    python tests/browser/lived_month.py HOME ORG ADMIN NIGHTS [CASES]

HOME is a home with the org ORG, whose simulator has its admin API at ADMIN. The first backup is made
NIGHTS days ago by the clock of this machine, the last one today: so that pages show what they show
after some weeks. The days are alike, except that weekends are quiet. CASES are the new cases of a
working day.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from unlost.app.compose import Application, open_application
from unlost.app.home.system import SystemClock
from unlost_simulators.process import AdminClient

DAY = timedelta(days=1)
BUSY = 240  # cases of a working day
QUIET = 4  # times fewer of them come on a day of the weekend


class EarlierClock(SystemClock):
    """The clock of this machine, some days ago."""

    def __init__(self, ago: timedelta) -> None:
        self.ago = ago

    def now(self) -> datetime:
        return super().now() - self.ago


def live(home: Path, org: str, admin: AdminClient, nights: int, cases: int = BUSY) -> None:
    admin.post("clock/set", now=f"{datetime.now(UTC) - nights * DAY:%Y-%m-%dT01:00:00Z}")
    for ago in range(nights, -1, -1):
        clock = EarlierClock(ago * DAY)
        work(admin, clock.now(), cases)
        with open_application(home, clock=clock) as application:
            back_up(application, org)
        if ago:
            admin.post("clock/advance", days=1)


def work(admin: AdminClient, day: datetime, cases: int) -> None:
    """What people do on a day: new cases, and some that go on."""
    count = cases // QUIET if day.weekday() >= 5 else cases
    rows = [{"Subject": f"Order of {day:%d %B}, line {number}"} for number in range(count)]
    admin.post("records/insert", object="Case", rows=rows)
    admin.post("records/update-where", object="Case", set={"Priority": "High"}, limit=20)


def back_up(application: Application, org: str) -> None:
    from unlost.app.actions.backups.backup import backup

    backup(application, org)


if __name__ == "__main__":
    live(Path(sys.argv[1]), sys.argv[2], AdminClient(sys.argv[3]), *map(int, sys.argv[4:6]))
