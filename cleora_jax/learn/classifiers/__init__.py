"""Learners of classes: from vectors or features, from a graph, or both, judged once on entities held back."""

from cleora_jax.learn.classifiers.convolution import GCN as GCN
from cleora_jax.learn.classifiers.logistic import Candidates as Candidates
from cleora_jax.learn.classifiers.logistic import LogisticRegression as LogisticRegression
from cleora_jax.learn.classifiers.perceptron import MLP as MLP
from cleora_jax.learn.classifiers.propagation import Iterations as Iterations
from cleora_jax.learn.classifiers.propagation import LabelPropagation as LabelPropagation
from cleora_jax.learn.classifiers.result import Classified as Classified
from cleora_jax.learn.classifiers.scores import Score as Score
from cleora_jax.learn.classifiers.simplified import SGC as SGC
from cleora_jax.learn.classifiers.training import Epochs as Epochs
from cleora_jax.learn.classifiers.verb import classify as classify
