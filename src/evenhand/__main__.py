"""``python -m evenhand``: the command line."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from importlib import import_module

    sys.exit(import_module(".cli", __package__).main())
