"""What can go wrong when the API server is asked, one class per remedy.

In: an HTTP status and the server's own words. Out: an exception. All are OSErrors, because to every layer that does
not speak HTTP they are input/output failures.
"""


class ApiError(OSError):
    """The API server refused, or could not be reached (`code` 0)."""

    def __init__(self, message: str, *, code: int = 0, reason: str = "", retry_after: float | None = None) -> None:
        """`reason` and `message` are the server's; `retry_after` is in seconds."""
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.code} {self.reason}: {self.message}" if self.code else self.message


class Unauthorized(ApiError):  # noqa: N818 - named as the API names it
    """401: the token is not valid any more; read it again."""


class Forbidden(ApiError):  # noqa: N818
    """403: a role lacks a verb, or an admission rule says no. The message names it; a person has to act."""


class NotFound(ApiError):  # noqa: N818
    """404: the object, its namespace or its kind is gone."""


class Conflict(ApiError):  # noqa: N818
    """409: the object exists, has another UID, or changed in between. Look again."""


class Expired(ApiError):  # noqa: N818
    """410: this resourceVersion is too old. List again."""


class Invalid(ApiError):  # noqa: N818
    """400 or 422: the object breaks a rule of the API server. Sending it again does not help."""


class TooManyRequests(ApiError):  # noqa: N818
    """429: the server asks for patience, `retry_after` seconds of it."""


class ServerError(ApiError):
    """5xx: try again later."""


class Unreachable(ApiError):  # noqa: N818
    """No answer: refused, reset, timed out."""


class NotLeading(ApiError):  # noqa: N818
    """Nothing was sent: another process may lead by now."""

    def __init__(self) -> None:
        """There is only one way to say it."""
        super().__init__("another process may lead by now; nothing was sent")


class NameConflict(Exception):  # noqa: N818 - a finding, not a failure of I/O
    """An object of the wanted name exists and somebody else controls it; it is never taken over."""

    def __init__(self, *, kind: str, namespace: str, name: str, controller: str) -> None:
        """Name the object, and in `controller` who controls it (empty: nobody)."""
        held = f"is controlled by {controller}" if controller else "is not ours"
        super().__init__(f"{kind} {namespace}/{name} exists and {held}; rename one of the two")
        self.kind = kind
        self.name = name


_BY_CODE: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Expired,
    422: Invalid,
    429: TooManyRequests,
}


def api_error(code: int, *, reason: str, message: str, retry_after: float | None = None) -> ApiError:
    """Return the exception for an HTTP status from 400 on."""
    default = ServerError if code >= 500 else ApiError
    return _BY_CODE.get(code, default)(message, code=code, reason=reason, retry_after=retry_after)
