-- The spine: who may act, where services live, what they hold, how they are deployed, what happened.
-- The invariants that must hold whatever the code does are constraints here.

-- Which master key sealed this database's secrets; a berthd with another key refuses to start.
CREATE TABLE key_checks (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    key_id text NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    created_at timestamptz NOT NULL
);

-- A token is 256 random bits, so its plain SHA-256 cannot be searched for.
CREATE TABLE access_tokens (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX access_tokens_user_id ON access_tokens (user_id);

CREATE TABLE workspaces (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    created_at timestamptz NOT NULL
);

CREATE TABLE workspace_members (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    user_id uuid NOT NULL REFERENCES users (id),
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
);

-- Each row repeats its workspace and its key includes it, so that no foreign key below can join a
-- row of one workspace to a row of another.
CREATE TABLE projects (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    created_at timestamptz NOT NULL,
    UNIQUE (id, workspace_id)
);

CREATE TABLE environments (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    created_at timestamptz NOT NULL,
    FOREIGN KEY (project_id, workspace_id) REFERENCES projects (id, workspace_id),
    UNIQUE (id, project_id, workspace_id)
);

CREATE TABLE servers (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
    created_at timestamptz NOT NULL,
    UNIQUE (id, workspace_id)
);

CREATE TABLE services (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,
    project_id uuid NOT NULL,
    environment_id uuid NOT NULL,
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 128),
    slug text NOT NULL CHECK (slug ~ '^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$' AND slug <> 'localhost'),
    kind text NOT NULL CHECK (kind IN ('application', 'database')),
    source text NOT NULL CHECK (source IN ('image', 'template')),
    template_id text,
    image text NOT NULL CHECK (length(image) > 0),
    port integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    visibility text NOT NULL CHECK (visibility IN ('private', 'public')),
    server_id uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    FOREIGN KEY (environment_id, project_id, workspace_id)
        REFERENCES environments (id, project_id, workspace_id),
    FOREIGN KEY (server_id, workspace_id) REFERENCES servers (id, workspace_id),
    CONSTRAINT services_source_names_its_template
        CHECK ((source = 'template') = (template_id IS NOT NULL)),
    CONSTRAINT services_template_is_private
        CHECK (source <> 'template' OR visibility = 'private'),
    UNIQUE (id, environment_id)
);
CREATE UNIQUE INDEX services_slug_is_unique_in_environment
    ON services (environment_id, slug) WHERE deleted_at IS NULL;
CREATE INDEX services_environment_id ON services (environment_id, id DESC);
CREATE INDEX services_project_id ON services (project_id, id DESC);
CREATE INDEX services_workspace_id ON services (workspace_id, id DESC);

-- A variable holds text; a secret holds only what the master key opens.
CREATE TABLE config_entries (
    id uuid PRIMARY KEY,
    service_id uuid REFERENCES services (id),
    environment_id uuid REFERENCES environments (id),
    key text NOT NULL CHECK (key ~ '^[A-Za-z_][A-Za-z0-9_]{0,127}$'),
    kind text NOT NULL CHECK (kind IN ('variable', 'secret')),
    value text,
    sealed bytea,
    sealing_key_id text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT config_entries_have_one_scope CHECK (num_nonnulls(service_id, environment_id) = 1),
    CONSTRAINT config_entries_secret_is_sealed CHECK (
        (kind = 'variable' AND value IS NOT NULL AND sealed IS NULL AND sealing_key_id IS NULL)
        OR (kind = 'secret' AND value IS NULL AND sealed IS NOT NULL AND sealing_key_id IS NOT NULL)
    )
);
CREATE UNIQUE INDEX config_entries_key_is_unique_in_service
    ON config_entries (service_id, key) WHERE service_id IS NOT NULL;
CREATE UNIQUE INDEX config_entries_key_is_unique_in_environment
    ON config_entries (environment_id, key) WHERE environment_id IS NOT NULL;

-- The row is the queue: what a deployment is at, who works on it and until when.
CREATE TABLE deployments (
    id uuid PRIMARY KEY,
    service_id uuid NOT NULL,
    environment_id uuid NOT NULL,
    server_id uuid NOT NULL REFERENCES servers (id),
    state text NOT NULL CHECK (state IN ('queued', 'claimed', 'pulling', 'starting', 'verifying',
        'running', 'failed', 'superseded', 'cancelled')),
    trigger text NOT NULL CHECK (trigger IN ('create', 'deploy', 'redeploy')),
    image text NOT NULL CHECK (length(image) > 0),
    message text NOT NULL DEFAULT '',
    attempt integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    lease_holder text,
    lease_until timestamptz,
    fencing_token bigint NOT NULL DEFAULT 0 CHECK (fencing_token >= 0),
    wake_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    FOREIGN KEY (service_id, environment_id) REFERENCES services (id, environment_id),
    CONSTRAINT deployments_lease_is_whole CHECK (
        (lease_holder IS NULL) = (lease_until IS NULL)
        AND (lease_holder IS NULL OR fencing_token > 0)
    )
);
CREATE INDEX deployments_service_id ON deployments (service_id, id DESC);
CREATE INDEX deployments_queued ON deployments (server_id, wake_at) WHERE state = 'queued';

CREATE TABLE audit_events (
    id uuid PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    action text NOT NULL CHECK (action ~ '^[a-z_]+\.[a-z_]+$'),
    actor_user_id uuid NOT NULL REFERENCES users (id),
    actor_token_id uuid NOT NULL REFERENCES access_tokens (id),
    target_kind text NOT NULL CHECK (target_kind IN ('service', 'server', 'workspace')),
    target_id uuid NOT NULL,
    request_id text NOT NULL,
    call_id text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX audit_events_workspace_id ON audit_events (workspace_id, id DESC);

-- What `berthd bootstrap` made, so that running it again finds the same.
CREATE TABLE bootstraps (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    user_id uuid NOT NULL REFERENCES users (id),
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    project_id uuid NOT NULL REFERENCES projects (id),
    environment_id uuid NOT NULL REFERENCES environments (id),
    server_id uuid NOT NULL REFERENCES servers (id),
    token_id uuid NOT NULL REFERENCES access_tokens (id)
);

-- Where each thing that a permission can be asked for lies; what authorization joins, so that a
-- decision costs one statement.
CREATE VIEW scopes AS
    SELECT 'workspace' AS kind, id, id AS workspace_id, NULL::uuid AS project_id,
        NULL::uuid AS environment_id
    FROM workspaces
    UNION ALL
    SELECT 'project', id, workspace_id, id, NULL FROM projects
    UNION ALL
    SELECT 'environment', id, workspace_id, project_id, id FROM environments
    UNION ALL
    SELECT 'service', id, workspace_id, project_id, environment_id FROM services
    UNION ALL
    SELECT 'deployment', d.id, s.workspace_id, s.project_id, s.environment_id
    FROM deployments d JOIN services s ON s.id = d.service_id;
