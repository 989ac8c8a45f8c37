#!/usr/bin/env bash
# A real SLURM cluster on one machine, for the tests: slurmctld, two virtual nodes and a munge of their own, without
# systemd, cgroups or a database. Everything lives in $CLUSTER_DIR, on ports from $CLUSTER_PORT, so that several can
# run beside each other and beside a cluster that the machine belongs to. Only Debian's packages are machine-wide.
#   cluster.sh install | start | stop | crash-node N
set -euo pipefail

DIR=${CLUSTER_DIR:?the folder of the cluster}
PORT=${CLUSTER_PORT:-17817}             # of slurmctld; node n has PORT+n
NODES=2
CPUS=8                                  # what each node claims to have
MEM=16000                               # MB, likewise
CONF=$DIR/slurm.conf
HOST=$(hostname -s)
export SLURM_CONF=$CONF

log() { printf 'cluster.sh: %s\n' "$*" >&2; }
die() { log "$*"; exit 1; }

# The pid in FILE, when that process is alive and is ours ($2 in its command line).
pid_of() {
    local pid
    [ -s "$1" ] || return 1
    pid=$(<"$1")
    [ -r "/proc/$pid/cmdline" ] || return 1
    tr '\0' ' ' < "/proc/$pid/cmdline" | grep -qF -- "$2" || return 1
    echo "$pid"
}

end_pid() {                             # TERM, 5 s, KILL
    local pid=$1 i
    kill -TERM "$pid" 2>/dev/null || return 0
    for i in $(seq 100); do
        # gone, or a zombie that nobody reaps
        grep -qs '^State:[[:space:]]*[^Z]' "/proc/$pid/status" || return 0
        sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null || true
}

wait_for() {                            # wait_for SECONDS WHAT command...
    local tenths=$(($1 * 10)) what=$2 i; shift 2
    for i in $(seq $tenths); do "$@" >/dev/null 2>&1 && return 0; sleep 0.1; done
    die "waited in vain: $what"
}

missing() {
    command -v munged >/dev/null || echo munge
    command -v slurmctld >/dev/null || echo slurmctld
    command -v slurmd >/dev/null || echo slurmd
    command -v sbatch >/dev/null || echo slurm-client
}

install_packages() {
    local need made="" lock=/tmp/cropmine-slurm-install.lock prc=/usr/sbin/policy-rc.d
    need=$(missing)
    [ -n "$need" ] || return 0
    [ "$(id -u)" = 0 ] || die "needs Debian's packages" $need
    command -v apt-get >/dev/null || die "needs the packages" $need "of Debian, and there is no apt-get"
    exec 9>"$lock"; flock 9             # another test may install them at this moment
    need=$(missing)
    [ -n "$need" ] || return 0
    log "installing" $need
    # The packages' own services stay down, whatever init this machine has.
    if [ ! -e $prc ]; then printf '#!/bin/sh\nexit 101\n' > $prc; chmod +x $prc; made=1; fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -q --no-install-recommends $need > "$DIR/apt.log" 2>&1 || {
        apt-get update -q >> "$DIR/apt.log" 2>&1
        apt-get install -y -q --no-install-recommends $need >> "$DIR/apt.log" 2>&1; } || {
        [ -z "$made" ] || rm -f $prc
        tail -20 "$DIR/apt.log" >&2; die "apt-get couldn't install" $need; }
    [ -z "$made" ] || rm -f $prc
    exec 9>&-
}

write_conf() {
    local n
    cat > "$CONF" <<CONF
ClusterName=test
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=$PORT
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$DIR/munge/munge.socket
CredType=cred/munge
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool/%n
SlurmctldPidFile=$DIR/slurmctld.pid
SlurmdPidFile=$DIR/slurmd-%n.pid
SlurmctldLogFile=$DIR/slurmctld.log
SlurmdLogFile=$DIR/slurmd-%n.log
# no cgroups, no binding
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MailProg=/bin/true
MpiDefault=none
# no database: squeue tells of ended jobs for MinJobAge seconds
AccountingStorageType=accounting_storage/none
MinJobAge=3600
# memory limits are enforced by looking once a second
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=UsePss,OverMemoryKill
# CPUs, memory and made-up GPUs are allocated; the numbers of this file are believed
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=2
CompleteWait=0
KillWait=2
SlurmdTimeout=5
SlurmctldTimeout=10
ReturnToService=2
TCPTimeout=2
MessageTimeout=10
InactiveLimit=0
JobRequeue=0
CONF
    for n in $(seq $NODES); do
        echo "NodeName=n$n NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((PORT + n)) CPUs=$CPUS Boards=1 Sockets=1 CoresPerSocket=$CPUS ThreadsPerCore=1 RealMemory=$MEM Gres=gpu:1 State=UNKNOWN" >> "$CONF"
    done
    cat >> "$CONF" <<CONF
PartitionName=main Nodes=ALL Default=YES MaxTime=2880 DefaultTime=10 DefMemPerCPU=500 State=UP
CONF
    echo "NodeName=n[1-$NODES] Name=gpu File=/dev/null" > "$DIR/gres.conf"
    # The plugin's job step drops SLURM_CONF from the environment of its srun.
    mkdir -p "$DIR/bin"
    printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$CONF" "$(command -v srun)" > "$DIR/bin/srun"
    chmod +x "$DIR/bin/srun"
}

