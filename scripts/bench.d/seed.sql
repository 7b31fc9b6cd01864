-- What the measured calls write into: as many workspaces as :workspaces, each with a project, an
-- environment, a server, a user who owns it and :services running services, so that no quota binds,
-- no row is everybody's, and PostgreSQL plans for tables that are not empty.
--
-- The ids of workspace number w are w in 32 decimal digits, a UUID that pgbench can make as well.
-- Each user has two tokens: the one that a caller sends, which is "berth_", w in 42 digits and "A",
-- stored as its SHA-256 as Berth stores it, and one whose stored digest is w in 32 ASCII digits, for
-- pgbench.

CREATE FUNCTION pg_temp.number(w bigint) RETURNS text LANGUAGE sql AS $$
    SELECT lpad(w::text, 32, '0')
$$;

INSERT INTO users (id, name, created_at)
SELECT pg_temp.number(w)::uuid, 'user ' || w, now() FROM generate_series(1, :workspaces) AS w;

INSERT INTO access_tokens (id, user_id, token_hash, created_at)
SELECT pg_temp.number(w)::uuid, pg_temp.number(w)::uuid,
    sha256(('berth_' || lpad(w::text, 42, '0') || 'A')::bytea), now()
FROM generate_series(1, :workspaces) AS w;

INSERT INTO access_tokens (id, user_id, token_hash, created_at)
SELECT pg_temp.number(:workspaces + w)::uuid, pg_temp.number(w)::uuid,
    pg_temp.number(w)::bytea, now()
FROM generate_series(1, :workspaces) AS w;

INSERT INTO workspaces (id, name, created_at)
SELECT pg_temp.number(w)::uuid, 'workspace ' || w, now()
FROM generate_series(1, :workspaces) AS w;

INSERT INTO workspace_members (workspace_id, user_id, role, created_at)
SELECT id, id, 'owner', created_at FROM workspaces;

INSERT INTO projects (id, workspace_id, name, created_at)
SELECT id, id, name, created_at FROM workspaces;

INSERT INTO environments (id, project_id, workspace_id, name, created_at)
SELECT id, id, id, name, created_at FROM workspaces;

INSERT INTO servers (id, workspace_id, name, created_at)
SELECT id, id, name, created_at FROM workspaces;

INSERT INTO services (id, workspace_id, project_id, environment_id, name, slug, kind, source,
    template_id, image, port, visibility, server_id, created_at, updated_at)
SELECT gen_random_uuid(), w.id, w.id, w.id, 'seeded-' || n, 'seeded-' || n, 'database', 'template',
    'postgres', 'postgres:16-alpine', 5432, 'private', w.id, now(), now()
FROM workspaces AS w, generate_series(1, :services) AS n;

INSERT INTO config_entries (id, service_id, key, kind, value, created_at, updated_at)
SELECT gen_random_uuid(), id, key, 'variable', 'seeded', now(), now()
FROM services, unnest(ARRAY['POSTGRES_USER', 'POSTGRES_DB']) AS key;

INSERT INTO config_entries (id, service_id, key, kind, sealed, sealing_key_id, created_at, updated_at)
SELECT gen_random_uuid(), id, 'POSTGRES_PASSWORD', 'secret', sha256(id::text::bytea), 'none', now(),
    now()
FROM services;

INSERT INTO deployments (id, service_id, environment_id, workspace_id, server_id, state, trigger,
    image, wake_at, created_at, updated_at)
SELECT gen_random_uuid(), id, environment_id, workspace_id, server_id, 'running', 'create', image,
    now(), now(), now()
FROM services;

INSERT INTO environment_servers (environment_id, workspace_id, server_id)
SELECT id, id, id FROM workspaces;

INSERT INTO audit_events (id, workspace_id, action, actor_user_id, actor_token_id, target_kind,
    target_id, request_id, call_id, created_at)
SELECT gen_random_uuid(), workspace_id, 'service.create_database', workspace_id, workspace_id,
    'service', id, 'seeded', 'seeded', now()
FROM services;

INSERT INTO create_requests (workspace_id, user_id, request_id, fingerprint, service_id, created_at)
SELECT workspace_id, workspace_id, id, sha256(id::text::bytea), id, now() FROM services;

VACUUM ANALYZE;
