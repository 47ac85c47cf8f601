"""Receive the webhooks of every form vendor: prove, name, queue. Maps nothing."""

from __future__ import annotations

from bridge.door import door
from functions.forms.vendors import VENDORS

SOURCES = tuple(vendor.source for vendor in VENDORS.values())

handler = door(*SOURCES)
