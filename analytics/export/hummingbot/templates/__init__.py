"""The exported files as they are before export: run by Hummingbot, imported by nothing here."""
