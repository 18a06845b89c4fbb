"""What is imported late, by name. An extra that is not installed is only a warning of PyInstaller's."""

NAMES = "stores.redis stores.sqlite transports.fast types"

hiddenimports = [f"liveperson_engagement.{name}" for name in NAMES.split()]
