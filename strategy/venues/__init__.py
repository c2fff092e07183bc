"""Ports, wire parsers, the ccxt adapter and the local paper venue."""
