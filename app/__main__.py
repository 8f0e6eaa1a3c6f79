"""python -m app: see app/server/command.py."""

from app.server.command import run

if __name__ == "__main__":
    run()
