"""Print template.yaml as the CloudFormation that SAM makes of it, roles included, for checks that read only that."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
from samtranslator.yaml_helper import yaml_parse

from local.template import translate

TEMPLATE = Path("template.yaml")

if __name__ == "__main__":
    parameters = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))["Parameters"]
    defaults = {name: str(one["Default"]) for name, one in parameters.items()}
    translated = translate(TEMPLATE, boto3.Session(region_name="eu-west-1"), defaults)
    print(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", **translated}, indent=1))
