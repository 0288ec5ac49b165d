"""`python -m perpbook` is `perpbook`."""

from perpbook.cli.main import main

main()
