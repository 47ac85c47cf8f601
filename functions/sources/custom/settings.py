"""Say what the owner of a `custom` connection says of a tool: how it proves itself, and what it means. Values only.

Checked when the settings are stored, expressions included.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeAlias

from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bridge.expressions import TooCostly, compiled, search
from bridge.profiles.profile_change import Provenance
from bridge.settings import BatchName, ConnectionSettings
from functions.sources.custom.expressions import is_true

OF_FORMS = ("event", "fields", "consent_fields", "thank_you_url", "honeypot")


def compiles(expression: str) -> str:
    """Return the expression, if it is one. Raises ValueError with the position of the fault."""
    try:
        parsed = compiled(expression).parsed
    except TooCostly as error:
        raise ValueError(str(error)) from None
    except JMESPathError as error:
        position = getattr(error, "lex_position", None)
        where = "" if position is None else f" at character {position + 1}"
        raise ValueError(f"not a JMESPath expression{where}") from None
    if negates_too_little(parsed):
        raise ValueError("`!a.b` means (!a).b; write !(a.b)")
    return expression


def negates_too_little(parsed: Any) -> bool:
    """Return whether a `!` takes only the first name of a path, which nobody means."""
    children = parsed["children"]
    if parsed["type"] == "subexpression" and children[0]["type"] == "not_expression":
        return True
    return any(negates_too_little(child) for child in children if isinstance(child, dict))


Expression: TypeAlias = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(compiles)]
HeaderName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")]
ProfileKey: TypeAlias = Annotated[
    str,
    Field(
        pattern=r"^(\$(email_address|email_marketing|phone_number|sms_marketing|language|region|timezone)"
        r"|[a-z0-9_]{1,30}|(date|url)\([a-z0-9_]{1,30}\))$"
    ),
]
EventKey: TypeAlias = Annotated[
    str, Field(pattern=r"^(\$(label|tags)|[a-z0-9_]{1,30}|(date|url)\([a-z0-9_]{1,30}\))$")
]
Kind: TypeAlias = Literal["text", "number", "integer", "money_minor", "boolean", "date", "list"]


class Strict(BaseModel):
    """Part of the settings; an unknown name is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# ── How it proves itself ────────────────────────────────────────────────────────────────────────────────────


class Hmac(Strict):
    """A digest in a header over the body, or over a text with the body in it."""

    scheme: Literal["hmac"]
    header: HeaderName
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    signature_part: str | None = None
    timestamp_part: str | None = None
    timestamp_header: HeaderName | None = None
    timestamp_unit: Literal["s", "ms", "iso"] = "s"
    tolerance_seconds: int = Field(300, ge=1, le=3600)
    id_header: HeaderName | None = None
    signed: str = "{body}"

    @model_validator(mode="after")
    def is_complete(self) -> Hmac:
        """Refuse what would prove nothing: a body or a time that nobody signs."""
        has_time = self.timestamp_part is not None or self.timestamp_header is not None
        if "{body}" not in self.signed:
            raise ValueError("`signed` must have {body} in it")
        if has_time != ("{timestamp}" in self.signed):
            raise ValueError("a timestamp needs {timestamp} in `signed`, and the other way round")
        if self.timestamp_part is not None and self.signature_part is None:
            raise ValueError("`timestamp_part` needs `signature_part`")
        if ("{id}" in self.signed) != (self.id_header is not None):
            raise ValueError("`id_header` needs {id} in `signed`, and the other way round")
        return self

    def proves(self, header: str) -> bool:
        """Return whether a header is signed: of all headers, only the webhook's id can be."""
        return header.lower() == (self.id_header or "").lower()


class StandardWebhooks(Strict):
    """https://www.standardwebhooks.com, and Svix."""

    scheme: Literal["standard_webhooks"]
    tolerance_seconds: int = Field(300, ge=1, le=3600)

    def proves(self, header: str) -> bool:
        """Return whether a header is signed."""
        return header.lower() in ("webhook-id", "svix-id")


class Basic(Strict):
    """A user and a password, stored as one secret: `user:password`."""

    scheme: Literal["basic"]

    def proves(self, header: str) -> bool:
        """Return who knows the password may say anything, in the body too: a header is worth as much."""
        del header
        return True


class Token(Strict):
    """A secret as it is, in a header or in the address."""

    scheme: Literal["token"]
    header: HeaderName | None = None
    query: str = Field("token", min_length=1)
    prefix: str = ""

    def proves(self, header: str) -> bool:
        """Return who knows the token may say anything, in the body too: a header is worth as much."""
        del header
        return True


class HeaderOf(Strict):
    """Hold what is in a header of the webhook."""

    header: HeaderName


class Get(Strict):
    """A GET by which the tool tries the address; with `answer`, the parameter that it wants back."""

    answer: str | None = None
    token_in: str | None = None
    token: str | None = Field(None, min_length=8)

    @model_validator(mode="after")
    def has_a_token(self) -> Get:
        if len({self.answer is None, self.token_in is None, self.token is None}) > 1:
            raise ValueError("`answer`, `token_in` and `token` belong together")
        return self


