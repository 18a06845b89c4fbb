"""What is imported late, by name. An extra that is not installed is only a warning of PyInstaller's."""

hiddenimports = [
    f"liveperson_engagement.{name}"
    for name in ("client", "errors", "events", "outage", "retry", "stores", "stores.sqlite", "visit", "transports.fast")
]
