#!/usr/bin/env bash
# A report of a deployment with 500 keys and 100,000 events, opened in Chromium without a window: how
# long it takes and how much memory, that the console has no errors, a screenshot and a PDF. Takes a few
# minutes; needs Debian's chromium.
#
#     scripts/report-500.sh [target/release/strongroom] [folder for the results]
set -euo pipefail

strongroom=${1:-target/release/strongroom} out=${2:-target/report-500}
command -v chromium >/dev/null || { echo "Install Debian's chromium for this." >&2; exit 1; }
. "$(dirname "$0")/dev.sh"
rm -rf "$out"
mkdir -p "$out"

alice=arn:aws:iam::000000000000:user/alice bob=arn:aws:iam::000000000000:user/bob
export STRONGROOM_APPROVAL="[{ operations = ['ScheduleKeyDeletion'], approvals = 1, approvers = ['$alice', '$bob'] }]"
start "$strongroom" dev
. "$dir/dev/env"
url=$(sed -n 's/^url = "\(.*\)"$/\1/p' "$dir/dev/strongroom.toml")

target/clients/bin/python3 scripts/report-500.py "$strongroom" "$dir/records.csv"
psql -q -v ON_ERROR_STOP=1 -d "$url" \
    -c "create temporary table event (request_id uuid, written_at timestamptz, record bytea)" \
    -c "\copy event from '$dir/records.csv' with (format csv)" \
    -c "insert into audit_group (written_at, request_ids, records)
        select min(written_at), array_agg(request_id order by request_id), array_agg(record order by request_id)
        from (select *, row_number() over (order by written_at) / 8 as nth from event) e group by nth order by nth"
sleep 5 # for a gateway to give the records their leaves

from=$(date -u -d '90 days ago' +%F) to=$(date -u +%F)
begun=$(date +%s.%N)
SOFTHSM2_CONF=$dir/dev/softhsm2.conf "$strongroom" report --config "$dir/dev/strongroom.toml" \
    --from "$from" --to "$to" --out "$out/report" &
report=$! most=0
while peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$report/status" 2>/dev/null); do
    [ "${peak:-0}" -le "$most" ] || most=$peak
    sleep 0.05
done
wait "$report"
echo "report: $(echo "$(date +%s.%N) - $begun" | bc) s, at most $((most / 1024)) MiB"

page=file://$(realpath "$out/report/report.html")
browse() { # OPTIONS...
    chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$dir/chromium" \
        --enable-logging=stderr --log-level=0 "$@" "$page" >>"$dir/browsed" 2>&1
}
browse --window-size=1360,3000 --screenshot="$out/report.png"
browse --window-size=1360,3000 --blink-settings=preferredColorScheme=0 --screenshot="$out/report-dark.png"
browse --no-pdf-header-footer --print-to-pdf="$out/report.pdf"
if grep CONSOLE "$dir/browsed"; then
    echo "the console is not empty" >&2
    exit 1
fi
ls -lh "$out" "$out/report"
