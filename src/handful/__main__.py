"""`python -m handful` is `handful`."""

from .cli.run import main

main()
