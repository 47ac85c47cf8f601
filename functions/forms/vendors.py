"""Every form vendor: a new one is one module and one line here."""

from __future__ import annotations

from functions.forms import form, typeform

VENDORS = {
    vendor.source.name: vendor
    for vendor in (
        typeform.VENDOR,
        form.VENDOR,
    )
}
