"""`python -m cleora_jax.cli`."""

import sys

from cleora_jax.cli import main

sys.exit(main())
