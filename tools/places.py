"""Say where a source is named outside its own files: how its lines come in, and how they go. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import reduce
from pathlib import Path

from tools.texts import (
    Refused,
    after_last,
    before,
    ending,
    unlinked,
    with_units,
    without_chapter,
    without_entries,
    without_item,
    without_rows,
)

TEMPLATES = Path(__file__).parent
METRICS_OF_A_ROUTE = 6
ROUTES = "CloudWatch: metrics of the API's routes, six each"

Words = Mapping[str, str]
Edit = Callable[[str, Words], str]


def filled(template: str, words: Words) -> str:
    """Return a template's text with `{{name}}` and the other words put in: `new_source/receiver.py`."""
    text = (TEMPLATES / f"{template}.tmpl").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: words[found.group(1)], text)


# ── Coming in: the words are those of the templates ─────────────────────────────────────────────────────


def registry(text: str, words: Words) -> str:
    return ending(
        text, "SOURCE_PACKAGES = {", "}\n", '    "{name}": "functions.sources.{name}",\n'.format(**words)
    )


def template(text: str, words: Words) -> str:
    sender = "            ${{{Title}Function}}={name}\n".format(**words)
    block = before(text, "# ── Where to paste what ", filled("new_source/block.yaml", words))
    sending = before(block, "            ${CustomFunction}=", sender)
    return before(sending, "  Door:", filled("new_source/output.yaml", words))


def readme(text: str, words: Words) -> str:
    row = (
        "| {Title} | Where {Title} asks for a webhook, paste the address. Enter its secret in "
        "`bridge connect {name}` | [Connect {Title}](docs/connect-{name}.md) |\n"
    )
    return before(text, "| Any other tool |", row.format(**words))


def tagging_plan(text: str, words: Words) -> str:
    return before(text, "## Any other tool", filled("new_source/tagging-plan.md", words))


def deploying(text: str, words: Words) -> str:
    return before(
        text,
        "| `CustomAddress` |",
        "| `{Title}Address` | to paste into {Title}, for its connection `main` |\n".format(**words),
    )


def cost(text: str, words: Words) -> str:
    del words
    return with_units(text, ROUTES, METRICS_OF_A_ROUTE)


def permissions(text: str, words: Words) -> str:
    row = (
        '    "{Title}FunctionRole": (\n'
        '        notes("{name}"),\n'
        '        "s3:PutObject on BodiesBucket/bodies/{name}/*",\n'
        '        "secretsmanager:GetSecretValue on secret:STACK/{name}/*",\n'
        '        "sqs:SendMessage on WebhooksQueue",\n'
        '        "ssm:GetParameter on parameter/STACK/connections/{name}",\n'
        "    ),\n"
    )
    return ending(text, "ALLOWED = {", "}\n", row.format(**words))


# file                      what is added to it
ADDED: dict[str, Edit] = {
    "functions/sources/registry.py": registry,
    "template.yaml": template,
    "README.md": readme,
    "docs/tagging-plan.md": tagging_plan,
    "docs/deploy.md": deploying,
    "docs/cost.md": cost,
    "tests/test_permissions.py": permissions,
}


# ── A form vendor coming in: it shares the function of all forms ────────────────────────────────────────


def vendor_registry(text: str, words: Words) -> str:
    return ending(
        text, "SOURCE_PACKAGES = {", "}\n", '    "{name}": "functions.sources.forms",\n'.format(**words)
    )


def vendors(text: str, words: Words) -> str:
    """Return the registry of vendors with one more: its import where it belongs by the alphabet. Raises Refused."""
    opening = "from functions.sources.forms.vendors import ("
    modules = re.findall(r"^    (\w+),$", ending(text, opening, ")\n", ""), re.MULTILINE)
    later = next((module for module in modules if module > words["name"]), None)
    line = "    {name},\n".format(**words)
    imported = before(text, f"    {later},", line) if later else ending(text, opening, ")\n", line)
    return ending(imported, "    for vendor in (", "    )\n", "        {name}.VENDOR,\n".format(**words))


# the last line of each list of vendors in the block of the forms   what is added below it
VENDOR_LINES = {
    r"            SecretArn: !Sub .*/\w+/\*\n": (
        "        - AWSSecretsManagerGetSecretValuePolicy:\n"
        "            SecretArn: !Sub arn:${{AWS::Partition}}:secretsmanager:${{AWS::Region}}:${{AWS::AccountId}}"
        ":secret:${{AWS::StackName}}/{name}/*\n"
    ),
    r"                - !Sub \$\{BodiesBucket\.Arn\}/bodies/\w+/\*\n": (
        "                - !Sub ${{BodiesBucket.Arn}}/bodies/{name}/*\n"
    ),
    r"                - !Sub .*/connections/\w+(?: #.*)?\n": (
        "                - !Sub arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:${{AWS::AccountId}}"
        ":parameter/${{AWS::StackName}}/connections/{name}\n"
    ),
    r"                    - connection#\w+/\*\n": "                    - connection#{name}/*\n",
}


