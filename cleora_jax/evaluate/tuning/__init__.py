"""Settings chosen on validation data."""

from cleora_jax.evaluate.tuning.learners import LearnerObjective as LearnerObjective
from cleora_jax.evaluate.tuning.objectives import LinkObjective as LinkObjective
from cleora_jax.evaluate.tuning.objectives import NodeObjective as NodeObjective
from cleora_jax.evaluate.tuning.record import RecordWarning as RecordWarning
from cleora_jax.evaluate.tuning.searches import Grid as Grid
from cleora_jax.evaluate.tuning.searches import Halving as Halving
from cleora_jax.evaluate.tuning.searches import RandomSearch as RandomSearch
from cleora_jax.evaluate.tuning.spaces import Range as Range
from cleora_jax.evaluate.tuning.spaces import log_uniform as log_uniform
from cleora_jax.evaluate.tuning.spaces import uniform as uniform
from cleora_jax.evaluate.tuning.trials import Trial as Trial
from cleora_jax.evaluate.tuning.trials import Tuned as Tuned
from cleora_jax.evaluate.tuning.verb import tune as tune
