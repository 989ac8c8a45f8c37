"""The figure of an audit and the data that it shows."""

from cropmine.reporting.charts.audits import draw_audit, tabulate_drawn
from cropmine.reporting.charts.style import write_figure
from factories.audits import draw_truth, make_pieces, omit_corner, run_audit, spread


def test_an_audit_without_labels_can_be_drawn(tmp_path):
    truth = draw_truth()
    table, summary = run_audit(tmp_path, spread(truth), make_pieces(truth, split="test"))
    assert table["purity"].isna().all()
    write_figure(tmp_path / "audit.png", draw_audit(table, summary))


def test_the_same_audit_makes_the_same_figure(tmp_path):
    truth = draw_truth()
    table, summary = run_audit(tmp_path, omit_corner(truth), make_pieces(truth))
    for name in ("first", "second"):
        write_figure(tmp_path / f"{name}.png", draw_audit(table, summary))
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


def test_the_data_of_the_figure_leave_out_settings_that_cover_nothing(tmp_path):
    truth = draw_truth()
    table, _ = run_audit(tmp_path, omit_corner(truth), make_pieces(truth))
    drawn = tabulate_drawn(table)
    assert set(drawn["source"]) == {"mined", "eroded"}
    assert (drawn["coverage"] > 0).all()
    assert len(drawn) < len(table)
