"""Prints the contract, as JSON, without its discriminators, for generators that do better without them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml


def main() -> None:
    """Print a contract; its unions are then told apart by the const of each member."""
    contract: dict[str, Any] = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for schema in contract["components"]["schemas"].values():
        schema.pop("discriminator", None)
    json.dump(contract, sys.stdout, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
