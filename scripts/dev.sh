# Sourced: gateways for a script, `strongroom dev` each, in a folder that goes with it. The sourcing script has its
# own `set -euo pipefail`.

dir=$(realpath "$(mktemp -d "${TMPDIR:-/tmp}/strongroom-XXXXXX")")
pids=()
# What a gateway is started with in front of it: valgrind, say.
under=()
stop() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    # As root the cluster may be elsewhere, with a link to it.
    for data in "$dir"/*/postgres; do [ ! -L "$data" ] || rm -rf "$(readlink -f "$data")"; done
    rm -rf "$dir"
}
trap stop EXIT

# Starts a gateway in $dir/NAME and waits for it: BINARY NAME. Its log is $dir/NAME.log, its environment $dir/NAME/env.
start() {
    mkdir -p "$dir/$2"
    rm -f "$dir/$2/env"
    # With the variable set, it need not start over to have it, which would leave valgrind behind.
    SOFTHSM2_CONF=$dir/$2/softhsm2.conf "${under[@]}" "$1" dev --data-dir "$dir/$2" --listen 127.0.0.1:0 \
        --admin-listen 127.0.0.1:0 </dev/null >"$dir/$2.log" 2>&1 &
    pids+=($!)
    until_there "$dir/$2/env" || { cat "$dir/$2.log" >&2; return 1; }
}

# Stops the gateway that was started last. It can be started again.
end() {
    kill "${pids[-1]}" && wait "${pids[-1]}" || true
    unset 'pids[-1]'
}

# Waits for a file that the process started last makes once it is ready.
until_there() {
    for _ in $(seq 360); do
        [ ! -f "$1" ] || return 0
        kill -0 "${pids[-1]}" 2>/dev/null || return 1
        sleep 0.25
    done
    return 1
}

# The address of its health and metrics: NAME.
admin_url() { sed -n 's/^ *health and metrics: *//p' "$dir/$1.log"; }

# The postmaster of its cluster: NAME.
postmaster() { head -1 "$dir/$1/postgres/data/postmaster.pid"; }

# `strongroom bench` against it: BINARY NAME OPTIONS... Shows what it says only if it fails.
bench() {
    (. "$dir/$2/env" && "$1" bench "${@:3}" >"$dir/out" 2>&1) || { cat "$dir/out" >&2; return 1; }
}

# Two names, in every second round the other way round: ROUND NAME NAME.
in_turn() { [ $(($1 % 2)) = 1 ] && echo "$2 $3" || echo "$3 $2"; }
