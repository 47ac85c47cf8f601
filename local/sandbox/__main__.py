"""Run the sandbox alone, on loopback: `python -m local.sandbox`."""

import argparse
import os
from collections.abc import Sequence

import uvicorn

from local.loopback import LoopbackOnly, is_nobodys
from local.sandbox.app import ProjectKeys, create_app

HOST = "127.0.0.1"


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; BATCH_PORT is the default of `--port`."""
    parser = argparse.ArgumentParser(prog="python -m local.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=int(os.environ.get("BATCH_PORT", "8081")))
    parser.add_argument("--project-key", default="project_sandbox", help="default: %(default)s")
    parser.add_argument("--rest-api-key", default="rest_sandbox", help="default: %(default)s")
    parser.add_argument("--app-key", default="app_sandbox", help="for the GDPR routes; default: %(default)s")
    parser.add_argument("--no-rate-limit", action="store_true", help="never answer 429")
    return parser.parse_args(arguments)


def main() -> None:
    """Serve until interrupted."""
    chosen = read_arguments()
    keys = ProjectKeys(chosen.rest_api_key, (chosen.app_key,))
    app = create_app(projects={chosen.project_key: keys}, rate_limited=not chosen.no_rate_limit)
    address = f"http://{HOST}:{chosen.port}"
    print(f"Batch sandbox: {address}/2.11/profiles/update for project {chosen.project_key}")
    print(f"Inspect: {address}/sandbox")
    uvicorn.run(LoopbackOnly(app, is_nobodys), host=HOST, port=chosen.port, log_level="warning", ws="none")


if __name__ == "__main__":
    main()
