import logging
import time
from collections import Counter

import pytest

from cropmine.planning import progress
from cropmine.planning.progress import Job, Progress, ProgressHandler, describe_training, spell_time

LINE = (
    "epoch {}, step 30, loss {}, learning_rate 0.001, validation_f1_cropland {}, validation_f1_noncropland 0.9, "
    "seconds 3\n"
)
PHASES = {"segment_tile": "mining", "overlap_tile": "mining", "train_model": "training", "map_tile": "mapping"}


def begin(told, jobid, rule, since, log=None, threads=1):
    told.start(jobid, Job(rule, f"{rule} {jobid}", log, threads, since))


def test_phases_tell_what_is_done_running_and_left():
    told = Progress(PHASES, 2, lambda rule: {"train_model": 100.0, "map_tile": 20.0}.get(rule))
    told.left = Counter(segment_tile=3, overlap_tile=4, train_model=2)
    begin(told, 1, "segment_tile", 0)
    begin(told, 2, "segment_tile", 0)
    begin(told, 3, "all", 0)
    told.finish(1, 10)
    told.finish(3, 10)
    assert told.describe(10) == (
        "Progress: mining 1/7 (1 running, over 5 s left), training 0/2 (about 2 min left); "
        "over 2 min left: no job has told yet how long overlap_tile takes"
    )


def test_the_time_left_counts_threads_and_what_running_jobs_have_spent():
    told = Progress(PHASES, 4, {"train_model": 100.0}.get)
    told.left = Counter(train_model=2)
    begin(told, 1, "train_model", 0, threads=2)
    assert "about 80 s left" in told.describe(40)
    told.fail(1)
    assert told.describe(40) == "Progress: training 0/2 (about 2 min left); about 2 min left"


def test_a_training_tells_its_last_epoch(tmp_path):
    log = tmp_path / "run.log"
    job = Job("train_model", "train_model seed0", str(log), 1, 0)
    assert describe_training(job) is None
    log.write_text(LINE.format(1, 0.61234, 0.512))
    assert describe_training(job) == "train_model seed0: epoch 1, loss 0.612, validation F1 0.51"
    log.write_text(log.read_text() + LINE.format(2, 0.5, ""))
    assert describe_training(job) == "train_model seed0: epoch 2, loss 0.500"


def test_a_running_training_foretells_how_long_trainings_take(tmp_path):
    log = tmp_path / "run.log"
    log.write_text('settings {"model": {"epochs": 4}}\n' + LINE.format(1, 0.6, 0.5))
    told = Progress(PHASES, 1, lambda rule: None)
    told.left = Counter(train_model=2)
    begin(told, 1, "train_model", 0, str(log))
    assert "about 7 min left" in told.describe(60)  # 4 minutes each, one of them spent
    assert "train_model 1: epoch 1 of 4, loss 0.600, validation F1 0.50" in told.describe(60)


@pytest.fixture
def logger():
    made = logging.getLogger("progress-of-a-test")
    made.setLevel(logging.INFO)
    yield made
    for handler in list(made.handlers):
        made.removeHandler(handler)
        handler.close()


def test_the_handler_follows_events_and_tells_on_the_same_logger(logger, caplog, monkeypatch):
    monkeypatch.setattr(progress, "LEAST_S", 0.0)
    logger.addHandler(ProgressHandler(logger, Progress(PHASES, 1, {}.get), lambda: Counter(segment_tile=2)))
    job = {"rule_name": "segment_tile", "wildcards": {"tile": "a"}, "log": ["a.log"], "threads": 1}
    logger.info(None, extra={"event": "job_info", "jobid": 4} | job)
    logger.info(None, extra={"event": "job_finished", "job_id": 4})
    assert "Progress: mining 1/2 (about 0 s left); about 0 s left" in caplog.messages


def test_what_is_left_is_counted_the_more_seldom_the_longer_it_takes(logger, monkeypatch):
    monkeypatch.setattr(progress, "LEAST_S", 0.0)
    counted = []

    def count_left():
        counted.append(time.sleep(0.02))
        return Counter()

    logger.addHandler(ProgressHandler(logger, Progress(PHASES, 1, {}.get), count_left))
    for _ in range(50):
        logger.info(None, extra={"event": "job_started", "jobs": []})
    assert len(counted) == 1


def test_a_long_job_is_told_of_while_nothing_finishes(logger, caplog, monkeypatch):
    monkeypatch.setattr(progress, "LEAST_S", 0.01)
    monkeypatch.setattr(progress, "EVERY_S", 0.02)
    logger.addHandler(ProgressHandler(logger, Progress(PHASES, 1, {}.get), lambda: Counter(train_model=1)))
    job = {"rule_name": "train_model", "wildcards": {}, "log": [], "threads": 1}
    logger.info(None, extra={"event": "job_info", "jobid": 4} | job)
    for _ in range(500):
        if any("training 0/1 (1 running, no time known yet)" in text for text in caplog.messages):
            break
        time.sleep(0.01)
    assert any("training 0/1 (1 running, no time known yet)" in text for text in caplog.messages)


def test_times_are_spelt_in_seconds_minutes_or_hours():
    assert [spell_time(seconds) for seconds in (42, 600, 9000)] == ["42 s", "10 min", "2.5 h"]
