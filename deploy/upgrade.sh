#!/bin/sh
# Brings the Compose installation to the version in front of you (or to IMAGE in .env) while it is in use.
#   sh deploy/upgrade.sh
# Migrations first: the running version survives them. Then the workers, whose work waits meanwhile. Then each web: a new one
# beside the old one, which leaves once the new one is ready and its own requests are answered.
set -eu
cd "$(dirname "$0")/.."
services="identity challenges leagues ranking"

containers() { # SERVICE -> the ids of its running containers
    docker compose ps --quiet "$1"
}

count() { # IDS... -> how many
    echo $#
}

image=$(sed -n 's/^IMAGE=//p' .env)
case ${image:-ma-petite-planete:local} in
    *:local) docker compose build topics gateway ;;
    *) docker compose pull topics gateway ;;
esac

for service in $services; do
    docker compose run --rm --no-deps "$service-migrate"
done
docker compose run --rm --no-deps topics

for service in $services; do
    # shellcheck disable=SC2046 # ids are words
    running=$(count $(containers "$service-worker"))
    docker compose up --detach --no-deps --wait --scale "$service-worker=$running" "$service-worker"
done

for service in $services; do
    old=$(containers "$service-web")
    # shellcheck disable=SC2086
    running=$(count $old)
    docker compose up --detach --no-deps --no-recreate --wait --scale "$service-web=$((running * 2))" "$service-web"
    # shellcheck disable=SC2086
    docker stop $old
    # shellcheck disable=SC2086
    docker rm $old
    docker compose up --detach --no-deps --no-recreate --scale "$service-web=$running" "$service-web"
done

docker compose up --detach --no-deps --wait gateway # the only moment, of a second or two, in which nobody answers
echo "Upgraded. Look at: docker compose ps"
