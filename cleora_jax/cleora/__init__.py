from cleora_jax.cleora.method import Cleora as Cleora
from cleora_jax.cleora.method import Method as Method
from cleora_jax.cleora.method import RankWarning as RankWarning
from cleora_jax.cleora.method import Trace as Trace
from cleora_jax.cleora.method import TwoSidedWarning as TwoSidedWarning
from cleora_jax.cleora.method import embed as embed
from cleora_jax.cleora.method import embed_apart as embed_apart
