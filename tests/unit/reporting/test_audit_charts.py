"""The figure of the audit and its table."""

import json

from cropmine.reporting.audit_charts import draw_audit, tabulate_drawn
from cropmine.reporting.charts import write_figure
from cropmine.scoring.audit_tallies import write_audit
from factories.audits import draw_truth, make_pieces, omit_corner, run_audit, spread


def test_without_labels_on_its_tiles_the_audit_says_so(tmp_path):
    truth = draw_truth()
    table, summary = run_audit(tmp_path, spread(truth), make_pieces(truth, split="test"))
    assert summary["labels"] == {"noncropland": 0, "cropland": 0}
    assert "can't tell" in summary["sentences"][-1]
    assert table["purity"].isna().all()
    write_figure(tmp_path / "audit.png", draw_audit(table, summary))


def test_the_same_inputs_make_the_same_bytes(tmp_path):
    truth = draw_truth()
    made = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        table, summary = run_audit(folder, omit_corner(truth), make_pieces(truth))
        write_audit(folder / "audit.parquet", table)
        write_figure(folder / "audit.png", draw_audit(table, summary))
        made.append([(folder / f"audit.{kind}").read_bytes() for kind in ("parquet", "png")] + [json.dumps(summary)])
    assert made[0] == made[1]
    drawn = tabulate_drawn(table)
    assert set(drawn["source"]) == {"mined", "eroded"}
    assert len(drawn) < len(table)
