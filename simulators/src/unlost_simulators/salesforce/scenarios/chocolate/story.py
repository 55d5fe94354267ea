"""The names of the story: who may log in, whose customer is lost, which numbers are overwritten.

Demos and tests refer to them. Ids follow from the handles (`fixed_rows.story_id`), and stay
the same at every seed and scale.
"""

from __future__ import annotations

from unlost_simulators.company import written
from unlost_simulators.company.employees import BY_HANDLE

BACKUP_USERNAME = "backup@chocolate.example"
BACKUP_CONSUMER_KEY = "chocolate-backup"
# Printed in the documentation; opens a simulator only.
BACKUP_CONSUMER_SECRET = "not-a-secret-chocolate"  # noqa: S105
RESTORE_CONSUMER_KEY = "chocolate-restore"
"""Writes as the administrator, with the secret of the app for backups."""
NARROW_USERNAME = "narrow@chocolate.example"
NARROW_CONSUMER_KEY = "chocolate-narrow"
ADMIN_USERNAME = BY_HANDLE["lotte"].mail
"""The colleague who deletes the customer."""
SALES_USERNAME = BY_HANDLE["kenji"].mail
"""The colleague who overwrites the telephone numbers."""
INACTIVE_USERNAME = BY_HANDLE["wim"].mail
"""Left the company; still owns records."""

CUSTOMER_NUMBER = written.SONNENSCHEIN.number
CUSTOMER_NAME = written.SONNENSCHEIN.name
CUSTOMER = "sonnenschein"
"""Handle of the customer's Account row."""
PARENT_CUSTOMER_NUMBER = written.HOLDING.number

DELETED_WITH_CUSTOMER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ContentDocument", ("prices", "shop", "protocol", "credit-note", "reviews")),
    ("Order", ("order-a", "order-b")),
    ("Contract", ("frame",)),
    ("Case", ("melted-2", "melted", "invoice", "allergen", "praise")),
    ("Account", (CUSTOMER,)),
)
"""What the colleague deletes, by object and handle, in an order that no restricting reference stops;
contacts, opportunities, assets, activities, mails and attachments go by cascade."""

OVERWRITE_OBJECT = "Contact"
OVERWRITE_FIELD = "Phone"
OVERWRITE_VALUE = "+81 00 0000000"
OVERWRITE_WHERE = "Sales_Region__c = 'Kansai'"
"""Holds for at least 300 contacts with a telephone number, at every scale and seed."""
OVERWRITE_AT_LEAST = 300

LOOPING_ADDRESS = "inkoop@zoetwinkel.example"
"""The customer whose out-of-office replies answer those of the service mailbox."""
PICTURE_SUBJECT = "Foto: gebroken pralines 4711"
"""Of the mail on an old case that shows a picture."""
PICTURE_ADDRESS = "klant4711@winkel.example"
PICTURE_BYTES = 40_000
