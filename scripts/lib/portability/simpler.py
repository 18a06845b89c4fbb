"""Prints the contract, as JSON, for generators that read `oneOf` but no `if`, or do better without discriminators."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml


def main() -> None:
    """Print a contract; without discriminators its unions are told apart by the const of each member."""
    what, path = sys.argv[1:]
    contract: dict[str, Any] = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    for schema in contract["components"]["schemas"].values():
        if what == "without-discriminators":
            schema.pop("discriminator", None)
        elif what == "with-one-of" and "if" in schema:
            schema["oneOf"] = [{**schema.pop("if"), **schema.pop("then")}, schema.pop("else")]
    json.dump(contract, sys.stdout, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
