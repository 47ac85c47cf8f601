"""Every form vendor: a new one is one module and one line here."""

from __future__ import annotations

from functions.forms import elementor, form, google, gravity, typeform, wpforms, wufoo

VENDORS = {
    vendor.source.name: vendor
    for vendor in (
        typeform.VENDOR,
        gravity.VENDOR,
        elementor.VENDOR,
        wpforms.VENDOR,
        wufoo.VENDOR,
        google.VENDOR,
        form.VENDOR,
    )
}
