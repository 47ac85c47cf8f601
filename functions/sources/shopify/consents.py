"""Say what a customer agreed to: in topics of its own since 2025-01, within the customer before. Pure."""

from __future__ import annotations

from typing import TypeAlias

from bridge.errors import Ignored
from bridge.profiles import normalise
from bridge.profiles.profile_change import AttributeGroup, Event, ProfileChange, Value, present
from bridge.webhook import Webhook
from functions.sources.shopify.headers import arrival, is_test
from functions.sources.shopify.payloads import Consent, Customer, EmailConsent, SmsConsent
from functions.sources.shopify.references import known_by_id

Groups: TypeAlias = tuple[AttributeGroup, ...]

CONSENT_STATES = {"subscribed": "subscribed", "unsubscribed": "unsubscribed", "redacted": "unsubscribed"}
"""Any other state (not_subscribed, pending, invalid) states nothing."""


def email_changed(webhook: Webhook) -> ProfileChange:
    told = EmailConsent.model_validate_json(webhook.body)
    consent, version = stated(told.email_marketing_consent, webhook)
    return ProfileChange(
        person=known_by_id(told.customer_id, told.email_address),
        groups=(
            address_group({"$email_address": told.email_address}, version),
            *consent_group("consent_email", "$email_marketing", consent, version),
        ),
        events=(consent_event("email_consent_changed", consent, webhook),),
        is_test=is_test(webhook),
        body_provenance="owner",
    )


def sms_changed(webhook: Webhook) -> ProfileChange:
    told = SmsConsent.model_validate_json(webhook.body)
    consent, version = stated(told.sms_marketing_consent, webhook)
    return ProfileChange(
        person=known_by_id(told.id),
        groups=(
            address_group({"$phone_number": normalise.phone(told.phone, None) or told.phone}, version),
            *consent_group("consent_sms", "$sms_marketing", consent, version),
        ),
        events=(consent_event("sms_consent_changed", consent, webhook),),
        is_test=is_test(webhook),
        body_provenance="owner",
    )


def stated(consent: Consent | None, webhook: Webhook) -> tuple[Consent, str]:
    """Return the consent and its version. Raises Ignored where the shop states none."""
    if consent is None or consent.state is None:
        raise Ignored("no consent is stated")
    return consent, normalise.sortable(consent.consent_updated_at or arrival(webhook))


def address_group(attributes: dict[str, Value], version: str) -> AttributeGroup:
    """Return the address that the consent is for; of the same moment, what else mentions the customer wins."""
    return AttributeGroup("customer", f"{version}|consent", present(attributes), provenance="owner")


def consent_event(name: str, consent: Consent, webhook: Webhook) -> Event:
    attributes: dict[str, Value] = {"state": consent.state, "opt_in_level": consent.opt_in_level}
    return Event(name, consent.consent_updated_at or arrival(webhook), present(attributes))


def consent_groups(customer: Customer) -> Groups:
    """Return what the customer says of both: API versions before 2025-01, before 2024-01 `accepts_marketing` alone."""
    email = customer.email_marketing_consent
    if email is None and customer.accepts_marketing:
        email = Consent(state="subscribed", consent_updated_at=customer.accepts_marketing_updated_at)
    return (
        *consent_group("consent_email", "$email_marketing", email, told_at(email, customer)),
        *consent_group(
            "consent_sms",
            "$sms_marketing",
            customer.sms_marketing_consent,
            told_at(customer.sms_marketing_consent, customer),
        ),
    )


def told_at(consent: Consent | None, customer: Customer) -> str:
    return normalise.sortable((consent and consent.consent_updated_at) or customer.created_at)


def consent_group(name: str, key: str, consent: Consent | None, version: str) -> Groups:
    """Return the consent as the shop states it; a state that says nothing writes nothing."""
    state = CONSENT_STATES.get((consent and consent.state) or "")
    return () if state is None else (AttributeGroup(name, version, {key: state}, provenance="owner"),)
