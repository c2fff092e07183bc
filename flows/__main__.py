"""`python -m flows` is `microvol`."""

from flows.cli import main

main()
