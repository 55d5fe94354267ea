"""Users of the org: permissions, hidden fields and objects, and the register of users."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from unlost_simulators.salesforce.model import ids


class Permission(StrEnum):
    """User permissions that change what the API answers; the values are their API names."""

    API_ENABLED = "ApiEnabled"
    VIEW_ALL_DATA = "ViewAllData"
    MODIFY_ALL_DATA = "ModifyAllData"
    QUERY_ALL_FILES = "QueryAllFiles"
    VIEW_SETUP = "ViewSetup"
    MANAGE_USERS = "ManageUsers"
    BULK_HARD_DELETE = "BulkApiHardDelete"
    SET_AUDIT_FIELDS = "CreateAuditFields"
    UPDATE_INACTIVE_OWNER = "UpdateWithInactiveOwner"
    UPDATE_EMAIL_MESSAGES = "EditActivatedEmails"
    INSERT_CHATTER_SYSTEM_FIELDS = "InsertChatterSystemFields"
    VIEW_ENCRYPTED_DATA = "ViewEncryptedData"
    MANAGE_DATA_INTEGRATIONS = "ManageDataIntegrations"
    DELETE_ACTIVATED_CONTRACTS = "DeleteActivatedContract"
    ASSIGN_PERMISSION_SETS = "AssignPermissionSets"


class ObjectOperation(StrEnum):
    """Operations that object permissions distinguish."""

    CREATE = "create"
    EDIT = "edit"
    DELETE = "delete"


EVERY_OBJECT = "*"
"""Stands for all objects in ``SimUser.denied``."""

BACKUP_PERMISSIONS = frozenset(
    {
        Permission.API_ENABLED,
        Permission.VIEW_ALL_DATA,
        Permission.QUERY_ALL_FILES,
        Permission.VIEW_SETUP,
        Permission.MANAGE_USERS,
    }
)
"""What a backup user is granted."""


@dataclass(frozen=True, slots=True)
class SimUser:
    """One user of the org who may call the API.

    ``id`` is the id of the user's row in the User object. ``hidden_fields`` and
    ``read_only_fields`` hold pairs of object and field names, ``hidden_objects`` object names,
    ``denied`` pairs of object name (or ``*``) and operation, all in lower case once registered.
    ``group_ids`` are the groups and queues that the user is in (shares and ownership by queue).
    """

    id: str
    username: str
    name: str = ""
    email: str = ""
    active: bool = True
    profile_id: str | None = None
    permissions: frozenset[Permission] = BACKUP_PERMISSIONS
    hidden_fields: frozenset[tuple[str, str]] = frozenset()
    hidden_objects: frozenset[str] = frozenset()
    read_only_fields: frozenset[tuple[str, str]] = frozenset()
    denied: frozenset[tuple[str, ObjectOperation]] = frozenset()
    group_ids: frozenset[str] = frozenset()
    password: str | None = field(default=None, repr=False)
    consumer_key: str | None = None
    """Key of the external client app that runs as this user (client credentials flow)."""
    consumer_secret: str | None = field(default=None, repr=False)

    def may(self, permission: Permission) -> bool:
        """Return true if the permission is granted."""
        return permission in self.permissions

    @property
    def sees_all(self) -> bool:
        """True if sharing is not evaluated for this user."""
        return Permission.VIEW_ALL_DATA in self.permissions

    @property
    def sees_all_files(self) -> bool:
        """True if files need no link to the user (Query All Files needs View All Data)."""
        return self.sees_all and Permission.QUERY_ALL_FILES in self.permissions

    def sees(self, object_name: str, field_name: str | None = None) -> bool:
        """Return true if the object, and the field of it, exists for the user."""
        if object_name.lower() in self.hidden_objects:
            return False
        if field_name is None:
            return True
        return (object_name.lower(), field_name.lower()) not in self.hidden_fields

    def may_do(self, operation: ObjectOperation, object_name: str) -> bool:
        """Return true if the user's object permissions allow the operation."""
        return not {(EVERY_OBJECT, operation), (object_name.lower(), operation)} & self.denied

    def may_set(self, object_name: str, field_name: str) -> bool:
        """Return true if field-level security lets the user write the field."""
        return (object_name.lower(), field_name.lower()) not in self.read_only_fields


