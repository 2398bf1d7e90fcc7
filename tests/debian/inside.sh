# In the fresh root: what docs/debian.md says, and in between whether it came true.
set -euo pipefail
cd /test
trap '[ $? -eq 0 ] || tail -n 20 /var/log/strongroom.log >&2' EXIT
expect() { # WHAT COMMAND…
    local what=$1; shift
    "$@" || { echo "not so: $what" >&2; exit 1; }
}
says() { [ "$1" = "$2" ] || { echo "\"$1\" is not \"$2\"" >&2; return 1; }; }
step() { echo "== $1"; . "/test/commands/$1.sh"; }
pg_ctlcluster "$(ls /etc/postgresql)" main start
# So that the maintainer scripts do what they do on a machine with systemd.
mkdir -p /run/systemd/system

step 01-install
expect "the folder is root's, and the gateway's to read" says "$(stat -c '%U:%G %a' /etc/strongroom)" "root:strongroom 750"
expect "the configuration, too" says "$(stat -c '%U:%G %a' /etc/strongroom/strongroom.toml)" "root:strongroom 640"
expect "the state folder" says "$(stat -c '%U:%G %a' /var/lib/strongroom)" "strongroom:strongroom 750"
expect "the user has no shell" says "$(getent passwd strongroom | cut -d: -f7)" /usr/sbin/nologin
expect "the unit is a right one" systemd-analyze verify /usr/lib/systemd/system/strongroom.service
expect "the unit is hardened" systemd-analyze security --offline=true --threshold=15 --no-pager strongroom.service >/dev/null
if systemctl is-active; then exit 1; fi

step 02-configure
echo "# edited" >> /etc/strongroom/strongroom.toml
step 03-start
echo
process=$(cat /run/strongroom.pid)
status() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$process/status"; }
expect "it runs as its user" says "$(stat -c %U "/proc/$process")" strongroom
expect "it has no capabilities" says "$(status CapEff) $(status CapBnd)" "0000000000000000 0000000000000000"
expect "it dumps no core" grep -Eq '^Max core file size +0 +0' "/proc/$process/limits"
step 04-use
sealed=$(kms Encrypt '{"KeyId": "alias/first", "Plaintext": "dG9wIHNlY3JldA=="}' | sed 's/.*"CiphertextBlob":"\([^"]*\)".*/\1/')
opened() { kms Decrypt "{\"CiphertextBlob\":\"$sealed\"}" | grep -o '"Plaintext":"[^"]*"'; }
ready() { curl -sS --retry 20 --retry-delay 1 --retry-all-errors --fail -o /dev/null http://127.0.0.1:7701/readyz; }
expect "it decrypts" says "$(opened)" '"Plaintext":"dG9wIHNlY3JldA=="'

rm strongroom_*.deb
mv new/strongroom_*.deb .
echo "== the package alone is upgraded"
apt-get install -y -qq ./strongroom_*.deb >/dev/null
expect "another process serves" test "$(cat /run/strongroom.pid)" != "$process"
step 05-upgrade
ready
expect "it is the new version" says "$(dpkg-query -W -f '${Version}' strongroom)" 0.2.0-1
expect "the configuration stayed" grep -q '^# edited' /etc/strongroom/strongroom.toml
expect "so did its mode" says "$(stat -c '%U:%G %a' /etc/strongroom/strongroom.toml)" "root:strongroom 640"
expect "it decrypts what the old one sealed" says "$(opened)" '"Plaintext":"dG9wIHNlY3JldA=="'

echo "== remove"
apt-get remove -y -qq strongroom >/dev/null
expect "it has stopped" test ! -e /run/strongroom.pid
expect "the configuration is there" test -e /etc/strongroom/strongroom.toml
tokens=$(find /var/lib/strongroom/tokens -type f | sort | xargs sha256sum)
step 06-remove
expect "the program is gone" test ! -e /usr/bin/strongroom
expect "so is the configuration" test ! -e /etc/strongroom/strongroom.toml
expect "the token is not" says "$(find /var/lib/strongroom/tokens -type f | sort | xargs sha256sum)" "$tokens"
expect "nor the PIN" test -s /etc/strongroom/pin
expect "nor the user they belong to" getent passwd strongroom >/dev/null

echo "== where nothing was made, nothing is left"
rm -r /etc/strongroom /var/lib/strongroom
apt-get install -y -qq ./strongroom_*.deb >/dev/null
apt-get purge -y -qq strongroom >/dev/null
for path in /etc/strongroom /var/lib/strongroom /usr/share/doc/strongroom /usr/lib/systemd/system/strongroom.service; do
    expect "$path is gone" test ! -e "$path"
done
if getent passwd strongroom; then exit 1; fi
echo "installed, started, used, upgraded, removed, purged: 1 passed, 0 failed"
