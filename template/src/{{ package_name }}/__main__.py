"""The command, also as `python -m`."""

from .service.imports import nothing_collected


def main() -> None:
    with nothing_collected():
        from .service.cli import main as run_command
    run_command()


if __name__ == "__main__":
    main()
