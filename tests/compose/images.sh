#!/usr/bin/env bash
# The images that docker-compose.yml and its Dockerfiles begin with. Where no registry can be reached they are made here, from
# Debian's packages, under the same names and labelled as what they are: what is tested is the same compose file.
set -euo pipefail
cd "$(dirname "$0")"
label=strongroom.stand-in
suite=bookworm
base=debian:$suite-slim
postgres=postgres:15-$suite

# present IMAGE: the real one, or the stand-in of an earlier run.
present() {
    [ "$(docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$1" 2>/dev/null)" = "" ] \
        && docker image inspect "$1" >/dev/null 2>&1 && return
    timeout 300 docker pull --quiet "$1" >/dev/null 2>&1 || docker image inspect "$1" >/dev/null 2>&1
}

if ! present "$base"; then
    echo "no registry: making $base"
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    debootstrap --variant=minbase "$suite" "$root" http://deb.debian.org/debian >"$root.log" 2>&1 \
        || { tail "$root.log" >&2; exit 1; }
    rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* \
        "$root"/usr/share/{doc,info,locale,man}/*
    # As in the real one: what apt would keep, nobody needs in an image.
    echo 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache ""; DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };' \
        >"$root/etc/apt/apt.conf.d/docker-clean"
    echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"
    tar --create --directory "$root" . | docker import --change "LABEL $label=yes" - "$base" >/dev/null
fi
if ! present "$postgres"; then
    echo "no registry: making $postgres"
    docker build --quiet --label "$label=yes" --tag "$postgres" postgres >/dev/null
fi
