"""What is fitted to vectors, or read from them: classes, candidate links, refinement."""

from cleora_jax.learn.classifiers import GCN as GCN
from cleora_jax.learn.classifiers import MLP as MLP
from cleora_jax.learn.classifiers import SGC as SGC
from cleora_jax.learn.classifiers import Candidates as Candidates
from cleora_jax.learn.classifiers import Classified as Classified
from cleora_jax.learn.classifiers import Epochs as Epochs
from cleora_jax.learn.classifiers import Iterations as Iterations
from cleora_jax.learn.classifiers import LabelPropagation as LabelPropagation
from cleora_jax.learn.classifiers import LogisticRegression as LogisticRegression
from cleora_jax.learn.classifiers import Score as Score
from cleora_jax.learn.classifiers import classify as classify
from cleora_jax.learn.links import Links as Links
from cleora_jax.learn.links import predict_links as predict_links
from cleora_jax.learn.refinement.method import Refine as Refine
from cleora_jax.learn.refinement.training import History as History
from cleora_jax.learn.refinement.verb import Refined as Refined
from cleora_jax.learn.refinement.verb import refine as refine
from cleora_jax.learn.weights import learn_weights as learn_weights
