"""Recommenders over interactions: fit, recommend, evaluate, keep. `sessions` and `emde`: what comes next."""

from cleora_jax.recommend.bspm import BSPM as BSPM
from cleora_jax.recommend.cleora_filter import CleoraFilter as CleoraFilter
from cleora_jax.recommend.cleora_knn import CleoraKNN as CleoraKNN
from cleora_jax.recommend.ease import EASE as EASE
from cleora_jax.recommend.evaluation import RecommenderScores as RecommenderScores
from cleora_jax.recommend.evaluation import evaluate_recommender as evaluate_recommender
from cleora_jax.recommend.gf_cf import GFCF as GFCF
from cleora_jax.recommend.graph_filter import GraphFilter as GraphFilter
from cleora_jax.recommend.interactions import Interactions as Interactions
from cleora_jax.recommend.interactions import hold_out as hold_out
from cleora_jax.recommend.interactions import interactions as interactions
from cleora_jax.recommend.interactions import interactions_of as interactions_of
from cleora_jax.recommend.interactions import read_interactions as read_interactions
from cleora_jax.recommend.item_knn import ItemKNN as ItemKNN
from cleora_jax.recommend.methods import RECOMMENDERS as RECOMMENDERS
from cleora_jax.recommend.methods import list_recommenders as list_recommenders
from cleora_jax.recommend.methods import recommender_named as recommender_named
from cleora_jax.recommend.popularity import Popularity as Popularity
from cleora_jax.recommend.saved import load_recommender as load_recommender
from cleora_jax.recommend.sketched import EMDE as EMDE
from cleora_jax.recommend.verb import Recommender as Recommender
from cleora_jax.recommend.verb import fit_recommender as fit_recommender
