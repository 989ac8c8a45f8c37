"""Audit the mined and eroded labels of a weak map against the human labels that train."""

import json

from cropmine.audit_figures import draw_audit, tabulate_drawn
from cropmine.auditing import audit_labels
from cropmine.audits import TileFiles, write_audit
from cropmine.comparison import write_table
from cropmine.figures import write_figure
from cropmine.files import replacing
from cropmine.logs import rule_log
from cropmine.splits import read_pieces
from cropmine.weak import load_weak, read_weak_map


def main(snakemake):
    settings, files, out = json.loads(snakemake.params.settings), snakemake.input, snakemake.output
    registrations = files.get("registrations", [])
    weak = load_weak(settings["weak"], files.weak, registrations, guarded=False)  # a guard is in the overlaps already

    def read_weak(grid):
        return read_weak_map(*weak, grid)

    tiles = [TileFiles(*paths) for paths in zip(files.segments, files.overlaps, files.masks, strict=True)]
    labels = read_pieces(files.labels)
    public = next(iter(files.get("training_labels", [])), None)
    table, summary = audit_labels(labels, tiles, read_weak, list(files.weak), settings, public)
    write_audit(out.table, table)
    with replacing(out.summary) as temporary:
        temporary.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    write_figure(out.figure, draw_audit(table, summary))
    write_table(out.data, tabulate_drawn(table))


with rule_log(snakemake):
    main(snakemake)
