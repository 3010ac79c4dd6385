"""Machines that boot Rootmode, and what tools/run, tools/test and tools/gdb do with them."""
