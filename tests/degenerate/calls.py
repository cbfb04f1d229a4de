"""Every public function, called on a graph (a `Case`): the other axis of the table. What a call returns is looked
through for numbers that are none."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import cleora_jax as cj
from cleora_jax import community, evaluate, interop, preprocess, sampling, stats, viz
from cleora_jax.cli import main
from cleora_jax.sparse.room import roomy
from tests.degenerate.graphs import COUNT, DIM, Case
from tests.degenerate.taken import CALLS as RECOMMEND

BASE = cj.Cleora(dim=DIM, num_iterations=3)
Call = Callable[[Case, Path], Any]


def cleora(**options: Any) -> Call:
    """The bits of `embed`, by `embed_apart`: graphs of as many entities share what is compiled."""
    return lambda case, folder: cj.embed_apart(case.graph, replace(BASE, **options))


MODES: dict[str, Call] = {
    "embed": lambda case, folder: cj.embed(case.graph, BASE),
    "embed, one step": cleora(num_iterations=1),
    "embed, symmetric": cleora(propagation="symmetric"),
    "embed, directed": cleora(propagation="directed"),
    "embed, directed in": cleora(propagation="directed-in"),
    "embed, both ways": cleora(propagation="directed-both"),
    "embed, l1": cleora(normalization="l1"),
    "embed, not normalised": cleora(normalization="none"),
    "embed, whitened last": cleora(whiten="last"),
    "embed, unwhitened": cleora(whiten="off"),
    "embed, symmetric unwhitened": cleora(propagation="symmetric", whiten="off"),
    "embed, whitened now and then": cleora(whiten=2),
    "embed, softly": cleora(whiten_alpha=0.5),
    "embed, not scaled": cleora(whiten_alpha=0),
    "embed, full rank": cleora(whiten_rank=DIM),
    "embed, residual": cleora(residual_weight=0.5),
    "embed, init pycleora": cleora(init="pycleora"),
    "embed, clique": cleora(form="clique"),
    "embed, factored": cleora(form="factored"),
    "embed, trimmed": cleora(hyperedge_trim_n=1),
    "embed, tolerance": cleora(tolerance=1e-3, num_iterations=30),
    "embed, scales": cleora(scales=(1, 2, 3), num_iterations=3),
    "embed, weighed scales": cleora(scales=(1, 2, 3), scale_weights=(1, 2, 3), num_iterations=3),
    "embed, attention": cleora(attention_temperature=0.5),
    "embed, sharp attention": cleora(attention_temperature=0.05, propagation="symmetric", whiten="off"),
    "embed, metapath": lambda case, folder: cj.embed(case.graph, replace(BASE, metapath=(relation(case),))),
    "embed, features": lambda case, folder: cj.embed(case.graph, BASE, init=cj.Features({case.ids[0]: [1.0, 0.0]})),
    "embed, zero features": lambda case, folder: cj.embed(
        case.graph, BASE, init=cj.Features(np.zeros((len(case.ids), 2)), weight=1.0)
    ),
    "embed, constant array": lambda case, folder: cj.embed(case.graph, BASE, init=np.ones((len(case.ids), DIM))),
    "embed, huge array": lambda case, folder: cj.embed(case.graph, BASE, init=np.eye(len(case.ids), DIM) * 3e38),
    "embed, tiny array": lambda case, folder: cj.embed(case.graph, BASE, init=np.eye(len(case.ids), DIM) * 1e-38),
    "embed, warm": lambda case, folder: cj.embed(case.graph, BASE, init=case.embedding),
    "embed, on disk": lambda case, folder: cj.embed(case.graph, BASE, spill=folder),
    "embed, sharded": lambda case, folder: cj.embed(case.graph, BASE, devices=jax.devices()[:1]),
    "embed, checkpoint": lambda case, folder: cj.embed(case.graph, BASE, checkpoint=cj.Checkpoint(folder / "kept")),
    "embed_apart": cleora(),
    "embed_edge_features": lambda case, folder: cj.embed_edge_features(
        case.graph, np.ones((case.graph.num_hyperedges, 2)), BASE
    ),
    "hyperedge_means": lambda case, folder: cj.hyperedge_means(case.graph, np.ones((case.graph.num_hyperedges, 2))),
    "fit": lambda case, folder: cj.fit(case.graph, BASE).embedding,
    "transform": lambda case, folder: cj.transform(cj.fit(case.graph, BASE), beside(case)),
    "update": lambda case, folder: cj.update(cj.fit(case.graph, BASE), beside(case), num_iterations=2).embedding,
    "load_fitted": lambda case, folder: fitted_again(case, folder),
    "sweep": lambda case, folder: cj.sweep(
        case.graph, BASE, seed=[0, 1], residual_weight=[0.0, 0.5], whiten_alpha=[0.5, 1.0]
    ),
    "propagate": lambda case, folder: propagated(cj.markov(case.graph)),
    "propagate, symmetric": lambda case, folder: propagated(cj.markov(case.graph, "symmetric")),
    "propagate, directed": lambda case, folder: propagated(cj.markov(case.graph, "directed", differentiable=True)),
    "propagate, whitened": lambda case, folder: propagated(cj.markov(case.graph), whiten="every"),
    "propagate, attention": lambda case, folder: propagated(
        cj.markov(case.graph, form="clique"), attention_temperature=0.05
    ),
    "mix": lambda case, folder: mixed(case),
}


def relation(case: Case) -> str:
    return case.graph.relations[0].name


def beside(case: Case) -> cj.Graph:
    """One more hyperedge, of an entity that the graph knows and a new one."""
    if len(case.graph.vocab.columns) > 1:
        return cj.from_hyperedges(["u0\tv-new"], "user item")
    return cj.from_hyperedges([[case.ids[0], "new"]])


def fitted_again(case: Case, folder: Path) -> Any:
    cj.fit(case.graph, BASE).save(folder / "fitted.npz")
    return cj.load_fitted(folder / "fitted.npz").embedding


@partial(jax.jit, static_argnames=("whiten", "attention_temperature"))
def _propagated(op: cj.Operator, x: jax.Array, **options: Any) -> Any:
    def size(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        found = cj.propagate(op, x, num_iterations=2, **options)
        return (found**2 * jnp.arange(1, DIM + 1)).sum(), found

    return jax.value_and_grad(size, has_aux=True)(x)


def propagated(op: cj.Operator, **options: Any) -> Any:
    """The vectors and their gradient."""
    return _propagated(roomy(op), random_start(op.num_entities), **options)


def random_start(count: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(0).standard_normal((count, DIM)), jnp.float32)


@jax.jit
def _mixed(together: cj.Mixture, start: jax.Array, weights: jax.Array) -> Any:
    def size(weights: jax.Array) -> tuple[jax.Array, jax.Array]:
        found = cj.mix(together, weights) @ start
        return (found**2).sum(), found

    return jax.value_and_grad(size, has_aux=True)(weights)


def mixed(case: Case) -> Any:
    """The product and the gradient by the weights of relations."""
    count = len(case.graph.relations)
    return _mixed(cj.mixture(case.graph), random_start(len(case.ids)), jnp.ones(count))


SETTINGS = {
    "cleora-spectral": [{}],
    "prone": [{}, {"filter": None}],
    "sketchne": [{"rank": 8}, {"rank": 8, "alpha": 0.35}],
    "netmf": [{}, {"rank": 8}],
    "grarep": [{"num_steps": 2}],
    "hope": [{}, {"directed": True}],
    "randne": [{}, {"matrix": "adjacency", "scaling": "standard"}, {"directed": True}],
    "fastrp": [{}, {"directed": True}],
    "deepwalk": [{"num_walks": 2, "walk_length": 5, "window": 2}],
    "node2vec": [{"num_walks": 2, "walk_length": 5, "window": 2, "p": 0.25, "q": 4.0}],
    "laplacian": [{}],
}


def method(name: str, options: dict[str, Any]) -> Call:
    return lambda case, folder: cj.embed(case.graph, cj.method_named(name, dim=DIM, **options))


METHODS: dict[str, Call] = {
    f"{name} {options or ''}".strip(): method(name, options) for name, some in SETTINGS.items() for options in some
}
METHODS["spectral_propagation"] = lambda case, folder: cj.spectral_propagation(case.graph, case.embedding)


def learner(method: Any, *wants: str) -> Call:
    def call(case: Case, folder: Path) -> Any:
        given = {"features": case.embedding, "graph": case.graph}
        return cj.classify(case.labels, method, split=case.split, **{name: given[name] for name in wants}).scores

    return call


REFINE = cj.Refine(num_epochs=2)
LEARN: dict[str, Call] = {
    "logistic regression": learner(cj.LogisticRegression(), "features"),
    "mlp": learner(cj.MLP(num_epochs=3, hidden=(4,)), "features"),
    "gcn": learner(cj.GCN(num_epochs=3, hidden=(4,)), "features", "graph"),
    "sgc": learner(cj.SGC(), "features", "graph"),
    "label propagation": learner(cj.LabelPropagation(), "graph"),
    "label propagation, one hot": learner(cj.LabelPropagation(alpha=None, class_mass=True), "graph"),
    "predict_links": lambda case, folder: [
        cj.predict_links(case.embedding, case.graph, 2, over=over).score for over in ("entity", "all")
    ],
    "refine": lambda case, folder: cj.refine(case.embedding, case.pairs, method=REFINE).embedding,
    "refine, vectors": lambda case, folder: (
        cj.refine(case.embedding, case.pairs, method=replace(REFINE, target="vectors", loss="contrastive")).embedding
    ),
    "learn_weights": lambda case, folder: cj.learn_weights([case.embedding, case.embedding], case.pairs, method=REFINE),
}

NODES = cj.NodeProtocol(train=(0.5,), splits=2)


def judged(graph: Callable[[Case], Any]) -> Call:
    def call(case: Case, folder: Path) -> Any:
        split = graph(case)
        scores = cj.predict_edges(split, cj.Embedding(case.embedding.vectors, case.graph.vocab), cj.LinkProtocol())
        return split.test.positive, [vars(row) for row in scores.rows]

    return call


EVALUATE: dict[str, Call] = {
    "classify_nodes": lambda case, folder: cj.classify_nodes(case.embedding, case.labels, NODES).values,
    "split_edges": judged(lambda case: cj.split_edges(case.graph, 0.2, 0.2)),
    "split_edges, directed": judged(lambda case: cj.split_edges(case.graph, 0.2, 0.2, directed=True)),
    "split_hyperedges": judged(lambda case: cj.split_hyperedges(case.graph, 0.2, 0.2)),
    "split_nodes": lambda case, folder: cj.split_nodes(case.labels, 0.5, 0.2).train,
    "split_nodes_per_class": lambda case, folder: cj.split_nodes_per_class(case.labels, 1, 1, 1).train,
    "common_neighbours": lambda case, folder: evaluate.common_neighbours(case.graph, every_pair(case)),
    "adamic_adar": lambda case, folder: evaluate.adamic_adar(case.graph, every_pair(case)),
    "resource_allocation": lambda case, folder: evaluate.resource_allocation(case.graph, every_pair(case)),
    "preferential_attachment": lambda case, folder: evaluate.preferential_attachment(case.graph, every_pair(case)),
    "silhouette": lambda case, folder: evaluate.silhouette(case.embedding.vectors, case.labels.codes),
    "tune": lambda case, folder: [
        trial.scores
        for trial in cj.tune(
            BASE, {"dim": [2, DIM]}, objective=lambda found: float(found.vectors.sum()), graph=case.graph
        ).trials
    ],
    "weigh": lambda case, folder: (
        cj.weigh([case.embedding, case.embedding], lambda found: float(found.vectors.sum())).embedding
    ),
}


def every_pair(case: Case) -> np.ndarray:
    rows = np.arange(len(case.ids))
    return np.stack([rows, rows[::-1]], 1)


GRAPH: dict[str, Call] = {
    "counts": lambda case, folder: case.graph.counts(),
    "adjacency": lambda case, folder: [cj.adjacency(case.graph), cj.adjacency(case.graph, directed=True)],
    "apply": lambda case, folder: cj.apply(cj.markov(case.graph), jnp.ones((len(case.ids), 2))),
    "metapath": lambda case, folder: cj.metapath(case.graph, [relation(case)], differentiable=True),
    "to_bcoo": lambda case, folder: cj.from_bcoo(cj.to_bcoo(case.graph), case.ids).counts(),
    "save_graph": lambda case, folder: saved_graph(case, folder).counts(),
    "add_hyperedges": lambda case, folder: cj.add_hyperedges(case.graph, beside(case)).counts(),
    "remove_hyperedges": lambda case, folder: cj.remove_hyperedges(case.graph, first_line(case)),
    "reweighted": lambda case, folder: cj.reweighted(case.graph, {relation(case): 1e-3}).counts(),
    "from_relations": lambda case, folder: cj.embed(
        cj.from_relations({"one": case.graph, "two": case.graph}), BASE, relations="joint"
    ),
    "estimate": lambda case, folder: np.array(cj.estimate(case.graph, cj.Cleora(dim=DIM, num_iterations=2))),
    "degrees": lambda case, folder: [stats.degrees(case.graph), stats.degrees(case.graph, weighted=True)],
    "connected_components": lambda case, folder: stats.connected_components(case.graph),
    "diameter": lambda case, folder: stats.diameter(case.graph),
    "popular": lambda case, folder: stats.popular(case.graph),
    "pagerank": lambda case, folder: [stats.pagerank(case.graph), stats.pagerank(case.graph, directed=True)],
    "core_numbers": lambda case, folder: stats.core_numbers(case.graph),
    "betweenness": lambda case, folder: [stats.betweenness(case.graph), stats.betweenness(case.graph, samples=1)],
    "clustering": lambda case, folder: stats.clustering(case.graph),
    "report": lambda case, folder: [stats.report(case.graph).record(), str(stats.report(case.graph))],
    "cap_popularity": lambda case, folder: preprocess.cap_popularity(case.graph, 0.5).counts(),
    "dedupe": lambda case, folder: preprocess.dedupe(case.graph).counts(),
    "filter_degrees": lambda case, folder: preprocess.filter_degrees(case.graph).counts(),
    "largest_component": lambda case, folder: preprocess.largest_component(case.graph).counts(),
    "without_self_loops": lambda case, folder: preprocess.without_self_loops(case.graph).counts(),
    "restrict": lambda case, folder: preprocess.restrict(case.graph, np.arange(len(case.ids)) < 2).counts(),
    "ppmi": lambda case, folder: preprocess.ppmi(case.graph).counts(),
    "tfidf": lambda case, folder: preprocess.tfidf(case.graph).counts(),
    "modularity": lambda case, folder: community.modularity(case.graph, case.labels),
    "louvain": lambda case, folder: found(community.louvain(case.graph)),
    "leiden": lambda case, folder: found(community.leiden(case.graph)),
    "label_propagation": lambda case, folder: found(community.label_propagation(case.graph)),
    "spectral": lambda case, folder: found(community.spectral(case.graph, 2)),
    "communities by kmeans": lambda case, folder: found(community.kmeans(case.embedding, 2)),
    "draw_entities": lambda case, folder: [
        sampling.draw_entities(case.graph, 1, by=by) for by in ("uniform", "occurrences")
    ],
    "draw_hyperedges": lambda case, folder: sampling.draw_hyperedges(case.graph, 1).counts(),
    "draw_negatives": lambda case, folder: sampling.draw_negatives(case.graph, np.array([0]), 1),
    "forest_fire": lambda case, folder: sampling.forest_fire(case.graph, 1),
    "walked": lambda case, folder: sampling.walked(case.graph, np.array([0]), 3),
    "k_hop": lambda case, folder: sampling.k_hop(case.graph, np.array([0]), 2, fanout=1),
    "layers": lambda case, folder: sampling.layers(case.graph, np.array([0]), [2, 1]),
    "graph saint": lambda case, folder: [
        sampling.GraphSaint(case.graph, kind, 3, rounds=3).sample(seed=1) for kind in ("node", "edge", "walk")
    ],
    "networkx": lambda case, folder: interop.from_networkx(interop.to_networkx(case.graph)).graph.counts(),
    "igraph": lambda case, folder: interop.from_igraph(interop.to_igraph(case.graph)).graph.counts(),
    "anndata": lambda case, folder: round_trip_anndata(case),
    "edge_table": lambda case, folder: interop.edge_table(case.graph),
    "plot_degrees": lambda case, folder: drawn(viz.plot_degrees(case.graph)),
    "embed and info of the program": lambda case, folder: program(case, folder),
}


def saved_graph(case: Case, folder: Path) -> cj.Graph:
    cj.save_graph(case.graph, folder / "graph.npz")
    return cj.load_graph(folder / "graph.npz")


def first_line(case: Case) -> cj.Graph:
    return sampling.draw_hyperedges(case.graph, 1)


def found(communities: Any) -> Any:
    return communities.codes, communities.modularity


def round_trip_anndata(case: Case) -> Any:
    held = interop.to_anndata(case.graph, case.embedding)
    return interop.from_anndata(held).graph.counts(), interop.vectors_from_anndata(held)


def drawn(axes: Any) -> str:
    axes.figure.savefig(io.BytesIO())
    return axes.get_title()


def program(case: Case, folder: Path) -> Any:
    """`embed` and `info` on a file of the graph's hyperedges."""
    path = folder / "in.tsv"
    two = len(case.graph.vocab.columns) > 1
    table = interop.edge_table(case.graph).to_pylist()
    lines = [f"{row['source']}\t{row['target']}\t{row['weight']}" for row in table] or ["a\tb\t1"]
    path.write_text("\n".join(lines) + "\n")
    read = ["--columns", "user item weight", "--weight", "weight"] if two else ["--weight", "last"]
    given = ["--input", str(path), *read]
    made = ["--output", str(folder / "out.npz"), "--dim", str(DIM), "--iterations", "3"]
    with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(io.StringIO()):
        codes = main(["embed", *given, *made]), main(["info", *given])
    assert codes == (0, 0), said.getvalue()
    return cj.load_embedding(folder / "out.npz")


