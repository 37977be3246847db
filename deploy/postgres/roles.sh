#!/bin/sh
# One database and two roles for each service: <name>_owner owns and migrates, <name> runs and can do nothing else.
# The postgres container runs this once, when its volume is empty. By hand, as a superuser, as often as you like:
#   PGHOST=... PGUSER=postgres PGPASSWORD=... IDENTITY_PASSWORD=... IDENTITY_OWNER_PASSWORD=... sh deploy/postgres/roles.sh
set -eu

password_of() { # NAME_OF_VARIABLE
    eval "value=\${$1:-}"
    [ -n "$value" ] || { echo "ma-petite-planete: $1 is empty: run deploy/make-env.sh, which makes it." >&2; exit 1; }
    printf '%s' "$value"
}

for service in identity challenges leagues ranking; do
    prefix=$(echo "$service" | tr '[:lower:]' '[:upper:]')
    run=$(password_of "${prefix}_PASSWORD")
    own=$(password_of "${prefix}_OWNER_PASSWORD")
    # The passwords go in through the environment of psql: its arguments could be read in the list of processes.
    RUN_PASSWORD=$run OWN_PASSWORD=$own psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set "service=$service" \
        --set "owner=${service}_owner" --username "${POSTGRES_USER:-${PGUSER:-postgres}}" --dbname postgres <<'SQL'
\set run_password `printf %s "$RUN_PASSWORD"`
\set own_password `printf %s "$OWN_PASSWORD"`
SELECT format('CREATE ROLE %I', wanted) FROM (VALUES (:'service'), (:'owner')) AS roles(wanted)
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) \gexec
ALTER ROLE :"owner" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'own_password';
ALTER ROLE :"service" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'run_password';
SELECT format('CREATE DATABASE %I OWNER %I', :'service', :'owner')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'service') \gexec
-- The other services' roles have no business here; what the run-time role may do inside, `migrate` grants it.
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"service" TO :"service";
\connect :"service"
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"service";
SQL
done
