#!/bin/sh
# Prints the passwords of .env for a file that PGPASSFILE names, so that one command reaches the four databases.
#   sh deploy/pgpass.sh > pgpass
set -eu
env=${ENV_FILE:-$(cd "$(dirname "$0")" && pwd)/../.env}

[ -r "$env" ] || { echo "ma-petite-planete: $env cannot be read: run deploy/make-env.sh, which writes it." >&2; exit 1; }
[ ! -f /dev/stdout ] || chmod 600 /dev/stdout # PostgreSQL's clients ignore a file that others may read
for service in identity challenges leagues ranking; do
    prefix=$(echo "$service" | tr '[:lower:]' '[:upper:]')
    for role in "$service:${prefix}_PASSWORD" "${service}_owner:${prefix}_OWNER_PASSWORD"; do
        password=$(sed -n "s/^${role#*:}=//p" "$env")
        printf '*:*:*:%s:%s\n' "${role%:*}" "$password"
    done
done
