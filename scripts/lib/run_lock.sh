# shellcheck shell=bash
# One run a state folder at a time.

# take_run_lock: ends the script when another run has this state folder; holds the lock, in the
# file descriptor $run_lock, until the script ends.
take_run_lock() {
    exec {run_lock}>>"$state/run.lock"
    flock --nonblock "$run_lock" || fail "Berth already runs from this state folder: $state" \
        "stop the other scripts/run (Ctrl-C), or set BERTH_STATE_DIR to another folder"
}
