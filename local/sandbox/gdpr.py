"""Take GDPR requests: https://doc.batch.com/developer/api/mep/gdpr/create . Nothing is called back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from local.sandbox.errors import MalformedParameter, MissingParameter, RouteNotFound
from local.sandbox.limits import GDPR_REQUEST_LIFE_SECONDS
from local.sandbox.store import Store

REQUEST_TYPES: Final = ("review", "remove")
ID_TYPES: Final = ("custom_id", "advertising_id")
MEMBERS: Final = frozenset({"request_type", "callback_url", "id"})


@dataclass(frozen=True, slots=True)
class GdprRequest:
    """One request. It is done as soon as it is made."""

    request_id: str
    requested_at: float
    request_type: str
    id_type: str
    id_value: str
    found: bool

    def as_json(self) -> dict[str, object]:
        """Give Batch's view of it; a person whom Batch does not know is an `error` of a done request."""
        moment = datetime.fromtimestamp(self.requested_at, UTC)
        shown: dict[str, object] = {
            "request_id": self.request_id,
            "request_date": moment.replace(tzinfo=None).isoformat(timespec="milliseconds"),
            "status": "done",
            "request_type": self.request_type,
            "trigger_type": "api",
            "id": {"type": self.id_type, "value": self.id_value},
        }
        return shown if self.found else shown | {"error": "user not found"}


class GdprRequests:
    """The requests of every app, for as long as Batch shows them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._requests: dict[str, dict[str, GdprRequest]] = {}

    def create(self, project: str, app_key: str, asked: object, now: float) -> GdprRequest:
        """Carry a request out: `remove` deletes the profile at once and blacklists its id for a month."""
        request_type, id_type, id_value = _read_request(asked)
        found = id_type == "custom_id" and self._find(request_type, project, id_value, now)
        request = GdprRequest(str(uuid4()), now, request_type, id_type, id_value, found)
        self._requests.setdefault(app_key, {})[request.request_id] = request
        return request

    def all(self, app_key: str, now: float) -> list[GdprRequest]:
        """Give an app's requests that have not expired, the oldest first."""
        known = self._requests.get(app_key, {}).values()
        return [request for request in known if now - request.requested_at < GDPR_REQUEST_LIFE_SECONDS]

    def one(self, app_key: str, request_id: str, now: float) -> GdprRequest:
        """Give one request of an app; raises `RouteNotFound`."""
        for request in self.all(app_key, now):
            if request.request_id == request_id:
                return request
        raise RouteNotFound("there is no such request")

    def clear(self) -> None:
        """Forget every request."""
        self._requests.clear()

    def _find(self, request_type: str, project: str, custom_id: str, now: float) -> bool:
        if request_type == "remove":
            return self._store.erase(project, custom_id, now)
        return self._store.profile(custom_id, project) is not None


def _read_request(asked: object) -> tuple[str, str, str]:
    if not isinstance(asked, dict) or not asked.keys() <= MEMBERS:
        raise MalformedParameter("the body is not an object of request_type, callback_url and id")
    if "request_type" not in asked or "id" not in asked:
        raise MissingParameter("request_type and id are required")
    if asked["request_type"] not in REQUEST_TYPES:
        raise MalformedParameter("request_type is neither review nor remove")
    if not isinstance(asked.get("callback_url", ""), str):
        raise MalformedParameter("callback_url is not a string")
    identifier = asked["id"]
    if not isinstance(identifier, dict) or identifier.keys() != {"type", "value"}:
        raise MalformedParameter("id is not an object of type and value")
    if identifier["type"] not in ID_TYPES:
        raise MalformedParameter("the type of the id is neither custom_id nor advertising_id")
    if not isinstance(identifier["value"], str) or not identifier["value"]:
        raise MalformedParameter("the value of the id is not a filled string")
    return str(asked["request_type"]), str(identifier["type"]), identifier["value"]
