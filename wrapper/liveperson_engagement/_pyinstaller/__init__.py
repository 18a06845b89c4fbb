"""What PyInstaller needs to know of this package: it finds this folder by the entry point `pyinstaller40`."""

from pathlib import Path


def hook_dirs() -> list[str]:
    """Name the folder of the hooks."""
    return [str(Path(__file__).parent)]