class Handshake(Strict):
    """Hold how the tool tries the address: a body with a text that it wants back, or a GET."""

    body: Expression | None = None
    get: Get | None = None


# ── What it means ───────────────────────────────────────────────────────────────────────────────────────────


class Attribute(Strict):
    """Hold where an attribute's value stands; an expression alone is short for `{"path": ...}`."""

    path: Expression | None = None
    type: Kind | None = None
    currency: Expression | None = None
    country: Expression | None = None
    values: dict[str, str | bool | int | float] | None = None
    for_each: Expression | None = None
    fields: dict[EventKey, Attribute] | None = None

    @model_validator(mode="before")
    @classmethod
    def written_short(cls, stored: Any) -> Any:
        return {"path": stored} if isinstance(stored, str) else stored

    @model_validator(mode="after")
    def is_complete(self) -> Attribute:
        if (self.path is None) == (self.for_each is None):
            raise ValueError("either `path` or `for_each` is needed")
        if (self.for_each is None) != (self.fields is None):
            raise ValueError("`for_each` and `fields` belong together")
        if (self.type == "money_minor") != (self.currency is not None):
            raise ValueError("`money_minor` and `currency` belong together")
        return self


class PersonRules(Strict):
    """Hold whose webhook it is: expressions. `claimed_user_id` is one that visitors can set, whoever states the
    rest."""

    user_id: Expression | None = None
    claimed_user_id: Expression | None = None
    user_id_signature: Expression | None = None
    email: Expression | None = None
    source_id: Expression | None = None
    references: dict[BatchName, Expression] = {}
    named_elsewhere: bool = False


class EventRule(Strict):
    """An event of the webhook."""

    name: BatchName
    time: Expression | None = None
    once: Expression | None = None
    attributes: dict[EventKey, Attribute] = {}


class Rule(Strict):
    """Hold what webhooks of some topics mean, where `when` is true."""

    topics: tuple[str, ...] = ()
    when: Expression | None = None
    person: PersonRules | None = None
    time: Expression | None = None
    attributes: dict[ProfileKey, Attribute] = {}
    event: EventRule | None = None


CONSENTS = frozenset({"$email_marketing", "$sms_marketing"})


def unconfirmed(rule: Rule, rules: Iterable[Rule]) -> str:
    """Return why the `when` of a rule does not show that a body is of its topics; empty where it may."""
    if rule.when is None:
        return "there is none"
    if is_true_of_nothing(rule.when):
        return "this one is true of an empty body"
    if any(
        other.when == rule.when and not set(other.topics) & set(rule.topics)
        for other in rules
        if other.topics
    ):
        return "rules of other topics have the same"
    if CONSENTS & rule.attributes.keys() and not compares(compiled(rule.when).parsed):
        return "of a consent it compares a field with a text, as in `type == 'unsubscribed'`"
    return ""


def is_true_of_nothing(expression: str) -> bool:
    """Return whether an expression is true of a body that says nothing."""
    try:
        return is_true(search(expression, {}))
    except JMESPathError:
        return False


def compares(parsed: Any) -> bool:
    """Return whether an expression compares what it finds with a literal, wherever in it."""
    children = [child for child in parsed["children"] if isinstance(child, dict)]
    kinds = [child["type"] == "literal" for child in children]
    if parsed["type"] == "comparator" and parsed["value"] == "eq" and any(kinds) and not all(kinds):
        return True
    return any(map(compares, children))


class CustomSettings(ConnectionSettings):
    """The settings of a `custom` connection: those of every connection, and the tool's own."""

    verify: Annotated[Hmac | StandardWebhooks | Basic | Token, Field(discriminator="scheme")]
    topic: Expression | HeaderOf | None = None
    id: Expression | None = None
    customer: Expression | None = None
    time: Expression | None = None
    test: Expression | None = None
    handshake: Handshake | None = None
    ignore: tuple[str, ...] = ()
    provenance: Provenance = "visitor"
    person: PersonRules
    mapping: tuple[Rule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def confirms_a_topic_that_nobody_signs(self) -> CustomSettings:
        """Refuse rules about topics that the body does not confirm: a captured one could be sent under any topic."""
        if isinstance(self.topic, HeaderOf) and not self.verify.proves(self.topic.header):
            for number, rule in enumerate(self.mapping):
                if rule.topics and (doubt := unconfirmed(rule, self.mapping)):
                    raise ValueError(
                        f"mapping.{number}: nobody signs the header with the topic, so a rule with `topics` needs"
                        f" a `when` that is true only for bodies of these topics: {doubt}"
                    )
        return self

    @model_validator(mode="before")
    @classmethod
    def has_none_of_the_forms(cls, stored: Any) -> Any:
        known = [name for name in OF_FORMS if isinstance(stored, dict) and name in stored]
        if known:
            raise ValueError(f"{', '.join(known)}: only for forms")
        return stored


MODEL = CustomSettings