all_idle() { [ "$(timeout 5 sinfo -h -N -o '%N %t' | sort -u | grep -cE ' (idle|mix|alloc)$')" = "$NODES" ]; }

start() {
    local n
    mkdir -p -m 755 "$DIR" "$DIR/munge" && mkdir -p "$DIR"/{state,spool}
    install_packages
    write_conf
    (umask 077; head -c 128 /dev/urandom > "$DIR/munge/munge.key")
    munged --key-file="$DIR/munge/munge.key" --socket="$DIR/munge/munge.socket" \
           --pid-file="$DIR/munge/munged.pid" --log-file="$DIR/munge/munged.log" \
           --seed-file="$DIR/munge/munged.seed" --num-threads=2 || die "munged didn't start"
    wait_for 5 munge test -S "$DIR/munge/munge.socket"
    slurmctld -f "$CONF" || { tail -5 "$DIR/slurmctld.log" >&2; die "slurmctld didn't start"; }
    for n in $(seq $NODES); do
        mkdir -p "$DIR/spool/n$n"
        slurmd -f "$CONF" -N "n$n" || { tail -5 "$DIR/slurmd-n$n.log" >&2; die "slurmd n$n didn't start"; }
    done
    wait_for 30 "both nodes idle" all_idle
    # Should the tests be killed, nobody else would stop it.
    if [ -n "${CLUSTER_OWNER:-}" ]; then setsid "$0" watch < /dev/null > /dev/null 2>&1 & fi
}

watch() {
    while kill -0 "$CLUSTER_OWNER" 2>/dev/null; do
        sleep 5
        pid_of "$DIR/slurmctld.pid" slurmctld >/dev/null || exit 0
    done
    stop
    rm -rf "$DIR"
}

stop() {
    local file name pid i
    if pid_of "$DIR/slurmctld.pid" slurmctld >/dev/null; then
        timeout 5 scancel -u "$(id -un)" -Q 2>/dev/null || true
        for i in $(seq 50); do          # steps end first, so that no slurmstepd is left behind
            [ -z "$(timeout 5 squeue -h -t running,completing,suspended 2>/dev/null)" ] && break; sleep 0.1
        done
    fi
    for file in "$DIR"/slurmd-*.pid; do
        [ -e "$file" ] || continue
        name=${file##*/slurmd-}
        if pid=$(pid_of "$file" "-N ${name%.pid}"); then end_pid "$pid"; fi
    done
    if pid=$(pid_of "$DIR/slurmctld.pid" slurmctld); then end_pid "$pid"; fi
    if pid=$(pid_of "$DIR/munge/munged.pid" "$DIR/munge"); then end_pid "$pid"; fi
}

# A node's sudden death: its slurmd, its step daemons and its jobs' processes, all at once.
crash_node() {
    local job file pid
    local jobs; jobs=$(squeue -h -w "$1" -t running,completing -o %A)
    if pid=$(pid_of "$DIR/slurmd-$1.pid" "-N $1"); then kill -KILL "$pid"; fi
    # Only what this cluster started: other clusters on the machine count their jobs from 1, too.
    for job in $jobs; do
        for pid in $(pgrep -f "^slurmstepd: \\[$job\\." || true); do
            if ls -l "/proc/$pid/fd" 2>/dev/null | grep -qF "$DIR/"; then kill -KILL "$pid" 2>/dev/null || true; fi
        done
        for file in $(grep -lszx "SLURM_JOB_ID=$job" /proc/[0-9]*/environ 2>/dev/null || true); do
            grep -qszx "CLUSTER_DIR=$DIR" "$file" || continue
            pid=${file#/proc/}; kill -KILL "${pid%/environ}" 2>/dev/null || true
        done
    done
}

case "${1:-}" in
    install) mkdir -p "$DIR"; install_packages ;;
    start) start ;;
    stop) stop ;;
    watch) watch ;;
    crash-node) crash_node "$2" ;;
    *) die "usage: $0 install | start | stop | crash-node N" ;;
esac
