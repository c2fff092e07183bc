"""From tape to verdict: lake, tape, metrics, study, gates, registry, plots."""
