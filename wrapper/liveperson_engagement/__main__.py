"""`python -m liveperson_engagement`: the same as the command `liveperson-engagement`."""

from liveperson_engagement.cli import main

if __name__ == "__main__":
    main()
