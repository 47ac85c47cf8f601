"""Every form vendor: a new one is one module and one line here."""

from __future__ import annotations

from functions.sources.forms.vendors import (
    elementor,
    fillout,
    google,
    gravity,
    html_form,
    hubspot,
    jotform,
    netlify,
    tally,
    typeform,
    webflow,
    wpforms,
    wufoo,
)

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
        gravity.VENDOR,
        elementor.VENDOR,
        wpforms.VENDOR,
        wufoo.VENDOR,
        google.VENDOR,
        html_form.VENDOR,
    )
}
