#!/usr/bin/env bash
# The package, from its installation to its purge, in a fresh Debian: run.sh BINARY. As root, for debootstrap. No systemd
# runs there: `systemctl` is a stand-in that starts the unit's command as the unit says.
set -euo pipefail
cd "$(dirname "$0")/../.."
binary=$1
[ "$(id -u)" -eq 0 ] || { echo "debootstrap and chroot take root" >&2; exit 1; }
# shellcheck disable=SC1091
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
base=target/debian-root-$release
if [ ! -e "$base" ]; then
    rm -rf "$base.part"
    debootstrap --variant=minbase \
        --include=adduser,curl,libssl3,openssl,postgresql,python3,softhsm2,systemd \
        "$release" "$base.part" >target/debian-root.log || { tail target/debian-root.log; exit 1; }
    mv "$base.part" "$base"
fi

work=$(mktemp -d /var/tmp/strongroom-deb-XXXXXX)
trap 'rm -rf "$work"' EXIT
test=$work/test
mkdir -p "$work"/{root,changes,overlay,test/commands,test/new}
scripts/deb.sh "$binary" "$test" 0.1.0-1
scripts/deb.sh "$binary" "$test/new" 0.2.0-1
python3 tests/documentation/extract.py docs/debian.md "$test/commands"
cp tests/debian/{inside.sh,systemctl,deny-write-execute} "$test"

# Its own network, processes and mounts: nothing of it is left when its first process ends.
unshare --net --pid --fork --kill-child --mount --propagation private bash -c '
    set -e
    ip link set lo up
    cd "$2"
    mount -t overlay overlay -o "lowerdir=$1,upperdir=changes,workdir=overlay" root
    cp -r test root/test
    install -m 755 test/systemctl test/deny-write-execute root/usr/bin
    mount -t proc proc root/proc
    mount -t tmpfs tmpfs root/dev/shm
    mount -t devpts devpts root/dev/pts
    exec chroot root env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        DEBIAN_FRONTEND=noninteractive bash /test/inside.sh' run "$PWD/$base" "$work"
