"""`python -m liveperson_engagement.cli`: the same as the command `liveperson-engagement`."""

from liveperson_engagement.cli import main

if __name__ == "__main__":
    main()
