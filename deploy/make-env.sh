#!/bin/sh
# Writes .env, which docker-compose.yml reads: deploy/example.env with a new random secret for each empty password.
#   sh deploy/make-env.sh [https://planet.example.org]
set -eu
folder=$(cd "$(dirname "$0")" && pwd)
env=${ENV_FILE:-$folder/../.env}
url=${1:-https://localhost}

fail() {
    printf 'ma-petite-planete: %s\n' "$*" >&2
    exit 1
}

case $url in
    http://?*/ | https://?*/) fail "$url ends with a slash: leave it out." ;;
    *[!A-Za-z0-9.:/_-]*) fail "$url is not an address: give one such as https://planet.example.org." ;;
    http://?* | https://?*) ;;
    *) fail "$url is not an address: begin it with https://." ;;
esac
[ ! -e "$env" ] || fail "$env exists, and its passwords are those of your databases: move it away first if you mean to."

secret() {
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

umask 077 # for its owner's eyes
while IFS= read -r line; do
    case $line in
        PUBLIC_URL=*) printf 'PUBLIC_URL=%s\n' "$url" ;;
        *_PASSWORD=) printf '%s%s\n' "$line" "$(secret)" ;;
        *) printf '%s\n' "$line" ;;
    esac
done <"$folder/example.env" >"$env.new"
mv "$env.new" "$env"
echo "Wrote $env. Keep a copy somewhere safe, then: docker compose up --detach"
