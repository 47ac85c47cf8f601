"""Name the failures of Batch's API as https://doc.batch.com/developer/api/cep/campaigns/delete does.

BatchError                     the whole call is refused, nothing of it is applied
├── MissingParameter       400 (30)
├── MalformedParameter     400 (31)
├── MalformedJsonBody      400 (32)
├── AuthenticationInvalid  401 (10)
├── ApiMisuse              403 (12)
├── RouteNotFound          404 (20)
├── TooManyRequests        429 (60)
├── ServerError            500 (0)
└── Maintenance            503 (2)
"""

from typing import ClassVar


class BatchError(Exception):
    """A call that is refused whole. Its text may name members, never what they hold."""

    status: ClassVar[int]
    code: ClassVar[int]
    title: ClassVar[str]

    def as_body(self) -> dict[str, object]:
        """Give the body of the answer: `{"error_code": 31, "error_message": "MALFORMED_PARAMETER: ..."}`."""
        detail = str(self)
        return {
            "error_code": self.code,
            "error_message": f"{self.title}: {detail}" if detail else self.title,
        }


class MissingParameter(BatchError):
    """Something required was not sent."""

    status, code, title = 400, 30, "MISSING_PARAMETER"


class MalformedParameter(BatchError):
    """Something was sent in a form that is not allowed."""

    status, code, title = 400, 31, "MALFORMED_PARAMETER"


class MalformedJsonBody(BatchError):
    """The body is not JSON."""

    status, code, title = 400, 32, "MALFORMED_JSON_BODY"


class AuthenticationInvalid(BatchError):
    """The REST API key is missing or unknown."""

    status, code, title = 401, 10, "AUTHENTICATION_INVALID"


class ApiMisuse(BatchError):
    """The REST API key is known, but not for this project."""

    status, code, title = 403, 12, "API_MISUSE"


class RouteNotFound(BatchError):
    """There is no such route, or no such thing behind it."""

    status, code, title = 404, 20, "ROUTE_NOT_FOUND"


class TooManyRequests(BatchError):
    """The project's bucket has fewer tokens left than the call has operations."""

    status, code, title = 429, 60, "TOO_MANY_REQUESTS"


class ServerError(BatchError):
    """Batch failed."""

    status, code, title = 500, 0, "SERVER_ERROR"


class Maintenance(BatchError):
    """Batch is being maintained."""

    status, code, title = 503, 2, "MAINTENANCE_ERROR"


# status → the failure that a fault of this status shows; others show a server error under their own status
BY_STATUS: dict[int, type[BatchError]] = {
    error.status: error
    for error in (
        MalformedParameter,
        AuthenticationInvalid,
        ApiMisuse,
        RouteNotFound,
        TooManyRequests,
        ServerError,
        Maintenance,
    )
}
