"""Audit the mined and eroded labels of a weak map against the human labels that train."""

import json

from cropmine.inputs.label_pieces import read_pieces
from cropmine.inputs.weak_maps import load_weak, read_weak_map
from cropmine.logs import rule_log
from cropmine.scoring.audit_summary import write_summary
from cropmine.scoring.audit_tallies import TileFiles
from cropmine.scoring.audits import AuditSettings, audit_labels, write_audit


def main(snakemake):
    settings, files, out = json.loads(snakemake.params.settings), snakemake.input, snakemake.output
    registrations = files.registrations
    weak = load_weak(settings["weak"], files.weak, registrations, guarded=False)  # a guard is in the overlaps already

    def read_weak(grid):
        return read_weak_map(*weak, grid)

    tiles = [TileFiles(*paths) for paths in zip(files.segments, files.overlaps, files.masks, strict=True)]
    public = next(iter(files.training_labels), None)
    chosen = AuditSettings(settings["min_valid"], settings["prevalence"], **settings["marks"])
    table, summary = audit_labels(read_pieces(files.labels), tiles, read_weak, list(files.weak), chosen, public)
    write_audit(out.table, table)
    write_summary(out.summary, summary)


with rule_log(snakemake):
    main(snakemake)
