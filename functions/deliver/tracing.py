"""Trace deliver with X-Ray: calls of AWS by its SDK, calls of Batch by their host alone.

httpx is not patched: that would record whole addresses, in which app keys of Batch stand, and send Batch and Stripe our
trace header.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from aws_lambda_powertools import Tracer

tracer = Tracer(patch_modules=("botocore",))


def traced(host: str) -> AbstractContextManager[object]:
    """Return the subsegment of a call to a host."""
    subsegment: AbstractContextManager[object] = tracer.provider.in_subsegment(name=host, namespace="remote")
    return subsegment
