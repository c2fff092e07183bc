"""What happened, for people: activities, metrics, figures, the daily report."""
