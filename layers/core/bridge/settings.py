"""Say what a connection's owner may choose, checked when it is stored. Values only: no I/O.

Not imported by the functions that receive: pydantic costs them a third of their cold start.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, ValidationError, field_validator

from bridge import expressions
from bridge.errors import BridgeError
from bridge.expressions import TooCostly
from bridge.profiles.identity import CANDIDATES, Candidate

BatchName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,30}$")]
AttributeKey = Annotated[
    str,
    Field(
        pattern=r"^(\$(email_address|phone_number|language|region|timezone)|[a-z0-9_]{1,30}|(date|url)\([a-z0-9_]{1,30}\))$"
    ),
]


def compiled(expression: str) -> str:
    """Return the expression, if it can be read. Raises ValueError with the place where it cannot."""
    try:
        expressions.compiled(expression)
    except TooCostly as error:
        raise ValueError(str(error)) from None
    except JMESPathError as error:
        raise ValueError(f"no JMESPath expression: {error}") from None
    return expression


Expression = Annotated[str, AfterValidator(compiled)]


class InvalidSettings(BridgeError):
    """Settings that cannot be stored; `reason` names each setting and what is wrong with it."""


class ConnectionSettings(BaseModel):
    """The settings of one connection; each has a default, and an unknown one is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: str = Field(
        "default", pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="Batch project that gets the profiles"
    )
    identity: tuple[Candidate, ...] = Field(
        CANDIDATES, min_length=1, description="what makes the custom id: the first of these that is there"
    )
    identity_wait_hours: float = Field(
        24,
        ge=0,
        le=24,
        description="how long a webhook without an e-mail waits for one that tells whose it is",
    )
    visitor_user_id: Literal["ignore", "signed", "trust"] = Field(
        "signed",
        description="whether a `user_id` that a visitor can set names the profile: never, where it is signed, always",
    )
    visitor_updates: Literal["fill", "replace"] = Field(
        "fill",
        description="whether an e-mail or a phone number of a visitor replaces an earlier visitor's",
    )
    shared_identities: int | None = Field(
        5,
        ge=1,
        le=50,
        description="how many customers an e-mail or phone may stand for before it names nobody; null is any",
    )
    stripe_sessions: Literal["server", "public"] = Field(
        "public",
        description="Stripe: whether your server alone makes sessions, so that `client_reference_id` is yours",
    )
    silence_hours: float | None = Field(
        None,
        ge=0,
        le=2160,
        description="hours without a webhook after which an alarm rings; 0 is never, null is what is usual for it",
    )
    expected_topics: tuple[str, ...] = Field(
        (), max_length=50, description="topics that must have come within a day of connecting"
    )
    test_events: bool = Field(False, description="whether test orders and test-mode events go to Batch")
    events: dict[str, BatchName | None] = Field(
        default_factory=dict, description="event → its name in Batch, or null to leave it out"
    )
    attributes: dict[str, AttributeKey | None] = Field(
        default_factory=dict, description="profile attribute → its name in Batch, or null to leave it out"
    )
    prefix: str = Field(
        "",
        pattern=r"^([a-z0-9_]{1,15})?$",
        description="what stands before the names of events and of attributes that are not Batch's own",
    )
    added_attributes: dict[AttributeKey, Expression] = Field(
        default_factory=dict, description="profile attribute → JMESPath expression that reads it off the body"
    )
    shop_domain: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$",
        description="Shopify: the shop's own address, to compare with its orders",
    )
    shop_redact_hours: float = Field(
        48,
        ge=0,
        le=720,
        description="Shopify: hours from `shop/redact` until everybody whom the shop told of is erased",
    )
    customers_delete: Literal["housekeeping", "erase"] = Field(
        "housekeeping",
        description="Shopify: whether a customer whom somebody deletes in the shop is erased as a person",
    )
    compare_since: date | None = Field(
        None, description="day in UTC before which nothing is compared with what the tool says happened"
    )
    compare_topics: tuple[str, ...] = Field(
        (), description="topics to compare; none means those of which something has arrived"
    )
    event: BatchName = Field("form_submitted", description="forms: the event's name")
    fields: dict[str, AttributeKey | None] = Field(
        default_factory=dict,
        description="forms: label, key or ref of a question → profile attribute, or null to leave it out",
    )
    consent_fields: dict[str, str] = Field(
        default_factory=dict,
        description="forms: label, key or ref of a consent box → `email` or `sms`",
    )
    resubscribe: bool = Field(
        False, description="whether a visitor's ticked box subscribes who is known to have unsubscribed"
    )
    brand: str = Field(
        "", max_length=60, description="name that the page shows on which people confirm a consent"
    )
    thank_you_url: HttpUrl | None = Field(None, description="plain form: where the browser goes afterwards")
    honeypot: str = Field(
        "_gotcha", min_length=1, description="plain form: a hidden field that only robots fill in"
    )

    @field_validator("brand")
    @classmethod
    def is_one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("it is one line of printable characters")
        return value.strip()

    @field_validator("consent_fields")
    @classmethod
    def names_a_channel(cls, value: dict[str, str]) -> dict[str, str]:
        if not set(value.values()) <= {"email", "sms"}:
            raise ValueError("each consent box is for `email` or `sms`")
        return value


Settings = TypeVar("Settings", bound=ConnectionSettings)


def checked(stored: dict[str, Any], model: type[Settings] = ConnectionSettings) -> Settings:  # type: ignore[assignment]
    """Return the settings, or InvalidSettings with the name of each that is wrong. A room may have a `model` of its
    own."""
    try:
        return model.model_validate(stored)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in problem['loc']) or 'settings'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise InvalidSettings("; ".join(problems)) from None
