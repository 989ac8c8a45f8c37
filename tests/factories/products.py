"""The stamp of a map."""

STAMP = {
    "region": "valley",
    "run": "first",
    "year": 2021,
    "experiment": "plain",
    "definition": "annual crops",
    "config_digest": "0123abcd",
    "version": "first-0123abcd",
    "threshold": 0.5,
}
