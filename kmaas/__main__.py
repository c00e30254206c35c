"""`python -m kmaas`, the same as `kmaas`."""

from kmaas.main import main

if __name__ == "__main__":
    main()