def normal(user: SimUser) -> SimUser:
    """The user with ids of 18 characters and hidden names in lower case."""
    return replace(
        user,
        id=ids.full(user.id),
        group_ids=frozenset(ids.full(group_id) for group_id in user.group_ids),
        hidden_fields=frozenset(
            (object_name.lower(), each.lower()) for object_name, each in user.hidden_fields
        ),
        hidden_objects=frozenset(object_name.lower() for object_name in user.hidden_objects),
        read_only_fields=frozenset(
            (object_name.lower(), each.lower()) for object_name, each in user.read_only_fields
        ),
        denied=frozenset(
            (object_name.lower(), ObjectOperation(each)) for object_name, each in user.denied
        ),
    )


class Users:
    """The users of one org; a change replaces the user's value."""

    def __init__(self, users: Iterable[SimUser] = ()) -> None:
        self._lock = threading.Lock()
        self._by_id = {user.id: user for user in map(normal, users)}

    def all(self) -> tuple[SimUser, ...]:
        """All users, in the order of registration."""
        return tuple(self._by_id.values())

    def first(self) -> SimUser:
        """The first user: the one to whom rows without an owner belong."""
        return next(iter(self._by_id.values()))

    def by_id(self, user_id: str) -> SimUser | None:
        """The user of this id of 15 or 18 characters."""
        head = user_id[:15]
        return next((user for key, user in self._by_id.items() if key[:15] == head), None)

    def by_username(self, username: str) -> SimUser | None:
        """The user of this user name, in any case."""
        wanted = username.lower()
        return next((user for user in self.all() if user.username.lower() == wanted), None)

    def put(self, user: SimUser) -> SimUser:
        """Add or replace a user."""
        changed = normal(user)
        with self._lock:
            self._by_id = {**self._by_id, changed.id: changed}
        return changed

    def current(self, user: SimUser) -> SimUser:
        """The present value of a user who may have been changed since the caller got it."""
        return self._by_id.get(user.id, user)

    def set_permission(self, user_id: str, permission: Permission, *, granted: bool) -> SimUser:
        """Grant or take a permission."""
        user = self._need(user_id)
        wanted = {permission}
        changed = user.permissions | wanted if granted else user.permissions - wanted
        return self.put(replace(user, permissions=changed))

    def hide_field(self, user_id: str, object_name: str, field_name: str) -> SimUser:
        """Hide a field from a user by field-level security."""
        user = self._need(user_id)
        pair = (object_name.lower(), field_name.lower())
        return self.put(replace(user, hidden_fields=user.hidden_fields | {pair}))

    def show_field(self, user_id: str, object_name: str, field_name: str) -> SimUser:
        """Undo ``hide_field``."""
        user = self._need(user_id)
        pair = (object_name.lower(), field_name.lower())
        return self.put(replace(user, hidden_fields=user.hidden_fields - {pair}))

    def hide_object(self, user_id: str, object_name: str) -> SimUser:
        """Take away a user's access to an object."""
        user = self._need(user_id)
        return self.put(replace(user, hidden_objects=user.hidden_objects | {object_name.lower()}))

    def show_object(self, user_id: str, object_name: str) -> SimUser:
        """Undo ``hide_object``."""
        user = self._need(user_id)
        return self.put(replace(user, hidden_objects=user.hidden_objects - {object_name.lower()}))

    def lock_field(self, user_id: str, object_name: str, field_name: str) -> SimUser:
        """Make a field read-only for a user."""
        user = self._need(user_id)
        pair = (object_name, field_name)
        return self.put(replace(user, read_only_fields=user.read_only_fields | {pair}))

    def deny(self, user_id: str, object_name: str, operation: ObjectOperation) -> SimUser:
        """Take an object permission away; ``*`` stands for all objects."""
        user = self._need(user_id)
        return self.put(replace(user, denied=user.denied | {(object_name, operation)}))

    def allow(self, user_id: str, object_name: str, operation: ObjectOperation) -> SimUser:
        """Undo ``deny`` of the same object."""
        user = self._need(user_id)
        return self.put(replace(user, denied=user.denied - {(object_name.lower(), operation)}))

    def _need(self, user_id: str) -> SimUser:
        user = self.by_id(user_id)
        if user is None:
            msg = f"no user {user_id}"
            raise KeyError(msg)
        return user
