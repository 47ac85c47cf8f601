"""Tell which project a call may write to. Keys are compared in constant time and never repeated."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from local.sandbox.errors import ApiMisuse, AuthenticationInvalid, MissingParameter


@dataclass(frozen=True, slots=True)
class ProjectKeys:
    """The keys of one project: the REST API key, and the app keys that the GDPR routes take in their path."""

    rest_api_key: str
    app_keys: tuple[str, ...] = ()


def authorize_project(
    projects: Mapping[str, ProjectKeys], authorization: str | None, project: str | None
) -> str:
    """Give the project that `Authorization: Bearer` and `X-Batch-Project` open together."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise AuthenticationInvalid("the Authorization header is not Bearer and a REST API key")
    _check_known(projects, key.strip())
    if not project:
        raise MissingParameter("the X-Batch-Project header is missing")
    if project not in projects or not _same(projects[project].rest_api_key, key.strip()):
        raise ApiMisuse("the REST API key is not one of this project")
    return project


def authorize_app(projects: Mapping[str, ProjectKeys], authorization: str | None, app_key: str) -> str:
    """Give the project that `X-Authorization` and the app key in the path open together."""
    key = authorization or ""
    _check_known(projects, key)
    for project, keys in projects.items():
        if any(_same(known, app_key) for known in keys.app_keys):
            if not _same(keys.rest_api_key, key):
                raise ApiMisuse("the REST API key is not one of this app's project")
            return project
    raise AuthenticationInvalid("the app key is not known")


def _check_known(projects: Mapping[str, ProjectKeys], key: str) -> None:
    if not any(_same(keys.rest_api_key, key) for keys in projects.values()):
        raise AuthenticationInvalid("the REST API key is not known")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
