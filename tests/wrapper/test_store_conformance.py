"""The stores of this package do what `StoreConformance` asks of every store."""

from pathlib import Path
from typing import Any

from liveperson_engagement import MemoryStore, SQLiteStore
from liveperson_engagement.stores.conformance import LocalStoreConformance, StoreConformance


class TestMemoryStore(LocalStoreConformance):
    """The default, within one process."""

    def make_store(self, folder: Path) -> Any:  # noqa: ARG002
        """Make one that shares nothing."""
        return MemoryStore()


class TestSQLiteStore(StoreConformance):
    """Processes of one machine."""

    def make_store(self, folder: Path) -> Any:
        """Make one on the folder's database."""
        return SQLiteStore(folder / "visits.db")
