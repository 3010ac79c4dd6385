"""Tests of tools/ itself: what it understands of a console, what it writes for GRUB."""
