"""Canonical addresses: where data sets can be downloaded from their publishers.

Addresses and counts are those of the publishers' pages. The checksums of their files are not known to us. What guards a
download instead: for sets that the registry counted, its content must equal, byte for byte once brought into the
registry's form, what was counted; for the others, the published counts must come out, and the checksum of the first
download is recorded and enforced from then on.
"""

from __future__ import annotations

from cleora_jax.data.info import DatasetInfo, Original

SNAP = "https://snap.stanford.edu/data/"
COMMUNITIES = f"{SNAP}bigdata/communities/"
CONVE = "https://raw.githubusercontent.com/TimDettmers/ConvE/f3c0eb286025410fa5b4c04696c918264163d0ca/"
LINQS = "https://linqs-data.soe.ucsc.edu/public/lbc/"
ASKED = "none stated; SNAP asks to be cited"

ORIGINALS = {
    "ca-grqc": (Original(f"{SNAP}ca-GrQc.txt.gz", "edges"),),
    "ca-hepth": (Original(f"{SNAP}ca-HepTh.txt.gz", "edges"),),
    "ca-astroph": (Original(f"{SNAP}ca-AstroPh.txt.gz", "edges"),),
    "email-eu-core": (
        Original(f"{SNAP}email-Eu-core.txt.gz", "edges"),
        Original(f"{SNAP}email-Eu-core-department-labels.txt.gz", "labels"),
    ),
    "fb15k-237": (Original(f"{CONVE}FB15k-237.tar.gz", "triples"),),
    "wn18rr": (Original(f"{CONVE}WN18RR.tar.gz", "triples"),),
    "umls": (Original(f"{CONVE}umls.tar.gz", "triples"),),
    "kinship": (Original(f"{CONVE}kinship.tar.gz", "triples"),),
}


def _snap(name: str, title: str, page: str, url: str, paper: str, nodes: int, edges: int) -> DatasetInfo:
    """An undirected graph of SNAP."""
    return DatasetInfo(
        name,
        title,
        "graph",
        ASKED,
        home=f"SNAP ({paper})",
        homepage=f"{SNAP}{page}.html",
        published=f"{nodes} nodes, {edges} edges",
        counts={"nodes": nodes, "edges": edges},
        originals=(Original(url, "edges"),),
    )


BY_ADDRESS = (
    _snap(
        "ca-condmat", "arXiv co-authorship, Condensed Matter", "ca-CondMat",
        f"{SNAP}ca-CondMat.txt.gz", "Leskovec et al. 2007", 23_133, 93_497,
    ),
    _snap(
        "ca-hepph", "arXiv co-authorship, High Energy Physics Phenomenology", "ca-HepPh",
        f"{SNAP}ca-HepPh.txt.gz", "Leskovec et al. 2007", 12_008, 118_521,
    ),
    _snap(
        "com-amazon", "Amazon products bought together", "com-Amazon",
        f"{COMMUNITIES}com-amazon.ungraph.txt.gz", "Yang and Leskovec 2012", 334_863, 925_872,
    ),
    _snap(
        "com-dblp", "DBLP co-authorship", "com-DBLP",
        f"{COMMUNITIES}com-dblp.ungraph.txt.gz", "Yang and Leskovec 2012", 317_080, 1_049_866,
    ),
    _snap(
        "com-youtube", "YouTube friendships", "com-Youtube",
        f"{COMMUNITIES}com-youtube.ungraph.txt.gz", "Yang and Leskovec 2012", 1_134_890, 2_987_624,
    ),
    DatasetInfo(
        "cora-linqs",
        "Cora citation network, LINQS version: papers by their own ids, no split",
        "graph",
        "none stated",
        home="LINQS (Sen et al. 2008)",
        homepage="https://linqs.org/datasets/",
        published="2708 nodes, 5429 citation links (5278 distinct undirected), 1433 features, 7 classes",
        counts={"nodes": 2708, "edges": 5278, "classes": 7},
        note="Rows are not those of `cora`, which Planetoid numbered anew.",
        originals=(Original(f"{LINQS}cora.tgz", "linqs"),),
    ),
)  # fmt: skip
