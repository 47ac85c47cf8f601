"""Say which places of a body the expressions of a connection's settings ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bridge.webhook import Webhook
from cli.trial import Trial
from functions.sources.registry import source_module


@dataclass(slots=True)
class Asked:
    """The places of a body that something asked for: `payload.email`, `items[].sku`."""

    places: set[str] = field(default_factory=set)

    def watched(self, content: Any, place: str = "") -> Any:
        """Return the same content, whose objects note what they are asked."""
        if isinstance(content, dict):
            return Watched(self, place, content)
        if isinstance(content, list):
            return [self.watched(item, f"{place}[]") for item in content]
        return content


class Watched(dict[str, Any]):
    """An object that notes which of its fields are asked for."""

    def __init__(self, asked: Asked, place: str, content: dict[str, Any]) -> None:
        self.asked = asked
        self.places = {name: f"{place}.{name}" if place else name for name in content}
        super().__init__({name: asked.watched(inner, self.places[name]) for name, inner in content.items()})

    def get(self, name: str, default: Any = None) -> Any:
        if name in self:
            self.asked.places.add(self.places[name])
        return super().get(name, default)

    def values(self) -> Any:
        self.asked.places.update(self.places.values())
        return super().values()

    def items(self) -> Any:
        self.asked.places.update(self.places.values())
        return super().items()


Watched.__name__ = "dict"
"""JMESPath tells types by their names."""


def asked(trial: Trial, webhook: Webhook) -> set[str]:
    """Return what the settings' expressions ask of the webhook's body, also where its present value makes no
    difference."""
    packages = webhook.source
    noted = Asked()
    watched = noted.watched(source_module(packages, "body").document(webhook.headers, webhook.body))
    settings: Any = trial.settings
    for name in ("topic", "id", "customer"):
        source_module(packages, "expressions").found_text(getattr(settings, name), watched)
    source_module(packages, "mapping").change_of(watched, webhook, settings)
    return noted.places
