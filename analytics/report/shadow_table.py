"""The table of a day's versions in the shadow, beside what quoted."""

from analytics.report.daily import Day
from analytics.report.words import COMPARED, number, units_of


def shadow_table(day: Day) -> list[tuple[str, ...]]:
    """Return head and rows: figure, what was quoted, each version in the shadow, unit."""
    units = units_of(day.symbol)
    hours = [sum(each.seconds for each in day.stretches) / 3600, *(each.hours for each in day.shadows)]
    every = [day.overall, *(each.metrics for each in day.shadows)]
    head = ("figure", "quoted", *(f"version {each.version}" for each in day.shadows), "unit")
    ran = ("ran for", *(number(each, 2) for each in hours), "hours")
    rows = [
        (words, *(number(each.overall[name], digits) for each in every), units[unit])
        for name, words, unit, digits in COMPARED
    ]
    return [head, ran, *rows]
