"""The labs of docs/labs/: starters, and their grading."""
