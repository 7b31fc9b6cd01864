-- The agents of servers: how they register, who they are, whether they are there.

-- A one-time token: at most one of a server is valid, and it is gone once it was used.
CREATE TABLE registration_tokens (
    server_id uuid PRIMARY KEY REFERENCES servers (id),
    token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE agents (
    server_id uuid PRIMARY KEY REFERENCES servers (id),
    credential_hash bytea NOT NULL UNIQUE CHECK (length(credential_hash) = 32),
    public_key bytea NOT NULL CHECK (length(public_key) = 32),
    registered_at timestamptz NOT NULL,
    -- The newest stream; an older one of the same server has no rights any more.
    session_id bytea CHECK (length(session_id) = 16),
    session_ended_at timestamptz,
    last_seen_at timestamptz,
    agent_version text NOT NULL DEFAULT '',
    hostname text NOT NULL DEFAULT '',
    operating_system text NOT NULL DEFAULT '',
    architecture text NOT NULL DEFAULT '',
    docker_version text NOT NULL DEFAULT '',
    processors integer NOT NULL DEFAULT 0,
    memory_total_bytes bigint NOT NULL DEFAULT 0,
    memory_available_bytes bigint NOT NULL DEFAULT 0,
    disk_total_bytes bigint NOT NULL DEFAULT 0,
    disk_available_bytes bigint NOT NULL DEFAULT 0
);

-- The key that signs jobs, made at the first bootstrap and sealed with the master key.
CREATE TABLE signing_keys (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    public_key bytea NOT NULL CHECK (length(public_key) = 32),
    sealed bytea NOT NULL,
    sealing_key_id text NOT NULL,
    created_at timestamptz NOT NULL
);

-- What other modules may know of an agent: which stream is the newest, and when it was last heard of.
CREATE VIEW server_presence AS
    SELECT server_id, session_id, last_seen_at,
        session_id IS NOT NULL AND session_ended_at IS NULL
            AND last_seen_at > now() - interval '30 seconds' AS online
    FROM agents;

-- An agent's refusals and those of its reports are audited too: then the actor is a server.
ALTER TABLE audit_events ALTER COLUMN actor_user_id DROP NOT NULL;
ALTER TABLE audit_events ALTER COLUMN actor_token_id DROP NOT NULL;
ALTER TABLE audit_events ADD COLUMN actor_server_id uuid REFERENCES servers (id);
ALTER TABLE audit_events ADD COLUMN detail text NOT NULL DEFAULT '';
ALTER TABLE audit_events ADD CONSTRAINT audit_events_have_one_actor CHECK (
    num_nonnulls(actor_user_id, actor_server_id) = 1
    AND (actor_user_id IS NULL) = (actor_token_id IS NULL)
);