CODECS = (
    cj.Float16(), cj.Int8(), cj.Binary(), cj.PCA(2), cj.RandomProjection(2),
    cj.ProductQuantization(parts=2, rotations=2, iterations=2),
)  # fmt: skip


def saved(suffix: str) -> Call:
    def call(case: Case, folder: Path) -> Any:
        case.embedding.save(folder / f"vectors{suffix}")
        again = cj.load_embedding(folder / f"vectors{suffix}")
        np.testing.assert_array_equal(again.vectors, case.embedding.vectors)
        return again

    return call


def compressed(codec: Any) -> Call:
    def call(case: Case, folder: Path) -> Any:
        small = cj.compress(case.embedding, codec)
        small.save(folder / "small.npz")
        again = cj.load_compressed(folder / "small.npz")
        return again.rows(case.ids[:2]), again.most_similar(case.ids[0], k=2)

    return call


def indexed(engine: Any) -> Call:
    def call(case: Case, folder: Path) -> Any:
        index = cj.build_index(case.embedding, engine)
        index.save(folder / "index")
        return cj.load_index(folder / "index").most_similar(case.ids[0], k=2)

    return call


def safe(case: Case, folder: Path) -> Any:
    interop.save_safetensors(case.embedding, folder / "v.safetensors")
    return interop.load_safetensors(folder / "v.safetensors")


