"""The users of the chocolate maker who may call the API, with what they may see."""

from __future__ import annotations

from unlost_simulators.salesforce.model.users import BACKUP_PERMISSIONS, Permission, SimUser
from unlost_simulators.salesforce.scenarios.chocolate import story
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed import Ref
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed_rows import FIXED_ROWS, KEYS
from unlost_simulators.salesforce.scenarios.chocolate.written.setup_rows import PEOPLE, Person

_PERMISSIONS = {
    "backup": BACKUP_PERMISSIONS | {Permission.VIEW_ENCRYPTED_DATA},
    "admin": frozenset(Permission),
}
_CONSUMERS = {
    "backup": story.BACKUP_CONSUMER_KEY,
    "narrow": story.NARROW_CONSUMER_KEY,
    "lotte": story.RESTORE_CONSUMER_KEY,
}
# What field-level security hides from the narrow user; he has no View All Data either.
NARROW_HIDDEN = frozenset(
    {("Account", "Credit_Limit__c"), ("Contact", "Birthdate"), ("Contact", "Allergies__c")}
)


def _user(person: Person) -> SimUser:
    key = _CONSUMERS.get(person.handle)
    groups = [
        values["GroupId"]
        for row in FIXED_ROWS.rows["GroupMember"]
        if (values := row.values)["UserOrGroupId"] == Ref("User", person.handle)
    ]
    return SimUser(
        id=FIXED_ROWS.id(KEYS, Ref("User", person.handle)),
        username=person.username,
        name=" ".join(part for part in (person.first, person.last) if part),
        email=person.username,
        active=person.active,
        profile_id=FIXED_ROWS.id(KEYS, Ref("Profile", person.profile)),
        permissions=_PERMISSIONS.get(person.profile, frozenset({Permission.API_ENABLED})),
        hidden_fields=NARROW_HIDDEN if person.handle == "narrow" else frozenset(),
        group_ids=frozenset(
            FIXED_ROWS.id(KEYS, group) for group in groups if isinstance(group, Ref)
        ),
        consumer_key=key,
        consumer_secret=story.BACKUP_CONSUMER_SECRET if key else None,
    )


USERS: tuple[SimUser, ...] = tuple(_user(person) for person in PEOPLE)