def vendor_template(text: str, words: Words) -> str:
    """Return the template whose function of the forms serves one more vendor. Raises Refused."""
    whole = block = block_of(text, "forms")
    for line, addition in VENDOR_LINES.items():
        block = after_last(block, line, addition.format(**words))
    sending = after_last(text, r" +\$\{FormsFunction\}=[\w,]+(?=\n)", ",{name}".format(**words))
    return before(sending.replace(whole, block), "  Door:", filled("new_source/output.yaml", words))


def vendor_tagging_plan(text: str, words: Words) -> str:
    row = "| {Title} | `submission` | `{name}` | | [{Title}](connect-{name}.md) |\n"
    return before(text, "| A plain form |", row.format(**words))


# file                      what is added to it for a form vendor
ADDED_FOR_A_VENDOR: dict[str, Edit] = {
    "functions/sources/registry.py": vendor_registry,
    "functions/sources/forms/registry.py": vendors,
    "template.yaml": vendor_template,
    "README.md": readme,
    "docs/tagging-plan.md": vendor_tagging_plan,
    "docs/deploy.md": deploying,
}


# ── Going: the words are `name`, `Title`, `address`, `secrets` and `routes` ─────────────────────────────


def without_entry(text: str, words: Words) -> str:
    return without_entries(text, words["name"])


def without_block(text: str, words: Words) -> str:
    """Return the template without the source's block, its output and who sends for it. Raises Refused."""
    name = words["name"]
    gone = (block_of(text, name), output_of(text, name), sender_of(text, name))
    return reduce(lambda left, lines: left.replace(lines, ""), gone, text)


def block_of(text: str, name: str) -> str:
    """Return the titled block of the template that has the source's function. Raises Refused."""
    blocks = re.split(r"^(?=(?:  )?# ── )", text, flags=re.MULTILINE)
    return only(
        [block for block in blocks if f"Handler: functions.sources.{name}.receiver." in block], "block", name
    )


def output_of(text: str, name: str) -> str:
    """Return the output of the template with the source's address. Raises Refused."""
    outputs = re.findall(r"^  \w+:\n    Description: .*\n    Value: .*\n", text, re.MULTILINE)
    return only([output for output in outputs if output.endswith(f"/{name}/main\n")], "output", name)


def sender_of(text: str, name: str) -> str:
    """Return the line of the template that says which function sends for the source alone. Raises Refused."""
    return only(re.findall(rf"^ +\$\{{\w+\}}={name}\n", text, re.MULTILINE), "sender", name)


def only(found: list[str], what: str, name: str) -> str:
    if len(found) != 1:
        raise Refused(f"there is not one {what} of {name}")
    return found[0]


def without_chapter_of_it(text: str, words: Words) -> str:
    return without_chapter(text, words["Title"])


def cheaper(text: str, words: Words) -> str:
    return with_units(text, ROUTES, -METRICS_OF_A_ROUTE * int(words["routes"]))


def without_permissions(text: str, words: Words) -> str:
    """Return the table of permissions without the role that reads the source's secrets. Raises Refused."""
    roles = re.findall(r'^    "\w+": \(\n(?:        .*\n)+?    \),\n', text, re.MULTILINE)
    own = [
        role for role in roles if "secret:STACK/{name}/*".format(**words) in role and "FunctionRole" in role
    ]
    return text.replace(only([role for role in own if "batch/*" not in role], "role", words["name"]), "")


def without_mutations(text: str, words: Words) -> str:
    """Return the table of mutations without those that break the source's own code."""
    mutation = rf'^\[\[\w+\]\]\n(?:(?!\[\[|# ──).*\n)*?file = "functions/sources/{words["name"]}/(?:(?!\[\[|# ──).*\n)*'
    return re.sub(mutation, "", text, flags=re.MULTILINE)


def without_rows_of_mutations(text: str, words: Words) -> str:
    """Return the page of mutations without rows that name the source's own tests, or its chapter."""
    own = r"tests/(?:sources|deliver)/test_{name}(?:_\w+)?\.py|tagging-plan\.md#{name}\b".format(**words)
    return re.sub(rf"^\|.*(?:{own}).*\n", "", text, flags=re.MULTILINE)


def untold(text: str, words: Words) -> str:
    """Return any page without rows about the source, without its address, and without links to its page."""
    page = "connect-{name}.md".format(**words)
    for item in ("`{address}`", "[{Title}](connect-{name}.md)", "[{Title}](docs/connect-{name}.md)"):
        text = without_item(text, item.format(**words))
    for name in ("{Title}", "`{address}`"):
        text = without_rows(text, name.format(**words))
    return unlinked(text, page)


# file                      what is taken out of it, beside what is taken out of every page
TAKEN_OUT: dict[str, Edit] = {
    "functions/sources/registry.py": without_entry,
    "template.yaml": without_block,
    "docs/tagging-plan.md": without_chapter_of_it,
    "docs/cost.md": cheaper,
    "tests/test_permissions.py": without_permissions,
    "tools/mutation/mutations.toml": without_mutations,
    "docs/mutation-tests.md": without_rows_of_mutations,
}
