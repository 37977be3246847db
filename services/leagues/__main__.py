"""`python -m services.leagues web|worker|migrate`."""

import sys

from services.leagues.app import SERVICE
from shared.run import main

if __name__ == "__main__":
    sys.exit(main(SERVICE))
