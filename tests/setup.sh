#!/bin/sh
# Installs the programs that the tests drive, where it may (root, or sudo without a password, and apt); otherwise prints
# what is missing and which tests that costs. Fails only under CI=true, where every test must run.
set -u

PATH="$PATH:/usr/sbin:/sbin$(printf ":%s" /usr/lib/postgresql/*/bin)"
missing=""
packages=""

need() { # program, Debian package, what it is for
    if ! command -v "$1" >/dev/null 2>&1; then
        missing="$missing
  $1 (package $2): $3"
        packages="$packages $2"
    fi
}

look() {
    missing=""
    packages=""
    need mosquitto mosquitto "broker mode, end to end"
    need mosquitto_pub mosquitto-clients "interoperation with mosquitto_pub and mosquitto_sub"
    need chromium chromium "the status page in a browser"
    need chromedriver chromium-driver "the status page in a browser"
    need node nodejs "interoperation with MQTT.js"
    need npm npm "interoperation with MQTT.js"
    need strace strace "faults: a kill at each system call, failing disks"
    need openssl openssl "TLS with certificates of all kinds"
    need faketime faketime "certificates and other clocks"
    need promtool prometheus "the alert rules"
    need initdb postgresql "the centre's store on PostgreSQL"
    need systemd-analyze systemd "the service files"
    need dpkg-deb dpkg "the Debian packages"
    need strip binutils "the Debian packages"
}

look
[ -z "$missing" ] && exit 0

if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" -eq 0 ]; then
        as_root=""
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        as_root="no"
    fi
    if [ "$as_root" != no ]; then
        echo "Installing with apt:$packages"
        log=$(mktemp)
        # shellcheck disable=SC2086 # both are lists of words
        if ! { $as_root apt-get update -q && $as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -q --no-install-recommends $packages; } >"$log" 2>&1; then
            tail -n 20 "$log" >&2
        fi
        rm -f "$log"
        look
    fi
fi

[ -z "$missing" ] && exit 0
echo "These programs are missing, so the tests that need them cannot run:$missing" >&2
echo "Install them as root: apt-get install$packages" >&2
[ "${CI:-}" = true ] && exit 1
exit 0
