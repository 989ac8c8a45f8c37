# Gates. What lies behind a checkpoint is planned when it is done. A job in a process of its own, as on a cluster, was
# planned by the main one: to it checkpoints are plain rules, else each would plan all that lies before it anew.


def settle_process():
    """The main process plans all regions, so that their faults are told at once; a job's own has no checkpoints."""
    if workflow.is_main_process:
        for region in REGIONS:
            plan(region)
    else:
        for step in workflow.rules:
            step.is_checkpoint = False


def pass_gate(gate, region, **further):
    if workflow.is_main_process:
        getattr(checkpoints, gate).get(region=region, **further)


def pass_shifts(region, shifts):
    pass_gate("check_region", region)
    for segmentation, weak in shifts:
        pass_gate("register_weak", region, segmentation=segmentation, weak=weak)


def pass_gates(region):
    """Pass every gate of a region before a job behind the last is named.

    Snakemake notices that a gate was passed in an earlier run only for jobs that it knew before it passed another: a job
    that is named behind two gates at once would be left without its inputs.
    """
    pass_shifts(region, list_shifts(plan(region), CONFIG))
    if plan(region).experiments:
        pass_gate("compare_experiments", region)
