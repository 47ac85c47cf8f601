"""Every form vendor: a new one is one module and one line here."""

from __future__ import annotations

from functions.forms import fillout, form, hubspot, jotform, netlify, tally, typeform, webflow

VENDORS = {
    vendor.source.name: vendor
    for vendor in (
        typeform.VENDOR,
        tally.VENDOR,
        jotform.VENDOR,
        webflow.VENDOR,
        hubspot.VENDOR,
        fillout.VENDOR,
        netlify.VENDOR,
        form.VENDOR,
    )
}
