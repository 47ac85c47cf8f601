"""Say what Batch allows, as numbers and patterns. No checks here.

`Documented` means that a page of doc.batch.com says so; `stricter` means that Batch does not say, or that its
SDKs and its pages differ, and the sandbox takes the reading that refuses more.
"""

import re
from typing import Final, Literal

# The call. https://doc.batch.com/developer/api/cep/profiles/update and .../profiles/mass-update-profile
MAX_UPDATE_OPERATIONS: Final = 200  # documented
MAX_MASS_UPDATE_OPERATIONS: Final = 10_000  # documented
UPDATE_OPERATIONS_PER_SECOND: Final = 300  # documented; one bucket per project
UPDATE_BURST_OPERATIONS: Final = 1_000  # documented
MASS_UPDATE_OPERATIONS_PER_SECOND: Final = 10_000  # documented
MASS_UPDATE_BURST_OPERATIONS: Final = (
    10_000  # documented as "no burst": one second's worth, so a full call passes
)

# Identifiers. https://doc.batch.com/developer/sdk/android/profile-data/custom-user-id
MAX_CUSTOM_ID_CHARACTERS: Final = 512  # stricter: the SDKs allow 1,024
NULL_LIKE_WORDS: Final = frozenset(  # stricter: the SDKs refuse these, the server's rule is not published
    {"undefined", "null", "nil", "(null)", "[object object]", "true", "false", "nan", "infinity", "-infinity"}
)

# Attributes. https://doc.batch.com/developer/api/cep/profiles/update
NAME_PATTERN: Final = re.compile(r"[a-z0-9_]{1,30}")  # documented
MAX_PROFILE_ATTRIBUTES: Final = 50  # documented; counting natives and deletions is the stricter reading
MAX_PROFILE_ARRAYS: Final = 15  # stricter: the web SDK's number
MAX_STRING_CHARACTERS: Final = 300  # documented; in UTF-16 units, stricter
MAX_ARRAY_ITEMS: Final = 25  # documented
MAX_URL_CHARACTERS: Final = 2_048  # documented
MAX_EMAIL_CHARACTERS: Final = 128  # stricter: the web SDK's number, the mobile ones allow 256
MAX_ABSOLUTE_NUMBER: Final = 2**63 - 1  # stricter: the SDKs' int64, for floats too
EMAIL_PATTERN: Final = re.compile(r"[^@\s]+@[A-Za-z0-9.-]+\.[A-Za-z0-9]+")  # the SDKs'
PHONE_PATTERN: Final = re.compile(r"\+[1-9][0-9]{1,14}")  # E.164; stricter than the SDKs on the first digit
LANGUAGE_PATTERN: Final = re.compile(r"[a-z]{2}")  # ISO 639-1; stricter: no regional form
REGION_PATTERN: Final = re.compile(r"[A-Z]{2}")  # ISO 3166-1 alpha-2
TOPIC_PATTERN: Final = re.compile(r"[a-z0-9_]{1,300}")  # the web SDK's; stricter: no hyphen

# Events. https://doc.batch.com/developer/api/cep/profiles/update
MAX_EVENTS: Final = 15  # documented
MAX_EVENT_BYTES: Final = 25_000  # documented as 25 kB; stricter: of 1,000 bytes, as compact JSON
MAX_EVENT_AGE_SECONDS: Final = 24 * 3_600  # documented
MAX_CLOCK_SKEW_SECONDS: Final = 1.0  # ours: two machines' clocks are never quite equal
MAX_EVENT_OBJECT_MEMBERS: Final = 20  # stricter: three SDKs' number, reserved members counted
MAX_EVENT_ARRAYS: Final = 10  # stricter: the web SDK's number
MAX_EVENT_LEVELS: Final = 3  # stricter: three SDKs' number, an array and the object in it are two levels
MAX_LABEL_CHARACTERS: Final = 200  # the SDKs'
MAX_TAGS: Final = 10  # the SDKs'
MAX_TAG_CHARACTERS: Final = 64  # the SDKs'

# GDPR. https://doc.batch.com/developer/api/mep/gdpr/create
BLACKLIST_SECONDS: Final = 31 * 86_400  # documented as one month; the longest month is the stricter one
GDPR_REQUEST_LIFE_SECONDS: Final = 20 * 86_400  # documented as 20 to 30 days

Kind = Literal[
    "string", "integer", "float", "boolean", "date", "url", "array of strings", "array of objects", "object"
]
"""The type that a name keeps for ever. Integer and float differ: on Batch's wire they are two attributes."""
