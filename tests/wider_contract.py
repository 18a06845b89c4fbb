"""A contract with constructs that ours does not use, one more field, and a made-up sibling API."""

import json
from pathlib import Path
from typing import Any, cast

import yaml

from contract_tools import CONTRACT

PACKAGE = "liveperson_engagement_api"


def laid_over(below: Any, above: Any) -> Any:
    """Add members to a document, however deep, or replace them."""
    if not isinstance(above, dict):
        return above
    members = cast(dict[str, Any], above)
    return {**below, **{key: laid_over(below.get(key, {}), value) for key, value in members.items()}}


WIDER = json.dumps(laid_over(CONTRACT, yaml.safe_load(Path(__file__).with_name("wider.yaml").read_text("utf-8"))))