VECTORS: dict[str, Call] = {
    "most_similar": lambda case, folder: case.embedding.most_similar(case.ids[0], k=3),
    "cosine": lambda case, folder: case.embedding.cosine(case.ids[0], case.ids[-1]),
    "middle": lambda case, folder: case.embedding.middle(case.ids),
    **{f"save {suffix}": saved(suffix) for suffix in (".npz", ".npy", ".parquet", ".tsv", ".vec", ".bin")},
    **{f"compress {type(codec).__name__}": compressed(codec) for codec in CODECS},
    **{f"index of {engine}": indexed(engine) for engine in ("usearch", "faiss")},
    "whiten": lambda case, folder: cj.whiten(case.embedding.vectors),
    "whiten, soft": lambda case, folder: cj.whiten(case.embedding.vectors, alpha=0.5, rank=DIM),
    "whiten constant rows": lambda case, folder: cj.whiten(np.ones_like(case.embedding.vectors)),
    "procrustes": lambda case, folder: cj.procrustes(case.embedding.vectors, case.embedding.vectors[:, ::-1].copy()),
    "align": lambda case, folder: cj.align(case.embedding, case.embedding),
    "alignment_score": lambda case, folder: [
        tuple(cj.alignment_score(case.embedding, case.embedding, how)) for how in ("procrustes", "cca")
    ],
    "cca": lambda case, folder: cj.cca(case.embedding.vectors, case.embedding.vectors),
    **{
        f"combine {how}": lambda case, folder, how=how: cj.combine([case.embedding, case.embedding], how)
        for how in ("concat", "mean", "svd")
    },
    "kmeans": lambda case, folder: cj.kmeans(case.embedding.vectors, 2),
    "safetensors": safe,
    "keyed vectors": lambda case, folder: interop.from_keyed_vectors(interop.to_keyed_vectors(case.embedding)),
    "save_projector": lambda case, folder: interop.save_projector(case.embedding, folder / "projector"),
    "vector_rows": lambda case, folder: list(interop.vector_rows(case.embedding)),
    "write_rows": lambda case, folder: interop.write_rows(case.embedding, folder / "rows.jsonl"),
    "to_arrow": lambda case, folder: case.embedding.to_arrow(),
    "to_pandas": lambda case, folder: case.embedding.to_pandas().to_numpy(),
    "plane": lambda case, folder: viz.plane(case.embedding),
    "plane, t-SNE": lambda case, folder: viz.plane(case.embedding, "tsne"),
    "plot_map": lambda case, folder: drawn(viz.plot_map(case.embedding)),
    "plot_spectrum": lambda case, folder: drawn(viz.plot_spectrum(case.embedding)),
    "plot_similarity": lambda case, folder: drawn(viz.plot_similarity(case.embedding, case.ids[:3])),
    "write_explorer": lambda case, folder: viz.write_explorer(case.embedding, folder / "page.html"),
}

CALLS: dict[str, Call] = METHODS | GRAPH | VECTORS | LEARN | EVALUATE | RECOMMEND | MODES
assert COUNT >= 4
