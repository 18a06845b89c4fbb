"""Prints the contract, as JSON, with `oneOf` in place of `if`, for generators that read only the former."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml


def main() -> None:
    """Print a contract in which a value that is written in two ways is a union of two types."""
    contract: dict[str, Any] = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for schema in contract["components"]["schemas"].values():
        if "if" in schema:
            schema["oneOf"] = [{**schema.pop("if"), **schema.pop("then")}, schema.pop("else")]
    json.dump(contract, sys.stdout, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
