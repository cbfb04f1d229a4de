"""`python -m cleora_jax`."""

import sys

from cleora_jax.cli import main

sys.exit(main())
