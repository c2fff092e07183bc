"""Audit lines of promotions, rollbacks, refusals, kills and re-armings; ingest takes them into `parameter_event`."""

from strategy.live.audit_log import Audit, audit_writer

__all__ = ["Audit", "audit_writer"]
