"""``python -m eshkol``: the command line."""

import sys

from eshkol.cli import main

sys.exit(main())
