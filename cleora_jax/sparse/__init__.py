from cleora_jax.sparse.bcoo import from_bcoo as from_bcoo
from cleora_jax.sparse.bcoo import to_bcoo as to_bcoo
from cleora_jax.sparse.from_graph import markov as markov
from cleora_jax.sparse.operator import Operator as Operator
from cleora_jax.sparse.operator import apply as apply
