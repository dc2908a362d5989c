"""The command, also as `python -m`."""

from .service.process import nothing_collected

with nothing_collected():
    from .service.cli import main

if __name__ == "__main__":
    main()
