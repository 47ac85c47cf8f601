"""The environment variables of a function's process, and of everyone else who talks to the local AWS."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from local.callers import access_key_of
from local.process import ROOT
from local.template import FunctionSettings

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
KEPT = ("PATH", "HOME", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "VIRTUAL_ENV")


def aws_variables(endpoint: str, region: str) -> dict[str, str]:
    """Return what points boto3 at the local AWS, and keeps it away from a person's own account."""
    return {
        **CREDENTIALS,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def function_variables(settings: FunctionSettings, endpoint: str, region: str) -> Mapping[str, str]:
    """Return all that a function's process sees: the template's variables, and what Lambda itself sets."""
    name = settings.arn.rsplit(":", 1)[-1]
    return {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        **aws_variables(endpoint, region),
        "AWS_ACCESS_KEY_ID": access_key_of(name),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers/core"), *python_path()]),
        "PYTHONUNBUFFERED": "1",
        "TZ": ":UTC",
        "_HANDLER": settings.handler,
        "LAMBDA_TASK_ROOT": str(ROOT),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory_megabytes),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{settings.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "POWERTOOLS_TRACE_DISABLED": "true",  # no X-Ray daemon listens here
        **settings.environment,
    }


def python_path() -> list[str]:
    """Return where this process finds modules beside its own environment, as tests do with fake handlers."""
    given = os.environ.get("PYTHONPATH", "")
    return [entry for entry in given.split(os.pathsep) if entry and entry in sys.path]
