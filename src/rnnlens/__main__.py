"""Run the command line as ``python -m rnnlens``."""

from rnnlens.cli import main

if __name__ == "__main__":
    main()
