"""The command line, `cleora-jax embed` and others. Heavy libraries load once arguments are read."""

from cleora_jax.cli.program import main as main
