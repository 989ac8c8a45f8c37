"""Audit the mined and eroded labels of a weak map against the human labels that train."""

import json

from cropmine.files import replacing
from cropmine.inputs.splits import read_pieces
from cropmine.inputs.weak_maps import load_weak, read_weak_map
from cropmine.logs import rule_log
from cropmine.reporting.audit_charts import draw_audit, tabulate_drawn
from cropmine.reporting.audit_text import write_sentences
from cropmine.reporting.charts import write_figure
from cropmine.scoring.audit_summary import audit_labels
from cropmine.scoring.audit_tallies import TileFiles, write_audit
from cropmine.tables import write_table


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
    summary["sentences"] = write_sentences(summary, table)
    with replacing(out.summary) as temporary:
        temporary.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    write_figure(out.figure, draw_audit(table, summary))
    write_table(out.data, tabulate_drawn(table))


with rule_log(snakemake):
    main(snakemake)
