"""Sessions and baskets: what comes next, from what was taken in which order."""

from cleora_jax.recommend.sessions.graphs import history_graph as history_graph
from cleora_jax.recommend.sessions.graphs import step_graph as step_graph
from cleora_jax.recommend.sessions.histories import Cases as Cases
from cleora_jax.recommend.sessions.histories import Histories as Histories
from cleora_jax.recommend.sessions.histories import basket_histories as basket_histories
from cleora_jax.recommend.sessions.histories import histories_of as histories_of
from cleora_jax.recommend.sessions.histories import prefixes as prefixes
from cleora_jax.recommend.sessions.histories import split_last as split_last
from cleora_jax.recommend.sessions.nearest import VectorNeighbours as VectorNeighbours
from cleora_jax.recommend.sessions.popularity import SessionPopularity as SessionPopularity
from cleora_jax.recommend.sessions.ranking import Scorer as Scorer
from cleora_jax.recommend.sessions.ranking import next_item_metrics as next_item_metrics
from cleora_jax.recommend.sessions.ranking import target_ranks as target_ranks
from cleora_jax.recommend.sessions.ranking import top_lists as top_lists
from cleora_jax.recommend.sessions.sketched import Foretold as Foretold
from cleora_jax.recommend.sessions.sketched import Matching as Matching
from cleora_jax.recommend.sessions.sketched import examples_of as examples_of
from cleora_jax.recommend.sessions.vsknn import VSKNN as VSKNN
