"""What is written down of a run: counts, hours, versions and the commit."""

import json
import subprocess

from cropmine.reporting.run_record import count_test_scorings, describe_run, tally_jobs
from cropmine.scoring.score_files import write_scores
from cropmine.tables import write_json
from factories.verdicts import write_made


def piece(split):
    return {"label": 0, "block": "r0c0", "target": 1, "split": split, "pixels": 1, "codes": [7], "counts": [1]}


def write(path, *splits):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_scores(path, [piece(split) for split in splits])


def test_only_scores_on_test_labels_count(tmp_path):
    write(tmp_path / "r/scores/human0.5/unet/seed0.json", "validation", "test")
    write(tmp_path / "r/scores/human0.5/unet/seed1.json", "test")
    write(tmp_path / "r/scores/mined/unet/seed0.json", "validation")
    (tmp_path / "r/scores/map.json").write_text("{}")
    write(tmp_path / "transfer/over/scores/r/human_q_0123abcd/seed0.json", "test", "validation")
    write(tmp_path / "transfer/over/scores/q/human_r_0123abcd/seed0.json", "test", "validation")
    assert count_test_scorings(tmp_path, "r") == 3


def test_jobs_and_hours_are_summed_by_rule(tmp_path):
    for name, seconds in (("train_model/a/seed0.tsv", 3600), ("train_model/b/seed0.tsv", 1800), ("all.tsv", 36)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0:00:00\n")
    assert tally_jobs([tmp_path]) == ({"all": 1, "train_model": 2}, {"all": 0.01, "train_model": 1.5})


def test_a_run_is_described_outside_a_repository_too(tmp_path):
    write(tmp_path / "results/r/scores/human/unet/seed0.json", "test")
    labels = {"train": {"cropland": 3, "noncropland": 2}}
    write_made(tmp_path / "results/r/checks.json")
    run = describe_run(tmp_path / "results", ["r"], {"seeds": [0]}, tmp_path)
    assert run["commit"] is None
    assert run["regions"] == {"r": {"tiles": 2, "labelled_tiles": 1, "labels": labels, "test_scorings": 1}}
    assert json.loads(json.dumps(run))["packages"]["numpy"]


def test_the_commit_is_marked_where_files_differ_from_it(tmp_path):
    def git(*words):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        done = subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "--quiet")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "--quiet", "--message", "one")
    head = git("rev-parse", "HEAD")
    assert describe_run(tmp_path / "results", [], {}, tmp_path)["commit"] == head
    (tmp_path / "file").write_text("two")
    path = tmp_path / "run.json"
    write_json(path, describe_run(tmp_path / "results", [], {}, tmp_path))
    assert json.loads(path.read_text())["commit"] == head + "+"
